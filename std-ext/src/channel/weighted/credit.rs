//! Waiting for credit, which the end of the channel ends too.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use super::{Cause, Weighted};
use crate::channel::{ClosedFuture, Sender};
use crate::credit::{AcquireFuture, Lease, Pool};
use crate::flavour::Flavour;
use crate::stats::Count;
use crate::wait::block_on;

/// Waits for credit as long as the channel is open.
pub(super) struct Credit<'a, T, F: Flavour> {
    pool: &'a Pool,
    weight: u64,
    acquire: AcquireFuture,
    closed: ClosedFuture<'a, Weighted<T>, F>,
    blocked_nanos: &'a Count,
    since: Instant,
}

impl<'a, T, F: Flavour> Credit<'a, T, F> {
    /// For who has just found too little.
    pub(super) fn new(channel: &'a Sender<Weighted<T>, F>, pool: &'a Pool, weight: u64) -> Self {
        channel.found_full_at(Some(channel.len()));
        Self {
            pool,
            weight,
            acquire: pool.acquire_async(weight),
            closed: channel.closed(),
            blocked_nanos: &channel.shared.counts.send.blocked_nanos,
            since: Instant::now(),
        }
    }

    /// Waits as a thread.
    pub(super) fn wait(mut self, deadline: Option<Instant>) -> Result<Lease, Cause> {
        if let Some(lease) = self.pool.spin(self.weight, deadline) {
            return Ok(lease);
        }
        let done = block_on(deadline, |waker| {
            Pin::new(&mut self).poll(&mut Context::from_waker(waker))
        });
        // What came at the last moment is taken.
        let late = || self.acquire.leave().ok_or(Cause::Timeout);
        done.unwrap_or_else(late)
    }
}

impl<T, F: Flavour> Future for Credit<'_, T, F> {
    type Output = Result<Lease, Cause>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        if Pin::new(&mut this.closed).poll(context).is_ready() {
            return Poll::Ready(Err(Cause::Disconnected));
        }
        let polled = Pin::new(&mut this.acquire).poll(context);
        polled.map_err(Cause::from)
    }
}

impl<T, F: Flavour> Drop for Credit<'_, T, F> {
    fn drop(&mut self) {
        let nanos = self.since.elapsed().as_nanos() as u64;
        self.blocked_nanos.add(nanos);
    }
}
