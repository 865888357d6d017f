//! The ring with stamped slots is not lock-free: at which steps a stopped thread holds
//! others up, and what they are told.

use std::boxed::Box;
use std::vec::Vec;

use super::stops_at;
use crate::stamped::{Consumer, PopError, Producer, PushError, Ring, Shared, Side, Solo};
use crate::sync::CONTENDED;

type Line = Ring<usize, 2>;

/// Whom a stopped thread holds up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Held {
    Nobody,
    Producers,
    Consumers,
}
use Held::{Consumers, Nobody, Producers};

/// What the others find: they pop all that they can, push all that they can, and pop
/// again.
fn held(line: &Line) -> Held {
    let pops = || {
        let mut n = 0;
        loop {
            match line.try_pop() {
                Ok(_) => n += 1,
                Err(error) => return (n, error),
            }
        }
    };
    let pushes = || {
        let mut n = 0;
        loop {
            match line.try_push(7) {
                Ok(()) => n += 1,
                Err(error) => return (n, error),
            }
        }
    };
    match (pops().1, pushes(), pops()) {
        (PopError::Empty, (2, PushError::Full(7)), (2, PopError::Empty)) => Nobody,
        (PopError::Empty, (n, PushError::Contended(7)), (m, PopError::Empty)) if n == m => {
            Producers
        }
        (PopError::Contended, (_, PushError::Full(7)), (0, PopError::Contended)) => Consumers,
        other => panic!("{other:?}"),
    }
}

/// For each step of `operation` on a ring with so many items, whom a thread that stops
/// before it holds up.
fn held_at_each_step(items: usize, operation: fn(&'static Line)) -> Vec<Held> {
    let mut all = Vec::new();
    for lap in 0..2 {
        let mut each = Vec::new();
        for steps in 0.. {
            let line: &'static Line = Box::leak(Box::new(Line::new()));
            (0..lap * 3).for_each(|item| {
                line.try_push(item).unwrap();
                line.try_pop().unwrap();
            });
            (0..items).for_each(|item| line.try_push(item).unwrap());
            let stops = stops_at(steps, move || operation(line));
            let held = held(line);
            if !stops {
                assert_eq!(held, Nobody, "it is through");
                break;
            }
            each.push(held);
        }
        assert!(all.is_empty() || all == each);
        all = each;
    }
    all
}

/// From the claim, and not before, up to the last stamp.
#[test]
fn a_stopped_caller_holds_others_between_claim_and_stamp_only() {
    let push: fn(&'static Line) = |line| {
        let _ = line.try_push(9);
    };
    let push_two: [fn(&'static Line); 2] = [
        |line| {
            let _ = line.push_slice(&[9, 9]);
        },
        |line| {
            let _ = line.push_some_at(&mut [Some(9), Some(9)]);
        },
    ];
    let pop: fn(&'static Line) = |line| {
        let _ = line.try_pop();
    };
    let pop_two: [fn(&'static Line); 2] = [
        |line| {
            let _ = line.pop_slice(&mut [0; 2]);
        },
        |line| {
            let _ = line.pop_each(2, drop);
        },
    ];
    // Position, stamps, claim; stamps.
    for items in 0..2 {
        let expected = [Nobody, Nobody, Nobody, Consumers];
        assert_eq!(held_at_each_step(items, push), expected);
        let expected = [Nobody, Nobody, Nobody, Producers];
        assert_eq!(held_at_each_step(items + 1, pop), expected);
    }
    let expected = [Nobody, Nobody, Nobody, Nobody, Consumers, Consumers];
    for push_two in push_two {
        assert_eq!(held_at_each_step(0, push_two), expected);
    }
    let expected = [Nobody, Nobody, Nobody, Nobody, Producers, Producers];
    for pop_two in pop_two {
        assert_eq!(held_at_each_step(2, pop_two), expected);
    }
    // Position, stamp; own position, stamp again, the others' position. Own position and
    // stamp once more where it pauses in between.
    let steps = if CONTENDED { 7 } else { 5 };
    for (items, operation) in [(2, push), (2, push_two[1]), (0, pop), (0, pop_two[1])] {
        assert_eq!(held_at_each_step(items, operation), [Nobody; 7][..steps]);
    }
    let look: fn(&'static Line) = |line| {
        let _ = (line.len(), line.is_empty(), line.is_full());
    };
    assert_eq!(held_at_each_step(1, look), [Nobody; 9]);
}

/// A ring with so many items, and a handle.
type Fresh<P, C, H> = fn(usize) -> (&'static Ring<usize, 2, P, C>, H);

/// Runs `operation` with a handle on a ring with so many items, stopped before each
/// step; the others find what there was, or what it has done, and nobody is in their
/// way.
fn goes_on<P: Side, C: Side, H: Send + 'static>(
    fresh: Fresh<P, C, H>,
    operation: fn(H),
    others: fn(&'static Ring<usize, 2, P, C>, usize),
) {
    let mut stopped = 0;
    for items in 0..=2 {
        for steps in 0.. {
            let (ring, handle) = fresh(items);
            let stops = stops_at(steps, move || operation(handle));
            others(ring, items);
            if !stops {
                break;
            }
            stopped += 1;
        }
    }
    assert!(stopped >= 3, "every operation has a step");
}

#[test]
fn a_stopped_solo_producer_holds_no_consumer() {
    type Line = Ring<usize, 2, Solo, Shared>;
    let operations: [fn(Producer<&'static Line>); 4] = [
        |mut tx| {
            let _ = tx.try_push(9);
        },
        |mut tx| {
            let _ = tx.push_slice(&[9, 9]);
        },
        |mut tx| {
            let _ = tx.push_iter([9, 9]);
        },
        drop,
    ];
    let fresh = |items| {
        let line: &'static Line = Box::leak(Box::new(Line::new()));
        let mut tx = line.producer().unwrap();
        (0..items).for_each(|item| tx.try_push(item).unwrap());
        (line, tx)
    };
    for operation in operations {
        goes_on(fresh, operation, |line, items| {
            assert!((0..items).all(|item| line.try_pop() == Ok(item)));
            assert!(line.drain().all(|item| item == 9));
            assert_eq!(line.try_pop(), Err(PopError::Empty));
        });
    }
}

#[test]
fn a_stopped_solo_consumer_holds_no_producer() {
    type Line = Ring<usize, 2, Shared, Solo>;
    let operations: [fn(Consumer<&'static Line>); 6] = [
        |mut rx| {
            let _ = rx.try_pop();
        },
        |mut rx| {
            let _ = rx.pop_slice(&mut [0; 2]);
        },
        |mut rx| {
            let _ = rx.pop_each(2, drop);
        },
        |mut rx| rx.read_chunk(2).commit(0),
        |mut rx| {
            let _ = rx.peek();
        },
        drop,
    ];
    let fresh = |items| {
        let line: &'static Line = Box::leak(Box::new(Line::new()));
        (0..items).for_each(|item| line.try_push(item).unwrap());
        (line, line.consumer().unwrap())
    };
    for operation in operations {
        goes_on(fresh, operation, |line, items| {
            assert!((items..2).all(|item| line.try_push(item).is_ok()));
            while line.try_push(7).is_ok() {}
            assert_eq!(line.try_push(7), Err(PushError::Full(7)));
        });
    }
}
