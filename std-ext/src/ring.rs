//! What a channel asks of a ring, whichever it is.
//!
//! Not public API. `flavour` says which ring serves which channel.

mod chunk;
mod counted;
mod either;
mod evicting;
mod handoff;
mod spsc;
mod stamped;

use std::collections::VecDeque;

pub(crate) use self::chunk::Chunk;
pub(crate) use self::counted::Counted;
pub(crate) use self::either::Either;
pub(crate) use self::evicting::Evicting;
pub(crate) use self::handoff::{Handoff, Taker};
pub(crate) use self::stamped::Many;

/// Names a push, and the pop that takes its item: they have the same. No two that
/// are in the ring at one time do.
pub(crate) type Ticket = usize;

/// The end of a ring that pushes.
pub trait Tx<T> {
    /// Stores an item; `Err` if there is no room, or none yet.
    fn push(&mut self, item: T) -> Result<Ticket, T>;

    /// Stores an item, if need be in place of the oldest, which is returned; `Err` if
    /// the ring can't.
    fn force(&mut self, item: T) -> Result<(Ticket, Option<T>), T> {
        Err(item)
    }

    /// Keeps room for one item, if there is some: `push_reserved` is then sure to find it.
    /// Never, where another may take it.
    fn reserve(&mut self) -> bool {
        false
    }

    /// Stores an item in the room that was reserved.
    fn push_reserved(&mut self, item: T) -> Result<Ticket, T> {
        self.push(item)
    }

    /// Does not need what it reserved. Whether another may have it.
    fn cancel_reserved(&mut self) -> bool {
        false
    }

    /// Pushes what `items` gives, as much as it sees room for: none, where that cannot be
    /// known beforehand. Says whether `items` has ended.
    ///
    /// After each run of pushes with tickets that follow each other, `pushed` is told the
    /// first and how many there were; it sees to who waits. What `items` gave for room
    /// that another took meanwhile is appended to `left`. All this also if `items` or
    /// `pushed` panics.
    fn push_run(
        &mut self,
        items: &mut impl Iterator<Item = T>,
        left: &mut VecDeque<T>,
        pushed: impl FnMut(Ticket, usize),
    ) -> bool {
        let _ = (items, left, pushed);
        false
    }

    /// Shows an item to receivers while its sender waits for one to take it, where there
    /// is no room at all; `Err` where there is some at times.
    fn place(&mut self, item: T) -> Result<Ticket, T> {
        Err(item)
    }

    /// Whether what was placed has yet to be taken.
    fn is_placed(&mut self, ticket: Ticket) -> bool {
        let _ = ticket;
        false
    }

    /// Takes back what was placed; `None` if a receiver was quicker.
    fn withdraw(&mut self, ticket: Ticket) -> Option<T> {
        let _ = ticket;
        None
    }
}

/// The end of a ring that pops.
pub trait Rx<T> {
    /// Takes the oldest item; `None` if there is none, or none yet.
    fn pop(&mut self) -> Option<T>;

    /// As `pop`, with its ticket, but leaves what is only placed: that belongs to senders.
    fn take_stored(&mut self) -> Option<(Ticket, T)>;

    /// How many pushes after the `first` of these tickets the other one is, modulo all that
    /// there are: more than are ever inside if it was before it.
    fn behind(&self, first: Ticket, other: Ticket) -> usize {
        other.wrapping_sub(first)
    }

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

    /// Lets senders rely on it that this receiver waits until it has popped something.
    /// Whether that may let one go on.
    fn announce(&mut self) -> bool {
        false
    }

    /// Waits no longer; `false` if a sender relies on it.
    fn try_leave(&mut self) -> bool {
        true
    }

    /// Waits no longer, whoever relies on it.
    fn leave(&mut self) {}
}

/// What can be seen of a ring from anywhere.
pub trait Gauge {
    /// How many items fit.
    fn capacity(&self) -> usize;

    /// How far it has come.
    fn read(&self) -> Reading;

    /// How many items are inside.
    fn len(&self) -> usize {
        self.read().depth
    }

    /// How many there are for receivers.
    fn offered(&self) -> usize {
        self.read().depth
    }

    /// Whether there is room for one more.
    fn has_room(&self) -> bool {
        self.len() < self.capacity()
    }

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
    /// How many have been evicted by pushes.
    pub evicted: usize,
    /// How many are inside.
    pub depth: usize,
    /// Whether there was one instant at which both were true.
    pub is_exact: bool,
}
