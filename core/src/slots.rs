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
use core::marker::PhantomData;
use core::mem::MaybeUninit;
use core::panic::{RefUnwindSafe, UnwindSafe};
use core::ptr::NonNull;

use crate::sync::{self, AtomicUsize, Line, Watch, const_unless_loom};

/// A view of the slots of a ring, wherever they are.
#[derive(Debug)]
pub struct Slots<T> {
    base: NonNull<MaybeUninit<T>>,
    watch: Watch,
    /// Items go in and come out by different views, so their lifetimes must not
    /// be changed on the way.
    invariant: PhantomData<fn(T) -> T>,
}

/// While one of so many `slots` is written, the one at `index`: once a cache line, asks for
/// the line that is four ahead, so that it has left the consumer's core by the time that it is
/// written to.
///
/// Not on rings of fewer than 32 lines, where that line would often be taken from a
/// consumer who is still reading it.
#[inline(always)]
pub(crate) fn prefetch_ahead<T>(base: *const T, index: usize, slots: usize) {
    const LINE: usize = 64;
    if size_of::<T>() == 0 || size_of::<T>() > LINE {
        return;
    }
    let a_line = 1 << (LINE / size_of::<T>()).ilog2();
    if index % a_line != 0 || slots < 32 * a_line {
        return;
    }
    let ahead = index + 4 * a_line;
    let ahead = if ahead < slots { ahead } else { ahead - slots };
    sync::prefetch_write(base.wrapping_add(ahead));
}

impl<T> Clone for Slots<T> {
    #[inline(always)]
    #[allow(clippy::clone_on_copy, reason = "not Copy under loom")]
    fn clone(&self) -> Self {
        Self {
            base: self.base,
            watch: self.watch.clone(),
            invariant: PhantomData,
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

    /// See [`prefetch_ahead`].
    #[inline(always)]
    pub(crate) fn prefetch_ahead(&self, index: usize, slots: usize) {
        prefetch_ahead(self.base.as_ptr(), index, slots);
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

// A panic in user code leaves whole items, and positions that count them: a ring can be
// used on, so it and its handles are unwind safe, whatever the items are.
impl<T> UnwindSafe for Slots<T> {}
impl<T> RefUnwindSafe for Slots<T> {}
impl<T, const N: usize, const S: usize> UnwindSafe for InPlace<T, N, S> {}
impl<T, const N: usize, const S: usize> RefUnwindSafe for InPlace<T, N, S> {}

/// Slots in place: part of the ring itself. `N` of them, and `S` more behind.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct InPlace<T, const N: usize, const S: usize = 0> {
    /// Starts a cache line.
    line: [Line; 0],
    items: UnsafeCell<MaybeUninit<Adjacent<T, N, S>>>,
    watch: Watch,
}

/// As an array of `N + S`, which cannot be written.
#[repr(C)]
struct Adjacent<T, const N: usize, const S: usize>([T; N], [T; S]);

impl<T, const N: usize, const S: usize> InPlace<T, N, S> {
    const_unless_loom! {
        pub(crate) const fn new() -> Self {
            Self {
                line: [],
                items: UnsafeCell::new(MaybeUninit::uninit()),
                watch: Watch::new(N + S),
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
            invariant: PhantomData,
        }
    }
}

/// A slot with a stamp beside its item. What the stamp says is the business of
/// `stamped`.
#[allow(dead_code, reason = "used where there is compare-and-swap")]
pub(crate) struct StampedSlot<T> {
    pub(crate) stamp: AtomicUsize,
    item: UnsafeCell<MaybeUninit<T>>,
    watch: Watch,
}

#[allow(dead_code, reason = "used where there is compare-and-swap")]
impl<T> StampedSlot<T> {
    const_unless_loom! {
        /// Without an item, its stamp zero.
        pub(crate) const fn new() -> Self {
            Self {
                stamp: AtomicUsize::new(0),
                item: UnsafeCell::new(MaybeUninit::uninit()),
                watch: Watch::new(1),
            }
        }
    }

    /// Moves `item` in.
    ///
    /// # Safety
    /// S1, and the slot holds no item that anybody still wants.
    #[inline(always)]
    pub(crate) unsafe fn write(&self, item: T) {
        self.watch.with_mut(0, || {
            // SAFETY: ours alone by S1.
            unsafe { self.item.get().write(MaybeUninit::new(item)) }
        });
    }

    /// Moves the item out.
    ///
    /// # Safety
    /// S1 and S2.
    #[inline(always)]
    pub(crate) unsafe fn take(&self) -> T {
        self.watch.with_mut(0, || {
            // SAFETY: ours alone by S1, an item by S2.
            unsafe { self.item.get().read().assume_init() }
        })
    }

    /// The item, which nobody changes as long as the reference lives.
    ///
    /// # Safety
    /// S1 (readers of the same side may share) and S2.
    #[inline(always)]
    pub(crate) unsafe fn item(&self) -> &T {
        self.watch.run(0, 1);
        // SAFETY: unchanged by S1, an item by S2.
        unsafe { (*self.item.get()).assume_init_ref() }
    }

    /// The item, which the caller alone uses as long as the reference lives.
    ///
    /// # Safety
    /// S1 and S2.
    #[inline(always)]
    #[allow(clippy::mut_from_ref, reason = "what S1 is for")]
    pub(crate) unsafe fn item_mut(&self) -> &mut T {
        self.watch.run_mut(0, 1);
        // SAFETY: ours alone by S1, an item by S2.
        unsafe { (*self.item.get()).assume_init_mut() }
    }
}

impl<T> core::fmt::Debug for StampedSlot<T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("StampedSlot").finish_non_exhaustive()
    }
}

#[cfg(feature = "alloc")]
#[allow(unused_imports, reason = "used where there is compare-and-swap")]
pub(crate) use boxed::StampedSlots;

/// Slots on the heap.
#[cfg(feature = "alloc")]
mod boxed {
    use alloc::alloc::{Layout, alloc, dealloc};

    use super::*;
    use crate::error::CapacityError;

    impl<T> Slots<T> {
        /// Allocates `count` slots, at the start of a cache line; no memory at
        /// all for items of size zero.
        pub(crate) fn allocate(count: usize) -> Result<Self, CapacityError> {
            let layout = layout::<T>(count).ok_or(CapacityError::TooLarge)?;
            let base = if layout.size() == 0 {
                Some(NonNull::dangling())
            } else {
                // SAFETY: of a size that is not zero.
                NonNull::new(unsafe { alloc(layout) }.cast())
            };
            Ok(Self {
                base: base.ok_or(CapacityError::OutOfMemory)?,
                watch: Watch::new(count),
                invariant: PhantomData,
            })
        }

        /// Frees the slots, and no item in them.
        ///
        /// # Safety
        /// They come from `allocate(count)`, are freed once, and no view of
        /// them is used again.
        pub(crate) unsafe fn free(&self, count: usize) {
            self.watch.run_mut(0, count);
            if let Some(layout) = layout::<T>(count).filter(|layout| layout.size() > 0) {
                // SAFETY: by contract, from `allocate`, with this layout.
                unsafe { dealloc(self.base.as_ptr().cast(), layout) };
            }
        }
    }

    /// Slots with stamps, owned. Items that are left in them are not dropped.
    #[derive(Debug)]
    #[allow(dead_code, reason = "used where there is compare-and-swap")]
    pub(crate) struct StampedSlots<T> {
        slots: Slots<StampedSlot<T>>,
        count: usize,
    }

    #[allow(dead_code, reason = "used where there is compare-and-swap")]
    impl<T> StampedSlots<T> {
        /// `count` slots without items, their stamps zero.
        pub(crate) fn allocate(count: usize) -> Result<Self, CapacityError> {
            let slots = Slots::allocate(count)?;
            for index in 0..count {
                // SAFETY: nobody else knows of them yet; in bounds.
                unsafe { slots.write(index, StampedSlot::new()) };
            }
            Ok(Self { slots, count })
        }

        #[inline(always)]
        pub(crate) fn as_slice(&self) -> &[StampedSlot<T>] {
            // SAFETY: `allocate` has written as many, and nobody changes them but
            // through cells.
            unsafe { self.slots.run(0, self.count) }
        }
    }

    impl<T> Drop for StampedSlots<T> {
        fn drop(&mut self) {
            for index in 0..self.count {
                // SAFETY: `allocate` has written it; by the `&mut` nobody uses it.
                unsafe { self.slots.drop_in_place(index) };
            }
            // SAFETY: from `allocate` with as many; as above.
            unsafe { self.slots.free(self.count) }
        }
    }

    fn layout<T>(count: usize) -> Option<Layout> {
        let layout = Layout::array::<T>(count).ok()?;
        layout.align_to(align_of::<Line>()).ok()
    }
}
