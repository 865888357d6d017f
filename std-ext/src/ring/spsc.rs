//! The ring of one sender and one receiver.

use std::collections::VecDeque;

use ringfence_core::spsc::{Consumer, Full, Heap, Observer, Producer};

use super::{Gauge, Reading, Rx, Ticket, Tx};
use crate::sync::{Ordering, fence};

impl<T> Tx<T> for Producer<Heap<T>> {
    #[inline]
    fn push(&mut self, item: T) -> Result<Ticket, T> {
        self.try_push(item).map_err(Full::into_inner)?;
        Ok(self.position().wrapping_sub(1))
    }

    fn reserve(&mut self) -> bool {
        self.ready() > 0 || self.refresh() > 0
    }

    #[inline]
    fn push_run(
        &mut self,
        items: &mut impl Iterator<Item = T>,
        _: &mut VecDeque<T>,
        pushed: impl FnMut(Ticket, usize),
    ) -> bool {
        if !Tx::reserve(self) {
            return false;
        }
        let room = self.ready();
        let first = self.position();
        let mut run = Run {
            producer: self,
            first,
            pushed,
        };
        let n = run.producer.write_chunk(room).fill(items.take(room));
        run.tell();
        n < room
    }
}

/// Pushes that are still to be told of.
struct Run<'a, T, F: FnMut(Ticket, usize)> {
    producer: &'a mut Producer<Heap<T>>,
    first: Ticket,
    pushed: F,
}

impl<T, F: FnMut(Ticket, usize)> Run<'_, T, F> {
    fn tell(&mut self) {
        let next = self.producer.position();
        let first = std::mem::replace(&mut self.first, next);
        if first != next {
            (self.pushed)(first, next.wrapping_sub(first));
        }
    }
}

impl<T, F: FnMut(Ticket, usize)> Drop for Run<'_, T, F> {
    fn drop(&mut self) {
        self.tell();
    }
}

impl<T> Rx<T> for Consumer<Heap<T>> {
    #[inline]
    fn pop(&mut self) -> Option<T> {
        self.try_pop()
    }

    fn take_stored(&mut self) -> Option<(Ticket, T)> {
        let ticket = self.position();
        self.try_pop().map(|item| (ticket, item))
    }

    #[inline]
    fn pop_each(&mut self, limit: usize, each: impl FnMut(T)) -> usize {
        Self::pop_each(self, limit, each)
    }

    #[inline(always)]
    fn may_pop(&mut self, seen: impl FnOnce(usize)) -> bool {
        if self.ready() > 0 {
            return true;
        }
        let depth = self.refresh();
        seen(depth);
        depth > 0
    }

    fn is_drained(&mut self) -> bool {
        self.ready() == 0 && self.refresh() == 0
    }
}

impl Gauge for Observer {
    fn capacity(&self) -> usize {
        Self::capacity(self)
    }

    fn read(&self) -> Reading {
        // Popped first: what was popped by then had been pushed by then.
        let popped = self.popped();
        let depth = self.pushed().wrapping_sub(popped).min(self.capacity());
        // ORDERING: Acquire, edge `publish` to here: whatever the sender knew to be
        // popped when it pushed is popped by the next look.
        fence(Ordering::Acquire);
        Reading {
            popped,
            evicted: 0,
            depth,
            is_exact: self.popped() == popped,
        }
    }
}
