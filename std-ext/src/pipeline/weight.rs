//! Edges that are bounded by weight as well: a record goes with the credits that it costs, and
//! whoever works on it keeps them until it is through.

use std::collections::VecDeque;
use std::fmt;
use std::slice;
use std::sync::Arc;
use std::task::{Poll, Waker, ready};

use super::edge::{Carrier, Input, Output, from_front};
use super::emit::{Emit, Stopped};
use super::meter::{Meter, Wait};
use super::sized::Sizing;
use super::tasks::edge::{PolledInput, PolledOutput};
use super::turn::Turn;
use super::work::{BoxError, Work};
use crate::channel::weighted::{self, Twice, Weighted};
use crate::channel::{KeptSender, Sends};
use crate::credit::{Lease, Oversized, Pool, Rules};
use crate::error::RecvError;
use crate::flavour::Flavour;
use crate::sync::Padded;
use crate::{Receiver, Sender};

type Weigh<T> = Arc<dyn Fn(&T) -> u64 + Send + Sync>;

/// What the records of an edge weigh, and how much each of its channels takes.
pub struct Weights<T> {
    limit: u64,
    weigh: Weigh<T>,
}

impl<T> fmt::Debug for Weights<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Weights")
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

impl<T> Clone for Weights<T> {
    fn clone(&self) -> Self {
        let (limit, weigh) = (self.limit, self.weigh.clone());
        Self { limit, weigh }
    }
}

impl<T: 'static> Weights<T> {
    pub(super) fn new(limit: u64, weigh: impl Fn(&T) -> u64 + Send + Sync + 'static) -> Self {
        let weigh = Arc::new(weigh);
        Self { limit, weigh }
    }

    /// The same where records are sent in turn: a mark weighs nothing.
    pub(super) fn of_turns(&self) -> Weights<Turn<T>> {
        let weigh = self.weigh.clone();
        Weights::new(self.limit, move |turn: &Turn<T>| {
            turn.record().map_or(0, |record| weigh(record))
        })
    }

    /// What one channel is made of.
    pub(super) fn of_channel(&self) -> Weighing<T> {
        let rules = Rules::default().oversized(Oversized::Alone);
        let pool = Pool::with_rules(self.limit, rules).expect("checked when it was said");
        let weigh = self.weigh.clone();
        Weighing { pool, weigh }
    }
}

/// A record and its weight, which may be more than its credits are.
#[derive(Debug)]
pub struct Weighed<T> {
    record: T,
    weight: u64,
}

impl<T> Weighed<T> {
    fn weight(&self) -> u64 {
        self.weight
    }
}

/// What lies in a weighed channel, and its workers receive.
pub(super) type Heavy<T> = Weighted<Weighed<T>>;

/// One weighed channel.
pub(super) struct Weighing<T> {
    pool: Pool,
    weigh: Weigh<T>,
}

impl<T: Send + 'static> Carrier<T> for Weighing<T> {
    type Item = Heavy<T>;
    type Received = Heavy<T>;

    fn output<F: Flavour>(&self, sender: Sender<Heavy<T>, F>) -> Box<dyn Output<T>>
    where
        Sender<Heavy<T>, F>: Send,
    {
        Box::new(Padded::new(WeighingOutput {
            sender: weighted::Sender::new(sender, self.pool.clone(), Arc::new(Weighed::weight)),
            weigh: self.weigh.clone(),
            weights: Vec::new(),
        }))
    }

    fn input<F: Flavour>(&self, receiver: Receiver<Heavy<T>, F>) -> Box<dyn Input<Heavy<T>>>
    where
        Receiver<Heavy<T>, F>: Send,
    {
        Box::new(Padded::new(WeighedInput(receiver)))
    }

    fn weight(&self) -> Option<&Pool> {
        Some(&self.pool)
    }
}

/// One channel that is weighed, and sized as well.
pub(super) struct SizedWeighing<T> {
    weighing: Weighing<T>,
    sizing: Sizing,
}

impl<T> SizedWeighing<T> {
    pub(super) fn new(weighing: Weighing<T>, sizing: Sizing) -> Self {
        Self { weighing, sizing }
    }
}

impl<T: Send + 'static> Carrier<T> for SizedWeighing<T> {
    type Item = Weighted<Heavy<T>>;
    type Received = Heavy<T>;

    fn output<F: Flavour>(&self, sender: Sender<Weighted<Heavy<T>>, F>) -> Box<dyn Output<T>>
    where
        Sender<Weighted<Heavy<T>>, F>: Send,
    {
        let Weighing { pool, weigh } = &self.weighing;
        let sender = self.sizing.sender(sender);
        Box::new(Padded::new(SizedWeighingOutput {
            sender: Twice::new(sender, pool.clone(), Arc::new(Weighed::weight)),
            weigh: weigh.clone(),
            weights: Vec::new(),
        }))
    }

    fn input<F: Flavour>(
        &self,
        receiver: Receiver<Weighted<Heavy<T>>, F>,
    ) -> Box<dyn Input<Heavy<T>>>
    where
        Receiver<Weighted<Heavy<T>>, F>: Send,
    {
        Box::new(Padded::new(WeighedInput(self.sizing.receiver(receiver))))
    }

    fn weight(&self) -> Option<&Pool> {
        Some(&self.weighing.pool)
    }

    fn size(&self) -> Option<&Pool> {
        Some(self.sizing.room())
    }
}

struct SizedWeighingOutput<T, F: Flavour> {
    /// Takes a record's weight, and then its place.
    sender: Twice<Weighed<T>, F>,
    weigh: Weigh<T>,
    /// Of the records that are about to be sent.
    weights: Vec<u64>,
}

impl<T: Send + 'static, F: Flavour> Output<T> for SizedWeighingOutput<T, F>
where
    Sender<Weighted<Heavy<T>>, F>: Send,
{
    fn send_one(&mut self, record: T, meter: &Meter) -> Result<(), Option<T>> {
        let weight = (self.weigh)(&record);
        meter.sent_weight.add_weight(weight);
        let waits = || meter.wait(Wait::Room);
        let record = Weighed { record, weight };
        let sent = self.sender.send_watched(record, waits);
        sent.map(drop).map_err(|_| None)
    }

    fn send(&mut self, records: &mut Vec<T>, meter: &Meter) -> Result<(), Stopped> {
        let Self {
            sender,
            weigh,
            weights,
        } = self;
        weights.clear();
        weights.extend(records.iter().map(|record| weigh(record)));
        let waits = || meter.wait(Wait::Room);
        from_front(records, |records| {
            records.zip(&*weights).try_for_each(|(record, &weight)| {
                meter.sent_weight.add_weight(weight);
                let sent = sender.send_watched(Weighed { record, weight }, waits);
                sent.map(drop)
            })
        })
    }

    fn into_polled(self: Box<Self>) -> Box<dyn PolledOutput<T>> {
        Box::new(WeighingPolled::new(self.sender, self.weigh))
    }
}

struct WeighingOutput<T, F: Flavour> {
    sender: weighted::Sender<Weighed<T>, F>,
    weigh: Weigh<T>,
    /// Of the records that are about to be sent.
    weights: Vec<u64>,
}

impl<T: Send + 'static, F: Flavour> Output<T> for WeighingOutput<T, F>
where
    Sender<Heavy<T>, F>: Send,
{
    fn send_one(&mut self, record: T, meter: &Meter) -> Result<(), Option<T>> {
        let weight = (self.weigh)(&record);
        meter.sent_weight.add_weight(weight);
        let waits = || meter.wait(Wait::Room);
        let sent = self.sender.send_watched(Weighed { record, weight }, waits);
        sent.map(drop).map_err(|_| None)
    }

    fn send(&mut self, records: &mut Vec<T>, meter: &Meter) -> Result<(), Stopped> {
        let Self {
            sender,
            weigh,
            weights,
        } = self;
        // All, before the first is offered: if it panics, none was.
        weights.clear();
        weights.extend(records.iter().map(|record| weigh(record)));
        let waits = || meter.wait(Wait::Room);
        from_front(records, |records| {
            let weighed = records.zip(&*weights).map(|(record, &weight)| {
                meter.sent_weight.add_weight(weight);
                Weighed { record, weight }
            });
            sender.send_many_watched(weighed, waits)
        })
    }

    fn into_polled(self: Box<Self>) -> Box<dyn PolledOutput<T>> {
        Box::new(WeighingPolled::new(self.sender, self.weigh))
    }
}

/// What a task sends to.
struct WeighingPolled<T, S: Sends<Weighed<T>>> {
    sender: KeptSender<Weighed<T>, S>,
    weigh: Weigh<T>,
    records: VecDeque<Weighed<T>>,
}

impl<T, S: Sends<Weighed<T>>> WeighingPolled<T, S> {
    fn new(sender: S, weigh: Weigh<T>) -> Self {
        Self {
            sender: KeptSender::new(sender),
            weigh,
            records: VecDeque::new(),
        }
    }
}

impl<T: Send, S: Sends<Weighed<T>>> PolledOutput<T> for WeighingPolled<T, S>
where
    KeptSender<Weighed<T>, S>: Send,
{
    fn put(&mut self, record: T) {
        let weight = (self.weigh)(&record);
        self.records.push_back(Weighed { record, weight });
    }

    fn poll_flush(&mut self, meter: &Meter, waker: &Waker) -> Poll<Result<(), Stopped>> {
        let Self {
            sender, records, ..
        } = self;
        let next = || {
            let next = records.pop_front();
            next.inspect(|record| meter.sent_weight.add_weight(record.weight))
        };
        let sent = ready!(sender.poll_send(next, waker));
        Poll::Ready(sent.map_err(|_| Stopped))
    }

    /// The one with which it waits is offered: the channel counts it as cancelled.
    fn take_back(&mut self) -> Vec<T> {
        self.sender.cancel();
        let records = self.records.drain(..);
        records.map(|weighed| weighed.record).collect()
    }
}

/// Counts what comes out of a channel.
struct WeighedInput<N>(N);

impl<T: Send + 'static, N: Input<Heavy<T>>> Input<Heavy<T>> for WeighedInput<N> {
    fn recv_one(&mut self, meter: &Meter) -> Result<Heavy<T>, RecvError> {
        let record = self.0.recv_one(meter)?;
        count(slice::from_ref(&record), meter);
        Ok(record)
    }

    fn recv(
        &mut self,
        records: &mut Vec<Heavy<T>>,
        limit: usize,
        meter: &Meter,
    ) -> Result<(), RecvError> {
        let had = records.len();
        self.0.recv(records, limit, meter)?;
        count(&records[had..], meter);
        Ok(())
    }

    fn into_polled(self: Box<Self>) -> Box<dyn PolledInput<Heavy<T>>> {
        Box::new(WeighedPolled(Box::new(self.0).into_polled()))
    }
}

/// The same, of a task.
struct WeighedPolled<T>(Box<dyn PolledInput<Heavy<T>>>);

impl<T> PolledInput<Heavy<T>> for WeighedPolled<T> {
    fn poll_recv(
        &mut self,
        records: &mut Vec<Heavy<T>>,
        limit: usize,
        meter: &Meter,
        waker: &Waker,
    ) -> Poll<Result<(), RecvError>> {
        let had = records.len();
        ready!(self.0.poll_recv(records, limit, meter, waker))?;
        count(&records[had..], meter);
        Poll::Ready(Ok(()))
    }
}

fn count<T>(received: &[Heavy<T>], meter: &Meter) {
    for record in received {
        meter.received_weight.add_weight(record.weight);
    }
}

/// Work on records that keep their credits until it is done, or panics.
#[derive(Clone, Debug)]
pub struct OnHeavy<W>(pub(super) W);

impl<I, O, W: Work<I, O>> Work<Heavy<I>, O> for OnHeavy<W> {
    #[inline]
    fn work(&mut self, record: Heavy<I>, emit: &mut Emit<O>) -> Result<(), BoxError> {
        let (record, _lease) = record_of(record);
        self.0.work(record, emit)
    }
}

/// The record, and its credits.
pub(super) fn record_of<T>(heavy: Heavy<T>) -> (T, Lease) {
    let (weighed, lease) = heavy.into_parts();
    (weighed.record, lease)
}

/// A turn that has left its channel: its record, with the credits.
impl<T> From<Heavy<Turn<T>>> for Turn<Heavy<T>> {
    fn from(heavy: Heavy<Turn<T>>) -> Self {
        let (weighed, lease) = heavy.into_parts();
        let weight = weighed.weight;
        weighed
            .record
            .map(|record| Weighted::of_parts(Weighed { record, weight }, lease))
    }
}
