//! Waiting for the end.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use crate::channel::{Closed, Receiver, Sender, Shared};
use crate::flavour::{Flavour, Mpmc};
use crate::wait::KeptPlace;

impl<T, F: Flavour> Sender<T, F> {
    /// Waits until the channel is closed, and says why: for who makes items only as long
    /// as somebody wants them.
    ///
    /// Dropping it at any time loses nothing.
    ///
    /// ```
    /// # use std::task::{Context, Poll, Waker};
    /// # use std::pin::pin;
    /// let (tx, rx) = ringfence::bounded::<u8>(1);
    /// let mut closed = pin!(tx.closed());
    /// let mut context = Context::from_waker(Waker::noop());
    /// assert!(closed.as_mut().poll(&mut context).is_pending());
    /// drop(rx);
    /// assert!(matches!(
    ///     closed.poll(&mut context),
    ///     Poll::Ready(ringfence::Closed::ReceiversGone)
    /// ));
    /// ```
    pub fn closed(&self) -> ClosedFuture<'_, T, F> {
        ClosedFuture::new(&self.shared)
    }
}

impl<T, F: Flavour> Receiver<T, F> {
    /// Waits until the channel is closed, and says why. There may still be items inside.
    ///
    /// Dropping it at any time loses nothing.
    pub fn closed(&self) -> ClosedFuture<'_, T, F> {
        ClosedFuture::new(&self.shared)
    }
}

/// Waits until a channel is closed. See [`Sender::closed`].
#[must_use = "futures do nothing unless polled"]
pub struct ClosedFuture<'a, T, F: Flavour = Mpmc> {
    shared: &'a Shared<T, F>,
    place: KeptPlace,
}

impl<'a, T, F: Flavour> ClosedFuture<'a, T, F> {
    fn new(shared: &'a Shared<T, F>) -> Self {
        let place = KeptPlace::default();
        Self { shared, place }
    }
}

impl<T, F: Flavour> Future for ClosedFuture<'_, T, F> {
    type Output = Closed;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Closed> {
        let Self { shared, place } = self.get_mut();
        poll_closed(shared, place, context.waker())
    }
}

/// For who has a place among those who wait for the end, and leaves it when that is over.
pub(in crate::channel) fn poll_closed<T, F: Flavour>(
    shared: &Shared<T, F>,
    place: &mut KeptPlace,
    waker: &Waker,
) -> Poll<Closed> {
    let look = || shared.why_closed();
    match look() {
        Some(closed) => Poll::Ready(closed),
        None => place.poll(&shared.end, waker, look, || false),
    }
}

impl<T, F: Flavour> Drop for ClosedFuture<'_, T, F> {
    fn drop(&mut self) {
        self.place.leave(&self.shared.end);
    }
}

impl<T, F: Flavour> fmt::Debug for ClosedFuture<'_, T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClosedFuture").finish_non_exhaustive()
    }
}
