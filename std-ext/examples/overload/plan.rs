//! The overload: when items are to be sent, and when the consumer stands still. Made from a seed,
//! once, so that every strategy meets the same.

use std::time::{Duration, Instant};

use fastrand::Rng;

/// How many producers share the load.
pub(crate) const PRODUCERS: usize = 2;
/// What a burst brings, in what the consumer can take.
const BURST: f64 = 10.0;
/// What a lull brings, with which the plan begins and ends: so that recovery is seen, too.
const LULL: f64 = 0.5;
/// Bytes of an item, from and to.
const SIZES: std::ops::Range<usize> = 64..2048;

/// A time from the start of a run on, and how long it lasts.
#[derive(Clone, Copy)]
pub(crate) struct Span {
    start: Duration,
    length: Duration,
}

pub(crate) struct Plan {
    pub(crate) length: Duration,
    /// How long the consumer works on an item.
    pub(crate) service: Duration,
    /// Items that come, for one that the consumer can take, but for bursts and lulls.
    pub(crate) load: f64,
    pub(crate) bursts: Vec<Span>,
    pub(crate) stalls: Vec<Span>,
    seed: u64,
}

impl Plan {
    /// Ten parts, or parts of two seconds. By turns they have a burst and a stall, somewhere in
    /// them. No stall is longer than `longest_stall`.
    pub(crate) fn new(
        length: Duration,
        service: Duration,
        load: f64,
        longest_stall: Duration,
        seed: u64,
    ) -> Self {
        let part = (length / 10).min(Duration::from_secs(2));
        let parts = length.div_duration_f64(part) as u32;
        let mut rng = Rng::with_seed(seed);
        let mut somewhere = |nth: u32, longest: Duration| {
            let length = longest.mul_f64(0.5 + rng.f64() / 2.0);
            let start = part * nth + (part - length).mul_f64(rng.f64());
            Span { start, length }
        };
        let amid = 1..parts.saturating_sub(1);
        let bursts = amid.clone().step_by(2);
        let bursts = bursts.map(|nth| somewhere(nth, part / 4)).collect();
        let stalls = amid.skip(1).step_by(2);
        let longest_stall = longest_stall.min(part / 2);
        let stalls = stalls.map(|nth| somewhere(nth, longest_stall)).collect();
        Self {
            length,
            service,
            load,
            bursts,
            stalls,
            seed,
        }
    }

    /// How much comes at that time, for one that the consumer can take.
    fn load_at(&self, at: Duration) -> f64 {
        let lull = self.length / 10;
        let is_burst = |span: &Span| span.start <= at && at < span.start + span.length;
        if at < lull || at >= self.length - lull {
            LULL
        } else if self.bursts.iter().any(is_burst) {
            BURST.max(self.load)
        } else {
            self.load
        }
    }

    /// When one of the producers is to send, and how many bytes.
    pub(crate) fn schedule(&self, producer: usize) -> impl Iterator<Item = (Duration, usize)> {
        let mut rng = Rng::with_seed(self.seed ^ producer as u64);
        // They take turns.
        let mut at = self.service.mul_f64(producer as f64 / self.load);
        std::iter::from_fn(move || {
            let now = at;
            at += self.service.mul_f64(PRODUCERS as f64 / self.load_at(at));
            (now < self.length).then(|| (now, rng.usize(SIZES)))
        })
    }

    /// How long the consumer stalls in all.
    pub(crate) fn stalled(&self) -> Duration {
        self.stalls.iter().map(|stall| stall.length).sum()
    }

    /// The longest that stalls can add to a wait that takes `wait` without them.
    pub(crate) fn stalled_in(&self, wait: Duration) -> Duration {
        let from = |first: usize| {
            let stalls = &self.stalls[first..];
            stalls.iter().fold(Duration::ZERO, |stalled, stall| {
                let is_met = stall.start <= stalls[0].start + wait + stalled;
                stalled + if is_met { stall.length } else { Duration::ZERO }
            })
        };
        (0..self.stalls.len()).map(from).max().unwrap_or_default()
    }
}

/// The consumer's time, by which it ends an item `service` after it could begin it, whatever
/// the machine does: if it wakes late, it makes up for that.
pub(crate) struct Pace<'a> {
    plan: &'a Plan,
    begin: Instant,
    /// When the item before is done.
    due: Instant,
    stalls: std::slice::Iter<'a, Span>,
}

impl<'a> Pace<'a> {
    pub(crate) fn new(plan: &'a Plan, begin: Instant) -> Self {
        Self {
            plan,
            begin,
            due: begin,
            stalls: plan.stalls.iter(),
        }
    }

    /// Begins an item, and says when that was, or would have been if nothing but the plan held
    /// it up.
    pub(crate) fn begin(&mut self, sent: Instant) -> Instant {
        let begun = self.due.max(sent);
        self.due = begun + self.plan.service;
        let met = |stall: &&Span| self.begin + stall.start <= begun;
        while let Some(stall) = self.stalls.as_slice().first().filter(met) {
            self.due += stall.length;
            self.stalls.next();
        }
        begun
    }

    /// Works on it: nothing but time passes.
    pub(crate) fn work(&self) {
        sleep_until(self.due);
    }
}

pub(crate) fn sleep_until(due: Instant) {
    std::thread::sleep(due.saturating_duration_since(Instant::now()));
}
