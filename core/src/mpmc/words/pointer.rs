//! Pointers in slots.

use core::ptr::NonNull;

use super::Payload;
use super::payload::NeverZero;
use crate::sync::with_native_compare_and_swap;

/// From raw pointers, and to them.
macro_rules! pointer {
    ($([$($lifetime:lifetime)?] $pointer:ty, $into:expr, $from:expr;)*) => {$(
        impl<$($lifetime,)? T> Payload for $pointer {
            type Bits = usize;
            #[inline(always)]
            fn into_bits(self) -> usize {
                $into(self).expose_provenance()
            }
            #[inline(always)]
            unsafe fn from_bits(bits: usize) -> Self {
                // SAFETY: of a pointer of this kind, which has given up what it
                // owns, if anything, and was not null.
                unsafe { $from(core::ptr::with_exposed_provenance_mut::<T>(bits)) }
            }
        }
        impl<$($lifetime,)? T> NeverZero for $pointer {}
    )*};
}

pointer! {
    ['a] &'a T, core::ptr::from_ref::<T>, |pointer: *mut T| &*pointer.cast_const();
    [] NonNull<T>, NonNull::<T>::as_ptr, NonNull::new_unchecked;
}

#[cfg(feature = "alloc")]
mod owned {
    use super::*;
    use alloc::boxed::Box;

    pointer! { [] Box<T>, Box::<T>::into_raw, Box::from_raw; }

    with_native_compare_and_swap! {
        use alloc::sync::Arc;
        pointer! { [] Arc<T>, Arc::<T>::into_raw, |pointer: *mut T| Arc::from_raw(pointer); }
    }
}
