//! Ends that are polled in place, and keep from poll to poll what they wait with: for tasks
//! of pipelines, which may wait for several ends in one future.

use std::collections::VecDeque;
use std::task::{Poll, Waker, ready};

use super::Waiting;
use super::recv::{for_items, poll_receive};
use super::send::Sending;
use crate::channel::receiver::up_to;
use crate::channel::{Receiver, Sender};
use crate::error::{RecvError, SendError};
use crate::flavour::Flavour;

/// A sender, and the item that it waits with, if there is one.
pub(crate) struct KeptSender<T, F: Flavour> {
    sender: Sender<T, F>,
    sending: Sending<T>,
}

impl<T, F: Flavour> KeptSender<T, F> {
    pub(crate) fn new(sender: Sender<T, F>) -> Self {
        let sending = Sending::default();
        Self { sender, sending }
    }

    /// Sends the item that it waits with, and then `items`, each as
    /// [`send_async`](Sender::send_async) does. What a policy refuses or evicts is dropped.
    ///
    /// After an error, what is left in `items` was not offered.
    pub(crate) fn poll_send(
        &mut self,
        items: &mut VecDeque<T>,
        waker: &Waker,
    ) -> Poll<Result<(), SendError<T>>> {
        loop {
            if !self.sending.has_item() {
                let Some(item) = items.pop_front() else {
                    return Poll::Ready(Ok(()));
                };
                self.sending = Sending::of(item);
            }
            let _dropped = ready!(self.sending.poll(&mut self.sender, waker))?;
        }
    }

    /// Drops the item that it waits with, and counts it as cancelled.
    pub(crate) fn cancel(&mut self) {
        if self.sending.has_item() {
            self.sending.cancel_and_drop(&mut self.sender);
        }
    }
}

impl<T, F: Flavour> Drop for KeptSender<T, F> {
    fn drop(&mut self) {
        self.cancel();
    }
}

/// A receiver, and its place among those who wait.
pub(crate) struct KeptReceiver<T, F: Flavour> {
    receiver: Receiver<T, F>,
    waiting: Waiting,
}

impl<T, F: Flavour> KeptReceiver<T, F> {
    pub(crate) fn new(receiver: Receiver<T, F>) -> Self {
        let waiting = Waiting::default();
        Self { receiver, waiting }
    }

    /// As [`recv_many_async`](Receiver::recv_many_async), with a limit above 0: appends
    /// nothing unless it is ready.
    pub(crate) fn poll_recv_many(
        &mut self,
        buffer: &mut Vec<T>,
        limit: usize,
        waker: &Waker,
    ) -> Poll<Result<usize, RecvError>> {
        let Self { receiver, waiting } = self;
        poll_receive(receiver, waiting, waker, up_to(limit, buffer))
    }
}

impl<T, F: Flavour> Drop for KeptReceiver<T, F> {
    fn drop(&mut self) {
        let (event, blocked_nanos) = for_items(&self.receiver.shared);
        self.waiting.leave(event, blocked_nanos);
    }
}
