//! Counts instructions, exactly: each takes the same number of ticks (`CLOCK=fine`).

use core::arch::asm;
use core::hint::black_box;

use crate::board::Clock;
use crate::random::Random;
use crate::say;

/// Knows how long an instruction takes, and its own part.
pub struct Meter {
    ticks_of_2000: u32,
    own: u32,
}

impl Meter {
    /// Measures a loop.
    pub fn new() -> Self {
        Self {
            ticks_of_2000: ticks(|| rounds_of_two(1001)) - ticks(|| rounds_of_two(1)),
            own: ticks(|| ()),
        }
    }

    /// Of a call, with what it takes to get there and back.
    fn instructions<R>(&self, run: impl FnOnce() -> R) -> u32 {
        ((ticks(run) - self.own) * 2000 + self.ticks_of_2000 / 2) / self.ticks_of_2000
    }

    /// Prints what a push and a pop take by turns, on average; and what each takes at most,
    /// in all states of the ring, full and empty too.
    pub fn report<A, B>(
        &self,
        name: &str,
        mut push: impl FnMut(u32) -> A,
        mut pop: impl FnMut() -> B,
    ) {
        const ROUNDS: u32 = 1000;
        let mut sum = 0;
        for item in 0..ROUNDS {
            sum += self.instructions(|| push(item)) + self.instructions(&mut pop);
        }
        let (mut most_push, mut most_pop) = (0, 0);
        let mut random = Random::new(1);
        // Twice as many pushes as pops fill it; then the other way round.
        for round in 0..8 * ROUNDS {
            if random.below(3) > round / 100 % 2 {
                most_push = most_push.max(self.instructions(|| push(round)));
            } else {
                most_pop = most_pop.max(self.instructions(&mut pop));
            }
        }
        let (whole, tenth) = (sum / ROUNDS, sum * 10 / ROUNDS % 10);
        say!("{name}: {whole}.{tenth} push and pop, at most {most_push} push, {most_pop} pop");
    }
}

impl Default for Meter {
    fn default() -> Self {
        Self::new()
    }
}

#[inline(never)]
fn ticks<R>(run: impl FnOnce() -> R) -> u32 {
    let clock = Clock::start();
    let begin = clock.ticks();
    let result = run();
    let end = clock.ticks();
    black_box(result);
    end - begin
}

/// Two instructions, so often.
#[inline(always)]
fn rounds_of_two(mut rounds: u32) {
    // SAFETY: counts a register down.
    unsafe {
        #[cfg(target_arch = "arm")]
        asm!("2: subs {0}, #1", "bne 2b", inout(reg) rounds);
        #[cfg(target_arch = "riscv32")]
        asm!("2: addi {0}, {0}, -1", "bnez {0}, 2b", inout(reg) rounds);
    }
    black_box(rounds);
}
