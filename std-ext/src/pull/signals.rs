//! The interfaces, and what is signalled through them.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

/// Gives items to subscribers, to each no more than it has asked for.
///
/// For one's own: give the subscriber a [`Subscription`] first, then call its methods as
/// the [rules](super#rules) say. What this crate has to offer is in the methods of
/// [`PublisherExt`](super::PublisherExt).
pub trait Publisher {
    /// What it gives.
    type Item;
    /// How it may fail, beside what [`Failure`] has of its own.
    type Error;

    /// Gives `subscriber` its subscription, and from then on what it asks for.
    ///
    /// Returns normally, whatever is wrong: if the publisher cannot serve it, that is told
    /// by [`on_error`](Subscriber::on_error).
    fn subscribe<S>(&self, subscriber: S)
    where
        S: Subscriber<Self::Item, Self::Error> + Send + 'static;
}

/// Takes items, as many as it asks for through its [`Subscription`].
///
/// Who calls its methods owns it. So signals never overlap, and none can come after the
/// last, which takes the subscriber. If a method panics, the subscription is cancelled, the
/// subscriber dropped, and the panic comes out of the call that signalled; see
/// [panics](super#panics).
///
/// ```compile_fail,E0382
/// # use ringfence::pull::Subscriber;
/// fn breaks_the_rules<S: Subscriber<u8, ()>>(mut subscriber: S) {
///     subscriber.on_complete();
///     subscriber.on_next(1); // it is gone
/// }
/// ```
pub trait Subscriber<T, E> {
    /// The first signal, and the only one without demand but for the last.
    ///
    /// A subscriber that has a subscription already must cancel the new one.
    fn on_subscribe(&mut self, subscription: Subscription);

    /// An item. Who takes long here holds up who signals it.
    fn on_next(&mut self, item: T);

    /// The last signal: it failed. Must not use the subscription.
    fn on_error(self, failure: Failure<E>);

    /// The last signal: that was all. Must not use the subscription.
    fn on_complete(self);
}

/// Why a publisher could not go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Failure<E> {
    /// The subscriber has asked for 0 items, which is against the rules.
    ZeroDemand,
    /// There were more items than the subscriber had asked for, and they could neither be
    /// kept nor dropped.
    Overflow,
    /// This publisher serves one subscriber, and it is not the first.
    Taken,
    /// Whoever was to make items panicked, or was dropped before it said that it was
    /// through.
    Abandoned,
    /// What the source says of itself.
    Source(E),
}

/// How a sequence of items ends.
pub(crate) type End<E> = Result<(), Failure<E>>;

impl<E> Failure<E> {
    /// What the source says, if that is what failed.
    #[must_use]
    pub fn into_source(self) -> Option<E> {
        match self {
            Self::Source(error) => Some(error),
            _ => None,
        }
    }
}

impl<E: fmt::Display> fmt::Display for Failure<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ZeroDemand => "a subscriber must ask for at least one item",
            Self::Overflow => "more items came than were asked for",
            Self::Taken => "the publisher has a subscriber already",
            Self::Abandoned => "the source was given up before its end",
            Self::Source(error) => return error.fmt(f),
        })
    }
}

impl<E: Error + 'static> Error for Failure<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Source(error) => error.source(),
            _ => None,
        }
    }
}

/// What a publisher does for one subscriber. For one's own publishers.
///
/// Both may be called by several threads at a time, and by the subscriber in the middle of
/// a signal. Both return soon, and do nothing once the subscription is over.
pub trait Control: Send + Sync {
    /// `n` more items may be signalled. Of 0, the subscriber is told
    /// [`Failure::ZeroDemand`].
    fn request(&self, n: u64);

    /// No more signals, soon; and the subscriber is dropped.
    fn cancel(&self);
}

/// How a subscriber asks for items, and stops.
///
/// Clones are of the same subscription, and it can be used from any thread. Dropping one
/// does nothing: who needs no more must [`cancel`](Self::cancel), or the publisher keeps the
/// subscriber, and this the publisher.
#[derive(Clone)]
pub struct Subscription(Arc<dyn Control>);

impl Subscription {
    /// One that is handled by `control`.
    #[must_use]
    pub fn new(control: Arc<dyn Control>) -> Self {
        Self(control)
    }

    /// Asks for `n` more items; [`UNBOUNDED`](super::UNBOUNDED) and more are without end.
    /// The demand adds up. Does nothing once the subscription is over.
    ///
    /// Items may be signalled in this call, on this thread, unless it is made in the middle
    /// of a signal: those come after it.
    ///
    /// To ask for 0 is a mistake: the subscription fails with [`Failure::ZeroDemand`].
    pub fn request(&self, n: u64) {
        self.0.request(n);
    }

    /// Stops: a signal that is under way on another thread is the last one. The subscriber
    /// is dropped, at once or as soon as that returns, and so is all that the publisher keeps
    /// for it.
    ///
    /// Can be called as often as one likes.
    pub fn cancel(&self) {
        self.0.cancel();
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").finish_non_exhaustive()
    }
}
