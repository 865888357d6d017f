//! The two sides of a run: producers that keep to a schedule, and a consumer that keeps to its
//! pace, whatever becomes of their ends.

use std::panic::resume_unwind;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;
use hdrhistogram::Histogram;
use ringfence::Sent;
use ringfence::age::Timed;

use crate::ends::{Input, Output};
use crate::ledger::{Fate, Item, Ledger};
use crate::plan::{Pace, Plan, sleep_until};

/// How many items an end lives for, in chaos.
const LIFE: std::ops::Range<usize> = 500..5000;

/// What both sides share.
pub(crate) struct Scene<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) begin: Instant,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) times: Mutex<Times>,
    /// Whether ends die, and others take their places.
    pub(crate) chaos: bool,
    /// How many did, and how many of these in a panic.
    pub(crate) died: AtomicU64,
    pub(crate) panicked: AtomicU64,
}

/// Times of items, in microseconds, when they are received.
pub(crate) struct Times {
    /// Since they should have been sent.
    pub(crate) latency: Histogram<u64>,
    /// Since they were sent.
    pub(crate) inside: Histogram<u64>,
    /// The longest of those inside, had nothing but the plan held up the consumer.
    pub(crate) longest_inside: Duration,
    /// The longest latency of late.
    pub(crate) recent: Duration,
}

impl Times {
    pub(crate) fn new() -> Self {
        let histogram = || Histogram::new(3).expect("3 digits are possible");
        Self {
            latency: histogram(),
            inside: histogram(),
            longest_inside: Duration::ZERO,
            recent: Duration::ZERO,
        }
    }
}

/// What a producer did not send when time was up, and how long a send took at most.
#[derive(Default)]
pub(crate) struct Produced {
    pub(crate) held_back: u64,
    pub(crate) longest_send: Duration,
}

impl Scene<'_> {
    pub(crate) fn times(&self) -> MutexGuard<'_, Times> {
        self.times.lock().expect("who holds it does not panic")
    }

    /// Sends what one of the producers has to send.
    pub(crate) fn produce(&self, nth: usize, input: Box<dyn Input>) -> Produced {
        let mut schedule = self.plan.schedule(nth);
        let mut produced = Produced::default();
        let live = |input: &mut Box<dyn Input>, life: Life| {
            for _ in 0..life.items {
                let Some((at, bytes)) = schedule.next() else {
                    return false;
                };
                let intended = self.begin + at;
                sleep_until(intended);
                if self.begin.elapsed() >= self.plan.length {
                    produced.held_back = 1 + schedule.by_ref().count() as u64;
                    return false;
                }
                let item = self.ledger.item(intended, bytes);
                let sent = item.sent;
                self.send(&mut **input, item);
                produced.longest_send = produced.longest_send.max(sent.elapsed());
            }
            life.end();
            true
        };
        self.lives(input, |input| Some(input.another()), live);
        produced
    }

    fn send(&self, input: &mut dyn Input, item: Item) {
        let (id, sent) = (item.id, item.sent);
        match input.send(Timed::at(item, sent)) {
            Sent::Stored => self.ledger.note(Fate::Stored, id),
            Sent::Refused(item) => self.ledger.note(Fate::Refused, item.get().id),
            Sent::Evicted(oldest) => {
                self.ledger.note(Fate::Stored, id);
                self.ledger.note(Fate::Evicted, oldest.get().id);
            }
        }
    }

    /// Takes and works on all that comes.
    pub(crate) fn consume(&self, output: Box<dyn Output>) {
        let mut pace = Pace::new(self.plan, self.begin);
        let live = |output: &mut Box<dyn Output>, life: Life| {
            for n in 1..=life.items {
                let more = output.next(&mut |item| {
                    self.receive(item, &mut pace);
                    if n == life.items {
                        life.end(); // with an item in hand
                    }
                });
                if !more {
                    return false;
                }
            }
            true
        };
        self.lives(output, |output| output.another(), live);
    }

    fn receive(&self, item: &Item, pace: &mut Pace<'_>) {
        let now = Instant::now();
        self.ledger.note(Fate::Delivered, item.id);
        let planned = pace.begin(item.sent) - item.sent;
        let mut times = self.times();
        let latency = now.saturating_duration_since(item.intended);
        // A histogram that resizes itself takes any value.
        let _always = times.latency.record(latency.as_micros() as u64);
        let inside = now.saturating_duration_since(item.sent);
        let _always = times.inside.record(inside.as_micros() as u64);
        times.longest_inside = times.longest_inside.max(planned);
        times.recent = times.recent.max(latency);
        drop(times);
        pace.work();
    }

    /// Lets an end live for good; in chaos one after the other, each on a thread of its own. `live`
    /// says whether there is more to do.
    fn lives<E: Send>(
        &self,
        mut first: E,
        another: impl Fn(&E) -> Option<E>,
        mut live: impl FnMut(&mut E, Life) -> bool + Send,
    ) {
        let mut rng = Rng::new();
        loop {
            let Some(mut end) = another(&first).filter(|_| self.chaos) else {
                live(&mut first, Life::FOR_GOOD);
                return;
            };
            let life = Life {
                items: rng.usize(LIFE),
                panics: rng.bool(),
            };
            let live = &mut live;
            let ended = thread::scope(|scope| scope.spawn(move || live(&mut end, life)).join());
            self.died.fetch_add(1, Relaxed);
            self.panicked.fetch_add(ended.is_err().into(), Relaxed);
            // Who panicked has left something to do.
            if !ended.unwrap_or(true) {
                return;
            }
        }
    }
}

/// How long an end lives, and how it dies.
#[derive(Clone, Copy)]
struct Life {
    items: usize,
    panics: bool,
}

impl Life {
    const FOR_GOOD: Self = Self {
        items: usize::MAX,
        panics: false,
    };

    fn end(self) {
        if self.panics {
            resume_unwind(Box::new("chaos")); // without a word on stderr
        }
    }
}
