//! Where the credits are. The account's word has how many are free, and whether all who
//! want some must take the lock:
//!
//! ```text
//! word: | free credits | SLOW |
//!         63 bits        1 bit
//! ```
//!
//! * C1. `SLOW` is set as long as somebody waits, there is a debt, the pool is closed, or
//!   a [`Locked`] exists; it changes only under the lock.
//! * C2. While it is set, only who holds the lock takes credits. Anybody adds some at any
//!   time; who then finds that it was set settles: pays the debt and serves who waits.
//!
//! So who waits for credits needs no second look: either they came before `SLOW` was set
//! and are seen, or who adds them sees it. A single word decides, so no fence is needed.

mod locked;

use std::task::Waker;
use std::time::Instant;

use self::locked::Locked;
use super::error::{AcquireError, OverflowError, TryAcquireError};
use super::queue::{Found, Key, Queue};
use super::rules::Rules;
use super::stats::PoolStats;
use crate::sync::{self, AtomicU64, Mutex, Ordering, lock};
use crate::wait::{Patience, spin};

/// The most that the word holds.
pub(super) const MAX: u64 = u64::MAX >> 1;

const SLOW: u64 = 1;

/// In the word's place.
const fn shifted(credits: u64) -> u64 {
    credits << 1
}

/// The credits of a pool.
#[derive(Debug)]
pub(super) struct Account {
    word: AtomicU64,
    /// As in [`State::circulating`], for who has no lock.
    circulating: AtomicU64,
    /// The most that were lent.
    peak: AtomicU64,
    pub(super) rules: Rules,
    /// Whether spinning has paid lately.
    patience: Mutex<Patience>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    capacity: u64,
    debt: u64,
    forgotten: u64,
    closed: bool,
    waits: u64,
    queue: Queue,
}

impl State {
    /// Whether all must take the lock.
    fn is_slow(&self) -> bool {
        self.closed || self.debt > 0 || !self.queue.is_empty()
    }

    /// All that is free or lent.
    fn circulating(&self) -> u64 {
        self.capacity + self.debt
    }
}

/// What becomes of a request.
pub(super) enum Entered {
    Served(u64),
    Waits(Key),
}

impl Account {
    pub(super) fn new(credits: u64, rules: Rules) -> Self {
        Self {
            word: AtomicU64::new(shifted(credits)),
            circulating: AtomicU64::new(credits),
            peak: AtomicU64::new(0),
            rules,
            patience: Mutex::default(),
            state: Mutex::new(State {
                capacity: credits,
                debt: 0,
                forgotten: 0,
                closed: false,
                waits: 0,
                queue: Queue::default(),
            }),
        }
    }

    /// Takes credits, where nobody waits, if there are enough.
    #[inline]
    pub(super) fn try_take(&self, amount: u64) -> bool {
        // ORDERING: Relaxed; a late answer makes the compare-and-swap fail, or a slower way
        // be taken.
        let mut word = self.word.load(Ordering::Relaxed);
        let circulating = self.circulating.load(Ordering::Relaxed);
        while word & SLOW == 0 && amount <= word >> 1 {
            let left = word - shifted(amount);
            // ORDERING: Acquire, edge `credit` to here, from `give_back`.
            match self
                .word
                .compare_exchange(word, left, Ordering::Acquire, Ordering::Relaxed)
            {
                Ok(_) => {
                    self.saw(circulating, left >> 1);
                    return true;
                }
                Err(now) => word = now,
            }
        }
        false
    }

    /// As [`try_take`](Self::try_take), again and again for some microseconds if that has
    /// paid lately; not while somebody waits. It is not in the queue meanwhile: who gives
    /// back needs neither lock nor wake-up for it, and it can find more than it asked for.
    #[cold]
    pub(super) fn spin(&self, amount: u64, deadline: Option<Instant>) -> bool {
        // ORDERING: Relaxed; more than there is cannot come soon.
        if !sync::SPINS || amount > self.circulating.load(Ordering::Relaxed) {
            return false;
        }
        let mut look = || {
            let took = self.try_take(amount);
            (took || self.is_slow()).then_some(took)
        };
        if lock(&self.patience).spins() {
            if let Some(took) = spin(deadline, &mut look) {
                lock(&self.patience).has_paid();
                return took;
            }
        }
        lock(&self.patience).in_vain();
        sync::yield_now();
        look().unwrap_or(false)
    }

    fn is_slow(&self) -> bool {
        // ORDERING: Relaxed; a late answer is one from before.
        self.word.load(Ordering::Relaxed) & SLOW != 0
    }

    /// Notes how many were lent when so many were free.
    fn saw(&self, circulating: u64, free: u64) {
        let lent = circulating.saturating_sub(free);
        // ORDERING: Relaxed; a maximum, of which nothing depends.
        if lent > self.peak.load(Ordering::Relaxed) {
            self.peak.fetch_max(lent, Ordering::Relaxed);
        }
    }

    /// Credits are free again.
    #[inline]
    pub(super) fn give_back(&self, amount: u64) {
        if amount == 0 {
            return;
        }
        // ORDERING: Release, edge `credit` from here, to `try_take` and `Locked::free`.
        let before = self.word.fetch_add(shifted(amount), Ordering::Release);
        if before & SLOW != 0 {
            self.settle();
        }
    }

    /// As [`try_take`](Self::try_take), whatever has to be looked at.
    #[cold]
    pub(super) fn try_take_in_turn(&self, asked: u64) -> Result<u64, TryAcquireError> {
        // ORDERING: Relaxed, both; a late answer is one from before.
        let word = self.word.load(Ordering::Relaxed);
        let is_common = word & SLOW == 0 && asked <= self.circulating.load(Ordering::Relaxed);
        if is_common && word >> 1 < asked {
            // Without the lock, so that who gives back is not held up by who tries.
            return Err(TryAcquireError::NoCredit);
        }
        let taken = self.locked().try_take(asked)?;
        taken.ok_or(TryAcquireError::NoCredit)
    }

    /// Takes credits, or joins the queue.
    #[cold]
    pub(super) fn enter(&self, asked: u64, waker: Waker) -> Result<Entered, AcquireError> {
        let mut locked = self.locked();
        if let Some(taken) = locked.try_take(asked)? {
            return Ok(Entered::Served(taken));
        }
        locked.state.waits += 1;
        Ok(Entered::Waits(locked.state.queue.join(asked, waker)))
    }

    /// What has become of who waits, which is told only once; `None` if it is to be woken
    /// by `waker`.
    pub(super) fn look(&self, key: &Key, waker: &Waker) -> Option<Result<u64, AcquireError>> {
        let mut state = lock(&self.state);
        match state.queue.waker(key) {
            Some(own) if own.will_wake(waker) => return None,
            Some(_) => drop(state),
            None => return state.outcome(key),
        }
        // Cloned, and the one before dropped, outside the lock: it is code of others.
        let mut waker = waker.clone();
        let mut state = lock(&self.state);
        state.queue.swap_waker(key, &mut waker);
        let outcome = state.outcome(key);
        drop(state);
        outcome
    }

    /// Waits no longer: what it has been handed meanwhile. Those behind it may go on.
    #[cold]
    pub(super) fn leave(&self, key: &Key) -> Option<u64> {
        let mut locked = self.locked();
        // Dropped at the very end: it is code of others.
        let waker = locked.state.queue.leave(key);
        let outcome = match waker {
            Some(_) => None,
            None => locked.state.outcome(key),
        };
        drop(locked);
        self.settle();
        outcome.and_then(Result::ok)
    }

    /// Pays the debt, then serves all whose turn it is, and wakes them; also if a waker
    /// panics.
    #[cold]
    fn settle(&self) {
        struct Settling<'a>(&'a Account);
        impl Settling<'_> {
            fn run(&self) {
                while let Some(waker) = self.0.next_served() {
                    sync::wake(waker);
                }
            }
        }
        impl Drop for Settling<'_> {
            fn drop(&mut self) {
                if std::thread::panicking() {
                    self.run();
                }
            }
        }
        Settling(self).run();
    }

    /// The waker of who is first in the queue, if it need not wait any longer.
    fn next_served(&self) -> Option<Waker> {
        self.locked().next_served()
    }

    pub(super) fn grow(&self, credits: u64) -> Result<(), OverflowError> {
        self.locked().grow(credits)?;
        self.settle();
        Ok(())
    }

    pub(super) fn shrink(&self, credits: u64) -> u64 {
        let taken = self.locked().shrink(credits);
        self.settle();
        taken
    }

    pub(super) fn resize(&self, capacity: u64) -> Result<(), OverflowError> {
        let mut locked = self.locked();
        match capacity.checked_sub(locked.state.capacity) {
            Some(more) => locked.grow(more)?,
            None => _ = locked.shrink(locked.state.capacity - capacity),
        }
        drop(locked);
        self.settle();
        Ok(())
    }

    /// Of those that are lent, so many never come back.
    pub(super) fn forget(&self, credits: u64) {
        self.locked().forget(credits);
        // The capacity is less, so who waits may have to be turned away.
        self.settle();
    }

    pub(super) fn close(&self) {
        self.locked().state.closed = true;
        self.settle();
    }

    pub(super) fn is_closed(&self) -> bool {
        lock(&self.state).closed
    }

    pub(super) fn free_now(&self) -> u64 {
        // ORDERING: Relaxed; it may be another number by now.
        self.word.load(Ordering::Relaxed) >> 1
    }

    /// Under the lock nothing comes or goes but between free and lent, so one look at the
    /// word is one instant.
    pub(super) fn stats(&self) -> PoolStats {
        let state = lock(&self.state);
        let free = self.free_now();
        self.saw(state.circulating(), free);
        PoolStats {
            granted: state.circulating() + state.forgotten,
            capacity: state.capacity,
            free,
            lent: state.circulating() - free,
            debt: state.debt,
            forgotten: state.forgotten,
            // ORDERING: Relaxed; as in `saw`.
            high_water: self.peak.load(Ordering::Relaxed),
            waiting: state.queue.len() as u64,
            waits: state.waits,
        }
    }

    /// Has all others take the lock. User code never runs while it exists.
    fn locked(&self) -> Locked<'_> {
        let state = lock(&self.state);
        if !state.is_slow() {
            // ORDERING: Relaxed, here and in all that changes the word under the lock; who
            // reads it there or takes credits synchronizes with each `give_back` before,
            // since these changes are read-modify-writes.
            self.word.fetch_add(SLOW, Ordering::Relaxed);
        }
        Locked {
            account: self,
            state,
        }
    }
}

impl State {
    /// `None` if it waits on.
    fn outcome(&mut self, key: &Key) -> Option<Result<u64, AcquireError>> {
        match self.queue.look(key) {
            Found::Waiting => None,
            Found::Served(amount) => Some(Ok(amount)),
            Found::TurnedAway if self.closed => Some(Err(AcquireError::Closed)),
            Found::TurnedAway => Some(Err(AcquireError::TooLarge)),
        }
    }
}
