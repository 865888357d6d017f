//! Edges that size themselves. The clock goes on only when a stage is at work, by what the test
//! says a record takes.

use std::cell::Cell;
use std::ops::RangeInclusive;
use std::time::Instant;

use ringfence::age::{Clock, ManualClock};
use ringfence::pipeline::{EdgeState, Running, TargetDelay};

use super::*;

/// A record takes 10 ms by the clock, so that the target is 100 records: as many, or a quarter
/// off.
const TAKES: Duration = Duration::from_millis(10);
const SETTLED: RangeInclusive<u64> = 80..=133;

fn second(clock: &ManualClock) -> TargetDelay {
    TargetDelay::default().clock(clock.clone())
}

thread_local! {
    static WORKED: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

/// Goes on for each thread by what that has worked: of several workers, none that has to wait
/// for a core is late by what the others do meanwhile.
struct OwnWork(Instant);

impl OwnWork {
    fn new() -> Self {
        Self(Instant::now())
    }

    fn on_a_record() {
        WORKED.set(WORKED.get() + TAKES);
    }
}

impl Clock for OwnWork {
    fn now(&self) -> Instant {
        self.0 + WORKED.get()
    }
}

/// Of three workers, each of which gets through 100 records in the target.
fn settled_for_three() -> RangeInclusive<u64> {
    3 * SETTLED.start()..=3 * SETTLED.end()
}

fn edge(running: &Running) -> EdgeState {
    running.snapshot().edges.remove(0)
}

#[test]
fn depth_settles_at_what_the_sink_does_in_the_target() {
    let (mut tokens, mut gate) = gate();
    let clock = ManualClock::new();
    let takes = Arc::new(AtomicU64::new(10));
    let (delay, now) = (second(&clock).at_least(20), takes.clone());
    let running = Pipeline::source("read", 0..)
        .sink("write", move |_: u64| {
            pass(&mut gate);
            clock.advance(Duration::from_millis(now.load(SeqCst)));
        })
        .capacity(150)
        .target_delay(delay)
        .start();
    // The sink gets through so many records, and the source fills up after each.
    let mut step = |records: u64| {
        let mut edge_now = edge(&running);
        for _ in 0..records {
            let before = edge_now.stats;
            let _ = tokens.send(()).unwrap();
            until("filling", || {
                edge_now = edge(&running);
                let expected = edge_now.effective_capacity.max(before.depth - 1);
                edge_now.stats.delivered > before.delivered && edge_now.stats.depth == expected
            });
            assert!((20..=150).contains(&edge_now.effective_capacity));
        }
        (edge_now.stats.depth, edge_now.effective_capacity)
    };
    until("filling", || {
        let edge = edge(&running);
        (edge.stats.delivered, edge.stats.depth) == (1, 150)
    });
    let (depth, capacity) = step(800);
    assert!(depth == capacity && SETTLED.contains(&depth), "{depth}");

    takes.store(1000, SeqCst);
    assert_eq!(step(depth + 20), (20, 20));

    takes.store(6, SeqCst);
    assert_eq!(step(2000), (150, 150));

    takes.store(10, SeqCst);
    let (depth, capacity) = step(800);
    assert!(depth == capacity && SETTLED.contains(&depth), "{depth}");
    let last = running.snapshot();
    assert_eq!(last.edges[0].stats.capacity, 150);
    let text = last.to_string();
    assert!(text.contains(&format!(" {depth}/{depth} ")), "{text}");

    running.handle().cancel();
    drop(tokens);
    assert_exact(&running.join().unwrap().total);
}

#[test]
fn time_without_records_is_no_slowness() {
    let clock = ManualClock::new();
    let (time, source) = (clock.clone(), clock.clone());
    // The source takes a hundred times as long as the sink, which waits for it meanwhile.
    let (mut tokens, mut gate) = gate();
    let records = (0..2000).inspect(move |_| {
        let _ = gate.recv();
        source.advance(100 * TAKES);
    });
    let running = Pipeline::source("read", records)
        .sink("write", move |_: u64| time.advance(TAKES))
        .capacity(1000)
        .target_delay(second(&clock))
        .start();
    for n in 0..2000 {
        // Who waits says so before the source may go on.
        until("idling", || {
            let sink = &running.snapshot().stages[1];
            sink.received == n && running.snapshot().edges[0].stats.empty_events > n
        });
        let _ = tokens.send(()).unwrap();
    }
    let report = running.join().unwrap();
    let edge = &report.total.edges[0];
    assert!(SETTLED.contains(&edge.effective_capacity), "{edge:?}");
}

#[test]
fn workers_that_share_an_edge_size_it_together() {
    let report = Pipeline::source("read", 0..6000)
        .sink("write", |_: u64| OwnWork::on_a_record())
        .parallel(3)
        .capacity(1000)
        .target_delay(TargetDelay::default().clock(OwnWork::new()))
        .run()
        .unwrap();
    assert_exact(&report.total);
    let edge = &report.total.edges[0];
    assert!(
        settled_for_three().contains(&edge.effective_capacity),
        "{edge:?}"
    );
}

#[test]
fn workers_with_their_own_channels_size_these() {
    for in_turn in [false, true] {
        let stage = Pipeline::source("read", 0..9000)
            .stage("work", |n: u64| {
                OwnWork::on_a_record();
                n
            })
            .parallel(3)
            .capacity(1000)
            .batch(2)
            .target_delay(TargetDelay::default().clock(OwnWork::new()));
        let stage = if in_turn {
            stage.ordered()
        } else {
            stage.key_by(|&n| n)
        };
        let report = stage
            .sink("write", drop)
            .capacity(10)
            .target_delay(Duration::ZERO)
            .run()
            .unwrap();
        assert_exact(&report.total);
        let edge = report.total.edge_to("work").unwrap();
        assert_eq!(edge.stats.capacity, 3000);
        assert!(
            settled_for_three().contains(&edge.effective_capacity),
            "{edge:?}"
        );
    }
}

#[test]
fn what_would_wait_too_long_is_refused() {
    let (mut tokens, mut gate) = gate();
    let clock = ManualClock::new();
    let delay = second(&clock);
    let running = Pipeline::source("read", 0..50_000)
        .sink("write", move |_: u64| {
            pass(&mut gate);
            clock.advance(TAKES);
        })
        .capacity(1000)
        .on_full(OnFull::DropNewest)
        .target_delay(delay)
        .start();
    until("the last record", || {
        running.snapshot().stages[0].sent == 50_000
    });
    // All that is there; the source has ended.
    for _ in 0..1001 {
        let _ = tokens.send(()).unwrap();
    }
    drop(tokens);
    let report = running.join().unwrap();
    assert_exact(&report.total);
    let edge = &report.total.edges[0];
    assert_eq!(edge.stats.lost() + edge.stats.delivered, 50_000);
    assert!((80..1000).contains(&edge.effective_capacity), "{edge:?}");
}

#[test]
fn edge_can_be_weighed_and_size_itself() {
    for batch in [1, 4] {
        let clock = ManualClock::new();
        let time = clock.clone();
        let report = Pipeline::source("read", 0..6000u64)
            .sink("write", move |_| time.advance(TAKES))
            .capacity(1000)
            .batch(batch)
            .weigh(700, |n| n % 8)
            .target_delay(second(&clock))
            .run()
            .unwrap();
        assert_exact(&report.total);
        let edge = &report.total.edges[0];
        assert!(SETTLED.contains(&edge.effective_capacity), "{edge:?}");
        let weight = edge.weight.unwrap();
        assert!(weight.inside == 0 && weight.high_water <= 700, "{weight:?}");
        assert_eq!(
            report.total.stages[1].received_weight,
            (0..6000).map(|n| n % 8).sum()
        );
    }
}

#[test]
fn plan_says_that_an_edge_sizes_itself() {
    let plan = Pipeline::source("read", 0..10)
        .sink("write", drop)
        .capacity(100)
        .target_delay(TargetDelay::default().at_least(3))
        .plan();
    let text = plan.to_string();
    assert!(
        text.contains("100 records, Block, sized for 1s, at least 3\n"),
        "{text}"
    );
    assert_eq!(plan.capacity(), 100);
}

#[test]
#[should_panic(expected = "write: an edge without room has no size")]
fn edge_without_room_has_no_size() {
    let _plan = Pipeline::source("read", 0..10)
        .sink("write", drop)
        .capacity(0)
        .target_delay(TargetDelay::default())
        .plan();
}
