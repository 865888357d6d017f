//! How a pool stands.

use std::fmt;

/// How a [`Pool`](super::Pool) stands, at one instant. Counts are in credits, unless said.
///
/// In every snapshot `granted = free + lent + forgotten` and
/// `capacity + debt = free + lent`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolStats {
    /// What the pool was made with and has grown by, without what was taken out by
    /// shrinking.
    pub granted: u64,
    /// How many it has when all leases are back.
    pub capacity: u64,
    /// How many can be acquired, or are about to be handed to who waits.
    pub free: u64,
    /// How many are held by leases, or were handed to a future or thread that has yet to
    /// look.
    pub lent: u64,
    /// How many of those that are lent are taken out of the pool when they come back.
    pub debt: u64,
    /// How many were taken out for good by [`Lease::forget`](super::Lease::forget).
    pub forgotten: u64,
    /// The most that were lent at once. If somebody acquires while another resizes, it may
    /// be off by the change in size.
    pub high_water: u64,
    /// How many threads and futures wait.
    pub waiting: u64,
    /// How many have ever had to.
    pub waits: u64,
}

impl PoolStats {
    /// Whether the counts add up. They always do, being made so: this is for reports, and
    /// no evidence that they are true.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        self.granted == self.free + self.lent + self.forgotten
            && self.capacity + self.debt == self.free + self.lent
    }
}

impl fmt::Display for PoolStats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "granted {} = free {} + lent {} + forgotten {}, \
             capacity {} + debt {} = free {} + lent {}",
            self.granted,
            self.free,
            self.lent,
            self.forgotten,
            self.capacity,
            self.debt,
            self.free,
            self.lent
        )
    }
}
