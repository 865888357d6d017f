//! By what an edge is bounded beside its records. It is a type, so that of the ends of channels
//! only those are compiled that are used.

use std::fmt;

use super::edge::Plain;
use super::joint::{Joint, Shape};
use super::line::Line;
use super::runs::PassesOn;
use super::sized::Sizing;
use super::sizing::TargetDelay;
use super::weight::{Heavy, OnHeavy, SizedWeighing, Weights};

/// By what the edge to a stage is bounded. Sealed.
pub trait Bound<T: Send + 'static>: made::Made<T> + 'static {
    /// By the same, and by weight.
    type Weighed: Bound<T>;
    /// By the same, and a target delay.
    type Sized: Bound<T>;

    #[doc(hidden)]
    fn weighed(self, weights: Weights<T>) -> Self::Weighed;
    #[doc(hidden)]
    fn sized(self, delay: TargetDelay) -> Self::Sized;
}

pub(super) mod made {
    use super::{Joint, Line, PassesOn, Shape};

    /// How its channels are made.
    pub trait Made<T: Send + 'static> {
        /// What its workers receive.
        type Received: Send + 'static;
        /// Their work, on that.
        type Work<W: 'static>: 'static;
        /// Whether records need credit.
        const BY_CREDIT: bool;

        fn joint(&self, shape: &Shape<'_, T>) -> Joint<T, Self::Received>;
        fn work<W: 'static>(work: W) -> Self::Work<W>;
        /// With a stage behind it that does nothing; the edge to that is weighed if this is.
        fn pass_on<P: PassesOn>(&self, line: Line<T>, name: String) -> Line<T>;
    }
}

/// By how many records fit.
#[derive(Clone, Copy, Debug, Default)]
pub struct ByRecords;

/// By weight as well.
pub struct ByWeight<T>(Weights<T>);

/// By how many its workers get through in a time.
#[derive(Clone, Debug)]
pub struct ByDelay(TargetDelay);

/// By both.
pub struct ByWeightAndDelay<T>(Weights<T>, TargetDelay);

impl<T: Send + 'static> Bound<T> for ByRecords {
    type Weighed = ByWeight<T>;
    type Sized = ByDelay;

    fn weighed(self, weights: Weights<T>) -> ByWeight<T> {
        ByWeight(weights)
    }

    fn sized(self, delay: TargetDelay) -> ByDelay {
        ByDelay(delay)
    }
}

impl<T: Send + 'static> made::Made<T> for ByRecords {
    type Received = T;
    type Work<W: 'static> = W;
    const BY_CREDIT: bool = false;

    fn joint(&self, shape: &Shape<'_, T>) -> Joint<T, T> {
        shape.joint(|_| Plain, || Plain)
    }

    fn work<W: 'static>(work: W) -> W {
        work
    }

    fn pass_on<P: PassesOn>(&self, line: Line<T>, name: String) -> Line<T> {
        P::pass_on(line, name)
    }
}

impl<T: Send + 'static> Bound<T> for ByWeight<T> {
    type Weighed = Self;
    type Sized = ByWeightAndDelay<T>;

    fn weighed(self, weights: Weights<T>) -> Self {
        Self(weights)
    }

    fn sized(self, delay: TargetDelay) -> ByWeightAndDelay<T> {
        ByWeightAndDelay(self.0, delay)
    }
}

impl<T: Send + 'static> made::Made<T> for ByWeight<T> {
    type Received = Heavy<T>;
    type Work<W: 'static> = OnHeavy<W>;
    const BY_CREDIT: bool = true;

    fn joint(&self, shape: &Shape<'_, T>) -> Joint<T, Heavy<T>> {
        let Self(weights) = self;
        shape.joint(|_| weights.of_channel(), || weights.of_turns().of_channel())
    }

    fn work<W: 'static>(work: W) -> OnHeavy<W> {
        OnHeavy(work)
    }

    fn pass_on<P: PassesOn>(&self, line: Line<T>, name: String) -> Line<T> {
        P::pass_on_weighed(line, name, self.0.clone())
    }
}

impl<T: Send + 'static> Bound<T> for ByDelay {
    type Weighed = ByWeightAndDelay<T>;
    type Sized = Self;

    fn weighed(self, weights: Weights<T>) -> ByWeightAndDelay<T> {
        ByWeightAndDelay(weights, self.0)
    }

    fn sized(self, delay: TargetDelay) -> Self {
        Self(delay)
    }
}

impl<T: Send + 'static> made::Made<T> for ByDelay {
    type Received = T;
    type Work<W: 'static> = W;
    const BY_CREDIT: bool = true;

    fn joint(&self, shape: &Shape<'_, T>) -> Joint<T, T> {
        let sizing = |receivers| Sizing::new(&self.0, shape.spec.capacity, receivers);
        shape.joint(sizing, || sizing(1))
    }

    fn work<W: 'static>(work: W) -> W {
        work
    }

    fn pass_on<P: PassesOn>(&self, line: Line<T>, name: String) -> Line<T> {
        P::pass_on(line, name)
    }
}

impl<T: Send + 'static> Bound<T> for ByWeightAndDelay<T> {
    type Weighed = Self;
    type Sized = Self;

    fn weighed(self, weights: Weights<T>) -> Self {
        Self(weights, self.1)
    }

    fn sized(self, delay: TargetDelay) -> Self {
        Self(self.0, delay)
    }
}

impl<T: Send + 'static> made::Made<T> for ByWeightAndDelay<T> {
    type Received = Heavy<T>;
    type Work<W: 'static> = OnHeavy<W>;
    const BY_CREDIT: bool = true;

    fn joint(&self, shape: &Shape<'_, T>) -> Joint<T, Heavy<T>> {
        let Self(weights, delay) = self;
        let sizing = |receivers| Sizing::new(delay, shape.spec.capacity, receivers);
        shape.joint(
            |receivers| SizedWeighing::new(weights.of_channel(), sizing(receivers)),
            || SizedWeighing::new(weights.of_turns().of_channel(), sizing(1)),
        )
    }

    fn work<W: 'static>(work: W) -> OnHeavy<W> {
        OnHeavy(work)
    }

    fn pass_on<P: PassesOn>(&self, line: Line<T>, name: String) -> Line<T> {
        P::pass_on_weighed(line, name, self.0.clone())
    }
}

impl<T> fmt::Debug for ByWeight<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ByWeight").field(&self.0).finish()
    }
}

impl<T> fmt::Debug for ByWeightAndDelay<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ByWeightAndDelay")
            .field(&self.0)
            .field(&self.1)
            .finish()
    }
}
