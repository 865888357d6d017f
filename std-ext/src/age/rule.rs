//! What a rule is, and the simplest.

use std::time::{Duration, Instant};

/// Says which items still count. Knows of no channel, and reads no clock.
///
/// It is asked once about each item that its receiver takes out, in the order in which
/// they come out. An item about which it panics is dropped, and counts as delivered.
pub trait Rule {
    /// Whether an item that was sent at `sent`, and is taken out at `now`, is given out.
    /// If not, it is dropped.
    ///
    /// `is_last` looks whether the item left the channel empty, as each does with a capacity
    /// of 0. Such a look touches what
    /// the senders write, so take one only if it matters.
    fn keeps(&mut self, sent: Instant, now: Instant, is_last: impl FnOnce() -> bool) -> bool;
}

/// Drops every item that is older than it says when it is taken out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ttl(Duration);

impl Ttl {
    /// An item of exactly this age is still given out.
    #[must_use]
    pub const fn new(longest: Duration) -> Self {
        Self(longest)
    }
}

impl Rule for Ttl {
    #[inline]
    fn keeps(&mut self, sent: Instant, now: Instant, _: impl FnOnce() -> bool) -> bool {
        now.saturating_duration_since(sent) <= self.0
    }
}
