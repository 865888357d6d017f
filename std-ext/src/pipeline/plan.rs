//! What a pipeline is made of, before it starts.

use std::fmt;
use std::sync::Arc;

use super::control::{Control, OnFailure, PipelineError};
use super::edge::Spec;
use super::meter::StageMeter;
use super::running::Running;
use super::snapshot::{ChannelGauge, Edge, EdgeWeight, Gauges, Report};
use super::tasks::{Task, TaskPlan};
use super::worker::Worker;
use crate::channel::watched::Closer;

/// Stages and edges so far, sources first.
#[derive(Default)]
pub struct Draft {
    pub(super) stages: Vec<StagePlan>,
    pub(super) edges: Vec<EdgePlan>,
    pub(super) threads: Vec<Thread>,
    pub(super) tasks: Vec<TaskPlan>,
    pub(super) closers: Vec<Closer>,
}

pub(super) struct StagePlan {
    pub(super) meter: Arc<StageMeter>,
    pub(super) in_hand: usize,
}

pub(super) struct EdgePlan {
    pub(super) from: Vec<Arc<StageMeter>>,
    pub(super) to: Arc<StageMeter>,
    pub(super) spec: Spec,
    /// One for each of its channels.
    pub(super) gauges: Vec<ChannelGauge>,
}

/// A thread to be.
pub(super) struct Thread {
    pub(super) stage: Arc<StageMeter>,
    /// Which of the stage's workers.
    pub(super) index: usize,
    pub(super) worker: Box<dyn Worker>,
}

impl Draft {
    pub(super) fn absorb(&mut self, other: Self) {
        self.stages.extend(other.stages);
        self.edges.extend(other.edges);
        self.threads.extend(other.threads);
        self.tasks.extend(other.tasks);
        self.closers.extend(other.closers);
    }

    fn gauges(&self) -> Gauges {
        let index = |stage: &Arc<StageMeter>| {
            let mut all = self.stages.iter();
            all.position(|plan| Arc::ptr_eq(&plan.meter, stage))
                .expect("the stages of an edge are in the same plan")
        };
        let edges = self.edges.iter().map(|edge| Edge {
            from: edge.from.iter().map(index).collect(),
            to: index(&edge.to),
            gauges: edge.gauges.clone(),
        });
        Gauges {
            edges: edges.collect(),
            stages: self.stages.iter().map(|plan| plan.meter.clone()).collect(),
        }
    }
}

/// A pipeline that is complete, and can be looked at before it starts: its `Display` lists
/// stages, edges, and the most records that can be inside.
#[must_use = "it has not started"]
pub struct Plan {
    draft: Draft,
    on_failure: OnFailure,
}

impl Plan {
    pub(super) fn new(draft: Draft) -> Self {
        let on_failure = OnFailure::default();
        Self { draft, on_failure }
    }

    /// What becomes of the others when a stage fails; [`OnFailure::Cancel`] unless said.
    pub fn on_failure(self, on_failure: OnFailure) -> Self {
        Self { on_failure, ..self }
    }

    /// How many threads it will have.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.draft.threads.len()
    }

    /// How many tasks it will have.
    #[must_use]
    pub fn tasks(&self) -> usize {
        self.draft.tasks.len()
    }

    /// How many records fit in its edges.
    #[must_use]
    pub fn capacity(&self) -> usize {
        let edges = self.draft.edges.iter();
        edges.map(EdgePlan::capacity).sum()
    }

    /// How many records its workers can have in hand: received and not worked on, at work, or
    /// kept to be sent together. What a stage holds back itself is not counted, nor what an
    /// iterator that it returned has not given yet.
    #[must_use]
    pub fn in_hand(&self) -> usize {
        self.draft.stages.iter().map(|stage| stage.in_hand).sum()
    }

    /// The most records that can be inside: what fits in the edges, and what workers have
    /// in hand.
    #[must_use]
    pub fn most_records(&self) -> usize {
        self.capacity() + self.in_hand()
    }

    /// The most weight that can be in its edges that are weighed, and in the hands of the workers
    /// behind them: the sum of the limits, in their unit. A record that weighs more than the
    /// limit of its edge is in it alone, and may be more.
    #[must_use]
    pub fn most_weight(&self) -> u64 {
        let edges = self.draft.edges.iter();
        let limits = edges.filter_map(EdgePlan::limit);
        limits.fold(0, u64::saturating_add)
    }

    /// Starts the threads.
    ///
    /// # Panics
    /// If it has tasks, which take a runtime: [`start_on`](Self::start_on).
    pub fn start(self) -> Running {
        let tasks = self.tasks();
        assert!(tasks == 0, "{tasks} tasks, and no runtime: use `start_on`");
        self.start_on(drop)
    }

    /// Starts the threads, and gives each task to `spawn`, which has a runtime poll it:
    /// `|task| { tokio::spawn(task); }`. Where a handle comes back that ends its task when it
    /// is dropped, detach it.
    ///
    /// Without tasks it is [`start`](Self::start).
    ///
    /// # Panics
    /// If `spawn` does. Then the pipeline is cancelled, as when [`Running`] is dropped.
    pub fn start_on(self, spawn: impl FnMut(Task)) -> Running {
        let gauges = self.draft.gauges();
        let control = Control::new(self.on_failure, self.draft.closers);
        Running::start(control, gauges, self.draft.threads, self.draft.tasks, spawn)
    }

    /// Starts the threads, and waits until all have ended.
    ///
    /// # Errors
    /// [`PipelineError`], if a stage fails.
    ///
    /// # Panics
    /// If it has tasks, which take a runtime: use [`start_on`](Self::start_on), and
    /// [`Running::join_async`].
    pub fn run(self) -> Result<Report, PipelineError> {
        self.start().join()
    }
}

impl EdgePlan {
    fn capacity(&self) -> usize {
        self.spec.capacity * self.gauges.len()
    }

    /// The most weight in it, if it is weighed.
    fn limit(&self) -> Option<u64> {
        Some(EdgeWeight::of(&self.gauges)?.limit)
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Draft { stages, edges, .. } = &self.draft;
        for stage in stages {
            for edge in edges
                .iter()
                .filter(|edge| Arc::ptr_eq(&edge.to, &stage.meter))
            {
                writeln!(f, "  {edge}")?;
            }
            let (name, n) = (&stage.meter.name, stage.meter.workers.len());
            let mut tasks = self.draft.tasks.iter();
            let what = if tasks.any(|task| Arc::ptr_eq(&task.stage, &stage.meter)) {
                "task"
            } else {
                "thread"
            };
            let many = if n == 1 { "" } else { "s" };
            let in_hand = stage.in_hand;
            writeln!(f, "{name}: {n} {what}{many}, in hand at most {in_hand}")?;
        }
        write!(f, "in all {} threads", self.threads())?;
        if self.tasks() > 0 {
            write!(f, " and {} tasks", self.tasks())?;
        }
        write!(
            f,
            ", at most {} records: {} in edges, {} in hand",
            self.most_records(),
            self.capacity(),
            self.in_hand()
        )?;
        if edges.iter().any(|edge| edge.limit().is_some()) {
            write!(f, "; weight at most {}", self.most_weight())?;
        }
        Ok(())
    }
}

impl fmt::Display for EdgePlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let from: Vec<_> = self.from.iter().map(|stage| &*stage.name).collect();
        let Spec {
            capacity,
            on_full,
            batch,
            delay,
        } = &self.spec;
        write!(f, "{} -> {}: ", from.join(" + "), self.to.name)?;
        if self.gauges.len() > 1 {
            write!(f, "{} x ", self.gauges.len())?;
        }
        write!(f, "{capacity} records, {on_full:?}")?;
        if *batch > 1 {
            write!(f, ", batches of {batch}")?;
        }
        if let Some(delay) = delay {
            write!(f, ", {delay}")?;
        }
        if let Some(limit) = self.limit() {
            write!(f, ", weight at most {limit}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plan")
            .field("stages", &self.draft.stages.len())
            .field("threads", &self.threads())
            .field("tasks", &self.tasks())
            .field("most_records", &self.most_records())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Draft").finish_non_exhaustive()
    }
}
