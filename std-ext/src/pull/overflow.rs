//! What does not fit: dropped by a rule, and counted.

use std::fmt;

use super::push::{Emitter, Pushed, push};
use super::signals::{Publisher, Subscriber};
use crate::channel::{Builder, channel};
use crate::flavour::Spsc;
use crate::policy::{OnFull, Reason};
use crate::stats::Monitor;
use crate::sync::{Mutex, lock};

/// What becomes of items for which there is no demand.
///
/// What is kept is in a channel of this crate: bounded, with its accounts and its
/// [hook on drops](Builder::on_drop). At all times
/// `offered = stored + refused` and `stored = delivered + evicted + drained + depth`; see
/// [`Stats`](crate::Stats).
#[derive(Debug)]
pub struct Overflow<T> {
    pub(super) buffer: Builder<T, Spsc>,
    pub(super) spare: Spare,
}

/// What is done with an item that is not demanded at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spare {
    /// It is kept if the buffer has it.
    Keep,
    /// It is refused.
    Drop,
    /// It is refused, and that is the end.
    Fail,
}

impl<T> Overflow<T> {
    /// Keeps as many as the channel holds, and then does what its [`OnFull`] says. With
    /// [`OnFull::Block`] the source waits until a request from another thread makes room:
    /// this slows it down after all.
    ///
    /// ```
    /// use ringfence::pull::Overflow;
    /// use ringfence::{OnFull, channel};
    ///
    /// let newest = Overflow::buffer(channel::<u32>(64).spsc().on_full(OnFull::DropOldest));
    /// ```
    #[must_use]
    pub fn buffer(buffer: Builder<T, Spsc>) -> Self {
        let spare = Spare::Keep;
        Self { buffer, spare }
    }

    /// Keeps the latest one, in place of the one before.
    #[must_use]
    pub fn latest() -> Self {
        Self::buffer(channel(1).spsc().on_full(OnFull::DropOldest))
    }

    /// Refuses what is not demanded when it comes. Of what is demanded, up to `capacity` may
    /// wait for a subscriber that is busy on another thread.
    #[must_use]
    pub fn drop(capacity: usize) -> Self {
        Self {
            buffer: channel(capacity).spsc().on_full(OnFull::DropNewest),
            spare: Spare::Drop,
        }
    }

    /// As [`drop`](Self::drop), but the first item that is refused is the end: the subscriber
    /// is told [`Failure::Overflow`](super::Failure::Overflow).
    #[must_use]
    pub fn error(capacity: usize) -> Self {
        let spare = Spare::Fail;
        Self {
            spare,
            ..Self::drop(capacity)
        }
    }

    /// Shows `hook` each item that is dropped, as [`Builder::on_drop`].
    #[must_use]
    pub fn on_drop(self, hook: impl Fn(&T, Reason) + Send + Sync + 'static) -> Self {
        let buffer = self.buffer.on_drop(hook);
        Self { buffer, ..self }
    }
}

/// A publisher that cannot be slowed, made to heed demand. From
/// [`PublisherExt::on_overflow`](super::PublisherExt::on_overflow).
///
/// For one subscriber: when it comes, all that the publisher has is asked for.
pub struct OnOverflow<P: Publisher> {
    publisher: P,
    emitter: Mutex<Option<Emitter<P::Item, P::Error>>>,
    pushed: Pushed<P::Item, P::Error>,
}

impl<P: Publisher<Item: Send + 'static>> OnOverflow<P> {
    #[track_caller]
    pub(crate) fn new(publisher: P, overflow: Overflow<P::Item>) -> Self {
        let (emitter, pushed) = push(overflow).split();
        Self {
            publisher,
            emitter: Mutex::new(Some(emitter)),
            pushed,
        }
    }

    /// What became of every item.
    #[must_use]
    pub fn monitor(&self) -> Monitor {
        self.pushed.monitor()
    }
}

impl<P> Publisher for OnOverflow<P>
where
    P: Publisher<Item: Send + 'static, Error: Send + 'static>,
{
    type Item = P::Item;
    type Error = P::Error;

    fn subscribe<S>(&self, subscriber: S)
    where
        S: Subscriber<P::Item, P::Error> + Send + 'static,
    {
        self.pushed.subscribe(subscriber);
        let emitter = lock(&self.emitter).take();
        if let Some(emitter) = emitter {
            self.publisher.subscribe(emitter);
        }
    }
}

impl<P: Publisher + fmt::Debug> fmt::Debug for OnOverflow<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnOverflow")
            .field("publisher", &self.publisher)
            .finish_non_exhaustive()
    }
}
