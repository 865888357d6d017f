//! Many producers and consumers at one ring, never blocking.
//!
//! A contestant implements [`Many`], and has a line in `contestants.rs`.

use std::fmt::{self, Debug};
use std::hint::{black_box, spin_loop};
use std::ops::Range;
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, ScopedJoinHandle};
use std::time::Duration;

use crate::harness::{Cores, Run, Timed, timed};

mod contestants;

pub use contestants::entries;

/// Sizes of items for which there are contestants, in bytes.
pub const SIZES: [usize; 6] = [4, 8, 16, 32, 64, 256];

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
    const fn new(producers: usize, consumers: usize) -> Self {
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

/// What is moved: a number, as often as it fits.
pub trait Item: Copy + Debug + Default + Send + Sync + Unpin + 'static {
    /// An item with this number.
    fn of(number: u64) -> Self;

    /// Its number.
    ///
    /// # Panics
    /// If the first and the last word differ.
    fn number(self) -> u64;
}

impl Item for u64 {
    #[inline]
    fn of(number: u64) -> Self {
        number
    }

    #[inline]
    fn number(self) -> u64 {
        self
    }
}

impl Item for u32 {
    #[inline]
    fn of(number: u64) -> Self {
        number as Self
    }

    #[inline]
    fn number(self) -> u64 {
        self.into()
    }
}

impl<const WORDS: usize> Item for [u64; WORDS]
where
    Self: Default,
{
    #[inline]
    fn of(number: u64) -> Self {
        [number; WORDS]
    }

    #[inline]
    fn number(self) -> u64 {
        assert_eq!(self[0], self[WORDS - 1], "an item is torn");
        self[0]
    }
}

/// A queue that many threads use at once.
pub trait Many<T>: Sync + Sized {
    /// How many threads it is for at most.
    const MOST: Shape = Shape::new(usize::MAX, usize::MAX);

    /// An empty queue for `capacity` items and `threads` threads.
    fn new(capacity: usize, threads: usize) -> Self;

    /// What a producer calls to push an item; `false` when there is no room. Made in
    /// the producer's thread, and lives on its stack.
    fn producer(&self) -> impl FnMut(T) -> bool;

    /// What a consumer calls to pop an item, likewise.
    fn consumer(&self) -> impl FnMut() -> Option<T>;
}

/// A contestant for one type of items.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// What it is called.
    pub name: &'static str,
    /// How many threads it is for at most.
    pub most: Shape,
    /// [`run`] with it.
    pub run: fn(Shape, usize, &Cores, u64) -> Run,
    /// [`alone`] with it.
    pub alone: fn(usize, u64),
}

impl Entry {
    fn of<T: Item, Q: Many<T>>(name: &'static str) -> Self {
        Self {
            name,
            most: Q::MOST,
            run: run::<T, Q>,
            alone: alone::<T, Q>,
        }
    }
}

/// The threads of one side that have not ended.
struct Crew(AtomicUsize);

/// Stands for one thread of a crew; gone when it panics as well.
struct Member<'a>(&'a Crew);

impl Drop for Member<'_> {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Crew {
    fn is_gone(&self) -> bool {
        self.0.load(Ordering::Acquire) == 0
    }
}

/// How often a thread tries before it yields.
const SPINS: usize = 32;

/// How often it yields after all threads of the other side have ended.
const YIELDS: usize = 1000;

/// Tries until it succeeds: spins a little, then yields.
///
/// # Panics
/// If the other side's threads have ended, and it still does not succeed. Shares are
/// exact, so that an item was lost or came twice.
#[inline]
fn persist<T>(others: &Crew, mut attempt: impl FnMut() -> Option<T>) -> T {
    let mut yields = 0;
    loop {
        for _ in 0..SPINS {
            if let Some(value) = attempt() {
                return value;
            }
            spin_loop();
        }
        thread::yield_now();
        if others.is_gone() {
            yields += 1;
            assert!(yields < YIELDS, "items were lost or repeated");
        }
    }
}

/// What a set of numbers adds up to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sums {
    numbers: u64,
    squares: u64,
}

impl Sums {
    #[inline]
    fn and(self, number: u64) -> Self {
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
}

/// Divides the numbers below `items` among so many.
fn shares(items: u64, among: usize) -> impl Iterator<Item = Range<u64>> {
    let among = among as u64;
    (0..among).map(move |i| items * i / among..items * (i + 1) / among)
}

/// Moves `items` numbered items from the producers, each of which has its share, to
/// the consumers, each of which takes as many. Threads are pinned to the cores in
/// turn, producers first.
///
/// # Panics
/// If an item is lost, repeated or torn.
pub fn run<T: Item, Q: Many<T>>(shape: Shape, capacity: usize, cores: &Cores, items: u64) -> Run {
    let queue = Q::new(capacity, shape.threads());
    let ready = Barrier::new(shape.threads());
    let producers = Crew(AtomicUsize::new(shape.producers));
    let consumers = Crew(AtomicUsize::new(shape.consumers));
    let (queue, ready, producers, consumers) = (&queue, &ready, &producers, &consumers);
    let mut cores = cores.all.iter().copied().cycle();
    thread::scope(|scope| {
        let produce: Vec<_> = shares(items, shape.producers)
            .zip(&mut cores)
            .map(|(share, core)| {
                scope.spawn(move || {
                    let _member = Member(producers);
                    let mut push = queue.producer();
                    timed(core, ready, move || {
                        for number in share {
                            let item = black_box(T::of(number));
                            persist(consumers, || push(item).then_some(()));
                        }
                    })
                })
            })
            .collect();
        let consume: Vec<_> = shares(items, shape.consumers)
            .zip(&mut cores)
            .map(|(share, core)| {
                scope.spawn(move || {
                    let _member = Member(consumers);
                    let mut pop = queue.consumer();
                    let mut sums = Sums::default();
                    let timed = timed(core, ready, || {
                        for _ in share {
                            let item: T = black_box(persist(producers, &mut pop));
                            sums = sums.and(item.number());
                        }
                    });
                    (timed, sums)
                })
            })
            .collect();
        let produced: Vec<Timed> = produce.into_iter().map(join).collect();
        let (consumed, sums): (Vec<Timed>, Vec<Sums>) = consume.into_iter().map(join).unzip();
        let received = sums.into_iter().fold(Sums::default(), Sums::plus);
        let sent = (0..items).fold(Sums::default(), Sums::and);
        assert_eq!(received, sent, "items were lost or repeated");
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

/// Pushes and pops `rounds` times, by this thread alone.
///
/// # Panics
/// If another item comes out than went in.
pub fn alone<T: Item, Q: Many<T>>(capacity: usize, rounds: u64) {
    let queue = Q::new(capacity, 2);
    let (mut push, mut pop) = (queue.producer(), queue.consumer());
    for number in 0..rounds {
        assert!(push(black_box(T::of(number))), "an empty queue is full");
        let item = black_box(pop());
        assert_eq!(item.map(T::number), Some(number));
    }
}

#[cfg(test)]
mod tests;
