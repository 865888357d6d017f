//! Room that is sure to be there.

use std::fmt;
use std::time::Instant;

use super::future::ReserveFuture;
use super::sender::offer;
use super::{Sender, Shared};
use crate::error::{SendError, TrySendError};
use crate::flavour::{AnyTx, Flavour, OneSender};
use crate::ring::{Gauge, Tx};
use crate::wait::wait;

/// Room for one item, seen by the only sender: it stays until it is used. From
/// [`Sender::reserve`].
///
/// Dropping it gives the room back, by doing nothing.
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
pub struct Permit<'a, T, F: Flavour>(&'a mut Sender<T, F>);

impl<'a, T, F: Flavour> Permit<'a, T, F> {
    /// The caller has [`seen_room`].
    pub(super) fn new(sender: &'a mut Sender<T, F>) -> Self {
        Self(sender)
    }

    /// Sends `item`. Never waits.
    ///
    /// # Errors
    /// [`SendError`] with the item, if the channel was closed, or the receiver went,
    /// meanwhile.
    pub fn send(self, item: T) -> Result<(), SendError<T>> {
        offer(&mut self.0.tx, &self.0.shared, item).map_err(|refusal| {
            debug_assert!(refusal.is_disconnected(), "nobody else takes room");
            self.0.count(&refusal);
            SendError(refusal.into_inner())
        })
    }
}

impl<T, F: OneSender> Sender<T, F> {
    /// Waits for room, whatever [`OnFull`](crate::OnFull) says, and keeps it.
    ///
    /// For items that are better not made, or not taken from elsewhere, before there is
    /// room. No item is offered as yet, so none is counted. Only for the
    /// [flavours with one sender](OneSender).
    ///
    /// # Errors
    /// [`SendError`] without an item, if the channel is closed or the receiver gone,
    /// also while waiting.
    ///
    /// # Panics
    /// If the capacity is 0, and the channel open: there will never be room.
    #[track_caller]
    pub fn reserve(&mut self) -> Result<Permit<'_, T, F>, SendError<()>> {
        match seen_room(&mut self.tx, &self.shared) {
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
        match seen_room(&mut self.tx, &self.shared) {
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
        let attempt = || reserve_waiting(tx, shared);
        let more = || shared.ring.len() < shared.ring.capacity();
        let seen = wait(&shared.room, patience, None, attempt, more);
        let blocked = &shared.counts.send.blocked_nanos;
        blocked.add(start.elapsed().as_nanos() as u64);
        seen.expect("without a deadline it waits until there is something")
    }
}

/// Looks whether the channel is closed, then whether there is room.
pub(super) fn seen_room<T, F: Flavour>(
    tx: &mut AnyTx<T, F>,
    shared: &Shared<T, F>,
) -> Result<(), TrySendError<()>> {
    if shared.items.is_closed() {
        return Err(TrySendError::Disconnected(()));
    }
    if tx.has_room() {
        Ok(())
    } else {
        Err(TrySendError::Full(()))
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

/// Who waits for room looks again: `None` if there is none yet.
pub(super) fn reserve_waiting<T, F: Flavour>(
    tx: &mut AnyTx<T, F>,
    shared: &Shared<T, F>,
) -> Option<Result<(), SendError<()>>> {
    match seen_room(tx, shared) {
        Ok(()) => Some(Ok(())),
        Err(TrySendError::Full(())) => None,
        Err(TrySendError::Disconnected(())) => Some(Err(SendError(()))),
    }
}

impl<T, F: Flavour> fmt::Debug for Permit<'_, T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Permit").field(&self.0).finish()
    }
}
