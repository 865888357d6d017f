//! Three stages of trivial work: a source, one that adds, and a sink that sums.
//!
//! By a pipeline of threads, and of tasks, by our channels without one (so without metering, cancelling and ends that
//! are named), and by those of others.

use std::future::ready;
use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Instant;

use futures_lite::stream;
use ringfence::pipeline::Pipeline;
use tokio::runtime::Builder;

use crate::groups::{Contestant, Group, Outcome, YIELDS};
use crate::harness::{BATCH, Cores, Run};

/// All groups.
pub fn groups() -> Vec<Group> {
    vec![group(1024, false), group(64, false), group(1024, true)]
}

/// On one core the three threads are in nobody's way but by their work: what is measured is how
/// much that is, of all of them together.
fn group(capacity: usize, on_one_core: bool) -> Group {
    let (name, pinned) = if on_one_core {
        ("one-core".into(), "all on one core")
    } else {
        (capacity.to_string(), "not pinned")
    };
    let entry = |name, sum| entry(name, capacity, on_one_core, sum);
    Group {
        name: format!("pipeline/{name}"),
        about: format!(
            "three stages of trivial work on 8-byte items, two edges of capacity {capacity}; \
             {pinned}"
        ),
        measure: YIELDS,
        contestants: vec![
            entry("ringfence", |capacity, items| pipeline(capacity, 1, items)),
            entry("ringfence-batch", |capacity, items| {
                pipeline(capacity, BATCH, items)
            }),
            entry("ringfence-tasks", |capacity, items| {
                tasks(capacity, 1, items)
            }),
            entry("ringfence-tasks-batch", |capacity, items| {
                tasks(capacity, BATCH, items)
            }),
            entry("ringfence-by-hand", by_hand),
            entry("crossbeam-channel", crossbeam),
            entry("sync_channel", std_channels),
            entry("tokio", tokio_channels),
        ],
    }
}

/// One that sums so many items, each one more than its number.
fn entry(
    name: &'static str,
    capacity: usize,
    on_one_core: bool,
    sum: fn(usize, u64) -> u64,
) -> Contestant {
    Contestant::new(name, move |cores: &Cores, items| {
        let core = on_one_core.then_some(cores.producer);
        let (sum, time) = on_thread(move || {
            if let Some(core) = core {
                // What it spawns stays there, too.
                assert!(core_affinity::set_for_current(core), "cannot pin");
            }
            let begin = Instant::now();
            (sum(capacity, items), begin.elapsed())
        });
        assert_eq!(sum, items * (items + 1) / 2, "lost or repeated");
        let run = Run {
            time,
            ..Run::default()
        };
        Outcome::speed(run, items)
    })
}

fn pipeline(capacity: usize, batch: usize, items: u64) -> u64 {
    let total = Arc::new(AtomicU64::new(0));
    let (mut sum, so_far) = (0, total.clone());
    Pipeline::source("count", (0..items).map(black_box))
        .stage("add", |item| item + 1)
        .capacity(capacity)
        .batch(batch)
        .sink("sum", move |item| {
            sum += black_box(item);
            so_far.store(sum, Ordering::Relaxed);
        })
        .capacity(capacity)
        .batch(batch)
        .run()
        .expect("nothing fails");
    total.load(Ordering::Relaxed)
}

/// A task for each stage, on three threads.
fn tasks(capacity: usize, batch: usize, items: u64) -> u64 {
    let total = Arc::new(AtomicU64::new(0));
    let (mut sum, so_far) = (0, total.clone());
    on_tokio(async move {
        Pipeline::async_source("count", stream::iter((0..items).map(black_box)))
            .async_stage("add", |item| ready(item + 1))
            .capacity(capacity)
            .batch(batch)
            .async_sink("sum", move |item| {
                sum += black_box(item);
                so_far.store(sum, Ordering::Relaxed);
                ready(())
            })
            .capacity(capacity)
            .batch(batch)
            .start_on(|task| drop(tokio::spawn(task)))
            .join_async()
            .await
            .expect("nothing fails")
    });
    total.load(Ordering::Relaxed)
}

fn by_hand(capacity: usize, items: u64) -> u64 {
    let (mut count, mut counted) = ringfence::channel(capacity).spsc().build();
    let (mut add, mut added) = ringfence::channel(capacity).spsc().build();
    on_threads(
        move || (0..items).for_each(|item| assert!(count.send(black_box(item)).is_ok())),
        move || {
            while let Ok(item) = counted.recv() {
                assert!(add.send(item + 1).is_ok());
            }
        },
        move || added.iter().map(black_box).sum(),
    )
}

fn crossbeam(capacity: usize, items: u64) -> u64 {
    let (count, counted) = crossbeam_channel::bounded(capacity);
    let (add, added) = crossbeam_channel::bounded(capacity);
    on_threads(
        move || (0..items).for_each(|item| count.send(black_box(item)).expect("a receiver")),
        move || {
            let each = counted.iter();
            each.for_each(|item| add.send(item + 1).expect("a receiver"));
        },
        move || added.iter().map(black_box).sum(),
    )
}

fn std_channels(capacity: usize, items: u64) -> u64 {
    let (count, counted) = mpsc::sync_channel(capacity);
    let (add, added) = mpsc::sync_channel(capacity);
    on_threads(
        move || (0..items).for_each(|item| count.send(black_box(item)).expect("a receiver")),
        move || {
            let each = counted.iter();
            each.for_each(|item| add.send(item + 1).expect("a receiver"));
        },
        move || added.iter().map(black_box).sum(),
    )
}

/// On one that has no pins yet.
fn on_thread<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    thread::scope(|scope| scope.spawn(work).join().expect("it panicked"))
}

/// A thread for each stage.
fn on_threads(
    source: impl FnOnce() + Send,
    stage: impl FnOnce() + Send,
    sink: impl FnOnce() -> u64 + Send,
) -> u64 {
    thread::scope(|scope| {
        scope.spawn(source);
        scope.spawn(stage);
        scope.spawn(sink).join().expect("the sink panicked")
    })
}

fn on_tokio<R>(work: impl Future<Output = R>) -> R {
    let runtime = Builder::new_multi_thread().worker_threads(3).build();
    runtime.expect("a runtime").block_on(work)
}

/// A task for each stage, on three threads.
fn tokio_channels(capacity: usize, items: u64) -> u64 {
    use tokio::sync::mpsc;
    on_tokio(async move {
        let (count, mut counted) = mpsc::channel(capacity);
        let (add, mut added) = mpsc::channel(capacity);
        tokio::spawn(async move {
            for item in 0..items {
                count.send(black_box(item)).await.expect("a receiver");
            }
        });
        tokio::spawn(async move {
            while let Some(item) = counted.recv().await {
                add.send(item + 1).await.expect("a receiver");
            }
        });
        let sink = tokio::spawn(async move {
            let mut sum = 0;
            while let Some(item) = added.recv().await {
                sum += black_box(item);
            }
            sum
        });
        sink.await.expect("the sink panicked")
    })
}
