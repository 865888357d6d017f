//! What senders have in common that are polled.

use std::task::{Poll, Waker};

use super::send::Sending;
use crate::channel::Sender;
use crate::error::SendError;
use crate::flavour::Flavour;
use crate::policy::Sent;

/// An end that sends items of this type: a [`Sender`], or that of a
/// [weighted](crate::weighted) channel. Sealed.
pub trait Sends<T>: sealed::Sealed {
    /// An item that was not sent, and why.
    type Error;

    /// An item on its way, if there is one.
    #[doc(hidden)]
    type Sending: Default;

    #[doc(hidden)]
    fn has_item(sending: &Self::Sending) -> bool;

    /// The first attempt, if no item is on its way: `None` if it has to wait.
    #[doc(hidden)]
    fn begin(
        &mut self,
        sending: &mut Self::Sending,
        item: T,
    ) -> Option<Result<Sent<T>, Self::Error>>;

    /// For who has an item on its way.
    #[doc(hidden)]
    fn poll(
        &mut self,
        sending: &mut Self::Sending,
        waker: &Waker,
    ) -> Poll<Result<Sent<T>, Self::Error>>;

    /// Sends nothing more, and gives the item back, if there is one: counted.
    #[doc(hidden)]
    fn cancel(&mut self, sending: &mut Self::Sending) -> Option<T>;

    /// The same, for nobody.
    #[doc(hidden)]
    fn cancel_and_drop(&mut self, sending: &mut Self::Sending);

    /// For an item that comes when there is no sender any more.
    #[doc(hidden)]
    fn too_late(item: T) -> Self::Error;
}

mod sealed {
    use crate::channel::weighted;
    use crate::flavour::Flavour;

    pub trait Sealed {}
    impl<T, F: Flavour> Sealed for super::Sender<T, F> {}
    impl<T, F: Flavour> Sealed for weighted::Sender<T, F> {}
    impl<T, F: Flavour> Sealed for weighted::Twice<T, F> {}
}

impl<T, F: Flavour> Sends<T> for Sender<T, F> {
    type Error = SendError<T>;
    type Sending = Sending<T>;

    fn has_item(sending: &Sending<T>) -> bool {
        sending.has_item()
    }

    fn begin(
        &mut self,
        sending: &mut Sending<T>,
        item: T,
    ) -> Option<Result<Sent<T>, SendError<T>>> {
        sending.begin(self, item)
    }

    fn poll(
        &mut self,
        sending: &mut Sending<T>,
        waker: &Waker,
    ) -> Poll<Result<Sent<T>, SendError<T>>> {
        sending.poll(self, waker)
    }

    fn cancel(&mut self, sending: &mut Sending<T>) -> Option<T> {
        sending.cancel(self)
    }

    fn cancel_and_drop(&mut self, sending: &mut Sending<T>) {
        sending.cancel_and_drop(self);
    }

    fn too_late(item: T) -> SendError<T> {
        SendError(item)
    }
}
