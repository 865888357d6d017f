//! How large an edge is to be that sizes itself: pure arithmetic. The rule is that of Apache
//! Flink's buffer debloating, with its constants.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::age::{Clock, SystemClock};

/// How much working time a measurement takes.
const PERIOD: Duration = Duration::from_millis(200);

/// Within how much working time what was measured before counts e times less: Flink's average
/// is of 20 measurements, so each counts 2/21, as it does by this.
const MEMORY: Duration = Duration::from_secs(2);

/// By how much of its capacity it must differ for an edge to be resized.
const THRESHOLD: f64 = 0.25;

/// How long records are to wait in an edge, which sizes itself by that: after Apache Flink's
/// buffer debloating.
///
/// The edge fits as many records as its stage gets through in that time, so that a slow stage
/// does not have a long queue before it. It begins with its whole capacity. Whenever its workers
/// have been at work for 200 ms, it looks how many records they got through, takes an average
/// over some seconds, and is resized when it is wrong by a quarter or more.
///
/// ```
/// use std::time::Duration;
/// use ringfence::pipeline::{Pipeline, TargetDelay};
///
/// Pipeline::source("read", 0..1000)
///     .sink("write", drop)
///     .capacity(512) // at most
///     .target_delay(TargetDelay::of(Duration::from_millis(50)).at_least(16))
///     .run()?;
/// # Ok::<(), ringfence::pipeline::PipelineError>(())
/// ```
#[derive(Clone)]
pub struct TargetDelay {
    target: Duration,
    least: usize,
    clock: Arc<dyn Clock + Send + Sync>,
}

impl TargetDelay {
    /// This delay.
    #[must_use]
    pub fn of(target: Duration) -> Self {
        let clock = Arc::new(SystemClock);
        Self {
            target,
            least: 1,
            clock,
        }
    }

    /// The edge always fits so many records, or its capacity if that is less; 1 unless said.
    ///
    /// # Panics
    /// If it is 0.
    #[must_use]
    pub fn at_least(self, records: usize) -> Self {
        assert!(records > 0, "an edge for no records");
        let least = records;
        Self { least, ..self }
    }

    /// Goes by this clock; by [`SystemClock`] unless said. A worker reads it whenever it
    /// receives, under no lock.
    #[must_use]
    pub fn clock(self, clock: impl Clock + Send + Sync + 'static) -> Self {
        let clock = Arc::new(clock);
        Self { clock, ..self }
    }

    pub(super) fn now(&self) -> Instant {
        self.clock.now()
    }
}

/// One second, as in Flink.
impl Default for TargetDelay {
    fn default() -> Self {
        Self::of(Duration::from_secs(1))
    }
}

impl From<Duration> for TargetDelay {
    fn from(target: Duration) -> Self {
        Self::of(target)
    }
}

impl fmt::Debug for TargetDelay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TargetDelay")
            .field("target", &self.target)
            .field("least", &self.least)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for TargetDelay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sized for {:?}, at least {}", self.target, self.least)
    }
}

/// Sizes one channel.
#[derive(Debug)]
pub(super) struct Sizer {
    target: Duration,
    least: f64,
    most: f64,
    workers: u32,
    /// What is in force.
    capacity: usize,
    /// What it should be, by all that was measured.
    average: f64,
    /// Of the measurement that is being made: how many records, in how much time of all
    /// workers together.
    received: f64,
    worked: Duration,
}

impl Sizer {
    /// For a channel of at most `most` records, with so many workers behind it.
    pub(super) fn new(delay: &TargetDelay, most: usize, workers: usize) -> Self {
        Self {
            target: delay.target,
            least: delay.least.min(most) as f64,
            most: most as f64,
            workers: u32::try_from(workers).unwrap_or(u32::MAX),
            capacity: most,
            average: most as f64,
            received: 0.0,
            worked: Duration::ZERO,
        }
    }

    pub(super) fn capacity(&self) -> usize {
        self.capacity
    }

    /// A worker has got through so many records in so much time, in which it did not wait for
    /// any. Says whether the capacity is another now.
    pub(super) fn worked(&mut self, records: usize, time: Duration) -> bool {
        self.received += records as f64;
        self.worked = self.worked.saturating_add(time);
        let each = self.worked / self.workers;
        if each < PERIOD {
            return false;
        }
        let each = each.as_secs_f64();
        let asked = self.received * self.target.as_secs_f64() / each;
        (self.received, self.worked) = (0.0, Duration::ZERO);
        // Before the average, lest it has to come back from far outside.
        let asked = asked.clamp(self.least, self.most);
        let forgotten = 1.0 - (-each / MEMORY.as_secs_f64()).exp();
        self.average += forgotten * (asked - self.average);

        let wanted = self.average.round();
        let off = (wanted - self.capacity as f64).abs();
        let is_due = off >= THRESHOLD * self.capacity as f64;
        // The bounds are reached, though by small steps.
        let is_bound = wanted <= self.least || wanted >= self.most;
        if off == 0.0 || !is_due && !is_bound {
            return false;
        }
        self.capacity = wanted as usize;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizer(least: usize, most: usize, workers: usize) -> Sizer {
        let delay = TargetDelay::default().at_least(least);
        Sizer::new(&delay, most, workers)
    }

    /// Each record takes so long; returns the capacities in force, without repetitions.
    fn sizes(sizer: &mut Sizer, records: usize, time: Duration) -> Vec<usize> {
        let resized = (0..records).filter_map(|_| {
            let resized = sizer.worked(1, time);
            resized.then_some(sizer.capacity())
        });
        resized.collect()
    }

    #[test]
    fn it_comes_to_what_is_got_through_in_the_target() {
        let mut sizer = sizer(1, 1000, 1);
        let down = sizes(&mut sizer, 3000, Duration::from_millis(10));
        assert!(down.is_sorted_by(|a, b| b < a), "{down:?}");
        let steps = down.iter().zip(&down[1..]);
        assert!(
            steps.clone().all(|(a, b)| (a - b) * 4 >= *a),
            "small steps: {down:?}"
        );
        assert!((80..=133).contains(&sizer.capacity()), "{down:?}");
        // Half as fast, and then twice.
        sizes(&mut sizer, 3000, Duration::from_millis(20));
        assert!((40..=67).contains(&sizer.capacity()), "{sizer:?}");
        sizes(&mut sizer, 6000, Duration::from_millis(5));
        assert!((150..=267).contains(&sizer.capacity()), "{sizer:?}");
    }

    #[test]
    fn it_forgets_as_much_as_the_average_of_flink() {
        let mut sizer = sizer(1, 1000, 1);
        // 200 ms in which nothing comes through weigh 2/21.
        sizer.worked(0, PERIOD);
        let by_flink = 1000.0 - 2.0 / 21.0 * 999.0;
        assert!((sizer.average - by_flink).abs() < 0.5, "{sizer:?}");
        // Once 2 s are as much as ten times 200 ms.
        let mut other = self::sizer(1, 1000, 1);
        for _ in 0..10 {
            other.worked(20, PERIOD);
        }
        let mut once = self::sizer(1, 1000, 1);
        once.worked(200, 10 * PERIOD);
        assert!((once.average - other.average).abs() < 1e-6);
    }

    #[test]
    fn it_stays_within_its_bounds_and_reaches_them() {
        let mut sizer = sizer(16, 64, 1);
        let down = sizes(&mut sizer, 500, Duration::from_secs(1));
        assert!(down.iter().all(|n| (16..64).contains(n)));
        assert_eq!(sizer.capacity(), 16);
        let up = sizes(&mut sizer, 100_000, Duration::from_micros(100));
        assert!(up.iter().all(|n| (17..=64).contains(n)));
        assert_eq!(sizer.capacity(), 64);
        // No more than its capacity, whatever was said.
        let mut tiny = self::sizer(16, 3, 1);
        assert!(sizes(&mut tiny, 500, Duration::from_secs(1)).is_empty());
        assert_eq!(tiny.capacity(), 3);
    }

    #[test]
    fn small_deviations_change_nothing() {
        let mut sizer = sizer(1, 1000, 1);
        sizes(&mut sizer, 5000, Duration::from_millis(10));
        let settled = sizer.capacity();
        let around = [11, 9, 10, 12, 9, 8, 10, 11, 9].map(Duration::from_millis);
        for time in around.iter().cycle().take(2000) {
            assert!(!sizer.worked(1, *time));
        }
        assert_eq!(sizer.capacity(), settled);
    }

    #[test]
    fn workers_of_one_channel_add_up() {
        let mut sizer = sizer(1, 1000, 4);
        sizes(&mut sizer, 10_000, Duration::from_millis(40));
        assert!((80..=133).contains(&sizer.capacity()), "{sizer:?}");
        // Of one alone it is known what the four could do.
        let before = sizer.capacity();
        assert!(sizes(&mut sizer, 1000, Duration::from_millis(40)).is_empty());
        assert_eq!(sizer.capacity(), before);
    }

    #[test]
    fn no_time_and_no_target_are_no_trouble() {
        let mut sizer = sizer(1, 10, 1);
        assert!(!sizer.worked(1_000_000, Duration::ZERO));
        let mut none = Sizer::new(&Duration::ZERO.into(), 10, 1);
        assert!(none.worked(1, Duration::MAX));
        assert_eq!(none.capacity(), 1);
        let mut long = Sizer::new(&Duration::MAX.into(), 10, 1);
        assert!(!long.worked(usize::MAX, Duration::from_secs(1)));
        assert_eq!(long.capacity(), 10);
    }
}
