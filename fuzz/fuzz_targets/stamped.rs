//! `stamped` against a `VecDeque`: whatever is done to both, they agree, and every item
//! is dropped once.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use ringfence_core::stamped::{Consumer, HeapRing, PopError, Producer, PushError};
use ringfence_core::stamped::{Shared, Side, Solo};
use std::cell::Cell;
use std::collections::VecDeque;
use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

#[derive(Arbitrary, Debug)]
struct Input {
    ring: u8,
    capacity: u8,
    /// In how many bits laps are counted: few, so that stamps wrap.
    lap_bits: u8,
    steps: Vec<Step>,
}

/// Numbers are taken modulo what makes sense, which includes 0 and too many.
#[derive(Arbitrary, Debug)]
enum Step {
    Push,
    Pop,
    PushSome(u8),
    PopSome(u8),
    /// At most so many, and a panic at this one.
    PopEach(u8, u8),
    /// A chunk of so many, of which so many are committed.
    Chunk(u8, u8),
    /// So many times push and pop, to get to where laps wrap.
    Turn(u8),
    /// Hand the handles back, and claim them again.
    Reclaim,
}

/// Numbered items. Slices are for those that can be copied.
trait Item: Clone + PartialEq + Debug + 'static {
    fn new(number: u32) -> Self;

    fn push_shared<C: Side>(ring: &HeapRing<Self, Shared, C>, items: &[Self]) -> usize {
        let stored = |item: &&Self| ring.try_push((*item).clone()).is_ok();
        items.iter().take_while(stored).count()
    }
    fn push_solo<C: Side>(tx: &mut Tx<Self, C>, items: &[Self]) -> usize {
        tx.push_iter(items.iter().cloned())
    }
    fn pop_shared<P: Side>(ring: &HeapRing<Self, P, Shared>, n: usize) -> Vec<Self> {
        ring.drain().take(n).collect()
    }
    fn pop_solo<P: Side>(rx: &mut Rx<Self, P>, n: usize) -> Vec<Self> {
        rx.drain().take(n).collect()
    }
}
type Tx<T, C> = Producer<Arc<HeapRing<T, Solo, C>>>;
type Rx<T, P> = Consumer<Arc<HeapRing<T, P, Solo>>>;

fn popped(n: usize, pop: impl FnOnce(&mut [u32]) -> usize) -> Vec<u32> {
    let mut items = vec![0; n];
    let n = pop(&mut items);
    items.truncate(n);
    items
}

impl Item for u32 {
    fn new(number: u32) -> Self {
        number
    }
    fn push_shared<C: Side>(ring: &HeapRing<Self, Shared, C>, items: &[Self]) -> usize {
        ring.push_slice(items)
    }
    fn push_solo<C: Side>(tx: &mut Tx<Self, C>, items: &[Self]) -> usize {
        tx.push_slice(items)
    }
    fn pop_shared<P: Side>(ring: &HeapRing<Self, P, Shared>, n: usize) -> Vec<Self> {
        popped(n, |buffer| ring.pop_slice(buffer))
    }
    fn pop_solo<P: Side>(rx: &mut Rx<Self, P>, n: usize) -> Vec<Self> {
        popped(n, |buffer| rx.pop_slice(buffer))
    }
}

thread_local!(static LIVE: Cell<isize> = const { Cell::new(0) });

/// Counts how many are alive. With the memory that a `Box` has, a second drop shows
/// at once; with `()` in it, it takes none.
#[derive(PartialEq, Debug)]
struct Tracked<T>(T);

impl<T> Tracked<T> {
    fn count(value: T) -> Self {
        LIVE.set(LIVE.get() + 1);
        Self(value)
    }
}
impl<T: Clone> Clone for Tracked<T> {
    fn clone(&self) -> Self {
        Self::count(self.0.clone())
    }
}
impl<T> Drop for Tracked<T> {
    fn drop(&mut self) {
        LIVE.set(LIVE.get() - 1);
    }
}
impl Item for Tracked<Box<u32>> {
    fn new(number: u32) -> Self {
        Self::count(Box::new(number))
    }
}
impl Item for Tracked<()> {
    fn new(_: u32) -> Self {
        Self::count(())
    }
}

/// The side that pushes.
trait Push<T> {
    fn push(&mut self, item: T) -> Result<(), PushError<T>>;
    fn push_some(&mut self, items: &[T]) -> usize;
    fn reclaim(self) -> Self;
}

impl<T: Item, C: Side> Push<T> for Arc<HeapRing<T, Shared, C>> {
    fn push(&mut self, item: T) -> Result<(), PushError<T>> {
        self.try_push(item)
    }
    fn push_some(&mut self, items: &[T]) -> usize {
        T::push_shared(self, items)
    }
    fn reclaim(self) -> Self {
        self
    }
}

/// Also the ring, to claim the handle from.
impl<T: Item, C: Side> Push<T> for (Tx<T, C>, Arc<HeapRing<T, Solo, C>>) {
    fn push(&mut self, item: T) -> Result<(), PushError<T>> {
        self.0.try_push(item)
    }
    fn push_some(&mut self, items: &[T]) -> usize {
        T::push_solo(&mut self.0, items)
    }
    fn reclaim(self) -> Self {
        let (tx, ring) = self;
        assert!(ring.producer().is_none());
        drop(tx);
        (Producer::claim(ring.clone()).unwrap(), ring)
    }
}

/// The side that pops.
trait Pop<T> {
    /// How many are lost at most when `pop_each` is interrupted.
    const BATCH: usize;
    fn pop(&mut self) -> Result<T, PopError>;
    fn pop_some(&mut self, n: usize) -> Vec<T>;
    fn pop_each(&mut self, n: usize, each: impl FnMut(T)) -> usize;
    /// Whether it can look at those, and commit so many.
    fn chunk(&mut self, n: usize, expected: &[T], commit: usize) -> bool;
    fn reclaim(self) -> Self;
}

impl<T: Item, P: Side> Pop<T> for Arc<HeapRing<T, P, Shared>> {
    const BATCH: usize = 16;
    fn pop(&mut self) -> Result<T, PopError> {
        self.try_pop()
    }
    fn pop_some(&mut self, n: usize) -> Vec<T> {
        T::pop_shared(self, n)
    }
    fn pop_each(&mut self, n: usize, each: impl FnMut(T)) -> usize {
        HeapRing::pop_each(self, n, each)
    }
    fn chunk(&mut self, _: usize, _: &[T], _: usize) -> bool {
        false
    }
    fn reclaim(self) -> Self {
        self
    }
}

impl<T: Item, P: Side> Pop<T> for (Rx<T, P>, Arc<HeapRing<T, P, Solo>>) {
    const BATCH: usize = 1;
    fn pop(&mut self) -> Result<T, PopError> {
        self.0.try_pop()
    }
    fn pop_some(&mut self, n: usize) -> Vec<T> {
        T::pop_solo(&mut self.0, n)
    }
    fn pop_each(&mut self, n: usize, each: impl FnMut(T)) -> usize {
        self.0.pop_each(n, each)
    }
    fn chunk(&mut self, n: usize, expected: &[T], commit: usize) -> bool {
        let first = self.0.peek().cloned();
        assert_eq!(self.0.read_chunk(usize::MAX).get(0), first.as_ref());
        let chunk = self.0.read_chunk(n);
        assert!(chunk.iter().eq(expected));
        chunk.commit(commit);
        true
    }
    fn reclaim(self) -> Self {
        let (rx, ring) = self;
        assert!(ring.consumer().is_none());
        drop(rx);
        (Consumer::claim(ring.clone()).unwrap(), ring)
    }
}

/// How many operations were compared, by all inputs together.
static OPERATIONS: AtomicU64 = AtomicU64::new(0);

struct Stop;

fn run<T: Item, P: Side, C: Side, X: Push<T>, R: Pop<T>>(
    ring: &HeapRing<T, P, C>,
    (mut tx, mut rx): (X, R),
    input: &Input,
) {
    let capacity = ring.capacity();
    let mut items = VecDeque::new();
    let mut number = 0;
    let mut new = || {
        number += 1;
        T::new(number)
    };
    for step in &input.steps {
        OPERATIONS.fetch_add(1, Ordering::Relaxed);
        let len = items.len();
        let free = capacity - len;
        let batch = |n: u8| usize::from(n) % (capacity + 2);
        match *step {
            Step::Push => {
                let item = new();
                let full = PushError::Full(item.clone());
                let expected = if free > 0 { Ok(()) } else { Err(full) };
                assert_eq!(tx.push(item.clone()), expected);
                items.extend((free > 0).then_some(item));
            }
            Step::Pop => assert_eq!(rx.pop(), items.pop_front().ok_or(PopError::Empty)),
            Step::PushSome(n) => {
                let some: Vec<_> = (0..batch(n)).map(|_| new()).collect();
                let n = some.len().min(free);
                assert_eq!(tx.push_some(&some), n);
                items.extend(some.into_iter().take(n));
            }
            Step::PopSome(n) => {
                let n = batch(n);
                assert!(items.drain(..n.min(len)).eq(rx.pop_some(n)));
            }
            Step::PopEach(n, stop) => {
                let (n, stop) = (batch(n), usize::from(stop));
                let mut seen = vec![];
                let each = |item| {
                    seen.push(item);
                    if seen.len() == stop {
                        resume_unwind(Box::new(Stop));
                    }
                };
                let done = catch_unwind(AssertUnwindSafe(|| rx.pop_each(n, each)));
                let there = n.min(len);
                let through = if stop == 0 || stop > there {
                    assert!(matches!(done, Ok(n) if n == there));
                    there
                } else {
                    // The rest of the batch is gone.
                    assert!(done.is_err_and(|stop| stop.is::<Stop>()));
                    (stop.div_ceil(R::BATCH) * R::BATCH).min(there)
                };
                assert!(items.iter().take(seen.len()).eq(&seen));
                assert!(seen.len() == there.min(if stop == 0 { there } else { stop }));
                items.drain(..through);
            }
            Step::Chunk(n, commit) => {
                let n = batch(n);
                let there = n.min(len);
                let commit = usize::from(commit) % (there + 1);
                if rx.chunk(n, &items.make_contiguous()[..there], commit) {
                    items.drain(..commit);
                }
            }
            Step::Turn(n) => {
                for _ in 0..n {
                    let item = new();
                    let stored = tx.push(item.clone()).is_ok();
                    assert_eq!(stored, items.len() < capacity);
                    items.extend(stored.then_some(item));
                    assert_eq!(rx.pop().ok(), items.pop_front());
                }
            }
            Step::Reclaim => (tx, rx) = (tx.reclaim(), rx.reclaim()),
        }
        let len = items.len();
        assert_eq!(ring.len(), len);
        assert_eq!(
            (ring.is_empty(), ring.is_full()),
            (len == 0, len == capacity)
        );
    }
}

fn ring<T: Item, P: Side, C: Side>(input: &Input) -> Arc<HeapRing<T, P, C>> {
    let capacity = 1 + usize::from(input.capacity) % 40;
    let lap_bits = 3 + u32::from(input.lap_bits) % 6;
    // SAFETY: nobody stops in a call.
    Arc::new(unsafe { HeapRing::with_lap_bits(capacity, lap_bits) })
}

fn mpmc<T: Item>(input: &Input) {
    let ring = ring::<T, Shared, Shared>(input);
    run(&ring, (ring.clone(), ring.clone()), input);
}

fn mpsc<T: Item>(input: &Input) {
    let ring = ring::<T, Shared, Solo>(input);
    let rx = (Consumer::claim(ring.clone()).unwrap(), ring.clone());
    run(&ring, (ring.clone(), rx), input);
}

fn spmc<T: Item>(input: &Input) {
    let ring = ring::<T, Solo, Shared>(input);
    let tx = (Producer::claim(ring.clone()).unwrap(), ring.clone());
    run(&ring, (tx, ring.clone()), input);
}

fn spsc<T: Item>(input: &Input) {
    let ring = ring::<T, Solo, Solo>(input);
    let tx = (Producer::claim(ring.clone()).unwrap(), ring.clone());
    let rx = (Consumer::claim(ring.clone()).unwrap(), ring.clone());
    run(&ring, (tx, rx), input);
}

type Boxed = Tracked<Box<u32>>;

const RINGS: [fn(&Input); 12] = [
    mpmc::<u32>,
    mpsc::<u32>,
    spmc::<u32>,
    spsc::<u32>,
    mpmc::<Boxed>,
    mpsc::<Boxed>,
    spmc::<Boxed>,
    spsc::<Boxed>,
    mpmc::<Tracked<()>>,
    mpsc::<Tracked<()>>,
    spmc::<Tracked<()>>,
    spsc::<Tracked<()>>,
];

extern "C" fn report() {
    eprintln!("{} operations", OPERATIONS.load(Ordering::Relaxed));
}

unsafe extern "C" {
    safe fn atexit(call: extern "C" fn()) -> i32;
}

fuzz_target!(
    init: atexit(report),
    |input: Input| {
        RINGS[usize::from(input.ring) % RINGS.len()](&input);
        assert_eq!(LIVE.get(), 0, "lost or dropped twice");
    }
);
