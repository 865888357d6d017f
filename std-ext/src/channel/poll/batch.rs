//! Items that have been polled, and what becomes of them.

use std::fmt;
use std::iter::FusedIterator;
use std::ops::{Index, IndexMut};

use crate::channel::Shared;
use crate::flavour::{Flavour, OneReceiver, Spsc};
use crate::ring::{Chunk, Gauge};
use crate::watermarks::Watermarks;

/// Items that were polled, still in their slots, oldest first. From
/// [`Polled::poll`](super::Polled::poll).
///
/// Dropping or forgetting it commits nothing: the next poll gives the same items again.
/// What was changed in place stays changed.
#[must_use = "nothing is committed when it is dropped"]
pub struct Batch<'a, T: 'a, F: OneReceiver> {
    chunk: F::Chunk<'a, T>,
    shared: &'a Shared<T, F>,
    offers: &'a mut Offers,
    marks: Option<&'a Watermarks>,
    redelivered: usize,
}

impl<'a, T, F: OneReceiver> Batch<'a, T, F> {
    #[inline]
    pub(super) fn new(
        chunk: F::Chunk<'a, T>,
        shared: &'a Shared<T, F>,
        offers: &'a mut Offers,
        marks: Option<&'a Watermarks>,
    ) -> Self {
        let redelivered = offers.offer(chunk.len());
        if redelivered > 0 {
            shared.counts.recv.redelivered.add(redelivered as u64);
        }
        Self {
            chunk,
            shared,
            offers,
            marks,
            redelivered,
        }
    }

    /// How many items.
    #[must_use]
    pub fn len(&self) -> usize {
        self.chunk.len()
    }

    /// Whether there are none: only where none were asked for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many of these, from the first on, were in a batch before.
    #[must_use]
    pub fn redelivered(&self) -> usize {
        self.redelivered
    }

    /// The item so many behind the oldest.
    #[must_use]
    pub fn get(&self, n: usize) -> Option<&T> {
        self.chunk.get(n)
    }

    /// The item so many behind the oldest, to change where it is.
    #[must_use]
    pub fn get_mut(&mut self, n: usize) -> Option<&mut T> {
        self.chunk.get_mut(n)
    }

    /// The items, oldest first.
    #[inline]
    pub fn iter(&self) -> BatchIter<'_, T, F> {
        BatchIter(F::items(&self.chunk))
    }

    /// They are dealt with: drops all, gives their slots back, and wakes one sender that
    /// waits for room, which wakes the next if there is more. They are delivered then.
    ///
    /// # Panics
    /// As [`commit_up_to`](Self::commit_up_to).
    #[inline]
    pub fn commit(self) {
        let n = self.len();
        self.commit_up_to(n);
    }

    /// As [`commit`](Self::commit), of the oldest `n`. The next poll begins with the others.
    ///
    /// # Panics
    /// If `n` is more than [`len`](Self::len): nothing is committed. If an item's `Drop`
    /// panics: it and those before it are committed, and the others are not.
    #[inline]
    #[track_caller]
    pub fn commit_up_to(self, n: usize) {
        assert!(n <= self.len(), "more than the batch holds");
        let mut committing = Committing {
            shared: self.shared,
            offers: self.offers,
            done: None,
        };
        self.chunk.commit(n);
        committing.done = Some(n);
        drop(committing);
        if let Some(marks) = self.marks {
            marks.look();
        }
    }
}

impl<T> Batch<'_, T, Spsc> {
    /// The items, oldest first: all of the first slice, then all of the second.
    #[must_use]
    pub fn as_slices(&self) -> (&[T], &[T]) {
        self.chunk.as_slices()
    }

    /// The same, to change where they are.
    #[must_use]
    pub fn as_mut_slices(&mut self) -> (&mut [T], &mut [T]) {
        self.chunk.as_mut_slices()
    }
}

/// What was given out before.
#[derive(Debug)]
pub(super) struct Offers {
    /// Where the ring is, as its gauge counts.
    popped: usize,
    /// How many items from there on have been in a batch.
    known: usize,
}

impl Offers {
    pub(super) fn new<T, F: Flavour>(shared: &Shared<T, F>) -> Self {
        Self {
            popped: shared.ring.read().popped,
            known: 0,
        }
    }

    /// The first `n` items are given out: how many of them not for the first time.
    #[inline]
    fn offer(&mut self, n: usize) -> usize {
        let again = self.known.min(n);
        self.known = self.known.max(n);
        again
    }

    #[inline]
    fn committed(&mut self, n: usize) {
        self.popped = self.popped.wrapping_add(n);
        self.known = self.known.saturating_sub(n);
    }
}

/// A commit under way. Room has come, also if an item's `Drop` panics.
struct Committing<'a, T, F: Flavour> {
    shared: &'a Shared<T, F>,
    offers: &'a mut Offers,
    /// `None` as long as it is known to the ring alone.
    done: Option<usize>,
}

impl<T, F: Flavour> Drop for Committing<'_, T, F> {
    #[inline]
    fn drop(&mut self) {
        let before = self.offers.popped;
        let done = self
            .done
            .unwrap_or_else(|| self.shared.ring.read().popped.wrapping_sub(before));
        self.offers.committed(done);
        if done > 0 {
            self.shared.attend_to_senders();
        }
    }
}

impl<T, F: OneReceiver> Index<usize> for Batch<'_, T, F> {
    type Output = T;

    fn index(&self, n: usize) -> &T {
        self.get(n).expect("more than the batch holds")
    }
}

impl<T, F: OneReceiver> IndexMut<usize> for Batch<'_, T, F> {
    fn index_mut(&mut self, n: usize) -> &mut T {
        self.get_mut(n).expect("more than the batch holds")
    }
}

impl<'b, T, F: OneReceiver> IntoIterator for &'b Batch<'_, T, F> {
    type Item = &'b T;
    type IntoIter = BatchIter<'b, T, F>;

    fn into_iter(self) -> BatchIter<'b, T, F> {
        self.iter()
    }
}

impl<T, F: OneReceiver> fmt::Debug for Batch<'_, T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch")
            .field("len", &self.len())
            .field("redelivered", &self.redelivered)
            .finish_non_exhaustive()
    }
}

/// Goes through a batch. See [`Batch::iter`].
#[must_use = "iterators are lazy"]
pub struct BatchIter<'b, T: 'b, F: OneReceiver>(F::Items<'b, T>);

impl<'b, T, F: OneReceiver> Iterator for BatchIter<'b, T, F> {
    type Item = &'b T;

    #[inline]
    fn next(&mut self) -> Option<&'b T> {
        self.0.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }

    #[inline]
    fn fold<B, G: FnMut(B, &'b T) -> B>(self, init: B, each: G) -> B {
        self.0.fold(init, each)
    }
}

impl<T, F: OneReceiver> DoubleEndedIterator for BatchIter<'_, T, F> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.0.next_back()
    }
}

impl<T, F: OneReceiver> ExactSizeIterator for BatchIter<'_, T, F> {}
impl<T, F: OneReceiver> FusedIterator for BatchIter<'_, T, F> {}

impl<T, F: OneReceiver> fmt::Debug for BatchIter<'_, T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let left = self.0.size_hint().0;
        f.debug_struct("BatchIter").field("left", &left).finish()
    }
}
