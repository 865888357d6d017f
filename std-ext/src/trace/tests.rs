use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Mutex;
use std::thread;

use ::tracing::dispatcher::{self, Dispatch};
use ::tracing::field::{Field, Visit};
use ::tracing::span::{Attributes, Id, Record};
use ::tracing::{Event, Level, Metadata, Subscriber};

use super::*;
use crate::age::{ManualClock, Timed, Ttl};
use crate::{EarlyDrop, OnFull, Stats, channel};

const MS: Duration = Duration::from_millis(1);
const INTERVAL: Duration = Duration::from_secs(1);

/// What an event said: the channel's name and the counts.
#[derive(Clone, Debug, Default, PartialEq)]
struct Told {
    channel: String,
    message: String,
    counts: BTreeMap<&'static str, u64>,
}

impl Told {
    fn all(&self) -> u64 {
        self.counts.values().sum()
    }
}

impl Visit for Told {
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.counts.insert(field.name(), value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        assert_eq!(field.name(), "channel");
        self.channel = value.into();
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        assert_eq!(field.name(), "message");
        self.message = format!("{value:?}");
    }
}

/// Keeps all events.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<Told>>>);

impl Subscriber for Collector {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn event(&self, event: &Event<'_>) {
        let metadata = event.metadata();
        assert_eq!(
            (metadata.level(), metadata.target()),
            (&Level::WARN, "ringfence")
        );
        let mut told = Told::default();
        event.record(&mut told);
        self.0.lock().unwrap().push(told);
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        unreachable!("there are events only")
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

impl Collector {
    fn while_in<R>(&self, f: impl FnOnce() -> R) -> R {
        dispatcher::with_default(&Dispatch::new(self.clone()), f)
    }

    /// How many items each event told of.
    fn counts(&self) -> Vec<u64> {
        self.0.lock().unwrap().iter().map(Told::all).collect()
    }

    /// Of all events together, by reason.
    fn sum(&self, reason: &str) -> u64 {
        self.0
            .lock()
            .unwrap()
            .iter()
            .map(|told| told.counts[reason])
            .sum()
    }

    #[track_caller]
    fn check(&self, stats: &Stats) {
        let told = [
            "newest",
            "oldest",
            "random",
            "expired",
            "cancelled",
            "drained",
        ];
        let told = told.map(|reason| self.sum(reason));
        let dropped = [
            stats.refused_newest,
            stats.evicted,
            stats.refused_random,
            stats.expired,
            stats.refused_cancelled,
            stats.drained,
        ];
        assert_eq!(told, dropped);
    }
}

fn events() -> (DropEvents<ManualClock>, ManualClock, Collector) {
    let clock = ManualClock::new();
    let events = DropEvents::by_clock("orders", INTERVAL, clock.clone());
    (events, clock, Collector::default())
}

#[test]
fn the_first_is_told_at_once_and_others_with_the_next() {
    let (events, clock, collector) = events();
    let (mut tx, mut rx) = channel(1)
        .spsc()
        .on_full(OnFull::DropNewest)
        .on_drop(events.hook())
        .build();
    let mut send = |n| {
        let sent = collector.while_in(|| tx.send_many(0..n));
        drop(sent.unwrap());
    };
    send(1);
    assert_eq!(collector.counts(), [], "nothing was dropped");
    send(1);
    assert_eq!(collector.counts(), [1]);
    send(5);
    clock.advance(INTERVAL - MS);
    send(5);
    assert_eq!(collector.counts(), [1], "the interval is not over");
    clock.advance(MS);
    assert_eq!(collector.counts(), [1], "nothing happens by itself");
    send(1);
    assert_eq!(collector.counts(), [1, 11]);
    // The interval begins at the event, not where the one before would have ended.
    clock.advance(3 * INTERVAL / 2);
    send(1);
    clock.advance(3 * INTERVAL / 4);
    send(2);
    assert_eq!(collector.counts(), [1, 11, 1]);
    collector.while_in(|| events.flush());
    collector.while_in(|| events.flush());
    assert_eq!(collector.counts(), [1, 11, 1, 2]);
    let told = collector.0.lock().unwrap()[3].clone();
    assert_eq!(told.channel, "orders");
    assert_eq!(told.message, "items were dropped");
    assert_eq!(told.counts["newest"], 2);
    assert!(rx.recv().is_ok());
    collector.check(&rx.stats());
}

#[test]
fn what_is_untold_is_told_at_the_end() {
    let (events, _clock, collector) = events();
    let (mut tx, rx) = channel(4)
        .spsc()
        .on_full(OnFull::DropOldest)
        .on_drop(events.hook())
        .build();
    drop(events);
    let monitor = tx.monitor();
    collector.while_in(|| {
        drop(tx.send_many(0..10).unwrap());
        drop(rx);
        assert_eq!(collector.counts(), [1], "the channel still has an end");
        drop(tx);
    });
    assert_eq!(collector.counts(), [1, 9]);
    let stats = monitor.stats();
    assert_eq!((stats.evicted, stats.drained), (6, 4));
    collector.check(&stats);
}

#[test]
fn every_reason_is_told_as_it_is_counted() {
    let (events, clock, _) = events();
    let rule = EarlyDrop::new(0, 8, 1.0).unwrap().with_seed(1);
    for on_full in [
        OnFull::Block,
        OnFull::DropNewest,
        OnFull::DropOldest,
        OnFull::DropRandom(rule),
    ] {
        let collector = Collector::default();
        let (mut tx, rx) = channel(8).on_full(on_full).on_drop(events.hook()).build();
        let mut rx = rx.fresh(Ttl::new(10 * MS)).by_clock(clock.clone());
        let monitor = tx.monitor();
        collector.while_in(|| {
            let room = if on_full == OnFull::Block { 8 } else { 50 };
            for n in 0..room {
                let _ = tx.send(Timed::by(&clock, n)).unwrap();
                clock.advance(MS);
            }
            // A future that is dropped while it waits.
            let mut waits = tx.send_async(Timed::by(&clock, 50));
            let context = &mut std::task::Context::from_waker(std::task::Waker::noop());
            let _ = std::pin::Pin::new(&mut waits).poll(context);
            drop(waits);
            clock.advance(4 * MS);
            while rx.try_recv().is_ok() {}
            let _ = tx.try_send(Timed::by(&clock, 51));
            drop(rx);
            events.flush();
        });
        let stats = monitor.stats();
        assert!(stats.expired > 0 && stats.drained > 0, "{stats}");
        assert_eq!(stats.refused_cancelled > 0, on_full == OnFull::Block);
        assert_eq!(stats.lost() > stats.expired, on_full != OnFull::Block);
        collector.check(&stats);
    }
}

#[test]
fn what_is_given_back_is_not_dropped() {
    let (events, _clock, collector) = events();
    let (mut tx, mut rx) = channel(1).on_drop(events.hook()).build();
    collector.while_in(|| {
        assert!(tx.try_send(1).is_ok() && tx.try_send(2).is_err());
        assert!(tx.send_timeout(3, Duration::ZERO).is_err());
        rx.close();
        assert!(tx.send(4).is_err());
        events.flush();
    });
    assert_eq!(collector.counts(), []);
}

#[test]
fn threads_that_drop_at_once_tell_each_item_once() {
    const EACH: u64 = if cfg!(miri) { 20 } else { 2_000 };
    let (events, clock, collector) = events();
    let (tx, rx) = channel(1)
        .on_full(OnFull::DropNewest)
        .on_drop(events.hook())
        .build();
    drop(events);
    let monitor = rx.monitor();
    thread::scope(|scope| {
        for _ in 0..3 {
            let (mut tx, collector, clock) = (tx.clone(), collector.clone(), clock.clone());
            scope.spawn(move || {
                collector.while_in(|| {
                    for n in 0..EACH {
                        let _ = tx.send(n).unwrap();
                        clock.advance(INTERVAL / 7);
                    }
                    drop(tx);
                });
            });
        }
    });
    collector.while_in(|| drop((tx, rx)));
    let stats = monitor.stats();
    assert_eq!(stats.refused_newest, 3 * EACH - 1);
    collector.check(&stats);
    let events = collector.counts().len() as u64;
    assert!(events <= 2 + 3 * EACH / 7 + 1, "{events} events");
}

#[test]
fn a_zero_interval_tells_each_by_itself() {
    let collector = Collector::default();
    let events = DropEvents::every("all", Duration::ZERO);
    let hook = events.hook::<u8>();
    collector.while_in(|| (0..5).for_each(|n| hook(&n, Reason::Newest)));
    assert_eq!(collector.counts(), [1; 5]);
}
