//! Pinned threads and a clock.
//!
//! All is generic over the two sides' closures, so that they are inlined; each
//! is moved into its thread, and its handle lives on that thread's stack.

use std::collections::HashSet;
use std::hint::{black_box, spin_loop};
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use core_affinity::CoreId;

/// Items in a batch.
pub const BATCH: usize = 32;

/// Where threads run.
#[derive(Clone, Debug)]
pub struct Cores {
    /// Where the producer of two threads runs.
    pub producer: CoreId,
    /// Where the consumer of two threads runs.
    pub consumer: CoreId,
    /// All of them, for more threads than two.
    pub all: Vec<CoreId>,
}

impl Cores {
    /// All cores that this process may use, one of each physical core before the
    /// others; the first two are the producer's and the consumer's. `None` if there
    /// is only one physical core.
    pub fn pick() -> Option<Self> {
        let cores = core_affinity::get_core_ids()?.into_iter();
        let mut all: Vec<_> = cores.map(|core| (siblings(core), core)).collect();
        let mut seen = HashSet::new();
        let (first, others): (Vec<_>, Vec<_>) = all
            .drain(..)
            .partition(|(siblings, _)| siblings.is_none() || seen.insert(siblings.clone()));
        let [(_, producer), (_, consumer), ..] = first[..] else {
            return None;
        };
        let all = first.into_iter().chain(others).map(|(_, core)| core);
        Some(Self {
            producer,
            consumer,
            all: all.collect(),
        })
    }

    /// Cores by number. `None` if they are fewer than two, one comes twice, or this
    /// process may not use all of them.
    pub fn numbered(numbers: &[usize]) -> Option<Self> {
        let cores = core_affinity::get_core_ids()?;
        let find = |&id| cores.iter().copied().find(|core| core.id == id);
        let all: Vec<_> = numbers.iter().map(find).collect::<Option<_>>()?;
        let distinct: HashSet<_> = numbers.iter().collect();
        (all.len() >= 2 && distinct.len() == all.len()).then(|| Self {
            producer: all[0],
            consumer: all[1],
            all,
        })
    }
}

/// The hardware threads of a core's physical core, where the system tells.
fn siblings(core: CoreId) -> Option<String> {
    let path = format!(
        "/sys/devices/system/cpu/cpu{}/topology/thread_siblings_list",
        core.id
    );
    std::fs::read_to_string(path).ok()
}

/// Puts one item in, waiting for room. A name for such closures.
pub trait Push: FnMut(u64) + Send {}
impl<F: FnMut(u64) + Send> Push for F {}

/// Takes one item out, waiting for it. A name for such closures.
pub trait Pop: FnMut() -> u64 + Send {}
impl<F: FnMut() -> u64 + Send> Pop for F {}

/// Puts some of a slice in, and returns how many. A name for such closures.
pub trait PushSome: FnMut(&[u64]) -> usize + Send {}
impl<F: FnMut(&[u64]) -> usize + Send> PushSome for F {}

/// Takes up to [`BATCH`] items out, has [`check`] look for the numbers from its
/// argument on, and returns how many. A name for such closures.
pub trait PopSome: FnMut(u64) -> usize + Send {}
impl<F: FnMut(u64) -> usize + Send> PopSome for F {}

/// What a run took.
#[derive(Clone, Copy, Debug, Default)]
pub struct Run {
    /// From the moment at which all sides were ready to the last consumer's end.
    pub time: Duration,
    /// How long all sides together were kept off their cores by other
    /// threads; zero where the system does not tell.
    pub kept_waiting: Duration,
}

/// Runs the two sides on a core each.
pub fn pair(cores: &Cores, produce: impl FnOnce() + Send, consume: impl FnOnce() + Send) -> Run {
    let ready = Barrier::new(2);
    let produce = || timed(cores.producer, &ready, produce);
    let consume = || timed(cores.consumer, &ready, consume);
    thread::scope(|scope| {
        let sides = [scope.spawn(produce), scope.spawn(consume)];
        let [producer, consumer] = sides.map(|side| side.join().expect("a side panicked"));
        Run {
            time: consumer.end - consumer.begin,
            kept_waiting: producer.kept_waiting + consumer.kept_waiting,
        }
    })
}

/// When a thread worked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timed {
    pub(crate) begin: Instant,
    pub(crate) end: Instant,
    pub(crate) kept_waiting: Duration,
}

/// Runs one side, once the others are ready too.
pub(crate) fn timed(core: CoreId, ready: &Barrier, side: impl FnOnce()) -> Timed {
    assert!(core_affinity::set_for_current(core), "cannot pin");
    ready.wait();
    let waited = waited();
    let begin = Instant::now();
    side();
    Timed {
        begin,
        end: Instant::now(),
        kept_waiting: self::waited().saturating_sub(waited),
    }
}

/// How long this thread has waited for a core.
fn waited() -> Duration {
    let times = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = times.split(' ').nth(1).and_then(|time| time.parse().ok());
    Duration::from_nanos(nanoseconds.unwrap_or(0))
}

/// Moves `items` numbers, one at a time.
///
/// # Panics
/// If one is lost, repeated or out of order.
pub fn one_by_one(cores: &Cores, items: u64, (mut push, mut pop): (impl Push, impl Pop)) -> Run {
    pair(
        cores,
        move || (0..items).for_each(|item| push(black_box(item))),
        move || (0..items).for_each(|item| assert_eq!(black_box(pop()), item)),
    )
}

/// Moves `items` numbers, a multiple of [`BATCH`], in batches. A side that moved
/// nothing spins and tries again.
///
/// # Panics
/// If one is lost, repeated or out of order.
pub fn by_batch(
    cores: &Cores,
    items: u64,
    (mut push, mut pop): (impl PushSome, impl PopSome),
) -> Run {
    assert_eq!(items % BATCH as u64, 0, "whole batches");
    let produce = move || {
        let mut batch = [0; BATCH];
        for first in (0..items).step_by(BATCH) {
            for (slot, item) in batch.iter_mut().zip(first..) {
                *slot = item;
            }
            let mut rest = black_box(&batch[..]);
            while !rest.is_empty() {
                match push(rest) {
                    0 => spin_loop(),
                    n => rest = &rest[n..],
                }
            }
        }
    };
    let consume = move || {
        let mut next = 0;
        while next < items {
            match pop(next) {
                0 => spin_loop(),
                n => next += n as u64,
            }
        }
    };
    pair(cores, produce, consume)
}

/// Checks a batch, and returns its length.
///
/// # Panics
/// If it is not the numbers from `next` on.
#[inline]
pub fn check(batch: &[u64], next: u64) -> usize {
    let right = black_box(batch)
        .iter()
        .zip(next..)
        .fold(true, |right, (&item, expected)| right & (item == expected));
    assert!(right, "expected {next} and on, got {batch:?}");
    batch.len()
}

/// Sends `items` numbers there and back, one at a time.
///
/// # Panics
/// If another number comes back.
pub fn round_trip(
    cores: &Cores,
    items: u64,
    (mut ping, mut hear): (impl Push, impl Pop),
    (mut pong, mut answer): (impl Push, impl Pop),
) -> Run {
    pair(
        cores,
        move || (0..items).for_each(|_| pong(black_box(hear()))),
        move || {
            for item in 0..items {
                ping(black_box(item));
                assert_eq!(black_box(answer()), item);
            }
        },
    )
}

/// Tries until it succeeds.
#[inline]
pub fn spin<T>(mut attempt: impl FnMut() -> Option<T>) -> T {
    loop {
        if let Some(value) = attempt() {
            return value;
        }
        spin_loop();
    }
}
