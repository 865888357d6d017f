//! What pipelines need of weighted channels: to know when a send is about to wait, for credit
//! or for a slot.

use super::credit::Credit;
use super::sender::unweighted;
use super::{Cause, SendError, Sender, Weighted};
use crate::credit::{Pool, TryAcquireError};
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

    /// Sends all of `items`, those together for which there are credits without waiting. What
    /// the policy refuses is dropped.
    ///
    /// # Errors
    /// Why it ended. What is left in `items` was not offered.
    pub(crate) fn send_many_watched<W>(
        &mut self,
        mut items: impl Iterator<Item = T>,
        waits: impl Fn() -> W,
    ) -> Result<(), Cause> {
        loop {
            let Self {
                channel,
                pool,
                weigh,
            } = self;
            let mut unpaid = None;
            let paid = items.by_ref().map_while(|item| {
                let weight = weigh(&item);
                match pool.try_acquire(weight) {
                    Ok(lease) => Some(Weighted { item, lease }),
                    Err(error) => {
                        unpaid = Some((item, weight, Cause::from(error)));
                        None
                    }
                }
            });
            // Before it waits for more: what these weigh may be what it would wait for.
            let sent = channel.send_many_watched(paid, &waits);
            let Some((item, weight, cause)) = unpaid else {
                return sent.map(drop).map_err(|_| Cause::Disconnected);
            };
            let sent = match sent {
                Ok(_) => self.send_unpaid(item, weight, cause, &waits),
                Err(_) => Err(self.hand_back(item, Cause::Disconnected)),
            };
            drop(sent.map_err(|error| error.cause)?);
        }
    }

    /// Sends an item for which there was no credit, since `cause`.
    #[cold]
    fn send_unpaid<W>(
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

impl<T, F: Flavour> Sender<Weighted<T>, F> {
    /// As [`send_watched`](Self::send_watched), of an item that has to have credits of another
    /// pool first.
    pub(crate) fn send_paid_twice<W>(
        &mut self,
        item: T,
        pool: &Pool,
        weight: u64,
        waits: impl Fn() -> W,
    ) -> Result<Sent<Weighted<T>>, SendError<Weighted<T>>> {
        let credit = match pool.try_acquire(weight) {
            Err(_) if self.channel.is_closed() => Err(Cause::Disconnected),
            Err(TryAcquireError::NoCredit) if self.blocks() => {
                let _waiting = waits();
                Credit::new(&self.channel, pool, weight).wait(None)
            }
            credit => credit.map_err(Cause::from),
        };
        match credit {
            Ok(lease) => self.send_watched(Weighted { item, lease }, waits),
            Err(cause) => {
                let lease = pool.nothing();
                self.not_stored(Weighted { item, lease }, cause)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;

    use super::*;
    use crate::channel;
    use crate::flavour::Spsc;
    use crate::policy::OnFull;
    use crate::{Receiver, credit::Lease};

    type Ends = (Sender<u64, Spsc>, Receiver<Weighted<u64>, Spsc>);

    /// Items weigh what they are.
    fn ends(pool: &Pool, on_full: OnFull) -> Ends {
        let channel = channel(8).spsc().on_full(on_full);
        channel.weighted(pool, |&item| item).build()
    }

    fn never() {
        unreachable!("it need not wait");
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
        assert_eq!(sent, Ok(()));
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
        assert_eq!(sent, Err(Cause::Disconnected));
        // 1 and 2 are in the channel, for 3 there was too little.
        assert_eq!(items, 4..=6);
        let stats = tx.stats();
        assert_eq!((stats.offered, stats.depth), (3, 2));
        assert_eq!(stats.refused_closed, 1);
        let sent = tx.send_many_watched(&mut items, never);
        assert_eq!((sent, items), (Err(Cause::Disconnected), 5..=6));
        drop(rx);
        assert!(tx.stats().is_exact());
        assert_eq!(pool.stats().lent, 0);
    }

    #[test]
    fn who_does_not_wait_refuses() {
        let pool = Pool::new(4);
        let (mut tx, mut rx) = ends(&pool, OnFull::DropNewest);
        assert_eq!(
            tx.send_many_watched([2, 3, 1, 2].into_iter(), never),
            Ok(())
        );
        assert!(!tx.send_watched(2, never).unwrap().is_stored());
        let got = rx.try_iter().map(Weighted::into_inner);
        assert!(got.eq([2, 1]));
        assert_eq!(tx.stats().refused_newest, 3);

        assert!(tx.send_watched(4, never).unwrap().is_stored());
        tx.close();
        let sent = tx.send_many_watched([1].into_iter(), never);
        assert_eq!(
            (sent, tx.stats().refused_newest),
            (Err(Cause::Disconnected), 3)
        );
    }

    #[test]
    fn item_has_credits_of_two_pools() {
        let (slots, bytes) = (Pool::new(2), Pool::new(10));
        let ends = || -> (Sender<Weighted<&str>>, _) {
            let channel = channel(8).on_full(OnFull::DropNewest);
            channel.weighted(&slots, |_| 1).build()
        };
        let (mut tx, mut rx) = ends();
        let mut send = |item, weight| {
            let sent = tx.send_paid_twice(item, &bytes, weight, never);
            sent.unwrap().is_stored()
        };
        assert!(send("a", 6));
        assert!(!send("b", 5), "too few bytes");
        assert!(send("c", 4));
        assert!(!send("d", 0), "no slot");
        assert_eq!((slots.stats().lent, bytes.stats().lent), (2, 10));
        let (item, lease): (_, Lease) = rx.recv().unwrap().into_inner().into_parts();
        assert_eq!((item, lease.amount(), slots.stats().lent), ("a", 6, 1));
        drop(rx);
        assert_eq!((slots.stats().lent, bytes.stats().lent), (0, 6));
        let stats = tx.stats();
        assert!(stats.is_exact());
        assert_eq!((stats.offered, stats.refused_newest), (4, 2));
    }
}
