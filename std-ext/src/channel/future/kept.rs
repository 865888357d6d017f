//! Ends that are polled in place, and keep from poll to poll what they wait with: for tasks
//! of pipelines, which may wait for several ends in one future. On cache lines of their own, as
//! they lie in memory beside those of other tasks.

use std::task::{Poll, Waker, ready};

use super::Waiting;
use super::recv::{for_items, poll_recv_many};
use super::sends::Sends;
use crate::channel::Receiver;
use crate::error::RecvError;
use crate::flavour::Flavour;
use crate::sync::Padded;

/// A sender, and the item that it waits with, if there is one.
pub(crate) struct KeptSender<T, S: Sends<T>> {
    sender: Padded<S>,
    sending: S::Sending,
}

impl<T, S: Sends<T>> KeptSender<T, S> {
    pub(crate) fn new(sender: S) -> Self {
        Self {
            sender: Padded::new(sender),
            sending: S::Sending::default(),
        }
    }

    /// Sends the item that it waits with, and then all that `next` gives, each as
    /// [`send_async`](crate::Sender::send_async) does. What a policy refuses or evicts is
    /// dropped.
    pub(crate) fn poll_send(
        &mut self,
        mut next: impl FnMut() -> Option<T>,
        waker: &Waker,
    ) -> Poll<Result<(), S::Error>> {
        let Self { sender, sending } = self;
        loop {
            if S::has_item(sending) {
                let _dropped = ready!(sender.poll(sending, waker))?;
            }
            let Some(item) = next() else {
                return Poll::Ready(Ok(()));
            };
            let _dropped = sender.begin(sending, item).transpose()?;
        }
    }

    /// Drops the item that it waits with, and counts it as cancelled.
    pub(crate) fn cancel(&mut self) {
        self.sender.cancel_and_drop(&mut self.sending);
    }
}

impl<T, S: Sends<T>> Drop for KeptSender<T, S> {
    fn drop(&mut self) {
        self.cancel();
    }
}

/// A receiver, and its place among those who wait.
pub(crate) struct KeptReceiver<T, F: Flavour> {
    receiver: Padded<Receiver<T, F>>,
    waiting: Waiting,
}

impl<T, F: Flavour> KeptReceiver<T, F> {
    pub(crate) fn new(receiver: Receiver<T, F>) -> Self {
        Self {
            receiver: Padded::new(receiver),
            waiting: Waiting::default(),
        }
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
        poll_recv_many(receiver, waiting, waker, limit, buffer)
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
        while !other_tx.shared.items.is_waited_for() {
            let polled = rx.poll_recv_many(&mut received, 2, Waker::noop());
            assert!(polled.is_pending() && received.is_empty());
        }
        drop(rx);

        let mut items = 1..=3;
        while !other_tx.shared.room.is_waited_for() {
            let polled = tx.poll_send(|| items.next(), Waker::noop());
            assert!(polled.is_pending());
            assert_eq!(items, 3..=3);
        }
        drop(tx);

        assert!(!other_tx.shared.items.is_waited_for() && !other_tx.shared.room.is_waited_for());
        assert_eq!(other_rx.try_recv(), Ok(1));
        other_tx.try_send(4).unwrap();
        let stats = other_rx.stats();
        assert!(stats.is_exact());
        assert_eq!((stats.offered, stats.refused_cancelled), (3, 1));
    }
}
