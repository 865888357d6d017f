//! Where records go, and in which order.

use super::*;

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
fn what_is_left_at_a_closed_ordered_edge_was_not_sent() {
    let (tokens, mut gate) = gate();
    let running = Pipeline::source("read", 0..)
        .flat_map("four", |n: u64| [n; 4])
        .parallel(2)
        .ordered()
        .sink("write", move |_| pass(&mut gate))
        .capacity(1)
        .batch(4)
        .start();
    until("both workers to wait amid their batch", || {
        running.snapshot().edges[1].stats.full_events >= 2
    });
    running.handle().cancel();
    drop(tokens);
    let total = running.join().unwrap().total;
    assert_exact(&total);
    let four = &total.stages[1];
    assert!(four.dropped > 0, "{total}");
    assert_eq!(four.received * 4, four.sent + four.dropped, "{total}");
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
fn panic_of_a_key_loses_no_record() {
    for batch in [1, 4] {
        let error = Pipeline::source("read", 0..100u64)
            .sink("write", drop)
            .parallel(2)
            .key_by(|&n| if n == 10 { panic!("no key") } else { n })
            .batch(batch)
            .run()
            .unwrap_err();
        assert_eq!(error.to_string(), "stage \"read\" panicked: no key");
        assert_exact(&error.report().total);
        let (read, batch) = (&error.report().total.stages[0], batch as u64);
        assert_eq!((read.sent, read.dropped), (10 / batch * batch, batch));
    }
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
