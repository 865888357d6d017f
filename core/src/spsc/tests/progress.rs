//! Wait-freedom, shown: every operation takes a small number of its own steps at
//! most, whatever the state of the ring, how large it is, and how much is moved.
//!
//! A step is an access to an atomic, or a fence. What is done to each item that moves,
//! and nothing else, grows with their number. Beside its steps an operation pauses the
//! processor at most 16 times. Each bound is reached, so none is too wide; but where handles
//! keep no copies, up to `OWN` reads of one's own position come on top.

use super::*;
use crate::sync::{CONTENDED, stepped::count};
use std::format;

const LARGE: usize = 1000;
const ITEMS: [usize; LARGE + 1] = [7; LARGE + 1];

const OWN: usize = if KEEPS { 0 } else { 4 };

/// Its name, its bound, and what it does to a side, with a length.
type Operation<H> = (&'static str, usize, fn(&mut H, usize));

/// What a ring looks like to its sides.
#[derive(Clone, Copy, Debug)]
struct State {
    /// Position of the next pop, modulo twice the capacity.
    head: usize,
    items: usize,
    /// Pops since the producer looked, pushes since the consumer looked.
    unseen_pops: usize,
    unseen_pushes: usize,
}

/// Every state of a small ring, and the outermost ones of a large one.
fn states(capacity: usize) -> Vec<State> {
    let some = |most: usize| match most {
        0..10 => (0..=most).collect(),
        _ => vec![0, 1, most / 2, most - 1, most],
    };
    let mut states = Vec::new();
    for head in some(2 * capacity - 1) {
        for items in some(capacity) {
            for unseen_pops in some(capacity - items) {
                states.extend(some(items).into_iter().map(|unseen_pushes| State {
                    head,
                    items,
                    unseen_pops,
                    unseen_pushes,
                }));
            }
        }
    }
    states
}

impl State {
    fn arrange<O: Owner<Item = usize>>(self, tx: &mut Producer<O>, rx: &mut Consumer<O>) {
        let push = |tx: &mut Producer<O>, n| assert_eq!(tx.push_slice(&ITEMS[..n]), n);
        let pop = |rx: &mut Consumer<O>, n| assert_eq!(rx.pop_slice(&mut [0; LARGE][..n]), n);
        pop(rx, rx.len());
        let (capacity, turn) = (tx.capacity(), 2 * tx.capacity());
        let start = self.head + turn - self.unseen_pops;
        let mut way = (start + turn - rx.head().widen() % turn) % turn;
        while way > 0 {
            let n = way.min(capacity);
            push(tx, n);
            pop(rx, n);
            way -= n;
        }
        tx.refresh();
        push(tx, self.unseen_pops);
        pop(rx, self.unseen_pops);
        push(tx, self.items - self.unseen_pushes);
        rx.refresh();
        push(tx, self.unseen_pushes);
        assert_eq!(rx.head().widen() % turn, self.head);
        assert_eq!((tx.len(), rx.len()), (self.items, self.items));
        if KEEPS {
            assert_eq!(tx.ready(), capacity - self.items - self.unseen_pops);
            assert_eq!(rx.ready(), self.items - self.unseen_pushes);
        }
    }
}

/// As `drop`, also of what is `Copy`.
fn ignore<T>(_: T) {}

/// Measures one operation, and returns the most pauses that it made.
fn reaches(name: &str, bound: usize, counts: impl Iterator<Item = (usize, usize)>) -> usize {
    let (steps, pauses): (Vec<_>, Vec<_>) = counts.unzip();
    let steps = steps.into_iter().max().unwrap();
    assert!(bound <= steps && steps <= bound + OWN, "{name}: {steps}");
    pauses.into_iter().max().unwrap()
}

fn every_operation_keeps_its_bound<O: Owner<Item = usize>>(
    (mut tx, mut rx): (Producer<O>, Consumer<O>),
) {
    let pushing: &[Operation<Producer<O>>] = &[
        ("try_push", 2, |tx, _| ignore(tx.try_push(7))),
        ("push_slice", 2, |tx, n| ignore(tx.push_slice(&ITEMS[..n]))),
        ("push_iter", 2, |tx, n| ignore(tx.push_iter(0..n))),
        ("write_chunk", 1, |tx, n| ignore(tx.write_chunk(n))),
        ("write_contiguous", 1, |tx, n| {
            ignore(tx.write_contiguous(n))
        }),
        ("as_mut_slices", 1, |tx, n| {
            assert!(tx.write_chunk(n).as_mut_slices().1.len() <= n);
        }),
        ("init", 1, |tx, n| ignore(tx.write_chunk(n).init())),
        ("commit", 2, |tx, n| tx.write_chunk(n).init().commit(0)),
        ("commit_all", 2, |tx, n| {
            tx.write_chunk(n).init().commit_all()
        }),
        ("fill", 2, |tx, n| ignore(tx.write_contiguous(n).fill(0..n))),
        ("copy_from", 2, |tx, n| {
            assert!(tx.write_contiguous(n).copy_from(&ITEMS[..n]) <= n);
        }),
        ("refresh", 1, |tx, _| ignore(tx.refresh())),
        ("ready", 0, |tx, _| ignore(tx.ready())),
        ("len", 1, |tx, _| ignore(tx.len())),
        ("free", 1, |tx, _| ignore(tx.free())),
        ("capacity", 0, |tx, _| ignore(tx.capacity())),
        ("is_empty", 1, |tx, _| ignore(tx.is_empty())),
        ("is_full", 1, |tx, _| ignore(tx.is_full())),
        ("is_abandoned", 1, |tx, _| ignore(tx.is_abandoned())),
        ("Debug", 2, |tx, _| ignore(format!("{tx:?}"))),
    ];
    let popping: &[Operation<Consumer<O>>] = &[
        ("try_pop", 2, |rx, _| ignore(rx.try_pop())),
        ("peek", 1, |rx, _| ignore(rx.peek().copied())),
        ("peek_mut", 1, |rx, _| ignore(rx.peek_mut().copied())),
        ("pop_each", 2, |rx, n| ignore(rx.pop_each(n, ignore))),
        ("pop_slice", 2, |rx, n| {
            assert!(rx.pop_slice(&mut [0; LARGE + 1][..n]) <= n);
        }),
        ("drain, of one", 2, |rx, _| ignore(rx.drain().next())),
        ("size_hint", 1, |rx, _| ignore(rx.drain().size_hint())),
        ("read_chunk", 1, |rx, n| ignore(rx.read_chunk(n))),
        ("read_contiguous", 1, |rx, n| ignore(rx.read_contiguous(n))),
        ("as_slices", 1, |rx, n| {
            assert!(rx.read_chunk(n).as_slices().1.len() <= n);
        }),
        ("as_mut_slices", 1, |rx, n| {
            assert!(rx.read_chunk(n).as_mut_slices().1.len() <= n);
        }),
        ("commit", 2, |rx, n| rx.read_chunk(n).commit(0)),
        ("commit_all", 2, |rx, n| rx.read_chunk(n).commit_all()),
        ("copy_to", 2, |rx, n| {
            assert!(rx.read_contiguous(n).copy_to(&mut [0; LARGE + 1][..n]) <= n);
        }),
        ("into_iter, of one", 2, |rx, n| {
            ignore(rx.read_chunk(n).into_iter().next())
        }),
        ("refresh", 1, |rx, _| ignore(rx.refresh())),
        ("ready", 0, |rx, _| ignore(rx.ready())),
        ("len", 1, |rx, _| ignore(rx.len())),
        ("free", 1, |rx, _| ignore(rx.free())),
        ("capacity", 0, |rx, _| ignore(rx.capacity())),
        ("is_empty", 1, |rx, _| ignore(rx.is_empty())),
        ("is_full", 1, |rx, _| ignore(rx.is_full())),
        ("is_abandoned", 1, |rx, _| ignore(rx.is_abandoned())),
        ("Debug", 2, |rx, _| ignore(format!("{rx:?}"))),
    ];
    let capacity = tx.capacity();
    let cases: Vec<_> = states(capacity)
        .into_iter()
        .flat_map(|state| [0, 1, 2, capacity, capacity + 1].map(|n| (state, n)))
        .collect();
    let mut pauses = 0;
    for (name, bound, run) in pushing {
        let counts = cases.iter().map(|&(state, n)| {
            state.arrange(&mut tx, &mut rx);
            count(|| run(&mut tx, n))
        });
        pauses = pauses.max(reaches(name, *bound, counts));
    }
    for (name, bound, run) in popping {
        let counts = cases.iter().map(|&(state, n)| {
            state.arrange(&mut tx, &mut rx);
            count(|| run(&mut rx, n))
        });
        pauses = pauses.max(reaches(name, *bound, counts));
    }
    assert_eq!(pauses, if CONTENDED { 16 } else { 0 });
}

#[test]
#[cfg_attr(miri, ignore = "too slow")]
fn no_operation_on_a_small_ring_takes_more_than_two_steps() {
    every_operation_keeps_its_bound(Ring::<usize, 1, u8>::new().split_mut());
    every_operation_keeps_its_bound(Ring::<usize, 3, u8>::new().split_mut());
    every_operation_keeps_its_bound(Ring::<usize, 4, u8>::new().split_mut());
}

#[test]
#[cfg_attr(miri, ignore = "too slow")]
fn no_operation_on_a_large_ring_takes_more() {
    every_operation_keeps_its_bound(Ring::<usize, LARGE>::new().split_mut());
}

#[test]
fn the_sides_of_a_ring_come_and_go_in_a_few_steps() {
    static RING: Ring<usize, 2> = Ring::new();
    assert_eq!(count(|| ignore(RING.split().unwrap())).0, 12 + 2);
    assert_eq!(count(|| ignore(RING.split())).0, 3);
    let mut ring = Ring::<usize, 2>::new();
    assert_eq!(count(|| ignore(ring.split_mut())).0, 6 + 2);
}

#[cfg(feature = "alloc")]
#[test]
#[cfg_attr(miri, ignore = "too slow")]
fn no_operation_on_a_heap_ring_takes_more() {
    every_operation_keeps_its_bound(with_capacity(1));
    every_operation_keeps_its_bound(with_capacity(3));
    every_operation_keeps_its_bound(with_capacity(LARGE));
}

#[cfg(feature = "alloc")]
#[test]
#[cfg_attr(miri, ignore = "too slow")]
fn the_sides_of_a_heap_ring_come_and_go_in_a_few_steps() {
    for items in 0..=LARGE {
        let ring = || {
            let (mut tx, rx) = with_capacity(LARGE);
            assert_eq!(tx.push_slice(&ITEMS[..items]), items);
            (tx, rx)
        };
        let (tx, rx) = ring();
        assert_eq!(count(|| drop(tx)).0, 3);
        assert_eq!(count(|| drop(rx)).0, 6);
    }
    let (mut sides, mut observer) = (None, None);
    assert_eq!(count(|| sides = Some(with_capacity::<u8>(3))).0, 5);
    let (tx, rx) = sides.unwrap();
    assert_eq!(count(|| observer = Some(rx.observe())).0, 1);
    let observer = observer.unwrap();
    drop((tx, rx));
    assert_eq!(
        count(|| ignore((observer.pushed(), observer.popped()))).0,
        1 + 1
    );
    assert_eq!(
        count(|| ignore((observer.len(), observer.is_empty()))).0,
        2 + 2
    );
    assert_eq!(count(|| ignore(observer.capacity())).0, 0);
    assert_eq!(count(|| ignore(observer.clone())).0, 1 + 1);
    assert_eq!(count(|| drop(observer)).0, 2);
}
