//! Into a sink: asked for as it takes items.

use std::error::Error;
use std::fmt;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::Poll;

use futures_sink::Sink;

use super::driver::Driver;
use super::items::Items;
use super::signals::{Failure, Publisher};

/// Why not all that was published came into a sink.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FeedError<E, S> {
    /// The publisher failed.
    Publisher(Failure<E>),
    /// The sink failed; the subscription was cancelled.
    Sink(S),
}

impl<E: fmt::Display, S: fmt::Display> fmt::Display for FeedError<E, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Publisher(failure) => failure.fmt(f),
            Self::Sink(error) => error.fmt(f),
        }
    }
}

impl<E: Error + 'static, S: Error + 'static> Error for FeedError<E, S> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Publisher(failure) => failure.source(),
            Self::Sink(error) => error.source(),
        }
    }
}

/// How it went with what was to go into a sink.
pub type FeedResult<E, S> = Result<(), FeedError<E, S>>;

/// Gives `sink` what `publisher` gives, until either ends; then closes it.
pub(crate) fn feed<P, S>(
    publisher: &P,
    sink: S,
    batch: usize,
) -> Driver<FeedResult<P::Error, S::Error>>
where
    P: Publisher<Item: Send + 'static, Error: Send + 'static> + ?Sized,
    S: Sink<P::Item, Error: Send> + Send + 'static,
{
    let mut items = Items::of(publisher, batch);
    let mut sink = Box::pin(sink);
    Driver::new(async move {
        let failure = loop {
            match next_or_flush(&mut items, sink.as_mut()).await {
                Ok(Some(Ok(item))) => give(sink.as_mut(), item).await,
                Ok(Some(Err(failure))) => break Some(failure),
                Ok(None) => break None,
                Err(error) => Err(error),
            }
            .map_err(FeedError::Sink)?;
        };
        let closed = poll_fn(|context| sink.as_mut().poll_close(context)).await;
        match failure {
            Some(failure) => Err(FeedError::Publisher(failure)),
            None => closed.map_err(FeedError::Sink),
        }
    })
}

async fn give<T, S: Sink<T>>(mut sink: Pin<&mut S>, item: T) -> Result<(), S::Error> {
    poll_fn(|context| sink.as_mut().poll_ready(context)).await?;
    sink.start_send(item)
}

/// Waits for an item; meanwhile what came before is flushed.
async fn next_or_flush<T, E, S>(
    items: &mut Items<T, E>,
    mut sink: Pin<&mut S>,
) -> Result<Option<Result<T, Failure<E>>>, S::Error>
where
    T: Send + 'static,
    E: Send + 'static,
    S: Sink<T>,
{
    let mut next = pin!(items.next_async());
    poll_fn(|context| {
        if let Poll::Ready(next) = next.as_mut().poll(context) {
            return Poll::Ready(Ok(next));
        }
        match sink.as_mut().poll_flush(context) {
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Ready(Ok(())) | Poll::Pending => Poll::Pending,
        }
    })
    .await
}
