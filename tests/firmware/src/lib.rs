//! Images for microcontrollers, run in QEMU. What they share.
//!
//! An image is a file in `bin/`: a function `run` that panics if something is wrong, and
//! what the interrupts do, if it uses any: `on_timer`, and `on_pended`, which the timer
//! can interrupt.

#![no_std]

pub mod board;
pub mod count;
pub mod executor;
pub mod history;
pub mod own;
pub mod preempt;
pub mod random;

use core::panic::PanicInfo;

unsafe extern "Rust" {
    safe fn run();
    safe fn on_timer();
    safe fn on_pended();
}

/// What the first core does.
fn main() -> ! {
    run();
    board::exit(true)
}

#[unsafe(no_mangle)]
fn unexpected_interrupt() {
    panic!("an interrupt that this image does not use");
}

#[panic_handler]
fn panic(info: &PanicInfo) -> ! {
    board::print(format_args!("{info}\n"));
    board::exit(false)
}

/// Prints a line of the report.
#[macro_export]
macro_rules! say {
    ($($arguments:tt)*) => {
        $crate::board::print(format_args!("{}\n", format_args!($($arguments)*)))
    };
}
