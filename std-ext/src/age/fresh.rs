//! The end that receives what is not too old.

use std::fmt;
use std::iter;
use std::time::{Duration, Instant};
use std::vec;

use super::{Clock, Rule, SystemClock, Timed, Ttl};
use crate::Receiver;
use crate::error::{RecvError, RecvTimeoutError, TryRecvError};
use crate::flavour::{Flavour, Mpmc};
use crate::stats::Stats;
use crate::sync::is_over;

/// A receiver that gives out what a [`Rule`] keeps, and drops what is expired.
///
/// From [`Receiver::fresh`]. It can be cloned where the receiver can, each clone with a
/// copy of the rule as it is then. If an item's `Drop` panics, the item is counted, and
/// the receiver may be used on.
///
/// A receive has the [guarantee](mod@crate::channel#progress) of the channel's for each
/// item that it takes out, and dropping one takes as long as its `Drop` does.
///
/// # What a live snapshot shows
///
/// An item is taken out before its age is looked at, and counts as delivered in between.
/// So while receives are under way, [`Stats::delivered`] may be ahead by as many items
/// as they have in hand, and go down again by those that turn out to be expired.
/// All other counts only grow, but for `depth`; the sums hold in every snapshot; and
/// when no receive is under way, or those that are wait, all is exact.
pub struct Fresh<T, F: Flavour = Mpmc, R = Ttl, C = SystemClock> {
    receiver: Receiver<Timed<T>, F>,
    rule: R,
    clock: C,
}

impl<T, F: Flavour> Receiver<Timed<T>, F> {
    /// Gives out only what `rule` keeps, and drops the rest. See [`age`](crate::age).
    pub fn fresh<R: Rule>(self, rule: R) -> Fresh<T, F, R> {
        Fresh {
            receiver: self,
            rule,
            clock: SystemClock,
        }
    }
}

impl<T, F: Flavour, R: Rule> Fresh<T, F, R> {
    /// Goes by `clock`, as the sender must. Timeouts and deadlines stay the system's.
    pub fn by_clock<C: Clock>(self, clock: C) -> Fresh<T, F, R, C> {
        Fresh {
            receiver: self.receiver,
            rule: self.rule,
            clock,
        }
    }
}

impl<T, F: Flavour, R: Rule, C: Clock> Fresh<T, F, R, C> {
    /// Takes the oldest item that is not expired; waits for one if there is none.
    ///
    /// # Errors
    /// [`RecvError`], when the channel is closed and every item taken out.
    #[inline]
    pub fn recv(&mut self) -> Result<T, RecvError> {
        loop {
            let timed = self.receiver.recv()?;
            if let Some(item) = self.sift(timed) {
                return Ok(item);
            }
        }
    }

    /// Takes the oldest item that is not expired, if there is one. Never waits, and ends
    /// whatever senders do: it drops at most one more than fit into the channel.
    ///
    /// # Errors
    /// [`TryRecvError`], when there is none.
    #[inline]
    pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
        // All that was there when it began, and the end behind it.
        for _ in 0..=self.receiver.capacity() {
            let timed = self.receiver.try_recv()?;
            if let Some(item) = self.sift(timed) {
                return Ok(item);
            }
        }
        Err(TryRecvError::Empty)
    }

    /// As [`recv`](Self::recv), but waits no longer than `timeout`, however many items
    /// are expired.
    ///
    /// A timeout too long to be added to the current time is none.
    ///
    /// # Errors
    /// [`RecvTimeoutError`], when there was no item in time, or the channel is
    /// closed and every item taken out.
    pub fn recv_timeout(&mut self, timeout: Duration) -> Result<T, RecvTimeoutError> {
        match Instant::now().checked_add(timeout) {
            Some(deadline) => self.recv_deadline(deadline),
            None => self.recv().map_err(RecvTimeoutError::from),
        }
    }

    /// As [`recv`](Self::recv), but waits no longer than until `deadline`. When that is
    /// over, it still takes an item as [`try_recv`](Self::try_recv) does.
    ///
    /// # Errors
    /// [`RecvTimeoutError`], when there was no item in time, or the channel is
    /// closed and every item taken out.
    pub fn recv_deadline(&mut self, deadline: Instant) -> Result<T, RecvTimeoutError> {
        loop {
            let timed = self.receiver.recv_deadline(deadline)?;
            if let Some(item) = self.sift(timed) {
                return Ok(item);
            }
            if is_over(deadline) {
                return self.try_recv().map_err(|error| match error {
                    TryRecvError::Empty => RecvTimeoutError::Timeout,
                    TryRecvError::Disconnected => RecvTimeoutError::Disconnected,
                });
            }
        }
    }

    /// Takes out up to `limit` items, appends those that are not expired to `buffer`, and
    /// returns how many these are; waits until there is one. Frees the slots of what it
    /// takes out together and wakes the sender once, and reads the clock once for it.
    ///
    /// With a limit of 0 it returns 0 at once. If the `Drop` of an expired item panics,
    /// the others are sorted nevertheless, and what is not expired is in `buffer`; if a
    /// second one does, the process aborts.
    ///
    /// # Errors
    /// [`RecvError`], when the channel is closed and every item taken out.
    pub fn recv_many(&mut self, buffer: &mut Vec<T>, limit: usize) -> Result<usize, RecvError> {
        let before = buffer.len();
        while limit > 0 && buffer.len() == before {
            let mut taken = Vec::with_capacity(limit.min(self.receiver.len()));
            self.receiver.recv_many(&mut taken, limit)?;
            Batch {
                now: self.clock.now(),
                fresh: self,
                taken: taken.into_iter(),
                kept: buffer,
            }
            .sift();
        }
        Ok(buffer.len() - before)
    }

    /// Items one by one that are not expired, waiting for each, until the channel is
    /// closed and empty.
    pub fn iter(&mut self) -> impl Iterator<Item = T> {
        iter::from_fn(|| self.recv().ok())
    }

    /// Items one by one that are not expired, until there is none. Never waits.
    pub fn try_iter(&mut self) -> impl Iterator<Item = T> {
        iter::from_fn(|| self.try_recv().ok())
    }

    /// Closes the channel, as [`Receiver::close`].
    pub fn close(&mut self) {
        self.receiver.close();
    }

    /// What went through the channel up to now. Takes a short lock.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.receiver.stats()
    }

    /// The receiver inside, to look at. Its length counts what is expired and not yet
    /// dropped.
    pub fn receiver(&self) -> &Receiver<Timed<T>, F> {
        &self.receiver
    }

    /// The rule, as it stands.
    pub fn rule(&self) -> &R {
        &self.rule
    }

    /// The receiver inside, which gives out everything.
    pub fn into_inner(self) -> Receiver<Timed<T>, F> {
        self.receiver
    }

    /// The item, if it is not expired.
    #[inline]
    fn sift(&mut self, timed: Timed<T>) -> Option<T> {
        let now = self.clock.now();
        self.sift_at(now, timed, 0)
    }

    /// The same, where `behind` it so many have been taken out.
    #[inline]
    fn sift_at(&mut self, now: Instant, timed: Timed<T>, behind: usize) -> Option<T> {
        let is_last = || behind == 0 && self.receiver.is_empty();
        if self.rule.keeps(timed.sent, now, is_last) {
            return Some(timed.into_inner());
        }
        // Before it is dropped, which may panic.
        self.receiver.expire(&timed);
        None
    }
}

/// Items that were taken out together. What is left of them in a panic, being popped and
/// counted, is sifted all the same.
struct Batch<'a, T, F: Flavour, R: Rule, C: Clock> {
    fresh: &'a mut Fresh<T, F, R, C>,
    now: Instant,
    taken: vec::IntoIter<Timed<T>>,
    kept: &'a mut Vec<T>,
}

impl<T, F: Flavour, R: Rule, C: Clock> Batch<'_, T, F, R, C> {
    fn sift(&mut self) {
        while let Some(timed) = self.taken.next() {
            let behind = self.taken.len();
            self.kept
                .extend(self.fresh.sift_at(self.now, timed, behind));
        }
    }
}

impl<T, F: Flavour, R: Rule, C: Clock> Drop for Batch<'_, T, F, R, C> {
    fn drop(&mut self) {
        self.sift();
    }
}

/// Where the receiver can be cloned.
impl<T, F: Flavour, R: Clone, C: Clone> Clone for Fresh<T, F, R, C>
where
    Receiver<Timed<T>, F>: Clone,
{
    fn clone(&self) -> Self {
        Self {
            receiver: self.receiver.clone(),
            rule: self.rule.clone(),
            clock: self.clock.clone(),
        }
    }
}

impl<T, F: Flavour, R: fmt::Debug, C> fmt::Debug for Fresh<T, F, R, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fresh")
            .field("receiver", &self.receiver)
            .field("rule", &self.rule)
            .finish_non_exhaustive()
    }
}
