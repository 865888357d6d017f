//! The end that receives.

use std::fmt;
use std::iter::FusedIterator;
use std::time::{Duration, Instant};

use ringfence_core::spsc::{Consumer, Heap};

use super::Shared;
use crate::error::{RecvError, RecvTimeoutError, TryRecvError};
use crate::stats::{Monitor, Stats};
use crate::sync::{Arc, Ordering, fence, lock};
use crate::wait::{Patience, wait};

/// The end of a channel that receives.
///
/// Dropping it closes the channel, and drops what is inside at once. If an
/// item's `Drop` panics the others are dropped nevertheless; if a second one does,
/// the process aborts, as when a `Vec` of them is dropped.
///
/// A receiver that is forgotten leaves the channel open, with what is inside.
pub struct Receiver<T> {
    /// `None` once every item has been received and there will be no more.
    consumer: Option<Consumer<Heap<T>>>,
    shared: Arc<Shared<T>>,
    patience: Patience,
}

impl<T> Receiver<T> {
    pub(super) fn new(consumer: Consumer<Heap<T>>, shared: Arc<Shared<T>>) -> Self {
        Self {
            consumer: Some(consumer),
            shared,
            patience: Patience::default(),
        }
    }

    /// Takes the oldest item; waits for one if there is none.
    ///
    /// # Errors
    /// [`RecvError`], when the channel is closed and every item received.
    #[inline]
    pub fn recv(&mut self) -> Result<T, RecvError> {
        match receive(&mut self.consumer, &self.shared, take_one) {
            Ok(item) => Ok(item),
            Err(TryRecvError::Disconnected) => Err(RecvError),
            Err(TryRecvError::Empty) => self.wait_for(None, take_one).map_err(|_| RecvError),
        }
    }

    /// Takes the oldest item if there is one. Never waits.
    ///
    /// # Errors
    /// [`TryRecvError`], when there is none.
    #[inline]
    pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
        receive(&mut self.consumer, &self.shared, take_one).inspect_err(|&error| {
            if error == TryRecvError::Empty {
                self.shared.counts().recv.empty_events.add(1);
            }
        })
    }

    /// As [`recv`](Self::recv), but waits no longer than `timeout`.
    ///
    /// A timeout too long to be added to the current time is none.
    ///
    /// # Errors
    /// [`RecvTimeoutError`], when there was no item in time, or the channel is
    /// closed and every item received.
    pub fn recv_timeout(&mut self, timeout: Duration) -> Result<T, RecvTimeoutError> {
        self.recv_until(|| Instant::now().checked_add(timeout))
    }

    /// As [`recv`](Self::recv), but waits no longer than until `deadline`. When
    /// that is over, it still takes an item if there is one.
    ///
    /// # Errors
    /// [`RecvTimeoutError`], when there was no item in time, or the channel is
    /// closed and every item received.
    pub fn recv_deadline(&mut self, deadline: Instant) -> Result<T, RecvTimeoutError> {
        self.recv_until(|| Some(deadline))
    }

    fn recv_until(
        &mut self,
        deadline: impl FnOnce() -> Option<Instant>,
    ) -> Result<T, RecvTimeoutError> {
        match receive(&mut self.consumer, &self.shared, take_one) {
            Ok(item) => Ok(item),
            Err(TryRecvError::Disconnected) => Err(RecvTimeoutError::Disconnected),
            Err(TryRecvError::Empty) => self.wait_for(deadline(), take_one),
        }
    }

    /// Appends up to `limit` items to `buffer`, and returns how many; waits for
    /// the first if there is none. Frees their slots and wakes the sender once.
    ///
    /// With a limit of 0 it returns 0 at once.
    ///
    /// # Errors
    /// [`RecvError`], when the channel is closed and every item received.
    pub fn recv_many(&mut self, buffer: &mut Vec<T>, limit: usize) -> Result<usize, RecvError> {
        if limit == 0 {
            return Ok(0);
        }
        let mut take = |consumer: &mut Consumer<Heap<T>>| {
            buffer.reserve(consumer.ready().min(limit));
            consumer.pop_each(limit, |item| buffer.push(item))
        };
        match receive(&mut self.consumer, &self.shared, &mut take) {
            Ok(n) => Ok(n),
            Err(TryRecvError::Disconnected) => Err(RecvError),
            Err(TryRecvError::Empty) => self.wait_for(None, take).map_err(|_| RecvError),
        }
    }

    #[cold]
    fn wait_for<R>(
        &mut self,
        deadline: Option<Instant>,
        mut take: impl FnMut(&mut Consumer<Heap<T>>) -> R,
    ) -> Result<R, RecvTimeoutError> {
        let Self {
            consumer,
            shared,
            patience,
        } = self;
        let counts = shared.counts();
        counts.recv.empty_events.add(1);
        let start = Instant::now();
        let received = wait(&shared.items, patience, deadline, || {
            match receive(consumer, shared, &mut take) {
                Ok(received) => Some(Ok(received)),
                Err(TryRecvError::Empty) => None,
                Err(TryRecvError::Disconnected) => Some(Err(RecvTimeoutError::Disconnected)),
            }
        });
        counts
            .recv
            .blocked_nanos
            .add(start.elapsed().as_nanos() as u64);
        received.unwrap_or(Err(RecvTimeoutError::Timeout))
    }

    /// Items one by one, waiting for each, until the channel is closed and empty.
    pub fn iter(&mut self) -> Iter<'_, T> {
        Iter(self)
    }

    /// Items one by one, until there is none. Never waits.
    pub fn try_iter(&mut self) -> TryIter<'_, T> {
        TryIter(self)
    }

    /// Closes the channel: sends give their item back from now on. What is
    /// inside can still be received, then receives say `Disconnected`.
    pub fn close(&mut self) {
        self.shared.close();
    }

    /// Whether the channel is closed: by either side, or because the sender is
    /// gone. Then it stays so; there may still be items inside. If it was the
    /// sender, all that it sent is visible: empty after this is empty for good.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        let closed = self.shared.items.is_closed();
        if closed {
            // ORDERING: Acquire, edge `closed` of `event` to here.
            fence(Ordering::Acquire);
        }
        closed
    }

    /// How many items are in the channel; more as soon as the sender goes on.
    #[must_use]
    pub fn len(&self) -> usize {
        self.consumer.as_ref().map_or(0, Consumer::len)
    }

    /// Whether there was none. There may be by now.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether there was no room. Then there is none until the next receive.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.len() == self.capacity()
    }

    /// How many items fit.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.shared.monitor.ring.capacity()
    }

    /// What went through the channel up to now. Takes a short lock.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.shared.monitor.stats()
    }

    /// Statistics for any thread, also after the channel is gone.
    #[must_use]
    pub fn monitor(&self) -> Monitor {
        self.shared.monitor.clone()
    }
}

/// The whole of a receive that does not wait: pop, then look whether the sender
/// wants attention. `take` is called with at least one item ready.
#[inline]
fn receive<T, R>(
    consumer: &mut Option<Consumer<Heap<T>>>,
    shared: &Shared<T>,
    take: impl FnMut(&mut Consumer<Heap<T>>) -> R,
) -> Result<R, TryRecvError> {
    let Some(open) = consumer else {
        return Err(TryRecvError::Disconnected);
    };
    if open.ready() == 0 && !look(open, shared) {
        return end_or_empty(consumer, shared, take);
    }
    Ok(take_ready(open, shared, take))
}

fn take_one<T>(consumer: &mut Consumer<Heap<T>>) -> T {
    consumer.try_pop().expect("an item is ready")
}

/// Whether there is an item, by looking at the sender's position.
#[inline]
fn look<T>(consumer: &mut Consumer<Heap<T>>, shared: &Shared<T>) -> bool {
    let depth = consumer.refresh();
    shared.counts().seen(depth);
    depth > 0
}

#[inline]
fn take_ready<T, R>(
    consumer: &mut Consumer<Heap<T>>,
    shared: &Shared<T>,
    mut take: impl FnMut(&mut Consumer<Heap<T>>) -> R,
) -> R {
    let taken = take(consumer);
    if shared.room.has_waiters() {
        shared.room.wake_one();
    }
    taken
}

/// The ring was empty: if the channel is closed, and the ring still is, that is
/// final, and the consumer is left to the sender.
#[cold]
fn end_or_empty<T, R>(
    consumer: &mut Option<Consumer<Heap<T>>>,
    shared: &Shared<T>,
    take: impl FnMut(&mut Consumer<Heap<T>>) -> R,
) -> Result<R, TryRecvError> {
    if !shared.items.is_closed() {
        return Err(TryRecvError::Empty);
    }
    // ORDERING: Acquire, edge `closed` of `event` to here: a sender that closed
    // the channel has pushed all that it will.
    fence(Ordering::Acquire);
    let mut retired = lock(&shared.retired);
    if let Some(open) = consumer {
        if look(open, shared) {
            drop(retired);
            return Ok(take_ready(open, shared, take));
        }
    }
    shared.counts().recv_done(shared.monitor.ring.popped());
    *retired = consumer.take();
    Err(TryRecvError::Disconnected)
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        let Some(consumer) = self.consumer.take() else {
            return;
        };
        self.shared.close();
        let popped = self.shared.monitor.ring.popped();
        self.shared.counts().recv_done(popped);
        let mut last = Last {
            consumer: Some(consumer),
            shared: &self.shared,
        };
        last.drop_items();
    }
}

/// The consumer of a receiver that is gone. If an item's `Drop` panics, the
/// others are dropped nevertheless.
struct Last<'a, T> {
    consumer: Option<Consumer<Heap<T>>>,
    shared: &'a Shared<T>,
}

impl<T> Last<'_, T> {
    fn drop_items(&mut self) {
        self.consumer
            .iter_mut()
            .for_each(|consumer| consumer.drain().for_each(drop));
    }
}

impl<T> Drop for Last<'_, T> {
    fn drop(&mut self) {
        loop {
            self.drop_items();
            // Under the lock the ring is empty for good, or the sender was in
            // the middle of a push, and has finished it.
            let mut retired = lock(&self.shared.retired);
            if self.consumer.as_ref().is_none_or(Consumer::is_empty) {
                *retired = self.consumer.take();
                return;
            }
        }
    }
}

/// Items one by one, waiting for each. See [`Receiver::iter`].
#[must_use = "iterators are lazy"]
pub struct Iter<'a, T>(&'a mut Receiver<T>);

impl<T> Iterator for Iter<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.0.recv().ok()
    }
}

impl<T> FusedIterator for Iter<'_, T> {}

impl<T> fmt::Debug for Iter<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Iter").field(&self.0).finish()
    }
}

/// Items one by one, until there is none. See [`Receiver::try_iter`].
#[must_use = "iterators are lazy"]
pub struct TryIter<'a, T>(&'a mut Receiver<T>);

impl<T> Iterator for TryIter<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.0.try_recv().ok()
    }
}

impl<T> fmt::Debug for TryIter<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TryIter").field(&self.0).finish()
    }
}

/// Items one by one, waiting for each. See [`Receiver::iter`].
#[must_use = "iterators are lazy"]
pub struct IntoIter<T>(Receiver<T>);

impl<T> IntoIter<T> {
    /// The receiver again.
    pub fn into_inner(self) -> Receiver<T> {
        self.0
    }
}

impl<T> Iterator for IntoIter<T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.0.recv().ok()
    }
}

impl<T> FusedIterator for IntoIter<T> {}

impl<T> fmt::Debug for IntoIter<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("IntoIter").field(&self.0).finish()
    }
}

impl<T> IntoIterator for Receiver<T> {
    type Item = T;
    type IntoIter = IntoIter<T>;

    fn into_iter(self) -> IntoIter<T> {
        IntoIter(self)
    }
}

impl<'a, T> IntoIterator for &'a mut Receiver<T> {
    type Item = T;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Iter<'a, T> {
        self.iter()
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver")
            .field("len", &self.len())
            .field("capacity", &self.capacity())
            .field("is_closed", &self.is_closed())
            .finish()
    }
}
