//! The edge between two stages: one channel or several, of the flavour that fits.

use std::vec::Drain;

use super::direct::{InputEnd, OutputEnd};
use super::emit::Stopped;
use super::meter::{Meter, Wait};
use super::sizing::TargetDelay;
use super::snapshot::ChannelGauge;
use super::tasks::edge::{PolledInput, PolledNowhere, PolledOutput, PolledSender};
use crate::channel::KeptReceiver;
use crate::channel::watched::Closer;
use crate::credit::Pool;
use crate::error::RecvError;
use crate::flavour::{Flavour, Spsc};
use crate::policy::OnFull;
use crate::sync::Padded;
use crate::{Builder, Receiver, Sender, channel};

/// What an edge is to be.
#[derive(Clone, Debug)]
pub(super) struct Spec {
    /// Of each of its channels.
    pub(super) capacity: usize,
    pub(super) on_full: OnFull,
    /// How many records are moved at once, at most.
    pub(super) batch: usize,
    /// If it sizes itself.
    pub(super) delay: Option<TargetDelay>,
}

impl Default for Spec {
    fn default() -> Self {
        Self {
            capacity: 64,
            on_full: OnFull::Block,
            batch: 1,
            delay: None,
        }
    }
}

impl Spec {
    fn channel<T>(&self) -> Builder<T> {
        channel(self.capacity).on_full(self.on_full)
    }
}

/// What a worker sends to.
pub(super) trait Output<T>: Send {
    /// Sends one.
    ///
    /// # Errors
    /// If no more are taken; with the record, if it was not even offered.
    fn send_one(&mut self, record: T, meter: &Meter) -> Result<(), Option<T>>;

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
    fn recv_one(&mut self, meter: &Meter) -> Result<T, RecvError>;

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
    fn send_one(&mut self, record: T, meter: &Meter) -> Result<(), Option<T>> {
        send_one(self, record, meter).map_err(|Stopped| None)
    }

    fn send(&mut self, records: &mut Vec<T>, meter: &Meter) -> Result<(), Stopped> {
        send(self, records, meter)
    }

    fn into_polled(self: Box<Self>) -> Box<dyn PolledOutput<T>> {
        Box::new(PolledSender::new(*self))
    }
}

/// What a policy refuses or evicts is counted by the channel, and dropped here.
#[inline(always)]
pub(super) fn send_one<T, F: Flavour>(
    sender: &mut Sender<T, F>,
    record: T,
    meter: &Meter,
) -> Result<(), Stopped> {
    let sent = sender.send_watched(record, || meter.wait(Wait::Room));
    sent.map(drop).map_err(|_| Stopped)
}

pub(super) fn send<T, F: Flavour>(
    sender: &mut Sender<T, F>,
    records: &mut Vec<T>,
    meter: &Meter,
) -> Result<(), Stopped> {
    from_front(records, |records| {
        sender.send_many_watched(records, || meter.wait(Wait::Room))
    })
}

/// Has `send` take records from the front; after an error, what it has not taken stays there.
pub(super) fn from_front<T, S, E>(
    records: &mut Vec<T>,
    send: impl FnOnce(&mut Drain<'_, T>) -> Result<S, E>,
) -> Result<(), Stopped> {
    let mut front = records.drain(..);
    let sent = send(&mut front).map(drop);
    if sent.is_err() {
        let left: Vec<T> = front.collect();
        *records = left;
    }
    sent.map_err(|_| Stopped)
}

impl<T: Send + 'static, F: Flavour + 'static> Input<T> for Receiver<T, F>
where
    Self: Send,
{
    fn recv_one(&mut self, meter: &Meter) -> Result<T, RecvError> {
        recv_one(self, meter)
    }

    fn recv(&mut self, records: &mut Vec<T>, limit: usize, meter: &Meter) -> Result<(), RecvError> {
        recv(self, records, limit, meter)
    }

    fn into_polled(self: Box<Self>) -> Box<dyn PolledInput<T>> {
        Box::new(KeptReceiver::new(*self))
    }
}

#[inline(always)]
pub(super) fn recv_one<T, F: Flavour>(
    receiver: &mut Receiver<T, F>,
    meter: &Meter,
) -> Result<T, RecvError> {
    receiver.recv_watched(|| meter.wait(Wait::Items))
}

pub(super) fn recv<T, F: Flavour>(
    receiver: &mut Receiver<T, F>,
    records: &mut Vec<T>,
    limit: usize,
    meter: &Meter,
) -> Result<(), RecvError> {
    let received = receiver.recv_many_watched(records, limit, || meter.wait(Wait::Items));
    received.map(drop)
}

/// The end of a pipeline: a sink sends nothing.
pub(super) struct Nowhere;

impl<T> Output<T> for Nowhere {
    fn send_one(&mut self, _: T, _: &Meter) -> Result<(), Option<T>> {
        Ok(())
    }

    fn send(&mut self, records: &mut Vec<T>, _: &Meter) -> Result<(), Stopped> {
        records.clear();
        Ok(())
    }

    fn into_polled(self: Box<Self>) -> Box<dyn PolledOutput<T>> {
        Box::new(PolledNowhere)
    }
}

/// On cache lines of their own, as workers are.
impl<T, O: Output<T>> Output<T> for Padded<O> {
    fn send_one(&mut self, record: T, meter: &Meter) -> Result<(), Option<T>> {
        O::send_one(self, record, meter)
    }

    fn send(&mut self, records: &mut Vec<T>, meter: &Meter) -> Result<(), Stopped> {
        O::send(self, records, meter)
    }

    fn end_turn(&mut self, records: &mut Vec<T>, meter: &Meter) -> Result<(), Stopped> {
        O::end_turn(self, records, meter)
    }

    fn into_polled(self: Box<Self>) -> Box<dyn PolledOutput<T>> {
        Box::new(self.into_inner()).into_polled()
    }
}

impl<T, I: Input<T>> Input<T> for Padded<I> {
    fn recv_one(&mut self, meter: &Meter) -> Result<T, RecvError> {
        I::recv_one(self, meter)
    }

    fn recv(&mut self, records: &mut Vec<T>, limit: usize, meter: &Meter) -> Result<(), RecvError> {
        I::recv(self, records, limit, meter)
    }

    fn into_polled(self: Box<Self>) -> Box<dyn PolledInput<T>> {
        Box::new(self.into_inner()).into_polled()
    }
}

/// What one channel of an edge is made of: what lies in it, and what its ends do.
pub(super) trait Carrier<T> {
    /// What lies in it.
    type Item: Send + 'static;
    /// What those who receive get.
    type Received;

    fn output<F: Flavour>(&self, sender: Sender<Self::Item, F>) -> Box<dyn Output<T>>
    where
        Sender<Self::Item, F>: Send;

    fn input<F: Flavour>(
        &self,
        receiver: Receiver<Self::Item, F>,
    ) -> Box<dyn Input<Self::Received>>
    where
        Receiver<Self::Item, F>: Send;

    /// That of one sender and one receiver.
    fn only_output(&self, sender: Sender<Self::Item, Spsc>) -> OutputEnd<T> {
        OutputEnd::Other(self.output(sender))
    }

    fn only_input(&self, receiver: Receiver<Self::Item, Spsc>) -> InputEnd<Self::Received> {
        InputEnd::Other(self.input(receiver))
    }

    /// The credits by which it is weighed.
    fn weight(&self) -> Option<&Pool> {
        None
    }

    /// The credits by which it is sized.
    fn size(&self) -> Option<&Pool> {
        None
    }
}

/// The records themselves.
pub(super) struct Plain;

impl<T: Send + 'static> Carrier<T> for Plain {
    type Item = T;
    type Received = T;

    fn output<F: Flavour>(&self, sender: Sender<T, F>) -> Box<dyn Output<T>>
    where
        Sender<T, F>: Send,
    {
        Box::new(Padded::new(sender))
    }

    fn input<F: Flavour>(&self, receiver: Receiver<T, F>) -> Box<dyn Input<T>>
    where
        Receiver<T, F>: Send,
    {
        Box::new(Padded::new(receiver))
    }

    fn only_output(&self, sender: Sender<T, Spsc>) -> OutputEnd<T> {
        OutputEnd::Direct(sender)
    }

    fn only_input(&self, receiver: Receiver<T, Spsc>) -> InputEnd<T> {
        InputEnd::Direct(receiver)
    }
}

/// The ends of a channel, whichever its flavour: records go in, and come out as `R`.
pub(super) struct Ends<T, R = T> {
    pub(super) outputs: Vec<OutputEnd<T>>,
    pub(super) inputs: Vec<InputEnd<R>>,
    pub(super) gauge: ChannelGauge,
    pub(super) closer: Closer,
}

impl<T, R> Ends<T, R> {
    /// For one at either side.
    ///
    /// # Panics
    /// If no memory can hold the capacity, or the policy cannot have it.
    pub(super) fn one<C>(carrier: &C, spec: &Spec) -> Self
    where
        C: Carrier<T, Received = R>,
    {
        let (tx, rx) = spec.channel().spsc().build();
        Self {
            gauge: gauge(carrier, &tx),
            closer: tx.closer(),
            outputs: vec![carrier.only_output(tx)],
            inputs: vec![carrier.only_input(rx)],
        }
    }

    /// For so many at either side.
    ///
    /// # Panics
    /// If no memory can hold the capacity, or the policy cannot have it.
    pub(super) fn new<C>(carrier: &C, spec: &Spec, senders: usize, receivers: usize) -> Self
    where
        C: Carrier<T, Received = R>,
    {
        let channel = spec.channel();
        match (senders, receivers) {
            (1, 1) => Self::one(carrier, spec),
            (_, 1) => {
                let (tx, rx) = channel.mpsc().build();
                Self::of(carrier, copies(tx, senders), vec![rx])
            }
            (1, _) => {
                let (tx, rx) = channel.spmc().build();
                Self::of(carrier, vec![tx], copies(rx, receivers))
            }
            _ => {
                let (tx, rx) = channel.mpmc().build();
                Self::of(carrier, copies(tx, senders), copies(rx, receivers))
            }
        }
    }

    fn of<C, F>(carrier: &C, txs: Vec<Sender<C::Item, F>>, rxs: Vec<Receiver<C::Item, F>>) -> Self
    where
        C: Carrier<T, Received = R>,
        F: Flavour,
        Sender<C::Item, F>: Send,
        Receiver<C::Item, F>: Send,
        F::Tx<C::Item>: Send + Sync + 'static,
        F::Rx<C::Item>: Send + Sync + 'static,
        F::Gauge<C::Item>: Send + Sync + 'static,
    {
        let outputs = |tx| OutputEnd::Other(carrier.output(tx));
        let inputs = |rx| InputEnd::Other(carrier.input(rx));
        Self {
            gauge: gauge(carrier, &txs[0]),
            closer: txs[0].closer(),
            outputs: txs.into_iter().map(outputs).collect(),
            inputs: rxs.into_iter().map(inputs).collect(),
        }
    }
}

fn gauge<T, C, F>(carrier: &C, sender: &Sender<C::Item, F>) -> ChannelGauge
where
    C: Carrier<T>,
    F: Flavour<Gauge<C::Item>: Send + Sync + 'static>,
{
    ChannelGauge {
        monitor: sender.monitor(),
        weight: carrier.weight().cloned(),
        size: carrier.size().cloned(),
    }
}

fn copies<E: Clone>(end: E, n: usize) -> Vec<E> {
    std::iter::repeat_n(end, n).collect()
}
