//! What a send that waits still has to do.

use crate::channel::Shared;
use crate::channel::sender::offer;
use crate::error::{SendError, TrySendError};
use crate::flavour::{AnyTx, Flavour};
use crate::policy::{Reason, Sent};
use crate::ring::{Ticket, Tx};
use crate::stats::{Count, SendCounts};

/// What a send that waits still has to do.
#[derive(Debug, Default)]
pub(in crate::channel) enum Pending<T> {
    /// Nothing: the item is sent, or given back, or there is none.
    #[default]
    Nothing,
    /// This is to be sent, when there is room.
    Item(T),
    /// What receivers see already is to be taken by one: a rendezvous.
    Placed(Ticket),
}

use Pending::{Item, Nothing, Placed};

impl<T> Pending<T> {
    pub(in crate::channel) fn is_nothing(&self) -> bool {
        matches!(self, Nothing)
    }

    /// Looks again: `None` if it has to wait on.
    pub(in crate::channel) fn attempt<F: Flavour>(
        &mut self,
        tx: &mut AnyTx<T, F>,
        shared: &Shared<T, F>,
    ) -> Option<Result<Sent<T>, SendError<T>>> {
        match std::mem::take(self) {
            Nothing => None,
            Item(item) => match offer(tx, shared, item) {
                Ok(()) => Some(Ok(Sent::Stored)),
                Err(TrySendError::Full(item)) => {
                    self.place(tx, shared, item);
                    None
                }
                Err(TrySendError::Disconnected(item)) => {
                    shared.counts.send.refused_closed.add(1);
                    Some(Err(SendError(item)))
                }
            },
            Placed(ticket) if !tx.is_placed(ticket) => Some(Ok(Sent::Stored)),
            Placed(ticket) => {
                *self = Placed(ticket);
                if !shared.items.is_closed() {
                    return None;
                }
                let item = self.take_back(tx, shared, |counts| &counts.refused_closed);
                Some(item.map_or(Ok(Sent::Stored), |item| Err(SendError(item))))
            }
        }
    }

    /// There is no room: it waits for some, or shows the item to receivers.
    fn place<F: Flavour>(&mut self, tx: &mut AnyTx<T, F>, shared: &Shared<T, F>, item: T) {
        *self = tx.place(item).map_or_else(Item, Placed);
        if matches!(self, Placed(_)) {
            shared.wake_receivers();
        }
    }

    /// Gives the item back, and counts it as refused; `None` if it has been sent.
    pub(in crate::channel) fn take_back<F: Flavour>(
        &mut self,
        tx: &mut AnyTx<T, F>,
        shared: &Shared<T, F>,
        refused: fn(&SendCounts) -> &Count,
    ) -> Option<T> {
        let pending = std::mem::take(self);
        let was_placed = matches!(pending, Placed(_));
        let item = match pending {
            Nothing => None,
            Item(item) => Some(item),
            Placed(ticket) => tx.withdraw(ticket),
        };
        if item.is_some() {
            refused(&shared.counts.send).add(1);
            if was_placed {
                // The receiver that it was for is there for another.
                shared.attend_to_senders();
            }
        }
        item
    }
}

/// A send that blocks. If a waker panics meanwhile, the item is cancelled.
pub(super) struct Blocking<'a, T, F: Flavour> {
    pub(super) pending: Pending<T>,
    pub(super) tx: &'a mut AnyTx<T, F>,
    pub(super) shared: &'a Shared<T, F>,
}

impl<T, F: Flavour> Blocking<'_, T, F> {
    pub(super) fn attempt(&mut self) -> Option<Result<Sent<T>, SendError<T>>> {
        self.pending.attempt(self.tx, self.shared)
    }

    /// Gives the item back, and counts it as refused; `None` if it has been sent.
    pub(super) fn take_back(&mut self, refused: fn(&SendCounts) -> &Count) -> Option<T> {
        self.pending.take_back(self.tx, self.shared, refused)
    }
}

impl<T, F: Flavour> Drop for Blocking<'_, T, F> {
    fn drop(&mut self) {
        if let Some(item) = self.take_back(|counts| &counts.refused_cancelled) {
            self.shared.dropped(&item, Reason::Cancelled);
        }
    }
}
