//! What the thread of a worker does: take, work, give, until there is no more.

use std::sync::Arc;

use super::control::Control;
use super::direct::InputEnd;
use super::emit::{Emit, Stopped};
use super::meter::Meter;
use super::work::{BoxError, Work};
use crate::error::RecvError;
use crate::sync::Padded;

/// What a thread does. Its ends of channels are closed when it is dropped.
pub(super) trait Worker: Send {
    /// Until there is no more to do, or it fails.
    fn run(&mut self, control: &Control) -> Result<(), BoxError>;
}

/// Ends of channels change with each record: beside those of another worker, on one cache line,
/// they would hold each other up.
impl<W: Worker> Worker for Padded<W> {
    fn run(&mut self, control: &Control) -> Result<(), BoxError> {
        W::run(self, control)
    }
}

/// Of a source.
pub(super) struct SourceWorker<R, T> {
    pub(super) records: R,
    pub(super) emit: Emit<T>,
}

impl<T, R> Worker for SourceWorker<R, T>
where
    T: Send,
    R: Iterator<Item = Result<T, BoxError>> + Send,
{
    fn run(&mut self, control: &Control) -> Result<(), BoxError> {
        while !control.is_stopping() {
            let Some(record) = self.records.next() else {
                break;
            };
            if self.emit.send(record?).is_err() {
                return Ok(());
            }
        }
        if !control.is_cancelled() {
            // If nobody takes it, there is nothing to be done.
            let _stopped = self.emit.flush();
        }
        Ok(())
    }
}

/// Of a stage, or a sink.
pub(super) struct StageWorker<I, O, W> {
    pub(super) input: InputEnd<I>,
    pub(super) work: W,
    pub(super) emit: Emit<O>,
    /// Received and not yet worked on, the next one at the end.
    pub(super) records: Vec<I>,
    pub(super) batch: usize,
    pub(super) meter: Arc<Padded<Meter>>,
}

impl<I: Send, O: Send, W: Work<I, O>> Worker for StageWorker<I, O, W> {
    fn run(&mut self, control: &Control) -> Result<(), BoxError> {
        while !control.is_cancelled() {
            let next = if self.batch == 1 {
                self.work_on_one(control)
            } else {
                self.work_on_batch(control)
            };
            match next {
                Ok(()) => {}
                Err(End::Over) => break,
                Err(End::Failed(error)) => return Err(error),
            }
        }
        Ok(())
    }
}

/// Why a worker ends.
enum End {
    /// There is no more, or nobody takes more.
    Over,
    Failed(BoxError),
}

impl From<RecvError> for End {
    fn from(_: RecvError) -> Self {
        Self::Over
    }
}

impl From<Stopped> for End {
    fn from(_: Stopped) -> Self {
        Self::Over
    }
}

impl<I, O, W: Work<I, O>> StageWorker<I, O, W> {
    fn work_on_one(&mut self, control: &Control) -> Result<(), End> {
        let record = self.input.recv_one(&self.meter)?;
        self.work(record, control)?;
        Ok(self.emit.flush()?)
    }

    fn work_on_batch(&mut self, control: &Control) -> Result<(), End> {
        self.input
            .recv(&mut self.records, self.batch, &self.meter)?;
        self.records.reverse();
        while let Some(record) = self.records.pop() {
            self.work(record, control)?;
        }
        Ok(self.emit.flush()?)
    }

    #[inline(always)]
    fn work(&mut self, record: I, control: &Control) -> Result<(), End> {
        let worked = self.work.work(record, &mut self.emit);
        if self.emit.is_stopped() || control.is_cancelled() {
            return Err(End::Over);
        }
        worked.map_err(End::Failed)?;
        Ok(self.emit.end_turn()?)
    }
}

impl<I, O, W> Drop for StageWorker<I, O, W> {
    fn drop(&mut self) {
        self.meter.dropped.add(self.records.len());
    }
}
