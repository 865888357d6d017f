//! A timer interrupt produces into a static `spsc`, the main loop consumes: a million
//! items, none lost, none repeated, all in order.

#![no_std]
#![no_main]

use ringfence_core::spsc::{Producer, Ring};
use ringfence_firmware::own::Own;
use ringfence_firmware::random::Random;
use ringfence_firmware::{board, say};

const ITEMS: u32 = 1_000_000;

static RING: Ring<u32, 10> = Ring::new();
static SOURCE: Own<Source> = Own::new();

struct Source {
    tx: Producer<&'static Ring<u32, 10>>,
    next: u32,
    found_full: u32,
    random: Random,
}

/// Up to 12 items, as long as there is room. What does not fit comes next time.
#[unsafe(no_mangle)]
fn on_timer() {
    SOURCE.with(|source| {
        for _ in 0..source.random.below(13) {
            if source.tx.try_push(source.next).is_err() {
                source.found_full += 1;
                break;
            }
            source.next += 1;
        }
        board::alarm(1 + source.random.below(600));
    });
}

#[unsafe(no_mangle)]
fn run() {
    let (tx, mut rx) = RING.split().expect("nobody has split it");
    assert!(RING.split().is_none(), "split twice");
    SOURCE.give(Source {
        tx,
        next: 0,
        found_full: 0,
        random: Random::new(1),
    });
    board::alarm(1);
    let mut found_empty = 0;
    let mut expected = 0;
    while expected < ITEMS {
        match rx.try_pop() {
            Some(item) => {
                assert_eq!(item, expected, "lost, repeated or out of order");
                expected += 1;
            }
            None => found_empty += 1,
        }
    }
    board::no_alarm();
    let source = SOURCE.take();
    assert_eq!(rx.drain().count() as u32, source.next - ITEMS);
    assert!(source.found_full > 1000 && found_empty > 1000, "one-sided");
    say!(
        "{ITEMS} items; full {} times, empty {found_empty} times",
        source.found_full
    );
}
