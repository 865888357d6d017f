//! A receiver as a stream.

use std::borrow::BorrowMut;
use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::{FusedStream, Stream};

use super::Waiting;
use super::recv::{for_items, poll_recv};
use crate::channel::Receiver;
use crate::flavour::{Flavour, Mpmc};

impl<T, F: Flavour> Receiver<T, F> {
    /// Items one by one, until the channel is closed and empty. With feature `stream`.
    pub fn stream(&mut self) -> RecvStream<T, F, &mut Self> {
        RecvStream::new(self)
    }

    /// Items one by one, until the channel is closed and empty. With feature `stream`.
    pub fn into_stream(self) -> RecvStream<T, F> {
        RecvStream::new(self)
    }
}

/// Items one by one: a stream that ends when the channel is closed and empty.
///
/// From [`Receiver::into_stream`], or [`Receiver::stream`], which borrows.
///
/// No item is taken unless a poll is ready, so whatever polls it can be dropped at any
/// time. But a stream that was pending waits in line from then on, as a future would: if
/// it is chosen to be woken and not polled again, it keeps the wake-up from others of many
/// receivers. Drop it, or take the receiver out, before it is left alone.
///
/// Once it has ended, it says so for ever; so it is fused.
#[must_use = "streams do nothing unless polled"]
pub struct RecvStream<T, F: Flavour = Mpmc, R: BorrowMut<Receiver<T, F>> = Receiver<T, F>> {
    /// `None` once it was taken out.
    receiver: Option<R>,
    waiting: Waiting,
    of: PhantomData<fn() -> (T, F)>,
}

const THERE: &str = "taken out only by value";

impl<T, F: Flavour, R: BorrowMut<Receiver<T, F>>> RecvStream<T, F, R> {
    fn new(receiver: R) -> Self {
        Self {
            receiver: Some(receiver),
            waiting: Waiting::default(),
            of: PhantomData,
        }
    }

    /// The receiver.
    pub fn get_ref(&self) -> &Receiver<T, F> {
        self.receiver.as_ref().expect(THERE).borrow()
    }

    /// The receiver. What is received past the stream, it does not give.
    pub fn get_mut(&mut self) -> &mut Receiver<T, F> {
        self.receiver.as_mut().expect(THERE).borrow_mut()
    }

    /// The receiver again.
    pub fn into_inner(mut self) -> R {
        self.leave();
        self.receiver.take().expect(THERE)
    }

    fn leave(&mut self) {
        if let Some(receiver) = &self.receiver {
            let receiver: &Receiver<T, F> = receiver.borrow();
            let (event, blocked_nanos) = for_items(&receiver.shared);
            self.waiting.leave(event, blocked_nanos);
        }
    }
}

impl<T, F: Flavour, R: BorrowMut<Receiver<T, F>>> Stream for RecvStream<T, F, R> {
    type Item = T;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        let Self {
            receiver, waiting, ..
        } = self.get_mut();
        let receiver = receiver.as_mut().expect(THERE).borrow_mut();
        poll_recv(receiver, waiting, context.waker()).map(Result::ok)
    }
}

impl<T, F: Flavour, R: BorrowMut<Receiver<T, F>>> FusedStream for RecvStream<T, F, R> {
    fn is_terminated(&self) -> bool {
        self.get_ref().consumer.is_none()
    }
}

impl<T, F: Flavour, R: BorrowMut<Receiver<T, F>>> Unpin for RecvStream<T, F, R> {}

impl<T, F: Flavour, R: BorrowMut<Receiver<T, F>>> Drop for RecvStream<T, F, R> {
    fn drop(&mut self) {
        self.leave();
    }
}

impl<T, F: Flavour, R: BorrowMut<Receiver<T, F>>> fmt::Debug for RecvStream<T, F, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RecvStream").field(self.get_ref()).finish()
    }
}
