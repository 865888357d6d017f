//! Two pinned threads and a clock.
//!
//! All is generic over the two sides' closures, so that they are inlined; each
//! is moved into its thread, and its handle lives on that thread's stack.

use std::hint::{black_box, spin_loop};
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use core_affinity::CoreId;

/// Items in a batch.
pub const BATCH: usize = 32;

/// The cores of the two threads.
#[derive(Clone, Copy, Debug)]
pub struct Cores {
    /// Where the producer runs.
    pub producer: CoreId,
    /// Where the consumer runs.
    pub consumer: CoreId,
}

impl Cores {
    /// The first core that this process may use, and the first after it that is
    /// not the same physical core. `None` if there is only one.
    pub fn pick() -> Option<Self> {
        let cores = core_affinity::get_core_ids()?;
        let producer = *cores.first()?;
        let siblings = siblings(producer);
        let consumer = cores.into_iter().find(|&core| {
            core != producer && (siblings.is_none() || self::siblings(core) != siblings)
        })?;
        Some(Self { producer, consumer })
    }

    /// Two cores by number. `None` if they are the same, or this process may
    /// not use both.
    pub fn numbered(producer: usize, consumer: usize) -> Option<Self> {
        let cores = core_affinity::get_core_ids()?;
        let find = |id| cores.iter().copied().find(|core| core.id == id);
        (producer != consumer).then_some(Self {
            producer: find(producer)?,
            consumer: find(consumer)?,
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
#[derive(Clone, Copy, Debug)]
pub struct Run {
    /// From the moment at which both sides were ready to the consumer's end.
    pub time: Duration,
    /// How long the two sides together were kept off their cores by other
    /// threads; zero where the system does not tell.
    pub kept_waiting: Duration,
}

/// Runs the two sides on a core each.
pub fn pair(cores: Cores, produce: impl FnOnce() + Send, consume: impl FnOnce() + Send) -> Run {
    let ready = Barrier::new(2);
    let produce = || timed(cores.producer, &ready, produce);
    let consume = || timed(cores.consumer, &ready, consume);
    thread::scope(|scope| {
        let sides = [scope.spawn(produce), scope.spawn(consume)];
        let [producer, consumer] = sides.map(|side| side.join().expect("a side panicked"));
        Run {
            time: consumer.time,
            kept_waiting: producer.kept_waiting + consumer.kept_waiting,
        }
    })
}

/// Runs one side, once the other is ready too.
fn timed(core: CoreId, ready: &Barrier, side: impl FnOnce()) -> Run {
    assert!(core_affinity::set_for_current(core), "cannot pin");
    ready.wait();
    let waited = waited();
    let clock = Instant::now();
    side();
    Run {
        time: clock.elapsed(),
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
pub fn one_by_one(cores: Cores, items: u64, (mut push, mut pop): (impl Push, impl Pop)) -> Run {
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
    cores: Cores,
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
    cores: Cores,
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
