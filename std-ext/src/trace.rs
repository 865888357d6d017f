//! Drops as events of [`tracing`]: not one for each item, but at most one in so much
//! time for each channel, which says how many were dropped since the one before.
//!
//! ```
//! use ringfence::OnFull;
//! use ringfence::trace::DropEvents;
//!
//! let events = DropEvents::new("orders"); // at most one a second
//! let (mut tx, rx) = ringfence::channel(1)
//!     .on_full(OnFull::DropNewest)
//!     .on_drop(events.hook())
//!     .build();
//! for order in 1..=10 {
//!     let _ = tx.send(order);
//! }
//! // WARN ringfence: items were dropped channel="orders" newest=1 oldest=0 ...
//! events.flush();
//! // WARN ringfence: items were dropped channel="orders" newest=8 oldest=0 ...
//! # drop(rx);
//! ```
//!
//! The first drop is told at once. Those that follow within the interval are told with the first
//! one after it, by [`flush`](DropEvents::flush), or when the channel is gone and the last
//! [`DropEvents`] with it; so nothing is told late that stays untold. The sum over all events is
//! what was dropped, by reason: [`refused_newest`](crate::Stats::refused_newest), `evicted`,
//! `refused_random`, `expired` and `drained` of the [`Stats`](crate::Stats), and of
//! `refused_cancelled` those that nobody took back.
//!
//! The events are of the level `WARN` and the target `ringfence`. Their fields are `channel`, the
//! name, and the counts `newest`, `oldest`, `random`, `expired`, `cancelled` and `drained`, as
//! [`Reason`] has them.
//!
//! An item that is not dropped costs nothing more. One that is costs a look at the clock and a
//! count; the subscriber runs on the thread whose call drops, under no lock of the channel.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::age::{Clock, SystemClock};
use crate::policy::Reason;
use crate::sync::{AtomicU64, Ordering};

/// Tells what a channel drops. See the [module](self). A clone tells of the same.
pub struct DropEvents<C: Clock = SystemClock>(Arc<Events<C>>);

struct Events<C: Clock> {
    channel: String,
    clock: C,
    start: Instant,
    interval: u64,
    /// When the next event may come, in nanoseconds since the start.
    due: AtomicU64,
    untold: Untold,
}

/// Items that were dropped and not told of.
struct Untold([AtomicU64; REASONS.len()]);

const REASONS: [Reason; 6] = [
    Reason::Newest,
    Reason::Oldest,
    Reason::Random,
    Reason::Expired,
    Reason::Cancelled,
    Reason::Drained,
];

impl DropEvents {
    /// Of a channel that is called so in its events; at most one a second.
    #[must_use]
    pub fn new(channel: impl Into<String>) -> Self {
        Self::by_clock(channel, Duration::from_secs(1), SystemClock)
    }

    /// At most one in each `interval`. If it is zero, each drop is told at once.
    #[must_use]
    pub fn every(channel: impl Into<String>, interval: Duration) -> Self {
        Self::by_clock(channel, interval, SystemClock)
    }
}

impl<C: Clock> DropEvents<C> {
    /// The same, by another clock.
    #[must_use]
    pub fn by_clock(channel: impl Into<String>, interval: Duration, clock: C) -> Self {
        Self(Arc::new(Events {
            channel: channel.into(),
            start: clock.now(),
            clock,
            interval: nanos(interval),
            due: AtomicU64::new(0),
            untold: Untold::new(),
        }))
    }

    /// What is to be given to [`Builder::on_drop`](crate::Builder::on_drop). May be given to
    /// several channels, which are then told of together.
    #[must_use = "a hook does nothing until a channel is made with it"]
    pub fn hook<T>(&self) -> impl Fn(&T, Reason) + Send + Sync + use<T, C>
    where
        C: Send + Sync,
    {
        let events = self.0.clone();
        move |_: &T, reason| events.dropped(reason)
    }

    /// Tells at once what is untold, if anything is.
    pub fn flush(&self) {
        self.0.tell();
    }
}

impl<C: Clock> Events<C> {
    fn dropped(&self, reason: Reason) {
        self.untold.add(reason);
        if self.interval == 0 {
            return self.tell();
        }
        let now = nanos(self.clock.now().saturating_duration_since(self.start));
        // ORDERING: Relaxed; it decides who tells, and the counts do not depend on it.
        let due = self.due.load(Ordering::Relaxed);
        let next = now.saturating_add(self.interval);
        let is_due = now >= due
            && self
                .due
                .compare_exchange(due, next, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok();
        // Whoever loses has been counted: it is told by this event or another.
        if is_due {
            self.tell();
        }
    }

    fn tell(&self) {
        let [newest, oldest, random, expired, cancelled, drained] = self.untold.take();
        if newest + oldest + random + expired + cancelled + drained > 0 {
            ::tracing::warn!(
                target: "ringfence",
                channel = self.channel,
                newest,
                oldest,
                random,
                expired,
                cancelled,
                drained,
                "items were dropped"
            );
        }
    }
}

impl<C: Clock> Drop for Events<C> {
    fn drop(&mut self) {
        self.tell();
    }
}

impl Untold {
    fn new() -> Self {
        Self(std::array::from_fn(|_| AtomicU64::new(0)))
    }

    fn add(&self, reason: Reason) {
        let mut all = REASONS.iter().zip(&self.0);
        let count = all.find_map(|(of, count)| (*of == reason).then_some(count));
        // ORDERING: Relaxed, both; each count is added and taken as a whole, and by the
        // reference count of `Events` the last take sees all.
        count.expect("a reason").fetch_add(1, Ordering::Relaxed);
    }

    fn take(&self) -> [u64; REASONS.len()] {
        let mut taken = [0; REASONS.len()];
        for (taken, count) in taken.iter_mut().zip(&self.0) {
            *taken = count.swap(0, Ordering::Relaxed);
        }
        taken
    }
}

/// Five hundred years are for ever.
fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

impl<C: Clock> Clone for DropEvents<C> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<C: Clock> fmt::Debug for DropEvents<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DropEvents")
            .field("channel", &self.0.channel)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
