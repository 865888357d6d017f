//! Rings on the heap: a counted box for the ends, and a second allocation for the slots.
//!
//! H1 is that of `counted`.
//!
//! * H2: a ring has two `Heap`s, one a side. The second to go drops the
//!   items that are left, and frees the slots.
//!
//! Edge:
//!
//! * `half-gone`: what the first side did to the slots, before the second
//!   side frees them.

use core::fmt;

use crate::counted::Counted;
use crate::ends::Ends;
use crate::error::CapacityError;
use crate::handle::{Owner, Parts, drop_items};
use crate::position::{Geometry, Word};
use crate::slots::Slots;
use crate::sync::Ordering;
use crate::sync::rmw::AtomicBool;

struct Header {
    ends: Ends<usize>,
    geometry: Geometry,
    half_gone: AtomicBool,
}

/// One side's share of a ring on the heap.
///
/// The memory of the slots, and the items left in them, go with the second
/// of the two sides; all of them, even if the `Drop` of one panics.
pub struct Heap<T> {
    header: Counted<Header>,
    slots: Slots<T>,
    capacity: usize,
    mask: usize,
}

impl<T> Heap<T> {
    /// Both sides of a new ring.
    pub(crate) fn try_new(capacity: usize) -> Result<(Self, Self), CapacityError> {
        if capacity == 0 {
            return Err(CapacityError::Zero);
        }
        if capacity > usize::MAX_CAPACITY {
            return Err(CapacityError::TooLarge);
        }
        let count = capacity.next_power_of_two();
        let mask = count - 1;
        let slots = Slots::<T>::allocate(count)?;
        let header = Counted::try_new(Header {
            ends: Ends::new(),
            geometry: Geometry::Masked { capacity, mask },
            half_gone: AtomicBool::new(false),
        })
        .inspect_err(|_| {
            // SAFETY: just allocated, and used by nobody.
            unsafe { slots.free(count) }
        })?;
        let half = |header| Self {
            header,
            slots: slots.clone(),
            capacity,
            mask,
        };
        Ok((half(header.clone()), half(header)))
    }

    pub(crate) fn observe(&self) -> Observer {
        Observer(self.header.clone())
    }
}

impl<T> Drop for Heap<T> {
    fn drop(&mut self) {
        // ORDERING: AcqRel, edge `half-gone` from the first swap to the
        // second.
        if !self.header.half_gone.swap(true, Ordering::AcqRel) {
            return;
        }
        struct Free<'a, T>(&'a Heap<T>);
        impl<T> Drop for Free<'_, T> {
            fn drop(&mut self) {
                // SAFETY: by H2 nobody uses the slots any more.
                unsafe { self.0.slots.free(self.0.mask + 1) }
            }
        }
        let free = Free(self);
        // SAFETY: by H2 both sides are gone.
        unsafe { drop_items(free.0) }
    }
}

// SAFETY: a `Heap` owns the items in its ring together with the other
// half, and gives no reference to them without `&mut`.
unsafe impl<T: Send> Send for Heap<T> {}
// SAFETY: as above; through `&Heap` only atomics and constants are reached.
unsafe impl<T: Send> Sync for Heap<T> {}

// SAFETY: the box and the slots live as long as this half by H1 and H2,
// and there are `mask + 1` slots.
unsafe impl<T> Parts for Heap<T> {
    type Item = T;
    type Word = usize;

    #[inline(always)]
    fn ends(&self) -> &Ends<usize> {
        &self.header.ends
    }
    #[inline(always)]
    fn geometry(&self) -> Geometry {
        Geometry::Masked {
            capacity: self.capacity,
            mask: self.mask,
        }
    }
    #[inline(always)]
    fn slots(&self) -> Slots<T> {
        self.slots.clone()
    }
}

impl<T> Owner for Heap<T> {}

impl<T> fmt::Debug for Heap<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Heap")
            .field("capacity", &self.capacity)
            .finish_non_exhaustive()
    }
}

/// Watches a ring on the heap from anywhere, without touching it.
///
/// Keeps the ring's positions alive, not its slots or items.
#[derive(Clone)]
pub struct Observer(Counted<Header>);

impl Observer {
    /// How many items were ever pushed, modulo 2^`usize::BITS`.
    #[must_use]
    pub fn pushed(&self) -> usize {
        // ORDERING: Relaxed; a stale value is an earlier truth.
        self.0.ends.tail.load(Ordering::Relaxed)
    }

    /// How many items were ever popped, modulo 2^`usize::BITS`.
    ///
    /// A later [`pushed`](Self::pushed) is never less than this.
    #[must_use]
    pub fn popped(&self) -> usize {
        // ORDERING: Acquire, edge `free` of `spsc`: the pushes that these
        // pops took from are visible to a later load of the tail.
        self.0.ends.head.load(Ordering::Acquire)
    }

    /// How many items are in the ring, at most its capacity. The two
    /// positions are read one after the other, so while both sides work it
    /// may be more than there ever were at one instant.
    #[must_use]
    pub fn len(&self) -> usize {
        let popped = self.popped();
        self.pushed().wrapping_sub(popped).min(self.capacity())
    }

    /// Whether there was nothing in the ring.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many items fit.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.0.geometry.capacity()
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observer")
            .field("len", &self.len())
            .field("capacity", &self.capacity())
            .finish()
    }
}
