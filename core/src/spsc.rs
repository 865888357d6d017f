//! A wait-free ring for one producer and one consumer.
//!
//! Both sides keep a copy of their own position and one of the other's;
//! they look at the shared one only when the copy says full or empty. After
//! Lamport (1977), with the copies of Lee, Bu and Chandranmenon (MCRingBuffer,
//! 2009). On targets without an operating system there are no copies, which would
//! cost more than they save.
//!
//! 1. push: if the ring looks full, look at `head` again. Write the item to its
//!    slot. Publish: store `tail`.
//! 2. pop: if the ring looks empty, look at `tail` again. Take the item from
//!    its slot. Free: store `head`.
//!
//! Loads and stores only, on both sides, at most two a push, pop or look (where a handle keeps
//! no copies, it also reads its own position), and no loop but over what is moved, and for a bounded pause between cores that are in each
//! other's way: **wait-free**, and the same on targets without compare-and-swap. An
//! interrupt handler that holds one side never waits for the code that it interrupted.
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
//! succeed. `Full` and `None` are true as far as the other side's operations happen
//! before the call (in the sense of the memory model). One that is earlier by the clock
//! alone may be missed: its store may not have arrived yet. So a ring by itself never
//! loses, repeats or reorders an item, but two rings together may show what no order
//! of their operations explains.
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
mod consumer;
#[cfg(feature = "heapless")]
mod heapless;
#[cfg(feature = "embedded-io")]
mod io;
mod producer;
#[cfg(test)]
mod tests;
#[cfg(feature = "async")]
mod waiting;

pub use self::chunk::{InitChunk, IntoIter, ReadChunk, WriteChunk};
pub use self::consumer::{Consumer, Drain};
#[cfg(feature = "embedded-io")]
pub use self::io::IoError;
pub use self::producer::Producer;
#[cfg(all(feature = "async", feature = "alloc"))]
pub use self::waiting::{AsyncHeap, async_with_capacity, try_async_with_capacity};
#[cfg(feature = "async")]
pub use self::waiting::{AsyncOwner, AsyncRing, Wait};
pub use crate::error::{CapacityError, Full};
pub use crate::handle::Owner;
#[cfg(feature = "alloc")]
pub use crate::heap::{Heap, Observer};
pub use crate::position::Word;

use core::fmt;

use crate::ends::Ends;
use crate::handle::{Parts, drop_items};
use crate::position::Geometry;
use crate::slots::{InPlace, Slots};
use crate::sync::{Atomic, Ordering, const_unless_loom};

/// A ring in place, for exactly `N` items, `N` at least 1.
///
/// In a `static` it needs no heap, and its empty state is all zeros. Its
/// handles come from [`split`](Self::split) or [`split_mut`](Self::split_mut).
///
/// `W` is the type of the positions, `usize` unless said otherwise; `N` is at
/// most half of what it can count. Items that are left are dropped with the
/// ring, all of them, even if the `Drop` of one panics; a static is never dropped.
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
#[repr(C)] // ends first: a load reaches them on any target, whatever the capacity
pub struct Ring<T, const N: usize, W: Word = usize> {
    ends: Ends<W>,
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
        #[must_use]
        pub const fn new() -> Self {
            let _ = Self::GEOMETRY;
            Self {
                ends: Ends::new(),
                slots: InPlace::new(),
            }
        }
    }

    /// The two sides of a ring that lives for ever. At most one call succeeds,
    /// ever. Where calls overlap in time, it may be that none does; the ring can then
    /// never be split, so let one place do it.
    ///
    /// Wait-free, loads and stores only.
    #[must_use = "a ring is split once: without its handles it is of no use"]
    pub fn split(&'static self) -> Option<(Producer<&'static Self>, Consumer<&'static Self>)> {
        // I3: by the claim these are the only handles that come from here, and
        // `split_mut` needs a `&mut`, which this `&'static` rules out.
        self.ends.claim().then(|| self.handles())
    }

    /// The two sides of a ring that is borrowed. What is in it stays in it, and
    /// is there at the next split.
    #[must_use]
    pub fn split_mut(&mut self) -> (Producer<&Self>, Consumer<&Self>) {
        // I3: the `&mut` is borrowed for as long as the handles live.
        self.handles()
    }

    fn handles(&self) -> (Producer<&Self>, Consumer<&Self>) {
        self.nobody_is_gone();
        (Producer::new(self), Consumer::new(self))
    }

    fn nobody_is_gone(&self) {
        // ORDERING: Relaxed; whoever had handles before has handed over the
        // exclusive reference since.
        self.ends.producer_gone.store(false, Ordering::Relaxed);
        self.ends.consumer_gone.store(false, Ordering::Relaxed);
    }

    /// How many items fit.
    #[must_use]
    pub const fn capacity(&self) -> usize {
        N
    }
}

impl<T, const N: usize, W: Word> Default for Ring<T, N, W> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T, const N: usize, W: Word> fmt::Debug for Ring<T, N, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // ORDERING: Relaxed; for people, who see what may have changed since.
        let head = self.ends.head.load(Ordering::Relaxed);
        let tail = self.ends.tail.load(Ordering::Relaxed);
        f.debug_struct("Ring")
            .field("len", &Self::GEOMETRY.distance(head, tail).min(N))
            .field("capacity", &N)
            .finish()
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

/// A ring on the heap for exactly `capacity` items, and its two sides.
///
/// Memory for the slots is rounded up to a power of two, the capacity is not.
///
/// # Errors
/// [`CapacityError`] if `capacity` is 0 or no memory can hold it.
#[cfg(feature = "alloc")]
#[expect(clippy::type_complexity, reason = "two handles, spelled out once")]
#[must_use = "a ring without its handles is freed at once"]
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
#[must_use = "a ring without its handles is freed at once"]
#[track_caller]
pub fn with_capacity<T>(capacity: usize) -> (Producer<Heap<T>>, Consumer<Heap<T>>) {
    match try_with_capacity(capacity) {
        Ok(sides) => sides,
        Err(error) => panic!("{error}: {capacity}"),
    }
}
