//! Capacity 0: items are handed over. Interleavings are the models' business.

mod futures;
mod selects;

use std::pin::Pin;
use std::sync::Mutex;
use std::task::{Context, Poll, Wake, Waker};

use super::future::{Task, block_on};
use super::*;
use crate::flavour::Flavour;
use crate::ring::{Gauge, Rx};
use crate::select::{recv, select, send};
use crate::{EarlyDrop, Reason};

fn handing_over<T>() -> (Sender<T>, Receiver<T>) {
    channel(0).build()
}

fn until(reached: impl Fn() -> bool) {
    while !reached() {
        thread::yield_now();
    }
}

/// Until so many senders show an item.
fn until_offered<T, F: Flavour>(rx: &Receiver<T, F>, n: usize) {
    until(|| rx.shared.ring.offered() == n);
}

/// Until a receiver has begun to wait and takes it.
fn until_taken<F: Flavour>(tx: &mut Sender<usize, F>, item: usize) {
    while let Err(refusal) = tx.try_send(item) {
        assert_eq!(refusal, TrySendError::Full(item));
        thread::yield_now();
    }
}

/// What happens on another thread while something happens here.
fn beside<R: Send>(there: impl FnOnce() -> R + Send, here: impl FnOnce()) -> R {
    thread::scope(|scope| {
        let there = scope.spawn(there);
        here();
        there.join().unwrap()
    })
}

#[test]
fn a_send_ends_when_its_item_is_received() {
    fn ends<F: Flavour>((mut tx, mut rx): (Sender<usize, F>, Receiver<usize, F>))
    where
        F::Tx<usize>: Send,
        F::Rx<usize>: Send,
        F::Gauge<usize>: Send + Sync,
    {
        assert_eq!((tx.capacity(), tx.len(), rx.len()), (0, 0, 0));
        assert!(tx.is_empty() && tx.is_full() && rx.is_empty() && rx.is_full());
        let sent = thread::scope(|scope| {
            let sender = scope.spawn(|| tx.send(1));
            until_offered(&rx, 1);
            let now = rx.stats();
            assert_eq!((now.offered, now.depth, now.full_events), (0, 0, 1));
            assert!(rx.is_empty() && rx.is_full() && !sender.is_finished());
            assert_eq!(rx.recv(), Ok(1));
            sender.join().unwrap()
        });
        assert_eq!(sent, Ok(Sent::Stored));
        let sent = beside(
            || tx.send_timeout(2, Duration::MAX),
            || {
                until_offered(&rx, 1);
                assert_eq!(rx.try_recv(), Ok(2));
            },
        );
        assert_eq!(sent, Ok(Sent::Stored));
        let sent = beside(
            || tx.send_many(3..6).unwrap().stored,
            || assert!(rx.iter().take(3).eq(3..6)),
        );
        assert_eq!(sent, 3);
        assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
        let stats = rx.stats();
        assert_eq!((stats.offered, stats.delivered, stats.capacity), (5, 5, 0));
        assert!(stats.is_exact() && stats.refused == 0);
    }
    ends(channel(0).spsc().build());
    ends(channel(0).mpsc().build());
    ends(channel(0).spmc().build());
    ends(channel(0).mpmc().build());
}

#[test]
fn who_does_not_wait_meets_a_thread_that_does() {
    fn meets<F: Flavour>((mut tx, mut rx): (Sender<usize, F>, Receiver<usize, F>))
    where
        F::Rx<usize>: Send,
        F::Gauge<usize>: Send + Sync,
    {
        assert_eq!(tx.try_send(0), Err(TrySendError::Full(0)));
        let mut items = Vec::new();
        for how in 0..4 {
            let receive = || match how {
                0 => items.push(rx.recv().unwrap()),
                1 => items.push(rx.recv_timeout(Duration::MAX).unwrap()),
                2 => assert_eq!(rx.recv_many(&mut items, 5), Ok(1)),
                _ => assert_eq!(rx.recv_many_timeout(&mut items, 1, Duration::MAX), Ok(1)),
            };
            beside(receive, || {
                until_taken(&mut tx, how);
                // One receiver, one item.
                assert_eq!(tx.try_send(9), Err(TrySendError::Full(9)));
            });
        }
        assert_eq!(items, [0, 1, 2, 3]);
        let stats = tx.stats();
        assert_eq!((stats.stored, stats.delivered, stats.depth), (4, 4, 0));
        assert_eq!(stats.offered, 4 + stats.refused_full);
        assert!(stats.is_exact());
    }
    meets(channel(0).spsc().build());
    meets(channel(0).mpsc().build());
    meets(channel(0).spmc().build());
    meets(channel(0).mpmc().build());
}

#[test]
fn what_is_not_met_in_time_leaves_nothing_behind() {
    fn leaves<F: Flavour>((mut tx, mut rx): (Sender<usize, F>, Receiver<usize, F>)) {
        let soon = || Instant::now() + Duration::from_millis(1);
        let timeout = Err(SendTimeoutError::Timeout(1));
        assert_eq!(tx.send_timeout(1, AT_ONCE), timeout);
        assert_eq!(tx.send_deadline(1, soon()), timeout);
        assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
        assert_eq!(rx.recv_timeout(AT_ONCE), Err(RecvTimeoutError::Timeout));
        assert_eq!(rx.recv_deadline(soon()), Err(RecvTimeoutError::Timeout));
        assert_eq!(tx.try_send(2), Err(TrySendError::Full(2)));
        let stats = tx.stats();
        assert_eq!((stats.offered, stats.refused_timeout), (3, 2));
        assert!(stats.is_exact() && stats.stored == 0);
    }
    leaves(channel(0).spsc().build());
    leaves(channel(0).mpsc().build());
    leaves(channel(0).spmc().build());
    leaves(channel(0).mpmc().build());
}

#[test]
fn the_first_to_wait_is_the_first_to_be_received() {
    let (tx, mut rx) = handing_over();
    thread::scope(|scope| {
        for nth in 0..3 {
            let mut tx = tx.clone();
            scope.spawn(move || assert_eq!(tx.send(nth), Ok(Sent::Stored)));
            until_offered(&rx, nth + 1);
        }
        assert_eq!(rx.recv(), Ok(0));
        let mut items = Vec::new();
        assert_eq!(rx.recv_many(&mut items, 9), Ok(2));
        assert_eq!(items, [1, 2]);
    });
    assert_eq!(rx.stats().delivered, 3);
}

#[test]
fn closing_gives_back_what_was_not_received() {
    fn closes<F: Flavour>((mut tx, mut rx): (Sender<usize, F>, Receiver<usize, F>))
    where
        F::Tx<usize>: Send,
        F::Rx<usize>: Send,
        F::Gauge<usize>: Send + Sync,
    {
        let sent = beside(
            || tx.send(1),
            || {
                until_offered(&rx, 1);
                rx.close();
            },
        );
        assert_eq!(sent, Err(SendError(1)));
        assert_eq!(tx.try_send(2), Err(TrySendError::Disconnected(2)));
        assert_eq!(rx.try_recv(), Err(TryRecvError::Disconnected));
        let stats = tx.stats();
        assert_eq!((stats.offered, stats.refused_closed), (2, 2));
        assert!(stats.is_exact() && stats.stored == 0);
    }
    closes(channel(0).spsc().build());
    closes(channel(0).mpsc().build());
    closes(channel(0).spmc().build());
    closes(channel(0).mpmc().build());
}

#[test]
fn whoever_waits_learns_that_the_channel_is_closed() {
    for drop_it in [true, false] {
        let (mut tx, mut rx) = handing_over::<usize>();
        let mut other = rx.clone();
        thread::scope(|scope| {
            let receivers = [
                scope.spawn(move || rx.recv()),
                scope.spawn(move || other.recv()),
            ];
            until(|| tx.stats().empty_events == 2);
            if drop_it {
                drop(tx)
            } else {
                tx.close()
            }
            for receiver in receivers {
                assert_eq!(receiver.join().unwrap(), Err(RecvError));
            }
        });
    }
}

/// Whether or not it is the first of those who wait, as the sender of another may have
/// been woken meanwhile, and come back.
/// While a sender relies on a receiver, that one does not leave.
#[test]
fn who_is_relied_on_stays() {
    let (mut tx, rx) = handing_over();
    let mut other = rx.clone();
    let mut consumer = rx.consumer.clone().unwrap();
    assert!(consumer.try_leave());
    consumer.announce();
    tx.try_send(1).unwrap();
    assert!(!consumer.try_leave() && !consumer.try_leave());
    assert_eq!(other.try_recv(), Ok(1));
    assert!(consumer.try_leave());
    assert_eq!(tx.try_send(2), Err(TrySendError::Full(2)));
}

/// Its sender has gone on, so it is as in a ring.
#[test]
fn an_item_for_a_receiver_that_goes_is_drained() {
    let reasons = Arc::new(Mutex::new(Vec::new()));
    let hook = reasons.clone();
    let (mut tx, mut rx) = channel(0)
        .on_drop(move |&item, reason| hook.lock().unwrap().push((item, reason)))
        .build();
    // As a thread that waits.
    rx.consumer.as_mut().unwrap().announce();
    tx.try_send(1).unwrap();
    assert_eq!(tx.try_send(2), Err(TrySendError::Full(2)));
    let stats = tx.stats();
    assert_eq!((stats.stored, stats.depth, tx.len()), (1, 1, 0));
    drop(rx);
    let stats = tx.stats();
    assert_eq!((stats.drained, stats.depth, stats.delivered), (1, 0, 0));
    assert!(stats.is_exact());
    assert_eq!(*reasons.lock().unwrap(), [(1, Reason::Drained)]);
}

#[test]
fn drop_newest_refuses_what_nobody_waits_for() {
    let (mut tx, mut rx) = channel(0).spsc().on_full(OnFull::DropNewest).build();
    assert_eq!(tx.send(1), Ok(Sent::Refused(1)));
    assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
    let received = beside(
        || rx.recv(),
        || {
            while !tx.send(2).unwrap().is_stored() {
                thread::yield_now();
            }
        },
    );
    assert_eq!(received, Ok(2));
    let stats = tx.stats();
    assert_eq!((stats.stored, stats.delivered), (1, 1));
    assert_eq!(stats.offered, 1 + stats.refused_newest);
    assert!(stats.is_exact());
}

#[test]
fn policies_that_need_room_are_errors() {
    let rule = EarlyDrop::new(1, 2, 0.5).unwrap();
    for on_full in [OnFull::DropOldest, OnFull::DropRandom(rule)] {
        let built = channel::<u8>(0).on_full(on_full).try_build();
        assert_eq!(built.err(), Some(CapacityError::Zero));
    }
}

#[test]
fn there_is_no_room_to_reserve() {
    let (mut tx, mut rx) = channel::<usize>(0).spsc().build();
    assert_eq!(tx.try_reserve().err(), Some(TrySendError::Full(())));
    let told = |reserve: &mut dyn FnMut()| {
        let panic = catch_unwind(AssertUnwindSafe(reserve)).unwrap_err();
        panic.downcast::<&str>().unwrap().contains("capacity 0")
    };
    assert!(told(&mut || drop(tx.reserve())));
    assert!(told(&mut || drop(block_on(tx.reserve_async()))));
    // Nothing came of it.
    beside(|| until_taken(&mut tx, 1), || assert_eq!(rx.recv(), Ok(1)));
    rx.close();
    assert_eq!(tx.reserve().err(), Some(SendError(())));
}

#[test]
fn a_select_meets_a_thread_that_waits() {
    let (mut tx, mut rx) = handing_over();
    let sent = beside(
        || tx.send(1),
        || assert_eq!(select(recv(&mut rx, |got| got)).wait(), Ok(1)),
    );
    assert_eq!(sent, Ok(Sent::Stored));
    let mut slot = Some(2);
    let received = beside(
        || rx.recv(),
        || assert_eq!(select(send(&mut tx, &mut slot, |sent| sent)).wait(), Ok(())),
    );
    assert_eq!(received, Ok(2));
    let mut slot = Some(3);
    let both = (
        send(&mut tx, &mut slot, |_| "sent"),
        recv(&mut rx, |_| "received"),
    );
    assert!(select(both).now().is_err());
    assert_eq!(slot, Some(3));
    assert!(tx.stats().is_exact() && tx.stats().delivered == 2);
}

/// Panics when it is woken.
struct Fails;

impl Wake for Fails {
    fn wake(self: Arc<Self>) {
        panic!("told to panic");
    }
}

#[test]
fn a_send_or_receive_that_panics_leaves_nothing_behind() {
    let waker = Waker::from(Arc::new(Fails));
    let told = Arc::new(Mutex::new(Vec::new()));
    let hook = told.clone();
    let (mut tx, mut rx) = channel(0)
        .on_drop(move |&item, reason| hook.lock().unwrap().push((item, reason)))
        .build();
    let mut receiving = rx.recv_async();
    let polled = Pin::new(&mut receiving).poll(&mut Context::from_waker(&waker));
    assert!(polled.is_pending());
    assert!(catch_unwind(AssertUnwindSafe(|| tx.send(1))).is_err());
    drop(receiving);
    assert_eq!(*told.lock().unwrap(), [(1, Reason::Cancelled)]);
    assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));

    let _key = tx.shared.room.register(waker);
    assert!(catch_unwind(AssertUnwindSafe(|| rx.recv())).is_err());
    assert_eq!(tx.try_send(2), Err(TrySendError::Full(2)));
    let stats = tx.stats();
    assert_eq!((stats.offered, stats.refused_cancelled), (2, 1));
    assert!(stats.is_exact());
}

/// What is sent without waiting is received before the receiver says that it gives up.
#[test]
fn who_was_relied_on_takes_it() {
    const TRIES: usize = if cfg!(miri) { 50 } else { 2_000 };
    const SHORT: Duration = Duration::from_nanos(500);
    let waits = |item: usize| item % 3 == 0;
    let (tx, mut rx) = handing_over();
    let monitor = tx.monitor();
    let (sent, received) = thread::scope(|scope| {
        let receiver = scope.spawn(move || {
            let mut received = 0;
            loop {
                match rx.recv_timeout(SHORT) {
                    Ok(_) => received += 1,
                    Err(RecvTimeoutError::Disconnected) => return received,
                    Err(RecvTimeoutError::Timeout) => {
                        if let Ok(item) = rx.try_recv() {
                            assert!(waits(item), "left behind");
                            received += 1;
                        }
                    }
                }
            }
        });
        let senders = [tx.clone(), tx].map(|mut tx| {
            scope.spawn(move || {
                let sends = (0..TRIES).map(|item| {
                    if waits(item) {
                        return tx.send_timeout(item, SHORT).is_ok();
                    }
                    thread::yield_now();
                    tx.try_send(item).is_ok()
                });
                sends.filter(|&sent| sent).count()
            })
        });
        let sent: usize = senders.map(|thread| thread.join().unwrap()).iter().sum();
        (sent, receiver.join().unwrap())
    });
    assert_eq!(sent, received);
    let stats = monitor.stats();
    assert_eq!(stats.offered as usize, 2 * TRIES);
    assert_eq!(
        (stats.stored as usize, stats.delivered as usize),
        (sent, sent)
    );
    assert!(stats.is_exact() && stats.depth == 0);
}
