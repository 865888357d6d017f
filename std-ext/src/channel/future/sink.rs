//! A sender as a sink.

use std::borrow::{Borrow, BorrowMut};
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_sink::Sink;

use super::sends::Sends;
use crate::channel::{Sender, weighted};
use crate::flavour::Flavour;

impl<T, F: Flavour> Sender<T, F> {
    /// Takes items one by one. With feature `sink`.
    pub fn sink(&mut self) -> SendSink<T, Self, &mut Self> {
        SendSink::new(self)
    }

    /// Takes items one by one. With feature `sink`.
    pub fn into_sink(self) -> SendSink<T, Self> {
        SendSink::new(self)
    }
}

impl<T, F: Flavour> weighted::Sender<T, F> {
    /// Takes items one by one. With feature `sink`.
    pub fn sink(&mut self) -> SendSink<T, Self, &mut Self> {
        SendSink::new(self)
    }

    /// Takes items one by one. With feature `sink`.
    pub fn into_sink(self) -> SendSink<T, Self> {
        SendSink::new(self)
    }
}

/// Takes items one by one, and sends them.
///
/// From [`Sender::into_sink`], or [`Sender::sink`], which borrows; the same of
/// [weighted](crate::weighted) channels, where it waits for credits, too.
///
/// An item is sent at once if there is room. If there is none, and the channel
/// [blocks](crate::OnFull::Block), the sink keeps it until it is flushed, which waits for
/// room; it takes the next one only then. With another policy it does with the item what
/// that says. What is refused is dropped, and counted as always.
///
/// So at most one item is in the sink. If the channel is closed meanwhile, it comes back
/// in the error. If the sink is dropped, it is dropped with it, and counted as
/// [`refused_cancelled`](crate::Stats::refused_cancelled);
/// [`into_parts`](Self::into_parts) gives it back instead. Whatever polls the sink can be
/// dropped at any time.
///
/// A sink that was pending waits in line from then on, as a future would: if it is chosen
/// to be woken and not polled again, it keeps the wake-up from others of many senders.
///
/// Closing the sink flushes it and drops the sender, or ends its borrow. The channel is
/// closed by that only if it was the last one.
///
/// # Errors
/// [`SendError`](crate::SendError) with the item, if the channel is closed or the receiver
/// gone; [`weighted::SendError`], if it is not sent for that or another reason. As it always
/// holds one, a sink without an item says that it is ready, and refuses the next.
///
/// # Panics
/// If it is given an item while it holds one: it was not asked whether it is ready.
#[must_use = "sinks do nothing unless polled"]
pub struct SendSink<T, S: Sends<T> = Sender<T>, B: BorrowMut<S> = S> {
    /// `None` once it was closed.
    sender: Option<B>,
    sending: S::Sending,
}

impl<T, S: Sends<T>, B: BorrowMut<S>> SendSink<T, S, B> {
    fn new(sender: B) -> Self {
        Self {
            sender: Some(sender),
            sending: S::Sending::default(),
        }
    }

    /// The sender, unless the sink was closed.
    pub fn get_ref(&self) -> Option<&S> {
        self.sender.as_ref().map(Borrow::borrow)
    }

    /// The sender, unless the sink was closed; and the item that it has not sent, if
    /// there is one: that is counted as
    /// [`refused_cancelled`](crate::Stats::refused_cancelled).
    pub fn into_parts(mut self) -> (Option<B>, Option<T>) {
        let item = self.cancel();
        (self.sender.take(), item)
    }

    fn cancel(&mut self) -> Option<T> {
        let sender = self.sender.as_mut()?.borrow_mut();
        sender.cancel(&mut self.sending)
    }
}

impl<T, S: Sends<T>, B: BorrowMut<S>> Sink<T> for SendSink<T, S, B> {
    type Error = S::Error;

    fn poll_ready(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.poll_flush(context)
    }

    fn start_send(self: Pin<&mut Self>, item: T) -> Result<(), S::Error> {
        let Self { sender, sending } = self.get_mut();
        let Some(sender) = sender else {
            return Err(S::too_late(item));
        };
        assert!(!S::has_item(sending), "not asked whether it is ready");
        match sender.borrow_mut().begin(sending, item) {
            None => Ok(()),
            Some(sent) => sent.map(drop),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        match self.get_mut() {
            Self {
                sender: Some(sender),
                sending,
            } if S::has_item(sending) => {
                let sent = sender.borrow_mut().poll(sending, context.waker());
                sent.map(|sent| sent.map(drop))
            }
            _ => Poll::Ready(Ok(())),
        }
    }

    fn poll_close(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), S::Error>> {
        let flushed = self.as_mut().poll_flush(context);
        if flushed.is_ready() {
            self.sender = None;
        }
        flushed
    }
}

impl<T, S: Sends<T>, B: BorrowMut<S>> Unpin for SendSink<T, S, B> {}

impl<T, S: Sends<T>, B: BorrowMut<S>> Drop for SendSink<T, S, B> {
    fn drop(&mut self) {
        if let Some(sender) = &mut self.sender {
            sender.borrow_mut().cancel_and_drop(&mut self.sending);
        }
    }
}

impl<T, S: Sends<T> + fmt::Debug, B: BorrowMut<S>> fmt::Debug for SendSink<T, S, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendSink")
            .field("sender", &self.get_ref())
            .field("has_item", &S::has_item(&self.sending))
            .finish()
    }
}
