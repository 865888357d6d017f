//! From a stream, and what is published as one.

use std::convert::Infallible;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::{FusedStream, Stream};

use super::driven::{Once, Waits};
use super::driver::Driver;
use super::items::{Asking, Items};
use super::signals::{End, Failure, Publisher, Subscriber};
use crate::channel::RecvStream;
use crate::flavour::Spsc;

/// Publishes what a stream gives, to one subscriber. With feature `stream`.
///
/// As [`from_channel`](super::from_channel): `spawn` is given who polls the stream, which
/// is polled only while an item is demanded, and dropped when the subscriber cancels.
pub fn from_stream<St>(stream: St, spawn: impl FnOnce(Driver) + Send + 'static) -> FromStream<St>
where
    St: Stream<Item: Send + 'static> + Send + 'static,
{
    FromStream(Once::new(Box::pin(stream), spawn))
}

/// Publishes what a stream gives. From [`from_stream`].
pub struct FromStream<St>(Once<Pin<Box<St>>>);

impl<St> Publisher for FromStream<St>
where
    St: Stream<Item: Send + 'static> + Send + 'static,
{
    type Item = St::Item;
    type Error = Infallible;

    fn subscribe<S>(&self, subscriber: S)
    where
        S: Subscriber<St::Item, Infallible> + Send + 'static,
    {
        self.0.subscribe(Streamed, subscriber);
    }
}

/// How a stream waits.
struct Streamed;

impl<St> Waits<Pin<Box<St>>> for Streamed
where
    St: Stream<Item: Send + 'static> + Send + 'static,
{
    type Item = St::Item;
    type Error = Infallible;

    async fn next(stream: &mut Pin<Box<St>>) -> Result<St::Item, End<Infallible>> {
        let next = poll_fn(|context| stream.as_mut().poll_next(context)).await;
        next.ok_or(Ok(()))
    }
}

impl<St> fmt::Debug for FromStream<St> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FromStream").finish_non_exhaustive()
    }
}

impl<T, E> Items<T, E> {
    /// The same as a stream. With feature `stream`.
    pub fn into_stream(self) -> ItemsStream<T, E> {
        let Self { rx, asking } = self;
        ItemsStream {
            rx: rx.into_stream(),
            asking,
        }
    }
}

/// Items of a publisher, as a stream. From [`Items::into_stream`].
///
/// Whatever polls it can be dropped at any time: nothing is lost.
#[must_use = "streams do nothing unless polled"]
pub struct ItemsStream<T, E> {
    rx: RecvStream<T, Spsc>,
    asking: Asking<E>,
}

impl<T, E> Stream for ItemsStream<T, E> {
    type Item = Result<T, Failure<E>>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Self { rx, asking } = self.get_mut();
        asking.ask();
        let received = Pin::new(rx).poll_next(context);
        received.map(|item| asking.taken(item))
    }
}

impl<T, E> FusedStream for ItemsStream<T, E> {
    fn is_terminated(&self) -> bool {
        self.rx.is_terminated()
    }
}

impl<T, E> fmt::Debug for ItemsStream<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ItemsStream").field(&self.rx).finish()
    }
}
