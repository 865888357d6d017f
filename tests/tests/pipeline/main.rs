//! Pipelines, as their users rely on them. Nothing here depends on how fast anything is: what
//! is to be slow takes a token for each record.

mod sizing;
mod weights;

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use ringfence::pipeline::{
    BoxError, Cause, Emit, End, Ended, Node, OnFailure, Pipeline, PipelineError, Plan, Pressure,
    Report, Snapshot,
};
use ringfence::{EarlyDrop, OnFull, Receiver, Sender};

/// Records that are counted as long as they exist.
#[derive(Default)]
struct Census(Arc<AtomicUsize>);

struct Record {
    number: u64,
    alive: Arc<AtomicUsize>,
}

impl Census {
    fn record(&self, number: u64) -> Record {
        self.0.fetch_add(1, SeqCst);
        let alive = self.0.clone();
        Record { number, alive }
    }

    fn alive(&self) -> usize {
        self.0.load(SeqCst)
    }

    /// As many as are taken.
    fn records(&self) -> impl Iterator<Item = Record> + Send + 'static {
        let census = Self(self.0.clone());
        (0..).map(move |number| census.record(number))
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        self.alive.fetch_sub(1, SeqCst);
    }
}

/// Lets through as many as it has tokens for, and all when they can get no more.
fn gate() -> (Sender<()>, Receiver<()>) {
    ringfence::bounded(1 << 20)
}

fn pass(gate: &mut Receiver<()>) {
    let _all_may_pass = gate.recv();
}

fn until(what: &str, mut happened: impl FnMut() -> bool) {
    for _ in 0..50_000_000u64 {
        if happened() {
            return;
        }
        thread::yield_now();
    }
    panic!("{what} did not happen");
}

/// Every edge adds up and is empty, and stages agree with the edges that they have.
fn assert_exact(all: &Snapshot) {
    for edge in &all.edges {
        let (stats, to) = (edge.stats, &all.stages[edge.to]);
        assert!(stats.is_exact() && stats.depth == 0, "{}: {stats}", to.name);
        assert_eq!(stats.delivered, to.received, "{}", to.name);
        let sent: u64 = edge.from.iter().map(|&from| all.stages[from].sent).sum();
        assert_eq!(stats.offered, sent, "into {}", to.name);
        assert!(stats.high_water <= stats.capacity);
    }
    for stage in &all.stages {
        let load = stage.load();
        assert_eq!(load.busy + load.idle + load.backpressured, 1000);
    }
}

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
fn cancelled_stages_end_though_the_source_waits() {
    let (tokens, mut gate) = gate();
    let witness = Arc::new(());
    let (parse, sink) = (witness.clone(), witness.clone());
    let asked = Arc::new(AtomicUsize::new(0));
    let asks = asked.clone();
    let source = (0..2).inspect(move |_| {
        asks.fetch_add(1, SeqCst);
        pass(&mut gate);
    });
    let running = Pipeline::source("read", source)
        .stage("parse", move |n: u64| (parse.clone(), n).1)
        .parallel(2)
        .sink("write", move |_| drop(sink.clone()))
        .start();
    let tokens = tokens; // goes before `running` does, if this panics
    until("asking", || asked.load(SeqCst) == 1);
    running.handle().cancel();
    until("the end of all others", || Arc::strong_count(&witness) == 1);
    assert!(!running.handle().has_ended());
    drop(tokens);
    assert_eq!(running.join().unwrap().ended, Ended::Cancelled);
}

#[test]
fn order_is_kept_by_ordered_stages() {
    let several = |n: u64| (0..n % 4).map(move |i| n * 10 + i);
    for batch in [1, 5] {
        let got = Arc::new(Mutex::new(Vec::new()));
        let sink = got.clone();
        let report = Pipeline::source("read", 0..2000)
            .flat_map("several", several)
            .parallel(4)
            .ordered()
            .capacity(3)
            .batch(batch)
            .filter_map("odd", |n| (n % 2 == 1).then_some(n))
            .parallel(3)
            .ordered()
            .batch(batch)
            .sink("write", move |n| sink.lock().unwrap().push(n))
            .run()
            .unwrap();
        let expected = (0..2000).flat_map(several).filter(|n| n % 2 == 1);
        assert!(got.lock().unwrap().iter().copied().eq(expected));
        assert_eq!(report.ended, Ended::Completed);
    }
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
#[should_panic(expected = "several: an edge that keeps order must block")]
fn order_is_not_kept_by_edges_that_drop() {
    let _plan = Pipeline::source("read", 0..10)
        .stage("several", |n: u64| n)
        .parallel(2)
        .ordered()
        .on_full(OnFull::DropNewest)
        .sink("write", drop)
        .plan();
}

#[test]
fn each_key_has_its_worker_and_its_order() {
    let seen: Arc<Mutex<HashMap<u64, Vec<u64>>>> = Arc::default();
    let workers: Arc<Mutex<HashSet<(u64, thread::ThreadId)>>> = Arc::default();
    let (sink, who) = (seen.clone(), workers.clone());
    let report = Pipeline::source("read", 0..5000)
        .stage("number", |n: u64| (n % 17, n))
        .sink("write", move |(key, n)| {
            sink.lock().unwrap().entry(key).or_default().push(n);
            who.lock().unwrap().insert((key, thread::current().id()));
        })
        .parallel(4)
        .key_by(|&(key, _)| key)
        .batch(3)
        .run()
        .unwrap();
    assert_exact(&report.total);
    assert_eq!(workers.lock().unwrap().len(), 17);
    let seen = seen.lock().unwrap();
    assert_eq!(seen.values().map(Vec::len).sum::<usize>(), 5000);
    assert!(seen.values().all(|numbers| numbers.is_sorted()));
}

#[test]
fn branches_get_copies_and_sources_are_merged() {
    let sums: [Arc<AtomicU64>; 2] = Default::default();
    let [main, branch] = sums.clone();
    let report = Pipeline::source("low", 0..1000)
        .merge(Pipeline::source("high", 1000..2000).stage("same", |n: u64| n))
        .stage("double", |n| 2 * n)
        .parallel(2)
        .ordered()
        .tee(|copies| {
            copies
                .stage("half", |n| n / 2)
                .parallel(3)
                .sink("branch", move |n| {
                    branch.fetch_add(n, SeqCst);
                })
        })
        .sink("main", move |n| {
            main.fetch_add(n, SeqCst);
        })
        .run()
        .unwrap();
    let sum = (0..2000).sum::<u64>();
    assert_eq!(sums.map(|sum| sum.load(SeqCst)), [2 * sum, sum]);
    let received = |name| report.total.stage(name).unwrap().received;
    assert_eq!((received("branch"), received("main")), (2000, 2000));
}

#[test]
fn plan_says_what_can_be_inside() {
    let plan = Pipeline::source("read", 0..10)
        .stage("parse", |n: u32| n)
        .parallel(3)
        .key_by(|n| n % 3)
        .capacity(10)
        .sink("write", drop)
        .capacity(7)
        .batch(4)
        .plan();
    // Each of the three has a channel.
    assert_eq!((plan.threads(), plan.capacity()), (5, 3 * 10 + 7));
    // The source one, each of the stage's what it keeps to be sent, the sink what it has taken.
    assert_eq!(plan.in_hand(), 1 + 3 * 4 + 4);
    let text = plan.to_string();
    assert!(
        text.contains("read -> parse: 3 x 10 records, Block"),
        "{text}"
    );
    assert!(text.contains("at most 54 records"), "{text}");
}

/// A pipeline of which one stage goes wrong at the 100th record, by an error or a panic.
fn failing(census: &Census, at: &'static str, panics: bool) -> Plan {
    let fail = move |stage: &str, record: &Record| -> Result<(), BoxError> {
        if stage == at && record.number == 100 {
            assert!(!panics, "broken");
            return Err("broken".into());
        }
        Ok(())
    };
    let source = census.records().map(move |record| {
        fail("read", &record)?;
        Ok::<_, BoxError>(record)
    });
    Pipeline::try_source("read", source)
        .try_stage("parse", move |record| {
            fail("parse", &record).map(|()| record)
        })
        .parallel(2)
        .stage_with("enrich", move |record, out: &mut Emit<Record>| {
            fail("enrich", &record)?;
            Ok::<_, BoxError>(out.send(record)?)
        })
        .capacity(3)
        .batch(2)
        .try_sink("write", move |record| fail("write", &record))
        .plan()
}

#[test]
fn failing_stage_is_named_and_nothing_is_left() {
    for stage in ["read", "parse", "enrich", "write"] {
        for panics in [false, true] {
            for on_failure in [OnFailure::Cancel, OnFailure::Drain] {
                let census = Census::default();
                let plan = failing(&census, stage, panics).on_failure(on_failure);
                let error: PipelineError = plan.run().unwrap_err();
                assert_eq!(error.stage(), stage);
                match error.cause() {
                    Cause::Panic(message) => assert!(panics && message == "broken"),
                    Cause::Error(error) => assert!(!panics && error.to_string() == "broken"),
                    other => panic!("{other:?}"),
                }
                let Report { ended, total, .. } = error.report();
                let expected = match on_failure {
                    OnFailure::Drain => Ended::Stopped,
                    _ => Ended::Cancelled,
                };
                assert_eq!(*ended, expected);
                assert_exact(total);
                assert_eq!(census.alive(), 0, "{stage}");
                if *ended == Ended::Stopped && stage == "read" {
                    // What it had given went through.
                    assert_eq!(total.stage("write").unwrap().received, 100);
                }
            }
        }
    }
}

#[test]
fn what_a_failed_stage_had_given_is_drained() {
    let census = Census::default();
    let plan = failing(&census, "parse", true).on_failure(OnFailure::Drain);
    let error = plan.run().unwrap_err();
    let stage = |name| error.report().total.stage(name).unwrap();
    assert_eq!(stage("parse").sent, stage("write").received);
    // Where only one of two workers fails, the other goes on with what is there; the source
    // is stopped.
    assert!(stage("parse").sent >= 99);
}

#[test]
fn panics_of_drops_are_failures_too() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("dropped");
        }
    }
    let bomb = Bomb;
    let error = Pipeline::source("read", 0..10)
        .stage("parse", move |n: u32| {
            let _kept = &bomb;
            n
        })
        .sink("write", drop)
        .run()
        .unwrap_err();
    assert_eq!(error.to_string(), "stage \"parse\" panicked: dropped");
}

#[test]
fn stopped_pipeline_drains() {
    let census = Census::default();
    let got = Arc::new(AtomicU64::new(0));
    let sink = got.clone();
    let running = Pipeline::source("read", census.records())
        .stage("parse", |record| record)
        .parallel(2)
        .sink("write", move |_| {
            sink.fetch_add(1, SeqCst);
        })
        .start();
    until("some records", || got.load(SeqCst) > 100);
    let handle = running.handle();
    assert!(!handle.has_ended());
    assert!(handle.stop_within(Duration::from_secs(600)));
    assert!(handle.has_ended());
    let report = running.join().unwrap();
    assert_eq!(report.ended, Ended::Stopped);
    assert_exact(&report.total);
    assert_eq!(report.total.stage("read").unwrap().sent, got.load(SeqCst));
    assert_eq!(census.alive(), 0);
}

#[test]
fn what_is_not_drained_in_time_is_dropped() {
    let census = Census::default();
    let (tokens, mut gate) = gate();
    let running = Pipeline::source("read", census.records())
        .sink("write", move |_| pass(&mut gate))
        .capacity(8)
        .start();
    let tokens = tokens; // goes before `running` does, if this panics
    until("filling", || census.alive() == 10);
    let handle = running.handle();
    assert!(!handle.stop_within(Duration::ZERO));
    drop(tokens);
    let report = running.join().unwrap();
    assert_eq!(report.ended, Ended::Cancelled);
    assert_exact(&report.total);
    assert_eq!(census.alive(), 0);
}

#[test]
fn dropped_pipeline_leaves_no_thread() {
    let witness = Arc::new(());
    let (inside, parse, sink) = (witness.clone(), witness.clone(), witness.clone());
    let running = Pipeline::source("read", (0..).inspect(move |_| drop(inside.clone())))
        .stage("parse", move |n: u64| (parse.clone(), n).1)
        .parallel(3)
        .sink("write", move |_| drop(sink.clone()))
        .start();
    until("work", || {
        running.snapshot().stage("write").unwrap().received > 100
    });
    assert!(Arc::strong_count(&witness) > 1);
    drop(running);
    assert_eq!(Arc::strong_count(&witness), 1);
}

/// The text of this repository's tests and channels, again and again.
fn text(bytes: usize) -> String {
    let mut text = String::new();
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    for folder in ["tests", "../std-ext/src", "../core/src"] {
        for entry in std::fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                text += &std::fs::read_to_string(path).unwrap();
            }
        }
    }
    text.repeat(bytes.div_ceil(text.len()))
}

type Words = HashMap<String, u64>;

fn count(text: &str, words: &mut Words) {
    for word in text.split_whitespace() {
        match words.get_mut(word) {
            Some(n) => *n += 1,
            None => drop(words.insert(word.to_string(), 1)),
        }
    }
}

#[test]
fn words_are_counted_as_by_one_thread() {
    let text = text(20_000_000);
    let mut expected = Words::new();
    count(&text.to_ascii_lowercase(), &mut expected);

    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let blocks: Vec<String> = lines.chunks(1000).map(|lines| lines.concat()).collect();
    let counted: Arc<Mutex<Words>> = Arc::default();
    let sum = counted.clone();
    let report = Pipeline::source("read", blocks)
        .stage("fold", |block: String| block.to_ascii_lowercase())
        .parallel(2)
        .capacity(4)
        .stage("count", |block: String| {
            let mut words = Words::new();
            count(&block, &mut words);
            words
        })
        .parallel(2)
        .capacity(4)
        .sink("sum", move |words: Words| {
            let mut sum = sum.lock().unwrap();
            for (word, n) in words {
                *sum.entry(word).or_default() += n;
            }
        })
        .capacity(4)
        .run()
        .unwrap();
    assert_exact(&report.total);
    assert!(*counted.lock().unwrap() == expected);
}

#[test]
fn loss_of_each_policy_is_exactly_accounted() {
    let text = text(2_000_000);
    let lines: Vec<String> = text.lines().map(String::from).collect();
    let given = lines.len() as u64;
    let early = EarlyDrop::new(2, 8, 0.5).unwrap();
    for on_full in [
        OnFull::Block,
        OnFull::DropNewest,
        OnFull::DropOldest,
        OnFull::DropRandom(early),
    ] {
        let words = Arc::new(AtomicU64::new(0));
        let sum = words.clone();
        let report = Pipeline::source("read", lines.clone())
            .stage("count", |line: String| {
                line.split_whitespace().count() as u64
            })
            .parallel(2)
            .capacity(8)
            .on_full(on_full)
            .batch(4)
            .stage("same", |n| n)
            .capacity(8)
            .on_full(on_full)
            .sink("sum", move |n| {
                sum.fetch_add(n, SeqCst);
            })
            .run()
            .unwrap();
        let all = &report.total;
        assert_exact(all);
        assert!(all.stages.iter().all(|stage| stage.dropped == 0));
        let lost = |name| all.edge_to(name).unwrap().stats.lost();
        let received = |name| all.stage(name).unwrap().received;
        assert_eq!(all.stage("read").unwrap().sent, given);
        assert_eq!(received("count") + lost("count"), given, "{on_full:?}");
        assert_eq!(received("sum") + lost("same") + lost("count"), given);
        if on_full == OnFull::Block {
            assert_eq!(words.load(SeqCst), text.split_whitespace().count() as u64);
        }
    }
}
