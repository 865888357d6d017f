//! Room that is sure to be there.

use std::fmt;
use std::time::Instant;

use super::future::ReserveFuture;
use super::sender::attend_to;
use super::{Sender, Shared};
use crate::error::{SendError, TrySendError};
use crate::flavour::{AnyTx, CanReserve, Flavour};
use crate::ring::{Gauge, Tx};
use crate::wait::wait;

/// Room for one item, until it is used. From [`Sender::reserve`].
///
/// Dropping it gives the room back. Where there are many senders, one that is forgotten
/// keeps it for ever.
///
/// ```
/// let (mut tx, mut rx) = ringfence::channel(1).spsc().build();
/// let permit = tx.reserve().unwrap();
/// let item = String::from("made only once there is room for it");
/// permit.send(item).unwrap();
/// assert!(tx.try_reserve().unwrap_err().is_full());
/// assert!(rx.recv().is_ok());
/// ```
#[must_use = "the room is for one item"]
pub struct Permit<'a, T, F: Flavour> {
    sender: &'a mut Sender<T, F>,
    is_used: bool,
}

impl<'a, T, F: Flavour> Permit<'a, T, F> {
    /// The caller has got [`room`](take_room).
    pub(super) fn new(sender: &'a mut Sender<T, F>) -> Self {
        let is_used = false;
        Self { sender, is_used }
    }

    /// Sends `item`. Never waits.
    ///
    /// # Errors
    /// [`SendError`] with the item, if the channel was closed, or the receiver went,
    /// meanwhile.
    pub fn send(mut self, item: T) -> Result<(), SendError<T>> {
        let Sender { tx, shared, .. } = &mut *self.sender;
        let refused = if shared.items.is_closed() {
            Some(item)
        } else {
            self.is_used = true;
            match tx.push_reserved(item) {
                Ok(ticket) => attend_to(shared, ticket),
                Err(_) => unreachable!("nobody else takes the room"),
            }
        };
        refused.map_or(Ok(()), |item| {
            shared.counts.send.refused_closed.add(1);
            Err(SendError(item))
        })
    }
}

impl<T, F: Flavour> Drop for Permit<'_, T, F> {
    fn drop(&mut self) {
        if !self.is_used {
            give_back(&mut self.sender.tx, &self.sender.shared);
        }
    }
}

impl<T, F: CanReserve> Sender<T, F> {
    /// Waits for room, whatever [`OnFull`](crate::OnFull) says, and keeps it.
    ///
    /// For items that are better not made, or not taken from elsewhere, before there is
    /// room. No item is offered as yet, so none is counted. For
    /// [flavours](CanReserve) with one sender, and where there are many, for channels built
    /// to be [reservable](crate::Builder::reservable).
    ///
    /// # Errors
    /// [`SendError`] without an item, if the channel is closed or the receiver gone,
    /// also while waiting.
    ///
    /// # Panics
    /// If the capacity is 0, and the channel open: there will never be room.
    #[track_caller]
    pub fn reserve(&mut self) -> Result<Permit<'_, T, F>, SendError<()>> {
        match take_room(&mut self.tx, &self.shared) {
            Ok(()) => {}
            Err(TrySendError::Full(())) => self.wait_for_room()?,
            Err(TrySendError::Disconnected(())) => return Err(SendError(())),
        }
        Ok(Permit::new(self))
    }

    /// As [`reserve`](Self::reserve), but never waits.
    ///
    /// # Errors
    /// [`TrySendError`] without an item, if there is no room, as always with a capacity of
    /// 0, or the channel is closed or the receiver gone.
    pub fn try_reserve(&mut self) -> Result<Permit<'_, T, F>, TrySendError<()>> {
        match take_room(&mut self.tx, &self.shared) {
            Ok(()) => Ok(Permit::new(self)),
            Err(refusal) => {
                if refusal.is_full() {
                    self.found_full();
                }
                Err(refusal)
            }
        }
    }

    /// As [`reserve`](Self::reserve), in a future.
    ///
    /// Dropping it at any time loses nothing.
    ///
    /// # Errors
    /// [`SendError`] without an item, if the channel is closed or the receiver gone,
    /// also while waiting.
    ///
    /// # Panics
    /// When it is polled, if the capacity is 0, and the channel open. If it is polled again
    /// after it was ready.
    pub fn reserve_async(&mut self) -> ReserveFuture<'_, T, F> {
        ReserveFuture::new(self)
    }

    #[cold]
    #[track_caller]
    fn wait_for_room(&mut self) -> Result<(), SendError<()>> {
        self.shared.assert_has_room();
        self.found_full();
        let Self {
            tx,
            shared,
            patience,
            ..
        } = self;
        let start = Instant::now();
        let mut room = Room::new(tx, shared);
        let attempt = || room.attempt();
        let more = || shared.ring.has_room();
        let seen = wait(&shared.room, patience, None, attempt, more);
        let blocked = &shared.counts.send.blocked_nanos;
        blocked.add(start.elapsed().as_nanos() as u64);
        room.hand_over();
        seen.expect("without a deadline it waits until there is something")
    }
}

/// Looks whether the channel is closed, then keeps room for one item.
fn take_room<T, F: Flavour>(
    tx: &mut AnyTx<T, F>,
    shared: &Shared<T, F>,
) -> Result<(), TrySendError<()>> {
    if shared.items.is_closed() {
        return Err(TrySendError::Disconnected(()));
    }
    if tx.reserve() {
        Ok(())
    } else {
        Err(TrySendError::Full(()))
    }
}

fn give_back<T, F: Flavour>(tx: &mut AnyTx<T, F>, shared: &Shared<T, F>) {
    if tx.cancel_reserved() {
        shared.attend_to_senders();
    }
}

impl<T, F: Flavour> Shared<T, F> {
    /// Before somebody waits until there is room.
    #[track_caller]
    pub(super) fn assert_has_room(&self) {
        assert!(
            !self.is_rendezvous(),
            "a channel of capacity 0 has no room to reserve"
        );
    }
}

/// Room for who waits for it: given back unless it is handed over, so also if a waker
/// panics.
pub(super) struct Room<'a, T, F: Flavour> {
    tx: &'a mut AnyTx<T, F>,
    shared: &'a Shared<T, F>,
    is_kept: bool,
}

impl<'a, T, F: Flavour> Room<'a, T, F> {
    pub(super) fn new(tx: &'a mut AnyTx<T, F>, shared: &'a Shared<T, F>) -> Self {
        Self {
            tx,
            shared,
            is_kept: false,
        }
    }

    /// Looks again: `None` if there is none yet.
    pub(super) fn attempt(&mut self) -> Option<Result<(), SendError<()>>> {
        match take_room(self.tx, self.shared) {
            Ok(()) => {
                self.is_kept = true;
                Some(Ok(()))
            }
            Err(TrySendError::Full(())) => None,
            Err(TrySendError::Disconnected(())) => Some(Err(SendError(()))),
        }
    }

    /// What there is belongs to a permit.
    pub(super) fn hand_over(mut self) {
        self.is_kept = false;
    }
}

impl<T, F: Flavour> Drop for Room<'_, T, F> {
    fn drop(&mut self) {
        if self.is_kept {
            give_back(self.tx, self.shared);
        }
    }
}

impl<T, F: Flavour> fmt::Debug for Permit<'_, T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Permit").field(&self.sender).finish()
    }
}
