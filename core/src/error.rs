//! What can go wrong, each time with the item given back.

use core::error::Error;
use core::fmt;

/// The ring was full. Holds the item that was not stored.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Full<T>(pub T);

impl<T> Full<T> {
    /// The item that was not stored.
    #[must_use = "else the item is dropped"]
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> fmt::Debug for Full<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Full(..)")
    }
}

impl<T> fmt::Display for Full<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the ring is full")
    }
}

impl<T> Error for Full<T> {}

/// No ring can have the capacity that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum CapacityError {
    /// A ring holds at least one item.
    Zero,
    /// More items, or more bytes, than the address space can hold.
    TooLarge,
    /// The allocator had no memory for it.
    OutOfMemory,
}

impl fmt::Display for CapacityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Zero => "the capacity is zero",
            Self::TooLarge => "the capacity is larger than the address space",
            Self::OutOfMemory => "there is not enough memory for the capacity",
        })
    }
}

impl Error for CapacityError {}
