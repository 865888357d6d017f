//! Stages that are tasks, and fail: by errors and panics, of the user's or of a waker; or are not
//! run at all.

use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::task::{Context, Wake, Waker};

use futures_util::stream::{self, StreamExt};
use ringfence::pipeline::{
    AsyncEmit, BoxError, Cause, End, Ended, Node, OnFailure, Pipeline, Plan,
};

use crate::hand::{Hand, turns};
use crate::{Census, Record, assert_exact, until};

/// A pipeline of tasks of which one goes wrong at the 4th record: by an error, or a panic in
/// its closure, or in its future after it has waited.
fn failing(census: &Census, at: &'static str, how: &'static str) -> Plan {
    let sync = move |stage: &str, record: &Record| {
        let fails = stage == at && record.number == 3;
        assert!(!fails || how != "at once", "broken");
        fails
    };
    let later = move |fails: bool| async move {
        turns(u64::from(fails)).await;
        assert!(!fails || how != "later", "broken");
        if fails {
            return Err(BoxError::from("broken"));
        }
        Ok(())
    };
    let read = census
        .records()
        .map(move |record| (sync("read", &record), record));
    let read = stream::iter(read).then(move |(fails, record)| async move {
        later(fails).await?;
        Ok::<_, BoxError>(record)
    });
    Pipeline::try_async_source("read", read)
        .try_async_stage("parse", move |record| {
            let fails = sync("parse", &record);
            async move { later(fails).await.map(|()| record) }
        })
        .parallel(2)
        .async_stage_with(
            "enrich",
            move |record: Record, out: &mut AsyncEmit<Record>| {
                let fails = sync("enrich", &record);
                Box::pin(async move {
                    later(fails).await?;
                    Ok::<_, BoxError>(out.send(record).await?)
                })
            },
        )
        .capacity(3)
        .batch(2)
        .try_async_sink("write", move |record| {
            let fails = sync("write", &record);
            async move {
                let _record = record;
                later(fails).await
            }
        })
        .plan()
}

#[test]
fn failing_task_is_named_and_nothing_is_left() {
    for stage in ["read", "parse", "enrich", "write"] {
        for how in ["error", "at once", "later"] {
            for on_failure in [OnFailure::Cancel, OnFailure::Drain] {
                let (hand, census) = (Hand::default(), Census::default());
                let plan = failing(&census, stage, how).on_failure(on_failure);
                let running = plan.start_on(hand.spawner());
                hand.run();
                assert_eq!(hand.tasks(), 0);
                let error = running.join().unwrap_err();
                assert_eq!(error.stage(), stage);
                match error.cause() {
                    Cause::Panic(message) => assert!(how != "error" && message == "broken"),
                    Cause::Error(error) => {
                        assert_eq!((how, &*error.to_string()), ("error", "broken"))
                    }
                    other => panic!("{other:?}"),
                }
                let expected = match on_failure {
                    OnFailure::Drain => Ended::Stopped,
                    _ => Ended::Cancelled,
                };
                assert_eq!(error.report().ended, expected);
                assert_exact(&error.report().total);
                assert_eq!(census.alive(), 0, "{stage}");
            }
        }
    }
}

#[test]
fn panics_of_drops_are_failures_too() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("dropped");
        }
    }
    let (hand, bomb) = (Hand::default(), Bomb);
    let running = Pipeline::async_source("read", stream::iter(0..3))
        .async_sink("write", move |_: u8| {
            let _kept = &bomb;
            async {}
        })
        .start_on(hand.spawner());
    hand.run();
    let error = running.join().unwrap_err();
    assert_eq!(error.to_string(), "stage \"write\" panicked: dropped");
}

#[test]
fn panics_of_drops_do_not_reach_the_runtime_that_drops() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("dropped");
        }
    }
    let hand = Hand::default();
    let running = Pipeline::async_source("read", stream::iter(0..3))
        .async_sink("write", |_: u8| async {
            let _bomb = Bomb;
            pending().await
        })
        .start_on(hand.spawner());
    hand.run();
    hand.drop_all();
    let error = running.join().unwrap_err();
    assert!(matches!(error.cause(), Cause::Dropped));
    assert_exact(&error.report().total);
}

/// Of two panics the first is told, and neither is in the middle of the other.
#[test]
fn panicking_task_is_not_dropped_while_it_unwinds() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            assert!(!std::thread::panicking(), "it unwinds");
            panic!("dropped");
        }
    }
    for waits in [0, 1] {
        let (hand, bomb) = (Hand::default(), Bomb);
        let running = Pipeline::async_source("read", stream::iter(0..3))
            .async_sink("write", move |_: u8| {
                let _kept = &bomb;
                async move {
                    turns(waits).await;
                    panic!("broken");
                }
            })
            .start_on(hand.spawner());
        hand.run();
        let error = running.join().unwrap_err();
        assert_eq!(error.to_string(), "stage \"write\" panicked: broken");
    }
}

fn with_a_task() -> Pipeline<impl Node<Item = End>> {
    Pipeline::source("read", 0..).async_sink("write", |_: u64| async {})
}

#[test]
#[should_panic(expected = "1 tasks, and no runtime: use `start_on`")]
fn tasks_take_a_runtime() {
    let _report = with_a_task().run();
}

#[test]
fn spawner_that_panics_leaves_nothing() {
    let witness = Arc::new(());
    let inside = witness.clone();
    let plan = Pipeline::source("read", (0..).inspect(move |_| drop(inside.clone())))
        .async_sink("write", |_: u64| async {})
        .plan();
    let start = AssertUnwindSafe(|| plan.start_on(|_| panic!("no runtime")));
    assert!(catch_unwind(start).is_err());
    assert_eq!(Arc::strong_count(&witness), 1);
}

/// The panic comes out of whoever cancels; threads and other tasks end nevertheless.
#[test]
fn waker_that_panics_holds_nobody_up() {
    #[derive(Default)]
    struct Bomb {
        is_armed: AtomicBool,
        woken: AtomicBool,
    }
    impl Wake for Bomb {
        fn wake(self: Arc<Self>) {
            self.woken.store(true, SeqCst);
            assert!(!self.is_armed.load(SeqCst), "woken");
        }
    }
    let bomb = Arc::new(Bomb::default());
    let waker = Waker::from(bomb.clone());
    let mut context = Context::from_waker(&waker);
    let mut tasks = Vec::new();
    let witness = Arc::new(());
    let inside = witness.clone();
    let running = Pipeline::async_source("read", stream::pending::<u64>())
        .async_stage("wait", async |n| n)
        .sink("write", move |_| drop(inside.clone()))
        .start_on(|task| tasks.push(task));
    for task in &mut tasks {
        // Until it waits in a queue.
        bomb.woken.store(true, SeqCst);
        while bomb.woken.swap(false, SeqCst) {
            assert!(Pin::new(&mut *task).poll(&mut context).is_pending());
        }
    }
    bomb.is_armed.store(true, SeqCst);
    let handle = running.handle();
    let cancel = AssertUnwindSafe(|| handle.cancel());
    assert!(catch_unwind(cancel).is_err());
    bomb.is_armed.store(false, SeqCst);
    // Though no task has been polled since.
    until("the thread to end", || Arc::strong_count(&witness) == 1);
    for task in &mut tasks {
        assert!(Pin::new(task).poll(&mut context).is_ready());
    }
    assert_eq!(running.join().unwrap().ended, Ended::Cancelled);
}

#[test]
fn task_that_is_not_spawned_is_a_failure() {
    let error = with_a_task().start_on(drop).join().unwrap_err();
    let text = "stage \"write\" was dropped by its runtime";
    assert_eq!(error.to_string(), text);
    assert!(matches!(error.cause(), Cause::Dropped));
}
