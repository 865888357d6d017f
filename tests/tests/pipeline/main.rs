//! Pipelines, as their users rely on them. Nothing here depends on how fast anything is: what
//! is to be slow takes a token for each record.

#[path = "../common/census.rs"]
mod census;
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

use self::census::{Census, Record, assert_exact, until};
use ringfence::pipeline::{
    BoxError, Cause, Emit, End, Ended, Node, OnFailure, Pipeline, PipelineError, Plan, Pressure,
    Report, Snapshot,
};
use ringfence::{EarlyDrop, OnFull, Receiver, Sender};

/// Lets through as many as it has tokens for, and all when they can get no more.
fn gate() -> (Sender<()>, Receiver<()>) {
    ringfence::bounded(1 << 20)
}

fn pass(gate: &mut Receiver<()>) {
    let _all_may_pass = gate.recv();
}
