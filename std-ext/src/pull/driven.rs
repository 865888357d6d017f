//! Publishers of what has to be waited for: a task waits for demand, then for an item.

use std::future::poll_fn;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::driver::Driver;
use super::flow::reject;
use super::gate::{Gate, Look};
use super::signals::{Control, End, Failure, Subscriber, Subscription};
use crate::sync::{Mutex, lock, wake};
use crate::wait::{TURN, give_turn};

/// Waits for items, one after the other.
pub(super) trait Waits<Src>: Send + 'static {
    type Item: Send + 'static;
    type Error: Send + 'static;

    /// The next item, or how it ends. Dropped at any time, it loses nothing.
    fn next(source: &mut Src) -> impl Future<Output = Result<Self::Item, End<Self::Error>>> + Send;
}

/// A source for one subscriber, and who is to drive it.
pub(super) struct Once<Src>(Mutex<Option<(Src, Spawn)>>);

type Spawn = Box<dyn FnOnce(Driver) + Send>;

impl<Src: Send + 'static> Once<Src> {
    pub(super) fn new(source: Src, spawn: impl FnOnce(Driver) + Send + 'static) -> Self {
        Self(Mutex::new(Some((source, Box::new(spawn)))))
    }

    pub(super) fn subscribe<W, S>(&self, _waits: W, mut subscriber: S)
    where
        W: Waits<Src>,
        S: Subscriber<W::Item, W::Error> + Send + 'static,
    {
        let taken = lock(&self.0).take();
        let Some((source, spawn)) = taken else {
            return reject(subscriber, Failure::Taken);
        };
        let desk = Arc::new(Desk::default());
        let closes = desk.gate.closes();
        subscriber.on_subscribe(Subscription::new(desk.clone()));
        closes.defuse();
        let served = Served {
            desk,
            subscriber: Some(subscriber),
            of: PhantomData,
        };
        spawn(Driver::new(drive::<W, _, _>(source, served)));
    }
}

/// Where a subscriber says what it wants, and the driver waits for it.
#[derive(Default)]
struct Desk {
    gate: Gate,
    waker: Mutex<Option<Waker>>,
}

impl Desk {
    fn wake(&self) {
        let waker = lock(&self.waker).take();
        if let Some(waker) = waker {
            wake(waker);
        }
    }

    /// Looks; whoever changes what there is to see wakes the task.
    fn look(&self, context: &Context<'_>) -> Look {
        let waker = context.waker().clone();
        let _old = lock(&self.waker).replace(waker);
        self.gate.look()
    }

    /// Waits until there is demand, or there will be none.
    async fn demand(&self) -> Look {
        poll_fn(|context| match self.look(context) {
            Look::Open {
                demanded: false, ..
            } => Poll::Pending,
            look => Poll::Ready(look),
        })
        .await
    }

    /// Waits for `item` as long as it is wanted; or for its panic.
    async fn unless_over<R>(
        &self,
        item: impl Future<Output = R>,
    ) -> Option<std::thread::Result<R>> {
        let mut item = pin!(item);
        poll_fn(|context| {
            if !matches!(self.look(context), Look::Open { .. }) {
                return Poll::Ready(None);
            }
            match catch_unwind(AssertUnwindSafe(|| item.as_mut().poll(context))) {
                Ok(polled) => polled.map(|item| Some(Ok(item))),
                Err(panic) => Poll::Ready(Some(Err(panic))),
            }
        })
        .await
    }
}

impl Control for Desk {
    fn request(&self, n: u64) {
        if self.gate.request(n) {
            self.wake();
        }
    }

    fn cancel(&self) {
        if self.gate.close() {
            self.wake();
        }
    }
}

/// Takes items while they are demanded, and signals them.
async fn drive<W, Src, S>(mut source: Src, mut served: Served<W::Item, W::Error, S>)
where
    W: Waits<Src>,
    Src: Send,
    S: Subscriber<W::Item, W::Error>,
{
    for turn in 1.. {
        match served.desk.demand().await {
            Look::Over => return served.forget(),
            Look::ZeroDemand => return served.end(Err(Failure::ZeroDemand)),
            Look::Open { .. } => {}
        }
        match served.desk.unless_over(W::next(&mut source)).await {
            None => {}
            Some(Ok(Ok(item))) => served.signal(item),
            Some(Ok(Err(end))) => return served.end(end),
            Some(Err(panic)) => {
                served.end(Err(Failure::Abandoned));
                resume_unwind(panic);
            }
        }
        if turn % TURN == 0 {
            give_turn().await;
        }
    }
}

/// A subscriber that somebody drives; told so if it is dropped.
struct Served<T, E, S: Subscriber<T, E>> {
    desk: Arc<Desk>,
    /// `None` after the last signal.
    subscriber: Option<S>,
    of: PhantomData<fn(T, E)>,
}

impl<T, E, S: Subscriber<T, E>> Served<T, E, S> {
    fn signal(&mut self, item: T) {
        self.desk.gate.spend();
        let subscriber = self.subscriber.as_mut();
        subscriber.expect("it was not the last").on_next(item);
    }

    /// The last signal, unless nobody wants it.
    fn end(&mut self, end: End<E>) {
        let Some(subscriber) = self.subscriber.take() else {
            return;
        };
        if self.desk.gate.close() {
            match end {
                Ok(()) => subscriber.on_complete(),
                Err(failure) => subscriber.on_error(failure),
            }
        }
    }

    fn forget(&mut self) {
        self.subscriber = None;
    }
}

impl<T, E, S: Subscriber<T, E>> Drop for Served<T, E, S> {
    fn drop(&mut self) {
        // If the subscriber has panicked, it wants to hear no more.
        if std::thread::panicking() {
            self.desk.gate.close();
        } else {
            self.end(Err(Failure::Abandoned));
        }
        // The subscription may be kept; the task should not.
        let _waker = lock(&self.desk.waker).take();
    }
}
