//! A place in an event's queue: of a thread, and of a future.

use std::task::{Poll, Waker};

use crate::event::{Event, Key};

/// A place in an event's queue. Whoever was woken, and leaves with the wake-up, passes
/// it on; so also when an attempt panics.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    event: &'a Event,
    key: Option<Key>,
    /// Whether the wake-up is still to be passed on.
    pub(crate) woken: bool,
}

impl<'a> Place<'a> {
    pub(crate) fn take(event: &'a Event, waker: Waker) -> (Self, bool) {
        let (key, certain) = event.register(waker);
        let place = Self {
            event,
            key: Some(key),
            woken: false,
        };
        (place, certain)
    }

    /// Whether a wake-up has come. It stays to be passed on, or kept.
    pub(super) fn is_woken(&self) -> bool {
        let is_woken = |key| self.event.is_woken(key);
        self.key.as_ref().map_or(self.woken, is_woken)
    }

    pub(crate) fn leave(&mut self) {
        if let Some(key) = self.key.take() {
            self.woken = self.event.cancel(key);
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.leave();
        if self.woken {
            self.event.wake_one();
        }
    }
}

/// A place in an event's queue that is kept from poll to poll: how a future waits.
///
/// It holds no reference, so a future may own what it waits for. Whoever has it must
/// [`leave`](Self::leave) before it goes.
#[derive(Debug, Default)]
pub struct KeptPlace {
    /// In the queue, or chosen since the last poll.
    key: Option<Key>,
    /// Whether the wake-up will come.
    certain: bool,
    /// Whether a wake-up is still to be passed on.
    woken: bool,
}

impl KeptPlace {
    /// Calls `attempt`, which has just failed, or was not called since the last poll,
    /// until it returns something or `waker` is sure to be woken when it may.
    ///
    /// Who was woken and has got something wakes the next if there is `more`. Where no
    /// wake-up is certain, `waker` is woken at once, so that it is polled again and
    /// again: right, if wasteful.
    pub fn poll<R>(
        &mut self,
        event: &Event,
        waker: &Waker,
        mut attempt: impl FnMut() -> Option<R>,
        more: impl FnOnce() -> bool,
    ) -> Poll<R> {
        let mut done = None;
        if self.key.is_some() {
            done = attempt();
        }
        if done.is_none() && !self.stay(event, waker) {
            self.enter(event, waker);
            done = attempt();
            // What it was woken for, another has taken; or it is got now.
            self.woken &= done.is_some();
        }
        if let Some(done) = done {
            self.quit(event);
            self.woken &= more();
            self.leave(event);
            return Poll::Ready(done);
        }
        if !self.certain {
            waker.wake_by_ref();
        }
        Poll::Pending
    }

    /// Leaves the queue, and passes on the wake-up if there was one.
    pub fn leave(&mut self, event: &Event) {
        self.quit(event);
        if std::mem::take(&mut self.woken) {
            event.wake_one();
        }
    }

    /// Whether it is still in the queue, with this waker.
    fn stay(&mut self, event: &Event, waker: &Waker) -> bool {
        let stays = |key: &Key| event.update(key, waker);
        self.key.as_ref().is_some_and(stays)
    }

    fn enter(&mut self, event: &Event, waker: &Waker) {
        self.woken |= self.key.take().is_some();
        let (key, certain) = event.register(waker.clone());
        (self.key, self.certain) = (Some(key), certain);
    }

    fn quit(&mut self, event: &Event) {
        if let Some(key) = self.key.take() {
            self.woken |= event.cancel(key);
        }
    }
}
