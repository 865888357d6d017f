//! The same rig with heapless's `mpmc`: passes when it sees what is wrong there. Whoever is
//! interrupted between its claim of a slot and its last word makes the others find the queue
//! full that has room, and empty although they have just pushed.

#![no_std]
#![no_main]
#![allow(deprecated, reason = "for this very reason")]

use heapless::mpmc;
use ringfence_firmware::history::Done;
use ringfence_firmware::preempt::{Call, Queue, Rig};
use ringfence_firmware::say;

static RIG: Rig = Rig::new();
static HEAPLESS: Heapless = Heapless(mpmc::Queue::new());

struct Heapless(mpmc::Queue<u32, 4>);

impl Queue for Heapless {
    fn capacity(&self) -> usize {
        4
    }
    fn call(&self, call: Call, item: u32) -> Done {
        match call {
            Call::Pop => self.0.dequeue().map_or(Done::Empty, Done::Popped),
            _ => match self.0.enqueue(item) {
                Ok(()) => Done::Pushed(item),
                Err(_) => Done::Full,
            },
        }
    }
}

#[unsafe(no_mangle)]
fn run() {
    let report = RIG.sweep(&HEAPLESS, &[Call::Push, Call::Pop], 32);
    say!("heapless mpmc: {report}");
    assert!(
        report.false_full > 0 && report.false_empty > 0,
        "heapless has been mended"
    );
    assert_eq!(report.wrong, 0);
}

#[unsafe(no_mangle)]
fn on_timer() {
    RIG.on_timer();
}

#[unsafe(no_mangle)]
fn on_pended() {
    RIG.on_pended();
}
