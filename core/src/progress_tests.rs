//! The progress guarantees, shown: one thread stops for good before each step of
//! each operation in turn, and the others do their work nevertheless.
//!
//! A step is an access to an atomic, or a fence. If one of the others waited for the
//! stopped thread, the test would not end.

mod stamped;

use std::boxed::Box;
use std::cell::RefCell;
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::vec::Vec;

use crate::mpmc;
use crate::spsc::{Consumer, Producer, Ring};
use crate::sync::stepped::stop_after;

std::thread_local! {
    static STOPPED: RefCell<Option<Sender<bool>>> = const { RefCell::new(None) };
}

/// Says so, and never runs again.
fn stop() -> ! {
    STOPPED.with_borrow_mut(|sender| sender.take().unwrap().send(true).unwrap());
    loop {
        thread::park();
    }
}

/// Runs `operation` in a thread that stops before its step number `steps`; returns
/// whether it got there, or was through before.
fn stops_at(steps: usize, operation: impl FnOnce() + Send + 'static) -> bool {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        STOPPED.set(Some(sender.clone()));
        stop_after(steps, stop);
        operation();
        let _ = sender.send(false);
        // What is dropped from here on is no part of the operation.
        stop_after(usize::MAX, stop);
    });
    receiver.recv().unwrap()
}

type Tx = Producer<&'static Ring<usize, 3>>;
type Rx = Consumer<&'static Ring<usize, 3>>;

/// A ring with so many items, its head anywhere.
fn ring(items: usize, before: usize) -> (Tx, Rx) {
    let ring = Box::leak(Box::new(Ring::new()));
    let (mut tx, mut rx) = ring.split().unwrap();
    for item in 0..before {
        tx.try_push(item).unwrap();
        rx.try_pop().unwrap();
    }
    (0..items).for_each(|item| tx.try_push(item).unwrap());
    (tx, rx)
}

/// For every state of a ring of 3, and every step of `operation`, `others` finishes.
fn spsc_goes_on<H: Send + 'static, O>(
    mut take: impl FnMut(Tx, Rx) -> (H, O),
    operation: fn(H),
    others: fn(O, usize),
) {
    let mut stopped = 0;
    for (items, before) in (0..=3).flat_map(|items| [(items, 0), (items, 2)]) {
        for steps in 0.. {
            let (tx, rx) = ring(items, before);
            let (own, other) = take(tx, rx);
            let stops = stops_at(steps, move || operation(own));
            others(other, items);
            if !stops {
                break;
            }
            stopped += 1;
        }
    }
    assert!(stopped >= 8, "every operation has a step");
}

#[test]
fn spsc_a_stopped_producer_does_not_hold_the_consumer() {
    let operations: [fn(Tx); 6] = [
        |mut tx| {
            let _ = tx.try_push(9);
        },
        |mut tx| {
            let _ = tx.push_slice(&[9, 9]);
        },
        |mut tx| {
            let _ = tx.push_iter([9, 9]);
        },
        |mut tx| tx.write_chunk(2).init().commit(0),
        |tx| {
            let _ = (tx.len(), tx.is_abandoned());
        },
        drop,
    ];
    for operation in operations {
        spsc_goes_on(
            |tx, rx| (tx, rx),
            operation,
            |mut rx, items| {
                let popped: Vec<_> = (0..items).map(|_| rx.try_pop().unwrap()).collect();
                assert!(popped.into_iter().eq(0..items));
                // What it pushed is there, or it is not; either way the call returns.
                assert!(rx.drain().all(|item| item == 9));
                assert!(rx.peek().is_none() && rx.read_chunk(3).is_empty());
            },
        );
    }
}

#[test]
fn spsc_a_stopped_consumer_does_not_hold_the_producer() {
    let operations: [fn(Rx); 6] = [
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
        |rx| {
            let _ = (rx.len(), rx.is_abandoned());
        },
        drop,
    ];
    for operation in operations {
        spsc_goes_on(
            |tx, rx| (rx, tx),
            operation,
            |mut tx, items| {
                for _ in items..3 {
                    tx.try_push(7).unwrap();
                }
                // Full, or there is the room that it made; either way the call returns.
                while tx.try_push(7).is_ok() {}
                assert!(tx.is_full() && tx.write_chunk(3).is_empty());
            },
        );
    }
}

type Bus = mpmc::Ring<usize, 2, 4>;

/// Two threads push and pop by calls and by handles, until each has popped a lot.
fn work(bus: &'static Bus) {
    const ROUNDS: usize = 300;
    thread::scope(|scope| {
        scope.spawn(|| {
            for item in 0..ROUNDS {
                // Full or empty is fine, busy is not: three spares are left.
                assert!(!matches!(bus.try_push(item), Err(mpmc::PushError::Busy(_))));
                assert!(bus.try_pop() != Err(mpmc::PopError::Busy));
                assert!(bus.force_push(item).is_ok());
                assert!(bus.len() <= 2);
            }
        });
        scope.spawn(|| {
            let (mut tx, mut rx) = (bus.producer().unwrap(), bus.consumer().unwrap());
            for item in 0..ROUNDS {
                let _ = tx.try_push(item);
                rx.try_pop();
                tx.force_push(item);
            }
        });
    });
    // And alone, the ring still holds what it should: full after two, empty after two.
    while bus.try_pop().is_ok() {}
    assert!(bus.is_empty());
    assert_eq!((bus.try_push(1), bus.try_push(2)), (Ok(()), Ok(())));
    assert_eq!(bus.try_push(3), Err(mpmc::PushError::Full(3)));
    assert_eq!((bus.try_pop(), bus.try_pop()), (Ok(1), Ok(2)));
}

#[test]
fn mpmc_a_stopped_caller_holds_nobody() {
    let operations: [fn(&'static Bus); 6] = [
        |bus| {
            let _ = bus.try_push(9);
        },
        |bus| {
            let _ = bus.try_pop();
        },
        |bus| {
            let _ = bus.force_push(9);
        },
        |bus| {
            let _ = bus.producer().map(|mut tx| tx.try_push(9));
        },
        |bus| {
            let _ = bus.consumer().map(|mut rx| rx.try_pop());
        },
        |bus| {
            let _ = (bus.len(), bus.is_empty(), bus.is_full());
        },
    ];
    for operation in operations {
        let mut stopped = 0;
        for items in 0..=2 {
            for steps in 0.. {
                let bus: &'static Bus = Box::leak(Box::new(Bus::new()));
                (0..items).for_each(|item| bus.try_push(item).unwrap());
                let stops = stops_at(steps, move || operation(bus));
                work(bus);
                if !stops {
                    break;
                }
                stopped += 1;
            }
        }
        assert!(stopped >= 9, "every operation has steps");
    }
}

/// A stopped handle on a heap ring keeps its memory, and nothing else.
#[cfg(feature = "alloc")]
#[test]
fn spsc_a_handle_that_stops_while_it_is_dropped_holds_nobody() {
    for steps in 0.. {
        let (tx, mut rx) = crate::spsc::with_capacity::<usize>(2);
        let stops = stops_at(steps, move || drop(tx));
        assert_eq!(rx.try_pop(), None);
        drop(rx);
        if !stops {
            assert!(steps >= 3);
            return;
        }
    }
}

// Rings of words.

crate::sync::with_64_bit_slots! {
    /// Two threads push, force and pop, until each has done so a lot.
    fn work_of_words<T: mpmc::Payload + Send + PartialEq + core::fmt::Debug>(
        bus: &'static mpmc::Words<T, 2>,
        item: fn(u8) -> T,
    ) {
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    for number in 0..300 {
                        let _ = bus.try_push(item(number as u8));
                        bus.try_pop();
                        bus.force_push(item(number as u8));
                        assert!(bus.len() <= 2);
                    }
                });
            }
        });
        // And alone, the ring still holds what it should.
        bus.drain().for_each(drop);
        assert!(bus.is_empty());
        assert!(bus.try_push(item(1)).is_ok() && bus.try_push(item(2)).is_ok());
        assert!(bus.try_push(item(3)).is_err() && bus.is_full());
        assert_eq!(bus.force_push(item(4)), Some(item(1)));
        assert_eq!((bus.try_pop(), bus.try_pop()), (Some(item(2)), Some(item(4))));
    }

    fn words_go_on<T>(item: fn(u8) -> T)
    where
        T: mpmc::Payload + Send + PartialEq + core::fmt::Debug + 'static,
    {
        let operations: [fn(&'static mpmc::Words<T, 2>, T); 4] = [
            |bus, item| drop(bus.try_push(item)),
            |bus, _| drop(bus.try_pop()),
            |bus, item| drop(bus.force_push(item)),
            |bus, _| {
                let _ = (bus.len(), bus.is_empty(), bus.is_full());
            },
        ];
        for operation in operations {
            let mut stopped = 0;
            for items in 0..=2 {
                for steps in 0.. {
                    let bus: &'static mpmc::Words<T, 2> = Box::leak(Box::default());
                    (0..items).for_each(|number| bus.try_push(item(number)).ok().unwrap());
                    let stops = stops_at(steps, move || operation(bus, item(9)));
                    work_of_words(bus, item);
                    if !stops {
                        break;
                    }
                    stopped += 1;
                }
            }
            // A hint, a slot, a swap but when there is no need, a hint.
            assert!(stopped >= 9, "every operation has steps");
        }
    }

    #[test]
    fn words_a_stopped_caller_holds_nobody() {
        words_go_on(u32::from);
    }
}

crate::sync::with_128_bit_slots! {
    #[test]
    fn words_a_stopped_caller_of_a_wide_ring_holds_nobody() {
        words_go_on(u64::from);
    }
}
