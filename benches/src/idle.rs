//! What it costs to wait: the CPU time of a receiver's thread, while nothing comes for a
//! second.

use std::marker::PhantomData;
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use futures_lite::future;
use rustix::time::{ClockId, clock_gettime};

use crate::groups::{Group, Measure, Outcome, YIELDS};
use crate::harness::{Cores, Pop, Push, Run};
use crate::tasks::runtimes::{BlockOn, Smol, TokioCurrent};
use crate::tasks::{Receives, Sends};
use crate::wake::{SETTING, only};
use crate::{blocking, tasks};

const MEASURE: Measure = Measure {
    figures: &["us of CPU"],
    most: Some(1),
    ..YIELDS
};

/// How long nothing comes.
const WAIT: Duration = Duration::from_secs(1);

/// All groups.
pub fn groups() -> Vec<Group> {
    vec![
        Group {
            name: "idle/thread".into(),
            about: "a thread waits in vain for a second, then gets an item".into(),
            measure: MEASURE,
            contestants: blocking::contestants::<Thread>(SETTING),
        },
        group_on::<TokioCurrent>(),
        group_on::<Smol>(),
    ]
}

fn group_on<B: BlockOn>() -> Group {
    Group {
        name: format!("idle/{}", B::NAME),
        about: "a future waits in vain for a second, then gets an item".into(),
        measure: MEASURE,
        contestants: tasks::contestants::contestants::<FutureOn<B>>(SETTING),
    }
}

/// A thread waits.
struct Thread;

impl blocking::Work for Thread {
    fn run<S: Push, R: Pop>(cores: &Cores, _waits: u64, ends: (Vec<S>, Vec<R>)) -> Outcome {
        let (mut push, mut pop) = only(ends);
        let receive = move || {
            let before = cpu_time();
            pop();
            cpu_time() - before
        };
        run(cores, move || push(0), receive)
    }
}

/// A future waits, the only one of its thread.
struct FutureOn<B>(PhantomData<B>);

impl<B: BlockOn> tasks::Work for FutureOn<B> {
    fn run<S: Sends, R: Receives>(cores: &Cores, _waits: u64, ends: (Vec<S>, Vec<R>)) -> Outcome {
        let (mut tx, mut rx) = only(ends);
        let receive = move || {
            B::block_on(async {
                let before = cpu_time();
                rx.recv_one().await;
                cpu_time() - before
            })
        };
        run(cores, move || future::block_on(tx.send_one(0)), receive)
    }
}

/// How much CPU time this thread has had.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

fn run(
    cores: &Cores,
    push: impl FnOnce() + Send,
    receive: impl FnOnce() -> Duration + Send,
) -> Outcome {
    let ready = &Barrier::new(2);
    let spent = thread::scope(|scope| {
        let receiver = scope.spawn(move || {
            assert!(core_affinity::set_for_current(cores.consumer), "cannot pin");
            ready.wait();
            receive()
        });
        scope.spawn(move || {
            assert!(core_affinity::set_for_current(cores.producer), "cannot pin");
            ready.wait();
            thread::sleep(WAIT);
            push();
        });
        receiver.join().expect("the receiver panicked")
    });
    Outcome {
        figures: vec![spent.as_nanos() as f64 / 1000.0],
        run: Run::default(),
    }
}
