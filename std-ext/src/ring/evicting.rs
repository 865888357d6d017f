//! The ring that can evict its oldest item.

use std::sync::Arc;

use ringfence_core::mpmc::{HeapRing, PopError, PushError};
use ringfence_core::spsc::CapacityError;

use super::{Gauge, Reading, Rx, Ticket, Tx};
use crate::sync::{AtomicUsize, Ordering, Padded, yield_now};

/// How many calls can be inside at one time. One more waits for one of them.
const SPARES: usize = 16;

/// Any end of a lock-free ring, and all that can be seen of it.
#[derive(Debug)]
pub(crate) struct Evicting<T>(Arc<Inner<T>>);

#[derive(Debug)]
struct Inner<T> {
    ring: HeapRing<T>,
    /// The ring's positions do not say who emptied a slot.
    popped: Padded<AtomicUsize>,
    evicted: Padded<AtomicUsize>,
}

impl<T> Evicting<T> {
    pub(crate) fn try_with_capacity(capacity: usize) -> Result<Self, CapacityError> {
        Ok(Self(Arc::new(Inner {
            ring: HeapRing::try_with_capacity(capacity, SPARES)?,
            popped: Padded::new(AtomicUsize::new(0)),
            evicted: Padded::new(AtomicUsize::new(0)),
        })))
    }
}

impl<T> Evicting<T> {
    fn take(&self) -> Option<(Ticket, T)> {
        loop {
            match self.0.ring.pop_at() {
                Ok(taken) => return Some(taken),
                Err(PopError::Empty) => return None,
                Err(PopError::Busy) => yield_now(),
            }
        }
    }

    /// Takes the oldest item, which nobody gets.
    pub(super) fn evict(&self) -> Option<T> {
        let (_, item) = self.take()?;
        // ORDERING: Relaxed; see `read`.
        self.0.evicted.fetch_add(1, Ordering::Relaxed);
        Some(item)
    }
}

impl<T> Clone for Evicting<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Tx<T> for Evicting<T> {
    fn push(&mut self, mut item: T) -> Result<Ticket, T> {
        loop {
            match self.0.ring.push_at(item) {
                Ok(ticket) => return Ok(ticket),
                Err(PushError::Full(item)) => return Err(item),
                Err(PushError::Busy(back)) => item = back,
            }
            yield_now();
        }
    }

    /// For the only sender.
    fn reserve(&mut self) -> bool {
        !self.0.ring.is_full()
    }

    fn force(&mut self, mut item: T) -> Result<(Ticket, Option<T>), T> {
        loop {
            match self.0.ring.force_at(item) {
                Ok((ticket, evicted)) => {
                    if evicted.is_some() {
                        // ORDERING: Relaxed; see `read`.
                        self.0.evicted.fetch_add(1, Ordering::Relaxed);
                    }
                    return Ok((ticket, evicted));
                }
                Err(back) => item = back,
            }
            yield_now();
        }
    }
}

impl<T> Rx<T> for Evicting<T> {
    fn pop(&mut self) -> Option<T> {
        self.take_stored().map(|(_, item)| item)
    }

    fn take_stored(&mut self) -> Option<(Ticket, T)> {
        let taken = self.take()?;
        // ORDERING: Relaxed; see `read`.
        self.0.popped.fetch_add(1, Ordering::Relaxed);
        Some(taken)
    }

    fn pop_each(&mut self, limit: usize, each: impl FnMut(T)) -> usize {
        let items = std::iter::from_fn(|| self.pop());
        items.take(limit).map(each).count()
    }

    fn is_drained(&mut self) -> bool {
        self.0.ring.is_empty()
    }
}

impl<T> Gauge for Evicting<T> {
    fn capacity(&self) -> usize {
        self.0.ring.capacity()
    }

    /// What has been popped or evicted, and not yet counted, is still inside, as far as it
    /// would fit: what does not is not yet counted as stored either.
    fn read(&self) -> Reading {
        // ORDERING: Relaxed; counts that arrive before the pushes that they follow
        // are of items that have been inside.
        let popped = self.0.popped.load(Ordering::Relaxed);
        let evicted = self.0.evicted.load(Ordering::Relaxed);
        let (removed, inside) = self.0.ring.progress();
        let pushed = removed.wrapping_add(inside);
        let left = pushed.wrapping_sub(popped).wrapping_sub(evicted);
        let left = usize::try_from(left as isize).unwrap_or(0);
        Reading {
            popped,
            evicted,
            depth: left.min(self.capacity()),
            is_exact: left == inside,
        }
    }

    /// By the ring alone, whatever has been counted.
    fn len(&self) -> usize {
        self.0.ring.len()
    }

    fn offered(&self) -> usize {
        self.0.ring.len()
    }

    fn depth_without_room(&self) -> usize {
        self.0.ring.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_is_at_most_the_capacity_while_pops_are_not_yet_counted() {
        let mut ring = Evicting::try_with_capacity(2).unwrap();
        (0..2).for_each(|item| assert!(ring.push(item).is_ok()));
        // Two pops stop before they count.
        (0..2).for_each(|item| assert_eq!(ring.take().unwrap().1, item));
        (2..4).for_each(|item| assert!(ring.push(item).is_ok()));
        let reading = ring.read();
        assert_eq!(
            (reading.popped, reading.depth, reading.is_exact),
            (0, 2, false)
        );
        ring.0.popped.fetch_add(2, Ordering::Relaxed);
        let reading = ring.read();
        assert_eq!(
            (reading.popped, reading.depth, reading.is_exact),
            (2, 2, true)
        );
    }
}
