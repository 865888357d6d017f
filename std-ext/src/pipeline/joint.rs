//! The channels of an edge: how many there are, and who has which ends.

use std::sync::Arc;

use super::edge::{Ends, Input, Output, Spec};
use super::route::{Route, Routed};
use super::turn::{InTurn, Turn, TurnOutput};
use crate::channel::watched::Closer;
use crate::stats::Monitor;

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

/// The channels of an edge.
pub(super) struct Joint<T> {
    /// One for each worker that sends.
    pub(super) outputs: Vec<Box<dyn Output<T>>>,
    /// One for each that receives.
    pub(super) inputs: Vec<Box<dyn Input<T>>>,
    pub(super) monitors: Vec<Monitor>,
    pub(super) closers: Vec<Closer>,
}

impl<T> Joint<T> {
    const NONE: Self = Self {
        outputs: Vec::new(),
        inputs: Vec::new(),
        monitors: Vec::new(),
        closers: Vec::new(),
    };
}

impl<T: Send + 'static> Joint<T> {
    /// For so many workers on either side.
    pub(super) fn new(spec: &Spec, senders: usize, receivers: usize, spread: &Spread<T>) -> Self {
        if receivers == 1 || matches!(spread, Spread::Shared) {
            let ends = Ends::new(spec, senders, receivers);
            return Self {
                outputs: ends.outputs,
                inputs: ends.inputs,
                monitors: vec![ends.monitor],
                closers: vec![ends.closer],
            };
        }
        // A channel for each that receives.
        let mut joint = Self::NONE;
        let mut outputs: Vec<Vec<_>> = (0..senders).map(|_| Vec::new()).collect();
        for _ in 0..receivers {
            let ends = Ends::new(spec, senders, 1);
            for (outputs, output) in outputs.iter_mut().zip(ends.outputs) {
                outputs.push(output);
            }
            joint.inputs.extend(ends.inputs);
            joint.monitors.push(ends.monitor);
            joint.closers.push(ends.closer);
        }
        for outputs in outputs {
            let routed = Routed::new(outputs, spread.route(receivers));
            joint.outputs.push(Box::new(routed));
        }
        joint
    }

    /// For workers that have their turns, and one that receives.
    pub(super) fn in_turn(spec: &Spec, senders: usize) -> Self {
        let mut joint = Self::NONE;
        let mut inputs = Vec::new();
        for _ in 0..senders {
            let ends = Ends::<Turn<T>>::new(spec, 1, 1);
            for output in ends.outputs {
                joint.outputs.push(Box::new(TurnOutput::new(output)));
            }
            inputs.extend(ends.inputs);
            joint.monitors.push(ends.monitor);
            joint.closers.push(ends.closer);
        }
        joint.inputs.push(Box::new(InTurn::new(inputs)));
        joint
    }
}
