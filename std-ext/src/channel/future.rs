//! Sends and receives that wait by being polled: the same handles, the same events.
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
use crate::wait::KeptPlace;

const POLLED_AFTER: &str = "polled again after it was ready";

/// What is kept from poll to poll by whoever waits.
#[derive(Debug, Default)]
struct Waiting {
    place: KeptPlace,
    since: Option<Instant>,
}

impl Waiting {
    /// There was nothing, or no room: it waits from now on.
    fn begin(&mut self) {
        self.since = Some(Instant::now());
    }

    fn has_begun(&self) -> bool {
        self.since.is_some()
    }

    /// As [`KeptPlace::poll`].
    fn poll<R>(
        &mut self,
        (event, blocked_nanos): (&Event, &Count),
        waker: &Waker,
        attempt: impl FnMut() -> Option<R>,
        more: impl FnOnce() -> bool,
    ) -> Poll<R> {
        let polled = self.place.poll(event, waker, attempt, more);
        if polled.is_ready() {
            self.stop(blocked_nanos);
        }
        polled
    }

    /// Waits no longer.
    fn leave(&mut self, (event, blocked_nanos): (&Event, &Count)) {
        self.stop(blocked_nanos);
        self.place.leave(event);
    }

    fn stop(&mut self, blocked_nanos: &Count) {
        if let Some(since) = self.since.take() {
            blocked_nanos.add(since.elapsed().as_nanos() as u64);
        }
    }
}
