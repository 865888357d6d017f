//! The end that sends, as a case of a select.

use std::fmt;
use std::time::Duration;

use super::{Sender, offer_now};
use crate::channel::Shared;
use crate::error::{SendError, TrySendError};
use crate::event::Event;
use crate::flavour::{AnyTx, Flavour};
use crate::ring::Gauge;
use crate::select::case::{Case, End};
use crate::wait::{Party, Patience};

/// A send in a select. From [`send`].
pub struct Sending<'a, T, F: Flavour> {
    slot: &'a mut Option<T>,
    tx: &'a mut AnyTx<T, F>,
    shared: &'a Shared<T, F>,
    patience: &'a mut Patience,
}

/// Sends what is in `slot`, if this is the case of the
/// [`select`](crate::select::select()) that is carried out, and tells `then`. Otherwise it
/// stays in `slot`, and was not offered.
///
/// It is ready when there is room, whatever the channel does when it is full
/// ([`OnFull`](crate::OnFull)); also when it is closed: then it gives the item back in a
/// [`SendError`]. With nothing in `slot` it is never ready.
pub fn send<'a, T, F: Flavour, R, G>(
    sender: &'a mut Sender<T, F>,
    slot: &'a mut Option<T>,
    then: G,
) -> Case<'a, Sending<'a, T, F>, G>
where
    G: FnMut(Result<(), SendError<T>>) -> R,
{
    let sending = Sending {
        slot,
        tx: &mut sender.tx,
        shared: &sender.shared,
        patience: &mut sender.patience,
    };
    Case::new(sending, then)
}

impl<'a, T, F: Flavour, G> Case<'a, Sending<'a, T, F>, G> {
    /// What it is to send: nothing, once it was carried out. For cases that are selected
    /// again.
    pub fn slot(&mut self) -> &mut Option<T> {
        self.end.slot
    }
}

impl<'a, T, F: Flavour> End<'a> for Sending<'a, T, F> {
    type Done = Result<(), SendError<T>>;

    #[inline]
    fn attempt(&mut self) -> Option<Self::Done> {
        match offer_now(self.tx, self.shared, self.slot.take()?) {
            Ok(()) => Some(Ok(())),
            Err(TrySendError::Full(item)) => {
                *self.slot = Some(item);
                None
            }
            Err(TrySendError::Disconnected(item)) => {
                self.shared.counts.send.refused_closed.add(1);
                Some(Err(SendError(item)))
            }
        }
    }

    fn is_live(&self) -> bool {
        self.slot.is_some()
    }

    fn event(&self) -> &'a Event {
        &self.shared.room
    }

    fn can_meet(&self) -> bool {
        self.shared.is_rendezvous()
    }

    /// In this order, so that it is woken by whoever comes after it has looked.
    fn appear(&mut self, party: &Party) -> Option<Self::Done> {
        self.shared.handoff()?.bid(party);
        self.meet(party)
    }

    fn meet(&mut self, party: &Party) -> Option<Self::Done> {
        match self.shared.hand(self.slot.take()?, Some(party)) {
            Ok(()) => Some(Ok(())),
            Err(item) => {
                *self.slot = Some(item);
                None
            }
        }
    }

    fn disappear(&mut self, party: &Party) -> Option<Self::Done> {
        self.shared.handoff()?.unbid(party);
        None
    }

    fn has_more(&self) -> bool {
        self.shared.ring.has_room()
    }

    fn patience(&mut self) -> &mut Patience {
        self.patience
    }

    fn count_unready(&self) {
        let Shared { ring, counts, .. } = self.shared;
        counts.send.full_events.add(1);
        counts.seen(ring.depth_without_room());
    }

    fn count_blocked(&self, time: Duration) {
        let blocked = &self.shared.counts.send.blocked_nanos;
        blocked.add(time.as_nanos() as u64);
    }
}

impl<T, F: Flavour> fmt::Debug for Sending<'_, T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let slot = if self.slot.is_some() {
            "Some(..)"
        } else {
            "None"
        };
        f.debug_struct("Sending")
            .field("slot", &format_args!("{slot}"))
            .finish_non_exhaustive()
    }
}
