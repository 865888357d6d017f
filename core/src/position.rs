//! Positions, and how they map to slots: pure arithmetic, no atomics.
//!
//! `tail` is the position of the next push, `head` that of the next pop.
//! Both only grow, within a word that wraps:
//!
//! ```text
//! slots a power of two     positions run through the whole word (2^bits)
//!                          index = position & (slots - 1)
//! any other capacity N     positions run through 0..2N
//!                          index = position, less N from N on
//! ```
//!
//! Either way `head == tail` means empty and a distance of `capacity` means
//! full, no division is needed, and the two cannot be confused as long as the
//! capacity is at most half of what the word can count.

use core::fmt::Debug;

use crate::sync::{Atomic, AtomicU8, AtomicU16, AtomicU32, AtomicUsize};

/// The unsigned integer that positions are kept in.
///
/// `usize` unless said otherwise. Narrower words save memory on small
/// machines, and let tests wrap: a ring of `u8` positions wraps every 256
/// pushes. A ring with positions of this type holds at most
/// [`MAX_CAPACITY`](Word::MAX_CAPACITY) items. Implemented for `u8`, `u16`,
/// `u32` and `usize`, and sealed.
pub trait Word: Copy + Eq + Debug + Send + Sync + sealed::Sealed + 'static {
    /// The largest capacity, in items, that can be told apart.
    const MAX_CAPACITY: usize;

    #[doc(hidden)]
    type Atomic: Atomic<Self>;
    #[doc(hidden)]
    const ZERO: Self;
    /// The low bits of `n`.
    #[doc(hidden)]
    fn truncate(n: usize) -> Self;
    #[doc(hidden)]
    fn widen(self) -> usize;
}

mod sealed {
    pub trait Sealed {}
}

macro_rules! word {
    ($($word:ty: $atomic:ty),*) => {$(
        impl sealed::Sealed for $word {}
        impl Word for $word {
            const MAX_CAPACITY: usize = if size_of::<$word>() < size_of::<usize>() {
                (<$word>::MAX / 2) as usize
            } else {
                usize::MAX / 2
            };
            type Atomic = $atomic;
            const ZERO: Self = 0;
            #[inline(always)]
            fn truncate(n: usize) -> Self {
                n as $word
            }
            #[inline(always)]
            fn widen(self) -> usize {
                self as usize
            }
        }
    )*};
}
word!(u8: AtomicU8, u16: AtomicU16, u32: AtomicU32, usize: AtomicUsize);

/// How the positions of one ring wrap and map to its slots.
#[derive(Clone, Copy, Debug)]
pub enum Geometry {
    /// The number of slots is a power of two, at least `capacity`.
    Masked {
        /// Items that fit.
        capacity: usize,
        /// Number of slots, less one.
        mask: usize,
    },
    /// As many slots as items.
    Wrapped {
        /// Items that fit.
        capacity: usize,
    },
}

impl Geometry {
    /// Exactly `capacity` slots.
    pub(crate) const fn exact(capacity: usize) -> Self {
        if capacity.is_power_of_two() {
            Self::Masked {
                capacity,
                mask: capacity - 1,
            }
        } else {
            Self::Wrapped { capacity }
        }
    }

    #[inline(always)]
    pub(crate) const fn capacity(self) -> usize {
        match self {
            Self::Masked { capacity, .. } | Self::Wrapped { capacity } => capacity,
        }
    }

    #[inline(always)]
    pub(crate) const fn slots(self) -> usize {
        match self {
            Self::Masked { mask, .. } => mask + 1,
            Self::Wrapped { capacity } => capacity,
        }
    }

    /// The position `n` after `position`; `n` is at most the capacity.
    #[inline(always)]
    pub(crate) fn advance<W: Word>(self, position: W, n: usize) -> W {
        match self {
            Self::Masked { .. } => W::truncate(position.widen().wrapping_add(n)),
            Self::Wrapped { capacity } => {
                let left = 2 * capacity - position.widen();
                W::truncate(if n < left {
                    position.widen() + n
                } else {
                    n - left
                })
            }
        }
    }

    /// How far `tail` is ahead of `head`, in items.
    #[inline(always)]
    pub(crate) fn distance<W: Word>(self, head: W, tail: W) -> usize {
        match self {
            Self::Wrapped { capacity } if tail.widen() < head.widen() => {
                tail.widen() + 2 * capacity - head.widen()
            }
            _ => W::truncate(tail.widen().wrapping_sub(head.widen())).widen(),
        }
    }

    /// The slot of `position`.
    #[inline(always)]
    pub(crate) fn index<W: Word>(self, position: W) -> usize {
        match self {
            Self::Masked { mask, .. } => position.widen() & mask,
            Self::Wrapped { capacity } if position.widen() >= capacity => {
                position.widen() - capacity
            }
            Self::Wrapped { .. } => position.widen(),
        }
    }

    /// The slots of the `n` positions from `position` on, as the index of the
    /// first and the lengths of the piece from there and the piece from slot 0.
    #[inline(always)]
    pub(crate) fn pieces<W: Word>(self, position: W, n: usize) -> (usize, usize, usize) {
        let index = self.index(position);
        let first = n.min(self.slots() - index);
        (index, first, n - first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every capacity that u8 positions allow, in both geometries, from every
    /// position: arithmetic agrees with plain counting.
    #[test]
    #[cfg_attr(miri, ignore = "slow, and nothing unsafe in it")]
    fn agrees_with_counting() {
        for capacity in 1..=u8::MAX_CAPACITY {
            let rounded = Geometry::Masked {
                capacity,
                mask: capacity.next_power_of_two() - 1,
            };
            for geometry in [Geometry::exact(capacity), rounded] {
                let mut head = 0u8;
                for count in 0..1000 {
                    assert_eq!(geometry.index(head), count % geometry.slots());
                    for n in [0, 1, capacity / 2, capacity] {
                        let tail = geometry.advance(head, n);
                        assert_eq!(geometry.distance(head, tail), n);
                        let (index, first, second) = geometry.pieces(head, n);
                        assert_eq!(first + second, n);
                        assert!(index + first <= geometry.slots());
                        assert!(second == 0 || index + first == geometry.slots());
                    }
                    head = geometry.advance(head, 1);
                }
            }
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "slow, and nothing unsafe in it")]
    fn largest_words_do_not_overflow() {
        let geometry = Geometry::exact(usize::MAX_CAPACITY);
        let last = geometry.advance(usize::MAX_CAPACITY, usize::MAX_CAPACITY - 1);
        assert_eq!(
            geometry.advance(last, usize::MAX_CAPACITY),
            usize::MAX_CAPACITY - 1
        );
        assert_eq!(geometry.advance(last, 1), 0);
        assert_eq!(geometry.distance(last, 0), 1);
        assert_eq!(geometry.index(last), usize::MAX_CAPACITY - 1);
    }
}
