//! Waiting for credit, which the end of the channel ends too.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use super::{Cause, Weighted};
use crate::channel::Sender;
use crate::channel::future::poll_closed;
use crate::credit::{AcquireFuture, Lease, Pool};
use crate::flavour::Flavour;
use crate::wait::{KeptPlace, block_on};

/// What is kept by who waits for credit as long as the channel is open. Whoever has it says
/// when it is over, by [`leave`](Self::leave).
#[derive(Debug)]
pub struct Credit {
    acquire: AcquireFuture,
    end: KeptPlace,
    /// `None` when it is over.
    since: Option<Instant>,
}

impl Credit {
    /// For who has just found too little.
    pub(super) fn new<T, F: Flavour>(channel: &Sender<T, F>, pool: &Pool, weight: u64) -> Self {
        channel.found_full_at(Some(channel.len()));
        Self {
            acquire: pool.acquire_async(weight),
            end: KeptPlace::default(),
            since: Some(Instant::now()),
        }
    }

    pub(super) fn poll<T, F: Flavour>(
        &mut self,
        channel: &Sender<T, F>,
        waker: &Waker,
    ) -> Poll<Result<Lease, Cause>> {
        let acquire = Pin::new(&mut self.acquire);
        let credit = if poll_closed(&channel.shared, &mut self.end, waker).is_ready() {
            Poll::Ready(Err(Cause::Disconnected))
        } else {
            let acquired = acquire.poll(&mut Context::from_waker(waker));
            acquired.map_err(Cause::from)
        };
        if credit.is_ready() {
            drop(self.leave(channel));
        }
        credit
    }

    /// Waits no longer: what came since it was polled last.
    pub(super) fn leave<T, F: Flavour>(&mut self, channel: &Sender<T, F>) -> Option<Lease> {
        let since = self.since.take()?;
        let nanos = since.elapsed().as_nanos() as u64;
        channel.shared.counts.send.blocked_nanos.add(nanos);
        self.end.leave(&channel.shared.end);
        self.acquire.leave()
    }
}

/// Waits for credit.
pub(super) struct CreditFuture<'a, T, F: Flavour> {
    channel: &'a Sender<Weighted<T>, F>,
    pool: &'a Pool,
    weight: u64,
    credit: Credit,
}

impl<'a, T, F: Flavour> CreditFuture<'a, T, F> {
    /// For who has just found too little.
    pub(super) fn new(channel: &'a Sender<Weighted<T>, F>, pool: &'a Pool, weight: u64) -> Self {
        Self {
            channel,
            pool,
            weight,
            credit: Credit::new(channel, pool, weight),
        }
    }

    /// Waits as a thread.
    pub(super) fn wait(mut self, deadline: Option<Instant>) -> Result<Lease, Cause> {
        if let Some(lease) = self.pool.spin(self.weight, deadline) {
            return Ok(lease);
        }
        let done = block_on(deadline, |waker| self.credit.poll(self.channel, waker));
        // What came at the last moment is taken.
        let late = || self.credit.leave(self.channel).ok_or(Cause::Timeout);
        done.unwrap_or_else(late)
    }
}

impl<T, F: Flavour> Future for CreditFuture<'_, T, F> {
    type Output = Result<Lease, Cause>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let channel = self.channel;
        self.credit.poll(channel, context.waker())
    }
}

impl<T, F: Flavour> Drop for CreditFuture<'_, T, F> {
    fn drop(&mut self) {
        drop(self.credit.leave(self.channel));
    }
}
