//! Models of the ring for one producer and one consumer.

use std::collections::BTreeSet;
use std::sync::atomic::AtomicUsize as Plain;
use std::sync::{Arc, Mutex};

use loom::thread;
use ringfence_core::spsc::{self, Consumer, Owner, Producer, Ring};
use ringfence_core::sync::{AtomicUsize, Ordering};

use crate::harness::Model;

pub(crate) const MODELS: &[Model] = &[
    Model::new("loom_sees", loom_sees).after(both_were_seen),
    Model::new("loom_alone_is_blind", loom_alone)
        .after(both_were_seen)
        .broken(),
    Model::new("spsc_two_laps_capacity_1", || {
        two_laps(spsc::with_capacity(1), 3);
    }),
    Model::new("spsc_two_laps_capacity_2", || {
        two_laps(spsc::with_capacity(2), 4);
    }),
    Model::new("spsc_two_laps_in_place_3", two_laps_in_place),
    Model::new("spsc_chunks", chunks),
    Model::new("spsc_runs", runs),
    Model::new("spsc_peek", peek),
    Model::new("spsc_drop_with_items", drop_with_items),
    Model::new("spsc_abandoned_after_last_push", abandoned_after_last_push),
    Model::new("spsc_abandoned_after_last_pop", abandoned_after_last_pop),
    Model::new("spsc_observer", observer),
    Model::new("spsc_observer_outlives", observer_outlives),
    Model::new("spsc_split_once", split_once),
];

/// What the reader of `loom_sees` has seen, in all interleavings.
static SEEN: Mutex<BTreeSet<usize>> = Mutex::new(BTreeSet::new());

/// loom's blind spot (its issues 166 and 392): a load that comes before the same
/// thread's write. Both outcomes must be seen.
fn loom_sees() {
    let word = Arc::new(AtomicUsize::new(0));
    let other = word.clone();
    let writer = thread::spawn(move || {
        let now = other.load(Ordering::Relaxed);
        let (success, failure) = (Ordering::AcqRel, Ordering::Relaxed);
        other.compare_exchange(now, 1, success, failure).unwrap();
    });
    SEEN.lock().unwrap().insert(word.load(Ordering::Acquire));
    writer.join().unwrap();
}

/// The same with loom's own atomics: the day that this passes, the companions
/// in `sync.rs` can go.
fn loom_alone() {
    let word = Arc::new(loom::sync::atomic::AtomicUsize::new(0));
    let other = word.clone();
    let writer = thread::spawn(move || {
        let now = other.load(Ordering::Relaxed);
        let (success, failure) = (Ordering::AcqRel, Ordering::Relaxed);
        other.compare_exchange(now, 1, success, failure).unwrap();
    });
    SEEN.lock().unwrap().insert(word.load(Ordering::Acquire));
    writer.join().unwrap();
}

fn both_were_seen() {
    assert_eq!(SEEN.lock().unwrap().len(), 2);
}

/// A ring in place that both threads can reach; freed by `free`.
fn in_place<const N: usize>() -> &'static Ring<usize, N> {
    Box::leak(Box::new(Ring::new()))
}

fn free<const N: usize>(ring: &'static Ring<usize, N>) {
    // SAFETY: from `in_place`, and both handles are gone.
    drop(unsafe { Box::from_raw(core::ptr::from_ref(ring).cast_mut()) });
}

/// What is pushed is popped, in order, whatever the two sides see of each other.
/// One item has gone through before, so that the second lap begins at once.
fn two_laps<P, C>((mut tx, mut rx): (Producer<P>, Consumer<C>), attempts: usize)
where
    P: Owner<Item = usize> + Send + 'static,
    C: Owner<Item = usize>,
{
    tx.try_push(usize::MAX).unwrap();
    rx.try_pop().unwrap();
    let producer = thread::spawn(move || {
        let mut next = 0;
        for _ in 0..attempts {
            next += usize::from(tx.try_push(next).is_ok());
        }
        next
    });
    let mut next = 0;
    for _ in 0..attempts {
        if let Some(item) = rx.try_pop() {
            assert_eq!(item, next);
            next += 1;
        }
    }
    let pushed = producer.join().unwrap();
    assert!(rx.drain().eq(next..pushed));
}

fn two_laps_in_place() {
    let ring = in_place::<3>();
    two_laps(ring.split().unwrap(), 4);
    free(ring);
}

fn chunks() {
    let (mut tx, mut rx) = spsc::with_capacity::<usize>(2);
    tx.try_push(usize::MAX).unwrap();
    rx.try_pop().unwrap();
    let producer = thread::spawn(move || {
        let mut next = 0;
        for _ in 0..3 {
            let mut chunk = tx.write_chunk(2).init();
            let len = chunk.len();
            let (first, second) = chunk.as_mut_slices();
            for slot in first.iter_mut().chain(second) {
                *slot = next;
                next += 1;
            }
            chunk.commit(len);
        }
        next
    });
    let mut next = 0;
    for _ in 0..3 {
        let chunk = rx.read_chunk(2);
        let (first, second) = chunk.as_slices();
        for &item in first.iter().chain(second) {
            assert_eq!(item, next);
            next += 1;
        }
        let len = chunk.len();
        chunk.commit(len);
    }
    let pushed = producer.join().unwrap();
    assert!(rx.drain().eq(next..pushed));
}

fn runs() {
    let (mut tx, mut rx) = spsc::with_capacity::<usize>(2);
    let producer = thread::spawn(move || {
        let mut items = 0..;
        let mut pushed = tx.push_iter(items.by_ref());
        pushed += tx.push_iter(items.by_ref());
        pushed + tx.push_slice(&[pushed])
    });
    let mut received = Vec::new();
    rx.pop_each(2, |item| received.push(item));
    let mut buffer = [0; 2];
    let n = rx.pop_slice(&mut buffer);
    received.extend_from_slice(&buffer[..n]);
    let pushed = producer.join().unwrap();
    received.extend(rx.drain());
    assert!(received.into_iter().eq(0..pushed));
}

fn peek() {
    let (mut tx, mut rx) = spsc::with_capacity::<usize>(1);
    let producer = thread::spawn(move || {
        let mut next = 0;
        for _ in 0..3 {
            next += usize::from(tx.try_push(next).is_ok());
        }
        next
    });
    let mut next = 0;
    for _ in 0..2 {
        if let Some(first) = rx.peek_mut() {
            *first += 10;
            assert_eq!(rx.peek(), Some(&(next + 10)));
            assert_eq!(rx.try_pop(), Some(next + 10));
            next += 1;
        }
    }
    let pushed = producer.join().unwrap();
    assert!(rx.drain().eq(next..pushed));
}

/// Counts its drops.
struct Counted(Arc<Plain>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    }
}

/// Whoever goes last drops what is left, once.
fn drop_with_items() {
    let drops = Arc::new(Plain::new(0));
    let (mut tx, mut rx) = spsc::with_capacity::<Counted>(2);
    let counter = drops.clone();
    let producer = thread::spawn(move || {
        for _ in 0..2 {
            assert!(tx.try_push(Counted(counter.clone())).is_ok());
        }
    });
    drop(rx.try_pop());
    drop(rx);
    producer.join().unwrap();
    assert_eq!(drops.load(std::sync::atomic::Ordering::Relaxed), 2);
}

/// A consumer that sees the producer gone sees all that it pushed.
fn abandoned_after_last_push() {
    let (mut tx, mut rx) = spsc::with_capacity::<usize>(2);
    let producer = thread::spawn(move || {
        tx.try_push(1).unwrap();
        tx.try_push(2).unwrap();
    });
    if rx.is_abandoned() {
        assert_eq!(rx.len(), 2);
        assert_eq!(rx.drain().count(), 2);
    }
    producer.join().unwrap();
}

/// A producer that sees the consumer gone sees all that it popped.
fn abandoned_after_last_pop() {
    let (mut tx, mut rx) = spsc::with_capacity::<usize>(2);
    tx.try_push(1).unwrap();
    tx.try_push(2).unwrap();
    let consumer = thread::spawn(move || {
        rx.try_pop().unwrap();
    });
    if tx.is_abandoned() {
        assert_eq!(tx.len(), 1);
    }
    consumer.join().unwrap();
}

/// What an observer sees never goes below zero.
fn observer() {
    let (mut tx, mut rx) = spsc::with_capacity::<usize>(2);
    let watch = tx.observe();
    let producer = thread::spawn(move || tx.try_push(1).unwrap());
    let consumer = thread::spawn(move || rx.try_pop());
    let popped = watch.popped();
    let pushed = watch.pushed();
    assert!(popped <= pushed, "{popped} popped of {pushed}");
    producer.join().unwrap();
    consumer.join().unwrap();
}

/// The last of all owners frees the positions.
fn observer_outlives() {
    let (mut tx, rx) = spsc::with_capacity::<usize>(1);
    let watch = rx.observe();
    let producer = thread::spawn(move || {
        tx.try_push(1).unwrap();
    });
    let observer = thread::spawn(move || assert!(watch.len() <= 1));
    drop(rx);
    producer.join().unwrap();
    observer.join().unwrap();
}

/// Of two that split at once, at most one gets the handles; a later one none.
fn split_once() {
    let ring = in_place::<1>();
    let other = thread::spawn(move || ring.split().is_some());
    let here = ring.split().is_some();
    let there = other.join().unwrap();
    assert!(!(here && there));
    assert!(ring.split().is_none());
    free(ring);
}
