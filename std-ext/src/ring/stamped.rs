//! The fastest ring where there are many.

use std::collections::VecDeque;
use std::ops::Range;
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

    #[inline]
    fn push_run(
        &mut self,
        items: &mut impl Iterator<Item = T>,
        left: &mut VecDeque<T>,
        pushed: impl FnMut(Ticket, usize),
    ) -> bool {
        // Large items are not worth the stack.
        if size_of::<T>() > 64 {
            return false;
        }
        let room = self.0.room(BATCH);
        let mut gathered = Gathered {
            ring: &self.0,
            items: [const { None }; BATCH],
            todo: 0..0,
            left,
            pushed,
        };
        let ended = gathered.take(items, room);
        gathered.push();
        ended
    }
}

/// Most items that are pushed together.
const BATCH: usize = 16;

/// Items that are about to be pushed together.
struct Gathered<'a, T, C: Side, F: FnMut(Ticket, usize)> {
    ring: &'a HeapRing<T, Shared, C>,
    items: [Option<T>; BATCH],
    /// Where in `items` they are.
    todo: Range<usize>,
    left: &'a mut VecDeque<T>,
    pushed: F,
}

impl<T, C: Side, F: FnMut(Ticket, usize)> Gathered<'_, T, C, F> {
    /// Takes so many from `items`; whether those have ended.
    #[inline]
    fn take(&mut self, items: &mut impl Iterator<Item = T>, n: usize) -> bool {
        for place in &mut self.items[..n] {
            *place = items.next();
            if place.is_none() {
                return true;
            }
            self.todo.end += 1;
        }
        false
    }

    /// What another has taken the room of is left.
    #[inline]
    fn push(&mut self) {
        while !self.todo.is_empty() {
            let (first, n) = self.ring.push_some_at(&mut self.items[self.todo.clone()]);
            if n == 0 {
                let left = &mut self.items[self.todo.clone()];
                self.left.extend(left.iter_mut().filter_map(Option::take));
                self.todo.start = self.todo.end;
                return;
            }
            self.todo.start += n;
            (self.pushed)(first, n);
        }
    }
}

/// If somebody panics.
impl<T, C: Side, F: FnMut(Ticket, usize)> Drop for Gathered<'_, T, C, F> {
    fn drop(&mut self) {
        self.push();
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

    fn behind(&self, first: Ticket, other: Ticket) -> usize {
        self.0.behind(first, other)
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

    fn reserve(&mut self) -> bool {
        Self::has_room(self)
    }

    #[inline]
    fn push_run(
        &mut self,
        items: &mut impl Iterator<Item = T>,
        _: &mut VecDeque<T>,
        pushed: impl FnMut(Ticket, usize),
    ) -> bool {
        let mut run = Run {
            first: 0,
            n: 0,
            pushed,
        };
        while run.n < BATCH && Self::has_room(self) {
            let Some(item) = items.next() else {
                return true;
            };
            match self.push_at(item) {
                Ok(ticket) => run.add(ticket),
                Err(_) => unreachable!("nobody else takes room"),
            }
        }
        false
    }
}

/// Pushes that are still to be told of.
struct Run<F: FnMut(Ticket, usize)> {
    first: Ticket,
    n: usize,
    pushed: F,
}

impl<F: FnMut(Ticket, usize)> Run<F> {
    #[inline]
    fn add(&mut self, ticket: Ticket) {
        if self.n == 0 {
            self.first = ticket;
        }
        self.n += 1;
    }
}

impl<F: FnMut(Ticket, usize)> Drop for Run<F> {
    fn drop(&mut self) {
        if self.n > 0 {
            (self.pushed)(self.first, self.n);
        }
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

    fn behind(&self, first: Ticket, other: Ticket) -> usize {
        self.ring().behind(first, other)
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
