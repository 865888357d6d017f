//! Where a ring keeps its parts: in place, or on the heap.

use core::marker::PhantomData;

use super::packing::Packing;
use super::parts::{Ends, Parts};
use super::{Shared, Side, Stamped};
use crate::slots::StampedSlot;
use crate::sync::{Padded, const_unless_loom, filled};

pub(super) mod sealed {
    use super::{Parts, Side};

    /// Gives the same parts of one ring as long as it lives (T4).
    #[expect(unnameable_types, reason = "sealed")]
    pub trait Storage {
        type Item;
        type Producers: Side;
        type Consumers: Side;
        fn parts(&self) -> Parts<'_, Self::Item>;
    }
}
use sealed::Storage;

/// A ring in place, for exactly `N` items.
///
/// Its empty state is all zeros, so that a `static` costs nothing in flash. Items
/// that are left are dropped with the ring; a static is never dropped.
///
/// No ring without room, and none for items that may not move between threads:
///
/// ```compile_fail
/// static NONE: ringfence_core::stamped::Ring<u8, 0> = ringfence_core::stamped::Ring::new();
/// ```
/// ```compile_fail
/// use std::rc::Rc;
/// static LOCAL: ringfence_core::stamped::Ring<Rc<u8>, 4> = ringfence_core::stamped::Ring::new();
/// ```
pub type Ring<T, const N: usize, P = Shared, C = Shared> = Stamped<Place<T, N, P, C>>;

/// Where a [`Ring`] keeps its parts.
#[derive(Debug)]
pub struct Place<T, const N: usize, P, C> {
    ends: Ends,
    slots: Padded<[StampedSlot<T>; N]>,
    sides: PhantomData<(P, C)>,
}

// SAFETY: items move between threads, hence `T: Send`; a reference to one is given
// to its only consumer alone (T2), hence no `T: Sync`.
unsafe impl<T: Send, const N: usize, P, C> Sync for Place<T, N, P, C> {}
// SAFETY: the items are in it.
unsafe impl<T: Send, const N: usize, P, C> Send for Place<T, N, P, C> {}

impl<T, const N: usize, P, C> Place<T, N, P, C> {
    const PACKING: Packing = {
        assert!(N > 0, "a ring holds at least one item");
        assert!(N <= Packing::MAX_CAPACITY, "laps need three bits");
        Packing::new(N)
    };
}

impl<T, const N: usize, P: Side, C: Side> Storage for Place<T, N, P, C> {
    type Item = T;
    type Producers = P;
    type Consumers = C;

    #[inline(always)]
    fn parts(&self) -> Parts<'_, T> {
        Parts {
            packing: Self::PACKING,
            slots: &*self.slots,
            ends: &self.ends,
        }
    }
}

impl<T, const N: usize, P: Side, C: Side> Stamped<Place<T, N, P, C>> {
    const_unless_loom! {
        /// An empty ring.
        pub const fn new() -> Self {
            let _ = Place::<T, N, P, C>::PACKING;
            Self {
                storage: Place {
                    ends: Ends::new(),
                    slots: Padded::new(filled!(StampedSlot::<T>::new(); N)),
                    sides: PhantomData,
                },
            }
        }
    }
}

impl<T, const N: usize, P: Side, C: Side> Default for Stamped<Place<T, N, P, C>> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(feature = "alloc")]
mod heap {
    use super::super::Solo;
    use super::*;
    use crate::error::CapacityError;
    use crate::slots::StampedSlots;

    /// A ring on the heap.
    ///
    /// Who holds it for long-lived items cannot be given short-lived ones:
    ///
    /// ```compile_fail
    /// use ringfence_core::stamped::HeapRing;
    /// fn shorten<'s>(ring: &'s HeapRing<&'static str>) -> &'s HeapRing<&'s str> {
    ///     ring
    /// }
    /// ```
    pub type HeapRing<T, P = Shared, C = Shared> = Stamped<HeapPlace<T, P, C>>;

    /// Many producers, many consumers, on the heap.
    pub type Mpmc<T> = HeapRing<T, Shared, Shared>;
    /// Many producers, one consumer, on the heap.
    pub type Mpsc<T> = HeapRing<T, Shared, Solo>;
    /// One producer, many consumers, on the heap.
    pub type Spmc<T> = HeapRing<T, Solo, Shared>;
    /// One producer, one consumer, on the heap: [`spsc`](crate::spsc) does more for
    /// those, and is here to be compared with.
    pub type Spsc<T> = HeapRing<T, Solo, Solo>;

    /// Where a [`HeapRing`] keeps its parts.
    #[derive(Debug)]
    pub struct HeapPlace<T, P, C> {
        ends: Ends,
        slots: StampedSlots<T>,
        packing: Packing,
        sides: PhantomData<(P, C)>,
    }

    // SAFETY: as for `Place`; the slots are owned.
    unsafe impl<T: Send, P, C> Send for HeapPlace<T, P, C> {}
    // SAFETY: as for `Place`.
    unsafe impl<T: Send, P, C> Sync for HeapPlace<T, P, C> {}

    impl<T, P: Side, C: Side> Storage for HeapPlace<T, P, C> {
        type Item = T;
        type Producers = P;
        type Consumers = C;

        #[inline(always)]
        fn parts(&self) -> Parts<'_, T> {
            Parts {
                packing: self.packing,
                slots: self.slots.as_slice(),
                ends: &self.ends,
            }
        }
    }

    impl<T, P: Side, C: Side> Stamped<HeapPlace<T, P, C>> {
        /// An empty ring for exactly `capacity` items.
        ///
        /// # Errors
        /// [`CapacityError`] if `capacity` is 0, or no memory can hold it.
        pub fn try_with_capacity(capacity: usize) -> Result<Self, CapacityError> {
            if capacity == 0 {
                return Err(CapacityError::Zero);
            }
            if capacity > Packing::MAX_CAPACITY {
                return Err(CapacityError::TooLarge);
            }
            Self::packed(Packing::new(capacity))
        }

        /// As [`try_with_capacity`](Self::try_with_capacity).
        ///
        /// # Panics
        /// If `capacity` is 0 or no memory can hold it.
        pub fn with_capacity(capacity: usize) -> Self {
            Self::try_with_capacity(capacity)
                .unwrap_or_else(|error| panic!("{error}: {capacity}"))
        }

        /// With laps that are counted in so many bits only, for tests.
        ///
        /// # Panics
        /// If the bits are fewer than 3, or leave none for the capacity.
        ///
        /// # Safety
        /// The horizon is that near: no call stops before its compare-and-swap while
        /// others go round 2^`lap_bits` times.
        #[doc(hidden)]
        pub unsafe fn with_lap_bits(capacity: usize, lap_bits: u32) -> Self {
            Self::packed(Packing::with_lap_bits(capacity, lap_bits))
                .unwrap_or_else(|error| panic!("{error}: {capacity}"))
        }

        fn packed(packing: Packing) -> Result<Self, CapacityError> {
            Ok(Self {
                storage: HeapPlace {
                    ends: Ends::new(),
                    slots: StampedSlots::allocate(packing.capacity())?,
                    packing,
                    sides: PhantomData,
                },
            })
        }
    }
}
#[cfg(feature = "alloc")]
pub use heap::{HeapPlace, HeapRing, Mpmc, Mpsc, Spmc, Spsc};
