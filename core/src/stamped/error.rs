//! What can go wrong, each time with the item given back.

use core::error::Error;
use core::fmt;

/// Why an item was not pushed. Holds the item.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum PushError<T> {
    /// The ring was full.
    Full(T),
    /// There will be room: a [`Shared`](super::Shared) consumer had claimed the oldest
    /// item, and not yet freed its slot.
    Contended(T),
}

impl<T> PushError<T> {
    /// The item that was not pushed.
    pub fn into_inner(self) -> T {
        match self {
            Self::Full(item) | Self::Contended(item) => item,
        }
    }

    /// Whether the ring was full.
    pub const fn is_full(&self) -> bool {
        matches!(self, Self::Full(_))
    }

    /// Whether a consumer was between its claim and its freeing of the slot.
    pub const fn is_contended(&self) -> bool {
        matches!(self, Self::Contended(_))
    }
}

/// Why nothing was popped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum PopError {
    /// The ring was empty.
    Empty,
    /// There will be an item: a [`Shared`](super::Shared) producer had claimed the next
    /// slot, and not yet published its item.
    Contended,
}

impl PopError {
    /// Whether the ring was empty.
    pub const fn is_empty(self) -> bool {
        matches!(self, Self::Empty)
    }

    /// Whether a producer was between its claim and its publishing of the item.
    pub const fn is_contended(self) -> bool {
        matches!(self, Self::Contended)
    }
}

impl<T> fmt::Debug for PushError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full(_) => "Full(..)",
            Self::Contended(_) => "Contended(..)",
        })
    }
}

impl<T> fmt::Display for PushError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full(_) => "the ring is full",
            Self::Contended(_) => "a consumer has not finished with the slot",
        })
    }
}

impl fmt::Display for PopError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "the ring is empty",
            Self::Contended => "a producer has not finished with the slot",
        })
    }
}

impl<T> Error for PushError<T> {}
impl Error for PopError {}
