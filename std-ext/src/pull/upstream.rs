//! Where a subscriber keeps its subscription, for whoever asks in its place.

use super::demand::Demand;
use super::signals::Subscription;
use crate::sync::{Mutex, lock};

/// A subscription, before it is there, while it is there, and after. Used outside of the
/// lock.
pub(crate) struct Upstream(Mutex<Slot>);

enum Slot {
    /// It is yet to come; so much was asked for already.
    Awaited(Demand),
    Open(Subscription),
    /// It is over, or nobody wants it.
    Cut,
}

impl Upstream {
    /// Asks for so many items when the subscription comes.
    pub(crate) fn asking(n: u64) -> Self {
        Self(Mutex::new(Slot::Awaited(Demand::new(n))))
    }

    /// The subscription has come. One too many is cancelled.
    pub(crate) fn set(&self, subscription: Subscription) {
        let mut slot = lock(&self.0);
        let Slot::Awaited(demand) = &mut *slot else {
            drop(slot);
            return subscription.cancel();
        };
        let demand = demand.take();
        *slot = Slot::Open(subscription.clone());
        drop(slot);
        if demand > 0 {
            subscription.request(demand);
        }
    }

    pub(crate) fn request(&self, n: u64) {
        let subscription = match &mut *lock(&self.0) {
            Slot::Awaited(demand) => return demand.add(n),
            Slot::Open(subscription) => subscription.clone(),
            Slot::Cut => return,
        };
        subscription.request(n);
    }

    /// Cancels the subscription, also one that is yet to come.
    pub(crate) fn cancel(&self) {
        if let Slot::Open(subscription) = self.replace() {
            subscription.cancel();
        }
    }

    /// The subscription is over: lets go of it.
    pub(crate) fn is_over(&self) {
        self.replace();
    }

    fn replace(&self) -> Slot {
        std::mem::replace(&mut lock(&self.0), Slot::Cut)
    }
}
