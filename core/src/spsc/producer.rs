//! The side that pushes. Invariants and edges: those of [`super`].

use core::fmt;

use super::{Owner, WriteChunk};
use crate::error::Full;
#[cfg(feature = "alloc")]
use crate::heap::{Heap, Observer};
use crate::kept::Kept;
use crate::pace::Pace;
use crate::position::Word;
use crate::sync::{Atomic, Ordering};

/// The side that pushes.
///
/// If it is forgotten (`mem::forget`) instead of dropped, the consumer is never told
/// that it is gone, and a ring on the heap is never freed, nor are the items in it.
///
/// It can go to another thread if its items can. One for long-lived items cannot be
/// given short-lived ones:
///
/// ```compile_fail
/// use ringfence_core::spsc::{Heap, Producer};
/// fn shorten<'s>(tx: Producer<Heap<&'static str>>) -> Producer<Heap<&'s str>> {
///     tx
/// }
/// ```
pub struct Producer<O: Owner> {
    pub(super) owner: O,
    /// Position of the next push: the same as the shared one.
    tail: Kept<O::Word>,
    /// Position that cannot be pushed to as far as is known: `head + capacity`,
    /// from a copy of `head` that may lag (I4).
    limit: Kept<O::Word>,
    pace: Pace,
}

impl<O: Owner> Producer<O> {
    pub(super) fn new(owner: O) -> Self {
        let ends = owner.ends();
        // ORDERING: Relaxed; nobody else has a handle yet.
        let tail = ends.tail.load(Ordering::Relaxed);
        let head = ends.head.load(Ordering::Relaxed);
        let limit = owner.geometry().advance(head, owner.geometry().capacity());
        Self {
            owner,
            tail: Kept::new(tail),
            limit: Kept::new(limit),
            pace: Pace::default(),
        }
    }

    /// Stores `item` behind all others. Wait-free.
    ///
    /// # Errors
    /// [`Full`] with the item, if there was no room at an instant of the call.
    #[inline]
    pub fn try_push(&mut self, item: O::Item) -> Result<(), Full<O::Item>> {
        let tail = self.tail();
        if self.limit.get().is_none_or(|limit| limit == tail) && !self.look(tail).1 {
            return Err(Full(item));
        }
        // Read again where it is kept, so that it needs no register during the look.
        let tail = self.tail.get().unwrap_or(tail);
        let geometry = self.owner.geometry();
        let (slots, index) = (self.owner.slots(), geometry.index(tail));
        slots.prefetch_ahead(index, geometry.slots());
        // SAFETY: the slot at a tail below the limit is ours (I2, I4).
        unsafe { slots.write(index, item) };
        self.publish(geometry.advance(tail, 1));
        Ok(())
    }

    #[inline(always)]
    pub(super) fn tail(&self) -> O::Word {
        self.tail.get().unwrap_or_else(|| {
            // ORDERING: Relaxed; nobody else stores it (I3).
            self.owner.ends().tail.load(Ordering::Relaxed)
        })
    }

    /// Makes everything before `tail` visible to the consumer.
    #[inline(always)]
    pub(super) fn publish(&mut self, tail: O::Word) {
        self.tail.set(tail);
        // ORDERING: Release, edge `publish` from here to `Consumer::limit`.
        self.owner.ends().tail.store(tail, Ordering::Release);
        // SAFETY: this is the producer (I3).
        unsafe { self.owner.wake_consumer() }
    }

    /// Looks at the consumer's position, and returns how many pushes will
    /// succeed without looking again, as [`ready`](Self::ready) does from then
    /// on. Wait-free: where looking more rarely has proved faster, at most 16
    /// pauses of the processor come before.
    #[inline]
    pub fn refresh(&mut self) -> usize {
        let tail = self.tail();
        let (limit, _) = self.look(tail);
        self.owner.geometry().distance(tail, limit)
    }

    /// Where the limit is now, while this side is at `tail`, and whether a push will succeed.
    #[inline(always)]
    fn look(&mut self, tail: O::Word) -> (O::Word, bool) {
        self.pace.pause();
        let limit = self.limit();
        self.limit.set(limit);
        let is_ready = limit != tail;
        self.pace.found(self.owner.geometry().distance(tail, limit));
        (limit, is_ready)
    }

    /// Position that cannot be pushed to.
    #[inline(always)]
    fn limit(&self) -> O::Word {
        let geometry = self.owner.geometry();
        // ORDERING: Acquire, edge `free` from `Consumer::free_to` to here.
        let head = self.owner.ends().head.load(Ordering::Acquire);
        geometry.advance(head, geometry.capacity())
    }

    /// How many pushes will succeed, as far as is known without looking at the
    /// consumer's position; on a target without an operating system it looks.
    #[inline]
    #[must_use]
    pub fn ready(&self) -> usize {
        let limit = self.limit.get().unwrap_or_else(|| self.limit());
        self.owner.geometry().distance(self.tail(), limit)
    }

    /// Position of the next push.
    #[doc(hidden)]
    #[inline]
    pub fn position(&self) -> usize {
        self.tail().widen()
    }

    /// At least `n`, or as many as are free.
    pub(super) fn ready_for(&mut self, n: usize) -> usize {
        let known = self.limit.get();
        let ready = known.map_or(0, |limit| {
            self.owner.geometry().distance(self.tail(), limit)
        });
        if ready >= n { ready } else { self.refresh() }
    }

    /// Pushes from `items` until there is no room or there are no more, and
    /// publishes them together. Returns how many; `next` is not called when
    /// there is no room.
    ///
    /// # Panics
    /// If `items` does. What it gave so far is in the ring.
    pub fn push_iter(&mut self, items: impl IntoIterator<Item = O::Item>) -> usize {
        let room = self.refresh();
        self.write_chunk(room).fill(items)
    }

    /// Copies as much of `items` as fits, publishes it together, and returns
    /// how many items that was. Wait-free.
    #[must_use = "what does not fit is not pushed"]
    pub fn push_slice(&mut self, items: &[O::Item]) -> usize
    where
        O::Item: Copy,
    {
        self.write_chunk(items.len()).copy_from(items)
    }

    /// Up to `n` free slots to write to, fewer if there is less room: two
    /// slices, since the ring may wrap between them. Nothing is visible to the
    /// consumer until it is committed, and a chunk that is dropped or forgotten
    /// commits nothing. Wait-free.
    ///
    /// ```
    /// let (mut tx, mut rx) = ringfence_core::spsc::with_capacity::<u8>(4);
    /// let mut chunk = tx.write_chunk(9).init();
    /// assert_eq!(chunk.len(), 4);
    /// chunk.as_mut_slices().0[..2].copy_from_slice(b"hi");
    /// chunk.commit(2);
    /// assert!(rx.drain().eq(*b"hi"));
    /// ```
    pub fn write_chunk(&mut self, n: usize) -> WriteChunk<'_, O> {
        let len = self.ready_for(n).min(n);
        WriteChunk::new(self, len)
    }

    /// As [`write_chunk`](Self::write_chunk), in one piece: the second slice is
    /// empty. For DMA.
    ///
    /// There is no dead zone: the piece is shorter than `n` only if the ring is
    /// that full, or ends there (the next piece then starts at its first slot).
    /// Its length is `min(n, free, slots up to the end)`: at least 1 whenever
    /// the ring is not full, and all of the ring when it starts at slot 0.
    pub fn write_contiguous(&mut self, n: usize) -> WriteChunk<'_, O> {
        let ready = self.ready_for(n).min(n);
        let (_, len, _) = self.owner.geometry().pieces(self.tail(), ready);
        WriteChunk::new(self, len)
    }

    /// How many items are in the ring; fewer as soon as the consumer goes on.
    #[must_use]
    pub fn len(&self) -> usize {
        self.capacity() - self.free()
    }

    /// How much room there is; more as soon as the consumer goes on. That many
    /// pushes will succeed.
    #[must_use]
    pub fn free(&self) -> usize {
        let geometry = self.owner.geometry();
        // ORDERING: Relaxed; nothing is written on the strength of this, and a
        // stale value is too small.
        let head = self.owner.ends().head.load(Ordering::Relaxed);
        geometry.capacity() - geometry.distance(head, self.tail())
    }

    /// How many items fit.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.owner.geometry().capacity()
    }

    /// Whether the ring was empty. Once it is, it stays so until a push.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the ring was full. The consumer may have made room since.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.free() == 0
    }

    /// Whether the consumer is gone. If so, `len` is final but for pushes.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        // ORDERING: Acquire, edge `last-pop` from `Consumer::drop` to here.
        self.owner.ends().consumer_gone.load(Ordering::Acquire)
    }
}

#[cfg(feature = "alloc")]
impl<T> Producer<Heap<T>> {
    /// A watcher of this ring, for any thread.
    #[must_use]
    pub fn observe(&self) -> Observer {
        self.owner.observe()
    }
}

impl<O: Owner> Drop for Producer<O> {
    fn drop(&mut self) {
        // ORDERING: Release, edge `last-push` from here to
        // `Consumer::is_abandoned`.
        self.owner
            .ends()
            .producer_gone
            .store(true, Ordering::Release);
        // SAFETY: this is the producer (I3).
        unsafe { self.owner.wake_consumer() }
    }
}

impl<O: Owner> fmt::Debug for Producer<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Producer")
            .field("len", &self.len())
            .field("capacity", &self.capacity())
            .field("is_abandoned", &self.is_abandoned())
            .finish()
    }
}
