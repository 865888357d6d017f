//! Models of the ring with stamped slots.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize as Plain, Ordering::Relaxed};

use loom::thread;
use ringfence_core::stamped::{
    Consumer, Mpmc, PopError, Producer, PushError, Ring, Shared, Side, Solo,
};

use crate::harness::Model;

pub(crate) const MODELS: &[Model] = &[
    Model::new("stamped_2_producers_1_consumer_capacity_1", producers::<1>).preemptions(2),
    Model::new("stamped_2_producers_1_consumer_capacity_2", producers::<2>),
    Model::new("stamped_2_producers_1_consumer_capacity_3", producers::<3>),
    Model::new("stamped_1_producer_2_consumers_capacity_1", consumers::<1>).preemptions(2),
    Model::new("stamped_1_producer_2_consumers_capacity_2", consumers::<2>),
    Model::new("stamped_1_producer_2_consumers_capacity_3", consumers::<3>),
    Model::new("stamped_2_and_2", two_and_two).preemptions(1),
    Model::new("stamped_two_laps_shared", two_laps),
    Model::new("stamped_laps_wrap", laps_wrap),
    Model::new("stamped_solo_consumer_capacity_1", solo_consumer::<1>),
    Model::new("stamped_solo_consumer_capacity_2", solo_consumer::<2>),
    Model::new("stamped_solo_producer_capacity_1", solo_producer::<1>),
    Model::new("stamped_solo_producer_capacity_2", solo_producer::<2>),
    Model::new("stamped_solo_both_capacity_1", solo_both::<1>),
    Model::new("stamped_solo_both_capacity_2", solo_both::<2>),
    Model::new("stamped_batches_of_producers", batches_of_producers),
    Model::new("stamped_batches_of_two", batches_of_two).preemptions(2),
    Model::new("stamped_batches_of_consumers", batches_of_consumers),
    Model::new("stamped_batch_to_batch", batch_to_batch).preemptions(2),
    Model::new("stamped_peek", peek),
    Model::new("stamped_chunk", chunk),
    Model::new("stamped_pop_each", pop_each),
    Model::new("stamped_push_iter", push_iter),
    Model::new("stamped_producer_handed_over", producer_handed_over),
    Model::new("stamped_consumer_handed_over", consumer_handed_over),
    Model::new("stamped_drop_with_items", drop_with_items),
];

/// A ring that has gone round once already.
fn ring<const N: usize>() -> Arc<Ring<usize, N>> {
    let ring = Ring::new();
    assert_eq!(ring.push_slice(&[0; N]), N);
    assert_eq!(ring.drain().count(), N);
    Arc::new(ring)
}

/// The same, if need be by handles.
fn solo_ring<const N: usize, P: Side, C: Side>(
    push: impl Fn(&Ring<usize, N, P, C>, &[usize]) -> usize,
    pop: impl Fn(&Ring<usize, N, P, C>, &mut [usize]) -> usize,
) -> Arc<Ring<usize, N, P, C>> {
    let ring = Ring::new();
    assert_eq!((push(&ring, &[0; N]), pop(&ring, &mut [0; N])), (N, N));
    Arc::new(ring)
}

/// Those items that were pushed are those that were popped, each once.
fn each_once(mut popped: Vec<usize>, pushed: impl IntoIterator<Item = (usize, bool)>) {
    popped.sort_unstable();
    let pushed = pushed.into_iter().filter(|(_, pushed)| *pushed);
    assert!(pushed.map(|(item, _)| item).eq(popped));
}

/// What is pushed is popped, once; where there is room, it is pushed.
fn producers<const N: usize>() {
    let ring = ring::<N>();
    let push = |item| {
        let ring = ring.clone();
        thread::spawn(move || ring.try_push(item).is_ok())
    };
    let threads = [push(1), push(2)];
    let mut popped: Vec<_> = ring.try_pop().into_iter().collect();
    let [one, two] = threads.map(|thread| thread.join().unwrap());
    assert!(one || two);
    assert!(N == 1 || (one && two));
    popped.extend(ring.drain());
    assert!(ring.is_empty());
    each_once(popped, [(1, one), (2, two)]);
}

/// One of two finds the item that was there from the start; nobody is told that the
/// ring was empty while it was not, and then only.
fn consumers<const N: usize>() {
    let ring = ring::<N>();
    ring.try_push(1).unwrap();
    let pop = || {
        let ring = ring.clone();
        thread::spawn(move || ring.try_pop())
    };
    let threads = [pop(), pop()];
    let second = ring.try_push(2);
    assert!(N == 1 || second.is_ok());
    let results = threads.map(|thread| thread.join().unwrap());
    let mut popped: Vec<_> = results.into_iter().flatten().collect();
    assert!(popped.contains(&1));
    popped.extend(ring.drain());
    each_once(popped, [(1, true), (2, second.is_ok())]);
}

fn two_and_two() {
    let ring = ring::<2>();
    let push = |item| {
        let ring = ring.clone();
        thread::spawn(move || ring.try_push(item).unwrap())
    };
    let pushers = [push(1), push(2)];
    let other = ring.clone();
    let popper = thread::spawn(move || other.try_pop().ok());
    let mut popped: Vec<_> = ring.try_pop().into_iter().collect();
    popped.extend(popper.join().unwrap());
    for pusher in pushers {
        pusher.join().unwrap();
    }
    popped.extend(ring.drain());
    each_once(popped, [(1, true), (2, true)]);
}

/// A slot is written again by another than he who popped it.
fn two_laps() {
    let ring = ring::<1>();
    let other = ring.clone();
    let producer =
        thread::spawn(move || [1, 2, 3].map(|item| (item, other.try_push(item).is_ok())));
    let mut popped: Vec<_> = [(); 2]
        .iter()
        .filter_map(|()| ring.try_pop().ok())
        .collect();
    let pushed = producer.join().unwrap();
    popped.extend(ring.drain());
    assert!(popped.is_sorted());
    each_once(popped, pushed);
}

/// The same where the laps wrap, after seven of eight.
fn laps_wrap() {
    // SAFETY: fewer operations follow than would go round once.
    let ring = unsafe { Mpmc::with_lap_bits(2, 3) };
    for item in 0..15 {
        ring.try_push(item).unwrap();
        assert_eq!(ring.try_pop(), Ok(item));
    }
    let ring = Arc::new(ring);
    let other = ring.clone();
    let producer =
        thread::spawn(move || [1, 2, 3].map(|item| (item, other.try_push(item).is_ok())));
    let mut popped: Vec<_> = [(); 2]
        .iter()
        .filter_map(|()| ring.try_pop().ok())
        .collect();
    let pushed = producer.join().unwrap();
    assert!(pushed[1].1);
    popped.extend(ring.drain());
    assert!(popped.is_sorted());
    each_once(popped, pushed);
}

fn solo_consumer<const N: usize>() {
    let ring = solo_ring::<N, Shared, Solo>(
        |ring, items| ring.push_slice(items),
        |ring, buffer| ring.consumer().unwrap().pop_slice(buffer),
    );
    let push = |item| {
        let ring = ring.clone();
        thread::spawn(move || match ring.try_push(item) {
            Ok(()) => true,
            // Not contended: there is nobody who might have claimed the slot.
            Err(error) => {
                assert_eq!(error, PushError::Full(item));
                false
            }
        })
    };
    let threads = [push(1), push(2)];
    let mut consumer = ring.consumer().unwrap();
    let mut popped: Vec<_> = consumer.try_pop().into_iter().collect();
    let [one, two] = threads.map(|thread| thread.join().unwrap());
    assert!(one || two);
    assert!(N == 1 || (one && two));
    popped.extend(consumer.drain());
    each_once(popped, [(1, one), (2, two)]);
}

fn solo_producer<const N: usize>() {
    let ring = solo_ring::<N, Solo, Shared>(
        |ring, items| ring.producer().unwrap().push_slice(items),
        |ring, buffer| ring.pop_slice(buffer),
    );
    let mut producer = Producer::claim(ring.clone()).unwrap();
    producer.try_push(1).unwrap();
    let pop = || {
        let ring = ring.clone();
        thread::spawn(move || ring.try_pop())
    };
    let threads = [pop(), pop()];
    let second = producer.try_push(2);
    assert!(N == 1 || second.is_ok());
    let mut popped = vec![];
    for thread in threads {
        match thread.join().unwrap() {
            Ok(item) => popped.push(item),
            Err(error) => assert_eq!(error, PopError::Empty),
        }
    }
    assert!(popped.contains(&1));
    popped.extend(ring.drain());
    each_once(popped, [(1, true), (2, second.is_ok())]);
}

fn solo_both<const N: usize>() {
    let ring = solo_ring::<N, Solo, Solo>(
        |ring, items| ring.producer().unwrap().push_slice(items),
        |ring, buffer| ring.consumer().unwrap().pop_slice(buffer),
    );
    let mut producer = Producer::claim(ring.clone()).unwrap();
    let thread = thread::spawn(move || {
        [1, 2, 3].map(|item| match producer.try_push(item) {
            Ok(()) => (item, true),
            Err(error) => {
                assert_eq!(error, PushError::Full(item));
                (item, false)
            }
        })
    });
    let mut consumer = ring.consumer().unwrap();
    let mut popped: Vec<_> = [(); 2]
        .iter()
        .filter_map(|()| consumer.try_pop().ok())
        .collect();
    let pushed = thread.join().unwrap();
    popped.extend(consumer.drain());
    assert!(popped.is_sorted());
    each_once(popped, pushed);
}

/// Two claims of producers, of which one is of a batch.
fn batches_of_producers() {
    let ring = ring::<3>();
    let (one, other) = (ring.clone(), ring.clone());
    let batch = thread::spawn(move || one.push_slice(&[1, 2]));
    let single = thread::spawn(move || other.try_push(3));
    let mut popped: Vec<_> = ring.try_pop().into_iter().collect();
    assert_eq!((batch.join().unwrap(), single.join().unwrap()), (2, Ok(())));
    popped.extend(ring.drain());
    // What is claimed together is together.
    let place = |item| popped.iter().position(|popped| *popped == item).unwrap();
    assert_eq!(place(2), place(1) + 1);
    each_once(popped, [1, 2, 3].map(|item| (item, true)));
}

/// Batches of two producers, for both of which there is not always room: each is stored as
/// far as it fits, at names that follow, and the rest is still there.
fn batches_of_two() {
    let ring = ring::<3>();
    let push = |items: [usize; 2]| {
        let ring = ring.clone();
        thread::spawn(move || {
            let mut items = items.map(Some);
            let (first, n) = ring.push_some_at(&mut items);
            assert!(
                n >= 1 && items[..n] == [None; 2][..n] && items[n..].iter().all(Option::is_some)
            );
            (first, n)
        })
    };
    let threads = [push([1, 2]), push([3, 4])];
    let mut popped: Vec<_> = ring.pop_at().into_iter().collect();
    let [one, two] = threads.map(|thread| thread.join().unwrap());
    popped.extend(std::iter::from_fn(|| ring.pop_at().ok()));
    assert_eq!(popped.len(), one.1 + two.1);
    for ((first, n), item) in [(one, 1), (two, 3)] {
        let own = popped
            .iter()
            .filter(|(name, _)| ring.behind(first, *name) < n);
        assert!(own.map(|(_, item)| *item).eq(item..item + n));
    }
}

/// Two claims of consumers, of which one is of a batch; then a producer gets there.
fn batches_of_consumers() {
    let ring = ring::<3>();
    assert_eq!(ring.push_slice(&[1, 2, 3]), 3);
    let (one, other) = (ring.clone(), ring.clone());
    let batch = thread::spawn(move || {
        let mut buffer = [0; 2];
        let n = one.pop_slice(&mut buffer);
        buffer[..n].to_vec()
    });
    let single = thread::spawn(move || other.try_pop());
    let fourth = ring.try_push(4).is_ok();
    let batch = batch.join().unwrap();
    let single = single.join().unwrap();
    assert!(batch == [1, 2] || batch == [2, 3]);
    assert!(single == Ok(1) || single == Ok(3));
    let popped: Vec<_> = batch
        .into_iter()
        .chain(single)
        .chain(ring.drain())
        .collect();
    each_once(popped, [(1, true), (2, true), (3, true), (4, fourth)]);
}

/// A run that is being published and a run that is being freed, over the end.
fn batch_to_batch() {
    let ring = ring::<2>();
    ring.try_push(0).unwrap();
    let other = ring.clone();
    let producer = thread::spawn(move || other.push_slice(&[1, 2]) + other.push_slice(&[3, 4]));
    let mut popped = vec![];
    ring.pop_each(2, |item| popped.push(item));
    ring.pop_each(2, |item| popped.push(item));
    let pushed = producer.join().unwrap();
    popped.extend(ring.drain());
    // With one refused in between, or not.
    assert!(popped.is_sorted() && popped[..2] == [0, 1]);
    assert_eq!(popped.len(), 1 + pushed);
}

fn peek() {
    let ring = Arc::new(Ring::<usize, 1, Shared, Solo>::new());
    let other = ring.clone();
    let producer = thread::spawn(move || (other.try_push(1).is_ok(), other.try_push(2).is_ok()));
    let mut consumer = ring.consumer().unwrap();
    if let Some(item) = consumer.peek_mut() {
        assert_eq!(*item, 1);
        *item = 7;
        assert_eq!(consumer.try_pop(), Ok(7));
    }
    let (one, two) = producer.join().unwrap();
    assert!(one);
    assert!(consumer.drain().count() == 1 || !two);
}

/// Items are read where they are, and their slots written only when committed.
fn chunk() {
    let ring = Arc::new(Ring::<usize, 2, Shared, Solo>::new());
    let other = ring.clone();
    let producer =
        thread::spawn(move || [1, 2, 3].map(|item| (item, other.try_push(item).is_ok())));
    let mut consumer = ring.consumer().unwrap();
    let chunk = consumer.read_chunk(2);
    let mut popped: Vec<_> = chunk.iter().take(1).copied().collect();
    assert!(chunk.iter().eq(&[1, 2][..chunk.len()]));
    chunk.commit(popped.len());
    let pushed = producer.join().unwrap();
    popped.extend(consumer.drain());
    each_once(popped, pushed);
}

/// Those behind the first are there when they are found, and their slots are free again.
fn pop_each() {
    let ring = Arc::new(Ring::<usize, 2, Shared, Solo>::new());
    let other = ring.clone();
    let producer =
        thread::spawn(move || [1, 2, 3].map(|item| (item, other.try_push(item).is_ok())));
    let mut consumer = ring.consumer().unwrap();
    let mut popped = Vec::new();
    let n = consumer.pop_each(2, |item| popped.push(item));
    assert!(n == popped.len() && popped == [1, 2][..n]);
    let pushed = producer.join().unwrap();
    popped.extend(consumer.drain());
    each_once(popped, pushed);
}

fn push_iter() {
    let ring = Arc::new(Ring::<usize, 1, Solo, Shared>::new());
    let mut producer = Producer::claim(ring.clone()).unwrap();
    let thread = thread::spawn(move || producer.push_iter([1, 2]) + producer.push_iter([3]));
    let mut popped: Vec<_> = ring.try_pop().into_iter().collect();
    let pushed = thread.join().unwrap();
    popped.extend(ring.drain());
    assert!(popped.is_sorted() && popped[0] == 1 && popped.len() == pushed);
}

/// Who gets the handle goes on where its last holder was.
fn producer_handed_over() {
    let ring = Arc::new(Ring::<usize, 3, Solo, Solo>::new());
    let push = |item| {
        let ring = ring.clone();
        thread::spawn(move || {
            let producer = ring.producer();
            producer.is_some_and(|mut producer| producer.try_push(item).is_ok())
        })
    };
    let threads = [push(1), push(2)];
    let third = ring
        .producer()
        .is_some_and(|mut producer| producer.try_push(3).is_ok());
    let [one, two] = threads.map(|thread| thread.join().unwrap());
    assert!(one || two || third);
    let popped = ring.consumer().unwrap().drain().collect();
    each_once(popped, [(1, one), (2, two), (3, third)]);
}

fn consumer_handed_over() {
    let ring = Arc::new(Ring::<usize, 2, Shared, Solo>::new());
    assert_eq!(ring.push_slice(&[1, 2]), 2);
    let other = ring.clone();
    let thread = thread::spawn(move || {
        let consumer = Consumer::claim(other);
        consumer.and_then(|mut consumer| consumer.try_pop().ok())
    });
    let here = ring
        .consumer()
        .and_then(|mut consumer| consumer.try_pop().ok());
    let there = thread.join().unwrap();
    let left: Vec<_> = ring.consumer().unwrap().drain().collect();
    each_once(
        here.into_iter().chain(there).chain(left).collect(),
        [(1, true), (2, true)],
    );
}

/// What was pushed and not popped is dropped with the ring, once.
fn drop_with_items() {
    struct Counted(std::sync::Arc<Plain>);
    impl Drop for Counted {
        fn drop(&mut self) {
            self.0.fetch_add(1, Relaxed);
        }
    }
    let drops = Arc::new(Plain::new(0));
    let item = || Counted(drops.clone());
    let ring = Arc::new(Ring::<Counted, 2>::new());
    assert!(ring.try_push(item()).is_ok());
    let (one, other) = (ring.clone(), ring.clone());
    let items = [item(), item()];
    let producer = thread::spawn(move || items.map(|item| one.try_push(item).is_ok()));
    let consumer = thread::spawn(move || other.try_pop().is_ok());
    let [second, third] = producer.join().unwrap();
    assert!(consumer.join().unwrap() && second);
    assert_eq!(drops.load(Relaxed), if third { 1 } else { 2 });
    drop(ring);
    assert_eq!(drops.load(Relaxed), 3);
}
