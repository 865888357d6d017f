//! A fence of which one side is nearly free.
//!
//! Two threads each write a word and then read the other's. At least one of
//! them must see what the other wrote, and that takes a fence between the write
//! and the read on *both* sides. Here one side runs for every item and the other
//! only on the way to sleep, so the fence is split: the hot side only keeps the
//! compiler from reordering ([`light`](Fence::light)), and the other side asks
//! the kernel for a barrier on all threads of the process
//! ([`heavy`](Fence::heavy), Linux's `membarrier`, after Dice, Huang and Yang,
//! "Asymmetric Dekker Synchronization", 2001). Where the kernel or a sandbox
//! has none, both are ordinary SeqCst fences.

use std::sync::OnceLock;

use crate::sync::{self, Ordering, compiler_fence, fence};

/// Which of the two kinds this process uses: always the same.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fence {
    asymmetric: bool,
}

impl Fence {
    /// Probes the kernel the first time.
    pub(crate) fn new() -> Self {
        static ASYMMETRIC: OnceLock<bool> = OnceLock::new();
        Self {
            asymmetric: *ASYMMETRIC.get_or_init(sync::register_membarrier),
        }
    }

    /// SeqCst fences on both sides, whatever the kernel has.
    #[cfg(test)]
    pub(crate) fn symmetric() -> Self {
        Self { asymmetric: false }
    }

    /// As on a kernel that has `membarrier`.
    #[cfg(test)]
    pub(crate) fn asymmetric() -> Self {
        Self { asymmetric: true }
    }

    /// The hot side.
    #[inline(always)]
    #[track_caller]
    pub(crate) fn light(self) {
        if self.asymmetric {
            // ORDERING: edge `dekker` from here, to the kernel's barrier in `heavy`.
            compiler_fence(Ordering::SeqCst);
        } else {
            // ORDERING: SeqCst, edge `dekker` from here, to the same in `heavy`.
            fence(Ordering::SeqCst);
        }
    }

    /// The side about to sleep. `false` if the kernel, having agreed at first,
    /// now refuses: then nothing was ordered, and the caller must not rely on
    /// being woken.
    #[cold]
    #[track_caller]
    pub(crate) fn heavy(self) -> bool {
        // ORDERING: SeqCst, edge `dekker` to here, and Acquire, edge `closed` to here.
        fence(Ordering::SeqCst);
        !self.asymmetric || barrier()
    }
}

fn barrier() -> bool {
    #[cfg(test)]
    if REFUSED.get() {
        return false;
    }
    sync::membarrier()
}

#[cfg(test)]
thread_local! {
    /// Whether this thread is refused the barrier from now on.
    pub(crate) static REFUSED: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}
