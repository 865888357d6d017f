//! The end that receives.

mod announced;
pub(crate) mod case;

use std::error::Error;
use std::fmt;
use std::iter::FusedIterator;
use std::time::{Duration, Instant};

use self::announced::Announced;
use super::{Closed, Shared};
use crate::error::{RecvError, RecvTimeoutError, TryRecvError};
use crate::flavour::{AnyRx, Flavour, Mpmc};
use crate::policy::Reason;
use crate::ring::{Gauge, Rx};
use crate::stats::{Monitor, Stats};
use crate::sync::{Arc, Ordering, lock};
use crate::wait::{Habits, Patience, wait};

/// The end of a channel that receives.
///
/// It can be cloned where the [flavour](crate::flavour) has many receivers: each item
/// goes to one of them. When the last one is dropped, the channel closes, and what is
/// inside is dropped at once. If an item's `Drop` panics, the others are dropped
/// nevertheless; if a second one does, the process aborts, as when a `Vec` of them is
/// dropped.
///
/// A receiver that is forgotten leaves the channel open, with what is inside.
pub struct Receiver<T, F: Flavour = Mpmc> {
    /// `None` once every item has been received and there will be no more.
    pub(super) consumer: Option<AnyRx<T, F>>,
    pub(super) shared: Arc<Shared<T, F>>,
    pub(super) patience: Patience,
    /// The same for futures.
    pub(super) habits: Habits,
    /// How many items had been lost when it was last asked.
    known_lost: u64,
}

impl<T, F: Flavour> Receiver<T, F> {
    pub(super) fn new(consumer: AnyRx<T, F>, shared: Arc<Shared<T, F>>) -> Self {
        Self {
            consumer: Some(consumer),
            shared,
            patience: Patience::default(),
            habits: Habits::NONE,
            known_lost: 0,
        }
    }

    /// Takes the oldest item; waits for one if there is none.
    ///
    /// # Errors
    /// [`RecvError`], when the channel is closed and every item received.
    #[inline]
    pub fn recv(&mut self) -> Result<T, RecvError> {
        match receive(&mut self.consumer, &self.shared, Rx::pop) {
            Ok(item) => Ok(item),
            Err(TryRecvError::Disconnected) => Err(RecvError),
            Err(TryRecvError::Empty) => self.wait_for(None, Rx::pop).map_err(|_| RecvError),
        }
    }

    /// Takes the oldest item if there is one. Never waits.
    ///
    /// With many senders, an item is not there as long as one before it is in the middle
    /// of its send.
    ///
    /// # Errors
    /// [`TryRecvError`], when there is none.
    #[inline]
    pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
        receive(&mut self.consumer, &self.shared, Rx::pop).inspect_err(|&error| {
            if error == TryRecvError::Empty {
                self.shared.counts.recv.empty_events.add(1);
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
        match receive(&mut self.consumer, &self.shared, Rx::pop) {
            Ok(item) => Ok(item),
            Err(TryRecvError::Disconnected) => Err(RecvTimeoutError::Disconnected),
            Err(TryRecvError::Empty) => self.wait_for(deadline(), Rx::pop),
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
        let mut take = up_to(limit, buffer);
        match receive(&mut self.consumer, &self.shared, &mut take) {
            Ok(n) => Ok(n),
            Err(TryRecvError::Disconnected) => Err(RecvError),
            Err(TryRecvError::Empty) => self.wait_for(None, take).map_err(|_| RecvError),
        }
    }

    /// As [`recv_many`](Self::recv_many), but never waits.
    ///
    /// # Errors
    /// [`TryRecvError`], when there is none.
    pub fn try_recv_many(
        &mut self,
        buffer: &mut Vec<T>,
        limit: usize,
    ) -> Result<usize, TryRecvError> {
        if limit == 0 {
            return Ok(0);
        }
        receive(&mut self.consumer, &self.shared, up_to(limit, buffer)).inspect_err(|&error| {
            if error == TryRecvError::Empty {
                self.shared.counts.recv.empty_events.add(1);
            }
        })
    }

    #[cold]
    pub(super) fn wait_for<R>(
        &mut self,
        deadline: Option<Instant>,
        mut take: impl FnMut(&mut AnyRx<T, F>) -> Option<R>,
    ) -> Result<R, RecvTimeoutError> {
        let Self {
            consumer,
            shared,
            patience,
            ..
        } = self;
        let counts = &shared.counts;
        counts.recv.empty_events.add(1);
        let start = Instant::now();
        let mut announced = Announced::new(consumer, shared);
        let attempt = || announced.attempt(&mut take);
        let more = || shared.ring.offered() > 0;
        let received = wait(&shared.items, patience, deadline, attempt, more);
        let received = received.unwrap_or_else(|| announced.time_out(take));
        counts
            .recv
            .blocked_nanos
            .add(start.elapsed().as_nanos() as u64);
        received
    }

    /// Items one by one, waiting for each, until the channel is closed and empty.
    pub fn iter(&mut self) -> Iter<'_, T, F> {
        Iter(self)
    }

    /// Items one by one, until there is none. Never waits.
    pub fn try_iter(&mut self) -> TryIter<'_, T, F> {
        TryIter(self)
    }

    /// Closes the channel, and takes what is inside: items one by one, until there is
    /// none, and no send under way that could bring one.
    pub fn drain(&mut self) -> Iter<'_, T, F> {
        self.close();
        self.iter()
    }

    /// Closes the channel: sends give their item back from now on. What is
    /// inside can still be received, then receives say `Disconnected`.
    pub fn close(&mut self) {
        self.shared.close(Closed::ByReceiver);
    }

    /// As [`close`](Self::close), and says why. If it was closed before, for another
    /// reason, that one stays.
    pub fn close_with(&mut self, error: impl Into<Box<dyn Error + Send + Sync>>) {
        self.shared.close(Closed::with(error));
    }

    /// Why the channel is closed; `None` while it is open.
    ///
    /// ```
    /// let (mut tx, mut rx) = ringfence::bounded::<u8>(8);
    /// assert!(rx.why_closed().is_none());
    /// tx.close_with("the disk is full");
    /// assert_eq!(rx.recv(), Err(ringfence::RecvError));
    /// assert_eq!(rx.why_closed().unwrap().to_string(), "the disk is full");
    /// ```
    #[must_use]
    pub fn why_closed(&self) -> Option<Closed> {
        self.shared.why_closed()
    }

    /// Whether the channel is closed: by any end, or because all senders are gone.
    /// Then it stays so; there may still be items inside. All that was sent by those
    /// who closed it, or went before, is visible: if all senders are gone, empty after
    /// this is empty for good.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        let closed = self.shared.items.is_closed();
        if closed {
            self.shared.items.settle();
        }
        closed
    }

    /// How many items are in the channel; more as soon as a sender goes on.
    #[must_use]
    pub fn len(&self) -> usize {
        if self.consumer.is_none() {
            return 0;
        }
        self.shared.ring.len()
    }

    /// Whether there was none. There may be by now.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether there was no room. Then there is none until the next receive.
    #[must_use]
    pub fn is_full(&self) -> bool {
        !self.shared.ring.has_room()
    }

    /// How many items fit.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.shared.ring.capacity()
    }

    /// What went through the channel up to now. Takes a short lock.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.shared.stats()
    }

    /// How many items the channel's policy has dropped since this receiver last asked:
    /// refused, evicted or expired, as [`Stats::lost`]. A clone starts with what its original
    /// knew.
    ///
    /// For a log that is to say so in its place: "17 lines lost".
    ///
    /// ```
    /// use ringfence::OnFull;
    /// let (mut tx, mut rx) = ringfence::channel(2).on_full(OnFull::DropOldest).build();
    /// let _ = tx.send_many(0..5)?;
    /// assert_eq!((rx.lost(), rx.recv()), (3, Ok(3)));
    /// assert_eq!((rx.lost(), rx.recv()), (0, Ok(4)));
    /// # Ok::<(), ringfence::SendManyError<i32>>(())
    /// ```
    #[must_use = "it is forgotten"]
    pub fn lost(&mut self) -> u64 {
        let lost = self.shared.counts.lost(&self.shared.ring);
        lost.wrapping_sub(std::mem::replace(&mut self.known_lost, lost))
    }

    /// Counts an item that was received, and is about to be dropped since it is too old.
    pub(crate) fn expire(&self, item: &T) {
        self.shared.counts.recv.expired.add(1);
        self.shared.dropped(item, Reason::Expired);
    }

    /// Statistics for any thread, also after the channel is gone.
    #[must_use]
    pub fn monitor(&self) -> Monitor
    where
        T: Send + 'static,
        F::Gauge<T>: Send + Sync + 'static,
    {
        self.shared.monitor()
    }

    /// How many senders there are.
    #[must_use]
    pub fn sender_count(&self) -> usize {
        self.shared.senders.load(Ordering::Relaxed)
    }

    /// How many receivers there are.
    #[must_use]
    pub fn receiver_count(&self) -> usize {
        self.shared.receivers.load(Ordering::Relaxed)
    }

    /// Whether both receive from the same channel.
    #[must_use]
    pub fn same_channel(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }
}

/// Takes up to `limit` items, at least one.
pub(super) fn up_to<T, R: Rx<T>>(
    limit: usize,
    buffer: &mut Vec<T>,
) -> impl FnMut(&mut R) -> Option<usize> {
    move |consumer| {
        let n = consumer.pop_each(limit, |item| buffer.push(item));
        (n > 0).then_some(n)
    }
}

/// The whole of a receive that does not wait: pop, then look whether a sender
/// wants attention.
#[inline(always)]
pub(super) fn receive<T, F: Flavour, R>(
    consumer: &mut Option<AnyRx<T, F>>,
    shared: &Shared<T, F>,
    mut take: impl FnMut(&mut AnyRx<T, F>) -> Option<R>,
) -> Result<R, TryRecvError> {
    // Not by `take_now`: called through a reference, what takes is not compiled in.
    if let Some(open) = consumer {
        if open.may_pop(|depth| shared.counts.seen(depth)) {
            if let Some(taken) = take(open) {
                attend(shared);
                return Ok(taken);
            }
        }
    }
    end_or_empty(consumer, shared, take)
}

/// Takes what can be popped.
#[inline(always)]
pub(super) fn take_now<T, F: Flavour, R>(
    consumer: &mut Option<AnyRx<T, F>>,
    shared: &Shared<T, F>,
    take: impl FnOnce(&mut AnyRx<T, F>) -> Option<R>,
) -> Option<R> {
    let open = consumer.as_mut()?;
    if !open.may_pop(|depth| shared.counts.seen(depth)) {
        return None;
    }
    let taken = take(open)?;
    attend(shared);
    Some(taken)
}

/// After a pop: wakes a sender that waits for room.
#[inline]
fn attend<T, F: Flavour>(shared: &Shared<T, F>) {
    shared.attend_to_senders();
}

/// Nothing could be popped: if the channel is closed, and the ring is drained, that
/// is final, and the consumer is left to the senders.
#[cold]
pub(super) fn end_or_empty<T, F: Flavour, R>(
    consumer: &mut Option<AnyRx<T, F>>,
    shared: &Shared<T, F>,
    mut take: impl FnMut(&mut AnyRx<T, F>) -> Option<R>,
) -> Result<R, TryRecvError> {
    if consumer.is_none() {
        return Err(TryRecvError::Disconnected);
    }
    if !shared.items.is_closed() {
        return Err(TryRecvError::Empty);
    }
    // Whoever closed it may not be through with it.
    shared.items.settle();
    let mut retired = lock(&shared.retired);
    if let Some(open) = consumer {
        if !open.is_drained() {
            if let Some(taken) = take(open) {
                drop(retired);
                attend(shared);
                return Ok(taken);
            }
            if !open.is_drained() {
                // A push is under way. Its sender sees the channel closed, and wakes
                // all who wait.
                return Err(TryRecvError::Empty);
            }
        }
    }
    let consumer = consumer.take();
    if retired.consumer.is_none() {
        retired.consumer = consumer;
    }
    Err(TryRecvError::Disconnected)
}

/// Where the flavour has many receivers.
impl<T, F: Flavour<Rx<T>: Clone>> Clone for Receiver<T, F> {
    fn clone(&self) -> Self {
        self.shared.receivers.fetch_add(1, Ordering::Relaxed);
        Self {
            consumer: self.consumer.clone(),
            shared: self.shared.clone(),
            patience: Patience::default(),
            habits: Habits::NONE,
            known_lost: self.known_lost,
        }
    }
}

impl<T, F: Flavour> Drop for Receiver<T, F> {
    fn drop(&mut self) {
        /// What follows closing, also if a waker panics.
        struct Closing<'a, T, F: Flavour>(&'a mut Receiver<T, F>);
        impl<T, F: Flavour> Drop for Closing<'_, T, F> {
            fn drop(&mut self) {
                let Receiver {
                    consumer, shared, ..
                } = &mut *self.0;
                shared.counts.recv_done(&shared.ring);
                let consumer = consumer.take();
                Last { consumer, shared }.drop_items();
            }
        }
        if self.shared.receiver_leaves() {
            Closing(self).0.shared.close(Closed::ReceiversGone);
        }
    }
}

/// The consumer of the last receiver, which is gone. If an item's `Drop` panics, the
/// others are dropped nevertheless.
struct Last<'a, T, F: Flavour> {
    consumer: Option<AnyRx<T, F>>,
    shared: &'a Shared<T, F>,
}

impl<T, F: Flavour> Last<'_, T, F> {
    fn drop_items(&mut self) {
        if let Some(consumer) = &mut self.consumer {
            while let Some((_, item)) = consumer.take_stored() {
                self.shared.dropped(&item, Reason::Drained);
            }
        }
    }
}

impl<T, F: Flavour> Drop for Last<'_, T, F> {
    fn drop(&mut self) {
        loop {
            self.drop_items();
            // Under the lock, what is stored has been popped. A sender that
            // comes later, or is in the middle of a push, sees to the rest.
            let mut retired = lock(&self.shared.retired);
            let taken = self.consumer.as_mut().and_then(Rx::take_stored);
            if let Some((_, item)) = taken {
                drop(retired);
                self.shared.dropped(&item, Reason::Drained);
                continue;
            }
            let consumer = self.consumer.take();
            if retired.consumer.is_none() {
                retired.consumer = consumer;
            }
            return;
        }
    }
}

/// Items one by one, waiting for each. See [`Receiver::iter`].
#[must_use = "iterators are lazy"]
pub struct Iter<'a, T, F: Flavour = Mpmc>(&'a mut Receiver<T, F>);

impl<T, F: Flavour> Iterator for Iter<'_, T, F> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.0.recv().ok()
    }
}

impl<T, F: Flavour> FusedIterator for Iter<'_, T, F> {}

impl<T, F: Flavour> fmt::Debug for Iter<'_, T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Iter").field(&self.0).finish()
    }
}

/// Items one by one, until there is none. See [`Receiver::try_iter`].
#[must_use = "iterators are lazy"]
pub struct TryIter<'a, T, F: Flavour = Mpmc>(&'a mut Receiver<T, F>);

impl<T, F: Flavour> Iterator for TryIter<'_, T, F> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.0.try_recv().ok()
    }
}

impl<T, F: Flavour> fmt::Debug for TryIter<'_, T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TryIter").field(&self.0).finish()
    }
}

/// Items one by one, waiting for each. See [`Receiver::iter`].
#[must_use = "iterators are lazy"]
pub struct IntoIter<T, F: Flavour = Mpmc>(Receiver<T, F>);

impl<T, F: Flavour> IntoIter<T, F> {
    /// The receiver again.
    pub fn into_inner(self) -> Receiver<T, F> {
        self.0
    }
}

impl<T, F: Flavour> Iterator for IntoIter<T, F> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.0.recv().ok()
    }
}

impl<T, F: Flavour> FusedIterator for IntoIter<T, F> {}

impl<T, F: Flavour> fmt::Debug for IntoIter<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("IntoIter").field(&self.0).finish()
    }
}

impl<T, F: Flavour> IntoIterator for Receiver<T, F> {
    type Item = T;
    type IntoIter = IntoIter<T, F>;

    fn into_iter(self) -> IntoIter<T, F> {
        IntoIter(self)
    }
}

impl<'a, T, F: Flavour> IntoIterator for &'a mut Receiver<T, F> {
    type Item = T;
    type IntoIter = Iter<'a, T, F>;

    fn into_iter(self) -> Iter<'a, T, F> {
        self.iter()
    }
}

impl<T, F: Flavour> fmt::Debug for Receiver<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver")
            .field("len", &self.len())
            .field("capacity", &self.capacity())
            .field("is_closed", &self.is_closed())
            .finish()
    }
}
