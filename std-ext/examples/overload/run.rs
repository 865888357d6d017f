//! One run: a strategy under the overload, and what came of it.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use ringfence::{Monitor, Stats};

use crate::ledger::{Fate, Ledger};
use crate::memory::{self, Growth};
use crate::plan::{PRODUCERS, Plan};
use crate::scene::{Produced, Scene, Times};
use crate::strategy::{Ends, Strategy};

/// How things stand at one time.
pub(crate) struct Sample {
    pub(crate) seconds: f64,
    pub(crate) stats: Stats,
    /// The longest latency since the sample before.
    pub(crate) latency: Duration,
    /// Resident bytes of the process.
    pub(crate) resident: Option<u64>,
}

/// What came of it.
pub(crate) struct Outcome {
    pub(crate) strategy: Strategy,
    /// Of all channels on the way, as of one.
    pub(crate) stats: Stats,
    pub(crate) times: Times,
    pub(crate) produced: Produced,
    /// Ends that died, and those of them that panicked.
    pub(crate) died: [u64; 2],
    pub(crate) most_bytes: u64,
    pub(crate) growth: Option<Growth>,
    pub(crate) samples: Vec<Sample>,
    /// What must not be, and was.
    pub(crate) violations: Vec<String>,
}

/// What all runs have in common.
pub(crate) struct Setting {
    pub(crate) plan: Plan,
    pub(crate) capacity: usize,
    pub(crate) chaos: bool,
    /// Counts an item too many, to show that this is noticed.
    pub(crate) miscount: bool,
}

impl Setting {
    /// Shows each sample to `watch`.
    pub(crate) fn run(&self, strategy: Strategy, watch: &mut dyn FnMut(&Sample)) -> Outcome {
        let plan = &self.plan;
        let ledger = Arc::new(Ledger::default());
        let Ends {
            input,
            output,
            monitors,
        } = strategy.ends(self.capacity, plan.service, &ledger);
        let scene = &Scene {
            plan,
            begin: Instant::now(),
            ledger,
            times: Mutex::new(Times::new()),
            chaos: self.chaos,
            died: AtomicU64::new(0),
            panicked: AtomicU64::new(0),
        };
        let mut samples = Vec::new();
        let mut produced = Produced::default();
        thread::scope(|scope| {
            let consumer = scope.spawn(|| scene.consume(output));
            let inputs: Vec<_> = (0..PRODUCERS).map(|_| input.another()).collect();
            drop(input);
            let producers = inputs.into_iter().enumerate();
            let producers: Vec<_> = producers
                .map(|(nth, input)| scope.spawn(move || scene.produce(nth, input)))
                .collect();
            let every = (plan.length / 200).max(Duration::from_millis(5));
            while !consumer.is_finished() {
                thread::sleep(every);
                let sample = sample(scene, &monitors);
                watch(&sample);
                samples.push(sample);
            }
            for producer in producers {
                let one = producer.join().expect("only its lives panic");
                produced.held_back += one.held_back;
                produced.longest_send = produced.longest_send.max(one.longest_send);
            }
        });
        if self.miscount {
            scene.ledger.note(Fate::Delivered, 0);
        }
        let times = std::mem::replace(&mut *scene.times(), Times::new());
        let mut outcome = Outcome {
            strategy,
            stats: look(&monitors),
            times,
            produced,
            died: [&scene.died, &scene.panicked].map(|ends| ends.load(Relaxed)),
            most_bytes: scene.ledger.most_bytes(),
            growth: growth(&samples),
            samples,
            violations: gaps(&monitors),
        };
        let errors = scene.ledger.errors(&outcome.stats);
        outcome.violations.extend(errors);
        outcome.violations.extend(self.promises(&outcome));
        outcome
    }

    /// What was promised and not held.
    fn promises(&self, outcome: &Outcome) -> Vec<String> {
        let mut broken = Vec::new();
        let (longest, bound) = (outcome.times.longest_inside, self.bound(outcome));
        if longest > bound {
            broken.push(format!("inside for {longest:.1?}, bound {bound:.1?}"));
        }
        let grows = outcome.growth.as_ref().is_some_and(Growth::is_leak);
        if self.chaos && grows {
            broken.push("resident memory grows".into());
        }
        broken
    }

    /// How long an item can be inside, if nothing but the plan holds up the consumer: those before
    /// it are worked on, and stalls come in between. It went in before its send ended.
    fn bound(&self, outcome: &Outcome) -> Duration {
        if let Some(oldest) = outcome.strategy.oldest(self.capacity, self.plan.service) {
            return oldest;
        }
        // One is being worked on, and one on its way from channel to channel, or from each sender.
        let before = outcome.stats.capacity as u32 + 2 + PRODUCERS as u32;
        let wait = self.plan.service * before + outcome.produced.longest_send;
        wait + self.plan.stalled_in(wait)
    }
}

fn sample(scene: &Scene<'_>, monitors: &[Monitor]) -> Sample {
    Sample {
        seconds: scene.begin.elapsed().as_secs_f64(),
        stats: look(monitors),
        latency: std::mem::take(&mut scene.times().recent),
        resident: memory::resident(),
    }
}

fn growth(samples: &[Sample]) -> Option<Growth> {
    let resident = |sample: &Sample| Some((sample.seconds, sample.resident?));
    Growth::of(&samples.iter().filter_map(resident).collect::<Vec<_>>())
}

/// The counts of channels in a row, as of one.
fn look(monitors: &[Monitor]) -> Stats {
    // The last first, so that nothing is delivered that was not yet stored.
    let mut all = monitors.iter().rev().map(Monitor::stats);
    let last = all.next().expect("there is a channel");
    all.fold(last, |rest, mut stats| {
        stats.depth += stats.delivered - rest.delivered;
        stats.delivered = rest.delivered;
        stats.capacity += rest.capacity;
        stats.high_water += rest.high_water;
        stats
    })
}

/// Where what comes out of a channel does not go into the next.
fn gaps(monitors: &[Monitor]) -> Vec<String> {
    let all: Vec<_> = monitors.iter().map(Monitor::stats).collect();
    let gaps = all.windows(2).filter_map(|pair| {
        let (out, into) = (pair[0].delivered, pair[1].offered);
        (out != into).then(|| format!("{out} out of one channel, {into} into the next"))
    });
    gaps.collect()
}
