//! By tokio: one thread, and two.

use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use ringfence::pipeline::{
    AsyncEmit, BoxError, Cause, Ended, OnFailure, Pipeline, PipelineError, Report, Snapshot,
};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::Semaphore;
use tokio::task::yield_now;

use crate::{Census, Count, Record, assert_exact};

fn each_runtime(run: impl Fn(Runtime)) {
    run(Builder::new_current_thread().enable_time().build().unwrap());
    let mut two = Builder::new_multi_thread();
    run(two.worker_threads(2).enable_time().build().unwrap());
}

/// As [`until`](crate::until), in a task.
async fn until(what: &str, mut happened: impl FnMut() -> bool) {
    for _ in 0..20_000_000u64 {
        if happened() {
            return;
        }
        yield_now().await;
    }
    panic!("{what} did not happen");
}

fn spawn(task: ringfence::pipeline::Task) {
    tokio::spawn(task);
}

#[test]
fn threads_and_tasks_mix() {
    each_runtime(|runtime| {
        let (census, done) = (Census::default(), Count::default());
        let counts = done.clone();
        let report = runtime.block_on(async {
            Pipeline::source("read", census.records().take(3000))
                .async_stage("look up", |record| async move {
                    if record.number % 3 == 0 {
                        yield_now().await;
                    }
                    record
                })
                .parallel(3)
                .capacity(2)
                .stage("same", |record| record)
                .capacity(1)
                .batch(4)
                .async_stage("again", |record| async move { record })
                .sink("write", move |_| counts.up())
                .capacity(3)
                .start_on(spawn)
                .join_async()
                .await
                .unwrap()
        });
        assert_eq!((report.ended, done.get()), (Ended::Completed, 3000));
        assert_exact(&report.total);
        assert_eq!(census.alive(), 0);
    });
}

#[test]
fn all_may_be_tasks() {
    each_runtime(|runtime| {
        let sum = Count::default();
        let counts = sum.clone();
        let _inside = runtime.enter();
        let running = Pipeline::async_source("read", stream::iter(0..3000u64))
            .async_stage_with("odd", |n, out: &mut AsyncEmit<u64>| {
                Box::pin(async move {
                    if n % 2 == 1 {
                        out.send(n).await?;
                    }
                    Ok::<_, BoxError>(())
                })
            })
            .parallel(2)
            .ordered()
            .capacity(3)
            .async_sink("write", move |n| {
                assert_eq!(n, 2 * counts.get() + 1);
                counts.up();
                yield_now()
            })
            .capacity(2)
            .start_on(spawn);
        // What waits for the end may be a task as well.
        let waits = runtime.spawn(running.join_async());
        let report = runtime.block_on(waits).unwrap().unwrap();
        assert_eq!((report.ended, sum.get()), (Ended::Completed, 1500));
        let all = &report.total;
        assert!(all.edges.iter().all(|edge| edge.stats.is_exact()));
    });
}

/// The sink takes a permit for each record: whenever it has none, what can be inside is there,
/// and no more, and the sink is the one that is too slow.
#[test]
fn slow_sink_holds_the_source_and_is_named() {
    each_runtime(|runtime| {
        let (census, permits) = (Census::default(), Arc::new(Semaphore::new(0)));
        let gate = permits.clone();
        let (most, alive) = (Count::default(), census.0.clone());
        let limit = most.clone();
        let _inside = runtime.enter();
        let records = census.records().inspect(move |_| {
            let alive = alive.load(std::sync::atomic::Ordering::SeqCst) as u64;
            assert!(limit.get() == 0 || alive <= limit.get(), "too many inside");
        });
        let plan = Pipeline::source("read", records)
            .async_stage("same", |record| async move { record })
            .capacity(4)
            .async_sink("write", move |record: Record| {
                let gate = gate.clone();
                async move {
                    gate.acquire().await.unwrap().forget();
                    drop(record);
                }
            })
            .capacity(3)
            .plan();
        assert_eq!(plan.most_records(), 4 + 3 + 3);
        (0..plan.most_records()).for_each(|_| most.up());
        let running = plan.start_on(spawn);
        runtime.block_on(async {
            for _ in 0..50 {
                until("filling", || census.alive() >= 10).await;
                permits.add_permits(7);
            }
            until("filling", || census.alive() >= 10).await;
            // It has one more than it had permits for.
            let received = || running.snapshot().stage("write").unwrap().received;
            until("the permits to be used", || received() == 50 * 7 + 1).await;
            let first = running.snapshot();
            let is_named = |now: &Snapshot| {
                let slow = now.bottleneck();
                slow.is_some_and(|stage| stage.name == "write" && stage.load().busy > 900)
            };
            let name = || is_named(&running.snapshot().since(&first));
            until("naming", name).await;
            running.handle().cancel();
            let report = running.join_async().await.unwrap();
            assert_exact(&report.total);
            assert_eq!(report.total.stage("write").unwrap().dropped, 1);
        });
        assert_eq!(census.alive(), 0);
    });
}

#[test]
fn panicking_task_is_named() {
    each_runtime(|runtime| {
        for at in 0..3 {
            for on_failure in [OnFailure::Cancel, OnFailure::Drain] {
                let census = Census::default();
                let breaks = move |which, record: Record| async move {
                    yield_now().await;
                    assert!(which != at || record.number != 50, "broken");
                    record
                };
                let read = stream::iter(census.records()).then(move |record| breaks(0, record));
                let error: PipelineError = runtime.block_on(async {
                    Pipeline::async_source("0", read)
                        .async_stage("1", move |record| breaks(1, record))
                        .parallel(2)
                        .capacity(2)
                        .async_sink("2", move |record| async move {
                            breaks(2, record).await;
                        })
                        .plan()
                        .on_failure(on_failure)
                        .start_on(spawn)
                        .join_async()
                        .await
                        .unwrap_err()
                });
                assert_eq!(error.stage(), at.to_string());
                assert!(matches!(error.cause(), Cause::Panic(text) if text == "broken"));
                assert_exact(&error.report().total);
                assert_eq!(census.alive(), 0);
            }
        }
    });
}

/// While threads send and receive, and tasks are at work.
#[test]
fn runtime_that_is_shut_down_ends_the_pipeline() {
    for parallel in [1, 3] {
        each_runtime(|runtime| {
            let (census, done) = (Census::default(), Count::default());
            let counts = done.clone();
            let inside = runtime.enter();
            let running = Pipeline::source("read", census.records())
                .async_stage("work", |record| async move {
                    yield_now().await;
                    record
                })
                .parallel(parallel)
                .capacity(2)
                .sink("write", move |_| counts.up())
                .start_on(spawn);
            drop(inside);
            runtime.block_on(until("work", || done.get() >= 100));
            runtime.shutdown_background();
            let error = running.join().unwrap_err();
            assert_eq!(error.stage(), "work");
            assert!(matches!(error.cause(), Cause::Dropped), "{error}");
            assert_exact(&error.report().total);
            let stage = |name| error.report().total.stage(name).unwrap();
            let work = stage("work");
            assert_eq!(work.received, work.sent + work.dropped);
            assert_eq!(stage("write").received, done.get());
            assert_eq!(census.alive(), 0);
        });
    }
}

#[test]
fn runtime_that_is_gone_is_a_failure() {
    each_runtime(|runtime| {
        let handle = runtime.handle().clone();
        drop(runtime);
        let spawn_on = |task| drop::<tokio::task::JoinHandle<()>>(Handle::spawn(&handle, task));
        let running = Pipeline::source("read", 0..)
            .async_sink("write", |_: u64| async {})
            .start_on(spawn_on);
        let error = running.join().unwrap_err();
        assert!(matches!(error.cause(), Cause::Dropped));
    });
}

#[test]
fn stopped_pipeline_drains_within_a_time() {
    each_runtime(|runtime| {
        let (census, done) = (Census::default(), Count::default());
        let counts = done.clone();
        let report: Report = runtime.block_on(async {
            let ticks = stream::unfold(census.clone(), |census| async move {
                yield_now().await;
                Some((census.record(0), census))
            });
            let running = Pipeline::async_source("read", ticks)
                .async_sink("write", move |_| {
                    counts.up();
                    yield_now()
                })
                .start_on(spawn);
            until("work", || done.get() >= 100).await;
            let handle = running.handle();
            handle.stop();
            tokio::time::timeout(Duration::from_secs(600), handle.ended())
                .await
                .expect("it drains");
            running.join_async().await.unwrap()
        });
        assert_eq!(report.ended, Ended::Stopped);
        assert_exact(&report.total);
        assert_eq!(report.total.stage("read").unwrap().sent, done.get());
        assert_eq!(census.alive(), 0);
    });
}

/// A thread may wait for the end of tasks, if it is not the runtime's.
#[test]
fn threads_wait_for_tasks() {
    let mut two = Builder::new_multi_thread();
    let runtime = two.worker_threads(1).build().unwrap();
    let running = Pipeline::async_source("read", stream::iter(0..1000u64))
        .sink("write", drop)
        .start_on(|task| drop(runtime.spawn(task)));
    let handle = running.handle();
    assert!(handle.stop_within(Duration::from_secs(600)));
    assert!(handle.has_ended());
    assert_exact(&running.join().unwrap().total);
}
