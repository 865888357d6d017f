//! What a full channel does, and what became of an item.

use std::fmt;

use ringfence_core::policy as core;
pub use ringfence_core::policy::{EarlyDropError, Sent};

/// What a send does when there is no room.
///
/// With many receivers, the slot of one that is in the middle of a receive is not yet
/// room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OnFull {
    /// It waits.
    #[default]
    Block,
    /// It refuses the item that is to be sent, gives it back, and counts it.
    /// What is stored stays. With a capacity of 0, every item for which no thread waits.
    DropNewest,
    /// It stores the item in place of the oldest, which it gives back, and counts. Both
    /// happen at one instant. Never waits, but for a short time where more than 16
    /// threads are in the middle of a send or receive. Not with a capacity of 0.
    DropOldest,
    /// It refuses items by chance, the more the fuller the channel is, and all of them
    /// long before it is full; gives them back, and counts them. What is stored stays.
    /// Not with a capacity of 0.
    DropRandom(EarlyDrop),
}

impl OnFull {
    /// Whether it decides before it is known that there is no room.
    pub(crate) fn is_early(&self) -> bool {
        matches!(self, Self::DropOldest | Self::DropRandom(_))
    }
}

/// When [`OnFull::DropRandom`] refuses: never while the channel holds fewer items than
/// the first threshold, always from the second on, and in between with a probability that
/// grows with the depth, from 0 to a maximum.
///
/// After Floyd and Jacobson, "Random Early Detection Gateways for Congestion Avoidance",
/// 1993, but by the depth that the send finds instead of its moving average, and without
/// their spacing of drops: each item is decided by itself.
///
/// ```
/// use ringfence::{EarlyDrop, OnFull};
///
/// // None below 500 items, up to 10 % towards 900, all from there on.
/// let rule = EarlyDrop::new(500, 900, 0.1)?.with_seed(7);
/// let (mut tx, rx) = ringfence::channel(1000).on_full(OnFull::DropRandom(rule)).build();
/// for item in 0..2000 {
///     let _ = tx.send(item);
/// }
/// assert_eq!(rx.len(), 900);
/// assert_eq!(rx.stats().refused_random, 1100);
/// # Ok::<(), ringfence::EarlyDropError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EarlyDrop {
    rule: core::EarlyDrop,
    seed: Option<u64>,
}

impl EarlyDrop {
    /// Refuses nothing below `from` items, everything from `to` items on, and in between
    /// with a probability from 0 to `most`.
    ///
    /// A `to` beyond the capacity makes the channel refuse at its capacity.
    ///
    /// # Errors
    /// [`EarlyDropError`], if `from` is not below `to`, or `most` not from 0 to 1.
    pub fn new(from: usize, to: usize, most: f64) -> Result<Self, EarlyDropError> {
        let most = if (0.0..=1.0).contains(&most) {
            #[expect(clippy::cast_sign_loss, reason = "it is from 0 to 1")]
            let of_all = (most * core::EarlyDrop::ALWAYS as f64) as u64;
            of_all
        } else {
            u64::MAX // is no probability either
        };
        let rule = core::EarlyDrop::new(from, to, most)?;
        Ok(Self { rule, seed: None })
    }

    /// Chances are drawn from a generator with this seed, one for each sender, so that a
    /// run can be repeated. Else it is another one each time.
    #[must_use]
    pub fn with_seed(self, seed: u64) -> Self {
        let seed = Some(seed);
        Self { seed, ..self }
    }

    pub(crate) fn rng(&self) -> fastrand::Rng {
        self.seed
            .map_or_else(fastrand::Rng::new, fastrand::Rng::with_seed)
    }

    /// Whether an item is to be refused that finds so many inside.
    pub(crate) fn refuses(&self, depth: usize, rng: &mut fastrand::Rng) -> bool {
        self.rule.refuses(depth, || rng.u32(..))
    }
}

/// Why an item was dropped by the channel, or given up by its policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// Refused by [`OnFull::DropNewest`]; its sender gets it back.
    Newest,
    /// Evicted by [`OnFull::DropOldest`]; the sender of a newer one gets it.
    Oldest,
    /// Refused by [`OnFull::DropRandom`]; its sender gets it back.
    Random,
    /// Too old, by a [`Fresh`](crate::age::Fresh) receiver.
    Expired,
    /// The future or sink that was to send it was dropped; or a waker panicked in a send
    /// that blocked, with a capacity of 0.
    Cancelled,
    /// It was in the channel when the last receiver went.
    Drained,
}

/// What became of many items that were sent.
#[derive(Clone, PartialEq, Eq, Hash)]
#[must_use = "refused and evicted items are inside"]
pub struct SentMany<T> {
    /// How many went into the channel.
    pub stored: usize,
    /// Those that were refused, in order. Counted.
    pub refused: Vec<T>,
    /// Those that were evicted, in order. Counted.
    pub evicted: Vec<T>,
}

impl<T> fmt::Debug for SentMany<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SentMany")
            .field("stored", &self.stored)
            .field("refused", &self.refused.len())
            .field("evicted", &self.evicted.len())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chances_grow_with_depth() {
        let rule = EarlyDrop::new(10, 20, 0.5).unwrap().with_seed(1);
        let mut rng = rule.rng();
        let mut refused = |depth| {
            (0..10_000)
                .filter(|_| rule.refuses(depth, &mut rng))
                .count()
        };
        assert_eq!((refused(0), refused(9), refused(10)), (0, 0, 0));
        for depth in 11..20 {
            let expected = 500 * (depth - 10);
            let refused = refused(depth);
            assert!(refused.abs_diff(expected) < 250, "{depth}: {refused}");
        }
        assert_eq!((refused(20), refused(usize::MAX)), (10_000, 10_000));

        let always = EarlyDrop::new(0, usize::MAX, 1.0).unwrap();
        assert!(!always.refuses(0, &mut rng) && always.refuses(usize::MAX - 1, &mut rng));
    }

    #[test]
    fn rules_that_mean_nothing_are_errors() {
        let error = |from, to, most| EarlyDrop::new(from, to, most).err();
        assert_eq!(error(2, 2, 0.1), Some(EarlyDropError::Thresholds));
        assert_eq!(error(3, 2, 0.1), Some(EarlyDropError::Thresholds));
        for most in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
            assert_eq!(error(1, 2, most), Some(EarlyDropError::Probability));
        }
        assert_eq!(error(0, 1, 1.0), None);
    }
}
