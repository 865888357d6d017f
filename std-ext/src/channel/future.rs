//! Sends and receives that wait by being polled: the same handles, the same events.
//!
//! A future that has to wait may first look again for a microsecond or two, and then give
//! its turn to other tasks for some more: each where it has paid lately. Then it leaves its
//! waker, which takes as long as many turns.
//!
//! A future borrows its end, so nothing else can be done with that end meanwhile. It
//! keeps no reference into itself, so it is `Unpin`, whatever the items are.

mod closed;
mod kept;
mod poll;
mod recv;
mod reserve;
mod send;
mod sends;
#[cfg(feature = "sink")]
mod sink;
#[cfg(feature = "stream")]
mod stream;

pub use self::closed::ClosedFuture;
pub(super) use self::closed::poll_closed;
pub(crate) use self::kept::{KeptReceiver, KeptSender};
pub use self::poll::PollFuture;
pub use self::recv::{RecvFuture, RecvManyFuture};
pub use self::reserve::ReserveFuture;
pub use self::send::SendFuture;
pub(super) use self::send::Sending;
pub use self::sends::Sends;
#[cfg(feature = "sink")]
pub use self::sink::SendSink;
#[cfg(feature = "stream")]
pub use self::stream::RecvStream;

use std::task::{Poll, Waker};
use std::time::Instant;

use crate::event::Event;
use crate::stats::Count;
use crate::wait::{Habits, KeptPlace, SPIN};

pub(super) const POLLED_AFTER: &str = "polled again after it was ready";

/// What is kept from poll to poll by whoever waits; nothing as long as it has not had to.
#[derive(Debug, Default)]
struct Waiting(Option<Wait>);

#[derive(Debug, Default)]
struct Wait {
    place: KeptPlace,
    since: Option<Instant>,
    state: State,
}

#[derive(Clone, Copy, Debug, Default)]
enum State {
    /// There was nothing, or no room.
    #[default]
    Begun,
    /// It has given its turn away so often.
    Turns(u32),
    /// It has a place in the queue.
    Queued,
}

/// Turns before the clock is read at all.
const FREE_TURNS: u32 = 4;

impl Waiting {
    /// There was nothing, or no room: it waits from now on.
    fn begin(&mut self) {
        self.0 = Some(Wait::default());
    }

    #[inline]
    fn has_begun(&self) -> bool {
        self.0.is_some()
    }

    /// As [`KeptPlace::poll`].
    #[cold]
    fn poll<R>(
        &mut self,
        (event, blocked_nanos, habits): (&Event, &Count, &mut Habits),
        waker: &Waker,
        attempt: impl FnMut() -> Option<R>,
        more: impl FnOnce() -> bool,
    ) -> Poll<R> {
        let wait = self.0.get_or_insert_default();
        let polled = wait.poll((event, habits), waker, attempt, more);
        if polled.is_ready() {
            self.leave(event, blocked_nanos);
        }
        polled
    }

    /// Waits no longer: the next time is another wait.
    fn leave(&mut self, event: &Event, blocked_nanos: &Count) {
        let Some(mut wait) = self.0.take() else {
            return;
        };
        if let Some(since) = wait.since {
            blocked_nanos.add(since.elapsed().as_nanos() as u64);
        }
        wait.place.leave(event);
    }
}

impl Wait {
    fn poll<R>(
        &mut self,
        (event, habits): (&Event, &mut Habits),
        waker: &Waker,
        mut attempt: impl FnMut() -> Option<R>,
        more: impl FnOnce() -> bool,
    ) -> Poll<R> {
        let done = match self.state {
            State::Begun => habits.spin(&mut attempt),
            State::Turns(_) => attempt().inspect(|_| habits.turns_have_paid()),
            State::Queued => None,
        };
        if let Some(done) = done {
            return Poll::Ready(done);
        }
        if self.gives_turn(habits) {
            waker.wake_by_ref();
            return Poll::Pending;
        }
        self.place.poll(event, waker, attempt, more)
    }

    /// Whether it gives its turn away. Else it has a place in the queue from now on.
    fn gives_turn(&mut self, habits: &mut Habits) -> bool {
        let turns = match self.state {
            State::Queued => return false,
            State::Turns(turns) => self.has_time(turns).then_some(turns),
            State::Begun => habits.gives_turns().then_some(0),
        };
        let Some(turns) = turns else {
            habits.turns_in_vain();
            self.state = State::Queued;
            self.since.get_or_insert_with(Instant::now);
            return false;
        };
        self.state = State::Turns(turns + 1);
        true
    }

    /// Whether it may give one more turn away.
    fn has_time(&mut self, turns: u32) -> bool {
        turns < FREE_TURNS || self.since.get_or_insert_with(Instant::now).elapsed() < SPIN
    }
}
