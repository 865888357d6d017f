//! Windows: two ends joined by wires that deliver in pieces, against counts kept by hand, and
//! one end with a peer that sends what it likes. Nothing panics, nothing is lost, no limit is
//! overrun or taken back, and memory stays within what was said.
#![no_main]

mod end;
mod hostile;
mod pair;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use ringfence::window::Config;
use std::sync::atomic::{AtomicU64, Ordering};

#[derive(Arbitrary, Debug)]
enum Input {
    Pair(pair::Input),
    Hostile(hostile::Input),
}

/// Small windows, so that they are often used up.
#[derive(Arbitrary, Clone, Copy, Debug)]
struct Sizes {
    window: u16,
    stream_window: u8,
    streams: u8,
    send_buffer: u8,
}

impl Sizes {
    fn streams(self) -> u64 {
        1 + u64::from(self.streams % 5)
    }

    fn stream_window(self) -> u64 {
        1 + u64::from(self.stream_window)
    }

    fn window(self) -> u64 {
        1 + u64::from(self.window % 600)
    }

    fn send_buffer(self) -> usize {
        1 + usize::from(self.send_buffer)
    }

    fn config(self) -> Config {
        Config::default()
            .window(self.window())
            .stream_window(self.stream_window())
            .streams(self.streams())
            .send_buffer(self.send_buffer())
            .most_idle_frames(100)
    }
}

/// How many operations were checked, by all inputs together.
static OPERATIONS: AtomicU64 = AtomicU64::new(0);

fn count_operation() {
    OPERATIONS.fetch_add(1, Ordering::Relaxed);
}

extern "C" fn report() {
    eprintln!("{} operations", OPERATIONS.load(Ordering::Relaxed));
}

unsafe extern "C" {
    safe fn atexit(call: extern "C" fn()) -> i32;
}

fuzz_target!(
    init: atexit(report),
    |input: Input| {
        match input {
            Input::Pair(input) => pair::run(&input),
            Input::Hostile(input) => hostile::run(&input),
        }
    }
);
