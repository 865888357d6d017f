//! A subscriber that is an iterator: what is published, for whoever takes it.

use std::fmt;
use std::iter::FusedIterator;
use std::sync::Arc;

use super::signals::{End, Failure, Publisher, Subscriber, Subscription};
use super::upstream::Upstream;
use crate::channel::{Receiver, Sender, channel};
use crate::flavour::Spsc;
use crate::stats::Monitor;
use crate::sync::{Mutex, lock};

/// Items of a publisher, one by one: [`PublisherExt::items`](super::PublisherExt::items).
///
/// They come through a channel of one's own, which holds one batch. Of a batch, half is
/// asked for again when half is taken, and only then, so that the publisher never gives
/// more than fits. Ends after the first error; if it is dropped before the end, it cancels.
///
/// [`next`](Iterator::next) waits for an item, and so does [`next_async`](Self::next_async)
/// in a future. With feature `stream`, it is made a stream by `into_stream`.
#[must_use = "iterators are lazy, and this one cancels when dropped"]
pub struct Items<T, E> {
    pub(super) rx: Receiver<T, Spsc>,
    pub(super) asking: Asking<E>,
}

/// What is asked for, and how it ends.
pub(super) struct Asking<E> {
    shared: Arc<Shared<E>>,
    /// How many items may be on their way or inside.
    batch: u64,
    /// Taken out since something was asked for.
    taken: u64,
}

struct Shared<E> {
    upstream: Upstream,
    /// Why there will be no more. Set before the sender goes.
    end: Mutex<Option<End<E>>>,
}

/// The subscriber: stores what comes.
struct Inbox<T, E> {
    tx: Sender<T, Spsc>,
    shared: Arc<Shared<E>>,
}

impl<T, E> Items<T, E>
where
    T: Send + 'static,
    E: Send + 'static,
{
    /// Subscribes, and asks for the first batch.
    #[track_caller]
    pub(crate) fn of<P>(publisher: &P, batch: usize) -> Self
    where
        P: Publisher<Item = T, Error = E> + ?Sized,
    {
        assert!(batch > 0, "a batch of no items");
        let (tx, rx) = channel(batch).spsc().build();
        let batch = batch as u64;
        let shared = Arc::new(Shared {
            upstream: Upstream::asking(batch),
            end: Mutex::new(None),
        });
        let asking = Asking {
            shared: shared.clone(),
            batch,
            taken: 0,
        };
        // Made first, so that it cancels if what follows panics.
        let items = Self { rx, asking };
        publisher.subscribe(Inbox { tx, shared });
        items
    }

    /// Takes the next item; the future waits for it.
    ///
    /// # Cancel safety
    /// No item is taken unless the future is ready: dropping it before loses nothing.
    pub async fn next_async(&mut self) -> Option<Result<T, Failure<E>>> {
        self.asking.ask();
        let received = self.rx.recv_async().await;
        self.asking.taken(received.ok())
    }
}

impl<T, E> Items<T, E> {
    /// Takes the next item if it is there. Never waits, unless the publisher makes items on
    /// the thread that asks for them. `None` also at the end.
    pub fn try_next(&mut self) -> Option<Result<T, Failure<E>>> {
        self.asking.ask();
        match self.rx.try_recv() {
            Ok(item) => self.asking.taken(Some(item)),
            Err(error) if error.is_empty() => None,
            Err(_) => self.asking.taken(None),
        }
    }

    /// What has come, and what was taken.
    #[must_use]
    pub fn monitor(&self) -> Monitor
    where
        T: Send + 'static,
    {
        self.rx.monitor()
    }
}

impl<T, E> Iterator for Items<T, E> {
    type Item = Result<T, Failure<E>>;

    fn next(&mut self) -> Option<Self::Item> {
        self.asking.ask();
        let received = self.rx.recv();
        self.asking.taken(received.ok())
    }
}

impl<T, E> FusedIterator for Items<T, E> {}

impl<E> Asking<E> {
    /// Asks for what was taken, if that is half a batch. Before an item is taken, which a
    /// panic of the publisher would lose.
    pub(super) fn ask(&mut self) {
        if self.taken >= self.batch.div_ceil(2) {
            let taken = std::mem::take(&mut self.taken);
            self.shared.upstream.request(taken);
        }
    }

    /// What there is to give; `None` was the end.
    pub(super) fn taken<T>(&mut self, item: Option<T>) -> Option<Result<T, Failure<E>>> {
        if let Some(item) = item {
            self.taken += 1;
            return Some(Ok(item));
        }
        // The sender went without a word: the publisher has panicked.
        let end = lock(&self.shared.end).replace(Ok(()));
        let end = end.unwrap_or(Err(Failure::Abandoned));
        end.err().map(Err)
    }
}

impl<E> Drop for Asking<E> {
    fn drop(&mut self) {
        self.shared.upstream.cancel();
    }
}

impl<T, E> Inbox<T, E> {
    /// Says how it ended, unless that is known. Then the sender goes.
    fn end(self, end: End<E>) {
        self.shared.upstream.is_over();
        self.shared.end(end);
    }
}

impl<E> Shared<E> {
    fn end(&self, end: End<E>) {
        let mut known = lock(&self.end);
        if known.is_none() {
            *known = Some(end);
        }
    }
}

impl<T, E> Subscriber<T, E> for Inbox<T, E> {
    fn on_subscribe(&mut self, subscription: Subscription) {
        self.shared.upstream.set(subscription);
    }

    fn on_next(&mut self, item: T) {
        match self.tx.try_send(item) {
            Ok(()) => {}
            Err(error) if error.is_disconnected() => self.shared.upstream.cancel(),
            // More than was asked for: that publisher keeps to no rule.
            Err(_) => {
                self.shared.end(Err(Failure::Overflow));
                self.shared.upstream.cancel();
                self.tx.close();
            }
        }
    }

    fn on_error(self, failure: Failure<E>) {
        self.end(Err(failure));
    }

    fn on_complete(self) {
        self.end(Ok(()));
    }
}

impl<T, E> fmt::Debug for Items<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Items")
            .field("rx", &self.rx)
            .field("batch", &self.asking.batch)
            .finish_non_exhaustive()
    }
}
