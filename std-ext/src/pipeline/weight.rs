//! Edges that are bounded by weight as well: a record goes with the credits that it costs, and
//! whoever works on it keeps them until it is through.

use std::fmt;
use std::sync::Arc;
use std::task::{Poll, Waker, ready};

use super::edge::{Carrier, Input, Output, from_front};
use super::emit::{Emit, Stopped};
use super::meter::{Meter, Wait};
use super::sized::Sizing;
use super::tasks::edge::{PolledInput, PolledOutput, no_task_sends};
use super::turn::Turn;
use super::work::{BoxError, Work};
use crate::channel::weighted::{self, Weighted};
use crate::credit::{Lease, Oversized, Pool, Rules};
use crate::error::RecvError;
use crate::flavour::Flavour;
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
        let weight = Arc::new(|weighed: &Weighed<T>| weighed.weight);
        Box::new(WeighingOutput {
            sender: weighted::Sender::new(sender, self.pool.clone(), weight),
            weigh: self.weigh.clone(),
            weights: Vec::new(),
        })
    }

    fn input<F: Flavour>(&self, receiver: Receiver<Heavy<T>, F>) -> Box<dyn Input<Heavy<T>>>
    where
        Receiver<Heavy<T>, F>: Send,
    {
        Box::new(WeighedInput(receiver))
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
        Box::new(SizedWeighingOutput {
            sender: self.sizing.sender(sender),
            pool: self.weighing.pool.clone(),
            weigh: self.weighing.weigh.clone(),
            weights: Vec::new(),
        })
    }

    fn input<F: Flavour>(
        &self,
        receiver: Receiver<Weighted<Heavy<T>>, F>,
    ) -> Box<dyn Input<Heavy<T>>>
    where
        Receiver<Weighted<Heavy<T>>, F>: Send,
    {
        Box::new(WeighedInput(self.sizing.receiver(receiver)))
    }

    fn weight(&self) -> Option<&Pool> {
        Some(&self.weighing.pool)
    }

    fn size(&self) -> Option<&Pool> {
        Some(self.sizing.room())
    }
}

struct SizedWeighingOutput<T, F: Flavour> {
    /// Takes a record's place; its weight has been taken before.
    sender: weighted::Sender<Heavy<T>, F>,
    pool: Pool,
    weigh: Weigh<T>,
    /// Of the records that are about to be sent.
    weights: Vec<u64>,
}

impl<T: Send, F: Flavour> Output<T> for SizedWeighingOutput<T, F>
where
    Sender<Weighted<Heavy<T>>, F>: Send,
{
    fn send(&mut self, records: &mut Vec<T>, meter: &Meter) -> Result<(), Stopped> {
        let Self {
            sender,
            pool,
            weigh,
            weights,
        } = self;
        weights.clear();
        weights.extend(records.iter().map(|record| weigh(record)));
        let waits = || meter.wait(Wait::Room);
        from_front(records, |records| {
            records.zip(&*weights).try_for_each(|(record, &weight)| {
                meter.sent_weight.add_weight(weight);
                let record = Weighed { record, weight };
                let sent = sender.send_paid_twice(record, pool, weight, waits);
                sent.map(drop)
            })
        })
    }

    fn into_polled(self: Box<Self>) -> Box<dyn PolledOutput<T>> {
        no_task_sends()
    }
}

struct WeighingOutput<T, F: Flavour> {
    sender: weighted::Sender<Weighed<T>, F>,
    weigh: Weigh<T>,
    /// Of the records that are about to be sent.
    weights: Vec<u64>,
}

impl<T: Send, F: Flavour> Output<T> for WeighingOutput<T, F>
where
    Sender<Heavy<T>, F>: Send,
{
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
        if let [weight] = weights[..] {
            let record = records.pop().expect("there is one");
            meter.sent_weight.add_weight(weight);
            let sent = sender.send_watched(Weighed { record, weight }, waits);
            return sent.map(drop).map_err(|_| Stopped);
        }
        from_front(records, |records| {
            let weighed = records.zip(&*weights).map(|(record, &weight)| {
                meter.sent_weight.add_weight(weight);
                Weighed { record, weight }
            });
            sender.send_many_watched(weighed, waits)
        })
    }

    fn into_polled(self: Box<Self>) -> Box<dyn PolledOutput<T>> {
        no_task_sends()
    }
}

/// Counts what comes out of a channel.
struct WeighedInput<N>(N);

impl<T: Send + 'static, N: Input<Heavy<T>>> Input<Heavy<T>> for WeighedInput<N> {
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
