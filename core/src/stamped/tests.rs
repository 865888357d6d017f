//! What a user of the ring relies on. Interleavings are the models' business.

mod queue;
mod threads;

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize as Plain, Ordering::Relaxed};
use std::thread;
use std::vec;
use std::vec::Vec;

use super::packing::{Packing, Position, Stamp};
use super::*;
use static_assertions::{assert_impl_all, assert_not_impl_any};

type Cell = core::cell::Cell<u8>;
assert_impl_all!(Ring<Cell, 2>: Send, Sync);
assert_not_impl_any!(Ring<Rc<u8>, 2>: Send, Sync);
assert_impl_all!(Producer<&'static Ring<Cell, 2, Solo, Solo>>: Send);
assert_impl_all!(Consumer<&'static Ring<Cell, 2, Solo, Solo>>: Send);
assert_not_impl_any!(Producer<&'static Ring<Rc<u8>, 2, Solo, Solo>>: Send, Sync);
assert_not_impl_any!(Consumer<&'static Ring<Rc<u8>, 2, Solo, Solo>>: Send, Sync);
assert_not_impl_any!(ReadChunk<'static, &'static Ring<Cell, 2, Solo, Solo>>: Sync);
assert_not_impl_any!(Iter<'static, &'static Ring<Cell, 2, Solo, Solo>>: Send, Sync);
#[cfg(feature = "alloc")]
assert_impl_all!(Consumer<Arc<Mpsc<Cell>>>: Send);

/// Positions against plain counting, over many wraps of the word.
#[test]
fn positions_agree_with_counting() {
    const WRAPS: usize = if cfg!(miri) { 10 } else { 100 };
    for capacity in 1..=20 {
        let packing = Packing::with_lap_bits(capacity, Packing::FEWEST_LAP_BITS);
        let mut at = Position(0);
        let mut before = VecDeque::new();
        for count in 0..WRAPS * capacity {
            assert_eq!(packing.index(at), count % capacity);
            assert_eq!(packing.advance(at, 0), at);
            assert_ne!(packing.empty(at), packing.full(at));
            before.push_back(at);
            let mut ahead = at;
            for n in 0..=capacity {
                assert_eq!(packing.advance(at, n), ahead);
                assert_eq!(packing.distance(at, ahead), n);
                // Others may be read later: never more than all, never less than none.
                assert_eq!(packing.distance(ahead, at), 0);
                // Nor taken for one that is ahead.
                assert_eq!(packing.behind(at, ahead), n);
                assert!(n == 0 || packing.behind(ahead, at) > capacity);
                ahead = packing.next(ahead);
            }
            assert_eq!(packing.distance(at, ahead), capacity);
            if before.len() > capacity {
                let lap_ago = before.pop_front().unwrap();
                assert_eq!(packing.lap_before(at), lap_ago);
                assert_eq!(packing.freed(lap_ago), packing.empty(at));
                assert_ne!(packing.full(lap_ago), packing.full(at));
            }
            at = packing.next(at);
        }
    }
    let packing = Packing::new(1);
    assert_eq!(packing.empty(Position(0)), Stamp(0));
    let last = packing.lap_before(Position(0));
    assert_eq!(packing.next(last), Position(0));
    assert_eq!(packing.freed(last), Stamp(0));
}

#[test]
fn a_solo_handle_is_the_only_one_until_it_is_dropped() {
    let ring = Ring::<usize, 3, Solo, Solo>::new();
    let mut producer = ring.producer().unwrap();
    let mut consumer = ring.consumer().unwrap();
    assert!(ring.producer().is_none() && ring.consumer().is_none());
    assert_eq!(producer.push_slice(&[1, 2]), 2);
    assert_eq!(consumer.try_pop(), Ok(1));
    drop(producer);
    drop(consumer);
    // The next ones go on where the last ones were.
    let mut producer = ring.producer().unwrap();
    let mut consumer = ring.consumer().unwrap();
    assert_eq!(producer.push_slice(&[3, 4, 5]), 2);
    assert!(consumer.drain().eq(2..=4));
    // Of those that are forgotten there is never another, and the items are there.
    producer.try_push(6).unwrap();
    core::mem::forget((producer, consumer));
    assert!(ring.producer().is_none() && ring.consumer().is_none());
    assert!(ring.into_iter().eq([6]));
}

#[cfg(feature = "alloc")]
#[test]
fn owned_handles_keep_the_ring() {
    let ring = Arc::new(Mpsc::with_capacity(2));
    let mut consumer = Consumer::claim(ring.clone()).unwrap();
    assert!(Consumer::claim(ring.clone()).is_none() && ring.consumer().is_none());
    ring.try_push(std::boxed::Box::new(7)).unwrap();
    drop(ring);
    assert_eq!(consumer.peek(), Some(&std::boxed::Box::new(7)));
    assert_eq!(consumer.ring().len(), 1);
}

#[test]
fn chunks_and_looks_take_nothing_until_committed() {
    let ring = Ring::<usize, 4, Shared, Solo>::new();
    let mut consumer = ring.consumer().unwrap();
    assert!(consumer.peek().is_none() && consumer.read_chunk(4).is_empty());
    for round in 0..10 {
        assert_eq!(ring.push_slice(&[round, 1, 2, 3, 4]), 4);
        drop(consumer.read_chunk(2));
        let mut chunk = consumer.read_chunk(3);
        assert!((chunk.len(), chunk[0], chunk.get(3)) == (3, round, None));
        assert!(chunk.iter().rev().eq(&[2, 1, round]) && chunk.get_mut(3).is_none());
        *chunk.get_mut(2).unwrap() += 6;
        chunk.commit(2);
        *consumer.peek_mut().unwrap() += 1;
        assert_eq!(consumer.peek(), Some(&9));
        assert!(consumer.drain().eq([9, 3]));
    }
    assert!(catch_unwind(AssertUnwindSafe(|| consumer.read_chunk(4).commit(1))).is_err());
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
    drop(ring.try_pop());
    assert_eq!(drops.load(Relaxed), 2);
    let mut items = ring.into_iter();
    assert_eq!(items.len(), 2);
    drop(items.next());
    assert_eq!(drops.load(Relaxed), 3);
    drop(items);
    assert_eq!(drops.load(Relaxed), 4);
    // A panic in one item's drop leaves none behind.
    let ring = Ring::<Counted, 3>::new();
    for panics in [false, true, false] {
        assert!(ring.try_push(item(panics)).is_ok());
    }
    assert!(catch_unwind(AssertUnwindSafe(|| drop(ring))).is_err());
    assert_eq!(drops.load(Relaxed), 7);
    // Nor does it in a chunk: it is gone, and what is behind is still there.
    let ring = Ring::<Counted, 3, Shared, Solo>::new();
    for panics in [false, true, false] {
        assert!(ring.try_push(item(panics)).is_ok());
    }
    let mut consumer = ring.consumer().unwrap();
    let commit = AssertUnwindSafe(|| consumer.read_chunk(3).commit(3));
    assert!(catch_unwind(commit).is_err());
    assert_eq!((drops.load(Relaxed), ring.len()), (9, 1));
    drop(consumer);
    drop(ring);
    assert_eq!(drops.load(Relaxed), 10);
}

/// User code that panics in a batch leaves no slot claimed.
#[test]
fn a_panic_in_a_batch_leaves_the_ring_whole() {
    for (items, gone) in [(3, 3), (10, 10), (20, 16)] {
        let drops = Arc::new(Plain::new(0));
        let ring = Ring::<Counted, 20>::new();
        for _ in 0..items {
            assert!(ring.try_push(Counted(drops.clone(), false)).is_ok());
        }
        // In the second item of the first batch, of which the rest is dropped.
        let mut calls = 0;
        let each = |_| {
            calls += 1;
            assert!(calls < 2, "told to panic");
        };
        assert!(catch_unwind(AssertUnwindSafe(|| ring.pop_each(20, each))).is_err());
        assert_eq!((drops.load(Relaxed), ring.len()), (gone, items - gone));
        for _ in items - gone..20 {
            assert!(ring.try_push(Counted(drops.clone(), false)).is_ok());
        }
        assert!(ring.is_full());
        assert_eq!(ring.pop_each(usize::MAX, drop), 20);
        assert_eq!(drops.load(Relaxed), gone + 20);
    }
    // A solo side takes them one by one.
    let ring = Ring::<usize, 4, Solo, Solo>::new();
    let mut producer = ring.producer().unwrap();
    let mut consumer = ring.consumer().unwrap();
    let two = (0..9).inspect(|item| assert!(*item < 2, "told to panic"));
    assert!(catch_unwind(AssertUnwindSafe(|| producer.push_iter(two))).is_err());
    assert_eq!(producer.push_iter(2..9), 2);
    let each = |item| assert!(item < 1, "told to panic");
    assert!(catch_unwind(AssertUnwindSafe(|| consumer.pop_each(9, each))).is_err());
    assert!(consumer.drain().eq(2..4));
}

#[test]
fn push_iter_takes_no_item_that_has_no_room() {
    let ring = Ring::<usize, 3, Solo, Solo>::new();
    let mut producer = ring.producer().unwrap();
    let mut items = 0..10;
    assert_eq!(producer.push_iter(items.by_ref()), 3);
    assert_eq!(items, 3..10);
    assert_eq!(producer.push_iter(core::iter::from_fn(|| unreachable!())), 0);
}

/// Over many wraps of laps, for any start and length.
#[cfg(feature = "alloc")]
#[test]
fn items_that_are_pushed_together_have_names_that_follow() {
    for (capacity, most) in (1..=5).flat_map(|capacity| (0..=6).map(move |most| (capacity, most))) {
        // SAFETY: nobody stops in a call.
        let ring = unsafe { Mpmc::<usize>::with_lap_bits(capacity, 3) };
        for start in 0..if cfg!(miri) { 30 } else { 300 } {
            let inside = start % 2;
            (0..inside).for_each(|_| assert!(ring.try_push(9).is_ok()));
            let mut items: Vec<_> = (0..most).map(Some).collect();
            items.extend([None, Some(7)]);
            let (first, n) = ring.push_some_at(&mut items);
            assert_eq!(n, most.min(capacity - inside));
            let left = items.into_iter().flatten();
            assert!(left.eq((n..most).chain([7])));
            assert!((0..inside).all(|_| ring.try_pop() == Ok(9)));
            for item in 0..n {
                let (name, popped) = ring.pop_at().unwrap();
                assert_eq!((popped, ring.behind(first, name)), (item, item));
            }
            assert!(ring.is_empty());
            // From the next position on.
            ring.try_push(8).unwrap();
            assert_eq!(ring.try_pop(), Ok(8));
        }
    }
}

#[test]
fn room_is_seen_as_far_as_it_goes() {
    let ring = Ring::<usize, 20>::new();
    assert_eq!([0, 1, 16, 99].map(|most| ring.room(most)), [0, 1, 16, 20]);
    for inside in 1..=20 {
        ring.try_push(inside).unwrap();
        let room = ring.room(16);
        assert!(room <= 20 - inside && (room > 0) == (inside < 20));
    }
    assert_eq!(ring.try_pop(), Ok(1));
    assert_eq!(ring.room(16), 1);
}

#[test]
fn zero_items_are_no_items() {
    let ring = Ring::<usize, 2>::new();
    for item in 0..3 {
        assert_eq!(ring.push_slice(&[]), 0);
        assert_eq!(ring.push_some_at(&mut []).1, 0);
        assert_eq!(ring.pop_slice(&mut []), 0);
        assert_eq!(ring.pop_each(0, |_| unreachable!()), 0);
        let _ = ring.try_push(item); // empty, then not, then full
    }
    assert!(ring.drain().eq(0..2));
}

#[test]
fn odd_items_are_welcome() {
    let zero = Ring::<(), 2>::new();
    assert_eq!((zero.push_slice(&[(); 3]), zero.try_pop()), (2, Ok(())));
    assert_eq!(zero.pop_each(9, drop), 1);
    #[derive(Clone, Copy, Debug, PartialEq)]
    #[repr(align(256))]
    struct Aligned(u8);
    let ring = Ring::<Aligned, 3, Shared, Solo>::new();
    assert_eq!(ring.push_slice(&[1, 2, 3].map(Aligned)), 3);
    let mut consumer = ring.consumer().unwrap();
    for item in consumer.read_chunk(3).iter() {
        assert_eq!((&raw const *item).addr() % 256, 0);
    }
    assert!(consumer.drain().eq([1, 2, 3].map(Aligned)));
    let large = Ring::<[usize; 100], 3>::new();
    assert_eq!(large.push_slice(&[[7; 100]; 2]), 2);
    assert_eq!(large.pop_each(3, |item| assert_eq!(item, [7; 100])), 2);
}

#[test]
fn errors_give_the_item_back_and_say_why() {
    let full = PushError::Full(Rc::new(1));
    assert!(full.is_full() && !full.is_contended());
    assert!(PushError::Contended(()).is_contended() && PopError::Contended.is_contended());
    assert!(PopError::Empty.is_empty());
    assert_eq!(std::format!("{full:?}: {full}"), "Full(..): the ring is full");
    assert_eq!(*full.into_inner(), 1);
}

#[cfg(feature = "alloc")]
#[test]
fn impossible_capacities_are_errors() {
    let error = |capacity| Mpmc::<u64>::try_with_capacity(capacity).err();
    assert_eq!(error(0), Some(CapacityError::Zero));
    assert_eq!(error(usize::MAX), Some(CapacityError::TooLarge));
    assert_eq!(error(usize::MAX / 8), Some(CapacityError::TooLarge));
    assert_eq!(Mpmc::<()>::try_with_capacity(usize::MAX / 8).err(), Some(CapacityError::TooLarge));
    assert_eq!(error(10), None);
}
