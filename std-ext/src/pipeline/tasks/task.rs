//! The future that a runtime is given, and what happens when it drops it.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::Sender;
use crate::flavour::Mpmc;
use crate::pipeline::control::{Cause, Control, Failure};
use crate::pipeline::meter::StageMeter;

/// What a task does, until there is no more to do, or it fails. Its ends of channels are closed
/// when it is dropped.
pub(in crate::pipeline) type Working = Pin<Box<dyn Future<Output = Result<(), Cause>> + Send>>;

/// A task to be.
pub(in crate::pipeline) struct TaskPlan {
    pub(in crate::pipeline) stage: Arc<StageMeter>,
    /// Which of the stage's workers.
    pub(in crate::pipeline) index: usize,
    pub(in crate::pipeline) work: Box<dyn FnOnce(Arc<Control>) -> Working + Send>,
}

/// One worker of a stage, or a source, for the runtime that is to poll it.
///
/// Wherever it is dropped before it has ended, that is the end of the worker: it closes its
/// edges, and what it had in hand is counted as dropped. Unless the pipeline was cancelled, the
/// stage has failed, with [`Cause::Dropped`].
#[must_use = "a stage does nothing unless its tasks are polled"]
pub struct Task(Box<Begun>);

struct Begun {
    stage: Arc<StageMeter>,
    index: usize,
    control: Arc<Control>,
    /// `None` once it has ended.
    work: Option<Working>,
    /// Goes last.
    alive: Option<Sender<(), Mpmc>>,
    was_polled: bool,
}

impl Task {
    pub(in crate::pipeline) fn new(
        plan: TaskPlan,
        control: Arc<Control>,
        alive: Sender<(), Mpmc>,
    ) -> Self {
        Self(Box::new(Begun {
            stage: plan.stage,
            index: plan.index,
            work: Some((plan.work)(control.clone())),
            control,
            alive: Some(alive),
            was_polled: false,
        }))
    }
}

impl Begun {
    fn fail(&self, cause: Cause) {
        self.control.fail(Failure {
            stage: self.stage.name.clone(),
            worker: self.index,
            cause,
        });
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Some(work) = &mut self.work else {
            return Poll::Ready(());
        };
        if !std::mem::replace(&mut self.was_polled, true) {
            self.stage.workers[self.index].begin();
        }
        match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context))) {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(Ok(()))) => {}
            Ok(Poll::Ready(Err(cause))) => self.fail(cause),
            Err(payload) => self.fail(Cause::of_panic(&*payload)),
        }
        self.end();
        Poll::Ready(())
    }

    /// Closes its edges, and drops what only it had.
    fn end(&mut self) {
        let work = self.work.take();
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(work))) {
            self.fail(Cause::of_panic(&*payload));
        }
        self.stage.workers[self.index].end();
        self.alive = None;
    }
}

impl Future for Task {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.0.poll(context)
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        if self.work.is_some() {
            if !self.control.is_cancelled() {
                self.fail(Cause::Dropped);
            }
            self.end();
        }
    }
}

impl fmt::Debug for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task")
            .field("stage", &self.0.stage.name)
            .field("worker", &self.0.index)
            .finish_non_exhaustive()
    }
}
