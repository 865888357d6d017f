//! What pipelines need of weighted channels: to know when a send is about to wait, for credit
//! or for a slot.

use super::sender::unweighted;
use super::{Cause, SendError, Sender, Weighted};
use crate::flavour::Flavour;
use crate::policy::Sent;

impl<T, F: Flavour> Sender<T, F> {
    /// As [`send`](Self::send), and keeps what `waits` gives for as long as it waits.
    #[inline]
    pub(crate) fn send_watched<W>(
        &mut self,
        item: T,
        waits: impl FnOnce() -> W,
    ) -> Result<Sent<T>, SendError<T>> {
        let weight = (self.weigh)(&item);
        match self.credit(weight) {
            Ok(lease) => {
                let weighted = Weighted { item, lease };
                let sent = self.channel.send_watched(weighted, waits);
                sent.map(unweighted)
                    .map_err(|error| error.into_inner().refused(Cause::Disconnected))
            }
            Err(cause) => self.send_unpaid(item, weight, cause, waits),
        }
    }

    /// Sends an item for which there was no credit, since `cause`.
    #[cold]
    pub(super) fn send_unpaid<W>(
        &mut self,
        item: T,
        weight: u64,
        cause: Cause,
        waits: impl FnOnce() -> W,
    ) -> Result<Sent<T>, SendError<T>> {
        if self.channel.is_closed() {
            return self.not_stored(item, Cause::Disconnected);
        }
        if cause != Cause::Full || !self.blocks() {
            return self.not_stored(item, cause);
        }
        let _waiting = waits();
        self.wait_and_put(item, weight, None)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;

    use super::super::SendManyError;
    use super::*;
    use crate::Receiver;
    use crate::channel;
    use crate::credit::Pool;
    use crate::flavour::Spsc;
    use crate::policy::{OnFull, SentMany};

    type Ends = (Sender<u64, Spsc>, Receiver<Weighted<u64>, Spsc>);

    /// Items weigh what they are.
    fn ends(pool: &Pool, on_full: OnFull) -> Ends {
        let channel = channel(8).spsc().on_full(on_full);
        channel.weighted(pool, |&item| item).build()
    }

    fn never() {
        unreachable!("it need not wait");
    }

    /// How many were stored, refused or given back, and why it ended, if by an error.
    fn outcome(
        sent: Result<SentMany<u64>, SendManyError<u64>>,
    ) -> (usize, Vec<u64>, Option<Cause>) {
        match sent {
            Ok(sent) => (sent.stored, sent.refused, None),
            Err(error) => (error.stored, error.returned, Some(error.cause)),
        }
    }

    #[test]
    fn it_says_when_it_waits_for_credit() {
        let pool = Pool::new(3);
        let (mut tx, mut rx) = ends(&pool, OnFull::Block);
        assert!(tx.send_watched(2, never).unwrap().is_stored());
        let held = rx.recv().unwrap();
        let (waits, has_waited) = mpsc::channel();
        let giver = thread::spawn(move || {
            has_waited.recv().unwrap();
            drop(held);
        });
        let sent = tx.send_watched(3, || waits.send(()).unwrap());
        assert!(sent.unwrap().is_stored());
        giver.join().unwrap();
        assert_eq!(*rx.recv().unwrap(), 3);
    }

    #[test]
    fn what_has_credit_is_sent_before_it_waits_for_more() {
        let pool = Pool::new(4);
        let (mut tx, mut rx) = ends(&pool, OnFull::Block);
        let (waits, has_waited) = mpsc::channel();
        let receiver = thread::spawn(move || {
            let mut got = Vec::new();
            // Two fit at once. Both are there when it waits for the third.
            for () in has_waited {
                assert_eq!(rx.len(), 2);
                got.push(rx.try_recv().unwrap().into_inner());
            }
            got.extend(rx.iter().map(Weighted::into_inner));
            (got, rx.stats())
        });
        let sent = tx.send_many_watched([2; 6].into_iter(), move || waits.send(()).unwrap());
        assert_eq!(outcome(sent), (6, vec![], None));
        drop(tx);
        let (got, stats) = receiver.join().unwrap();
        assert_eq!(got, [2; 6]);
        assert!(stats.is_exact() && stats.high_water <= 2, "{stats}");
        assert_eq!(pool.stats().lent, 0);
    }

    #[test]
    fn what_was_not_offered_stays_when_it_is_closed() {
        let pool = Pool::new(4);
        let (mut tx, rx) = ends(&pool, OnFull::Block);
        let mut items = 1..=6;
        let closer = tx.channel.closer();
        let sent = tx.send_many_watched(&mut items, || closer(crate::Closed::with("over")));
        assert_eq!(outcome(sent), (2, vec![3], Some(Cause::Disconnected)));
        // 1 and 2 are in the channel, for 3 there was too little.
        assert_eq!(items, 4..=6);
        let stats = tx.stats();
        assert_eq!((stats.offered, stats.depth), (3, 2));
        assert_eq!(stats.refused_closed, 1);
        let sent = tx.send_many_watched(&mut items, never);
        assert_eq!(outcome(sent), (0, vec![4], Some(Cause::Disconnected)));
        assert_eq!(items, 5..=6);
        drop(rx);
        assert!(tx.stats().is_exact());
        assert_eq!(pool.stats().lent, 0);
    }

    #[test]
    fn who_does_not_wait_refuses() {
        let pool = Pool::new(4);
        let (mut tx, mut rx) = ends(&pool, OnFull::DropNewest);
        let sent = tx.send_many_watched([2, 3, 1, 2].into_iter(), never);
        assert_eq!(outcome(sent), (2, vec![3, 2], None));
        assert!(!tx.send_watched(2, never).unwrap().is_stored());
        let got = rx.try_iter().map(Weighted::into_inner);
        assert!(got.eq([2, 1]));
        assert_eq!(tx.stats().refused_newest, 3);

        assert!(tx.send_watched(4, never).unwrap().is_stored());
        tx.close();
        let sent = tx.send_many_watched([1].into_iter(), never);
        assert_eq!(outcome(sent), (0, vec![1], Some(Cause::Disconnected)));
        assert_eq!(tx.stats().refused_newest, 3);
    }
}
