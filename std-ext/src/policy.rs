//! What a full channel does, and what became of an item.

use std::fmt;

/// What a send does when there is no room.
///
/// With many receivers, the slot of one that is in the middle of a receive is not yet
/// room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OnFull {
    /// It waits.
    #[default]
    Block,
    /// It refuses the item that is to be sent, gives it back, and counts it.
    /// What is stored stays.
    DropNewest,
}

/// What became of an item that was sent.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[must_use = "a refused item is inside"]
pub enum Sent<T> {
    /// It is in the channel.
    Stored,
    /// The channel was full, and [`OnFull::DropNewest`] was chosen. Counted.
    Refused(T),
}

impl<T> Sent<T> {
    /// Whether the item is in the channel.
    pub fn is_stored(&self) -> bool {
        matches!(self, Self::Stored)
    }

    /// The item that was refused, if it was.
    #[must_use]
    pub fn into_refused(self) -> Option<T> {
        match self {
            Self::Stored => None,
            Self::Refused(item) => Some(item),
        }
    }
}

impl<T> fmt::Debug for Sent<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stored => "Stored",
            Self::Refused(_) => "Refused(..)",
        })
    }
}

/// What became of many items that were sent.
#[derive(Clone, PartialEq, Eq, Hash)]
#[must_use = "refused items are inside"]
pub struct SentMany<T> {
    /// How many are in the channel.
    pub stored: usize,
    /// Those that were refused, in order. Counted.
    pub refused: Vec<T>,
}

impl<T> fmt::Debug for SentMany<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SentMany")
            .field("stored", &self.stored)
            .field("refused", &self.refused.len())
            .finish()
    }
}
