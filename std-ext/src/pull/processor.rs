//! A stage between a publisher and a subscriber: both in one.

use super::signals::{Failure, Publisher, Subscriber, Subscription};

/// Takes items by one half, and publishes by the other.
///
/// A publisher takes the subscriber that it is given. So subscribers come to the
/// processor first, or the halves are [taken apart](Self::split).
#[derive(Debug)]
#[must_use = "it serves nobody by itself"]
pub struct Processor<I, O> {
    input: I,
    output: O,
}

impl<I, O> Processor<I, O> {
    pub(crate) fn new(input: I, output: O) -> Self {
        Self { input, output }
    }

    /// The subscriber and the publisher.
    pub fn split(self) -> (I, O) {
        (self.input, self.output)
    }
}

impl<I: Subscriber<T, E>, O, T, E> Subscriber<T, E> for Processor<I, O> {
    fn on_subscribe(&mut self, subscription: Subscription) {
        self.input.on_subscribe(subscription);
    }

    fn on_next(&mut self, item: T) {
        self.input.on_next(item);
    }

    fn on_error(self, failure: Failure<E>) {
        self.input.on_error(failure);
    }

    fn on_complete(self) {
        self.input.on_complete();
    }
}

impl<I, O: Publisher> Publisher for Processor<I, O> {
    type Item = O::Item;
    type Error = O::Error;

    fn subscribe<S>(&self, subscriber: S)
    where
        S: Subscriber<O::Item, O::Error> + Send + 'static,
    {
        self.output.subscribe(subscriber);
    }
}
