//! Credits for an item that is not there yet.

use std::fmt;

use super::{Cause, SendError, Sender, Weighted};
use crate::credit::Lease;
use crate::flavour::{Flavour, Mpmc};
use crate::policy::Sent;

/// Credits for one item of a certain weight, and the right to send it. From
/// [`Sender::reserve`]. Dropping it gives the credits back.
///
/// ```
/// # use ringfence::credit::{Pool, Rules};
/// let pool = Pool::with_rules(1000, Rules::default().minimum(100)).unwrap();
/// let (mut tx, rx) = ringfence::channel(10) // 10 times 100 credits: slots suffice
///     .weighted(&pool, |text: &String| text.len() as u64)
///     .build();
/// let mut other = tx.clone();
/// let permit = tx.reserve(500).unwrap();
/// assert!(other.try_reserve(501).is_err());
/// let _ = permit.send("x".repeat(300)).unwrap(); // what is reserved in excess is free again
/// assert_eq!((rx.len(), pool.stats().lent), (1, 300));
/// ```
#[must_use = "the credits are for one item"]
pub struct Permit<'a, T, F: Flavour = Mpmc> {
    sender: &'a mut Sender<T, F>,
    reserved: u64,
    lease: Lease,
}

impl<'a, T, F: Flavour> Permit<'a, T, F> {
    pub(super) fn new(sender: &'a mut Sender<T, F>, reserved: u64, lease: Lease) -> Self {
        Self {
            sender,
            reserved,
            lease,
        }
    }

    /// Sends `item`, which is charged what it weighs. Where
    /// [slots suffice](Sender::slots_suffice), it waits for none but those that a receive is
    /// about to free; else it does what a [`send`](Sender::send) does without a slot.
    ///
    /// # Errors
    /// [`SendError`] with the item, if the channel is closed, also while waiting, or the
    /// item weighs more than was reserved.
    pub fn send(self, item: T) -> Result<Sent<T>, SendError<T>> {
        let Self {
            sender,
            reserved,
            mut lease,
        } = self;
        let weight = (sender.weigh)(&item);
        if weight > reserved {
            return Err(sender.hand_back(item, Cause::TooHeavy));
        }
        lease.shrink_to(sender.pool.rules().least(weight));
        sender.put(Weighted { item, lease }, None)
    }

    /// The credits, without the right.
    pub fn into_lease(self) -> Lease {
        self.lease
    }
}

impl<T, F: Flavour> fmt::Debug for Permit<'_, T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit")
            .field("reserved", &self.reserved)
            .field("lease", &self.lease)
            .finish_non_exhaustive()
    }
}
