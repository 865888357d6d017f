//! How positions and slots are packed into words: pure arithmetic.

use core::fmt::Debug;
use core::marker::PhantomData;

use crate::sync::rmw::AtomicUsize;
use crate::sync::{Swap, with_64_bit_slots, with_128_bit_slots};

/// Where a position is: which slot, and the how-manieth time round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Position {
    pub(super) lap: usize,
    pub(super) index: usize,
}

/// What is done to a slot in each lap, first one and then the other.
#[derive(Clone, Copy, Debug)]
pub(super) enum Side {
    Push = 0,
    Pop = 1,
}

/// A word that a slot can be: the content in its lowest `bits`, the stamp above.
pub trait SlotWord: Copy + Debug + 'static {
    type Atomic: Swap<Self>;
    const BITS: u32;
    /// As much of the stamp as a `usize` holds.
    fn stamp(self, bits: u32) -> usize;
    fn content(self, bits: u32) -> Self;
    /// With a stamp that is `by` more, and other content.
    fn step(self, bits: u32, by: u8, content: Self) -> Self;
}

macro_rules! slot_word {
    ($word:ty: $atomic:ty) => {
        impl SlotWord for $word {
            type Atomic = $atomic;
            const BITS: u32 = <$word>::BITS;
            #[inline(always)]
            fn stamp(self, bits: u32) -> usize {
                (self >> bits) as usize
            }
            #[inline(always)]
            fn content(self, bits: u32) -> Self {
                self & ((1 << bits) - 1)
            }
            #[inline(always)]
            fn step(self, bits: u32, by: u8, content: Self) -> Self {
                (self >> bits).wrapping_add(<$word>::from(by)) << bits | content
            }
        }
    };
}
slot_word!(usize: AtomicUsize);
with_64_bit_slots! { slot_word!(u64: crate::sync::rmw::AtomicU64); }
with_128_bit_slots! { slot_word!(u128: crate::sync::rmw::AtomicU128); }

/// What a slot holds besides its stamp. Sealed.
///
/// A slot's word is zero at first, whatever its index.
pub trait Content: Copy + Debug {
    #[doc(hidden)]
    type Word: SlotWord;
    #[doc(hidden)]
    const ZERO: Self;
    /// How many bits it takes, in a ring whose indices take `index_bits`.
    #[doc(hidden)]
    fn bits(index_bits: u32) -> u32;
    /// How many of the highest bits of twice a lap a stamp lacks, or a hint.
    #[doc(hidden)]
    #[inline(always)]
    fn unknown(index_bits: u32) -> u32 {
        (usize::BITS + Self::bits(index_bits))
            .saturating_sub(Self::Word::BITS)
            .max(index_bits.saturating_sub(1))
    }
    #[doc(hidden)]
    fn to_word(self, index: usize) -> Self::Word;
    #[doc(hidden)]
    fn from_word(word: Self::Word, index: usize) -> Self;
}

/// What a slot is kept in.
pub(super) type Slot<C> = <<C as Content>::Word as SlotWord>::Atomic;

/// How positions and slots are packed into words.
///
/// ```text
/// hint of a position | lap             | index   |   index_bits
/// slot               | stamp           | content |   C::bits(index_bits)
/// ```
#[derive(Debug)]
pub(super) struct Packing<C> {
    index_bits: u32,
    content: PhantomData<C>,
}

impl<C> Clone for Packing<C> {
    #[inline(always)]
    fn clone(&self) -> Self {
        *self
    }
}
impl<C> Copy for Packing<C> {}

impl<C> Packing<C> {
    /// For so many indices. More than there are do no harm.
    pub(super) const fn new(indices: usize) -> Self {
        Self {
            index_bits: usize::BITS - (indices - 1).leading_zeros(),
            content: PhantomData,
        }
    }
}

impl<C: Content> Packing<C> {
    #[inline(always)]
    pub(super) fn position(self, hint: usize) -> Position {
        Position {
            lap: hint >> self.index_bits,
            index: hint & ((1 << self.index_bits) - 1),
        }
    }

    #[inline(always)]
    pub(super) fn hint(self, position: Position) -> usize {
        position.lap << self.index_bits | position.index
    }

    #[inline(always)]
    pub(super) fn content(self, word: C::Word, index: usize) -> C {
        C::from_word(word.content(C::bits(self.index_bits)), index)
    }

    /// The slot's word when its stamp is `by` more and it holds `content`.
    #[inline(always)]
    pub(super) fn step(self, word: C::Word, by: u8, content: C, index: usize) -> C::Word {
        word.step(C::bits(self.index_bits), by, content.to_word(index))
    }

    /// How far `tail` is ahead of `head`, in items, of which a lap has `capacity`. Both
    /// were hints not long ago.
    pub(super) fn distance(self, head: Position, tail: Position, capacity: usize) -> usize {
        (tail.lap.wrapping_sub(head.lap) & (usize::MAX >> self.index_bits))
            .wrapping_mul(capacity)
            .wrapping_add(tail.index)
            .wrapping_sub(head.index)
    }

    /// How far the slot's stamp is ahead of the one at which `side` is done to it, in
    /// the lap of `at`; behind if negative. All of them wrap.
    #[inline(always)]
    pub(super) fn ahead(self, word: C::Word, at: Position, side: Side) -> isize {
        let wanted = at.lap << 1 | side as usize;
        let ahead = word.stamp(C::bits(self.index_bits)).wrapping_sub(wanted);
        let unknown = C::unknown(self.index_bits);
        ((ahead << unknown) as isize) >> unknown
    }
}

impl Position {
    /// The position `n` behind; `n` is at most the capacity.
    pub(super) fn advance(self, n: usize, capacity: usize) -> Self {
        let Self { lap, index } = self;
        if index + n < capacity {
            return Self { lap, index: index + n };
        }
        Self {
            lap: lap.wrapping_add(1),
            index: index + n - capacity,
        }
    }

    #[inline(always)]
    pub(super) fn next(self, capacity: usize) -> Self {
        if self.index + 1 == capacity {
            Self {
                lap: self.lap.wrapping_add(1),
                index: 0,
            }
        } else {
            Self {
                lap: self.lap,
                index: self.index + 1,
            }
        }
    }
}
