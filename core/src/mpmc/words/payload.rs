//! What can lie in a slot itself.

use core::num::NonZero;

use crate::mpmc::packing::Content;
use crate::sync::{with_128_bit_slots, with_pointer_slots};

/// An item of one machine word or less, which a slot of [`Words`](super::Words) can
/// hold.
///
/// Implemented for integers, `bool`, `char`, floating-point numbers, [`NonZero`], and,
/// where slots are wide enough for a pointer, `&T`, [`NonNull`](core::ptr::NonNull), `Box` and `Arc`
/// (with `alloc`); and for `Option`s of the non-zero ones.
///
/// Pointers take their way through a slot as integers: their provenance is exposed, and
/// taken up again (see [`core::ptr`]). So Miri needs `-Zmiri-permissive-provenance`, and
/// targets on which a pointer is more than its address cannot have them.
///
/// A type of your own:
///
/// ```
/// use ringfence_core::mpmc::{Payload, Words};
///
/// #[derive(Debug, PartialEq)]
/// struct Frame(u16);
///
/// impl Payload for Frame {
///     type Bits = u16;
///     fn into_bits(self) -> u16 {
///         self.0
///     }
///     unsafe fn from_bits(bits: u16) -> Self {
///         Self(bits)
///     }
/// }
///
/// static FREE: Words<Frame, 8> = Words::new();
/// FREE.try_push(Frame(3)).unwrap();
/// assert_eq!(FREE.try_pop(), Some(Frame(3)));
/// ```
#[diagnostic::on_unimplemented(
    message = "no slot of `Words` can hold a `{Self}`",
    note = "items of 8 bytes, and pointers of 8 bytes, need the feature `portable-atomic` of \
            `ringfence-core`, and a target with compare-and-swap of 128 bits",
    note = "items of any other kind can be in a `mpmc::Ring`"
)]
pub trait Payload: Sized {
    /// The integer that it is, on its way: `u8`, `u16`, `u32`, `u64` or `usize`.
    type Bits: Content;

    /// What owns something hands it over to the integer.
    fn into_bits(self) -> Self::Bits;

    /// The item of which `into_bits` made `bits`.
    ///
    /// # Safety
    /// `bits` come from `into_bits` of this very type, lifetimes included, and no other
    /// item has been made of them since.
    unsafe fn from_bits(bits: Self::Bits) -> Self;
}

/// Whose bits are never zero, so that zero can be `None`.
pub trait NeverZero: Payload {}

impl<T: NeverZero> Payload for Option<T>
where
    T::Bits: PartialEq,
{
    type Bits = T::Bits;
    #[inline(always)]
    fn into_bits(self) -> T::Bits {
        self.map_or(T::Bits::ZERO, T::into_bits)
    }
    #[inline(always)]
    unsafe fn from_bits(bits: T::Bits) -> Self {
        // SAFETY: not of `None`, hence of a `T`.
        (bits != T::Bits::ZERO).then(|| unsafe { T::from_bits(bits) })
    }
}

macro_rules! bits {
    ($($bits:ty, $word:ty);*) => {$(
        impl Content for $bits {
            type Word = $word;
            const ZERO: Self = 0;
            #[inline(always)]
            fn bits(_index_bits: u32) -> u32 {
                <$bits>::BITS
            }
            #[inline(always)]
            fn to_word(self, _index: usize) -> $word {
                self as $word
            }
            #[inline(always)]
            fn from_word(word: $word, _index: usize) -> Self {
                word as $bits
            }
        }
    )*};
}
bits!(u8, u64; u16, u64; u32, u64);
with_128_bit_slots! { bits!(u64, u128); }
with_pointer_slots! { bits!(usize, crate::sync::TwoPointers); }

macro_rules! payload {
    ($($item:ty, $bits:ty, $into:expr, $from:expr;)*) => {$(
        impl Payload for $item {
            type Bits = $bits;
            #[inline(always)]
            fn into_bits(self) -> $bits {
                $into(self)
            }
            #[inline(always)]
            unsafe fn from_bits(bits: $bits) -> Self {
                $from(bits)
            }
        }
    )*};
}

macro_rules! integer {
    ($($integer:ty, $bits:ty);*) => {$(
        payload! { $integer, $bits, |item| item as $bits, |bits| bits as $integer; }
        impl Payload for NonZero<$integer> {
            type Bits = $bits;
            #[inline(always)]
            fn into_bits(self) -> $bits {
                self.get().into_bits()
            }
            #[inline(always)]
            unsafe fn from_bits(bits: $bits) -> Self {
                // SAFETY: of an item, which is not zero.
                unsafe { Self::new_unchecked(<$integer>::from_bits(bits)) }
            }
        }
        impl NeverZero for NonZero<$integer> {}
    )*};
}

integer!(u8, u8; i8, u8; u16, u16; i16, u16; u32, u32; i32, u32);
with_128_bit_slots! { integer!(u64, u64; i64, u64); }
with_pointer_slots! { integer!(usize, usize; isize, usize); }

payload! {
    bool, u8, |item| item as u8, |bits| bits != 0;
    f32, u32, f32::to_bits, f32::from_bits;
}
with_128_bit_slots! { payload! { f64, u64, f64::to_bits, f64::from_bits; } }

impl Payload for char {
    type Bits = u32;
    #[inline(always)]
    fn into_bits(self) -> u32 {
        self as u32
    }
    #[inline(always)]
    unsafe fn from_bits(bits: u32) -> Self {
        // SAFETY: of a `char`.
        unsafe { Self::from_u32_unchecked(bits) }
    }
}
