//! Credits: how much may be under way, in whatever unit: items, bytes, requests.
//!
//! A [`Pool`] has so many credits. Who wants to put something on its way acquires some, and
//! holds them as a [`Lease`]; when that is dropped, they are free again. Who asks for more
//! than are free waits, as a thread or as a future, with a time limit or without.
//!
//! ```
//! use ringfence::credit::{Pool, TryAcquireError};
//!
//! let memory = Pool::new(1000); // bytes
//! let mut large = memory.acquire(900)?;
//! assert_eq!(memory.try_acquire(200).err(), Some(TryAcquireError::NoCredit));
//!
//! large.shrink_to(500); // the rest is free again
//! let small = std::thread::spawn({
//!     let memory = memory.clone();
//!     move || memory.acquire(200).unwrap() // would wait
//! });
//! let small = small.join().unwrap(); // leases go where they are needed
//!
//! let stats = memory.stats();
//! assert_eq!((stats.free, stats.lent), (300, 700));
//! drop((large, small));
//! assert_eq!(memory.stats().free, 1000);
//! # Ok::<(), ringfence::credit::AcquireError>(())
//! ```
//!
//! # Who comes first
//!
//! Who waits is served in the order of coming: credits that come back are handed to the
//! first, as soon as they suffice, before anybody else can take them. So a large request
//! is not starved by small ones; while it waits, those behind it do. (A thread that finds
//! too few may look again for some microseconds before it joins the queue; not while
//! somebody is in it.) A [`try_acquire`](Pool::try_acquire) waits for nobody, and so fails while somebody waits,
//! even if there is enough for it.
//!
//! # Too much at once
//!
//! A request for more than the pool has could never be served, and a queue that is bounded
//! in bytes would stand still for one large item. What is done about it is in the pool's
//! [`Rules`]: it is refused, or admitted when it is alone, or waits until the pool has
//! grown ([`Oversized`]). The rules also have a least charge, so that what weighs nothing
//! costs something.
//!
//! # Size
//!
//! A pool can [`grow`](Pool::grow) and [`shrink`](Pool::shrink) while it is in use, also
//! below what is lent. Then it has a *debt*: what comes back is taken out of it until that
//! is paid, before anybody is served.
//!
//! # Accounts
//!
//! ```text
//! granted         = free + lent + forgotten
//! capacity + debt = free + lent
//! ```
//!
//! in every snapshot ([`PoolStats`]), whatever is dropped, cancelled, or closed, and
//! whatever panics.
//!
//! # Progress
//!
//! To acquire or give back what nobody waits for is lock-free: one compare-and-swap, tried
//! again where another was quicker, or one addition. If somebody waits, or there is a debt,
//! or the pool is closed, it takes a short lock as well, as do resizing and statistics. Who
//! gives back serves those whose turn it is, and wakes them outside the lock. If a waker
//! panics, that panic comes out of the call that woke it, and the others are served
//! nevertheless.
//!
//! The queue holds an entry for each thread and future that waits, and nothing else.

mod account;
mod error;
mod future;
mod lease;
mod queue;
mod rules;
mod stats;
#[cfg(test)]
mod tests;

pub use self::error::{
    AcquireError, AcquireTimeoutError, MergeError, OverflowError, TryAcquireError,
};
pub use self::future::AcquireFuture;
pub use self::lease::Lease;
pub use self::rules::{Oversized, Rules};
pub use self::stats::PoolStats;

use std::fmt;
use std::pin::Pin;
use std::task::Context;
use std::time::{Duration, Instant};

use self::account::Account;
use crate::sync::Arc;
use crate::wait::block_on;

/// Credits, of which any number of threads and futures take and give back.
///
/// A handle: clones are of the same pool. See [the module](self).
#[derive(Clone)]
pub struct Pool(Arc<Account>);

impl Pool {
    /// The most credits that a pool can ever have been granted.
    pub const MAX: u64 = account::MAX;

    /// A pool of so many credits, with the usual [`Rules`].
    ///
    /// # Panics
    /// If these are more than [`MAX`](Self::MAX).
    #[must_use]
    #[track_caller]
    pub fn new(credits: u64) -> Self {
        Self::with_rules(credits, Rules::default())
            .unwrap_or_else(|error| panic!("{error}: {credits}"))
    }

    /// A pool of so many credits, with these rules.
    ///
    /// # Errors
    /// [`OverflowError`], if these are more than [`MAX`](Self::MAX).
    pub fn with_rules(credits: u64, rules: Rules) -> Result<Self, OverflowError> {
        if credits > Self::MAX {
            return Err(OverflowError);
        }
        Ok(Self(Arc::new(Account::new(credits, rules))))
    }

    /// Takes `amount` credits, or the [least charge](Rules::minimum) if that is more;
    /// waits until it is one's turn and they are free.
    ///
    /// # Errors
    /// [`AcquireError`], if the pool is closed, also while waiting, or never has so many.
    #[inline]
    pub fn acquire(&self, amount: u64) -> Result<Lease, AcquireError> {
        let now = self.acquire_at_once(amount);
        now.map_or_else(
            || Ok(self.acquire_waiting(amount, None)?.expect("no deadline")),
            Ok,
        )
    }

    /// As [`acquire`](Self::acquire), but never waits: neither for credits nor, should there
    /// be enough, for those who wait for more.
    ///
    /// # Errors
    /// [`TryAcquireError`], if there are too few, or somebody waits, or the pool is closed
    /// or never has so many.
    #[inline]
    pub fn try_acquire(&self, amount: u64) -> Result<Lease, TryAcquireError> {
        if let Some(lease) = self.acquire_at_once(amount) {
            return Ok(lease);
        }
        let taken = self.0.try_take_in_turn(self.0.rules.least(amount))?;
        Ok(Lease::new(self.clone(), taken))
    }

    /// As [`acquire`](Self::acquire), but waits no longer than `timeout`.
    ///
    /// A timeout too long to be added to the current time is none.
    ///
    /// # Errors
    /// [`AcquireTimeoutError`], if there were too few in time, or the pool is closed, or
    /// never has so many.
    pub fn acquire_timeout(
        &self,
        amount: u64,
        timeout: Duration,
    ) -> Result<Lease, AcquireTimeoutError> {
        self.acquire_until(amount, || Instant::now().checked_add(timeout))
    }

    /// As [`acquire`](Self::acquire), but waits no longer than until `deadline`. When that
    /// is over, it still takes what is free if it is its turn.
    ///
    /// # Errors
    /// [`AcquireTimeoutError`], if there were too few in time, or the pool is closed, or
    /// never has so many.
    pub fn acquire_deadline(
        &self,
        amount: u64,
        deadline: Instant,
    ) -> Result<Lease, AcquireTimeoutError> {
        self.acquire_until(amount, || Some(deadline))
    }

    fn acquire_until(
        &self,
        amount: u64,
        deadline: impl FnOnce() -> Option<Instant>,
    ) -> Result<Lease, AcquireTimeoutError> {
        if let Some(lease) = self.acquire_at_once(amount) {
            return Ok(lease);
        }
        let lease = self.acquire_waiting(amount, deadline())?;
        lease.ok_or(AcquireTimeoutError::Timeout)
    }

    /// As [`acquire`](Self::acquire), in a future, which may outlive this handle. Its place
    /// in the queue is that of its first poll.
    ///
    /// # Errors
    /// [`AcquireError`], if the pool is closed, also while waiting, or never has so many.
    ///
    /// # Panics
    /// If it is polled again after it was ready.
    ///
    /// # Cancel safety
    /// A future that is dropped leaves the queue; what it was handed already goes to the
    /// next. One that is forgotten while it waits holds up those behind it, and keeps what
    /// it is handed.
    pub fn acquire_async(&self, amount: u64) -> AcquireFuture {
        AcquireFuture::new(self.clone(), self.0.rules.least(amount))
    }

    /// A lease of no credits.
    pub(crate) fn nothing(&self) -> Lease {
        Lease::new(self.clone(), 0)
    }

    #[inline]
    fn acquire_at_once(&self, amount: u64) -> Option<Lease> {
        let amount = self.0.rules.least(amount);
        let took = self.0.try_take(amount);
        took.then(|| Lease::new(self.clone(), amount))
    }

    /// Looks again for some microseconds, if that has paid lately.
    pub(crate) fn spin(&self, amount: u64, deadline: Option<Instant>) -> Option<Lease> {
        let amount = self.0.rules.least(amount);
        let took = self.0.spin(amount, deadline);
        took.then(|| Lease::new(self.clone(), amount))
    }

    /// `None` if the deadline was first.
    #[cold]
    fn acquire_waiting(
        &self,
        amount: u64,
        deadline: Option<Instant>,
    ) -> Result<Option<Lease>, AcquireError> {
        if let Some(lease) = self.spin(amount, deadline) {
            return Ok(Some(lease));
        }
        let mut future = self.acquire_async(amount);
        let done = block_on(deadline, |waker| {
            Pin::new(&mut future).poll(&mut Context::from_waker(waker))
        });
        match done {
            Some(acquired) => acquired.map(Some),
            None => Ok(future.leave()),
        }
    }

    /// Puts `credits` more into the pool; first they pay its debt.
    ///
    /// # Errors
    /// [`OverflowError`], if that makes more than [`MAX`](Self::MAX), what was forgotten
    /// included.
    pub fn grow(&self, credits: u64) -> Result<(), OverflowError> {
        self.0.grow(credits)
    }

    /// Takes up to `credits` out of the pool, and returns how many: fewer only if its
    /// capacity is less. Those that are lent stay until they come back, as its debt.
    pub fn shrink(&self, credits: u64) -> u64 {
        self.0.shrink(credits)
    }

    /// Grows or shrinks the pool to this capacity.
    ///
    /// # Errors
    /// [`OverflowError`], if that makes more than [`MAX`](Self::MAX), what was forgotten
    /// included.
    pub fn resize(&self, capacity: u64) -> Result<(), OverflowError> {
        self.0.resize(capacity)
    }

    /// Closes the pool: who waits, and who asks later, gets an error. Leases stay valid.
    /// Closing again does nothing.
    pub fn close(&self) {
        self.0.close();
    }

    /// Whether the pool is closed. Then it stays so.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.0.is_closed()
    }

    /// How many credits are free, whoever waits for them. There may be more or fewer by
    /// now.
    #[must_use]
    pub fn free(&self) -> u64 {
        self.0.free_now()
    }

    /// How things stand. Takes a short lock.
    #[must_use]
    pub fn stats(&self) -> PoolStats {
        self.0.stats()
    }

    /// What is done about requests of extreme sizes.
    #[must_use]
    pub fn rules(&self) -> Rules {
        self.0.rules
    }

    /// Whether both are handles of the same pool.
    #[must_use]
    pub fn same_pool(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pool").field(&self.stats()).finish()
    }
}
