//! Cortex-M: SysTick, above it PendSV; semihosting.

use core::fmt::{self, Write};

use cortex_m::peripheral::scb::SystemHandler;
use cortex_m::peripheral::{SCB, SYST, syst::SystClkSource};
use cortex_m::{Peripherals, asm};
use cortex_m_rt::{entry, exception};
use cortex_m_semihosting::{debug, hio};

#[entry]
fn start() -> ! {
    let mut peripherals = Peripherals::take().expect("the first to ask");
    // SAFETY: nothing relies on priorities yet.
    unsafe {
        peripherals.SCB.set_priority(SystemHandler::SysTick, 0);
        peripherals.SCB.set_priority(SystemHandler::PendSV, 0xff);
    }
    peripherals.SYST.set_clock_source(SystClkSource::Core);
    crate::main()
}

#[exception]
fn SysTick() {
    // One alarm, one interrupt. A new alarm may be set by what follows.
    no_alarm();
    crate::on_timer();
}

#[exception]
fn PendSV() {
    crate::on_pended();
}

/// Registers of the timer.
fn timer() -> SYST {
    // SAFETY: interrupts, and what they interrupt, only ever store whole settings.
    unsafe { Peripherals::steal().SYST }
}

pub(super) fn alarm(ticks: u32) {
    let mut timer = timer();
    timer.disable_counter();
    timer.set_reload(ticks);
    timer.clear_current();
    timer.enable_interrupt();
    timer.enable_counter();
}

pub(super) fn no_alarm() {
    let mut timer = timer();
    timer.disable_counter();
    timer.disable_interrupt();
    SCB::clear_pendst();
}

pub(super) fn pend() {
    SCB::set_pendsv();
}

pub(super) fn wait_for_interrupt() {
    asm::wfi();
}

/// SysTick without its interrupt.
pub(super) struct Clock;

impl Clock {
    /// Of the counter, which has 24 bits and counts down.
    const MOST: u32 = 0xff_ffff;

    pub(super) fn start() -> Self {
        let mut timer = timer();
        timer.disable_interrupt();
        timer.set_reload(Self::MOST);
        timer.clear_current();
        timer.enable_counter();
        // The first tick loads it.
        while SYST::get_current() == 0 {}
        Self
    }

    #[inline(always)]
    pub(super) fn ticks(&self) -> u32 {
        Self::MOST - SYST::get_current()
    }
}

/// Of a machine AN521: where the second core finds its vectors, and whether it waits.
const SECOND_VECTORS: *mut u32 = 0x5002_1114 as _;
const SECOND_WAITS: *mut u32 = 0x5002_1118 as _;

/// As the second core finds them: where its stack begins, and the first thing it does.
/// It takes no interrupts.
#[repr(C, align(512))]
struct Vectors([*const (); 2]);

pub(super) fn start_second(run: fn() -> !) {
    static mut STACK: [u64; 256] = [0; 256];
    static mut VECTORS: Vectors = Vectors([core::ptr::null(); 2]);
    // SAFETY: called once; nobody else knows of these two before the core starts. The
    // addresses are those of registers, on the one board that has a second core.
    unsafe {
        let stack = (&raw mut STACK).add(1).cast_const().cast();
        (&raw mut VECTORS).write(Vectors([stack, run as *const ()]));
        asm::dmb();
        SECOND_VECTORS.write_volatile((&raw const VECTORS).addr() as u32);
        SECOND_WAITS.write_volatile(0);
    }
}

pub(super) fn exit(well: bool) -> ! {
    debug::exit(if well {
        debug::EXIT_SUCCESS
    } else {
        debug::EXIT_FAILURE
    });
    loop {
        asm::nop();
    }
}

pub(super) fn print(text: fmt::Arguments) {
    if let Ok(mut out) = hio::hstdout() {
        let _ = out.write_fmt(text);
    }
}
