//! How a thread waits: it tries for some microseconds, then sleeps. How a future waits:
//! it keeps a place in the queue, and is polled again.
//!
//! Not public API: visible to the models.

pub(crate) mod many;
pub(crate) mod order;
mod parker;
mod party;
mod patience;
mod place;

use std::future::poll_fn;
use std::task::{Poll, Waker};
use std::time::Instant;

use self::parker::Parker;
pub use self::party::Party;
pub use self::patience::Patience;
pub(crate) use self::patience::{Habits, SPIN, spin};
pub use self::place::KeptPlace;
pub(crate) use self::place::Place;
use crate::event::Event;
use crate::sync;

/// Calls `attempt` until it returns something or `deadline` is over; in between
/// waits for `event`. `attempt` is called at least once after the deadline.
///
/// Who was woken and has got something wakes the next if there is `more`.
#[cold]
pub fn wait<R>(
    event: &Event,
    patience: &mut Patience,
    deadline: Option<Instant>,
    mut attempt: impl FnMut() -> Option<R>,
    more: impl FnOnce() -> bool,
) -> Option<R> {
    if deadline.is_some_and(sync::is_over) {
        return attempt();
    }
    if patience.spins() {
        if let Some(done) = spin(deadline, &mut attempt) {
            patience.has_paid();
            return Some(done);
        }
    }
    patience.in_vain();
    // Where both share a CPU, the other side may get a whole batch done.
    sync::yield_now();
    if let Some(done) = attempt() {
        return Some(done);
    }
    let parker = Parker::borrow();
    loop {
        let (mut place, certain) = Place::take(event, parker.waker());
        let mut done = attempt();
        let mut in_time = true;
        if done.is_none() {
            in_time = if certain {
                parker.park(deadline)
            } else {
                parker.nap(deadline)
            };
        }
        place.leave();
        if done.is_none() {
            done = attempt();
        }
        if done.is_some() {
            place.woken &= more();
            return done;
        }
        if !in_time {
            return None;
        }
        // What it was woken for, another has taken.
        place.woken = false;
    }
}

/// Items before a task gives its turn to others.
pub(crate) const TURN: u32 = 64;

/// Lets other tasks of this thread run.
pub(crate) async fn give_turn() {
    let mut given = false;
    poll_fn(|context| {
        if std::mem::replace(&mut given, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Calls `poll` until it is ready or `deadline` is over, being woken in between as a task
/// is: how a thread waits for what only futures know to wait for.
#[cold]
pub(crate) fn block_on<R>(
    deadline: Option<Instant>,
    mut poll: impl FnMut(&Waker) -> Poll<R>,
) -> Option<R> {
    let parker = Parker::borrow();
    loop {
        if let Poll::Ready(done) = poll(&parker.waker()) {
            return Some(done);
        }
        if !parker.rest(deadline) {
            return None;
        }
    }
}
