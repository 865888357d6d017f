//! Where a stage puts its records.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use super::direct::OutputEnd;
use super::meter::Meter;
use crate::sync::Padded;

/// Where a stage puts its records: the edge to the next stage.
pub struct Emit<T> {
    output: OutputEnd<T>,
    records: Vec<T>,
    /// How many are kept to be sent together.
    keep: usize,
    /// Whether the next stage must know which records came of one.
    by_turns: bool,
    meter: Arc<Padded<Meter>>,
    is_stopped: bool,
}

/// The next stage takes no more records: the pipeline is cancelled, or has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopped;

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the next stage takes no more records")
    }
}

impl Error for Stopped {}

impl<T> Emit<T> {
    pub(super) fn new(
        output: OutputEnd<T>,
        batch: usize,
        by_turns: bool,
        meter: Arc<Padded<Meter>>,
    ) -> Self {
        output.begin(&meter);
        Self {
            output,
            records: Vec::new(),
            // The last of a turn is marked, so it is known only when the turn is over.
            keep: if by_turns { batch } else { batch - 1 },
            by_turns,
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
    #[inline]
    pub fn send(&mut self, record: T) -> Result<(), Stopped> {
        if self.keep == 0 {
            return self.send_one(record);
        }
        self.records.push(record);
        if self.records.len() > self.keep {
            return self.flush();
        }
        Ok(())
    }

    /// Whether the next stage takes no more records.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.is_stopped
    }

    /// Sends one alone.
    #[inline(always)]
    fn send_one(&mut self, record: T) -> Result<(), Stopped> {
        if self.is_stopped {
            self.meter.dropped.add(1);
            return Err(Stopped);
        }
        let sent = self.output.send_one(record, &self.meter);
        if sent.is_err() {
            self.is_stopped = true;
        }
        sent
    }

    /// Sends what was kept.
    #[inline(always)]
    pub(super) fn flush(&mut self) -> Result<(), Stopped> {
        if self.records.is_empty() {
            return Ok(());
        }
        self.send_kept()
    }

    fn send_kept(&mut self) -> Result<(), Stopped> {
        if self.records.len() == 1 {
            let record = self.records.pop().expect("there is one");
            return self.send_one(record);
        }
        self.give(|output, records, meter| output.send(records, meter))
    }

    /// All records of one input have been sent.
    #[inline]
    pub(super) fn end_turn(&mut self) -> Result<(), Stopped> {
        if !self.by_turns {
            return Ok(());
        }
        self.give(|output, records, meter| output.end_turn(records, meter))
    }

    #[inline]
    fn give(
        &mut self,
        give: impl FnOnce(&mut OutputEnd<T>, &mut Vec<T>, &Meter) -> Result<(), Stopped>,
    ) -> Result<(), Stopped> {
        let given = if self.is_stopped {
            Err(Stopped)
        } else {
            give(&mut self.output, &mut self.records, &self.meter)
        };
        if given.is_err() {
            self.is_stopped = true;
            self.drop_records();
        }
        given
    }

    fn drop_records(&mut self) {
        self.meter.dropped.add(self.records.len());
        self.records.clear();
    }
}

impl<T> Drop for Emit<T> {
    fn drop(&mut self) {
        self.drop_records();
    }
}

impl<T> fmt::Debug for Emit<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emit")
            .field("kept", &self.records.len())
            .field("is_stopped", &self.is_stopped)
            .finish_non_exhaustive()
    }
}
