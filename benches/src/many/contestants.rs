//! Who takes part: an `impl` each, and a line at the bottom.

use concurrent_queue::ConcurrentQueue;
use crossbeam_queue::ArrayQueue;
use ringfence_core::mpmc::{HeapRing, HeapWords, Payload};
use ringfence_core::stamped;
use thingbuf::ThingBuf;

use super::{Entry, Item, Many};
use crate::crews::Shape;

/// Ours, by calls that borrow a spare each.
struct Calls<T>(HeapRing<T>);

impl<T: Item> Many<T> for Calls<T> {
    fn new(capacity: usize, threads: usize) -> Self {
        Self(HeapRing::try_with_capacity(capacity, threads).expect("a small capacity"))
    }

    fn producer(&self) -> impl FnMut(T) -> bool {
        |item| self.0.try_push(item).is_ok()
    }

    fn consumer(&self) -> impl FnMut() -> Option<T> {
        || self.0.try_pop().ok()
    }
}

/// Ours, by handles that own a spare each.
struct Handles<T>(HeapRing<T>);

impl<T: Item> Many<T> for Handles<T> {
    fn new(capacity: usize, threads: usize) -> Self {
        Self(HeapRing::try_with_capacity(capacity, threads).expect("a small capacity"))
    }

    fn producer(&self) -> impl FnMut(T) -> bool {
        let mut tx = self.0.producer().expect("a spare for each thread");
        move |item| tx.try_push(item).is_ok()
    }

    fn consumer(&self) -> impl FnMut() -> Option<T> {
        let mut rx = self.0.consumer().expect("a spare for each thread");
        move || rx.try_pop()
    }
}

/// Ours, with the items in the slots.
impl<T: Item + Payload + Send> Many<T> for HeapWords<T> {
    fn new(capacity: usize, _threads: usize) -> Self {
        Self::try_with_capacity(capacity).expect("a small capacity")
    }

    fn producer(&self) -> impl FnMut(T) -> bool {
        |item| self.try_push(item).is_ok()
    }

    fn consumer(&self) -> impl FnMut() -> Option<T> {
        || self.try_pop()
    }
}

/// Ours with stamps, for many at each side.
impl<T: Item> Many<T> for stamped::Mpmc<T> {
    fn new(capacity: usize, _threads: usize) -> Self {
        Self::with_capacity(capacity)
    }

    fn producer(&self) -> impl FnMut(T) -> bool {
        |item| self.try_push(item).is_ok()
    }

    fn consumer(&self) -> impl FnMut() -> Option<T> {
        || self.try_pop().ok()
    }
}

/// Likewise, for one consumer.
impl<T: Item> Many<T> for stamped::Mpsc<T> {
    const MOST: Shape = Shape::ONE_CONSUMER;

    fn new(capacity: usize, _threads: usize) -> Self {
        Self::with_capacity(capacity)
    }

    fn producer(&self) -> impl FnMut(T) -> bool {
        |item| self.try_push(item).is_ok()
    }

    fn consumer(&self) -> impl FnMut() -> Option<T> {
        let mut rx = stamped::Stamped::consumer(self).expect("one consumer");
        move || rx.try_pop().ok()
    }
}

/// Likewise, for one producer.
impl<T: Item> Many<T> for stamped::Spmc<T> {
    const MOST: Shape = Shape::ONE_PRODUCER;

    fn new(capacity: usize, _threads: usize) -> Self {
        Self::with_capacity(capacity)
    }

    fn producer(&self) -> impl FnMut(T) -> bool {
        let mut tx = stamped::Stamped::producer(self).expect("one producer");
        move |item| tx.try_push(item).is_ok()
    }

    fn consumer(&self) -> impl FnMut() -> Option<T> {
        || self.try_pop().ok()
    }
}

/// Likewise, with a capacity that is a constant.
impl<T: Item, const N: usize> Many<T> for Box<stamped::Ring<T, N>> {
    fn new(capacity: usize, _threads: usize) -> Self {
        assert_eq!(capacity, N);
        Self::default()
    }

    fn producer(&self) -> impl FnMut(T) -> bool {
        |item| self.try_push(item).is_ok()
    }

    fn consumer(&self) -> impl FnMut() -> Option<T> {
        || self.try_pop().ok()
    }
}

impl<T: Item> Many<T> for ArrayQueue<T> {
    fn new(capacity: usize, _threads: usize) -> Self {
        Self::new(capacity)
    }

    fn producer(&self) -> impl FnMut(T) -> bool {
        |item| self.push(item).is_ok()
    }

    fn consumer(&self) -> impl FnMut() -> Option<T> {
        || self.pop()
    }
}

impl<T: Item> Many<T> for ConcurrentQueue<T> {
    fn new(capacity: usize, _threads: usize) -> Self {
        Self::bounded(capacity)
    }

    fn producer(&self) -> impl FnMut(T) -> bool {
        |item| self.push(item).is_ok()
    }

    fn consumer(&self) -> impl FnMut() -> Option<T> {
        || self.pop().ok()
    }
}

impl<T: Item> Many<T> for ThingBuf<T> {
    fn new(capacity: usize, _threads: usize) -> Self {
        Self::new(capacity)
    }

    fn producer(&self) -> impl FnMut(T) -> bool {
        |item| self.push(item).is_ok()
    }

    fn consumer(&self) -> impl FnMut() -> Option<T> {
        || self.pop()
    }
}

/// heapless's mpmc, whose capacity is a constant.
struct Heapless<T, const N: usize>(Box<heapless::mpmc::Queue<T, N>>);

impl<T: Item, const N: usize> Many<T> for Heapless<T, N> {
    fn new(capacity: usize, _threads: usize) -> Self {
        assert_eq!(capacity, N);
        #[expect(deprecated, reason = "it is not lock-free; nor are others here")]
        Self(Box::new(heapless::mpmc::Queue::new()))
    }

    fn producer(&self) -> impl FnMut(T) -> bool {
        |item| self.0.enqueue(item).is_ok()
    }

    fn consumer(&self) -> impl FnMut() -> Option<T> {
        || self.0.dequeue()
    }
}

/// The two ends of a channel, of which each thread has a clone.
struct Channel<S, R>(S, R);

type Crossbeam<T> = Channel<crossbeam_channel::Sender<T>, crossbeam_channel::Receiver<T>>;

impl<T: Item> Many<T> for Crossbeam<T> {
    fn new(capacity: usize, _threads: usize) -> Self {
        let (tx, rx) = crossbeam_channel::bounded(capacity);
        Self(tx, rx)
    }

    fn producer(&self) -> impl FnMut(T) -> bool {
        let tx = self.0.clone();
        move |item| tx.try_send(item).is_ok()
    }

    fn consumer(&self) -> impl FnMut() -> Option<T> {
        let rx = self.1.clone();
        move || rx.try_recv().ok()
    }
}

type CrossfireArray<T> = crossfire::mpmc::Array<T>;
type Crossfire<T> = Channel<crossfire::MTx<CrossfireArray<T>>, crossfire::MRx<CrossfireArray<T>>>;

impl<T: Item> Many<T> for Crossfire<T> {
    fn new(capacity: usize, _threads: usize) -> Self {
        let (tx, rx) = crossfire::mpmc::bounded_blocking(capacity);
        Self(tx, rx)
    }

    fn producer(&self) -> impl FnMut(T) -> bool {
        let tx = self.0.clone();
        move |item| tx.try_send(item).is_ok()
    }

    fn consumer(&self) -> impl FnMut() -> Option<T> {
        let rx = self.1.clone();
        move || rx.try_recv().ok()
    }
}

type Flume<T> = Channel<flume::Sender<T>, flume::Receiver<T>>;

impl<T: Item> Many<T> for Flume<T> {
    fn new(capacity: usize, _threads: usize) -> Self {
        let (tx, rx) = flume::bounded(capacity);
        Self(tx, rx)
    }

    fn producer(&self) -> impl FnMut(T) -> bool {
        let tx = self.0.clone();
        move |item| tx.try_send(item).is_ok()
    }

    fn consumer(&self) -> impl FnMut() -> Option<T> {
        let rx = self.1.clone();
        move || rx.try_recv().ok()
    }
}

type Kanal<T> = Channel<kanal::Sender<T>, kanal::Receiver<T>>;

impl<T: Item> Many<T> for Kanal<T> {
    fn new(capacity: usize, _threads: usize) -> Self {
        let (tx, rx) = kanal::bounded(capacity);
        Self(tx, rx)
    }

    fn producer(&self) -> impl FnMut(T) -> bool {
        let tx = self.0.clone();
        move |item| tx.try_send(item).expect("a receiver")
    }

    fn consumer(&self) -> impl FnMut() -> Option<T> {
        let rx = self.1.clone();
        move || rx.try_recv().expect("a sender")
    }
}

/// All contestants for items of `size` bytes, one of [`SIZES`](super::SIZES).
pub fn entries(size: usize, capacity: usize) -> Vec<Entry> {
    match size {
        4 => word::<u32>(capacity),
        8 => word::<u64>(capacity),
        16 => any_item::<[u64; 2]>(capacity),
        32 => any_item::<[u64; 4]>(capacity),
        64 => any_item::<[u64; 8]>(capacity),
        256 => any_item::<[u64; 32]>(capacity),
        _ => panic!("no contestants for items of {size} bytes"),
    }
}

/// And those that take words only.
fn word<T: Item + Payload>(capacity: usize) -> Vec<Entry> {
    let words = Entry::of::<T, HeapWords<T>>("ringfence-mpmc-words");
    std::iter::once(words)
        .chain(any_item::<T>(capacity))
        .collect()
}

/// Those that take items of any size.
fn any_item<T: Item>(capacity: usize) -> Vec<Entry> {
    let mut entries = vec![
        Entry::of::<T, Calls<T>>("ringfence-mpmc"),
        Entry::of::<T, Handles<T>>("ringfence-mpmc-handles"),
        Entry::of::<T, stamped::Mpmc<T>>("ringfence-stamped"),
        Entry::of::<T, stamped::Mpsc<T>>("ringfence-stamped-mpsc"),
        Entry::of::<T, stamped::Spmc<T>>("ringfence-stamped-spmc"),
        Entry::of::<T, ArrayQueue<T>>("ArrayQueue"),
        Entry::of::<T, ConcurrentQueue<T>>("concurrent-queue"),
        Entry::of::<T, ThingBuf<T>>("thingbuf"),
        Entry::of::<T, Crossbeam<T>>("crossbeam-channel"),
        Entry::of::<T, Crossfire<T>>("crossfire"),
        Entry::of::<T, Flume<T>>("flume"),
        Entry::of::<T, Kanal<T>>("kanal"),
    ];
    match capacity {
        2 => entries.extend(in_place::<T, 2>()),
        64 => entries.extend(in_place::<T, 64>()),
        1024 => entries.extend(in_place::<T, 1024>()),
        _ => {}
    }
    entries
}

/// Those whose capacity is a constant.
fn in_place<T: Item, const N: usize>() -> [Entry; 2] {
    [
        Entry::of::<T, Box<stamped::Ring<T, N>>>("ringfence-stamped-place"),
        Entry::of::<T, Heapless<T, N>>("heapless"),
    ]
}
