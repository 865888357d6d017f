//! Polled by hand.

use std::collections::HashSet;
use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use ringfence::OnFull;
use ringfence::pipeline::{
    AsyncEmit, BoxError, Cause, Ended, OnFailure, Pipeline, Plan, Pressure, Report, Running,
    Snapshot,
};

use crate::hand::{Hand, now, try_once, turns};
use crate::{Census, Count, Record, assert_edges, assert_exact, until};

/// How many records the sources of most tests give.
const RECORDS: usize = 7;

/// Waits now and then.
async fn work(record: Record) -> Record {
    turns(record.number % 3).await;
    record
}

fn source(census: &Census) -> impl stream::Stream<Item = Record> + Send + 'static {
    stream::iter(census.records().take(RECORDS)).then(work)
}

/// How a pipeline of three stages, each of which makes one record of each, is shaped.
#[derive(Clone, Copy, Debug)]
enum Shape {
    Plain,
    Handed,
    Batches,
    Parallel,
    Ordered,
    ByKey,
    With,
}

const SHAPES: [Shape; 7] = [
    Shape::Plain,
    Shape::Handed,
    Shape::Batches,
    Shape::Parallel,
    Shape::Ordered,
    Shape::ByKey,
    Shape::With,
];

/// All tasks; the sink counts what it is done with.
fn all_tasks(shape: Shape, census: &Census, done: &Count) -> Plan {
    let done = done.clone();
    let sink = move |record: Record| {
        let done = done.clone();
        async move {
            turns(record.number % 2).await;
            done.up();
        }
    };
    let source = Pipeline::async_source("read", source(census));
    match shape {
        Shape::Plain => {
            let stage = source.async_stage("work", work).capacity(1);
            stage.async_sink("write", sink).capacity(2).plan()
        }
        Shape::Handed => {
            let stage = source.async_stage("work", work).capacity(0);
            stage.async_sink("write", sink).capacity(0).plan()
        }
        Shape::Batches => {
            let stage = source.async_stage("work", work).capacity(2).batch(3);
            let sink = stage.async_sink("write", sink).capacity(1).batch(2);
            sink.plan()
        }
        Shape::Parallel => {
            let stage = source.async_stage("work", work).parallel(3).capacity(1);
            stage.async_sink("write", sink).parallel(2).plan()
        }
        Shape::Ordered => {
            let stage = source.async_stage("work", work).capacity(1);
            let stage = stage.parallel(2).ordered();
            stage.async_sink("write", sink).capacity(1).batch(2).plan()
        }
        Shape::ByKey => {
            let stage = source.async_stage("work", work).parallel(2).capacity(1);
            let stage = stage.key_by(|record| record.number % 2).batch(2);
            stage.async_sink("write", sink).capacity(1).plan()
        }
        Shape::With => {
            let stage = source.async_stage_with("work", |record, out: &mut AsyncEmit<_>| {
                Box::pin(async move { Ok::<_, BoxError>(out.send(work(record).await).await?) })
            });
            let stage = stage.capacity(1);
            stage.async_sink("write", sink).capacity(1).plan()
        }
    }
}

/// Whatever went in came out at the other end, or is counted.
fn assert_nothing_lost(shape: Shape, report: &Report, census: &Census, done: &Count) {
    assert_exact(&report.total);
    assert_eq!(census.alive(), 0);
    let stage = |name| report.total.stage(name).unwrap();
    let (work, write) = (stage("work"), stage("write"));
    assert_eq!(write.received, done.get() + write.dropped);
    // A record that was at work, and had been sent on, counts at both ends.
    let both = u64::from(matches!(shape, Shape::With)) * work.dropped.min(1);
    let at_most = work.sent + work.dropped;
    assert!((at_most - both..=at_most).contains(&work.received));
}

/// Calls `run` with 0, 1, ... polls done, until all has ended before.
fn at_each_await(on_failure: OnFailure, run: impl Fn(Shape, &Hand, Running, &Census, &Count)) {
    for shape in SHAPES {
        for polls in 0.. {
            let (hand, census, done) = (Hand::default(), Census::default(), Count::default());
            let plan = all_tasks(shape, &census, &done).on_failure(on_failure);
            let running = plan.start_on(hand.spawner());
            let polled = (0..polls).take_while(|_| hand.poll_one()).count();
            if hand.tasks() == 0 {
                assert!(polls > 2 * RECORDS);
                let report = running.join().unwrap();
                assert_eq!(report.ended, Ended::Completed);
                assert_eq!(done.get(), RECORDS as u64);
                assert_nothing_lost(shape, &report, &census, &done);
                break;
            }
            assert_eq!(polled, polls, "{shape:?}: nobody is woken");
            run(shape, &hand, running, &census, &done);
        }
    }
}

#[test]
fn runtime_may_be_shut_down_at_any_await() {
    at_each_await(OnFailure::Cancel, |shape, hand, running, census, done| {
        hand.drop_all();
        assert!(running.handle().has_ended());
        let error = running.join().unwrap_err();
        assert!(matches!(error.cause(), Cause::Dropped), "{error}");
        assert_eq!(error.report().ended, Ended::Cancelled);
        assert_nothing_lost(shape, error.report(), census, done);
    });
}

#[test]
fn one_task_may_be_dropped_at_any_await_and_the_others_drain() {
    for which in 0..4 {
        at_each_await(OnFailure::Drain, |shape, hand, running, census, done| {
            hand.drop_one(which);
            hand.run();
            assert_eq!(hand.tasks(), 0);
            let error = now(running.join_async()).unwrap().unwrap_err();
            assert!(matches!(error.cause(), Cause::Dropped), "{error}");
            assert_eq!(error.report().ended, Ended::Stopped);
            assert_nothing_lost(shape, error.report(), census, done);
        });
    }
}

#[test]
fn cancelled_at_any_await_all_tasks_end_when_they_are_polled_next() {
    at_each_await(OnFailure::Cancel, |shape, hand, running, census, done| {
        running.handle().cancel();
        let tasks = hand.tasks();
        for _ in 0..tasks {
            assert!(hand.poll_one());
        }
        assert_eq!(hand.tasks(), 0);
        let report = running.join().unwrap();
        assert_eq!(report.ended, Ended::Cancelled);
        assert_nothing_lost(shape, &report, census, done);
    });
}

#[test]
fn stopped_at_any_await_it_drains() {
    at_each_await(OnFailure::Cancel, |shape, hand, running, census, done| {
        running.handle().stop();
        hand.run();
        assert_eq!(hand.tasks(), 0);
        let report = running.join().unwrap();
        assert_eq!(report.ended, Ended::Stopped);
        assert_nothing_lost(shape, &report, census, done);
        let stage = |name| report.total.stage(name).unwrap();
        assert_eq!(stage("read").sent, done.get());
        assert!(report.total.stages.iter().all(|stage| stage.dropped == 0));
    });
}

#[test]
fn dropped_pipeline_is_cancelled() {
    at_each_await(OnFailure::Cancel, |_, hand, running, census, _| {
        let handle = running.handle();
        drop(running);
        hand.run();
        assert!(hand.tasks() == 0 && handle.has_ended());
        assert_eq!(census.alive(), 0);
    });
}

/// The future of the end, dropped: the same.
#[test]
fn waiting_for_the_end_may_be_given_up() {
    let hand = Hand::default();
    let running = Pipeline::async_source("read", stream::pending::<u8>())
        .async_sink("write", |_| async {})
        .start_on(hand.spawner());
    hand.run();
    let handle = running.handle();
    assert!(now(handle.ended()).is_none());
    hand.run();
    assert_eq!(hand.tasks(), 2);
    assert!(now(running.join_async()).is_none());
    hand.run();
    assert!(hand.tasks() == 0 && now(handle.ended()).is_some());
}

#[test]
fn futures_and_streams_that_wait_for_ever_are_dropped() {
    let (hand, census, witness) = (Hand::default(), Census::default(), Arc::new(()));
    let (inside, kept) = (witness.clone(), witness.clone());
    let records = stream::iter(census.records().take(2)).chain(stream::pending());
    let running = Pipeline::async_source("read", records.inspect(move |_| drop(inside.clone())))
        .async_sink("write", move |record| {
            let kept = kept.clone();
            async move {
                let _both = (record, kept);
                pending::<()>().await;
            }
        })
        .start_on(hand.spawner());
    hand.run();
    assert_eq!((hand.tasks(), census.alive()), (2, 2));
    running.handle().stop();
    hand.run();
    // The stream is gone, though nothing came.
    assert_eq!(hand.tasks(), 1);
    running.handle().cancel();
    hand.run();
    assert_eq!((hand.tasks(), Arc::strong_count(&witness)), (0, 1));
    let report = running.join().unwrap();
    assert_exact(&report.total);
    assert_eq!(report.total.stage("write").unwrap().dropped, 1);
    assert_eq!(report.total.edge_to("write").unwrap().stats.drained, 1);
}

/// A stage gives up each send that it would have to wait for.
#[test]
fn sends_may_be_given_up() {
    for batch in [1, 3] {
        let (hand, census, sent) = (Hand::default(), Census::default(), Count::default());
        let counts = sent.clone();
        let running = Pipeline::async_source("read", source(&census))
            .async_stage_with(
                "work",
                move |record: Record, out: &mut AsyncEmit<Record>| {
                    let sent = counts.clone();
                    Box::pin(async move {
                        for _ in 0..5 {
                            let sending = out.send(record.clone());
                            if let Some(all) = try_once(sending).await {
                                all?;
                            }
                            sent.up();
                        }
                        Ok::<_, BoxError>(())
                    })
                },
            )
            .capacity(1)
            .async_sink("write", |record| async move {
                turns(3 * record.number).await;
            })
            .capacity(1)
            .batch(batch)
            .start_on(hand.spawner());
        hand.run();
        let report = running.join().unwrap();
        assert_exact(&report.total);
        assert_eq!((report.ended, census.alive()), (Ended::Completed, 0));
        let stage = |name| report.total.stage(name).unwrap();
        let (work, write) = (stage("work"), stage("write"));
        assert_eq!(sent.get(), 5 * RECORDS as u64);
        assert_eq!(work.sent + work.dropped, sent.get());
        assert_eq!(work.sent, write.received);
        // Some of each.
        assert!(work.dropped > 0 && work.sent > RECORDS as u64);
    }
}

#[test]
fn order_is_kept_by_parallel_tasks() {
    for batch in [1, 4] {
        let (hand, got) = (Hand::default(), Arc::new(Mutex::new(Vec::new())));
        let sink = got.clone();
        let plan = Pipeline::async_source("read", stream::iter(0..200))
            .async_stage_with("several", |n: u64, out: &mut AsyncEmit<u64>| {
                Box::pin(async move {
                    for i in 0..n % 3 {
                        turns((n + i) % 4).await;
                        out.send(10 * n + i).await?;
                    }
                    Ok::<_, BoxError>(())
                })
            })
            .parallel(3)
            .ordered()
            .capacity(2)
            .batch(batch)
            .async_stage("same", |n| async move { (turns(n % 5).await, n).1 })
            .parallel(2)
            .ordered()
            .batch(batch)
            .merge(Pipeline::async_source("none", stream::empty()))
            .async_sink("write", move |n| {
                sink.lock().unwrap().push(n);
                async {}
            })
            .plan();
        // Order is brought about by a task, too; but merging takes a thread.
        assert_eq!((plan.threads(), plan.tasks()), (1, 1 + 3 + 1 + 2 + 1 + 1));
        let running = plan.start_on(hand.spawner());
        until("the end", || {
            hand.run();
            hand.tasks() == 0
        });
        assert_eq!(running.join().unwrap().ended, Ended::Completed);
        let expected = (0..200).flat_map(|n| (0..n % 3).map(move |i| 10 * n + i));
        assert!(got.lock().unwrap().iter().copied().eq(expected));
    }
}

/// Another number for each clone.
struct Worker(Count, u64);

impl Clone for Worker {
    fn clone(&self) -> Self {
        self.0.up();
        Self(self.0.clone(), self.0.get())
    }
}

#[test]
fn keys_branches_and_merging_work_with_tasks() {
    let hand = Hand::default();
    let sums: [Count; 2] = Default::default();
    let [main, branch] = sums.clone();
    let seen: Arc<Mutex<Vec<(u64, u64, u64)>>> = Arc::default();
    let worker = Worker(Count::default(), 0);
    let keyed = seen.clone();
    let running = Pipeline::async_source("low", stream::iter(0..100))
        .merge(Pipeline::async_source("high", stream::iter(100..200)))
        .async_stage("double", |n: u64| async move { 2 * n })
        .capacity(3)
        .batch(2)
        .tee(|copies| {
            copies
                .async_sink("branch", move |n| {
                    let worker: &Worker = &worker;
                    keyed.lock().unwrap().push((n % 31, n, worker.1));
                    branch.up();
                    turns(n % 3)
                })
                .parallel(3)
                .key_by(|n| n % 31)
        })
        .async_sink("main", move |_| {
            main.up();
            turns(1)
        })
        .capacity(1)
        .start_on(hand.spawner());
    hand.run();
    let report = running.join().unwrap();
    assert_exact(&report.total);
    assert_eq!(sums.map(|sum| sum.get()), [200, 200]);
    let seen = seen.lock().unwrap();
    // Each source is in order, and so is each key of it.
    for (key, is_low) in (0..31).flat_map(|key| [(key, true), (key, false)]) {
        let mine = |&&(k, n, _): &&(u64, u64, u64)| k == key && (n < 200) == is_low;
        assert!(seen.iter().filter(mine).is_sorted());
    }
    let by = |key| seen.iter().filter(move |seen| seen.0 == key);
    let workers: HashSet<_> = (0..31).map(|key| by(key).next().unwrap().2).collect();
    assert!((0..31).all(|key| by(key).map(|seen| seen.2).is_sorted_by(|a, b| a == b)));
    assert!(workers.len() > 1);
}

#[test]
fn what_policies_drop_is_counted() {
    for on_full in [OnFull::DropNewest, OnFull::DropOldest] {
        let (hand, census) = (Hand::default(), Census::default());
        let running = Pipeline::async_source("read", source(&census))
            .async_sink("write", |_| turns(5))
            .capacity(1)
            .on_full(on_full)
            .start_on(hand.spawner());
        hand.run();
        let report = running.join().unwrap();
        assert_exact(&report.total);
        let (sink, edge) = (&report.total.stages[1], report.total.edges[0].stats);
        assert_eq!(sink.received + edge.lost(), RECORDS as u64);
        assert!(edge.lost() > 0 && census.alive() == 0);
    }
}

#[test]
fn plan_tells_tasks_from_threads() {
    let plan = Pipeline::source("read", 0..3)
        .async_stage("work", |n: u64| async move { n })
        .parallel(2)
        .batch(3)
        .sink("write", drop)
        .plan();
    assert_eq!((plan.threads(), plan.tasks()), (2, 2));
    let text = plan.to_string();
    assert!(text.contains("work: 2 tasks, in hand at most 6"), "{text}");
    assert!(text.contains("write: 1 thread, in"), "{text}");
    assert!(
        text.contains("in all 2 threads and 2 tasks, at most"),
        "{text}"
    );
}

/// Where each task waits is seen while it does, and the one that is at work is named.
#[test]
fn tasks_are_idle_backpressured_and_busy() {
    let hand = Hand::default();
    let running = Pipeline::async_source("read", stream::iter(0u64..))
        .async_stage("same", |n| async move { n })
        .capacity(2)
        .async_stage("slow", |n: u64| async move {
            pending::<()>().await;
            n
        })
        .capacity(2)
        .async_sink("write", |_| async {})
        .start_on(hand.spawner());
    hand.run();
    let first = running.snapshot();
    until("the times to be told apart", || {
        let now = running.snapshot().since(&first);
        let load = |name| now.stage(name).unwrap().load();
        let pressure = |name| now.stage(name).unwrap().pressure();
        let named = |now: &Snapshot| now.bottleneck().is_some_and(|stage| stage.name == "slow");
        pressure("read") == Pressure::High
            && pressure("same") == Pressure::High
            && load("slow").busy > 950
            && load("write").idle > 950
            && named(&now)
    });
    running.handle().cancel();
    hand.run();
    assert_edges(&running.join().unwrap().total);
}

/// What a stage does after it has given up a send is not waiting.
#[test]
fn given_up_sends_are_no_pressure() {
    let hand = Hand::default();
    let running = Pipeline::async_source("read", stream::iter(0u64..))
        .async_stage_with("work", |n: u64, out: &mut AsyncEmit<u64>| {
            Box::pin(async move {
                while try_once(out.send(n)).await.is_some() {}
                pending::<Result<(), BoxError>>().await
            })
        })
        .async_sink("write", |_| pending())
        .capacity(1)
        .start_on(hand.spawner());
    hand.run();
    let first = running.snapshot();
    until("some time", || {
        let now = running.snapshot().since(&first);
        let work = now.stage("work").unwrap();
        work.alive() > Duration::from_millis(1) && work.load().busy > 900
    });
    drop(running);
    hand.run();
    assert_eq!(hand.tasks(), 0);
}

/// A task that always finds something lets others run.
#[test]
fn tasks_give_turns() {
    let hand = Hand::default();
    let running = Pipeline::source("read", 0..10_000)
        .async_sink("write", |_: u64| async {})
        .capacity(10_000)
        .start_on(hand.spawner());
    until("the source's end", || {
        running.snapshot().stages[0].sent == 10_000
    });
    let received = || running.snapshot().stages[1].received;
    assert_eq!(received(), 0);
    assert!(hand.poll_one());
    assert!((1..1000).contains(&received()));
    until("the end", || {
        hand.run();
        hand.tasks() == 0
    });
    assert_eq!(running.join().unwrap().total.stages[1].received, 10_000);
}
