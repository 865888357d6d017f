//! Pipelines with stages that are tasks: polled by hand, so that each await can be the last, and
//! by tokio. Nothing here depends on how fast anything is.

mod by_hand;
mod by_tokio;
#[path = "../common/census.rs"]
mod census;
mod edges;
mod failures;
mod hand;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use self::census::{Census, Record, assert_edges, assert_exact, until};

/// Counts.
#[derive(Clone, Default)]
struct Count(Arc<AtomicU64>);

impl Count {
    fn up(&self) {
        self.0.fetch_add(1, SeqCst);
    }

    fn get(&self) -> u64 {
        self.0.load(SeqCst)
    }
}
