//! The end that sends.

pub(crate) mod case;

use std::fmt;
use std::time::{Duration, Instant};

use super::Shared;
use crate::error::{SendError, SendManyError, SendTimeoutError, TrySendError};
use crate::flavour::{Flavour, Mpmc};
use crate::policy::{OnFull, Sent, SentMany};
use crate::ring::{Gauge, Ticket, Tx};
use crate::stats::{Monitor, Stats};
use crate::sync::{Arc, Ordering};
use crate::wait::{Patience, wait};

/// The end of a channel that sends.
///
/// It can be cloned where the [flavour](crate::flavour) has many senders. When the
/// last one is dropped, the channel closes; what is inside can still be received. One
/// that is forgotten leaves the channel open: receivers wait for ever.
pub struct Sender<T, F: Flavour = Mpmc> {
    tx: F::Tx<T>,
    shared: Arc<Shared<T, F>>,
    on_full: OnFull,
    patience: Patience,
}

impl<T, F: Flavour> Sender<T, F> {
    pub(super) fn new(tx: F::Tx<T>, shared: Arc<Shared<T, F>>, on_full: OnFull) -> Self {
        Self {
            tx,
            shared,
            on_full,
            patience: Patience::default(),
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
        match offer(&mut self.tx, &self.shared, item) {
            Ok(()) => Ok(Sent::Stored),
            Err(refusal) => self
                .not_stored(refusal, None)
                .map_err(|error| SendError(error.into_inner())),
        }
    }

    /// Sends `item` if there is room now, whatever [`OnFull`] says. Never waits.
    ///
    /// # Errors
    /// [`TrySendError`] with the item, if there is no room, or the channel is
    /// closed or the receiver gone.
    #[inline]
    pub fn try_send(&mut self, item: T) -> Result<(), TrySendError<T>> {
        offer(&mut self.tx, &self.shared, item).inspect_err(|refusal| self.count(refusal))
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
        match (refusal, self.on_full) {
            (TrySendError::Full(item), OnFull::Block) => self.send_blocking(item, deadline),
            (refusal, _) => {
                self.count(&refusal);
                match refusal {
                    TrySendError::Full(item) => Ok(Sent::Refused(item)),
                    TrySendError::Disconnected(item) => Err(SendTimeoutError::Disconnected(item)),
                }
            }
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
        let mut waiting = Some(item);
        let attempt = || match offer(tx, shared, waiting.take()?) {
            Ok(()) => Some(Ok(Sent::Stored)),
            Err(TrySendError::Full(item)) => {
                waiting = Some(item);
                None
            }
            Err(TrySendError::Disconnected(item)) => {
                counts.send.refused_closed.add(1);
                Some(Err(SendTimeoutError::Disconnected(item)))
            }
        };
        let more = || shared.ring.read().depth < shared.ring.capacity();
        let sent = wait(&shared.room, patience, deadline, attempt, more);
        counts
            .send
            .blocked_nanos
            .add(start.elapsed().as_nanos() as u64);
        match (sent, waiting) {
            (None, Some(item)) => {
                counts.send.refused_timeout.add(1);
                Err(SendTimeoutError::Timeout(item))
            }
            (Some(sent), _) => sent,
            (None, None) => unreachable!("an attempt that takes the item returns something"),
        }
    }

    /// Counts an item that is handed back at once.
    fn count(&self, refusal: &TrySendError<T>) {
        let counts = &self.shared.counts.send;
        match refusal {
            TrySendError::Full(_) => {
                self.found_full();
                counts.refused_full.add(1);
            }
            TrySendError::Disconnected(_) => counts.refused_closed.add(1),
        }
    }

    fn found_full(&self) {
        let Shared { ring, counts, .. } = &*self.shared;
        counts.send.full_events.add(1);
        counts.seen(ring.depth_without_room());
    }

    /// Sends all that `items` gives, as [`send`](Self::send) would one by one. Of the
    /// flavour [`Spsc`](crate::flavour::Spsc), it publishes and wakes once for as many
    /// as fit together; of the others, which publish each item by itself, it is for
    /// convenience.
    ///
    /// With [`OnFull::DropNewest`], what finds no room is given back together:
    /// give it no more at a time than may be in memory twice. Give
    /// `items.by_ref()` to go on with the rest after an error.
    ///
    /// Of `Spsc`, what `items` gives is received only when there is no more room, or
    /// when it is through. So an iterator that waits, for the receiver or for
    /// anything else, holds back what it gave before: send such items one by one.
    ///
    /// # Errors
    /// [`SendManyError`], if the channel is closed or the receiver gone, with
    /// what was taken from `items` and not stored.
    ///
    /// # Panics
    /// If `items` does. What it gave before is in the channel, but for what was
    /// refused, or taken back since the receiver is gone: that is counted as
    /// refused, and dropped.
    pub fn send_many(
        &mut self,
        items: impl IntoIterator<Item = T>,
    ) -> Result<SentMany<T>, SendManyError<T>> {
        let mut items = items.into_iter();
        let mut stored = 0;
        let mut refused = Vec::new();
        loop {
            let room = self.tx.room();
            if room > 0 && !self.shared.items.is_closed() {
                let (pushed, mut returned) = self.push_some(items.by_ref().take(room));
                stored += pushed - returned.len();
                if !returned.is_empty() {
                    refused.append(&mut returned);
                    return Err(SendManyError {
                        stored,
                        returned: refused,
                    });
                }
                if pushed < room {
                    return Ok(SentMany { stored, refused });
                }
            }
            let Some(item) = items.next() else {
                return Ok(SentMany { stored, refused });
            };
            match self.send(item) {
                Ok(Sent::Stored) => stored += 1,
                Ok(Sent::Refused(item)) => refused.push(item),
                Err(SendError(item)) => {
                    refused.push(item);
                    return Err(SendManyError {
                        stored,
                        returned: refused,
                    });
                }
            }
        }
    }

    /// Pushes what `items` gives, for which there is room, and attends to the
    /// receiver once. Returns how many were pushed, and those of them that had to
    /// be taken back. If `items` panics, the latter are dropped.
    fn push_some(&mut self, items: impl Iterator<Item = T>) -> (usize, Vec<T>) {
        struct Batch<'a, T, F: Flavour> {
            tx: &'a mut F::Tx<T>,
            shared: &'a Shared<T, F>,
            first: Ticket,
        }
        impl<T, F: Flavour> Batch<'_, T, F> {
            fn attend(&self) -> (usize, Vec<T>) {
                let pushed = self.tx.next().wrapping_sub(self.first);
                if !self.shared.items.wants_attention() {
                    return (pushed, Vec::new());
                }
                let returned = self.shared.attend(self.first, pushed);
                let refused = &self.shared.counts.send.refused_closed;
                refused.add(returned.len() as u64);
                (pushed, returned)
            }
        }
        impl<T, F: Flavour> Drop for Batch<'_, T, F> {
            fn drop(&mut self) {
                self.attend();
            }
        }
        let batch = Batch::<T, F> {
            first: self.tx.next(),
            tx: &mut self.tx,
            shared: &self.shared,
        };
        batch.tx.push_run(items);
        let attended = batch.attend();
        std::mem::forget(batch);
        attended
    }

    /// Closes the channel: sends give their item back from now on, and the
    /// receiver gets what is inside, then `Disconnected`.
    pub fn close(&mut self) {
        self.shared.close();
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
        self.shared.ring.read().depth
    }

    /// Whether there was none. Then there is none until the next send.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether there was no room. There may be by now.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.len() == self.capacity()
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
#[inline]
fn offer<T, F: Flavour>(
    tx: &mut F::Tx<T>,
    shared: &Shared<T, F>,
    item: T,
) -> Result<(), TrySendError<T>> {
    if shared.items.is_closed() {
        return Err(TrySendError::Disconnected(item));
    }
    let ticket = tx.push(item).map_err(TrySendError::Full)?;
    if shared.items.wants_attention() {
        if let Some(item) = shared.attend(ticket, 1).pop() {
            return Err(TrySendError::Disconnected(item));
        }
    }
    Ok(())
}

/// Where the flavour has many senders.
impl<T, F: Flavour<Tx<T>: Clone>> Clone for Sender<T, F> {
    fn clone(&self) -> Self {
        self.shared.senders.fetch_add(1, Ordering::Relaxed);
        Self {
            tx: self.tx.clone(),
            shared: self.shared.clone(),
            on_full: self.on_full,
            patience: Patience::default(),
        }
    }
}

impl<T, F: Flavour> Drop for Sender<T, F> {
    fn drop(&mut self) {
        if self.shared.sender_leaves() {
            self.shared.close();
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
