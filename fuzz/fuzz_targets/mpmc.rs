//! `mpmc` against a `VecDeque`, in cells and in words: whatever is done to both, they
//! agree, and every item is dropped once.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use ringfence_core::mpmc::{
    Consumer, HeapPlace, HeapRing, HeapWords, Payload, PopError, Producer, PushError,
};
use std::cell::Cell;
use std::collections::VecDeque;

#[derive(Arbitrary, Debug)]
struct Input {
    capacity: u8,
    spares: u8,
    steps: Vec<Step>,
    /// How many items are taken by the iterator at the end.
    taken: u8,
}

#[derive(Arbitrary, Debug)]
enum Step {
    Push,
    ForcePush,
    Pop,
    Drain(u8),
    /// With the handle of that number.
    HandlePush(u8),
    HandleForcePush(u8),
    HandlePop(u8),
    NewProducer,
    NewConsumer,
    DropProducer(u8),
    DropConsumer(u8),
    /// Leaves the ring with a spare less, for good.
    Forget,
    /// So many times push and pop, to get on.
    Turn(u8),
}

thread_local!(static LIVE: Cell<isize> = const { Cell::new(0) });

/// Counts how many are alive.
#[derive(PartialEq, Debug)]
struct Item(Box<u64>);

impl Item {
    fn new(number: u64) -> Self {
        LIVE.set(LIVE.get() + 1);
        Self(Box::new(number))
    }
}

impl Drop for Item {
    fn drop(&mut self) {
        LIVE.set(LIVE.get() - 1);
    }
}

/// What a plain queue does.
struct Oracle {
    items: VecDeque<u64>,
    capacity: usize,
    next: u64,
}

impl Oracle {
    fn new(capacity: usize) -> Self {
        let items = VecDeque::new();
        Self {
            items,
            capacity,
            next: 0,
        }
    }
    fn item(&mut self) -> u64 {
        self.next += 1;
        self.next
    }
    fn is_full(&self) -> bool {
        self.items.len() == self.capacity
    }
    fn push(&mut self, item: u64) -> bool {
        let room = !self.is_full();
        self.items.extend(room.then_some(item));
        room
    }
    fn force(&mut self, item: u64) -> Option<u64> {
        let oldest = if self.is_full() {
            self.items.pop_front()
        } else {
            None
        };
        self.items.push_back(item);
        oldest
    }
}

fn number(item: Item) -> u64 {
    *item.0
}

type Tx<'a> = Producer<'a, HeapPlace<Item>>;
type Rx<'a> = Consumer<'a, HeapPlace<Item>>;

fn cells(input: &Input) {
    let capacity = 1 + usize::from(input.capacity) % 20;
    let spares = 1 + usize::from(input.spares) % 4;
    let ring = HeapRing::try_with_capacity(capacity, spares).unwrap();
    let mut oracle = Oracle::new(capacity);
    let (mut producers, mut consumers): (Vec<Tx>, Vec<Rx>) = (vec![], vec![]);
    let mut forgotten = 0;
    for step in &input.steps {
        // Whoever has no spare of his own needs one that is free.
        let busy = producers.len() + consumers.len() + forgotten == spares;
        match *step {
            Step::Push => {
                let item = oracle.item();
                let expected = match busy {
                    true => Err(PushError::Busy(item)),
                    false if oracle.push(item) => Ok(()),
                    false => Err(PushError::Full(item)),
                };
                let pushed = ring.try_push(Item::new(item));
                assert_eq!(
                    pushed.map_err(|error| match error {
                        PushError::Full(item) => PushError::Full(number(item)),
                        PushError::Busy(item) => PushError::Busy(number(item)),
                    }),
                    expected
                );
            }
            Step::ForcePush => {
                let item = oracle.item();
                match ring.force_push(Item::new(item)) {
                    Ok(evicted) => {
                        assert!(!busy);
                        assert_eq!(evicted.map(number), oracle.force(item));
                    }
                    Err(error) => assert!(busy && number(error.into_inner()) == item),
                }
            }
            Step::Pop => match ring.try_pop() {
                Ok(item) => assert!(!busy && Some(number(item)) == oracle.items.pop_front()),
                Err(PopError::Empty) => assert!(!busy && oracle.items.is_empty()),
                Err(PopError::Busy) => assert!(busy),
            },
            Step::Drain(n) => {
                let n = if busy {
                    0
                } else {
                    usize::from(n).min(oracle.items.len())
                };
                let drained = ring.drain().take(n).map(number);
                assert!(drained.eq(oracle.items.drain(..n)));
                assert!(!busy || ring.drain().next().is_none());
            }
            Step::HandlePush(n) if !producers.is_empty() => {
                let n = usize::from(n) % producers.len();
                let item = oracle.item();
                let pushed = producers[n].try_push(Item::new(item));
                assert_eq!(pushed.is_ok(), oracle.push(item));
            }
            Step::HandleForcePush(n) if !producers.is_empty() => {
                let n = usize::from(n) % producers.len();
                let item = oracle.item();
                let evicted = producers[n].force_push(Item::new(item));
                assert_eq!(evicted.map(number), oracle.force(item));
            }
            Step::HandlePop(n) if !consumers.is_empty() => {
                let n = usize::from(n) % consumers.len();
                assert_eq!(consumers[n].try_pop().map(number), oracle.items.pop_front());
            }
            Step::NewProducer => {
                let handle = ring.producer();
                assert_eq!(handle.is_none(), busy);
                producers.extend(handle);
            }
            Step::NewConsumer => {
                let handle = ring.consumer();
                assert_eq!(handle.is_none(), busy);
                consumers.extend(handle);
            }
            Step::DropProducer(n) if !producers.is_empty() => {
                producers.swap_remove(usize::from(n) % producers.len());
            }
            Step::DropConsumer(n) if !consumers.is_empty() => {
                consumers.swap_remove(usize::from(n) % consumers.len());
            }
            Step::Forget => {
                if let Some(handle) = ring.producer() {
                    std::mem::forget(handle);
                    forgotten += 1;
                }
            }
            Step::Turn(n) if !busy => {
                for _ in 0..n {
                    let item = oracle.item();
                    drop(ring.force_push(Item::new(item)));
                    oracle.force(item);
                    assert_eq!(ring.try_pop().ok().map(number), oracle.items.pop_front());
                }
            }
            _ => {}
        }
        let len = oracle.items.len();
        assert_eq!((ring.len(), ring.capacity()), (len, capacity));
        assert_eq!(
            (ring.is_empty(), ring.is_full()),
            (len == 0, oracle.is_full())
        );
    }
    drop((producers, consumers));
    let items = ring.into_iter();
    assert_eq!(items.len(), oracle.items.len());
    let taken = items.take(input.taken.into()).map(number);
    assert!(taken.eq(oracle.items.into_iter().take(input.taken.into())));
}

fn words<T: Payload>(input: &Input, new: fn(u64) -> T, number: fn(T) -> u64) {
    let capacity = 1 + usize::from(input.capacity) % 20;
    let ring = HeapWords::<T>::try_with_capacity(capacity).unwrap();
    let mut oracle = Oracle::new(capacity);
    for step in &input.steps {
        match *step {
            Step::Push | Step::HandlePush(_) => {
                let item = oracle.item();
                assert_eq!(ring.try_push(new(item)).is_ok(), oracle.push(item));
            }
            Step::ForcePush | Step::HandleForcePush(_) => {
                let item = oracle.item();
                let evicted = ring.force_push(new(item)).map(number);
                assert_eq!(evicted, oracle.force(item));
            }
            Step::Pop | Step::HandlePop(_) => {
                assert_eq!(ring.try_pop().map(number), oracle.items.pop_front());
            }
            Step::Drain(n) => {
                let n = usize::from(n).min(oracle.items.len());
                let drained = ring.drain().take(n).map(number);
                assert!(drained.eq(oracle.items.drain(..n)));
            }
            Step::Turn(n) => {
                for _ in 0..n {
                    let item = oracle.item();
                    drop(ring.force_push(new(item)));
                    oracle.force(item);
                    assert_eq!(ring.try_pop().map(number), oracle.items.pop_front());
                }
            }
            _ => {}
        }
        let len = oracle.items.len();
        assert_eq!((ring.len(), ring.capacity()), (len, capacity));
        assert_eq!(
            (ring.is_empty(), ring.is_full()),
            (len == 0, oracle.is_full())
        );
    }
    let items = ring.into_iter();
    assert_eq!(items.len(), oracle.items.len());
    let taken = items.take(input.taken.into()).map(number);
    assert!(taken.eq(oracle.items.into_iter().take(input.taken.into())));
}

fuzz_target!(|input: Input| {
    cells(&input);
    assert_eq!(LIVE.get(), 0, "lost or dropped twice");
    words(&input, |number| number as u32, u64::from);
    words(&input, |n| Box::new(Item::new(n)), |item| number(*item));
    assert_eq!(LIVE.get(), 0, "lost or dropped twice");
});
