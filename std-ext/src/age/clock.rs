//! Where the time comes from.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::sync::{Mutex, lock};

/// What time it is. Sender and receiver of a channel must go by the same.
///
/// If it panics in a receive, what was taken out is dropped, and counts as delivered.
pub trait Clock {
    /// The time. Should never go back; if it does, items look younger.
    fn now(&self) -> Instant;
}

/// The clock of [`Instant::now`].
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[inline]
    fn now(&self) -> Instant {
        Instant::now()
    }
}

/// A clock that goes on only when it is told to: for tests.
///
/// A clone is the same clock. Reading it takes a short lock.
#[derive(Clone)]
pub struct ManualClock(Arc<Mutex<Instant>>);

impl ManualClock {
    /// A clock that stands at the present.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new(Instant::now())))
    }

    /// Goes on by `by`.
    ///
    /// # Panics
    /// If no [`Instant`] is that late.
    pub fn advance(&self, by: Duration) {
        let mut now = lock(&self.0);
        *now = now.checked_add(by).expect("no time is that late");
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Instant {
        *lock(&self.0)
    }
}

impl Default for ManualClock {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for ManualClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ManualClock").field(&self.now()).finish()
    }
}
