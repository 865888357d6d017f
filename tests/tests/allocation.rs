//! Constructors when the allocator has no memory, at each of their allocations; and what
//! allocates nothing.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use ringfence::select::{Unready, recv, select, send};
use ringfence::spsc::try_with_capacity;
use ringfence::{CapacityError, channel};

/// The system's allocator, which fails when this thread has told it to.
struct Failing;

thread_local! {
    /// How many allocations still succeed.
    static LEFT: Cell<usize> = const { Cell::new(usize::MAX) };
    /// Bytes allocated and not freed by this thread.
    static BYTES: Cell<isize> = const { Cell::new(0) };
    /// Allocations of this thread.
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: the system's allocator, or null, which says that there is no memory.
unsafe impl GlobalAlloc for Failing {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let left = LEFT.get();
        if left == 0 {
            return std::ptr::null_mut();
        }
        LEFT.set(left - 1);
        COUNT.set(COUNT.get() + 1);
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

/// How often this thread allocates in all of many runs but the first, which may set
/// something up.
fn in_steady_state(mut run: impl FnMut()) -> usize {
    run();
    let before = COUNT.get();
    (0..9).for_each(|_| run());
    COUNT.get() - before
}

#[test]
fn a_thread_that_sleeps_allocates_nothing() {
    let soon = Duration::from_millis(1);
    let (mut tx, mut rx) = channel::<u64>(1).mpmc().build();
    let receives = || assert!(rx.recv_timeout(soon).is_err());
    assert_eq!(in_steady_state(receives), 0);
    tx.try_send(1).unwrap();
    let sends = || assert!(tx.send_timeout(2, soon).is_err());
    assert_eq!(in_steady_state(sends), 0);
}

#[test]
fn a_select_that_could_be_met_allocates_nothing() {
    let (mut tx, mut rx) = ringfence::bounded::<u64>(0);
    let mut slot = Some(1);
    let waits = || {
        let cases = (send(&mut tx, &mut slot, drop), recv(&mut rx, drop));
        let done = select(cases).wait_timeout(Duration::from_millis(1));
        assert_eq!(done, Err(Unready));
    };
    assert_eq!(in_steady_state(waits), 0);
}

#[test]
fn a_future_allocates_nothing() {
    struct Nobody;
    impl Wake for Nobody {
        fn wake(self: Arc<Self>) {}
    }
    let waker = Waker::from(Arc::new(Nobody));
    let mut context = Context::from_waker(&waker);
    let (mut tx, mut rx) = channel::<u64>(1).mpmc().build();
    let mut buffer = Vec::with_capacity(1);
    let waits = || {
        let mut receiving = rx.recv_async();
        assert!(Pin::new(&mut receiving).poll(&mut context).is_pending());
        assert!(
            Pin::new(&mut tx.send_async(1))
                .poll(&mut context)
                .is_ready()
        );
        let mut sending = tx.send_async(2);
        assert!(Pin::new(&mut sending).poll(&mut context).is_pending());
        assert!(Pin::new(&mut receiving).poll(&mut context).is_ready());
        drop(receiving);
        assert!(Pin::new(&mut sending).poll(&mut context).is_ready());
        drop(sending);
        buffer.clear();
        let mut receiving = rx.recv_many_async(&mut buffer, 1);
        assert!(Pin::new(&mut receiving).poll(&mut context).is_ready());
    };
    assert_eq!(in_steady_state(waits), 0);
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
