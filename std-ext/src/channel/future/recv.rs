//! Receiving: one item, or many together.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use super::{POLLED_AFTER, Waiting};
use crate::channel::receiver::{end_or_empty, receive, take_now, up_to};
use crate::channel::{Receiver, Shared};
use crate::error::{RecvError, TryRecvError};
use crate::event::Event;
use crate::flavour::{AnyRx, Flavour, Mpmc};
use crate::ring::{Gauge, Rx};
use crate::stats::Count;

impl<T, F: Flavour> Receiver<T, F> {
    /// Takes the oldest item; the future waits for one if there is none.
    ///
    /// As [`recv`](Self::recv), in a future. A poll is a receive that does not wait, and
    /// one that finds no item takes a short lock as well.
    ///
    /// # Errors
    /// [`RecvError`], when the channel is closed and every item received.
    ///
    /// # Panics
    /// If it is polled again after it was ready.
    ///
    /// # Cancel safety
    /// No item is taken unless the future is ready: dropping it before loses nothing.
    ///
    /// ```
    /// # use std::task::{Context, Poll, Waker};
    /// # use std::pin::Pin;
    /// let (mut tx, mut rx) = ringfence::bounded(1);
    /// let mut receiving = rx.recv_async();
    /// let mut context = Context::from_waker(Waker::noop());
    /// assert!(Pin::new(&mut receiving).poll(&mut context).is_pending()); // empty
    /// tx.try_send(1).unwrap();
    /// assert_eq!(Pin::new(&mut receiving).poll(&mut context), Poll::Ready(Ok(1)));
    /// ```
    pub fn recv_async(&mut self) -> RecvFuture<'_, T, F> {
        RecvFuture(Receiving::new(self))
    }

    /// Appends up to `limit` items to `buffer`, and returns how many; the future waits
    /// for the first if there is none.
    ///
    /// As [`recv_many`](Self::recv_many), in a future: with a limit of 0, it is ready
    /// with 0 at once.
    ///
    /// # Errors
    /// [`RecvError`], when the channel is closed and every item received.
    ///
    /// # Panics
    /// If it is polled again after it was ready.
    ///
    /// # Cancel safety
    /// No item is taken unless the future is ready: dropping it before loses nothing,
    /// and leaves `buffer` as it was.
    pub fn recv_many_async<'a>(
        &'a mut self,
        buffer: &'a mut Vec<T>,
        limit: usize,
    ) -> RecvManyFuture<'a, T, F> {
        RecvManyFuture {
            receiving: Receiving::new(self),
            buffer,
            limit,
        }
    }
}

/// Takes the oldest item. See [`Receiver::recv_async`].
#[must_use = "futures do nothing unless polled"]
pub struct RecvFuture<'a, T, F: Flavour = Mpmc>(Receiving<'a, T, F>);

impl<T, F: Flavour> Future for RecvFuture<'_, T, F> {
    type Output = Result<T, RecvError>;

    #[inline(always)]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Receiving { receiver, waiting } = &mut self.get_mut().0;
        let polled = poll_recv(
            receiver.as_mut().expect(POLLED_AFTER),
            waiting,
            context.waker(),
        );
        if polled.is_ready() {
            *receiver = None;
        }
        polled
    }
}

impl<T, F: Flavour> fmt::Debug for RecvFuture<'_, T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RecvFuture").field(&self.0.receiver).finish()
    }
}

/// Takes many items together. See [`Receiver::recv_many_async`].
#[must_use = "futures do nothing unless polled"]
pub struct RecvManyFuture<'a, T, F: Flavour = Mpmc> {
    receiving: Receiving<'a, T, F>,
    buffer: &'a mut Vec<T>,
    limit: usize,
}

impl<T, F: Flavour> Future for RecvManyFuture<'_, T, F> {
    type Output = Result<usize, RecvError>;

    #[inline]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Self {
            receiving: Receiving { receiver, waiting },
            buffer,
            limit,
        } = self.get_mut();
        let end = receiver.as_mut().expect(POLLED_AFTER);
        let polled = match *limit {
            0 => Poll::Ready(Ok(0)),
            limit => poll_recv_many(end, waiting, context.waker(), limit, buffer),
        };
        if polled.is_ready() {
            *receiver = None;
        }
        polled
    }
}

impl<T, F: Flavour> fmt::Debug for RecvManyFuture<'_, T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecvManyFuture")
            .field("receiver", &self.receiving.receiver)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

/// A receive that is polled.
struct Receiving<'a, T, F: Flavour> {
    /// `None` once it was ready.
    receiver: Option<&'a mut Receiver<T, F>>,
    waiting: Waiting,
}

impl<'a, T, F: Flavour> Receiving<'a, T, F> {
    fn new(receiver: &'a mut Receiver<T, F>) -> Self {
        Self {
            receiver: Some(receiver),
            waiting: Waiting::default(),
        }
    }
}

impl<T, F: Flavour> Drop for Receiving<'_, T, F> {
    fn drop(&mut self) {
        if let Some(receiver) = &self.receiver {
            let (event, blocked_nanos) = for_items(&receiver.shared);
            self.waiting.leave(event, blocked_nanos);
        }
    }
}

/// One poll of a receive.
#[inline(always)]
pub(super) fn poll_recv<T, F: Flavour>(
    receiver: &mut Receiver<T, F>,
    waiting: &mut Waiting,
    waker: &Waker,
) -> Poll<Result<T, RecvError>> {
    if !waiting.has_begun() {
        if let Some(item) = take_now(&mut receiver.consumer, &receiver.shared, Rx::pop) {
            return Poll::Ready(Ok(item));
        }
    }
    poll_on(receiver, waiting, waker, Rx::pop)
}

/// The same of up to `limit` items, at least one.
#[inline]
pub(super) fn poll_recv_many<T, F: Flavour>(
    receiver: &mut Receiver<T, F>,
    waiting: &mut Waiting,
    waker: &Waker,
    limit: usize,
    buffer: &mut Vec<T>,
) -> Poll<Result<usize, RecvError>> {
    if !waiting.has_begun() {
        let take = up_to(limit, buffer);
        if let Some(n) = take_now(&mut receiver.consumer, &receiver.shared, take) {
            return Poll::Ready(Ok(n));
        }
    }
    poll_on(receiver, waiting, waker, up_to(limit, buffer))
}

/// After an attempt that found nothing, or when it has been waiting.
#[cold]
fn poll_on<T, F: Flavour, R>(
    receiver: &mut Receiver<T, F>,
    waiting: &mut Waiting,
    waker: &Waker,
    mut take: impl FnMut(&mut AnyRx<T, F>) -> Option<R>,
) -> Poll<Result<R, RecvError>> {
    let Receiver {
        consumer,
        shared,
        habits,
        ..
    } = receiver;
    if !waiting.has_begun() {
        match end_or_empty(consumer, shared, &mut take) {
            Ok(received) => return Poll::Ready(Ok(received)),
            Err(TryRecvError::Disconnected) => return Poll::Ready(Err(RecvError)),
            Err(TryRecvError::Empty) => {
                shared.counts.recv.empty_events.add(1);
                waiting.begin();
            }
        }
    }
    let attempt = || match receive(consumer, shared, &mut take) {
        Ok(received) => Some(Ok(received)),
        Err(TryRecvError::Empty) => None,
        Err(TryRecvError::Disconnected) => Some(Err(RecvError)),
    };
    let more = || shared.ring.offered() > 0;
    let (event, blocked_nanos) = for_items(shared);
    waiting.poll((event, blocked_nanos, habits), waker, attempt, more)
}

/// What receivers wait for, and where the time is counted.
pub(super) fn for_items<T, F: Flavour>(shared: &Shared<T, F>) -> (&Event, &Count) {
    (&shared.items, &shared.counts.recv.blocked_nanos)
}
