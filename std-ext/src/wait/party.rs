//! How two threads that wait for several things each do one of them together: whoever comes
//! to it does it for both, if both still wait.

use std::sync::Arc;

use super::parker::Parker;
use crate::sync::{self, lock};

/// A thread that waits in a select, as those see it that may meet it there.
///
/// It is *open* from when it has found nothing to do until it looks again, or is met. So it
/// never does two things: what it does itself it does while it is closed, and whoever meets
/// it closes it.
#[derive(Clone, Debug)]
pub struct Party(Arc<Parker>);

impl Party {
    pub(super) fn of(parker: &Arc<Parker>) -> Self {
        Self(parker.clone())
    }

    /// From now on it may be met.
    pub(super) fn open(&self) {
        *lock(&self.0.open) = true;
    }

    /// It has been met, or will not be.
    pub(super) fn close(&self) {
        *lock(&self.0.open) = false;
    }

    pub(super) fn is_open(&self) -> bool {
        *lock(&self.0.open)
    }

    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Meets it, and closes it, if it is open; `by` another one, if that is open as well, and
    /// closes that.
    pub fn meet(&self, by: Option<&Self>) -> bool {
        let Some(by) = by else {
            return std::mem::take(&mut *lock(&self.0.open));
        };
        if self.is(by) {
            return false;
        }
        // All in one order, or two that meet each other would wait for each other.
        let mut both = [self, by];
        both.sort_unstable_by_key(|party| party.0.thread.number());
        let mut open = both.map(|party| lock(&party.0.open));
        let meet = open.iter().all(|open| **open);
        if meet {
            open.iter_mut().for_each(|open| **open = false);
        }
        meet
    }

    /// Has it look again. It is a thread of ours, so this may be done under a lock.
    #[track_caller]
    pub fn wake(&self) {
        sync::wake(self.0.clone().into());
    }
}
