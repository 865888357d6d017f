//! One publisher for several subscribers: demand is added up so that the slowest has what
//! it asked for, and nobody more.
//!
//! Each subscriber has a *lane*: a flow, and a seat where items wait for it. A lane lets
//! the hub know of its demand as credit, of at most one batch beyond what it has taken; so
//! no seat ever holds more. The hub asks its publisher for what every lane has credit for:
//!
//! ```text
//! asked <= skip + credit    of each lane
//! ```
//!
//! `asked` is what is under way, and `skip` what was when the lane came: that passes it by.

use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::demand::Demand;
use super::flow::{Flow, Next, Rouse, Source};
use super::processor::Processor;
use super::signals::{End, Failure, Publisher, Subscriber, Subscription};
use super::upstream::Upstream;
use crate::sync::{Mutex, lock};

/// A processor that gives each item to all its subscribers, at the pace of the slowest.
///
/// An item is asked for when every subscriber has demand for it. One that asks for nothing
/// holds up the others, until it cancels. Up to `batch` items wait for a subscriber that is
/// busy on another thread, and no more than that is ever asked for in advance.
///
/// A subscriber that comes late has the items that are asked for from then on. Nothing is
/// asked for before the processor is subscribed: those who come before that miss nothing.
/// Items that are under way when all have gone are dropped, and [counted](Share::unclaimed).
/// When nobody is left, nor any [`Share`] by which somebody could come, the publisher's
/// subscription is cancelled.
///
/// If a subscriber panics, the others go on: the panic is reported by the panic hook, and
/// ends there, unless it was in a call of its own.
///
/// # Panics
/// If `batch` is 0.
///
/// ```
/// use ringfence::pull::{self, Publisher, PublisherExt};
///
/// let (input, shared) = pull::share(16).split();
/// let (mut one, mut other) = (shared.items(2), shared.items(2));
/// pull::from_iter(0..4).subscribe(input);
///
/// assert_eq!((one.next(), one.next()), (Some(Ok(0)), Some(Ok(1))));
/// assert_eq!(one.try_next(), None); // the other has yet to take its first
/// assert_eq!(other.next(), Some(Ok(0)));
/// drop(other); // holds up nobody any more
/// assert!(one.map(Result::unwrap).eq(2..4));
/// ```
#[track_caller]
pub fn share<T, E>(batch: usize) -> Processor<ShareInput<T, E>, Share<T, E>>
where
    T: Clone + Send + 'static,
    E: Clone + Send + Sync + 'static,
{
    assert!(batch > 0, "a batch of no items");
    let hub = Arc::new(Hub {
        upstream: Upstream::asking(0),
        batch: batch as u64,
        state: Mutex::new(State {
            lanes: Vec::new(),
            joined: 0,
            asked: 0,
            unclaimed: 0,
            end: None,
            connected: false,
            open: true,
        }),
    });
    let input = ShareInput {
        hub: hub.clone(),
        served: Vec::new(),
    };
    Processor::new(input, Share(Arc::new(Door(hub))))
}

struct Hub<T, E> {
    upstream: Upstream,
    batch: u64,
    state: Mutex<State<T, E>>,
}

struct State<T, E> {
    lanes: Vec<Lane<T, E>>,
    /// How many lanes there ever were: the name of the next.
    joined: u64,
    /// Asked for, and not yet come.
    asked: u64,
    /// Items that came when nobody was there for them.
    unclaimed: u64,
    /// Why there will be no more.
    end: Option<Arc<End<E>>>,
    /// Whether there is somebody to ask.
    connected: bool,
    /// Whether somebody may come.
    open: bool,
}

/// A subscriber, as the hub sees it.
struct Lane<T, E> {
    name: u64,
    seat: Arc<Seat<T, E>>,
    /// Items that it may be given.
    credit: u64,
    /// Items that pass it by before that.
    skip: u64,
}

/// Where items wait for one subscriber.
struct Seat<T, E> {
    waiting: Mutex<Waiting<T, E>>,
    flow: Arc<dyn Rouse>,
}

struct Waiting<T, E> {
    items: VecDeque<T>,
    end: Option<End<E>>,
}

impl<T, E> Hub<T, E> {
    /// A new lane; and how it ends, if it ends at once.
    fn join(&self, seat: Arc<Seat<T, E>>) -> (u64, Option<Arc<End<E>>>) {
        let mut state = lock(&self.state);
        state.joined += 1;
        let name = state.joined;
        let lane = Lane {
            name,
            seat,
            credit: 0,
            skip: state.asked,
        };
        state.lanes.push(lane);
        (name, state.end.clone())
    }

    /// A lane has so much more credit.
    fn credit(&self, name: u64, n: u64) {
        let mut state = lock(&self.state);
        let lane = state.lanes.iter_mut().find(|lane| lane.name == name);
        lane.expect("it leaves when its source goes").credit += n;
        let more = state.more();
        drop(state);
        self.request(more);
    }

    /// A lane is no more: it holds up nobody.
    fn leave(&self, name: u64) {
        let mut state = lock(&self.state);
        let at = state.lanes.iter().position(|lane| lane.name == name);
        // What waits for it is dropped outside the lock.
        let _lane = at.map(|at| state.lanes.swap_remove(at));
        let more = state.more();
        let deserted = state.is_deserted();
        drop(state);
        if deserted {
            self.upstream.cancel();
        }
        self.request(more);
    }

    /// Nobody can come any more.
    fn shut(&self) {
        let mut state = lock(&self.state);
        state.open = false;
        let deserted = state.is_deserted();
        drop(state);
        if deserted {
            self.upstream.cancel();
        }
    }

    fn request(&self, n: u64) {
        if n > 0 {
            self.upstream.request(n);
        }
    }
}

impl<T, E> State<T, E> {
    /// How much is to be asked for, now that something has changed.
    fn more(&mut self) -> u64 {
        if !self.connected {
            return 0;
        }
        let covered = self.lanes.iter().map(|lane| lane.skip + lane.credit).min();
        let more = covered.unwrap_or(0).saturating_sub(self.asked);
        self.asked += more;
        more
    }

    fn is_deserted(&self) -> bool {
        self.lanes.is_empty() && !self.open
    }

    /// An item has come: for these seats. `false` if nobody has asked for it.
    fn arrive(&mut self, served: &mut Vec<Arc<Seat<T, E>>>) -> bool {
        let Some(asked) = self.asked.checked_sub(1) else {
            return false;
        };
        self.asked = asked;
        for lane in &mut self.lanes {
            if lane.skip > 0 {
                lane.skip -= 1;
            } else {
                lane.credit -= 1;
                served.push(lane.seat.clone());
            }
        }
        self.unclaimed += u64::from(served.is_empty());
        true
    }
}

impl<T, E> Seat<T, E> {
    fn put(&self, item: T) {
        lock(&self.waiting).items.push_back(item);
        self.rouse();
    }

    fn end(&self, end: End<E>) {
        let _none = lock(&self.waiting).end.replace(end);
        self.rouse();
    }

    /// Lets it have what waits. A panic is its own affair.
    fn rouse(&self) {
        let _reported = catch_unwind(AssertUnwindSafe(|| self.flow.rouse()));
    }
}

/// The half of a [shared](share) processor that takes items.
///
/// If it is dropped before the end, the subscribers are told [`Failure::Abandoned`].
pub struct ShareInput<T, E: Clone> {
    hub: Arc<Hub<T, E>>,
    /// Kept for its memory.
    served: Vec<Arc<Seat<T, E>>>,
}

impl<T, E: Clone> ShareInput<T, E> {
    fn end(&mut self, end: End<E>) {
        let end = Arc::new(end);
        let mut state = lock(&self.hub.state);
        if state.end.is_some() {
            return;
        }
        state.end = Some(end.clone());
        let seats: Vec<_> = state.lanes.iter().map(|lane| lane.seat.clone()).collect();
        drop(state);
        self.hub.upstream.is_over();
        for seat in seats {
            seat.end((*end).clone());
        }
    }
}

impl<T: Clone, E: Clone> Subscriber<T, E> for ShareInput<T, E> {
    fn on_subscribe(&mut self, subscription: Subscription) {
        self.hub.upstream.set(subscription);
        let mut state = lock(&self.hub.state);
        state.connected = true;
        let more = state.more();
        drop(state);
        self.hub.request(more);
    }

    fn on_next(&mut self, item: T) {
        self.served.clear();
        if !lock(&self.hub.state).arrive(&mut self.served) {
            self.hub.upstream.cancel();
            return self.end(Err(Failure::Overflow));
        }
        let Some(last) = self.served.pop() else {
            return;
        };
        for seat in self.served.drain(..) {
            seat.put(item.clone());
        }
        last.put(item);
    }

    fn on_error(mut self, failure: Failure<E>) {
        self.end(Err(failure));
    }

    fn on_complete(mut self) {
        self.end(Ok(()));
    }
}

impl<T, E: Clone> Drop for ShareInput<T, E> {
    fn drop(&mut self) {
        self.end(Err(Failure::Abandoned));
    }
}

/// The half of a [shared](share) processor that publishes. Clones are of the same.
pub struct Share<T, E>(Arc<Door<T, E>>);

/// By which subscribers come, as long as somebody keeps it open.
struct Door<T, E>(Arc<Hub<T, E>>);

impl<T, E> Share<T, E> {
    /// How many items were dropped since they came when nobody was there for them.
    #[must_use]
    pub fn unclaimed(&self) -> u64 {
        lock(&self.0.0.state).unclaimed
    }
}

impl<T, E> Publisher for Share<T, E>
where
    T: Send + 'static,
    E: Clone + Send + Sync + 'static,
{
    type Item = T;
    type Error = E;

    fn subscribe<S>(&self, subscriber: S)
    where
        S: Subscriber<T, E> + Send + 'static,
    {
        let hub = self.0.0.clone();
        let flow = Flow::new();
        let seat = Arc::new(Seat {
            waiting: Mutex::new(Waiting {
                items: VecDeque::new(),
                end: None,
            }),
            flow: flow.clone(),
        });
        let (name, end) = hub.join(seat.clone());
        let source = Seated {
            hub,
            name,
            seat,
            unasked: Demand::NONE,
            due: 0,
        };
        if let Some(end) = end {
            source.seat.end((*end).clone());
        }
        flow.open(source, subscriber);
    }
}

/// What waits for one subscriber; leaves the hub when it is dropped.
struct Seated<T, E> {
    hub: Arc<Hub<T, E>>,
    name: u64,
    seat: Arc<Seat<T, E>>,
    /// Demand that the hub does not know of.
    unasked: Demand,
    /// Credit that was given to the hub, for items that were not yet taken.
    due: u64,
}

impl<T, E> Seated<T, E> {
    /// Tells the hub of as much demand as may wait here: all, or half a batch at least.
    fn ask(&mut self) {
        let batch = self.hub.batch;
        let n = self.unasked.get().min(batch - self.due);
        if n > 0 && (n == self.unasked.get() || n >= batch.div_ceil(2)) {
            self.unasked.spend(n);
            self.due += n;
            self.hub.credit(self.name, n);
        }
    }
}

impl<T, E> Source for Seated<T, E> {
    type Item = T;
    type Error = E;

    fn demanded(&mut self, n: u64) {
        self.unasked.add(n);
        self.ask();
    }

    fn next(&mut self) -> Next<T, E> {
        // First, so that a panic of the publisher loses no item.
        self.ask();
        let mut waiting = lock(&self.seat.waiting);
        if let Some(item) = waiting.items.pop_front() {
            self.due -= 1;
            return Next::Item(item);
        }
        waiting.end.take().map_or(Next::Nothing, Next::End)
    }

    fn ended(&mut self) -> Option<End<E>> {
        let mut waiting = lock(&self.seat.waiting);
        let is_empty = waiting.items.is_empty();
        is_empty.then(|| waiting.end.take()).flatten()
    }
}

impl<T, E> Drop for Seated<T, E> {
    fn drop(&mut self) {
        self.hub.leave(self.name);
    }
}

impl<T, E> Drop for Door<T, E> {
    fn drop(&mut self) {
        self.0.shut();
    }
}

impl<T, E> Clone for Share<T, E> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T, E: Clone> fmt::Debug for ShareInput<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShareInput").finish_non_exhaustive()
    }
}

impl<T, E> fmt::Debug for Share<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Share")
            .field("unclaimed", &self.unclaimed())
            .finish_non_exhaustive()
    }
}
