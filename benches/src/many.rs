//! Many producers and consumers at one ring, never blocking.
//!
//! A contestant implements [`Many`], and has a line in `contestants.rs`.

use std::fmt::Debug;
use std::hint::{black_box, spin_loop};
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::crews::{self, Shape, Sums};
use crate::harness::{Cores, Run};

mod contestants;

pub use contestants::entries;

/// Sizes of items for which there are contestants, in bytes.
pub const SIZES: [usize; 6] = [4, 8, 16, 32, 64, 256];

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
    const MOST: Shape = Shape::ANY;

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

/// Moves `items` numbered items from the producers, each of which has its share, to
/// the consumers, each of which takes as many. Threads are pinned to the cores in
/// turn, producers first.
///
/// # Panics
/// If an item is lost, repeated or torn.
pub fn run<T: Item, Q: Many<T>>(shape: Shape, capacity: usize, cores: &Cores, items: u64) -> Run {
    let queue = &Q::new(capacity, shape.threads());
    let producers = &Crew(AtomicUsize::new(shape.producers));
    let consumers = &Crew(AtomicUsize::new(shape.consumers));
    let produce = || {
        let member = Member(producers);
        let mut push = queue.producer();
        move |share: Range<u64>| {
            let _member = member;
            for number in share {
                let item = black_box(T::of(number));
                persist(consumers, || push(item).then_some(()));
            }
        }
    };
    let consume = || {
        let member = Member(consumers);
        let mut pop = queue.consumer();
        move |count| {
            let _member = member;
            (0..count).fold(Sums::default(), |sums, _| {
                let item: T = black_box(persist(producers, &mut pop));
                sums.and(item.number())
            })
        }
    };
    crews::run(
        cores,
        items,
        vec![produce; shape.producers],
        vec![consume; shape.consumers],
    )
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
