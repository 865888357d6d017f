//! Constructors when the allocator has no memory, at each of their allocations.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use ringfence::CapacityError;
use ringfence::spsc::try_with_capacity;

/// The system's allocator, which fails when this thread has told it to.
struct Failing;

thread_local! {
    /// How many allocations still succeed.
    static LEFT: Cell<usize> = const { Cell::new(usize::MAX) };
    /// Bytes allocated and not freed by this thread.
    static BYTES: Cell<isize> = const { Cell::new(0) };
}

// SAFETY: the system's allocator, or null, which says that there is no memory.
unsafe impl GlobalAlloc for Failing {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let left = LEFT.get();
        if left == 0 {
            return std::ptr::null_mut();
        }
        LEFT.set(left - 1);
        BYTES.set(BYTES.get() + layout.size() as isize);
        // SAFETY: passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        BYTES.set(BYTES.get() - layout.size() as isize);
        // SAFETY: passed on.
        unsafe { System.dealloc(ptr, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Failing = Failing;

#[test]
fn a_ring_without_memory_is_an_error_and_leaks_nothing() {
    for allocations in 0.. {
        let before = BYTES.get();
        LEFT.set(allocations);
        let ring = try_with_capacity::<u64>(100);
        LEFT.set(usize::MAX);
        let built = ring.is_ok();
        if let Err(error) = &ring {
            assert_eq!(*error, CapacityError::OutOfMemory);
        }
        drop(ring);
        assert_eq!(BYTES.get(), before, "after {allocations} allocations");
        if built {
            assert!(allocations >= 2, "positions and slots");
            return;
        }
    }
}
