//! What a user of fresh receivers relies on. No test sleeps: the clock is a manual one.

mod codel;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use super::{Clock, Fresh, ManualClock, Timed, Ttl};
use crate::flavour::{Flavour, Spsc};
use crate::{Receiver, RecvError, RecvTimeoutError, Sender, Stats, TryRecvError, channel};

const MS: Duration = Duration::from_millis(1);

/// Over before it begins.
const AT_ONCE: Duration = Duration::ZERO;

type FreshSpsc<T> = Fresh<T, Spsc, Ttl, ManualClock>;

/// A channel whose items are expired after ten milliseconds.
fn fresh<T>(capacity: usize) -> (Sender<Timed<T>, Spsc>, FreshSpsc<T>, ManualClock) {
    let clock = ManualClock::new();
    let (tx, rx) = channel(capacity).spsc().build();
    (
        tx,
        rx.fresh(Ttl::new(10 * MS)).by_clock(clock.clone()),
        clock,
    )
}

/// Sends all, each of the age given with it.
fn send<T>(tx: &mut Sender<Timed<T>, Spsc>, clock: &ManualClock, items: Vec<(u32, T)>) {
    let oldest = items.iter().map(|&(age, _)| age).max().unwrap_or(0);
    let start = clock.now();
    clock.advance(oldest * MS);
    for (age, item) in items {
        let timed = Timed::at(item, start + (oldest - age) * MS);
        assert!(tx.try_send(timed).is_ok());
    }
}

fn assert_counts(stats: &Stats, delivered: u64, expired: u64, depth: u64) {
    let counts = (stats.delivered, stats.expired, stats.depth);
    assert_eq!(counts, (delivered, expired, depth));
    assert!(stats.is_exact(), "{stats}");
}

#[test]
fn what_is_too_old_is_dropped_and_counted() {
    let (mut tx, mut rx, clock) = fresh(4);
    send(
        &mut tx,
        &clock,
        vec![(12, 'a'), (11, 'b'), (10, 'c'), (0, 'd')],
    );
    assert_eq!(rx.recv(), Ok('c')); // as old as it may be
    assert_counts(&rx.stats(), 1, 2, 1);
    clock.advance(11 * MS);
    assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
    assert_counts(&rx.stats(), 1, 3, 0);
    tx.try_send(Timed::by(&clock, 'e')).unwrap();
    drop(tx);
    assert_eq!(rx.recv_timeout(Duration::MAX), Ok('e'));
    assert_eq!(rx.recv(), Err(RecvError));
    let shown = "offered 5 = stored 5 + refused 0, stored 5 = delivered 2 + evicted 0 + expired 3 + drained 0 + depth 0";
    assert_eq!(rx.stats().to_string(), shown);
}

/// Behind what is expired is the end, which every way to receive finds at once.
#[test]
fn what_is_too_old_hides_no_end() {
    let ends: [fn(&mut FreshSpsc<u8>); 5] = [
        |rx| assert_eq!(rx.recv(), Err(RecvError)),
        |rx| assert_eq!(rx.try_recv(), Err(TryRecvError::Disconnected)),
        |rx| {
            assert_eq!(
                rx.recv_timeout(AT_ONCE),
                Err(RecvTimeoutError::Disconnected)
            )
        },
        |rx| assert_eq!(rx.recv_many(&mut vec![], 9), Err(RecvError)),
        |rx| assert_eq!(rx.iter().next(), None),
    ];
    for end in ends {
        let (mut tx, mut rx, clock) = fresh(2);
        send(&mut tx, &clock, vec![(11, 1), (11, 2)]);
        drop(tx);
        end(&mut rx);
        assert_counts(&rx.stats(), 0, 2, 0);
    }
}

#[test]
fn a_deadline_is_kept_whatever_is_expired() {
    let (mut tx, mut rx, clock) = fresh(4);
    send(&mut tx, &clock, vec![(11, 1), (11, 2)]);
    assert_eq!(rx.recv_timeout(AT_ONCE), Err(RecvTimeoutError::Timeout));
    assert_counts(&rx.stats(), 0, 2, 0);
    // A deadline that is over still takes what is there, behind what is expired.
    send(&mut tx, &clock, vec![(11, 3), (11, 4), (11, 5), (0, 6)]);
    assert_eq!(rx.recv_timeout(AT_ONCE), Ok(6));
    send(&mut tx, &clock, vec![(11, 7)]);
    assert_eq!(rx.recv_timeout(MS), Err(RecvTimeoutError::Timeout));
    assert_counts(&rx.stats(), 1, 6, 0);
}

/// An item that, when it is dropped, sends the next, which is as old.
struct Refill(Arc<Mutex<Sender<Timed<Refill>, Spsc>>>, Timed<u32>);

impl Drop for Refill {
    fn drop(&mut self) {
        if let Some(left) = self.1.get().checked_sub(1) {
            let sent = self.1.sent();
            let next = Refill(self.0.clone(), Timed::at(left, sent));
            // Dropped only when it is unlocked: that sends again.
            let refused = self.0.lock().unwrap().try_send(Timed::at(next, sent));
            drop(refused);
        }
    }
}

#[test]
fn a_receive_that_does_not_wait_ends_whatever_is_sent_meanwhile() {
    let receives: [fn(&mut FreshSpsc<Refill>); 2] = [
        |rx| assert_eq!(rx.try_recv().err(), Some(TryRecvError::Empty)),
        |rx| {
            let timeout = Some(RecvTimeoutError::Timeout);
            assert_eq!(rx.recv_timeout(AT_ONCE).err(), timeout);
        },
    ];
    for receive in receives {
        let (tx, mut rx, clock) = fresh(3);
        let tx = Arc::new(Mutex::new(tx));
        let first = Refill(tx.clone(), Timed::by(&clock, 100));
        tx.lock().unwrap().try_send(Timed::by(&clock, first)).ok();
        clock.advance(11 * MS);
        receive(&mut rx);
        let stats = rx.stats();
        assert!(stats.expired <= 5 && stats.is_exact(), "{stats}");
    }
}

#[test]
fn many_are_received_together() {
    let (mut tx, mut rx, clock) = fresh(8);
    let mut buffer = vec![9];
    assert_eq!(rx.recv_many(&mut buffer, 0), Ok(0)); // does not wait
    let ages = [11, 0, 12, 10, 11, 11, 3];
    send(&mut tx, &clock, ages.into_iter().zip(0..).collect());
    assert_eq!(rx.recv_many(&mut buffer, 0), Ok(0));
    assert_eq!(rx.recv_many(&mut buffer, 4), Ok(2));
    // None of the next two, so it goes on to the one behind them.
    assert_eq!(rx.recv_many(&mut buffer, 2), Ok(1));
    assert_eq!(buffer, [9, 1, 3, 6]);
    assert_counts(&rx.stats(), 3, 4, 0);
}

#[test]
fn iterators_skip_what_is_expired() {
    let (mut tx, mut rx, clock) = fresh(8);
    send(&mut tx, &clock, vec![(11, 1), (0, 2), (11, 3), (0, 4)]);
    assert!(rx.try_iter().eq([2, 4]));
    send(&mut tx, &clock, vec![(0, 5), (11, 6), (0, 7), (11, 8)]);
    assert_eq!(rx.iter().next(), Some(5));
    rx.close();
    assert!(rx.iter().eq([7]));
    assert_eq!(tx.stats().expired, 4);
    let shown = format!("{rx:?}");
    assert!(shown.starts_with("Fresh { receiver: Receiver {"), "{shown}");
}

#[test]
fn what_is_left_is_drained_and_a_receiver_without_rule_gives_out_all() {
    let (mut tx, rx, clock) = fresh(4);
    send(&mut tx, &clock, vec![(11, 1), (11, 2), (11, 3)]);
    assert_eq!(rx.receiver().len(), 3);
    let mut rx = rx.into_inner();
    assert_eq!(rx.recv().unwrap().into_inner(), 1);
    let mut rx = rx.fresh(Ttl::new(5 * MS)).by_clock(clock);
    assert_eq!(rx.rule(), &Ttl::new(5 * MS));
    assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
    assert_counts(&rx.stats(), 1, 2, 0);
    tx.try_send(Timed::new(4)).unwrap();
    drop(rx);
    assert_counts(&tx.stats(), 1, 2, 0);
    assert_eq!(tx.stats().drained, 1);
}

/// An item whose drop may panic.
#[derive(Debug, PartialEq)]
struct Fuse(u32, bool);

impl Drop for Fuse {
    fn drop(&mut self) {
        assert!(!self.1, "told to panic");
    }
}

#[test]
fn a_drop_that_panics_leaves_all_exact() {
    let (mut tx, mut rx, clock) = fresh(8);
    let items = |tx: &mut _| {
        let old = |n, panics| (11, Fuse(n, panics));
        let items = vec![old(1, false), (0, Fuse(2, false)), old(3, true)];
        send(tx, &clock, items);
        send(tx, &clock, vec![(0, Fuse(4, false))]);
    };
    items(&mut tx);
    assert_eq!(rx.recv(), Ok(Fuse(2, false)));
    assert!(catch_unwind(AssertUnwindSafe(|| rx.recv())).is_err());
    assert_counts(&rx.stats(), 1, 2, 1);
    assert_eq!(rx.recv(), Ok(Fuse(4, false)));

    // What was taken out together with it is all there.
    items(&mut tx);
    let mut buffer = vec![];
    let receive = AssertUnwindSafe(|| rx.recv_many(&mut buffer, 8));
    assert!(catch_unwind(receive).is_err());
    assert_eq!(buffer, [Fuse(2, false), Fuse(4, false)]);
    assert_counts(&rx.stats(), 4, 4, 0);
}

#[test]
fn clones_of_a_manual_clock_are_one() {
    let clock = ManualClock::new();
    let (other, start) = (clock.clone(), clock.now());
    clock.advance(MS);
    other.advance(MS);
    assert_eq!(clock.now(), start + 2 * MS);
    let timed = Timed::by(&other, 'a');
    assert_eq!((timed.get(), timed.sent()), (&'a', clock.now()));
    assert_eq!(timed.age(start), AT_ONCE);
    assert_eq!(timed.age(start + 5 * MS), 3 * MS);
}

/// Of every flavour, in every way to receive: what is fresh comes out once and in order,
/// what is old is counted.
#[test]
fn threads_lose_nothing() {
    fn run<F: Flavour>((mut tx, rx): (Sender<Timed<u64>, F>, Receiver<Timed<u64>, F>))
    where
        Sender<Timed<u64>, F>: Send,
    {
        const ITEMS: u64 = if cfg!(miri) { 60 } else { 5_000 };
        let is_old = |item: u64| item % 7 < 3;
        let clock = ManualClock::new();
        let start = clock.now();
        clock.advance(11 * MS);
        let now = clock.now();
        let mut rx = rx.fresh(Ttl::new(10 * MS)).by_clock(clock);
        let received = thread::scope(|scope| {
            scope.spawn(move || {
                for item in 0..ITEMS {
                    let sent = if is_old(item) { start } else { now };
                    assert!(tx.send(Timed::at(item, sent)).is_ok());
                }
            });
            receive_all(&mut rx)
        });
        let fresh = (0..ITEMS).filter(|&item| !is_old(item));
        assert!(received.iter().copied().eq(fresh));
        let (delivered, stats) = (received.len() as u64, rx.stats());
        assert_counts(&stats, delivered, ITEMS - delivered, 0);
    }
    for capacity in [1, 2, 64] {
        run(channel(capacity).spsc().build());
        run(channel(capacity).mpsc().build());
        run(channel(capacity).spmc().build());
        run(channel(capacity).mpmc().build());
    }
}

fn receive_all<F: Flavour>(rx: &mut Fresh<u64, F, Ttl, ManualClock>) -> Vec<u64> {
    let mut received = Vec::new();
    loop {
        let item = match received.len() % 4 {
            0 => rx.recv().map_err(TryRecvError::from),
            1 => rx.try_recv(),
            2 => rx
                .recv_timeout(Duration::from_micros(20))
                .map_err(|error| match error {
                    RecvTimeoutError::Timeout => TryRecvError::Empty,
                    RecvTimeoutError::Disconnected => TryRecvError::Disconnected,
                }),
            _ => match rx.recv_many(&mut received, 5) {
                Ok(_) => continue,
                Err(error) => Err(error.into()),
            },
        };
        match item {
            Ok(item) => received.push(item),
            Err(TryRecvError::Empty) => thread::yield_now(),
            Err(TryRecvError::Disconnected) => return received,
        }
    }
}

/// A snapshot in the middle adds up, and only `delivered` and `depth` ever go down.
#[test]
fn live_snapshots_add_up() {
    const ITEMS: u64 = if cfg!(miri) { 60 } else { 20_000 };
    let (mut tx, mut rx, clock) = fresh(4);
    let old = clock.now();
    clock.advance(11 * MS);
    let monitor = tx.monitor();
    thread::scope(|scope| {
        scope.spawn(move || {
            for item in 0..ITEMS {
                // Often all that has come out by then is expired.
                let sent = if item < ITEMS / 2 { old } else { clock.now() };
                assert!(tx.send(Timed::at(item, sent)).is_ok());
            }
        });
        let receiver = scope.spawn(move || rx.iter().count() as u64);
        let mut last = monitor.stats();
        while !receiver.is_finished() {
            let stats = monitor.stats();
            assert!(stats.is_exact(), "{stats}");
            assert!(stats.stored >= last.stored && stats.expired >= last.expired);
            last = stats;
        }
        assert_eq!(receiver.join().unwrap(), ITEMS / 2);
    });
    assert_counts(&monitor.stats(), ITEMS / 2, ITEMS / 2, 0);
}

/// Clones share the work, and each item is delivered or expired once.
#[test]
fn clones_count_together() {
    const ITEMS: u64 = if cfg!(miri) { 60 } else { 20_000 };
    let clock = ManualClock::new();
    let old = clock.now();
    clock.advance(11 * MS);
    let (mut tx, rx) = channel(16).build();
    let first = rx.fresh(Ttl::new(10 * MS)).by_clock(clock.clone());
    let second = first.clone();
    let delivered = thread::scope(|scope| {
        let receivers = [first, second].map(|mut rx| scope.spawn(move || rx.iter().count() as u64));
        for item in 0..ITEMS {
            let sent = if item % 3 == 0 { old } else { clock.now() };
            assert!(tx.send(Timed::at(item, sent)).is_ok());
        }
        tx.close();
        receivers.map(|receiver| receiver.join().unwrap())
    });
    let old = ITEMS.div_ceil(3);
    assert_eq!(delivered.iter().sum::<u64>(), ITEMS - old);
    assert_counts(&tx.stats(), ITEMS - old, old, 0);
}
