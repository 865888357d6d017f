//! Runs of slots, written and read in place.

use super::*;
use core::mem::forget;
use std::boxed::Box;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::string::String;

/// Whether `run` panics, and says that it was a caller in the tests.
pub(super) fn panics_here<R>(run: impl FnOnce() -> R) -> bool {
    std::thread_local!(static WHERE: Cell<String> = const { Cell::new(String::new()) });
    static HOOK: std::sync::Once = std::sync::Once::new();
    HOOK.call_once(|| {
        let others = take_hook();
        set_hook(Box::new(move |info| {
            WHERE.set(info.location().unwrap().file().into());
            others(info);
        }));
    });
    catch_unwind(AssertUnwindSafe(run)).is_err() && WHERE.take().contains("tests")
}

/// A ring of five slots whose sides are both at the third.
fn at_three() -> Ring<u8, 5, u8> {
    let mut ring = Ring::new();
    let (mut tx, mut rx) = ring.split_mut();
    assert_eq!(tx.push_slice(&[0; 3]), 3);
    assert_eq!(rx.drain().count(), 3);
    drop((tx, rx));
    ring
}

#[test]
fn chunks_are_as_long_as_asked_for_or_as_there_is() {
    let mut ring = at_three();
    let (mut tx, mut rx) = ring.split_mut();
    for (n, len) in [(0, 0), (4, 4), (5, 5), (6, 5), (usize::MAX, 5)] {
        assert_eq!(tx.write_chunk(n).len(), len);
        assert_eq!(tx.write_chunk(n).init().len(), len);
        assert_eq!(tx.write_chunk(n).is_empty(), n == 0);
        assert_eq!(tx.write_chunk(n).init().is_empty(), n == 0);
        assert_eq!(rx.read_chunk(n).len(), 0);
    }
    assert_eq!(tx.push_slice(b"abcd"), 4);
    for (n, len) in [(0, 0), (3, 3), (4, 4), (5, 4), (usize::MAX, 4)] {
        assert_eq!(rx.read_chunk(n).len(), len);
        assert_eq!(rx.read_chunk(n).is_empty(), n == 0);
        assert_eq!(tx.write_chunk(n).len(), n.min(1));
    }
}

#[test]
fn slices_outlive_their_chunk_and_pop_nothing() {
    let mut ring = at_three();
    let (mut tx, mut rx) = ring.split_mut();
    assert_eq!(tx.push_slice(b"abcd"), 4);
    let (first, second) = rx.read_chunk(3).into_slices();
    assert_eq!((first, second), (&b"ab"[..], &b"c"[..]));
    assert_eq!(rx.read_contiguous(9).into_slices(), (&b"ab"[..], &b""[..]));
    assert!(rx.drain().eq(*b"abcd"));
}

#[test]
fn a_chunk_has_two_slices_where_the_ring_wraps() {
    let mut ring = at_three();
    let (mut tx, mut rx) = ring.split_mut();
    let mut chunk = tx.write_chunk(4);
    let (first, second) = chunk.as_mut_slices();
    assert_eq!((first.len(), second.len()), (2, 2));
    for (slot, item) in first.iter_mut().chain(second).zip(*b"abcd") {
        slot.write(item);
    }
    // SAFETY: four are written, of four.
    unsafe { chunk.commit(4) };
    let expected: (&[u8], &[u8]) = (b"ab", b"cd");
    assert_eq!(rx.read_chunk(4).as_slices(), expected);
    let expected: (&[u8], &[u8]) = (b"ab", b"c");
    assert_eq!(rx.read_chunk(3).as_slices(), expected);
    assert!(rx.drain().eq(*b"abcd"));
}

#[test]
fn a_contiguous_chunk_ends_where_the_ring_wraps() {
    let mut ring = at_three();
    let (mut tx, mut rx) = ring.split_mut();
    for (n, items) in [(9, &b"ab"[..]), (2, b"cd"), (9, b"e")] {
        let mut chunk = tx.write_contiguous(n).init();
        let (first, second) = chunk.as_mut_slices();
        first.copy_from_slice(items);
        assert!(second.is_empty());
        chunk.commit(items.len());
    }
    assert!(tx.write_contiguous(9).is_empty());
    for (n, items) in [(1, &b"a"[..]), (9, b"b"), (9, b"cde")] {
        let chunk = rx.read_contiguous(n);
        assert_eq!(chunk.as_slices(), (items, &b""[..]));
        chunk.commit(items.len());
    }
    assert!(rx.read_contiguous(9).is_empty());
}

/// Grants of random lengths: one where there is room, another where there are
/// items, and what was written comes out in order.
pub(super) fn has_no_dead_zone<O: Owner<Item = u32>>(mut tx: Producer<O>, mut rx: Consumer<O>) {
    let most = tx.capacity() + 1;
    let mut random = Random(most as u64);
    let (mut pushed, mut popped) = (0, 0);
    for _ in 0..steps(100_000) {
        let mut grant = tx.write_contiguous(1 + random.below(most)).init();
        let (slots, none) = grant.as_mut_slices();
        assert!(none.is_empty());
        slots
            .iter_mut()
            .zip(pushed..)
            .for_each(|(slot, i)| *slot = i);
        let n = random.below(grant.len() + 1);
        assert!(!grant.is_empty() || pushed - popped == most as u32 - 1);
        grant.commit(n);
        pushed += n as u32;

        let grant = rx.read_contiguous(1 + random.below(most));
        let (items, none) = grant.as_slices();
        assert!(none.is_empty());
        assert!(items.iter().copied().eq((popped..).take(items.len())));
        let n = random.below(grant.len() + 1);
        assert!(!grant.is_empty() || pushed == popped);
        grant.commit(n);
        popped += n as u32;
    }
    assert!(rx.drain().eq(popped..pushed));
}

#[test]
fn contiguous_chunks_have_no_dead_zone() {
    let mut ring = Ring::<u32, 7, u8>::new();
    let (tx, rx) = ring.split_mut();
    has_no_dead_zone(tx, rx);
    let mut ring = Ring::<u32, 8, u8>::new();
    let (tx, rx) = ring.split_mut();
    has_no_dead_zone(tx, rx);
}

#[test]
fn part_of_a_chunk_can_be_committed() {
    let mut ring = at_three();
    let (mut tx, mut rx) = ring.split_mut();
    let mut chunk = tx.write_chunk(5);
    for (slot, item) in chunk.as_mut_slices().0.iter_mut().zip(*b"abx") {
        slot.write(item);
    }
    // SAFETY: as many are written, of five.
    unsafe { chunk.commit(2) };
    assert_eq!(tx.push_slice(b"cde"), 3);
    rx.read_chunk(5).commit(3);
    assert_eq!(tx.free(), 3);
    assert!(rx.drain().eq(*b"de"));
    tx.write_chunk(5).init().commit(0);
    assert_eq!(rx.try_pop(), None);
}

#[test]
#[expect(clippy::forget_non_drop, reason = "whether they have a `Drop` or not")]
fn a_chunk_that_is_not_committed_does_nothing() {
    let mut ring = at_three();
    let (mut tx, mut rx) = ring.split_mut();
    assert_eq!(tx.push_slice(b"ab"), 2);
    drop(tx.write_chunk(3).init());
    forget(tx.write_chunk(3).init());
    forget(tx.write_contiguous(3));
    drop(rx.read_chunk(2));
    forget(rx.read_chunk(2));
    forget(rx.read_contiguous(2));
    assert_eq!((tx.len(), rx.len()), (2, 2));
    assert_eq!(tx.push_slice(b"cdef"), 3);
    assert!(rx.drain().eq(*b"abcde"));
}

#[test]
fn all_of_a_chunk_can_be_committed() {
    let mut ring = at_three();
    let (mut tx, mut rx) = ring.split_mut();
    let mut chunk = tx.write_chunk(4).init();
    let (first, second) = chunk.as_mut_slices();
    first.copy_from_slice(b"ab");
    second.copy_from_slice(b"cd");
    chunk.commit_all();
    rx.read_chunk(3).commit_all();
    assert_eq!(tx.free(), 4);
    assert!(rx.drain().eq(*b"d"));
    tx.write_chunk(0).init().commit_all();
    rx.read_chunk(9).commit_all();
    assert!(tx.is_empty());
}

#[test]
fn items_in_a_chunk_can_be_changed() {
    let mut ring = at_three();
    let (mut tx, mut rx) = ring.split_mut();
    assert_eq!(tx.push_slice(b"abcd"), 4);
    let mut chunk = rx.read_chunk(3);
    let (first, second) = chunk.as_mut_slices();
    assert_eq!((&*first, &*second), (&b"ab"[..], &b"c"[..]));
    first.make_ascii_uppercase();
    second[0] = b'x';
    chunk.commit(1);
    assert!(rx.drain().eq(*b"Bxd"));
}

#[test]
#[expect(clippy::forget_non_drop, reason = "whether it has a `Drop` or not")]
fn a_chunk_gives_its_items_and_no_more() {
    let mut ring = at_three();
    let (mut tx, mut rx) = ring.split_mut();
    assert_eq!(tx.push_slice(b"abcde"), 5);
    let mut items = rx.read_chunk(2).into_iter();
    assert_eq!((items.len(), tx.free()), (2, 0));
    assert_eq!(items.next(), Some(b'a'));
    assert_eq!((items.len(), tx.free()), (1, 1));
    assert_eq!(tx.try_push(b'f'), Ok(()));
    assert_eq!((items.next(), items.next()), (Some(b'b'), None));
    assert_eq!((items.next(), items.len()), (None, 0));
    let mut items = rx.read_chunk(9).into_iter();
    assert_eq!((items.len(), items.next()), (4, Some(b'c')));
    forget(items);
    assert_eq!(tx.free(), 2);
    assert_eq!(rx.read_chunk(0).into_iter().next(), None);
    assert!(rx.read_contiguous(9).into_iter().eq(*b"def"));
}

#[test]
fn no_more_than_the_chunk_can_be_committed() {
    let mut ring = at_three();
    let (mut tx, mut rx) = ring.split_mut();
    assert_eq!(tx.push_slice(b"abc"), 3);
    assert!(panics_here(|| tx.write_chunk(1).init().commit(2)));
    assert!(panics_here(|| rx.read_chunk(2).commit(3)));
    assert!(rx.drain().eq(*b"abc"));
    assert_eq!((tx.len(), rx.len()), (0, 0));
}

#[test]
fn a_chunk_is_filled_or_copied_as_far_as_both_go() {
    let mut ring = at_three();
    let (mut tx, mut rx) = ring.split_mut();
    assert_eq!(tx.write_chunk(2).fill(*b"ax"), 2);
    assert_eq!(tx.write_chunk(9).fill(*b"b"), 1);
    assert_eq!(tx.write_chunk(1).copy_from(b"cx"), 1);
    assert_eq!(tx.write_chunk(9).copy_from(b""), 0);
    let mut buffer = [0; 3];
    assert_eq!(rx.read_chunk(1).copy_to(&mut buffer), 1);
    assert_eq!(&buffer, b"a\0\0");
    assert_eq!(rx.read_chunk(9).copy_to(&mut buffer[..2]), 2);
    assert_eq!(&buffer, b"xb\0");
    assert!(rx.drain().eq(*b"c"));
}
