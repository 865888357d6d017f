//! A panic in user code: all queues are left, and wake-ups passed on.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::task::{Wake, Waker};
use std::thread;
use std::time::Duration;

use crate::event::Event;
use crate::select::case::{Case, End};
use crate::select::select;
use crate::wait::Patience;

/// Things to take, and who waits for them.
struct Things {
    event: Event,
    left: AtomicUsize,
    /// Whether the attempt to take one panics when there is one.
    panics: bool,
}

impl Things {
    fn new(panics: bool) -> Self {
        let (event, left) = (Event::new(), AtomicUsize::new(0));
        Self {
            event,
            left,
            panics,
        }
    }
}

struct Take<'a>(&'a Things, Patience);

impl<'a> End<'a> for Take<'a> {
    type Done = ();

    fn attempt(&mut self) -> Option<()> {
        let take = |left: usize| left.checked_sub(1);
        let taken = self.0.left.fetch_update(SeqCst, SeqCst, take).ok()?;
        assert!(!self.0.panics, "told to panic, with {taken}");
        Some(())
    }

    fn is_live(&self) -> bool {
        true
    }

    fn event(&self) -> &'a Event {
        &self.0.event
    }

    fn has_more(&self) -> bool {
        self.0.left.load(SeqCst) > 0
    }

    fn patience(&mut self) -> &mut Patience {
        &mut self.1
    }

    fn count_unready(&self) {}

    fn count_blocked(&self, _time: Duration) {}
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, SeqCst);
    }
}

/// A select sleeps and is woken for two things; another waits behind it.
fn woken_for_two(things: &Things, then: impl Fn() + Sync) {
    let others = Things::new(false);
    let woken = Arc::new(Woken(AtomicBool::new(false)));
    let queues_are_empty = || !things.event.is_waited_for() && !others.event.is_waited_for();
    thread::scope(|scope| {
        let sleeper = scope.spawn(|| {
            let then = |()| {
                assert!(queues_are_empty(), "it still waits");
                then();
            };
            let take = |things| Case::new(Take(things, Patience::default()), then);
            let mut cases = (take(&others), take(things));
            let panic = catch_unwind(AssertUnwindSafe(|| select(&mut cases).wait()));
            assert!(
                queues_are_empty(),
                "the cases are still there, but not in a select"
            );
            panic.unwrap_err()
        });
        while !things.event.is_waited_for() || !others.event.is_waited_for() {
            thread::yield_now();
        }
        let _ = things.event.register(Waker::from(woken.clone()));
        things.left.store(2, SeqCst);
        things.event.wake_one();
        let panic = sleeper.join().unwrap();
        let message = panic.downcast_ref::<String>().map(String::as_str);
        let message = message.or(panic.downcast_ref::<&str>().copied()).unwrap();
        assert!(message.starts_with("told to panic"), "{message}");
    });
    assert!(queues_are_empty() && woken.0.load(SeqCst));
}

#[test]
fn a_closure_panics_when_all_is_in_order() {
    woken_for_two(&Things::new(false), || panic!("told to panic"));
}

/// As a drop of an item in a channel, or another's waker, may.
#[test]
fn an_attempt_panics() {
    woken_for_two(&Things::new(true), || ());
}

/// What a waker's panic left in the case is not lost when it is selected again.
#[test]
fn a_waker_panics() {
    struct Bad;
    impl Wake for Bad {
        fn wake(self: Arc<Self>) {
            panic!("told to panic");
        }
    }
    let things = Things::new(false);
    thread::scope(|scope| {
        let sleeper = scope.spawn(|| {
            let mut case = Case::new(Take(&things, Patience::default()), |()| ());
            let woken = catch_unwind(AssertUnwindSafe(|| select(&mut case).wait()));
            things.left.store(0, SeqCst);
            (woken.is_err(), select(&mut case).now())
        });
        while !things.event.is_waited_for() {
            thread::yield_now();
        }
        let _ = things.event.register(Waker::from(Arc::new(Bad)));
        things.left.store(2, SeqCst);
        // Unless it has just looked again, and left.
        let here = catch_unwind(AssertUnwindSafe(|| things.event.wake_one())).is_err();
        let (panicked, next) = sleeper.join().unwrap();
        assert_eq!(panicked, !here);
        assert_eq!(next.is_ok(), panicked);
    });
}
