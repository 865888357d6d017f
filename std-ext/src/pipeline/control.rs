//! How a pipeline ends before its time: it is stopped, cancelled, or fails.

use std::any::Any;
use std::error::Error;
use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use super::snapshot::Report;
use super::work::BoxError;
use crate::channel::Closed;
use crate::channel::watched::Closer;
use crate::event::Event;
use crate::sync::{AtomicUsize, Mutex, Ordering, Padded, lock};

const GOES_ON: usize = 0;
const STOPPING: usize = 1;
const CANCELLED: usize = 2;

/// What becomes of the others when a stage fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnFailure {
    /// All end as soon as they look up: what is in the edges is dropped, and counted.
    #[default]
    Cancel,
    /// The sources end, and what still has a way to a sink goes there. What is on its way to
    /// a worker that is gone is dropped, and counted.
    Drain,
}

/// How a pipeline ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ended {
    /// Its sources ended, and all that they gave went through.
    Completed,
    /// Its sources were told to end, and all that they had given went through; or, if a stage
    /// failed, what still could.
    Stopped,
    /// What was on its way was dropped.
    Cancelled,
}

/// Which stage failed, and why.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) stage: String,
    pub(super) worker: usize,
    pub(super) cause: Cause,
}

/// Why a stage failed.
#[derive(Debug)]
#[non_exhaustive]
pub enum Cause {
    /// It returned this error.
    Error(BoxError),
    /// It panicked with this message.
    Panic(String),
    /// The system gave it no thread.
    Thread(io::Error),
    /// Its task was dropped before it had ended, and nobody had cancelled the pipeline: the
    /// runtime was shut down.
    Dropped,
}

impl Cause {
    pub(super) fn of_panic(payload: &(dyn Any + Send)) -> Self {
        let text = payload.downcast_ref::<&str>().map(ToString::to_string);
        let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
        Self::Panic(text.unwrap_or_else(|| "no message".into()))
    }
}

/// A stage failed: the first that did.
pub struct PipelineError(Box<Inner>);

struct Inner {
    failure: Failure,
    report: Report,
}

impl PipelineError {
    pub(super) fn new(failure: Failure, report: Report) -> Self {
        Self(Box::new(Inner { failure, report }))
    }

    /// The name of the stage.
    #[must_use]
    pub fn stage(&self) -> &str {
        &self.0.failure.stage
    }

    /// Which of its workers, from 0.
    #[must_use]
    pub fn worker(&self) -> usize {
        self.0.failure.worker
    }

    /// Why it failed.
    #[must_use]
    pub fn cause(&self) -> &Cause {
        &self.0.failure.cause
    }

    /// What had gone through when all had ended.
    #[must_use]
    pub fn report(&self) -> &Report {
        &self.0.report
    }
}

impl fmt::Debug for PipelineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0.failure, f)
    }
}

impl fmt::Display for PipelineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Failure { stage, cause, .. } = &self.0.failure;
        write!(f, "stage {stage:?} ")?;
        match cause {
            Cause::Error(error) => write!(f, "failed: {error}"),
            Cause::Panic(message) => write!(f, "panicked: {message}"),
            Cause::Thread(error) => write!(f, "got no thread: {error}"),
            Cause::Dropped => f.write_str("was dropped by its runtime"),
        }
    }
}

impl Error for PipelineError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self.cause() {
            Cause::Error(error) => Some(&**error),
            Cause::Thread(error) => Some(error),
            Cause::Panic(_) | Cause::Dropped => None,
        }
    }
}

/// What all workers look at.
pub(super) struct Control {
    /// Looked at for each record: what others write for each of theirs is not beside it.
    state: Padded<AtomicUsize>,
    on_failure: OnFailure,
    failure: Mutex<Option<Failure>>,
    /// Of all channels.
    closers: Vec<Closer>,
    /// The pipeline is to stop, or cancelled: for tasks that wait for what is not an edge.
    pub(super) changes: Event,
}

impl Control {
    pub(super) fn new(on_failure: OnFailure, closers: Vec<Closer>) -> Self {
        Self {
            state: Padded::new(AtomicUsize::new(GOES_ON)),
            on_failure,
            failure: Mutex::new(None),
            closers,
            changes: Event::new(),
        }
    }

    // ORDERING: Relaxed, all; who looks too early does one record more. Those who wait are
    // woken by the closing of their channel; or by `changes`, whose lock they have taken
    // before they look: after the change, or they are in the queue.

    #[inline]
    pub(super) fn is_stopping(&self) -> bool {
        self.state.load(Ordering::Relaxed) != GOES_ON
    }

    #[inline]
    pub(super) fn is_cancelled(&self) -> bool {
        self.state.load(Ordering::Relaxed) == CANCELLED
    }

    /// The sources end.
    pub(super) fn stop(&self) {
        self.state.fetch_max(STOPPING, Ordering::Relaxed);
        self.changes.wake_all();
    }

    /// All end.
    pub(super) fn cancel(&self) {
        self.state.fetch_max(CANCELLED, Ordering::Relaxed);
        let why = Closed::with("the pipeline was cancelled");
        let mut panic = None;
        // Others are woken nevertheless if a waker panics, which is the user's.
        let mut whatever_happens = |act: &dyn Fn()| {
            let acted = catch_unwind(AssertUnwindSafe(act));
            panic = acted.err().or(panic.take());
        };
        for close in &self.closers {
            whatever_happens(&|| close(why.clone()));
        }
        whatever_happens(&|| self.changes.wake_all());
        if let Some(panic) = panic {
            resume_unwind(panic);
        }
    }

    pub(super) fn fail(&self, failure: Failure) {
        let mut first = lock(&self.failure);
        // One that comes later is dropped outside the lock.
        let _late = if first.is_none() {
            first.replace(failure)
        } else {
            Some(failure)
        };
        drop(first);
        match self.on_failure {
            OnFailure::Cancel => self.cancel(),
            OnFailure::Drain => self.stop(),
        }
    }

    pub(super) fn take_failure(&self) -> Option<Failure> {
        lock(&self.failure).take()
    }

    pub(super) fn ended(&self) -> Ended {
        match self.state.load(Ordering::Relaxed) {
            GOES_ON => Ended::Completed,
            STOPPING => Ended::Stopped,
            _ => Ended::Cancelled,
        }
    }
}
