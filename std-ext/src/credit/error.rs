//! What can go wrong with credits.

use std::error::Error;
use std::fmt;

use super::Lease;

/// Why there will be no credits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AcquireError {
    /// The pool is closed.
    Closed,
    /// The pool has fewer, and [`Oversized`](super::Oversized) says to refuse that.
    TooLarge,
}

/// Why [`try_acquire`](super::Pool::try_acquire) got no credits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TryAcquireError {
    /// Too few are free, or others wait for them.
    NoCredit,
    /// The pool is closed.
    Closed,
    /// The pool has fewer, and [`Oversized`](super::Oversized) says to refuse that.
    TooLarge,
}

/// Why [`acquire_timeout`](super::Pool::acquire_timeout) or
/// [`acquire_deadline`](super::Pool::acquire_deadline) got no credits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AcquireTimeoutError {
    /// Too few were free until the deadline.
    Timeout,
    /// The pool is closed.
    Closed,
    /// The pool has fewer, and [`Oversized`](super::Oversized) says to refuse that.
    TooLarge,
}

/// More credits than a pool can count: see [`Pool::MAX`](super::Pool::MAX).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OverflowError;

/// The leases are of different pools. Holds the one that was to be merged.
#[derive(Debug)]
pub struct MergeError(pub Lease);

const CLOSED: &str = "the pool is closed";
const TOO_LARGE: &str = "more credits than the pool has";

impl MergeError {
    /// The lease that was not merged.
    pub fn into_inner(self) -> Lease {
        self.0
    }
}

impl From<AcquireError> for TryAcquireError {
    fn from(error: AcquireError) -> Self {
        match error {
            AcquireError::Closed => Self::Closed,
            AcquireError::TooLarge => Self::TooLarge,
        }
    }
}

impl From<AcquireError> for AcquireTimeoutError {
    fn from(error: AcquireError) -> Self {
        match error {
            AcquireError::Closed => Self::Closed,
            AcquireError::TooLarge => Self::TooLarge,
        }
    }
}

impl fmt::Display for AcquireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed => CLOSED,
            Self::TooLarge => TOO_LARGE,
        })
    }
}

impl fmt::Display for TryAcquireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoCredit => "too few credits are free",
            Self::Closed => CLOSED,
            Self::TooLarge => TOO_LARGE,
        })
    }
}

impl fmt::Display for AcquireTimeoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Timeout => "the time was over",
            Self::Closed => CLOSED,
            Self::TooLarge => TOO_LARGE,
        })
    }
}

impl fmt::Display for OverflowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("more credits than a pool can count")
    }
}

impl fmt::Display for MergeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a lease of another pool")
    }
}

impl Error for AcquireError {}
impl Error for TryAcquireError {}
impl Error for AcquireTimeoutError {}
impl Error for OverflowError {}
impl Error for MergeError {}
