//! How long to look again and again before sleeping, and whether that has paid.

use std::time::{Duration, Instant};

use crate::sync;

/// How long to try before sleeping. Waking a thread costs about as much.
pub(crate) const SPIN: Duration = Duration::from_micros(10);

/// Attempts before the clock is read at all.
const FREE_ATTEMPTS: u32 = 8;

/// Most pauses between two attempts. Looking too often keeps the other side's
/// cache line from it.
const MOST_PAUSES: u32 = 64;

/// Spins in vain before it is given up.
const TOLERATED: u32 = 4;

/// Once given up, every how many waits it is tried again.
const RETRY: u32 = 32;

/// Whether spinning has paid lately: one for each side that waits.
///
/// It does not where the other side is slow, or where both share one CPU and it
/// cannot run meanwhile. That is learnt rather than asked: what the system says
/// of CPUs is about one thread, at one moment.
#[derive(Debug, Default)]
pub struct Patience {
    /// Waits in a row that ended in sleep.
    in_vain: u32,
}

impl Patience {
    pub(crate) fn spins(&self) -> bool {
        self.tries(RETRY)
    }

    /// Whether to try, if once given up it is tried again every `retry` waits.
    fn tries(&self, retry: u32) -> bool {
        sync::SPINS && (self.in_vain < TOLERATED || self.in_vain % retry == 0)
    }

    /// A spin ended well.
    pub(crate) fn has_paid(&mut self) {
        self.in_vain = 0;
    }

    /// A wait is to end in sleep.
    pub(crate) fn in_vain(&mut self) {
        self.in_vain = self.in_vain.wrapping_add(1);
    }
}

/// What has paid lately when a future had to wait: for the futures of one end.
#[derive(Debug)]
pub(crate) struct Habits {
    /// Looking again and again within one poll, for a microsecond or two.
    spinning: Patience,
    /// Giving its turn to other tasks, and looking when it comes back.
    giving_turns: Patience,
}

/// As [`RETRY`], for spinning within a poll: futures whose other side is on the same
/// thread do it in vain.
const RETRY_IN_POLL: u32 = 256;

impl Habits {
    /// Both have yet to prove that they pay.
    pub(crate) const NONE: Self = Self {
        spinning: Patience { in_vain: TOLERATED },
        giving_turns: Patience { in_vain: TOLERATED },
    };

    /// Spins for a moment, if that has paid.
    pub(crate) fn spin<R>(&mut self, attempt: &mut impl FnMut() -> Option<R>) -> Option<R> {
        let done = if self.spinning.tries(RETRY_IN_POLL) {
            spin_briefly(attempt)
        } else {
            None
        };
        match done {
            Some(_) => self.spinning.has_paid(),
            None => self.spinning.in_vain(),
        }
        done
    }

    pub(crate) fn gives_turns(&self) -> bool {
        self.giving_turns.spins()
    }

    pub(crate) fn turns_have_paid(&mut self) {
        self.giving_turns.has_paid();
    }

    /// It leaves its waker.
    pub(crate) fn turns_in_vain(&mut self) {
        self.giving_turns.in_vain();
    }
}

/// Attempts with growing pauses, for [`SPIN`] at most.
pub(crate) fn spin<R>(
    deadline: Option<Instant>,
    attempt: &mut impl FnMut() -> Option<R>,
) -> Option<R> {
    if let Some(done) = spin_briefly(attempt) {
        return Some(done);
    }
    let now = Instant::now();
    let end = deadline.map_or(now + SPIN, |at| at.min(now + SPIN));
    while Instant::now() < end {
        pause(MOST_PAUSES);
        if let Some(done) = attempt() {
            return Some(done);
        }
    }
    None
}

/// A few attempts with growing pauses: for one or two microseconds.
pub(crate) fn spin_briefly<R>(attempt: &mut impl FnMut() -> Option<R>) -> Option<R> {
    let mut pauses = 1;
    for _ in 0..FREE_ATTEMPTS {
        pause(pauses);
        pauses = MOST_PAUSES.min(2 * pauses);
        if let Some(done) = attempt() {
            return Some(done);
        }
    }
    None
}

fn pause(times: u32) {
    (0..times).for_each(|_| std::hint::spin_loop());
}
