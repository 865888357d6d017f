//! How a thread waits: it tries for some microseconds, then sleeps.
//!
//! Not public API: visible to the models.

pub(crate) mod many;
pub(crate) mod order;

use std::task::{Wake, Waker};
use std::time::{Duration, Instant};

use crate::event::{Event, Key};
use crate::sync::{self, AtomicBool, NAP, Ordering, Thread};

/// How long to try before sleeping. Waking a thread costs about as much.
const SPIN: Duration = Duration::from_micros(10);

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
    fn spins(&self) -> bool {
        sync::SPINS && (self.in_vain < TOLERATED || self.in_vain % RETRY == 0)
    }
}

/// Calls `attempt` until it returns something or `deadline` is over; in between
/// waits for `event`. `attempt` is called at least once after the deadline.
///
/// Who was woken and has got something wakes the next if there is `more`.
#[cold]
pub fn wait<R>(
    event: &Event,
    patience: &mut Patience,
    deadline: Option<Instant>,
    mut attempt: impl FnMut() -> Option<R>,
    more: impl FnOnce() -> bool,
) -> Option<R> {
    if deadline.is_some_and(sync::is_over) {
        return attempt();
    }
    if patience.spins() {
        if let Some(done) = spin(deadline, &mut attempt) {
            patience.in_vain = 0;
            return Some(done);
        }
    }
    patience.in_vain = patience.in_vain.wrapping_add(1);
    // Where both share a CPU, the other side may get a whole batch done.
    sync::yield_now();
    if let Some(done) = attempt() {
        return Some(done);
    }
    loop {
        let parker = std::sync::Arc::new(Parker::new());
        let (mut place, certain) = Place::take(event, Waker::from(parker.clone()));
        let mut done = attempt();
        let mut in_time = true;
        if done.is_none() {
            in_time = if certain {
                parker.park(deadline)
            } else {
                parker.nap(deadline)
            };
        }
        place.leave();
        if done.is_none() {
            done = attempt();
        }
        if done.is_some() {
            place.woken &= more();
            return done;
        }
        if !in_time {
            return None;
        }
        // What it was woken for, another has taken.
        place.woken = false;
    }
}

/// A place in an event's queue. Whoever was woken, and leaves with the wake-up, passes
/// it on; so also when an attempt panics.
struct Place<'a> {
    event: &'a Event,
    key: Option<Key>,
    woken: bool,
}

impl<'a> Place<'a> {
    fn take(event: &'a Event, waker: Waker) -> (Self, bool) {
        let (key, certain) = event.register(waker);
        let place = Self {
            event,
            key: Some(key),
            woken: false,
        };
        (place, certain)
    }

    fn leave(&mut self) {
        if let Some(key) = self.key.take() {
            self.woken = self.event.cancel(key);
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.leave();
        if self.woken {
            self.event.wake_one();
        }
    }
}

/// Attempts with growing pauses, for [`SPIN`] at most.
fn spin<R>(deadline: Option<Instant>, attempt: &mut impl FnMut() -> Option<R>) -> Option<R> {
    let mut end = None;
    let mut pauses = 1;
    for attempts in 1.. {
        (0..pauses).for_each(|_| std::hint::spin_loop());
        pauses = MOST_PAUSES.min(2 * pauses);
        if let Some(done) = attempt() {
            return Some(done);
        }
        if attempts >= FREE_ATTEMPTS {
            let now = Instant::now();
            let end = *end.get_or_insert(deadline.map_or(now + SPIN, |at| at.min(now + SPIN)));
            if now >= end {
                break;
            }
        }
    }
    None
}

/// One sleep of one thread.
#[derive(Debug)]
struct Parker {
    woken: AtomicBool,
    thread: Thread,
}

impl Parker {
    fn new() -> Self {
        Self {
            woken: AtomicBool::new(false),
            thread: Thread::current(),
        }
    }

    /// Sleeps until woken; `false` if the deadline was first.
    fn park(&self, deadline: Option<Instant>) -> bool {
        // ORDERING: Relaxed; what happened is ordered by the event's lock, and
        // the unparking by park itself.
        while !self.woken.load(Ordering::Relaxed) {
            if !self.thread.park(deadline) {
                return false;
            }
        }
        true
    }

    /// As `park`, for a short time.
    fn nap(&self, deadline: Option<Instant>) -> bool {
        let end = Instant::now() + NAP;
        self.park(Some(deadline.map_or(end, |at| at.min(end))));
        deadline.is_none_or(|at| Instant::now() < at)
    }
}

impl Wake for Parker {
    fn wake(self: std::sync::Arc<Self>) {
        // ORDERING: Relaxed, as in `park`.
        self.woken.store(true, Ordering::Relaxed);
        self.thread.unpark();
    }
}
