//! Records that are counted, and what holds of every pipeline that has ended.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use ringfence::pipeline::Snapshot;

/// Records that are counted as long as they exist.
#[derive(Clone, Default)]
pub(crate) struct Census(pub(crate) Arc<AtomicUsize>);

pub(crate) struct Record {
    pub(crate) number: u64,
    alive: Arc<AtomicUsize>,
}

impl Census {
    pub(crate) fn record(&self, number: u64) -> Record {
        self.0.fetch_add(1, SeqCst);
        let alive = self.0.clone();
        Record { number, alive }
    }

    pub(crate) fn alive(&self) -> usize {
        self.0.load(SeqCst)
    }

    /// As many as are taken.
    pub(crate) fn records(&self) -> impl Iterator<Item = Record> + Send + 'static {
        let census = self.clone();
        (0..).map(move |number| census.record(number))
    }
}

impl Clone for Record {
    fn clone(&self) -> Self {
        Census(self.alive.clone()).record(self.number)
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        self.alive.fetch_sub(1, SeqCst);
    }
}

/// Every edge adds up and is empty, and stages agree with the edges that they have.
pub(crate) fn assert_exact(all: &Snapshot) {
    assert_edges(all);
    for edge in &all.edges {
        let sent: u64 = edge.from.iter().map(|&from| all.stages[from].sent).sum();
        let to = &all.stages[edge.to].name;
        assert_eq!(edge.stats.offered, sent, "into {to}: {}", edge.stats);
    }
}

/// The same, where a record may have gone to one of two branches only.
pub(crate) fn assert_edges(all: &Snapshot) {
    for edge in &all.edges {
        let (stats, to) = (edge.stats, &all.stages[edge.to]);
        assert!(stats.is_exact() && stats.depth == 0, "{}: {stats}", to.name);
        assert_eq!(stats.delivered, to.received, "{}", to.name);
        assert!(stats.high_water <= stats.capacity);
    }
    for stage in &all.stages {
        let load = stage.load();
        assert_eq!(load.busy + load.idle + load.backpressured, 1000);
    }
}

pub(crate) fn until(what: &str, mut happened: impl FnMut() -> bool) {
    for _ in 0..50_000_000u64 {
        if happened() {
            return;
        }
        std::thread::yield_now();
    }
    panic!("{what} did not happen");
}
