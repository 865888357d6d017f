//! The end that sends, credit first.

use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::time::{Duration, Instant};

use super::credit::CreditFuture;
use super::{Cause, Permit, SendError, Weigh, Weighted};
use crate::channel::Sender as Plain;
use crate::credit::{Lease, Pool};
use crate::error::{SendTimeoutError, TrySendError};
use crate::flavour::{Flavour, Mpmc};
use crate::policy::{OnFull, Reason, Sent};
use crate::stats::Stats;

/// The end of a weighted channel that sends. See [`weighted`](crate::weighted).
///
/// It can be cloned where the [flavour](crate::flavour) has many senders. When the last one
/// is dropped, the channel closes.
pub struct Sender<T, F: Flavour = Mpmc> {
    pub(super) channel: Plain<Weighted<T>, F>,
    pub(super) pool: Pool,
    pub(super) weigh: Weigh<T>,
}

impl<T, F: Flavour> Sender<T, F> {
    pub(crate) fn new(channel: Plain<Weighted<T>, F>, pool: Pool, weigh: Weigh<T>) -> Self {
        Self {
            channel,
            pool,
            weigh,
        }
    }

    /// Sends `item`; if there are too few credits, or no slot, does what
    /// [`OnFull`] says.
    ///
    /// # Errors
    /// [`SendError`] with the item, if the channel or the pool is closed, also while
    /// waiting, or the item too heavy.
    pub fn send(&mut self, item: T) -> Result<Sent<T>, SendError<T>> {
        self.send_until(item, || None)
    }

    /// Sends `item` if there are credits and a slot now, whatever [`OnFull`] says. Never
    /// waits.
    ///
    /// # Errors
    /// [`SendError`] with the item, if there is no room, or the channel or the pool is
    /// closed, or the item too heavy.
    pub fn try_send(&mut self, item: T) -> Result<(), SendError<T>> {
        let weight = (self.weigh)(&item);
        match self.credit(weight) {
            Ok(lease) => {
                let sent = self.channel.try_send(Weighted { item, lease });
                sent.map_err(|refusal| match refusal {
                    TrySendError::Full(back) => back.refused(Cause::Full),
                    TrySendError::Disconnected(back) => back.refused(Cause::Disconnected),
                })
            }
            Err(cause) => Err(self.hand_back(item, cause)),
        }
    }

    /// As [`send`](Self::send), but waits no longer than `timeout`.
    ///
    /// A timeout too long to be added to the current time is none.
    ///
    /// # Errors
    /// [`SendError`] with the item, if there was no room in time, or the channel or the
    /// pool is closed, or the item too heavy.
    pub fn send_timeout(&mut self, item: T, timeout: Duration) -> Result<Sent<T>, SendError<T>> {
        self.send_until(item, || Instant::now().checked_add(timeout))
    }

    /// As [`send`](Self::send), but waits no longer than until `deadline`. When that is
    /// over, it still sends if there is room.
    ///
    /// # Errors
    /// [`SendError`] with the item, if there was no room in time, or the channel or the
    /// pool is closed, or the item too heavy.
    pub fn send_deadline(&mut self, item: T, deadline: Instant) -> Result<Sent<T>, SendError<T>> {
        self.send_until(item, || Some(deadline))
    }

    fn send_until(
        &mut self,
        item: T,
        deadline: impl FnOnce() -> Option<Instant>,
    ) -> Result<Sent<T>, SendError<T>> {
        let weight = (self.weigh)(&item);
        match self.credit(weight) {
            Ok(lease) => self.put(Weighted { item, lease }, deadline()),
            Err(Cause::Full) if self.blocks() => self.wait_and_put(item, weight, deadline()),
            Err(cause) => self.not_stored(item, cause),
        }
    }

    /// Waits for credits, and then for a slot if need be.
    pub(super) fn wait_and_put(
        &mut self,
        item: T,
        weight: u64,
        deadline: Option<Instant>,
    ) -> Result<Sent<T>, SendError<T>> {
        // If a waker panics that is woken meanwhile, the item is cancelled.
        let mut unsent = self.send_async(item);
        let credit = unsent.sender.wait_for(weight).wait(deadline);
        let (sender, item) = unsent.take();
        match credit {
            Ok(lease) => sender.put(Weighted { item, lease }, deadline),
            Err(cause) => Err(sender.hand_back(item, cause)),
        }
    }

    /// Sends `item` with credits that one has: those with which it came out of another
    /// channel of the same pool, for one. It is not weighed. If there is no slot, does what
    /// [`OnFull`] says.
    ///
    /// ```
    /// # use ringfence::credit::Pool;
    /// let pool = Pool::new(1);
    /// let channel = || ringfence::channel(8).weighted(&pool, |_: &u8| 1).build();
    /// let ((mut first, mut stage), (mut second, mut last)) = (channel(), channel());
    /// let _ = first.send(7)?;
    /// let (item, lease) = stage.recv().unwrap().into_parts();
    /// let _ = second.send_leased(item, lease)?; // `send` would wait for ever
    /// assert_eq!(*last.recv().unwrap(), 7);
    /// # Ok::<(), ringfence::weighted::SendError<u8>>(())
    /// ```
    ///
    /// # Errors
    /// [`SendError`] with the item, if the channel is closed, also while waiting, or the
    /// lease does not fit; its credits are free again.
    pub fn send_leased(&mut self, item: T, lease: Lease) -> Result<Sent<T>, SendError<T>> {
        if !lease.pool().same_pool(&self.pool) || lease.amount() < self.pool.rules().least(0) {
            return Err(self.hand_back(item, Cause::Lease));
        }
        self.put(Weighted { item, lease }, None)
    }

    /// Takes credits for an item of this weight, whatever [`OnFull`] says; waits for them.
    ///
    /// For items that are better not made before there is credit. No item is offered as
    /// yet, so none is counted. Whether a permit is sure of a slot as well, see
    /// [`weighted`](crate::weighted#permits).
    ///
    /// # Errors
    /// [`SendError`] without an item, if the channel or the pool is closed, also while
    /// waiting, or the weight more than the pool has.
    pub fn reserve(&mut self, weight: u64) -> Result<Permit<'_, T, F>, SendError<()>> {
        let credit = match self.credit(weight) {
            Err(Cause::Full) => self.wait_for(weight).wait(None),
            credit => credit,
        };
        self.permit(weight, credit)
    }

    /// As [`reserve`](Self::reserve), but never waits.
    ///
    /// # Errors
    /// [`SendError`] without an item, if there are too few credits, or the channel or the
    /// pool is closed, or the weight more than the pool has.
    pub fn try_reserve(&mut self, weight: u64) -> Result<Permit<'_, T, F>, SendError<()>> {
        let credit = self.credit(weight);
        if let Err(Cause::Full) = credit {
            self.channel.found_full_at(Some(self.channel.len()));
        }
        self.permit(weight, credit)
    }

    /// As [`reserve`](Self::reserve), in a future. Dropping it at any time loses nothing.
    ///
    /// # Errors
    /// [`SendError`] without an item, if the channel or the pool is closed, also while
    /// waiting, or the weight more than the pool has.
    pub async fn reserve_async(&mut self, weight: u64) -> Result<Permit<'_, T, F>, SendError<()>> {
        let credit = match self.credit(weight) {
            Err(Cause::Full) => self.wait_for(weight).await,
            credit => credit,
        };
        self.permit(weight, credit)
    }

    fn permit(
        &mut self,
        weight: u64,
        credit: Result<Lease, Cause>,
    ) -> Result<Permit<'_, T, F>, SendError<()>> {
        match credit {
            Ok(lease) => Ok(Permit::new(self, weight, lease)),
            Err(cause) => Err(SendError { item: (), cause }),
        }
    }

    /// Whether, as the pool stands, credits run out before slots do: then who has credits
    /// has a slot. See [`weighted`](crate::weighted#permits).
    #[must_use]
    pub fn slots_suffice(&self) -> bool {
        let stats = self.pool.stats();
        let most = (stats.capacity + stats.debt).checked_div(self.pool.rules().least(0));
        most.is_some_and(|most| most <= self.channel.capacity() as u64)
    }

    /// Where its credits are from.
    #[must_use]
    pub fn pool(&self) -> &Pool {
        &self.pool
    }

    /// The sender inside, to look at.
    #[must_use]
    pub fn channel(&self) -> &Plain<Weighted<T>, F> {
        &self.channel
    }

    /// Closes the channel, not the pool: sends give their item back from now on, also those
    /// that wait for credits.
    pub fn close(&mut self) {
        self.channel.close();
    }

    /// What went through the channel up to now. Takes a short lock.
    ///
    /// What is given back for lack of credits is counted as what is for lack of room; what
    /// is too heavy, or comes with a lease that does not fit, as `refused_full`; what finds
    /// the pool closed, as `refused_closed`.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.channel.stats()
    }

    pub(super) fn blocks(&self) -> bool {
        self.channel.on_full == OnFull::Block
    }

    /// Credit, if there is some now.
    pub(super) fn credit(&self, weight: u64) -> Result<Lease, Cause> {
        if self.channel.is_closed() {
            return Err(Cause::Disconnected);
        }
        Ok(self.pool.try_acquire(weight)?)
    }

    fn wait_for(&self, weight: u64) -> CreditFuture<'_, T, F> {
        CreditFuture::new(&self.channel, &self.pool, weight)
    }

    /// Into the channel, with its credits.
    pub(super) fn put(
        &mut self,
        weighted: Weighted<T>,
        deadline: Option<Instant>,
    ) -> Result<Sent<T>, SendError<T>> {
        let sent = match deadline {
            None => self.channel.send(weighted).map_err(SendTimeoutError::from),
            Some(deadline) => self.channel.send_deadline(weighted, deadline),
        };
        match sent {
            Ok(sent) => Ok(unweighted(sent)),
            Err(SendTimeoutError::Timeout(back)) => Err(back.refused(Cause::Timeout)),
            Err(SendTimeoutError::Disconnected(back)) => Err(back.refused(Cause::Disconnected)),
        }
    }

    /// What becomes of an item without credits, of which it is not to wait for more.
    pub(super) fn not_stored(&self, item: T, cause: Cause) -> Result<Sent<T>, SendError<T>> {
        if cause != Cause::Full {
            return Err(self.hand_back(item, cause));
        }
        let reason = match self.channel.on_full {
            OnFull::DropRandom(_) => Reason::Random,
            _ => Reason::Newest,
        };
        let depth = Some(self.channel.len());
        let refused = self.channel.refuse(self.unpaid(item), reason, depth);
        Ok(unweighted(refused))
    }

    /// Counts an item that is handed back without having come to the channel itself.
    pub(super) fn hand_back(&self, item: T, cause: Cause) -> SendError<T> {
        let counts = &self.channel.shared.counts.send;
        match cause {
            Cause::Full => {
                self.channel.found_full_at(Some(self.channel.len()));
                counts.refused_full.add(1);
            }
            Cause::TooHeavy | Cause::Lease => counts.refused_full.add(1),
            Cause::Timeout => counts.refused_timeout.add(1),
            Cause::Disconnected | Cause::PoolClosed => counts.refused_closed.add(1),
        }
        SendError { item, cause }
    }

    /// As it is shown to a hook.
    pub(super) fn unpaid(&self, item: T) -> Weighted<T> {
        let lease = self.pool.nothing();
        Weighted { item, lease }
    }
}

impl<T> Weighted<T> {
    pub(super) fn refused(self, cause: Cause) -> SendError<T> {
        let item = self.into_inner();
        SendError { item, cause }
    }
}

pub(super) fn unweighted<T>(sent: Sent<Weighted<T>>) -> Sent<T> {
    match sent {
        Sent::Stored => Sent::Stored,
        Sent::Refused(weighted) => Sent::Refused(weighted.into_inner()),
        Sent::Evicted(weighted) => Sent::Evicted(weighted.into_inner()),
    }
}

// What is asked for a weight has nothing in hand, and the channel is whole when it panics.
impl<T, F: Flavour> UnwindSafe for Sender<T, F> {}
impl<T, F: Flavour> RefUnwindSafe for Sender<T, F> {}

/// Where the flavour has many senders.
impl<T, F: Flavour> Clone for Sender<T, F>
where
    Plain<Weighted<T>, F>: Clone,
{
    fn clone(&self) -> Self {
        Self {
            channel: self.channel.clone(),
            pool: self.pool.clone(),
            weigh: self.weigh.clone(),
        }
    }
}

impl<T, F: Flavour> fmt::Debug for Sender<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender")
            .field("channel", &self.channel)
            .field("pool", &self.pool)
            .finish_non_exhaustive()
    }
}
