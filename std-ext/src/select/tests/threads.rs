//! Selects on many threads, which count by hand.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use crate::flavour::Flavour;
use crate::select::{recv, select, send};
use crate::{Receiver, Sender, bounded, channel};

/// Items of each sender.
const ITEMS: usize = if cfg!(miri) { 30 } else { 10_000 };

fn send_all<T, F: Flavour>(tx: &mut Sender<T, F>, item: impl Fn(usize) -> T) {
    (0..ITEMS).for_each(|i| assert!(tx.send(item(i)).unwrap().is_stored()));
}

/// Each flavour has a sender; one thread takes from all until all are closed.
#[test]
fn all_flavours_to_one() {
    let (mut a, mut a_rx) = channel(1).spsc().build();
    let (mut b, mut b_rx) = channel(2).mpsc().build();
    let (mut c, mut c_rx) = channel(3).spmc().build();
    let (mut d, mut d_rx) = channel(64).mpmc().build();
    let mut received = Vec::new();
    thread::scope(|scope| {
        scope.spawn(move || send_all(&mut a, |i| (0, i)));
        scope.spawn(move || send_all(&mut b, |i| (1, i)));
        scope.spawn(move || send_all(&mut c, |i| (2, i)));
        scope.spawn(move || send_all(&mut d, |i| (3, i)));
        let mut cases = (
            Some(recv(&mut a_rx, |got| got.map_err(|_| 0))),
            Some(recv(&mut b_rx, |got| got.map_err(|_| 1))),
            Some(recv(&mut c_rx, |got| got.map_err(|_| 2))),
            Some(recv(&mut d_rx, |got| got.map_err(|_| 3))),
        );
        for _ in 0..4 {
            let closed = loop {
                match select(&mut cases).wait() {
                    Ok(item) => received.push(item),
                    Err(closed) => break closed,
                }
            };
            match closed {
                0 => cases.0 = None,
                1 => cases.1 = None,
                2 => cases.2 = None,
                _ => cases.3 = None,
            }
        }
    });
    for sender in 0..4 {
        let own = received.iter().filter(|(from, _)| *from == sender);
        assert!(own.map(|(_, item)| *item).eq(0..ITEMS), "of {sender}");
    }
    for stats in [a_rx.stats(), b_rx.stats(), c_rx.stats(), d_rx.stats()] {
        let items = ITEMS as u64;
        assert_eq!((stats.offered, stats.delivered), (items, items));
        assert!(stats.is_exact());
    }
}

/// Takes from all until all are closed; impatient, it gives up all the time.
fn take_all(mut receivers: Vec<Receiver<usize>>, impatient: bool, mut take: impl FnMut(usize)) {
    let mut cases: Vec<_> = receivers
        .iter_mut()
        .enumerate()
        .map(|(i, rx)| Some(recv(rx, move |got| got.map_err(|_| i))))
        .collect();
    while cases.iter().any(Option::is_some) {
        let got = if impatient {
            select(&mut cases).wait_timeout(Duration::from_micros(20))
        } else {
            Ok(select(&mut cases).wait())
        };
        match got {
            Ok(Ok(item)) => take(item),
            Ok(Err(closed)) => cases[closed] = None,
            Err(_) => (),
        }
    }
}

/// Patient and impatient selects, one with two handles of one channel, beside a receiver.
#[test]
fn many_compete_for_two_channels() {
    let [(a, a_rx), (b, b_rx)] = [bounded(1), bounded(4)];
    let monitors = [a.monitor(), b.monitor()];
    let [taken, sum] = [0, 0].map(AtomicUsize::new);
    let take = |item| {
        taken.fetch_add(1, Relaxed);
        sum.fetch_add(item, Relaxed);
    };
    thread::scope(|scope| {
        for mut tx in [a.clone(), a, b.clone(), b] {
            scope.spawn(move || send_all(&mut tx, |i| i));
        }
        let both = vec![a_rx.clone(), b_rx.clone()];
        scope.spawn(move || take_all(both, true, take));
        let twice = vec![a_rx.clone(), b_rx.clone(), a_rx.clone()];
        scope.spawn(move || take_all(twice, false, take));
        scope.spawn(move || a_rx.into_iter().for_each(take));
        scope.spawn(move || take_all(vec![b_rx], false, take));
    });
    assert_eq!(taken.into_inner(), 4 * ITEMS);
    assert_eq!(sum.into_inner(), 4 * (0..ITEMS).sum::<usize>());
    for monitor in monitors {
        let stats = monitor.stats();
        assert_eq!(
            (stats.offered, stats.delivered),
            (2 * ITEMS as u64, 2 * ITEMS as u64)
        );
        assert!(stats.is_exact());
    }
}

/// Passes on what comes by two ways, by whichever has room, and by one select for both
/// directions.
fn relay(mut from: Receiver<usize>, mut to: [Sender<usize>; 2]) {
    let mut slots = [None; 2];
    let mut open = true;
    loop {
        let free = slots.iter().position(Option::is_none);
        let [one, other] = &mut to;
        let [slot, other_slot] = &mut slots;
        if !open && slot.is_none() && other_slot.is_none() {
            return;
        }
        let got = select((
            (open && free.is_some()).then(|| recv(&mut from, Some)),
            send(one, slot, |sent| sent.map(|()| None).unwrap()),
            send(other, other_slot, |sent| sent.map(|()| None).unwrap()),
        ))
        .wait();
        match got {
            Some(Ok(item)) => slots[free.expect("it was asked for one")] = Some(item),
            Some(Err(_)) => open = false,
            None => (),
        }
    }
}

#[test]
fn sends_and_receives_in_one_select() {
    let (mut source, from) = bounded(2);
    let (one, one_rx) = bounded(1);
    let (other, other_rx) = bounded(3);
    let monitors = [source.monitor(), one.monitor(), other.monitor()];
    let sum = AtomicUsize::new(0);
    let take = |item| {
        sum.fetch_add(item, Relaxed);
    };
    thread::scope(|scope| {
        scope.spawn(move || send_all(&mut source, |i| i));
        let to = [one.clone(), other.clone()];
        let other_from = from.clone();
        scope.spawn(move || relay(other_from, to));
        scope.spawn(move || relay(from, [one, other]));
        scope.spawn(move || one_rx.into_iter().for_each(take));
        scope.spawn(move || take_all(vec![other_rx], true, take));
    });
    assert_eq!(sum.into_inner(), (0..ITEMS).sum::<usize>());
    let stats = monitors.map(|monitor| monitor.stats());
    // An item that was not sent was not offered, however often it was in a select.
    assert_eq!(stats.map(|stats| stats.refused), [0, 0, 0]);
    assert_eq!(stats[0].delivered, ITEMS as u64);
    assert_eq!(stats[1].offered + stats[2].offered, ITEMS as u64);
    assert_eq!(stats[1].delivered + stats[2].delivered, ITEMS as u64);
}
