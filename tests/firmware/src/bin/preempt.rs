//! Two interrupts and the main loop share one static `mpmc`, and interrupt each other at
//! every instruction: what they see is always what a plain queue shows. So it is with
//! `stamped`, which says besides that somebody is in its way.

#![no_std]
#![no_main]

use ringfence_core::mpmc::{self, PopError, PushError};
use ringfence_core::stamped::{self, Shared};
use ringfence_firmware::history::Done;
use ringfence_firmware::preempt::{Call, Queue, Rig};
use ringfence_firmware::say;

static RIG: Rig = Rig::new();

/// As many spares as may be inside.
static CELLS: Cells = Cells(mpmc::Ring::new());
static STAMPED: Stamped = Stamped(stamped::Ring::new());

struct Cells(mpmc::Ring<u32, 3, 3>);

impl Queue for Cells {
    fn capacity(&self) -> usize {
        self.0.capacity()
    }
    fn call(&self, call: Call, item: u32) -> Done {
        match call {
            Call::Push => match self.0.try_push(item) {
                Ok(()) => Done::Pushed(item),
                Err(PushError::Full(_)) => Done::Full,
                Err(PushError::Busy(_)) => panic!("a spare for each"),
            },
            Call::Force => Done::Forced(item, self.0.force_push(item).expect("a spare for each")),
            Call::Pop => match self.0.try_pop() {
                Ok(item) => Done::Popped(item),
                Err(PopError::Empty) => Done::Empty,
                Err(PopError::Busy) => panic!("a spare for each"),
            },
        }
    }
}

struct Stamped(stamped::Ring<u32, 3, Shared, Shared>);

impl Queue for Stamped {
    fn capacity(&self) -> usize {
        self.0.capacity()
    }
    fn call(&self, call: Call, item: u32) -> Done {
        match call {
            Call::Pop => match self.0.try_pop() {
                Ok(item) => Done::Popped(item),
                Err(stamped::PopError::Empty) => Done::Empty,
                Err(stamped::PopError::Contended) => Done::Contended,
            },
            _ => match self.0.try_push(item) {
                Ok(()) => Done::Pushed(item),
                Err(stamped::PushError::Full(_)) => Done::Full,
                Err(stamped::PushError::Contended(_)) => Done::Contended,
            },
        }
    }
}

/// Where the target has no compare-and-swap of 64 bits, with the features that bring it.
#[cfg(any(feature = "single-core", feature = "critical-section"))]
mod words {
    use super::*;

    pub static WORDS: Words = Words(mpmc::Words::new());

    pub struct Words(mpmc::Words<u32, 4>);

    impl Queue for Words {
        fn capacity(&self) -> usize {
            self.0.capacity()
        }
        fn call(&self, call: Call, item: u32) -> Done {
            match call {
                Call::Push => match self.0.try_push(item) {
                    Ok(()) => Done::Pushed(item),
                    Err(_) => Done::Full,
                },
                Call::Force => Done::Forced(item, self.0.force_push(item)),
                Call::Pop => self.0.try_pop().map_or(Done::Empty, Done::Popped),
            }
        }
    }
}

fn sweep(name: &str, queue: &'static dyn Queue, calls: &[Call]) -> u32 {
    let report = RIG.sweep(queue, calls, 32);
    say!("{name}: {report}");
    assert!(report.is_clean() && report.in_both > 1000);
    report.contended
}

#[unsafe(no_mangle)]
fn run() {
    let calls = [Call::Push, Call::Pop, Call::Force];
    assert_eq!(sweep("mpmc::Ring", &CELLS, &calls), 0);
    #[cfg(any(feature = "single-core", feature = "critical-section"))]
    assert_eq!(sweep("mpmc::Words", &words::WORDS, &calls), 0);
    assert!(sweep("stamped", &STAMPED, &calls[..2]) > 0);
}

#[unsafe(no_mangle)]
fn on_timer() {
    RIG.on_timer();
}

#[unsafe(no_mangle)]
fn on_pended() {
    RIG.on_pended();
}
