//! The handles of `Solo` sides. Invariants and edges: those of [`super`].

use core::fmt;

use super::packing::Position;
use super::parts::{Parts, Stretch, free, is_turn, position};
use super::storage::sealed::Storage;
use super::{PopError, PushError, ReadChunk, Shared, Solo, Stamped};
use crate::policy::Push;
use crate::slots::StampedSlot;
use crate::sync::rmw::AtomicBool;
use crate::sync::{Ordering, with_arc};

mod sealed {
    pub trait Sealed {}
}

/// How a handle reaches its ring: `&Stamped`, or an `Arc` of it. Sealed.
pub trait Owner: sealed::Sealed {
    /// What the ring holds.
    type Item;
    #[doc(hidden)]
    type Storage: Storage<Item = Self::Item>;
    /// The same as long as the owner lives (T4).
    #[doc(hidden)]
    fn ring(&self) -> &Stamped<Self::Storage>;
}

impl<St: Storage> sealed::Sealed for &Stamped<St> {}
impl<St: Storage> Owner for &Stamped<St> {
    type Item = St::Item;
    type Storage = St;

    #[inline(always)]
    fn ring(&self) -> &Stamped<St> {
        self
    }
}

with_arc! {
    impl<St: Storage> sealed::Sealed for alloc::sync::Arc<Stamped<St>> {}
    impl<St: Storage> Owner for alloc::sync::Arc<Stamped<St>> {
        type Item = St::Item;
        type Storage = St;

        #[inline(always)]
        fn ring(&self) -> &Stamped<St> {
            self
        }
    }
}

type Producers<O> = <<O as Owner>::Storage as Storage>::Producers;
type Consumers<O> = <<O as Owner>::Storage as Storage>::Consumers;

#[inline(always)]
fn parts<O: Owner>(owner: &O) -> Parts<'_, O::Item> {
    owner.ring().storage.parts()
}

/// Whether the handle was there to be had.
#[track_caller]
fn take(out: &AtomicBool) -> bool {
    // ORDERING: Acquire, edge `handover` to here.
    out.compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed)
        .is_ok()
}

#[track_caller]
fn give_back(out: &AtomicBool) {
    // ORDERING: Release, edge `handover` from here.
    out.store(false, Ordering::Release);
}

/// The one producer of a ring whose producers are [`Solo`].
///
/// It can go to another thread if the items can. Dropping it lets the next one be
/// claimed; forgetting it means that there will be none.
///
/// ```
/// use ringfence_core::stamped::{Producer, Spmc};
/// use std::sync::Arc;
///
/// let ring = Arc::new(Spmc::with_capacity(4));
/// let mut producer = Producer::claim(ring.clone()).unwrap();
/// std::thread::spawn(move || producer.push_iter(0..9)).join().unwrap();
/// assert!(ring.drain().eq(0..4));
/// ```
pub struct Producer<O: Owner> {
    owner: O,
    /// Position of the next push: the truth, of which the shared one is a copy.
    at: Position,
}

impl<O: Owner> Producer<O> {
    /// The handle of the one producer; `None` while it is out.
    pub fn claim(owner: O) -> Option<Self>
    where
        O::Storage: Storage<Producers = Solo>,
    {
        let parts = parts(&owner);
        take(&parts.ends.producing).then(|| position(&parts.ends.tail)).map(|at| Self { owner, at })
    }

    /// Stores `item` behind all others. Wait-free.
    ///
    /// # Errors
    /// [`PushError`] with the item, if the ring was full, or if a `Shared` consumer
    /// held the slot.
    #[inline]
    pub fn try_push(&mut self, item: O::Item) -> Result<(), PushError<O::Item>> {
        self.push_at(item).map(|_| ())
    }

    /// As [`Stamped::push_at`].
    #[doc(hidden)]
    #[inline]
    pub fn push_at(&mut self, item: O::Item) -> Result<usize, PushError<O::Item>> {
        self.at = parts(&self.owner).push::<Solo, Consumers<O>>(self.at, item)?;
        Ok(self.at.0)
    }

    /// Whether the next push is sure to succeed: only this handle takes room. Wait-free.
    ///
    /// ```
    /// use ringfence_core::stamped::Spmc;
    ///
    /// let ring = Spmc::with_capacity(1);
    /// let mut producer = ring.producer().unwrap();
    /// assert!(producer.has_room());
    /// producer.try_push('a').unwrap();
    /// assert!(!producer.has_room()); // not before the pop
    /// ```
    #[inline]
    #[must_use]
    pub fn has_room(&self) -> bool {
        parts(&self.owner).has_turn(self.at, false)
    }

    /// Copies as much of `items` as there is room for, and returns how many items
    /// that was: 0 where [`try_push`](Self::try_push) would have failed. Wait-free.
    #[inline]
    pub fn push_slice(&mut self, items: &[O::Item]) -> usize
    where
        O::Item: Copy,
    {
        let each = |n: usize| items[n];
        let run = parts(&self.owner).push_run::<Solo, Consumers<O>>(self.at, items.len(), each);
        self.at = run.end;
        run.len
    }

    /// Pushes from `items` until there is no room or there are no more, one by one,
    /// and returns how many. `next` is not called when there is no room. If it
    /// panics, what it gave so far is in the ring.
    pub fn push_iter(&mut self, items: impl IntoIterator<Item = O::Item>) -> usize {
        let mut items = items.into_iter();
        let mut n = 0;
        while self.has_room() {
            let Some(item) = items.next() else { break };
            let pushed = self.try_push(item);
            debug_assert!(pushed.is_ok(), "there was room, and nobody else takes it");
            n += 1;
        }
        n
    }

    /// The ring.
    pub fn ring(&self) -> &Stamped<O::Storage> {
        self.owner.ring()
    }
}

impl<O: Owner> Push for Producer<O> {
    type Item = O::Item;
    fn push(&mut self, item: O::Item) -> Result<(), O::Item> {
        self.try_push(item).map_err(PushError::into_inner)
    }
    fn depth(&self) -> usize {
        self.ring().len()
    }
}

impl<St: Storage<Producers = Shared>> Push for &Stamped<St> {
    type Item = St::Item;
    fn push(&mut self, item: St::Item) -> Result<(), St::Item> {
        self.try_push(item).map_err(PushError::into_inner)
    }
    fn depth(&self) -> usize {
        self.len()
    }
}

impl<O: Owner> Drop for Producer<O> {
    fn drop(&mut self) {
        give_back(&parts(&self.owner).ends.producing);
    }
}

impl<O: Owner> fmt::Debug for Producer<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Producer").field(self.ring()).finish()
    }
}

/// The one consumer of a ring whose consumers are [`Solo`].
///
/// It can go to another thread if the items can. Dropping it lets the next one be
/// claimed; forgetting it means that there will be none.
///
/// ```
/// use ringfence_core::stamped::{Consumer, Mpsc};
/// use std::sync::Arc;
///
/// let ring = Arc::new(Mpsc::with_capacity(4));
/// let mut consumer = Consumer::claim(ring.clone()).unwrap();
/// ring.try_push("hi").unwrap();
/// assert_eq!(consumer.drain().next(), Some("hi"));
/// ```
pub struct Consumer<O: Owner> {
    owner: O,
    /// Position of the next pop: the truth, of which the shared one is a copy.
    at: Position,
}

impl<O: Owner> Consumer<O> {
    /// The handle of the one consumer; `None` while it is out.
    pub fn claim(owner: O) -> Option<Self>
    where
        O::Storage: Storage<Consumers = Solo>,
    {
        let parts = parts(&owner);
        take(&parts.ends.consuming).then(|| position(&parts.ends.head)).map(|at| Self { owner, at })
    }

    /// Takes the oldest item. Wait-free.
    ///
    /// # Errors
    /// [`PopError`], if the ring was empty, or if a `Shared` producer held the slot.
    #[inline]
    pub fn try_pop(&mut self) -> Result<O::Item, PopError> {
        self.pop_at().map(|(_, item)| item)
    }

    /// As [`Stamped::pop_at`].
    #[doc(hidden)]
    #[inline]
    pub fn pop_at(&mut self) -> Result<(usize, O::Item), PopError> {
        let (at, item) = parts(&self.owner).pop::<Producers<O>, Solo>(self.at)?;
        self.at = at;
        Ok((at.0, item))
    }

    /// The oldest item, still in the ring; `None` where
    /// [`try_pop`](Self::try_pop) would fail. Wait-free.
    pub fn peek(&mut self) -> Option<&O::Item> {
        self.peek_mut().map(|item| &*item)
    }

    /// The oldest item, still in the ring, to change; `None` where
    /// [`try_pop`](Self::try_pop) would fail. Wait-free.
    pub fn peek_mut(&mut self) -> Option<&mut O::Item> {
        let parts = parts(&self.owner);
        let slot = parts.slot(self.at);
        // SAFETY: full at the head, and this is the only consumer (T2, T3), which is
        // borrowed as long as the reference lives.
        is_turn(slot, parts.packing.full(self.at)).then(|| unsafe { slot.item_mut() })
    }

    /// Hands up to `limit` items to `each`, one by one, each after its slot is
    /// freed; returns how many there were. If `each` panics, the item that it got is
    /// gone, and the rest is still in the ring.
    pub fn pop_each(&mut self, limit: usize, mut each: impl FnMut(O::Item)) -> usize {
        if limit == 0 {
            return 0;
        }
        let Ok(first) = self.try_pop() else {
            return 0;
        };
        each(first);
        let parts = parts(&self.owner);
        let mut n = 1;
        for stretch in parts.stretches(self.at, limit - 1) {
            let full = parts.packing.full(stretch.at);
            for slot in stretch.slots {
                // What is not there yet is left to the next call, without a pause.
                if !is_turn(slot, full) {
                    return n;
                }
                // SAFETY: published (T3), as this look has found.
                each(unsafe { take_next(&parts, &mut self.at, slot) });
                n += 1;
            }
        }
        n
    }

    /// Copies items to `buffer` until it is full or there are no more, and returns
    /// how many that was: 0 where [`try_pop`](Self::try_pop) would have failed.
    /// Wait-free.
    #[inline]
    pub fn pop_slice(&mut self, buffer: &mut [O::Item]) -> usize
    where
        O::Item: Copy,
    {
        let limit = buffer.len();
        let put = |n: usize, item| buffer[n] = item;
        let (at, n) = parts(&self.owner).pop_run::<Producers<O>, Solo>(self.at, limit, put);
        self.at = at;
        n
    }

    /// Takes items until [`try_pop`](Self::try_pop) gives none. What is not taken
    /// stays.
    pub fn drain(&mut self) -> Drain<'_, O> {
        Drain(self)
    }

    /// Up to `n` items to read where they are, fewer if fewer are published. They are
    /// dropped, and their slots freed, when they are committed; a chunk that is
    /// dropped or forgotten commits nothing. Wait-free.
    ///
    /// Not slices, since there is a stamp between any two items.
    ///
    /// ```
    /// use ringfence_core::stamped::Mpsc;
    ///
    /// let ring = Mpsc::with_capacity(4);
    /// assert_eq!(ring.push_slice(b"abc"), 3);
    /// let mut consumer = ring.consumer().unwrap();
    /// let chunk = consumer.read_chunk(2);
    /// assert!(chunk.iter().eq(b"ab"));
    /// chunk.commit(1); // frees the slot of `a`
    /// assert_eq!(consumer.try_pop(), Ok(b'b'));
    /// ```
    pub fn read_chunk(&mut self, n: usize) -> ReadChunk<'_, O> {
        let len = parts(&self.owner).run(self.at, n, true).len;
        ReadChunk::new(self, len)
    }

    /// Drops the oldest `n` items, each when its slot is free, without a look at their
    /// stamps.
    ///
    /// # Safety
    /// They are published.
    #[inline]
    pub(super) unsafe fn drop_published(&mut self, n: usize) {
        let parts = parts(&self.owner);
        for stretch in parts.stretches(self.at, n) {
            for slot in stretch.slots {
                // SAFETY: as the caller promises.
                drop(unsafe { take_next(&parts, &mut self.at, slot) });
            }
        }
    }

    /// The oldest `n` items, in two stretches.
    #[inline]
    pub(super) fn stretches(&self, n: usize) -> [Stretch<'_, O::Item>; 2] {
        parts(&self.owner).stretches(self.at, n)
    }

    /// The item so many behind the oldest.
    ///
    /// # Safety
    /// That many and one are published.
    #[inline]
    pub(super) unsafe fn item(&self, n: usize) -> &O::Item {
        let parts = parts(&self.owner);
        // SAFETY: published, and this is the only consumer (T2, T3), which is borrowed
        // as long as the reference lives.
        unsafe { parts.slot(parts.packing.advance(self.at, n)).item() }
    }

    /// The item so many behind the oldest, to change.
    ///
    /// # Safety
    /// That many and one are published.
    pub(super) unsafe fn item_mut(&mut self, n: usize) -> &mut O::Item {
        let parts = parts(&self.owner);
        // SAFETY: as in `item`; borrowed to be changed.
        unsafe { parts.slot(parts.packing.advance(self.at, n)).item_mut() }
    }

    /// The ring.
    pub fn ring(&self) -> &Stamped<O::Storage> {
        self.owner.ring()
    }
}

/// Takes the item at `at`, which is where the one consumer is, and moves it on.
///
/// # Safety
/// It is published, `at` the consumer's, and `slot` the one there.
#[inline(always)]
unsafe fn take_next<T>(parts: &Parts<'_, T>, at: &mut Position, slot: &StampedSlot<T>) -> T {
    let freed = parts.packing.freed(*at);
    *at = parts.packing.next(*at);
    // ORDERING: Relaxed, as in `claim`.
    parts.ends.head.store(at.0, Ordering::Relaxed);
    // SAFETY: published, and this is the only consumer, which has just passed it (T2, T3).
    unsafe { free(slot, freed) }
}

impl<O: Owner> Drop for Consumer<O> {
    fn drop(&mut self) {
        give_back(&parts(&self.owner).ends.consuming);
    }
}

impl<O: Owner> fmt::Debug for Consumer<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Consumer").field(self.ring()).finish()
    }
}

/// Takes items until there is none to take. See [`Consumer::drain`].
#[derive(Debug)]
pub struct Drain<'a, O: Owner>(&'a mut Consumer<O>);

impl<O: Owner> Iterator for Drain<'_, O> {
    type Item = O::Item;

    fn next(&mut self) -> Option<O::Item> {
        self.0.try_pop().ok()
    }
}
