//! How pipelines end: by themselves, by failures, from outside.

use super::*;

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
