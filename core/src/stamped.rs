//! A fast ring for one or many producers, and one or many consumers.
//!
//! After Vyukov's bounded queue (2010). A slot holds an item and a stamp, `{lap,
//! full}`, which says whose turn it is. Each side is [`Shared`], any number of
//! callers through `&self`, or [`Solo`], one handle that needs no
//! compare-and-swap.
//!
//! 1. push: look at the stamp of the slot at `tail`. If the slot is empty at this
//!    lap, claim it: move `tail` on. Write the item to the slot. Publish: stamp the
//!    slot full.
//! 2. pop: look at the stamp of the slot at `head`. If the slot is full at this lap,
//!    claim it: move `head` on. Take the item from the slot. Free: stamp the slot
//!    empty at the next lap.
//!
//! A claim is one compare-and-swap on a `Shared` side, and a plain store on a `Solo`
//! one. A batch claims a run of slots at once: nobody gets at a position before
//! those in front of it are claimed.
//!
//! ```
//! use ringfence_core::stamped::{PopError, PushError, Ring, Shared, Solo};
//!
//! static RING: Ring<u32, 2, Shared, Solo> = Ring::new();
//! assert_eq!(RING.try_push(1), Ok(())); // from any thread
//! assert_eq!(RING.try_push(2), Ok(()));
//! assert_eq!(RING.try_push(3), Err(PushError::Full(3)));
//!
//! let mut consumer = RING.consumer().unwrap();
//! assert!(RING.consumer().is_none()); // there is one, until it is dropped
//! assert_eq!(consumer.peek(), Some(&1));
//! assert_eq!(consumer.try_pop(), Ok(1));
//! assert_eq!(consumer.try_pop(), Ok(2));
//! assert_eq!(consumer.try_pop(), Err(PopError::Empty));
//! ```
//!
//! # Not lock-free
//!
//! Every call returns: it never waits for a thread that has stopped. But a thread
//! that stops between its claim and its stamp, for good or because it is not
//! scheduled, holds up others, who are told so:
//!
//! | who stopped, where | whom it holds up | what they are told |
//! |---|---|---|
//! | anybody before the claim, or after the stamp | nobody | |
//! | `Shared` producer, claimed and not published | consumers, at its slot, whatever was pushed behind | `Contended` |
//! | | producers, once round | `Full` |
//! | `Shared` consumer, claimed and not freed | producers, at its slot, once round | `Contended` |
//! | | consumers, once what is in the ring is popped | `Empty` |
//! | `Solo` producer, anywhere | nobody: its item is not yet pushed | `Empty` |
//! | `Solo` consumer, anywhere | nobody: its item is not yet popped | `Full` |
//! | the holder of a `Solo` handle | who wants that handle | `None` |
//!
//! A batch has claimed all of its slots, and stamps one after the other. A `Solo`
//! side's own calls are wait-free; a `Shared` side's try again only if somebody else's
//! claim or stamp came between. Where nobody may ever be held up, use
//! [`spsc`](crate::spsc) or [`mpmc`](crate::mpmc).
//!
//! # Pauses
//!
//! Where cores share memory, who comes back at once takes the cache lines from those who
//! work. So a call that finds no slot pauses until half the capacity is there, but makes at
//! most one pause of the processor ([`spin_loop`](core::hint::spin_loop)) for each of those
//! slots, and 64; one whose claim was lost to another makes 64 before it tries again. Where
//! four calls in a row have found no good part of that, only each 32nd one pauses. Who polls
//! many rings can ask [`is_empty`](Stamped::is_empty), which does not pause.
//!
//! # Full and empty
//!
//! On a `Shared` side, a push or a pop counts from its claim; on a `Solo` side, from
//! its stamp. In this sense `Full` and `Empty` are true at one instant of the call,
//! and the operations of two `Shared` sides are those of a plain queue, in an order
//! that respects time; only that an operation that is earlier by the clock alone, and
//! does not happen before the call in the sense of the memory model, may be missed.
//!
//! `Contended` means that nothing was done: the ring was not full (or empty), and
//! somebody of the other side was between claim and stamp. So the item of a push that
//! has *returned* may be out of reach, behind a claim that is older. `try_pop` then
//! says `Contended`, never `Empty`. Who is told so should do something else, or yield;
//! to spin would be to wait for a thread that may not be running. Against a `Solo`
//! side, nobody is ever told so.
//!
//! # Horizon
//!
//! A caller that stops just before its compare-and-swap, and goes on after the
//! position has come round to the same value, would be fooled: after 2^63 pushes on
//! a 64-bit target, and 2^31 on a 32-bit target, or more, during one such stop.
//!
//! # Invariants
//!
//! * T1: a position is claimed once, by whoever moves `tail` or `head` past it, and
//!   only if the stamp of its slot says that it is its turn.
//! * T2: from claim to stamp, a slot is touched by its claimant only; a full slot
//!   that nobody has claimed by a `Solo` consumer only, whose handle is the only one.
//! * T3: a slot whose stamp says full holds an item, one whose stamp says empty
//!   holds none, unless it is claimed. No user code runs between claim and stamp.
//! * T4: a ring and its handles name the same slots, `capacity` of them, as long as
//!   they live; an index is less than the capacity.
//!
//! # Edges
//!
//! * `publish`: a producer's write of an item, before the consumer takes it.
//! * `free`: a consumer's take, before the next producer writes there.
//! * `handover`: what the last holder of a `Solo` handle did, before the next one.

mod chunk;
mod error;
mod handle;
mod packing;
mod parts;
mod storage;
#[cfg(test)]
mod tests;

use core::fmt;

pub use self::chunk::{Iter, ReadChunk};
pub use self::error::{PopError, PushError};
pub use self::handle::{Consumer, Drain, Owner, Producer};
#[cfg(feature = "alloc")]
pub use self::storage::{HeapPlace, HeapRing, Mpmc, Mpsc, Spmc, Spsc};
pub use self::storage::{Place, Ring};
pub use crate::error::CapacityError;

use self::packing::Position;
use self::parts::position;
use self::storage::sealed::Storage;

/// How many callers work at one side of a ring: [`Solo`] or [`Shared`]. Sealed.
pub trait Side: sealed::Sealed + fmt::Debug + Send + Sync + 'static {
    #[doc(hidden)]
    const SOLO: bool;
}

/// One caller at a time, who holds the handle of its side.
#[derive(Debug)]
pub enum Solo {}

/// Any number of callers, through `&self`.
#[derive(Debug)]
pub enum Shared {}

mod sealed {
    pub trait Sealed {}
}
impl sealed::Sealed for Solo {}
impl sealed::Sealed for Shared {}
impl Side for Solo {
    const SOLO: bool = true;
}
impl Side for Shared {
    const SOLO: bool = false;
}

/// A ring with stamped slots: [`Ring`] in place, or `HeapRing` on the heap.
///
/// To call for a [`Solo`] side does not compile, it needs the handle:
///
/// ```compile_fail
/// use ringfence_core::stamped::{Ring, Solo, Shared};
/// Ring::<u8, 2, Solo, Shared>::new().try_push(1);
/// ```
/// ```compile_fail
/// use ringfence_core::stamped::{Ring, Solo, Shared};
/// Ring::<u8, 2, Shared, Solo>::new().try_pop();
/// ```
pub struct Stamped<St: Storage> {
    storage: St,
}

/// For many producers.
impl<St: Storage<Producers = Shared>> Stamped<St> {
    /// Stores `item` behind all others. Returns, but is not lock-free: see the
    /// [module](self).
    ///
    /// # Errors
    /// [`PushError`] with the item, if the ring was full, or if a `Shared` consumer
    /// held the slot.
    #[inline]
    pub fn try_push(&self, item: St::Item) -> Result<(), PushError<St::Item>> {
        self.push_at(item).map(|_| ())
    }

    /// As [`try_push`](Self::try_push); returns what names this push, and the pop that
    /// takes its item, as long as it is in the ring.
    #[doc(hidden)]
    #[inline]
    pub fn push_at(&self, item: St::Item) -> Result<usize, PushError<St::Item>> {
        let parts = self.storage.parts();
        let at = position(&parts.ends.tail);
        parts.push::<Shared, St::Consumers>(at, item).map(|end| end.0)
    }

    /// Copies as many of `items` as there is room for in one piece of the order, with
    /// one claim, and returns how many that was: 0 where
    /// [`try_push`](Self::try_push) would have failed.
    #[inline]
    pub fn push_slice(&self, items: &[St::Item]) -> usize
    where
        St::Item: Copy,
    {
        let parts = self.storage.parts();
        let at = position(&parts.ends.tail);
        let each = |n: usize| items[n];
        parts.push_run::<Shared, St::Consumers>(at, items.len(), each).len
    }

    /// Takes as many items off the front of `items`, up to the first `None`, as there is
    /// room for in one piece of the order, with one claim. Returns what names the first of
    /// these pushes, as [`push_at`](Self::push_at) does, and how many there are. The names of
    /// the others follow: see [`behind`](Self::behind).
    #[doc(hidden)]
    #[inline]
    pub fn push_some_at(&self, items: &mut [Option<St::Item>]) -> (usize, usize) {
        let parts = self.storage.parts();
        let at = position(&parts.ends.tail);
        let limit = items.iter().take_while(|item| item.is_some()).count();
        let each = |n: usize| items[n].take().expect("there are so many");
        let run = parts.push_run::<Shared, St::Consumers>(at, limit, each);
        (parts.packing.next(run.first).0, run.len)
    }

    /// How much room there is, up to `most`. No promise: another may take it.
    #[doc(hidden)]
    #[inline]
    pub fn room(&self, most: usize) -> usize {
        let parts = self.storage.parts();
        parts.room(position(&parts.ends.tail), most)
    }
}

/// For many consumers.
impl<St: Storage<Consumers = Shared>> Stamped<St> {
    /// Takes the oldest item. Returns, but is not lock-free: see the [module](self).
    ///
    /// # Errors
    /// [`PopError`], if the ring was empty, or if a `Shared` producer held the slot.
    #[inline]
    pub fn try_pop(&self) -> Result<St::Item, PopError> {
        self.pop_at().map(|(_, item)| item)
    }

    /// As [`try_pop`](Self::try_pop), with what names its push.
    #[doc(hidden)]
    #[inline]
    pub fn pop_at(&self) -> Result<(usize, St::Item), PopError> {
        let parts = self.storage.parts();
        let at = position(&parts.ends.head);
        parts.pop::<St::Producers, Shared>(at).map(|(end, item)| (end.0, item))
    }

    /// Takes up to `limit` items, in batches of up to 16, each with one claim and
    /// free before `each` runs on it; returns how many there were. Stops early where
    /// [`try_pop`](Self::try_pop) would have failed.
    ///
    /// If `each` panics, what is left of its batch is dropped, and the rest is still
    /// in the ring.
    pub fn pop_each(&self, limit: usize, each: impl FnMut(St::Item)) -> usize {
        // Large items are not worth the stack.
        if size_of::<St::Item>() <= 64 {
            self.pop_batches::<16>(limit, each)
        } else {
            self.pop_batches::<1>(limit, each)
        }
    }

    fn pop_batches<const B: usize>(&self, limit: usize, mut each: impl FnMut(St::Item)) -> usize {
        let parts = self.storage.parts();
        let mut done = 0;
        while done < limit {
            let mut batch: [Option<St::Item>; B] = [const { None }; B];
            let at = position(&parts.ends.head);
            let most = B.min(limit - done);
            let put = |n: usize, item| batch[n] = Some(item);
            let (_, n) = parts.pop_run::<St::Producers, Shared>(at, most, put);
            if n == 0 {
                break;
            }
            batch.into_iter().flatten().for_each(&mut each);
            done += n;
        }
        done
    }

    /// Copies items to `buffer` until it is full or there are no more, with one
    /// claim, and returns how many that was: 0 where [`try_pop`](Self::try_pop) would
    /// have failed.
    #[inline]
    pub fn pop_slice(&self, buffer: &mut [St::Item]) -> usize
    where
        St::Item: Copy,
    {
        let parts = self.storage.parts();
        let at = position(&parts.ends.head);
        let limit = buffer.len();
        let put = |n: usize, item| buffer[n] = item;
        parts.pop_run::<St::Producers, Shared>(at, limit, put).1
    }

    /// Takes items until [`try_pop`](Self::try_pop) gives none.
    pub fn drain(&self) -> impl Iterator<Item = St::Item> {
        core::iter::from_fn(|| self.try_pop().ok())
    }
}

/// For one producer.
impl<St: Storage<Producers = Solo>> Stamped<St> {
    /// The handle of the one producer; `None` while it is out. See also
    /// [`Producer::claim`].
    pub fn producer(&self) -> Option<Producer<&Self>> {
        Producer::claim(self)
    }
}

/// For one consumer.
impl<St: Storage<Consumers = Solo>> Stamped<St> {
    /// The handle of the one consumer; `None` while it is out. See also
    /// [`Consumer::claim`].
    pub fn consumer(&self) -> Option<Consumer<&Self>> {
        Consumer::claim(self)
    }
}

impl<St: Storage> Stamped<St> {
    /// How many items are in the ring, at most its capacity. Exact when nobody is
    /// inside; those that are claimed and not yet published count, and those that are
    /// claimed and not yet freed do not.
    pub fn len(&self) -> usize {
        self.storage.parts().len()
    }

    /// Whether there was nothing in the ring, as [`len`](Self::len) counts.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether there was no room in the ring, as [`len`](Self::len) counts.
    pub fn is_full(&self) -> bool {
        self.len() == self.capacity()
    }

    /// How many positions were claimed to pop, modulo something, and how many more
    /// were claimed to push, at one instant.
    #[doc(hidden)]
    pub fn progress(&self) -> (usize, usize) {
        self.storage.parts().progress()
    }

    /// How many pushes before another that `at` names the one that `first` names was,
    /// modulo all that there are: at least a lap if it was after it.
    #[doc(hidden)]
    pub fn behind(&self, first: usize, at: usize) -> usize {
        self.storage.parts().packing.behind(Position(first), Position(at))
    }

    /// How many items fit.
    pub fn capacity(&self) -> usize {
        self.storage.parts().packing.capacity()
    }

    /// Takes the oldest item, alone with the ring.
    fn pop_alone(&mut self) -> Option<St::Item> {
        let parts = self.storage.parts();
        let at = position(&parts.ends.head);
        // Nobody is inside, and no handle will be used again (T2).
        parts.pop::<Solo, Solo>(at).ok().map(|(_, item)| item)
    }
}

impl<St: Storage> Drop for Stamped<St> {
    fn drop(&mut self) {
        // A panic in an item's `Drop` leaves the rest to this guard; a second one
        // aborts.
        struct Rest<'a, St: Storage>(&'a mut Stamped<St>);
        impl<St: Storage> Drop for Rest<'_, St> {
            fn drop(&mut self) {
                while let Some(item) = self.0.pop_alone() {
                    drop(item);
                }
            }
        }
        let rest = Rest(self);
        while let Some(item) = rest.0.pop_alone() {
            drop(item);
        }
    }
}

impl<St: Storage> IntoIterator for Stamped<St> {
    type Item = St::Item;
    type IntoIter = IntoIter<St>;

    fn into_iter(self) -> IntoIter<St> {
        IntoIter(self)
    }
}

/// The items of a ring, oldest first. Those that are left are dropped with it.
#[derive(Debug)]
pub struct IntoIter<St: Storage>(Stamped<St>);

impl<St: Storage> Iterator for IntoIter<St> {
    type Item = St::Item;

    fn next(&mut self) -> Option<St::Item> {
        self.0.pop_alone()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.0.len(), Some(self.0.len()))
    }
}

impl<St: Storage> ExactSizeIterator for IntoIter<St> {}
impl<St: Storage> core::iter::FusedIterator for IntoIter<St> {}

impl<St: Storage> fmt::Debug for Stamped<St> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stamped")
            .field("len", &self.len())
            .field("capacity", &self.capacity())
            .finish_non_exhaustive()
    }
}
