//! Who owns a ring: handles reach it through one of these.
//!
//! * `&Ring` for a ring in place: a static, or a borrowed one;
//! * `Heap` for a ring on the heap, freed with its last handle.

use crate::ends::Ends;
use crate::position::{Geometry, Word};
use crate::slots::Slots;
use crate::sync::{Atomic, Ordering};

/// How the handles of a ring reach it. Implemented for `&Ring` and for
/// `Heap`, and sealed.
///
/// An owner has two associated types: `Item`, what the ring holds, and `Word`, what
/// its positions are kept in. So a function can take handles of any ring:
///
/// ```
/// use ringfence_core::spsc::{Owner, Producer, Ring, with_capacity};
///
/// fn greet<O: Owner<Item = u8>>(tx: &mut Producer<O>) -> bool {
///     tx.free() >= 2 && tx.push_slice(b"hi") == 2
/// }
///
/// let mut ring = Ring::<u8, 2, u16>::new();
/// assert!(greet(&mut ring.split_mut().0));
/// assert!(greet(&mut with_capacity(2).0));
/// ```
pub trait Owner: Parts {}

/// What an owner owns.
///
/// # Safety
/// All three belong to one ring and stay the same, and the slots stay where
/// they are, for as long as the owner lives. There are `geometry.slots()` of
/// them.
pub unsafe trait Parts {
    /// What the ring holds.
    type Item;
    /// What its positions are kept in.
    type Word: Word;
    #[doc(hidden)]
    fn ends(&self) -> &Ends<Self::Word>;
    #[doc(hidden)]
    fn geometry(&self) -> Geometry;
    #[doc(hidden)]
    fn slots(&self) -> Slots<Self::Item>;
    /// After a push, or when the producer is gone: for rings whose sides can wait.
    ///
    /// # Safety
    /// By the one producer.
    #[doc(hidden)]
    #[inline(always)]
    unsafe fn wake_consumer(&self) {}
    /// After slots were freed, or when the consumer is gone: likewise.
    ///
    /// # Safety
    /// By the one consumer.
    #[doc(hidden)]
    #[inline(always)]
    unsafe fn wake_producer(&self) {}
}

/// Drops what is left in a ring. If one item's `Drop` panics, the others are
/// dropped nevertheless; a second panic aborts.
///
/// # Safety
/// No handle uses the ring any more, and none will.
pub(crate) unsafe fn drop_items<O: Parts>(owner: &O) {
    struct Rest<'a, O: Parts> {
        owner: &'a O,
        head: O::Word,
        tail: O::Word,
    }
    impl<O: Parts> Rest<'_, O> {
        fn drop_all(&mut self) {
            let geometry = self.owner.geometry();
            while self.head != self.tail {
                let index = geometry.index(self.head);
                self.head = geometry.advance(self.head, 1);
                // SAFETY: between head and tail by I2, and passed only once.
                unsafe { self.owner.slots().drop_in_place(index) };
            }
        }
    }
    impl<O: Parts> Drop for Rest<'_, O> {
        fn drop(&mut self) {
            self.drop_all();
        }
    }
    let ends = owner.ends();
    // ORDERING: Relaxed; the caller is alone with the ring.
    Rest {
        owner,
        head: ends.head.load(Ordering::Relaxed),
        tail: ends.tail.load(Ordering::Relaxed),
    }
    .drop_all();
}
