//! Where the workers of a stage run: each on a thread, or in a task.

use std::fmt;
use std::sync::Arc;

use super::direct::{InputEnd, OutputEnd};
use super::emit::Emit;
use super::line::{Line, Node, Stage};
use super::meter::{Meter, StageMeter};
use super::plan::{Draft, Thread};
use super::weight::Weights;
use super::work::{Map, Work};
use super::worker::{StageWorker, Worker};
use crate::sync::Padded;

/// What a worker of a stage is, and sends to.
pub(super) struct Outlet<O> {
    pub(super) stage: Arc<StageMeter>,
    /// Which of the stage's workers.
    pub(super) index: usize,
    pub(super) output: OutputEnd<O>,
    /// How many records are sent together.
    pub(super) batch: usize,
    /// Whether the next stage must know which records came of one.
    pub(super) by_turns: bool,
}

impl<O> Outlet<O> {
    pub(super) fn meter(&self) -> Arc<Padded<Meter>> {
        self.stage.workers[self.index].clone()
    }

    /// On a thread.
    pub(super) fn hire<W: Worker + 'static>(
        self,
        draft: &mut Draft,
        worker: impl FnOnce(Emit<O>) -> W,
    ) {
        let meter = self.meter();
        let emit = Emit::new(self.output, self.batch, self.by_turns, meter);
        draft.threads.push(Thread {
            stage: self.stage,
            index: self.index,
            worker: Box::new(Padded::new(worker(emit))),
        });
    }
}

/// What a worker of a stage that receives is, and has.
pub struct Seat<I, O> {
    pub(super) input: InputEnd<I>,
    /// How many records it receives at once, at most.
    pub(super) batch: usize,
    pub(super) outlet: Outlet<O>,
}

/// Where a stage that does `W` with each record runs. Sealed.
pub trait Runs<I, O, W>: PassesOn + 'static {
    #[doc(hidden)]
    fn hire(work: W, seat: Seat<I, O>, draft: &mut Draft);
}

/// Puts a stage in between that does nothing, and runs as others do. Sealed.
pub trait PassesOn: sealed::Sealed {
    #[doc(hidden)]
    fn pass_on<T: Send + 'static>(line: Line<T>, name: String) -> Line<T>;

    /// The same; the edge to it is weighed.
    #[doc(hidden)]
    fn pass_on_weighed<T>(line: Line<T>, name: String, weights: Weights<T>) -> Line<T>
    where
        T: Send + 'static;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::OnThreads {}
    impl Sealed for crate::pipeline::tasks::InTasks {}
}

/// Each worker has a thread of its own.
#[derive(Clone, Copy, Debug)]
pub enum OnThreads {}

impl<I, O, W> Runs<I, O, W> for OnThreads
where
    I: Send + 'static,
    O: Send + 'static,
    W: Work<I, O>,
{
    fn hire(work: W, seat: Seat<I, O>, draft: &mut Draft) {
        let Seat {
            input,
            batch,
            outlet,
        } = seat;
        let meter = outlet.meter();
        input.begin(&meter);
        outlet.hire(draft, |emit| StageWorker {
            input,
            work,
            emit,
            records: Vec::new(),
            batch,
            meter,
        });
    }
}

impl PassesOn for OnThreads {
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

fn same<T>(line: Line<T>, name: String) -> Stage<T, T, Map<impl FnMut(T) -> T>> {
    Stage::new(line, name, Map(|record| record))
}

impl<I, O> fmt::Debug for Seat<I, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seat")
            .field("stage", &self.outlet.stage.name)
            .field("worker", &self.outlet.index)
            .finish_non_exhaustive()
    }
}
