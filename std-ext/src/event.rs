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
//! fence or a heavy one, what was done before (edge `closed`). `word` is written under the
//! lock, so all writes to it are ordered by the lock.
//!
//! A waiter needs no fence of its own while `word` says that somebody waits: one that passed
//! after it began to say so separates each notifier into what it did before, which whoever
//! takes the lock later sees, and what it does since, after which it finds `word` written.
//! Who has waited often waits again soon, so `word` goes on to say so for a few looks after
//! the last one has gone; each of these takes the lock in vain.
//!
//! Not public API: visible to the models.

use std::collections::VecDeque;
use std::collections::vec_deque::IntoIter;
use std::task::Waker;

use crate::fence::Fence;
use crate::sync::{self, AtomicUsize, Mutex, Ordering, lock};

/// Who waits for one thing to happen.
#[derive(Debug)]
pub struct Event {
    /// Twice the number of waiters, or of one who is expected, plus one once it is closed.
    word: AtomicUsize,
    fence: Fence,
    waiters: Mutex<Waiters>,
}

#[derive(Debug)]
struct Waiters {
    closed: bool,
    /// Whether a heavy fence has passed since `word` began to say that somebody waits.
    fenced: bool,
    /// How often more it may be found to say so when nobody does.
    lingers: u32,
    next_key: u64,
    /// Keys ascend.
    queue: VecDeque<(u64, Waker)>,
}

impl Waiters {
    /// Where in the queue; `None` once it was chosen to be woken.
    fn find(&self, key: &Key) -> Option<usize> {
        self.queue
            .binary_search_by_key(&key.0, |&(other, _)| other)
            .ok()
    }

    /// Somebody came to wake one who waits: whether there was one.
    fn found(&mut self, somebody: bool) {
        if !somebody {
            self.lingers = self.lingers.saturating_sub(1);
        }
    }
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
                fenced: false,
                lingers: 0,
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
        waiters.lingers = sync::LINGERS;
        self.write_word(&mut waiters);
        let (key, fenced) = (Key(key), waiters.fenced);
        drop(waiters);
        let certain = fenced || self.fence.heavy();
        if certain && !fenced {
            let mut waiters = lock(&self.waiters);
            // Then somebody has been waiting since before the fence.
            waiters.fenced |= waiters.find(&key).is_some();
        }
        (key, certain)
    }

    /// Has `waker` woken from now on, and says whether that may still happen: `false`
    /// if the one before was chosen, as [`cancel`](Self::cancel) would say.
    #[must_use = "a wake-up may have come"]
    pub fn update(&self, key: &Key, waker: &Waker) -> bool {
        let waiters = lock(&self.waiters);
        match waiters.find(key) {
            None => return false,
            Some(at) if waiters.queue[at].1.will_wake(waker) => return true,
            Some(_) => drop(waiters),
        }
        // Cloned, and the one before dropped, outside the lock: it is code of others.
        let mut waker = waker.clone();
        let mut waiters = lock(&self.waiters);
        let at = waiters.find(key);
        if let Some(at) = at {
            std::mem::swap(&mut waiters.queue[at].1, &mut waker);
        }
        drop(waiters);
        at.is_some()
    }

    /// Whether it was chosen to be woken, as [`cancel`](Self::cancel) would say.
    pub(crate) fn is_woken(&self, key: &Key) -> bool {
        lock(&self.waiters).find(key).is_none()
    }

    /// Leaves the queue, and says whether it was woken meanwhile. Then the
    /// wake-up is its own: it looks again, and passes it on by
    /// [`wake_one`](Self::wake_one) before it stops waiting.
    #[must_use = "a wake-up may have to be passed on"]
    pub fn cancel(&self, key: Key) -> bool {
        let mut waiters = lock(&self.waiters);
        let at = waiters.find(&key);
        let waker = at.and_then(|at| waiters.queue.remove(at));
        self.write_word(&mut waiters);
        drop(waiters);
        waker.is_none()
    }

    /// After it happened: whether there may be anybody to wake. For the hot path.
    #[inline(always)]
    #[track_caller]
    pub fn has_waiters(&self) -> bool {
        self.glance() > CLOSED
    }

    /// After it happened: whether there may be anybody to wake, or the event is
    /// closed. For the hot path.
    #[inline(always)]
    #[track_caller]
    pub fn wants_attention(&self) -> bool {
        self.glance() != 0
    }

    #[inline(always)]
    #[track_caller]
    fn glance(&self) -> usize {
        self.fence.light();
        // ORDERING: Relaxed; ordered after what happened by the light fence,
        // against the heavy one in `register` and `close` (edge `dekker`).
        self.word.load(Ordering::Relaxed)
    }

    /// Wakes the waiter that has waited longest, outside the lock.
    #[cold]
    #[track_caller]
    pub fn wake_one(&self) {
        let mut waiters = lock(&self.waiters);
        let first = waiters.queue.pop_front();
        waiters.found(first.is_some());
        self.write_word(&mut waiters);
        drop(waiters);
        if let Some((_, waker)) = first {
            sync::wake(waker);
        }
    }

    /// Wakes all who wait, as [`wake_one`](Self::wake_one) does the first. If a waker
    /// panics, the others are woken nevertheless.
    #[cold]
    #[track_caller]
    pub fn wake_all(&self) {
        let mut waiters = lock(&self.waiters);
        let queue = std::mem::take(&mut waiters.queue);
        waiters.found(!queue.is_empty());
        self.write_word(&mut waiters);
        drop(waiters);
        Chosen(queue.into_iter()).wake_all();
    }

    /// Wakes all who wait, now and for ever: who looks again after registering
    /// sees [`is_closed`](Self::is_closed). Says whether it was open. If a waker panics,
    /// the others are woken nevertheless.
    #[cold]
    pub fn close(&self) -> bool {
        let mut waiters = lock(&self.waiters);
        let was_open = !waiters.closed;
        waiters.closed = true;
        let queue = std::mem::take(&mut waiters.queue);
        self.write_word(&mut waiters);
        drop(waiters);
        self.settle();
        Chosen(queue.into_iter()).wake_all();
        was_open
    }

    /// After [`is_closed`](Self::is_closed): whoever makes it happen sees it closed, or
    /// what they did is seen here from now on (edges `dekker` and `closed`).
    #[track_caller]
    pub fn settle(&self) {
        if !self.fence.heavy() {
            // Nothing was ordered. What a notifier had in flight arrives within
            // microseconds on any hardware; no promise can be had here.
            sync::nap();
        }
    }

    /// Whether [`close`](Self::close) was called. What its caller did before is
    /// visible only after an Acquire fence.
    #[inline(always)]
    pub fn is_closed(&self) -> bool {
        // ORDERING: Relaxed; a late answer is one from before.
        self.word.load(Ordering::Relaxed) & CLOSED != 0
    }

    #[cfg(test)]
    pub(crate) fn is_waited_for(&self) -> bool {
        !lock(&self.waiters).queue.is_empty()
    }

    fn write_word(&self, waiters: &mut Waiters) {
        // Nobody waits for what is closed.
        let expected = usize::from(waiters.lingers > 0 && !waiters.closed);
        let waiting = waiters.queue.len().max(expected);
        waiters.fenced &= waiting > 0;
        let word = 2 * waiting + usize::from(waiters.closed);
        // ORDERING: Release, edge `closed` from here to the Acquire fence of
        // whoever has seen `is_closed`.
        self.word.store(word, Ordering::Release);
    }
}

/// Waiters that have been taken out of the queue. If a waker panics, the others are
/// woken while unwinding.
struct Chosen(IntoIter<(u64, Waker)>);

impl Chosen {
    #[track_caller]
    fn wake_all(&mut self) {
        for (_, waker) in self.0.by_ref() {
            sync::wake(waker);
        }
    }
}

impl Drop for Chosen {
    fn drop(&mut self) {
        self.wake_all();
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
    use std::thread;
    use std::time::{Duration, Instant};

    use super::*;
    use crate::fence::REFUSED;
    use crate::wait::{Patience, wait};

    /// It expects who has just waited, but not for ever; who comes in that time needs no
    /// fence.
    #[test]
    fn it_lingers_after_the_last_waiter() {
        let event = Event::with_fence(Fence::asymmetric());
        let wait = || {
            let (key, certain) = event.register(Waker::noop().clone());
            assert!(!event.cancel(key));
            certain
        };
        assert!(!event.has_waiters());
        assert!(wait());
        REFUSED.set(true);
        for _ in 0..sync::LINGERS {
            assert!(event.has_waiters());
            assert!(wait(), "the fence of the first one is good for it");
            event.wake_one();
        }
        REFUSED.set(false);
        (1..sync::LINGERS).for_each(|_| event.wake_one());
        assert!(!event.has_waiters());
        REFUSED.set(true);
        assert!(!wait(), "it needed a fence");
        REFUSED.set(false);
    }

    /// Whoever is woken and finds nothing sleeps again, and wakes nobody.
    #[test]
    fn idle_waiters_do_not_wake_each_other() {
        let event = Event::new();
        let happened = AtomicBool::new(false);
        let (event, happened) = (&event, &happened);
        let until = |reached: fn(&Waiters) -> bool| {
            while !reached(&lock(&event.waiters)) {
                thread::yield_now();
            }
        };
        thread::scope(|scope| {
            let look = || happened.load(Relaxed).then_some(());
            for _ in 0..2 {
                scope.spawn(move || wait(event, &mut Patience::default(), None, look, || true));
            }
            until(|waiters| waiters.queue.len() == 2);
            event.wake_one();
            until(|waiters| waiters.next_key > 2);
            let waiters = lock(&event.waiters);
            let (keys, left) = (waiters.next_key, waiters.queue.len());
            drop(waiters);
            happened.store(true, Relaxed);
            event.close();
            assert_eq!((keys, left), (3, 2));
        });
    }

    /// Whoever panics when woken leaves the wake-up to the next.
    #[test]
    fn a_waiter_that_panics_passes_on() {
        let (event, happened) = (&Event::new(), &AtomicBool::new(false));
        let queued = |n| {
            while lock(&event.waiters).queue.len() < n {
                thread::yield_now();
            }
        };
        thread::scope(|scope| {
            let fails = scope.spawn(|| {
                wait(
                    event,
                    &mut Patience::default(),
                    None,
                    || {
                        assert!(!happened.load(Relaxed), "told to panic");
                        None::<()>
                    },
                    || true,
                )
            });
            queued(1);
            let look = || happened.load(Relaxed).then_some(());
            let second =
                scope.spawn(move || wait(event, &mut Patience::default(), None, look, || true));
            queued(2);
            happened.store(true, Relaxed);
            event.wake_one();
            assert!(fails.join().is_err());
            assert_eq!(second.join().unwrap(), Some(()));
        });
    }

    /// Leaves a parker behind.
    fn sleep_in_vain() {
        let soon = Some(Instant::now() + Duration::from_millis(1));
        let look = || None::<()>;
        wait(&Event::new(), &mut Patience::default(), soon, look, || true);
    }

    /// A wake-up that comes after its wait is over ends a later sleep of that thread
    /// early, and no more.
    #[test]
    fn a_late_wake_up_does_no_harm() {
        let (event, happened) = (&Event::new(), &AtomicBool::new(false));
        let until = |reached: &dyn Fn(&Waiters) -> bool| {
            while !reached(&lock(&event.waiters)) {
                thread::yield_now();
            }
        };
        let look = || happened.swap(false, Relaxed).then_some(());
        thread::scope(|scope| {
            let waiter = scope.spawn(move || {
                for _ in 0..2 {
                    wait(event, &mut Patience::default(), None, look, || true).unwrap();
                }
            });
            until(&|waiters| waiters.queue.len() == 1);
            let late = lock(&event.waiters).queue[0].1.clone();
            happened.store(true, Relaxed);
            event.wake_one();
            until(&|waiters| waiters.next_key > 1 && waiters.queue.len() == 1);
            let keys = lock(&event.waiters).next_key;
            late.wake();
            // It looked again, found nothing, and sleeps.
            until(&|waiters| waiters.next_key > keys && waiters.queue.len() == 1);
            assert!(!waiter.is_finished());
            happened.store(true, Relaxed);
            event.wake_one();
        });
    }

    /// What is tried while waiting may itself wait, for something else, and does not use
    /// up the wake-up.
    #[test]
    fn waits_may_be_nested() {
        let (outer, inner) = (&Event::new(), &Event::new());
        let flags = [const { AtomicBool::new(false) }; 3];
        let [happened, inside, woken] = &flags;
        let until = |flag: &AtomicBool| {
            while !flag.load(Relaxed) {
                thread::yield_now();
            }
        };
        thread::scope(|scope| {
            scope.spawn(move || {
                let nested = || {
                    inside.store(true, Relaxed);
                    until(woken);
                    let look = || inner.is_waited_for().then_some(());
                    wait(inner, &mut Patience::default(), None, look, || true);
                };
                let look = || {
                    if outer.is_waited_for() && !inside.load(Relaxed) {
                        nested();
                        return None;
                    }
                    happened.load(Relaxed).then_some(())
                };
                sleep_in_vain();
                wait(outer, &mut Patience::default(), None, look, || true).unwrap();
            });
            until(inside);
            happened.store(true, Relaxed);
            outer.wake_one();
            woken.store(true, Relaxed);
        });
    }

    /// A thread that is about to end may wait.
    #[test]
    fn a_thread_may_wait_to_its_end() {
        struct Last(Arc<Event>);
        impl Drop for Last {
            fn drop(&mut self) {
                let look = || self.0.is_closed().then_some(());
                wait(&self.0, &mut Patience::default(), None, look, || true);
            }
        }
        thread_local! {
            static LAST: RefCell<Option<Last>> = const { RefCell::new(None) };
        }
        for parker_first in [true, false] {
            let event = Arc::new(Event::new());
            let last = event.clone();
            let ends = thread::spawn(move || {
                if parker_first {
                    sleep_in_vain();
                }
                LAST.set(Some(Last(last)));
                sleep_in_vain();
            });
            while !event.is_waited_for() {
                thread::yield_now();
            }
            event.close();
            ends.join().unwrap();
        }
    }
}
