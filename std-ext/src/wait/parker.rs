//! How a thread sleeps, and is woken.

use std::cell::Cell;
use std::ops::Deref;
use std::sync::Arc;
use std::task::{Wake, Waker};
use std::time::Instant;

use super::party::Party;
use super::patience::spin_briefly;
use crate::sync::{self, AtomicBool, Mutex, NAP, Ordering, Thread};

/// How one thread sleeps.
#[derive(Debug)]
pub(crate) struct Parker {
    woken: AtomicBool,
    pub(super) thread: Thread,
    /// Whether another select may be met, being this thread: see [`Party`].
    pub(super) open: Mutex<bool>,
}

thread_local! {
    /// This thread's parker, while it is not asleep.
    static IDLE: Cell<Option<Arc<Parker>>> = const { Cell::new(None) };
}

impl Parker {
    /// This thread's parker, so that sleeping allocates nothing; another one if it is in
    /// use, since wakers and drops of items may wait themselves, or if the thread has
    /// already destroyed it.
    pub(crate) fn borrow() -> Borrowed {
        let idle = sync::REUSES_PARKERS.then(|| IDLE.try_with(Cell::take).ok());
        let parker = idle.flatten().flatten();
        Borrowed(Some(parker.unwrap_or_else(|| Arc::new(Self::new()))))
    }

    fn new() -> Self {
        Self {
            woken: AtomicBool::new(false),
            thread: Thread::current(),
            open: Mutex::new(false),
        }
    }

    /// Sleeps until woken; `false` if the deadline was first.
    pub(crate) fn park(&self, deadline: Option<Instant>) -> bool {
        // ORDERING: Relaxed; what happened is ordered by the event's lock, and
        // the unparking by park itself.
        while !self.woken.load(Ordering::Relaxed) {
            if !self.thread.park(deadline) {
                return false;
            }
        }
        true
    }

    /// As `park`, but first looks for a moment whether it need not sleep.
    pub(crate) fn rest(&self, deadline: Option<Instant>) -> bool {
        if sync::SPINS {
            // ORDERING: Relaxed, as in `park`.
            let mut woken = || self.woken.load(Ordering::Relaxed).then_some(());
            if spin_briefly(&mut woken).is_some() {
                return true;
            }
            sync::yield_now();
        }
        self.park(deadline)
    }

    /// As `park`, for a short time.
    pub(crate) fn nap(&self, deadline: Option<Instant>) -> bool {
        let end = Instant::now() + NAP;
        self.park(Some(deadline.map_or(end, |at| at.min(end))));
        deadline.is_none_or(|at| Instant::now() < at)
    }
}

impl Wake for Parker {
    fn wake(self: Arc<Self>) {
        // ORDERING: Relaxed, as in `park`.
        self.woken.store(true, Ordering::Relaxed);
        self.thread.unpark();
    }
}

/// A parker in use.
pub(crate) struct Borrowed(Option<Arc<Parker>>);

impl Borrowed {
    fn parker(&self) -> &Arc<Parker> {
        self.0.as_ref().expect("given back only when dropped")
    }

    /// For the next sleep. A wake-up for one before may still come: then the sleep ends
    /// early, and whoever sleeps looks again.
    pub(crate) fn waker(&self) -> Waker {
        self.forget_wake_up();
        Waker::from(self.parker().clone())
    }

    /// Before it looks for what it was woken for.
    pub(crate) fn forget_wake_up(&self) {
        // ORDERING: Relaxed; whoever wakes did under a lock what it wakes for, before this
        // thread looks under that lock, or finds there what comes after this.
        self.parker().woken.store(false, Ordering::Relaxed);
    }

    pub(crate) fn party(&self) -> Party {
        Party::of(self.parker())
    }
}

impl Deref for Borrowed {
    type Target = Parker;

    fn deref(&self) -> &Parker {
        self.parker()
    }
}

impl Drop for Borrowed {
    fn drop(&mut self) {
        if sync::REUSES_PARKERS {
            let parker = self.0.take();
            // Else the thread is about to end.
            let _ = IDLE.try_with(|idle| idle.set(parker));
        }
    }
}
