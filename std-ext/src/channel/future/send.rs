//! Sending one item.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use super::{POLLED_AFTER, Waiting};
use crate::channel::sender::{Pending, offer};
use crate::channel::{Sender, Shared};
use crate::error::{SendError, TrySendError};
use crate::event::Event;
use crate::flavour::{Flavour, Mpmc};
use crate::policy::{OnFull, Reason, Sent};
use crate::ring::Gauge;
use crate::stats::Count;

impl<T, F: Flavour> Sender<T, F> {
    /// Sends `item`; if there is no room, does what [`OnFull`] says: with
    /// [`OnFull::Block`] the future waits, else it is ready at the first poll.
    ///
    /// As [`send`](Self::send), in a future. A poll is a send that does not wait, and one
    /// that finds no room takes a short lock as well.
    ///
    /// # Errors
    /// [`SendError`] with the item, if the channel is closed or the receiver
    /// gone, also while waiting.
    ///
    /// # Panics
    /// If it is polled again after it was ready.
    ///
    /// # Cancel safety
    /// If the future is dropped before it is ready, the item was not sent and is dropped
    /// with it, and counted as [`refused_cancelled`](crate::Stats::refused_cancelled).
    /// [`SendFuture::into_inner`] gives it back instead. With a capacity of 0, it may have
    /// been received since the last poll: then it was sent.
    ///
    /// ```
    /// # use std::task::{Context, Poll, Waker};
    /// # use std::pin::Pin;
    /// let (mut tx, mut rx) = ringfence::bounded(1);
    /// tx.try_send(1).unwrap();
    /// let mut sending = tx.send_async(2);
    /// let mut context = Context::from_waker(Waker::noop());
    /// assert!(Pin::new(&mut sending).poll(&mut context).is_pending()); // full
    /// assert_eq!(rx.recv(), Ok(1));
    /// assert!(Pin::new(&mut sending).poll(&mut context).is_ready());
    /// drop(sending);
    /// assert_eq!(rx.recv(), Ok(2));
    /// ```
    pub fn send_async(&mut self, item: T) -> SendFuture<'_, T, F> {
        SendFuture {
            sender: self,
            sending: Sending::of(item),
        }
    }
}

/// Sends one item. See [`Sender::send_async`].
///
/// Not sent until it is ready:
///
/// ```compile_fail
/// # #![deny(unused_must_use)]
/// let (mut tx, rx) = ringfence::bounded(1);
/// tx.send_async(1);
/// ```
#[must_use = "futures do nothing unless polled"]
pub struct SendFuture<'a, T, F: Flavour = Mpmc> {
    sender: &'a mut Sender<T, F>,
    sending: Sending<T>,
}

impl<T, F: Flavour> SendFuture<'_, T, F> {
    /// The item, if it was not sent; `None` if the future was ready, or with a capacity of 0
    /// would be now.
    ///
    /// It was given to a send and handed back: counted as
    /// [`refused_cancelled`](crate::Stats::refused_cancelled).
    #[must_use = "dropping the future does as much"]
    pub fn into_inner(mut self) -> Option<T> {
        self.sending.cancel(self.sender)
    }
}

impl<T, F: Flavour> Future for SendFuture<'_, T, F> {
    type Output = Result<Sent<T>, SendError<T>>;

    #[inline(always)]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { sender, sending } = self.get_mut();
        assert!(sending.has_item(), "{POLLED_AFTER}");
        sending.poll(sender, context.waker())
    }
}

impl<T, F: Flavour> Unpin for SendFuture<'_, T, F> {}

impl<T, F: Flavour> Drop for SendFuture<'_, T, F> {
    #[inline]
    fn drop(&mut self) {
        if self.sending.has_item() {
            self.sending.cancel_and_drop(self.sender);
        }
    }
}

impl<T, F: Flavour> fmt::Debug for SendFuture<'_, T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendFuture")
            .field("sender", &self.sender)
            .field("is_ready", &!self.sending.has_item())
            .finish()
    }
}

/// An item on its way into a channel, if there is one.
#[derive(Debug)]
pub struct Sending<T> {
    pending: Pending<T>,
    waiting: Waiting,
}

impl<T> Sending<T> {
    pub(super) fn of(item: T) -> Self {
        Self {
            pending: Pending::Item(item),
            waiting: Waiting::default(),
        }
    }

    pub(in crate::channel) fn has_item(&self) -> bool {
        !self.pending.is_nothing()
    }

    /// The first attempt: `None` if it has to wait.
    #[inline(always)]
    pub(in crate::channel) fn begin<F: Flavour>(
        &mut self,
        sender: &mut Sender<T, F>,
        item: T,
    ) -> Option<Result<Sent<T>, SendError<T>>> {
        if sender.on_full != OnFull::Block {
            return Some(sender.send(item));
        }
        match offer(&mut sender.tx, &sender.shared, item) {
            Ok(()) => Some(Ok(Sent::Stored)),
            Err(refusal) => self.refused(sender, refusal),
        }
    }

    #[cold]
    fn refused<F: Flavour>(
        &mut self,
        sender: &mut Sender<T, F>,
        refusal: TrySendError<T>,
    ) -> Option<Result<Sent<T>, SendError<T>>> {
        if let TrySendError::Full(item) = refusal {
            self.pending = Pending::Item(item);
            sender.found_full();
            self.waiting.begin();
            return None;
        }
        sender.count(&refusal);
        Some(Err(SendError(refusal.into_inner())))
    }

    /// For who has an item.
    #[inline(always)]
    pub(in crate::channel) fn poll<F: Flavour>(
        &mut self,
        sender: &mut Sender<T, F>,
        waker: &Waker,
    ) -> Poll<Result<Sent<T>, SendError<T>>> {
        if !self.waiting.has_begun() {
            if let Pending::Item(item) = std::mem::take(&mut self.pending) {
                // Not by `begin`, whose result would come back through memory.
                if sender.on_full != OnFull::Block {
                    return Poll::Ready(sender.send(item));
                }
                return match offer(&mut sender.tx, &sender.shared, item) {
                    Ok(()) => Poll::Ready(Ok(Sent::Stored)),
                    Err(refusal) => self.poll_refused(sender, refusal, waker),
                };
            }
        }
        self.poll_again(sender, waker)
    }

    #[cold]
    fn poll_refused<F: Flavour>(
        &mut self,
        sender: &mut Sender<T, F>,
        refusal: TrySendError<T>,
        waker: &Waker,
    ) -> Poll<Result<Sent<T>, SendError<T>>> {
        match self.refused(sender, refusal) {
            Some(sent) => Poll::Ready(sent),
            None => self.poll_again(sender, waker),
        }
    }

    #[cold]
    fn poll_again<F: Flavour>(
        &mut self,
        sender: &mut Sender<T, F>,
        waker: &Waker,
    ) -> Poll<Result<Sent<T>, SendError<T>>> {
        let Self { pending, waiting } = self;
        let Sender {
            tx, shared, habits, ..
        } = sender;
        let attempt = || pending.attempt(tx, shared);
        let more = || shared.ring.has_room();
        let (event, blocked_nanos) = for_room(shared);
        waiting.poll((event, blocked_nanos, habits), waker, attempt, more)
    }

    /// The same, for nobody.
    #[cold]
    pub(in crate::channel) fn cancel_and_drop<F: Flavour>(&mut self, sender: &mut Sender<T, F>) {
        if let Some(item) = self.cancel(sender) {
            sender.shared.dropped(&item, Reason::Cancelled);
        }
    }

    /// Sends nothing more, and gives the item back, if there is one: counted.
    pub(in crate::channel) fn cancel<F: Flavour>(
        &mut self,
        sender: &mut Sender<T, F>,
    ) -> Option<T> {
        let Sender { tx, shared, .. } = sender;
        let item = self
            .pending
            .take_back(tx, shared, |counts| &counts.refused_cancelled);
        let (event, blocked_nanos) = for_room(shared);
        self.waiting.leave(event, blocked_nanos);
        item
    }
}

impl<T> Default for Sending<T> {
    fn default() -> Self {
        Self {
            pending: Pending::Nothing,
            waiting: Waiting::default(),
        }
    }
}

/// What senders wait for, and where the time is counted.
pub(super) fn for_room<T, F: Flavour>(shared: &Shared<T, F>) -> (&Event, &Count) {
    (&shared.room, &shared.counts.send.blocked_nanos)
}
