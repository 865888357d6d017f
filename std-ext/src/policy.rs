//! What a full channel does, and what became of an item.

/// What a send does when there is no room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
}

/// What became of many items that were sent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "refused items are inside"]
pub struct SentMany<T> {
    /// How many are in the channel.
    pub stored: usize,
    /// Those that were refused, in order. Counted.
    pub refused: Vec<T>,
}
