//! The only file of this crate that knows loom and the operating system.
//!
//! Atomics are those of the core's facade. Beside them: locks, threads that
//! park, and what the platform has of an asymmetric fence.

pub(crate) use ringfence_core::sync::{
    AtomicBool, AtomicU64, AtomicUsize, Ordering, Padded, compiler_fence, fence,
};

/// Whether stages of pipelines are metered. Without is for `benches/metering`, which shows what
/// it costs.
pub(crate) const METERED: bool = cfg!(not(ringfence_unmetered));

#[cfg(not(ringfence_loom))]
pub(crate) use native::*;

#[cfg(ringfence_loom)]
pub(crate) use modelled::*;

/// Locks, whatever happened to the last holder: nothing under our locks can
/// panic halfway.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[cfg(not(ringfence_loom))]
mod native {
    pub(crate) use std::sync::{Arc, Mutex, MutexGuard};
    use std::task::Waker;
    pub(crate) use std::thread::JoinHandle;
    use std::time::{Duration, Instant};

    /// A thread that can sleep.
    #[derive(Debug)]
    pub(crate) struct Thread(std::thread::Thread);

    impl Thread {
        pub(crate) fn current() -> Self {
            Self(std::thread::current())
        }

        /// Lets the thread's current or next sleep end.
        pub(crate) fn unpark(&self) {
            self.0.unpark();
        }

        /// Another number for each while it stays where it is.
        pub(crate) fn number(&self) -> usize {
            std::ptr::from_ref(self).addr()
        }

        /// Sleeps, being this thread, until unparked or the deadline, or for no
        /// reason. Says whether there was time left.
        #[allow(clippy::unused_self, reason = "the models need it")]
        pub(crate) fn park(&self, deadline: Option<Instant>) -> bool {
            let Some(deadline) = deadline else {
                std::thread::park();
                return true;
            };
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            std::thread::park_timeout(left);
            true
        }
    }

    pub(crate) fn wake(waker: Waker) {
        waker.wake();
    }

    /// Tells whoever has what is not here that somebody came for it. Under a lock.
    pub(crate) fn leave_word(word: &mut bool) {
        *word = true;
    }

    /// A new thread.
    pub(crate) fn spawn(
        name: String,
        work: impl FnOnce() + Send + 'static,
    ) -> std::io::Result<JoinHandle<()>> {
        std::thread::Builder::new().name(name).spawn(work)
    }

    /// Where wake-ups are not certain, look again this often.
    pub(crate) const NAP: Duration = Duration::from_millis(1);

    pub(crate) fn nap() {
        std::thread::sleep(NAP);
    }

    pub(crate) fn is_over(deadline: Instant) -> bool {
        Instant::now() >= deadline
    }

    /// Lets another thread run that waits for this CPU.
    pub(crate) fn yield_now() {
        std::thread::yield_now();
    }

    /// Whether it makes sense to look again and again.
    pub(crate) const SPINS: bool = true;

    /// How often an event says that somebody waits after the last one has gone.
    pub(crate) const LINGERS: u32 = 2;

    /// Whether a thread may sleep by the same means as before.
    pub(crate) const REUSES_PARKERS: bool = true;

    /// A number that nobody can foresee, nor should rely on.
    pub(crate) fn random() -> u64 {
        fastrand::u64(..)
    }

    /// Asks for the right to use [`membarrier`], and says whether it works.
    #[cfg(all(target_os = "linux", not(miri)))]
    pub(crate) fn register_membarrier() -> bool {
        use rustix::thread::{MembarrierCommand, membarrier_query};
        // Where the query itself is refused, it says that nothing is supported.
        membarrier_query().contains_command(MembarrierCommand::PrivateExpedited)
            && rustix::thread::membarrier(MembarrierCommand::RegisterPrivateExpedited).is_ok()
            && membarrier()
    }

    /// A full barrier on every thread of this process, now. Says whether the
    /// kernel did it.
    #[cfg(all(target_os = "linux", not(miri)))]
    pub(crate) fn membarrier() -> bool {
        use rustix::thread::MembarrierCommand;
        rustix::thread::membarrier(MembarrierCommand::PrivateExpedited).is_ok()
    }

    #[cfg(not(all(target_os = "linux", not(miri))))]
    pub(crate) fn register_membarrier() -> bool {
        false
    }

    #[cfg(not(all(target_os = "linux", not(miri))))]
    pub(crate) fn membarrier() -> bool {
        false
    }
}

#[cfg(ringfence_loom)]
mod modelled {
    use loom::sync::Condvar;
    pub(crate) use loom::sync::{Arc, Mutex, MutexGuard};
    pub(crate) use loom::thread::JoinHandle;
    use ringfence_core::sync::weaken;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Waker;
    use std::time::{Duration, Instant};

    static NEXT: AtomicUsize = AtomicUsize::new(0);

    /// A thread that can sleep. Not by loom's `park`: its `unpark` orders what
    /// came before it even if nobody parks, and must not meet a thread in `join`.
    #[derive(Debug)]
    pub(crate) struct Thread {
        token: Mutex<bool>,
        given: Condvar,
        number: usize,
    }

    impl Thread {
        pub(crate) fn current() -> Self {
            Self {
                token: Mutex::new(false),
                given: Condvar::new(),
                number: NEXT.fetch_add(1, Ordering::Relaxed),
            }
        }

        /// Addresses are not the same in each iteration, as loom demands.
        pub(crate) fn number(&self) -> usize {
            self.number
        }

        pub(crate) fn unpark(&self) {
            *super::lock(&self.token) = true;
            self.given.notify_one();
        }

        /// loom has no time: a deadline is always over.
        pub(crate) fn park(&self, deadline: Option<Instant>) -> bool {
            if deadline.is_some() {
                return false;
            }
            let mut token = super::lock(&self.token);
            while !*token {
                token = self.given.wait(token).expect("nothing panics under it");
            }
            *token = false;
            true
        }
    }

    #[track_caller]
    pub(crate) fn wake(waker: Waker) {
        if !weaken::left_out() {
            waker.wake();
        }
    }

    #[track_caller]
    pub(crate) fn leave_word(word: &mut bool) {
        *word |= !weaken::left_out();
    }

    pub(crate) fn spawn(
        _name: String,
        work: impl FnOnce() + Send + 'static,
    ) -> std::io::Result<JoinHandle<()>> {
        Ok(loom::thread::spawn(work))
    }

    pub(crate) const NAP: Duration = Duration::ZERO;

    pub(crate) fn nap() {}

    /// Not before it has slept: that is what the models are about.
    pub(crate) fn is_over(_deadline: Instant) -> bool {
        false
    }

    /// As for loom, threads are interrupted anywhere.
    pub(crate) fn yield_now() {}

    /// Spinning only adds iterations.
    pub(crate) const SPINS: bool = false;

    /// Enough that somebody may come to wait meanwhile.
    pub(crate) const LINGERS: u32 = 1;

    /// What loom knows of must not outlive an iteration.
    pub(crate) const REUSES_PARKERS: bool = false;

    /// The same in each iteration, as loom demands.
    pub(crate) fn random() -> u64 {
        0
    }

    pub(crate) fn register_membarrier() -> bool {
        false
    }

    pub(crate) fn membarrier() -> bool {
        false
    }
}
