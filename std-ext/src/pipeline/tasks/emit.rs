//! Where a stage that is a task puts its records.

use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Poll, Waker};

use super::edge::PolledOutput;
use crate::pipeline::emit::Stopped;
use crate::pipeline::meter::{InHand, Meter, Wait};
use crate::sync::Padded;

/// Where a stage that is a task puts its records: the edge to the next stage. The
/// [`Emit`](crate::pipeline::Emit) of tasks.
pub struct AsyncEmit<T> {
    output: Box<dyn PolledOutput<T>>,
    /// How many `output` was given since it was last flushed.
    given: usize,
    /// How many are kept to be sent together.
    keep: usize,
    /// Whether the next stage must know which records came of one. Then one is held back:
    /// the last of a turn is marked, so it is known only when the turn is over.
    by_turns: bool,
    held: Option<T>,
    meter: Arc<Padded<Meter>>,
    is_stopped: bool,
}

impl<T> AsyncEmit<T> {
    pub(super) fn new(
        output: Box<dyn PolledOutput<T>>,
        batch: usize,
        by_turns: bool,
        meter: Arc<Padded<Meter>>,
    ) -> Self {
        Self {
            output,
            given: 0,
            keep: batch - 1,
            by_turns,
            held: None,
            meter,
            is_stopped: false,
        }
    }

    /// Sends a record on; waits for room, or does what the edge's
    /// [`OnFull`](crate::OnFull) says.
    ///
    /// # Errors
    /// [`Stopped`], if the next stage takes no more; the record is dropped, and counted. A stage
    /// does well to return then; its result does not matter any more.
    ///
    /// # Cancel safety
    /// If the future is dropped while it waits, the record stays here, and is sent before
    /// the next one. If it waited for one that had stayed so, its own record is dropped, and
    /// counted by [`StageState::dropped`](crate::pipeline::StageState::dropped): not more are
    /// kept than are sent together.
    pub async fn send(&mut self, record: T) -> Result<(), Stopped> {
        let record = if self.given > self.keep {
            self.after_the_others(record).await?
        } else {
            record
        };
        let next = if self.by_turns {
            self.held.replace(record)
        } else {
            Some(record)
        };
        if let Some(next) = next {
            let in_hand = InHand::new(&self.meter);
            self.output.put(next);
            in_hand.done();
            self.given += 1;
        }
        if self.given > self.keep {
            return self.flush().await;
        }
        Ok(())
    }

    /// Waits until those are sent whose futures were dropped, and gives `record` back.
    async fn after_the_others(&mut self, record: T) -> Result<T, Stopped> {
        let meter = self.meter.clone();
        let in_hand = InHand::new(&meter);
        self.flush().await?;
        in_hand.done();
        Ok(record)
    }

    /// Whether the next stage takes no more records.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.is_stopped
    }

    /// Sends what was kept.
    pub(super) async fn flush(&mut self) -> Result<(), Stopped> {
        let Self { output, meter, .. } = self;
        let flushed = if self.is_stopped {
            Err(Stopped)
        } else {
            until_ready(meter, Wait::Room, |waker| output.poll_flush(meter, waker)).await
        };
        if flushed.is_err() {
            self.is_stopped = true;
            self.drop_records();
        }
        self.meter.sent.add(std::mem::take(&mut self.given));
        flushed
    }

    /// All records of one input have been sent.
    pub(super) async fn end_turn(&mut self) -> Result<(), Stopped> {
        if !self.by_turns {
            return Ok(());
        }
        let last = self.held.take();
        let given = usize::from(last.is_some());
        {
            let in_hand = last.is_some().then(|| InHand::new(&self.meter));
            self.output.end_turn(last);
            in_hand.into_iter().for_each(InHand::done);
        }
        self.given += given;
        self.flush().await
    }

    fn drop_records(&mut self) {
        let rest = self.output.take_back();
        let held = self.held.take();
        let dropped = rest.len() + usize::from(held.is_some());
        self.meter.dropped.add(dropped);
        self.given -= rest.len();
    }
}

impl<T> Drop for AsyncEmit<T> {
    fn drop(&mut self) {
        self.drop_records();
        self.meter.sent.add(self.given);
    }
}

impl<T> fmt::Debug for AsyncEmit<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncEmit")
            .field("given", &self.given)
            .field("is_stopped", &self.is_stopped)
            .finish_non_exhaustive()
    }
}

/// Polls until it is ready; from the first time that it is not, the worker waits.
pub(super) async fn until_ready<R>(
    meter: &Meter,
    what: Wait,
    mut poll: impl FnMut(&Waker) -> Poll<R>,
) -> R {
    let mut waiting = None;
    poll_fn(|context| {
        let polled = poll(context.waker());
        if polled.is_pending() {
            waiting.get_or_insert_with(|| meter.wait(what));
        }
        polled
    })
    .await
}
