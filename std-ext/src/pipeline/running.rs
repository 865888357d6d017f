//! A pipeline that runs: its threads and tasks, and how it is watched and ended from outside.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::control::{Cause, Control, Failure, PipelineError};
use super::plan::Thread;
use super::snapshot::{Gauges, Report, Snapshot};
use super::tasks::{Task, TaskPlan};
use crate::flavour::Mpmc;
use crate::sync::{self, JoinHandle};
use crate::{Receiver, RecvTimeoutError, Sender, channel};

/// A pipeline that runs.
///
/// If it is dropped, the pipeline is cancelled; either way, no thread is left behind. Tasks
/// end when their runtime polls or drops them next, and are not waited for then.
#[must_use = "when it is dropped, the pipeline is cancelled"]
pub struct Running {
    handle: Handle,
    threads: Vec<JoinHandle<()>>,
    has_tasks: bool,
}

/// Watches and ends a pipeline from any thread. It does not keep it running.
#[derive(Clone)]
pub struct Handle {
    control: Arc<Control>,
    gauges: Arc<Gauges>,
    /// Nothing comes; it closes when the last thread or task is through.
    alive: Receiver<(), Mpmc>,
}

impl Running {
    pub(super) fn start(
        control: Control,
        gauges: Gauges,
        threads: Vec<Thread>,
        tasks: Vec<TaskPlan>,
        mut spawn: impl FnMut(Task),
    ) -> Self {
        let (alive, all_ended) = channel(1).mpmc().build();
        let handle = Handle {
            control: Arc::new(control),
            gauges: Arc::new(gauges),
            alive: all_ended,
        };
        let threads = threads
            .into_iter()
            .filter_map(|thread| thread.start(handle.control.clone(), alive.clone()))
            .collect();
        // If `spawn` panics, it is dropped.
        let running = Self {
            handle,
            threads,
            has_tasks: !tasks.is_empty(),
        };
        for task in tasks {
            let control = running.handle.control.clone();
            spawn(Task::new(task, control, alive.clone()));
        }
        running
    }

    /// A handle for other threads.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// How things stand.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.handle.snapshot()
    }

    /// Waits until all threads and tasks have ended. All threads are joined.
    ///
    /// It blocks: on a thread that the runtime of its tasks needs, it waits for ever. There, use
    /// [`join_async`](Self::join_async).
    ///
    /// # Errors
    /// [`PipelineError`], if a stage failed; it has the report.
    pub fn join(mut self) -> Result<Report, PipelineError> {
        if self.has_tasks {
            // Nothing is sent, so it is the end.
            let _ended = self.handle.alive.recv();
        }
        self.end()
    }

    /// Waits until all threads and tasks have ended, without blocking. All threads are joined.
    ///
    /// # Errors
    /// [`PipelineError`], if a stage failed; it has the report.
    ///
    /// # Cancel safety
    /// If the future is dropped before it is ready, the pipeline is cancelled, as if this were
    /// dropped. To wait for a while, use [`Handle::ended`] first.
    pub async fn join_async(self) -> Result<Report, PipelineError> {
        self.handle.ended().await;
        self.end()
    }

    /// When all have ended.
    fn end(mut self) -> Result<Report, PipelineError> {
        self.has_tasks = false;
        // They have nothing left to do but to end.
        self.join_threads();
        self.handle.gauges.settle();
        let control = &self.handle.control;
        let report = Report {
            ended: control.ended(),
            total: self.snapshot(),
        };
        match control.take_failure() {
            None => Ok(report),
            Some(failure) => Err(PipelineError::new(failure, report)),
        }
    }

    fn join_threads(&mut self) {
        for thread in self.threads.drain(..) {
            // Nothing unwinds out of it, but for the drop of what a stage panicked with.
            let _ended = thread.join();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.has_tasks || !self.threads.is_empty() {
            self.handle.cancel();
            self.join_threads();
        }
    }
}

impl Handle {
    /// Tells the sources to end; what they have given goes through.
    ///
    /// A source looks up between two records: an iterator that waits is waited for, a stream is
    /// not.
    pub fn stop(&self) {
        self.control.stop();
    }

    /// As [`stop`](Self::stop), and waits for the end; if it has not come in time, cancels.
    /// Says whether it came in time.
    ///
    /// It blocks, as [`Running::join`] does; in a task, [`stop`](Self::stop), wait for
    /// [`ended`](Self::ended) with the runtime's timer, and [`cancel`](Self::cancel).
    pub fn stop_within(&self, time: Duration) -> bool {
        self.stop();
        let mut alive = self.alive.clone();
        let ended = alive.recv_timeout(time);
        if ended == Err(RecvTimeoutError::Disconnected) {
            return true;
        }
        self.cancel();
        false
    }

    /// Ends all: workers that wait do so at once, those that work when they are through with
    /// the record that they have; in a task, when its future waits next, or at once if it does.
    /// What is inside is dropped, and counted.
    ///
    /// Nobody can end a stage that does not come back, or a task that is not polled.
    pub fn cancel(&self) {
        self.control.cancel();
    }

    /// Whether all has come to its end.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.alive.is_closed()
    }

    /// Whether both are of the same pipeline.
    #[must_use]
    pub fn same_pipeline(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.gauges, &other.gauges)
    }

    /// Waits until all has come to its end.
    ///
    /// # Cancel safety
    /// Dropping it loses nothing.
    pub async fn ended(&self) {
        let _why = self.alive.closed().await;
    }

    /// How things stand. Takes a short lock for each channel and worker, which a worker
    /// takes only when it waits.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.gauges.snapshot(Instant::now())
    }
}

impl Thread {
    fn start(self, control: Arc<Control>, alive: Sender<(), Mpmc>) -> Option<JoinHandle<()>> {
        let Self {
            stage,
            index,
            mut worker,
        } = self;
        let fail = {
            let (stage, control) = (stage.clone(), control.clone());
            move |cause| {
                control.fail(Failure {
                    stage: stage.name.clone(),
                    worker: index,
                    cause,
                });
            }
        };
        let no_thread = fail.clone();
        // Of a thread, which cannot have a zero in it.
        let name = stage.name.replace('\0', "");
        let work = move || {
            let meter = &stage.workers[index];
            meter.begin();
            match catch_unwind(AssertUnwindSafe(|| worker.run(&control))) {
                Ok(Ok(())) => {}
                Ok(Err(error)) => fail(Cause::Error(error)),
                Err(payload) => fail(Cause::of_panic(&*payload)),
            }
            // Closes its edges, and drops what only it had.
            if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(worker))) {
                fail(Cause::of_panic(&*payload));
            }
            meter.end();
            drop(alive);
        };
        match sync::spawn(name, work) {
            Ok(thread) => Some(thread),
            Err(error) => {
                no_thread(Cause::Thread(error));
                None
            }
        }
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running")
            .field("threads", &self.threads.len())
            .field("has_ended", &self.handle.has_ended())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle")
            .field("has_ended", &self.has_ended())
            .finish_non_exhaustive()
    }
}
