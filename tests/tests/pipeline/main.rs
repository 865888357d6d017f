//! Pipelines, as their users rely on them. Nothing here depends on how fast anything is: what
//! is to be slow takes a token for each record.

mod ends;
mod order;
mod pressure;
mod sizing;
mod weights;
mod words;

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use ringfence::pipeline::{
    BoxError, Cause, Emit, End, Ended, Node, OnFailure, Pipeline, PipelineError, Plan, Pressure,
    Report, Snapshot,
};
use ringfence::{EarlyDrop, OnFull, Receiver, Sender};

/// Records that are counted as long as they exist.
#[derive(Default)]
struct Census(Arc<AtomicUsize>);

struct Record {
    number: u64,
    alive: Arc<AtomicUsize>,
}

impl Census {
    fn record(&self, number: u64) -> Record {
        self.0.fetch_add(1, SeqCst);
        let alive = self.0.clone();
        Record { number, alive }
    }

    fn alive(&self) -> usize {
        self.0.load(SeqCst)
    }

    /// As many as are taken.
    fn records(&self) -> impl Iterator<Item = Record> + Send + 'static {
        let census = Self(self.0.clone());
        (0..).map(move |number| census.record(number))
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        self.alive.fetch_sub(1, SeqCst);
    }
}

/// Lets through as many as it has tokens for, and all when they can get no more.
fn gate() -> (Sender<()>, Receiver<()>) {
    ringfence::bounded(1 << 20)
}

fn pass(gate: &mut Receiver<()>) {
    let _all_may_pass = gate.recv();
}

fn until(what: &str, mut happened: impl FnMut() -> bool) {
    for _ in 0..50_000_000u64 {
        if happened() {
            return;
        }
        thread::yield_now();
    }
    panic!("{what} did not happen");
}

/// Every edge adds up and is empty, and stages agree with the edges that they have.
fn assert_exact(all: &Snapshot) {
    for edge in &all.edges {
        let (stats, to) = (edge.stats, &all.stages[edge.to]);
        assert!(stats.is_exact() && stats.depth == 0, "{}: {stats}", to.name);
        assert_eq!(stats.delivered, to.received, "{}", to.name);
        let sent: u64 = edge.from.iter().map(|&from| all.stages[from].sent).sum();
        assert_eq!(stats.offered, sent, "into {}", to.name);
        assert!(stats.high_water <= stats.capacity);
    }
    for stage in &all.stages {
        let load = stage.load();
        assert_eq!(load.busy + load.idle + load.backpressured, 1000);
    }
}
