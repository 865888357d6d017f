//! How stages are put together: from the source on, each is finished when the next is known,
//! since only then it is known what it sends to.

use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;
use std::rc::Rc;
use std::sync::Arc;

use super::bound::{Bound, ByRecords};
use super::direct::OutputEnd;
use super::edge::{Nowhere, Spec};
use super::joint::{Joint, Shape, Spread};
use super::meter::StageMeter;
use super::plan::{Draft, EdgePlan, Plan, StagePlan};
use super::route::Both;
use super::runs::{OnThreads, Outlet, PassesOn, Runs, Seat};
use super::sizing::TargetDelay;
use super::weight::Weights;
use super::work::BoxError;
use super::worker::SourceWorker;
use crate::policy::OnFull;

/// What the last stage of a complete pipeline gives: nothing.
#[derive(Clone, Copy, Debug)]
pub enum End {}

/// The last part of a pipeline in the making. Sealed.
pub trait Node: sealed::Sealed {
    /// What it gives.
    type Item: Send + 'static;
    /// Nothing more is said about it.
    #[doc(hidden)]
    fn seal(self) -> Line<Self::Item>;
}

mod sealed {
    pub trait Sealed {}
    impl<T> Sealed for super::Line<T> {}
    impl<I, O, W, P, B> Sealed for super::Stage<I, O, W, P, B> {}
}

/// A pipeline up to an open end, about which nothing more is said.
pub struct Line<T> {
    draft: Draft,
    /// The stages at the end.
    from: Vec<Arc<StageMeter>>,
    /// How many workers they have together.
    senders: usize,
    /// Whether what they send is to be taken from them in turn.
    in_turn: bool,
    attach: Box<Attach<T>>,
}

/// Makes threads or tasks of the stages at the end, now that there is something for them to send to.
type Attach<T> = dyn FnOnce(Outlets<T>, &mut Draft);

/// What the workers at the end send to.
struct Outlets<T> {
    /// One for each of them.
    outputs: Vec<OutputEnd<T>>,
    batch: usize,
    /// How many copies of its records a worker makes.
    copies: usize,
}

impl<T> Outlets<T> {
    /// How many records a worker may keep for them.
    fn in_hand(&self) -> usize {
        self.batch * (1 + self.copies)
    }
}

impl<T: Send + 'static> Line<T> {
    pub(super) fn source<R>(name: String, records: R) -> Self
    where
        R: Iterator<Item = Result<T, BoxError>> + Send + 'static,
    {
        Self::begin(name, |outlet, draft| {
            outlet.hire(draft, |emit| SourceWorker { records, emit });
        })
    }

    /// Begins with a stage of one worker, which `hire` makes.
    pub(super) fn begin(name: String, hire: impl FnOnce(Outlet<T>, &mut Draft) + 'static) -> Self {
        let meter = StageMeter::new(name, 1);
        let from = vec![meter.clone()];
        let attach = move |mut to: Outlets<T>, draft: &mut Draft| {
            draft.stages.push(StagePlan {
                meter: meter.clone(),
                in_hand: to.in_hand(),
            });
            let outlet = Outlet {
                stage: meter,
                index: 0,
                output: to.outputs.remove(0),
                batch: to.batch,
                by_turns: false,
            };
            hire(outlet, draft);
        };
        Self {
            draft: Draft::default(),
            from,
            senders: 1,
            in_turn: false,
            attach: Box::new(attach),
        }
    }

    pub(super) fn merge(self, other: Self) -> Self {
        let [mut first, second] = [self, other].map(|line| {
            if line.in_turn {
                let name = order_for(&line.from[0].name);
                OnThreads::pass_on(line, name)
            } else {
                line
            }
        });
        let (n, attach_first, attach_second) = (first.senders, first.attach, second.attach);
        first.draft.absorb(second.draft);
        first.from.extend(second.from);
        Self {
            draft: first.draft,
            from: first.from,
            senders: n + second.senders,
            in_turn: false,
            attach: Box::new(move |mut to, draft| {
                let outputs = to.outputs.split_off(n);
                let rest = Outlets { outputs, ..to };
                attach_first(to, draft);
                attach_second(rest, draft);
            }),
        }
    }

    /// `complete` makes a complete pipeline of the branch.
    pub(super) fn tee(self, complete: impl FnOnce(Self) -> Line<End>) -> Self
    where
        T: Clone,
    {
        // What the branch sends to is known when it is complete.
        let known = Rc::new(Cell::new(None));
        let branch = Self {
            draft: Draft::default(),
            from: self.from.clone(),
            senders: self.senders,
            in_turn: self.in_turn,
            attach: {
                let known = known.clone();
                Box::new(move |to, _| known.set(Some(to)))
            },
        };
        let branch = complete(branch).finish();
        let copies: Outlets<T> = known.take().expect("the branch is another pipeline");
        let attach = self.attach;
        Self {
            attach: Box::new(move |to, draft| {
                let both = to.outputs.into_iter().zip(copies.outputs);
                let both = both.map(|(main, copy)| {
                    let both = Both::new(main.boxed(), copy.boxed());
                    OutputEnd::Other(Box::new(both))
                });
                let to = Outlets {
                    outputs: both.collect(),
                    batch: to.batch,
                    copies: 1 + to.copies + copies.copies,
                };
                attach(to, draft);
                draft.absorb(branch);
            }),
            ..self
        }
    }

    /// Nothing follows.
    fn finish(self) -> Draft {
        let Self {
            mut draft,
            senders,
            attach,
            ..
        } = self;
        let nowhere = || OutputEnd::Other(Box::new(Nowhere));
        let to = Outlets {
            outputs: (0..senders).map(|_| nowhere()).collect(),
            batch: 1,
            copies: 0,
        };
        attach(to, &mut draft);
        draft
    }

    pub(super) fn plan(self) -> Plan {
        Plan::new(self.finish())
    }
}

/// Of a stage that does nothing but to bring records into one sequence.
fn order_for(name: &str) -> String {
    format!("order for {name}")
}

impl<T: Send + 'static> Node for Line<T> {
    type Item = T;

    fn seal(self) -> Self {
        self
    }
}

/// A stage, about which more can be said.
pub struct Stage<I, O, W, P = OnThreads, B = ByRecords> {
    line: Line<I>,
    name: String,
    /// One for each worker.
    pub(super) works: Vec<W>,
    pub(super) spec: Spec,
    pub(super) spread: Spread<I>,
    bound: B,
    gives: PhantomData<fn() -> (O, P)>,
}

impl<I, O, W, P> Stage<I, O, W, P> {
    pub(super) fn new(line: Line<I>, name: String, work: W) -> Self {
        Self {
            line,
            name,
            works: vec![work],
            spec: Spec::default(),
            spread: Spread::Shared,
            bound: ByRecords,
            gives: PhantomData,
        }
    }
}

impl<I: Send + 'static, O, W, P, B: Bound<I>> Stage<I, O, W, P, B> {
    pub(super) fn weighed(self, weights: Weights<I>) -> Stage<I, O, W, P, B::Weighed> {
        self.bounded(|bound| bound.weighed(weights))
    }

    pub(super) fn sized(mut self, delay: TargetDelay) -> Stage<I, O, W, P, B::Sized> {
        self.spec.delay = Some(delay.clone());
        self.bounded(|bound| bound.sized(delay))
    }

    fn bounded<C>(self, by: impl FnOnce(B) -> C) -> Stage<I, O, W, P, C> {
        Stage {
            line: self.line,
            name: self.name,
            works: self.works,
            spec: self.spec,
            spread: self.spread,
            bound: by(self.bound),
            gives: PhantomData,
        }
    }
}

impl<I, O, W, P, B> Node for Stage<I, O, W, P, B>
where
    I: Send + 'static,
    O: Send + 'static,
    W: 'static,
    B: Bound<I>,
    P: Runs<B::Received, O, B::Work<W>>,
{
    type Item = O;

    fn seal(self) -> Line<O> {
        let Self {
            mut line,
            name,
            works,
            spec,
            spread,
            bound,
            ..
        } = self;
        let n = works.len();
        let in_turn = n > 1 && matches!(spread, Spread::InTurn);
        if n > 1 && line.in_turn || in_turn && line.senders > 1 {
            line = bound.pass_on::<P>(line, order_for(&name));
        }
        let blocks = spec.on_full == OnFull::Block;
        assert!(
            blocks || !line.in_turn && !in_turn,
            "{name}: an edge that keeps order must block"
        );
        assert!(
            spec.on_full != OnFull::DropOldest || !B::BY_CREDIT,
            "{name}: an edge that is weighed, or sizes itself, cannot evict"
        );
        assert!(
            spec.capacity > 0 || spec.delay.is_none(),
            "{name}: an edge without room has no size"
        );
        let edge = bound.joint(&Shape {
            spec: &spec,
            senders: line.senders,
            receivers: n,
            spread: &spread,
            in_turn: line.in_turn,
        });
        let crew = Crew {
            meter: StageMeter::new(name, n),
            spec,
            in_turn,
        };
        let works = works.into_iter().map(B::work).collect();
        crew.join::<_, _, _, _, P>(line, edge, works)
    }
}

/// The workers of a stage to be.
struct Crew {
    meter: Arc<StageMeter>,
    /// Of the edge to it.
    spec: Spec,
    /// Whether what they send is to be taken from them in turn.
    in_turn: bool,
}

impl Crew {
    /// Puts an edge behind `line`, and behind that workers who get `R` from it.
    fn join<I, R, O, W, P>(self, line: Line<I>, edge: Joint<I, R>, works: Vec<W>) -> Line<O>
    where
        R: Send + 'static,
        O: Send + 'static,
        W: 'static,
        P: Runs<R, O, W>,
    {
        let Self {
            meter,
            spec,
            in_turn,
        } = self;
        let Line {
            mut draft,
            from,
            attach,
            ..
        } = line;
        let n = works.len();
        let batch = spec.batch;
        let to = Outlets {
            outputs: edge.outputs,
            batch,
            copies: 0,
        };
        attach(to, &mut draft);
        draft.closers.extend(edge.closers);
        draft.edges.push(EdgePlan {
            from,
            to: meter.clone(),
            spec,
            gauges: edge.gauges,
        });
        let attach = {
            let (meter, inputs) = (meter.clone(), edge.inputs);
            move |to: Outlets<O>, draft: &mut Draft| {
                // One of those received is the one that is kept to be sent.
                let held_back = usize::from(in_turn);
                draft.stages.push(StagePlan {
                    meter: meter.clone(),
                    in_hand: n * (batch - 1 + to.in_hand() + held_back),
                });
                let all = works.into_iter().zip(inputs).zip(to.outputs);
                for (index, ((work, input), output)) in all.enumerate() {
                    let outlet = Outlet {
                        stage: meter.clone(),
                        index,
                        output,
                        batch: to.batch,
                        by_turns: in_turn,
                    };
                    let seat = Seat {
                        input,
                        batch,
                        outlet,
                    };
                    P::hire(work, seat, draft);
                }
            }
        };
        Line {
            draft,
            from: vec![meter],
            senders: n,
            in_turn,
            attach: Box::new(attach),
        }
    }
}

impl<T> fmt::Debug for Line<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let from: Vec<_> = self.from.iter().map(|stage| &*stage.name).collect();
        f.debug_struct("Line")
            .field("from", &from)
            .finish_non_exhaustive()
    }
}

impl<I, O, W, P, B> fmt::Debug for Stage<I, O, W, P, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stage")
            .field("name", &self.name)
            .field("workers", &self.works.len())
            .finish_non_exhaustive()
    }
}
