//! Why nothing was pushed or popped.

use core::error::Error;
use core::fmt;

use crate::error::Full;

/// Why an item was not pushed. Holds the item.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum PushError<T> {
    /// The ring was full.
    Full(T),
    /// More callers were inside than there are spares. Nothing was looked at.
    Busy(T),
}

/// Why nothing was popped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum PopError {
    /// The ring was empty.
    Empty,
    /// More callers were inside than there are spares. Nothing was looked at.
    Busy,
}

impl<T> PushError<T> {
    /// The item that was not pushed.
    #[must_use = "else the item is dropped"]
    pub fn into_inner(self) -> T {
        match self {
            Self::Full(item) | Self::Busy(item) => item,
        }
    }

    /// Whether the ring was full.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        matches!(self, Self::Full(_))
    }

    /// Whether all spares were in use.
    #[must_use]
    pub const fn is_busy(&self) -> bool {
        matches!(self, Self::Busy(_))
    }
}

impl PopError {
    /// Whether the ring was empty.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        matches!(self, Self::Empty)
    }

    /// Whether all spares were in use.
    #[must_use]
    pub const fn is_busy(&self) -> bool {
        matches!(self, Self::Busy)
    }
}

/// As a [`Producer`](super::Producer) says it, who is never busy.
impl<T> From<Full<T>> for PushError<T> {
    fn from(full: Full<T>) -> Self {
        Self::Full(full.0)
    }
}

impl<T> fmt::Debug for PushError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full(_) => "Full(..)",
            Self::Busy(_) => "Busy(..)",
        })
    }
}

impl<T> fmt::Display for PushError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full(_) => "the ring is full",
            Self::Busy(_) => "all spares are in use",
        })
    }
}

impl fmt::Display for PopError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "the ring is empty",
            Self::Busy => "all spares are in use",
        })
    }
}

impl<T> Error for PushError<T> {}
impl Error for PopError {}
