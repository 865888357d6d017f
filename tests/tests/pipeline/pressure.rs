//! A slow stage slows its source, and is named.

use super::*;

/// The sink of `make` is closed: the source gives what can be inside, and no more, whenever
/// the sink has let some through.
fn source_is_held<N: Node<Item = End>>(
    is_filled: bool,
    make: impl FnOnce(Box<dyn Iterator<Item = Record> + Send>, Receiver<()>) -> Pipeline<N>,
) {
    let (tokens, gate) = gate();
    let (census, limit) = (Census::default(), Arc::new(AtomicUsize::new(usize::MAX)));
    let (mut records, most) = (census.records(), limit.clone());
    let alive = census.0.clone();
    // Counts what there is besides the one that it is about to give.
    let checked = std::iter::from_fn(move || {
        assert!(alive.load(SeqCst) < most.load(SeqCst), "too many inside");
        records.next()
    });
    let plan = make(Box::new(checked), gate).plan();
    let (most, capacity) = (plan.most_records(), plan.capacity());
    limit.store(most, SeqCst);
    let running = plan.start();
    let mut tokens = tokens; // goes before `running` does, if this panics
    let filled = if is_filled { most } else { capacity / 2 };
    for _ in 0..50 {
        until("filling", || census.alive() >= filled);
        for _ in 0..7 {
            let _ = tokens.send(()).unwrap();
        }
    }
    until("filling", || census.alive() >= filled);
    let handle = running.handle();
    handle.cancel();
    drop(tokens);
    let report = running.join().unwrap();
    assert_eq!(report.ended, Ended::Cancelled);
    assert_exact(&report.total);
    assert_eq!(census.alive(), 0);
}

#[test]
fn slow_sink_holds_source() {
    source_is_held(true, |records, mut gate| {
        Pipeline::source("read", records)
            .stage("parse", |record| record)
            .capacity(5)
            .stage("enrich", |record| record)
            .capacity(1)
            .sink("write", move |_| pass(&mut gate))
            .capacity(3)
    });
}

#[test]
fn slow_sink_holds_source_through_parallel_stages() {
    source_is_held(true, |records, mut gate| {
        Pipeline::source("read", records)
            .stage("parse", |record| record)
            .parallel(3)
            .capacity(5)
            .stage("enrich", |record| record)
            .parallel(2)
            .capacity(4)
            .sink("write", move |_| pass(&mut gate))
            .capacity(3)
    });
    source_is_held(false, |records, mut gate| {
        Pipeline::source("read", records)
            .stage("parse", |record| record)
            .parallel(3)
            .ordered()
            .capacity(5)
            .stage("enrich", |record| record)
            .parallel(2)
            .key_by(|record: &Record| record.number)
            .sink("write", move |_| pass(&mut gate))
            .capacity(3)
    });
}

#[test]
fn slow_sink_holds_source_of_batches() {
    source_is_held(false, |records, mut gate| {
        Pipeline::source("read", records)
            .stage("parse", |record| record)
            .capacity(20)
            .batch(7)
            .flat_map("enrich", |record| [record])
            .parallel(2)
            .capacity(16)
            .batch(3)
            .sink("write", move |_| pass(&mut gate))
            .capacity(9)
            .batch(4)
    });
}

#[test]
fn slow_stage_is_named() {
    let (tokens, mut gate) = gate();
    let running = Pipeline::source("read", 0..)
        .stage("parse", |n: u64| n)
        .capacity(4)
        .stage("slow", move |n| {
            pass(&mut gate);
            n
        })
        .capacity(4)
        .sink("write", drop)
        .start();
    let tokens = tokens; // goes before `running` does, if this panics
    let is_named = |now: &Snapshot| now.bottleneck().is_some_and(|stage| stage.name == "slow");
    until("naming", || is_named(&running.snapshot()));
    let first = running.snapshot();
    until("high pressure", || {
        let now = running.snapshot().since(&first);
        let pressure = |name| now.stage(name).unwrap().pressure();
        let loads = now.stages.iter().map(|stage| stage.load());
        assert!(
            loads
                .clone()
                .all(|load| load.busy + load.idle + load.backpressured == 1000)
        );
        let sink = now.stage("write").unwrap().load();
        pressure("read") == Pressure::High
            && pressure("parse") == Pressure::High
            && pressure("slow") == Pressure::Ok
            && sink.idle > 900
            && is_named(&now)
    });
    until("filling", || {
        let full = running.snapshot();
        let depth = |name| full.edge_to(name).unwrap().stats.depth;
        (depth("parse"), depth("slow"), depth("write")) == (4, 4, 0)
    });
    assert!(running.snapshot().to_string().contains("bottleneck"));
    running.handle().cancel();
    drop(tokens);
    assert_exact(&running.join().unwrap().total);
}

#[test]
fn one_hot_key_is_named_though_the_stage_is_idle_on_average() {
    let (tokens, gate) = gate();
    let running = Pipeline::source("read", 0..)
        .stage("slow", {
            let gate = gate.clone();
            move |n: u64| {
                pass(&mut gate.clone());
                n
            }
        })
        .parallel(4)
        .key_by(|_| 0)
        .sink("write", drop)
        .start();
    let tokens = tokens; // goes before `running` does, if this panics
    drop(gate);
    until("naming", || {
        let now = running.snapshot();
        let slow = now.stage("slow").unwrap().load();
        now.bottleneck().is_some_and(|stage| stage.name == "slow") && slow.idle > 500
    });
    running.handle().cancel();
    drop(tokens);
    running.join().unwrap();
}

#[test]
fn slow_source_leaves_all_idle() {
    let (tokens, mut gate) = gate();
    let source = (0..3).inspect(move |_| pass(&mut gate));
    let running = Pipeline::source("read", source)
        .stage("parse", |n: u64| n)
        .parallel(2)
        .sink("write", drop)
        .start();
    let tokens = tokens; // goes before `running` does, if this panics
    until("idling", || {
        let now = running.snapshot();
        let idle = |name| now.stage(name).unwrap().load().idle > 900;
        let source = now.stage("read").unwrap().load();
        idle("parse") && idle("write") && source.busy > 900 && now.bottleneck().is_none()
    });
    drop(tokens);
    assert_eq!(running.join().unwrap().ended, Ended::Completed);
}

#[test]
fn busy_stage_without_pressure_is_not_named() {
    let (read_on, mut source_gate) = gate();
    let (work_on, mut gate) = gate();
    let source = (0..2).inspect(move |&n| {
        if n > 0 {
            pass(&mut source_gate);
        }
    });
    let running = Pipeline::source("read", source)
        .sink("write", move |_: u64| pass(&mut gate))
        .start();
    let gates = (read_on, work_on); // go before `running` does, if this panics
    until("work", || {
        let now = running.snapshot();
        assert!(now.bottleneck().is_none());
        let sink = now.stage("write").unwrap();
        sink.received == 1 && sink.load().busy > 950
    });
    drop(gates);
    running.join().unwrap();
}

#[test]
fn records_are_handed_over_where_edges_hold_none() {
    source_is_held(true, |records, mut gate| {
        Pipeline::source("read", records)
            .stage("parse", |record| record)
            .parallel(2)
            .capacity(0)
            .sink("write", move |_| pass(&mut gate))
            .capacity(0)
    });
}

#[test]
fn snapshot_of_a_smaller_pipeline_counts_from_the_start() {
    let small = Pipeline::source("read", 0..10).sink("write", drop);
    let large = Pipeline::source("read", 0..100)
        .stage("work", |n: u64| n)
        .parallel(2)
        .sink("write", drop);
    let (small, large) = (small.run().unwrap().total, large.run().unwrap().total);
    let since = large.since(&small);
    assert_eq!((since.stages.len(), since.stages[1].workers.len()), (3, 2));
    let sent: Vec<_> = since.stages.iter().map(|stage| stage.sent).collect();
    assert_eq!(sent, [90, 100, 0]);
    let _any = since.bottleneck();
    assert_eq!(small.since(&large).stages.len(), 2);
}
