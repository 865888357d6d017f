//! Channels against a `VecDeque` and counts kept by hand: whatever is done to both, on one
//! thread, they agree, every item is dropped once, and no wake-up is lost.
#![no_main]

mod handles;
mod item;
mod kept;
mod oracle;
mod step;
mod world;

use arbitrary::{Arbitrary, Unstructured};
use handles::{Receivers, Senders, Tx};
use item::Item;
use libfuzzer_sys::fuzz_target;
use oracle::Oracle;
use ringfence::flavour::Flavour;
use ringfence::{Builder, EarlyDrop, OnFull, Receiver};
use std::sync::atomic::{AtomicU64, Ordering};
use step::{Step, step};
use world::World;

#[derive(Debug)]
struct Input {
    flavour: u8,
    capacity: u8,
    policy: Policy,
    /// How many times all steps are done.
    rounds: u8,
    /// How many senders and receivers there are to begin with, where there can be several.
    ends: (u8, u8),
    /// Whether no step closes the channel, or leaves fewer ends, so that it lives long.
    stays_open: bool,
    steps: Vec<Step>,
}

/// As many steps as there are bytes for: most faults take several.
impl<'a> Arbitrary<'a> for Input {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> arbitrary::Result<Self> {
        let (flavour, capacity, policy) = bytes.arbitrary()?;
        let (rounds, ends, stays_open) = bytes.arbitrary()?;
        let mut steps = Vec::new();
        while !bytes.is_empty() {
            steps.push(step(bytes)?);
        }
        Ok(Self {
            flavour,
            capacity,
            policy,
            rounds,
            ends,
            stays_open,
            steps,
        })
    }
}

#[derive(Arbitrary, Debug)]
enum Policy {
    Block,
    DropNewest,
    DropOldest,
    /// Both thresholds, how probable at most, a seed.
    DropRandom(u8, u8, u8, u8),
}

/// How many steps were compared, by all inputs together.
static OPERATIONS: AtomicU64 = AtomicU64::new(0);

type Ends<F> = (Tx<F>, Receiver<Item, F>);

fn run<F: Flavour>(
    input: &Input,
    build: fn(Builder<Item>) -> Ends<F>,
    senders: Senders<F>,
    receivers: Receivers<F>,
) where
    F::Gauge<Item>: Send + Sync,
{
    let capacity = 1 + usize::from(input.capacity) % 9;
    let (mut from, mut to) = (0, 0);
    let on_full = match input.policy {
        Policy::Block => OnFull::Block,
        Policy::DropNewest => OnFull::DropNewest,
        Policy::DropOldest => OnFull::DropOldest,
        Policy::DropRandom(first, band, most, seed) => {
            from = usize::from(first) % (capacity + 1);
            to = from + 1 + usize::from(band) % capacity;
            let rule = EarlyDrop::new(from, to, f64::from(most) / 255.0).unwrap();
            OnFull::DropRandom(rule.with_seed(seed.into()))
        }
    };
    let builder = ringfence::channel(capacity)
        .on_full(on_full)
        .on_drop(item::hook);
    let (tx, rx) = build(builder);
    let monitor = tx.monitor();
    let mut oracle = Oracle::new(capacity, on_full, (from, to));
    oracle.shows_reserved = senders.room.is_some() && senders.many.is_some();
    let mut world = World::new(senders, receivers, (tx, rx), oracle, monitor);
    world.begin(input.ends, input.stays_open);
    for _ in 0..=input.rounds % 8 {
        for step in &input.steps {
            OPERATIONS.fetch_add(1, Ordering::Relaxed);
            world.step(step);
            world.check();
        }
    }
    world.end();
}

extern "C" fn report() {
    eprintln!("{} operations", OPERATIONS.load(Ordering::Relaxed));
}

unsafe extern "C" {
    safe fn atexit(call: extern "C" fn()) -> i32;
}

fuzz_target!(
    init: atexit(report),
    |input: Input| {
        match input.flavour % 5 {
            0 => run(&input, |builder| builder.spsc().build(), Senders::one(), Receivers::one()),
            1 => run(&input, |builder| builder.mpsc().build(), Senders::many(), Receivers::one()),
            2 => run(&input, |builder| builder.spmc().build(), Senders::one(), Receivers::many()),
            3 => run(&input, |builder| builder.mpmc().build(), Senders::many(), Receivers::many()),
            _ => run(
                &input,
                |builder| builder.mpmc().reservable().build(),
                Senders::reserving(),
                Receivers::many(),
            ),
        }
        assert_eq!(item::live(), 0, "lost");
    }
);
