//! Edges that are weighed, or size themselves, and lead to tasks.

use std::time::Duration;

use ringfence::age::ManualClock;
use ringfence::pipeline::{Pipeline, TargetDelay};

use super::*;

fn run<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(future)
}

#[test]
fn a_task_keeps_the_weight_of_what_it_works_on() {
    let census = Census::default();
    let inside = census.clone();
    let report = run(async {
        Pipeline::source("read", census.records().take(1000))
            .async_sink("write", move |record| {
                // Three fit, one of them in work; one more is in the hand of the source.
                assert!(inside.alive() <= 4);
                async move {
                    tokio::task::yield_now().await;
                    drop(record);
                }
            })
            .weigh(10, |_| 3)
            .start_on(|task| drop(tokio::spawn(task)))
            .join_async()
            .await
    })
    .unwrap();
    assert_exact(&report.total);
    let weight = report.total.edges[0].weight.unwrap();
    assert_eq!((weight.inside, weight.limit), (0, 10));
    assert_eq!(report.total.stages[1].received_weight, 3000);
}

#[test]
fn order_is_kept_by_tasks_with_weights() {
    let numbers = Count::default();
    let next = numbers.clone();
    let report = run(async {
        Pipeline::source("read", 0..500u64)
            .async_stage("wait", |number| async move {
                if number % 3 == 0 {
                    tokio::task::yield_now().await;
                }
                number
            })
            .parallel(3)
            .ordered()
            .weigh(2, |_| 1)
            .async_sink("write", move |number| {
                assert_eq!(next.get(), number);
                next.up();
                async {}
            })
            .start_on(|task| drop(tokio::spawn(task)))
            .join_async()
            .await
    })
    .unwrap();
    assert_exact(&report.total);
    assert_eq!(
        (numbers.get(), report.total.stages[1].received_weight),
        (500, 500)
    );
}

#[test]
fn a_task_sizes_its_edge() {
    let clock = ManualClock::new();
    let delay = TargetDelay::default().clock(clock.clone());
    let report = run(async {
        Pipeline::source("read", 0..3000u64)
            .async_sink("write", move |_| {
                clock.advance(Duration::from_millis(10));
                async {}
            })
            .capacity(1000)
            .target_delay(delay)
            .start_on(|task| drop(tokio::spawn(task)))
            .join_async()
            .await
    })
    .unwrap();
    assert_exact(&report.total);
    let edge = &report.total.edges[0];
    // A hundred in the second that is wanted, or a quarter off.
    assert!((80..=133).contains(&edge.effective_capacity), "{edge:?}");
}

#[test]
fn weight_of_what_tasks_send_is_bounded() {
    for (batch, parallel) in [(1, 1), (4, 1), (1, 3), (4, 3)] {
        let census = Census::default();
        let inside = census.clone();
        // So many fit into either edge; as many are on the way in each task, and at the source.
        let most = 2 * 5 + (2 * parallel + 1) * batch;
        let report = run(async {
            Pipeline::source("read", census.records().take(2000))
                .async_stage("pass", async |record| {
                    tokio::task::yield_now().await;
                    record
                })
                .parallel(parallel)
                .batch(batch)
                .weigh(10, |_| 2)
                .sink("write", move |record| {
                    assert!(inside.alive() <= most, "{}", inside.alive());
                    drop(record);
                })
                .batch(batch)
                .weigh(10, |_| 2)
                .start_on(|task| drop(tokio::spawn(task)))
                .join_async()
                .await
        })
        .unwrap();
        assert_exact(&report.total);
        let weight = report.total.edges[1].weight.unwrap();
        assert!(weight.inside == 0 && weight.high_water == 10, "{weight:?}");
        let [_, pass, write] = &report.total.stages[..] else {
            panic!("three stages");
        };
        assert_eq!((pass.sent_weight, write.received_weight), (4000, 4000));
    }
}

#[test]
fn edges_that_tasks_send_to_size_themselves() {
    for weighed in [false, true] {
        let clock = ManualClock::new();
        let delay = TargetDelay::default().clock(clock.clone());
        let work = move |_| clock.advance(Duration::from_millis(10));
        let report = run(async {
            let sink = Pipeline::source("read", 0..6000u64)
                .async_stage("pass", async |n| n)
                .sink("write", work)
                .capacity(1000)
                .batch(3)
                .target_delay(delay);
            let plan = match weighed {
                false => sink.plan(),
                true => sink.weigh(7, |&n| n % 3).plan(),
            };
            let running = plan.start_on(|task| drop(tokio::spawn(task)));
            running.join_async().await
        })
        .unwrap();
        assert_exact(&report.total);
        let edge = &report.total.edges[1];
        assert!((80..=133).contains(&edge.effective_capacity), "{edge:?}");
        if weighed {
            let weight = edge.weight.unwrap();
            assert!(weight.inside == 0 && weight.high_water <= 7, "{weight:?}");
            let sent = report.total.stages[1].sent_weight;
            assert_eq!((sent, report.total.stages[2].received_weight), (6000, 6000));
        }
    }
}

/// Wherever it waits for credit then.
#[test]
fn cancelling_ends_tasks_that_wait_for_credit() {
    for sized in [false, true] {
        let census = Census::default();
        let (tokens, mut gate) = ringfence::bounded::<()>(1);
        let report = run(async {
            let sink = Pipeline::source("read", census.records())
                .async_stage("pass", async |record| record)
                .sink("write", move |_| _ = gate.recv())
                .weigh(3, |_| 2);
            let plan = match sized {
                false => sink.plan(),
                true => sink.target_delay(Duration::from_secs(1)).plan(),
            };
            let running = plan.start_on(|task| drop(tokio::spawn(task)));
            let handle = running.handle();
            while running.snapshot().edges[1].stats.full_events == 0 {
                tokio::task::yield_now().await;
            }
            handle.cancel();
            drop(tokens);
            running.join_async().await
        })
        .unwrap();
        assert_exact(&report.total);
        assert_eq!(report.total.edges[1].weight.unwrap().inside, 0);
        assert_eq!(census.alive(), 0);
    }
}

#[test]
fn panic_of_what_weighs_fails_the_task_before() {
    for (batch, ordered) in [(1, false), (4, false), (1, true)] {
        let error = run(async {
            let stage = Pipeline::source("read", 0..100u64).async_stage("pass", async |n| n);
            let stage = if ordered {
                stage.parallel(2).ordered()
            } else {
                stage
            };
            stage
                .async_sink("write", async |_| {})
                .batch(batch)
                .weigh(100, |&n| if n == 10 { panic!("no weight") } else { 1 })
                .start_on(|task| drop(tokio::spawn(task)))
                .join_async()
                .await
        })
        .unwrap_err();
        assert_eq!(error.to_string(), "stage \"pass\" panicked: no weight");
        let total = &error.report().total;
        assert_exact(total);
        let pass = &total.stages[1];
        assert!(pass.dropped >= 1, "{pass:?}");
        assert_eq!(pass.received, pass.sent + pass.dropped, "{pass:?}");
    }
}
