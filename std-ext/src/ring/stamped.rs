//! The fastest ring where there are many.

use std::sync::Arc;

use ringfence_core::stamped::{Consumer, HeapRing, Producer, PushError, Shared, Side, Solo};

use super::{Gauge, Reading, Rx, Ticket, Tx};

/// One of many at its side of a stamped ring.
#[derive(Debug)]
pub struct Many<T, P: Side, C: Side>(pub(crate) Arc<HeapRing<T, P, C>>);

impl<T, P: Side, C: Side> Clone for Many<T, P, C> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T, C: Side> Tx<T> for Many<T, Shared, C> {
    #[inline]
    fn push(&mut self, item: T) -> Result<Ticket, T> {
        self.0.push_at(item).map_err(PushError::into_inner)
    }
}

impl<T, P: Side> Rx<T> for Many<T, P, Shared> {
    #[inline]
    fn pop(&mut self) -> Option<T> {
        self.0.try_pop().ok()
    }

    fn take_stored(&mut self) -> Option<(Ticket, T)> {
        self.0.pop_at().ok()
    }

    #[inline]
    fn pop_each(&mut self, limit: usize, each: impl FnMut(T)) -> usize {
        self.0.pop_each(limit, each)
    }

    fn is_drained(&mut self) -> bool {
        self.0.is_empty()
    }
}

/// The only producer of a stamped ring.
type One<T, P, C> = Arc<HeapRing<T, P, C>>;

impl<T, C: Side> Tx<T> for Producer<One<T, Solo, C>> {
    #[inline]
    fn push(&mut self, item: T) -> Result<Ticket, T> {
        self.push_at(item).map_err(PushError::into_inner)
    }

    fn has_room(&mut self) -> bool {
        Self::has_room(self)
    }
}

impl<T, P: Side> Rx<T> for Consumer<One<T, P, Solo>> {
    #[inline]
    fn pop(&mut self) -> Option<T> {
        self.try_pop().ok()
    }

    fn take_stored(&mut self) -> Option<(Ticket, T)> {
        self.pop_at().ok()
    }

    #[inline]
    fn pop_each(&mut self, limit: usize, each: impl FnMut(T)) -> usize {
        Self::pop_each(self, limit, each)
    }

    fn is_drained(&mut self) -> bool {
        self.ring().is_empty()
    }
}

impl<T, P: Side, C: Side> Gauge for Arc<HeapRing<T, P, C>> {
    fn capacity(&self) -> usize {
        HeapRing::capacity(self)
    }

    fn read(&self) -> Reading {
        let (popped, depth) = self.progress();
        Reading {
            popped,
            evicted: 0,
            depth,
            is_exact: true,
        }
    }

    /// It may be for a consumer that has popped and not yet freed.
    fn depth_without_room(&self) -> usize {
        self.len()
    }
}
