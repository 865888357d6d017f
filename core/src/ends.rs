//! What the two sides of a ring share.

use crate::padded::Padded;
use crate::position::Word;
use crate::sync::{self, AtomicBool, const_unless_loom};

/// Two positions, and two last words. Who stores which: I3 of `spsc`.
#[derive(Debug)]
pub struct Ends<W: Word> {
    /// Position of the next push.
    pub(crate) tail: Padded<W::Atomic>,
    /// Position of the next pop.
    pub(crate) head: Padded<W::Atomic>,
    /// There will be no more pushes.
    pub(crate) producer_gone: AtomicBool,
    /// There will be no more pops.
    pub(crate) consumer_gone: AtomicBool,
}

impl<W: Word> Ends<W> {
    const_unless_loom! {
        pub(crate) const fn new() -> Self {
            Self {
                tail: Padded::new(sync::zero::<W, W::Atomic>()),
                head: Padded::new(sync::zero::<W, W::Atomic>()),
                producer_gone: AtomicBool::new(false),
                consumer_gone: AtomicBool::new(false),
            }
        }
    }
}
