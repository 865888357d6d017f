//! Edges that are bounded by weight. What is inside is counted here as well, by hand.

use ringfence::pipeline::EdgeWeight;

use super::*;

/// A record with a weight, both counted as long as it exists.
struct Heavy {
    weight: u64,
    alive: Arc<AtomicU64>,
}

impl Heavy {
    fn new(weight: u64, alive: &Arc<AtomicU64>) -> Self {
        alive.fetch_add(weight, SeqCst);
        let alive = alive.clone();
        Self { weight, alive }
    }

    fn weight(&self) -> u64 {
        self.weight
    }
}

impl Drop for Heavy {
    fn drop(&mut self) {
        self.alive.fetch_sub(self.weight, SeqCst);
    }
}

/// The most that a record weighs.
const MOST: u64 = 9;

/// From 0 to the most, and again.
fn weights() -> impl Iterator<Item = u64> + Send + 'static {
    (0..=MOST).cycle()
}

/// Beside what any snapshot must hold, that no weight is left, and stages agree with edges.
fn assert_weights_exact(all: &Snapshot) {
    assert_exact(all);
    for edge in &all.edges {
        let weight = edge.weight.expect("all edges are weighed here");
        assert_eq!(weight.inside, 0);
        assert!(weight.high_water <= weight.limit);
        let to = &all.stages[edge.to];
        let lost = edge.stats.offered - edge.stats.delivered;
        let sent = edge.from.iter().map(|&from| all.stages[from].sent_weight);
        let sent: u64 = sent.sum();
        assert!(
            to.received_weight <= sent && sent <= to.received_weight + lost * MOST,
            "{all}"
        );
    }
}

/// The sink of `make` is closed, and edges have more slots than weight: no more is alive than
/// the limits, and `kept` records that are not sent as yet.
fn weight_is_held<N: Node<Item = End>>(
    kept: u64,
    make: impl FnOnce(Box<dyn Iterator<Item = Heavy> + Send>, Receiver<()>) -> Pipeline<N>,
) {
    let (tokens, gate) = gate();
    let alive = Arc::new(AtomicU64::new(0));
    let limit = Arc::new(AtomicU64::new(0));
    let (now, most) = (alive.clone(), limit.clone());
    let records = weights().map(move |weight| {
        let record = Heavy::new(weight, &now);
        assert!(now.load(SeqCst) <= most.load(SeqCst), "too much inside");
        record
    });
    let plan = make(Box::new(records), gate).plan();
    let edges = plan.most_weight();
    limit.store(edges + kept * MOST, SeqCst);
    let running = plan.start();
    let mut tokens = tokens; // goes before `running` does, if this panics
    // Filled, but for records that weigh more than what is left.
    let is_filled = || {
        assert!(!running.handle().has_ended(), "it failed");
        let now = running.snapshot();
        let filled = |weight: EdgeWeight| weight.inside + MOST > weight.limit;
        filled(now.edge_to("write").unwrap().weight.unwrap())
    };
    for _ in 0..50 {
        until("filling", is_filled);
        for _ in 0..7 {
            let _ = tokens.send(()).unwrap();
        }
    }
    until("filling", is_filled);
    running.handle().cancel();
    drop(tokens);
    let report = running.join().unwrap();
    assert_eq!(report.ended, Ended::Cancelled);
    assert_weights_exact(&report.total);
    assert_eq!(alive.load(SeqCst), 0);
}

#[test]
fn weight_is_bounded() {
    weight_is_held(1, |records, mut gate| {
        Pipeline::source("read", records)
            .stage("parse", |record| record)
            .capacity(1000)
            .weigh(100, Heavy::weight)
            .sink("write", move |_record| pass(&mut gate))
            .capacity(1000)
            .weigh(50, Heavy::weight)
    });
}

#[test]
fn weight_is_bounded_where_workers_share_and_merge() {
    weight_is_held(2, |records, mut gate| {
        let records = Arc::new(Mutex::new(records));
        let some = |records: &Arc<Mutex<Box<dyn Iterator<Item = Heavy> + Send>>>| {
            let records = records.clone();
            std::iter::from_fn(move || records.lock().unwrap().next())
        };
        Pipeline::source("read", some(&records))
            .merge(Pipeline::source("read too", some(&records)))
            .stage("parse", |record| record)
            .parallel(3)
            .capacity(1000)
            .weigh(100, Heavy::weight)
            .sink("write", move |_record| pass(&mut gate))
            .capacity(1000)
            .weigh(50, Heavy::weight)
    });
}

#[test]
fn weight_is_bounded_of_batches() {
    // Of the source, and of what the two workers have made of theirs.
    weight_is_held(8 + 2 * 4, |records, mut gate| {
        Pipeline::source("read", records)
            .flat_map("parse", |record| [record])
            .parallel(2)
            .batch(8)
            .capacity(1000)
            .weigh(60, Heavy::weight)
            .sink("write", move |_record| pass(&mut gate))
            .batch(4)
            .capacity(1000)
            .weigh(20, Heavy::weight)
    });
}

#[test]
fn weight_is_bounded_by_key_and_in_turn() {
    weight_is_held(1 + 2, |records, mut gate| {
        Pipeline::source("read", records)
            .stage("parse", |record| record)
            .parallel(2)
            .ordered()
            .capacity(1000)
            .weigh(30, Heavy::weight)
            .stage("enrich", |record| record)
            .parallel(2)
            .key_by(Heavy::weight)
            .capacity(1000)
            .weigh(40, Heavy::weight)
            .sink("write", move |_record| pass(&mut gate))
            .capacity(1000)
            .weigh(50, Heavy::weight)
    });
}

#[test]
fn record_above_the_limit_goes_through_alone() {
    let alive = Arc::new(AtomicU64::new(0));
    let (now, seen) = (alive.clone(), alive.clone());
    let records = (0..300).map(move |n| Heavy::new(if n % 3 == 0 { 1000 } else { 10 }, &now));
    let report = Pipeline::source("read", records)
        .sink("write", move |record: Heavy| {
            // Besides what the source is about to send.
            let most = record.weight.max(100) + 1000;
            assert!(seen.load(SeqCst) <= most, "not alone");
        })
        .parallel(2)
        .weigh(100, Heavy::weight)
        .run()
        .unwrap();
    assert_eq!(report.ended, Ended::Completed);
    assert_weights_exact(&report.total);
    let (read, write) = (&report.total.stages[0], &report.total.stages[1]);
    let all = 100 * 1000 + 200 * 10;
    assert_eq!((read.sent_weight, write.received_weight), (all, all));
    let weight = report.total.edges[0].weight.unwrap();
    assert_eq!((weight.high_water, weight.limit), (100, 100));
}

/// Cancels while the source waits for credit, and the sink for a token: the source ends though
/// the sink does not come back.
fn cancel_ends_a_wait_for_credit<W: Node<Item = End>>(
    depth: u64,
    make: impl FnOnce(Box<dyn Iterator<Item = u64> + Send>, Receiver<()>) -> Pipeline<W>,
) {
    let (tokens, gate) = gate();
    let witness = Arc::new(());
    let inside = witness.clone();
    let records = (0..).inspect(move |_| _ = inside.clone());
    let running = make(Box::new(records), gate).start();
    let tokens = tokens; // goes before `running` does, if this panics
    until("waiting", || {
        let now = running.snapshot();
        let waits = now.stage("read").unwrap().load().backpressured > 500;
        waits && now.edges[0].stats.depth == depth
    });
    let handle = running.handle();
    handle.cancel();
    until("the end of the source", || Arc::strong_count(&witness) == 1);
    assert!(!handle.has_ended());
    drop(tokens);
    let report = running.join().unwrap();
    assert_eq!(report.ended, Ended::Cancelled);
    assert_exact(&report.total);
    let edge = &report.total.edges[0];
    assert_eq!(edge.stats.refused_closed, 1);
    assert_eq!(edge.weight.map_or(0, |weight| weight.inside), 0);
}

#[test]
fn cancelling_wakes_who_waits_for_credit() {
    cancel_ends_a_wait_for_credit(2, |records, mut gate| {
        Pipeline::source("read", records)
            .sink("write", move |_| pass(&mut gate))
            .weigh(3, |_| 1)
    });
    cancel_ends_a_wait_for_credit(2, |records, mut gate| {
        Pipeline::source("read", records)
            .sink("write", move |_| pass(&mut gate))
            .weigh(3, |_| 1)
            .target_delay(Duration::MAX)
    });
    cancel_ends_a_wait_for_credit(3, |records, mut gate| {
        Pipeline::source("read", records)
            .sink("write", move |_| pass(&mut gate))
            .batch(4)
            .weigh(7, |_| 1)
    });
}

#[test]
fn failing_stage_gives_its_weight_back() {
    for panics in [false, true] {
        for on_failure in [OnFailure::Cancel, OnFailure::Drain] {
            let error = Pipeline::source("read", 0..100)
                .try_stage("parse", move |n: u64| -> Result<_, BoxError> {
                    assert!(n != 50 || !panics, "broken");
                    if n == 50 { Err("broken".into()) } else { Ok(n) }
                })
                .parallel(2)
                // One at a time: the other worker gets nothing if this one keeps its weight.
                .weigh(1, |_| 1)
                .sink("write", drop)
                .weigh(3, |_| 1)
                .batch(2)
                .plan()
                .on_failure(on_failure)
                .run()
                .unwrap_err();
            assert_eq!(error.stage(), "parse");
            assert_weights_exact(&error.report().total);
        }
    }
}

#[test]
fn panic_of_what_weighs_fails_the_stage_before() {
    for batch in [1, 4] {
        let (tokens, mut gate) = gate();
        let running = Pipeline::source("read", 0..)
            .sink("write", move |_: u64| pass(&mut gate))
            .batch(batch)
            .weigh(100, |&n| if n == 10 { panic!("no weight") } else { 1 })
            .start();
        drop(tokens);
        let error = running.join().unwrap_err();
        assert_eq!(error.to_string(), "stage \"read\" panicked: no weight");
        assert_exact(&error.report().total);
        // What it was asked for was not offered, nor what was to go with that.
        let (read, batch) = (&error.report().total.stages[0], batch as u64);
        assert_eq!((read.sent, read.dropped), (10 / batch * batch, batch));
    }
}

#[test]
fn weight_that_is_refused_is_exactly_accounted() {
    let early = EarlyDrop::new(2, 8, 0.5).unwrap();
    let offered = || weights().filter(|&weight| weight > 0).take(5000);
    for on_full in [OnFull::DropNewest, OnFull::DropRandom(early)] {
        for (batch, is_sized) in [(1, false), (4, false), (1, true), (4, true)] {
            let (tokens, mut gate) = gate();
            let got = Arc::new(AtomicU64::new(0));
            let sum = got.clone();
            let sink = Pipeline::source("read", offered()).sink("write", move |weight| {
                pass(&mut gate);
                sum.fetch_add(weight, SeqCst);
            });
            let sink = sink
                .on_full(on_full)
                .batch(batch)
                .weigh(40, |&weight| weight);
            let running = if is_sized {
                sink.target_delay(Duration::MAX).start()
            } else {
                sink.start()
            };
            let tokens = tokens; // goes before `running` does, if this panics
            until("all to be offered", || {
                running.snapshot().stages[0].sent == 5000
            });
            drop(tokens);
            let report = running.join().unwrap();
            assert_weights_exact(&report.total);
            let (read, write) = (&report.total.stages[0], &report.total.stages[1]);
            let edge = &report.total.edges[0].stats;
            assert_eq!(read.sent_weight, offered().sum());
            assert_eq!(write.received_weight, got.load(SeqCst));
            assert_eq!(write.received + edge.lost(), 5000);
            // The gate was closed, and there are slots enough: credit ran out.
            assert!(edge.lost() > 4900 && edge.high_water < 30, "{edge}");
        }
    }
}

#[test]
fn stage_that_is_slow_by_weight_is_named() {
    let (tokens, mut gate) = gate();
    let running = Pipeline::source("read", 0..)
        .stage("slow", move |n: u64| {
            pass(&mut gate);
            n
        })
        .capacity(1000)
        .weigh(30, |_| 10)
        .sink("write", drop)
        .start();
    let tokens = tokens; // goes before `running` does, if this panics
    until("naming", || {
        let now = running.snapshot();
        let edge = now.edge_to("slow").unwrap();
        // Two lie there, one is at work.
        (edge.stats.depth, edge.weight.unwrap().inside) == (2, 30)
            && now.bottleneck().is_some_and(|stage| stage.name == "slow")
    });
    let now = running.snapshot();
    let text = now.to_string();
    assert!(
        text.contains("weight/limit") && text.contains(" 30/30 "),
        "{text}"
    );
    running.handle().cancel();
    drop(tokens);
    assert_exact(&running.join().unwrap().total);
}

#[test]
fn order_is_kept_by_edges_that_are_weighed() {
    let several = |n: u64| (0..n % 4).map(move |i| n * 10 + i);
    for batch in [1, 5] {
        let got = Arc::new(Mutex::new(Vec::new()));
        let sink = got.clone();
        let report = Pipeline::source("read", 0..2000)
            .flat_map("several", several)
            .parallel(4)
            .ordered()
            .batch(batch)
            .weigh(9, |n| n % 13)
            .filter_map("odd", |n| (n % 2 == 1).then_some(n))
            .parallel(3)
            .ordered()
            .batch(batch)
            .weigh(7, |n| n % 11)
            .target_delay(Duration::from_millis(1))
            .sink("write", move |n| sink.lock().unwrap().push(n))
            .weigh(5, |n| n % 7)
            .run()
            .unwrap();
        let expected = || (0..2000).flat_map(several).filter(|n| n % 2 == 1);
        assert!(got.lock().unwrap().iter().copied().eq(expected()));
        // The marks of turns weigh nothing.
        let sink = report.total.stage("write").unwrap();
        assert_eq!(sink.received_weight, expected().map(|n| n % 7).sum());
        assert!(
            report
                .total
                .edges
                .iter()
                .all(|edge| edge.weight.unwrap().inside == 0)
        );
    }
}

#[test]
fn branches_have_weights_of_their_own() {
    let report = Pipeline::source("read", 0..100u64)
        .tee(|copies| copies.sink("branch", drop).weigh(10, |_| 2))
        .sink("main", drop)
        .weigh(10, |_| 3)
        .run()
        .unwrap();
    let received = |name| report.total.stage(name).unwrap().received_weight;
    assert_eq!((received("branch"), received("main")), (200, 300));
    assert_eq!(report.total.stage("read").unwrap().sent_weight, 500);
    let none = report.total.since(&report.total);
    assert_eq!(
        (none.stages[0].sent_weight, none.stages[1].received_weight),
        (0, 0)
    );
}

#[test]
fn plan_says_what_may_weigh_inside() {
    let plan = Pipeline::source("read", 0..10)
        .stage("parse", |n: u32| n)
        .parallel(3)
        .key_by(|n| n % 3)
        .capacity(10)
        .weigh(1 << 20, |_| 4)
        .stage("same", |n| n)
        .sink("write", drop)
        .weigh(5, |_| 4)
        .plan();
    assert_eq!(plan.most_weight(), (3 << 20) + 5);
    let text = plan.to_string();
    assert!(
        text.contains("3 x 10 records, Block, weight at most 3145728\n"),
        "{text}"
    );
    assert!(text.ends_with("; weight at most 3145733"), "{text}");
    let plan = Pipeline::source("read", 0..10).sink("write", drop).plan();
    assert_eq!(plan.most_weight(), 0);
    assert!(!plan.to_string().contains("weight"));
    assert!(!plan.run().unwrap().to_string().contains("weight"));
}

#[test]
#[should_panic(expected = "write: an edge that is weighed, or sizes itself, cannot evict")]
fn edge_that_is_weighed_cannot_evict() {
    let _plan = Pipeline::source("read", 0..10)
        .sink("write", drop)
        .weigh(5, |_| 1)
        .on_full(OnFull::DropOldest)
        .plan();
}

#[test]
#[should_panic(expected = "no limit of weight: 0")]
fn nothing_is_no_limit() {
    let _sink = Pipeline::source("read", 0..10)
        .sink("write", drop)
        .weigh(0, |_| 1);
}
