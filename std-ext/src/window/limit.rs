//! Credit that is absolute, cumulative and only grows, at both ends: pure arithmetic.
//!
//! It counts bytes or streams from the first one on, never what is left, so that a limit may
//! be told late, twice or out of order and is still right.

use super::varint::MAX;

/// What we may send.
#[derive(Debug, Default)]
pub(super) struct Allowance {
    limit: u64,
    used: u64,
}

impl Allowance {
    pub(super) fn new(limit: u64) -> Self {
        Self { limit, used: 0 }
    }

    /// The peer allows so much. Whether that is more than before: less changes nothing.
    pub(super) fn raise(&mut self, limit: u64) -> bool {
        let is_more = limit > self.limit;
        self.limit = self.limit.max(limit);
        is_more
    }

    pub(super) fn take(&mut self, n: u64) {
        debug_assert!(n <= self.left());
        self.used += n;
    }

    pub(super) fn left(&self) -> u64 {
        self.limit - self.used
    }

    pub(super) fn used(&self) -> u64 {
        self.used
    }

    pub(super) fn limit(&self) -> u64 {
        self.limit
    }
}

/// What the peer may send: at most `size` beyond what was freed.
#[derive(Debug)]
pub(super) struct Window {
    size: u64,
    /// What the peer has been told.
    limit: u64,
    /// What it has used: at most `limit`.
    used: u64,
    /// What the application has done with: at most `used`.
    freed: u64,
}

impl Window {
    /// The peer is told of `size` in another way.
    pub(super) fn new(size: u64) -> Self {
        Self {
            size,
            limit: size,
            used: 0,
            freed: 0,
        }
    }

    /// Whether the peer may send so much.
    pub(super) fn admits(&self, n: u64) -> bool {
        n <= self.limit - self.used
    }

    /// The peer has sent so much, which was admitted.
    pub(super) fn take(&mut self, n: u64) {
        debug_assert!(self.admits(n));
        self.used += n;
    }

    /// The application has done with so much of it.
    pub(super) fn free(&mut self, n: u64) {
        debug_assert!(n <= self.used - self.freed);
        self.freed += n;
    }

    /// Whether it is time to tell the peer a new limit: half the window is free since the
    /// last.
    pub(super) fn is_due(&self) -> bool {
        let more = self.next() - self.limit;
        more > 0 && more >= self.size / 2
    }

    /// The new limit, which the peer is now told.
    pub(super) fn advertise(&mut self) -> u64 {
        self.limit = self.next();
        self.limit
    }

    /// Grows with `freed` up to what a frame can say.
    pub(super) fn next(&self) -> u64 {
        self.freed.saturating_add(self.size).min(MAX)
    }

    pub(super) fn used(&self) -> u64 {
        self.used
    }

    pub(super) fn freed(&self) -> u64 {
        self.freed
    }

    pub(super) fn limit(&self) -> u64 {
        self.limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_told_anew_at_half_a_window() {
        let mut window = Window::new(10);
        assert!(window.admits(10) && !window.admits(11));
        window.take(10);
        window.free(4);
        assert!(!window.is_due());
        window.free(1);
        assert!(window.is_due());
        assert_eq!(window.advertise(), 15);
        assert!(!window.is_due() && window.admits(5) && !window.admits(6));
    }

    #[test]
    fn the_smallest_window_moves() {
        let mut window = Window::new(1);
        for limit in 2..9 {
            window.take(1);
            assert!(!window.admits(1) && !window.is_due());
            window.free(1);
            assert!(window.is_due());
            assert_eq!(window.advertise(), limit);
        }
    }

    #[test]
    fn the_largest_does_not_overflow() {
        let mut window = Window::new(MAX);
        window.take(MAX);
        window.free(MAX);
        assert!(!window.is_due() && !window.admits(1));
        let mut allowance = Allowance::new(0);
        assert!(allowance.raise(MAX));
        allowance.take(MAX);
        assert!(!allowance.raise(3));
        assert_eq!(allowance.left(), 0);
    }
}
