//! What can be done with any publisher.

use std::error::Error;

use super::channel;
use super::driver::Driver;
use super::items::Items;
use super::map::Map;
use super::overflow::{OnOverflow, Overflow};
use super::share::{Share, share};
use super::signals::Publisher;
use crate::channel::Sender;
use crate::flavour::Flavour;

/// What can be done with any [`Publisher`].
pub trait PublisherExt: Publisher {
    /// Subscribes, and gives items one by one: an iterator, a future, a stream. Up to
    /// `batch` are asked for in advance.
    ///
    /// # Panics
    /// If `batch` is 0, or no memory can hold it.
    #[track_caller]
    fn items(&self, batch: usize) -> Items<Self::Item, Self::Error>
    where
        Self::Item: Send + 'static,
        Self::Error: Send + 'static,
    {
        Items::of(self, batch)
    }

    /// Gives what `f` makes of each item. Each subscriber has its own clone of `f`. If that
    /// panics, the subscriber is told [`Failure::Abandoned`](super::Failure::Abandoned).
    fn map<U, F>(self, f: F) -> Map<Self, F>
    where
        Self: Sized,
        F: FnMut(Self::Item) -> U + Clone + Send + 'static,
    {
        Map::new(self, f)
    }

    /// Asks for all that there is at once, and does by `overflow` with what the subscriber
    /// has not asked for. For one subscriber.
    ///
    /// # Panics
    /// If the channel of the rule cannot be built, or holds nothing.
    ///
    /// ```
    /// use ringfence::pull::{self, Overflow, PublisherExt};
    ///
    /// let publisher = pull::from_iter(0..100).on_overflow(Overflow::drop(8));
    /// let monitor = publisher.monitor();
    /// let items: Vec<_> = publisher.items(2).map(Result::unwrap).collect();
    /// assert_eq!(items, [0, 1]); // the others came before there was demand for them
    /// assert_eq!(monitor.stats().refused, 98);
    /// ```
    #[track_caller]
    fn on_overflow(self, overflow: Overflow<Self::Item>) -> OnOverflow<Self>
    where
        Self: Sized,
        Self::Item: Send + 'static,
    {
        OnOverflow::new(self, overflow)
    }

    /// Gives each item to all subscribers, at the pace of the slowest. Subscribes at once, and
    /// asks for nothing before the first of them does, who is not held up by those to come; see
    /// [`share`](super::share()).
    ///
    /// # Panics
    /// If `batch` is 0.
    #[track_caller]
    fn share(&self, batch: usize) -> Share<Self::Item, Self::Error>
    where
        Self::Item: Clone + Send + 'static,
        Self::Error: Clone + Send + Sync + 'static,
    {
        let (input, output) = share(batch).split();
        self.subscribe(input);
        output
    }

    /// Subscribes, and sends all items into a channel: the driver does it. It asks for an
    /// item when one has been stored, so that no more than `batch` are on their way when
    /// the channel is full.
    ///
    /// What is refused or evicted by the channel's policy is counted there. At the end the
    /// sender is dropped; if the publisher failed, the channel is
    /// [closed with that](Sender::close_with). If the channel closes, the subscription is
    /// cancelled.
    ///
    /// # Panics
    /// If `batch` is 0, or no memory can hold it.
    ///
    /// ```
    /// use ringfence::pull::{self, PublisherExt};
    ///
    /// let (tx, mut rx) = ringfence::channel(4).spsc().build();
    /// pull::on_thread(pull::from_iter(0..100).send_into(tx, 2));
    /// assert!(rx.iter().eq(0..100));
    /// ```
    #[track_caller]
    fn send_into<F>(&self, tx: Sender<Self::Item, F>, batch: usize) -> Driver
    where
        Self::Item: Send + 'static,
        Self::Error: Error + Send + Sync + 'static,
        F: Flavour<Tx<Self::Item>: Send, Rx<Self::Item>: Send, Gauge<Self::Item>: Send + Sync>,
    {
        channel::into_sender(self, tx, batch)
    }

    /// Subscribes, and gives all items to a sink, which it closes at the end: the driver
    /// does it. It asks for items as the sink takes them. With feature `sink`.
    ///
    /// If the sink fails, the subscription is cancelled.
    ///
    /// # Panics
    /// If `batch` is 0, or no memory can hold it.
    #[cfg(feature = "sink")]
    #[track_caller]
    fn feed<S>(&self, sink: S, batch: usize) -> Driver<super::FeedResult<Self::Error, S::Error>>
    where
        Self::Item: Send + 'static,
        Self::Error: Send + 'static,
        S: futures_sink::Sink<Self::Item, Error: Send> + Send + 'static,
    {
        super::sink::feed(self, sink, batch)
    }
}

impl<P: Publisher + ?Sized> PublisherExt for P {}
