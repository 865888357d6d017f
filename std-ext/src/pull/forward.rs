//! From a publisher into a channel or a sink: asked for as these have room.

use std::error::Error;
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use super::driver::Driver;
use super::items::Items;
use super::signals::Publisher;
use crate::channel::Sender;
use crate::flavour::Flavour;

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

#[cfg(feature = "sink")]
mod sink {
    use std::error::Error;
    use std::fmt;
    use std::future::poll_fn;
    use std::pin::{Pin, pin};
    use std::task::Poll;

    use futures_sink::Sink;

    use super::{Driver, Items, Publisher};
    use crate::pull::Failure;

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
}

#[cfg(feature = "sink")]
pub(crate) use self::sink::feed;
#[cfg(feature = "sink")]
pub use self::sink::{FeedError, FeedResult};
