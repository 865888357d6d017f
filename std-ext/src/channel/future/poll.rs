//! Receiving by poll and commit.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use super::recv::for_items;
use super::{POLLED_AFTER, Waiting};
use crate::channel::poll::look_waiting;
use crate::channel::{Batch, Polled, Receiver};
use crate::error::RecvError;
use crate::flavour::OneReceiver;

impl<T, F: OneReceiver> Polled<T, F> {
    /// Up to `max_items` items, oldest first; the future waits for the first if there is
    /// none, and for no others. Lingering takes a timer, which is the runtime's: poll after
    /// it instead.
    ///
    /// # Errors
    /// [`RecvError`], when the channel is closed and every item committed.
    ///
    /// # Panics
    /// If it is polled again after it was ready.
    ///
    /// # Cancel safety
    /// Nothing is taken before it is committed: dropping it loses nothing.
    ///
    /// ```
    /// # use std::task::{Context, Poll, Waker};
    /// # use std::pin::pin;
    /// let (mut tx, rx) = ringfence::channel(4).mpsc().build();
    /// let mut rx = rx.polled().unwrap();
    /// let mut polling = pin!(rx.poll_async(4));
    /// let mut context = Context::from_waker(Waker::noop());
    /// assert!(polling.as_mut().poll(&mut context).is_pending()); // empty
    /// tx.try_send(1).unwrap();
    /// let Poll::Ready(Ok(batch)) = polling.poll(&mut context) else { panic!() };
    /// assert_eq!(batch[0], 1);
    /// batch.commit();
    /// ```
    pub fn poll_async(&mut self, max_items: usize) -> PollFuture<'_, T, F> {
        PollFuture {
            polled: Some(self),
            most: max_items,
            waiting: Waiting::default(),
        }
    }
}

/// Waits for items to read where they are. See [`Polled::poll_async`].
#[must_use = "futures do nothing unless polled"]
pub struct PollFuture<'a, T, F: OneReceiver> {
    /// `None` once it was ready.
    polled: Option<&'a mut Polled<T, F>>,
    most: usize,
    waiting: Waiting,
}

impl<'a, T, F: OneReceiver> Future for PollFuture<'a, T, F> {
    type Output = Result<Batch<'a, T, F>, RecvError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Self {
            polled,
            most,
            waiting,
        } = self.get_mut();
        let found = poll_items(
            polled.as_mut().expect(POLLED_AFTER),
            *most,
            waiting,
            context.waker(),
        );
        found.map(|found| {
            let polled = polled.take().expect("it was there just now");
            found.map(|found| polled.offer(found, *most))
        })
    }
}

fn poll_items<T, F: OneReceiver>(
    polled: &mut Polled<T, F>,
    most: usize,
    waiting: &mut Waiting,
    waker: &Waker,
) -> Poll<Result<usize, RecvError>> {
    let Receiver {
        consumer,
        shared,
        habits,
        ..
    } = &mut polled.receiver;
    let paused = &polled.paused;
    let mut attempt = || look_waiting(consumer, shared, paused, most);
    if !waiting.has_begun() {
        if let Some(found) = attempt() {
            return Poll::Ready(found);
        }
        shared.counts.recv.empty_events.add(1);
        waiting.begin();
    }
    let (event, blocked_nanos) = for_items(shared);
    waiting.poll((event, blocked_nanos, habits), waker, attempt, || false)
}

impl<T, F: OneReceiver> Drop for PollFuture<'_, T, F> {
    fn drop(&mut self) {
        if let Some(polled) = &self.polled {
            let (event, blocked_nanos) = for_items(&polled.receiver.shared);
            self.waiting.leave(event, blocked_nanos);
        }
    }
}

impl<T, F: OneReceiver> fmt::Debug for PollFuture<'_, T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PollFuture")
            .field("polled", &self.polled)
            .field("most", &self.most)
            .finish_non_exhaustive()
    }
}
