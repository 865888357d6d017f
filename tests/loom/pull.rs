//! Models of publishers and subscribers.

use std::sync::{Arc, Mutex};

use futures_util::stream;
use loom::thread;
use ringfence::OnFull;
use ringfence::pull::{
    self, Driver, Failure, Overflow, Publisher, PublisherExt, Subscriber, Subscription,
};

use crate::harness::Model;

pub(crate) const MODELS: &[Model] = &[
    Model::new("pull_request_races_emission", request_races_emission),
    Model::new("pull_cancel_races_on_next", cancel_races_on_next),
    Model::new("pull_completion_races_request", completion_races_request),
    Model::new("pull_zero_races_request", zero_races_request),
    Model::new("pull_request_wakes_driver", request_wakes_driver),
    Model::new("pull_cancel_wakes_driver", cancel_wakes_driver),
    Model::new("pull_push_races_request", push_races_request).preemptions(2),
    Model::new("pull_push_races_cancel", push_races_cancel).preemptions(2),
    Model::new("pull_slowest_cancels", slowest_cancels),
    Model::new("pull_two_ask", two_ask),
    Model::new("pull_items_wait", items_wait).preemptions(2),
];

/// What became of a subscriber. Looked at when all threads are through.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Signal {
    Next(u32),
    Completed,
    Failed,
    Dropped,
}

use Signal::{Completed, Dropped, Failed, Next};

type Log = Arc<Mutex<Vec<Signal>>>;

/// Writes down what comes, and lets others ask.
struct Probe {
    log: Log,
    subscription: Arc<Mutex<Option<Subscription>>>,
}

impl<E> Subscriber<u32, E> for Probe {
    fn on_subscribe(&mut self, subscription: Subscription) {
        *self.subscription.lock().unwrap() = Some(subscription);
    }

    fn on_next(&mut self, item: u32) {
        self.log.lock().unwrap().push(Next(item));
    }

    fn on_error(self, _failure: Failure<E>) {
        self.log.lock().unwrap().push(Failed);
    }

    fn on_complete(self) {
        self.log.lock().unwrap().push(Completed);
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        self.log.lock().unwrap().push(Dropped);
    }
}

fn subscribe<P: Publisher<Item = u32>>(publisher: &P) -> (Subscription, Log) {
    let (log, subscription) = (Log::default(), Arc::default());
    publisher.subscribe(Probe {
        log: log.clone(),
        subscription: Arc::clone(&subscription),
    });
    let subscription = subscription.lock().unwrap().take().unwrap();
    (subscription, log)
}

fn seen(log: &Log) -> Vec<Signal> {
    log.lock().unwrap().clone()
}

/// Two requests: one thread emits, and what the other asked for is not lost.
fn request_races_emission() {
    let (subscription, log) = subscribe(&pull::from_iter(0..));
    let other = subscription.clone();
    let asks = thread::spawn(move || other.request(1));
    subscription.request(2);
    asks.join().unwrap();
    assert_eq!(seen(&log), [Next(0), Next(1), Next(2)]);
    subscription.cancel();
}

/// One emits, another cancels: nothing comes after the end, and the subscriber is dropped.
fn cancel_races_on_next() {
    let (subscription, log) = subscribe(&pull::from_iter(0..));
    let other = subscription.clone();
    let asks = thread::spawn(move || other.request(2));
    subscription.cancel();
    asks.join().unwrap();
    let seen = seen(&log);
    let all = [Next(0), Next(1)];
    assert!(
        seen.strip_suffix(&[Dropped])
            .is_some_and(|items| all.starts_with(items))
    );
}

/// The second of two requests finds the end, whichever that is; it is told once.
fn completion_races_request() {
    let (subscription, log) = subscribe(&pull::from_iter((0..).take_while(|i| *i < 1)));
    let other = subscription.clone();
    let asks = thread::spawn(move || other.request(1));
    subscription.request(1);
    asks.join().unwrap();
    assert_eq!(seen(&log), [Next(0), Completed, Dropped]);
}

/// A request for nothing is the end, before or after what another asked for.
fn zero_races_request() {
    let (subscription, log) = subscribe(&pull::from_iter(0..));
    let other = subscription.clone();
    let asks = thread::spawn(move || other.request(1));
    subscription.request(0);
    asks.join().unwrap();
    let seen = seen(&log);
    assert!(
        seen.strip_suffix(&[Failed, Dropped])
            .is_some_and(|items| [Next(0)].starts_with(items))
    );
}

/// Publishes a stream of two, driven by a thread.
fn driven() -> (Subscription, Log, thread::JoinHandle<()>) {
    let driver = Arc::new(Mutex::new(None::<Driver>));
    let slot = driver.clone();
    let publisher = pull::from_stream(stream::iter(0..2), move |driver| {
        *slot.lock().unwrap() = Some(driver);
    });
    let (subscription, log) = subscribe(&publisher);
    let driver = driver.lock().unwrap().take().unwrap();
    (subscription, log, thread::spawn(|| driver.run()))
}

/// A driver that waits for demand is woken.
fn request_wakes_driver() {
    let (subscription, log, driver) = driven();
    subscription.request(1);
    subscription.request(2);
    driver.join().unwrap();
    assert_eq!(seen(&log), [Next(0), Next(1), Completed, Dropped]);
}

/// A driver that waits for demand is told that there will be none.
fn cancel_wakes_driver() {
    let (subscription, log, driver) = driven();
    subscription.request(1);
    subscription.cancel();
    driver.join().unwrap();
    assert!([&[Dropped][..], &[Next(0), Dropped]].contains(&&seen(&log)[..]));
}

/// Something comes unasked while somebody asks: it is given out, and so is the end.
fn push_races_request() {
    let (mut emitter, pushed) = pull::push::<u32, ()>(Overflow::latest()).split();
    let (subscription, log) = subscribe(&pushed);
    let source = thread::spawn(move || {
        let _ = emitter.emit(0).unwrap();
        emitter.complete();
    });
    subscription.request(1);
    source.join().unwrap();
    assert_eq!(seen(&log), [Next(0), Completed, Dropped]);
    let stats = pushed.monitor().stats();
    assert_eq!((stats.offered, stats.delivered), (1, 1));
}

/// What comes while the subscription is cancelled is given out, drained or given back.
fn push_races_cancel() {
    let (mut emitter, pushed) = pull::push::<u32, ()>(Overflow::latest()).split();
    let (subscription, log) = subscribe(&pushed);
    subscription.request(1);
    let source = thread::spawn(move || {
        let _ = emitter.emit(0);
        emitter
    });
    subscription.cancel();
    let _emitter = source.join().unwrap();
    assert!([&[Dropped][..], &[Next(0), Dropped]].contains(&&seen(&log)[..]));
    let stats = pushed.monitor().stats();
    let delivered = u64::from(seen(&log).len() == 2);
    assert_eq!((stats.offered, stats.delivered), (1, delivered));
    assert!(stats.is_exact() && stats.depth == 0, "{stats}");
}

/// The slowest of two goes, and one that waits for it goes on.
fn slowest_cancels() {
    let (input, shared) = pull::share(2).split();
    let [one, other] = [subscribe(&shared), subscribe(&shared)];
    pull::from_iter(0..2).subscribe(input);
    let (slow, _) = other;
    let goes = thread::spawn(move || slow.cancel());
    one.0.request(2);
    goes.join().unwrap();
    assert_eq!(seen(&one.1), [Next(0), Next(1), Completed, Dropped]);
}

/// Two ask at the same time: both have the item that both have asked for.
fn two_ask() {
    let (input, shared) = pull::share(2).split();
    let [one, other] = [subscribe(&shared), subscribe(&shared)];
    pull::from_iter(0..1).subscribe(input);
    let asks = thread::spawn(move || other.0.request(1));
    one.0.request(2);
    asks.join().unwrap();
    for log in [one.1, other.1] {
        assert_eq!(seen(&log), [Next(0), Completed, Dropped]);
    }
}

/// An iterator of what is published waits for it, and for the end.
fn items_wait() {
    let block = ringfence::channel(1).spsc().on_full(OnFull::Block);
    let (mut emitter, pushed) = pull::push::<u32, ()>(Overflow::buffer(block)).split();
    let mut items = pushed.items(1);
    let source = thread::spawn(move || {
        let _ = emitter.emit(0).unwrap();
        emitter.complete();
    });
    assert_eq!(items.next(), Some(Ok(0)));
    assert_eq!(items.next(), None);
    source.join().unwrap();
}
