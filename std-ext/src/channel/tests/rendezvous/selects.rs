//! Handing over by selects, as programs in Go do.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use super::*;
use crate::Stats;
use crate::select::Unready;

/// Items of each sender.
const ITEMS: usize = if cfg!(miri) { 20 } else { 2_000 };

fn send_one(tx: &mut Sender<usize>, item: usize) {
    let mut slot = Some(item);
    assert_eq!(select(send(tx, &mut slot, |sent| sent)).wait(), Ok(()));
}

fn receive_one(rx: &mut Receiver<usize>) -> Result<usize, RecvError> {
    select(recv(rx, |got| got)).wait()
}

fn delivered(stats: Stats, items: usize) {
    let items = items as u64;
    assert_eq!((stats.offered, stats.delivered), (items, items), "{stats}");
    assert!(stats.is_exact() && stats.depth == 0);
}

#[test]
fn to_and_fro() {
    let (mut ping, mut ping_rx) = handing_over();
    let (mut pong, mut pong_rx) = handing_over();
    let answers = || {
        for item in 0..ITEMS {
            assert_eq!(receive_one(&mut ping_rx), Ok(item));
            send_one(&mut pong, item);
        }
    };
    beside(answers, || {
        for item in 0..ITEMS {
            send_one(&mut ping, item);
            assert_eq!(receive_one(&mut pong_rx), Ok(item));
        }
    });
    delivered(ping.stats(), ITEMS);
    delivered(pong.stats(), ITEMS);
}

/// Each would send or receive; whichever it is, the other does the same.
#[test]
fn either_way() {
    let (mut ping, mut ping_rx) = handing_over();
    let (mut pong, mut pong_rx) = handing_over();
    let run = |tx: &mut Sender<usize>, rx: &mut Receiver<usize>| {
        let mut sent = 0;
        for item in 0..ITEMS {
            let mut slot = Some(item);
            let cases = (
                send(tx, &mut slot, |sent| sent.map(|()| None).unwrap()),
                recv(rx, |got| Some(got.unwrap())),
            );
            match select(cases).wait() {
                None => sent += 1,
                Some(got) => assert_eq!((got, slot), (item, Some(item))),
            }
        }
        sent
    };
    let mut pinged = 0;
    let ponged = beside(
        || run(&mut pong, &mut ping_rx),
        || pinged = run(&mut ping, &mut pong_rx),
    );
    assert_eq!(pinged + ponged, ITEMS);
    delivered(ping.stats(), pinged);
    delivered(pong.stats(), ponged);
}

#[test]
fn many_to_many_by_two_channels() {
    let [(a, a_rx), (b, b_rx)] = [handing_over(), handing_over()];
    let monitors = [a.monitor(), b.monitor()];
    let sum = AtomicUsize::new(0);
    let by_both = |mut a: Sender<usize>, mut b: Sender<usize>| {
        for item in 0..ITEMS {
            let (mut slot, mut other) = (Some(item), Some(item));
            let cases = (
                send(&mut a, &mut slot, |sent| sent.unwrap()),
                send(&mut b, &mut other, |sent| sent.unwrap()),
            );
            select(cases).wait();
            assert!(slot.is_none() != other.is_none());
        }
    };
    let from_both = |mut a: Receiver<usize>, mut b: Receiver<usize>| {
        let mut cases = (
            Some(recv(&mut a, |got| (0, got))),
            Some(recv(&mut b, |got| (1, got))),
        );
        while cases.0.is_some() || cases.1.is_some() {
            match select(&mut cases).wait() {
                (_, Ok(item)) => _ = sum.fetch_add(item, Relaxed),
                (0, Err(_)) => cases.0 = None,
                (_, Err(_)) => cases.1 = None,
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..3 {
            let (a, b, a_rx, b_rx) = (a.clone(), b.clone(), a_rx.clone(), b_rx.clone());
            scope.spawn(move || by_both(a, b));
            scope.spawn(move || from_both(a_rx, b_rx));
        }
        drop((a, b, a_rx, b_rx));
    });
    assert_eq!(sum.into_inner(), 3 * (0..ITEMS).sum::<usize>());
    let [a, b] = monitors.map(|monitor| monitor.stats());
    assert_eq!(a.offered + b.offered, 3 * ITEMS as u64);
    assert_eq!(a.delivered + b.delivered, 3 * ITEMS as u64);
    assert!(a.is_exact() && b.is_exact());
}

/// All on one channel, each at both ends of it, so that each could meet itself.
#[test]
fn all_to_all() {
    const PEERS: usize = 4;
    let (tx, rx) = handing_over();
    let monitor = tx.monitor();
    let [received, sum] = [0, 0].map(AtomicUsize::new);
    let peer = |mut tx: Sender<usize>, mut rx: Receiver<usize>| {
        let mut closer = tx.clone();
        let mut items = 0..ITEMS;
        let mut slot = items.next();
        loop {
            let cases = (
                send(&mut tx, &mut slot, |sent| sent.map(|()| None).unwrap()),
                recv(&mut rx, Some),
            );
            match select(cases).wait() {
                None => slot = items.next(),
                Some(Ok(item)) => {
                    sum.fetch_add(item, Relaxed);
                    if received.fetch_add(1, Relaxed) + 1 == PEERS * ITEMS {
                        closer.close();
                    }
                }
                Some(Err(RecvError)) => return,
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..PEERS {
            let (tx, rx) = (tx.clone(), rx.clone());
            scope.spawn(|| peer(tx, rx));
        }
    });
    assert_eq!(sum.into_inner(), PEERS * (0..ITEMS).sum::<usize>());
    delivered(monitor.stats(), PEERS * ITEMS);
}

#[test]
fn who_does_not_wait_meets_a_select() {
    let (mut tx, mut rx) = handing_over();
    let received = beside(
        || receive_one(&mut rx),
        || {
            until_taken(&mut tx, 1);
            // One select, one item.
            assert_eq!(tx.try_send(9), Err(TrySendError::Full(9)));
        },
    );
    assert_eq!(received, Ok(1));
    let received = beside(
        || receive_one(&mut rx),
        || {
            while tx.send_timeout(2, AT_ONCE).is_err() {
                thread::yield_now();
            }
        },
    );
    assert_eq!(received, Ok(2));
    assert!(tx.stats().is_exact() && tx.stats().stored == 2);

    let (mut tx, mut rx) = channel(0).on_full(OnFull::DropNewest).build();
    let received = beside(
        || receive_one(&mut rx),
        || {
            while !tx.send(3).unwrap().is_stored() {
                thread::yield_now();
            }
        },
    );
    assert_eq!(received, Ok(3));
    assert!(tx.stats().is_exact() && tx.stats().stored == 1);
}

#[test]
fn a_select_does_not_meet_itself() {
    let (mut tx, mut rx) = handing_over();
    let mut other = rx.clone();
    let mut slot = Some(1);
    let both = (
        send(&mut tx, &mut slot, |_| "sent"),
        recv(&mut rx, |_| "received"),
        recv(&mut other, |_| "received"),
    );
    let soon = Duration::from_millis(1);
    assert_eq!(select(both).wait_timeout(soon), Err(Unready));
    assert_eq!(slot, Some(1));
    assert_eq!(tx.try_send(2), Err(TrySendError::Full(2)));
    assert!(tx.stats().is_exact() && tx.stats().stored == 0);
    let left = format!("{:?}", tx.shared.handoff());
    assert!(left.contains("asks: [], bids: []"), "{left}");
}

#[test]
fn closing_ends_selects_that_wait() {
    let (mut tx, mut rx) = handing_over();
    let mut closer = tx.clone();
    let closes = || {
        until(|| closer.stats().full_events == 1);
        closer.close();
    };
    let mut slot = Some(1);
    let cases = send(&mut tx, &mut slot, |sent| sent);
    assert_eq!(beside(|| select(cases).wait(), closes), Err(SendError(1)));
    assert_eq!(receive_one(&mut rx), Err(RecvError));

    let (tx, mut rx) = handing_over();
    let closes = || {
        until(|| tx.stats().empty_events == 1);
        drop(tx);
    };
    assert_eq!(beside(|| receive_one(&mut rx), closes), Err(RecvError));
}

/// Both sides give up all the time, and nothing is lost or doubled by it.
#[test]
fn who_gives_up_has_done_nothing() {
    const SHORT: Duration = Duration::from_micros(20);
    let (tx, mut rx) = handing_over();
    let monitor = tx.monitor();
    let [sent, tried] = [0, 0].map(AtomicUsize::new);
    let mut received = Vec::new();
    thread::scope(|scope| {
        let mut by_select = tx.clone();
        let (sent, tried) = (&sent, &tried);
        scope.spawn(move || {
            for item in 0..ITEMS {
                let mut slot = Some(item);
                let case = send(&mut by_select, &mut slot, Result::unwrap);
                let done = select(case).wait_timeout(SHORT).is_ok();
                assert_eq!(done, slot.is_none());
                sent.fetch_add(usize::from(done), Relaxed);
            }
        });
        let mut by_trying = tx;
        scope.spawn(move || {
            for item in 0..ITEMS {
                tried.fetch_add(usize::from(by_trying.try_send(item).is_ok()), Relaxed);
                thread::yield_now();
            }
        });
        loop {
            match select(recv(&mut rx, |got| got)).wait_timeout(SHORT) {
                Ok(Ok(item)) => received.push(item),
                Ok(Err(RecvError)) => break,
                Err(Unready) => (),
            }
        }
    });
    let stored = sent.into_inner() + tried.into_inner();
    assert_eq!(received.len(), stored);
    let stats = monitor.stats();
    assert_eq!(
        (stats.stored, stats.delivered),
        (stored as u64, stored as u64)
    );
    assert!(stats.is_exact() && stats.depth == 0);
}
