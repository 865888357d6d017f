//! What is watched together, by name: channels and pipelines.
//!
//! A board is what exporters and displays read. Whoever wants to be seen is put there once,
//! by a [`Monitor`] or a [`Handle`]; nothing happens when items move. The example
//! `ringfence-top` shows one in a terminal.
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

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::pipeline::{Handle, Snapshot};
use crate::stats::{Monitor, Stats};
use crate::sync::{Mutex, lock};

/// Channels and pipelines by name. A clone is the same board.
#[derive(Clone, Default)]
pub struct Board(Arc<Mutex<Entries>>);

#[derive(Default)]
struct Entries {
    channels: BTreeMap<String, Monitor>,
    pipelines: BTreeMap<String, Handle>,
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
}

/// A pipeline on a board.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PipelineReading {
    /// As it was put there.
    pub name: String,
    /// How it stands.
    pub snapshot: Snapshot,
}

impl Board {
    /// A board with nothing on it.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts a channel there; instead of the one that had this name, if any. It stays when the
    /// channel is gone, until it is [removed](Self::remove_channel).
    pub fn channel(&self, name: impl Into<String>, monitor: Monitor) {
        let _replaced = lock(&self.0).channels.insert(name.into(), monitor);
    }

    /// Takes a channel away. Says whether it was there.
    pub fn remove_channel(&self, name: &str) -> bool {
        let removed = lock(&self.0).channels.remove(name);
        removed.is_some()
    }

    /// The monitor of the channel of this name, for what a reading has not:
    /// [`Monitor::take_peak`].
    #[must_use]
    pub fn monitor(&self, name: &str) -> Option<Monitor> {
        lock(&self.0).channels.get(name).cloned()
    }

    /// Puts a pipeline there; instead of the one that had this name, if any. It stays when it
    /// has ended, until it is [removed](Self::remove_pipeline).
    pub fn pipeline(&self, name: impl Into<String>, handle: Handle) {
        let _replaced = lock(&self.0).pipelines.insert(name.into(), handle);
    }

    /// Takes a pipeline away. Says whether it was there.
    pub fn remove_pipeline(&self, name: &str) -> bool {
        let removed = lock(&self.0).pipelines.remove(name);
        removed.is_some()
    }

    /// How all of them stand. Takes a lock of the board, and those of
    /// [`Monitor::stats`] and [`Handle::snapshot`]; never one that an item waits for.
    #[must_use]
    pub fn read(&self) -> Reading {
        let entries = lock(&self.0);
        let channels = entries.channels.iter();
        let channels = channels.map(|(name, monitor)| ChannelReading {
            name: name.clone(),
            stats: monitor.stats(),
        });
        let pipelines = entries.pipelines.iter();
        let pipelines = pipelines.map(|(name, handle)| PipelineReading {
            name: name.clone(),
            snapshot: handle.snapshot(),
        });
        Reading {
            channels: channels.collect(),
            pipelines: pipelines.collect(),
        }
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
}
