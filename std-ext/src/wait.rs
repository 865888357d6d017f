//! How a thread waits: it tries for some microseconds, then sleeps. How a future waits:
//! it keeps a place in the queue, and is polled again.
//!
//! Not public API: visible to the models.

pub(crate) mod many;
pub(crate) mod order;
mod party;

use std::cell::Cell;
use std::ops::Deref;
use std::sync::Arc;
use std::task::{Poll, Wake, Waker};
use std::time::{Duration, Instant};

pub use self::party::Party;
use crate::event::{Event, Key};
use crate::sync::{self, AtomicBool, Mutex, NAP, Ordering, Thread};

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
            patience.has_paid();
            return Some(done);
        }
    }
    patience.in_vain();
    // Where both share a CPU, the other side may get a whole batch done.
    sync::yield_now();
    if let Some(done) = attempt() {
        return Some(done);
    }
    let parker = Parker::borrow();
    loop {
        let (mut place, certain) = Place::take(event, parker.waker());
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

/// Calls `poll` until it is ready or `deadline` is over, being woken in between as a task
/// is: how a thread waits for what only futures know to wait for.
#[cold]
pub(crate) fn block_on<R>(
    deadline: Option<Instant>,
    mut poll: impl FnMut(&Waker) -> Poll<R>,
) -> Option<R> {
    let parker = Parker::borrow();
    loop {
        if let Poll::Ready(done) = poll(&parker.waker()) {
            return Some(done);
        }
        if !parker.rest(deadline) {
            return None;
        }
    }
}

/// A place in an event's queue. Whoever was woken, and leaves with the wake-up, passes
/// it on; so also when an attempt panics.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    event: &'a Event,
    key: Option<Key>,
    /// Whether the wake-up is still to be passed on.
    pub(crate) woken: bool,
}

impl<'a> Place<'a> {
    pub(crate) fn take(event: &'a Event, waker: Waker) -> (Self, bool) {
        let (key, certain) = event.register(waker);
        let place = Self {
            event,
            key: Some(key),
            woken: false,
        };
        (place, certain)
    }

    /// Whether a wake-up has come. It stays to be passed on, or kept.
    fn is_woken(&self) -> bool {
        let is_woken = |key| self.event.is_woken(key);
        self.key.as_ref().map_or(self.woken, is_woken)
    }

    pub(crate) fn leave(&mut self) {
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

/// A place in an event's queue that is kept from poll to poll: how a future waits.
///
/// It holds no reference, so a future may own what it waits for. Whoever has it must
/// [`leave`](Self::leave) before it goes.
#[derive(Debug, Default)]
pub struct KeptPlace {
    /// In the queue, or chosen since the last poll.
    key: Option<Key>,
    /// Whether the wake-up will come.
    certain: bool,
    /// Whether a wake-up is still to be passed on.
    woken: bool,
}

impl KeptPlace {
    /// Calls `attempt`, which has just failed, or was not called since the last poll,
    /// until it returns something or `waker` is sure to be woken when it may.
    ///
    /// Who was woken and has got something wakes the next if there is `more`. Where no
    /// wake-up is certain, `waker` is woken at once, so that it is polled again and
    /// again: right, if wasteful.
    pub fn poll<R>(
        &mut self,
        event: &Event,
        waker: &Waker,
        mut attempt: impl FnMut() -> Option<R>,
        more: impl FnOnce() -> bool,
    ) -> Poll<R> {
        let mut done = None;
        if self.key.is_some() {
            done = attempt();
        }
        if done.is_none() && !self.stay(event, waker) {
            self.enter(event, waker);
            done = attempt();
            // What it was woken for, another has taken; or it is got now.
            self.woken &= done.is_some();
        }
        if let Some(done) = done {
            self.quit(event);
            self.woken &= more();
            self.leave(event);
            return Poll::Ready(done);
        }
        if !self.certain {
            waker.wake_by_ref();
        }
        Poll::Pending
    }

    /// Leaves the queue, and passes on the wake-up if there was one.
    pub fn leave(&mut self, event: &Event) {
        self.quit(event);
        if std::mem::take(&mut self.woken) {
            event.wake_one();
        }
    }

    /// Whether it is still in the queue, with this waker.
    fn stay(&mut self, event: &Event, waker: &Waker) -> bool {
        let stays = |key: &Key| event.update(key, waker);
        self.key.as_ref().is_some_and(stays)
    }

    fn enter(&mut self, event: &Event, waker: &Waker) {
        self.woken |= self.key.take().is_some();
        let (key, certain) = event.register(waker.clone());
        (self.key, self.certain) = (Some(key), certain);
    }

    fn quit(&mut self, event: &Event) {
        if let Some(key) = self.key.take() {
            self.woken |= event.cancel(key);
        }
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

/// How one thread sleeps.
#[derive(Debug)]
struct Parker {
    woken: AtomicBool,
    thread: Thread,
    /// Whether another select may be met, being this thread: see [`Party`].
    open: Mutex<bool>,
}

thread_local! {
    /// This thread's parker, while it is not asleep.
    static IDLE: Cell<Option<Arc<Parker>>> = const { Cell::new(None) };
}

impl Parker {
    /// This thread's parker, so that sleeping allocates nothing; another one if it is in
    /// use, since wakers and drops of items may wait themselves, or if the thread has
    /// already destroyed it.
    fn borrow() -> Borrowed {
        let idle = sync::REUSES_PARKERS.then(|| IDLE.try_with(Cell::take).ok());
        let parker = idle.flatten().flatten();
        Borrowed(Some(parker.unwrap_or_else(|| Arc::new(Self::new()))))
    }

    fn new() -> Self {
        Self {
            woken: AtomicBool::new(false),
            thread: Thread::current(),
            open: Mutex::new(false),
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

    /// As `park`, but first looks for a moment whether it need not sleep.
    fn rest(&self, deadline: Option<Instant>) -> bool {
        if sync::SPINS {
            // ORDERING: Relaxed, as in `park`.
            let mut woken = || self.woken.load(Ordering::Relaxed).then_some(());
            if spin_briefly(&mut woken).is_some() {
                return true;
            }
            sync::yield_now();
        }
        self.park(deadline)
    }

    /// As `park`, for a short time.
    fn nap(&self, deadline: Option<Instant>) -> bool {
        let end = Instant::now() + NAP;
        self.park(Some(deadline.map_or(end, |at| at.min(end))));
        deadline.is_none_or(|at| Instant::now() < at)
    }
}

impl Wake for Parker {
    fn wake(self: Arc<Self>) {
        // ORDERING: Relaxed, as in `park`.
        self.woken.store(true, Ordering::Relaxed);
        self.thread.unpark();
    }
}

/// A parker in use.
struct Borrowed(Option<Arc<Parker>>);

impl Borrowed {
    fn parker(&self) -> &Arc<Parker> {
        self.0.as_ref().expect("given back only when dropped")
    }

    /// For the next sleep. A wake-up for one before may still come: then the sleep ends
    /// early, and whoever sleeps looks again.
    fn waker(&self) -> Waker {
        self.forget_wake_up();
        Waker::from(self.parker().clone())
    }

    /// Before it looks for what it was woken for.
    fn forget_wake_up(&self) {
        // ORDERING: Relaxed; whoever wakes did under a lock what it wakes for, before this
        // thread looks under that lock, or finds there what comes after this.
        self.parker().woken.store(false, Ordering::Relaxed);
    }

    fn party(&self) -> Party {
        Party::of(self.parker())
    }
}

impl Deref for Borrowed {
    type Target = Parker;

    fn deref(&self) -> &Parker {
        self.parker()
    }
}

impl Drop for Borrowed {
    fn drop(&mut self) {
        if sync::REUSES_PARKERS {
            let parker = self.0.take();
            // Else the thread is about to end.
            let _ = IDLE.try_with(|idle| idle.set(parker));
        }
    }
}
