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
#[should_panic(expected = "can neither be weighed nor size itself")]
fn a_task_sends_to_no_edge_that_is_weighed() {
    let _plan = Pipeline::source("read", 0..3)
        .async_stage("same", |n: u64| async move { n })
        .sink("write", drop)
        .weigh(1, |_| 1)
        .plan();
}
