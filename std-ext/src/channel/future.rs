//! Sends and receives that wait by being polled: the same handles, the same events.
//!
//! A future that has to wait may first give its turn to other tasks, for some
//! microseconds, and look again: where that has paid lately. Then it leaves its waker,
//! which takes as long as many turns.
//!
//! A future borrows its end, so nothing else can be done with that end meanwhile. It
//! keeps no reference into itself, so it is `Unpin`, whatever the items are.

mod closed;
mod recv;
mod reserve;
mod send;
#[cfg(feature = "sink")]
mod sink;
#[cfg(feature = "stream")]
mod stream;

pub use self::closed::ClosedFuture;
pub use self::recv::{RecvFuture, RecvManyFuture};
pub use self::reserve::ReserveFuture;
pub use self::send::SendFuture;
#[cfg(feature = "sink")]
pub use self::sink::SendSink;
#[cfg(feature = "stream")]
pub use self::stream::RecvStream;

use std::task::{Poll, Waker};
use std::time::Instant;

use crate::event::Event;
use crate::stats::Count;
use crate::wait::{KeptPlace, Patience, SPIN};

const POLLED_AFTER: &str = "polled again after it was ready";

/// What is kept from poll to poll by whoever waits.
#[derive(Debug, Default)]
struct Waiting {
    place: KeptPlace,
    since: Option<Instant>,
    /// Whether it gives its turn away, instead of a place in the queue.
    yields: bool,
}

impl Waiting {
    /// There was nothing, or no room: it waits from now on.
    fn begin(&mut self, patience: &mut Patience) {
        self.since = Some(Instant::now());
        self.yields = patience.spins();
        if !self.yields {
            patience.in_vain();
        }
    }

    fn has_begun(&self) -> bool {
        self.since.is_some()
    }

    /// As [`KeptPlace::poll`].
    fn poll<R>(
        &mut self,
        (event, blocked_nanos, patience): (&Event, &Count, &mut Patience),
        waker: &Waker,
        mut attempt: impl FnMut() -> Option<R>,
        more: impl FnOnce() -> bool,
    ) -> Poll<R> {
        let polled = if self.yields {
            self.look_again(patience, waker, &mut attempt)
        } else {
            None
        };
        let polled = polled.unwrap_or_else(|| self.place.poll(event, waker, attempt, more));
        if polled.is_ready() {
            self.stop(blocked_nanos);
        }
        polled
    }

    /// Gives its turn away, to be polled again; `None` once it has done so for too long.
    fn look_again<R>(
        &mut self,
        patience: &mut Patience,
        waker: &Waker,
        attempt: impl FnOnce() -> Option<R>,
    ) -> Option<Poll<R>> {
        if let Some(done) = attempt() {
            patience.has_paid();
            return Some(Poll::Ready(done));
        }
        self.yields = self.since.is_some_and(|since| since.elapsed() < SPIN);
        if !self.yields {
            patience.in_vain();
            return None;
        }
        waker.wake_by_ref();
        Some(Poll::Pending)
    }

    /// Waits no longer.
    fn leave(&mut self, event: &Event, blocked_nanos: &Count) {
        self.stop(blocked_nanos);
        self.place.leave(event);
    }

    fn stop(&mut self, blocked_nanos: &Count) {
        if let Some(since) = self.since.take() {
            blocked_nanos.add(since.elapsed().as_nanos() as u64);
        }
    }
}
