//! Random early drop: pure integer arithmetic, without division.

use core::error::Error;
use core::fmt;

use super::{Policy, Push, Sent};
use crate::sync::TwoPointers;

/// When items are refused by chance: never while fewer are inside than a first threshold,
/// always from a second on, and in between with a probability that grows with the depth,
/// from 0 to a maximum.
///
/// After Floyd and Jacobson, "Random Early Detection Gateways for Congestion Avoidance",
/// 1993, but by the depth that is found instead of its moving average, and without their
/// spacing of drops: each item is decided by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EarlyDrop {
    from: usize,
    to: usize,
    /// The maximum, of 2^32.
    most: u64,
}

/// The thresholds are not in order, or the probability is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum EarlyDropError {
    /// The first threshold is not below the second.
    Thresholds,
    /// The probability is not from 0 to 1.
    Probability,
}

impl EarlyDrop {
    /// A probability of 1.
    pub const ALWAYS: u64 = 1 << 32;

    /// Refuses nothing below `from` items, everything from `to` items on, and in between
    /// with a probability from 0 to `most`, of [`ALWAYS`](Self::ALWAYS).
    ///
    /// # Errors
    /// [`EarlyDropError`], if `from` is not below `to`, or `most` is above `ALWAYS`.
    pub const fn new(from: usize, to: usize, most: u64) -> Result<Self, EarlyDropError> {
        if from >= to {
            return Err(EarlyDropError::Thresholds);
        }
        if most > Self::ALWAYS {
            return Err(EarlyDropError::Probability);
        }
        Ok(Self { from, to, most })
    }

    /// Whether an item is to be refused that finds so many inside. `random` is any number
    /// with the same chance, and is called only if it matters.
    #[inline]
    pub fn refuses(&self, depth: usize, random: impl FnOnce() -> u32) -> bool {
        if depth <= self.from || depth >= self.to {
            return depth >= self.to;
        }
        // random / 2^32 < most / 2^32 · above / band; no product is beyond 2^64 on targets
        // of 32 bits.
        let (above, band) = (depth - self.from, self.to - self.from);
        let wide = |n: usize| n as TwoPointers;
        TwoPointers::from(random()) * wide(band) < TwoPointers::from(self.most) * wide(above)
    }
}

impl fmt::Display for EarlyDropError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Thresholds => "the first threshold is not below the second",
            Self::Probability => "the probability is not from 0 to 1",
        })
    }
}

impl Error for EarlyDropError {}

/// Refuses items by chance, as an [`EarlyDrop`] says, and those that do not fit. What is
/// stored stays. The random numbers are the caller's: any 32 bits.
///
/// ```
/// use ringfence_core::policy::{DropRandom, EarlyDrop, Policed, Sent};
/// use ringfence_core::spsc::Ring;
///
/// // None up to 4 items, up to a tenth towards 12, all from there on.
/// const RULE: EarlyDrop = match EarlyDrop::new(4, 12, EarlyDrop::ALWAYS / 10) {
///     Ok(rule) => rule,
///     Err(_) => panic!(),
/// };
/// let mut seed = 1u32;
/// let random = move || {
///     seed ^= seed << 13;
///     seed ^= seed >> 17;
///     seed ^= seed << 5;
///     seed
/// };
/// let mut ring = Ring::<u8, 16>::new();
/// let (tx, _rx) = ring.split_mut();
/// let mut tx = Policed::new(tx, DropRandom::new(RULE, random));
/// for item in 0..100 {
///     let _: Sent<u8> = tx.push(item);
/// }
/// assert_eq!(tx.ring().len(), 12);
/// ```
#[derive(Clone, Copy)]
pub struct DropRandom<R> {
    rule: EarlyDrop,
    random: R,
}

impl<R: FnMut() -> u32> DropRandom<R> {
    /// By this rule, with these random numbers.
    pub const fn new(rule: EarlyDrop, random: R) -> Self {
        Self { rule, random }
    }
}

impl<P: Push, R: FnMut() -> u32> Policy<P> for DropRandom<R> {
    #[inline]
    fn offer(&mut self, ring: &mut P, item: P::Item) -> Sent<P::Item> {
        if self.rule.refuses(ring.depth(), &mut self.random) {
            return Sent::Refused(item);
        }
        match ring.push(item) {
            Ok(()) => Sent::Stored,
            Err(item) => Sent::Refused(item),
        }
    }
}

impl<R> fmt::Debug for DropRandom<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DropRandom").field(&self.rule).finish()
    }
}
