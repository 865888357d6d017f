//! A stage that changes each item.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use super::signals::{Failure, Publisher, Subscriber, Subscription};

/// Gives what a closure makes of each item. From
/// [`PublisherExt::map`](super::PublisherExt::map).
#[derive(Clone)]
pub struct Map<P, F> {
    publisher: P,
    f: F,
}

impl<P, F> Map<P, F> {
    pub(crate) fn new(publisher: P, f: F) -> Self {
        Self { publisher, f }
    }
}

impl<P, F, U> Publisher for Map<P, F>
where
    P: Publisher,
    F: FnMut(P::Item) -> U + Clone + Send + 'static,
{
    type Item = U;
    type Error = P::Error;

    fn subscribe<S>(&self, subscriber: S)
    where
        S: Subscriber<U, P::Error> + Send + 'static,
    {
        self.publisher.subscribe(Mapping {
            f: self.f.clone(),
            subscriber: Some(subscriber),
        });
    }
}

/// Stands before the subscriber. The subscription is the publisher's own, so demand and
/// cancelling pass it by.
struct Mapping<F, S> {
    f: F,
    /// `None` after the last signal.
    subscriber: Option<S>,
}

impl<T, U, E, F, S> Subscriber<T, E> for Mapping<F, S>
where
    F: FnMut(T) -> U,
    S: Subscriber<U, E>,
{
    fn on_subscribe(&mut self, subscription: Subscription) {
        if let Some(subscriber) = &mut self.subscriber {
            subscriber.on_subscribe(subscription);
        }
    }

    fn on_next(&mut self, item: T) {
        match catch_unwind(AssertUnwindSafe(|| (self.f)(item))) {
            Ok(made) => {
                if let Some(subscriber) = &mut self.subscriber {
                    subscriber.on_next(made);
                }
            }
            Err(panic) => {
                if let Some(subscriber) = self.subscriber.take() {
                    subscriber.on_error(Failure::Abandoned);
                }
                resume_unwind(panic);
            }
        }
    }

    fn on_error(self, failure: Failure<E>) {
        if let Some(subscriber) = self.subscriber {
            subscriber.on_error(failure);
        }
    }

    fn on_complete(self) {
        if let Some(subscriber) = self.subscriber {
            subscriber.on_complete();
        }
    }
}

impl<P: fmt::Debug, F> fmt::Debug for Map<P, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Map")
            .field("publisher", &self.publisher)
            .finish_non_exhaustive()
    }
}
