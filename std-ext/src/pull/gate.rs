//! What a subscriber wants: where it says so, and where its publisher looks.
//!
//! A short lock, under which nothing else is done. Whoever emits looks before each item,
//! and says when it has one; what it looks at cannot be taken back but by cancelling.

use super::demand::Demand;
use crate::sync::{Mutex, lock};

#[derive(Default)]
pub(crate) struct Gate(Mutex<State>);

#[derive(Default)]
struct State {
    demand: Demand,
    /// Of that, what was asked for since somebody looked.
    fresh: Demand,
    /// Somebody has asked for 0 items.
    zero: bool,
    over: bool,
}

/// What a publisher finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// It was cancelled, or has ended.
    Over,
    /// It must fail.
    ZeroDemand,
    Open {
        /// Whether there may be an item.
        demanded: bool,
        /// How much was asked for since the last look.
        fresh: u64,
    },
}

impl Gate {
    /// Adds to the demand. Says whether that means anything.
    pub(crate) fn request(&self, n: u64) -> bool {
        let mut state = lock(&self.0);
        if state.over {
            return false;
        }
        state.zero |= n == 0;
        state.demand.add(n);
        state.fresh.add(n);
        true
    }

    /// No more signals. Says whether it was open.
    pub(crate) fn close(&self) -> bool {
        !std::mem::replace(&mut lock(&self.0).over, true)
    }

    pub(crate) fn look(&self) -> Look {
        let mut state = lock(&self.0);
        if state.over {
            return Look::Over;
        }
        if state.zero {
            return Look::ZeroDemand;
        }
        Look::Open {
            demanded: state.demand != Demand::NONE,
            fresh: state.fresh.take(),
        }
    }

    /// An item is about to be signalled, after a look that found it demanded.
    pub(crate) fn spend(&self) {
        lock(&self.0).demand.spend(1);
    }

    /// How many items may be signalled.
    pub(crate) fn demand(&self) -> u64 {
        let state = lock(&self.0);
        if state.over { 0 } else { state.demand.get() }
    }

    /// Closes it when dropped, as by a panic, unless it is defused.
    pub(crate) fn closes(&self) -> Closes<'_> {
        Closes(Some(self))
    }
}

/// Closes a gate when it is dropped.
pub(crate) struct Closes<'a>(Option<&'a Gate>);

impl Closes<'_> {
    pub(crate) fn defuse(mut self) {
        self.0 = None;
    }
}

impl Drop for Closes<'_> {
    fn drop(&mut self) {
        if let Some(gate) = self.0 {
            gate.close();
        }
    }
}
