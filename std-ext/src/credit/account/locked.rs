//! What is done to an account under its lock.

use std::task::Waker;

use super::{Account, MAX, SLOW, State, shifted};
use crate::credit::error::{AcquireError, OverflowError};
use crate::sync::{MutexGuard, Ordering};

/// The right to take credits, to the exclusion of all others (C2).
pub(super) struct Locked<'a> {
    pub(super) account: &'a Account,
    pub(super) state: MutexGuard<'a, State>,
}

impl Locked<'_> {
    /// How many are free, after the debt is paid. More may come at any time.
    fn free(&mut self) -> u64 {
        // ORDERING: Acquire, edge `credit` to here, from `give_back`; to who is served from
        // here by the lock.
        let free = self.account.word.load(Ordering::Acquire) >> 1;
        let paid = free.min(self.state.debt);
        if paid > 0 {
            self.state.debt -= paid;
            self.publish_circulating();
            self.account
                .word
                .fetch_sub(shifted(paid), Ordering::Relaxed);
        }
        free - paid
    }

    /// Takes what is charged, if it is free and nobody waits for it.
    pub(super) fn try_take(&mut self, asked: u64) -> Result<Option<u64>, AcquireError> {
        if self.state.closed {
            return Err(AcquireError::Closed);
        }
        let amount = self.charge(asked).ok_or(AcquireError::TooLarge)?;
        if !self.state.queue.is_empty() {
            return Ok(None);
        }
        Ok(self.take(amount).then_some(amount))
    }

    /// As for the function of this name.
    pub(super) fn next_served(&mut self) -> Option<Waker> {
        let free = self.free();
        let asked = self.state.queue.first()?;
        if self.state.closed {
            return self.state.queue.turn_away();
        }
        match self.charge(asked) {
            None => self.state.queue.turn_away(),
            Some(amount) if amount > free => None,
            Some(amount) => {
                self.take(amount);
                self.state.queue.serve(amount)
            }
        }
    }

    fn charge(&self, asked: u64) -> Option<u64> {
        self.account.rules.charge(asked, self.state.capacity)
    }

    /// Takes credits if there are enough.
    fn take(&mut self, amount: u64) -> bool {
        let free = self.free();
        if amount > free {
            return false;
        }
        self.account
            .word
            .fetch_sub(shifted(amount), Ordering::Relaxed);
        self.account.saw(self.state.circulating(), free - amount);
        true
    }

    pub(super) fn grow(&mut self, credits: u64) -> Result<(), OverflowError> {
        let granted = self.state.circulating() + self.state.forgotten;
        if credits > MAX - granted {
            return Err(OverflowError);
        }
        self.state.capacity += credits;
        self.account
            .word
            .fetch_add(shifted(credits), Ordering::Relaxed);
        self.publish_circulating();
        Ok(())
    }

    pub(super) fn shrink(&mut self, credits: u64) -> u64 {
        let taken = credits.min(self.state.capacity);
        self.state.capacity -= taken;
        self.state.debt += taken;
        self.free();
        taken
    }

    pub(super) fn forget(&mut self, credits: u64) {
        let paid = credits.min(self.state.debt);
        self.state.debt -= paid;
        self.state.capacity -= credits - paid;
        self.state.forgotten += credits;
        self.publish_circulating();
    }

    fn publish_circulating(&self) {
        // ORDERING: Relaxed; who takes credits at the same time may note a peak that is
        // off by the change.
        let circulating = self.state.circulating();
        self.account
            .circulating
            .store(circulating, Ordering::Relaxed);
    }
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        if !self.state.is_slow() {
            self.account.word.fetch_sub(SLOW, Ordering::Relaxed);
        }
    }
}
