//! Rings on the heap.

use super::*;
use static_assertions::{assert_eq_size, assert_impl_all, assert_not_impl_any};
use std::cell::Cell;
use std::format;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::rc::Rc;

// Header, slots, capacity and mask; and where there are copies, two positions and the pace.
assert_eq_size!(
    Producer<Heap<u32>>,
    Consumer<Heap<u32>>,
    ([usize; 4], [([usize; 2], [u32; 6]); KEEPS as usize])
);

assert_impl_all!(Producer<Heap<Cell<u8>>>: Send);
assert_impl_all!(Consumer<Heap<Cell<u8>>>: Send);
assert_impl_all!(Observer: Send, Sync);
assert_not_impl_any!(Producer<Heap<Rc<u8>>>: Send, Sync);
assert_not_impl_any!(Consumer<Heap<Rc<u8>>>: Send, Sync);
assert_not_impl_any!(ReadChunk<Heap<Rc<u8>>>: Send, Sync);
assert_not_impl_any!(ReadChunk<Heap<Cell<u8>>>: Sync);

assert_impl_all!(Producer<Heap<&Cell<u8>>>: UnwindSafe, RefUnwindSafe);
assert_impl_all!(Consumer<Heap<&Cell<u8>>>: UnwindSafe, RefUnwindSafe);
assert_impl_all!(Observer: UnwindSafe, RefUnwindSafe);

#[test]
fn capacity_is_exact() {
    for capacity in (1..=70).chain([100, 127, 128, 129, 1000]) {
        let (mut tx, mut rx) = with_capacity(capacity);
        assert_eq!((tx.capacity(), rx.capacity()), (capacity, capacity));
        for turn in 0..3 {
            for item in 0..capacity {
                assert_eq!(tx.try_push((turn, item)), Ok(()));
            }
            assert_eq!(tx.try_push((9, 9)), Err(Full((9, 9))));
            assert!(rx.drain().eq((0..capacity).map(|item| (turn, item))));
        }
    }
}

#[test]
fn heap_rings_agree_with_a_deque() {
    for capacity in [1, 2, 3, 5, 10, 64, 100] {
        let (tx, rx) = with_capacity(capacity);
        agrees_with_a_deque(tx, rx, capacity.next_power_of_two());
    }
}

fn refusal<T>(capacity: usize) -> Option<CapacityError> {
    try_with_capacity::<T>(capacity).err()
}

#[test]
fn impossible_capacities_are_refused() {
    assert_eq!(refusal::<u8>(0), Some(CapacityError::Zero));
    assert_eq!(refusal::<()>(0), Some(CapacityError::Zero));
    for capacity in [usize::MAX / 2 + 1, usize::MAX] {
        assert_eq!(refusal::<u8>(capacity), Some(CapacityError::TooLarge));
        assert_eq!(refusal::<()>(capacity), Some(CapacityError::TooLarge));
    }
    assert_eq!(
        refusal::<u64>(usize::MAX / 4),
        Some(CapacityError::TooLarge)
    );
    assert!(chunks::panics_here(|| with_capacity::<u8>(0)));
}

/// More bytes than any machine maps, though fewer than an address can count.
#[test]
#[cfg(target_pointer_width = "64")]
#[cfg_attr(miri, ignore = "its allocator does not fail")]
fn lack_of_memory_is_an_error() {
    assert_eq!(refusal::<u8>(1 << 62), Some(CapacityError::OutOfMemory));
}

#[test]
fn zero_sized_items_need_no_memory() {
    let (mut tx, mut rx) = with_capacity::<()>(usize::MAX / 2);
    assert_eq!((tx.capacity(), tx.free()), (usize::MAX / 2, usize::MAX / 2));
    assert_eq!(tx.push_slice(&[(); 1000]), 1000);
    assert_eq!((rx.len(), tx.free()), (1000, usize::MAX / 2 - 1000));
    assert_eq!(rx.drain().count(), 1000);
    assert_eq!(tx.write_chunk(usize::MAX).len(), usize::MAX / 2);
}

#[test]
fn each_side_sees_the_other_go() {
    let (tx, rx) = with_capacity::<u8>(1);
    assert!(!rx.is_abandoned());
    drop(tx);
    assert!(rx.is_abandoned());
    let (tx, rx) = with_capacity::<u8>(1);
    assert!(!tx.is_abandoned());
    drop(rx);
    assert!(tx.is_abandoned());
}

#[test]
fn an_observer_counts_pushes_and_pops() {
    let (mut tx, mut rx) = with_capacity(3);
    let observers = [tx.observe(), rx.observe(), tx.observe().clone()];
    let see = |pushed, popped| {
        for observer in &observers {
            assert_eq!((observer.pushed(), observer.popped()), (pushed, popped));
            assert_eq!(observer.len(), pushed - popped);
            assert_eq!(observer.is_empty(), pushed == popped);
            assert_eq!(observer.capacity(), 3);
        }
    };
    see(0, 0);
    assert_eq!(tx.push_slice(&[1, 2, 3, 4]), 3);
    see(3, 0);
    assert_eq!(rx.pop_each(2, drop), 2);
    see(3, 2);
    assert_eq!(
        format!("{:?}", observers[0]),
        "Observer { len: 1, capacity: 3 }"
    );
    assert_eq!(tx.try_push(5), Ok(()));
    drop((tx, rx));
    see(4, 2);
}

#[test]
fn contiguous_chunks_have_no_dead_zone() {
    let (tx, rx) = with_capacity(5);
    chunks::has_no_dead_zone(tx, rx);
}

#[test]
fn over_aligned_items_lie_where_they_must() {
    let (tx, rx) = with_capacity(3);
    lies_aligned(tx, rx);
}

#[test]
fn items_pass_between_threads() {
    let (tx, rx) = with_capacity(3);
    passes_between_threads(tx, rx);
}
