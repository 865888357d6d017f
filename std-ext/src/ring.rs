//! What a channel asks of a ring, whichever it is.
//!
//! Not public API. `flavour` says which ring serves which channel.

use std::sync::Arc;

use ringfence_core::spsc::{self, Heap, Observer};
use ringfence_core::stamped::{self, HeapRing, Shared, Side, Solo};

use crate::sync::{Ordering, fence};

/// Names a push, and the pop that takes its item: they have the same. No two that
/// are in the ring at one time do.
pub(crate) type Ticket = usize;

/// The end of a ring that pushes.
pub trait Tx<T> {
    /// Whether this is the only one.
    const SOLO: bool;

    /// Stores an item; `Err` if there is no room, or none yet.
    fn push(&mut self, item: T) -> Result<Ticket, T>;

    /// How many pushes are sure to succeed, if that can be known. Looks again when
    /// it knew of none.
    fn room(&mut self) -> usize {
        0
    }

    /// Whether the next push is sure to succeed. Never, where another may take the room.
    fn has_room(&mut self) -> bool {
        self.room() > 0
    }

    /// Publishes together what `items` gives, as far as there is sure to be
    /// [`room`](Self::room); also what it gave before it panicked.
    fn push_run(&mut self, items: impl Iterator<Item = T>) {
        let _ = items;
    }

    /// The ticket of the next push, for who uses [`push_run`](Self::push_run).
    fn next(&self) -> Ticket {
        0
    }
}

/// The end of a ring that pops.
pub trait Rx<T> {
    /// Whether this is the only one.
    const SOLO: bool;

    /// Takes the oldest item; `None` if there is none, or none yet.
    fn pop(&mut self) -> Option<T>;

    /// As `pop`, with its ticket.
    fn take(&mut self) -> Option<(Ticket, T)>;

    /// Hands up to `limit` items to `each`, and returns how many.
    fn pop_each(&mut self, limit: usize, each: impl FnMut(T)) -> usize;

    /// Whether a pop may succeed. Where that takes a look at the ring, `seen` is told
    /// how many items are in it.
    #[inline]
    fn may_pop(&mut self, seen: impl FnOnce(usize)) -> bool {
        let _ = seen;
        true
    }

    /// Whether nothing is in the ring, and nobody is about to put something there.
    fn is_drained(&mut self) -> bool;
}

/// What can be seen of a ring from anywhere.
pub trait Gauge {
    /// How many items fit.
    fn capacity(&self) -> usize;

    /// How far it has come.
    fn read(&self) -> Reading;

    /// How deep it is when a push finds no room.
    fn depth_without_room(&self) -> usize {
        self.capacity()
    }
}

/// How far a ring has come.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    /// How many items have been popped, modulo the word.
    pub popped: usize,
    /// How many are inside.
    pub depth: usize,
    /// Whether there was one instant at which both were true.
    pub is_exact: bool,
}

impl<T> Tx<T> for spsc::Producer<Heap<T>> {
    const SOLO: bool = true;

    #[inline]
    fn push(&mut self, item: T) -> Result<Ticket, T> {
        self.try_push(item).map_err(spsc::Full::into_inner)?;
        Ok(self.position().wrapping_sub(1))
    }

    fn room(&mut self) -> usize {
        match self.ready() {
            0 => self.refresh(),
            room => room,
        }
    }

    fn push_run(&mut self, items: impl Iterator<Item = T>) {
        let room = self.ready();
        self.write_chunk(room).fill(items);
    }

    fn next(&self) -> Ticket {
        self.position()
    }
}

impl<T> Rx<T> for spsc::Consumer<Heap<T>> {
    const SOLO: bool = true;

    #[inline]
    fn pop(&mut self) -> Option<T> {
        self.try_pop()
    }

    fn take(&mut self) -> Option<(Ticket, T)> {
        let ticket = self.position();
        self.try_pop().map(|item| (ticket, item))
    }

    #[inline]
    fn pop_each(&mut self, limit: usize, each: impl FnMut(T)) -> usize {
        Self::pop_each(self, limit, each)
    }

    #[inline]
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
            depth,
            is_exact: self.popped() == popped,
        }
    }
}

/// One of many at its side of a stamped ring.
#[derive(Debug)]
pub struct Many<T, P: Side, C: Side>(pub(crate) Arc<HeapRing<T, P, C>>);

impl<T, P: Side, C: Side> Clone for Many<T, P, C> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T, C: Side> Tx<T> for Many<T, Shared, C> {
    const SOLO: bool = false;

    #[inline]
    fn push(&mut self, item: T) -> Result<Ticket, T> {
        self.0.push_at(item).map_err(stamped::PushError::into_inner)
    }
}

impl<T, P: Side> Rx<T> for Many<T, P, Shared> {
    const SOLO: bool = false;

    #[inline]
    fn pop(&mut self) -> Option<T> {
        self.0.try_pop().ok()
    }

    fn take(&mut self) -> Option<(Ticket, T)> {
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

impl<T, C: Side> Tx<T> for stamped::Producer<One<T, Solo, C>> {
    const SOLO: bool = true;

    #[inline]
    fn push(&mut self, item: T) -> Result<Ticket, T> {
        self.push_at(item).map_err(stamped::PushError::into_inner)
    }

    fn has_room(&mut self) -> bool {
        Self::has_room(self)
    }
}

impl<T, P: Side> Rx<T> for stamped::Consumer<One<T, P, Solo>> {
    const SOLO: bool = true;

    #[inline]
    fn pop(&mut self) -> Option<T> {
        self.try_pop().ok()
    }

    fn take(&mut self) -> Option<(Ticket, T)> {
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
            depth,
            is_exact: true,
        }
    }

    /// It may be for a consumer that has popped and not yet freed.
    fn depth_without_room(&self) -> usize {
        self.len()
    }
}
