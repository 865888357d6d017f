//! Where a ring keeps its parts: in place, or on the heap.

use super::sealed::Storage;
use super::{Cell, Mpmc, Parts, Track};
use crate::mpmc::packing::Packing;
use crate::slots::InPlace;
use crate::pace::Paced;
use crate::sync::rmw::AtomicUsize;
use crate::sync::{self, Padded, const_unless_loom};

/// A ring in place, for exactly `N` items, with `S` spares.
///
/// Its empty state is all zeros, so that a `static` costs nothing in flash. Items
/// that are left are dropped with the ring; a static is never dropped.
///
/// No ring without room, none without spares, and none for items that may not move
/// between threads:
///
/// ```compile_fail
/// static NONE: ringfence_core::mpmc::Ring<u8, 0> = ringfence_core::mpmc::Ring::new();
/// ```
/// ```compile_fail
/// static NONE: ringfence_core::mpmc::Ring<u8, 1, 0> = ringfence_core::mpmc::Ring::new();
/// ```
/// ```compile_fail
/// use std::rc::Rc;
/// static LOCAL: ringfence_core::mpmc::Ring<Rc<u8>, 4> = ringfence_core::mpmc::Ring::new();
/// ```
pub type Ring<T, const N: usize, const S: usize = 4> = Mpmc<Place<T, N, S>>;

/// Where a [`Ring`] keeps its parts.
#[derive(Debug)]
pub struct Place<T, const N: usize, const S: usize> {
    tail: Padded<Paced<AtomicUsize>>,
    head: Padded<Paced<AtomicUsize>>,
    slots: [AtomicUsize; N],
    pool: [Padded<AtomicUsize>; S],
    cells: InPlace<T, N, S>,
}

// SAFETY: items move between threads, hence `T: Send`; nobody gets a reference to
// one (M1, M2), hence no `T: Sync`.
unsafe impl<T: Send, const N: usize, const S: usize> Sync for Place<T, N, S> {}
// SAFETY: the items are in it.
unsafe impl<T: Send, const N: usize, const S: usize> Send for Place<T, N, S> {}

impl<T, const N: usize, const S: usize> Place<T, N, S> {
    const PACKING: Packing<Cell> = {
        assert!(N > 0, "a ring holds at least one item");
        assert!(S > 0, "a call needs a spare");
        assert!(N <= usize::MAX >> (usize::BITS / 2), "laps need half a word");
        assert!(S <= usize::MAX >> (usize::BITS / 2), "laps need half a word");
        Packing::new(N + S)
    };
}

impl<T, const N: usize, const S: usize> Storage for Place<T, N, S> {
    type Item = T;

    #[inline(always)]
    fn parts(&self) -> Parts<'_, T> {
        Parts {
            track: Track {
                packing: Self::PACKING,
                slots: &self.slots,
                tail: &self.tail,
                head: &self.head,
            },
            pool: &self.pool,
            cells: self.cells.slots(),
        }
    }
}

impl<T, const N: usize, const S: usize> Mpmc<Place<T, N, S>> {
    const_unless_loom! {
        /// An empty ring.
        #[must_use]
        pub const fn new() -> Self {
            let _ = Place::<T, N, S>::PACKING;
            Self {
                storage: Place {
                    tail: Padded::new(Paced::new(AtomicUsize::new(0))),
                    head: Padded::new(Paced::new(AtomicUsize::new(0))),
                    slots: sync::zeros!(N),
                    pool: sync::filled!(Padded::new(AtomicUsize::new(0)); S),
                    cells: InPlace::new(),
                },
            }
        }
    }
}

#[cfg(feature = "alloc")]
mod heap {
    use alloc::boxed::Box;
    use alloc::vec::Vec;

    use super::{AtomicUsize, Cell, Mpmc, Packing, Paced, Padded, Parts, Storage, Track};
    use crate::error::CapacityError;
    use crate::slots::Slots;
    use crate::sync::{self, Atomic};

    /// A ring on the heap.
    ///
    /// Who holds it for long-lived items cannot be given short-lived ones:
    ///
    /// ```compile_fail
    /// use ringfence_core::mpmc::HeapRing;
    /// fn shorten<'s>(ring: &'s HeapRing<&'static str>) -> &'s HeapRing<&'s str> {
    ///     ring
    /// }
    /// ```
    pub type HeapRing<T> = Mpmc<HeapPlace<T>>;

    /// Where a [`HeapRing`] keeps its parts.
    #[derive(Debug)]
    pub struct HeapPlace<T> {
        tail: Padded<Paced<AtomicUsize>>,
        head: Padded<Paced<AtomicUsize>>,
        slots: Box<[AtomicUsize]>,
        pool: Box<[Padded<AtomicUsize>]>,
        cells: Slots<T>,
        packing: Packing<Cell>,
    }

    // SAFETY: as for `Place`; the cells are owned.
    unsafe impl<T: Send> Send for HeapPlace<T> {}
    // SAFETY: as for `Place`.
    unsafe impl<T: Send> Sync for HeapPlace<T> {}

    impl<T> Storage for HeapPlace<T> {
        type Item = T;

        #[inline(always)]
        fn parts(&self) -> Parts<'_, T> {
            Parts {
                track: Track {
                    packing: self.packing,
                    slots: &self.slots,
                    tail: &self.tail,
                    head: &self.head,
                },
                pool: &self.pool,
                cells: self.cells.clone(),
            }
        }
    }

    impl<T> Drop for HeapPlace<T> {
        fn drop(&mut self) {
            // SAFETY: from `allocate` with as many; the ring has dropped the
            // items, and nobody is inside.
            unsafe { self.cells.free(self.slots.len() + self.pool.len()) }
        }
    }

    impl<T> Mpmc<HeapPlace<T>> {
        /// An empty ring for exactly `capacity` items, with `spares` spares: as
        /// many calls and handles can be inside at one time.
        ///
        /// # Errors
        /// [`CapacityError`] if one of the two is 0, or no memory can hold them.
        pub fn try_with_capacity(capacity: usize, spares: usize) -> Result<Self, CapacityError> {
            if capacity == 0 || spares == 0 {
                return Err(CapacityError::Zero);
            }
            let most = usize::MAX >> (usize::BITS / 2);
            if capacity > most || spares > most {
                return Err(CapacityError::TooLarge);
            }
            Self::of(capacity, spares, Packing::new(capacity + spares))
        }

        /// With indices and cells of any number of bits that is enough.
        pub(in crate::mpmc) fn of(
            capacity: usize,
            spares: usize,
            packing: Packing<Cell>,
        ) -> Result<Self, CapacityError> {
            Ok(Self {
                storage: HeapPlace {
                    tail: Padded::new(Paced::new(AtomicUsize::new(0))),
                    head: Padded::new(Paced::new(AtomicUsize::new(0))),
                    slots: zeros(capacity)?,
                    pool: filled(spares, || Padded::new(AtomicUsize::new(0)))?,
                    cells: Slots::allocate(capacity + spares)?,
                    packing,
                },
            })
        }
    }

    /// An array of atomics at zero.
    pub(in crate::mpmc) fn zeros<W, A: Atomic<W>>(count: usize) -> Result<Box<[A]>, CapacityError> {
        filled(count, sync::zero)
    }

    fn filled<T>(count: usize, new: impl Fn() -> T) -> Result<Box<[T]>, CapacityError> {
        let mut words = Vec::new();
        words
            .try_reserve_exact(count)
            .map_err(|_| CapacityError::OutOfMemory)?;
        words.extend((0..count).map(|_| new()));
        Ok(words.into_boxed_slice())
    }
}
#[cfg(feature = "alloc")]
pub(in crate::mpmc) use heap::zeros;
#[cfg(feature = "alloc")]
pub use heap::{HeapPlace, HeapRing};

impl<T, const N: usize, const S: usize> Default for Mpmc<Place<T, N, S>> {
    fn default() -> Self {
        Self::new()
    }
}
