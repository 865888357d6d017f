//! What the program counts by itself, to compare with what the channels say.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;

use ringfence::Stats;

/// What was sent, with what it takes to tell whether it got lost.
pub(crate) struct Item {
    pub(crate) id: u64,
    /// When it should have been sent: later, if its producer was held up.
    pub(crate) intended: Instant,
    pub(crate) sent: Instant,
    pub(crate) bytes: Box<[u8]>,
    ledger: Arc<Ledger>,
}

/// What becomes of items.
#[derive(Clone, Copy)]
pub(crate) enum Fate {
    Offered,
    Stored,
    Refused,
    Evicted,
    Expired,
    Drained,
    Delivered,
}

/// How many items, and the sum of their numbers: if both are equal, it is the same items, unless
/// errors make up for each other.
#[derive(Default)]
struct Tally {
    items: AtomicU64,
    ids: AtomicU64,
}

#[derive(Default)]
pub(crate) struct Ledger {
    tallies: [Tally; 7],
    /// The number of the next item.
    next: AtomicU64,
    /// Items and bytes that exist: stored, and in the hands of either side.
    items_alive: AtomicU64,
    bytes_alive: AtomicU64,
    most_bytes: AtomicU64,
}

impl Ledger {
    /// A new item, which is offered.
    pub(crate) fn item(self: &Arc<Self>, intended: Instant, bytes: usize) -> Item {
        let id = self.next.fetch_add(1, Relaxed);
        self.items_alive.fetch_add(1, Relaxed);
        self.note(Fate::Offered, id);
        let alive = self.bytes_alive.fetch_add(bytes as u64, Relaxed) + bytes as u64;
        self.most_bytes.fetch_max(alive, Relaxed);
        Item {
            id,
            intended,
            sent: Instant::now(),
            bytes: vec![1; bytes].into(),
            ledger: self.clone(),
        }
    }

    pub(crate) fn note(&self, fate: Fate, id: u64) {
        let tally = &self.tallies[fate as usize];
        tally.items.fetch_add(1, Relaxed);
        tally.ids.fetch_add(id, Relaxed);
    }

    pub(crate) fn count(&self, fate: Fate) -> u64 {
        self.tallies[fate as usize].items.load(Relaxed)
    }

    fn ids(&self, fate: Fate) -> u64 {
        self.tallies[fate as usize].ids.load(Relaxed)
    }

    pub(crate) fn most_bytes(&self) -> u64 {
        self.most_bytes.load(Relaxed)
    }

    /// What does not add up, at the end, when nothing is under way; nothing if all is well.
    pub(crate) fn errors(&self, stats: &Stats) -> Vec<String> {
        use Fate::*;
        let mut errors = Vec::new();
        let mut check = |what: &str, ours: u64, theirs: u64| {
            if ours != theirs {
                errors.push(format!(
                    "{what}: {ours} by our count, {theirs} by the channel's"
                ));
            }
        };
        for (what, fate, theirs) in [
            ("offered", Offered, stats.offered),
            ("stored", Stored, stats.stored),
            ("refused", Refused, stats.refused),
            ("evicted", Evicted, stats.evicted),
            ("expired", Expired, stats.expired),
            ("drained", Drained, stats.drained),
            ("delivered", Delivered, stats.delivered),
        ] {
            check(what, self.count(fate), theirs);
        }
        check("inside", 0, stats.depth);
        let ends = [Refused, Evicted, Expired, Drained, Delivered];
        let ended = ends.map(|fate| self.ids(fate));
        let ended = ended.iter().fold(0, |sum: u64, ids| sum.wrapping_add(*ids));
        if ended != self.ids(Offered) {
            errors.push("not the items that were offered".into());
        }
        let alive = self.items_alive.load(Relaxed);
        if alive != 0 {
            errors.push(format!("{alive} items were never dropped"));
        }
        if !stats.is_exact() {
            errors.push(format!("the channel's sums do not hold: {stats}"));
        }
        errors
    }
}

impl Drop for Item {
    fn drop(&mut self) {
        self.ledger.items_alive.fetch_sub(1, Relaxed);
        let bytes = self.bytes.len() as u64;
        self.ledger.bytes_alive.fetch_sub(bytes, Relaxed);
    }
}
