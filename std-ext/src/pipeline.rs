//! Pipelines: stages, each on threads of its own or in tasks, joined by channels.
//!
//! A slow stage slows its source: when its input is full, the stage before it waits, and so
//! on up to the source. Nothing is unbounded, what a policy drops is counted, and a snapshot
//! names the stage that is too slow.
//!
//! ```
//! use ringfence::pipeline::Pipeline;
//!
//! let (mut tx, mut rx) = ringfence::bounded(100);
//! let report = Pipeline::source("read", ["1 one", "2 two", "x", "3 three"])
//!     .filter_map("parse", |line| line.split_once(' '))
//!     .stage("count", |(number, word)| (number.to_string(), word.len()))
//!     .parallel(2)
//!     .ordered()
//!     .sink("write", move |record| drop(tx.send(record)))
//!     .capacity(16)
//!     .run()?;
//! assert_eq!(rx.recv().unwrap(), ("1".to_string(), 3));
//! assert_eq!(report.total.stage("write").unwrap().received, 3);
//! # Ok::<(), ringfence::pipeline::PipelineError>(())
//! ```
//!
//! # Stages and edges
//!
//! [`Pipeline::source`] begins; `stage` and its kin add stages, and `sink` the last one. What
//! follows a stage is said about it and the edge that leads to it:
//! [`capacity`](Pipeline::capacity), [`weigh`](Pipeline::weigh),
//! [`target_delay`](Pipeline::target_delay), [`on_full`](Pipeline::on_full) and
//! [`batch`](Pipeline::batch); [`parallel`](Pipeline::parallel),
//! [`ordered`](Pipeline::ordered) and [`key_by`](Pipeline::key_by).
//!
//! | method | a stage that gives, for a record |
//! |---|---|
//! | [`stage`](Pipeline::stage), [`try_stage`](Pipeline::try_stage) | one; one or an error |
//! | [`filter_map`](Pipeline::filter_map) | one or none |
//! | [`flat_map`](Pipeline::flat_map) | any number, by an iterator |
//! | [`stage_with`](Pipeline::stage_with) | any number, or an error: what all others are made of |
//! | [`sink`](Pipeline::sink), [`try_sink`](Pipeline::try_sink) | none; none or an error |
//!
//! Stages that are tasks have names that say so:
//! [`async_stage`](Pipeline::async_stage), `try_async_stage`,
//! [`async_stage_with`](Pipeline::async_stage_with), [`async_sink`](Pipeline::async_sink),
//! `try_async_sink`, and with feature `stream` also `async_source` and `try_async_source`.
//!
//! An edge is one channel, of the flavour that its shape asks for, whose receivers share the
//! records: whoever is free takes the next. Where workers own their records, by key or by
//! turn, it is a channel for each. [`tee`](Pipeline::tee) sends each record to a branch as
//! well, and [`merge`](Pipeline::merge) joins sources or branches.
//!
//! # Memory
//!
//! [`Plan`] says before the start how many records can be inside at most: the capacities of
//! all edges, and what workers have in hand. Where records differ in size, edges can be
//! bounded by weight as well: [`weigh`](Pipeline::weigh), by which what is being worked on counts
//! too; [`Plan::most_weight`] says how much that is.
//!
//! # Delay
//!
//! A full edge makes each record wait for all that are before it. An edge with a
//! [`target_delay`](Pipeline::target_delay) sizes itself, up to its capacity, so that this takes
//! about as long as was said, whatever the pace of the stage behind it.
//!
//! # Tasks
//!
//! Stages that are tasks and stages that have threads mix as they like: they differ only in how
//! they wait for an edge. [`Pipeline::start_on`] gives each task to a closure that has a runtime
//! poll it, whichever that is; [`Running::join_async`] and [`Handle::ended`] wait without
//! blocking. A stage has as many tasks as it has [workers](Pipeline::parallel), each with one
//! record at a time.
//!
//! All that is said of threads holds of tasks. While a task waits for the user's future, it is
//! busy. If it always finds records and room, it gives its turn to other tasks after 64 records.
//!
//! *Cancelling* drops the user's future, and the stream of a source, at the await at which it
//! is; its task is woken for that. *Stopping* drops only the stream.
//!
//! *Any future may be dropped at any await.* If it is a task, that is the end of its worker: its
//! edges close, what it had in hand is counted as [dropped](StageState::dropped), and unless the
//! pipeline was cancelled, the stage has failed with [`Cause::Dropped`]. So a runtime that is shut
//! down ends the pipeline, and the report is exact. If it is [`AsyncEmit::send`], the record
//! stays with the stage, or is counted.
//!
//! With a capacity of 0 and a policy that drops, a task receives nothing: a send that does not
//! wait hands a record to a [thread that waits](mod@crate::channel#capacity-0), not to a future.
//!
//! # End
//!
//! When its source ends, a pipeline drains stage by stage. When a stage returns an error or
//! panics, [`OnFailure`] says what becomes of the others; [`Running::join`] names the first
//! stage that failed. A [`Handle`] stops or cancels from outside, [with a
//! deadline](Handle::stop_within) if need be. All threads are joined, and all tasks waited
//! for. Whatever has to wait for an edge is woken; a stage, an iterator or a `Drop` that does
//! not come back is waited for.
//!
//! # Progress
//!
//! Between two waits a worker does what the [channels](mod@crate::channel#progress) do, and
//! blocks where they do. It reads the clock only when it waits, or receives from an edge that
//! sizes itself.

mod bound;
mod control;
mod direct;
mod edge;
mod emit;
mod joint;
mod line;
mod meter;
mod plan;
mod route;
mod running;
mod runs;
mod sized;
mod sizing;
mod snapshot;
mod tasks;
mod turn;
mod weight;
mod work;
mod worker;

pub use self::bound::{Bound, ByDelay, ByRecords, ByWeight, ByWeightAndDelay};
pub use self::control::{Cause, Ended, OnFailure, PipelineError};
pub use self::emit::{Emit, Stopped};
pub use self::line::{End, Line, Node, Stage};
pub use self::meter::{Load, Pressure, Spent};
pub use self::plan::Plan;
pub use self::running::{Handle, Running};
pub use self::runs::{OnThreads, PassesOn, Runs};
pub use self::sizing::TargetDelay;
pub use self::snapshot::{EdgeState, EdgeWeight, Report, Snapshot, StageState};
pub use self::tasks::{AsyncEmit, BoxFuture, InTasks, Task};
pub use self::work::{BoxError, Each, FlatMap, Map, TryEach, TryMap, With, Work};

use std::fmt;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::Arc;

use self::joint::Spread;
use self::weight::Weights;
use crate::credit::Pool;
use crate::policy::OnFull;

/// A pipeline in the making, at its last stage `N`.
#[must_use = "a pipeline does nothing until it runs"]
pub struct Pipeline<N = ()> {
    node: N,
}

impl Pipeline {
    /// A pipeline that begins with what `records` gives, taken on a thread of its own.
    ///
    /// With a [batch](Self::batch) on the edge that follows, records wait until there are as
    /// many.
    pub fn source<R>(name: impl Into<String>, records: R) -> Pipeline<Line<R::Item>>
    where
        R: IntoIterator<IntoIter: Send + 'static, Item: Send + 'static>,
    {
        let records = records.into_iter().map(Ok);
        let node = Line::source(name.into(), records);
        Pipeline { node }
    }

    /// As [`source`](Self::source); the first error is the last thing that it gives, and fails
    /// the pipeline.
    pub fn try_source<T, E, R>(name: impl Into<String>, records: R) -> Pipeline<Line<T>>
    where
        T: Send + 'static,
        E: Into<BoxError>,
        R: IntoIterator<Item = Result<T, E>, IntoIter: Send + 'static>,
    {
        let records = records.into_iter().map(|record| record.map_err(Into::into));
        let node = Line::source(name.into(), records);
        Pipeline { node }
    }
}

/// Adding stages.
impl<N: Node> Pipeline<N> {
    /// A stage that makes one record of each.
    pub fn stage<O, F>(self, name: impl Into<String>, f: F) -> Pipeline<Stage<N::Item, O, Map<F>>>
    where
        O: Send + 'static,
        F: FnMut(N::Item) -> O + Send + 'static,
    {
        self.add(name, Map(f))
    }

    /// A stage that makes one record of each, or fails the pipeline.
    pub fn try_stage<O, E, F>(
        self,
        name: impl Into<String>,
        f: F,
    ) -> Pipeline<Stage<N::Item, O, TryMap<F>>>
    where
        O: Send + 'static,
        E: Into<BoxError>,
        F: FnMut(N::Item) -> Result<O, E> + Send + 'static,
    {
        self.add(name, TryMap(f))
    }

    /// A stage that makes at most one record of each.
    pub fn filter_map<O, F>(
        self,
        name: impl Into<String>,
        f: F,
    ) -> Pipeline<Stage<N::Item, O, FlatMap<F>>>
    where
        O: Send + 'static,
        F: FnMut(N::Item) -> Option<O> + Send + 'static,
    {
        self.add(name, FlatMap(f))
    }

    /// A stage that makes any number of records of each. They are taken from the iterator as
    /// there is room for them.
    pub fn flat_map<R, F>(
        self,
        name: impl Into<String>,
        f: F,
    ) -> Pipeline<Stage<N::Item, R::Item, FlatMap<F>>>
    where
        R: IntoIterator<Item: Send + 'static>,
        F: FnMut(N::Item) -> R + Send + 'static,
    {
        self.add(name, FlatMap(f))
    }

    /// A stage that sends as it likes, or fails the pipeline: the form to which all others come
    /// down.
    ///
    /// ```
    /// use ringfence::pipeline::{BoxError, Emit, Pipeline};
    ///
    /// Pipeline::source("read", 0..10)
    ///     .stage_with("halves", |n: u32, out: &mut Emit<u32>| {
    ///         if n > 10 {
    ///             return Err(BoxError::from("too large"));
    ///         }
    ///         out.send(n / 2)?; // waits for room
    ///         out.send(n - n / 2)?;
    ///         Ok(())
    ///     })
    ///     .sink("print", |n| println!("{n}"))
    ///     .run()?;
    /// # Ok::<(), ringfence::pipeline::PipelineError>(())
    /// ```
    pub fn stage_with<O, E, F>(
        self,
        name: impl Into<String>,
        f: F,
    ) -> Pipeline<Stage<N::Item, O, With<F>>>
    where
        O: Send + 'static,
        E: Into<BoxError>,
        F: FnMut(N::Item, &mut Emit<O>) -> Result<(), E> + Send + 'static,
    {
        self.add(name, With(f))
    }

    /// The last stage.
    pub fn sink<F>(self, name: impl Into<String>, f: F) -> Pipeline<Stage<N::Item, End, Each<F>>>
    where
        F: FnMut(N::Item) + Send + 'static,
    {
        self.add(name, Each(f))
    }

    /// The last stage, which may fail the pipeline.
    pub fn try_sink<E, F>(
        self,
        name: impl Into<String>,
        f: F,
    ) -> Pipeline<Stage<N::Item, End, TryEach<F>>>
    where
        E: Into<BoxError>,
        F: FnMut(N::Item) -> Result<(), E> + Send + 'static,
    {
        self.add(name, TryEach(f))
    }

    fn add<O, W>(self, name: impl Into<String>, work: W) -> Pipeline<Stage<N::Item, O, W>> {
        let node = Stage::new(self.node.seal(), name.into(), work);
        Pipeline { node }
    }

    /// Sends a copy of each record to a branch, which has its own edge, and its own sink. If
    /// the branch is slow, so is the rest, unless its edge drops.
    ///
    /// # Panics
    /// If `branch` returns another pipeline.
    ///
    /// ```
    /// use ringfence::{OnFull, pipeline::Pipeline};
    ///
    /// Pipeline::source("read", 0..1000)
    ///     .tee(|copies| {
    ///         copies.sink("log", |n| println!("{n}")).capacity(8).on_full(OnFull::DropNewest)
    ///     })
    ///     .sink("write", drop)
    ///     .run()?;
    /// # Ok::<(), ringfence::pipeline::PipelineError>(())
    /// ```
    pub fn tee<M>(
        self,
        branch: impl FnOnce(Pipeline<Line<N::Item>>) -> Pipeline<M>,
    ) -> Pipeline<Line<N::Item>>
    where
        N::Item: Clone,
        M: Node<Item = End>,
    {
        let complete = |node| branch(Pipeline { node }).node.seal();
        let node = self.node.seal().tee(complete);
        Pipeline { node }
    }

    /// The records of both, in the order in which they come.
    pub fn merge<M: Node<Item = N::Item>>(self, other: Pipeline<M>) -> Pipeline<Line<N::Item>> {
        let node = self.node.seal().merge(other.node.seal());
        Pipeline { node }
    }
}

/// What is said about the last stage, and the edge that leads to it.
impl<I, O, W, P, B> Pipeline<Stage<I, O, W, P, B>>
where
    I: Send + 'static,
    O: Send + 'static,
    W: 'static,
    B: Bound<I>,
    P: Runs<B::Received, O, B::Work<W>>,
{
    /// How many records fit into its input; 64 unless said. Where each worker has a channel
    /// of its own, into each of these. With 0, records are handed over.
    ///
    /// # Panics
    /// When the next stage is added, if no memory can hold it, or it is 0 with
    /// [`OnFull::DropOldest`] or [`OnFull::DropRandom`].
    pub fn capacity(mut self, capacity: usize) -> Self {
        self.node.spec.capacity = capacity;
        self
    }

    /// What is done when its input is full; [`OnFull::Block`] unless said. What is dropped is
    /// counted by the edge.
    pub fn on_full(mut self, on_full: OnFull) -> Self {
        self.node.spec.on_full = on_full;
        self
    }

    /// How many records its input moves at once, at most: they are sent together as soon as
    /// there are as many or the stage before is through with what it had received, and
    /// received as there are. 1 unless said.
    ///
    /// # Panics
    /// If it is 0.
    pub fn batch(mut self, records: usize) -> Self {
        assert!(records > 0, "a batch of no records");
        self.node.spec.batch = records;
        self
    }

    /// Bounds its input by weight as well: by the bytes of its records, or whatever else `weigh`
    /// says. As much as `limit` is inside at most, what its workers are at work on included: a
    /// record's weight is free again when the worker is through with it. Where each worker has
    /// a channel of its own, `limit` is that of each of these.
    ///
    /// If there is no room for a record's weight, that is as if there were none for a record,
    /// and done what [`on_full`](Self::on_full) says. A record that weighs more than `limit`
    /// waits until nothing else is inside, and goes through alone.
    ///
    /// `weigh` is asked once for each record, on the thread that sends it; if it panics, the stage
    /// before fails.
    ///
    /// ```
    /// use ringfence::pipeline::Pipeline;
    ///
    /// let plan = Pipeline::source("read", (0..100).map(|n| vec![0u8; n]))
    ///     .sink("write", drop)
    ///     .weigh(1000, |block| block.len() as u64)
    ///     .plan();
    /// assert_eq!(plan.most_weight(), 1000);
    /// let report = plan.run()?;
    /// assert_eq!(report.total.stage("write").unwrap().received_weight, 4950);
    /// # Ok::<(), ringfence::pipeline::PipelineError>(())
    /// ```
    ///
    /// # Panics
    /// If `limit` is 0, or more than [`Pool::MAX`]. When the next stage is added, if its input
    /// is to evict ([`OnFull::DropOldest`]).
    pub fn weigh(
        self,
        limit: u64,
        weigh: impl Fn(&I) -> u64 + Send + Sync + 'static,
    ) -> Pipeline<Stage<I, O, W, P, B::Weighed>> {
        assert!(
            (1..=Pool::MAX).contains(&limit),
            "no limit of weight: {limit}"
        );
        let node = self.node.weighed(Weights::new(limit, weigh));
        Pipeline { node }
    }

    /// Sizes its input by itself, so that records wait there for about as long as `target`
    /// says: a [`Duration`](std::time::Duration), or a [`TargetDelay`] with more about it. Its
    /// [`capacity`](Self::capacity) is the most.
    ///
    /// With [`OnFull::Block`] a slow stage so has the stages before it wait sooner; with the
    /// policies that refuse, what would have to wait longer is refused. Where each worker has a
    /// channel of its own, each is sized by its worker.
    ///
    /// # Panics
    /// When the next stage is added, if its capacity is 0, or its input is to evict
    /// ([`OnFull::DropOldest`]).
    pub fn target_delay(
        self,
        target: impl Into<TargetDelay>,
    ) -> Pipeline<Stage<I, O, W, P, B::Sized>> {
        let node = self.node.sized(target.into());
        Pipeline { node }
    }

    /// How many workers it has, each with a clone of what it does; 1 unless said. Whoever is
    /// free takes the next record, unless said otherwise, so order is lost.
    ///
    /// # Panics
    /// If it is 0.
    pub fn parallel(mut self, workers: usize) -> Self
    where
        W: Clone,
    {
        assert!(workers > 0, "a stage without workers");
        let work = self.node.works.swap_remove(0);
        self.node.works = std::iter::repeat_n(work, workers).collect();
        self
    }

    /// Its workers get records in turn, and what they send is taken in the same turn: order
    /// is kept, and what comes too early waits in the channels, which bound it. One slow
    /// record holds up the others once these are full.
    ///
    /// If several workers or sources feed it, or several workers are fed by it, a stage is
    /// put in between that has one worker, which does nothing else. It is a task if the stage
    /// that it feeds has tasks, and always a thread before [`merge`](Self::merge).
    ///
    /// # Panics
    /// When the next stage is added, if the edges to and from it do not block.
    pub fn ordered(mut self) -> Self {
        self.node.spread = Spread::InTurn;
        self
    }

    /// Records with the same key go to the same worker, in their order.
    pub fn key_by<K: Hash>(mut self, key: impl Fn(&I) -> K + Send + Sync + 'static) -> Self {
        let random = RandomState::new();
        self.node.spread = Spread::ByKey(Arc::new(move |record| random.hash_one(key(record))));
        self
    }
}

/// Running what is complete.
impl<N: Node<Item = End>> Pipeline<N> {
    /// What it is made of, to be looked at before it starts.
    pub fn plan(self) -> Plan {
        self.node.seal().plan()
    }

    /// Starts its threads: [`Plan::start`].
    ///
    /// # Panics
    /// If it has tasks: use [`start_on`](Self::start_on).
    pub fn start(self) -> Running {
        self.plan().start()
    }

    /// Starts its threads, and waits until all have ended: [`Plan::run`].
    ///
    /// # Errors
    /// [`PipelineError`], if a stage fails.
    ///
    /// # Panics
    /// If it has tasks: use [`start_on`](Self::start_on).
    pub fn run(self) -> Result<Report, PipelineError> {
        self.plan().run()
    }
}

impl<N> fmt::Debug for Pipeline<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pipeline").finish_non_exhaustive()
    }
}
