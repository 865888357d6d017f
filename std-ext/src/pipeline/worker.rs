//! What the thread of a worker does: take, work, give, until there is no more.

use std::sync::Arc;

use super::control::Control;
use super::edge::Input;
use super::emit::Emit;
use super::meter::Meter;
use super::work::{BoxError, Work};
use crate::sync::Padded;

/// What a thread does. Its ends of channels are closed when it is dropped.
pub(super) trait Worker: Send {
    /// Until there is no more to do, or it fails.
    fn run(&mut self, control: &Control) -> Result<(), BoxError>;
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
    pub(super) input: Box<dyn Input<I>>,
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
            let received = self.input.recv(&mut self.records, self.batch, &self.meter);
            if received.is_err() {
                return Ok(());
            }
            self.meter.received.add(self.records.len());
            self.records.reverse();
            while let Some(record) = self.records.pop() {
                let worked = self.work.work(record, &mut self.emit);
                if self.emit.is_stopped() || control.is_cancelled() {
                    return Ok(());
                }
                worked?;
                if self.emit.end_turn().is_err() {
                    return Ok(());
                }
            }
            if self.emit.flush().is_err() {
                return Ok(());
            }
        }
        Ok(())
    }
}

impl<I, O, W> Drop for StageWorker<I, O, W> {
    fn drop(&mut self) {
        self.meter.dropped.add(self.records.len());
    }
}
