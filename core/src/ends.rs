//! What the two sides of a ring share.

use crate::padded::Padded;
use crate::position::Word;
use crate::sync::{self, AtomicBool, AtomicUsize, Ordering, const_unless_loom, fence};

/// Two positions, and two last words. Who stores which: I3 of `spsc`.
///
/// And whether a ring in place has been split, which would be padding by itself.
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
    taken: AtomicBool,
    claimant: AtomicUsize,
}

impl<W: Word> Ends<W> {
    const_unless_loom! {
        pub(crate) const fn new() -> Self {
            Self {
                tail: Padded::new(sync::zero::<W, W::Atomic>()),
                head: Padded::new(sync::zero::<W, W::Atomic>()),
                producer_gone: AtomicBool::new(false),
                consumer_gone: AtomicBool::new(false),
                taken: AtomicBool::new(false),
                claimant: AtomicUsize::new(0),
            }
        }
    }

    /// Lets at most one caller ever succeed, with loads and stores alone.
    ///
    /// Lamport's splitter (1987). Two callers that both get past `taken` have both
    /// written `claimant` before either wrote `taken`, so the earlier of the two
    /// names finds the other's in its place.
    pub(crate) fn claim(&self) -> bool {
        // The address of a local names its caller among all that are inside.
        let local = 0u8;
        let name = (&raw const local).addr();
        // ORDERING: Relaxed, between fences: no caller may read before what it
        // has written is visible to every caller whose fence comes later.
        self.claimant.store(name, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        if self.taken.load(Ordering::Relaxed) {
            return false;
        }
        self.taken.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        self.claimant.load(Ordering::Relaxed) == name
    }
}
