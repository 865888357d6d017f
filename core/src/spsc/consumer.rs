//! The side that pops. Invariants and edges: those of [`super`].

use core::fmt;

use super::{Owner, ReadChunk};
#[cfg(feature = "alloc")]
use crate::heap::{Heap, Observer};
use crate::kept::Kept;
use crate::pace::Pace;
use crate::position::Word;
use crate::sync::{Atomic, Ordering};

/// The side that pops.
///
/// If it is forgotten (`mem::forget`) instead of dropped, the producer is never told
/// that it is gone, and a ring on the heap is never freed, nor are the items in it.
pub struct Consumer<O: Owner> {
    pub(super) owner: O,
    /// Position of the next pop: the same as the shared one.
    head: Kept<O::Word>,
    /// Position that cannot be popped from as far as is known: a copy of `tail`
    /// that may lag (I4).
    limit: Kept<O::Word>,
    pace: Pace,
}

impl<O: Owner> Consumer<O> {
    pub(super) fn new(owner: O) -> Self {
        let ends = owner.ends();
        // ORDERING: Relaxed; nobody else has a handle yet.
        let head = ends.head.load(Ordering::Relaxed);
        let limit = ends.tail.load(Ordering::Relaxed);
        Self {
            owner,
            head: Kept::new(head),
            limit: Kept::new(limit),
            pace: Pace::default(),
        }
    }

    /// Takes the oldest item. Wait-free.
    ///
    /// `None` if there was none at an instant of the call.
    #[inline]
    pub fn try_pop(&mut self) -> Option<O::Item> {
        let head = self.head();
        if self.limit.get().is_none_or(|limit| limit == head) && !self.look(head).1 {
            return None;
        }
        // Read again where it is kept, so that it needs no register during the look.
        let head = self.head.get().unwrap_or(head);
        let geometry = self.owner.geometry();
        // SAFETY: the slot at a head below the limit is ours and holds an item
        // (I2, I4).
        let item = unsafe { self.owner.slots().take(geometry.index(head)) };
        self.free_to(geometry.advance(head, 1));
        Some(item)
    }

    #[inline(always)]
    pub(super) fn head(&self) -> O::Word {
        self.head.get().unwrap_or_else(|| {
            // ORDERING: Relaxed; nobody else stores it (I3).
            self.owner.ends().head.load(Ordering::Relaxed)
        })
    }

    /// Gives every slot before `head` back to the producer.
    #[inline(always)]
    fn free_to(&mut self, head: O::Word) {
        self.head.set(head);
        // ORDERING: Release, edge `free` from here to `Producer::limit`.
        self.owner.ends().head.store(head, Ordering::Release);
        // SAFETY: this is the consumer (I3).
        unsafe { self.owner.wake_producer() }
    }

    /// Looks at the producer's position, and returns how many pops will succeed
    /// without looking again, as [`ready`](Self::ready) does from then on.
    /// Wait-free: where looking more rarely has proved faster, at most 16 pauses
    /// of the processor come before.
    #[inline]
    pub fn refresh(&mut self) -> usize {
        let head = self.head();
        let (limit, _) = self.look(head);
        self.owner.geometry().distance(head, limit)
    }

    /// Where the limit is now, while this side is at `head`, and whether a pop will succeed.
    #[inline(always)]
    fn look(&mut self, head: O::Word) -> (O::Word, bool) {
        self.pace.pause();
        let limit = self.limit();
        self.limit.set(limit);
        let is_ready = limit != head;
        self.pace.found(self.owner.geometry().distance(head, limit));
        (limit, is_ready)
    }

    /// Position that cannot be popped from.
    #[inline(always)]
    fn limit(&self) -> O::Word {
        // ORDERING: Acquire, edge `publish` from `Producer::publish` to here.
        self.owner.ends().tail.load(Ordering::Acquire)
    }

    /// How many pops will succeed, as far as is known without looking at the
    /// producer's position; on a target without an operating system it looks.
    #[inline]
    #[must_use]
    pub fn ready(&self) -> usize {
        let limit = self.limit.get().unwrap_or_else(|| self.limit());
        self.owner.geometry().distance(self.head(), limit)
    }

    /// Position of the next pop.
    #[doc(hidden)]
    #[inline]
    pub fn position(&self) -> usize {
        self.head().widen()
    }

    /// At least `n`, or as many as there are.
    pub(super) fn ready_for(&mut self, n: usize) -> usize {
        let known = self.limit.get();
        let ready = known.map_or(0, |limit| {
            self.owner.geometry().distance(self.head(), limit)
        });
        if ready >= n { ready } else { self.refresh() }
    }

    /// The oldest item, still in the ring. Wait-free.
    #[must_use]
    pub fn peek(&mut self) -> Option<&O::Item> {
        self.peek_mut().map(|item| &*item)
    }

    /// The oldest item, still in the ring, to change. Wait-free.
    #[must_use]
    pub fn peek_mut(&mut self) -> Option<&mut O::Item> {
        if self.ready_for(1) == 0 {
            return None;
        }
        let index = self.owner.geometry().index(self.head());
        // SAFETY: the slot at a head below the limit is ours and holds an item
        // (I2, I4), for as long as this consumer is borrowed.
        unsafe { Some(self.owner.slots().item_mut(index)) }
    }

    /// Hands up to `limit` items to `each`, frees their slots together, and
    /// returns how many there were.
    ///
    /// # Panics
    /// If `each` does. The items that it got are gone, and the rest is still in the
    /// ring.
    pub fn pop_each(&mut self, limit: usize, mut each: impl FnMut(O::Item)) -> usize {
        let n = self.ready_for(limit).min(limit);
        let mut taken = Taken::new(self);
        for _ in 0..n {
            // SAFETY: fewer than the items that are ready have been taken.
            each(unsafe { taken.next() });
        }
        n
    }

    /// Copies items to `buffer` until it is full or there are no more, frees
    /// their slots together, and returns how many that was. Wait-free.
    #[must_use = "the rest of the buffer is as it was"]
    pub fn pop_slice(&mut self, buffer: &mut [O::Item]) -> usize
    where
        O::Item: Copy,
    {
        self.read_chunk(buffer.len()).copy_to(buffer)
    }

    /// Takes items until the ring is empty. What is not taken stays. After the end,
    /// it goes on if there are items again.
    pub fn drain(&mut self) -> Drain<'_, O> {
        Drain(self)
    }

    /// Up to `n` items to read in place, fewer if there are fewer: two slices,
    /// since the ring may wrap between them. Their slots are freed, and they
    /// are dropped, when they are committed; a chunk that is dropped or
    /// forgotten commits nothing. Wait-free.
    ///
    /// ```
    /// let (mut tx, mut rx) = ringfence_core::spsc::with_capacity(4);
    /// assert_eq!(tx.push_slice(b"abc"), 3);
    /// let chunk = rx.read_chunk(2);
    /// assert_eq!(chunk.as_slices().0, b"ab");
    /// chunk.commit(1); // frees the slot of `a`
    /// assert_eq!(rx.try_pop(), Some(b'b'));
    /// ```
    pub fn read_chunk(&mut self, n: usize) -> ReadChunk<'_, O> {
        let len = self.ready_for(n).min(n);
        ReadChunk::new(self, len)
    }

    /// As [`read_chunk`](Self::read_chunk), in one piece: the second slice is
    /// empty. For DMA.
    ///
    /// Its length is `min(n, len, slots up to the end)`: at least 1 whenever
    /// the ring is not empty. What lies behind the end is in the next piece.
    pub fn read_contiguous(&mut self, n: usize) -> ReadChunk<'_, O> {
        let ready = self.ready_for(n).min(n);
        let (_, len, _) = self.owner.geometry().pieces(self.head(), ready);
        ReadChunk::new(self, len)
    }

    /// How many items are in the ring; more as soon as the producer goes on.
    /// That many pops will succeed.
    #[must_use]
    pub fn len(&self) -> usize {
        // ORDERING: Relaxed; nothing is read on the strength of this, and a
        // stale value is too small.
        let tail = self.owner.ends().tail.load(Ordering::Relaxed);
        self.owner.geometry().distance(self.head(), tail)
    }

    /// How much room there is; less as soon as the producer goes on.
    #[must_use]
    pub fn free(&self) -> usize {
        self.capacity() - self.len()
    }

    /// How many items fit.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.owner.geometry().capacity()
    }

    /// Whether the ring was empty. The producer may have pushed since.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the ring was full. Once it is, it stays so until a pop.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.free() == 0
    }

    /// Whether the producer is gone. If so, what it pushed is all visible: a
    /// [`try_pop`](Self::try_pop) after this that returns `None` is final.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        // ORDERING: Acquire, edge `last-push` from `Producer::drop` to here.
        self.owner.ends().producer_gone.load(Ordering::Acquire)
    }
}

#[cfg(feature = "alloc")]
impl<T> Consumer<Heap<T>> {
    /// A watcher of this ring, for any thread.
    #[must_use]
    pub fn observe(&self) -> Observer {
        self.owner.observe()
    }
}

impl<O: Owner> Drop for Consumer<O> {
    fn drop(&mut self) {
        // ORDERING: Release, edge `last-pop` from here to
        // `Producer::is_abandoned`.
        self.owner
            .ends()
            .consumer_gone
            .store(true, Ordering::Release);
        // SAFETY: this is the consumer (I3).
        unsafe { self.owner.wake_producer() }
    }
}

/// Items being taken one by one, their slots freed together, also on unwinding.
pub(super) struct Taken<'a, O: Owner> {
    consumer: &'a mut Consumer<O>,
    head: O::Word,
}

impl<'a, O: Owner> Taken<'a, O> {
    pub(super) fn new(consumer: &'a mut Consumer<O>) -> Self {
        let head = consumer.head();
        Self { consumer, head }
    }

    /// The slot of the next item, which counts as taken from here on.
    #[inline(always)]
    fn advance(&mut self) -> usize {
        let geometry = self.consumer.owner.geometry();
        let index = geometry.index(self.head);
        self.head = geometry.advance(self.head, 1);
        index
    }

    /// # Safety
    /// Another item is ready.
    #[inline(always)]
    unsafe fn next(&mut self) -> O::Item {
        let index = self.advance();
        // SAFETY: ready means below the limit, as in `try_pop`.
        unsafe { self.consumer.owner.slots().take(index) }
    }

    /// # Safety
    /// Another item is ready.
    pub(super) unsafe fn drop_next(&mut self) {
        let index = self.advance();
        // SAFETY: as above.
        unsafe { self.consumer.owner.slots().drop_in_place(index) }
    }
}

impl<O: Owner> Drop for Taken<'_, O> {
    fn drop(&mut self) {
        self.consumer.free_to(self.head);
    }
}

/// Takes items until the ring is empty. See [`Consumer::drain`].
#[must_use = "nothing is popped until it is asked for"]
pub struct Drain<'a, O: Owner>(&'a mut Consumer<O>);

impl<O: Owner> Iterator for Drain<'_, O> {
    type Item = O::Item;

    fn next(&mut self) -> Option<O::Item> {
        self.0.try_pop()
    }

    /// No upper bound: the producer may go on.
    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.0.len(), None)
    }
}

impl<O: Owner> fmt::Debug for Drain<'_, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Drain")
            .field("len", &self.0.len())
            .field("capacity", &self.0.capacity())
            .finish()
    }
}

impl<O: Owner> fmt::Debug for Consumer<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consumer")
            .field("len", &self.len())
            .field("capacity", &self.capacity())
            .field("is_abandoned", &self.is_abandoned())
            .finish()
    }
}
