//! What a push and a pop of rings for many cost, for 16 items of 4 bytes, as `count` has it.

#![no_std]
#![no_main]
#![allow(deprecated, reason = "heapless has deprecated its mpmc")]

use core::hint::black_box;

use heapless::mpmc as heapless_mpmc;
use ringfence_core::mpmc::{self, Place, PopError, PushError};
use ringfence_core::spsc::Full;
use ringfence_core::stamped::{self, Shared};
use ringfence_firmware::count::Meter;

/// With spares for main and two interrupts.
#[unsafe(no_mangle)]
static MPMC: mpmc::Ring<u32, 16, 3> = mpmc::Ring::new();

#[unsafe(no_mangle)]
#[inline(never)]
fn mpmc_push(item: u32) -> Result<(), PushError<u32>> {
    MPMC.try_push(item)
}

#[unsafe(no_mangle)]
#[inline(never)]
fn mpmc_pop() -> Result<u32, PopError> {
    MPMC.try_pop()
}

type Tx = mpmc::Producer<'static, Place<u32, 16, 3>>;
type Rx = mpmc::Consumer<'static, Place<u32, 16, 3>>;

#[unsafe(no_mangle)]
#[inline(never)]
fn mpmc_handle_push(tx: &mut Tx, item: u32) -> Result<(), Full<u32>> {
    tx.try_push(item)
}

#[unsafe(no_mangle)]
#[inline(never)]
fn mpmc_handle_pop(rx: &mut Rx) -> Option<u32> {
    rx.try_pop()
}

#[unsafe(no_mangle)]
static STAMPED: stamped::Ring<u32, 16, Shared, Shared> = stamped::Ring::new();

#[unsafe(no_mangle)]
#[inline(never)]
fn stamped_push(item: u32) -> Result<(), stamped::PushError<u32>> {
    STAMPED.try_push(item)
}

#[unsafe(no_mangle)]
#[inline(never)]
fn stamped_pop() -> Result<u32, stamped::PopError> {
    STAMPED.try_pop()
}

#[unsafe(no_mangle)]
static HEAPLESS: heapless_mpmc::Queue<u32, 16> = heapless_mpmc::Queue::new();

#[unsafe(no_mangle)]
#[inline(never)]
fn heapless_push(item: u32) -> Result<(), u32> {
    HEAPLESS.enqueue(item)
}

#[unsafe(no_mangle)]
#[inline(never)]
fn heapless_pop() -> Option<u32> {
    HEAPLESS.dequeue()
}

/// Where the target has no compare-and-swap of 64 bits, with the features that bring it.
#[cfg(any(feature = "single-core", feature = "critical-section"))]
mod words {
    use super::*;

    #[unsafe(no_mangle)]
    static WORDS: mpmc::Words<u32, 16> = mpmc::Words::new();

    #[unsafe(no_mangle)]
    #[inline(never)]
    pub fn words_push(item: u32) -> Result<(), Full<u32>> {
        WORDS.try_push(item)
    }

    #[unsafe(no_mangle)]
    #[inline(never)]
    pub fn words_pop() -> Option<u32> {
        WORDS.try_pop()
    }
}

#[unsafe(no_mangle)]
fn run() {
    let meter = Meter::new();
    meter.report("mpmc", mpmc_push, mpmc_pop);
    while mpmc_pop().is_ok() {}
    let (mut tx, mut rx) = (MPMC.producer().unwrap(), MPMC.consumer().unwrap());
    let (tx, rx) = (black_box(&mut tx), black_box(&mut rx));
    let push = |item| mpmc_handle_push(tx, item);
    meter.report("mpmc_handle", push, || mpmc_handle_pop(rx));
    #[cfg(any(feature = "single-core", feature = "critical-section"))]
    meter.report("words", words::words_push, words::words_pop);
    meter.report("stamped", stamped_push, stamped_pop);
    meter.report("heapless", heapless_push, heapless_pop);
}
