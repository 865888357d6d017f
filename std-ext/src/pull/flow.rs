//! A subscription that is served by whoever comes: who asks for items emits them.
//!
//! The source and its subscriber, the *worker*, lie in a slot. Who asks, cancels, or has
//! something new takes the worker out and lets it do what there is to do; who finds the
//! slot empty leaves word, and whoever has the worker looks again before it puts it back.
//! So signals are serial, a request within `on_next` returns at once instead of recursing,
//! and no request is lost. The source, the subscriber and items are used and dropped under
//! no lock.

use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

use super::gate::{Gate, Look};
use super::signals::{Control, End, Failure, Subscriber, Subscription};
use crate::sync::{self, Mutex, lock};

/// Where the items of a flow come from. Used by one thread at a time.
pub(crate) trait Source {
    type Item;
    type Error;

    /// The next item. Called only when one is demanded.
    fn next(&mut self) -> Next<Self::Item, Self::Error>;

    /// Whether it has ended, which may be told without demand.
    fn ended(&mut self) -> Option<End<Self::Error>>;

    /// So many more items were asked for.
    fn demanded(&mut self, _n: u64) {}
}

/// What a source has.
pub(crate) enum Next<T, E> {
    Item(T),
    /// Nothing now: somebody will rouse the flow.
    Nothing,
    End(End<E>),
}

/// One subscriber, and where its items come from.
pub(crate) struct Flow<Src, S> {
    gate: Gate,
    slot: Mutex<Slot<Worker<Src, S>>>,
}

struct Slot<W> {
    /// `None` while somebody has it, and when all is over.
    idle: Option<W>,
    /// Somebody came while it was not there.
    missed: bool,
}

struct Worker<Src, S> {
    source: Src,
    subscriber: S,
}

/// Something that looks for what there is to do when it is told to.
pub(crate) trait Rouse: Send + Sync {
    fn rouse(&self);

    /// How many items its subscriber may be given.
    fn demand(&self) -> u64;
}

impl<Src, S> Flow<Src, S>
where
    Src: Source + Send + 'static,
    S: Subscriber<Src::Item, Src::Error> + Send + 'static,
{
    /// Serves nobody until it is opened.
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            gate: Gate::default(),
            slot: Mutex::new(Slot {
                idle: None,
                missed: false,
            }),
        })
    }

    /// Gives `subscriber` its subscription, and then what it asked for meanwhile.
    pub(crate) fn open(self: Arc<Self>, source: Src, mut subscriber: S) {
        let closes = self.gate.closes();
        subscriber.on_subscribe(Subscription::new(self.clone()));
        closes.defuse();
        self.run(Worker { source, subscriber });
    }

    /// Lets the worker do what there is to do.
    fn run(&self, mut worker: Worker<Src, S>) {
        let closes = self.gate.closes();
        loop {
            let next = match self.gate.look() {
                Look::Over => return,
                Look::ZeroDemand => Next::End(Err(Failure::ZeroDemand)),
                Look::Open { demanded, fresh } => match worker.look(demanded, fresh) {
                    Ok(next) => next,
                    Err(panic) => {
                        self.end(worker, Err(Failure::Abandoned));
                        resume_unwind(panic);
                    }
                },
            };
            match next {
                Next::Item(item) => {
                    self.gate.spend();
                    worker.subscriber.on_next(item);
                }
                Next::End(end) => return self.end(worker, end),
                Next::Nothing => match self.rest(worker) {
                    Some(again) => worker = again,
                    None => return closes.defuse(),
                },
            }
        }
    }

    /// Puts the worker back; unless somebody came meanwhile.
    fn rest(&self, worker: Worker<Src, S>) -> Option<Worker<Src, S>> {
        let mut slot = lock(&self.slot);
        if std::mem::take(&mut slot.missed) {
            return Some(worker);
        }
        slot.idle = Some(worker);
        None
    }

    /// The last signal.
    fn end(&self, worker: Worker<Src, S>, end: End<Src::Error>) {
        // A signal that nobody wants any more.
        if !self.gate.close() {
            return;
        }
        match end {
            Ok(()) => worker.subscriber.on_complete(),
            Err(failure) => worker.subscriber.on_error(failure),
        }
    }
}

impl<Src: Source, S> Worker<Src, S> {
    /// What the source has, if anything is wanted; or its panic.
    fn look(
        &mut self,
        demanded: bool,
        fresh: u64,
    ) -> std::thread::Result<Next<Src::Item, Src::Error>> {
        let source = &mut self.source;
        catch_unwind(AssertUnwindSafe(|| {
            if fresh > 0 {
                source.demanded(fresh);
            }
            if demanded {
                source.next()
            } else {
                source.ended().map_or(Next::Nothing, Next::End)
            }
        }))
    }
}

impl<Src, S> Rouse for Flow<Src, S>
where
    Src: Source + Send + 'static,
    S: Subscriber<Src::Item, Src::Error> + Send + 'static,
{
    fn rouse(&self) {
        let mut slot = lock(&self.slot);
        let worker = slot.idle.take();
        if worker.is_none() {
            sync::leave_word(&mut slot.missed);
        }
        drop(slot);
        if let Some(worker) = worker {
            self.run(worker);
        }
    }

    fn demand(&self) -> u64 {
        self.gate.demand()
    }
}

impl<Src, S> Control for Flow<Src, S>
where
    Src: Source + Send + 'static,
    S: Subscriber<Src::Item, Src::Error> + Send + 'static,
{
    fn request(&self, n: u64) {
        if self.gate.request(n) {
            self.rouse();
        }
    }

    fn cancel(&self) {
        if self.gate.close() {
            self.rouse();
        }
    }
}

/// Tells a subscriber that it cannot be served.
pub(crate) fn reject<T, E, S>(subscriber: S, failure: Failure<E>)
where
    T: Send + 'static,
    E: Send + 'static,
    S: Subscriber<T, E> + Send + 'static,
{
    let source = Rejects {
        failure: Some(failure),
        of: PhantomData,
    };
    Flow::new().open(source, subscriber);
}

/// A source that has failed before it began.
struct Rejects<T, E> {
    failure: Option<Failure<E>>,
    of: PhantomData<fn() -> T>,
}

impl<T, E> Source for Rejects<T, E> {
    type Item = T;
    type Error = E;

    fn next(&mut self) -> Next<T, E> {
        self.ended().map_or(Next::Nothing, Next::End)
    }

    fn ended(&mut self) -> Option<End<E>> {
        self.failure.take().map(Err)
    }
}
