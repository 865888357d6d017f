//! Channels that are bounded by weight as well: by the bytes of their items, or whatever
//! else a closure says.
//!
//! Beside its capacity in items, such a channel has a [`Pool`] of credits. A send acquires
//! as many as its item weighs, and the item carries them as a [`Lease`]. The receiver gets
//! both as a [`Weighted`], and the credits are free again when that is dropped, or taken
//! apart by [`into_inner`](Weighted::into_inner): so what is still being worked on counts.
//!
//! ```
//! use ringfence::credit::Pool;
//!
//! let bytes = Pool::new(1 << 20);
//! let (mut tx, mut rx) = ringfence::channel(1024) // items, and
//!     .spsc()
//!     .weighted(&bytes, |text: &String| text.len() as u64) // bytes
//!     .build();
//! let _ = tx.send("x".repeat(1 << 20))?;
//! assert!(tx.try_send("y".into()).unwrap_err().is_full());
//!
//! let text = rx.recv().unwrap();
//! assert_eq!((text.len(), bytes.stats().lent), (1 << 20, 1 << 20)); // still in our hands
//! drop(text);
//! assert_eq!(bytes.stats().lent, 0);
//! # Ok::<(), ringfence::weighted::SendError<String>>(())
//! ```
//!
//! The receiver is an ordinary one, of weighted items, with all that it can do. A pool can
//! be shared by any number of channels, of all flavours, and used beside them. Its
//! [`stats`](Pool::stats) say how much weight is inside or in hand, of all together, and
//! the most that ever was; those of the channel count its items as always.
//!
//! # When there is no credit
//!
//! | `OnFull::` | when the pool has too few credits |
//! |---|---|
//! | `Block` | the send waits for them, in the pool's order, then for a slot if need be |
//! | `DropNewest` | it refuses the item, as when there is no slot |
//! | `DropRandom` | it refuses the item; chance goes by the number of items |
//! | `DropOldest` | not to be had: [`BuildError::DropOldest`] |
//!
//! What one evicted item weighs need not make room for another, and what lies in other
//! channels, or in hand, cannot be evicted: so there is no exact `DropOldest`.
//!
//! An item that weighs more than the pool has follows the pool's
//! [rules](crate::credit::Rules): it is given back, unless they say otherwise. By
//! [`Oversized::Alone`](crate::credit::Oversized::Alone) it goes through alone.
//!
//! # Who waits for whom
//!
//! A send takes its credits first, and then its slot. Who waits for a slot holds credits;
//! slots are freed by receiving, which needs no credit, so it gets one as soon as somebody
//! receives. Who waits for credits holds nothing of this channel. So within a channel
//! nobody waits for ever as long as its items are received and dropped.
//!
//! Between channels that share a pool, one whose items nobody receives keeps its credits
//! from the others. And a stage that holds an item of one channel while it sends to
//! another of the same pool can wait for itself, when all credits are in the hands of such
//! stages: let the item go on with the credits it has, by
//! [`send_leased`](Sender::send_leased).
//!
//! # Permits
//!
//! [`reserve`](Sender::reserve) takes credits before there is an item, on channels of every
//! flavour. If each item costs so much that the pool's credits run out before the slots do,
//! a permit is sure to have a slot, and its send waits for nobody, or at most for a receive
//! that is under way. So it is where the pool's [least charge](crate::credit::Rules::minimum)
//! times the capacity in items is no less than the pool's credits
//! ([`Sender::slots_suffice`]). Else its send may wait for a slot as any other does.

mod batch;
mod credit;
mod error;
mod permit;
mod sender;
mod sending;
#[cfg(test)]
mod tests;
mod twice;
mod watched;

pub use self::batch::SendManyError;
pub use self::error::{BuildError, Cause, SendError};
pub use self::permit::Permit;
pub use self::sender::Sender;
pub use self::sending::SendFuture;
pub(crate) use self::twice::Twice;

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use super::{Builder as Plain, Hook, Receiver};
use crate::credit::{Lease, Pool};
use crate::flavour::{Flavour, Mpmc};
use crate::policy::OnFull;

/// An item, and the credits that it costs, which are free again when this is dropped:
/// after the item is.
#[derive(Debug)]
pub struct Weighted<T> {
    item: T,
    lease: Lease,
}

impl<T> Weighted<T> {
    /// The item; its credits are free again.
    pub fn into_inner(self) -> T {
        self.item
    }

    /// The item, and its credits, which stay lent.
    pub fn into_parts(self) -> (T, Lease) {
        (self.item, self.lease)
    }

    /// Another item, with the credits of the one before.
    pub(crate) fn of_parts(item: T, lease: Lease) -> Self {
        Self { item, lease }
    }

    /// Its credits.
    pub fn lease(&self) -> &Lease {
        &self.lease
    }
}

impl<T> Deref for Weighted<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.item
    }
}

impl<T> DerefMut for Weighted<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.item
    }
}

/// Says what an item weighs.
type Weigh<T> = Arc<dyn Fn(&T) -> u64 + Send + Sync>;

impl<T, F: Flavour> Plain<T, F> {
    /// Bounds the channel by weight as well: each item costs as many credits of `pool` as
    /// `weigh` says. See [`weighted`](crate::weighted).
    ///
    /// `weigh` is asked once for each item, by its sender, under no lock. If it panics, the
    /// item was not offered, and is dropped. A hook of [`on_drop`](Self::on_drop) must be
    /// given before.
    pub fn weighted(
        self,
        pool: &Pool,
        weigh: impl Fn(&T) -> u64 + Send + Sync + 'static,
    ) -> Builder<T, F>
    where
        T: 'static,
    {
        let on_drop = self.on_drop.map(|hook| -> Hook<Weighted<T>> {
            Arc::new(move |weighted: &Weighted<T>, reason| hook(&weighted.item, reason))
        });
        Builder {
            channel: Plain {
                capacity: self.capacity,
                on_full: self.on_full,
                on_drop,
                flavour: PhantomData,
            },
            pool: pool.clone(),
            weigh: Arc::new(weigh),
        }
    }
}

/// A weighted channel to be. From [`Builder::weighted`](Plain::weighted).
#[must_use = "a builder does nothing until it builds"]
pub struct Builder<T, F = Mpmc> {
    channel: Plain<Weighted<T>, F>,
    pool: Pool,
    weigh: Weigh<T>,
}

impl<T, F: Flavour> Builder<T, F> {
    /// The two ends.
    ///
    /// # Panics
    /// If no memory can hold the capacity, or it is 0 with
    /// [`OnFull::DropRandom`], or the policy is [`OnFull::DropOldest`].
    #[must_use]
    #[track_caller]
    pub fn build(self) -> (Sender<T, F>, Receiver<Weighted<T>, F>) {
        self.try_build().unwrap_or_else(|error| panic!("{error}"))
    }

    /// The two ends.
    ///
    /// # Errors
    /// [`BuildError`], if no memory can hold the capacity, or it is 0 with
    /// [`OnFull::DropRandom`], or the policy is [`OnFull::DropOldest`].
    #[expect(clippy::type_complexity, reason = "two ends, spelled out once")]
    pub fn try_build(self) -> Result<(Sender<T, F>, Receiver<Weighted<T>, F>), BuildError> {
        if self.channel.on_full == OnFull::DropOldest {
            return Err(BuildError::DropOldest);
        }
        let (tx, rx) = self.channel.try_build().map_err(BuildError::Capacity)?;
        Ok((Sender::new(tx, self.pool, self.weigh), rx))
    }
}

impl<T, F> fmt::Debug for Builder<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("channel", &self.channel)
            .field("pool", &self.pool)
            .finish_non_exhaustive()
    }
}
