//! The end that sends.

mod batch;
pub(crate) mod case;
mod pending;

use std::error::Error;
use std::fmt;
use std::time::{Duration, Instant};

use self::pending::Blocking;
pub(super) use self::pending::Pending;
use super::{Closed, Shared};
use crate::error::{SendError, SendTimeoutError, TrySendError};
use crate::flavour::{AnyTx, Flavour, Mpmc};
use crate::policy::{EarlyDrop, OnFull, Reason, Sent};
use crate::ring::{Gauge, Ticket, Tx};
use crate::stats::{Monitor, Stats};
use crate::sync::{self, Arc, Ordering};
use crate::wait::{Habits, Patience, wait};

/// The end of a channel that sends.
///
/// It can be cloned where the [flavour](crate::flavour) has many senders. When the
/// last one is dropped, the channel closes; what is inside can still be received. One
/// that is forgotten leaves the channel open: receivers wait for ever.
pub struct Sender<T, F: Flavour = Mpmc> {
    pub(super) tx: AnyTx<T, F>,
    pub(super) shared: Arc<Shared<T, F>>,
    pub(super) on_full: OnFull,
    /// Whether `on_full` decides before it is known that there is no room.
    is_early: bool,
    pub(super) patience: Patience,
    /// The same for futures.
    pub(super) habits: Habits,
    /// For [`OnFull::DropRandom`].
    rng: fastrand::Rng,
}

impl<T, F: Flavour> Sender<T, F> {
    pub(super) fn new(tx: AnyTx<T, F>, shared: Arc<Shared<T, F>>, on_full: OnFull) -> Self {
        Self {
            tx,
            shared,
            on_full,
            is_early: on_full.is_early(),
            patience: Patience::default(),
            habits: Habits::NONE,
            rng: match on_full {
                OnFull::DropRandom(rule) => rule.rng(),
                _ => fastrand::Rng::with_seed(0),
            },
        }
    }

    /// Sends `item`; if there is no room, does what [`OnFull`] says.
    ///
    /// `Stored` means that it is in the channel, not that it is received: the
    /// receiver may go first, and is then counted to have drained it. With
    /// [`OnFull::Block`] it is the only answer: `let _ = tx.send(item)?;`.
    ///
    /// # Errors
    /// [`SendError`] with the item, if the channel is closed or the receiver
    /// gone, also while waiting.
    #[inline]
    pub fn send(&mut self, item: T) -> Result<Sent<T>, SendError<T>> {
        let sent = if self.is_early {
            self.send_dropping(item)
        } else {
            match offer(&mut self.tx, &self.shared, item) {
                Ok(()) => return Ok(Sent::Stored),
                Err(refusal) => self.not_stored(refusal, None),
            }
        };
        sent.map_err(|error| SendError(error.into_inner()))
    }

    /// Sends `item` if there is room now, whatever [`OnFull`] says. Never waits. With a
    /// [capacity of 0](mod@crate::channel#capacity-0), if a thread waits to receive it.
    ///
    /// # Errors
    /// [`TrySendError`] with the item, if there is no room, or the channel is
    /// closed or the receiver gone.
    #[inline]
    pub fn try_send(&mut self, item: T) -> Result<(), TrySendError<T>> {
        offer_now(&mut self.tx, &self.shared, item).inspect_err(|refusal| self.count(refusal))
    }

    /// As [`send`](Self::send), but waits no longer than `timeout`.
    ///
    /// A timeout too long to be added to the current time is none.
    ///
    /// # Errors
    /// [`SendTimeoutError`] with the item, if there was no room in time, or the
    /// channel is closed or the receiver gone.
    pub fn send_timeout(
        &mut self,
        item: T,
        timeout: Duration,
    ) -> Result<Sent<T>, SendTimeoutError<T>> {
        self.send_until(item, || Instant::now().checked_add(timeout))
    }

    /// As [`send`](Self::send), but waits no longer than until `deadline`. When
    /// that is over, it still sends if there is room.
    ///
    /// # Errors
    /// [`SendTimeoutError`] with the item, if there was no room in time, or the
    /// channel is closed or the receiver gone.
    pub fn send_deadline(
        &mut self,
        item: T,
        deadline: Instant,
    ) -> Result<Sent<T>, SendTimeoutError<T>> {
        self.send_until(item, || Some(deadline))
    }

    fn send_until(
        &mut self,
        item: T,
        deadline: impl FnOnce() -> Option<Instant>,
    ) -> Result<Sent<T>, SendTimeoutError<T>> {
        if self.is_early {
            return self.send_dropping(item);
        }
        match offer(&mut self.tx, &self.shared, item) {
            Ok(()) => Ok(Sent::Stored),
            Err(refusal) => self.not_stored(refusal, deadline()),
        }
    }

    /// What the policy does with an item that was not stored at once.
    #[cold]
    fn not_stored(
        &mut self,
        refusal: TrySendError<T>,
        deadline: Option<Instant>,
    ) -> Result<Sent<T>, SendTimeoutError<T>> {
        match refusal {
            TrySendError::Full(item) => {
                if self.on_full == OnFull::Block && !deadline.is_some_and(sync::is_over) {
                    return self.send_blocking(item, deadline);
                }
                match (self.shared.hand(item, None), self.on_full) {
                    (Ok(()), _) => Ok(Sent::Stored),
                    (Err(item), OnFull::Block) => self.send_blocking(item, deadline),
                    // Of the oldest, if all there is room for is reserved.
                    (Err(item), OnFull::DropNewest | OnFull::DropOldest) => {
                        Ok(self.refuse(item, Reason::Newest, None))
                    }
                    (Err(item), OnFull::DropRandom(_)) => {
                        Ok(self.refuse(item, Reason::Random, None))
                    }
                }
            }
            TrySendError::Disconnected(item) => {
                self.shared.counts.send.refused_closed.add(1);
                Err(SendTimeoutError::Disconnected(item))
            }
        }
    }

    /// By a policy that does not wait until there is no room.
    fn send_dropping(&mut self, item: T) -> Result<Sent<T>, SendTimeoutError<T>> {
        let sent = match self.on_full {
            OnFull::DropOldest => self.replace(item),
            OnFull::DropRandom(rule) => {
                if let Some(depth) = self.chance_is_against(rule) {
                    return Ok(self.refuse(item, Reason::Random, Some(depth)));
                }
                offer(&mut self.tx, &self.shared, item).map(|()| Sent::Stored)
            }
            OnFull::Block | OnFull::DropNewest => unreachable!("they wait for that"),
        };
        sent.or_else(|refusal| self.not_stored(refusal, None))
    }

    /// The depth at which it is.
    fn chance_is_against(&mut self, rule: EarlyDrop) -> Option<usize> {
        let Shared { items, ring, .. } = &*self.shared;
        if items.is_closed() {
            return None;
        }
        let depth = ring.len();
        rule.refuses(depth, &mut self.rng).then_some(depth)
    }

    /// At this depth, if there was room.
    pub(crate) fn refuse(&self, item: T, reason: Reason, depth: Option<usize>) -> Sent<T> {
        let counts = &self.shared.counts.send;
        match reason {
            Reason::Random => counts.refused_random.add(1),
            _ => counts.refused_newest.add(1),
        }
        self.found_full_at(depth);
        self.shared.dropped(&item, reason);
        Sent::Refused(item)
    }

    /// As [`offer`], in place of the oldest if there is no room.
    fn replace(&mut self, item: T) -> Result<Sent<T>, TrySendError<T>> {
        if self.shared.items.is_closed() {
            return Err(TrySendError::Disconnected(item));
        }
        let (ticket, evicted) = self.tx.force(item).map_err(TrySendError::Full)?;
        let refused = attend_to(&self.shared, ticket);
        if let Some(oldest) = &evicted {
            self.found_full();
            self.shared.dropped(oldest, Reason::Oldest);
        }
        match (refused, evicted) {
            // If it evicted another that came too late, that is dropped.
            (Some(item), _) => Err(TrySendError::Disconnected(item)),
            (None, Some(oldest)) => Ok(Sent::Evicted(oldest)),
            (None, None) => Ok(Sent::Stored),
        }
    }

    fn send_blocking(
        &mut self,
        item: T,
        deadline: Option<Instant>,
    ) -> Result<Sent<T>, SendTimeoutError<T>> {
        self.found_full();
        let Self {
            tx,
            shared,
            patience,
            ..
        } = self;
        let counts = &shared.counts;
        let start = Instant::now();
        let mut blocking = Blocking {
            pending: Pending::Item(item),
            tx,
            shared,
        };
        let attempt = || blocking.attempt();
        let more = || shared.ring.has_room();
        let sent = wait(&shared.room, patience, deadline, attempt, more);
        counts
            .send
            .blocked_nanos
            .add(start.elapsed().as_nanos() as u64);
        if let Some(sent) = sent {
            return Ok(sent?);
        }
        match blocking.take_back(|counts| &counts.refused_timeout) {
            Some(item) => Err(SendTimeoutError::Timeout(item)),
            None => Ok(Sent::Stored),
        }
    }

    /// Counts an item that is handed back at once.
    pub(super) fn count(&self, refusal: &TrySendError<T>) {
        let counts = &self.shared.counts.send;
        match refusal {
            TrySendError::Full(_) => {
                self.found_full();
                counts.refused_full.add(1);
            }
            TrySendError::Disconnected(_) => counts.refused_closed.add(1),
        }
    }

    pub(super) fn found_full(&self) {
        self.found_full_at(None);
    }

    /// Too full for chance at this depth, or without room.
    pub(super) fn found_full_at(&self, depth: Option<usize>) {
        let Shared { ring, counts, .. } = &*self.shared;
        counts.send.full_events.add(1);
        counts.seen(depth.unwrap_or_else(|| ring.depth_without_room()));
    }

    /// Closes the channel: sends give their item back from now on, and the
    /// receiver gets what is inside, then `Disconnected`.
    pub fn close(&mut self) {
        self.shared.close(Closed::BySender);
    }

    /// As [`close`](Self::close), and says why. If it was closed before, for another
    /// reason, that one stays.
    pub fn close_with(&mut self, error: impl Into<Box<dyn Error + Send + Sync>>) {
        self.shared.close(Closed::with(error));
    }

    /// Why the channel is closed; `None` while it is open.
    ///
    /// ```
    /// let (mut tx, mut rx) = ringfence::bounded::<u8>(8);
    /// assert!(rx.why_closed().is_none());
    /// tx.close_with("the disk is full");
    /// assert_eq!(rx.recv(), Err(ringfence::RecvError));
    /// assert_eq!(rx.why_closed().unwrap().to_string(), "the disk is full");
    /// ```
    #[must_use]
    pub fn why_closed(&self) -> Option<Closed> {
        self.shared.why_closed()
    }

    /// Whether the channel is closed: by either side, or because the receiver is
    /// gone. Then it stays so.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.shared.items.is_closed()
    }

    /// How many items are in the channel; fewer as soon as a receiver goes on.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shared.ring.len()
    }

    /// Whether there was none. Then there is none until the next send.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether there was no room. There may be by now.
    #[must_use]
    pub fn is_full(&self) -> bool {
        !self.shared.ring.has_room()
    }

    /// How many items fit.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.shared.ring.capacity()
    }

    /// What went through the channel up to now. Takes a short lock.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.shared.stats()
    }

    /// Statistics for any thread, also after the channel is gone.
    #[must_use]
    pub fn monitor(&self) -> Monitor
    where
        T: Send + 'static,
        F::Gauge<T>: Send + Sync + 'static,
    {
        self.shared.monitor()
    }

    /// How many senders there are.
    #[must_use]
    pub fn sender_count(&self) -> usize {
        self.shared.senders.load(Ordering::Relaxed)
    }

    /// How many receivers there are.
    #[must_use]
    pub fn receiver_count(&self) -> usize {
        self.shared.receivers.load(Ordering::Relaxed)
    }

    /// Whether both send to the same channel.
    #[must_use]
    pub fn same_channel(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }
}

/// The whole of a send that does not wait: look whether the channel is closed,
/// push, look whether a receiver wants attention.
#[inline(always)]
pub(super) fn offer<T, F: Flavour>(
    tx: &mut AnyTx<T, F>,
    shared: &Shared<T, F>,
    item: T,
) -> Result<(), TrySendError<T>> {
    if shared.items.is_closed() {
        return Err(TrySendError::Disconnected(item));
    }
    let ticket = tx.push(item).map_err(TrySendError::Full)?;
    match attend_to(shared, ticket) {
        None => Ok(()),
        Some(item) => Err(TrySendError::Disconnected(item)),
    }
}

/// As [`offer`], for who does not wait: also to a select that does.
#[inline]
fn offer_now<T, F: Flavour>(
    tx: &mut AnyTx<T, F>,
    shared: &Shared<T, F>,
    item: T,
) -> Result<(), TrySendError<T>> {
    match offer(tx, shared, item) {
        Err(TrySendError::Full(item)) => shared.hand(item, None).map_err(TrySendError::Full),
        sent => sent,
    }
}

/// After a push: wakes a receiver, or takes the item back out of a closed channel.
#[inline(always)]
pub(super) fn attend_to<T, F: Flavour>(shared: &Shared<T, F>, ticket: Ticket) -> Option<T> {
    if !shared.items.wants_attention() {
        return None;
    }
    shared.attend(ticket, 1).pop()
}

/// Where the flavour has many senders.
impl<T, F: Flavour<Tx<T>: Clone>> Clone for Sender<T, F> {
    fn clone(&self) -> Self {
        let others = self.shared.senders.fetch_add(1, Ordering::Relaxed);
        Self {
            tx: self.tx.clone(),
            shared: self.shared.clone(),
            on_full: self.on_full,
            is_early: self.is_early,
            patience: Patience::default(),
            habits: Habits::NONE,
            // Not the same chances, or they would drop in step.
            rng: fastrand::Rng::with_seed(self.rng.get_seed() ^ (others as u64) << 32),
        }
    }
}

impl<T, F: Flavour> Drop for Sender<T, F> {
    fn drop(&mut self) {
        if self.shared.sender_leaves() {
            self.shared.close(Closed::SendersGone);
        }
    }
}

impl<T, F: Flavour> fmt::Debug for Sender<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender")
            .field("len", &self.len())
            .field("capacity", &self.capacity())
            .field("on_full", &self.on_full)
            .field("is_closed", &self.is_closed())
            .finish()
    }
}
