//! Every item is dropped once, whoever does it, and whatever panics.

use super::*;
use core::mem::forget;
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The numbers of the items that were dropped, in order.
#[derive(Default)]
struct Log {
    dropped: RefCell<Vec<u32>>,
    /// The item whose `Drop` panics.
    bomb: Cell<Option<u32>>,
}

impl Log {
    fn item(&self, number: u32) -> Item<'_> {
        Item { number, log: self }
    }

    fn items(&self, numbers: core::ops::Range<u32>) -> impl Iterator<Item = Item<'_>> {
        numbers.map(|number| self.item(number))
    }

    /// What was dropped since the last look.
    fn take(&self) -> Vec<u32> {
        self.dropped.take()
    }
}

struct Item<'a> {
    number: u32,
    log: &'a Log,
}

impl Drop for Item<'_> {
    fn drop(&mut self) {
        self.log.dropped.borrow_mut().push(self.number);
        if self.log.bomb.get() == Some(self.number) {
            self.log.bomb.take();
            panic!("item {}", self.number);
        }
    }
}

/// Whether `run` panics.
fn panics<R>(run: impl FnOnce() -> R) -> bool {
    catch_unwind(AssertUnwindSafe(run)).is_err()
}

/// A full ring, wrapped, with the items 1..=5.
fn full(log: &Log) -> Ring<Item<'_>, 5, u8> {
    let mut ring = Ring::new();
    let (mut tx, mut rx) = ring.split_mut();
    assert_eq!(tx.push_iter(log.items(0..3)), 3);
    assert_eq!(rx.drain().count(), 3);
    assert_eq!(tx.push_iter(log.items(1..6)), 5);
    assert_eq!(log.take(), [0, 1, 2]);
    drop((tx, rx));
    ring
}

#[test]
fn what_is_left_goes_with_the_ring() {
    let log = Log::default();
    drop(full(&log));
    assert_eq!(log.take(), [1, 2, 3, 4, 5]);
    let mut ring = full(&log);
    ring.split_mut().1.drain().take(5).for_each(forget);
    drop(ring);
    assert_eq!(log.take(), []);
}

#[test]
fn what_is_taken_is_dropped_by_its_taker() {
    let log = Log::default();
    let mut ring = full(&log);
    let (mut tx, mut rx) = ring.split_mut();
    let item = rx.try_pop();
    assert_eq!(log.take(), []);
    drop(item);
    assert_eq!(log.take(), [1]);
    assert_eq!(rx.drain().take(1).count(), 1);
    assert_eq!(log.take(), [2]);
    assert_eq!(rx.pop_each(2, drop), 2);
    assert_eq!(log.take(), [3, 4]);
    drop(tx.try_push(log.item(6)));
    assert_eq!(log.take(), []);
    drop((tx, rx));
    drop(ring);
    assert_eq!(log.take(), [5, 6]);
}

#[test]
fn what_is_refused_is_given_back() {
    let log = Log::default();
    let mut ring = full(&log);
    let (mut tx, _rx) = ring.split_mut();
    let back = tx.try_push(log.item(6)).unwrap_err().into_inner();
    assert_eq!(log.take(), []);
    assert_eq!(back.number, 6);
}

#[test]
fn commit_drops_what_it_pops() {
    let log = Log::default();
    let mut ring = full(&log);
    let (_, mut rx) = ring.split_mut();
    rx.read_chunk(5).commit(3);
    assert_eq!(log.take(), [1, 2, 3]);
    drop(rx.read_chunk(2));
    rx.read_chunk(2).commit(0);
    assert_eq!(log.take(), []);
    drop(rx);
    drop(ring);
    assert_eq!(log.take(), [4, 5]);
}

#[test]
fn a_drop_that_panics_in_commit_keeps_what_is_behind() {
    let log = Log::default();
    for bomb in 1..=5 {
        let mut ring = full(&log);
        log.bomb.set(Some(bomb));
        let (tx, mut rx) = ring.split_mut();
        assert!(panics(|| rx.read_chunk(5).commit(5)));
        assert!(log.take().into_iter().eq(1..=bomb));
        assert_eq!(tx.free(), bomb as usize);
        let rest = rx.try_pop().map(|item| item.number);
        assert_eq!(rest, (bomb < 5).then_some(bomb + 1));
        drop((tx, rx));
        drop(ring);
        assert!(log.take().into_iter().eq(bomb + 1..=5));
    }
}

#[test]
fn a_drop_that_panics_with_the_ring_spares_no_other() {
    let log = Log::default();
    for bomb in 1..=5 {
        let ring = full(&log);
        log.bomb.set(Some(bomb));
        assert!(panics(|| drop(ring)));
        assert_eq!(log.take(), [1, 2, 3, 4, 5]);
    }
}

#[test]
fn a_closure_that_panics_in_pop_each_loses_only_its_item() {
    let log = Log::default();
    for bomb in 1..=5 {
        let mut ring = full(&log);
        let (tx, mut rx) = ring.split_mut();
        assert!(panics(
            || rx.pop_each(5, |item| assert_ne!(item.number, bomb))
        ));
        assert!(log.take().into_iter().eq(1..=bomb));
        assert_eq!((tx.free(), rx.len()), (bomb as usize, 5 - bomb as usize));
        drop((tx, rx));
        drop(ring);
        assert!(log.take().into_iter().eq(bomb + 1..=5));
    }
}

#[test]
fn a_chunk_s_items_are_dropped_by_their_taker() {
    let log = Log::default();
    for taken in 0..=5 {
        let mut ring = full(&log);
        let (tx, mut rx) = ring.split_mut();
        let mut items = rx.read_chunk(5).into_iter();
        items.by_ref().take(taken).for_each(forget);
        drop(items);
        assert_eq!((tx.free(), rx.len()), (taken, 5 - taken));
        drop((tx, rx));
        assert_eq!(log.take(), []);
        drop(ring);
        assert!(log.take().into_iter().eq(taken as u32 + 1..=5));
    }
}

#[test]
fn a_loop_over_a_chunk_that_panics_loses_only_its_item() {
    let log = Log::default();
    for bomb in 1..=5 {
        let mut ring = full(&log);
        let (tx, mut rx) = ring.split_mut();
        assert!(panics(|| {
            for item in rx.read_chunk(5) {
                assert_ne!(item.number, bomb);
            }
        }));
        assert!(log.take().into_iter().eq(1..=bomb));
        assert_eq!((tx.free(), rx.len()), (bomb as usize, 5 - bomb as usize));
        drop((tx, rx));
        drop(ring);
        assert!(log.take().into_iter().eq(bomb + 1..=5));
    }
}

std::thread_local!(static DEFAULTS: Cell<u32> = const { Cell::new(0) });

/// Its third default panics.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Third(u32);

impl Default for Third {
    fn default() -> Self {
        DEFAULTS.set(DEFAULTS.get() + 1);
        assert_ne!(DEFAULTS.get(), 3);
        Self(0)
    }
}

#[test]
fn a_default_that_panics_in_init_pushes_nothing() {
    let mut ring = Ring::<Third, 5, u8>::new();
    let (mut tx, mut rx) = ring.split_mut();
    assert_eq!(tx.try_push(Third(1)), Ok(()));
    assert!(panics(|| tx.write_chunk(4).init().commit_all()));
    assert_eq!((tx.len(), tx.free()), (1, 4));
    assert_eq!(tx.try_push(Third(2)), Ok(()));
    assert!(rx.drain().eq([Third(1), Third(2)]));
}

#[test]
fn an_iterator_that_panics_in_push_iter_loses_nothing() {
    let log = Log::default();
    for bomb in 1..=5 {
        let mut ring = Ring::<_, 5, u8>::new();
        let (mut tx, rx) = ring.split_mut();
        let items = log.items(1..6).inspect(|item| {
            if item.number == bomb {
                panic!("item {bomb}");
            }
        });
        // `fill`, with the room that there is.
        assert!(panics(|| tx.push_iter(items)));
        assert_eq!(log.take(), [bomb]);
        assert_eq!(rx.len(), bomb as usize - 1);
        drop((tx, rx));
        drop(ring);
        assert!(log.take().into_iter().eq(1..bomb));
    }
}

std::thread_local!(static UNITS: Cell<usize> = const { Cell::new(0) });

/// Takes no memory, but counts how often it is dropped.
struct Unit;

impl Drop for Unit {
    fn drop(&mut self) {
        UNITS.set(UNITS.get() + 1);
    }
}

/// Nine items through a ring of three, three of which are left in it.
fn passes_units<O: Owner<Item = Unit>>(mut tx: Producer<O>, mut rx: Consumer<O>) {
    UNITS.set(0);
    for dropped in [0, 3, 6] {
        assert_eq!(UNITS.get(), dropped);
        assert_eq!(tx.push_iter(core::iter::repeat_with(|| Unit).take(3)), 3);
        forget(tx.try_push(Unit).unwrap_err());
        assert_eq!((tx.len(), rx.read_chunk(9).len()), (3, 3));
        assert_eq!(UNITS.get(), dropped);
        if dropped < 6 {
            drop(rx.try_pop().unwrap());
            rx.read_chunk(1).commit(1);
            assert_eq!(rx.pop_each(9, drop), 1);
        }
    }
}

#[test]
fn zero_sized_items_are_counted_and_dropped() {
    let mut ring = Ring::<Unit, 3, u8>::new();
    let (tx, rx) = ring.split_mut();
    passes_units(tx, rx);
    assert_eq!(UNITS.get(), 6);
    drop(ring);
    assert_eq!(UNITS.get(), 9);
}

#[cfg(feature = "alloc")]
mod heap {
    use super::*;
    use core::mem::ManuallyDrop;

    /// As [`super::full`].
    fn full(log: &Log) -> (Producer<Heap<Item<'_>>>, Consumer<Heap<Item<'_>>>) {
        let (mut tx, mut rx) = with_capacity(5);
        assert_eq!(tx.push_iter(log.items(0..5)), 5);
        assert_eq!(rx.drain().count(), 5);
        assert_eq!(tx.push_iter(log.items(1..6)), 5);
        assert_eq!(log.take(), [0, 1, 2, 3, 4]);
        (tx, rx)
    }

    #[test]
    fn what_is_left_goes_with_the_last_handle() {
        let log = Log::default();
        let (tx, rx) = full(&log);
        drop(tx);
        assert_eq!(log.take(), []);
        drop(rx);
        assert_eq!(log.take(), [1, 2, 3, 4, 5]);

        let (tx, rx) = full(&log);
        drop(rx);
        assert_eq!(log.take(), []);
        drop(tx);
        assert_eq!(log.take(), [1, 2, 3, 4, 5]);
    }

    #[test]
    fn a_drop_that_panics_with_the_last_handle_spares_no_other() {
        let log = Log::default();
        for bomb in 1..=5 {
            let (tx, rx) = full(&log);
            let observer = tx.observe();
            log.bomb.set(Some(bomb));
            drop(tx);
            assert!(panics(|| drop(rx)));
            assert_eq!(log.take(), [1, 2, 3, 4, 5]);
            assert_eq!(observer.pushed(), 10);
        }
    }

    #[test]
    fn zero_sized_items_are_counted_and_dropped() {
        let (tx, rx) = with_capacity(3);
        passes_units(tx, rx);
        assert_eq!(UNITS.get(), 9);
    }

    /// As `forget` does it, but this test cleans up in the end.
    #[test]
    fn a_forgotten_handle_keeps_the_ring_as_it_is() {
        let log = Log::default();
        let (tx, mut rx) = full(&log);
        let mut forgotten = ManuallyDrop::new(tx);
        assert!(!rx.is_abandoned());
        assert_eq!(rx.try_pop().map(|item| item.number), Some(1));
        drop(rx);
        assert_eq!(log.take(), [1]);
        // SAFETY: dropped once, and not used again.
        unsafe { ManuallyDrop::drop(&mut forgotten) };
        assert_eq!(log.take(), [2, 3, 4, 5]);
    }
}
