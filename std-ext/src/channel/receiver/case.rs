//! The end that receives, as a case of a select.

use std::fmt;
use std::time::Duration;

use super::{Receiver, receive};
use crate::channel::Shared;
use crate::error::{RecvError, TryRecvError};
use crate::event::Event;
use crate::flavour::{AnyRx, Flavour};
use crate::ring::{Gauge, Rx};
use crate::select::case::{Case, End};
use crate::wait::{Party, Patience};

/// A receive in a select. From [`recv`].
pub struct Receiving<'a, T, F: Flavour> {
    consumer: &'a mut Option<AnyRx<T, F>>,
    shared: &'a Shared<T, F>,
    patience: &'a mut Patience,
}

/// Receives an item, if this is the case of the [`select`](crate::select::select()) that
/// is carried out, and hands it to `then`.
///
/// It is ready when there is an item; also when the channel is closed and every item
/// received: then it gives [`RecvError`], now and whenever it is selected again.
pub fn recv<'a, T, F: Flavour, R, G>(
    receiver: &'a mut Receiver<T, F>,
    then: G,
) -> Case<'a, Receiving<'a, T, F>, G>
where
    G: FnMut(Result<T, RecvError>) -> R,
{
    let Receiver {
        consumer,
        shared,
        patience,
        ..
    } = receiver;
    let receiving = Receiving {
        consumer,
        shared,
        patience,
    };
    Case::new(receiving, then)
}

impl<'a, T, F: Flavour> End<'a> for Receiving<'a, T, F> {
    type Done = Result<T, RecvError>;

    #[inline]
    fn attempt(&mut self) -> Option<Self::Done> {
        match receive(self.consumer, self.shared, Rx::pop) {
            Ok(item) => Some(Ok(item)),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => Some(Err(RecvError)),
        }
    }

    fn is_live(&self) -> bool {
        true
    }

    fn event(&self) -> &'a Event {
        &self.shared.items
    }

    fn can_meet(&self) -> bool {
        self.shared.is_rendezvous()
    }

    fn appear(&mut self, party: &Party) -> Option<Self::Done> {
        self.shared.handoff()?.ask(party);
        None
    }

    fn disappear(&mut self, party: &Party) -> Option<Self::Done> {
        self.shared.handoff()?.answer(party).map(Ok)
    }

    fn has_more(&self) -> bool {
        self.shared.ring.offered() > 0
    }

    fn patience(&mut self) -> &mut Patience {
        self.patience
    }

    fn count_unready(&self) {
        self.shared.counts.recv.empty_events.add(1);
    }

    fn count_blocked(&self, time: Duration) {
        let blocked = &self.shared.counts.recv.blocked_nanos;
        blocked.add(time.as_nanos() as u64);
    }
}

impl<T, F: Flavour> fmt::Debug for Receiving<'_, T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiving").finish_non_exhaustive()
    }
}
