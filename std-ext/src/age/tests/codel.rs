//! CoDel beside the pseudo-code of RFC 8289, and beside times that were worked out by hand.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::MS;
use crate::age::{Clock, CoDel, CoDelError, ManualClock, Rule, Timed};
use crate::channel;

#[test]
fn settings_that_make_no_sense_are_errors() {
    let day = Duration::from_secs(24 * 60 * 60);
    let error = |target, interval| CoDel::new(target, interval).err();
    assert_eq!(error(Duration::ZERO, MS), Some(CoDelError::Zero));
    assert_eq!(error(2 * MS, MS), Some(CoDelError::TargetAboveInterval));
    assert_eq!(error(MS, day + MS), Some(CoDelError::TooLong));
    assert_eq!((error(MS, MS), error(day, day)), (None, None));
    let usual = CoDel::default();
    assert_eq!((usual.target(), usual.interval()), (5 * MS, 100 * MS));
    assert_eq!(CoDelError::Zero.to_string(), "the target is zero");
}

/// The rule, at times in milliseconds from `start`.
struct Asked {
    rule: CoDel,
    start: Instant,
}

impl Asked {
    fn new() -> Self {
        Self {
            rule: CoDel::default(),
            start: Instant::now(),
        }
    }

    /// Whether an item is dropped that has waited for `age`, others being behind it.
    fn drops(&mut self, at: u32, age: u32) -> bool {
        // One second on, so that there is a time before the first.
        let now = self.start + (1000 + at) * MS;
        !self.rule.keeps(now - age * MS, now, || false)
    }

    /// When items are dropped, if all of that time are as old, one for each millisecond,
    /// and another for each that is dropped.
    fn drops_during(&mut self, times: std::ops::Range<u32>, age: u32) -> Vec<u32> {
        let mut dropped = Vec::new();
        for at in times {
            while self.drops(at, age) {
                dropped.push(at);
            }
        }
        dropped
    }
}

/// After 100 ms the first; then after 100, 100/√2, 100/√3 … ms, which are 220, 290.7, 348.4,
/// 398.4, 443.2, 484.0 and 521.8; items come at whole ones.
#[test]
fn drops_come_faster_and_faster() {
    let mut asked = Asked::new();
    let times = asked.drops_during(20..500, 20);
    assert_eq!(times, [120, 220, 291, 349, 399, 444, 484]);
    assert!(asked.rule.is_dropping());
    // One that has not waited too long ends it. It takes another interval to begin.
    assert!(!asked.drops(500, 4));
    assert!(!asked.rule.is_dropping());
    // It has dropped 7, and had begun with 1: goes on with 6, and after 100/√6 = 40.8.
    assert_eq!(asked.drops_during(501..700, 5), [601, 642, 680]);
}

#[test]
fn after_a_long_calm_it_begins_anew() {
    for (calm, second) in [(1599, 41), (1600, 100)] {
        let mut asked = Asked::new();
        assert_eq!(asked.drops_during(20..485, 20).len(), 7);
        assert!(!asked.drops(485, 0));
        // Counted from when the next drop was due, at 484.0 and 37.8 ms.
        let again = 522 + calm;
        assert!(asked.drops_during(again - 100..again, 20).is_empty());
        let times = asked.drops_during(again..again + 101, 20);
        assert_eq!(times[..2], [again, again + second], "calm for {calm}");
    }
}

#[test]
fn a_burst_that_is_worked_off_loses_nothing() {
    let clock = ManualClock::new();
    let (mut tx, rx) = channel(128).spsc().build();
    let mut rx = rx.fresh(CoDel::default()).by_clock(clock.clone());
    for item in 0..95 {
        assert!(tx.send(Timed::by(&clock, item)).is_ok());
    }
    for item in 0..95 {
        clock.advance(MS);
        assert_eq!(rx.try_recv(), Ok(item));
    }
    assert_eq!(rx.stats().expired, 0);
}

#[test]
fn the_last_item_is_never_dropped() {
    let clock = ManualClock::new();
    let (mut tx, rx) = channel(4).spsc().build();
    let mut rx = rx.fresh(CoDel::default()).by_clock(clock.clone());
    for item in 0..50 {
        assert!(tx.send(Timed::by(&clock, item)).is_ok());
        clock.advance(1000 * MS);
        assert_eq!(rx.try_recv(), Ok(item));
    }
    // Nor the last of many that are taken out together.
    for _ in 0..4 {
        let sent = clock.now() - 1000 * MS;
        assert!(
            tx.send_many([1, 2, 3].map(|item| Timed::at(item, sent)))
                .is_ok()
        );
        clock.advance(1000 * MS);
        let mut buffer = vec![];
        assert!(rx.recv_many(&mut buffer, 3).unwrap() > 0);
        assert_eq!(buffer.last(), Some(&3));
    }
    assert_eq!(rx.stats().depth, 0);
}

/// The queue of RFC 8289, section 5, of packets that are all one unit in size, with a
/// `maxpacket` of none. Times are in nanoseconds, and 0 stands for none, as there.
#[derive(Default)]
struct Oracle {
    queue: VecDeque<(u64, u32)>,
    dropped: Vec<u32>,
    first_above_time: u64,
    drop_next: u64,
    count: u32,
    lastcount: u32,
    dropping: bool,
    seen: Seen,
}

/// What the runs have come across.
#[derive(Debug, Default)]
struct Seen {
    entered: u32,
    entered_with_more: u32,
    several_at_once: u32,
    left_after_a_drop: u32,
    found_empty: u32,
}

const TARGET: u64 = 5_000_000;
const INTERVAL: u64 = 100_000_000;

impl Oracle {
    fn control_law(t: u64, count: u32) -> u64 {
        t + (INTERVAL as f64 / f64::from(count).sqrt()).round() as u64
    }

    fn dodequeue(&mut self, now: u64) -> (Option<u32>, bool) {
        let Some((sent, item)) = self.queue.pop_front() else {
            self.first_above_time = 0;
            return (None, false);
        };
        let mut ok_to_drop = false;
        if now - sent < TARGET || self.queue.is_empty() {
            self.first_above_time = 0;
        } else if self.first_above_time == 0 {
            self.first_above_time = now + INTERVAL;
        } else if now >= self.first_above_time {
            ok_to_drop = true;
        }
        (Some(item), ok_to_drop)
    }

    fn deque(&mut self, now: u64) -> Option<u32> {
        let (mut item, mut ok_to_drop) = self.dodequeue(now);
        self.seen.found_empty += u32::from(item.is_none());
        if self.dropping {
            if !ok_to_drop {
                self.dropping = false;
            }
            let before = self.dropped.len();
            while now >= self.drop_next && self.dropping {
                self.dropped.extend(item);
                self.count += 1;
                (item, ok_to_drop) = self.dodequeue(now);
                if ok_to_drop {
                    self.drop_next = Self::control_law(self.drop_next, self.count);
                } else {
                    self.dropping = false;
                    self.seen.left_after_a_drop += 1;
                }
            }
            self.seen.several_at_once += u32::from(self.dropped.len() > before + 1);
        } else if ok_to_drop {
            self.dropped.extend(item);
            (item, _) = self.dodequeue(now);
            self.dropping = true;
            let delta = self.count - self.lastcount;
            self.count = 1;
            if delta > 1 && (now as i64 - self.drop_next as i64) < 16 * INTERVAL as i64 {
                self.count = delta;
                self.seen.entered_with_more += 1;
            }
            self.drop_next = Self::control_law(now, self.count);
            self.lastcount = self.count;
            self.seen.entered += 1;
        }
        item
    }
}

/// A small generator of random numbers (xorshift, Marsaglia 2003).
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }
}

#[test]
fn agrees_with_the_pseudo_code() {
    let seeds = if cfg!(miri) { 1..2 } else { 1..600 };
    let mut seen = Seen::default();
    for seed in seeds {
        let random = &mut Random(seed << 32 | 0x9e37_79b9);
        seen = run(random, seen);
    }
    let all = [
        seen.entered,
        seen.entered_with_more,
        seen.several_at_once,
        seen.left_after_a_drop,
        seen.found_empty,
    ];
    assert!(cfg!(miri) || all.iter().all(|&n| n > 100), "{seen:?}");
}

/// Phases of load that comes faster or slower than the receiver, which pauses at times.
fn run(random: &mut Random, seen: Seen) -> Seen {
    let clock = ManualClock::new();
    let mut time = INTERVAL;
    let (mut tx, rx) = channel(4096).spsc().build();
    let mut rx = rx.fresh(CoDel::default()).by_clock(clock.clone());
    let mut oracle = Oracle {
        seen,
        ..Oracle::default()
    };
    let mut next = 0;
    for _ in 0..30 {
        let (arrivals, pause) = (1 + random.below(30), 1 + random.below(4_000_000));
        for _ in 0..random.below(400) {
            let step = match random.below(200) {
                0 => random.below(INTERVAL),
                _ => random.below(pause),
            };
            clock.advance(Duration::from_nanos(step));
            time += step;
            // On average, up to one and a half for each receive.
            for _ in 0..random.below(2 + arrivals / 10) {
                if tx.try_send(Timed::by(&clock, next)).is_ok() {
                    oracle.queue.push_back((time, next));
                    next += 1;
                }
            }
            if oracle.queue.is_empty() || random.below(500) > 0 {
                assert_eq!(rx.try_recv().ok(), oracle.deque(time));
            } else {
                let mut items = vec![];
                rx.recv_many(&mut items, usize::MAX).unwrap();
                let all = std::iter::from_fn(|| {
                    let more = !oracle.queue.is_empty();
                    more.then(|| oracle.deque(time))
                });
                assert!(items.into_iter().map(Some).eq(all));
            }
        }
        let stats = rx.stats();
        assert_eq!(stats.expired, oracle.dropped.len() as u64);
        assert!(stats.is_exact());
    }
    oracle.seen
}
