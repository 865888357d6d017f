//! Sending without a thread that waits: first for credits, then for a slot.

use std::fmt;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use super::credit::Credit;
use super::sender::{Sender, unweighted};
use super::{Cause, SendError, Weighted};
use crate::channel::future::{POLLED_AFTER, Sending as Slot, Sends};
use crate::error::SendError as PlainError;
use crate::flavour::{Flavour, Mpmc};
use crate::policy::{Reason, Sent};

/// An item on its way into a weighted channel, if there is one.
#[derive(Debug, Default)]
pub enum Sending<T> {
    #[default]
    Nothing,
    /// It has not been weighed.
    Fresh(T),
    /// It waits for credits.
    Unpaid(T, Credit),
    /// It waits for a slot.
    Paid(Slot<Weighted<T>>),
}

use Sending::{Fresh, Nothing, Paid, Unpaid};

type Outcome<T> = Result<Sent<T>, SendError<T>>;

impl<T> Sending<T> {
    fn has_item(&self) -> bool {
        !matches!(self, Nothing)
    }

    /// Into the channel, with its credits: `None` if it has to wait.
    fn enter<F: Flavour>(
        &mut self,
        sender: &mut Sender<T, F>,
        weighted: Weighted<T>,
    ) -> Option<Outcome<T>> {
        let mut slot = Slot::default();
        let sent = slot.begin(&mut sender.channel, weighted);
        if sent.is_none() {
            *self = Paid(slot);
        }
        sent.map(outcome)
    }
}

fn outcome<T>(sent: Result<Sent<Weighted<T>>, PlainError<Weighted<T>>>) -> Outcome<T> {
    let refused = |error: PlainError<Weighted<T>>| error.into_inner().refused(Cause::Disconnected);
    sent.map(unweighted).map_err(refused)
}

impl<T, F: Flavour> Sends<T> for Sender<T, F> {
    type Error = SendError<T>;
    type Sending = Sending<T>;

    fn has_item(sending: &Sending<T>) -> bool {
        sending.has_item()
    }

    fn begin(&mut self, sending: &mut Sending<T>, item: T) -> Option<Outcome<T>> {
        let weight = (self.weigh)(&item);
        match self.credit(weight) {
            Ok(lease) => sending.enter(self, Weighted { item, lease }),
            Err(Cause::Full) if self.blocks() => {
                let credit = Credit::new(&self.channel, &self.pool, weight);
                *sending = Unpaid(item, credit);
                None
            }
            Err(cause) => Some(self.not_stored(item, cause)),
        }
    }

    fn poll(&mut self, sending: &mut Sending<T>, waker: &Waker) -> Poll<Outcome<T>> {
        let credit = match sending {
            Nothing => unreachable!("nothing is on its way"),
            Fresh(_) => None,
            Unpaid(_, credit) => Some(ready!(credit.poll(&self.channel, waker))),
            Paid(slot) => {
                let sent = ready!(slot.poll(&mut self.channel, waker));
                *sending = Nothing;
                return Poll::Ready(outcome(sent));
            }
        };
        let sent = match (mem::take(sending), credit) {
            (Unpaid(item, _), Some(Ok(lease))) => sending.enter(self, Weighted { item, lease }),
            (Unpaid(item, _), Some(Err(cause))) => Some(Err(self.hand_back(item, cause))),
            (Fresh(item), _) => self.begin(sending, item),
            _ => unreachable!("as before"),
        };
        // It waits for the next thing.
        sent.map_or_else(|| self.poll(sending, waker), Poll::Ready)
    }

    fn cancel(&mut self, sending: &mut Sending<T>) -> Option<T> {
        let item = match mem::take(sending) {
            Nothing => return None,
            Paid(mut slot) => {
                let item = slot.cancel(&mut self.channel);
                return item.map(Weighted::into_inner);
            }
            Fresh(item) => item,
            Unpaid(item, mut credit) => {
                drop(credit.leave(&self.channel));
                item
            }
        };
        self.channel.shared.counts.send.refused_cancelled.add(1);
        Some(item)
    }

    fn cancel_and_drop(&mut self, sending: &mut Sending<T>) {
        if let Some(item) = self.cancel(sending) {
            let shared = &self.channel.shared;
            shared.dropped(&self.unpaid(item), Reason::Cancelled);
        }
    }

    fn too_late(item: T) -> SendError<T> {
        let cause = Cause::Disconnected;
        SendError { item, cause }
    }
}

impl<T, F: Flavour> Sender<T, F> {
    /// As [`send`](Self::send), in a future.
    ///
    /// # Errors
    /// [`SendError`] with the item, if the channel or the pool is closed, also while
    /// waiting, or the item too heavy.
    ///
    /// # Panics
    /// If it is polled again after it was ready.
    ///
    /// # Cancel safety
    /// If the future is dropped before it is ready, the item was not sent and is dropped
    /// with it, counted as [`refused_cancelled`](crate::Stats::refused_cancelled), and its
    /// credits are free again. [`SendFuture::into_inner`] gives it back instead. With a
    /// capacity of 0, it may have been received since the last poll: then it was sent.
    pub fn send_async(&mut self, item: T) -> SendFuture<'_, T, F> {
        SendFuture {
            sender: self,
            sending: Fresh(item),
        }
    }
}

/// Sends one item. See [`Sender::send_async`].
#[must_use = "futures do nothing unless polled"]
pub struct SendFuture<'a, T, F: Flavour = Mpmc> {
    pub(super) sender: &'a mut Sender<T, F>,
    sending: Sending<T>,
}

impl<'a, T, F: Flavour> SendFuture<'a, T, F> {
    /// The sender, and the item, which has not been offered.
    pub(super) fn take(&mut self) -> (&mut Sender<T, F>, T) {
        let Fresh(item) = mem::take(&mut self.sending) else {
            unreachable!("it was polled");
        };
        (self.sender, item)
    }

    /// The item, if it was not sent; `None` if the future was ready, or with a capacity of 0
    /// would be now.
    ///
    /// It was given to a send and handed back: counted as
    /// [`refused_cancelled`](crate::Stats::refused_cancelled).
    #[must_use = "dropping the future does as much"]
    pub fn into_inner(mut self) -> Option<T> {
        self.sender.cancel(&mut self.sending)
    }
}

impl<T, F: Flavour> Future for SendFuture<'_, T, F> {
    type Output = Outcome<T>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Outcome<T>> {
        let Self { sender, sending } = self.get_mut();
        assert!(sending.has_item(), "{POLLED_AFTER}");
        sender.poll(sending, context.waker())
    }
}

impl<T, F: Flavour> Unpin for SendFuture<'_, T, F> {}

impl<T, F: Flavour> Drop for SendFuture<'_, T, F> {
    fn drop(&mut self) {
        self.sender.cancel_and_drop(&mut self.sending);
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
