//! What pipelines need of channels that are weighted twice: an item has to have credits of
//! another pool first.

use std::mem;
use std::task::{Poll, Waker, ready};

use super::credit::{Credit, CreditFuture};
use super::sender::unweighted;
use super::sending::Sending;
use super::{Cause, SendError, Sender, Weigh, Weighted};
use crate::channel::future::Sends;
use crate::credit::{Lease, Pool};
use crate::flavour::Flavour;
use crate::policy::Sent;

/// Sends items that have credits of `pool` first, and then those of `sender`.
pub(crate) struct Twice<T, F: Flavour> {
    sender: Sender<Weighted<T>, F>,
    pool: Pool,
    weigh: Weigh<T>,
}

impl<T, F: Flavour> Twice<T, F> {
    pub(crate) fn new(sender: Sender<Weighted<T>, F>, pool: Pool, weigh: Weigh<T>) -> Self {
        Self {
            sender,
            pool,
            weigh,
        }
    }

    /// As [`send`](Sender::send), and keeps what `waits` gives for as long as it waits.
    pub(crate) fn send_watched<W>(
        &mut self,
        item: T,
        waits: impl Fn() -> W,
    ) -> Result<Sent<T>, SendError<T>> {
        let weight = (self.weigh)(&item);
        let credit = match self.credit(weight) {
            Err(Cause::Full) if self.sender.blocks() => {
                let _waiting = waits();
                CreditFuture::new(&self.sender.channel, &self.pool, weight).wait(None)
            }
            credit => credit,
        };
        match credit {
            Ok(lease) => outcome(self.sender.send_watched(Weighted { item, lease }, waits)),
            Err(cause) => self.not_stored(item, cause),
        }
    }

    /// Credit, if there is some now.
    fn credit(&self, weight: u64) -> Result<Lease, Cause> {
        if self.sender.channel.is_closed() {
            return Err(Cause::Disconnected);
        }
        Ok(self.pool.try_acquire(weight)?)
    }

    fn not_stored(&self, item: T, cause: Cause) -> Result<Sent<T>, SendError<T>> {
        let lease = self.pool.nothing();
        outcome(self.sender.not_stored(Weighted { item, lease }, cause))
    }
}

fn outcome<T>(
    sent: Result<Sent<Weighted<T>>, SendError<Weighted<T>>>,
) -> Result<Sent<T>, SendError<T>> {
    sent.map(unweighted)
        .map_err(|SendError { item, cause }| item.refused(cause))
}

/// An item on its way, if there is one.
#[derive(Default)]
pub(crate) enum SendingTwice<T> {
    #[default]
    Nothing,
    /// It waits for the credits that it needs first.
    Unpaid(T, Credit),
    Paid(Sending<Weighted<T>>),
}

use SendingTwice::{Nothing, Paid, Unpaid};

impl<T> SendingTwice<T> {
    /// On to the sender, with the credits: `None` if it has to wait.
    fn pass_on<F: Flavour>(
        &mut self,
        sender: &mut Sender<Weighted<T>, F>,
        weighted: Weighted<T>,
    ) -> Option<Result<Sent<T>, SendError<T>>> {
        let mut sending = Sending::default();
        let sent = sender.begin(&mut sending, weighted);
        if sent.is_none() {
            *self = Paid(sending);
        }
        sent.map(outcome)
    }
}

impl<T, F: Flavour> Sends<T> for Twice<T, F> {
    type Error = SendError<T>;
    type Sending = SendingTwice<T>;

    fn has_item(sending: &Self::Sending) -> bool {
        !matches!(sending, Nothing)
    }

    fn begin(
        &mut self,
        sending: &mut Self::Sending,
        item: T,
    ) -> Option<Result<Sent<T>, SendError<T>>> {
        let weight = (self.weigh)(&item);
        match self.credit(weight) {
            Ok(lease) => sending.pass_on(&mut self.sender, Weighted { item, lease }),
            Err(Cause::Full) if self.sender.blocks() => {
                let credit = Credit::new(&self.sender.channel, &self.pool, weight);
                *sending = Unpaid(item, credit);
                None
            }
            Err(cause) => Some(self.not_stored(item, cause)),
        }
    }

    fn poll(
        &mut self,
        sending: &mut Self::Sending,
        waker: &Waker,
    ) -> Poll<Result<Sent<T>, SendError<T>>> {
        let credit = match sending {
            Nothing => unreachable!("nothing is on its way"),
            Unpaid(_, credit) => ready!(credit.poll(&self.sender.channel, waker)),
            Paid(paid) => {
                let sent = ready!(self.sender.poll(paid, waker));
                *sending = Nothing;
                return Poll::Ready(outcome(sent));
            }
        };
        let Unpaid(item, _) = mem::take(sending) else {
            unreachable!("it was, just now");
        };
        let sent = match credit {
            Ok(lease) => sending.pass_on(&mut self.sender, Weighted { item, lease }),
            Err(cause) => Some(self.not_stored(item, cause)),
        };
        // It waits for the next thing.
        sent.map_or_else(|| self.poll(sending, waker), Poll::Ready)
    }

    fn cancel(&mut self, sending: &mut Self::Sending) -> Option<T> {
        match mem::take(sending) {
            Nothing => None,
            Unpaid(item, mut credit) => {
                drop(credit.leave(&self.sender.channel));
                let counts = &self.sender.channel.shared.counts.send;
                counts.refused_cancelled.add(1);
                Some(item)
            }
            Paid(mut sending) => {
                let item = self.sender.cancel(&mut sending);
                item.map(Weighted::into_inner)
            }
        }
    }

    fn cancel_and_drop(&mut self, sending: &mut Self::Sending) {
        // Pipelines have no hook to be shown it.
        drop(self.cancel(sending));
    }

    fn too_late(item: T) -> SendError<T> {
        let cause = Cause::Disconnected;
        SendError { item, cause }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::Receiver;
    use crate::channel;
    use crate::channel::KeptSender;
    use crate::flavour::Mpmc;
    use crate::policy::OnFull;

    type Ends = (
        Twice<(char, u64), Mpmc>,
        Receiver<Weighted<Weighted<(char, u64)>>>,
    );

    /// Of items with their bytes.
    fn ends(slots: &Pool, bytes: &Pool, on_full: OnFull) -> Ends {
        let channel = channel(8).on_full(on_full);
        let (tx, rx) = channel.weighted(slots, |_| 1).build();
        let weigh = |&(_, weight): &(char, u64)| weight;
        (Twice::new(tx, bytes.clone(), Arc::new(weigh)), rx)
    }

    #[test]
    fn item_has_credits_of_two_pools() {
        let (slots, bytes) = (Pool::new(2), Pool::new(10));
        let (mut tx, mut rx) = ends(&slots, &bytes, OnFull::DropNewest);
        let mut send = |item| {
            let sent = tx.send_watched(item, || unreachable!("it need not wait"));
            sent.unwrap().is_stored()
        };
        assert!(send(('a', 6)));
        assert!(!send(('b', 5)), "too few bytes");
        assert!(send(('c', 4)));
        assert!(!send(('d', 0)), "no slot");
        assert_eq!((slots.stats().lent, bytes.stats().lent), (2, 10));
        let ((item, _), lease) = rx.recv().unwrap().into_inner().into_parts();
        assert_eq!((item, lease.amount(), slots.stats().lent), ('a', 6, 1));
        drop(rx);
        assert_eq!((slots.stats().lent, bytes.stats().lent), (0, 6));
        let stats = tx.sender.stats();
        assert!(stats.is_exact());
        assert_eq!((stats.offered, stats.refused_newest), (4, 2));
    }

    #[test]
    fn item_waits_for_one_pool_and_then_the_other() {
        let (slots, bytes) = (Pool::new(1), Pool::new(10));
        let (tx, mut rx) = ends(&slots, &bytes, OnFull::Block);
        let mut tx = KeptSender::new(tx);
        let mut items = [('a', 1), ('b', 10), ('c', 1)].into_iter();
        let mut poll = |tx: &mut KeptSender<_, _>| {
            let polled = tx.poll_send(|| items.next(), Waker::noop());
            let lent = (slots.stats().lent, bytes.stats().lent);
            polled.is_ready().then_some(()).ok_or((items.len(), lent))
        };
        // 'b' waits for bytes, and then for a slot.
        assert_eq!(poll(&mut tx), Err((1, (1, 1))));
        let first = rx.recv().unwrap();
        assert_eq!(poll(&mut tx), Err((1, (1, 1))));
        let (first, slot) = first.into_parts();
        drop(first);
        assert_eq!(poll(&mut tx), Err((1, (1, 10))));
        drop(slot);
        // It is in the channel, and 'c' waits.
        assert_eq!(poll(&mut tx), Err((0, (1, 10))));
        assert_eq!(slots.stats().waiting, 0);
        tx.cancel();
        let stats = rx.stats();
        assert_eq!((stats.offered, stats.refused_cancelled), (3, 1));
        drop(rx.recv());
        drop(tx);
        assert!(rx.recv().is_err() && rx.stats().is_exact());
        assert_eq!((slots.stats().lent, bytes.stats().lent), (0, 0));
    }
}
