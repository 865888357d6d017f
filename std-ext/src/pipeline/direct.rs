//! The ends of edges as workers have them: those of the commonest channel themselves, so that what
//! they do for each record is compiled into the worker, and all others behind a pointer.
//!
//! What goes through the commonest is counted by the channel alone, by the positions of its ring.

use super::edge::{self, Input, Output};
use super::emit::Stopped;
use super::meter::{InHand, Meter};
use crate::error::RecvError;
use crate::flavour::Spsc;
use crate::sync::{Ordering, Padded};
use crate::{Receiver, Sender};

/// What a worker sends to.
pub(super) enum OutputEnd<T> {
    /// One sender and one receiver, of the records themselves.
    Direct(Sender<T, Spsc>),
    Other(Box<dyn Output<T>>),
}

/// What a worker receives from.
pub(super) enum InputEnd<T> {
    Direct(Receiver<T, Spsc>),
    Other(Box<dyn Input<T>>),
}

impl<T: Send + 'static> OutputEnd<T> {
    /// To be a part of others.
    pub(super) fn boxed(self) -> Box<dyn Output<T>> {
        match self {
            Self::Direct(sender) => Box::new(Padded::new(sender)),
            Self::Other(output) => output,
        }
    }
}

impl<T: Send + 'static> InputEnd<T> {
    /// To be a part of others.
    pub(super) fn boxed(self) -> Box<dyn Input<T>> {
        match self {
            Self::Direct(receiver) => Box::new(Padded::new(receiver)),
            Self::Other(input) => input,
        }
    }
}

impl<T> OutputEnd<T> {
    /// For the worker that has it: who counts what is sent.
    pub(super) fn begin(&self, meter: &Meter) {
        let is_direct = matches!(self, Self::Direct(_));
        // ORDERING: Relaxed; looked at for snapshots, which come after the pipeline is made.
        meter.by_edges.sent.store(is_direct, Ordering::Relaxed);
    }

    #[inline(always)]
    pub(super) fn send_one(&mut self, record: T, meter: &Meter) -> Result<(), Stopped> {
        match self {
            Self::Direct(sender) => edge::send_one(sender, record, meter),
            Self::Other(output) => {
                // Closures of the user's may panic before it is offered.
                let in_hand = InHand::new(meter);
                let sent = output.send_one(record, meter);
                if !matches!(sent, Err(Some(_))) {
                    in_hand.done();
                    meter.sent.add(1);
                }
                sent.map_err(|_| Stopped)
            }
        }
    }

    pub(super) fn send(&mut self, records: &mut Vec<T>, meter: &Meter) -> Result<(), Stopped> {
        match self {
            Self::Direct(sender) => edge::send(sender, records, meter),
            Self::Other(output) => {
                let had = records.len();
                let sent = output.send(records, meter);
                meter.sent.add(had - records.len());
                sent
            }
        }
    }

    pub(super) fn end_turn(&mut self, records: &mut Vec<T>, meter: &Meter) -> Result<(), Stopped> {
        match self {
            Self::Direct(sender) => edge::send(sender, records, meter),
            Self::Other(output) => {
                let had = records.len();
                let sent = output.end_turn(records, meter);
                meter.sent.add(had - records.len());
                sent
            }
        }
    }
}

impl<T> InputEnd<T> {
    /// For the worker that has it: who counts what is received.
    pub(super) fn begin(&self, meter: &Meter) {
        let is_direct = matches!(self, Self::Direct(_));
        // ORDERING: Relaxed; as for what is sent.
        meter.by_edges.received.store(is_direct, Ordering::Relaxed);
    }

    #[inline(always)]
    pub(super) fn recv_one(&mut self, meter: &Meter) -> Result<T, RecvError> {
        match self {
            Self::Direct(receiver) => edge::recv_one(receiver, meter),
            Self::Other(input) => {
                let record = input.recv_one(meter)?;
                meter.received.add(1);
                Ok(record)
            }
        }
    }

    pub(super) fn recv(
        &mut self,
        records: &mut Vec<T>,
        limit: usize,
        meter: &Meter,
    ) -> Result<(), RecvError> {
        match self {
            Self::Direct(receiver) => edge::recv(receiver, records, limit, meter),
            Self::Other(input) => {
                let had = records.len();
                input.recv(records, limit, meter)?;
                meter.received.add(records.len() - had);
                Ok(())
            }
        }
    }
}
