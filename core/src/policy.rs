//! What a push does when there is no room, without std, and what became of each item.
//!
//! A ring with a policy never waits: each item is stored, or something is given back, and
//! counted.
//!
//! | policy | gives back | on |
//! |---|---|---|
//! | [`DropNewest`] | the item that does not fit | every ring |
//! | [`DropOldest`] | the oldest, in whose place it is stored | `mpmc` |
//! | [`DropRandom`] | by chance, the more the fuller the ring is; all that do not fit | every ring |
//!
//! ```
//! use ringfence_core::policy::{DropNewest, Policed, Sent};
//! use ringfence_core::spsc::Ring;
//!
//! static RING: Ring<u16, 2> = Ring::new();
//! let (tx, _rx) = RING.split().unwrap();
//! let mut tx = Policed::new(tx, DropNewest);
//! assert_eq!(tx.push(1), Sent::Stored);
//! assert_eq!(tx.push(2), Sent::Stored);
//! assert_eq!(tx.push(3), Sent::Refused(3));
//! assert_eq!((tx.counts().offered, tx.counts().refused), (3, 1));
//! ```
//!
//! The one producer of `spsc` cannot evict, since the oldest item is the consumer's:
//!
//! ```compile_fail
//! use ringfence_core::policy::{DropOldest, Policed};
//! # use ringfence_core::spsc::Ring;
//! # static RING: Ring<u16, 2> = Ring::new();
//! let (tx, _rx) = RING.split().unwrap();
//! let mut tx = Policed::new(tx, DropOldest);
//! tx.push(1);
//! ```

mod random;
#[cfg(test)]
mod tests;

use core::fmt;

use crate::spsc::{Owner, Producer};

pub use self::random::{DropRandom, EarlyDrop, EarlyDropError};

/// What became of an item that was pushed or sent.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[must_use = "a refused or evicted item is inside"]
pub enum Sent<T> {
    /// It is inside. With a channel of capacity 0, it is received, or a thread is bound to
    /// receive it.
    Stored,
    /// It was refused, as the policy says. Counted.
    Refused(T),
    /// It is inside, in place of the oldest, which this is. Counted.
    Evicted(T),
}

impl<T> Sent<T> {
    /// Whether the item that was sent is inside.
    pub fn is_stored(&self) -> bool {
        !matches!(self, Self::Refused(_))
    }

    /// The item that was sent, if it was refused.
    #[must_use]
    pub fn into_refused(self) -> Option<T> {
        match self {
            Self::Refused(item) => Some(item),
            Self::Stored | Self::Evicted(_) => None,
        }
    }

    /// The item that is no more inside, or never was: that which was refused or
    /// evicted.
    #[must_use]
    pub fn into_dropped(self) -> Option<T> {
        match self {
            Self::Stored => None,
            Self::Refused(item) | Self::Evicted(item) => Some(item),
        }
    }
}

impl<T> fmt::Debug for Sent<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stored => "Stored",
            Self::Refused(_) => "Refused(..)",
            Self::Evicted(_) => "Evicted(..)",
        })
    }
}

/// What a policy asks of a ring, or of a handle that pushes.
pub trait Push {
    /// What the ring holds.
    type Item;
    /// Stores an item behind all others, or gives it back if that cannot be done now.
    ///
    /// # Errors
    /// The item, if there was no room; with cells of `mpmc` and no handle, also if all
    /// spares were in use; with `stamped`, also if a consumer held the slot.
    fn push(&mut self, item: Self::Item) -> Result<(), Self::Item>;
    /// How many items are inside.
    fn depth(&self) -> usize;
}

/// A ring that can evict its oldest item.
pub trait ForcePush: Push {
    /// Stores an item behind all others; in a full ring, in place of the oldest.
    fn force(&mut self, item: Self::Item) -> Sent<Self::Item>;
}

impl<O: Owner> Push for Producer<O> {
    type Item = O::Item;
    #[inline]
    fn push(&mut self, item: O::Item) -> Result<(), O::Item> {
        self.try_push(item).map_err(|full| full.0)
    }
    fn depth(&self) -> usize {
        self.len()
    }
}

/// What is done with an item, whether or not there is room.
pub trait Policy<P: Push> {
    /// Stores it, or decides what is given back.
    fn offer(&mut self, ring: &mut P, item: P::Item) -> Sent<P::Item>;
}

/// Refuses the item that does not fit. What is stored stays.
#[derive(Clone, Copy, Debug, Default)]
pub struct DropNewest;

impl<P: Push> Policy<P> for DropNewest {
    #[inline]
    fn offer(&mut self, ring: &mut P, item: P::Item) -> Sent<P::Item> {
        match ring.push(item) {
            Ok(()) => Sent::Stored,
            Err(item) => Sent::Refused(item),
        }
    }
}

/// Stores the item in place of the oldest, both at one instant. Refuses it only where calls
/// need spares, and all are in use.
#[derive(Clone, Copy, Debug, Default)]
pub struct DropOldest;

impl<P: ForcePush> Policy<P> for DropOldest {
    #[inline]
    fn offer(&mut self, ring: &mut P, item: P::Item) -> Sent<P::Item> {
        ring.force(item)
    }
}

/// What became of the items that were pushed by one caller, each modulo 2^32:
/// `offered = stored + refused`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Counts {
    /// Items that were to be pushed.
    pub offered: u32,
    /// Items that went in.
    pub stored: u32,
    /// Items that did not, and were given back.
    pub refused: u32,
    /// Items that were inside, and were given back for newer ones.
    pub evicted: u32,
}

/// A ring, or a handle that pushes, with a policy and counts of its own.
#[derive(Debug)]
pub struct Policed<P, D> {
    ring: P,
    policy: D,
    counts: Counts,
}

impl<P: Push, D: Policy<P>> Policed<P, D> {
    /// With nothing counted yet.
    pub const fn new(ring: P, policy: D) -> Self {
        let counts = Counts {
            offered: 0,
            stored: 0,
            refused: 0,
            evicted: 0,
        };
        Self {
            ring,
            policy,
            counts,
        }
    }

    /// Pushes an item, or does with it what the policy says. Never waits; wait-free or
    /// lock-free as the ring's own push is.
    #[inline]
    pub fn push(&mut self, item: P::Item) -> Sent<P::Item> {
        let sent = self.policy.offer(&mut self.ring, item);
        let counts = &mut self.counts;
        let one_more = |count: &mut u32| *count = count.wrapping_add(1);
        one_more(&mut counts.offered);
        match sent {
            Sent::Refused(_) => one_more(&mut counts.refused),
            Sent::Evicted(_) => {
                one_more(&mut counts.stored);
                one_more(&mut counts.evicted);
            }
            Sent::Stored => one_more(&mut counts.stored),
        }
        sent
    }

    /// What became of the items so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// The ring.
    #[must_use]
    pub fn ring(&self) -> &P {
        &self.ring
    }

    /// The ring, without the policy.
    #[must_use]
    pub fn into_ring(self) -> P {
        self.ring
    }
}
