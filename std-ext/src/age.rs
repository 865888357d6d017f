//! Items that waited too long: a receiver that drops them instead of giving them out.
//!
//! The sender marks each item with the time, by sending it as [`Timed`]. The receiver is
//! made [`Fresh`] by a [`Rule`], which says of each item that is taken out whether it
//! still counts. What does not is *expired*: counted in
//! [`Stats::expired`](crate::Stats::expired), and dropped.
//!
//! ```
//! use ringfence::age::{ManualClock, Timed, Ttl};
//! use std::time::Duration;
//!
//! let clock = ManualClock::new(); // stands still until it is told to go on
//! let (mut tx, rx) = ringfence::channel(8).spsc().build();
//! let mut rx = rx.fresh(Ttl::new(Duration::from_millis(50))).by_clock(clock.clone());
//!
//! tx.send(Timed::by(&clock, "old"))?;
//! clock.advance(Duration::from_millis(40));
//! tx.send(Timed::by(&clock, "new"))?;
//! clock.advance(Duration::from_millis(20));
//! assert_eq!(rx.recv(), Ok("new")); // "old" has waited for 60 ms
//!
//! let stats = rx.stats();
//! assert_eq!((stats.stored, stats.delivered, stats.expired), (2, 1, 1));
//! assert!(stats.is_exact());
//! # Ok::<(), ringfence::SendError<Timed<&str>>>(())
//! ```
//!
//! Outside of tests it is `tx.send(Timed::new(item))` and `rx.fresh(rule)`, by
//! [`SystemClock`].
//!
//! # Rules
//!
//! * [`Ttl`] drops whatever is older than it says: for items that are worthless then,
//!   as readings of a sensor, or requests whose caller has given up.
//! * [`CoDel`] leaves bursts alone, and drops more and more as long as all that comes
//!   out has waited too long: for keeping waits short under overload that lasts, without
//!   knowing how fast the receiver is. From K. Nichols and V. Jacobson, "Controlling
//!   Queue Delay", ACM Queue 10(5), 2012, and RFC 8289 (2018).
//! * One's own, by implementing [`Rule`].
//!
//! # What it costs
//!
//! A send reads the clock once, and so does a receive for each item that it takes out, or
//! [`recv_many`](Fresh::recv_many) for all that it takes out together. In the channel
//! an [`Instant`] lies beside each item. Nothing looks at items before they are taken
//! out: what is expired takes up room until a receive comes to it, and a channel that is
//! full of it is full.

mod clock;
mod codel;
mod fresh;
mod rule;
#[cfg(test)]
mod tests;

pub use self::clock::{Clock, ManualClock, SystemClock};
pub use self::codel::{CoDel, CoDelError};
pub use self::fresh::Fresh;
pub use self::rule::{Rule, Ttl};

use std::time::{Duration, Instant};

/// An item, and when it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Timed<T> {
    item: T,
    sent: Instant,
}

impl<T> Timed<T> {
    /// Sent now, by the system's clock.
    #[must_use]
    pub fn new(item: T) -> Self {
        Self::by(&SystemClock, item)
    }

    /// Sent now, by `clock`. It must be the one that the receiver goes by.
    #[must_use]
    pub fn by(clock: &impl Clock, item: T) -> Self {
        Self::at(item, clock.now())
    }

    /// Sent at `sent`.
    #[must_use]
    pub fn at(item: T, sent: Instant) -> Self {
        Self { item, sent }
    }

    /// The item.
    pub fn get(&self) -> &T {
        &self.item
    }

    /// The item, without its time.
    pub fn into_inner(self) -> T {
        self.item
    }

    /// When it was sent.
    pub fn sent(&self) -> Instant {
        self.sent
    }

    /// How long ago that is; zero if it is yet to come.
    #[must_use]
    pub fn age(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.sent)
    }
}
