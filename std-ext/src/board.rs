//! What is watched together, by name: channels and pipelines.
//!
//! A board is what exporters and displays read. Whoever wants to be seen is put there once,
//! by a [`Monitor`] or a [`Handle`]; nothing happens when items move. The example
//! `ringfence-top` shows one in a terminal.
//!
//! Whoever starts anew puts the new channel or pipeline there under the old name: its `total`
//! goes on where the one before has left off, so that counters which are made of it never go
//! back.
//!
//! ```
//! use ringfence::board::Board;
//!
//! let board = Board::new();
//! let (mut tx, rx) = ringfence::bounded(100);
//! board.channel("orders", rx.monitor());
//! tx.send(1)?;
//! let reading = board.read();
//! assert_eq!(reading.channels[0].name, "orders");
//! assert_eq!(reading.channels[0].stats.depth, 1);
//! # Ok::<(), ringfence::SendError<i32>>(())
//! ```

mod entry;

use std::collections::{BTreeMap, btree_map};
use std::fmt;
use std::sync::Arc;

use self::entry::{Entry, Source};
use crate::pipeline::{Handle, Snapshot};
use crate::stats::{Monitor, Stats};
use crate::sync::{Mutex, lock};

/// Channels and pipelines by name. A clone is the same board.
#[derive(Clone, Default)]
pub struct Board(Arc<Mutex<Entries>>);

#[derive(Default)]
struct Entries {
    channels: BTreeMap<String, Entry<Monitor>>,
    pipelines: BTreeMap<String, Entry<Handle>>,
}

/// What a board shows at one time.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Reading {
    /// In the order of their names.
    pub channels: Vec<ChannelReading>,
    /// In the order of their names.
    pub pipelines: Vec<PipelineReading>,
}

/// A channel on a board.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ChannelReading {
    /// As it was put there.
    pub name: String,
    /// What went through it.
    pub stats: Stats,
    /// What went through all that have had this name, while they had it and after, until their
    /// receivers were gone; and what is inside of them. Of capacities and high-water marks the
    /// sum.
    pub total: Stats,
    /// How many others have had this name before.
    pub replaced: u64,
}

/// A pipeline on a board.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PipelineReading {
    /// As it was put there.
    pub name: String,
    /// How it stands.
    pub snapshot: Snapshot,
    /// What went through all that have had this name: each stage of any of them, in the order
    /// of their names.
    pub total: Vec<StageTotal>,
    /// How many others have had this name before.
    pub replaced: u64,
}

/// What went through the stages of one name, of all the pipelines of one name.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StageTotal {
    /// As they were named.
    pub name: String,
    /// Records that they have received.
    pub received: u64,
    /// Records that they have sent.
    pub sent: u64,
    /// Records that they had in hand and dropped.
    pub dropped: u64,
    /// What those that they have received weighed, where the edge is weighed.
    pub received_weight: u64,
    /// What those weighed that they have offered to edges that are weighed.
    pub sent_weight: u64,
    /// What went through the edges that lead to them, and is inside; if there are any.
    pub edge: Option<Stats>,
}

impl Board {
    /// A board with nothing on it.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts a channel there; instead of the one that had this name, if any, which is counted
    /// on in `total` until its last receiver is gone. It stays when the channel is gone, until
    /// it is [removed](Self::remove_channel).
    ///
    /// The same channel again changes nothing, unless its receivers had gone and it was
    /// replaced: then it counts twice.
    pub fn channel(&self, name: impl Into<String>, monitor: Monitor) {
        self.put(|entries| &mut entries.channels, name.into(), monitor);
    }

    /// Takes a channel away, and forgets what went through all that had its name. Says whether
    /// it was there.
    pub fn remove_channel(&self, name: &str) -> bool {
        let removed = lock(&self.0).channels.remove(name);
        removed.is_some()
    }

    /// The monitor of the channel of this name, for what a reading has not:
    /// [`Monitor::take_peak`].
    #[must_use]
    pub fn monitor(&self, name: &str) -> Option<Monitor> {
        lock(&self.0)
            .channels
            .get(name)
            .map(|entry| entry.now.clone())
    }

    /// Puts a pipeline there; instead of the one that had this name, if any, which is counted
    /// on in `total` until it ends. It stays when it has ended, until it is
    /// [removed](Self::remove_pipeline).
    ///
    /// The same pipeline again changes nothing, unless it had ended and was replaced: then it
    /// counts twice.
    pub fn pipeline(&self, name: impl Into<String>, handle: Handle) {
        self.put(|entries| &mut entries.pipelines, name.into(), handle);
    }

    /// Takes a pipeline away, and forgets what went through all that had its name. Says whether
    /// it was there.
    pub fn remove_pipeline(&self, name: &str) -> bool {
        let removed = lock(&self.0).pipelines.remove(name);
        removed.is_some()
    }

    fn put<S: Source>(
        &self,
        kind: impl FnOnce(&mut Entries) -> &mut BTreeMap<String, Entry<S>>,
        name: String,
        source: S,
    ) {
        // Dropped under no lock, as what users gave may be inside.
        let mut spent = Vec::new();
        let mut entries = lock(&self.0);
        match kind(&mut entries).entry(name) {
            btree_map::Entry::Occupied(entry) => entry.into_mut().put(source, &mut spent),
            btree_map::Entry::Vacant(place) => {
                place.insert(Entry::new(source));
            }
        }
        drop(entries);
    }

    /// How all of them stand. Takes a lock of the board, and those of
    /// [`Monitor::stats`] and [`Handle::snapshot`]; never one that an item waits for.
    #[must_use]
    pub fn read(&self) -> Reading {
        let (mut spent, mut ended) = (Vec::new(), Vec::new());
        let mut entries = lock(&self.0);
        let Entries {
            channels,
            pipelines,
        } = &mut *entries;
        let channels = channels.iter_mut().map(|(name, entry)| {
            let (stats, total) = entry.read(&mut spent);
            ChannelReading {
                name: name.clone(),
                stats,
                total,
                replaced: entry.replaced,
            }
        });
        let pipelines = pipelines.iter_mut().map(|(name, entry)| {
            let (snapshot, total) = entry.read(&mut ended);
            PipelineReading {
                name: name.clone(),
                snapshot,
                total: total.into_values().collect(),
                replaced: entry.replaced,
            }
        });
        let reading = Reading {
            channels: channels.collect(),
            pipelines: pipelines.collect(),
        };
        drop(entries);
        reading
    }
}

impl Source for Monitor {
    type State = Stats;
    type Total = Stats;

    fn state(&self) -> Stats {
        self.stats()
    }

    fn add(total: &mut Stats, stats: &Stats) {
        *total = total.plus(stats);
    }

    fn has_ended(&self) -> bool {
        self.has_ended()
    }

    fn is_same(&self, other: &Self) -> bool {
        self.same_channel(other)
    }
}

impl Source for Handle {
    type State = Snapshot;
    type Total = BTreeMap<String, StageTotal>;

    fn state(&self) -> Snapshot {
        self.snapshot()
    }

    fn add(total: &mut Self::Total, snapshot: &Snapshot) {
        for (index, stage) in snapshot.stages.iter().enumerate() {
            let of_name = total.entry(stage.name.clone());
            let of_name = of_name.or_insert_with(|| StageTotal {
                name: stage.name.clone(),
                received: 0,
                sent: 0,
                dropped: 0,
                received_weight: 0,
                sent_weight: 0,
                edge: None,
            });
            of_name.received += stage.received;
            of_name.sent += stage.sent;
            of_name.dropped += stage.dropped;
            of_name.received_weight += stage.received_weight;
            of_name.sent_weight += stage.sent_weight;
            for edge in snapshot.edges.iter().filter(|edge| edge.to == index) {
                let before = of_name.edge.unwrap_or_default();
                of_name.edge = Some(before.plus(&edge.stats));
            }
        }
    }

    fn has_ended(&self) -> bool {
        self.has_ended()
    }

    fn is_same(&self, other: &Self) -> bool {
        self.same_pipeline(other)
    }
}

impl fmt::Debug for Board {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Board").field(&self.read()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_what_was_put_there_by_name() {
        let board = Board::new();
        let (mut tx, rx) = crate::bounded(4);
        board.channel("b", rx.monitor());
        board.channel("a", crate::bounded::<u8>(2).1.monitor());
        let running = crate::pipeline::Pipeline::source("read", 0..10)
            .sink("write", drop)
            .start();
        board.pipeline("copy", running.handle());
        running.join().unwrap();
        assert!(tx.send(1).unwrap().is_stored());

        let reading = board.clone().read();
        let channels: Vec<_> = reading.channels.iter().map(|c| c.name.as_str()).collect();
        assert_eq!(channels, ["a", "b"]);
        assert_eq!(reading.channels[1].stats.depth, 1);
        assert_eq!(reading.pipelines[0].name, "copy");
        let written = reading.pipelines[0].snapshot.stage("write").unwrap();
        assert_eq!(written.received, 10);

        board.channel("b", crate::bounded::<u8>(7).1.monitor());
        assert_eq!(board.read().channels[1].stats.capacity, 7);
        assert_eq!(board.monitor("b").unwrap().stats().capacity, 7);
        assert!(board.monitor("copy").is_none());
        assert!(board.remove_channel("b") && !board.remove_channel("b"));
        assert!(board.remove_pipeline("copy") && !board.remove_pipeline("copy"));
        assert_eq!(board.read().channels.len(), 1);
    }

    fn total(board: &Board) -> (Stats, u64) {
        let reading = &board.read().channels[0];
        assert!(reading.total.is_exact());
        (reading.total, reading.replaced)
    }

    #[test]
    fn a_channel_that_is_replaced_counts_until_its_receivers_are_gone() {
        let board = Board::new();
        let (mut tx, mut rx) = crate::bounded(4);
        board.channel("a", rx.monitor());
        let _ = tx.send_many([1, 2, 3]).unwrap();
        let (mut new_tx, new_rx) = crate::bounded(8);
        board.channel("a", new_rx.monitor());
        // Of the same channel, by another monitor.
        board.channel("a", new_tx.monitor());
        assert!(new_tx.send(1).unwrap().is_stored());
        let (all, replaced) = total(&board);
        assert_eq!((all.stored, all.depth, replaced), (4, 4, 1));
        assert_eq!(board.read().channels[0].stats.capacity, 8);
        assert_eq!(board.read().channels[0].stats.stored, 1);

        // It still counts, and what it drains at its end.
        assert_eq!(rx.recv(), Ok(1));
        assert_eq!(total(&board).0.delivered, 1);
        drop(rx);
        let (all, _) = total(&board);
        assert_eq!((all.delivered, all.drained, all.depth), (1, 2, 1));
        drop(new_rx);
        // One that was never read while it had the name.
        let (mut third, third_rx) = crate::bounded(8);
        board.channel("a", third.monitor());
        assert!(third.send(1).unwrap().is_stored());
        drop(third_rx);
        board.channel("a", crate::bounded::<u8>(8).1.monitor());
        let (all, replaced) = total(&board);
        assert_eq!((all.stored, all.drained, all.depth, replaced), (5, 4, 0, 3));
        let entries = lock(&board.0);
        assert!(!entries.channels["a"].has_earlier(), "it keeps their rings");
    }

    #[test]
    fn a_channel_that_comes_back_counts_once() {
        let board = Board::new();
        let [(mut a, _a), (mut b, _b)] = [crate::bounded(4), crate::bounded(4)];
        let _ = a.send_many([1, 2, 3]).unwrap();
        let _ = b.send_many([1, 2]).unwrap();
        for monitor in [a.monitor(), b.monitor(), a.monitor(), b.monitor()] {
            board.channel("a", monitor);
            let (all, replaced) = total(&board);
            assert_eq!(all.stored, if replaced == 0 { 3 } else { 5 });
        }
    }

    #[test]
    fn a_pipeline_that_is_replaced_counts_on() {
        let board = Board::new();
        let run = |sink: &str| {
            let running = crate::pipeline::Pipeline::source("read", 0..10)
                .sink(sink, drop)
                .weigh(100, |_| 3)
                .start();
            board.pipeline("copy", running.handle());
            running.join().unwrap();
        };
        run("write");
        run("discard");
        run("write");
        let reading = &board.read().pipelines[0];
        assert_eq!(reading.replaced, 2);
        let counts = reading.total.iter();
        let counts = counts.map(|stage| (&*stage.name, stage.received, stage.sent));
        assert!(counts.eq([("discard", 10, 0), ("read", 0, 30), ("write", 20, 0)]));
        let weights = reading.total.iter();
        let weights = weights.map(|stage| (stage.received_weight, stage.sent_weight));
        assert!(weights.eq([(30, 0), (0, 90), (60, 0)]));
        let edges = reading.total.iter().map(|stage| stage.edge);
        let edges = edges.map(|edge| edge.map(|stats| stats.delivered));
        assert!(edges.eq([Some(10), None, Some(20)]));
        assert_eq!(reading.snapshot.stage("write").unwrap().received, 10);
    }
}
