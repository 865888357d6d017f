//! What users rely on. Items are numbered, so that order, loss and repetition
//! all show.

mod chunks;
mod drops;
mod handles;
#[cfg(feature = "alloc")]
mod heap;
#[cfg(feature = "embedded-io")]
mod io;
mod progress;
#[cfg(feature = "async")]
mod waiting;

use super::*;
use crate::sync::KEEPS;
use seq_macro::seq;
use std::collections::VecDeque;
use std::vec;
use std::vec::Vec;

/// `full`, or less where every step is interpreted.
const fn steps(full: usize) -> usize {
    if cfg!(miri) { full / 100 } else { full }
}

/// Numbers that look random, and are the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % n as u64) as usize
    }
}

/// Does the same to a ring with so many slots and to a `VecDeque`, until `u8`
/// positions have gone round four times.
fn agrees_with_a_deque<O: Owner<Item = u32>>(
    mut tx: Producer<O>,
    mut rx: Consumer<O>,
    slots: usize,
) {
    const TURNS: usize = 4 * 256;
    let capacity = tx.capacity();
    let mut random = Random(capacity as u64);
    let mut deque = VecDeque::new();
    let (mut rounds, mut pushed) = (0, 0);
    while rounds <= TURNS || pushed <= TURNS {
        rounds += 1;
        let before = deque.len();
        let n = random.below(capacity + 2);
        let items: Vec<u32> = (0..n).map(|_| random.below(1 << 20) as u32).collect();
        let room = n.min(capacity - before);
        let there = n.min(before);
        match random.below(12) {
            0 if before < capacity => {
                assert_eq!(tx.try_push(7), Ok(()));
                deque.push_back(7);
            }
            0 => assert_eq!(tx.try_push(7), Err(Full(7))),
            1 => assert_eq!(rx.try_pop(), deque.pop_front()),
            2 => {
                assert_eq!(rx.peek(), deque.front());
                if let Some(item) = rx.peek_mut() {
                    *item += 1;
                    deque[0] += 1;
                }
            }
            3 => {
                assert_eq!(tx.push_slice(&items), room);
                deque.extend(&items[..room]);
            }
            4 => {
                let mut buffer = vec![0; n];
                assert_eq!(rx.pop_slice(&mut buffer), there);
                assert!(deque.drain(..there).eq(buffer[..there].iter().copied()));
            }
            5 => {
                assert_eq!(tx.push_iter(items.iter().copied()), room);
                deque.extend(&items[..room]);
            }
            6 => {
                let mut items = deque.drain(..there);
                let each = |item| assert_eq!(Some(item), items.next());
                assert_eq!(rx.pop_each(n, each), there);
            }
            7 => {
                let chunk = tx.write_chunk(n).init();
                assert_eq!(chunk.len(), room);
                deque.extend(&items[..commit_some(chunk, &items, &mut random)]);
            }
            8 => {
                let chunk = tx.write_contiguous(n).init();
                assert_eq!(chunk.len(), room.min(slots - pushed % slots));
                deque.extend(&items[..commit_some(chunk, &items, &mut random)]);
            }
            9 => {
                let chunk = rx.read_chunk(n);
                assert_eq!(chunk.len(), there);
                take_some(chunk, &mut deque, &mut random);
            }
            10 => {
                let end = slots - (pushed - before) % slots;
                let chunk = rx.read_contiguous(n);
                assert_eq!(chunk.len(), there.min(end));
                assert!(chunk.as_slices().1.is_empty());
                take_some(chunk, &mut deque, &mut random);
            }
            _ => assert!(rx.drain().take(n).eq(deque.drain(..there))),
        }
        pushed += deque.len().saturating_sub(before);
        assert_eq!((tx.len(), rx.len()), (deque.len(), deque.len()));
        assert_eq!(tx.free(), capacity - deque.len());
        assert_eq!(rx.free(), tx.free());
        assert_eq!(tx.is_empty(), deque.is_empty());
        assert_eq!(rx.is_empty(), deque.is_empty());
        assert_eq!(tx.is_full(), deque.len() == capacity);
        assert_eq!(rx.is_full(), tx.is_full());
        assert!(tx.ready() <= tx.free() && rx.ready() <= rx.len());
    }
}

/// Writes `items` to all of a chunk, commits some, and says how many.
fn commit_some<O: Owner<Item = u32>>(
    mut chunk: InitChunk<'_, O>,
    items: &[u32],
    random: &mut Random,
) -> usize {
    let n = random.below(chunk.len() + 1);
    let (first, second) = chunk.as_mut_slices();
    for (slot, item) in first.iter_mut().chain(second).zip(items) {
        *slot = *item;
    }
    chunk.commit(n);
    n
}

/// Checks what is in a chunk, and commits some of it.
fn take_some<O: Owner<Item = u32>>(
    chunk: ReadChunk<'_, O>,
    deque: &mut VecDeque<u32>,
    random: &mut Random,
) {
    let n = random.below(chunk.len() + 1);
    let (first, second) = chunk.as_slices();
    assert!(
        first
            .iter()
            .chain(second)
            .eq(deque.range(..first.len() + second.len()))
    );
    chunk.commit(n);
    deque.drain(..n);
}

#[test]
fn every_capacity_agrees_with_a_deque() {
    seq!(N in 1..=127 {
        let mut ring = Ring::<u32, N, u8>::new();
        let (tx, rx) = ring.split_mut();
        agrees_with_a_deque(tx, rx, N);
    });
}

#[test]
fn wider_positions_agree_with_a_deque() {
    let mut ring = Ring::<u32, 200, u16>::new();
    let (tx, rx) = ring.split_mut();
    agrees_with_a_deque(tx, rx, 200);
    let mut ring = Ring::<u32, 256, u32>::new();
    let (tx, rx) = ring.split_mut();
    agrees_with_a_deque(tx, rx, 256);
    let mut ring = Ring::<u32, 10>::new();
    let (tx, rx) = ring.split_mut();
    agrees_with_a_deque(tx, rx, 10);
}

#[test]
fn ready_is_what_is_known_until_refreshed() {
    let mut ring = Ring::<u8, 3, u8>::new();
    let (mut tx, mut rx) = ring.split_mut();
    assert_eq!((tx.ready(), rx.ready()), (3, 0));
    assert_eq!(tx.push_slice(&[1, 2, 3]), 3);
    let known = |n| if KEEPS { 0 } else { n };
    assert_eq!((rx.ready(), rx.refresh(), rx.ready()), (known(3), 3, 3));
    assert_eq!(rx.try_pop(), Some(1));
    assert_eq!((tx.ready(), tx.refresh(), tx.ready()), (known(1), 1, 1));
}

#[test]
fn push_iter_fills_all_the_room_that_there_is() {
    let mut ring = Ring::<u32, 4>::new();
    let (mut tx, mut rx) = ring.split_mut();
    assert_eq!(tx.push_slice(&[0, 1, 2]), 3);
    rx.drain().for_each(drop);
    // The lower bound of the size hint is 0.
    assert_eq!(tx.push_iter((0..9).filter(|_| true)), 4);
}

#[test]
fn push_iter_takes_no_item_that_has_no_room() {
    let mut ring = Ring::<u32, 3, u8>::new();
    let (mut tx, mut rx) = ring.split_mut();
    let mut items = 0..10;
    assert_eq!(tx.push_iter(items.by_ref()), 3);
    assert_eq!(items, 3..10);
    assert_eq!(tx.push_iter(core::iter::from_fn(|| unreachable!())), 0);
    assert!(rx.drain().eq(0..3));
    assert_eq!(tx.push_iter(core::iter::empty()), 0);
}

#[test]
fn push_iter_looks_for_room_whatever_the_iterator_says_of_its_length() {
    let mut ring = Ring::<u32, 2, u8>::new();
    let (mut tx, mut rx) = ring.split_mut();
    assert_eq!(tx.push_slice(&[0, 1]), 2);
    assert_eq!((tx.ready(), rx.try_pop()), (0, Some(0)));
    assert_eq!(tx.push_iter((2..9).filter(|_| true)), 1);
    assert!(rx.drain().eq(1..3));
    assert_eq!(tx.push_iter(3..usize::MAX as u32), 2);
}

#[test]
fn a_drain_goes_on_where_items_come_after_its_end() {
    let mut ring = Ring::<u32, 2, u8>::new();
    let (mut tx, mut rx) = ring.split_mut();
    let mut items = rx.drain();
    assert_eq!((items.next(), items.size_hint()), (None, (0, None)));
    assert_eq!(tx.try_push(1), Ok(()));
    assert_eq!((items.size_hint(), items.next()), ((1, None), Some(1)));
}

#[test]
fn a_batch_is_seen_as_a_whole() {
    let mut ring = Ring::<u32, 4, u8>::new();
    let (mut tx, mut rx) = ring.split_mut();
    assert_eq!(tx.push_iter((0..4).inspect(|_| assert!(rx.is_empty()))), 4);
    assert_eq!(rx.pop_each(3, |_| assert!(tx.is_full())), 3);
    assert_eq!((tx.len(), rx.len()), (1, 1));
}

#[test]
fn zero_items_are_no_items() {
    let mut ring = Ring::<u32, 2, u8>::new();
    let (mut tx, mut rx) = ring.split_mut();
    for _ in 0..3 {
        assert_eq!(tx.push_slice(&[]), 0);
        assert_eq!(rx.pop_slice(&mut []), 0);
        assert_eq!(rx.pop_each(0, |_| unreachable!()), 0);
        assert!(tx.write_chunk(0).is_empty() && tx.write_contiguous(0).is_empty());
        assert!(rx.read_chunk(0).is_empty() && rx.read_contiguous(0).is_empty());
        let _ = tx.try_push(0); // empty, then not, then full
    }
    assert_eq!(rx.len(), 2);
}

#[derive(Clone, Copy, Default)]
#[repr(align(256))]
struct Wide(u8);

/// Checks where items and runs of slots are, all around the ring.
fn lies_aligned<O: Owner<Item = Wide>>(mut tx: Producer<O>, mut rx: Consumer<O>) {
    let aligned = |items: &[Wide]| items.as_ptr().addr() % 256 == 0;
    for round in 0..9 {
        let mut chunk = tx.write_chunk(3).init();
        assert_eq!(chunk.len(), 3);
        let (first, second) = chunk.as_mut_slices();
        assert!(aligned(first) && aligned(second));
        first[0] = Wide(round);
        chunk.commit(3);
        assert_eq!((&raw const *rx.peek().unwrap()).addr() % 256, 0);
        let chunk = rx.read_chunk(3);
        let (first, second) = chunk.as_slices();
        assert!(aligned(first) && aligned(second));
        assert_eq!(rx.pop_each(1, |wide| assert_eq!(wide.0, round)), 1);
        assert_eq!(rx.drain().count(), 2);
    }
}

#[test]
fn over_aligned_items_lie_where_they_must() {
    let mut ring = Ring::<Wide, 5, u8>::new();
    let (tx, rx) = ring.split_mut();
    lies_aligned(tx, rx);
}

/// One side in each of two threads: everything arrives, in order.
fn passes_between_threads<O: Owner<Item = usize> + Send>(mut tx: Producer<O>, mut rx: Consumer<O>) {
    const ITEMS: usize = steps(200_000);
    std::thread::scope(|scope| {
        scope.spawn(move || {
            for mut item in 0..ITEMS {
                while let Err(Full(back)) = tx.try_push(item) {
                    item = back;
                    std::thread::yield_now();
                }
            }
        });
        for expected in 0..ITEMS {
            let item = loop {
                if let Some(item) = rx.try_pop() {
                    break item;
                }
                std::thread::yield_now();
            };
            assert_eq!(item, expected);
        }
        while !rx.is_abandoned() {
            std::thread::yield_now();
        }
        assert_eq!(rx.try_pop(), None);
    });
}

#[test]
fn items_pass_between_threads() {
    static RING: Ring<usize, 5, u8> = Ring::new();
    let (tx, rx) = RING.split().unwrap();
    passes_between_threads(tx, rx);
}
