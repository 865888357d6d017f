//! What comes without being asked for: a source that cannot be slowed, before a subscriber
//! that can.

use std::fmt;
use std::sync::Arc;

use super::demand::UNBOUNDED;
use super::flow::{Flow, Next, Rouse, Source, reject};
use super::overflow::{Overflow, Spare};
use super::processor::Processor;
use super::signals::{End, Failure, Publisher, Subscriber, Subscription};
use super::upstream::Upstream;
use crate::channel::{Receiver, Sender};
use crate::error::SendError;
use crate::flavour::Spsc;
use crate::policy::{Reason, Sent};
use crate::stats::Monitor;
use crate::sync::{Mutex, lock};

/// A source to push items into, and the publisher of what fits: a processor whose two
/// halves are mostly used apart.
///
/// The publisher serves one subscriber; before it comes, there is no demand.
///
/// # Panics
/// If the channel of the rule cannot be built, or holds nothing.
///
/// ```
/// use ringfence::pull::{self, Overflow, PublisherExt};
///
/// let (mut sensor, readings) = pull::push::<u32, ()>(Overflow::latest()).split();
/// for reading in 0..1000 {
///     let _ = sensor.emit(reading)?; // never waits
/// }
/// let monitor = readings.monitor();
/// let mut latest = readings.items(1);
/// assert_eq!(latest.next(), Some(Ok(999)));
/// sensor.complete();
/// assert_eq!(latest.next(), None);
///
/// let stats = monitor.stats();
/// assert_eq!((stats.offered, stats.delivered, stats.evicted), (1000, 1, 999));
/// # Ok::<(), ringfence::SendError<u32>>(())
/// ```
#[track_caller]
pub fn push<T, E>(overflow: Overflow<T>) -> Processor<Emitter<T, E>, Pushed<T, E>>
where
    T: Send + 'static,
{
    let (tx, rx) = overflow.buffer.build();
    assert!(tx.capacity() > 0, "a buffer for no items");
    let shared = Arc::new(Shared {
        upstream: Upstream::asking(UNBOUNDED),
        end: Mutex::new(None),
        flow: Mutex::new(None),
    });
    let emitter = Emitter {
        tx,
        spare: overflow.spare,
        shared: shared.clone(),
        flow: None,
    };
    let monitor = rx.monitor();
    Processor::new(
        emitter,
        Pushed {
            rx: Mutex::new(Some(rx)),
            shared,
            monitor,
        },
    )
}

/// What the two halves share, beside the buffer.
struct Shared<E> {
    /// Where items come from, if they are not pushed by hand.
    upstream: Upstream,
    /// Why there will be no more. Set before the sender goes.
    end: Mutex<Option<End<E>>>,
    /// Who serves the subscriber, once there is one.
    flow: Mutex<Option<Arc<dyn Rouse>>>,
}

/// Where items are pushed in. From [`push()`].
///
/// It is a subscriber, too, which asks for all that there is. If it is dropped without
/// [`complete`](Self::complete) or [`fail`](Self::fail), its subscriber is told
/// [`Failure::Abandoned`].
pub struct Emitter<T, E> {
    tx: Sender<T, Spsc>,
    spare: Spare,
    shared: Arc<Shared<E>>,
    /// Once it was seen.
    flow: Option<Arc<dyn Rouse>>,
}

impl<T, E> Emitter<T, E> {
    /// Gives `item` to the subscriber, by the rule where it is not demanded. Never waits but
    /// for room, with [`OnFull::Block`](crate::OnFull::Block).
    ///
    /// If nobody else is signalling at the time, this thread does, in this call: a subscriber
    /// that takes long had better be on the other side of [`Items`](super::Items).
    ///
    /// # Errors
    /// [`SendError`] with the item, if the subscription is over, or this item is the end of
    /// it by [`Overflow::error`].
    pub fn emit(&mut self, item: T) -> Result<Sent<T>, SendError<T>> {
        let sent = if self.is_wanted() || self.tx.is_closed() {
            self.tx.send(item)?
        } else {
            self.tx.refuse(item, Reason::Newest, None)
        };
        match sent {
            Sent::Refused(item) if self.spare == Spare::Fail => {
                self.end(Err(Failure::Overflow));
                self.shared.upstream.cancel();
                return Err(SendError(item));
            }
            Sent::Refused(_) => {}
            Sent::Stored | Sent::Evicted(_) => self.rouse(),
        }
        Ok(sent)
    }

    /// That was all: told when what is inside has been given out.
    pub fn complete(mut self) {
        self.end(Ok(()));
    }

    /// It failed: told when what is inside has been given out.
    pub fn fail(mut self, error: E) {
        self.end(Err(Failure::Source(error)));
    }

    /// Whether the subscription is over.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.tx.is_closed()
    }

    /// What became of every item.
    #[must_use]
    pub fn monitor(&self) -> Monitor
    where
        T: Send + 'static,
    {
        self.tx.monitor()
    }

    /// Whether another item may go inside.
    fn is_wanted(&mut self) -> bool {
        if self.spare == Spare::Keep {
            return true;
        }
        let inside = self.tx.len() as u64;
        self.flow().is_some_and(|flow| flow.demand() > inside)
    }

    fn end(&mut self, end: End<E>) {
        let mut known = lock(&self.shared.end);
        if known.is_some() {
            return;
        }
        *known = Some(end);
        drop(known);
        self.tx.close();
        self.rouse();
    }

    fn rouse(&mut self) {
        if let Some(flow) = self.flow() {
            flow.rouse();
        }
    }

    fn flow(&mut self) -> Option<&Arc<dyn Rouse>> {
        if self.flow.is_none() {
            self.flow = lock(&self.shared.flow).clone();
        }
        self.flow.as_ref()
    }
}

impl<T, E> Drop for Emitter<T, E> {
    fn drop(&mut self) {
        self.end(Err(Failure::Abandoned));
    }
}

impl<T, E> Subscriber<T, E> for Emitter<T, E> {
    fn on_subscribe(&mut self, subscription: Subscription) {
        self.shared.upstream.set(subscription);
    }

    fn on_next(&mut self, item: T) {
        if self.emit(item).is_err() {
            self.shared.upstream.cancel();
        }
    }

    fn on_error(mut self, failure: Failure<E>) {
        self.shared.upstream.is_over();
        self.end(Err(failure));
    }

    fn on_complete(mut self) {
        self.shared.upstream.is_over();
        self.end(Ok(()));
    }
}

/// Publishes what is pushed, to one subscriber. From [`push()`].
///
/// A second subscriber is told [`Failure::Taken`]. If it is dropped before it has one, the
/// emitter is told that its subscription is over.
pub struct Pushed<T, E> {
    rx: Mutex<Option<Receiver<T, Spsc>>>,
    shared: Arc<Shared<E>>,
    monitor: Monitor,
}

impl<T, E> Pushed<T, E> {
    /// What became of every item.
    #[must_use]
    pub fn monitor(&self) -> Monitor {
        self.monitor.clone()
    }
}

impl<T, E> Publisher for Pushed<T, E>
where
    T: Send + 'static,
    E: Send + 'static,
{
    type Item = T;
    type Error = E;

    fn subscribe<S>(&self, subscriber: S)
    where
        S: Subscriber<T, E> + Send + 'static,
    {
        let Some(rx) = lock(&self.rx).take() else {
            return reject(subscriber, Failure::Taken);
        };
        let flow = Flow::new();
        *lock(&self.shared.flow) = Some(flow.clone());
        let shared = self.shared.clone();
        flow.open(Buffered { rx, shared }, subscriber);
    }
}

/// What is in the buffer. When it is dropped, no more is wanted.
struct Buffered<T, E> {
    rx: Receiver<T, Spsc>,
    shared: Arc<Shared<E>>,
}

impl<T, E> Buffered<T, E> {
    fn end(&self) -> End<E> {
        let end = lock(&self.shared.end).replace(Ok(()));
        end.unwrap_or(Err(Failure::Abandoned))
    }
}

impl<T, E> Source for Buffered<T, E> {
    type Item = T;
    type Error = E;

    fn next(&mut self) -> Next<T, E> {
        match self.rx.try_recv() {
            Ok(item) => Next::Item(item),
            Err(error) if error.is_empty() => Next::Nothing,
            Err(_) => Next::End(self.end()),
        }
    }

    fn ended(&mut self) -> Option<End<E>> {
        let ended = self.rx.is_closed() && self.rx.is_empty();
        ended.then(|| self.end())
    }
}

impl<T, E> Drop for Buffered<T, E> {
    fn drop(&mut self) {
        self.shared.upstream.cancel();
    }
}

impl<T, E> fmt::Debug for Emitter<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emitter")
            .field("tx", &self.tx)
            .finish_non_exhaustive()
    }
}

impl<T, E> fmt::Debug for Pushed<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pushed").finish_non_exhaustive()
    }
}
