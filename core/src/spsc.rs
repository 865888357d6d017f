//! A wait-free ring for one producer and one consumer.
//!
//! Both sides keep their own position to themselves and a copy of the other's;
//! they look at the shared one only when the copy says full or empty. After
//! Lamport (1977), with the copies of Lee, Bu and Chandranmenon (MCRingBuffer,
//! 2009).
//!
//! 1. push: if the ring looks full, look at `head` again. Write the item to its
//!    slot. Publish: store `tail`.
//! 2. pop: if the ring looks empty, look at `tail` again. Take the item from
//!    its slot. Free: store `head`.
//!
//! Loads and stores only, no loop, on both sides: **wait-free**, and the same
//! on targets without compare-and-swap. An interrupt handler that holds one
//! side never waits for the code that it interrupted.
//!
//! ```
//! use ringfence_core::spsc;
//!
//! static RING: spsc::Ring<u32, 2> = spsc::Ring::new();
//! let (mut tx, mut rx) = RING.split().unwrap(); // once
//! assert!(tx.try_push(1).is_ok());
//! assert!(tx.try_push(2).is_ok());
//! assert_eq!(tx.try_push(3).unwrap_err().into_inner(), 3); // full
//! assert_eq!(rx.try_pop(), Some(1));
//! assert_eq!(rx.try_pop(), Some(2));
//! assert_eq!(rx.try_pop(), None); // empty
//! ```
//!
//! # Full and empty
//!
//! Only the producer adds and only the consumer takes, so each side may trust
//! one direction. To the **producer**, `free` can only grow behind its back and
//! `len` only shrink: `free() >= n` guarantees that `n` pushes succeed. To the
//! **consumer**, `len` can only grow: `len() >= n` guarantees that `n` pops
//! succeed. `Full` and `None` are true at the instant within the call at which
//! the other side's position was read.
//!
//! # Invariants
//!
//! * I1: `head <= tail <= head + capacity`.
//! * I2: slots from `head` up to `tail` hold items and are the consumer's; the
//!   others hold none and are the producer's.
//! * I3: there is at most one producer and one consumer; `tail` is stored by
//!   the one, `head` by the other.
//! * I4: a copy of the other's position lags behind, which errs towards full
//!   and towards empty.
//!
//! # Edges
//!
//! * `publish`: the producer's write of an item, before the consumer takes it.
//! * `free`: the consumer's take, before the producer writes there again.
//! * `last-push`: every push, before the consumer sees the producer gone.
//! * `last-pop`: every pop, before the producer sees the consumer gone.

mod chunk;
#[cfg(test)]
mod tests;

use core::fmt;

pub use self::chunk::{InitChunk, ReadChunk, WriteChunk};
pub use crate::error::{CapacityError, Full};
pub use crate::handle::Owner;
#[cfg(feature = "alloc")]
pub use crate::handle::heap::{Heap, Observer};
pub use crate::position::Word;

use crate::handle::Parts;
use crate::padded::Padded;
use crate::position::Geometry;
use crate::slots::{InPlace, Slots};
use crate::sync::{self, Atomic, AtomicBool, AtomicUsize, Ordering, const_unless_loom, fence};

/// What the two sides share.
#[derive(Debug)]
pub struct Ends<W: Word> {
    /// Position of the next push.
    pub(crate) tail: Padded<W::Atomic>,
    /// Position of the next pop.
    pub(crate) head: Padded<W::Atomic>,
    /// There will be no more pushes.
    producer_gone: AtomicBool,
    /// There will be no more pops.
    consumer_gone: AtomicBool,
}

impl<W: Word> Ends<W> {
    const_unless_loom! {
        pub(crate) const fn new() -> Self {
            Self {
                tail: Padded::new(sync::zero::<W, W::Atomic>()),
                head: Padded::new(sync::zero::<W, W::Atomic>()),
                producer_gone: AtomicBool::new(false),
                consumer_gone: AtomicBool::new(false),
            }
        }
    }
}

/// A ring in place, for exactly `N` items, `N` at least 1.
///
/// In a `static` it needs no heap, and its empty state is all zeros. Its
/// handles come from [`split`](Self::split) or [`split_mut`](Self::split_mut).
///
/// `W` is the type of the positions, `usize` unless said otherwise; `N` is at
/// most half of what it can count. Items that are left are dropped with the
/// ring; a static is never dropped.
///
/// No ring without room, and none larger than its positions can count:
///
/// ```compile_fail
/// static NONE: ringfence_core::spsc::Ring<u8, 0> = ringfence_core::spsc::Ring::new();
/// ```
/// ```compile_fail
/// static LARGE: ringfence_core::spsc::Ring<u8, 128, u8> = ringfence_core::spsc::Ring::new();
/// ```
///
/// Items cross between threads, so they must be `Send`:
///
/// ```compile_fail
/// use std::rc::Rc;
/// static LOCAL: ringfence_core::spsc::Ring<Rc<u8>, 4> = ringfence_core::spsc::Ring::new();
/// ```
#[derive(Debug)]
pub struct Ring<T, const N: usize, W: Word = usize> {
    ends: Ends<W>,
    claim: Claim,
    slots: InPlace<T, N>,
}

// SAFETY: handles move items between threads, hence `T: Send`; no reference to
// an item is given out by both sides (I2), hence no `T: Sync`.
unsafe impl<T: Send, const N: usize, W: Word> Sync for Ring<T, N, W> {}

impl<T, const N: usize, W: Word> Ring<T, N, W> {
    const GEOMETRY: Geometry = {
        assert!(N > 0, "a ring holds at least one item");
        assert!(N <= W::MAX_CAPACITY, "the positions cannot count that far");
        Geometry::exact(N)
    };

    const_unless_loom! {
        /// An empty ring.
        pub const fn new() -> Self {
            let _ = Self::GEOMETRY;
            Self {
                ends: Ends::new(),
                claim: Claim::new(),
                slots: InPlace::new(),
            }
        }
    }

    /// The two sides of a ring that lives for ever. At most one call succeeds,
    /// ever; where calls overlap in time, it may be that none does.
    ///
    /// Wait-free, loads and stores only.
    pub fn split(&'static self) -> Option<(Producer<&'static Self>, Consumer<&'static Self>)> {
        // I3: by the claim these are the only handles that come from here, and
        // `split_mut` needs a `&mut`, which this `&'static` rules out.
        self.claim.succeeds().then(|| self.handles())
    }

    /// The two sides of a ring that is borrowed. What is in it stays in it, and
    /// is there at the next split.
    pub fn split_mut(&mut self) -> (Producer<&Self>, Consumer<&Self>) {
        // I3: the `&mut` is borrowed for as long as the handles live.
        self.handles()
    }

    fn handles(&self) -> (Producer<&Self>, Consumer<&Self>) {
        // ORDERING: Relaxed; whoever had handles before has handed over the
        // exclusive reference since.
        self.ends.producer_gone.store(false, Ordering::Relaxed);
        self.ends.consumer_gone.store(false, Ordering::Relaxed);
        (Producer::new(self), Consumer::new(self))
    }

    /// How many items fit.
    pub const fn capacity(&self) -> usize {
        N
    }
}

impl<T, const N: usize, W: Word> Default for Ring<T, N, W> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T, const N: usize, W: Word> Drop for Ring<T, N, W> {
    fn drop(&mut self) {
        // SAFETY: the `&mut` says that there are no handles.
        unsafe { drop_items(&&*self) }
    }
}

// SAFETY: the parts are fields of one ring, which is borrowed; GEOMETRY has N
// slots.
unsafe impl<T, const N: usize, W: Word> Parts for &Ring<T, N, W> {
    type Item = T;
    type Word = W;

    #[inline(always)]
    fn ends(&self) -> &Ends<W> {
        &self.ends
    }
    #[inline(always)]
    fn geometry(&self) -> Geometry {
        Ring::<T, N, W>::GEOMETRY
    }
    #[inline(always)]
    fn slots(&self) -> Slots<T> {
        self.slots.slots()
    }
}

impl<T, const N: usize, W: Word> Owner for &Ring<T, N, W> {}

/// Lets at most one caller ever succeed, with loads and stores alone.
///
/// Lamport's splitter (1987). Two callers that both get past `taken` have both
/// written `claimant` before either wrote `taken`, so the earlier of the two
/// names finds the other's in its place.
#[derive(Debug)]
struct Claim {
    claimant: AtomicUsize,
    taken: AtomicBool,
}

impl Claim {
    const_unless_loom! {
        const fn new() -> Self {
            Self {
                claimant: AtomicUsize::new(0),
                taken: AtomicBool::new(false),
            }
        }
    }

    fn succeeds(&self) -> bool {
        // The address of a local names its caller among all that are inside.
        let local = 0u8;
        let name = (&raw const local).addr();
        // ORDERING: Relaxed, between fences: no caller may read before what it
        // has written is visible to every caller whose fence comes later.
        self.claimant.store(name, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        if self.taken.load(Ordering::Relaxed) {
            return false;
        }
        self.taken.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        self.claimant.load(Ordering::Relaxed) == name
    }
}

/// A ring on the heap for exactly `capacity` items, and its two sides.
///
/// Memory for the slots is rounded up to a power of two, the capacity is not.
///
/// # Errors
/// [`CapacityError`] if `capacity` is 0 or no memory can hold it.
#[cfg(feature = "alloc")]
#[expect(clippy::type_complexity, reason = "two handles, spelled out once")]
pub fn try_with_capacity<T>(
    capacity: usize,
) -> Result<(Producer<Heap<T>>, Consumer<Heap<T>>), CapacityError> {
    let (producer, consumer) = Heap::try_new(capacity)?;
    // I3: a `Heap` for each side, and each is used once.
    Ok((Producer::new(producer), Consumer::new(consumer)))
}

/// As [`try_with_capacity`].
///
/// # Panics
/// If `capacity` is 0 or no memory can hold it.
///
/// ```
/// let (mut tx, mut rx) = ringfence_core::spsc::with_capacity(1000);
/// std::thread::spawn(move || (0..1000).for_each(|i| tx.try_push(i).unwrap()))
///     .join()
///     .unwrap();
/// assert_eq!(rx.drain().sum::<i32>(), 499_500);
/// ```
#[cfg(feature = "alloc")]
pub fn with_capacity<T>(capacity: usize) -> (Producer<Heap<T>>, Consumer<Heap<T>>) {
    try_with_capacity(capacity).unwrap_or_else(|error| panic!("{error}: {capacity}"))
}

/// The side that pushes.
///
/// Its items can be sent to another thread, and so can it where they can.
pub struct Producer<O: Owner> {
    owner: O,
    /// Position of the next push: the truth, of which the shared one is a copy.
    tail: O::Word,
    /// Position that cannot be pushed to as far as is known: `head + capacity`,
    /// from a copy of `head` that may lag (I4).
    limit: O::Word,
}

impl<O: Owner> Producer<O> {
    fn new(owner: O) -> Self {
        let ends = owner.ends();
        // ORDERING: Relaxed; nobody else has a handle yet.
        let tail = ends.tail.load(Ordering::Relaxed);
        let head = ends.head.load(Ordering::Relaxed);
        let limit = owner.geometry().advance(head, owner.geometry().capacity());
        Self { owner, tail, limit }
    }

    /// Stores `item` behind all others. Wait-free.
    ///
    /// # Errors
    /// [`Full`] with the item, if there was no room at an instant of the call.
    #[inline]
    pub fn try_push(&mut self, item: O::Item) -> Result<(), Full<O::Item>> {
        if self.tail == self.limit && self.refresh() == 0 {
            return Err(Full(item));
        }
        let geometry = self.owner.geometry();
        // SAFETY: the slot at a tail below the limit is ours (I2, I4).
        unsafe { self.owner.slots().write(geometry.index(self.tail), item) };
        self.publish(geometry.advance(self.tail, 1));
        Ok(())
    }

    /// Makes everything before `tail` visible to the consumer.
    #[inline(always)]
    fn publish(&mut self, tail: O::Word) {
        self.tail = tail;
        // ORDERING: Release, edge `publish` from here to `Consumer::refresh`.
        self.owner.ends().tail.store(tail, Ordering::Release);
    }

    /// Looks at the consumer's position, and returns how many pushes will
    /// succeed without looking again, as [`ready`](Self::ready) does from then
    /// on. Wait-free.
    #[inline]
    pub fn refresh(&mut self) -> usize {
        let geometry = self.owner.geometry();
        // ORDERING: Acquire, edge `free` from `Consumer::free_to` to here.
        let head = self.owner.ends().head.load(Ordering::Acquire);
        self.limit = geometry.advance(head, geometry.capacity());
        self.ready()
    }

    /// How many pushes will succeed, as far as is known without looking at the
    /// consumer's position.
    #[inline]
    pub fn ready(&self) -> usize {
        self.owner.geometry().distance(self.tail, self.limit)
    }

    /// At least `n`, or as many as are free.
    fn ready_for(&mut self, n: usize) -> usize {
        let ready = self.ready();
        if ready >= n { ready } else { self.refresh() }
    }

    /// Pushes from `items` until there is no room or there are no more, and
    /// publishes them together. Returns how many; `next` is not called when
    /// there is no room. If it panics, what it gave so far is in the ring.
    pub fn push_iter(&mut self, items: impl IntoIterator<Item = O::Item>) -> usize {
        let mut items = items.into_iter();
        let at_least = items.size_hint().0.max(1);
        let ready = self.ready_for(at_least);
        self.write_chunk(ready).fill(&mut items)
    }

    /// Copies as much of `items` as fits, publishes it together, and returns
    /// how many items that was. Wait-free.
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
        let (_, len, _) = self.owner.geometry().pieces(self.tail, ready);
        WriteChunk::new(self, len)
    }

    /// How many items are in the ring; fewer as soon as the consumer goes on.
    pub fn len(&self) -> usize {
        self.capacity() - self.free()
    }

    /// How much room there is; more as soon as the consumer goes on. That many
    /// pushes will succeed.
    pub fn free(&self) -> usize {
        let geometry = self.owner.geometry();
        // ORDERING: Relaxed; nothing is written on the strength of this, and a
        // stale value is too small.
        let head = self.owner.ends().head.load(Ordering::Relaxed);
        geometry.capacity() - geometry.distance(head, self.tail)
    }

    /// How many items fit.
    pub fn capacity(&self) -> usize {
        self.owner.geometry().capacity()
    }

    /// Whether the ring was empty. Once it is, it stays so until a push.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the ring was full. The consumer may have made room since.
    pub fn is_full(&self) -> bool {
        self.free() == 0
    }

    /// Whether the consumer is gone. If so, `len` is final but for pushes.
    pub fn is_abandoned(&self) -> bool {
        // ORDERING: Acquire, edge `last-pop` from `Consumer::drop` to here.
        self.owner.ends().consumer_gone.load(Ordering::Acquire)
    }
}

#[cfg(feature = "alloc")]
impl<T> Producer<Heap<T>> {
    /// A watcher of this ring, for any thread.
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
    }
}

/// The side that pops.
pub struct Consumer<O: Owner> {
    owner: O,
    /// Position of the next pop: the truth, of which the shared one is a copy.
    head: O::Word,
    /// Position that cannot be popped from as far as is known: a copy of `tail`
    /// that may lag (I4).
    limit: O::Word,
}

impl<O: Owner> Consumer<O> {
    fn new(owner: O) -> Self {
        let ends = owner.ends();
        // ORDERING: Relaxed; nobody else has a handle yet.
        let head = ends.head.load(Ordering::Relaxed);
        let limit = ends.tail.load(Ordering::Relaxed);
        Self { owner, head, limit }
    }

    /// Takes the oldest item. Wait-free.
    ///
    /// `None` if there was none at an instant of the call.
    #[inline]
    pub fn try_pop(&mut self) -> Option<O::Item> {
        if self.head == self.limit && self.refresh() == 0 {
            return None;
        }
        let geometry = self.owner.geometry();
        // SAFETY: the slot at a head below the limit is ours and holds an item
        // (I2, I4).
        let item = unsafe { self.owner.slots().take(geometry.index(self.head)) };
        self.free_to(geometry.advance(self.head, 1));
        Some(item)
    }

    /// Gives every slot before `head` back to the producer.
    #[inline(always)]
    fn free_to(&mut self, head: O::Word) {
        self.head = head;
        // ORDERING: Release, edge `free` from here to `Producer::refresh`.
        self.owner.ends().head.store(head, Ordering::Release);
    }

    /// Looks at the producer's position, and returns how many pops will succeed
    /// without looking again, as [`ready`](Self::ready) does from then on.
    /// Wait-free.
    #[inline]
    pub fn refresh(&mut self) -> usize {
        // ORDERING: Acquire, edge `publish` from `Producer::publish` to here.
        self.limit = self.owner.ends().tail.load(Ordering::Acquire);
        self.ready()
    }

    /// How many pops will succeed, as far as is known without looking at the
    /// producer's position.
    #[inline]
    pub fn ready(&self) -> usize {
        self.owner.geometry().distance(self.head, self.limit)
    }

    /// At least `n`, or as many as there are.
    fn ready_for(&mut self, n: usize) -> usize {
        let ready = self.ready();
        if ready >= n { ready } else { self.refresh() }
    }

    /// The oldest item, still in the ring. Wait-free.
    pub fn peek(&mut self) -> Option<&O::Item> {
        self.peek_mut().map(|item| &*item)
    }

    /// The oldest item, still in the ring, to change. Wait-free.
    pub fn peek_mut(&mut self) -> Option<&mut O::Item> {
        if self.ready_for(1) == 0 {
            return None;
        }
        let index = self.owner.geometry().index(self.head);
        // SAFETY: the slot at a head below the limit is ours and holds an item
        // (I2, I4), for as long as this consumer is borrowed.
        unsafe { Some(self.owner.slots().item_mut(index)) }
    }

    /// Hands up to `limit` items to `each`, frees their slots together, and
    /// returns how many there were. If `each` panics, the item that it got is
    /// gone, and the rest is still in the ring.
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
    pub fn pop_slice(&mut self, buffer: &mut [O::Item]) -> usize
    where
        O::Item: Copy,
    {
        self.read_chunk(buffer.len()).copy_to(buffer)
    }

    /// Takes items until the ring is empty. What is not taken stays.
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
    /// tx.push_slice(b"abc");
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
        let (_, len, _) = self.owner.geometry().pieces(self.head, ready);
        ReadChunk::new(self, len)
    }

    /// How many items are in the ring; more as soon as the producer goes on.
    /// That many pops will succeed.
    pub fn len(&self) -> usize {
        // ORDERING: Relaxed; nothing is read on the strength of this, and a
        // stale value is too small.
        let tail = self.owner.ends().tail.load(Ordering::Relaxed);
        self.owner.geometry().distance(self.head, tail)
    }

    /// How much room there is; less as soon as the producer goes on.
    pub fn free(&self) -> usize {
        self.capacity() - self.len()
    }

    /// How many items fit.
    pub fn capacity(&self) -> usize {
        self.owner.geometry().capacity()
    }

    /// Whether the ring was empty. The producer may have pushed since.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the ring was full. Once it is, it stays so until a pop.
    pub fn is_full(&self) -> bool {
        self.free() == 0
    }

    /// Whether the producer is gone. If so, what it pushed is all visible: a
    /// [`try_pop`](Self::try_pop) after this that returns `None` is final.
    pub fn is_abandoned(&self) -> bool {
        // ORDERING: Acquire, edge `last-push` from `Producer::drop` to here.
        self.owner.ends().producer_gone.load(Ordering::Acquire)
    }
}

#[cfg(feature = "alloc")]
impl<T> Consumer<Heap<T>> {
    /// A watcher of this ring, for any thread.
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
    }
}

/// Items being taken one by one, their slots freed together, also on unwinding.
struct Taken<'a, O: Owner> {
    consumer: &'a mut Consumer<O>,
    head: O::Word,
}

impl<'a, O: Owner> Taken<'a, O> {
    fn new(consumer: &'a mut Consumer<O>) -> Self {
        let head = consumer.head;
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
    unsafe fn drop_next(&mut self) {
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
#[derive(Debug)]
pub struct Drain<'a, O: Owner>(&'a mut Consumer<O>);

impl<O: Owner> Iterator for Drain<'_, O> {
    type Item = O::Item;

    fn next(&mut self) -> Option<O::Item> {
        self.0.try_pop()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.0.len(), None)
    }
}

/// Drops what is left in a ring. If one item's `Drop` panics, the others are
/// dropped nevertheless; a second panic aborts.
///
/// # Safety
/// No handle uses the ring any more, and none will.
pub(crate) unsafe fn drop_items<O: Parts>(owner: &O) {
    struct Rest<'a, O: Parts> {
        owner: &'a O,
        head: O::Word,
        tail: O::Word,
    }
    impl<O: Parts> Rest<'_, O> {
        fn drop_all(&mut self) {
            let geometry = self.owner.geometry();
            while self.head != self.tail {
                let index = geometry.index(self.head);
                self.head = geometry.advance(self.head, 1);
                // SAFETY: between head and tail by I2, and passed only once.
                unsafe { self.owner.slots().drop_in_place(index) };
            }
        }
    }
    impl<O: Parts> Drop for Rest<'_, O> {
        fn drop(&mut self) {
            self.drop_all();
        }
    }
    let ends = owner.ends();
    // ORDERING: Relaxed; the caller is alone with the ring.
    Rest {
        owner,
        head: ends.head.load(Ordering::Relaxed),
        tail: ends.tail.load(Ordering::Relaxed),
    }
    .drop_all();
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

impl<O: Owner> fmt::Debug for Consumer<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consumer")
            .field("len", &self.len())
            .field("capacity", &self.capacity())
            .field("is_abandoned", &self.is_abandoned())
            .finish()
    }
}
