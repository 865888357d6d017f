//! What can go wrong with a weighted channel.

use std::error::Error;
use std::fmt;

use ringfence_core::spsc::CapacityError;

use crate::credit::{AcquireError, TryAcquireError};

/// An item that was not sent, and why.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SendError<T> {
    /// The item.
    pub item: T,
    /// Why it was not sent.
    pub cause: Cause,
}

/// Why an item was not sent, or nothing could be reserved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cause {
    /// There was no slot, or too few credits were free, and it was not to wait.
    Full,
    /// There was no slot, or too few credits were free, until the deadline.
    Timeout,
    /// The channel is closed, or the receiver is gone.
    Disconnected,
    /// The pool is closed.
    PoolClosed,
    /// It weighs more than the pool has, or more than was reserved.
    TooHeavy,
    /// The lease is of another pool, or less than the pool's least charge.
    Lease,
}

/// Why there is no such channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BuildError {
    /// No memory can hold the capacity, or the policy does not go with it.
    Capacity(CapacityError),
    /// The policy is [`OnFull::DropOldest`](crate::OnFull::DropOldest): an item that is
    /// evicted need not weigh enough.
    DropOldest,
}

impl<T> SendError<T> {
    /// The item that was not sent.
    pub fn into_inner(self) -> T {
        self.item
    }

    /// Whether there was no room, but may be later.
    pub fn is_full(&self) -> bool {
        self.cause == Cause::Full
    }

    /// Whether there was no room in time.
    pub fn is_timeout(&self) -> bool {
        self.cause == Cause::Timeout
    }

    /// Whether the channel is closed.
    pub fn is_disconnected(&self) -> bool {
        self.cause == Cause::Disconnected
    }
}

impl From<AcquireError> for Cause {
    fn from(error: AcquireError) -> Self {
        match error {
            AcquireError::Closed => Self::PoolClosed,
            AcquireError::TooLarge => Self::TooHeavy,
        }
    }
}

impl From<TryAcquireError> for Cause {
    fn from(error: TryAcquireError) -> Self {
        match error {
            TryAcquireError::NoCredit => Self::Full,
            TryAcquireError::Closed => Self::PoolClosed,
            TryAcquireError::TooLarge => Self::TooHeavy,
        }
    }
}

impl<T> fmt::Debug for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendError")
            .field("cause", &self.cause)
            .finish_non_exhaustive()
    }
}

impl<T> fmt::Display for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.cause.fmt(f)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "the channel is full",
            Self::Timeout => "the time was over",
            Self::Disconnected => "the channel is closed",
            Self::PoolClosed => "the pool is closed",
            Self::TooHeavy => "the item is too heavy",
            Self::Lease => "the lease is of another pool, or too small",
        })
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Capacity(error) => error.fmt(f),
            Self::DropOldest => f.write_str("a weighted channel cannot evict the oldest"),
        }
    }
}

impl<T> Error for SendError<T> {}
impl Error for BuildError {}
