//! A place for the one task that waits, which one other party wakes.
//!
//! The waiting side registers a waker, and looks again at what it waits for; the waking
//! side makes that visible, and wakes. Both do so by loads and stores alone, and neither
//! ever waits for the other, at whatever instruction that one was interrupted, perhaps by
//! the caller itself: **wait-free**, and the same on targets without compare-and-swap. An
//! interrupt handler may be on either side. The waking side only calls `wake_by_ref`;
//! wakers are cloned and dropped by the waiting side.
//!
//! There are two slots for wakers, since one may be in use when the next comes. Two words
//! say which is which, each stored by one side alone:
//!
//! ```text
//! armed, by the waiting side   0: nobody waits   s: the waker in slot s is to be woken
//! held, by the waking side     0: no slot        s: slot s is in use
//!                                        s + WOKEN: slot s was woken last, and is not in use
//! ```
//!
//! * register: disarm (store 0, fence, look at `held`). Write the waker to the slot that
//!   `held` does not name, arm that, fence. The caller now looks again.
//! * wake: fence. If a slot is armed that has not been woken, hold it, fence, and look at
//!   `armed` again. If that has changed, its owner has come by since, and looks, or has
//!   looked, after the first fence. If not, wake, and let go.
//!
//! Hold and look again is what hazard pointers do (Michael, 2004), with one reader and
//! one writer.
//!
//! # Invariants
//!
//! * K1: one party at a time waits, one at a time wakes.
//! * K2: the waking side touches a slot only while it holds it, and has seen it armed
//!   since.
//! * K3: the waiting side changes a slot only when it is not armed, and was not held when
//!   looked at since.
//!
//! # Edges
//!
//! * `missed`: of two fences, one on each side, one is first: either the waiting side
//!   sees what happened, or the waking side sees who waits.
//! * `held`: likewise, either the waiting side sees that a slot is held, or the waking
//!   side sees that it is not armed.
//! * `armed`: the waker is written before it is woken.
//! * `woken`: the waker is woken before its slot changes.

use core::cell::UnsafeCell;
use core::fmt;
use core::panic::RefUnwindSafe;
use core::task::Waker;

use crate::sync::{AtomicU8, Ordering, Watch, const_unless_loom, full_fence};

/// Which slot, in either word.
const SLOT: u8 = 0b011;
/// In `held`.
const WOKEN: u8 = 0b100;

/// A place for the waker of one task. All zeros at first.
pub struct Waiter {
    armed: AtomicU8,
    held: AtomicU8,
    /// Slots 1 and 2.
    slots: [UnsafeCell<Option<Waker>>; 2],
    watch: Watch,
}

// SAFETY: by K2 and K3 no slot is changed while the other side touches it; wakers
// go everywhere.
unsafe impl Sync for Waiter {}
// A waker that panics leaves nothing half done.
impl RefUnwindSafe for Waiter {}

impl Waiter {
    const_unless_loom! {
        pub(crate) const fn new() -> Self {
            Self {
                armed: AtomicU8::new(0),
                held: AtomicU8::new(0),
                slots: [const { UnsafeCell::new(None) }; 2],
                watch: Watch::new(2),
            }
        }
    }

    /// Lets `waker` be woken by whatever happens from now on. What has happened before
    /// is seen by who looks after this.
    ///
    /// # Safety
    /// By the waiting side (K1).
    pub(crate) unsafe fn register(&self, waker: &Waker) {
        // ORDERING: Relaxed; our own word.
        let armed = self.armed.load(Ordering::Relaxed);
        // ORDERING: Relaxed; who polls again since it was woken sees at least that wake.
        let held = self.held.load(Ordering::Relaxed);
        let same = |held: &Waker| held.will_wake(waker);
        // SAFETY: only we change slots (K1).
        if armed != 0 && held & SLOT != armed && unsafe { self.is_some_and(armed, same) } {
            return;
        }
        let waker = waker.clone();
        // SAFETY: as the caller says.
        let held = unsafe { self.withdraw() };
        let free = if held & SLOT == 1 { 2 } else { 1 };
        // SAFETY: neither armed nor held, as `withdraw` has seen (K3).
        unsafe { self.replace(free, Some(waker)) };
        // ORDERING: Release, edge `armed` from here to `wake_armed`.
        self.armed.store(free, Ordering::Release);
        // ORDERING: edge `missed` with the fence in `wake`.
        full_fence();
    }

    /// Lets nobody be woken any more, and drops all wakers but one that is being woken at
    /// this very time. Returns what is held.
    ///
    /// # Safety
    /// By the waiting side (K1).
    pub(crate) unsafe fn withdraw(&self) -> u8 {
        if self.armed.load(Ordering::Relaxed) != 0 {
            // ORDERING: Relaxed, before a fence.
            self.armed.store(0, Ordering::Relaxed);
            // ORDERING: edge `held` with the fence in `wake_armed`.
            full_fence();
        }
        // ORDERING: Acquire, edge `woken` from `wake_armed` to here. In a later call than
        // that with the fence, it sees no less than was seen then.
        let held = self.held.load(Ordering::Acquire);
        for slot in [1, 2] {
            if slot != held {
                // SAFETY: neither armed nor held (K3).
                unsafe { self.replace(slot, None) };
            }
        }
        held
    }

    /// Wakes who waits, unless that has been done. It is for what happened before.
    ///
    /// # Safety
    /// By the waking side (K1).
    #[inline(always)]
    pub(crate) unsafe fn wake(&self) {
        // ORDERING: edge `missed` with the fence in `register`.
        full_fence();
        // ORDERING: Relaxed; of use only if it is seen again after another fence.
        let armed = self.armed.load(Ordering::Relaxed);
        // ORDERING: Relaxed; our own word.
        if armed != 0 && self.held.load(Ordering::Relaxed) != armed | WOKEN {
            // SAFETY: as the caller says.
            unsafe { self.wake_armed(armed) }
        }
    }

    /// # Safety
    /// By the waking side (K1).
    #[cold]
    unsafe fn wake_armed(&self, armed: u8) {
        // ORDERING: Relaxed, before a fence. The fence in `wake` keeps what was woken
        // earlier before this.
        self.held.store(armed, Ordering::Relaxed);
        // ORDERING: edge `held` with the fence in `withdraw`.
        full_fence();
        // ORDERING: Acquire, edge `armed` from `register` to here.
        if self.armed.load(Ordering::Acquire) != armed {
            // ORDERING: Relaxed; no slot was touched.
            self.held.store(0, Ordering::Relaxed);
            return;
        }
        // If it panics, the slot stays held, and so unchanged, until the next wake.
        let wake = |waker: &Waker| {
            waker.wake_by_ref();
            true
        };
        // SAFETY: held, and seen armed since (K2), so unchanged (K3).
        unsafe { self.is_some_and(armed, wake) };
        // ORDERING: Release, edge `woken` from here to `withdraw`.
        self.held.store(armed | WOKEN, Ordering::Release);
    }

    /// Whether there is a waker in a slot of which `look` says so.
    ///
    /// # Safety
    /// Nobody changes the slot meanwhile.
    unsafe fn is_some_and(&self, slot: u8, look: impl FnOnce(&Waker) -> bool) -> bool {
        let index = usize::from(slot == 2);
        self.watch.with(index, || {
            // SAFETY: as the caller says.
            unsafe { &*self.slots[index].get() }
                .as_ref()
                .is_some_and(look)
        })
    }

    /// # Safety
    /// The slot is neither armed nor held (K3).
    unsafe fn replace(&self, slot: u8, waker: Option<Waker>) {
        let index = usize::from(slot == 2);
        let old = self.watch.with_mut(index, || {
            // SAFETY: nobody else touches it, by K2.
            core::mem::replace(unsafe { &mut *self.slots[index].get() }, waker)
        });
        // The last of all, since it is user code.
        drop(old);
    }
}

impl fmt::Debug for Waiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // ORDERING: Relaxed; for people.
        let waits = self.armed.load(Ordering::Relaxed) != 0;
        f.debug_struct("Waiter").field("waits", &waits).finish()
    }
}
