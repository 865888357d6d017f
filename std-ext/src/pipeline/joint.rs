//! The channels of an edge: how many there are, and who has which ends.

use std::fmt;
use std::sync::Arc;

use super::direct::{InputEnd, OutputEnd};
use super::edge::{Carrier, Ends, Spec};
use super::route::{Route, Routed};
use super::snapshot::ChannelGauge;
use super::turn::{InTurn, Turn, TurnOutput};
use crate::channel::watched::Closer;

/// How records are spread over the workers of a stage.
pub(super) enum Spread<T> {
    /// Whoever is free takes the next.
    Shared,
    /// Each has its turn.
    InTurn,
    /// By a hash of their key.
    ByKey(Arc<dyn Fn(&T) -> u64 + Send + Sync>),
}

impl<T: 'static> Spread<T> {
    /// Where each of `n` workers has its own channel.
    fn route(&self, n: usize) -> Route<T> {
        if let Self::ByKey(hash) = self {
            let hash = hash.clone();
            return Box::new(move |record| (hash(record) % n as u64) as usize);
        }
        let mut turns = (0..n).cycle();
        Box::new(move |_| turns.next().expect("it goes round"))
    }
}

/// The channels of an edge: records go in, and come out as `R`.
pub struct Joint<T, R> {
    /// One for each worker that sends.
    pub(super) outputs: Vec<OutputEnd<T>>,
    /// One for each that receives.
    pub(super) inputs: Vec<InputEnd<R>>,
    pub(super) gauges: Vec<ChannelGauge>,
    pub(super) closers: Vec<Closer>,
}

impl<T, R> Joint<T, R> {
    const NONE: Self = Self {
        outputs: Vec::new(),
        inputs: Vec::new(),
        gauges: Vec::new(),
        closers: Vec::new(),
    };
}

/// What joins whom.
pub struct Shape<'a, T> {
    pub(super) spec: &'a Spec,
    pub(super) senders: usize,
    pub(super) receivers: usize,
    pub(super) spread: &'a Spread<T>,
    /// Whether records are taken from the senders in turn.
    pub(super) in_turn: bool,
}

impl<T: Send + 'static> Shape<'_, T> {
    /// Of channels for so many who receive; and of such from which records are taken in turn.
    pub(super) fn joint<C, D>(
        &self,
        channel: impl Fn(usize) -> C,
        in_turn: impl Fn() -> D,
    ) -> Joint<T, C::Received>
    where
        C: Carrier<T, Received: 'static>,
        D: Carrier<Turn<T>, Received: Into<Turn<C::Received>> + Send + 'static>,
    {
        if self.in_turn {
            self.one_after_the_other(in_turn)
        } else if self.receivers == 1 || matches!(self.spread, Spread::Shared) {
            self.shared(channel)
        } else {
            self.of_each(channel)
        }
    }

    /// One channel.
    fn shared<C: Carrier<T>>(&self, channel: impl Fn(usize) -> C) -> Joint<T, C::Received> {
        let carrier = channel(self.receivers);
        let ends = Ends::new(&carrier, self.spec, self.senders, self.receivers);
        Joint {
            outputs: ends.outputs,
            inputs: ends.inputs,
            gauges: vec![ends.gauge],
            closers: vec![ends.closer],
        }
    }

    /// A channel for each that receives.
    fn of_each<C: Carrier<T>>(&self, channel: impl Fn(usize) -> C) -> Joint<T, C::Received> {
        let mut joint = Joint::NONE;
        let mut outputs: Vec<Vec<_>> = (0..self.senders).map(|_| Vec::new()).collect();
        for _ in 0..self.receivers {
            let ends = Ends::new(&channel(1), self.spec, self.senders, 1);
            for (outputs, output) in outputs.iter_mut().zip(ends.outputs) {
                outputs.push(output.boxed());
            }
            joint.inputs.extend(ends.inputs);
            joint.gauges.push(ends.gauge);
            joint.closers.push(ends.closer);
        }
        for outputs in outputs {
            let routed = Routed::new(outputs, self.spread.route(self.receivers));
            joint.outputs.push(OutputEnd::Other(Box::new(routed)));
        }
        joint
    }

    /// A channel for each that sends, and one that receives.
    fn one_after_the_other<D, R>(&self, channel: impl Fn() -> D) -> Joint<T, R>
    where
        D: Carrier<Turn<T>, Received: Into<Turn<R>> + Send + 'static>,
        R: 'static,
    {
        let mut joint = Joint::NONE;
        let mut inputs = Vec::new();
        for _ in 0..self.senders {
            let ends = Ends::one(&channel(), self.spec);
            for output in ends.outputs {
                let output = TurnOutput::new(output.boxed());
                joint.outputs.push(OutputEnd::Other(Box::new(output)));
            }
            inputs.extend(ends.inputs.into_iter().map(InputEnd::boxed));
            joint.gauges.push(ends.gauge);
            joint.closers.push(ends.closer);
        }
        joint
            .inputs
            .push(InputEnd::Other(Box::new(InTurn::new(inputs))));
        joint
    }
}

impl<T, R> fmt::Debug for Joint<T, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Joint")
            .field("channels", &self.gauges.len())
            .finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Shape<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shape")
            .field("senders", &self.senders)
            .field("receivers", &self.receivers)
            .finish_non_exhaustive()
    }
}
