//! Waiting for credits: as a future, and for threads too.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::account::Entered;
use super::queue::Key;
use super::{AcquireError, Lease, Pool};

/// Waits for credits. See [`Pool::acquire_async`].
#[must_use = "futures do nothing unless polled"]
pub struct AcquireFuture {
    /// `None` once it was ready.
    pool: Option<Pool>,
    asked: u64,
    /// Of its place in the queue, if it has one.
    key: Option<Key>,
}

impl AcquireFuture {
    pub(super) fn new(pool: Pool, asked: u64) -> Self {
        Self {
            pool: Some(pool),
            asked,
            key: None,
        }
    }

    /// Waits no longer: what it has been handed since it was polled last.
    pub(crate) fn leave(&mut self) -> Option<Lease> {
        let (pool, key) = (self.pool.take()?, self.key.take()?);
        let amount = pool.0.leave(&key)?;
        Some(Lease::new(pool, amount))
    }
}

impl Future for AcquireFuture {
    type Output = Result<Lease, AcquireError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { pool, asked, key } = self.get_mut();
        let waker = context.waker();
        let account = &pool.as_ref().expect("polled again after it was ready").0;
        let outcome = match key {
            Some(key) => account.look(key, waker),
            None if account.try_take(*asked) => Some(Ok(*asked)),
            None => match account.enter(*asked, waker.clone()) {
                Ok(Entered::Waits(place)) => {
                    *key = Some(place);
                    None
                }
                Ok(Entered::Served(amount)) => Some(Ok(amount)),
                Err(error) => Some(Err(error)),
            },
        };
        let Some(outcome) = outcome else {
            return Poll::Pending;
        };
        *key = None;
        let pool = pool.take().expect("it was there just now");
        Poll::Ready(outcome.map(|amount| Lease::new(pool, amount)))
    }
}

impl Drop for AcquireFuture {
    fn drop(&mut self) {
        // What it has been handed goes to the next.
        drop(self.leave());
    }
}

impl fmt::Debug for AcquireFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AcquireFuture")
            .field("asked", &self.asked)
            .field("is_ready", &self.pool.is_none())
            .finish_non_exhaustive()
    }
}
