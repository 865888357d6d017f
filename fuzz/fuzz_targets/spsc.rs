//! `spsc` against a `VecDeque`: whatever is done to both, they agree, and every
//! item is dropped once.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use ringfence_core::spsc::{Consumer, Full, Owner, Producer, Ring, Word, with_capacity};
use std::cell::Cell;
use std::collections::VecDeque;
use std::fmt::Debug;
use std::sync::atomic::{AtomicU64, Ordering};

#[derive(Arbitrary, Debug)]
struct Input {
    ring: u8,
    capacity: u16,
    consumer_goes_first: bool,
    steps: Vec<Step>,
}

/// Numbers are taken modulo what makes sense, which includes 0 and too many.
#[derive(Arbitrary, Debug)]
enum Step {
    Push,
    Pop,
    Peek,
    PeekMut,
    /// So many times push and pop, to get to where positions wrap.
    Turn(u8),
    PushSlice(u16),
    PopSlice(u16),
    PushIter(u16),
    PopEach(u16),
    Drain(u16),
    /// A chunk of so many, in one piece or not, of which so many are committed.
    Write(u16, bool, u16),
    Read(u16, bool, u16),
    /// Chunks of so many that are dropped.
    DropChunks(u16),
    /// Hand both sides back, and split again.
    Split,
}

/// Numbered items. Slices are for those that can be copied.
trait Item: Clone + PartialEq + Debug {
    fn new(number: u32) -> Self;

    fn push_slice<O: Owner<Item = Self>>(tx: &mut Producer<O>, items: &[Self]) -> usize {
        tx.push_iter(items.iter().cloned())
    }
    fn pop_slice<O: Owner<Item = Self>>(rx: &mut Consumer<O>, n: usize) -> Vec<Self> {
        rx.drain().take(n).collect()
    }
}

macro_rules! copied {
    ($($item:ty: $new:expr),*) => {$(
        impl Item for $item {
            fn new(number: u32) -> Self {
                $new(number)
            }
            fn push_slice<O: Owner<Item = Self>>(tx: &mut Producer<O>, items: &[Self]) -> usize {
                tx.push_slice(items)
            }
            fn pop_slice<O: Owner<Item = Self>>(rx: &mut Consumer<O>, n: usize) -> Vec<Self> {
                let mut items = vec![Self::new(0); n];
                let n = rx.pop_slice(&mut items);
                items.truncate(n);
                items
            }
        }
    )*};
}
copied!(u32: |number| number, (): |_| ());

thread_local!(static LIVE: Cell<isize> = const { Cell::new(0) });

/// Counts how many are alive. With the memory that a `Box` has, a second drop
/// shows at once; with `()` in it, it takes none.
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
type Boxed = Tracked<Box<u32>>;

/// How many operations were compared, by all inputs together.
static OPERATIONS: AtomicU64 = AtomicU64::new(0);

struct Oracle<T> {
    items: VecDeque<T>,
    /// How many were ever pushed, and how many slots there are: where chunks in
    /// one piece have to end.
    pushed: usize,
    slots: usize,
    next: u32,
}

impl<T: Item> Oracle<T> {
    fn new(slots: usize) -> Self {
        let items = VecDeque::new();
        Self {
            items,
            pushed: 0,
            slots,
            next: 0,
        }
    }

    fn new_item(&mut self) -> T {
        self.next = self.next.wrapping_add(1);
        T::new(self.next)
    }

    fn new_items(&mut self, n: usize) -> Vec<T> {
        (0..n).map(|_| self.new_item()).collect()
    }

    fn step<O: Owner<Item = T>>(
        &mut self,
        tx: &mut Producer<O>,
        rx: &mut Consumer<O>,
        step: &Step,
    ) {
        OPERATIONS.fetch_add(1, Ordering::Relaxed);
        let capacity = tx.capacity();
        let len = self.items.len();
        let free = capacity - len;
        let batch = |n: u16| usize::from(n) % (capacity + 2);
        let head = self.pushed - len;
        let write_end = |one| {
            if one {
                self.slots - self.pushed % self.slots
            } else {
                capacity
            }
        };
        let read_end = |one| {
            if one {
                self.slots - head % self.slots
            } else {
                capacity
            }
        };
        match *step {
            Step::Push => {
                let item = self.new_item();
                let expected = if free > 0 {
                    Ok(())
                } else {
                    Err(Full(item.clone()))
                };
                assert_eq!(tx.try_push(item.clone()), expected);
                self.items.extend((free > 0).then_some(item));
            }
            Step::Pop => assert_eq!(rx.try_pop(), self.items.pop_front()),
            Step::Peek => assert_eq!(rx.peek(), self.items.front()),
            Step::PeekMut => {
                assert_eq!(rx.peek_mut(), self.items.front_mut());
                if let (Some(one), Some(other)) = (rx.peek_mut(), self.items.front_mut()) {
                    *one = T::new(7);
                    *other = one.clone();
                }
            }
            Step::Turn(n) => {
                for _ in 0..n {
                    self.step(tx, rx, &Step::Push);
                    self.step(tx, rx, &Step::Pop);
                }
                return; // these have been checked
            }
            Step::PushSlice(n) | Step::PushIter(n) => {
                let items = self.new_items(batch(n));
                let n = match step {
                    Step::PushSlice(_) => T::push_slice(tx, &items),
                    _ => tx.push_iter(items.iter().cloned()),
                };
                assert_eq!(n, items.len().min(free));
                self.items.extend(items.into_iter().take(n));
            }
            Step::PopSlice(n) => {
                let n = batch(n);
                assert!(self.items.drain(..n.min(len)).eq(T::pop_slice(rx, n)));
            }
            Step::PopEach(n) => {
                let n = batch(n);
                let mut items = self.items.drain(..n.min(len));
                let each = |item| assert_eq!(Some(item), items.next());
                assert_eq!(rx.pop_each(n, each), n.min(len));
            }
            Step::Drain(n) => {
                let n = batch(n);
                assert!(self.items.drain(..n.min(len)).eq(rx.drain().take(n)));
            }
            Step::Write(n, one, part) => {
                let n = batch(n);
                let expected = n.min(free).min(write_end(one));
                let part = usize::from(part) % (expected + 1);
                let items = self.new_items(part);
                let mut chunk = if one {
                    tx.write_contiguous(n)
                } else {
                    tx.write_chunk(n)
                };
                assert_eq!(chunk.len(), expected);
                let (first, second) = chunk.as_mut_slices();
                assert_eq!(first.len() + second.len(), expected);
                assert!(!one || second.is_empty());
                for (slot, item) in first.iter_mut().chain(second).zip(&items) {
                    slot.write(item.clone());
                }
                // SAFETY: as many are written, and at most its length.
                unsafe { chunk.commit(part) };
                self.items.extend(items);
            }
            Step::Read(n, one, part) => {
                let n = batch(n);
                let expected = n.min(len).min(read_end(one));
                let part = usize::from(part) % (expected + 1);
                let chunk = if one {
                    rx.read_contiguous(n)
                } else {
                    rx.read_chunk(n)
                };
                assert_eq!(chunk.len(), expected);
                let (first, second) = chunk.as_slices();
                assert!(!one || second.is_empty());
                assert!(first.iter().chain(second).eq(self.items.range(..expected)));
                chunk.commit(part);
                self.items.drain(..part);
            }
            Step::DropChunks(n) => {
                drop((tx.write_chunk(batch(n)), rx.read_chunk(batch(n))));
                drop((tx.write_contiguous(batch(n)), rx.read_contiguous(batch(n))));
            }
            Step::Split => {}
        }
        self.pushed += self.items.len().saturating_sub(len);
        let len = self.items.len();
        assert_eq!((tx.len(), tx.free()), (len, capacity - len));
        assert_eq!((rx.len(), rx.free()), (len, capacity - len));
        assert_eq!((tx.is_empty(), tx.is_full()), (len == 0, len == capacity));
        assert_eq!((rx.is_empty(), rx.is_full()), (len == 0, len == capacity));
        assert!(tx.ready() <= capacity - len && rx.ready() <= len);
    }

    /// Runs `steps`, then lets both sides go, one of them first.
    fn run<O: Owner<Item = T>>(
        &mut self,
        (mut tx, mut rx): (Producer<O>, Consumer<O>),
        steps: &[Step],
        consumer_goes_first: bool,
    ) {
        for step in steps {
            self.step(&mut tx, &mut rx, step);
        }
        assert!(!tx.is_abandoned() && !rx.is_abandoned());
        if consumer_goes_first {
            drop(rx);
            assert!(tx.is_abandoned());
        } else {
            drop(tx);
            assert!(rx.is_abandoned());
        }
    }
}

fn in_place<T: Item, const N: usize, W: Word>(input: &Input) {
    let mut ring = Ring::<T, N, W>::new();
    let mut oracle = Oracle::new(N);
    for steps in input.steps.split(|step| matches!(step, Step::Split)) {
        oracle.run(ring.split_mut(), steps, input.consumer_goes_first);
    }
}

fn on_heap<T: Item>(input: &Input) {
    let capacity = 1 + usize::from(input.capacity) % 300;
    let mut oracle = Oracle::<T>::new(capacity.next_power_of_two());
    let steps = &input.steps;
    oracle.run(with_capacity(capacity), steps, input.consumer_goes_first);
}

const RINGS: [fn(&Input); 24] = [
    in_place::<Boxed, 1, u8>,
    in_place::<Boxed, 2, u8>,
    in_place::<Boxed, 3, u8>,
    in_place::<Boxed, 5, u8>,
    in_place::<Boxed, 7, u8>,
    in_place::<Boxed, 8, u8>,
    in_place::<Boxed, 64, u8>,
    in_place::<Boxed, 127, u8>,
    in_place::<u32, 1, u8>,
    in_place::<u32, 2, u8>,
    in_place::<u32, 3, u8>,
    in_place::<u32, 7, u8>,
    in_place::<u32, 64, u8>,
    in_place::<u32, 127, u8>,
    in_place::<(), 3, u8>,
    in_place::<(), 8, u8>,
    in_place::<Tracked<()>, 5, u8>,
    in_place::<u32, 300, u16>,
    in_place::<Boxed, 10, u16>,
    in_place::<Boxed, 6, usize>,
    on_heap::<Boxed>,
    on_heap::<u32>,
    on_heap::<()>,
    on_heap::<Tracked<()>>,
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
