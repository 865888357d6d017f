//! The rules of Reactive Streams 1.0.4, on each publisher that there is: `rules.md` in
//! `std-ext/src/pull/` says which test checks which rule.
//!
//! Each test runs over all [`publishers`]. Those of iterators signal on this thread, the
//! others on one of their own; so the tests wait for what must come, and what must not
//! come is caught by the [`Probe`] whenever it does.

use std::fmt::Debug;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;

use futures_util::{StreamExt, stream};
use ringfence::OnFull;
use ringfence::pull::{
    self, Driver, Failure, FeedError, Overflow, Publisher, PublisherExt, Subscriber, Subscription,
    UNBOUNDED,
};

/// What a probe is told.
#[derive(Debug, PartialEq)]
enum Signal {
    Subscribed,
    Next(u64),
    Completed,
    Failed(String),
}

/// What is kept of a probe: its signals, until it is dropped, and what it was given.
struct Watch {
    signals: Receiver<Signal>,
    subscription: Arc<Mutex<Option<Subscription>>>,
    requested: Arc<AtomicU64>,
}

/// A subscriber that watches its publisher.
struct Probe {
    signals: Sender<Signal>,
    subscription: Arc<Mutex<Option<Subscription>>>,
    /// How much was requested, at least as far as the publisher may know.
    requested: Arc<AtomicU64>,
    received: u64,
    /// Whether a signal is under way.
    busy: AtomicBool,
    /// What it does with its subscription, being given it and the items.
    on_subscribe: fn(&Asks),
    on_next: fn(&Asks, u64),
}

/// A subscription that keeps account.
struct Asks {
    subscription: Subscription,
    requested: Arc<AtomicU64>,
}

impl Asks {
    fn request(&self, n: u64) {
        let add = |sum: u64| Some(sum.saturating_add(n));
        self.requested.fetch_update(SeqCst, SeqCst, add).unwrap();
        self.subscription.request(n);
    }

    fn cancel(&self) {
        self.subscription.cancel();
    }
}

impl Probe {
    /// One that does nothing by itself.
    fn new() -> (Self, Watch) {
        let (tx, rx) = channel();
        let subscription = Arc::new(Mutex::new(None));
        let requested = Arc::new(AtomicU64::new(0));
        let probe = Self {
            signals: tx,
            subscription: subscription.clone(),
            requested: requested.clone(),
            received: 0,
            busy: AtomicBool::new(false),
            on_subscribe: |_| {},
            on_next: |_, _| {},
        };
        let watch = Watch {
            signals: rx,
            subscription,
            requested,
        };
        (probe, watch)
    }

    fn asks(&self) -> Asks {
        Asks {
            subscription: self.subscription.lock().unwrap().clone().unwrap(),
            requested: self.requested.clone(),
        }
    }

    /// A signal, if no other is under way.
    fn signal(&self, signal: Signal) {
        assert!(!self.busy.swap(true, SeqCst), "signals overlap");
        let _ = self.signals.send(signal);
        self.busy.store(false, SeqCst);
    }
}

impl<E: Debug> Subscriber<u64, E> for Probe {
    fn on_subscribe(&mut self, subscription: Subscription) {
        let before = self.subscription.lock().unwrap().replace(subscription);
        assert!(before.is_none(), "subscribed twice");
        self.signal(Signal::Subscribed);
        (self.on_subscribe)(&self.asks());
        assert_eq!(self.received, 0, "signalled within on_subscribe");
    }

    fn on_next(&mut self, item: u64) {
        self.received += 1;
        let requested = self.requested.load(SeqCst);
        assert!(self.received <= requested, "more than was requested");
        self.signal(Signal::Next(item));
        let received = self.received;
        (self.on_next)(&self.asks(), item);
        assert_eq!(self.received, received, "signalled within on_next");
    }

    fn on_error(self, failure: Failure<E>) {
        self.signal(Signal::Failed(format!("{failure:?}")));
    }

    fn on_complete(self) {
        self.signal(Signal::Completed);
    }
}

impl Watch {
    fn asks(&self) -> Asks {
        Asks {
            subscription: self.subscription.lock().unwrap().clone().unwrap(),
            requested: self.requested.clone(),
        }
    }

    /// The next signal must be this. Waits for it.
    #[track_caller]
    fn expect(&self, signal: Signal) {
        assert_eq!(self.signals.recv(), Ok(signal));
    }

    #[track_caller]
    fn expect_items(&self, items: std::ops::Range<u64>) {
        items.for_each(|item| self.expect(Signal::Next(item)));
    }

    /// There must be no more signals, and the probe dropped. Waits for that.
    #[track_caller]
    fn expect_dropped(&self) {
        let signal = self.signals.recv();
        assert!(signal.is_err(), "{signal:?} after the last");
    }

    /// Of a probe that has ended or cancelled: what came, until it was dropped.
    fn rest(&self) -> Vec<Signal> {
        self.signals.iter().collect()
    }
}

/// A test, for any publisher of the first numbers.
trait Test {
    /// How many of them.
    const ITEMS: u64;

    fn run<P: Publisher<Item = u64, Error: Debug + Send + 'static>>(publisher: P, knows: Knows);
}

/// What may be expected of a publisher.
#[derive(Clone, Copy, PartialEq)]
enum Knows {
    /// Its end, with the last item.
    End,
    /// Nothing, before it is asked for one more.
    Nothing,
}

fn on_thread(driver: Driver) {
    pull::on_thread(driver);
}

/// Each publisher that there is, of `T::ITEMS` numbers.
fn publishers<T: Test>() {
    let n = T::ITEMS;
    let numbers = || pull::from_iter(0..n);
    T::run(numbers(), Knows::End);
    T::run(pull::from_results((0..n).map(Ok::<_, ()>)), Knows::End);
    T::run(
        pull::from_iter((0..).take_while(move |i| *i < n)),
        Knows::Nothing,
    );
    T::run(numbers().map(|item| item), Knows::End);
    T::run(from_channel(n), Knows::Nothing);
    T::run(from_channel(n).map(|item| item), Knows::Nothing);
    T::run(
        pull::from_stream(stream::iter(0..n), on_thread),
        Knows::Nothing,
    );
    for batch in [1, 2, 16] {
        T::run(numbers().share(batch), Knows::End);
        T::run(from_channel(n).share(batch), Knows::Nothing);
    }
    let keeps_all = || ringfence::channel(16).spsc().on_full(OnFull::DropNewest);
    T::run(
        numbers().on_overflow(Overflow::buffer(keeps_all())),
        Knows::End,
    );
    T::run(
        from_channel(n).on_overflow(Overflow::buffer(keeps_all())),
        Knows::End,
    );
    T::run(pushed(n), Knows::End);
}

/// The numbers, through a channel.
fn from_channel(n: u64) -> impl Publisher<Item = u64, Error: Debug + Clone + Send + Sync> {
    let (mut tx, rx) = ringfence::channel(2).spsc().build();
    thread::spawn(move || (0..n).try_for_each(|i| tx.send(i).map(drop)));
    pull::from_channel(rx, on_thread)
}

/// The numbers, pushed by a thread that waits for room.
fn pushed(n: u64) -> impl Publisher<Item = u64, Error = ()> {
    let waits = ringfence::channel(2).spsc().on_full(OnFull::Block);
    let (mut emitter, pushed) = pull::push(Overflow::buffer(waits)).split();
    thread::spawn(move || {
        if (0..n).all(|item| emitter.emit(item).is_ok()) {
            emitter.complete();
        }
    });
    pushed
}

/// A probe that was given its subscription.
struct Subscribed {
    watch: Watch,
    asks: Asks,
}

/// Subscribes a probe that does nothing by itself, and waits for its subscription.
fn subscribe<P: Publisher<Item = u64, Error: Debug + 'static>>(publisher: &P) -> Subscribed {
    let (probe, watch) = Probe::new();
    publisher.subscribe(probe);
    watch.expect(Signal::Subscribed);
    let asks = watch.asks();
    Subscribed { watch, asks }
}

/// Asks for one more where that is needed to know the end.
fn expect_end(of: &Subscribed, knows: Knows) {
    if knows == Knows::Nothing {
        of.asks.request(1);
    }
    of.watch.expect(Signal::Completed);
    of.watch.expect_dropped();
}

/// 1.1, 1.2, 3.8: what is asked for comes, in any portions, and never more.
struct DemandIsMet;

impl Test for DemandIsMet {
    const ITEMS: u64 = 12;

    fn run<P: Publisher<Item = u64, Error: Debug + Send + 'static>>(publisher: P, knows: Knows) {
        let of = subscribe(&publisher);
        let mut next = 0;
        for n in [1, 4, 2, 5] {
            of.asks.request(n);
            of.watch.expect_items(next..next + n);
            next += n;
        }
        expect_end(&of, knows);
    }
}

/// 3.8, 1.1: requests add up, also those that come before anything is signalled.
struct RequestsAddUp;

impl Test for RequestsAddUp {
    const ITEMS: u64 = 12;

    fn run<P: Publisher<Item = u64, Error: Debug + Send + 'static>>(publisher: P, knows: Knows) {
        let (mut probe, watch) = Probe::new();
        probe.on_subscribe = |asks| [1, 2, 3].iter().for_each(|n| asks.request(*n));
        publisher.subscribe(probe);
        watch.expect(Signal::Subscribed);
        watch.expect_items(0..6);
        let asks = watch.asks();
        [1, 2, 3].iter().for_each(|n| asks.request(*n));
        watch.expect_items(6..12);
        expect_end(&Subscribed { watch, asks }, knows);
    }
}

/// 1.5, 1.7, 2.9, 3.6, 3.7: it completes once, with demand to spare, and all after that does
/// nothing.
struct CompletesOnce;

impl Test for CompletesOnce {
    const ITEMS: u64 = 3;

    fn run<P: Publisher<Item = u64, Error: Debug + Send + 'static>>(publisher: P, _knows: Knows) {
        let of = subscribe(&publisher);
        of.asks.request(10);
        of.watch.expect_items(0..3);
        of.watch.expect(Signal::Completed);
        of.asks.request(1);
        of.asks.request(0);
        of.asks.cancel();
        of.watch.expect_dropped();
    }
}

/// 1.2, 1.5, 2.9: without an item.
struct CompletesEmpty;

impl Test for CompletesEmpty {
    const ITEMS: u64 = 0;

    fn run<P: Publisher<Item = u64, Error: Debug + Send + 'static>>(publisher: P, knows: Knows) {
        expect_end(&subscribe(&publisher), knows);
    }
}

/// 3.9, 1.4, 1.6: to ask for nothing is an error, and the end.
struct ZeroIsAnError;

impl Test for ZeroIsAnError {
    const ITEMS: u64 = 12;

    fn run<P: Publisher<Item = u64, Error: Debug + Send + 'static>>(publisher: P, _knows: Knows) {
        let of = subscribe(&publisher);
        of.asks.request(1);
        of.watch.expect_items(0..1);
        of.asks.request(0);
        of.watch.expect(Signal::Failed("ZeroDemand".into()));
        of.asks.request(5);
        of.watch.expect_dropped();
    }
}

/// 3.9 within 3.2: also out of a signal.
struct ZeroWithinASignal;

impl Test for ZeroWithinASignal {
    const ITEMS: u64 = 12;

    fn run<P: Publisher<Item = u64, Error: Debug + Send + 'static>>(publisher: P, _knows: Knows) {
        let (mut probe, watch) = Probe::new();
        probe.on_subscribe = |asks| asks.request(5);
        probe.on_next = |asks, item| {
            if item == 2 {
                asks.request(0);
            }
        };
        publisher.subscribe(probe);
        watch.expect(Signal::Subscribed);
        watch.expect_items(0..3);
        watch.expect(Signal::Failed("ZeroDemand".into()));
        watch.expect_dropped();
    }
}

/// 3.17: demand adds up to no end.
struct DemandWithoutEnd;

impl Test for DemandWithoutEnd {
    const ITEMS: u64 = 12;

    fn run<P: Publisher<Item = u64, Error: Debug + Send + 'static>>(publisher: P, _knows: Knows) {
        let (mut probe, watch) = Probe::new();
        probe.on_subscribe = |asks| {
            for n in [UNBOUNDED - 1, 1, UNBOUNDED, u64::MAX] {
                asks.request(n);
            }
        };
        probe.on_next = |asks, _| asks.request(u64::MAX);
        publisher.subscribe(probe);
        watch.expect(Signal::Subscribed);
        watch.expect_items(0..12);
        watch.expect(Signal::Completed);
        watch.expect_dropped();
    }
}

/// 1.8, 3.5, 3.12, 3.13: within a signal, cancelling is at once: that was the last one, and the
/// subscriber is dropped, whatever was asked for.
struct CancelWithinASignal;

impl Test for CancelWithinASignal {
    const ITEMS: u64 = 12;

    fn run<P: Publisher<Item = u64, Error: Debug + Send + 'static>>(publisher: P, _knows: Knows) {
        let (mut probe, watch) = Probe::new();
        probe.on_subscribe = |asks| asks.request(8);
        probe.on_next = |asks, item| {
            if item == 2 {
                asks.cancel();
                asks.cancel();
                asks.request(1);
                asks.request(0);
            }
        };
        publisher.subscribe(probe);
        watch.expect(Signal::Subscribed);
        watch.expect_items(0..3);
        watch.expect_dropped();
    }
}

/// 3.12 within 3.2: before anything was signalled.
struct CancelWithinOnSubscribe;

impl Test for CancelWithinOnSubscribe {
    const ITEMS: u64 = 12;

    fn run<P: Publisher<Item = u64, Error: Debug + Send + 'static>>(publisher: P, _knows: Knows) {
        let (mut probe, watch) = Probe::new();
        probe.on_subscribe = |asks| {
            asks.request(8);
            asks.cancel();
        };
        publisher.subscribe(probe);
        watch.expect(Signal::Subscribed);
        watch.expect_dropped();
    }
}

/// 3.13, 3.5, 3.6, 3.7: who waits for nothing is dropped, too; and again does nothing.
struct CancelAtRest;

impl Test for CancelAtRest {
    const ITEMS: u64 = 12;

    fn run<P: Publisher<Item = u64, Error: Debug + Send + 'static>>(publisher: P, _knows: Knows) {
        let of = subscribe(&publisher);
        of.asks.request(2);
        of.watch.expect_items(0..2);
        of.asks.cancel();
        of.asks.cancel();
        of.asks.request(1);
        of.asks.request(0);
        of.watch.expect_dropped();
    }
}

/// 1.8, 2.8, 3.5: from another thread, at any time: what was under way may still come.
struct CancelFromElsewhere;

impl Test for CancelFromElsewhere {
    const ITEMS: u64 = 12;

    fn run<P: Publisher<Item = u64, Error: Debug + Send + 'static>>(publisher: P, _knows: Knows) {
        let of = subscribe(&publisher);
        let asks = of.watch.asks();
        let canceller = thread::spawn(move || {
            asks.cancel();
            asks
        });
        of.asks.request(5);
        drop(canceller.join().unwrap());
        let rest = of.watch.rest(); // ends when the probe is dropped
        let items: Vec<_> = (0..rest.len() as u64).map(Signal::Next).collect();
        assert!(rest.len() <= 5 && rest == items, "{rest:?}");
    }
}

/// 3.1, 3.5, 3.17, 2.7: requests of several threads are all counted.
struct RequestsOfThreads;

impl Test for RequestsOfThreads {
    const ITEMS: u64 = 12;

    fn run<P: Publisher<Item = u64, Error: Debug + Send + 'static>>(publisher: P, knows: Knows) {
        let of = subscribe(&publisher);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..3).for_each(|_| of.asks.request(1)));
            }
        });
        of.watch.expect_items(0..12);
        expect_end(&of, knows);
    }
}

/// 1.9, 1.10: whoever subscribes is given a subscription first, and then items or an error.
struct ComesTwice;

impl Test for ComesTwice {
    const ITEMS: u64 = 2;

    fn run<P: Publisher<Item = u64, Error: Debug + Send + 'static>>(publisher: P, _knows: Knows) {
        let first = subscribe(&publisher);
        let second = subscribe(&publisher);
        for of in [&first, &second] {
            of.asks.request(UNBOUNDED);
        }
        for of in [&first, &second] {
            match of.watch.rest().pop() {
                Some(Signal::Completed) => {}
                Some(Signal::Failed(why)) => assert_eq!(why, "Taken"),
                other => panic!("{other:?} is the last"),
            }
        }
    }
}

/// 3.2, 3.3: however many items, the stack stays as it is.
struct NeverRecurses;

impl Test for NeverRecurses {
    const ITEMS: u64 = 5_000;

    fn run<P: Publisher<Item = u64, Error: Debug + Send + 'static>>(publisher: P, _knows: Knows) {
        let (mut probe, watch) = Probe::new();
        probe.on_subscribe = |asks| asks.request(1);
        probe.on_next = |asks, _| asks.request(1);
        publisher.subscribe(probe);
        watch.expect(Signal::Subscribed);
        // What does not block refuses what is not asked for in time.
        let mut rest = watch.rest();
        assert_eq!(rest.pop(), Some(Signal::Completed));
        assert!(!rest.is_empty());
    }
}

#[test]
fn demand_is_met_and_not_exceeded() {
    publishers::<DemandIsMet>();
    publishers::<RequestsAddUp>();
    publishers::<RequestsOfThreads>();
}

#[test]
fn completion_is_the_last_signal() {
    publishers::<CompletesOnce>();
    publishers::<CompletesEmpty>();
}

#[test]
fn to_ask_for_nothing_is_an_error() {
    publishers::<ZeroIsAnError>();
    publishers::<ZeroWithinASignal>();
}

#[test]
fn demand_has_no_upper_end() {
    publishers::<DemandWithoutEnd>();
}

#[test]
fn nothing_comes_after_cancelling_and_all_is_dropped() {
    publishers::<CancelWithinASignal>();
    publishers::<CancelWithinOnSubscribe>();
    publishers::<CancelAtRest>();
    publishers::<CancelFromElsewhere>();
}

#[test]
fn each_subscriber_is_subscribed_first() {
    publishers::<ComesTwice>();
}

#[test]
fn requests_do_not_recurse() {
    // So little that a call for each item would not fit.
    let small = thread::Builder::new().stack_size(128 << 10);
    let run = small.spawn(publishers::<NeverRecurses>).unwrap();
    run.join().unwrap();
}

/// 1.4, 1.7, 2.10: an error is the last signal, with demand or without.
#[test]
fn a_failure_is_the_last_signal() {
    let fails = || pull::from_results([Ok(0), Err("broken"), Ok(2)]);
    let of = subscribe(&fails());
    of.asks.request(5);
    of.watch.expect_items(0..1);
    of.watch.expect(Signal::Failed("Source(\"broken\")".into()));
    of.watch.expect_dropped();

    let of = subscribe(&fails().map(|item: u64| item).share(4));
    of.asks.request(5);
    of.watch.expect_items(0..1);
    of.watch.expect(Signal::Failed("Source(\"broken\")".into()));
    of.watch.expect_dropped();

    // Without demand.
    let (emitter, pushed) = pull::push(Overflow::latest()).split();
    let of = subscribe(&pushed);
    emitter.fail("broken");
    of.watch.expect(Signal::Failed("Source(\"broken\")".into()));
    of.watch.expect_dropped();
}

/// A subscription that notes what becomes of it.
#[derive(Default)]
struct Noted {
    requested: AtomicU64,
    cancelled: AtomicU64,
}

impl pull::Control for Noted {
    fn request(&self, n: u64) {
        self.requested.fetch_add(n, SeqCst);
    }

    fn cancel(&self) {
        self.cancelled.fetch_add(1, SeqCst);
    }
}

/// 2.1, 2.3, 2.5, 2.6, 4.1, 4.2: what each subscriber of this crate does with its
/// subscription, being given two, and then the end.
fn subscribes_well<S: Subscriber<u64, &'static str>>(mut subscriber: S, asks: u64) {
    let [first, second] = [(); 2].map(|()| Arc::new(Noted::default()));
    subscriber.on_subscribe(Subscription::new(first.clone()));
    subscriber.on_subscribe(Subscription::new(second.clone()));
    assert_eq!(first.requested.load(SeqCst), asks);
    assert_eq!(first.cancelled.load(SeqCst), 0);
    assert_eq!(second.requested.load(SeqCst), 0);
    assert_eq!(second.cancelled.load(SeqCst), 1);
    subscriber.on_error(Failure::Source("broken"));
    assert_eq!(first.requested.load(SeqCst), asks);
    assert_eq!(first.cancelled.load(SeqCst), 0);
    assert_eq!(Arc::strong_count(&first), 1, "it is let go");
}

#[test]
fn subscribers_keep_one_subscription_and_let_it_go() {
    /// Gives its subscriber to the test.
    struct Catches;

    impl Publisher for Catches {
        type Item = u64;
        type Error = &'static str;

        fn subscribe<S: Subscriber<u64, &'static str> + Send + 'static>(&self, subscriber: S) {
            subscribes_well(subscriber, 4);
        }
    }
    let mut items = Catches.items(4);
    assert_eq!(items.next(), Some(Err(Failure::Source("broken"))));
    assert_eq!(items.next(), None);

    let (emitter, pushed) = pull::push(Overflow::latest()).split();
    subscribes_well(emitter, UNBOUNDED);
    let of = subscribe(&pushed);
    of.watch.expect(Signal::Failed("Source(\"broken\")".into()));

    let (input, shared) = pull::share(4).split();
    let of = subscribe(&shared);
    of.asks.request(3);
    subscribes_well(input, 3);
    of.watch.expect(Signal::Failed("Source(\"broken\")".into()));
}

/// 2.6, and the note of section 4: who needs no more cancels, through every stage.
#[test]
fn cancelling_goes_upstream() {
    let (emitter, pushed) = pull::push::<u64, ()>(Overflow::latest()).split();
    let items = pushed.map(|item| item).share(4).map(|item| item).items(2);
    assert!(!emitter.is_cancelled());
    drop(items);
    assert!(emitter.is_cancelled());

    let (emitter, pushed) = pull::push::<u64, ()>(Overflow::latest()).split();
    let of = subscribe(&pushed.on_overflow(Overflow::latest()));
    assert!(!emitter.is_cancelled());
    of.asks.cancel();
    assert!(emitter.is_cancelled());
}

/// A driver as a task.
fn as_task(driver: Driver) {
    tokio::spawn(driver);
}

/// From a channel into a sink, and from a stream into a stream, in tasks.
#[test]
fn tasks_drive_channels_streams_and_sinks() {
    let mut one = tokio::runtime::Builder::new_current_thread();
    let mut two = tokio::runtime::Builder::new_multi_thread();
    for runtime in [one.build().unwrap(), two.worker_threads(2).build().unwrap()] {
        runtime.block_on(async {
            let (mut tx, rx) = ringfence::channel(2).spsc().build();
            let (out_tx, out_rx) = ringfence::channel(2).spsc().build();
            tokio::spawn(async move {
                for item in 0..1000u64 {
                    let _ = tx.send_async(item).await.unwrap();
                }
            });
            let doubled = pull::from_channel(rx, as_task).map(|item| 2 * item);
            let fed = tokio::spawn(doubled.feed(out_tx.into_sink(), 3));
            let all: Vec<_> = out_rx.into_stream().collect().await;
            assert!(all.into_iter().eq((0..1000).map(|item| 2 * item)));
            assert!(fed.await.unwrap().is_ok());

            let items = pull::from_stream(stream::iter(0..1000), as_task).items(4);
            let all: Vec<_> = items.into_stream().map(Result::unwrap).collect().await;
            assert!(all.into_iter().eq(0..1000));
        });
    }
}

/// A sink that fails, and a publisher that does.
#[test]
fn what_feeds_a_sink_says_what_failed() {
    let (tx, rx) = ringfence::channel(1).spsc().build();
    let (emitter, pushed) = pull::push::<u64, &str>(Overflow::latest()).split();
    let fed = pushed.feed(tx.into_sink(), 1);
    drop(rx);
    let pushes = thread::spawn(move || {
        let mut emitter = emitter;
        let _ = emitter.emit(7);
        emitter
    });
    assert!(matches!(fed.run(), Err(FeedError::Sink(_))));
    assert!(pushes.join().unwrap().is_cancelled());

    let (tx, rx) = ringfence::channel(4).spsc().build();
    let fails = pull::from_results([Ok(0), Err("broken")]);
    let failure = fails.feed(tx.into_sink(), 4).run().unwrap_err();
    assert!(matches!(
        failure,
        FeedError::Publisher(Failure::Source("broken"))
    ));
    assert!(rx.into_iter().eq([0]), "what came before was sent");
}
