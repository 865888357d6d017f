//! Rings whose sides can be awaited. Invariants: those of [`super`], and of `waiter`.
//!
//! The handles are the same, and so is all that they do; how they reach the ring says
//! that a push wakes the consumer, and a pop the producer. So other rings neither are
//! larger nor do more.

use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};

use super::{Consumer, Owner, Producer, Ring};
#[cfg(feature = "alloc")]
use crate::counted::Counted;
use crate::ends::Ends;
#[cfg(feature = "alloc")]
use crate::error::CapacityError;
use crate::error::Full;
use crate::handle::Parts;
#[cfg(feature = "alloc")]
use crate::heap::Heap;
use crate::padded::Padded;
use crate::position::{Geometry, Word};
use crate::slots::Slots;
use crate::sync::const_unless_loom;
use crate::waiter::Waiter;

/// A [`Ring`] whose sides can be awaited by futures, on any executor.
///
/// In a `static` it needs no heap, no critical section and no compare-and-swap, and its
/// empty state is all zeros. Each push costs a fence and two loads more than that of a
/// ring without this; it remains wait-free, but for the waker that it may call. Wakers are
/// cloned and dropped only by the side that waits.
///
/// ```
/// use ringfence_core::spsc::{AsyncRing, Consumer, Producer};
///
/// static RING: AsyncRing<u16, 64> = AsyncRing::new();
///
/// fn interrupt(tx: &mut Producer<&'static AsyncRing<u16, 64>>) {
///     let _full = tx.try_push(7); // wakes the task
/// }
///
/// async fn task(mut rx: Consumer<&'static AsyncRing<u16, 64>>) {
///     while let Some(sample) = rx.pop_async().await {
///         assert_eq!(sample, 7);
/// #       break;
///     }
/// }
/// # let (mut tx, rx) = RING.split().unwrap();
/// # interrupt(&mut tx);
/// # let mut task = core::pin::pin!(task(rx));
/// # let mut context = core::task::Context::from_waker(core::task::Waker::noop());
/// # assert!(task.as_mut().poll(&mut context).is_ready());
/// ```
///
/// Other rings cannot be awaited:
///
/// ```compile_fail
/// use ringfence_core::spsc::{Consumer, Ring};
/// async fn task(mut rx: Consumer<&'static Ring<u16, 64>>) {
///     rx.pop_async().await;
/// }
/// ```
#[derive(Debug)]
pub struct AsyncRing<T, const N: usize, W: Word = usize> {
    ring: Ring<T, N, W>,
    waiters: Waiters,
}

impl<T, const N: usize, W: Word> AsyncRing<T, N, W> {
    const_unless_loom! {
        /// An empty ring.
        #[must_use]
        pub const fn new() -> Self {
            Self {
                ring: Ring::new(),
                waiters: Waiters::new(),
            }
        }
    }

    /// As [`Ring::split`].
    #[must_use = "a ring is split once: without its handles it is of no use"]
    pub fn split(&'static self) -> Option<(Producer<&'static Self>, Consumer<&'static Self>)> {
        // I3: as in `Ring::split`.
        self.ring.ends.claim().then(|| self.handles())
    }

    /// As [`Ring::split_mut`].
    #[must_use]
    pub fn split_mut(&mut self) -> (Producer<&Self>, Consumer<&Self>) {
        // I3: as in `Ring::split_mut`.
        self.handles()
    }

    fn handles(&self) -> (Producer<&Self>, Consumer<&Self>) {
        self.ring.nobody_is_gone();
        (Producer::new(self), Consumer::new(self))
    }

    /// How many items fit.
    #[must_use]
    pub const fn capacity(&self) -> usize {
        N
    }
}

impl<T, const N: usize, W: Word> Default for AsyncRing<T, N, W> {
    fn default() -> Self {
        Self::new()
    }
}

// SAFETY: the parts are those of the ring inside.
unsafe impl<T, const N: usize, W: Word> Parts for &AsyncRing<T, N, W> {
    type Item = T;
    type Word = W;

    #[inline(always)]
    fn ends(&self) -> &Ends<W> {
        &self.ring.ends
    }
    #[inline(always)]
    fn geometry(&self) -> Geometry {
        Ring::<T, N, W>::GEOMETRY
    }
    #[inline(always)]
    fn slots(&self) -> Slots<T> {
        self.ring.slots.slots()
    }
    #[inline(always)]
    unsafe fn wake_consumer(&self) {
        // SAFETY: as the caller says (K1).
        unsafe { self.waiters.consumer.wake() }
    }
    #[inline(always)]
    unsafe fn wake_producer(&self) {
        // SAFETY: as the caller says (K1).
        unsafe { self.waiters.producer.wake() }
    }
}

impl<T, const N: usize, W: Word> Owner for &AsyncRing<T, N, W> {}

/// One side's share of a ring on the heap whose sides can be awaited.
#[cfg(feature = "alloc")]
#[derive(Debug)]
pub struct AsyncHeap<T> {
    heap: Heap<T>,
    waiters: Counted<Waiters>,
}

// SAFETY: the parts are those of the ring inside.
#[cfg(feature = "alloc")]
unsafe impl<T> Parts for AsyncHeap<T> {
    type Item = T;
    type Word = usize;

    #[inline(always)]
    fn ends(&self) -> &Ends<usize> {
        self.heap.ends()
    }
    #[inline(always)]
    fn geometry(&self) -> Geometry {
        self.heap.geometry()
    }
    #[inline(always)]
    fn slots(&self) -> Slots<T> {
        self.heap.slots()
    }
    #[inline(always)]
    unsafe fn wake_consumer(&self) {
        // SAFETY: as the caller says (K1).
        unsafe { self.waiters.consumer.wake() }
    }
    #[inline(always)]
    unsafe fn wake_producer(&self) {
        // SAFETY: as the caller says (K1).
        unsafe { self.waiters.producer.wake() }
    }
}

#[cfg(feature = "alloc")]
impl<T> Owner for AsyncHeap<T> {}

/// As [`try_with_capacity`](super::try_with_capacity), for sides that can be awaited.
///
/// # Errors
/// [`CapacityError`] if `capacity` is 0 or no memory can hold it.
#[cfg(feature = "alloc")]
#[expect(clippy::type_complexity, reason = "two handles, spelled out once")]
#[must_use = "a ring without its handles is freed at once"]
pub fn try_async_with_capacity<T>(
    capacity: usize,
) -> Result<(Producer<AsyncHeap<T>>, Consumer<AsyncHeap<T>>), CapacityError> {
    let (producer, consumer) = Heap::try_new(capacity)?;
    let waiters = Counted::try_new(Waiters::new())?;
    let side = |heap, waiters| AsyncHeap { heap, waiters };
    // I3: a `Heap` for each side, and each is used once.
    Ok((
        Producer::new(side(producer, waiters.clone())),
        Consumer::new(side(consumer, waiters)),
    ))
}

/// As [`try_async_with_capacity`].
///
/// # Panics
/// If `capacity` is 0 or no memory can hold it.
#[cfg(feature = "alloc")]
#[must_use = "a ring without its handles is freed at once"]
#[track_caller]
pub fn async_with_capacity<T>(capacity: usize) -> (Producer<AsyncHeap<T>>, Consumer<AsyncHeap<T>>) {
    match try_async_with_capacity(capacity) {
        Ok(sides) => sides,
        Err(error) => panic!("{error}: {capacity}"),
    }
}

/// A place for each side to wait in.
#[derive(Debug)]
pub struct Waiters {
    producer: Padded<Waiter>,
    consumer: Padded<Waiter>,
}

impl Waiters {
    const_unless_loom! {
        const fn new() -> Self {
            Self {
                producer: Padded::new(Waiter::new()),
                consumer: Padded::new(Waiter::new()),
            }
        }
    }
}

/// How the handles of a ring reach it whose sides can be awaited. Sealed.
pub trait AsyncOwner: Owner + Wakes {}

impl<T, const N: usize, W: Word> AsyncOwner for &AsyncRing<T, N, W> {}
#[cfg(feature = "alloc")]
impl<T> AsyncOwner for AsyncHeap<T> {}

pub trait Wakes {
    #[doc(hidden)]
    fn waiters(&self) -> &Waiters;
}

impl<T, const N: usize, W: Word> Wakes for &AsyncRing<T, N, W> {
    fn waiters(&self) -> &Waiters {
        &self.waiters
    }
}

#[cfg(feature = "alloc")]
impl<T> Wakes for AsyncHeap<T> {
    fn waiters(&self) -> &Waiters {
        &self.waiters
    }
}

impl<O: AsyncOwner> Producer<O> {
    /// Waits until there is room for `n` items, or for all if fewer fit, so that as many
    /// pushes will succeed; or until the consumer is gone. Says for how many there is
    /// room: for fewer than `n` only if the consumer is gone.
    ///
    /// Cancel safety: it may be dropped at any time.
    pub fn room_async(&mut self, n: usize) -> Wait<'_, Self> {
        let n = n.min(self.capacity());
        Wait { side: self, n }
    }

    /// Stores `item` behind all others, when there is room.
    ///
    /// Cancel safety: if it is dropped before it is finished, `item` is dropped with it, and
    /// has not been pushed. To keep it, wait by [`room_async`](Self::room_async) first.
    ///
    /// # Errors
    /// [`Full`] with the item, if there was no room, and the consumer is gone.
    pub async fn push_async(&mut self, item: O::Item) -> Result<(), Full<O::Item>> {
        self.room_async(1).await;
        self.try_push(item)
    }
}

impl<O: AsyncOwner> Consumer<O> {
    /// Waits until there are `n` items, or as many as fit if those are fewer, so that as
    /// many pops will succeed; or until the producer is gone. Says how many there are: fewer
    /// than `n` only if the producer is gone.
    ///
    /// Cancel safety: it may be dropped at any time.
    pub fn items_async(&mut self, n: usize) -> Wait<'_, Self> {
        let n = n.min(self.capacity());
        Wait { side: self, n }
    }

    /// Takes the oldest item, when there is one. `None` if there was none, and the
    /// producer is gone.
    ///
    /// Cancel safety: if it is dropped before it is finished, nothing has been popped.
    pub async fn pop_async(&mut self) -> Option<O::Item> {
        self.items_async(1).await;
        self.try_pop()
    }
}

/// A side of a ring, waiting for the other.
///
/// If it is dropped, or is finished, nobody is woken any more. If it is forgotten
/// (`mem::forget`), the waker that it has left may still be woken, and is dropped when its
/// side waits again, or with the ring.
#[derive(Debug)]
#[must_use = "it waits only while it is polled"]
pub struct Wait<'a, S: Side> {
    side: &'a mut S,
    n: usize,
}

mod side {
    use super::Waiter;

    #[expect(unnameable_types, reason = "sealed")]
    pub trait Side {
        fn ready_for(&mut self, n: usize) -> usize;
        fn is_abandoned(&self) -> bool;
        /// Where this side waits.
        fn waiter(&self) -> &Waiter;
    }
}
use side::Side;

impl<O: AsyncOwner> Side for Producer<O> {
    fn ready_for(&mut self, n: usize) -> usize {
        self.ready_for(n)
    }
    fn is_abandoned(&self) -> bool {
        self.is_abandoned()
    }
    fn waiter(&self) -> &Waiter {
        &self.owner.waiters().producer
    }
}

impl<O: AsyncOwner> Side for Consumer<O> {
    fn ready_for(&mut self, n: usize) -> usize {
        self.ready_for(n)
    }
    fn is_abandoned(&self) -> bool {
        self.is_abandoned()
    }
    fn waiter(&self) -> &Waiter {
        &self.owner.waiters().consumer
    }
}

impl<S: Side> Future for Wait<'_, S> {
    type Output = usize;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<usize> {
        let Self { side, n } = &mut *self;
        let ready = side.ready_for(*n);
        if ready >= *n {
            return Poll::Ready(ready);
        }
        // SAFETY: only the one who has the handle waits on its side (K1).
        unsafe { side.waiter().register(context.waker()) };
        // Before the second look: what was done before the other side went is then seen.
        let last = side.is_abandoned();
        let ready = side.ready_for(*n);
        if ready >= *n || last {
            Poll::Ready(ready)
        } else {
            Poll::Pending
        }
    }
}

impl<S: Side> Drop for Wait<'_, S> {
    fn drop(&mut self) {
        // SAFETY: as in `poll`.
        unsafe { self.side.waiter().withdraw() };
    }
}
