//! How much is asked for: pure arithmetic.

/// Demand that never ends: 2^63 - 1 items, which nobody lives to see delivered.
pub const UNBOUNDED: u64 = i64::MAX as u64;

/// Items that are asked for and not yet delivered. Stays at [`UNBOUNDED`] once there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Demand(u64);

impl Demand {
    pub(crate) const NONE: Self = Self(0);

    pub(crate) fn new(n: u64) -> Self {
        Self(n.min(UNBOUNDED))
    }

    pub(crate) fn get(self) -> u64 {
        self.0
    }

    pub(crate) fn add(&mut self, n: u64) {
        *self = Self::new(self.0.saturating_add(n));
    }

    /// So many of them are delivered, or asked for elsewhere.
    pub(crate) fn spend(&mut self, n: u64) {
        if self.0 != UNBOUNDED {
            self.0 -= n;
        }
    }

    pub(crate) fn take(&mut self) -> u64 {
        std::mem::take(self).0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adds_up_to_no_end_and_stays_there() {
        let mut demand = Demand::NONE;
        demand.add(3);
        demand.spend(2);
        assert_eq!(demand.get(), 1);
        for more in [UNBOUNDED - 2, 1, 1, UNBOUNDED, u64::MAX] {
            demand.add(more);
        }
        assert_eq!(demand.get(), UNBOUNDED);
        demand.spend(1);
        assert_eq!((demand.take(), demand.get()), (UNBOUNDED, 0));
    }
}
