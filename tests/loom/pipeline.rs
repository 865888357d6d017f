//! Models of the smallest pipeline: a source and a sink, a thread each.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64 as Plain, Ordering::Relaxed};

use ringfence::pipeline::{Cause, Ended, Pipeline, Report};

use crate::harness::Model;

pub(crate) const MODELS: &[Model] = &[
    Model::new("pipeline_drains", drains).preemptions(1),
    Model::new("pipeline_cancelled", cancelled).preemptions(1),
    Model::new("pipeline_stage_panics", stage_panics).preemptions(1),
    Model::new("pipeline_weighed_drains", weighed_drains).preemptions(1),
    Model::new("pipeline_weighed_cancelled", weighed_cancelled).preemptions(1),
];

/// The edge adds up with what both stages count.
fn assert_exact(report: &Report) {
    let [source, sink] = &report.total.stages[..] else {
        panic!("two stages");
    };
    let edge = report.total.edges[0].stats;
    assert!(edge.is_exact() && edge.depth == 0, "{edge}");
    assert_eq!((edge.offered, edge.delivered), (source.sent, sink.received));
}

/// The source ends: all that it gave comes, and both threads end.
fn drains() {
    let sum = Arc::new(Plain::new(0));
    let sink = sum.clone();
    let report = Pipeline::source("read", [1, 2])
        .sink("write", move |n| {
            sink.fetch_add(n, Relaxed);
        })
        .capacity(1)
        .run()
        .unwrap();
    assert_eq!((report.ended, sum.load(Relaxed)), (Ended::Completed, 3));
    assert_exact(&report);
}

/// Cancelled wherever they are, both threads end.
fn cancelled() {
    let running = Pipeline::source("read", [1, 2])
        .sink("write", drop)
        .capacity(1)
        .start();
    running.handle().cancel();
    let report = running.join().unwrap();
    assert_eq!(report.ended, Ended::Cancelled);
    assert_exact(&report);
}

/// The sink panics, while the source works or waits for room: both threads end.
fn stage_panics() {
    let error = Pipeline::source("read", [1, 2, 3])
        .sink("write", |_| resume_unwind(Box::new("broken")))
        .capacity(1)
        .run()
        .unwrap_err();
    assert!(matches!(error.cause(), Cause::Panic(message) if message == "broken"));
    assert_eq!(error.stage(), "write");
    assert_exact(error.report());
}

/// There are slots for all, and credit for one: the source waits for what the sink gives back.
fn weighed_drains() {
    let report = Pipeline::source("read", [1, 2])
        .sink("write", drop)
        .capacity(2)
        .weigh(1, |_| 1)
        .run()
        .unwrap();
    assert_eq!(report.ended, Ended::Completed);
    assert_eq!(report.total.stages[1].received_weight, 2);
    assert_all_given_back(&report);
}

/// Cancelled while the source waits for credit, or anywhere else: both threads end.
fn weighed_cancelled() {
    let running = Pipeline::source("read", [1, 2])
        .sink("write", drop)
        .capacity(2)
        .weigh(1, |_| 1)
        .start();
    running.handle().cancel();
    let report = running.join().unwrap();
    assert_eq!(report.ended, Ended::Cancelled);
    assert_all_given_back(&report);
}

fn assert_all_given_back(report: &Report) {
    assert_exact(report);
    let weight = report.total.edges[0].weight.unwrap();
    assert_eq!((weight.inside, weight.limit), (0, 1));
}
