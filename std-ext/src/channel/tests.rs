//! What a user of the channel relies on. Interleavings are the models' business.

mod closing;
mod future;
mod many;
mod panics;
mod policies;
mod poll;
mod rendezvous;
mod reserving;

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use super::{Closed, Receiver, Sender, channel};
use crate::fence::Fence;
use crate::flavour::Spsc;
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

/// How many items each of several threads sends: fewer where each waits for another.
fn items_each(capacity: usize) -> usize {
    match capacity {
        _ if cfg!(miri) => 50,
        0 => 1_000,
        _ => 20_000,
    }
}

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
    let build = |capacity| channel::<u64>(capacity).spsc().try_build().err();
    assert_eq!(build(usize::MAX), Some(CapacityError::TooLarge));
    assert!(catch_unwind(|| blocking::<u64>(usize::MAX)).is_err());
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
    assert_eq!(
        (stats.offered, stats.stored, stats.refused_newest),
        (7, 3, 4)
    );
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
fn items_are_gathered_until_there_are_enough_or_time_is_over() {
    let (mut tx, mut rx) = blocking(4);
    let mut buffer = vec![9];
    let timeout = Err(RecvTimeoutError::Timeout);
    assert_eq!(rx.recv_many_timeout(&mut buffer, 2, AT_ONCE), timeout);
    assert_eq!(rx.recv_many_timeout(&mut buffer, 0, Duration::MAX), Ok(0));
    assert_eq!(tx.send_many(0..3).unwrap().stored, 3);
    assert_eq!(rx.recv_many_timeout(&mut buffer, 2, Duration::MAX), Ok(2));
    let soon = Duration::from_millis(1);
    assert_eq!(rx.recv_many_timeout(&mut buffer, 2, soon), Ok(1));
    assert!(rx.stats().recv_blocked >= soon);
    // More than fit: the sender goes on meanwhile.
    let sender = thread::spawn(move || tx.send_many(3..23).unwrap().stored);
    assert_eq!(rx.recv_many_timeout(&mut buffer, 10, Duration::MAX), Ok(10));
    assert_eq!(rx.recv_many_timeout(&mut buffer, 99, Duration::MAX), Ok(10));
    let ended = Err(RecvTimeoutError::Disconnected);
    assert_eq!(rx.recv_many_timeout(&mut buffer, 1, Duration::MAX), ended);
    assert!(buffer.into_iter().skip(1).eq(0..23));
    assert_eq!(sender.join().unwrap(), 20);
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
        "offered 2 = stored 1 + refused 1, stored 1 = delivered 1 + evicted 0 + expired 0 + drained 0 + depth 0"
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
                    1 if tx.try_send(next).is_ok() => next += 1,
                    1 => thread::yield_now(),
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

#[test]
fn many_are_received_if_there_are_any() {
    let (mut tx, mut rx) = blocking(4);
    let mut items = Vec::new();
    assert_eq!(rx.try_recv_many(&mut items, 3), Err(TryRecvError::Empty));
    let _ = tx.send_many(0..4).unwrap();
    assert_eq!(rx.try_recv_many(&mut items, 0), Ok(0));
    assert_eq!(rx.try_recv_many(&mut items, 3), Ok(3));
    drop(tx);
    assert_eq!(rx.try_recv_many(&mut items, 3), Ok(1));
    let end = Err(TryRecvError::Disconnected);
    assert_eq!(rx.try_recv_many(&mut items, 3), end);
    assert_eq!((items, rx.stats().empty_events), (vec![0, 1, 2, 3], 1));
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
        if item.is_none() {
            // Perhaps the sender waits for this CPU.
            thread::yield_now();
        }
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
