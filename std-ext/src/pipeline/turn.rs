//! Order across parallel workers, without numbers and without a buffer of its own: records go
//! to the workers in turn, each over its own channel, and what comes of them is taken from
//! the workers in the same turn. What waits for its turn waits in the channels.

use super::edge::{Input, Output};
use super::emit::Stopped;
use super::meter::Meter;
use super::tasks::edge::{PolledInTurn, PolledInput, PolledOutput, PolledTurns};
use crate::error::RecvError;

/// What came of one record: any number of `More`, and then one of the others.
pub(super) enum Turn<T> {
    More(T),
    Last(T),
    /// The turn is over, and has had its last record, or none.
    Over,
}

impl<T> Turn<T> {
    /// Whether nothing more comes of the same record.
    pub(super) fn is_over(&self) -> bool {
        !matches!(self, Self::More(_))
    }

    /// What it has, unless it is a mark.
    pub(super) fn record(&self) -> Option<&T> {
        match self {
            Self::More(record) | Self::Last(record) => Some(record),
            Self::Over => None,
        }
    }

    pub(super) fn into_record(self) -> Option<T> {
        match self {
            Self::More(record) | Self::Last(record) => Some(record),
            Self::Over => None,
        }
    }

    pub(super) fn map<U>(self, f: impl FnOnce(T) -> U) -> Turn<U> {
        match self {
            Self::More(record) => Turn::More(f(record)),
            Self::Last(record) => Turn::Last(f(record)),
            Self::Over => Turn::Over,
        }
    }
}

/// Says where each turn ends.
pub(super) struct TurnOutput<T> {
    output: Box<dyn Output<Turn<T>>>,
    turns: Vec<Turn<T>>,
}

impl<T> TurnOutput<T> {
    pub(super) fn new(output: Box<dyn Output<Turn<T>>>) -> Self {
        let turns = Vec::new();
        Self { output, turns }
    }

    /// Puts back what was not offered.
    fn give(&mut self, records: &mut Vec<T>, meter: &Meter) -> Result<(), Stopped> {
        let given = self.output.send(&mut self.turns, meter);
        let left = self.turns.drain(..);
        records.extend(left.filter_map(Turn::into_record));
        given
    }
}

impl<T: Send + 'static> Output<T> for TurnOutput<T> {
    fn send_one(&mut self, record: T, meter: &Meter) -> Result<(), Option<T>> {
        let sent = self.output.send_one(Turn::More(record), meter);
        sent.map_err(|left| left.and_then(Turn::into_record))
    }

    fn send(&mut self, records: &mut Vec<T>, meter: &Meter) -> Result<(), Stopped> {
        self.turns.extend(records.drain(..).map(Turn::More));
        self.give(records, meter)
    }

    fn end_turn(&mut self, records: &mut Vec<T>, meter: &Meter) -> Result<(), Stopped> {
        let last = records.pop().map_or(Turn::Over, Turn::Last);
        self.turns.extend(records.drain(..).map(Turn::More));
        self.turns.push(last);
        self.give(records, meter)
    }

    fn into_polled(self: Box<Self>) -> Box<dyn PolledOutput<T>> {
        Box::new(PolledTurns(self.output.into_polled()))
    }
}

/// Takes from several inputs in turn. The first that has ended when its turn comes is the
/// end of all: none of the others can have a record before it.
pub(super) struct InTurn<E> {
    inputs: Vec<Box<dyn Input<E>>>,
    next: usize,
}

impl<E> InTurn<E> {
    pub(super) fn new(inputs: Vec<Box<dyn Input<E>>>) -> Self {
        Self { inputs, next: 0 }
    }
}

impl<T, E> Input<T> for InTurn<E>
where
    T: 'static,
    E: Into<Turn<T>> + Send + 'static,
{
    fn recv_one(&mut self, meter: &Meter) -> Result<T, RecvError> {
        loop {
            let turn = self.inputs[self.next].recv_one(meter)?.into();
            if turn.is_over() {
                self.next = (self.next + 1) % self.inputs.len();
            }
            if let Some(record) = turn.into_record() {
                return Ok(record);
            }
        }
    }

    /// One record, since the next may be another's.
    fn recv(&mut self, records: &mut Vec<T>, _: usize, meter: &Meter) -> Result<(), RecvError> {
        records.push(self.recv_one(meter)?);
        Ok(())
    }

    fn into_polled(self: Box<Self>) -> Box<dyn PolledInput<T>> {
        let Self { inputs, next } = *self;
        let inputs = inputs.into_iter().map(Input::into_polled).collect();
        Box::new(PolledInTurn {
            inputs,
            next,
            turns: Vec::with_capacity(1),
        })
    }
}
