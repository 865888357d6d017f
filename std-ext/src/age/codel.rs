//! CoDel: drops at a rate that grows until waits are short again.
//!
//! From RFC 8289, section 5, whose `deque` takes packets out itself, in a loop. Here items
//! come one by one, so that where the loop stands is part of [`Phase`]:
//!
//! | phase | not high | high | high, and time to drop |
//! |---|---|---|---|
//! | `Calm` | keep | drop → `Dropping` | |
//! | `Dropping` | keep → `Calm` | keep | drop → `Dropped` |
//! | `Dropped`, after the next drop is put off | keep → `Calm` | keep → `Dropping` | drop |
//!
//! High is what has waited too long after an interval of such items. The RFC also
//! * keeps the item after the first drop in any case: here it is not yet time to drop it;
//! * notes when it finds the queue empty: here the item before that was the last one, and
//!   so not high; or another receiver took it, and what this one then waits for is young.

use std::error::Error;
use std::fmt;
use std::time::{Duration, Instant};

use super::Rule;

/// Drops items while all that comes out has waited too long, at a growing rate, until
/// waits are short again. A burst that is soon worked off loses nothing.
///
/// When items have been older than the *target* for a whole *interval*, it drops one. As
/// long as that does not help, it drops the next after a shorter and shorter while, of
/// the interval through the square root of how many it has dropped. It never drops the
/// last item in the channel. By RFC 8289; its packets are items here, and instead of a
/// backlog of at most one packet, an item that leaves the channel empty stops the drops.
///
/// What it shortens is a wait that lasts; a single item may have waited for long. Where
/// there must be a bound, use [`Ttl`](super::Ttl).
///
/// With many receivers each has a rule of its own, which sees what this receiver takes
/// out, so together they drop as much more often.
#[derive(Clone, Debug)]
pub struct CoDel {
    target: Duration,
    interval: Duration,
    phase: Phase,
    /// From when on waits have been high for an interval; none while they are not.
    high_from: Option<Instant>,
    /// Also kept when calm, for how long ago it was. None before the first drop.
    next_drop: Option<Instant>,
    /// What it entered with, and how many it has dropped since.
    count: u32,
    entered_with: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Nothing is dropped.
    Calm,
    /// One is dropped whenever it is time.
    Dropping,
    /// One was dropped since it was time: if the next is high too, the next drop is put off.
    Dropped,
}

/// Why a [`CoDel`] cannot be set so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CoDelError {
    /// The target is zero.
    Zero,
    /// The target is longer than the interval.
    TargetAboveInterval,
    /// The interval is longer than a day.
    TooLong,
}

const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

impl CoDel {
    /// Target and interval. RFC 8289 recommends a target of 5 to 10 % of the interval,
    /// which are 5 and 100 ms by [`default`](Self::default).
    ///
    /// The interval is how long senders take to react to a drop, or, if they do not, how
    /// long a burst may take to be worked off.
    ///
    /// # Errors
    /// [`CoDelError`], if the target is zero or longer than the interval, or the interval
    /// is longer than a day.
    pub const fn new(target: Duration, interval: Duration) -> Result<Self, CoDelError> {
        if target.is_zero() {
            return Err(CoDelError::Zero);
        }
        if target.as_nanos() > interval.as_nanos() {
            return Err(CoDelError::TargetAboveInterval);
        }
        if interval.as_nanos() > LONGEST.as_nanos() {
            return Err(CoDelError::TooLong);
        }
        Ok(Self::set(target, interval))
    }

    const fn set(target: Duration, interval: Duration) -> Self {
        Self {
            target,
            interval,
            phase: Phase::Calm,
            high_from: None,
            next_drop: None,
            count: 0,
            entered_with: 0,
        }
    }

    /// How long items may wait.
    #[must_use]
    pub fn target(&self) -> Duration {
        self.target
    }

    /// For how long all may wait for longer, before one is dropped.
    #[must_use]
    pub fn interval(&self) -> Duration {
        self.interval
    }

    /// Whether it drops items from time to time, since waits are too long.
    #[must_use]
    pub fn is_dropping(&self) -> bool {
        self.phase != Phase::Calm
    }

    /// Whether waits have been too long for an interval: the RFC's `dodequeue`.
    fn is_high(&mut self, sent: Instant, now: Instant, is_last: impl FnOnce() -> bool) -> bool {
        if now.saturating_duration_since(sent) < self.target || is_last() {
            self.high_from = None;
            return false;
        }
        let from = *self.high_from.get_or_insert(now + self.interval);
        now >= from
    }

    fn enter(&mut self, now: Instant) {
        // Soon after the last time, it goes on with the rate that helped then.
        let lately = |at| now.saturating_duration_since(at) < 16 * self.interval;
        let dropped = self.count - self.entered_with;
        let goes_on = dropped > 1 && self.next_drop.is_some_and(lately);
        self.count = if goes_on { dropped } else { 1 };
        self.entered_with = self.count;
        self.next_drop = Some(self.drop_after(now));
        self.phase = Phase::Dropping;
    }

    /// The control law.
    fn drop_after(&self, last: Instant) -> Instant {
        last + self.interval.div_f64(f64::from(self.count).sqrt())
    }
}

impl Rule for CoDel {
    fn keeps(&mut self, sent: Instant, now: Instant, is_last: impl FnOnce() -> bool) -> bool {
        if !self.is_high(sent, now, is_last) {
            self.phase = Phase::Calm;
            return true;
        }
        if self.phase == Phase::Calm {
            self.enter(now);
            return false;
        }
        if self.phase == Phase::Dropped {
            self.next_drop = self.next_drop.map(|at| self.drop_after(at));
        }
        if self.next_drop.is_some_and(|at| now < at) {
            self.phase = Phase::Dropping;
            return true;
        }
        self.phase = Phase::Dropped;
        self.count = self.count.saturating_add(1);
        false
    }
}

/// A target of 5 ms, an interval of 100 ms.
impl Default for CoDel {
    fn default() -> Self {
        Self::set(Duration::from_millis(5), Duration::from_millis(100))
    }
}

impl fmt::Display for CoDelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Zero => "the target is zero",
            Self::TargetAboveInterval => "the target is longer than the interval",
            Self::TooLong => "the interval is longer than a day",
        })
    }
}

impl Error for CoDelError {}
