//! Models of the smallest pipelines: a source and a sink, a thread each, or one of them a task;
//! and with a stage between.

use std::future::{pending, ready};
use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64 as Plain, Ordering::Relaxed};

use futures_util::stream;
use loom::thread;
use ringfence::pipeline::{Cause, End, Ended, Node, Pipeline, Report, Running, Task};

use crate::future::block_on;
use crate::harness::Model;

pub(crate) const MODELS: &[Model] = &[
    Model::new("pipeline_drains", drains).preemptions(1),
    Model::new("pipeline_cancelled", cancelled).preemptions(1),
    Model::new("pipeline_stage_panics", stage_panics).preemptions(1),
    Model::new("pipeline_weighed_drains", weighed_drains).preemptions(1),
    Model::new("pipeline_weighed_cancelled", weighed_cancelled).preemptions(1),
    Model::new("pipeline_of_three_drains", three_drain).preemptions(1),
    Model::new("pipeline_of_three_cancelled", three_cancelled).preemptions(0),
    Model::new("pipeline_of_three_panics", three_panic).preemptions(1),
    Model::new("pipeline_task_drains", task_drains).preemptions(1),
    Model::new("pipeline_task_cancelled", task_cancelled).preemptions(1),
    Model::new("pipeline_task_stopped", task_stopped).preemptions(1),
    Model::new("pipeline_task_panics", task_panics).preemptions(1),
    Model::new("pipeline_task_dropped", task_dropped).preemptions(1),
    Model::new("pipeline_tasks_are_settled", tasks_are_settled).preemptions(2),
];

/// Each edge adds up with what the stages at its ends count.
fn assert_exact(report: &Report) {
    let stages = &report.total.stages;
    for edge in &report.total.edges {
        let (source, sink) = (&stages[edge.from[0]], &stages[edge.to]);
        let edge = edge.stats;
        assert!(edge.is_exact() && edge.depth == 0, "{edge}");
        assert_eq!((edge.offered, edge.delivered), (source.sent, sink.received));
    }
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

fn three_drain() {
    let sum = Arc::new(Plain::new(0));
    let sink = sum.clone();
    let report = Pipeline::source("read", [1])
        .stage("double", |n| 2 * n)
        .capacity(1)
        .sink("write", move |n| {
            sink.fetch_add(n, Relaxed);
        })
        .capacity(1)
        .run()
        .unwrap();
    assert_eq!((report.ended, sum.load(Relaxed)), (Ended::Completed, 2));
    assert_exact(&report);
}

/// Cancelled wherever they are, all threads end.
fn three_cancelled() {
    let running = Pipeline::source("read", [1])
        .stage("same", |n: u64| n)
        .capacity(1)
        .sink("write", drop)
        .capacity(1)
        .start();
    running.handle().cancel();
    let report = running.join().unwrap();
    assert_eq!(report.ended, Ended::Cancelled);
    assert_exact(&report);
}

/// The stage between panics: both its neighbours end.
fn three_panic() {
    let error = Pipeline::source("read", [1])
        .stage("same", |_| -> u64 { resume_unwind(Box::new("broken")) })
        .capacity(1)
        .sink("write", drop)
        .capacity(1)
        .run()
        .unwrap_err();
    assert_eq!(error.stage(), "same");
    assert_exact(error.report());
}

/// With the one task that it has.
fn start<N: Node<Item = End>>(pipeline: Pipeline<N>) -> (Running, Task) {
    let mut tasks = Vec::new();
    let running = pipeline.start_on(|task| tasks.push(task));
    (running, tasks.pop().unwrap())
}

/// From a thread to a task, which is this thread's.
fn task_drains() {
    let sum = Arc::new(Plain::new(0));
    let sink = sum.clone();
    let pipeline = Pipeline::source("read", [1, 2])
        .async_sink("write", move |n| {
            sink.fetch_add(n, Relaxed);
            ready(())
        })
        .capacity(1);
    let (running, task) = start(pipeline);
    block_on(task);
    let report = block_on(running.join_async()).unwrap();
    assert_eq!((report.ended, sum.load(Relaxed)), (Ended::Completed, 3));
    assert_exact(&report);
}

/// The sink waits for what never comes: it ends though no edge wakes it, and so does the source.
fn task_cancelled() {
    let pipeline = Pipeline::source("read", [1, 2])
        .async_sink("write", |_| pending())
        .capacity(1);
    let (running, task) = start(pipeline);
    let handle = running.handle();
    let canceller = thread::spawn(move || handle.cancel());
    block_on(task);
    let report = block_on(running.join_async()).unwrap();
    canceller.join().unwrap();
    assert_eq!(report.ended, Ended::Cancelled);
    assert_exact(&report);
}

/// The same of a source that waits; the sink drains.
fn task_stopped() {
    let source = Pipeline::async_source("read", stream::pending::<u64>());
    let (running, task) = start(source.sink("write", drop).capacity(1));
    let handle = running.handle();
    let stopper = thread::spawn(move || handle.stop());
    block_on(task);
    let report = running.join().unwrap();
    stopper.join().unwrap();
    assert_eq!(report.ended, Ended::Stopped);
    assert_exact(&report);
}

/// The sink panics, while the source works or waits for room.
fn task_panics() {
    let pipeline = Pipeline::source("read", [1, 2, 3])
        .async_sink("write", |_| async { resume_unwind(Box::new("broken")) })
        .capacity(1);
    let (running, task) = start(pipeline);
    block_on(task);
    let error = block_on(running.join_async()).unwrap_err();
    assert!(matches!(error.cause(), Cause::Panic(message) if message == "broken"));
    assert_exact(error.report());
}

/// The runtime drops it: the source ends.
fn task_dropped() {
    let pipeline = Pipeline::source("read", [1, 2, 3])
        .async_sink("write", |_| pending())
        .capacity(1);
    let (running, task) = start(pipeline);
    let _polled = crate::future::poll_once(task);
    let error = running.join().unwrap_err();
    assert!(matches!(error.cause(), Cause::Dropped));
    assert_exact(error.report());
}

/// Of two tasks on two threads either may end first: whoever has seen the end has seen all that
/// both have counted.
fn tasks_are_settled() {
    let mut tasks = Vec::new();
    let running = Pipeline::async_source("read", stream::iter([1]))
        .async_sink("write", |_: u64| ready(()))
        .capacity(1)
        .start_on(|task| tasks.push(task));
    let (sink, source) = (tasks.pop().unwrap(), tasks.pop().unwrap());
    let other = thread::spawn(move || {
        // Received or not, it ends.
        let _polled = crate::future::poll_once(sink);
    });
    let _polled = crate::future::poll_once(source);
    let report = block_on(running.join_async());
    let report = report.unwrap_or_else(|error| error.report().clone());
    other.join().unwrap();
    assert_exact(&report);
}
