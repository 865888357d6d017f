//! Credits that are held.

use std::fmt;
use std::mem;

use super::{MergeError, Pool};

/// Credits that are held. When it is dropped, they go to who waits, or are free.
///
/// It keeps its pool's memory, and may go anywhere. One that is forgotten by
/// [`std::mem::forget`] keeps its credits lent for ever.
#[must_use = "dropped, it gives its credits back at once"]
pub struct Lease {
    pool: Pool,
    amount: u64,
}

impl Lease {
    /// Whoever calls it has taken them.
    #[inline]
    pub(super) fn new(pool: Pool, amount: u64) -> Self {
        Self { pool, amount }
    }

    /// How many credits it holds.
    #[must_use]
    pub fn amount(&self) -> u64 {
        self.amount
    }

    /// Where they are from.
    #[must_use]
    pub fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Takes `amount` of its credits into another lease; `None` if it has fewer.
    pub fn split(&mut self, amount: u64) -> Option<Self> {
        let left = self.amount.checked_sub(amount)?;
        let other = Self::new(self.pool.clone(), amount);
        self.amount = left;
        Some(other)
    }

    /// Takes over the credits of another lease.
    ///
    /// # Errors
    /// [`MergeError`] with the other one, if it is of another pool.
    pub fn merge(&mut self, mut other: Self) -> Result<(), MergeError> {
        if !self.pool.same_pool(&other.pool) {
            return Err(MergeError(other));
        }
        self.amount += mem::take(&mut other.amount);
        Ok(())
    }

    /// Gives all back but `amount`; nothing if it has no more than that.
    pub fn shrink_to(&mut self, amount: u64) {
        let given = self.amount.saturating_sub(amount);
        self.amount -= given;
        self.pool.0.give_back(given);
    }

    /// Takes its credits out of the pool for good, and first out of its debt. They are
    /// counted as [`forgotten`](super::PoolStats::forgotten).
    ///
    /// For what is spent and not given back: who has put it on its way never hears of it
    /// again, until the other side grants new ones and the pool [grows](Pool::grow).
    pub fn forget(mut self) {
        self.pool.0.forget(mem::take(&mut self.amount));
    }
}

impl Drop for Lease {
    #[inline]
    fn drop(&mut self) {
        self.pool.0.give_back(self.amount);
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease")
            .field("amount", &self.amount)
            .finish_non_exhaustive()
    }
}
