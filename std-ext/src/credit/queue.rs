//! Who waits for credits, in the order of coming, and who has been handed some. No
//! atomics, no locks, and no code of others: wakers are handed out to be woken or dropped.

use std::collections::VecDeque;
use std::mem;
use std::task::Waker;

/// Who waits, and who was served and has not looked yet. At most one entry for each
/// thread and future.
#[derive(Debug, Default)]
pub(super) struct Queue {
    next_key: u64,
    // Keys ascend in both, since who comes first is served first.
    waiting: VecDeque<Waiter>,
    served: VecDeque<(u64, u64)>,
}

#[derive(Debug)]
struct Waiter {
    key: u64,
    asked: u64,
    waker: Waker,
}

/// What a waiter is known by.
#[derive(Debug)]
pub(super) struct Key(u64);

/// What a waiter finds.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// It waits on.
    Waiting,
    /// It was handed so many credits.
    Served(u64),
    /// It was turned away.
    TurnedAway,
}

impl Queue {
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Joins it at the end.
    pub(super) fn join(&mut self, asked: u64, waker: Waker) -> Key {
        let key = self.next_key;
        self.next_key += 1;
        self.waiting.push_back(Waiter { key, asked, waker });
        Key(key)
    }

    /// What the first one asks for.
    pub(super) fn first(&self) -> Option<u64> {
        self.waiting.front().map(|first| first.asked)
    }

    /// Hands the first one so many credits.
    pub(super) fn serve(&mut self, amount: u64) -> Option<Waker> {
        let first = self.waiting.pop_front()?;
        self.served.push_back((first.key, amount));
        Some(first.waker)
    }

    /// Sends the first one away without any.
    pub(super) fn turn_away(&mut self) -> Option<Waker> {
        self.waiting.pop_front().map(|first| first.waker)
    }

    /// What has become of a waiter; it is told only once.
    pub(super) fn look(&mut self, key: &Key) -> Found {
        if self.find(key).is_some() {
            return Found::Waiting;
        }
        let served = &mut self.served;
        let at = served.binary_search_by_key(&key.0, |&(other, _)| other);
        let amount = at.ok().and_then(|at| served.remove(at));
        amount.map_or(Found::TurnedAway, |(_, amount)| Found::Served(amount))
    }

    /// The waker of who waits.
    pub(super) fn waker(&mut self, key: &Key) -> Option<&mut Waker> {
        self.find(key).map(|at| &mut self.waiting[at].waker)
    }

    /// Has this waker woken from now on, if it waits; what is left in its place is to be
    /// dropped.
    pub(super) fn swap_waker(&mut self, key: &Key, waker: &mut Waker) {
        if let Some(own) = self.waker(key) {
            mem::swap(own, waker);
        }
    }

    /// Leaves it: the waker of who has waited in vain.
    pub(super) fn leave(&mut self, key: &Key) -> Option<Waker> {
        let at = self.find(key)?;
        self.waiting.remove(at).map(|waiter| waiter.waker)
    }

    fn find(&self, key: &Key) -> Option<usize> {
        self.waiting
            .binary_search_by_key(&key.0, |waiter| waiter.key)
            .ok()
    }
}
