//! What a task does: take, work, give, until there is no more. As `worker.rs`, and waits by
//! being polled.

use std::sync::Arc;

use super::edge::PolledInput;
use super::emit::{AsyncEmit, until_ready};
use super::watch::{Watch, caught, caught_drop};
use super::work::AsyncWork;
use crate::error::RecvError;
use crate::pipeline::control::{Cause, Control};
use crate::pipeline::meter::{Meter, Wait};
use crate::pipeline::work::BoxError;
use crate::sync::Padded;
use crate::wait::{TURN, give_turn};

/// Of a stage, or a sink. Its ends of channels are closed when it is dropped.
pub(super) struct AsyncStage<I, O, W> {
    pub(super) input: Box<dyn PolledInput<I>>,
    pub(super) work: W,
    pub(super) emit: Padded<AsyncEmit<O>>,
    /// Received and not yet worked on, the next one at the end.
    pub(super) records: Vec<I>,
    pub(super) batch: usize,
    pub(super) meter: Arc<Padded<Meter>>,
}

impl<I: Send, O: Send, W: AsyncWork<I, O>> AsyncStage<I, O, W> {
    pub(super) async fn run(mut self, control: Arc<Control>) -> Result<(), Cause> {
        let mut watch = Watch::new(control.clone(), self.meter.clone());
        let end = caught(self.work_on(&control, &mut watch)).await;
        end.and(caught_drop(self))
    }

    async fn work_on(&mut self, control: &Control, watch: &mut Watch) -> Result<(), BoxError> {
        let mut turn = 0;
        while !control.is_cancelled() {
            if self.receive().await.is_err() {
                return Ok(());
            }
            while let Some(record) = self.records.pop() {
                let worked = self.work.work(record, &mut self.emit, watch).await;
                if self.emit.is_stopped() || control.is_cancelled() {
                    return Ok(());
                }
                worked?;
                if self.emit.end_turn().await.is_err() {
                    return Ok(());
                }
                turn += 1;
                if turn % TURN == 0 {
                    give_turn().await;
                }
            }
            if self.emit.flush().await.is_err() {
                return Ok(());
            }
        }
        Ok(())
    }

    async fn receive(&mut self) -> Result<(), RecvError> {
        let Self {
            input,
            records,
            batch,
            meter,
            ..
        } = self;
        let receive = |waker: &_| input.poll_recv(records, *batch, meter, waker);
        until_ready(meter, Wait::Items, receive).await?;
        meter.received.add(records.len());
        records.reverse();
        Ok(())
    }
}

impl<I, O, W> Drop for AsyncStage<I, O, W> {
    fn drop(&mut self) {
        self.meter.dropped.add(self.records.len());
    }
}
