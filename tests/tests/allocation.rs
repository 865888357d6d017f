//! Constructors when the allocator has no memory, at each of their allocations; and what
//! needs none.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use ringfence::CapacityError;
use ringfence::select::{Unready, recv, select, send};
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

#[test]
fn a_select_that_does_not_sleep_needs_no_memory() {
    let (mut tx, mut rx) = ringfence::bounded(1);
    let (mut other_tx, mut other_rx) = ringfence::channel(1).spsc().build();
    let mut slot = Some(2);
    let mut next = || {
        select((
            recv(&mut rx, Result::ok),
            send(&mut other_tx, &mut slot, |sent| sent.ok().map(|()| 0)),
        ))
        .now()
    };
    LEFT.set(0);
    let first = [next(), next()];
    let sent = tx.try_send(1);
    let second = [next(), next()];
    LEFT.set(usize::MAX);
    assert_eq!(first, [Ok(Some(0)), Err(Unready)]);
    assert_eq!(second, [Ok(Some(1)), Err(Unready)]);
    assert_eq!((sent, other_rx.try_recv()), (Ok(()), Ok(2)));
}
