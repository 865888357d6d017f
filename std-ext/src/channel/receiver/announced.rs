//! A receive that blocks.

use super::receive;
use crate::channel::Shared;
use crate::error::{RecvTimeoutError, TryRecvError};
use crate::flavour::{AnyRx, Flavour};
use crate::ring::Rx;

/// A receive that blocks: where items are handed over, senders may rely on it until it has
/// got one. Only threads, which are not dropped while they wait.
pub(super) struct Announced<'a, T, F: Flavour> {
    consumer: &'a mut Option<AnyRx<T, F>>,
    shared: &'a Shared<T, F>,
}

impl<'a, T, F: Flavour> Announced<'a, T, F> {
    pub(super) fn new(consumer: &'a mut Option<AnyRx<T, F>>, shared: &'a Shared<T, F>) -> Self {
        let announced = Self { consumer, shared };
        if announced.consumer.as_mut().is_some_and(Rx::announce) {
            shared.attend_to_senders();
        }
        announced
    }

    /// Looks again: `None` if it has to wait on.
    pub(super) fn attempt<R>(
        &mut self,
        take: impl FnMut(&mut AnyRx<T, F>) -> Option<R>,
    ) -> Option<Result<R, RecvTimeoutError>> {
        match receive(self.consumer, self.shared, take) {
            Ok(received) => Some(Ok(received)),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => Some(Err(RecvTimeoutError::Disconnected)),
        }
    }

    /// The time is over: with nothing, unless a sender has relied on it.
    pub(super) fn time_out<R>(
        &mut self,
        mut take: impl FnMut(&mut AnyRx<T, F>) -> Option<R>,
    ) -> Result<R, RecvTimeoutError> {
        while !self.consumer.as_mut().is_none_or(Rx::try_leave) {
            // Another may be quicker, and is then there for the sender.
            if let Some(received) = self.attempt(&mut take) {
                return received;
            }
        }
        Err(RecvTimeoutError::Timeout)
    }
}

impl<T, F: Flavour> Drop for Announced<'_, T, F> {
    fn drop(&mut self) {
        if let Some(consumer) = self.consumer {
            consumer.leave();
        }
    }
}
