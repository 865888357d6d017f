//! What a request is charged: pure arithmetic.

/// What a pool does about requests of extreme sizes.
///
/// ```
/// use ringfence::credit::{Oversized, Pool, Rules};
///
/// let rules = Rules::default().minimum(16).oversized(Oversized::Alone);
/// let bytes = Pool::with_rules(1000, rules)?;
/// assert_eq!(bytes.acquire(0).unwrap().amount(), 16);
/// assert_eq!(bytes.acquire(5000).unwrap().amount(), 1000); // nobody else has any
/// # Ok::<(), ringfence::credit::OverflowError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Rules {
    minimum: u64,
    oversized: Oversized,
}

/// What becomes of a request for more credits than the pool's capacity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Oversized {
    /// It is refused; also one that waits, when it comes to the front of the queue and the
    /// pool has shrunk meanwhile.
    #[default]
    Refuse,
    /// It waits until the pool is wholly back, and then gets all of it, which is less than
    /// it has asked for. So it is alone.
    Alone,
    /// It waits until the pool has grown: for windows that another side opens.
    Wait,
}

impl Rules {
    /// Each request is charged so many credits at least; 0 unless said.
    #[must_use]
    pub fn minimum(self, minimum: u64) -> Self {
        Self { minimum, ..self }
    }

    /// What becomes of requests for more than the pool has; [`Oversized::Refuse`] unless
    /// said.
    #[must_use]
    pub fn oversized(self, oversized: Oversized) -> Self {
        Self { oversized, ..self }
    }

    /// What a request for `amount` asks for.
    #[inline]
    pub(crate) fn least(self, amount: u64) -> u64 {
        amount.max(self.minimum)
    }

    /// What who asks for so much is to get from a pool of this capacity; `None` if it is
    /// refused.
    pub(super) fn charge(self, asked: u64, capacity: u64) -> Option<u64> {
        match self.oversized {
            _ if asked <= capacity => Some(asked),
            Oversized::Refuse => None,
            // Of a pool without any, nothing is not all.
            Oversized::Alone => Some(capacity.max(1)),
            Oversized::Wait => (asked <= super::Pool::MAX).then_some(asked),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn charges() {
        let charge = |oversized, asked, capacity| {
            let rules = Rules::default().oversized(oversized);
            rules.charge(asked, capacity)
        };
        for oversized in [Oversized::Refuse, Oversized::Alone, Oversized::Wait] {
            assert_eq!(charge(oversized, 0, 0), Some(0));
            assert_eq!(charge(oversized, 5, 5), Some(5));
        }
        assert_eq!(charge(Oversized::Refuse, 6, 5), None);
        assert_eq!(charge(Oversized::Alone, 6, 5), Some(5));
        assert_eq!(charge(Oversized::Alone, 6, 0), Some(1));
        assert_eq!(charge(Oversized::Wait, 6, 5), Some(6));
        assert_eq!(charge(Oversized::Wait, u64::MAX, 5), None);
        assert_eq!(Rules::default().minimum(3).least(2), 3);
        assert_eq!(Rules::default().minimum(3).least(4), 4);
    }
}
