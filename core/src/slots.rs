//! Raw storage for items: the only file that reads and writes them.
//!
//! Knows no ring: which slot holds an item, and who may touch it, is the
//! business of the algorithms. What they must keep is said once, here:
//!
//! * S1: between two synchronising edges, a slot is touched by one side only.
//! * S2: an item is taken, borrowed or dropped only from a slot that holds one,
//!   and a taken or dropped item is never touched again.
//! * S3: an index is less than the number of slots, and a run of slots ends
//!   at the last one.

use core::cell::UnsafeCell;
use core::mem::MaybeUninit;
use core::ptr::NonNull;

use crate::sync::{Watch, const_unless_loom};

/// A view of the slots of a ring, wherever they are.
#[derive(Debug)]
pub struct Slots<T> {
    base: NonNull<MaybeUninit<T>>,
    watch: Watch,
}

impl<T> Clone for Slots<T> {
    #[inline(always)]
    #[allow(clippy::clone_on_copy, reason = "not Copy under loom")]
    fn clone(&self) -> Self {
        Self {
            base: self.base,
            watch: self.watch.clone(),
        }
    }
}

impl<T> Slots<T> {
    /// Moves `item` into the slot at `index`.
    ///
    /// # Safety
    /// S1 and S3, and the slot holds no item that anybody still wants.
    #[inline(always)]
    pub(crate) unsafe fn write(&self, index: usize, item: T) {
        self.watch.with_mut(index, || {
            // SAFETY: in bounds by S3, ours alone by S1.
            unsafe { self.base.add(index).write(MaybeUninit::new(item)) }
        });
    }

    /// Moves the item out of the slot at `index`.
    ///
    /// # Safety
    /// S1, S2 and S3.
    #[inline(always)]
    pub(crate) unsafe fn take(&self, index: usize) -> T {
        self.watch.with_mut(index, || {
            // SAFETY: in bounds by S3, ours alone by S1, an item by S2.
            unsafe { self.base.add(index).read().assume_init() }
        })
    }

    /// Drops the item in the slot at `index` where it is.
    ///
    /// # Safety
    /// S1, S2 and S3; also when the item's `Drop` panics, it is gone.
    pub(crate) unsafe fn drop_in_place(&self, index: usize) {
        self.watch.with_mut(index, || {
            // SAFETY: in bounds by S3, ours alone by S1, an item by S2.
            unsafe { self.base.add(index).as_mut().assume_init_drop() }
        });
    }

    /// The item in the slot at `index`, which the caller alone uses for `'a`.
    ///
    /// # Safety
    /// S1 for all of `'a`, S2 and S3.
    pub(crate) unsafe fn item_mut<'a>(&self, index: usize) -> &'a mut T {
        self.watch.run_mut(index, 1);
        // SAFETY: in bounds by S3, ours alone for 'a by S1, an item by S2.
        unsafe { self.base.add(index).as_mut().assume_init_mut() }
    }

    /// A run of slots that the caller alone uses for `'a`.
    ///
    /// # Safety
    /// S3, and S1 for all of `'a`.
    pub(crate) unsafe fn run_mut<'a>(&self, index: usize, len: usize) -> &'a mut [MaybeUninit<T>] {
        self.watch.run_mut(index, len);
        // SAFETY: in bounds by S3, ours alone for 'a by S1, and uninitialised
        // memory is a valid MaybeUninit.
        unsafe { core::slice::from_raw_parts_mut(self.base.add(index).as_ptr(), len) }
    }

    /// A run of items that nobody changes for `'a`.
    ///
    /// # Safety
    /// S1 for all of `'a` (readers of the same side may share), S2 and S3.
    pub(crate) unsafe fn run<'a>(&self, index: usize, len: usize) -> &'a [T] {
        self.watch.run(index, len);
        // SAFETY: in bounds by S3, unchanged for 'a by S1, items by S2.
        unsafe { core::slice::from_raw_parts(self.base.add(index).as_ptr().cast(), len) }
    }
}

/// Slots in place: part of the ring itself.
#[derive(Debug)]
pub(crate) struct InPlace<T, const N: usize> {
    items: UnsafeCell<MaybeUninit<[T; N]>>,
    watch: Watch,
}

impl<T, const N: usize> InPlace<T, N> {
    const_unless_loom! {
        pub(crate) const fn new() -> Self {
            Self {
                items: UnsafeCell::new(MaybeUninit::uninit()),
                watch: Watch::new(N),
            }
        }
    }

    #[inline(always)]
    #[allow(clippy::clone_on_copy, reason = "not Copy under loom")]
    pub(crate) fn slots(&self) -> Slots<T> {
        // SAFETY: the address of a field is not null.
        let base = unsafe { NonNull::new_unchecked(self.items.get().cast()) };
        Slots {
            base,
            watch: self.watch.clone(),
        }
    }
}

/// Slots on the heap.
#[cfg(feature = "alloc")]
pub(crate) mod boxed {
    use alloc::boxed::Box;
    use alloc::vec::Vec;

    use super::*;
    use crate::error::CapacityError;

    impl<T> Slots<T> {
        /// Allocates `count` slots; no memory at all for items of size zero.
        pub(crate) fn allocate(count: usize) -> Result<Self, CapacityError> {
            let mut items = Vec::<MaybeUninit<T>>::new();
            if core::mem::size_of::<T>()
                .checked_mul(count)
                .is_none_or(|bytes| bytes > isize::MAX as usize)
            {
                return Err(CapacityError::TooLarge);
            }
            items
                .try_reserve_exact(count)
                .map_err(|_| CapacityError::OutOfMemory)?;
            // SAFETY: there is room for `count`, and nothing to initialise in
            // a MaybeUninit.
            unsafe { items.set_len(count) };
            let base = NonNull::from(Box::leak(items.into_boxed_slice())).cast();
            let watch = Watch::new(count);
            Ok(Self { base, watch })
        }

        /// Frees the slots, and no item in them.
        ///
        /// # Safety
        /// They come from `allocate(count)`, are freed once, and no view of
        /// them is used again.
        pub(crate) unsafe fn free(&self, count: usize) {
            self.watch.run_mut(0, count);
            let items = core::ptr::slice_from_raw_parts_mut(self.base.as_ptr(), count);
            // SAFETY: by contract this is the box that `allocate` leaked.
            drop(unsafe { Box::from_raw(items) });
        }
    }
}
