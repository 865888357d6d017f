//! What went through a channel, exactly.
//!
//! The ring's positions are counters already: what was pushed and what was
//! popped. Everything else is counted where it happens, off the path of an item
//! that does not have to wait.
//!
//! ```text
//! stored    = pushed - taken back
//! expired   = what fresh receivers counted, of those popped before the receiver was done
//! delivered = the others of those
//! drained   = popped since, but for what was taken back
//! ```
//!
//! Where the oldest may be evicted, positions do not say who removed an item, and the
//! ring counts pops and evictions beside them.
//!
//! So the sums in [`Stats`] hold by construction. That they are also true is
//! shown from outside, by counts kept by hand in `tests/tests/accounting.rs`.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::ring::{Gauge, Reading};
use crate::sync::{AtomicU64, AtomicUsize, Mutex, MutexGuard, Ordering, Padded, lock};

/// What went through a channel up to now. Counts are in items.
///
/// In every snapshot `offered = stored + refused` and
/// `stored = delivered + evicted + expired + drained + depth`. At rest it is exact. While senders
/// and receivers work, the counts lag behind by what is under way, `depth` may be more than
/// there was at any one instant, though not more than fits, and between two snapshots no
/// count goes down, but for `depth`, for an item that is taken back out of a channel that was
/// just closed, and for `delivered` where receivers are [`Fresh`](crate::age::Fresh).
///
/// On 32-bit targets `delivered`, and with it `stored` and `offered`, starts again from
/// zero after 2^32 items; with many senders or receivers, after 2^31 or more. `expired`
/// is then shown too low.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Items given to a send: those that were stored and those that were
    /// handed back.
    pub offered: u64,
    /// Items that went into the channel.
    pub stored: u64,
    /// Items handed back, for any of the reasons below.
    pub refused: u64,
    /// Handed back because there was no room, by
    /// [`try_send`](crate::Sender::try_send).
    pub refused_full: u64,
    /// Handed back because there was no room, by
    /// [`OnFull::DropNewest`](crate::OnFull::DropNewest).
    pub refused_newest: u64,
    /// Handed back by chance or because there was no room, by
    /// [`OnFull::DropRandom`](crate::OnFull::DropRandom).
    pub refused_random: u64,
    /// Handed back because there was no room until a deadline.
    pub refused_timeout: u64,
    /// Handed back because the channel was closed or the receiver gone.
    pub refused_closed: u64,
    /// Not sent, because the future or the sink that was to send them was dropped or
    /// taken apart, or since [`send_many`](crate::Sender::send_many) panicked when another
    /// had taken their room. Those that nobody took back were dropped with it.
    pub refused_cancelled: u64,
    /// Items that were received, and not expired.
    pub delivered: u64,
    /// Items that gave their place to newer ones, by
    /// [`OnFull::DropOldest`](crate::OnFull::DropOldest).
    pub evicted: u64,
    /// Items that a [`Fresh`](crate::age::Fresh) receiver took out and dropped, since
    /// they had waited too long.
    pub expired: u64,
    /// Items that were in the channel when the receiver went, and were dropped.
    pub drained: u64,
    /// Items in the channel now; with a capacity of 0, those that threads are about to
    /// receive.
    pub depth: u64,
    /// The largest depth that was seen: by the receiver whenever it had taken
    /// all that it knew of, by the sender when it found the channel full, and
    /// by a snapshot during which nothing was received. A peak in between may
    /// have been higher. See also [`Monitor::take_peak`].
    pub high_water: u64,
    /// How many items fit.
    pub capacity: u64,
    /// Sends that found the channel full, or were refused by chance before it was.
    pub full_events: u64,
    /// Receives that found it empty.
    pub empty_events: u64,
    /// Items that a [`Polled`](crate::Polled) receiver gave out again, since they had not
    /// been committed: each time counts.
    pub redelivered: u64,
    /// How long sends have waited for room, in vain or not. A wait counts when
    /// it is over. That of a future does from when it has looked again a few times, which
    /// takes microseconds.
    pub send_blocked: Duration,
    /// How long receives have waited for items, in vain or not. A wait counts
    /// when it is over; that of a future as for `send_blocked`.
    pub recv_blocked: Duration,
}

impl Stats {
    /// Whether the counts add up. They always do, being made so: this is for
    /// reports, and no evidence that they are true.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        self.offered == self.stored + self.refused
            && self.refused
                == self.lost_before_stored()
                    + self.refused_full
                    + self.refused_timeout
                    + self.refused_closed
                    + self.refused_cancelled
            && self.stored
                == self.delivered + self.evicted + self.expired + self.drained + self.depth
    }

    /// Items that the channel's policy has dropped: refused or evicted by
    /// [`OnFull`](crate::OnFull), or expired. Not those that a `try_send` or a timeout gave back.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.lost_before_stored() + self.evicted + self.expired
    }

    fn lost_before_stored(&self) -> u64 {
        self.refused_newest + self.refused_random
    }

    /// Of two channels together.
    pub(crate) fn plus(&self, b: &Self) -> Self {
        let a = self;
        Self {
            offered: a.offered + b.offered,
            stored: a.stored + b.stored,
            refused: a.refused + b.refused,
            refused_full: a.refused_full + b.refused_full,
            refused_newest: a.refused_newest + b.refused_newest,
            refused_random: a.refused_random + b.refused_random,
            refused_timeout: a.refused_timeout + b.refused_timeout,
            refused_closed: a.refused_closed + b.refused_closed,
            refused_cancelled: a.refused_cancelled + b.refused_cancelled,
            delivered: a.delivered + b.delivered,
            redelivered: a.redelivered + b.redelivered,
            evicted: a.evicted + b.evicted,
            expired: a.expired + b.expired,
            drained: a.drained + b.drained,
            depth: a.depth + b.depth,
            high_water: a.high_water + b.high_water,
            capacity: a.capacity + b.capacity,
            full_events: a.full_events + b.full_events,
            empty_events: a.empty_events + b.empty_events,
            send_blocked: a.send_blocked + b.send_blocked,
            recv_blocked: a.recv_blocked + b.recv_blocked,
        }
    }
}

impl fmt::Display for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "offered {} = stored {} + refused {}, \
             stored {} = delivered {} + evicted {} + expired {} + drained {} + depth {}",
            self.offered,
            self.stored,
            self.refused,
            self.stored,
            self.delivered,
            self.evicted,
            self.expired,
            self.drained,
            self.depth
        )
    }
}

/// A count that some thread adds to, or several.
#[derive(Debug)]
pub(crate) struct Count {
    value: AtomicU64,
    /// Whether there is one writer at a time.
    solo: bool,
}

impl Count {
    fn new(solo: bool) -> Self {
        let value = AtomicU64::new(0);
        Self { value, solo }
    }

    pub(crate) fn add(&self, n: u64) {
        // ORDERING: Relaxed; a reader that is late sees an earlier count.
        if self.solo {
            let count = self.value.load(Ordering::Relaxed);
            self.value.store(count.wrapping_add(n), Ordering::Relaxed);
        } else {
            self.value.fetch_add(n, Ordering::Relaxed);
        }
    }

    fn get(&self) -> u64 {
        self.value.load(Ordering::Relaxed)
    }
}

/// What senders count.
#[derive(Debug)]
pub(crate) struct SendCounts {
    pub(crate) refused_full: Count,
    pub(crate) refused_newest: Count,
    pub(crate) refused_random: Count,
    pub(crate) refused_timeout: Count,
    pub(crate) refused_closed: Count,
    pub(crate) refused_cancelled: Count,
    pub(crate) full_events: Count,
    pub(crate) blocked_nanos: Count,
}

/// What receivers count.
#[derive(Debug)]
pub(crate) struct RecvCounts {
    pub(crate) expired: Count,
    pub(crate) redelivered: Count,
    pub(crate) empty_events: Count,
    pub(crate) blocked_nanos: Count,
}

/// What the end of a channel counts. As positions do, modulo the word.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct End {
    /// How many items had been popped, and how many of those taken back, when the
    /// last receiver went.
    done: Option<(usize, usize)>,
    /// Items that senders took back.
    taken_back: usize,
    /// Items that were popped for senders to take back, and wait for them.
    stashed: usize,
    /// The largest of the peaks that were taken.
    taken_peak: usize,
}

impl End {
    /// Whether the last receiver has gone.
    pub(crate) fn is_done(&self) -> bool {
        self.done.is_some()
    }

    /// `ours` more have been taken back, and so many are waiting.
    pub(crate) fn take_back(&mut self, ours: usize, stashed: usize) {
        self.taken_back = self.taken_back.wrapping_add(ours);
        self.stashed = stashed;
    }

    /// How many of the popped items were delivered, and how many drained.
    /// Positions wrap, so differences are taken in their own width.
    fn split(&self, popped: usize) -> (usize, usize) {
        let popped = popped.wrapping_sub(self.stashed);
        let gone = popped.wrapping_sub(self.taken_back);
        let Some((popped, taken_back)) = self.done else {
            return (gone, 0);
        };
        let delivered = popped.wrapping_sub(taken_back);
        (delivered, gone.wrapping_sub(delivered))
    }
}

/// All counts of a channel, but for the positions.
#[derive(Debug)]
pub(crate) struct Counts {
    pub(crate) send: Padded<SendCounts>,
    pub(crate) recv: Padded<RecvCounts>,
    /// The largest depth that was seen since somebody took it.
    peak: AtomicUsize,
    end: Mutex<End>,
}

impl Counts {
    /// For one sender or many, one receiver or many.
    pub(crate) fn new(one_sender: bool, one_receiver: bool) -> Self {
        let [send, recv] = [one_sender, one_receiver].map(|solo| move || Count::new(solo));
        Self {
            send: Padded::new(SendCounts {
                refused_full: send(),
                refused_newest: send(),
                refused_random: send(),
                refused_timeout: send(),
                refused_closed: send(),
                refused_cancelled: send(),
                full_events: send(),
                blocked_nanos: send(),
            }),
            recv: Padded::new(RecvCounts {
                expired: recv(),
                redelivered: recv(),
                empty_events: recv(),
                blocked_nanos: recv(),
            }),
            peak: AtomicUsize::new(0),
            end: Mutex::new(End::default()),
        }
    }

    /// Notes that the channel was seen this deep.
    pub(crate) fn seen(&self, depth: usize) {
        // ORDERING: Relaxed; a maximum, of which nothing depends.
        if depth > self.peak.load(Ordering::Relaxed) {
            self.peak.fetch_max(depth, Ordering::Relaxed);
        }
    }

    /// The largest depth that was seen since this was called last.
    pub(crate) fn take_peak(&self, ring: &impl Gauge) -> usize {
        let mut end = self.end();
        self.look(&end, ring);
        // ORDERING: Relaxed; as above.
        let peak = self.peak.swap(0, Ordering::Relaxed);
        end.taken_peak = end.taken_peak.max(peak);
        peak
    }

    /// How things stand, and how deep the channel is.
    fn look(&self, end: &End, ring: &impl Gauge) -> (Reading, usize) {
        let reading = ring.read();
        let depth = reading.depth + end.stashed;
        if reading.is_exact {
            self.seen(depth);
        }
        (reading, depth)
    }

    /// As [`Stats::lost`].
    pub(crate) fn lost(&self, ring: &impl Gauge) -> u64 {
        let SendCounts {
            refused_newest,
            refused_random,
            ..
        } = &*self.send;
        let before_stored = refused_newest.get() + refused_random.get();
        before_stored + ring.read().evicted as u64 + self.recv.expired.get()
    }

    /// How the channel ends, locked, so that no snapshot sees a change half done.
    pub(crate) fn end(&self) -> MutexGuard<'_, End> {
        lock(&self.end)
    }

    /// Notes that what is popped from now on is not delivered.
    pub(crate) fn recv_done(&self, ring: &impl Gauge) {
        let mut end = self.end();
        let popped = ring.read().popped.wrapping_sub(end.stashed);
        end.done = Some((popped, end.taken_back));
    }

    /// What went through the channel up to now.
    pub(crate) fn stats(&self, ring: &impl Gauge) -> Stats {
        let end = self.end();
        let (reading, depth) = self.look(&end, ring);
        let (delivered, drained) = end.split(reading.popped);
        let high_water = end.taken_peak.max(self.peak.load(Ordering::Relaxed));
        drop(end);
        let [delivered, evicted, drained, depth] =
            [delivered, reading.evicted, drained, depth].map(|n| n as u64);
        let refused_full = self.send.refused_full.get();
        let refused_newest = self.send.refused_newest.get();
        let refused_random = self.send.refused_random.get();
        let refused_timeout = self.send.refused_timeout.get();
        let refused_closed = self.send.refused_closed.get();
        let refused_cancelled = self.send.refused_cancelled.get();
        let refused: u64 = [
            refused_full,
            refused_newest,
            refused_random,
            refused_timeout,
            refused_closed,
            refused_cancelled,
        ]
        .iter()
        .sum();
        let stored = delivered + evicted + drained + depth;
        // Never more than were popped by the look at the ring, so that no sum is exceeded.
        let expired = self.recv.expired.get().min(delivered);
        let delivered = delivered - expired;
        Stats {
            offered: stored + refused,
            stored,
            refused,
            refused_full,
            refused_newest,
            refused_random,
            refused_timeout,
            refused_closed,
            refused_cancelled,
            delivered,
            evicted,
            expired,
            drained,
            depth,
            high_water: high_water as u64,
            capacity: ring.capacity() as u64,
            full_events: self.send.full_events.get(),
            empty_events: self.recv.empty_events.get(),
            redelivered: self.recv.redelivered.get(),
            send_blocked: Duration::from_nanos(self.send.blocked_nanos.get()),
            recv_blocked: Duration::from_nanos(self.recv.blocked_nanos.get()),
        }
    }
}

/// Looks at a channel's statistics from anywhere. Never touches its items, and
/// stays valid when the channel is gone; it keeps the memory of the ring.
#[derive(Clone)]
pub struct Monitor(Arc<dyn Watched>);

/// A channel's counts and its gauge, whatever its items.
pub(crate) trait Watched: Send + Sync {
    fn stats(&self) -> Stats;
    fn depth(&self) -> usize;
    fn take_peak(&self) -> usize;
    /// Whether nobody receives any more, and nothing is inside.
    fn has_ended(&self) -> bool;
    /// No other channel has it as long as this lives.
    fn id(&self) -> *const Counts;
}

impl<G: Gauge + Send + Sync> Watched for (Arc<Counts>, G) {
    fn stats(&self) -> Stats {
        self.0.stats(&self.1)
    }

    fn depth(&self) -> usize {
        self.1.len()
    }

    fn take_peak(&self) -> usize {
        self.0.take_peak(&self.1)
    }

    fn has_ended(&self) -> bool {
        let is_done = self.0.end().is_done();
        is_done && self.stats().depth == 0
    }

    fn id(&self) -> *const Counts {
        Arc::as_ptr(&self.0)
    }
}

impl Monitor {
    pub(crate) fn new(watched: impl Watched + 'static) -> Self {
        Self(Arc::new(watched))
    }

    /// What went through the channel up to now. Takes a short lock, which the
    /// ends take only when the channel closes.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.0.stats()
    }

    /// How many items are in the channel. Takes no lock, but with a capacity of 0.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.0.depth()
    }

    /// The largest depth that was seen since this was last called, on this monitor or
    /// another of the channel: [`Stats::high_water`] of a period.
    #[must_use = "the next one begins"]
    pub fn take_peak(&self) -> u64 {
        self.0.take_peak() as u64
    }

    /// Whether both look at the same channel.
    #[must_use]
    pub fn same_channel(&self, other: &Self) -> bool {
        std::ptr::eq(self.0.id(), other.0.id())
    }

    /// Whether its counts are final, but for what senders may still try in vain.
    pub(crate) fn has_ended(&self) -> bool {
        self.0.has_ended()
    }
}

impl fmt::Debug for Monitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Monitor").field(&self.stats()).finish()
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
            let mut end = End::default();
            assert_eq!(end.split(after(5)), (after(5), 0));
            end.take_back(1, 1);
            assert_eq!(end.split(after(5)), (after(3), 0));
            end.done = Some((after(4), 1));
            end.take_back(1, 0);
            assert_eq!(end.split(after(9)), (after(3), 4));
        }
    }
}
