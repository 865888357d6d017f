//! How handles come and go, and what they and their errors are like.

use super::*;
use crate::sync::AtomicUsize;
use core::mem::{forget, offset_of};
use static_assertions::{assert_eq_size, assert_impl_all, assert_not_impl_any, const_assert};
use std::cell::Cell;
use std::collections::HashSet;
use std::format;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::rc::Rc;

// The owner; and where there are copies, two positions and the pace.
const COPIES: usize = KEEPS as usize;
assert_eq_size!(
    Producer<&Ring<u32, 16>>,
    Consumer<&Ring<u32, 16>>,
    (usize, [[usize; 2]; COPIES], [[u32; 6]; COPIES])
);
assert_eq_size!(
    Producer<&Ring<u32, 16, u8>>,
    Consumer<&Ring<u32, 16, u8>>,
    (usize, [[u32; 6]; COPIES], [[u8; 2]; COPIES])
);

// No two cores write to one cache line.
const_assert!(offset_of!(Ends<usize>, tail).abs_diff(offset_of!(Ends<usize>, head)) >= 128);

/// `Send`, but not `Sync`: may go to another thread, alone.
type Alone = Cell<u8>;
/// Neither: stays in its thread.
type Local = Rc<u8>;

assert_impl_all!(Ring<Alone, 4>: Send, Sync);
assert_impl_all!(Producer<&Ring<Alone, 4>>: Send);
assert_impl_all!(Consumer<&Ring<Alone, 4>>: Send);
assert_impl_all!(WriteChunk<&Ring<Alone, 4>>: Send);
assert_impl_all!(ReadChunk<&Ring<Alone, 4>>: Send);
// Shared, it shares its items.
assert_impl_all!(ReadChunk<&Ring<u8, 4>>: Sync);
assert_not_impl_any!(ReadChunk<&Ring<Alone, 4>>: Sync);
assert_not_impl_any!(Ring<Local, 4>: Send, Sync);
assert_not_impl_any!(Producer<&Ring<Local, 4>>: Send, Sync);
assert_not_impl_any!(Consumer<&Ring<Local, 4>>: Send, Sync);
assert_not_impl_any!(WriteChunk<&Ring<Local, 4>>: Send, Sync);
assert_not_impl_any!(ReadChunk<&Ring<Local, 4>>: Send, Sync);
assert_not_impl_any!(Drain<&Ring<Local, 4>>: Send, Sync);
assert_not_impl_any!(Producer<&Ring<u8, 4>>: Clone);
assert_not_impl_any!(Consumer<&Ring<u8, 4>>: Clone);

// Whatever the items are: a panic leaves the ring as it is documented to.
assert_impl_all!(Ring<&Cell<u8>, 4>: UnwindSafe, RefUnwindSafe);
assert_impl_all!(Producer<&Ring<&Cell<u8>, 4>>: UnwindSafe, RefUnwindSafe);
assert_impl_all!(Consumer<&Ring<&Cell<u8>, 4>>: UnwindSafe, RefUnwindSafe);

#[test]
fn an_empty_ring_is_all_zeros() {
    let ring = Ring::<u32, 16>::new();
    assert_eq!(ring.ends.tail.load(Ordering::Relaxed), 0);
    assert_eq!(ring.ends.head.load(Ordering::Relaxed), 0);
    assert!(!ring.ends.producer_gone.load(Ordering::Relaxed));
    assert!(!ring.ends.consumer_gone.load(Ordering::Relaxed));
}

#[test]
fn a_static_is_split_once() {
    static RING: Ring<u8, 2, u8> = Ring::new();
    assert_eq!(RING.capacity(), 2);
    let (mut tx, rx) = RING.split().unwrap();
    assert_eq!((tx.capacity(), rx.capacity()), (2, 2));
    assert_eq!(tx.try_push(1), Ok(()));
    assert!(RING.split().is_none());
    assert!(!tx.is_abandoned() && !rx.is_abandoned());
    drop((tx, rx));
    assert!(RING.split().is_none());
}

#[test]
fn of_threads_that_split_at_once_at_most_one_succeeds() {
    let rings: Vec<_> = (0..steps(50_000)).map(|_| Ends::<u8>::new()).collect();
    let passed = AtomicUsize::new(0);
    let claim_all = || {
        let claim = |(i, ring): (usize, &Ends<u8>)| {
            // Both threads are at the same ring, as nearly as can be.
            passed.fetch_add(1, Ordering::Relaxed);
            for spins in 0.. {
                if passed.load(Ordering::Relaxed) >= 2 * (i + 1) {
                    break;
                } else if spins > 1000 {
                    std::thread::yield_now();
                }
            }
            ring.claim()
        };
        rings.iter().enumerate().map(claim).collect::<Vec<_>>()
    };
    let (one, other) = std::thread::scope(|scope| {
        let other = scope.spawn(claim_all);
        (claim_all(), other.join().unwrap())
    });
    assert!(one.iter().zip(&other).all(|(one, other)| !(one & other)));
    assert!(rings.iter().all(|ring| !ring.claim()));
}

#[test]
fn items_stay_from_split_to_split() {
    let mut ring = Ring::<u32, 3, u8>::default();
    assert_eq!(ring.split_mut().0.push_slice(&[1, 2, 3, 4]), 3);
    let (mut tx, mut rx) = ring.split_mut();
    assert_eq!(tx.try_push(4), Err(Full(4)));
    assert_eq!(rx.try_pop(), Some(1));
    forget((tx, rx));
    let (mut tx, rx) = ring.split_mut();
    assert_eq!((tx.ready(), rx.ready()), (1, 2));
    assert_eq!(tx.try_push(4), Ok(()));
    forget(tx);
    drop(rx);
    assert!(ring.split_mut().1.drain().eq([2, 3, 4]));
}

#[test]
fn each_side_sees_the_other_go() {
    let mut ring = Ring::<u32, 3, u8>::new();
    let (mut tx, mut rx) = ring.split_mut();
    assert_eq!(tx.try_push(1), Ok(()));
    assert!(!rx.is_abandoned());
    drop(tx);
    assert!(rx.is_abandoned());
    assert_eq!((rx.try_pop(), rx.try_pop()), (Some(1), None));
    drop(rx);

    let (mut tx, rx) = ring.split_mut();
    assert!(!tx.is_abandoned() && !rx.is_abandoned());
    drop(rx);
    assert!(tx.is_abandoned());
    assert_eq!(tx.push_slice(&[1, 2, 3, 4]), 3);
    forget(tx);

    let (tx, rx) = ring.split_mut();
    assert!(!tx.is_abandoned() && !rx.is_abandoned());
}

#[test]
fn errors_and_handles_say_what_they_are() {
    struct Mute; // not Debug
    assert_eq!(
        format!("{:?} {}", Full(Mute), Full(Mute)),
        "Full(..) the ring is full"
    );
    assert_eq!(Full(3).into_inner(), 3);
    assert_eq!(format!("{:?}", CapacityError::TooLarge), "TooLarge");
    assert!(format!("{}", CapacityError::Zero).contains("zero"));
    assert!(format!("{}", CapacityError::TooLarge).contains("larger"));
    assert!(format!("{}", CapacityError::OutOfMemory).contains("memory"));
    assert_impl_all!(Full<Mute>: core::error::Error);
    assert_impl_all!(CapacityError: core::error::Error);
    assert!(HashSet::from([Full(1), Full(2)]).contains(&Full(2)));
    assert!(!HashSet::from([CapacityError::Zero]).contains(&CapacityError::TooLarge));

    let mut ring = Ring::<Mute, 3, u8>::new();
    let (mut tx, mut rx) = ring.split_mut();
    assert!(tx.try_push(Mute).is_ok());
    let fields = "{ len: 1, capacity: 3, is_abandoned: false }";
    assert_eq!(format!("{tx:?}"), format!("Producer {fields}"));
    assert_eq!(format!("{rx:?}"), format!("Consumer {fields}"));
    assert_eq!(format!("{:?}", tx.write_chunk(9)), "WriteChunk { len: 2 }");
    assert_eq!(format!("{:?}", rx.read_chunk(9)), "ReadChunk { len: 1 }");
    let items = rx.read_chunk(9).into_iter();
    assert_eq!(format!("{items:?}"), "IntoIter { len: 1 }");
    assert_eq!(format!("{:?}", rx.drain()), "Drain { len: 1, capacity: 3 }");
    drop((tx, rx));
    assert_eq!(format!("{ring:?}"), "Ring { len: 1, capacity: 3 }");
    let mut ring = Ring::<u8, 3>::new();
    let (mut tx, _) = ring.split_mut();
    let chunk = tx.write_chunk(2).init();
    assert_eq!(format!("{chunk:?}"), "InitChunk { len: 2 }");
}
