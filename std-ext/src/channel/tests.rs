//! What a user of the channel relies on. Interleavings are the models' business.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::task::{Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};

use super::{Receiver, Sender, channel};
use crate::fence::Fence;
use crate::flavour::{Flavour, Spsc};
use crate::{
    CapacityError, OnFull, RecvError, RecvTimeoutError, SendError, SendTimeoutError, Sent,
    TryRecvError, TrySendError,
};

fn blocking<T>(capacity: usize) -> (Sender<T, Spsc>, Receiver<T, Spsc>) {
    channel(capacity).spsc().build()
}

fn dropping<T>(capacity: usize) -> (Sender<T, Spsc>, Receiver<T, Spsc>) {
    channel(capacity).spsc().on_full(OnFull::DropNewest).build()
}

/// Over before it begins.
const AT_ONCE: Duration = Duration::ZERO;

/// A channel with ordinary fences, as on a kernel without `membarrier`.
fn symmetric<T>(capacity: usize) -> (Sender<T, Spsc>, Receiver<T, Spsc>) {
    let builder = channel(capacity).spsc();
    builder.build_with(Fence::symmetric()).unwrap()
}

/// Counts its drops.
#[derive(Clone, Debug, Default)]
struct Drops(Arc<AtomicUsize>);

impl Drops {
    fn item(&self) -> Counted {
        Counted(self.clone(), false)
    }

    fn count(&self) -> usize {
        self.0.load(Relaxed)
    }
}

/// An item whose drop is counted, and panics if so told.
#[derive(Debug)]
struct Counted(Drops, bool);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.0.fetch_add(1, Relaxed);
        assert!(!self.1, "told to panic");
    }
}

#[test]
fn capacity_is_exact_and_impossible_ones_are_errors() {
    for capacity in [1, 2, 3, 10, 1000] {
        let (mut tx, mut rx) = blocking(capacity);
        assert_eq!((tx.capacity(), rx.capacity()), (capacity, capacity));
        for item in 0..capacity {
            tx.try_send(item).unwrap();
        }
        assert!(tx.is_full() && rx.is_full());
        assert_eq!(tx.try_send(7), Err(TrySendError::Full(7)));
        assert!(rx.try_iter().eq(0..capacity));
        assert!(tx.is_empty() && rx.is_empty());
    }
    let build = |capacity| channel(capacity).spsc().try_build::<u64>().err();
    assert_eq!(build(0), Some(CapacityError::Zero));
    assert_eq!(build(usize::MAX), Some(CapacityError::TooLarge));
    assert!(catch_unwind(|| blocking::<u8>(0)).is_err());
}

#[test]
fn drop_newest_refuses_and_counts() {
    let (mut tx, mut rx) = dropping(2);
    assert_eq!(tx.send(1), Ok(Sent::Stored));
    assert_eq!(tx.send(2), Ok(Sent::Stored));
    assert_eq!(tx.send(3), Ok(Sent::Refused(3)));
    assert_eq!(tx.send_timeout(4, Duration::MAX), Ok(Sent::Refused(4)));
    assert_eq!(rx.recv(), Ok(1));
    let sent = tx.send_many(5..8).unwrap();
    assert_eq!((sent.stored, sent.refused), (1, vec![6, 7]));
    assert!(rx.try_iter().eq([2, 5]));
    assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
    let stats = tx.stats();
    assert_eq!(stats.empty_events, 2);
    assert_eq!((stats.offered, stats.stored, stats.refused_full), (7, 3, 4));
    assert_eq!((stats.delivered, stats.depth, stats.high_water), (3, 0, 2));
    assert_eq!(stats.full_events, 4);
    assert!(stats.is_exact());
}

#[test]
fn time_is_up_and_nothing_is_lost() {
    let (mut tx, mut rx) = blocking(1);
    assert_eq!(rx.recv_timeout(AT_ONCE), Err(RecvTimeoutError::Timeout));
    assert_eq!(tx.send_timeout(1, AT_ONCE), Ok(Sent::Stored));
    assert_eq!(
        tx.send_timeout(2, AT_ONCE),
        Err(SendTimeoutError::Timeout(2))
    );
    let soon = || Instant::now() + Duration::from_millis(1);
    assert_eq!(
        tx.send_deadline(2, soon()),
        Err(SendTimeoutError::Timeout(2))
    );
    // A deadline that is over still takes what is there.
    assert_eq!(rx.recv_deadline(Instant::now()), Ok(1));
    assert_eq!(rx.recv_deadline(soon()), Err(RecvTimeoutError::Timeout));
    let stats = rx.stats();
    assert_eq!(
        (stats.offered, stats.refused_timeout, stats.delivered),
        (3, 2, 1)
    );
    assert!(stats.send_blocked >= Duration::from_millis(1));
    assert!(stats.recv_blocked >= Duration::from_millis(1));
    assert!(stats.is_exact());
}

#[test]
fn high_water_is_what_either_side_saw() {
    let (mut tx, mut rx) = blocking(8);
    (0..3).for_each(|item| tx.try_send(item).unwrap());
    assert!(rx.try_iter().eq(0..3));
    assert_eq!((tx.stats().depth, tx.stats().high_water), (0, 3));

    // What one snapshot has seen, the next remembers.
    (0..5).for_each(|item| tx.try_send(item).unwrap());
    assert_eq!((tx.stats().depth, tx.stats().high_water), (5, 5));
    drop(rx);
    assert_eq!((tx.stats().depth, tx.stats().high_water), (0, 5));

    // The receiver goes without having looked.
    for full_by_timeout in [true, false] {
        let (mut tx, rx) = blocking(2);
        (0..2).for_each(|item| tx.try_send(item).unwrap());
        if full_by_timeout {
            assert!(tx.send_timeout(2, AT_ONCE).is_err());
        } else {
            assert!(tx.try_send(2).is_err());
        }
        drop(rx);
        assert_eq!((tx.stats().depth, tx.stats().high_water), (0, 2));
    }
}

#[test]
fn the_longest_timeout_does_not_overflow() {
    let (mut tx, mut rx) = blocking(1);
    let sender = thread::spawn(move || {
        for item in 0..3 {
            assert_eq!(tx.send_timeout(item, Duration::MAX), Ok(Sent::Stored));
        }
    });
    for item in 0..3 {
        assert_eq!(rx.recv_timeout(Duration::MAX), Ok(item));
    }
    sender.join().unwrap();
}

#[test]
fn a_sender_that_goes_leaves_its_items() {
    let (mut tx, mut rx) = blocking(2);
    tx.try_send(1).unwrap();
    tx.try_send(2).unwrap();
    drop(tx);
    assert!(rx.is_closed());
    assert_eq!(rx.recv(), Ok(1));
    assert_eq!(rx.recv_timeout(AT_ONCE), Ok(2));
    for _ in 0..2 {
        assert_eq!(rx.recv(), Err(RecvError));
        assert_eq!(rx.try_recv(), Err(TryRecvError::Disconnected));
        assert_eq!(
            rx.recv_timeout(AT_ONCE),
            Err(RecvTimeoutError::Disconnected)
        );
        assert_eq!(rx.recv_many(&mut vec![], 1), Err(RecvError));
        assert_eq!((rx.len(), rx.capacity()), (0, 2));
    }
    assert!(rx.stats().is_exact());
}

#[test]
fn a_receiver_that_goes_drops_its_items_at_once() {
    let drops = Drops::default();
    let (mut tx, rx) = blocking(4);
    for _ in 0..3 {
        tx.try_send(drops.item()).unwrap();
    }
    drop(rx);
    assert_eq!(drops.count(), 3);
    assert!(tx.is_closed());
    let back = tx.send(drops.item()).unwrap_err().into_inner();
    assert_eq!(drops.count(), 3);
    drop(back);
    assert!(tx.try_send(drops.item()).is_err());
    assert!(tx.send_timeout(drops.item(), Duration::MAX).is_err());
    let stats = tx.stats();
    assert_eq!((stats.stored, stats.drained, stats.depth), (3, 3, 0));
    assert_eq!((stats.offered, stats.refused_closed), (6, 3));
    assert!(stats.is_exact());
}

#[test]
fn either_side_closes_and_what_is_inside_is_received() {
    for by_sender in [true, false] {
        let (mut tx, mut rx) = blocking(2);
        tx.try_send(1).unwrap();
        for _ in 0..2 {
            if by_sender { tx.close() } else { rx.close() }
        }
        assert!(tx.is_closed() && rx.is_closed());
        assert_eq!(tx.send(2), Err(SendError(2)));
        assert_eq!(tx.try_send(2), Err(TrySendError::Disconnected(2)));
        let error = tx.send_many([3, 4]).unwrap_err();
        assert_eq!((error.stored, error.into_inner()), (0, vec![3]));
        assert_eq!(rx.recv(), Ok(1));
        assert_eq!(rx.recv(), Err(RecvError));
        drop(rx);
        let stats = tx.stats();
        assert_eq!((stats.stored, stats.delivered, stats.drained), (1, 1, 0));
        assert!(stats.is_exact());
    }
}

#[test]
fn closing_wakes_whoever_waits() {
    for drop_it in [true, false] {
        let (mut tx, mut rx) = blocking(1);
        tx.try_send(1).unwrap();
        let sender = thread::spawn(move || tx.send(2));
        while rx.stats().full_events == 0 {
            thread::yield_now();
        }
        rx.close();
        assert_eq!(sender.join().unwrap(), Err(SendError(2)));

        let (mut tx, mut rx) = blocking::<u8>(1);
        let receiver = thread::spawn(move || rx.recv());
        while tx.stats().empty_events == 0 {
            thread::yield_now();
        }
        if drop_it {
            drop(tx)
        } else {
            tx.close()
        }
        assert_eq!(receiver.join().unwrap(), Err(RecvError));
    }
}

#[test]
fn many_are_sent_and_received_together() {
    let (mut tx, mut rx) = blocking(4);
    assert_eq!(rx.recv_many(&mut vec![], 0), Ok(0)); // does not wait
    let mut items = 0..;
    assert_eq!(tx.send_many(items.by_ref().take(4)).unwrap().stored, 4);
    assert_eq!(tx.send_many(std::iter::empty()).unwrap().stored, 0);
    let mut buffer = vec![9];
    assert_eq!(rx.recv_many(&mut buffer, 0), Ok(0));
    assert_eq!(rx.recv_many(&mut buffer, 3), Ok(3));
    assert_eq!(rx.recv_many(&mut buffer, usize::MAX), Ok(1));
    assert_eq!(buffer, [9, 0, 1, 2, 3]);
    let sender = thread::spawn(move || tx.send_many(items.take(1000)).unwrap().stored);
    while buffer.len() < 1005 {
        assert!(rx.recv_many(&mut buffer, 3).unwrap() <= 3);
    }
    assert!(buffer.into_iter().skip(1).eq(0..1004));
    assert_eq!(sender.join().unwrap(), 1000);
}

#[test]
fn many_stop_when_the_receiver_goes() {
    let (mut tx, mut rx) = blocking(2);
    let receiver = thread::spawn(move || rx.recv().unwrap());
    let mut items = 0..;
    let error = tx.send_many(items.by_ref()).unwrap_err();
    assert_eq!(receiver.join().unwrap(), 0);
    // What is stored, what is given back, and what was never taken: all there.
    let next = items.next().unwrap();
    assert!(error.returned.iter().copied().eq(error.stored as i32..next));
    let stats = tx.stats();
    assert_eq!(stats.stored, error.stored as u64);
    assert!(stats.is_exact());
}

#[test]
fn iterators_end_with_the_channel() {
    let (mut tx, mut rx) = blocking(3);
    tx.try_send(1).unwrap();
    assert!(rx.try_iter().eq([1]));
    let sender = thread::spawn(move || (2..100).all(|item| tx.send(item).is_ok()));
    assert_eq!(rx.iter().next(), Some(2));
    assert_eq!((&mut rx).into_iter().next(), Some(3));
    assert!(rx.into_iter().eq(4..100));
    sender.join().unwrap();
}

#[test]
fn a_panic_in_user_code_leaves_the_channel_whole() {
    let (mut tx, mut rx) = blocking(4);
    let items = (0..3).inspect(|&item| assert!(item < 2, "told to panic"));
    assert!(catch_unwind(AssertUnwindSafe(|| tx.send_many(items))).is_err());
    assert!(rx.try_iter().eq(0..2));
    tx.try_send(7).unwrap();
    assert_eq!(rx.recv(), Ok(7));

    let drops = Drops::default();
    let (mut tx, rx) = blocking(3);
    for panics in [true, false, false] {
        tx.try_send(Counted(drops.clone(), panics)).unwrap();
    }
    assert!(catch_unwind(AssertUnwindSafe(|| drop(rx))).is_err());
    assert_eq!(drops.count(), 3);
    assert!(tx.send(drops.item()).is_err());
    let stats = tx.stats();
    assert_eq!((stats.drained, stats.depth), (3, 0));
    assert!(stats.is_exact());
}

/// What was pushed while the receiver went does not wait for the sender to go.
#[test]
fn a_panicking_batch_leaves_nothing_behind() {
    let drops = Drops::default();
    let (mut tx, rx) = blocking(4);
    let mut rx = Some(rx);
    let items = (0..3).map(|n| {
        assert!(n < 2, "told to panic");
        rx = rx.take().filter(|_| n < 1);
        drops.item()
    });
    assert!(catch_unwind(AssertUnwindSafe(|| tx.send_many(items))).is_err());
    assert_eq!(drops.count(), 2);
    let stats = tx.stats();
    assert_eq!(
        (stats.offered, stats.refused_closed, stats.depth),
        (2, 2, 0)
    );
    assert!(stats.is_exact());
}

#[test]
fn a_panicking_batch_wakes_the_receiver() {
    let (mut tx, mut rx) = blocking(4);
    let receiver = thread::spawn(move || rx.recv());
    while tx.stats().empty_events == 0 {
        thread::yield_now();
    }
    let items = (0..2).inspect(|&item| assert!(item < 1, "told to panic"));
    assert!(catch_unwind(AssertUnwindSafe(|| tx.send_many(items))).is_err());
    assert_eq!(receiver.join().unwrap(), Ok(0));
}

#[test]
fn a_monitor_outlives_the_channel() {
    let (mut tx, mut rx) = dropping(1);
    let monitor = tx.monitor();
    assert_eq!(tx.send("a"), Ok(Sent::Stored));
    assert_eq!(tx.send("b"), Ok(Sent::Refused("b")));
    assert_eq!(monitor.stats().depth, 1);
    assert_eq!(rx.recv(), Ok("a"));
    drop((tx, rx));
    let stats = monitor.clone().stats();
    assert_eq!(
        stats.to_string(),
        "offered 2 = stored 1 + refused 1, stored 1 = delivered 1 + drained 0 + depth 0"
    );
    fn assert_send_sync<T: Send + Sync>(_: &T) {}
    assert_send_sync(&monitor);
}

#[test]
fn errors_say_what_they_are_and_need_no_debug() {
    struct Opaque;
    let (mut tx, rx) = dropping(1);
    let _ = format!("{tx:?} {rx:?}");
    tx.try_send(Opaque).unwrap();
    let full = tx.try_send(Opaque).unwrap_err();
    assert_eq!(format!("{full:?}: {full}"), "Full(..): the channel is full");
    assert!(full.is_full() && !full.is_disconnected());
    let mut items = rx.into_iter();
    assert!(items.next().is_some());
    let shown = r#"IntoIter(Receiver { len: 0, capacity: 1, is_closed: false })"#;
    assert_eq!(format!("{items:?}"), shown);
    drop(items.into_inner());
    let closed = tx.try_send(Opaque).unwrap_err();
    assert_eq!(
        format!("{closed:?}: {closed}"),
        "Disconnected(..): the channel is closed"
    );
    assert!(
        tx.send(Opaque)
            .map_err(TrySendError::from)
            .unwrap_err()
            .is_disconnected()
    );
}

/// A channel is whole after any panic in user code, so it may be used again.
#[test]
fn ends_may_cross_a_caught_panic() {
    fn assert_unwind_safe<T: std::panic::UnwindSafe>(_: &T) {}
    let (tx, rx) = blocking::<std::cell::Cell<u8>>(1);
    assert_unwind_safe(&(tx, rx));
}

/// Every item once and in order, on both kinds of fence, at capacities where
/// nearly every operation waits, with every way to send and receive.
#[test]
fn threads_lose_nothing() {
    const ITEMS: usize = if cfg!(miri) { 50 } else { 30_000 };
    for (mut tx, rx) in [1, 2, 3, 64]
        .into_iter()
        .flat_map(|n| [blocking(n), symmetric(n)])
    {
        let sender = thread::spawn(move || {
            let mut next = 0;
            while next < ITEMS {
                match next % 4 {
                    0 => next += usize::from(tx.send(next).unwrap().is_stored()),
                    1 => next += usize::from(tx.try_send(next).is_ok()),
                    2 => {
                        let wait = Duration::from_micros(20);
                        next += usize::from(tx.send_timeout(next, wait).is_ok());
                    }
                    _ => next += tx.send_many(next..next + 5).unwrap().stored,
                }
            }
            next
        });
        let received = receive_all(rx);
        let sent = sender.join().unwrap();
        assert!(received.into_iter().eq(0..sent));
    }
}

fn receive_all(mut rx: Receiver<usize, Spsc>) -> VecDeque<usize> {
    let mut received = VecDeque::new();
    let mut buffer = Vec::new();
    loop {
        let item = match received.len() % 4 {
            0 => rx.recv().ok(),
            1 => rx.try_recv().ok(),
            2 => rx.recv_timeout(Duration::from_micros(20)).ok(),
            _ => {
                let _ = rx.recv_many(&mut buffer, 7);
                received.extend(buffer.drain(..));
                None
            }
        };
        received.extend(item);
        if rx.is_closed() && rx.is_empty() {
            // The sender closed it, so this is final.
            assert_eq!(rx.try_recv(), Err(TryRecvError::Disconnected));
            let stats = rx.stats();
            assert_eq!(stats.delivered, received.len() as u64);
            assert!(stats.is_exact() && stats.depth == 0, "{stats}");
            return received;
        }
    }
}

/// From many to many: every item once, from each sender in order, whoever waits for
/// whom, and all counts add up.
fn many_lose_nothing<F: Flavour>(senders: Vec<Sender<usize, F>>, receivers: Vec<Receiver<usize, F>>)
where
    F::Tx<usize>: Send,
    F::Rx<usize>: Send,
    F::Gauge<usize>: Send + Sync + 'static,
{
    const ITEMS: usize = if cfg!(miri) { 50 } else { 20_000 };
    let (from, to) = (senders.len(), receivers.len());
    let monitor = receivers[0].monitor();
    let received: Vec<Vec<usize>> = thread::scope(|scope| {
        for (nth, mut tx) in senders.into_iter().enumerate() {
            scope.spawn(move || {
                for item in 0..ITEMS {
                    let item = nth * ITEMS + item;
                    match item % 3 {
                        0 => assert!(tx.send(item).unwrap().is_stored()),
                        1 => assert_eq!(tx.send_many([item]).unwrap().stored, 1),
                        _ => {
                            let wait = Duration::from_micros(20);
                            let late = tx.send_timeout(item, wait).err();
                            late.map(|late| tx.send(late.into_inner()).unwrap());
                        }
                    }
                }
            });
        }
        let receivers = receivers.into_iter().map(|mut rx| {
            scope.spawn(move || {
                let mut all = Vec::new();
                while let Ok(item) = rx.recv() {
                    all.push(item);
                    all.extend(rx.try_recv());
                    all.extend(rx.recv_timeout(Duration::from_micros(20)));
                    let _ = rx.recv_many(&mut all, 3);
                }
                all
            })
        });
        let receivers: Vec<_> = receivers.collect();
        receivers
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    for nth in 0..from {
        let from_it = |item: &&usize| **item / ITEMS == nth;
        assert!(
            received
                .iter()
                .all(|all| all.iter().filter(from_it).is_sorted())
        );
    }
    let mut all = received.concat();
    all.sort_unstable();
    assert!(all.into_iter().eq(0..from * ITEMS), "{from} to {to}");
    let stats = monitor.stats();
    assert_eq!(stats.delivered, (from * ITEMS) as u64);
    assert!(
        stats.is_exact() && stats.depth == 0 && stats.refused_closed == 0,
        "{stats}"
    );
}

#[test]
fn many_threads_lose_nothing() {
    for capacity in [1, 2, 64] {
        let (tx, rx) = channel(capacity).mpsc().build();
        many_lose_nothing(vec![tx.clone(), tx.clone(), tx], vec![rx]);
        let (tx, rx) = channel(capacity).spmc().build();
        many_lose_nothing(vec![tx], vec![rx.clone(), rx.clone(), rx]);
        let (tx, rx) = channel(capacity).build();
        many_lose_nothing(vec![tx.clone(), tx], vec![rx.clone(), rx]);
    }
}

/// Of what many send while one closes, each item is received or given back to who
/// sent it.
#[test]
fn closing_in_the_middle_loses_nothing() {
    for round in 0..if cfg!(miri) { 4 } else { 2000 } {
        let (tx, mut rx) = channel(4).mpmc().build::<usize>();
        let stored = thread::scope(|scope| {
            let senders = [0, 1 << 30, 2 << 30].map(|own| {
                let mut tx = tx.clone();
                scope.spawn(move || {
                    for n in own.. {
                        if let Err(SendError(back)) = tx.send(n) {
                            assert_eq!(back, n);
                            return own..n;
                        }
                    }
                    unreachable!()
                })
            });
            let mut other = rx.clone();
            let receiver = scope.spawn(move || other.iter().collect::<Vec<_>>());
            let mut received: Vec<_> = (0..round % 7).map(|_| rx.recv().unwrap()).collect();
            rx.close();
            received.extend(rx.iter());
            received.extend(receiver.join().unwrap());
            received.sort_unstable();
            let stored = senders.map(|thread| thread.join().unwrap());
            assert!(
                received
                    .iter()
                    .copied()
                    .eq(stored.iter().cloned().flatten())
            );
            received.len()
        });
        let stats = tx.stats();
        assert_eq!((stats.delivered, stats.refused_closed), (stored as u64, 3));
        assert!(stats.is_exact() && stats.depth == 0, "{stats}");
    }
}

#[test]
fn the_last_of_many_closes() {
    let drops = Drops::default();
    let (mut tx, rx) = channel(4).mpmc().build();
    let (other, receiver) = (tx.clone(), rx.clone());
    assert_eq!((rx.sender_count(), tx.receiver_count()), (2, 2));
    assert!(tx.same_channel(&other) && rx.same_channel(&receiver));
    drop(rx);
    tx.try_send(drops.item()).unwrap();
    assert!(!tx.is_closed());
    drop(receiver);
    assert!(tx.is_closed());
    assert_eq!((drops.count(), tx.receiver_count()), (1, 0));
    let stats = tx.stats();
    assert_eq!((stats.stored, stats.drained), (1, 1));

    let (tx, mut rx) = channel(4).mpmc().build();
    let mut other = tx.clone();
    drop(tx);
    other.try_send(1).unwrap();
    assert_eq!(rx.recv(), Ok(1));
    drop(other);
    assert_eq!(rx.recv(), Err(RecvError));
    assert_eq!(rx.clone().recv(), Err(RecvError));
}

/// Receivers of a closed channel that wait for a push that is under way: one gets its
/// item, and the others must look again, since nothing more will come.
#[test]
fn a_push_into_a_closed_channel_wakes_all() {
    struct Flag(AtomicUsize);
    impl Wake for Flag {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Relaxed);
        }
    }
    let (_tx, mut rx) = channel(1).mpmc().build::<u8>();
    rx.close();
    let wakes = Arc::new(Flag(AtomicUsize::new(0)));
    for _ in 0..2 {
        let _ = rx.shared.items.register(Waker::from(wakes.clone()));
    }
    assert!(rx.shared.attend(0, 1).is_empty());
    assert_eq!(wakes.0.load(Relaxed), 2);
}
