//! Many senders, many receivers.

use std::task::{Wake, Waker};

use super::*;
use crate::flavour::Flavour;
use crate::policy::Reason;

/// From many to many: every item once, from each sender in order, whoever waits for
/// whom, and all counts add up.
fn many_lose_nothing<F: Flavour>(senders: Vec<Sender<usize, F>>, receivers: Vec<Receiver<usize, F>>)
where
    F::Tx<usize>: Send,
    F::Rx<usize>: Send,
    F::Gauge<usize>: Send + Sync + 'static,
{
    let items = items_each(receivers[0].capacity());
    let (from, to) = (senders.len(), receivers.len());
    let monitor = receivers[0].monitor();
    let received: Vec<Vec<usize>> = thread::scope(|scope| {
        for (nth, mut tx) in senders.into_iter().enumerate() {
            scope.spawn(move || {
                let mut own = nth * items..(nth + 1) * items;
                while let Some(item) = own.next() {
                    match item % 3 {
                        0 => assert!(tx.send(item).unwrap().is_stored()),
                        1 => {
                            let many = own.by_ref().take(item % 40);
                            let together = [item].into_iter().chain(many);
                            assert!(tx.send_many(together).unwrap().refused.is_empty());
                        }
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
        let from_it = |item: &&usize| **item / items == nth;
        assert!(
            received
                .iter()
                .all(|all| all.iter().filter(from_it).is_sorted())
        );
    }
    let mut all = received.concat();
    all.sort_unstable();
    assert!(all.into_iter().eq(0..from * items), "{from} to {to}");
    let stats = monitor.stats();
    assert_eq!(stats.delivered, (from * items) as u64);
    assert!(
        stats.is_exact() && stats.depth == 0 && stats.refused_closed == 0,
        "{stats}"
    );
}

#[test]
fn many_threads_lose_nothing() {
    for capacity in [0, 1, 2, 64] {
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
        let capacity = if round % 2 == 0 { 4 } else { 0 };
        let (tx, mut rx) = channel::<usize>(capacity).mpmc().build();
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

/// Each of many senders gets back what it has sent in a batch too late, in order, wherever
/// in the ring that was.
#[test]
fn a_batch_is_taken_back_in_order() {
    for (capacity, before) in (3..8).flat_map(|capacity| (0..8).map(move |n| (capacity, n))) {
        let (mut tx, rx) = channel(capacity).mpsc().build();
        let mut rx = Some(rx);
        for item in 0..before {
            assert_eq!(tx.send(item), Ok(Sent::Stored));
            assert_eq!(rx.as_mut().unwrap().recv(), Ok(item));
        }
        let items = (0..99).inspect(|&item| {
            if item == 1 {
                rx = None;
            }
        });
        let error = tx.send_many(items).unwrap_err();
        let taken = error.returned.len();
        assert_eq!((error.stored, taken > 1), (0, true));
        assert!(error.returned.into_iter().eq(0..taken));
        let stats = tx.stats();
        assert_eq!(stats.delivered, before as u64);
        assert_eq!(
            (stats.refused_closed, stats.stored - stats.delivered),
            (taken as u64, 0)
        );
        assert!(stats.is_exact(), "{stats}");
    }
}

/// A batch whose room is taken while its items come goes by the policy, in order.
#[test]
fn a_batch_whose_room_is_taken_is_refused_or_waits() {
    let (mut tx, mut rx) = channel(8).mpsc().on_full(OnFull::DropNewest).build();
    let mut other = tx.clone();
    let items = (0..5).inspect(|&item| {
        if item == 3 {
            (10..15).for_each(|item| assert_eq!(other.send(item), Ok(Sent::Stored)));
        }
    });
    let sent = tx.send_many(items).unwrap();
    assert_eq!((sent.stored, sent.refused), (3, vec![3, 4]));
    assert_eq!(tx.stats().refused_newest, 2);
    assert!(rx.try_iter().eq((10..15).chain(0..3)));

    let (mut tx, mut rx) = channel(8).mpsc().build();
    let mut other = tx.clone();
    let receiver = thread::spawn(move || {
        while rx.stats().full_events == 0 {
            thread::yield_now();
        }
        rx.iter().collect::<Vec<_>>()
    });
    let items = (0..20).inspect(|&item| {
        if item == 3 {
            (10..18).for_each(|item| assert_eq!(other.send(item), Ok(Sent::Stored)));
        }
    });
    assert_eq!(tx.send_many(items).unwrap().stored, 20);
    drop((tx, other));
    assert!(
        receiver
            .join()
            .unwrap()
            .into_iter()
            .eq((10..18).chain(0..20))
    );
}

/// Nothing that an iterator gave before it panicked is lost, nor what came too late.
#[test]
fn a_panicking_batch_loses_nothing() {
    fn panics<F: Flavour>(mut tx: Sender<Counted, F>, mut rx: Receiver<Counted, F>, drops: Drops) {
        let items = (0..3).map(|n| {
            assert!(n < 2, "told to panic");
            drops.item()
        });
        assert!(catch_unwind(AssertUnwindSafe(|| tx.send_many(items))).is_err());
        assert_eq!((drops.count(), rx.len()), (0, 2));
        assert_eq!((rx.try_iter().count(), tx.stats().offered), (2, 2));
        // The receiver goes meanwhile.
        let mut rx = Some(rx);
        let items = (0..3).map(|n| {
            assert!(n < 2, "told to panic");
            rx = rx.take().filter(|_| n < 1);
            drops.item()
        });
        assert!(catch_unwind(AssertUnwindSafe(|| tx.send_many(items))).is_err());
        // Of one sender, what was sent before is published by then.
        let stats = tx.stats();
        assert_eq!((drops.count(), stats.depth), (4, 0));
        assert_eq!(stats.refused_closed + stats.drained, 2);
        assert!(stats.is_exact(), "{stats}");
    }
    let (tx, rx) = channel(4).mpsc().build();
    panics(tx, rx, Drops::default());
    let (tx, rx) = channel(4).spmc().build();
    panics(tx, rx, Drops::default());
    let (tx, rx) = channel(4).mpmc().build();
    panics(tx, rx, Drops::default());

    // Another takes the room.
    let drops = Drops::default();
    let shown = Arc::new(AtomicUsize::new(0));
    let hook = shown.clone();
    let (mut tx, mut rx) = channel(4)
        .mpmc()
        .on_drop(move |_, reason| {
            assert_eq!(reason, Reason::Cancelled);
            hook.fetch_add(1, Relaxed);
        })
        .build();
    let mut other = tx.clone();
    let items = (0..3).map(|n| {
        (0..2).for_each(|_| {
            let _ = other.try_send(drops.item());
        });
        assert!(n < 2, "told to panic");
        drops.item()
    });
    assert!(catch_unwind(AssertUnwindSafe(|| tx.send_many(items))).is_err());
    assert_eq!((drops.count(), rx.try_iter().count()), (4, 4));
    let stats = tx.stats();
    assert_eq!(stats.refused_cancelled, shown.load(Relaxed) as u64);
    assert_eq!(
        (stats.stored, stats.refused_cancelled, stats.refused_full),
        (4, 2, 2)
    );
    assert!(stats.is_exact(), "{stats}");
}

/// One batch wakes all who wait, one by one.
#[test]
fn a_batch_is_for_all_who_wait() {
    let (mut tx, rx) = channel(64).mpmc().build();
    let receivers: Vec<_> = (0..4).map(|_| rx.clone()).collect();
    thread::scope(|scope| {
        let threads: Vec<_> = receivers
            .into_iter()
            .map(|mut rx| scope.spawn(move || rx.recv().unwrap()))
            .collect();
        while tx.stats().empty_events < 4 {
            thread::yield_now();
        }
        assert_eq!(tx.send_many(0..4).unwrap().stored, 4);
        let received = threads.into_iter().map(|thread| thread.join().unwrap());
        assert_eq!(received.sum::<i32>(), 6);
    });
}

/// Items that are too large to be gathered.
#[test]
fn large_items_go_one_by_one() {
    let (mut tx, mut rx) = channel(3).on_full(OnFull::DropNewest).build();
    let items = (0..5).map(|n| [n; 100]);
    let sent = tx.send_many(items).unwrap();
    assert_eq!((sent.stored, sent.refused), (3, vec![[3; 100], [4; 100]]));
    assert!(rx.try_iter().eq((0..3).map(|n| [n; 100])));
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
    let (_tx, mut rx) = channel::<u8>(1).mpmc().build();
    rx.close();
    let wakes = Arc::new(Flag(AtomicUsize::new(0)));
    for _ in 0..2 {
        let _ = rx.shared.items.register(Waker::from(wakes.clone()));
    }
    assert!(rx.shared.attend(0, 1).is_empty());
    assert_eq!(wakes.0.load(Relaxed), 2);
}

/// A weak handle keeps nothing open, and brings nothing back.
#[test]
fn weak_handles_do_not_count() {
    let (tx, mut rx) = channel(4).mpmc().build();
    let (weak_tx, weak_rx) = (tx.downgrade(), rx.downgrade().unwrap());
    assert_eq!((rx.sender_count(), tx.receiver_count()), (1, 1));
    let mut other = weak_tx.upgrade().unwrap();
    assert_eq!(rx.sender_count(), 2);
    drop(tx);
    other.try_send(1).unwrap();
    assert_eq!(weak_rx.upgrade().unwrap().recv(), Ok(1));
    other.try_send(2).unwrap();
    drop(other);
    assert!(rx.is_closed() && weak_tx.clone().upgrade().is_none());
    assert_eq!(rx.recv(), Ok(2));
    drop(rx);
    assert!(weak_rx.clone().upgrade().is_none());

    // One that is upgraded while another leaves either finds it open or does not succeed.
    for _ in 0..if cfg!(miri) { 5 } else { 500 } {
        let (tx, rx) = channel::<u8>(4).mpmc().build();
        let weak = tx.downgrade();
        thread::scope(|scope| {
            scope.spawn(move || drop(tx));
            if let Some(mut tx) = weak.upgrade() {
                tx.try_send(1).unwrap();
            }
        });
        assert!(rx.is_closed());
    }
}
