//! What runs the tasks.

use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use async_executor::Executor;
use core_affinity::CoreId;
use futures_lite::future;
use tokio::runtime::{self, Builder};

use crate::harness::Cores;

/// Runs tasks.
pub(crate) trait Runtime: 'static {
    /// What it is called.
    const NAME: &'static str;

    /// Where its tasks run.
    const ABOUT: &'static str;

    /// When it began to spawn the tasks, and what they came to once all have ended.
    fn run<F>(cores: &Cores, tasks: Vec<F>) -> (Instant, Vec<F::Output>)
    where
        F: Future<Output: Send> + Send + 'static;
}

/// Runs one future on the thread that calls it.
pub(crate) trait BlockOn: 'static {
    /// What it is called.
    const NAME: &'static str;

    fn block_on<F: Future>(future: F) -> F::Output;
}

/// tokio with one thread.
pub(crate) struct TokioCurrent;

/// tokio with two threads.
pub(crate) struct Tokio;

/// smol's executor with two threads.
pub(crate) struct Smol;

fn pin(core: CoreId) {
    assert!(core_affinity::set_for_current(core), "cannot pin");
}

/// As `#[tokio::main]` makes it.
fn build(mut builder: Builder) -> runtime::Runtime {
    builder.enable_all().build().expect("a runtime")
}

fn run_on_tokio<F>(runtime: &runtime::Runtime, tasks: Vec<F>) -> (Instant, Vec<F::Output>)
where
    F: Future<Output: Send> + Send + 'static,
{
    runtime.block_on(async {
        let begin = Instant::now();
        let tasks: Vec<_> = tasks.into_iter().map(tokio::spawn).collect();
        let mut ended = Vec::with_capacity(tasks.len());
        for task in tasks {
            ended.push(task.await.expect("a task panicked"));
        }
        (begin, ended)
    })
}

impl Runtime for TokioCurrent {
    const NAME: &'static str = "tokio-current";
    const ABOUT: &'static str = "all tasks on one thread";

    fn run<F>(cores: &Cores, tasks: Vec<F>) -> (Instant, Vec<F::Output>)
    where
        F: Future<Output: Send> + Send + 'static,
    {
        thread::scope(|scope| {
            let run = || {
                pin(cores.consumer);
                run_on_tokio(&build(Builder::new_current_thread()), tasks)
            };
            scope.spawn(run).join().expect("the runtime panicked")
        })
    }
}

impl BlockOn for TokioCurrent {
    const NAME: &'static str = "tokio";

    fn block_on<F: Future>(future: F) -> F::Output {
        build(Builder::new_current_thread()).block_on(future)
    }
}

impl Runtime for Tokio {
    const NAME: &'static str = "tokio";
    const ABOUT: &'static str = "two threads take tasks";

    fn run<F>(cores: &Cores, tasks: Vec<F>) -> (Instant, Vec<F::Output>)
    where
        F: Future<Output: Send> + Send + 'static,
    {
        let mut builder = Builder::new_multi_thread();
        let (pair, started) = ([cores.producer, cores.consumer], AtomicUsize::new(0));
        builder
            .worker_threads(pair.len())
            .on_thread_start(move || pin(pair[started.fetch_add(1, Ordering::Relaxed) % 2]));
        run_on_tokio(&build(builder), tasks)
    }
}

impl Runtime for Smol {
    const NAME: &'static str = "smol";
    const ABOUT: &'static str = "two threads take tasks";

    fn run<F>(cores: &Cores, tasks: Vec<F>) -> (Instant, Vec<F::Output>)
    where
        F: Future<Output: Send> + Send + 'static,
    {
        let (executor, ready) = (&Executor::new(), &Barrier::new(2));
        let (on, off) = async_channel::bounded::<()>(1);
        let help = move || {
            pin(cores.producer);
            ready.wait();
            // Until there is nobody who could send.
            let _ = future::block_on(executor.run(off.recv()));
        };
        let run = move || {
            let _on = on;
            pin(cores.consumer);
            ready.wait();
            future::block_on(executor.run(async {
                let begin = Instant::now();
                let tasks = tasks.into_iter().map(|task| executor.spawn(task));
                let tasks: Vec<_> = tasks.collect();
                let mut ended = Vec::with_capacity(tasks.len());
                for task in tasks {
                    ended.push(task.await);
                }
                (begin, ended)
            }))
        };
        thread::scope(|scope| {
            scope.spawn(help);
            scope.spawn(run).join().expect("a task panicked")
        })
    }
}

impl BlockOn for Smol {
    const NAME: &'static str = "smol";

    fn block_on<F: Future>(future: F) -> F::Output {
        future::block_on(future)
    }
}
