//! Waiting for several channels at once.
//!
//! [`select()`] takes cases, each a receive or a send, of any item types and flavours, and
//! carries out exactly one of them: the first that is ready. The others have no effect; an
//! item that was not sent stays where it was.
//!
//! ```
//! use std::time::Duration;
//! use ringfence::select::{recv, select, send};
//!
//! enum Event {
//!     Job(String),
//!     Stop,
//!     Reported,
//! }
//!
//! let (mut jobs, mut rx) = ringfence::bounded(8);
//! let (mut stop, mut stopped) = ringfence::channel(1).spsc().build();
//! let (mut reports, mut progress) = ringfence::bounded(1);
//!
//! jobs.send("first".to_string()).unwrap();
//! let mut done = 0;
//! let mut report = None; // nothing to report: the case is never ready
//! loop {
//!     let event = select((
//!         recv(&mut rx, |job| job.map_or(Event::Stop, Event::Job)),
//!         recv(&mut stopped, |_| Event::Stop),
//!         send(&mut reports, &mut report, |_| Event::Reported),
//!     ))
//!     .wait();
//!     match event {
//!         Event::Job(_) => {
//!             done += 1;
//!             report = Some(done);
//!         }
//!         Event::Reported => stop.send(()).map(drop).unwrap(),
//!         Event::Stop => break,
//!     }
//! }
//! assert_eq!(progress.recv(), Ok(1));
//!
//! // As many receivers as there are at run time, each case with its own number.
//! let mut workers: Vec<_> = (0..3).map(|_| ringfence::bounded(1)).collect();
//! workers[1].0.send("ready").unwrap();
//! let mut cases: Vec<_> = workers
//!     .iter_mut()
//!     .enumerate()
//!     .map(|(i, (_, rx))| recv(rx, move |got| (i, got)))
//!     .collect();
//! let got = select(&mut cases[..]).wait_timeout(Duration::from_secs(1));
//! assert_eq!(got, Ok((1, Ok("ready"))));
//! assert!(select(&mut cases[..]).now().is_err()); // nothing is ready
//! ```
//!
//! # Which case
//!
//! If several are ready, chance decides: each is about equally often the one, whichever
//! others are ready or not. Of two it is half each, of up to eight within a fifth of the
//! equal share (the tests of `wait/order.rs` go through all sets).
//!
//! A closed channel is ready: receives when it is drained, sends at once. A loop that goes
//! on with the others leaves the case out, by `None` in the place of the case or in the slot
//! of a send.
//!
//! The closure of the case runs after all is done: the item is received or stored, all
//! queues are left, and wake-ups passed on. It may panic, select, or wait. It can be called
//! again (`FnMut`), as cases can be selected again; so what is to be given away is given
//! away after the select, by what the closure returns.
//!
//! # Waiting
//!
//! As a receive or send of a channel does: some microseconds of spinning, then sleep, with
//! a place in the queue of each case. If another thread is quicker when it wakes, it goes
//! on waiting, until the same deadline. It allocates nothing unless it sleeps: then what
//! wakes it, once a sleep, as any other wait.
//!
//! Of channels that hand items over, a select sends only to a thread that waits, in a receive
//! or in a select: see [capacity 0](mod@crate::channel#capacity-0). While it sleeps, a select
//! on the other side, or a send that does not wait, may carry out one of its cases with it;
//! it never does so with itself. Of several selects that wait to receive from a channel, the
//! first to wait is the first to be met, if it is not about to look again.
//!
//! Going to sleep costs each channel a barrier, so a thread that sleeps often is better off
//! with one channel that several senders share.
//!
//! # Progress
//!
//! Of `now`, and when a case is ready: a try of each case up to the one carried out, each
//! with the guarantee of its [channel](mod@crate::channel#progress). Two selects that wait
//! for each other, and for nothing that others do, meet; while other cases become ready and
//! are then taken by others, they may miss each other. Waiting is blocking, and
//! it blocks the thread: in async code use the `select` of the runtime, on futures, and
//! never this one.
//!
//! # Statistics
//!
//! A case that is not carried out counts as nothing received and nothing offered. If no
//! case is ready at once, it counts for each channel as one time that it was found empty
//! or full, and the time of the wait as time that each of the channels has blocked.

#[doc(hidden)]
pub mod case;
mod cases;
#[cfg(test)]
mod tests;

use std::error::Error;
use std::fmt;
use std::time::{Duration, Instant};

pub use self::case::Case;
pub use self::cases::{Cases, One};
pub use crate::channel::receiver::case::{Receiving, recv};
pub use crate::channel::sender::case::{Sending, send};
use crate::wait::many::{count_unready, look, wait_any};
use crate::wait::order::Order;

/// No case was ready, or none in time. Nothing was received or sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Unready;

impl fmt::Display for Unready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no case was ready")
    }
}

impl Error for Unready {}

/// Cases of which one is to be carried out. From [`select`](select()).
#[must_use = "a select does nothing until it is told how long to wait"]
pub struct Select<C>(C);

/// Takes the cases of which one is to be carried out: a tuple or a list, see [`Cases`].
/// How long to wait says the method that follows; the [module](self) has examples.
///
/// Two cases may be of the same channel, by two handles.
pub fn select<C: Cases>(cases: C) -> Select<C> {
    Select(cases)
}

impl<C: Cases> Select<C> {
    /// Carries out a case; waits for one if none is ready. Returns what its closure does.
    ///
    /// # Panics
    /// If no case can ever be ready, since each is `None` or a send of nothing, or there is
    /// none. If the closure does: then the case has been carried out.
    #[inline]
    #[track_caller]
    pub fn wait(self) -> C::Out {
        let out = self.wait_until(|| None);
        out.expect("without a deadline it waits until there is one")
    }

    /// As [`wait`](Self::wait), but waits no longer than `timeout`.
    ///
    /// A timeout too long to be added to the current time is none.
    ///
    /// # Errors
    /// [`Unready`], if there was none in time.
    ///
    /// # Panics
    /// If the closure does: then the case has been carried out.
    #[inline]
    #[track_caller]
    pub fn wait_timeout(self, timeout: Duration) -> Result<C::Out, Unready> {
        self.wait_until(|| Instant::now().checked_add(timeout))
    }

    /// As [`wait`](Self::wait), but waits no longer than until `deadline`. When that is
    /// over, it still carries out a case that is ready.
    ///
    /// # Errors
    /// [`Unready`], if there was none in time.
    ///
    /// # Panics
    /// If the closure does: then the case has been carried out.
    #[inline]
    pub fn wait_deadline(self, deadline: Instant) -> Result<C::Out, Unready> {
        self.wait_until(|| Some(deadline))
    }

    /// Carries out a case if one is ready. Never waits.
    ///
    /// # Errors
    /// [`Unready`], if there is none.
    ///
    /// # Panics
    /// If the closure does: then the case has been carried out.
    #[inline]
    pub fn now(mut self) -> Result<C::Out, Unready> {
        let order = Order::draw(self.0.size());
        match look(&mut self.0, order) {
            Some(at) => Ok(self.0.finish(at)),
            None => {
                count_unready(&mut self.0);
                Err(Unready)
            }
        }
    }

    #[inline]
    #[track_caller]
    fn wait_until(mut self, deadline: impl FnOnce() -> Option<Instant>) -> Result<C::Out, Unready> {
        let order = Order::draw(self.0.size());
        let done = look(&mut self.0, order);
        let done = done.or_else(|| wait_any(&mut self.0, order, deadline()));
        Ok(self.0.finish(done.ok_or(Unready)?))
    }
}

impl<C> fmt::Debug for Select<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Select").finish_non_exhaustive()
    }
}
