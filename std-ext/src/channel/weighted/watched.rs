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
