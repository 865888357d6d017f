//! Rings of items of one machine word or less, which lie in the slots themselves.

mod payload;
mod place;
crate::sync::with_pointer_slots! { mod pointer; }

use core::iter::FusedIterator;

use super::packing::Position;
use super::{Content, Track};
use crate::error::Full;
use crate::policy::{ForcePush, Push, Sent};

pub use self::payload::Payload;
#[cfg(feature = "alloc")]
pub use self::place::{HeapWordPlace, HeapWords};
pub use self::place::{WordPlace, Words};
use self::sealed::WordStorage;

pub(super) mod sealed {
    use super::{Payload, Track};

    #[expect(unnameable_types, reason = "sealed")]
    pub trait WordStorage {
        type Item: Payload;
        fn track(&self) -> Track<'_, <Self::Item as Payload>::Bits>;
    }
}

/// A ring of words for any number of producers and consumers: [`Words`] in place, or
/// [`HeapWords`] on the heap.
#[derive(Debug)]
pub struct WordRing<St: WordStorage> {
    storage: St,
}

impl<St: WordStorage> WordRing<St> {
    /// Stores `item` behind all others. Lock-free.
    ///
    /// # Errors
    /// [`Full`] with the item, if the ring was full.
    #[inline]
    pub fn try_push(&self, item: St::Item) -> Result<(), Full<St::Item>> {
        let track = self.storage.track();
        let mut at = track.hint(track.tail);
        let bits = item.into_bits();
        let pushed = track.push(&mut at, bits);
        track.tell(track.tail, at);
        match pushed {
            Some(_) => Ok(()),
            // SAFETY: made of an item above, and still ours.
            None => Err(Full(unsafe { St::Item::from_bits(bits) })),
        }
    }

    /// Stores `item` behind all others; if the ring is full, in place of the oldest,
    /// which is returned. Lock-free.
    ///
    /// Exact: the oldest item is evicted, and the new one stored, at one instant.
    #[inline]
    pub fn force_push(&self, item: St::Item) -> Option<St::Item> {
        let track = self.storage.track();
        let mut at = track.hint(track.tail);
        let (bits, full) = track.force(&mut at, item.into_bits());
        track.tell(track.tail, at);
        // SAFETY: ours by the trade, of a full slot (M1, M2).
        full.then(|| unsafe { St::Item::from_bits(bits) })
    }

    /// Takes the oldest item; `None` if the ring was empty. Lock-free.
    #[inline]
    pub fn try_pop(&self) -> Option<St::Item> {
        let track = self.storage.track();
        let mut at = track.hint(track.head);
        let popped = track.pop(&mut at, Content::ZERO);
        track.tell(track.head, at);
        // SAFETY: ours by the trade, of a full slot (M1, M2).
        popped.map(|bits| unsafe { St::Item::from_bits(bits) })
    }

    /// Whether the ring was empty, at one instant of the call. Lock-free.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !self.storage.track().find_head().1
    }

    /// Whether the ring was full, at one instant of the call. Lock-free.
    #[must_use]
    pub fn is_full(&self) -> bool {
        !self.storage.track().find_tail().1
    }

    /// How many items are in the ring, at most its capacity. Exact when nobody
    /// pushes or pops meanwhile. Lock-free.
    #[must_use]
    pub fn len(&self) -> usize {
        self.storage.track().len()
    }

    /// How many items fit.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.storage.track().slots.len()
    }

    /// Takes items until the ring is empty.
    pub fn drain(&self) -> impl Iterator<Item = St::Item> {
        core::iter::from_fn(|| self.try_pop())
    }

    /// Takes the oldest item, from `at` on, which is no further than the head.
    fn pop_alone(&mut self, at: &mut Position) -> Option<St::Item> {
        let bits = self.storage.track().pop_alone(at)?;
        // SAFETY: of a slot that was full (M2), and is empty now.
        Some(unsafe { St::Item::from_bits(bits) })
    }

    fn head(&self) -> Position {
        let track = self.storage.track();
        track.hint(track.head)
    }
}

impl<St: WordStorage> Push for &WordRing<St> {
    type Item = St::Item;
    fn push(&mut self, item: St::Item) -> Result<(), St::Item> {
        self.try_push(item).map_err(|full| full.0)
    }
    fn depth(&self) -> usize {
        self.len()
    }
}

impl<St: WordStorage> ForcePush for &WordRing<St> {
    fn force(&mut self, item: St::Item) -> Sent<St::Item> {
        self.force_push(item).map_or(Sent::Stored, Sent::Evicted)
    }
}

impl<St: WordStorage> Drop for WordRing<St> {
    fn drop(&mut self) {
        // A panic in an item's `Drop` leaves the rest to this guard.
        struct Rest<'a, St: WordStorage>(&'a mut WordRing<St>, Position);
        impl<St: WordStorage> Rest<'_, St> {
            fn drop_all(&mut self) {
                while let Some(item) = self.0.pop_alone(&mut self.1) {
                    drop(item);
                }
            }
        }
        impl<St: WordStorage> Drop for Rest<'_, St> {
            fn drop(&mut self) {
                self.drop_all();
            }
        }
        if core::mem::needs_drop::<St::Item>() {
            let head = self.head();
            Rest(self, head).drop_all();
        }
    }
}

/// All items of a ring of words, oldest first. Those that are left are dropped with it.
#[derive(Debug)]
pub struct WordsIntoIter<St: WordStorage> {
    ring: WordRing<St>,
    at: Position,
    left: usize,
}

impl<St: WordStorage> IntoIterator for WordRing<St> {
    type Item = St::Item;
    type IntoIter = WordsIntoIter<St>;

    fn into_iter(self) -> WordsIntoIter<St> {
        let (at, left) = (self.head(), self.len());
        WordsIntoIter {
            ring: self,
            at,
            left,
        }
    }
}

impl<St: WordStorage> Iterator for WordsIntoIter<St> {
    type Item = St::Item;

    fn next(&mut self) -> Option<St::Item> {
        let item = self.ring.pop_alone(&mut self.at)?;
        self.left -= 1;
        Some(item)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl<St: WordStorage> ExactSizeIterator for WordsIntoIter<St> {}
impl<St: WordStorage> FusedIterator for WordsIntoIter<St> {}
