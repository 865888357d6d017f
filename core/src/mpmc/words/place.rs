//! Where a ring of words keeps its slots: in place, or on the heap.

use core::cell::Cell;
use core::marker::PhantomData;

use super::sealed::WordStorage;
use super::{Payload, Track, WordRing};
use crate::mpmc::packing::{Packing, Slot};
use crate::pace::Paced;
use crate::sync::rmw::AtomicUsize;
use crate::sync::{self, Padded, const_unless_loom};

/// A ring of words in place, for exactly `N` items.
///
/// Its empty state is all zeros, so that a `static` costs nothing in flash. Items
/// that are left are dropped with the ring; a static is never dropped.
///
/// What an item may be, and on which targets: see [`Payload`], and the
/// [module](super::super#targets).
///
/// No ring without room, and none for items that may not move between threads:
///
/// ```compile_fail
/// static NONE: ringfence_core::mpmc::Words<u8, 0> = ringfence_core::mpmc::Words::new();
/// ```
/// ```compile_fail
/// use core::ptr::NonNull;
/// static LOCAL: ringfence_core::mpmc::Words<NonNull<u8>, 4> = ringfence_core::mpmc::Words::new();
/// ```
pub type Words<T, const N: usize> = WordRing<WordPlace<T, N>>;

/// Where a [`Words`] keeps its slots.
#[derive(Debug)]
pub struct WordPlace<T: Payload, const N: usize> {
    tail: Padded<Paced<AtomicUsize>>,
    head: Padded<Paced<AtomicUsize>>,
    slots: [Slot<T::Bits>; N],
    /// It owns items, and gives out none but by value; invariant, since they go
    /// in and come out by a shared reference.
    items: PhantomData<Cell<T>>,
}

// SAFETY: items move between threads, hence `T: Send`; nobody gets a reference to
// one (M1), hence no `T: Sync`.
unsafe impl<T: Payload + Send, const N: usize> Sync for WordPlace<T, N> {}

impl<T: Payload, const N: usize> WordPlace<T, N> {
    const PACKING: Packing<T::Bits> = {
        assert!(N > 0, "a ring holds at least one item");
        assert!(N <= usize::MAX >> (usize::BITS / 2), "laps need half a word");
        Packing::new(N)
    };
}

impl<T: Payload, const N: usize> WordStorage for WordPlace<T, N> {
    type Item = T;

    #[inline(always)]
    fn track(&self) -> Track<'_, T::Bits> {
        Track {
            packing: Self::PACKING,
            slots: &self.slots,
            tail: &self.tail,
            head: &self.head,
        }
    }
}

impl<T: Payload, const N: usize> WordRing<WordPlace<T, N>> {
    const_unless_loom! {
        /// An empty ring.
        #[must_use]
        pub const fn new() -> Self {
            let _ = WordPlace::<T, N>::PACKING;
            Self {
                storage: WordPlace {
                    tail: Padded::new(Paced::new(AtomicUsize::new(0))),
                    head: Padded::new(Paced::new(AtomicUsize::new(0))),
                    slots: sync::zeros!(N),
                    items: PhantomData,
                },
            }
        }
    }
}

impl<T: Payload, const N: usize> Default for WordRing<WordPlace<T, N>> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(feature = "alloc")]
mod heap {
    use alloc::boxed::Box;

    use super::*;
    use crate::error::CapacityError;
    use crate::mpmc::cells::zeros;

    /// A ring of words on the heap.
    ///
    /// Who holds it for long-lived items cannot be given short-lived ones:
    ///
    /// ```compile_fail
    /// use ringfence_core::mpmc::HeapWords;
    /// fn shorten<'s>(ring: &'s HeapWords<&'static u8>) -> &'s HeapWords<&'s u8> {
    ///     ring
    /// }
    /// ```
    pub type HeapWords<T> = WordRing<HeapWordPlace<T>>;

    /// Where a [`HeapWords`] keeps its slots.
    #[derive(Debug)]
    pub struct HeapWordPlace<T: Payload> {
        tail: Padded<Paced<AtomicUsize>>,
        head: Padded<Paced<AtomicUsize>>,
        slots: Box<[Slot<T::Bits>]>,
        packing: Packing<T::Bits>,
        items: PhantomData<Cell<T>>,
    }

    // SAFETY: as for `WordPlace`.
    unsafe impl<T: Payload + Send> Sync for HeapWordPlace<T> {}

    impl<T: Payload> WordStorage for HeapWordPlace<T> {
        type Item = T;

        #[inline(always)]
        fn track(&self) -> Track<'_, T::Bits> {
            Track {
                packing: self.packing,
                slots: &self.slots,
                tail: &self.tail,
                head: &self.head,
            }
        }
    }

    impl<T: Payload> WordRing<HeapWordPlace<T>> {
        /// An empty ring for exactly `capacity` items.
        ///
        /// # Errors
        /// [`CapacityError`] if that is 0, or no memory can hold them.
        pub fn try_with_capacity(capacity: usize) -> Result<Self, CapacityError> {
            if capacity == 0 {
                return Err(CapacityError::Zero);
            }
            if capacity > usize::MAX >> (usize::BITS / 2) {
                return Err(CapacityError::TooLarge);
            }
            Ok(Self {
                storage: HeapWordPlace {
                    tail: Padded::new(Paced::new(AtomicUsize::new(0))),
                    head: Padded::new(Paced::new(AtomicUsize::new(0))),
                    slots: zeros(capacity)?,
                    packing: Packing::new(capacity),
                    items: PhantomData,
                },
            })
        }
    }
}
#[cfg(feature = "alloc")]
pub use heap::{HeapWordPlace, HeapWords};
