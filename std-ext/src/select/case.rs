//! One case of a select: an end of a channel, and what is done with what comes of it.
//!
//! Not public API, but for [`Case`]: visible to the models.

use std::fmt;
use std::task::Waker;
use std::time::Duration;

use crate::event::Event;
use crate::wait::many::{Chance, Spot};
use crate::wait::{Party, Patience};

/// An end of a channel, as a select sees it.
pub trait End<'a> {
    /// What comes of it.
    type Done;

    /// The whole of an operation that does not wait; `None`, and no effect, if it cannot
    /// be done now.
    fn attempt(&mut self) -> Option<Self::Done>;

    /// Whether there is anything to do.
    fn is_live(&self) -> bool;

    /// What it waits for.
    fn event(&self) -> &'a Event;

    /// Whether those who do not wait for the event can meet it, or it them, while it waits.
    fn can_meet(&self) -> bool {
        false
    }

    /// Lets others meet it from now on, or meets one: what came of that.
    fn appear(&mut self, _party: &Party) -> Option<Self::Done> {
        None
    }

    /// Meets one that has come since.
    fn meet(&mut self, _party: &Party) -> Option<Self::Done> {
        None
    }

    /// Is no longer there: what came of it, if it has been met.
    fn disappear(&mut self, _party: &Party) -> Option<Self::Done> {
        None
    }

    /// Whether another of its side could go on as well.
    fn has_more(&self) -> bool;

    /// Whether spinning has paid.
    fn patience(&mut self) -> &mut Patience;

    /// Counts that it could not be done at once.
    fn count_unready(&self);

    /// Counts that so long was waited for it.
    fn count_blocked(&self, time: Duration);
}

/// One case of a [`select`](super::select()). From [`recv`](super::recv) or
/// [`send`](super::send).
#[must_use = "a case does nothing outside a select"]
pub struct Case<'a, E: End<'a>, G> {
    pub(crate) end: E,
    spot: Spot<'a>,
    /// What came of it, until `then` gets it.
    done: Option<E::Done>,
    then: G,
}

impl<'a, E: End<'a>, G> Case<'a, E, G> {
    #[doc(hidden)]
    pub fn new(end: E, then: G) -> Self {
        Self {
            end,
            spot: Spot::default(),
            done: None,
            then,
        }
    }

    /// Hands over what came of it. It can then be done again.
    #[inline]
    pub(super) fn call<R>(&mut self) -> R
    where
        G: FnMut(E::Done) -> R,
    {
        let done = self.done.take();
        (self.then)(done.expect("an attempt that succeeds keeps what came of it"))
    }
}

impl<'a, E: End<'a>, G> Chance for Case<'a, E, G> {
    #[inline]
    fn attempt(&mut self) -> bool {
        // It is there already if a waker panicked in the select before.
        if self.done.is_none() {
            self.done = self.end.attempt();
        }
        self.done.is_some()
    }

    fn is_live(&self) -> bool {
        self.done.is_some() || self.end.is_live()
    }

    fn take_place(&mut self, waker: &Waker) -> bool {
        self.spot.take(self.end.event(), waker)
    }

    fn is_woken(&self) -> bool {
        self.spot.is_woken()
    }

    fn can_meet(&self) -> bool {
        self.is_live() && self.end.can_meet()
    }

    fn appear(&mut self, party: &Party) -> bool {
        self.done = self.end.appear(party);
        self.done.is_some()
    }

    fn meet(&mut self, party: &Party) -> bool {
        self.done = self.end.meet(party);
        self.done.is_some()
    }

    fn disappear(&mut self, party: &Party) -> bool {
        let met = self.end.disappear(party);
        let is_met = met.is_some();
        self.done = met.or(self.done.take());
        is_met
    }

    fn leave(&mut self) {
        self.spot.leave();
    }

    fn keep(&mut self) {
        self.spot.keep();
    }

    fn pass_on(&mut self) {
        self.spot.pass_on(|| self.end.has_more());
    }

    fn patience(&mut self) -> &mut Patience {
        self.end.patience()
    }

    fn count_unready(&self) {
        if self.is_live() {
            self.end.count_unready();
        }
    }

    fn count_blocked(&self, time: Duration) {
        if self.is_live() {
            self.end.count_blocked(time);
        }
    }
}

impl<'a, E: End<'a> + fmt::Debug, G> fmt::Debug for Case<'a, E, G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Case").field(&self.end).finish()
    }
}
