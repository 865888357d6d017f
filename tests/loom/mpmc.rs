//! Models of the lock-free ring for many producers and consumers.

use std::sync::Arc;

use loom::thread;
use ringfence_core::mpmc::{PopError, PushError, Ring};

use crate::harness::Model;

pub(crate) const MODELS: &[Model] = &[
    Model::new("mpmc_2_producers_1_consumer_capacity_1", producers::<1>).preemptions(2),
    Model::new("mpmc_2_producers_1_consumer_capacity_2", producers::<2>).preemptions(2),
    Model::new("mpmc_2_producers_1_consumer_capacity_3", producers::<3>).preemptions(2),
    Model::new("mpmc_1_producer_2_consumers_capacity_1", consumers::<1>).preemptions(2),
    Model::new("mpmc_1_producer_2_consumers_capacity_2", consumers::<2>).preemptions(2),
    Model::new("mpmc_2_and_2", two_and_two).preemptions(2),
    Model::new("mpmc_force_against_pop", force_against_pop),
    Model::new("mpmc_force_against_force", force_against_force),
    Model::new("mpmc_handles", handles),
    Model::new("mpmc_cells_go_round", cells_go_round).preemptions(5),
    Model::new("mpmc_handle_returns_its_spare", handle_returns_its_spare),
    Model::new("mpmc_spares_run_out", spares_run_out),
    Model::new("mpmc_hint_of_calls", hint_of_calls),
    Model::new("mpmc_hint_of_handles", hint_of_handles),
    Model::new("mpmc_hint_to_observers", hint_to_observers),
    Model::new("mpmc_hint_to_handles", hint_to_handles),
];

/// A ring that has gone round once already.
fn ring<const N: usize, const S: usize>() -> Arc<Ring<usize, N, S>> {
    let ring = Ring::new();
    for item in 0..N {
        ring.try_push(item).unwrap();
    }
    assert_eq!(ring.drain().count(), N);
    Arc::new(ring)
}

/// What is pushed is popped, once.
fn producers<const N: usize>() {
    let ring = ring::<N, 3>();
    let push = |item| {
        let ring = ring.clone();
        thread::spawn(move || ring.try_push(item).is_ok())
    };
    let threads = [push(1), push(2)];
    let mut popped: Vec<_> = ring.try_pop().into_iter().collect();
    let pushed = threads.map(|thread| thread.join().unwrap());
    popped.extend(ring.drain());
    popped.sort_unstable();
    let expected = [(pushed[0], 1), (pushed[1], 2)];
    let expected = expected.iter().filter(|(pushed, _)| *pushed);
    assert!(expected.map(|(_, item)| *item).eq(popped));
    assert!(N == 1 || pushed == [true, true]);
}

fn consumers<const N: usize>() {
    let ring = ring::<N, 3>();
    ring.try_push(1).unwrap();
    let pop = || {
        let ring = ring.clone();
        thread::spawn(move || ring.try_pop())
    };
    let threads = [pop(), pop()];
    let second = ring.try_push(2).is_ok();
    let mut popped = vec![];
    for thread in threads {
        match thread.join().unwrap() {
            Ok(item) => popped.push(item),
            Err(error) => assert_eq!(error, PopError::Empty),
        }
    }
    // One of the two has found the item that was there from the start.
    assert!(popped.contains(&1));
    popped.extend(ring.drain());
    popped.sort_unstable();
    assert!(popped.into_iter().eq(1..2 + usize::from(second)));
}

fn two_and_two() {
    let ring: &'static Ring<usize, 2, 4> = Box::leak(Box::new(Ring::new()));
    let push = |item| {
        let mut producer = ring.producer().unwrap();
        thread::spawn(move || producer.try_push(item).unwrap())
    };
    let pushers = [push(1), push(2)];
    let mut consumer = ring.consumer().unwrap();
    let popper = thread::spawn(move || consumer.try_pop());
    let mut popped: Vec<_> = ring.consumer().unwrap().try_pop().into_iter().collect();
    popped.extend(popper.join().unwrap());
    for pusher in pushers {
        pusher.join().unwrap();
    }
    popped.extend(ring.drain());
    popped.sort_unstable();
    assert_eq!(popped, [1, 2]);
    // SAFETY: leaked above, and all handles are gone.
    drop(unsafe { Box::from_raw(core::ptr::from_ref(ring).cast_mut()) });
}

/// A full ring: one evicts the oldest or the other has popped it.
fn force_against_pop() {
    let ring = ring::<2, 2>();
    ring.try_push(1).unwrap();
    ring.try_push(2).unwrap();
    let other = ring.clone();
    let forcing = thread::spawn(move || other.force_push(3).unwrap());
    let popped = ring.try_pop().unwrap();
    let evicted = forcing.join().unwrap();
    let left: Vec<_> = ring.drain().collect();
    match evicted {
        Some(1) => assert!((popped, &left[..]) == (2, &[3])),
        None => assert!((popped, &left[..]) == (1, &[2, 3])),
        _ => panic!("the oldest is evicted, or none"),
    }
}

fn force_against_force() {
    let ring = ring::<1, 2>();
    ring.try_push(1).unwrap();
    let other = ring.clone();
    let forcing = thread::spawn(move || other.force_push(2).unwrap().unwrap());
    let here = ring.force_push(3).unwrap().unwrap();
    let there = forcing.join().unwrap();
    let left = ring.try_pop().unwrap();
    assert!((here, there, left) == (1, 3, 2) || (here, there, left) == (2, 1, 3));
}

/// Handles keep their place and their spare from one operation to the next.
fn handles() {
    let ring = ring::<2, 2>();
    let other = ring.clone();
    let producer = thread::spawn(move || {
        let mut producer = other.producer().unwrap();
        [1, 2, 3].map(|item| producer.try_push(item).is_ok())
    });
    let mut consumer = ring.consumer().unwrap();
    let mut popped: Vec<_> = [(); 2].iter().filter_map(|()| consumer.try_pop()).collect();
    let pushed = producer.join().unwrap();
    popped.extend(std::iter::from_fn(|| consumer.try_pop()));
    let pushed = pushed.iter().zip(1..).filter(|(pushed, _)| **pushed);
    assert!(pushed.map(|(_, item)| item).eq(popped));
}

/// A handle that goes leaves its spare to others, with all that it did to it: the
/// ring is full, so both write to the one spare, and take their item out again.
fn handle_returns_its_spare() {
    let ring = ring::<1, 1>();
    ring.try_push(0).unwrap();
    let other = ring.clone();
    let producer = thread::spawn(move || {
        let mut producer = other.producer();
        producer.as_mut().map(|producer| producer.try_push(1))
    });
    let here = ring.try_push(2);
    assert!(matches!(here, Err(PushError::Busy(2) | PushError::Full(2))));
    assert!(
        producer
            .join()
            .unwrap()
            .is_none_or(|pushed| pushed.is_err())
    );
    assert_eq!(ring.try_pop(), Ok(0));
}

/// Too many inside: those get their item back, and nothing has happened.
fn spares_run_out() {
    let ring = ring::<1, 1>();
    ring.try_push(0).unwrap();
    let other = ring.clone();
    let pusher = thread::spawn(move || other.try_push(1).unwrap_err());
    let here = ring.try_push(2).unwrap_err();
    let there = pusher.join().unwrap();
    let busy = |error: &PushError<usize>| matches!(error, PushError::Busy(_));
    assert!(!(busy(&here) && busy(&there)));
    assert_eq!((here.into_inner(), there.into_inner()), (2, 1));
    assert_eq!(ring.try_pop(), Ok(0));
}

/// A cell that a popper has read from is written to by a pusher, two laps on.
fn cells_go_round() {
    let ring = ring::<1, 2>();
    let other = ring.clone();
    let producer = thread::spawn(move || {
        let mut producer = other.producer().unwrap();
        [1, 2, 3, 4].map(|item| producer.try_push(item).is_ok())
    });
    let mut consumer = ring.consumer().unwrap();
    let mut popped: Vec<_> = [(); 2].iter().filter_map(|()| consumer.try_pop()).collect();
    let pushed = producer.join().unwrap();
    popped.extend(consumer.try_pop());
    let pushed = pushed.iter().zip(1..).filter(|(pushed, _)| **pushed);
    assert!(pushed.map(|(_, item)| item).eq(popped));
}

/// Who sees a hint sees the slots that it is about.
fn hint_of_calls() {
    let ring = ring::<1, 2>();
    let other = ring.clone();
    let both = thread::spawn(move || {
        let pushed = other.try_push(1);
        (pushed.is_ok(), other.try_pop().is_ok())
    });
    let here = ring.try_push(2);
    assert!(here.is_ok() || here == Err(PushError::Full(2)));
    let (there, popped) = both.join().unwrap();
    // Whatever the order, the pop comes after a push.
    assert!(popped && (here.is_ok() || there));
    let left = usize::from(here.is_ok()) + usize::from(there) - 1;
    assert_eq!((ring.len(), ring.is_empty()), (left, left == 0));
}

/// The same, told by handles.
fn hint_of_handles() {
    let ring = ring::<1, 3>();
    let other = ring.clone();
    let both = thread::spawn(move || {
        let pushed = other.producer().unwrap().try_push(1).is_ok();
        (pushed, other.consumer().unwrap().try_pop().is_some())
    });
    let popped = ring.try_pop().is_ok();
    let pushed = ring.try_push(2).is_ok();
    let (there_pushed, there_popped) = both.join().unwrap();
    let sum = |one, other| usize::from(one) + usize::from(other);
    assert_eq!(
        ring.len(),
        sum(pushed, there_pushed) - sum(popped, there_popped)
    );
}

/// The same, for those who only look.
fn hint_to_observers() {
    let ring = ring::<1, 1>();
    let other = ring.clone();
    let both = thread::spawn(move || {
        other.try_push(1).unwrap();
        other.try_pop().unwrap();
    });
    assert!(ring.len() <= 1);
    assert!(!(ring.is_empty() && ring.is_full()) || ring.capacity() == 1);
    both.join().unwrap();
    assert!(ring.is_empty() && !ring.is_full());
}

/// The same, for those who begin.
fn hint_to_handles() {
    let ring = ring::<1, 3>();
    let other = ring.clone();
    let both = thread::spawn(move || {
        let pushed = other.try_push(1).is_ok();
        (pushed, other.try_pop().is_ok())
    });
    let popped = ring.consumer().unwrap().try_pop().is_some();
    let pushed = ring.producer().unwrap().try_push(2).is_ok();
    let (there_pushed, there_popped) = both.join().unwrap();
    let sum = |one, other| usize::from(one) + usize::from(other);
    assert_eq!(
        ring.len(),
        sum(pushed, there_pushed) - sum(popped, there_popped)
    );
}
