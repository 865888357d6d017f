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
//!
//! So the sums in [`Stats`] hold by construction. That they are also true is
//! shown from outside, by counts kept by hand in `tests/tests/accounting.rs`.

use std::fmt;
use std::time::Duration;

use ringfence_core::spsc::Observer;

use crate::sync::{Arc, AtomicU64, AtomicUsize, Mutex, Ordering, Padded, fence, lock};

/// What went through a channel up to now. Counts are in items.
///
/// In every snapshot `offered = stored + refused` and
/// `stored = delivered + drained + depth`. At rest it is exact. While senders
/// and receivers work, the counts lag behind by what is under way, `depth` may
/// be more than there was at any one instant, and between two snapshots no
/// count goes down, but for `depth`, and for an item that is taken back out of a
/// channel that was just closed.
///
/// `delivered` and `drained` are modulo 2^`usize::BITS`.
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
    /// all that it knew of, by the sender when it found the channel full, and
    /// by a snapshot during which nothing was received. A peak in between may
    /// have been higher.
    pub high_water: u64,
    /// How many items fit.
    pub capacity: u64,
    /// Sends that found the channel full.
    pub full_events: u64,
    /// Receives that found it empty.
    pub empty_events: u64,
    /// How long sends have waited for room, in vain or not. A wait counts when
    /// it is over.
    pub send_blocked: Duration,
    /// How long receives have waited for items, in vain or not. A wait counts
    /// when it is over.
    pub recv_blocked: Duration,
}

impl Stats {
    /// Whether the counts add up. They always do, being made so: this is for
    /// reports, and no evidence that they are true.
    #[must_use]
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

/// What the end of a channel counts. As positions do, modulo the word.
#[derive(Debug, Default)]
struct End {
    /// How many items had been popped when the receiver was done.
    delivered: Option<usize>,
    /// Items that the sender took back.
    taken_back: usize,
}

impl End {
    /// How many of the popped items were delivered, and how many drained.
    /// Positions wrap, so differences are taken in their own width.
    fn split(&self, popped: usize) -> (usize, usize) {
        let delivered = self.delivered.unwrap_or(popped);
        let since = popped.wrapping_sub(delivered);
        (delivered, since.wrapping_sub(self.taken_back))
    }
}

/// All counts of a channel, but for the positions.
#[derive(Debug)]
pub(crate) struct Counts {
    pub(crate) send: Padded<SendCounts>,
    pub(crate) recv: Padded<RecvCounts>,
    high_water: AtomicUsize,
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
            high_water: AtomicUsize::new(0),
            end: Mutex::new(End::default()),
        }
    }

    /// Notes that the channel was seen this deep.
    pub(crate) fn seen(&self, depth: usize) {
        // ORDERING: Relaxed; a maximum, of which nothing depends.
        if depth > self.high_water.load(Ordering::Relaxed) {
            self.high_water.fetch_max(depth, Ordering::Relaxed);
        }
    }

    /// Notes that what is popped from now on is not delivered.
    pub(crate) fn recv_done(&self, popped: usize) {
        lock(&self.end).delivered.get_or_insert(popped);
    }

    /// Runs `pop_all`, and gives the last `ours` of its items back to the sender:
    /// so that no snapshot sees it half done. Whatever else there was counts as
    /// drained, and is dropped.
    pub(crate) fn take_back<T>(&self, ours: usize, pop_all: impl FnOnce() -> Vec<T>) -> Vec<T> {
        let mut end = lock(&self.end);
        let mut others = pop_all();
        let items = others.split_off(others.len().saturating_sub(ours));
        end.taken_back = end.taken_back.wrapping_add(items.len());
        drop(end);
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
    /// What went through the channel up to now. Takes a short lock, which the
    /// two ends take only when the channel closes.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let counts = &*self.counts;
        let end = lock(&counts.end);
        // Popped first: what was popped by then had been pushed by then.
        let popped = self.ring.popped();
        let depth = self.ring.pushed().wrapping_sub(popped);
        let depth = depth.min(self.ring.capacity());
        let (delivered, drained) = end.split(popped);
        drop(end);
        // ORDERING: Acquire, edge `publish` to here: whatever the sender knew to be
        // popped when it pushed is popped by the next look.
        fence(Ordering::Acquire);
        if self.ring.popped() == popped {
            counts.seen(depth);
        }
        let [delivered, drained, depth] = [delivered, drained, depth].map(|n| n as u64);
        let refused_full = counts.send.refused_full.get();
        let refused_timeout = counts.send.refused_timeout.get();
        let refused_closed = counts.send.refused_closed.get();
        let refused = refused_full + refused_timeout + refused_closed;
        let stored = delivered + drained + depth;
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
            high_water: counts.high_water.load(Ordering::Relaxed) as u64,
            capacity: self.ring.capacity() as u64,
            full_events: counts.send.full_events.get(),
            empty_events: counts.recv.empty_events.get(),
            send_blocked: Duration::from_nanos(counts.send.blocked_nanos.get()),
            recv_blocked: Duration::from_nanos(counts.recv.blocked_nanos.get()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Positions that have wrapped change nothing.
    #[test]
    fn counts_are_those_of_positions_that_wrapped() {
        for start in [0, usize::MAX, usize::MAX - 2, usize::MAX - 6] {
            let after = |n: usize| start.wrapping_add(n);
            let open = End::default();
            assert_eq!(open.split(after(5)), (after(5), 0));
            let end = End {
                delivered: Some(after(3)),
                taken_back: 2,
            };
            assert_eq!(end.split(after(9)), (after(3), 4));
        }
    }

    /// The sender gets back what it pushed last, no more; others are drained.
    #[test]
    fn what_is_taken_back_is_the_senders_own() {
        for (ours, returned, drained) in [(1, vec![3], 2), (3, vec![1, 2, 3], 0)] {
            let counts = Counts::new();
            counts.recv_done(7);
            assert_eq!(counts.take_back(ours, || vec![1, 2, 3]), returned);
            assert_eq!(lock(&counts.end).split(10), (7, drained));
        }
    }
}
