//! What a user of the ring relies on. Interleavings are the models' business.

mod laps;
mod words;

use std::collections::VecDeque;
use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, RefUnwindSafe, UnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize as Plain, Ordering::Relaxed};
use std::thread;
use std::vec::Vec;

use super::cells::sealed::Storage;
use super::words::sealed::WordStorage;
use super::*;
use crate::error::Full;
use static_assertions::{assert_impl_all, assert_not_impl_any};

assert_impl_all!(Ring<core::cell::Cell<u8>, 2>: Send, Sync);
assert_not_impl_any!(Ring<Rc<u8>, 2>: Send, Sync);
assert_impl_all!(Ring<&core::cell::Cell<u8>, 2>: UnwindSafe, RefUnwindSafe);
assert_impl_all!(Producer<Place<Rc<u8>, 2, 4>>: UnwindSafe, RefUnwindSafe);
assert_impl_all!(Consumer<Place<Rc<u8>, 2, 4>>: UnwindSafe, RefUnwindSafe);
#[cfg(feature = "alloc")]
assert_impl_all!(HeapRing<Rc<u8>>: UnwindSafe, RefUnwindSafe);

/// Cells and words alike, never busy: there are enough spares.
trait Queue {
    type Item;
    fn push(&self, item: Self::Item) -> Result<(), Self::Item>;
    fn force(&self, item: Self::Item) -> Option<Self::Item>;
    fn pop(&self) -> Option<Self::Item>;
    /// How many items there are, and how many fit; whether it is empty, or full.
    fn state(&self) -> (usize, usize, bool, bool);
}

impl<St: Storage> Queue for Mpmc<St> {
    type Item = St::Item;
    fn push(&self, item: St::Item) -> Result<(), St::Item> {
        self.try_push(item).map_err(|error| match error {
            PushError::Full(item) => item,
            PushError::Busy(_) => panic!("busy"),
        })
    }
    fn force(&self, item: St::Item) -> Option<St::Item> {
        self.force_push(item).unwrap()
    }
    fn pop(&self) -> Option<St::Item> {
        match self.try_pop() {
            Err(PopError::Busy) => panic!("busy"),
            popped => popped.ok(),
        }
    }
    fn state(&self) -> (usize, usize, bool, bool) {
        (self.len(), self.capacity(), self.is_empty(), self.is_full())
    }
}

/// Cells by handles, new ones for each operation.
struct ByHandles<St: Storage>(Mpmc<St>);

impl<St: Storage> Queue for ByHandles<St> {
    type Item = St::Item;
    fn push(&self, item: St::Item) -> Result<(), St::Item> {
        let pushed = self.0.producer().unwrap().try_push(item);
        pushed.map_err(Full::into_inner)
    }
    fn force(&self, item: St::Item) -> Option<St::Item> {
        self.0.producer().unwrap().force_push(item)
    }
    fn pop(&self) -> Option<St::Item> {
        self.0.consumer().unwrap().try_pop()
    }
    fn state(&self) -> (usize, usize, bool, bool) {
        self.0.state()
    }
}

impl<St: WordStorage> Queue for WordRing<St> {
    type Item = St::Item;
    fn push(&self, item: St::Item) -> Result<(), St::Item> {
        self.try_push(item).map_err(Full::into_inner)
    }
    fn force(&self, item: St::Item) -> Option<St::Item> {
        self.force_push(item)
    }
    fn pop(&self) -> Option<St::Item> {
        self.try_pop()
    }
    fn state(&self) -> (usize, usize, bool, bool) {
        (self.len(), self.capacity(), self.is_empty(), self.is_full())
    }
}

/// Every operation against a queue, over many laps.
fn agrees<Q: Queue<Item: PartialEq + Debug>>(ring: &Q, item: impl Fn(u8) -> Q::Item) {
    let capacity = ring.state().1;
    let mut queue = VecDeque::new();
    let mut random = 1u32;
    for number in 0..if cfg!(miri) { 300 } else { 20_000 } {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let number = number as u8;
        let (len, full) = (queue.len(), queue.len() == capacity);
        assert_eq!(ring.state(), (len, capacity, len == 0, full));
        match random >> 29 {
            0..3 => {
                let pushed = ring.push(item(number));
                assert_eq!(pushed, if full { Err(item(number)) } else { Ok(()) });
                queue.extend((!full).then_some(number));
            }
            3 => {
                let evicted = full.then(|| queue.pop_front()).flatten();
                assert_eq!(ring.force(item(number)), evicted.map(&item));
                queue.push_back(number);
            }
            _ => assert_eq!(ring.pop(), queue.pop_front().map(&item)),
        }
    }
}

#[test]
fn agrees_with_a_queue_at_every_capacity() {
    seq_macro::seq!(N in 1..=17 {
        agrees(&Ring::<_, N, 1>::new(), u64::from);
        agrees(&ByHandles(Ring::<_, N, 1>::new()), u64::from);
        agrees(&Words::<_, N>::new(), u32::from);
    });
    agrees(&Ring::<_, 64, 2>::new(), u64::from);
    agrees(&Ring::<_, 100, 2>::new(), u64::from);
    agrees(&Words::<_, 64>::new(), u32::from);
    agrees(&Words::<_, 100>::new(), |item| item);
}

#[cfg(feature = "alloc")]
#[test]
fn agrees_with_a_queue_on_the_heap() {
    for capacity in 1..9 {
        agrees(&HeapRing::try_with_capacity(capacity, 1).unwrap(), u64::from);
        agrees(&HeapWords::try_with_capacity(capacity).unwrap(), u32::from);
    }
}

#[test]
fn handles_that_lag_catch_up() {
    let ring = Ring::<usize, 3>::new();
    let (mut tx, mut rx) = (ring.producer().unwrap(), ring.consumer().unwrap());
    for item in 0..1000 {
        ring.try_push(item).unwrap();
        assert_eq!(ring.try_pop(), Ok(item));
    }
    assert_eq!(rx.try_pop(), None);
    assert_eq!(tx.try_push(7), Ok(()));
    assert_eq!(rx.try_pop(), Some(7));
}

#[test]
fn spares_are_counted_and_returned() {
    let ring = Ring::<usize, 2, 2>::new();
    let one = ring.producer().unwrap();
    let two = ring.consumer().unwrap();
    assert!(ring.producer().is_none() && ring.consumer().is_none());
    assert_eq!(ring.try_push(1), Err(PushError::Busy(1)));
    assert_eq!(ring.force_push(1), Err(PushError::Busy(1)));
    assert_eq!(ring.try_pop(), Err(PopError::Busy));
    assert!(ring.is_empty());
    drop(one);
    assert_eq!(ring.try_push(1), Ok(()));
    drop(two);
    // A forgotten handle keeps its spare; the ring goes on with the other.
    core::mem::forget(ring.producer());
    assert!(ring.producer().is_some());
    assert_eq!(ring.try_pop(), Ok(1));
    core::mem::forget(ring.producer());
    assert_eq!(ring.try_pop(), Err(PopError::Busy));
}

struct Counted(Arc<Plain>, bool);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, Relaxed);
        assert!(!self.1, "told to panic");
    }
}

#[test]
fn every_item_is_dropped_once() {
    let drops = Arc::new(Plain::new(0));
    let item = |panics| Counted(drops.clone(), panics);
    let ring = Ring::<Counted, 3>::new();
    for _ in 0..3 {
        assert!(ring.try_push(item(false)).is_ok());
    }
    drop(ring.try_push(item(false)));
    assert_eq!(drops.load(Relaxed), 1);
    drop(ring.force_push(item(false)));
    assert_eq!(drops.load(Relaxed), 2);
    drop(ring.try_pop());
    assert_eq!(drops.load(Relaxed), 3);
    drop(ring);
    assert_eq!(drops.load(Relaxed), 5);
    // A panic in one item's drop leaves none behind.
    let ring = Ring::<Counted, 3>::new();
    for panics in [true, false, false] {
        assert!(ring.try_push(item(panics)).is_ok());
    }
    assert!(catch_unwind(AssertUnwindSafe(|| drop(ring))).is_err());
    assert_eq!(drops.load(Relaxed), 8);
}

#[test]
fn a_ring_is_iterated_by_value() {
    let drops = Arc::new(Plain::new(0));
    let ring = Ring::<(usize, Counted), 3, 1>::new();
    for number in 0..5 {
        drop(ring.force_push((number, Counted(drops.clone(), false))));
    }
    // Even if no spare is left.
    core::mem::forget(ring.producer());
    let mut items = ring.into_iter();
    assert_eq!(items.len(), 3);
    assert_eq!(items.next().map(|(number, _)| number), Some(2));
    assert_eq!(items.next().map(|(number, _)| number), Some(3));
    assert_eq!((items.len(), drops.load(Relaxed)), (1, 4));
    drop(items);
    assert_eq!(drops.load(Relaxed), 5);
    let mut none = Ring::<u8, 2>::new().into_iter();
    assert_eq!((none.next(), none.next()), (None, None));
}

#[test]
fn odd_items_are_welcome() {
    let zero = Ring::<(), 2>::new();
    assert_eq!((zero.try_push(()), zero.try_pop()), (Ok(()), Ok(())));
    #[derive(Debug, PartialEq)]
    #[repr(align(256))]
    struct Aligned(u8);
    let ring = Ring::<Aligned, 2>::new();
    ring.try_push(Aligned(1)).unwrap();
    assert_eq!(ring.try_pop(), Ok(Aligned(1)));
}

/// Of many threads that push and pop at once, each sees the items of each other in
/// order, and none is lost or repeated.
fn threads_lose_nothing<St>(ring: Mpmc<St>)
where
    St: Storage<Item = (usize, usize)> + Sync,
{
    const EACH: usize = if cfg!(miri) { 100 } else { 20_000 };
    let ring = &ring;
    let received: Vec<Vec<_>> = thread::scope(|scope| {
        for sender in 0..2 {
            scope.spawn(move || {
                let mut tx = ring.producer().unwrap();
                for item in 0..EACH {
                    while tx.try_push((sender, item)).is_err() {
                        thread::yield_now();
                    }
                }
            });
        }
        let receive = move || {
            let mut rx = ring.consumer().unwrap();
            let mut received = Vec::new();
            while received.len() < EACH {
                match rx.try_pop() {
                    Some(item) => received.push(item),
                    None => thread::yield_now(),
                }
            }
            received
        };
        let receivers = [scope.spawn(receive), scope.spawn(receive)];
        receivers.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    for sender in 0..2 {
        let from = |received: &Vec<_>| {
            let items = received.iter().filter(|(from, _)| *from == sender);
            items.map(|(_, item)| *item).collect::<Vec<usize>>()
        };
        let mut all: Vec<_> = received.iter().map(from).collect();
        assert!(all.iter().all(|items| items.is_sorted()));
        let mut all = all.drain(..).flatten().collect::<Vec<_>>();
        all.sort_unstable();
        assert!(all.into_iter().eq(0..EACH));
    }
}

#[test]
fn threads_lose_nothing_in_place() {
    threads_lose_nothing(Ring::<_, 1, 4>::new());
    threads_lose_nothing(Ring::<_, 5, 4>::new());
    threads_lose_nothing(Ring::<_, 64, 4>::new());
}

#[cfg(feature = "alloc")]
#[test]
fn threads_lose_nothing_on_the_heap() {
    for capacity in [1, 3, 100] {
        threads_lose_nothing(HeapRing::try_with_capacity(capacity, 4).unwrap());
    }
}

#[cfg(feature = "alloc")]
#[test]
fn impossible_capacities_are_errors() {
    use crate::error::CapacityError;
    let error = |capacity, spares| HeapRing::<u64>::try_with_capacity(capacity, spares).err();
    assert_eq!(error(0, 1), Some(CapacityError::Zero));
    assert_eq!(error(1, 0), Some(CapacityError::Zero));
    assert_eq!(error(usize::MAX, 1), Some(CapacityError::TooLarge));
    assert_eq!(error(10, 3), None);
}

#[test]
fn errors_say_what_they_are() {
    let (full, busy) = (PushError::Full(1), PushError::Busy(1));
    assert_eq!(full, PushError::from(Full(1)));
    assert_eq!((full.is_full(), full.is_busy()), (true, false));
    assert_eq!((busy.is_full(), busy.is_busy()), (false, true));
    let (empty, busy) = (PopError::Empty, PopError::Busy);
    assert_eq!((empty.is_empty(), empty.is_busy()), (true, false));
    assert_eq!((busy.is_empty(), busy.is_busy()), (false, true));
    assert_impl_all!(PushError<u8>: core::hash::Hash);
    assert_impl_all!(PopError: core::hash::Hash);
}

#[test]
fn rings_and_handles_show_no_items() {
    struct Mute; // not Debug
    let ring = Ring::<Mute, 3>::new();
    assert!(ring.try_push(Mute).is_ok());
    let (tx, rx) = (ring.producer().unwrap(), ring.consumer().unwrap());
    assert_eq!(std::format!("{ring:?}"), "Mpmc { len: 1, capacity: 3 }");
    assert_eq!(std::format!("{tx:?}"), "Producer { len: 1, capacity: 3 }");
    assert_eq!(std::format!("{rx:?}"), "Consumer { len: 1, capacity: 3 }");
}
