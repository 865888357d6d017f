//! The channels of an edge: how many there are, and who has which ends.

use std::sync::Arc;

use super::edge::{Ends, Input, Output};
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
pub(super) struct Joint<T, R> {
    /// One for each worker that sends.
    pub(super) outputs: Vec<Box<dyn Output<T>>>,
    /// One for each that receives.
    pub(super) inputs: Vec<Box<dyn Input<R>>>,
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

impl<T: Send + 'static, R> Joint<T, R> {
    /// For so many workers on either side, of channels that `make` makes for so many.
    pub(super) fn new(
        senders: usize,
        receivers: usize,
        spread: &Spread<T>,
        make: impl Fn(usize, usize) -> Ends<T, R>,
    ) -> Self {
        if receivers == 1 || matches!(spread, Spread::Shared) {
            let ends = make(senders, receivers);
            return Self {
                outputs: ends.outputs,
                inputs: ends.inputs,
                gauges: vec![ends.gauge],
                closers: vec![ends.closer],
            };
        }
        // A channel for each that receives.
        let mut joint = Self::NONE;
        let mut outputs: Vec<Vec<_>> = (0..senders).map(|_| Vec::new()).collect();
        for _ in 0..receivers {
            let ends = make(senders, 1);
            for (outputs, output) in outputs.iter_mut().zip(ends.outputs) {
                outputs.push(output);
            }
            joint.inputs.extend(ends.inputs);
            joint.gauges.push(ends.gauge);
            joint.closers.push(ends.closer);
        }
        for outputs in outputs {
            let routed = Routed::new(outputs, spread.route(receivers));
            joint.outputs.push(Box::new(routed));
        }
        joint
    }

    /// For workers that have their turns, and one that receives. `make` makes the channel of
    /// one of them.
    pub(super) fn in_turn<E>(senders: usize, make: impl Fn() -> Ends<Turn<T>, E>) -> Self
    where
        R: 'static,
        E: Into<Turn<R>> + Send + 'static,
    {
        let mut joint = Self::NONE;
        let mut inputs = Vec::new();
        for _ in 0..senders {
            let ends = make();
            for output in ends.outputs {
                joint.outputs.push(Box::new(TurnOutput::new(output)));
            }
            inputs.extend(ends.inputs);
            joint.gauges.push(ends.gauge);
            joint.closers.push(ends.closer);
        }
        joint.inputs.push(Box::new(InTurn::new(inputs)));
        joint
    }
}
