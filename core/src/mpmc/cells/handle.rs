//! Handles: a position and a spare of one's own.

use core::fmt;

use super::sealed::Storage;
use super::{Mpmc, Position, Spare, debug};
use crate::error::Full;
use crate::policy::{ForcePush, Push, Sent};

/// Pushes to a ring, with a spare of its own.
///
/// Dropping it gives the spare back; forgetting it leaves the ring with one spare
/// less.
pub struct Producer<'a, St: Storage> {
    pub(super) ring: &'a Mpmc<St>,
    pub(super) at: Position,
    pub(super) spare: Spare,
}

impl<St: Storage> Producer<'_, St> {
    /// Stores `item` behind all others. Lock-free.
    ///
    /// # Errors
    /// [`Full`] with the item, if the ring was full.
    #[inline]
    pub fn try_push(&mut self, item: St::Item) -> Result<(), Full<St::Item>> {
        let parts = self.ring.storage.parts();
        let mut at = self.at;
        // SAFETY: the spare is ours and idle (M1, M2).
        let pushed = unsafe { parts.push(&mut at, &mut self.spare, item) };
        self.at = at;
        parts.track.tell_at_times(parts.track.tail, at);
        pushed.map_err(Full)
    }

    /// Stores `item` behind all others; if the ring is full, in place of the oldest,
    /// which is returned. Lock-free.
    #[inline]
    pub fn force_push(&mut self, item: St::Item) -> Option<St::Item> {
        let parts = self.ring.storage.parts();
        let mut at = self.at;
        // SAFETY: the spare is ours and idle (M1, M2).
        let evicted = unsafe { parts.force(&mut at, &mut self.spare, item) };
        self.at = at;
        parts.track.tell_at_times(parts.track.tail, at);
        evicted
    }
}

impl<St: Storage> Push for Producer<'_, St> {
    type Item = St::Item;
    fn push(&mut self, item: St::Item) -> Result<(), St::Item> {
        self.try_push(item).map_err(|full| full.0)
    }
    fn depth(&self) -> usize {
        self.ring.len()
    }
}

impl<St: Storage> ForcePush for Producer<'_, St> {
    fn force(&mut self, item: St::Item) -> Sent<St::Item> {
        self.force_push(item).map_or(Sent::Stored, Sent::Evicted)
    }
}

impl<St: Storage> Drop for Producer<'_, St> {
    fn drop(&mut self) {
        self.ring.storage.parts().give_back(&self.spare);
    }
}

/// Pops from a ring, with a spare of its own.
///
/// Dropping it gives the spare back; forgetting it leaves the ring with one spare
/// less.
pub struct Consumer<'a, St: Storage> {
    pub(super) ring: &'a Mpmc<St>,
    pub(super) at: Position,
    pub(super) spare: Spare,
}

impl<St: Storage> Consumer<'_, St> {
    /// Takes the oldest item; `None` if the ring was empty. Lock-free.
    #[inline]
    pub fn try_pop(&mut self) -> Option<St::Item> {
        let parts = self.ring.storage.parts();
        let mut at = self.at;
        // SAFETY: the spare is ours and idle (M1, M2).
        let item = unsafe { parts.pop(&mut at, &mut self.spare) };
        self.at = at;
        parts.track.tell_at_times(parts.track.head, at);
        item
    }
}

impl<St: Storage> Drop for Consumer<'_, St> {
    fn drop(&mut self) {
        self.ring.storage.parts().give_back(&self.spare);
    }
}

impl<St: Storage> fmt::Debug for Producer<'_, St> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        debug("Producer", self.ring, f)
    }
}

impl<St: Storage> fmt::Debug for Consumer<'_, St> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        debug("Consumer", self.ring, f)
    }
}
