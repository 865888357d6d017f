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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel;

    /// Dropped while they wait, they leave the queues, and the item is counted.
    #[test]
    fn ends_may_be_dropped_while_they_wait() {
        let (tx, rx) = channel(1).mpmc().build();
        let (mut other_tx, mut other_rx) = (tx.clone(), rx.clone());
        let (mut tx, mut rx) = (KeptSender::new(tx), KeptReceiver::new(rx));

        let mut received = Vec::new();
        // It may give a turn before it queues.
        while !other_tx.shared.items.has_waiters() {
            let polled = rx.poll_recv_many(&mut received, 2, Waker::noop());
            assert!(polled.is_pending() && received.is_empty());
        }
        drop(rx);

        let mut items = VecDeque::from([1, 2, 3]);
        while !other_tx.shared.room.has_waiters() {
            assert!(tx.poll_send(&mut items, Waker::noop()).is_pending());
            assert_eq!(items, [3]);
        }
        drop(tx);

        assert!(!other_tx.shared.items.has_waiters() && !other_tx.shared.room.has_waiters());
        assert_eq!(other_rx.try_recv(), Ok(1));
        other_tx.try_send(4).unwrap();
        let stats = other_rx.stats();
        assert!(stats.is_exact());
        assert_eq!((stats.offered, stats.refused_cancelled), (3, 1));
    }
}
