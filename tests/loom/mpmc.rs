//! Models of the lock-free ring for many producers and consumers.

use std::sync::Arc;

use loom::cell::UnsafeCell;
use loom::thread;
use ringfence_core::mpmc::{PopError, PushError, Ring, Words};

use crate::harness::Model;

pub(crate) const MODELS: &[Model] = &[
    Model::new("mpmc_2_producers_1_consumer_capacity_1", || {
        producers(1, cells::<1, 3>())
    })
    .preemptions(2),
    Model::new("mpmc_2_producers_1_consumer_capacity_2", || {
        producers(2, cells::<2, 3>())
    })
    .preemptions(2),
    Model::new("mpmc_2_producers_1_consumer_capacity_3", || {
        producers(3, cells::<3, 3>())
    })
    .preemptions(2),
    Model::new("mpmc_1_producer_2_consumers_capacity_1", || {
        consumers(cells::<1, 3>())
    })
    .preemptions(2),
    Model::new("mpmc_1_producer_2_consumers_capacity_2", || {
        consumers(cells::<2, 3>())
    })
    .preemptions(2),
    Model::new("mpmc_2_and_2", two_and_two_handles).preemptions(2),
    Model::new("mpmc_force_against_pop", || {
        force_against_pop(cells::<2, 2>())
    }),
    Model::new("mpmc_force_against_force", || {
        force_against_force(cells::<1, 2>())
    }),
    Model::new("mpmc_force_tells_the_head", || {
        force_tells_the_head(cells::<1, 2>())
    }),
    Model::new("mpmc_handles", handles),
    Model::new("mpmc_cells_go_round", cells_go_round).preemptions(5),
    Model::new("mpmc_handle_returns_its_spare", handle_returns_its_spare),
    Model::new("mpmc_spares_run_out", spares_run_out),
    Model::new("mpmc_hint_of_calls", || hint_of_calls(cells::<1, 2>())),
    Model::new("mpmc_hint_of_handles", hint_of_handles).preemptions(2),
    Model::new("mpmc_hint_to_observers", || {
        hint_to_observers(cells::<1, 1>())
    }),
    Model::new("mpmc_hint_to_handles", hint_to_handles).preemptions(2),
    Model::new("words_2_producers_1_consumer_capacity_1", || {
        producers(1, words::<1>())
    }),
    Model::new("words_2_producers_1_consumer_capacity_2", || {
        producers(2, words::<2>())
    }),
    Model::new("words_2_producers_1_consumer_capacity_3", || {
        producers(3, words::<3>())
    }),
    Model::new("words_1_producer_2_consumers_capacity_1", || {
        consumers(words::<1>())
    }),
    Model::new("words_1_producer_2_consumers_capacity_2", || {
        consumers(words::<2>())
    }),
    Model::new("words_1_producer_2_consumers_capacity_3", || {
        consumers(words::<3>())
    }),
    Model::new("words_2_and_2_capacity_1", || two_and_two(words::<1>())).preemptions(2),
    Model::new("words_2_and_2_capacity_2", || two_and_two(words::<2>())).preemptions(2),
    Model::new("words_2_and_2_capacity_3", || two_and_two(words::<3>())).preemptions(2),
    Model::new(
        "words_force_against_pop",
        || force_against_pop(words::<2>()),
    ),
    Model::new("words_force_against_force", || {
        force_against_force(words::<1>())
    }),
    Model::new("words_force_tells_the_head", || {
        force_tells_the_head(words::<1>())
    }),
    Model::new("words_pop_before_its_place_is_taken", || {
        place_is_taken(words::<1>())
    }),
    Model::new("words_never_empty", || never_empty(words::<2>())),
    Model::new("words_never_full", || never_full(words::<2>())),
    Model::new("words_hint_of_calls", || hint_of_calls(words::<1>())),
    Model::new(
        "words_hint_to_observers",
        || hint_to_observers(words::<1>()),
    ),
];

/// A ring of numbers, each with a note that its owner alone touches.
trait Queue: Send + Sync + 'static {
    fn push(&self, item: usize) -> bool;
    fn force(&self, item: usize) -> Option<usize>;
    fn pop(&self) -> Option<usize>;
    fn len(&self) -> usize;
    fn is_empty(&self) -> bool;
    fn is_full(&self) -> bool;
    /// All three.
    fn state(&self) -> (usize, bool, bool) {
        (self.len(), self.is_empty(), self.is_full())
    }
}

impl<const N: usize, const S: usize> Queue for Ring<usize, N, S> {
    fn push(&self, item: usize) -> bool {
        match self.try_push(item) {
            Ok(()) => true,
            Err(error) => {
                assert_eq!(error, PushError::Full(item));
                false
            }
        }
    }
    fn force(&self, item: usize) -> Option<usize> {
        self.force_push(item).unwrap()
    }
    fn pop(&self) -> Option<usize> {
        match self.try_pop() {
            Ok(item) => Some(item),
            Err(error) => {
                assert_eq!(error, PopError::Empty);
                None
            }
        }
    }
    fn len(&self) -> usize {
        Ring::len(self)
    }
    fn is_empty(&self) -> bool {
        Ring::is_empty(self)
    }
    fn is_full(&self) -> bool {
        Ring::is_full(self)
    }
}

/// Items of a ring of words are no memory that loom could watch, so each has a note.
struct Noted<const N: usize> {
    ring: Words<u32, N>,
    notes: [UnsafeCell<()>; 8],
}

// SAFETY: whether the notes are shared as they may be is what loom finds out.
unsafe impl<const N: usize> Sync for Noted<N> {}

impl<const N: usize> Noted<N> {
    fn touch(&self, item: u32) -> usize {
        self.notes[item as usize].with_mut(|_| ());
        item as usize
    }
}

impl<const N: usize> Queue for Noted<N> {
    fn push(&self, item: usize) -> bool {
        self.touch(item as u32);
        self.ring.try_push(item as u32).is_ok()
    }
    fn force(&self, item: usize) -> Option<usize> {
        self.touch(item as u32);
        self.ring
            .force_push(item as u32)
            .map(|item| self.touch(item))
    }
    fn pop(&self) -> Option<usize> {
        self.ring.try_pop().map(|item| self.touch(item))
    }
    fn len(&self) -> usize {
        Words::len(&self.ring)
    }
    fn is_empty(&self) -> bool {
        Words::is_empty(&self.ring)
    }
    fn is_full(&self) -> bool {
        Words::is_full(&self.ring)
    }
}

/// A ring that has gone round once already.
fn cells<const N: usize, const S: usize>() -> Arc<Ring<usize, N, S>> {
    let ring = Ring::new();
    (0..N).for_each(|item| ring.try_push(item).unwrap());
    assert_eq!(ring.drain().count(), N);
    Arc::new(ring)
}

fn words<const N: usize>() -> Arc<Noted<N>> {
    let notes = core::array::from_fn(|_| UnsafeCell::new(()));
    let ring = Words::new();
    (0..N).for_each(|item| ring.try_push(item as u32).unwrap());
    assert_eq!(ring.drain().count(), N);
    Arc::new(Noted { ring, notes })
}

/// What is left, oldest first.
fn rest(ring: &impl Queue) -> Vec<usize> {
    core::iter::from_fn(|| ring.pop()).collect()
}

/// What is pushed is popped, once.
fn producers<Q: Queue>(capacity: usize, ring: Arc<Q>) {
    let push = |item| {
        let ring = ring.clone();
        thread::spawn(move || ring.push(item))
    };
    let threads = [push(1), push(2)];
    let mut popped: Vec<_> = ring.pop().into_iter().collect();
    let pushed = threads.map(|thread| thread.join().unwrap());
    popped.extend(rest(&*ring));
    popped.sort_unstable();
    let expected = [(pushed[0], 1), (pushed[1], 2)];
    let expected = expected.iter().filter(|(pushed, _)| *pushed);
    assert!(expected.map(|(_, item)| *item).eq(popped));
    assert!(capacity == 1 || pushed == [true, true]);
}

fn consumers<Q: Queue>(ring: Arc<Q>) {
    assert!(ring.push(1));
    let pop = || {
        let ring = ring.clone();
        thread::spawn(move || ring.pop())
    };
    let threads = [pop(), pop()];
    let second = ring.push(2);
    let popped = threads.map(|thread| thread.join().unwrap());
    let mut popped: Vec<_> = popped.into_iter().flatten().collect();
    // One of the two has found the item that was there from the start.
    assert!(popped.contains(&1));
    popped.extend(rest(&*ring));
    popped.sort_unstable();
    assert!(popped.into_iter().eq(1..2 + usize::from(second)));
}

fn two_and_two<Q: Queue>(ring: Arc<Q>) {
    let push = |item| {
        let ring = ring.clone();
        thread::spawn(move || ring.push(item))
    };
    let pushers = [push(1), push(2)];
    let other = ring.clone();
    let popper = thread::spawn(move || other.pop());
    let mut popped: Vec<_> = ring.pop().into_iter().collect();
    popped.extend(popper.join().unwrap());
    let pushed = pushers.map(|pusher| pusher.join().unwrap());
    popped.extend(rest(&*ring));
    popped.sort_unstable();
    let pushed = (1..).zip(pushed).filter(|(_, pushed)| *pushed);
    assert!(pushed.map(|(item, _)| item).eq(popped));
}

fn two_and_two_handles() {
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

/// A full ring of two: one evicts the oldest, or the other has popped it.
fn force_against_pop<Q: Queue>(ring: Arc<Q>) {
    assert!(ring.push(1) && ring.push(2));
    let other = ring.clone();
    let forcing = thread::spawn(move || other.force(3));
    let popped = [ring.pop().unwrap(), ring.pop().unwrap()];
    let evicted = forcing.join().unwrap();
    let left = rest(&*ring);
    match evicted {
        Some(1) => assert!((popped, &left[..]) == ([2, 3], &[])),
        None => assert!((popped, &left[..]) == ([1, 2], &[3])),
        _ => panic!("the oldest is evicted, or none"),
    }
}

/// The same with one: who evicts it says where the head is now.
fn force_tells_the_head<Q: Queue>(ring: Arc<Q>) {
    assert!(ring.push(1));
    let other = ring.clone();
    let forcing = thread::spawn(move || other.force(2));
    let popped = ring.pop();
    let evicted = forcing.join().unwrap();
    let left = rest(&*ring);
    match evicted {
        Some(1) => assert!((popped, &left[..]) == (Some(2), &[])),
        None => assert!((popped, &left[..]) == (Some(1), &[2])),
        _ => panic!("the oldest is evicted, or none"),
    }
}

fn force_against_force<Q: Queue>(ring: Arc<Q>) {
    assert!(ring.push(1));
    let other = ring.clone();
    let forcing = thread::spawn(move || other.force(2).unwrap());
    let here = ring.force(3).unwrap();
    let there = forcing.join().unwrap();
    let left = ring.pop().unwrap();
    assert!((here, there, left) == (1, 3, 2) || (here, there, left) == (2, 1, 3));
}

/// Who takes the place of an item that was popped sees what the other did before.
fn place_is_taken<Q: Queue>(ring: Arc<Q>) {
    struct Shared(UnsafeCell<()>);
    // SAFETY: whether it is shared as it may be is what loom finds out.
    unsafe impl Sync for Shared {}
    let shared = Arc::new(Shared(UnsafeCell::new(())));
    assert!(ring.push(1));
    let other = (ring.clone(), shared.clone());
    let popper = thread::spawn(move || {
        other.1.0.with_mut(|_| ());
        assert_eq!(other.0.pop(), Some(1));
    });
    if ring.push(2) {
        shared.0.with_mut(|_| ());
    }
    popper.join().unwrap();
}

/// Handles keep their place and their spare from one operation to the next.
fn handles() {
    let ring = cells::<2, 2>();
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
    let ring = cells::<1, 1>();
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
    let ring = cells::<1, 1>();
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
    let ring = cells::<1, 2>();
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
fn hint_of_calls<Q: Queue>(ring: Arc<Q>) {
    let other = ring.clone();
    let both = thread::spawn(move || (other.push(1), other.pop().is_some()));
    let here = ring.push(2);
    let (there, popped) = both.join().unwrap();
    // Whatever the order, the pop comes after a push.
    assert!(popped && (here || there));
    let left = usize::from(here) + usize::from(there) - 1;
    assert_eq!(ring.state(), (left, left == 0, left == 1));
}

/// The same, told by handles.
fn hint_of_handles() {
    let ring = cells::<1, 3>();
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
fn hint_to_observers<Q: Queue>(ring: Arc<Q>) {
    let other = ring.clone();
    let both = thread::spawn(move || {
        assert!(other.push(1));
        assert_eq!(other.pop(), Some(1));
    });
    assert!(ring.state().0 <= 1);
    both.join().unwrap();
    assert_eq!(ring.state(), (0, true, false));
}

/// Who only looks walks from an old hint over slots of which each says how new the next
/// one must be. A ring with one item to which one is always pushed before one is popped
/// is never empty,
fn never_empty<Q: Queue>(ring: Arc<Q>) {
    assert!(ring.push(0));
    let other = ring.clone();
    let both = thread::spawn(move || {
        for item in 1..4 {
            assert!(other.push(item));
            assert_eq!(other.pop(), Some(item - 1));
        }
    });
    assert!(!ring.is_empty());
    both.join().unwrap();
    assert_eq!(ring.state(), (1, false, false));
}

/// and the other way round, never full.
fn never_full<Q: Queue>(ring: Arc<Q>) {
    assert!(ring.push(0));
    let other = ring.clone();
    let both = thread::spawn(move || {
        for item in 1..4 {
            assert_eq!(other.pop(), Some(item - 1));
            assert!(other.push(item));
        }
    });
    assert!(!ring.is_full());
    both.join().unwrap();
    assert_eq!(ring.state(), (1, false, false));
}

/// The same, for those who begin.
fn hint_to_handles() {
    let ring = cells::<1, 3>();
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
