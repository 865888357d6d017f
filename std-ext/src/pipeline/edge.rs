//! The edge between two stages: one channel or several, of the flavour that fits.

use super::emit::Stopped;
use super::meter::{Meter, Wait};
use super::tasks::edge::{PolledInput, PolledNowhere, PolledOutput, PolledSender};
use crate::channel::KeptReceiver;
use crate::channel::watched::Closer;
use crate::error::RecvError;
use crate::flavour::Flavour;
use crate::policy::OnFull;
use crate::stats::Monitor;
use crate::{Receiver, Sender, channel};

/// What an edge is to be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spec {
    /// Of each of its channels.
    pub(super) capacity: usize,
    pub(super) on_full: OnFull,
    /// How many records are moved at once, at most.
    pub(super) batch: usize,
}

impl Default for Spec {
    fn default() -> Self {
        Self {
            capacity: 64,
            on_full: OnFull::Block,
            batch: 1,
        }
    }
}

/// What a worker sends to.
pub(super) trait Output<T>: Send {
    /// Sends all of `records`. What is left there after an error was not offered.
    fn send(&mut self, records: &mut Vec<T>, meter: &Meter) -> Result<(), Stopped>;

    /// Sends what is left of a turn, and says that it is over.
    fn end_turn(&mut self, records: &mut Vec<T>, meter: &Meter) -> Result<(), Stopped> {
        self.send(records, meter)
    }

    /// The same, for a task.
    fn into_polled(self: Box<Self>) -> Box<dyn PolledOutput<T>>;
}

/// What a worker receives from.
pub(super) trait Input<T>: Send {
    /// Appends up to `limit` records, at least one.
    fn recv(&mut self, records: &mut Vec<T>, limit: usize, meter: &Meter) -> Result<(), RecvError>;

    /// The same, for a task.
    fn into_polled(self: Box<Self>) -> Box<dyn PolledInput<T>>;
}

impl<T: Send + 'static, F: Flavour + 'static> Output<T> for Sender<T, F>
where
    Self: Send,
    F::Tx<T>: 'static,
    F::Gauge<T>: 'static,
{
    fn send(&mut self, records: &mut Vec<T>, meter: &Meter) -> Result<(), Stopped> {
        let waits = || meter.wait(Wait::Room);
        // What a policy refuses or evicts is counted by the channel, and dropped here.
        if records.len() == 1 {
            let record = records.pop().expect("there is one");
            let sent = self.send_watched(record, waits);
            return sent.map(drop).map_err(|_| Stopped);
        }
        let mut left = records.drain(..);
        let sent = self.send_many_watched(left.by_ref(), waits);
        if sent.is_err() {
            let left: Vec<T> = left.collect();
            *records = left;
            return Err(Stopped);
        }
        Ok(())
    }

    fn into_polled(self: Box<Self>) -> Box<dyn PolledOutput<T>> {
        Box::new(PolledSender::new(*self))
    }
}

impl<T: Send + 'static, F: Flavour + 'static> Input<T> for Receiver<T, F>
where
    Self: Send,
{
    fn recv(&mut self, records: &mut Vec<T>, limit: usize, meter: &Meter) -> Result<(), RecvError> {
        self.recv_many_watched(records, limit, || meter.wait(Wait::Items))
            .map(drop)
    }

    fn into_polled(self: Box<Self>) -> Box<dyn PolledInput<T>> {
        Box::new(KeptReceiver::new(*self))
    }
}

/// The end of a pipeline: a sink sends nothing.
pub(super) struct Nowhere;

impl<T> Output<T> for Nowhere {
    fn send(&mut self, records: &mut Vec<T>, _: &Meter) -> Result<(), Stopped> {
        records.clear();
        Ok(())
    }

    fn into_polled(self: Box<Self>) -> Box<dyn PolledOutput<T>> {
        Box::new(PolledNowhere)
    }
}

/// The ends of a channel, whichever its flavour.
pub(super) struct Ends<T> {
    pub(super) outputs: Vec<Box<dyn Output<T>>>,
    pub(super) inputs: Vec<Box<dyn Input<T>>>,
    pub(super) monitor: Monitor,
    pub(super) closer: Closer,
}

impl<T: Send + 'static> Ends<T> {
    /// # Panics
    /// If no memory can hold the capacity, or the policy cannot have it.
    pub(super) fn new(spec: &Spec, senders: usize, receivers: usize) -> Self {
        let channel = channel(spec.capacity).on_full(spec.on_full);
        match (senders, receivers) {
            (1, 1) => {
                let (tx, rx) = channel.spsc().build();
                Self::of(vec![tx], vec![rx])
            }
            (_, 1) => {
                let (tx, rx) = channel.mpsc().build();
                Self::of(copies(tx, senders), vec![rx])
            }
            (1, _) => {
                let (tx, rx) = channel.spmc().build();
                Self::of(vec![tx], copies(rx, receivers))
            }
            _ => {
                let (tx, rx) = channel.mpmc().build();
                Self::of(copies(tx, senders), copies(rx, receivers))
            }
        }
    }

    fn of<F: Flavour>(txs: Vec<Sender<T, F>>, rxs: Vec<Receiver<T, F>>) -> Self
    where
        Sender<T, F>: Send,
        Receiver<T, F>: Send,
        F::Tx<T>: Send + Sync + 'static,
        F::Rx<T>: Send + Sync + 'static,
        F::Gauge<T>: Send + Sync + 'static,
    {
        let (monitor, closer) = (txs[0].monitor(), txs[0].closer());
        let output = |tx| -> Box<dyn Output<T>> { Box::new(tx) };
        let input = |rx| -> Box<dyn Input<T>> { Box::new(rx) };
        Self {
            outputs: txs.into_iter().map(output).collect(),
            inputs: rxs.into_iter().map(input).collect(),
            monitor,
            closer,
        }
    }
}

fn copies<E: Clone>(end: E, n: usize) -> Vec<E> {
    std::iter::repeat_n(end, n).collect()
}
