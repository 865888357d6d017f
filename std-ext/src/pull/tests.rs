//! What a user relies on beyond the rules of the specification, which
//! `tests/tests/reactive.rs` checks on every publisher.

mod push;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use super::*;
use crate::{OnFull, Sent, channel};

/// What came, and the subscription by which more can be asked for.
struct Seen<T, E> {
    items: Vec<T>,
    end: Option<Result<(), Failure<E>>>,
    subscription: Option<Subscription>,
}

/// The part of a subscriber that outlives it.
type Log<T, E> = Arc<Mutex<Seen<T, E>>>;

/// Writes down what comes, and asks for so many at first.
struct Probe<T, E> {
    log: Log<T, E>,
    first: u64,
}

impl<T, E> Subscriber<T, E> for Probe<T, E> {
    fn on_subscribe(&mut self, subscription: Subscription) {
        self.log.lock().unwrap().subscription = Some(subscription.clone());
        if self.first > 0 {
            subscription.request(self.first);
        }
    }

    fn on_next(&mut self, item: T) {
        self.log.lock().unwrap().items.push(item);
    }

    fn on_error(self, failure: Failure<E>) {
        self.log.lock().unwrap().end = Some(Err(failure));
    }

    fn on_complete(self) {
        self.log.lock().unwrap().end = Some(Ok(()));
    }
}

/// Subscribes a probe.
fn probe<P>(publisher: &P, first: u64) -> Log<P::Item, P::Error>
where
    P: Publisher<Item: Send + 'static, Error: Send + 'static>,
{
    let log = Arc::new(Mutex::new(Seen {
        items: Vec::new(),
        end: None,
        subscription: None,
    }));
    publisher.subscribe(Probe {
        log: log.clone(),
        first,
    });
    log
}

fn request<T, E>(log: &Log<T, E>, n: u64) {
    subscription(log).request(n);
}

fn subscription<T, E>(log: &Log<T, E>) -> Subscription {
    log.lock().unwrap().subscription.clone().unwrap()
}

fn items<T: Clone, E>(log: &Log<T, E>) -> Vec<T> {
    log.lock().unwrap().items.clone()
}

fn end<T, E: Clone>(log: &Log<T, E>) -> Option<Result<(), Failure<E>>> {
    log.lock().unwrap().end.clone()
}

#[test]
fn shared_items_come_at_the_pace_of_the_slowest() {
    let shared = from_iter(0..100).share(8);
    let [fast, slow] = [probe(&shared, UNBOUNDED), probe(&shared, 0)];
    // What the first asked for before the second came, one batch, passes that by.
    assert_eq!(items(&fast), (0..100).collect::<Vec<_>>());
    assert_eq!((items(&slow), end(&slow)), (vec![], Some(Ok(()))));

    let shared = from_iter(0..100).share(8);
    let [one, other] = [probe(&shared, 0), probe(&shared, 0)];
    request(&one, UNBOUNDED);
    assert_eq!(items(&one), []);
    request(&other, 3);
    assert_eq!((items(&one), items(&other)), (vec![0, 1, 2], vec![0, 1, 2]));
    request(&other, 20);
    assert_eq!((items(&one).len(), items(&other).len()), (23, 23));
    let late = probe(&shared, 2);
    request(&other, 30);
    assert_eq!(items(&late), [23, 24]);
    assert_eq!((items(&one).len(), items(&other).len()), (25, 25));
    // The slowest goes: the others go on, to the demand of the next.
    subscription(&late).cancel();
    assert_eq!((items(&one).len(), items(&other).len()), (53, 53));
    subscription(&other).cancel();
    assert_eq!(items(&one), (0..100).collect::<Vec<_>>());
    assert_eq!(end(&one), Some(Ok(())));
    assert_eq!(shared.unclaimed(), 0);
    assert_eq!(end(&probe(&shared, 0)), Some(Ok(())), "it has ended");
}

/// Items that were asked for by one that has gone.
#[test]
fn unclaimed_items_are_counted() {
    let (mut emitter, pushed) = push::<u32, ()>(Overflow::latest()).split();
    let shared = pushed.share(8);
    let log = probe(&shared, 4);
    let _ = emitter.emit(0).unwrap();
    subscription(&log).cancel();
    let late = probe(&shared, 1);
    for item in 1..6 {
        let _ = emitter.emit(item).unwrap();
    }
    assert_eq!((items(&log), items(&late)), (vec![0], vec![4]));
    assert_eq!(shared.unclaimed(), 3);
    drop(shared);
    assert!(!emitter.is_cancelled());
    subscription(&late).cancel();
    assert!(
        emitter.is_cancelled(),
        "nobody is left, and nobody can come"
    );
}

/// Panics at the second item.
struct Panics(Log<u32, std::convert::Infallible>);

impl<E> Subscriber<u32, E> for Panics {
    fn on_subscribe(&mut self, subscription: Subscription) {
        self.0.lock().unwrap().subscription = Some(subscription.clone());
        subscription.request(2);
    }

    fn on_next(&mut self, item: u32) {
        assert_ne!(item, 1, "told to panic");
    }

    fn on_error(self, _failure: Failure<E>) {}

    fn on_complete(self) {}
}

#[test]
fn a_panic_is_the_affair_of_one_subscriber() {
    let shared = from_iter(0..10).share(4);
    let before = probe(&shared, 0);
    let panics = probe(&from_iter(0..0), 0);
    shared.subscribe(Panics(panics.clone()));
    let after = probe(&shared, UNBOUNDED);
    request(&before, UNBOUNDED);
    assert_eq!(items(&before), (0..10).collect::<Vec<_>>());
    assert_eq!(items(&after), (0..10).collect::<Vec<_>>());
    assert_eq!(Arc::strong_count(&panics), 1, "it was dropped");

    // Alone, it panics in the call that signals.
    let publisher = from_iter(0..10);
    let panic = catch_unwind(AssertUnwindSafe(|| {
        publisher.subscribe(Panics(panics.clone()));
    }));
    assert!(panic.is_err());
    assert_eq!(Arc::strong_count(&panics), 1);
    request(&panics, 1); // does nothing
}

/// As one that is driven: the panic comes out of the driver, and all is dropped.
#[test]
fn a_driver_panics_with_its_subscriber() {
    let (mut tx, rx) = channel(4).spsc().build();
    let _ = tx.send_many(0..4).unwrap();
    let driver = Arc::new(Mutex::new(None));
    let slot = driver.clone();
    let publisher = from_channel(rx, move |driver| *slot.lock().unwrap() = Some(driver));
    let log = probe(&from_iter(0..0), 0);
    publisher.subscribe(Panics(log.clone()));
    let driver = driver.lock().unwrap().take().unwrap();
    assert!(catch_unwind(AssertUnwindSafe(|| driver.run())).is_err());
    assert_eq!(Arc::strong_count(&log), 1, "it was dropped");
    let stats = tx.stats();
    assert_eq!((stats.delivered, stats.drained), (2, 2));
}

/// What makes items panics: the subscriber is told, and the panic comes out.
#[test]
fn a_source_that_panics_has_failed() {
    let broken = |item: u32| {
        assert!(item < 2, "told to panic");
        item
    };
    let log = probe(&from_iter((0..).map(broken)), 2);
    assert!(catch_unwind(AssertUnwindSafe(|| request(&log, 1))).is_err());
    assert_eq!(
        (items(&log), end(&log)),
        (vec![0, 1], Some(Err(Failure::Abandoned)))
    );

    let log = probe(&from_iter(0..).map(broken), 2);
    assert!(catch_unwind(AssertUnwindSafe(|| request(&log, 1))).is_err());
    assert_eq!(
        (items(&log), end(&log)),
        (vec![0, 1], Some(Err(Failure::Abandoned)))
    );
}

/// Who has cancelled while the source found its end does not hear of it.
#[test]
fn who_has_cancelled_hears_of_no_end() {
    let slot = Arc::new(Mutex::new(None::<Subscription>));
    let found = slot.clone();
    let source = from_iter(std::iter::from_fn(move || {
        let subscription = found.lock().unwrap().take();
        if let Some(subscription) = subscription {
            subscription.cancel();
        }
        None::<u32>
    }));
    let log = probe(&source, 0);
    *slot.lock().unwrap() = Some(subscription(&log));
    request(&log, 1);
    assert_eq!(end(&log), None);
    assert_eq!(Arc::strong_count(&log), 1, "it was dropped");
}

/// A publisher that gives one more than it was asked for.
struct Lavish;

struct Ignores;

impl Control for Ignores {
    fn request(&self, _n: u64) {}
    fn cancel(&self) {}
}

impl Publisher for Lavish {
    type Item = u32;
    type Error = ();

    fn subscribe<S: Subscriber<u32, ()> + Send + 'static>(&self, mut subscriber: S) {
        subscriber.on_subscribe(Subscription::new(Arc::new(Ignores)));
        (0..3).for_each(|item| subscriber.on_next(item));
    }
}

#[test]
fn items_take_no_more_than_they_asked_for() {
    let mut items = Lavish.items(2);
    assert_eq!([items.next(), items.next()], [Some(Ok(0)), Some(Ok(1))]);
    assert_eq!(items.next(), Some(Err(Failure::Overflow)));
    assert_eq!(items.next(), None);

    let shared = Lavish.share(2);
    let log = probe(&shared, 1);
    assert_eq!(end(&log), Some(Err(Failure::Overflow)));
}

/// Counts what was made.
#[test]
fn items_ask_for_half_a_batch_at_a_time() {
    let made = Arc::new(AtomicUsize::new(0));
    let count = made.clone();
    let source = from_iter((0..100).inspect(move |_| {
        count.fetch_add(1, Relaxed);
    }));
    let mut items = source.items(8);
    assert_eq!(made.load(Relaxed), 8);
    for taken in 1..=4 {
        assert_eq!(items.next(), Some(Ok(taken - 1)));
        assert_eq!(made.load(Relaxed), 8);
    }
    assert_eq!(items.next(), Some(Ok(4)));
    assert_eq!(made.load(Relaxed), 12);
    assert!(items.map(Result::unwrap).eq(5..100));
}

/// A channel's error comes through, into a channel again.
#[test]
fn errors_pass_through_channels() {
    let (mut tx, rx) = channel(8).spsc().build();
    let (out_tx, mut out_rx) = channel(2).spsc().build();
    let _ = tx.send_many(0..3).unwrap();
    tx.close_with("the disk is full");
    let driver = from_channel(rx, on_thread).send_into(out_tx, 1);
    driver.run_while(&mut out_rx, 3);
    assert_eq!(out_rx.why_closed().unwrap().to_string(), "the disk is full");
}

impl Driver {
    /// Lets another thread do the work, while this one takes so many items to the end.
    fn run_while(self, rx: &mut crate::Receiver<u32, crate::flavour::Spsc>, n: u32) {
        let thread = std::thread::spawn(|| self.run());
        assert!(rx.iter().eq(0..n));
        thread.join().unwrap();
    }
}

/// The receiver goes while nothing is sent: the publisher is cancelled.
#[test]
fn a_channel_that_closes_cancels() {
    let (emitter, pushed) = push::<u32, std::io::Error>(Overflow::latest()).split();
    let (tx, rx) = channel(1).spsc().build();
    let driver = pushed.send_into(tx, 1);
    drop(rx);
    driver.run();
    assert!(emitter.is_cancelled());
}

/// A driver that is dropped gives up: the subscriber is told, the receiver goes.
#[test]
fn a_driver_that_is_dropped_has_failed() {
    let (tx, rx) = channel::<u32>(1).spsc().build();
    let log = probe(&from_channel(rx, drop), 1);
    assert!(matches!(end(&log), Some(Err(Failure::Abandoned))));
    assert!(tx.is_closed());

    // Who has cancelled does not care.
    let (_tx, rx) = channel::<u32>(1).spsc().build();
    let driver = Arc::new(Mutex::new(None));
    let slot = driver.clone();
    let publisher = from_channel(rx, move |driver| *slot.lock().unwrap() = Some(driver));
    let log = probe(&publisher, 1);
    subscription(&log).cancel();
    drop(driver.lock().unwrap().take());
    assert!(end(&log).is_none());
    assert_eq!(Arc::strong_count(&log), 1, "it was dropped");
}

#[test]
fn one_subscriber_where_there_can_be_but_one() {
    let (_tx, rx) = channel::<u32>(1).spsc().build();
    let publisher = from_channel(rx, |_| {});
    drop(publisher.items(1));
    assert!(matches!(
        end(&probe(&publisher, 0)),
        Some(Err(Failure::Taken))
    ));

    let (_emitter, pushed) = push::<u32, ()>(Overflow::latest()).split();
    let _first = probe(&pushed, 0);
    assert_eq!(end(&probe(&pushed, 0)), Some(Err(Failure::Taken)));
}
