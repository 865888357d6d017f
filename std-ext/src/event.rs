//! Waiting for something to happen, at no cost to those who make it happen
//! while nobody waits: an eventcount.
//!
//! ```text
//! waiter                              notifier
//! 1. register: write `word`           1. make it happen: publish or free
//! 2. heavy fence                      2. light fence
//! 3. look again whether it happened   3. read `word`; wake who is there
//! 4. sleep
//! ```
//!
//! By the fences, either the notifier sees the waiter or the waiter sees what
//! happened (edge `dekker`). Whoever sees the event closed sees, after an Acquire
//! fence, what was done before (edge `closed`). What `word` counts is the queue under the lock, so
//! all writes to it are ordered by the lock.
//!
//! Not public API: visible to the models.

use std::collections::VecDeque;
use std::task::Waker;

use crate::fence::Fence;
use crate::sync::{self, AtomicUsize, Mutex, Ordering, lock};

/// Who waits for one thing to happen.
#[derive(Debug)]
pub struct Event {
    /// Twice the number of waiters, plus one once it is closed.
    word: AtomicUsize,
    fence: Fence,
    waiters: Mutex<Waiters>,
}

#[derive(Debug)]
struct Waiters {
    closed: bool,
    next_key: u64,
    queue: VecDeque<(u64, Waker)>,
}

/// What a waiter is known by.
#[derive(Debug)]
pub struct Key(u64);

const CLOSED: usize = 1;

impl Event {
    /// With the best fence that there is.
    #[expect(clippy::new_without_default, reason = "asks the kernel")]
    pub fn new() -> Self {
        Self::with_fence(Fence::new())
    }

    pub(crate) fn with_fence(fence: Fence) -> Self {
        Self {
            word: AtomicUsize::new(0),
            fence,
            waiters: Mutex::new(Waiters {
                closed: false,
                next_key: 0,
                queue: VecDeque::with_capacity(1),
            }),
        }
    }

    /// Puts `waker` at the end of the queue. Says also whether a wake-up will
    /// come for certain: if not, wait for a short time only.
    ///
    /// The caller must look again whether it happened before it sleeps.
    pub fn register(&self, waker: Waker) -> (Key, bool) {
        let mut waiters = lock(&self.waiters);
        let key = waiters.next_key;
        waiters.next_key += 1;
        waiters.queue.push_back((key, waker));
        self.write_word(&waiters);
        drop(waiters);
        let certain = self.fence.heavy();
        (Key(key), certain)
    }

    /// Leaves the queue. Whoever was woken meanwhile passes it on, since it may
    /// be another's: to be called in any case, woken or not.
    pub fn cancel(&self, key: Key) {
        let mut waiters = lock(&self.waiters);
        let at = waiters.queue.iter().position(|&(other, _)| other == key.0);
        let Some(at) = at else {
            drop(waiters);
            return self.wake_one();
        };
        let waker = waiters.queue.remove(at);
        self.write_word(&waiters);
        drop(waiters);
        drop(waker);
    }

    /// After it happened: whether there is anybody to wake, or the event is
    /// closed. For the hot path.
    #[inline(always)]
    #[track_caller]
    pub fn wants_attention(&self) -> bool {
        self.fence.light();
        // ORDERING: Relaxed; ordered after what happened by the light fence,
        // against the heavy one in `register` and `close` (edge `dekker`).
        self.word.load(Ordering::Relaxed) != 0
    }

    /// Wakes the waiter that has waited longest, outside the lock.
    #[cold]
    #[track_caller]
    pub fn wake_one(&self) {
        let mut waiters = lock(&self.waiters);
        let first = waiters.queue.pop_front();
        self.write_word(&waiters);
        drop(waiters);
        if let Some((_, waker)) = first {
            sync::wake(waker);
        }
    }

    /// Wakes all who wait, now and for ever: who looks again after registering
    /// sees [`is_closed`](Self::is_closed). Says whether it was open.
    #[cold]
    pub fn close(&self) -> bool {
        let mut waiters = lock(&self.waiters);
        let was_open = !waiters.closed;
        waiters.closed = true;
        let queue = std::mem::take(&mut waiters.queue);
        self.write_word(&waiters);
        drop(waiters);
        self.fence.heavy();
        queue.into_iter().for_each(|(_, waker)| sync::wake(waker));
        was_open
    }

    /// Whether [`close`](Self::close) was called. What its caller did before is
    /// visible only after an Acquire fence.
    #[inline(always)]
    pub fn is_closed(&self) -> bool {
        // ORDERING: Relaxed; a late answer is one from before.
        self.word.load(Ordering::Relaxed) & CLOSED != 0
    }

    fn write_word(&self, waiters: &Waiters) {
        let word = 2 * waiters.queue.len() + usize::from(waiters.closed);
        // ORDERING: Release, edge `closed` from here to the Acquire fence of
        // whoever has seen `is_closed`.
        self.word.store(word, Ordering::Release);
    }
}
