//! One thread for each end of a queue, each with an exact share of the items.

use std::fmt;
use std::ops::Range;
use std::sync::Barrier;
use std::thread::{self, ScopedJoinHandle};
use std::time::Duration;

use crate::harness::{Cores, Run, Timed, timed};

/// How many threads at each side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// How many push.
    pub producers: usize,
    /// How many pop.
    pub consumers: usize,
}

/// The shapes that are compared.
pub const SHAPES: [Shape; 5] = [
    Shape::new(1, 1),
    Shape::new(2, 1),
    Shape::new(1, 2),
    Shape::new(2, 2),
    Shape::new(4, 4),
];

impl Shape {
    /// One at each side.
    pub const ONE: Self = Self::new(1, 1);
    /// Any number of producers, one consumer.
    pub const ONE_CONSUMER: Self = Self::new(usize::MAX, 1);
    /// One producer, any number of consumers.
    pub const ONE_PRODUCER: Self = Self::new(1, usize::MAX);
    /// Any number of both.
    pub const ANY: Self = Self::new(usize::MAX, usize::MAX);

    /// So many at each side.
    pub const fn new(producers: usize, consumers: usize) -> Self {
        Self {
            producers,
            consumers,
        }
    }

    /// How many threads in all.
    pub fn threads(self) -> usize {
        self.producers + self.consumers
    }

    /// Whether a queue for so many serves `other`.
    pub fn has_room_for(self, other: Self) -> bool {
        self.producers >= other.producers && self.consumers >= other.consumers
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.producers, self.consumers)
    }
}

/// How large a queue is, and for how many threads or tasks.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// How many at each side.
    pub shape: Shape,
    /// How many items fit.
    pub capacity: usize,
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.shape, self.capacity)
    }
}

/// All shapes at each of the capacities.
pub(crate) fn settings<const N: usize>(capacities: [usize; N]) -> impl Iterator<Item = Setting> {
    capacities
        .into_iter()
        .flat_map(|capacity| SHAPES.map(|shape| Setting { shape, capacity }))
}

/// What `make` makes of each of `n` clones.
pub(crate) fn each<H: Clone, T>(handle: H, n: usize, make: impl Fn(H) -> T) -> Vec<T> {
    vec![handle; n].into_iter().map(make).collect()
}

/// What a set of numbers adds up to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sums {
    numbers: u64,
    squares: u64,
}

impl Sums {
    #[inline]
    pub(crate) fn and(self, number: u64) -> Self {
        Self {
            numbers: self.numbers.wrapping_add(number),
            squares: self.squares.wrapping_add(number.wrapping_mul(number)),
        }
    }

    fn plus(self, other: Self) -> Self {
        Self {
            numbers: self.numbers.wrapping_add(other.numbers),
            squares: self.squares.wrapping_add(other.squares),
        }
    }

    /// # Panics
    /// If they are not together the sums of the numbers below `items`.
    pub(crate) fn check(received: impl IntoIterator<Item = Self>, items: u64) {
        let received = received.into_iter().fold(Self::default(), Self::plus);
        let sent = (0..items).fold(Self::default(), Self::and);
        assert_eq!(received, sent, "items were lost or repeated");
    }
}

/// What a consumer has got.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tally {
    sums: Sums,
    in_order: bool,
    least: u64,
}

impl Tally {
    /// Nothing yet. What one producer sends comes in order.
    pub(crate) fn new(producers: usize) -> Self {
        Self {
            sums: Sums::default(),
            in_order: producers == 1,
            least: 0,
        }
    }

    /// # Panics
    /// If the number is out of order.
    #[inline]
    pub(crate) fn add(&mut self, number: u64) {
        assert!(
            !self.in_order || number >= self.least,
            "{number} came too late"
        );
        self.least = number + 1;
        self.sums = self.sums.and(number);
    }

    pub(crate) fn sums(self) -> Sums {
        self.sums
    }
}

/// Divides the numbers below `items` among so many.
pub(crate) fn shares(items: u64, among: usize) -> impl Iterator<Item = Range<u64>> {
    let among = among as u64;
    (0..among).map(move |i| items * i / among..items * (i + 1) / among)
}

/// Runs a thread for each producer, which gets its share of the numbers below
/// `items`, and one for each consumer, which is told how many to take. Threads are
/// pinned to the cores in turn, producers first; what each does is made in it, before
/// the clock starts.
///
/// # Panics
/// If an item is lost or repeated.
pub(crate) fn run<P, C>(
    cores: &Cores,
    items: u64,
    produce: Vec<impl FnOnce() -> P + Send>,
    consume: Vec<impl FnOnce() -> C + Send>,
) -> Run
where
    P: FnOnce(Range<u64>),
    C: FnOnce(u64) -> Sums,
{
    let ready = &Barrier::new(produce.len() + consume.len());
    let mut cores = cores.all.iter().copied().cycle();
    thread::scope(|scope| {
        let produce: Vec<_> = shares(items, produce.len())
            .zip(produce)
            .zip(&mut cores)
            .map(|((share, make), core)| {
                scope.spawn(move || {
                    let produce = make();
                    timed(core, ready, || produce(share))
                })
            })
            .collect();
        let consume: Vec<_> = shares(items, consume.len())
            .zip(consume)
            .zip(&mut cores)
            .map(|((share, make), core)| {
                scope.spawn(move || {
                    let consume = make();
                    let mut sums = Sums::default();
                    let timed = timed(core, ready, || sums = consume(share.end - share.start));
                    (timed, sums)
                })
            })
            .collect();
        let produced: Vec<Timed> = produce.into_iter().map(join).collect();
        let (consumed, sums): (Vec<Timed>, Vec<Sums>) = consume.into_iter().map(join).unzip();
        Sums::check(sums, items);
        span(&produced, &consumed)
    })
}

fn join<T>(thread: ScopedJoinHandle<'_, T>) -> T {
    thread.join().expect("a side panicked")
}

/// From the first begin to the last consumer's end.
fn span(produced: &[Timed], consumed: &[Timed]) -> Run {
    let all = || produced.iter().chain(consumed);
    let begin = all().map(|timed| timed.begin).min();
    let end = consumed.iter().map(|timed| timed.end).max();
    let time = end.zip(begin).map(|(end, begin)| end - begin);
    Run {
        time: time.unwrap_or(Duration::ZERO),
        kept_waiting: all().map(|timed| timed.kept_waiting).sum(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_exact() {
        for (items, among) in [(0, 1), (1, 4), (1001, 4), (1_000_000, 3)] {
            let all: Vec<u64> = shares(items, among).flatten().collect();
            assert!(all.into_iter().eq(0..items));
            let least = items / among as u64;
            let mut lengths = shares(items, among).map(|share| share.end - share.start);
            assert!(lengths.all(|length| (least..=least + 1).contains(&length)));
        }
    }

    #[test]
    #[should_panic(expected = "1 came too late")]
    fn one_producer_is_in_order() {
        let mut tally = Tally::new(1);
        [0, 2, 1].into_iter().for_each(|number| tally.add(number));
    }

    #[test]
    fn two_producers_come_in_any_order() {
        let mut tally = Tally::new(2);
        [0, 2, 1].into_iter().for_each(|number| tally.add(number));
        Sums::check([tally.sums()], 3);
    }
}
