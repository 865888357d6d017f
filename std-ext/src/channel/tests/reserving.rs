//! Room that one of many senders reserves.

use std::pin::Pin;
use std::task::{Context, Poll, Wake};

use super::future::{Task, block_on};
use super::*;
use crate::Reason;
use crate::flavour::{CanReserve, Flavour};

fn each(run: impl Fn(usize, OnFull, bool)) {
    for on_full in [OnFull::Block, OnFull::DropNewest, OnFull::DropOldest] {
        for (capacity, many) in [(1, true), (2, false), (7, true), (1, false)] {
            run(capacity, on_full, many);
        }
    }
}

#[test]
fn room_that_one_has_reserved_no_other_takes() {
    fn run<F>((mut tx, mut rx): (Sender<usize, F>, Receiver<usize, F>))
    where
        F: CanReserve + Flavour<Tx<usize>: Clone>,
    {
        let mut other = tx.clone();
        for _ in 0..5 {
            let permit = tx.reserve().unwrap();
            for item in 1..rx.capacity() {
                other.try_send(item).unwrap();
            }
            assert!(other.is_full());
            assert!(other.try_send(99).unwrap_err().is_full());
            assert!(other.try_reserve().unwrap_err().is_full());
            permit.send(0).unwrap();
            let capacity = rx.capacity();
            let received: Vec<_> = rx.try_iter().collect();
            assert_eq!(received, (1..capacity).chain([0]).collect::<Vec<_>>());
        }
        assert!(tx.stats().is_exact());
    }
    each(|capacity, on_full, many| {
        let builder = channel(capacity).on_full(on_full);
        if many {
            run(builder.mpmc().reservable().build());
        } else {
            run(builder.mpsc().reservable().build());
        }
    });
}

#[test]
fn room_that_is_given_back_goes_to_who_waits() {
    let (mut tx, mut rx) = channel(1).mpsc().reservable().build();
    let (mut other, mut third) = (tx.clone(), tx.clone());
    let permit = tx.reserve().unwrap();
    let task = Arc::new(Task::default());
    let mut sending = other.send_async(1);
    let mut reserving = third.reserve_async();
    while task.poll(&mut sending).is_pending() && task.wakers() < 1 {}
    while task.poll(&mut reserving).is_pending() && task.wakers() < 2 {}
    let before = task.wakes();
    drop(permit);
    assert_eq!(task.wakes(), before + 1);
    assert_eq!(task.poll(&mut sending), Poll::Ready(Ok(Sent::Stored)));
    assert!(task.poll(&mut reserving).is_pending());
    assert_eq!(rx.try_recv(), Ok(1));
    let Poll::Ready(Ok(permit)) = task.poll(&mut reserving) else {
        panic!("it was woken, and nobody else was there");
    };
    permit.send(2).unwrap();
    assert_eq!(rx.try_recv(), Ok(2));
}

#[test]
fn room_is_not_lost_if_a_waker_panics() {
    struct Panics;
    impl Wake for Panics {
        fn wake(self: Arc<Self>) {
            panic!("in a waker");
        }
    }
    let (mut tx, mut rx) = channel(2).mpsc().reservable().build();
    let (mut other, mut third) = (tx.clone(), tx.clone());
    let _ = tx.send_many([1, 2]).unwrap();
    let (first, second) = (Arc::new(Task::default()), Arc::new(Panics).into());
    let mut reserving = other.reserve_async();
    let mut behind = third.reserve_async();
    assert!(first.poll(&mut reserving).is_pending());
    assert!(
        Pin::new(&mut behind)
            .poll(&mut Context::from_waker(&second))
            .is_pending()
    );
    // Both rooms come, and one wake-up, which is passed on.
    let received = rx.recv_many(&mut Vec::new(), 2);
    assert_eq!(received, Ok(2));
    let polled = catch_unwind(AssertUnwindSafe(|| first.poll(&mut reserving).is_ready()));
    assert!(polled.is_err(), "it wakes the one behind it");
    drop((reserving, behind));
    let mut another = tx.clone();
    let both = (tx.try_reserve().unwrap(), another.try_reserve().unwrap());
    drop(both);
}

#[test]
fn where_all_is_reserved_the_new_item_is_dropped() {
    let reasons = Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = reasons.clone();
    let (mut tx, mut rx) = channel(1)
        .mpsc()
        .reservable()
        .on_full(OnFull::DropOldest)
        .on_drop(move |&item, reason| seen.lock().unwrap().push((item, reason)))
        .build();
    let mut other = tx.clone();
    let permit = tx.reserve().unwrap();
    assert_eq!(other.send(1), Ok(Sent::Refused(1)));
    permit.send(2).unwrap();
    assert_eq!(other.send(3), Ok(Sent::Evicted(2)));
    assert_eq!((rx.recv(), rx.lost()), (Ok(3), 2));
    let stats = tx.stats();
    assert_eq!((stats.refused_newest, stats.evicted), (1, 1));
    assert_eq!((stats.offered, stats.delivered), (3, 1));
    assert!(stats.is_exact(), "{stats}");
    assert_eq!(
        *reasons.lock().unwrap(),
        [(1, Reason::Newest), (2, Reason::Oldest)]
    );
}

/// Many reserve, send, change their minds and evict; everything is counted, and in the end
/// all room is there.
#[test]
fn reservations_of_many_threads_add_up() {
    const EACH: usize = if cfg!(miri) { 20 } else { 3_000 };
    each(|capacity, on_full, _| {
        let (tx, rx) = channel(capacity)
            .mpmc()
            .reservable()
            .on_full(on_full)
            .build();
        let senders: Vec<_> = (0..3)
            .map(|_| {
                let mut tx = tx.clone();
                thread::spawn(move || {
                    let mut sent = 0;
                    for item in 0..EACH {
                        match item % 4 {
                            0 => drop(tx.reserve().unwrap()),
                            1 => tx.reserve().unwrap().send(item).unwrap(),
                            2 => block_on(tx.reserve_async()).unwrap().send(item).unwrap(),
                            _ => drop(tx.send(item).unwrap()),
                        }
                        sent += usize::from(item % 4 != 0);
                    }
                    sent as u64
                })
            })
            .collect();
        let receivers =
            [rx.clone(), rx.clone()].map(|mut rx| thread::spawn(move || rx.iter().count() as u64));
        let (mut tx, monitor) = (tx, rx.monitor());
        drop(rx);
        let sent: u64 = senders.into_iter().map(|s| s.join().unwrap()).sum();
        let mut others = vec![tx.clone(); capacity];
        let permits: Vec<_> = others.iter_mut().map(|tx| tx.reserve().unwrap()).collect();
        assert!(tx.try_reserve().unwrap_err().is_full());
        drop(permits);
        drop((tx, others));
        let received: u64 = receivers.map(|r| r.join().unwrap()).iter().sum();
        let stats = monitor.stats();
        assert_eq!(
            (stats.offered, stats.delivered),
            (sent, received),
            "{stats}"
        );
        assert!(stats.is_exact() && stats.depth == 0, "{stats}");
    });
}
