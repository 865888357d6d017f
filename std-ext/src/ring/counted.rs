//! The ring of which room can be reserved by many.
//!
//! Each push takes a credit before it looks for a slot, and each pop gives one back once it
//! is through; who reserves takes one early. So there are never more items inside and
//! pushes under way than slots, and whoever has a credit finds a slot: the ring below is
//! lock-free, and nobody who is stopped in the middle of a pop keeps one.

use std::marker::PhantomData;
use std::sync::Arc;

use ringfence_core::spsc::CapacityError;

use super::{Evicting, Gauge, Reading, Rx, Ticket, Tx};
use crate::flavour::Mpmc;
use crate::sync::{AtomicUsize, Ordering, Padded};

/// An end of the ring, of which there may be many if `F` is [`Mpmc`]; and all that can be
/// seen of it.
#[derive(Debug)]
pub struct Counted<T, F> {
    ring: Evicting<T>,
    /// How many more items may be promised a slot.
    free: Arc<Padded<AtomicUsize>>,
    of: PhantomData<fn() -> F>,
}

impl<T> Counted<T, Mpmc> {
    pub(crate) fn try_with_capacity(capacity: usize) -> Result<Self, CapacityError> {
        Ok(Self {
            ring: Evicting::try_with_capacity(capacity)?,
            free: Arc::new(Padded::new(AtomicUsize::new(capacity))),
            of: PhantomData,
        })
    }
}

impl<T, F> Counted<T, F> {
    /// Another end.
    pub(crate) fn end<G>(&self) -> Counted<T, G> {
        Counted {
            ring: self.ring.clone(),
            free: self.free.clone(),
            of: PhantomData,
        }
    }

    fn take_credit(&self) -> bool {
        let mut free = self.free.load(Ordering::Relaxed);
        while let Some(less) = free.checked_sub(1) {
            // ORDERING: Acquire, edge `room`: the slot whose credit it is was emptied
            // before; from `give_back`.
            match self
                .free
                .compare_exchange(free, less, Ordering::Acquire, Ordering::Relaxed)
            {
                Ok(_) => return true,
                Err(now) => free = now,
            }
        }
        false
    }

    fn give_back(&self) {
        // ORDERING: Release, edge `room`: after the pop; to `take_credit`. Those that give
        // and take in between keep the edge, by the release sequence.
        self.free.fetch_add(1, Ordering::Release);
    }
}

impl<T> Clone for Counted<T, Mpmc> {
    fn clone(&self) -> Self {
        self.end()
    }
}

impl<T, F> Tx<T> for Counted<T, F> {
    fn push(&mut self, item: T) -> Result<Ticket, T> {
        if self.take_credit() {
            self.push_reserved(item)
        } else {
            Err(item)
        }
    }

    fn reserve(&mut self) -> bool {
        self.take_credit()
    }

    fn push_reserved(&mut self, item: T) -> Result<Ticket, T> {
        match self.ring.push(item) {
            Ok(ticket) => Ok(ticket),
            Err(_) => unreachable!("who has a credit finds a slot"),
        }
    }

    fn cancel_reserved(&mut self) -> bool {
        self.give_back();
        true
    }

    /// If all that is not reserved is on its way in, there is nothing to evict.
    fn force(&mut self, item: T) -> Result<(Ticket, Option<T>), T> {
        let evicted = if self.take_credit() {
            None
        } else {
            // Its credit goes to the new item.
            match self.ring.evict() {
                Some(oldest) => Some(oldest),
                None => return Err(item),
            }
        };
        let ticket = self.push_reserved(item)?;
        Ok((ticket, evicted))
    }
}

impl<T, F> Rx<T> for Counted<T, F> {
    fn pop(&mut self) -> Option<T> {
        self.take_stored().map(|(_, item)| item)
    }

    fn take_stored(&mut self) -> Option<(Ticket, T)> {
        let taken = self.ring.take_stored()?;
        self.give_back();
        Some(taken)
    }

    fn pop_each(&mut self, limit: usize, each: impl FnMut(T)) -> usize {
        let items = std::iter::from_fn(|| self.pop());
        items.take(limit).map(each).count()
    }

    fn is_drained(&mut self) -> bool {
        self.ring.is_drained()
    }
}

impl<T, F> Gauge for Counted<T, F> {
    fn capacity(&self) -> usize {
        self.ring.capacity()
    }

    fn read(&self) -> Reading {
        self.ring.read()
    }

    fn len(&self) -> usize {
        self.ring.len()
    }

    fn offered(&self) -> usize {
        self.ring.offered()
    }

    fn depth_without_room(&self) -> usize {
        self.ring.depth_without_room()
    }

    fn has_room(&self) -> bool {
        self.free.load(Ordering::Relaxed) > 0
    }
}
