//! Stages that are tasks of whichever runtime. Their records go through the same edges as
//! those of threads, which they may have on either side.

pub(super) mod edge;
mod emit;
#[cfg(feature = "stream")]
mod source;
mod task;
mod watch;
mod work;
mod worker;

pub use self::emit::AsyncEmit;
pub use self::task::Task;
pub(super) use self::task::{TaskPlan, Working};
pub use self::work::BoxFuture;

use std::future::{Ready, ready};
use std::sync::Arc;

use self::work::AsyncWork;
use self::worker::AsyncStage;
use super::control::Control;
use super::line::{End, Line, Node, Stage};
use super::plan::Draft;
use super::runs::{Outlet, PassesOn, Runs, Seat};
use super::weight::Weights;
use super::work::{BoxError, Each, Map, TryEach, TryMap, With};
use super::{Pipeline, Running};
use crate::sync::Padded;

/// Each worker is a task.
#[derive(Clone, Copy, Debug)]
pub enum InTasks {}

impl<I, O, W> Runs<I, O, W> for InTasks
where
    I: Send + 'static,
    O: Send + 'static,
    W: AsyncWork<I, O>,
{
    fn hire(work: W, seat: Seat<I, O>, draft: &mut Draft) {
        let Seat {
            input,
            batch,
            outlet,
        } = seat;
        let (input, meter) = (input.boxed().into_polled(), outlet.meter());
        hire(outlet, draft, |emit| {
            let stage = AsyncStage {
                input,
                work,
                emit,
                records: Vec::new(),
                batch,
                meter,
            };
            |control| Box::pin(stage.run(control))
        });
    }
}

impl PassesOn for InTasks {
    fn pass_on<T: Send + 'static>(line: Line<T>, name: String) -> Line<T> {
        same(line, name).seal()
    }

    fn pass_on_weighed<T>(line: Line<T>, name: String, weights: Weights<T>) -> Line<T>
    where
        T: Send + 'static,
    {
        same(line, name).weighed(weights).seal()
    }
}

type Same<T> = Map<fn(T) -> Ready<T>>;

fn same<T>(line: Line<T>, name: String) -> Stage<T, T, Same<T>, InTasks> {
    Stage::new(line, name, Map(ready))
}

/// A task that sends to `outlet`.
fn hire<O, B>(outlet: Outlet<O>, draft: &mut Draft, begin: impl FnOnce(Padded<AsyncEmit<O>>) -> B)
where
    O: Send + 'static,
    B: FnOnce(Arc<Control>) -> Working + Send + 'static,
{
    let meter = outlet.meter();
    let output = outlet.output.boxed().into_polled();
    let emit = AsyncEmit::new(output, outlet.batch, outlet.by_turns, meter);
    let emit = Padded::new(emit);
    draft.tasks.push(TaskPlan {
        stage: outlet.stage,
        index: outlet.index,
        work: Box::new(begin(emit)),
    });
}

/// Adding stages that are tasks. They take a runtime: [`Pipeline::start_on`].
///
/// A future is dropped when the pipeline is cancelled, wherever it waits, and the record that
/// it had is counted as [dropped](super::StageState::dropped). While it waits for anything but
/// records or room, its stage is busy.
impl<N: Node> Pipeline<N> {
    /// A stage that makes one record of each, and may wait meanwhile. One record at a time for
    /// each [worker](Self::parallel).
    ///
    /// ```
    /// use ringfence::pipeline::Pipeline;
    ///
    /// # async fn look_up(n: u32) -> u32 { n + 1 }
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// # runtime.block_on(async {
    /// let report = Pipeline::source("read", 0..100) // a thread
    ///     .async_stage("look up", |n| async move { look_up(n).await })
    ///     .parallel(8) // tasks
    ///     .sink("write", |n| assert!(n > 0)) // a thread
    ///     .start_on(|task| { tokio::spawn(task); })
    ///     .join_async()
    ///     .await?;
    /// assert_eq!(report.total.stage("write").unwrap().received, 100);
    /// # Ok::<(), ringfence::pipeline::PipelineError>(())
    /// # }).unwrap();
    /// ```
    pub fn async_stage<O, M, F>(
        self,
        name: impl Into<String>,
        f: F,
    ) -> Pipeline<Stage<N::Item, O, Map<F>, InTasks>>
    where
        O: Send + 'static,
        M: Future<Output = O> + Send,
        F: FnMut(N::Item) -> M + Send + 'static,
    {
        self.add_task(name, Map(f))
    }

    /// A stage that makes one record of each, or fails the pipeline, and may wait meanwhile.
    pub fn try_async_stage<O, E, M, F>(
        self,
        name: impl Into<String>,
        f: F,
    ) -> Pipeline<Stage<N::Item, O, TryMap<F>, InTasks>>
    where
        O: Send + 'static,
        E: Into<BoxError>,
        M: Future<Output = Result<O, E>> + Send,
        F: FnMut(N::Item) -> M + Send + 'static,
    {
        self.add_task(name, TryMap(f))
    }

    /// A stage that sends as it likes, or fails the pipeline, and may wait meanwhile: the form
    /// to which the others come down. Its future borrows what it sends to, so it is boxed.
    ///
    /// ```no_run
    /// use ringfence::pipeline::{AsyncEmit, BoxError, Pipeline};
    ///
    /// Pipeline::source("read", 0..10)
    ///     .async_stage_with("halves", |n: u32, out: &mut AsyncEmit<u32>| {
    ///         Box::pin(async move {
    ///             out.send(n / 2).await?; // waits for room
    ///             out.send(n - n / 2).await?;
    ///             Ok::<_, BoxError>(())
    ///         })
    ///     })
    ///     .sink("print", |n| println!("{n}"));
    /// ```
    pub fn async_stage_with<O, E, F>(
        self,
        name: impl Into<String>,
        f: F,
    ) -> Pipeline<Stage<N::Item, O, With<F>, InTasks>>
    where
        O: Send + 'static,
        E: Into<BoxError>,
        F: for<'a> FnMut(N::Item, &'a mut AsyncEmit<O>) -> BoxFuture<'a, Result<(), E>>
            + Send
            + 'static,
    {
        self.add_task(name, With(f))
    }

    /// The last stage, which may wait.
    pub fn async_sink<M, F>(
        self,
        name: impl Into<String>,
        f: F,
    ) -> Pipeline<Stage<N::Item, End, Each<F>, InTasks>>
    where
        M: Future<Output = ()> + Send,
        F: FnMut(N::Item) -> M + Send + 'static,
    {
        self.add_task(name, Each(f))
    }

    /// The last stage, which may wait, and fail the pipeline.
    pub fn try_async_sink<E, M, F>(
        self,
        name: impl Into<String>,
        f: F,
    ) -> Pipeline<Stage<N::Item, End, TryEach<F>, InTasks>>
    where
        E: Into<BoxError>,
        M: Future<Output = Result<(), E>> + Send,
        F: FnMut(N::Item) -> M + Send + 'static,
    {
        self.add_task(name, TryEach(f))
    }

    fn add_task<O, W>(
        self,
        name: impl Into<String>,
        work: W,
    ) -> Pipeline<Stage<N::Item, O, W, InTasks>> {
        let node = Stage::new(self.node.seal(), name.into(), work);
        Pipeline { node }
    }
}

/// Running what has tasks.
impl<N: Node<Item = End>> Pipeline<N> {
    /// Starts its threads, and gives its tasks to `spawn`:
    /// [`Plan::start_on`](super::Plan::start_on).
    pub fn start_on(self, spawn: impl FnMut(Task)) -> Running {
        self.plan().start_on(spawn)
    }
}
