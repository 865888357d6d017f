//! What differs between boards: interrupts, a clock, the second core, where text goes, and
//! how an image ends. In ticks of the board's timer, whatever they are.

#[cfg(target_arch = "arm")]
mod cortex_m;
#[cfg(target_arch = "arm")]
use self::cortex_m as this;
#[cfg(target_arch = "riscv32")]
mod riscv;
#[cfg(target_arch = "riscv32")]
use self::riscv as this;

use core::fmt;

/// `on_timer` is to run that many ticks from now, once; in place of what was to come.
pub fn alarm(ticks: u32) {
    this::alarm(ticks);
}

/// `on_timer` is not to run.
pub fn no_alarm() {
    this::no_alarm();
}

/// `on_pended` is to run as soon as nothing of a higher priority does.
pub fn pend() {
    this::pend();
}

/// A clock, in ticks; it has not much more than 23 bits. No alarms beside it.
pub struct Clock(this::Clock);

impl Clock {
    /// Starts it.
    pub fn start() -> Self {
        Self(this::Clock::start())
    }

    /// Since it was started.
    #[inline(always)]
    pub fn ticks(&self) -> u32 {
        self.0.ticks()
    }
}

/// Without interrupts in between.
pub fn masked<R>(run: impl FnOnce() -> R) -> R {
    critical_section::with(|_| run())
}

/// Sleeps until the next interrupt, if `idle` says so: an interrupt that comes after that
/// ends the sleep. Whether it has slept.
pub fn sleep_if(idle: impl FnOnce() -> bool) -> bool {
    masked(|| {
        let idle = idle();
        if idle {
            // Ends when an interrupt is pending, though none runs before `masked` ends.
            this::wait_for_interrupt();
        }
        idle
    })
}

/// Starts the second core, where there is one.
pub fn start_second(run: fn() -> !) {
    this::start_second(run);
}

/// Ends the image: whether all was well.
pub fn exit(well: bool) -> ! {
    this::exit(well)
}

/// For [`say`](crate::say).
pub fn print(text: fmt::Arguments) {
    this::print(text);
}
