//! Receiving by poll and commit: items are read where they are, and their slots are given
//! back when they have been dealt with.
//!
//! ```text
//!      committed │ in a batch │ not yet polled │ room
//!      ──────────┼────────────┴────────────────┼──────
//!              head          depth            tail
//! ```
//!
//! `commit` moves `head`; to drop a batch moves nothing. So whatever happens in between,
//! the items are there for the next poll.

mod batch;
mod pause;

pub use self::batch::{Batch, BatchIter};
pub use self::pause::Pauser;

use std::error::Error;
use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::time::{Duration, Instant};

use self::batch::Offers;
use super::receiver::end_or_empty;
use super::{Receiver, Shared};
use crate::error::{RecvError, RecvTimeoutError, TryRecvError};
use crate::flavour::{AnyRx, Flavour, OneReceiver};
use crate::ring::Either::{Other, Usual};
use crate::stats::Stats;
use crate::sync::{self, AtomicBool, Ordering};
use crate::wait::wait;
use crate::watermarks::Watermarks;

/// A receiver that reads items where they are, and gives their slots back when they are
/// committed: after Apache Kafka's consumer, which polls, processes, and commits.
///
/// From [`Receiver::polled`]. What is polled and not committed still counts as inside: a
/// sender has no room for it, and if the batch is dropped, or whoever works on it panics,
/// the next poll gives the same items again, in order. So each item is dealt with at least
/// once as long as this end lives; [`Stats::redelivered`] says how many were given out more
/// than once. When it goes, all that is inside is drained, as by any last receiver.
///
/// ```
/// use std::time::Duration;
///
/// let (mut tx, rx) = ringfence::channel(4).spsc().build();
/// let mut rx = rx.polled()?;
/// let _ = tx.send_many(1..=4)?;
///
/// let batch = rx.poll(3, Duration::ZERO)?;
/// assert!(batch.iter().eq(&[1, 2, 3]));
/// drop(batch); // as if it had panicked
/// assert!(tx.is_full()); // there is no room until they are committed
///
/// let batch = rx.poll(3, Duration::ZERO)?;
/// assert_eq!((batch[0], batch.redelivered()), (1, 3));
/// batch.commit_up_to(2);
/// assert_eq!(rx.poll(3, Duration::ZERO)?[0], 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Progress
///
/// A poll that does not have to wait is wait-free, and so is a commit, but for what the
/// items' `Drop` does, and for waking a sender that waits for room, or has just done so, under
/// a short lock.
/// With many senders, an item is not there as long as one before it is in the middle of its
/// send.
pub struct Polled<T, F: OneReceiver> {
    pub(super) receiver: Receiver<T, F>,
    pub(super) paused: sync::Arc<AtomicBool>,
    offers: Offers,
    /// Behind the receiver, so that it looks once more when that has gone.
    marks: Option<LastLook>,
}

/// Looks once more when it is dropped.
struct LastLook(Watermarks);

impl Drop for LastLook {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.0.look();
        }
    }
}

impl<T, F: OneReceiver> Receiver<T, F> {
    /// Receives by poll and commit from now on. See [`Polled`].
    ///
    /// # Errors
    /// [`NotPollable`] with the receiver, if the channel evicts its oldest item, which may be
    /// one that is being looked at ([`OnFull::DropOldest`](crate::OnFull::DropOldest)), or
    /// has a capacity of 0, and so no slots.
    pub fn polled(self) -> Result<Polled<T, F>, NotPollable<T, F>> {
        if matches!(self.shared.ring, Other(_)) {
            return Err(NotPollable(self));
        }
        Ok(Polled {
            offers: Offers::new(&self.shared),
            receiver: self,
            paused: sync::Arc::new(AtomicBool::new(false)),
            marks: None,
        })
    }
}

impl<T, F: OneReceiver> Polled<T, F> {
    /// Up to `max_items` items, oldest first: waits for the first, then no longer than
    /// `linger` for the others. More than fit into the channel it does not wait for.
    ///
    /// What is there when the channel closes it gives at once. With 0 items it gives none,
    /// at once. A time too long to be added to the current time is none.
    ///
    /// # Errors
    /// [`RecvError`], when the channel is closed and every item committed.
    pub fn poll(
        &mut self,
        max_items: usize,
        linger: Duration,
    ) -> Result<Batch<'_, T, F>, RecvError> {
        self.poll_until(max_items, linger, || None)
            .map_err(|_| RecvError)
    }

    /// As [`poll`](Self::poll), but waits for the first item no longer than `timeout`.
    ///
    /// # Errors
    /// [`RecvTimeoutError`], when there was no item in time, or the channel is closed and
    /// every item committed.
    pub fn poll_timeout(
        &mut self,
        max_items: usize,
        linger: Duration,
        timeout: Duration,
    ) -> Result<Batch<'_, T, F>, RecvTimeoutError> {
        self.poll_until(max_items, linger, || Instant::now().checked_add(timeout))
    }

    /// As [`poll`](Self::poll), but waits for the first item no longer than until
    /// `deadline`. When that is over, it still takes what there is.
    ///
    /// # Errors
    /// [`RecvTimeoutError`], when there was no item in time, or the channel is closed and
    /// every item committed.
    pub fn poll_deadline(
        &mut self,
        max_items: usize,
        linger: Duration,
        deadline: Instant,
    ) -> Result<Batch<'_, T, F>, RecvTimeoutError> {
        self.poll_until(max_items, linger, || Some(deadline))
    }

    /// As [`poll`](Self::poll), but never waits.
    ///
    /// # Errors
    /// [`TryRecvError`], when there is no item.
    pub fn try_poll(&mut self, max_items: usize) -> Result<Batch<'_, T, F>, TryRecvError> {
        match self.look(max_items) {
            Ok(n) => Ok(self.offer(n, max_items)),
            Err(error) => {
                if error == TryRecvError::Empty {
                    self.receiver.shared.counts.recv.empty_events.add(1);
                }
                Err(error)
            }
        }
    }

    fn poll_until(
        &mut self,
        max_items: usize,
        linger: Duration,
        deadline: impl FnOnce() -> Option<Instant>,
    ) -> Result<Batch<'_, T, F>, RecvTimeoutError> {
        let most = max_items.min(self.receiver.capacity());
        let mut found = match self.look(most) {
            Ok(found) => found,
            Err(TryRecvError::Disconnected) => return Err(RecvTimeoutError::Disconnected),
            Err(TryRecvError::Empty) => self.wait_for_first(most, deadline())?,
        };
        if found < most && !linger.is_zero() {
            found = self.linger(most, linger);
        }
        Ok(self.offer(found, most))
    }

    #[inline]
    fn look(&mut self, most: usize) -> Result<usize, TryRecvError> {
        let Receiver {
            consumer, shared, ..
        } = &mut self.receiver;
        look(consumer, shared, &self.paused, most)
    }

    #[cold]
    fn wait_for_first(
        &mut self,
        most: usize,
        deadline: Option<Instant>,
    ) -> Result<usize, RecvTimeoutError> {
        let Receiver {
            consumer,
            shared,
            patience,
            ..
        } = &mut self.receiver;
        let counts = &shared.counts.recv;
        counts.empty_events.add(1);
        let start = Instant::now();
        let attempt = || look_waiting(consumer, shared, &self.paused, most);
        let found = wait(&shared.items, patience, deadline, attempt, || false);
        counts.blocked_nanos.add(start.elapsed().as_nanos() as u64);
        match found {
            Some(found) => Ok(found?),
            None => Err(RecvTimeoutError::Timeout),
        }
    }

    /// Waits until there are `most`, or the channel is closed, or the time is over. There
    /// is at least one.
    #[cold]
    fn linger(&mut self, most: usize, linger: Duration) -> usize {
        let Receiver {
            consumer,
            shared,
            patience,
            ..
        } = &mut self.receiver;
        let rx = usual::<T, F>(consumer.as_mut().expect(FOUND));
        let start = Instant::now();
        let mut ready = || F::ready(rx, most, |depth| shared.counts.seen(depth));
        let attempt = || {
            let is_closed = shared.items.is_closed();
            if is_closed {
                // What was sent before is all there then.
                shared.items.settle();
            }
            let n = ready();
            (n == most || is_closed).then_some(n)
        };
        let deadline = start.checked_add(linger);
        let n = wait(&shared.items, patience, deadline, attempt, || false);
        let counts = &shared.counts.recv;
        counts.blocked_nanos.add(start.elapsed().as_nanos() as u64);
        n.unwrap_or_else(ready)
    }

    /// The items that have been found, or more of those that there are by now.
    #[inline]
    pub(super) fn offer(&mut self, found: usize, most: usize) -> Batch<'_, T, F> {
        let Receiver {
            consumer, shared, ..
        } = &mut self.receiver;
        let marks = self.marks.as_ref().map(|marks| &marks.0);
        if let Some(marks) = marks {
            marks.look();
        }
        let rx = usual::<T, F>(consumer.as_mut().expect(FOUND));
        Batch::new(F::chunk(rx, found, most), shared, &mut self.offers, marks)
    }

    /// Looks at `marks`, which must be of this channel, at each poll that gives a batch, at
    /// each commit, and when this end is dropped. To notice the high mark as it is crossed,
    /// the sender's side looks as well, after it has sent.
    #[must_use]
    pub fn with_watermarks(self, marks: Watermarks) -> Self {
        Self {
            marks: Some(LastLook(marks)),
            ..self
        }
    }

    /// Closes the channel, as [`Receiver::close`].
    pub fn close(&mut self) {
        self.receiver.close();
    }

    /// What went through the channel up to now: what is not committed is in
    /// [`Stats::depth`]. Takes a short lock.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.receiver.stats()
    }

    /// The receiver inside, to look at.
    pub fn receiver(&self) -> &Receiver<T, F> {
        &self.receiver
    }

    /// The receiver inside, which takes what it gives out. It begins with the first item
    /// that is not committed.
    pub fn into_inner(self) -> Receiver<T, F> {
        self.receiver
    }
}

const FOUND: &str = "items have just been found";

/// How many items there are for a batch, up to `most`, as [`OneReceiver::found`] says it.
#[inline]
fn look<T, F: OneReceiver>(
    consumer: &mut Option<AnyRx<T, F>>,
    shared: &Shared<T, F>,
    paused: &AtomicBool,
    most: usize,
) -> Result<usize, TryRecvError> {
    let take = |rx: &mut AnyRx<T, F>| {
        // ORDERING: Relaxed; who waits is woken by `resume`, and looks again then.
        if most > 0 && paused.load(Ordering::Relaxed) {
            return None;
        }
        let n = F::found(usual::<T, F>(rx), most, |depth| shared.counts.seen(depth));
        (n > 0 || most == 0).then_some(n)
    };
    let Some(open) = consumer else {
        return Err(TryRecvError::Disconnected);
    };
    match take(open) {
        Some(n) => Ok(n),
        None => end_or_empty(consumer, shared, take),
    }
}

/// Who waits looks again: `None` if there is still nothing.
pub(super) fn look_waiting<T, F: OneReceiver>(
    consumer: &mut Option<AnyRx<T, F>>,
    shared: &Shared<T, F>,
    paused: &AtomicBool,
    most: usize,
) -> Option<Result<usize, RecvError>> {
    match look(consumer, shared, paused, most) {
        Ok(n) => Some(Ok(n)),
        Err(TryRecvError::Empty) => None,
        Err(TryRecvError::Disconnected) => Some(Err(RecvError)),
    }
}

#[inline]
fn usual<T, F: Flavour>(rx: &mut AnyRx<T, F>) -> &mut F::Rx<T> {
    match rx {
        Usual(rx) => rx,
        Other(_) => unreachable!("it is not pollable"),
    }
}

// As for receivers. If a hook of watermarks panics, it has been called.
impl<T, F: OneReceiver> UnwindSafe for Polled<T, F> {}
impl<T, F: OneReceiver> RefUnwindSafe for Polled<T, F> {}

impl<T, F: OneReceiver> fmt::Debug for Polled<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Polled")
            .field("receiver", &self.receiver)
            .field("is_paused", &self.paused.load(Ordering::Relaxed))
            .finish_non_exhaustive()
    }
}

/// The channel has no slots in which items could stay: it evicts, or has a capacity of 0.
/// Holds the receiver.
pub struct NotPollable<T, F: Flavour>(Receiver<T, F>);

impl<T, F: Flavour> NotPollable<T, F> {
    /// The receiver, as it was.
    pub fn into_inner(self) -> Receiver<T, F> {
        self.0
    }
}

impl<T, F: Flavour> fmt::Debug for NotPollable<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("NotPollable").field(&self.0).finish()
    }
}

impl<T, F: Flavour> fmt::Display for NotPollable<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a channel that evicts, or has a capacity of 0, cannot be polled")
    }
}

impl<T, F: Flavour> Error for NotPollable<T, F> {}
