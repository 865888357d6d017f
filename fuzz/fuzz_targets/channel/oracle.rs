//! What a channel does, by a `VecDeque` and counts kept by hand.

use crate::item::{self, Item, number};
use ringfence::{
    Monitor, OnFull, Reason, SendError, SendTimeoutError, Sent, Stats, TryRecvError, TrySendError,
};
use std::collections::VecDeque;
use std::time::Duration;

/// What became of an item, with its number, or with that of the evicted one.
#[derive(Clone, Debug, PartialEq)]
pub enum Fate {
    Stored,
    Refused(u64),
    Evicted(u64),
    Full(u64),
    Timeout(u64),
    Closed(u64),
}

impl Fate {
    pub fn of<S: Into<Self>, E: Into<Self>>(sent: Result<S, E>) -> Self {
        sent.map_or_else(Into::into, Into::into)
    }
}

impl From<()> for Fate {
    fn from((): ()) -> Self {
        Self::Stored
    }
}

impl From<Sent<Item>> for Fate {
    fn from(sent: Sent<Item>) -> Self {
        match sent {
            Sent::Stored => Self::Stored,
            Sent::Refused(item) => Self::Refused(number(item)),
            Sent::Evicted(item) => Self::Evicted(number(item)),
        }
    }
}

impl From<SendError<Item>> for Fate {
    fn from(SendError(item): SendError<Item>) -> Self {
        Self::Closed(number(item))
    }
}

impl From<TrySendError<Item>> for Fate {
    fn from(error: TrySendError<Item>) -> Self {
        match error {
            TrySendError::Full(item) => Self::Full(number(item)),
            TrySendError::Disconnected(item) => Self::Closed(number(item)),
        }
    }
}

impl From<SendTimeoutError<Item>> for Fate {
    fn from(error: SendTimeoutError<Item>) -> Self {
        match error {
            SendTimeoutError::Timeout(item) => Self::Timeout(number(item)),
            SendTimeoutError::Disconnected(item) => Self::Closed(number(item)),
        }
    }
}

pub struct Oracle {
    pub items: VecDeque<u64>,
    pub capacity: usize,
    /// How many permits there are.
    pub reserved: usize,
    /// Whether others see that room is reserved.
    pub shows_reserved: bool,
    pub on_full: OnFull,
    /// Between these depths chance decides.
    pub chance: (usize, usize),
    pub why_closed: Option<String>,
    pub senders: usize,
    pub receivers: usize,
    pub stats: Stats,
    /// What the hook is to be shown in this step.
    pub drops: Vec<(u64, Reason)>,
    pub peak: u64,
    next: u64,
}

impl Oracle {
    pub fn new(capacity: usize, on_full: OnFull, chance: (usize, usize)) -> Self {
        let mut stats = Stats::default();
        stats.capacity = capacity as u64;
        Self {
            items: VecDeque::new(),
            capacity,
            reserved: 0,
            shows_reserved: false,
            on_full,
            chance,
            why_closed: None,
            senders: 1,
            receivers: 1,
            stats,
            drops: Vec::new(),
            peak: 0,
            next: 0,
        }
    }

    /// Numbers for `n` items: the first of them.
    pub fn numbers(&mut self, n: usize) -> u64 {
        self.next += n as u64;
        self.next - n as u64
    }

    /// How many items, of 0 to more than fit.
    pub fn some(&self, number: u8) -> usize {
        usize::from(number) % (self.capacity + 2)
    }

    pub fn is_open(&self) -> bool {
        self.why_closed.is_none()
    }

    pub fn is_full(&self) -> bool {
        let reserved = if self.shows_reserved {
            self.reserved
        } else {
            0
        };
        self.items.len() + reserved == self.capacity
    }

    /// Whether a send would wait for room.
    pub fn waits(&self) -> bool {
        self.on_full == OnFull::Block && self.is_open() && self.is_full()
    }

    /// Whether a receive would wait for items.
    pub fn starves(&self) -> bool {
        self.is_open() && self.items.is_empty()
    }

    pub fn refused(&mut self, fate: Fate, count: impl FnOnce(&mut Stats) -> &mut u64) -> Fate {
        self.stats.offered += 1;
        self.stats.refused += 1;
        *count(&mut self.stats) += 1;
        fate
    }

    /// If there is room. Finding none counts for nothing.
    pub fn offer(&mut self, number: u64) -> Fate {
        if !self.is_open() {
            return self.refused(Fate::Closed(number), |stats| &mut stats.refused_closed);
        }
        if self.is_full() {
            return Fate::Full(number);
        }
        self.items.push_back(number);
        self.stats.offered += 1;
        self.stats.stored += 1;
        Fate::Stored
    }

    pub fn try_send(&mut self, number: u64) -> Fate {
        match self.offer(number) {
            Fate::Full(_) => {
                self.stats.full_events += 1;
                self.refused(Fate::Full(number), |stats| &mut stats.refused_full)
            }
            fate => fate,
        }
    }

    /// By the policy, and no longer than until now.
    pub fn send(&mut self, number: u64) -> Fate {
        if let OnFull::DropRandom(_) = self.on_full {
            let unlucky = item::was_unlucky(number);
            if self.is_open() {
                let (depth, (from, to)) = (self.items.len(), self.chance);
                assert!(!unlucky || depth >= from || self.is_full(), "from {from}");
                assert!(unlucky || depth < to && !self.is_full(), "to {to}");
            }
            if unlucky {
                assert!(self.is_open());
                self.stats.full_events += 1;
                self.drops.push((number, Reason::Random));
                return self.refused(Fate::Refused(number), |stats| &mut stats.refused_random);
            }
        }
        match self.offer(number) {
            Fate::Full(_) => self.stats.full_events += 1,
            fate => return fate,
        }
        match self.on_full {
            // Or all room is reserved.
            OnFull::DropOldest if self.items.is_empty() => {
                self.drops.push((number, Reason::Newest));
                self.refused(Fate::Refused(number), |stats| &mut stats.refused_newest)
            }
            OnFull::DropNewest => {
                self.drops.push((number, Reason::Newest));
                self.refused(Fate::Refused(number), |stats| &mut stats.refused_newest)
            }
            OnFull::DropOldest => {
                let oldest = self.items.pop_front().unwrap();
                self.stats.evicted += 1;
                self.drops.push((oldest, Reason::Oldest));
                assert_eq!(self.offer(number), Fate::Stored);
                Fate::Evicted(oldest)
            }
            _ => self.refused(Fate::Timeout(number), |stats| &mut stats.refused_timeout),
        }
    }

    pub fn cancel(&mut self, number: u64, is_dropped: bool) {
        self.refused(Fate::Closed(number), |stats| &mut stats.refused_cancelled);
        self.drops
            .extend(is_dropped.then_some((number, Reason::Cancelled)));
    }

    /// Takes up to `limit` items.
    pub fn take(&mut self, limit: usize) -> Vec<u64> {
        let n = limit.min(self.items.len());
        self.stats.delivered += n as u64;
        self.items.drain(..n).collect()
    }

    /// If there is an item. Finding none counts for nothing.
    pub fn receive(&mut self) -> Result<u64, TryRecvError> {
        match self.take(1).pop() {
            Some(item) => Ok(item),
            None if self.is_open() => Err(TryRecvError::Empty),
            None => Err(TryRecvError::Disconnected),
        }
    }

    pub fn close(&mut self, why: &str) {
        self.why_closed.get_or_insert_with(|| why.to_string());
    }

    pub fn sender_leaves(&mut self) {
        self.senders -= 1;
        if self.senders == 0 {
            self.close("all senders are gone");
        }
    }

    /// Returns how many items were dropped.
    pub fn receiver_leaves(&mut self) -> usize {
        self.receivers -= 1;
        if self.receivers > 0 {
            return 0;
        }
        self.close("all receivers are gone");
        let drained = self.items.drain(..).map(|item| (item, Reason::Drained));
        let n = drained.len();
        self.drops.extend(drained);
        self.stats.drained += n as u64;
        n
    }

    pub fn lost(&self) -> u64 {
        self.stats.refused_newest + self.stats.refused_random + self.stats.evicted
    }

    /// After each step.
    pub fn check(&mut self, monitor: &Monitor) {
        self.stats.depth = self.items.len() as u64;
        self.peak = self.peak.max(self.stats.depth);
        self.stats.high_water = self.stats.high_water.max(self.stats.depth);
        let mut stats = monitor.stats();
        assert!(stats.is_exact(), "{stats}");
        assert_eq!(stats.lost(), self.lost());
        (stats.send_blocked, stats.recv_blocked) = (Duration::ZERO, Duration::ZERO);
        assert_eq!(stats, self.stats);
        assert_eq!(item::take_drops(), std::mem::take(&mut self.drops));
    }
}
