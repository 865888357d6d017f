//! What went through a channel, exactly.
//!
//! The ring's positions are counters already: what was pushed and what was
//! popped. Everything else is counted where it happens, off the path of an item
//! that does not have to wait.
//!
//! ```text
//! stored    = pushed - taken back
//! delivered = popped before the receiver was done
//! drained   = popped since, but for what was taken back
//! ```

use std::fmt;
use std::time::Duration;

use ringfence_core::spsc::Observer;

use crate::sync::{Arc, AtomicU64, Mutex, Ordering, Padded, lock};

/// What went through a channel up to now. Counts are in items.
///
/// In every snapshot `offered = stored + refused` and
/// `stored = delivered + drained + depth`. At rest it is exact. While senders
/// and receivers work, the counts lag behind by what is under way, and between
/// two snapshots no count goes down, but for `depth`, and for an item that is
/// taken back out of a channel that was just closed.
///
/// Counts are modulo 2^`usize::BITS`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Items given to a send: those that were stored and those that were
    /// handed back.
    pub offered: u64,
    /// Items that went into the channel.
    pub stored: u64,
    /// Items handed back, for any of the three reasons below.
    pub refused: u64,
    /// Handed back because there was no room: by [`OnFull::DropNewest`] or by
    /// [`try_send`](crate::Sender::try_send).
    ///
    /// [`OnFull::DropNewest`]: crate::OnFull::DropNewest
    pub refused_full: u64,
    /// Handed back because there was no room until a deadline.
    pub refused_timeout: u64,
    /// Handed back because the channel was closed or the receiver gone.
    pub refused_closed: u64,
    /// Items that were received.
    pub delivered: u64,
    /// Items that were in the channel when the receiver went, and were dropped.
    pub drained: u64,
    /// Items in the channel now.
    pub depth: u64,
    /// The largest depth that was seen: by the receiver whenever it had taken
    /// all that it knew of, and by the sender when it found the channel full.
    /// A peak in between may have been higher.
    pub high_water: u64,
    /// How many items fit.
    pub capacity: u64,
    /// Sends that found the channel full.
    pub full_events: u64,
    /// Receives that found it empty.
    pub empty_events: u64,
    /// How long the sender has waited for room, up to the last time it got some.
    pub send_blocked: Duration,
    /// How long the receiver has waited for items, up to the last time it got
    /// some.
    pub recv_blocked: Duration,
}

impl Stats {
    /// Whether the counts add up. They always do; this is for reports.
    pub fn is_exact(&self) -> bool {
        self.offered == self.stored + self.refused
            && self.refused == self.refused_full + self.refused_timeout + self.refused_closed
            && self.stored == self.delivered + self.drained + self.depth
    }
}

impl fmt::Display for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "offered {} = stored {} + refused {}, stored {} = delivered {} + drained {} + depth {}",
            self.offered,
            self.stored,
            self.refused,
            self.stored,
            self.delivered,
            self.drained,
            self.depth
        )
    }
}

/// A count with one writer.
#[derive(Debug)]
pub(crate) struct Count(AtomicU64);

impl Count {
    fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    pub(crate) fn add(&self, n: u64) {
        // ORDERING: Relaxed; there is one writer, and a reader that is late
        // sees an earlier count.
        let count = self.0.load(Ordering::Relaxed);
        self.0.store(count.wrapping_add(n), Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What the sender counts.
#[derive(Debug)]
pub(crate) struct SendCounts {
    pub(crate) refused_full: Count,
    pub(crate) refused_timeout: Count,
    pub(crate) refused_closed: Count,
    pub(crate) full_events: Count,
    pub(crate) blocked_nanos: Count,
}

/// What the receiver counts.
#[derive(Debug)]
pub(crate) struct RecvCounts {
    pub(crate) empty_events: Count,
    pub(crate) blocked_nanos: Count,
}

/// What the end of a channel counts.
#[derive(Debug)]
struct End {
    /// How many items had been popped when the receiver was done.
    delivered: Option<u64>,
    /// Items that the sender took back.
    taken_back: u64,
}

/// All counts of a channel, but for the positions.
#[derive(Debug)]
pub(crate) struct Counts {
    pub(crate) send: Padded<SendCounts>,
    pub(crate) recv: Padded<RecvCounts>,
    high_water: AtomicU64,
    end: Mutex<End>,
}

impl Counts {
    pub(crate) fn new() -> Self {
        Self {
            send: Padded::new(SendCounts {
                refused_full: Count::new(),
                refused_timeout: Count::new(),
                refused_closed: Count::new(),
                full_events: Count::new(),
                blocked_nanos: Count::new(),
            }),
            recv: Padded::new(RecvCounts {
                empty_events: Count::new(),
                blocked_nanos: Count::new(),
            }),
            high_water: AtomicU64::new(0),
            end: Mutex::new(End {
                delivered: None,
                taken_back: 0,
            }),
        }
    }

    /// Notes that the channel was seen this deep.
    pub(crate) fn seen(&self, depth: usize) {
        // ORDERING: Relaxed; a maximum, of which nothing depends.
        if depth as u64 > self.high_water.load(Ordering::Relaxed) {
            self.high_water.fetch_max(depth as u64, Ordering::Relaxed);
        }
    }

    /// Notes that what is popped from now on is not delivered.
    pub(crate) fn recv_done(&self, popped: usize) {
        lock(&self.end).delivered.get_or_insert(popped as u64);
    }

    /// Runs `take`, which pops what the sender takes back, so that no snapshot
    /// sees it half done.
    pub(crate) fn take_back<T>(&self, take: impl FnOnce() -> Vec<T>) -> Vec<T> {
        let mut end = lock(&self.end);
        let items = take();
        end.taken_back += items.len() as u64;
        items
    }
}

/// Looks at a channel's statistics from anywhere. Never touches its items, and
/// stays valid when the channel is gone.
#[derive(Clone, Debug)]
pub struct Monitor {
    pub(crate) ring: Observer,
    pub(crate) counts: Arc<Counts>,
}

impl Monitor {
    /// What went through the channel up to now.
    pub fn stats(&self) -> Stats {
        let counts = &*self.counts;
        let end = lock(&counts.end);
        // Popped first: what was popped by then had been pushed by then.
        let popped = self.ring.popped() as u64;
        let pushed = self.ring.pushed() as u64;
        let capacity = self.ring.capacity() as u64;
        let depth = pushed.wrapping_sub(popped).min(capacity);
        let delivered = end.delivered.unwrap_or(popped);
        let drained = popped.wrapping_sub(delivered).wrapping_sub(end.taken_back);
        drop(end);
        let refused_full = counts.send.refused_full.get();
        let refused_timeout = counts.send.refused_timeout.get();
        let refused_closed = counts.send.refused_closed.get();
        let refused = refused_full + refused_timeout + refused_closed;
        let stored = delivered.wrapping_add(drained).wrapping_add(depth);
        Stats {
            offered: stored + refused,
            stored,
            refused,
            refused_full,
            refused_timeout,
            refused_closed,
            delivered,
            drained,
            depth,
            high_water: counts.high_water.load(Ordering::Relaxed).max(depth),
            capacity,
            full_events: counts.send.full_events.get(),
            empty_events: counts.recv.empty_events.get(),
            send_blocked: Duration::from_nanos(counts.send.blocked_nanos.get()),
            recv_blocked: Duration::from_nanos(counts.recv.blocked_nanos.get()),
        }
    }
}
