//! What each worker counts, and how it spends its time. The clock is read when it waits, and
//! not for each record.

use std::mem;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::sync::{AtomicBool, AtomicU64, METERED, Mutex, Ordering, Padded, lock};

/// What a worker waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    Items,
    Room,
}

/// A stage, for whoever watches it.
#[derive(Debug)]
pub(super) struct StageMeter {
    pub(super) name: String,
    pub(super) workers: Vec<Arc<Padded<Meter>>>,
}

impl StageMeter {
    pub(super) fn new(name: String, workers: usize) -> Arc<Self> {
        let workers = (0..workers).map(|_| Arc::default()).collect();
        Arc::new(Self { name, workers })
    }
}

/// Of one worker.
#[derive(Debug, Default)]
pub(super) struct Meter {
    pub(super) received: Tally,
    pub(super) sent: Tally,
    pub(super) dropped: Tally,
    /// Whether what it receives and sends is counted by its edges alone.
    pub(super) by_edges: ByEdges,
    /// Of records on edges that are weighed.
    pub(super) received_weight: Tally,
    pub(super) sent_weight: Tally,
    times: Mutex<Times>,
}

impl Meter {
    pub(super) fn begin(&self) {
        lock(&self.times).begin(Instant::now());
    }

    pub(super) fn end(&self) {
        lock(&self.times).end(Instant::now());
    }

    /// The worker waits until this is dropped.
    pub(super) fn wait(&self, what: Wait) -> Waiting<'_> {
        if METERED {
            lock(&self.times).wait(what, Instant::now());
        }
        Waiting(self)
    }

    pub(super) fn spent(&self, now: Instant) -> Spent {
        lock(&self.times).spent(now)
    }
}

/// While a worker waits.
pub(super) struct Waiting<'a>(&'a Meter);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if METERED {
            lock(&self.0.times).go_on(Instant::now());
        }
    }
}

/// A record that is worked on: counted as dropped unless that is done.
pub(super) struct InHand<'a>(&'a Meter);

impl<'a> InHand<'a> {
    #[inline]
    pub(super) fn new(meter: &'a Meter) -> Self {
        Self(meter)
    }

    #[inline]
    pub(super) fn done(self) {
        mem::forget(self);
    }
}

impl Drop for InHand<'_> {
    fn drop(&mut self) {
        self.0.dropped.add(1);
    }
}

/// What a worker does not count, since the edge counts the same: said before it starts.
#[derive(Debug)]
pub(super) struct ByEdges {
    pub(super) received: AtomicBool,
    pub(super) sent: AtomicBool,
}

impl Default for ByEdges {
    fn default() -> Self {
        Self {
            received: AtomicBool::new(false),
            sent: AtomicBool::new(false),
        }
    }
}

/// A count to which one thread adds.
#[derive(Debug)]
pub(super) struct Tally(AtomicU64);

impl Default for Tally {
    fn default() -> Self {
        Self(AtomicU64::new(0))
    }
}

impl Tally {
    #[inline]
    pub(super) fn add(&self, n: usize) {
        self.add_weight(n as u64);
    }

    /// The weight of one record, whatever a closure says that it is.
    #[inline]
    pub(super) fn add_weight(&self, weight: u64) {
        if METERED {
            // ORDERING: Relaxed, all; a reader that is late sees an earlier count.
            let sum = self.0.load(Ordering::Relaxed).saturating_add(weight);
            self.0.store(sum, Ordering::Relaxed);
        }
    }

    pub(super) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Where the time went, up to the last change.
#[derive(Debug, Default)]
struct Times {
    began: Option<Instant>,
    ended: Option<Instant>,
    waited: Waited,
    waits: Option<(Wait, Instant)>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Waited {
    items: Duration,
    room: Duration,
}

impl Waited {
    fn add(&mut self, what: Wait, time: Duration) {
        match what {
            Wait::Items => self.items += time,
            Wait::Room => self.room += time,
        }
    }
}

impl Times {
    fn begin(&mut self, now: Instant) {
        self.began = Some(now);
    }

    fn end(&mut self, now: Instant) {
        self.ended = Some(now);
    }

    fn wait(&mut self, what: Wait, now: Instant) {
        self.waits = Some((what, now));
    }

    fn go_on(&mut self, now: Instant) {
        if let Some((what, since)) = self.waits.take() {
            self.waited.add(what, now.saturating_duration_since(since));
        }
    }

    /// A wait that is not over counts as far as it has come.
    fn spent(&self, now: Instant) -> Spent {
        let Some(began) = self.began else {
            return Spent::default();
        };
        let mut waited = self.waited;
        if let Some((what, since)) = self.waits {
            waited.add(what, now.saturating_duration_since(since));
        }
        let alive = self.ended.unwrap_or(now).saturating_duration_since(began);
        Spent {
            alive,
            idle: waited.items,
            backpressured: waited.room,
        }
    }
}

/// How long a worker has existed, and how much of that it has waited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Spent {
    /// From its start to now, or to its end.
    pub alive: Duration,
    /// Waiting for records.
    pub idle: Duration,
    /// Waiting for room.
    pub backpressured: Duration,
}

impl Spent {
    /// What was spent since `earlier`.
    pub(super) fn since(self, earlier: Self) -> Self {
        Self {
            alive: self.alive.saturating_sub(earlier.alive),
            idle: self.idle.saturating_sub(earlier.idle),
            backpressured: self.backpressured.saturating_sub(earlier.backpressured),
        }
    }

    /// In milliseconds of each second; idle, if it has not existed for any time.
    #[must_use]
    pub fn load(self) -> Load {
        if self.alive.is_zero() {
            return Load::IDLE;
        }
        let share = |part: Duration, most: u128| {
            let share = part.as_nanos() * 1000 / self.alive.as_nanos();
            share.min(most) as u32
        };
        let idle = share(self.idle, 1000);
        let backpressured = share(self.backpressured, u128::from(1000 - idle));
        Load {
            busy: 1000 - idle - backpressured,
            idle,
            backpressured,
        }
    }
}

impl std::iter::Sum for Spent {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |a, b| Self {
            alive: a.alive + b.alive,
            idle: a.idle + b.idle,
            backpressured: a.backpressured + b.backpressured,
        })
    }
}

/// How a worker or stage spends a second, in milliseconds; they sum to 1000. The three of
/// Apache Flink.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Load {
    /// Neither of the others: at work, or ready to be.
    pub busy: u32,
    /// Waiting for records.
    pub idle: u32,
    /// Waiting for room.
    pub backpressured: u32,
}

impl Load {
    const IDLE: Self = Self {
        busy: 0,
        idle: 1000,
        backpressured: 0,
    };

    /// How bad the pressure is.
    #[must_use]
    pub fn pressure(self) -> Pressure {
        match self.backpressured {
            0..=100 => Pressure::Ok,
            101..=500 => Pressure::Low,
            _ => Pressure::High,
        }
    }
}

/// How much of its time a stage waits for room. The thresholds are Flink's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pressure {
    /// At most a tenth.
    Ok,
    /// At most half.
    Low,
    /// More than half.
    High,
}

impl std::fmt::Display for Pressure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Ok => "OK",
            Self::Low => "LOW",
            Self::High => "HIGH",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_split_and_sum_up() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut times = Times::default();
        assert_eq!(times.spent(at(5)), Spent::default());
        times.begin(at(0));
        times.wait(Wait::Items, at(100));
        // Not over, and seen all the same.
        let early = times.spent(at(400));
        assert_eq!(early.load().idle, 750);
        times.go_on(at(500));
        times.wait(Wait::Room, at(600));
        times.go_on(at(900));
        let load = Load {
            busy: 300,
            idle: 400,
            backpressured: 300,
        };
        assert_eq!(times.spent(at(1000)).load(), load);
        times.end(at(1000));
        assert_eq!(times.spent(at(9999)).load(), load);

        assert_eq!(times.spent(at(1000)).since(early).load().backpressured, 500);
    }

    #[test]
    fn loads_sum_to_1000_whatever_was_measured() {
        for (alive, idle, backpressured) in [(0, 0, 0), (3, 1, 1), (7, 3, 3), (5, 9, 9), (9, 4, 9)]
        {
            let [alive, idle, backpressured] =
                [alive, idle, backpressured].map(Duration::from_nanos);
            let load = Spent {
                alive,
                idle,
                backpressured,
            }
            .load();
            assert_eq!(load.busy + load.idle + load.backpressured, 1000, "{load:?}");
        }
        assert_eq!(Spent::default().load(), Load::IDLE);
    }

    #[test]
    fn pressure_has_the_thresholds_of_flink() {
        let pressure = |backpressured| {
            let (busy, idle) = (1000 - backpressured, 0);
            let load = Load {
                busy,
                idle,
                backpressured,
            };
            load.pressure()
        };
        assert_eq!(
            [0, 100, 101, 500, 501, 1000].map(pressure),
            [
                Pressure::Ok,
                Pressure::Ok,
                Pressure::Low,
                Pressure::Low,
                Pressure::High,
                Pressure::High
            ]
        );
    }
}
