//! From a channel's receiver, and into a channel's sender.

use std::error::Error;
use std::fmt;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use super::driven::{Once, Waits};
use super::driver::Driver;
use super::items::Items;
use super::signals::{End, Failure, Publisher, Subscriber};
use crate::channel::{Closed, Receiver, Sender};
use crate::flavour::{Flavour, Mpmc};

/// Publishes what a channel's receiver takes, to one subscriber.
///
/// When that comes, `spawn` is given a [`Driver`] that receives and signals: on a thread of
/// its own by [`on_thread`](super::on_thread), or `|driver| { tokio::spawn(driver); }`. It
/// takes an item only when one is demanded, so that a slow subscriber leaves the channel
/// full, and what that does is the channel's policy. A second subscriber is told
/// [`Failure::Taken`].
///
/// When the channel is closed and empty, that is the end: told when the next item is
/// demanded, by [`on_complete`](Subscriber::on_complete), or, if it was
/// [closed with an error](crate::Sender::close_with), by `on_error` with that. When the
/// subscriber cancels, the receiver is dropped.
///
/// ```
/// use ringfence::pull::{self, PublisherExt};
///
/// let (mut tx, rx) = ringfence::channel(8).spsc().build();
/// let mut items = pull::from_channel(rx, pull::on_thread).items(4);
/// std::thread::spawn(move || (0..100).try_for_each(|i| tx.send(i).map(drop)));
/// assert!(items.map(Result::unwrap).eq(0..100));
/// ```
pub fn from_channel<T, F: Flavour>(
    rx: Receiver<T, F>,
    spawn: impl FnOnce(Driver) + Send + 'static,
) -> FromChannel<T, F>
where
    T: Send + 'static,
    Receiver<T, F>: Send,
{
    FromChannel(Once::new(rx, spawn))
}

/// Publishes what a channel's receiver takes. From [`from_channel`].
pub struct FromChannel<T, F: Flavour = Mpmc>(Once<Receiver<T, F>>);

impl<T, F> Publisher for FromChannel<T, F>
where
    T: Send + 'static,
    F: Flavour,
    Receiver<T, F>: Send,
{
    type Item = T;
    type Error = Arc<dyn Error + Send + Sync>;

    fn subscribe<S>(&self, subscriber: S)
    where
        S: Subscriber<T, Self::Error> + Send + 'static,
    {
        self.0.subscribe(Received, subscriber);
    }
}

/// How a receiver does it.
struct Received;

impl<T, F> Waits<Receiver<T, F>> for Received
where
    T: Send + 'static,
    F: Flavour,
    Receiver<T, F>: Send,
{
    type Item = T;
    type Error = Arc<dyn Error + Send + Sync>;

    async fn next(rx: &mut Receiver<T, F>) -> Result<T, End<Self::Error>> {
        match rx.recv_async().await {
            Ok(item) => Ok(item),
            Err(_) => Err(match rx.why_closed() {
                Some(Closed::With(error)) => Err(Failure::Source(error)),
                _ => Ok(()),
            }),
        }
    }
}

impl<T, F: Flavour> fmt::Debug for FromChannel<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FromChannel").finish_non_exhaustive()
    }
}

/// Sends what `publisher` gives, until either ends.
pub(crate) fn into_sender<P, F>(publisher: &P, mut tx: Sender<P::Item, F>, batch: usize) -> Driver
where
    P: Publisher<Item: Send + 'static, Error: Error + Send + Sync + 'static> + ?Sized,
    F: Flavour<Tx<P::Item>: Send, Rx<P::Item>: Send, Gauge<P::Item>: Send + Sync>,
{
    let mut items = Items::of(publisher, batch);
    Driver::new(async move {
        loop {
            match first(items.next_async(), tx.closed()).await {
                Some(Some(Ok(item))) => {
                    if tx.send_async(item).await.is_err() {
                        return;
                    }
                }
                Some(Some(Err(failure))) => return tx.close_with(failure),
                Some(None) | None => return,
            }
        }
    })
}

/// What `wanted` gives, unless `end` comes first.
async fn first<R>(wanted: impl Future<Output = R>, end: impl Future) -> Option<R> {
    let (mut wanted, mut end) = (pin!(wanted), pin!(end));
    poll_fn(|context| match wanted.as_mut().poll(context) {
        Poll::Ready(ready) => Poll::Ready(Some(ready)),
        Poll::Pending => end.as_mut().poll(context).map(|_| None),
    })
    .await
}
