//! One of two rings, chosen when the channel is made.

use std::collections::VecDeque;

use super::{Gauge, Reading, Rx, Ticket, Tx};

/// An end of one of two rings.
#[derive(Clone, Debug)]
pub(crate) enum Either<A, B> {
    /// The usual one.
    Usual(A),
    /// The other.
    Other(B),
}

use Either::{Other, Usual};

impl<T, A: Tx<T>, B: Tx<T>> Tx<T> for Either<A, B> {
    #[inline]
    fn push(&mut self, item: T) -> Result<Ticket, T> {
        match self {
            Usual(ring) => ring.push(item),
            Other(ring) => ring.push(item),
        }
    }

    fn force(&mut self, item: T) -> Result<(Ticket, Option<T>), T> {
        match self {
            Usual(ring) => ring.force(item),
            Other(ring) => ring.force(item),
        }
    }

    fn reserve(&mut self) -> bool {
        match self {
            Usual(ring) => ring.reserve(),
            Other(ring) => ring.reserve(),
        }
    }

    fn push_reserved(&mut self, item: T) -> Result<Ticket, T> {
        match self {
            Usual(ring) => ring.push_reserved(item),
            Other(ring) => ring.push_reserved(item),
        }
    }

    fn cancel_reserved(&mut self) -> bool {
        match self {
            Usual(ring) => ring.cancel_reserved(),
            Other(ring) => ring.cancel_reserved(),
        }
    }

    #[inline]
    fn push_run(
        &mut self,
        items: &mut impl Iterator<Item = T>,
        left: &mut VecDeque<T>,
        pushed: impl FnMut(Ticket, usize),
    ) -> bool {
        match self {
            Usual(ring) => ring.push_run(items, left, pushed),
            Other(ring) => ring.push_run(items, left, pushed),
        }
    }

    fn place(&mut self, item: T) -> Result<Ticket, T> {
        match self {
            Usual(ring) => ring.place(item),
            Other(ring) => ring.place(item),
        }
    }

    fn is_placed(&mut self, ticket: Ticket) -> bool {
        match self {
            Usual(ring) => ring.is_placed(ticket),
            Other(ring) => ring.is_placed(ticket),
        }
    }

    fn withdraw(&mut self, ticket: Ticket) -> Option<T> {
        match self {
            Usual(ring) => ring.withdraw(ticket),
            Other(ring) => ring.withdraw(ticket),
        }
    }
}

impl<T, A: Rx<T>, B: Rx<T>> Rx<T> for Either<A, B> {
    #[inline]
    fn pop(&mut self) -> Option<T> {
        match self {
            Usual(ring) => ring.pop(),
            Other(ring) => ring.pop(),
        }
    }

    fn take_stored(&mut self) -> Option<(Ticket, T)> {
        match self {
            Usual(ring) => ring.take_stored(),
            Other(ring) => ring.take_stored(),
        }
    }

    fn behind(&self, first: Ticket, other: Ticket) -> usize {
        match self {
            Usual(ring) => ring.behind(first, other),
            Other(ring) => ring.behind(first, other),
        }
    }

    #[inline]
    fn pop_each(&mut self, limit: usize, each: impl FnMut(T)) -> usize {
        match self {
            Usual(ring) => ring.pop_each(limit, each),
            Other(ring) => ring.pop_each(limit, each),
        }
    }

    #[inline]
    fn may_pop(&mut self, seen: impl FnOnce(usize)) -> bool {
        match self {
            Usual(ring) => ring.may_pop(seen),
            Other(ring) => ring.may_pop(seen),
        }
    }

    fn is_drained(&mut self) -> bool {
        match self {
            Usual(ring) => ring.is_drained(),
            Other(ring) => ring.is_drained(),
        }
    }

    fn announce(&mut self) -> bool {
        match self {
            Usual(ring) => ring.announce(),
            Other(ring) => ring.announce(),
        }
    }

    fn try_leave(&mut self) -> bool {
        match self {
            Usual(ring) => ring.try_leave(),
            Other(ring) => ring.try_leave(),
        }
    }

    fn leave(&mut self) {
        match self {
            Usual(ring) => ring.leave(),
            Other(ring) => ring.leave(),
        }
    }
}

impl<A: Gauge, B: Gauge> Gauge for Either<A, B> {
    fn capacity(&self) -> usize {
        match self {
            Usual(ring) => ring.capacity(),
            Other(ring) => ring.capacity(),
        }
    }

    fn read(&self) -> Reading {
        match self {
            Usual(ring) => ring.read(),
            Other(ring) => ring.read(),
        }
    }

    fn len(&self) -> usize {
        match self {
            Usual(ring) => ring.len(),
            Other(ring) => ring.len(),
        }
    }

    fn offered(&self) -> usize {
        match self {
            Usual(ring) => ring.offered(),
            Other(ring) => ring.offered(),
        }
    }

    fn has_room(&self) -> bool {
        match self {
            Usual(ring) => ring.has_room(),
            Other(ring) => ring.has_room(),
        }
    }

    fn depth_without_room(&self) -> usize {
        match self {
            Usual(ring) => ring.depth_without_room(),
            Other(ring) => ring.depth_without_room(),
        }
    }
}
