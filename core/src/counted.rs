//! A counted box: what several owners share, freed with the last of them.
//!
//! As `alloc::sync::Arc`, but for every target, and made without aborting.
//!
//! * H1: `owners` counts the `Counted`s; the last one frees the box.
//!
//! Edge:
//!
//! * `owner-gone`: what every owner did to the box, before the last one frees it.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use core::ptr::NonNull;

use crate::error::CapacityError;
use crate::sync::rmw::AtomicUsize;
use crate::sync::{Ordering, Watch};

/// One of the owners of a value.
pub(crate) struct Counted<T>(NonNull<Shared<T>>);

struct Shared<T> {
    value: T,
    owners: AtomicUsize,
    watch: Watch,
}

impl<T> Counted<T> {
    /// A box with one owner. Fails where `Box::new` would abort.
    pub(crate) fn try_new(value: T) -> Result<Self, CapacityError> {
        let mut one = Vec::new();
        one.try_reserve_exact(1)
            .map_err(|_| CapacityError::OutOfMemory)?;
        one.push(Shared {
            value,
            owners: AtomicUsize::new(1),
            watch: Watch::new(1),
        });
        let one = Box::leak(one.into_boxed_slice());
        Ok(Self(NonNull::from(&mut one[0])))
    }

    #[inline(always)]
    fn shared(&self) -> &Shared<T> {
        // SAFETY: alive by H1, and only ever shared.
        unsafe { self.0.as_ref() }
    }
}

impl<T> core::ops::Deref for Counted<T> {
    type Target = T;

    #[inline(always)]
    fn deref(&self) -> &T {
        &self.shared().value
    }
}

impl<T: fmt::Debug> fmt::Debug for Counted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T> Clone for Counted<T> {
    fn clone(&self) -> Self {
        // ORDERING: Relaxed; this owner keeps the box alive meanwhile.
        let owners = self.shared().owners.fetch_add(1, Ordering::Relaxed);
        // Made before the check, so that a panic drops it, which counts it back.
        let owner = Self(self.0);
        assert!(owners < usize::MAX / 2, "too many observers");
        owner
    }
}

impl<T> Drop for Counted<T> {
    fn drop(&mut self) {
        self.shared().watch.with(0, || ());
        // ORDERING: Release, edge `owner-gone` from here …
        if self.shared().owners.fetch_sub(1, Ordering::Release) == 1 {
            // … ORDERING: Acquire, to here. A load, not a fence, so that the
            // thread sanitizer sees it.
            self.shared().owners.load(Ordering::Acquire);
            self.shared().watch.with_mut(0, || ());
            // SAFETY: the last owner by H1; `try_new` made it from a box
            // with a slice of one.
            drop(unsafe { Box::from_raw(core::ptr::slice_from_raw_parts_mut(self.0.as_ptr(), 1)) });
        }
    }
}

// SAFETY: owners share the value, and the last one drops it, on whatever thread.
unsafe impl<T: Send + Sync> Send for Counted<T> {}
// SAFETY: as above.
unsafe impl<T: Send + Sync> Sync for Counted<T> {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    #[test]
    fn one_owner_too_many_is_not_counted() {
        let counted = Counted::try_new(7).unwrap();
        let count = &counted.shared().owners;
        let owners = |expected| count.load(Ordering::Relaxed) == expected;
        drop((counted.clone(), counted.clone()));
        assert!(owners(1));
        count.fetch_add(usize::MAX / 2 - 1, Ordering::Relaxed);
        for _ in 0..3 {
            assert!(catch_unwind(AssertUnwindSafe(|| counted.clone())).is_err());
            assert!(owners(usize::MAX / 2));
        }
        count.fetch_sub(usize::MAX / 2 - 1, Ordering::Relaxed);
        assert!(owners(1));
    }
}
