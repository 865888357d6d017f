//! A sender as a sink.

use std::borrow::{Borrow, BorrowMut};
use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_sink::Sink;

use super::send::Sending;
use crate::channel::Sender;
use crate::error::SendError;
use crate::flavour::{Flavour, Mpmc};

impl<T, F: Flavour> Sender<T, F> {
    /// Takes items one by one. With feature `sink`.
    pub fn sink(&mut self) -> SendSink<T, F, &mut Self> {
        SendSink::new(self)
    }

    /// Takes items one by one. With feature `sink`.
    pub fn into_sink(self) -> SendSink<T, F> {
        SendSink::new(self)
    }
}

/// Takes items one by one, and sends them.
///
/// From [`Sender::into_sink`], or [`Sender::sink`], which borrows.
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
/// [`SendError`] with the item, if the channel is closed or the receiver gone. As it
/// always holds one, a sink without an item says that it is ready, and refuses the next.
///
/// # Panics
/// If it is given an item while it holds one: it was not asked whether it is ready.
#[must_use = "sinks do nothing unless polled"]
pub struct SendSink<T, F: Flavour = Mpmc, S: BorrowMut<Sender<T, F>> = Sender<T, F>> {
    /// `None` once it was closed.
    sender: Option<S>,
    sending: Sending<T>,
    of: PhantomData<fn() -> F>,
}

impl<T, F: Flavour, S: BorrowMut<Sender<T, F>>> SendSink<T, F, S> {
    fn new(sender: S) -> Self {
        Self {
            sender: Some(sender),
            sending: Sending::default(),
            of: PhantomData,
        }
    }

    /// The sender, unless the sink was closed.
    pub fn get_ref(&self) -> Option<&Sender<T, F>> {
        self.sender.as_ref().map(Borrow::borrow)
    }

    /// The sender, unless the sink was closed; and the item that it has not sent, if
    /// there is one: that is counted as
    /// [`refused_cancelled`](crate::Stats::refused_cancelled).
    pub fn into_parts(mut self) -> (Option<S>, Option<T>) {
        let item = self.cancel();
        (self.sender.take(), item)
    }

    fn cancel(&mut self) -> Option<T> {
        let sender = self.sender.as_mut()?.borrow_mut();
        self.sending.cancel(sender)
    }
}

impl<T, F: Flavour, S: BorrowMut<Sender<T, F>>> Sink<T> for SendSink<T, F, S> {
    type Error = SendError<T>;

    fn poll_ready(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), SendError<T>>> {
        self.poll_flush(context)
    }

    fn start_send(self: Pin<&mut Self>, item: T) -> Result<(), SendError<T>> {
        let Self {
            sender, sending, ..
        } = self.get_mut();
        let Some(sender) = sender else {
            return Err(SendError(item));
        };
        assert!(!sending.has_item(), "not asked whether it is ready");
        match sending.begin(sender.borrow_mut(), item) {
            None => Ok(()),
            Some(sent) => sent.map(drop),
        }
    }

    fn poll_flush(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), SendError<T>>> {
        match self.get_mut() {
            Self {
                sender: Some(sender),
                sending,
                ..
            } if sending.has_item() => {
                let sent = sending.poll(sender.borrow_mut(), context.waker());
                sent.map(|sent| sent.map(drop))
            }
            _ => Poll::Ready(Ok(())),
        }
    }

    fn poll_close(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), SendError<T>>> {
        let flushed = self.as_mut().poll_flush(context);
        if flushed.is_ready() {
            self.sender = None;
        }
        flushed
    }
}

impl<T, F: Flavour, S: BorrowMut<Sender<T, F>>> Unpin for SendSink<T, F, S> {}

impl<T, F: Flavour, S: BorrowMut<Sender<T, F>>> Drop for SendSink<T, F, S> {
    fn drop(&mut self) {
        if let Some(sender) = &mut self.sender {
            self.sending.cancel_and_drop(sender.borrow_mut());
        }
    }
}

impl<T, F: Flavour, S: BorrowMut<Sender<T, F>>> fmt::Debug for SendSink<T, F, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendSink")
            .field("sender", &self.get_ref())
            .field("has_item", &self.sending.has_item())
            .finish()
    }
}
