//! How long it takes to wake a receiver: from a send until the receiver, which sleeps,
//! has the item.
//!
//! Sender and receiver have a core each, and the sender keeps its own busy. It sends
//! when the receiver's thread has slept for a while, as far as the system tells.

use std::fs;
use std::hint::spin_loop;
use std::marker::PhantomData;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Barrier, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use futures_lite::future;

use crate::crews::{Setting, Shape};
use crate::groups::{Group, Measure, Outcome, YIELDS};
use crate::harness::{Cores, Pop, Push, Run};
use crate::tasks::runtimes::{BlockOn, Smol, TokioCurrent};
use crate::tasks::{Receives, Sends};
use crate::{blocking, tasks};

const MEASURE: Measure = Measure {
    figures: &["ns, median", "ns, p99"],
    most: Some(1000),
    ..YIELDS
};

/// The channels' setting; also of `idle`.
pub(crate) const SETTING: Setting = Setting {
    shape: Shape::ONE,
    capacity: 64,
};

/// For how long a receiver sleeps at least before it is woken.
const SLEEP: Duration = Duration::from_micros(50);

/// All groups.
pub fn groups() -> Vec<Group> {
    vec![
        Group {
            name: "wake/thread".into(),
            about: "from a send until a sleeping thread has the item".into(),
            measure: MEASURE,
            contestants: blocking::contestants::<Thread>(SETTING),
        },
        group_on::<TokioCurrent>(),
        group_on::<Smol>(),
    ]
}

fn group_on<B: BlockOn>() -> Group {
    Group {
        name: format!("wake/{}", B::NAME),
        about: "from a thread's send until a future, whose thread sleeps, has the item".into(),
        measure: MEASURE,
        contestants: tasks::contestants::contestants::<FutureOn<B>>(SETTING),
    }
}

/// Wakes a thread.
struct Thread;

impl blocking::Work for Thread {
    fn run<S: Push, R: Pop>(cores: &Cores, wakes: u64, ends: (Vec<S>, Vec<R>)) -> Outcome {
        let (push, mut pop) = only(ends);
        let receive = move |log: &mut Log<'_>| (0..wakes).for_each(|_| log.got(pop()));
        outcome(run(cores, wakes, push, receive))
    }
}

/// Wakes a future, the only one of its thread.
struct FutureOn<B>(PhantomData<B>);

impl<B: BlockOn> tasks::Work for FutureOn<B> {
    fn run<S: Sends, R: Receives>(cores: &Cores, wakes: u64, ends: (Vec<S>, Vec<R>)) -> Outcome {
        let (mut tx, mut rx) = only(ends);
        // There is room, so that it never waits.
        let push = move |item| future::block_on(tx.send_one(item));
        let receive = move |log: &mut Log<'_>| {
            B::block_on(async {
                for _ in 0..wakes {
                    log.got(rx.recv_one().await);
                }
            });
        };
        outcome(run(cores, wakes, push, receive))
    }
}

/// The two ends of a channel that has no more.
pub(crate) fn only<S, R>((tx, rx): (Vec<S>, Vec<R>)) -> (S, R) {
    let ends = tx.into_iter().zip(rx).next();
    ends.expect("one of each")
}

fn outcome(mut latencies: Vec<u64>) -> Outcome {
    latencies.sort_unstable();
    let below =
        |percent: usize| latencies[(latencies.len() * percent / 100).min(latencies.len() - 1)];
    Outcome {
        figures: vec![below(50) as f64, below(99) as f64],
        run: Run::default(),
    }
}

/// What a receiver has got, which are times of sending.
struct Log<'a> {
    epoch: Instant,
    count: &'a AtomicU64,
    latencies: Vec<u64>,
}

impl Log<'_> {
    fn got(&mut self, sent: u64) {
        self.latencies.push(since(self.epoch).saturating_sub(sent));
        self.count.fetch_add(1, Ordering::Release);
    }
}

fn since(epoch: Instant) -> u64 {
    epoch.elapsed().as_nanos() as u64
}

/// How many nanoseconds each wake-up took.
fn run(
    cores: &Cores,
    wakes: u64,
    mut push: impl FnMut(u64) + Send,
    receive: impl FnOnce(&mut Log<'_>) + Send,
) -> Vec<u64> {
    let (epoch, ready) = (Instant::now(), &Barrier::new(2));
    let (count, sleeper) = (&AtomicU64::new(0), &OnceLock::new());
    thread::scope(|scope| {
        let receiver = scope.spawn(move || {
            assert!(core_affinity::set_for_current(cores.consumer), "cannot pin");
            sleeper.get_or_init(Sleeper::this_thread);
            let mut log = Log {
                epoch,
                count,
                latencies: Vec::with_capacity(wakes as usize),
            };
            ready.wait();
            receive(&mut log);
            log.latencies
        });
        let sender = scope.spawn(move || {
            assert!(core_affinity::set_for_current(cores.producer), "cannot pin");
            ready.wait();
            let sleeper = sleeper.get().expect("set before both were ready");
            for sent in 0..wakes {
                let sleeps = || count.load(Ordering::Acquire) == sent && sleeper.sleeps();
                while !sleeps() || !keeps(sleeps) {
                    assert!(!receiver.is_finished(), "the receiver panicked");
                }
                push(since(epoch));
            }
            receiver.join().expect("the receiver panicked")
        });
        sender.join().expect("the sender panicked")
    })
}

/// Whether it is still so after a while.
fn keeps(is_so: impl Fn() -> bool) -> bool {
    let begin = Instant::now();
    while begin.elapsed() < SLEEP {
        spin_loop();
    }
    is_so()
}

/// Where the system tells what a thread does.
struct Sleeper(Option<PathBuf>);

impl Sleeper {
    fn this_thread() -> Self {
        let thread = fs::read_link("/proc/thread-self").ok();
        Self(thread.map(|thread| PathBuf::from("/proc").join(thread).join("stat")))
    }

    /// Whether it sleeps; `true` where the system does not tell.
    fn sleeps(&self) -> bool {
        let stat = self
            .0
            .as_ref()
            .and_then(|path| fs::read_to_string(path).ok());
        // The name before the state may contain anything.
        let state = stat.as_ref().and_then(|stat| stat.rsplit_once(") "));
        state.is_none_or(|(_, state)| state.starts_with('S'))
    }
}
