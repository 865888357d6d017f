//! What a user of weighted channels relies on.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use super::*;
use crate::channel;
use crate::credit::{Oversized, Rules};
use crate::flavour::Spsc;
use crate::policy::{EarlyDrop, Reason, Sent};
use crate::stats::Stats;

type Ends<F = Mpmc> = (Sender<u64, F>, Receiver<Weighted<u64>, F>);

/// Items weigh what they are.
fn ends(pool: &Pool, capacity: usize) -> Ends {
    channel(capacity).weighted(pool, |&item| item).build()
}

fn poll<R>(future: Pin<&mut impl Future<Output = R>>) -> Poll<R> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[track_caller]
fn exact(stats: &Stats) {
    assert!(stats.is_exact(), "{stats}");
}

fn stored(sent: Result<Sent<u64>, SendError<u64>>) -> bool {
    sent.unwrap().is_stored()
}

#[track_caller]
fn refused<T: std::fmt::Debug + PartialEq>(
    sent: Result<impl Sized, SendError<T>>,
    item: T,
    cause: Cause,
) {
    let Err(error) = sent else { panic!("sent") };
    assert_eq!((&error.item, error.cause), (&item, cause));
    assert_eq!(error.into_inner(), item);
}

#[test]
fn what_is_in_hand_counts() {
    let pool = Pool::new(10);
    let (mut tx, mut rx) = ends(&pool, 8);
    assert!(stored(tx.send(6)) && stored(tx.send(3)));
    refused(tx.try_send(2), 2, Cause::Full);
    let mut first = rx.recv().unwrap();
    assert_eq!((*first, first.lease().amount()), (6, 6));
    refused(tx.try_send(2), 2, Cause::Full);
    *first += 1;
    assert_eq!(first.into_inner(), 7);
    assert!(tx.try_send(7).is_ok());
    let (item, lease) = rx.recv().unwrap().into_parts();
    assert_eq!((item, pool.stats().lent), (3, 10));
    drop((lease, rx.recv().unwrap()));
    let (stats, pool) = (tx.stats(), pool.stats());
    assert_eq!(
        (stats.stored, stats.delivered, stats.refused_full),
        (3, 3, 2)
    );
    assert_eq!((stats.high_water, stats.full_events), (2, 2));
    assert_eq!((pool.lent, pool.free, pool.high_water), (0, 10, 10));
    exact(&stats);
}

#[test]
fn both_bounds_hold() {
    let pool = Pool::new(10);
    let (mut tx, mut rx) = ends(&pool, 2);
    assert!(stored(tx.send(1)) && stored(tx.send(1)));
    // Credits, but no slot: the credits come back.
    refused(tx.try_send(1), 1, Cause::Full);
    refused(tx.send_timeout(1, Duration::ZERO), 1, Cause::Timeout);
    assert_eq!(pool.free(), 8);
    // A slot, but no credits.
    drop(rx.recv());
    refused(tx.send_deadline(10, Instant::now()), 10, Cause::Timeout);
    refused(tx.try_send(10), 10, Cause::Full);
    assert_eq!((tx.channel().len(), pool.free()), (1, 9));
    assert!(stored(tx.send_timeout(9, Duration::MAX)));
    let stats = tx.stats();
    assert_eq!((stats.refused_timeout, stats.refused_full), (2, 2));
    exact(&stats);
}

#[test]
fn a_policy_refuses_for_lack_of_credit() {
    let shown = Arc::new(Mutex::new(Vec::new()));
    let rule = EarlyDrop::new(4, 5, 0.0).unwrap();
    for (on_full, reason) in [
        (OnFull::DropNewest, Reason::Newest),
        (OnFull::DropRandom(rule), Reason::Random),
    ] {
        let (pool, seen) = (Pool::new(10), shown.clone());
        let (mut tx, mut rx) = channel(8)
            .spsc()
            .on_full(on_full)
            .on_drop(move |&item, reason| seen.lock().unwrap().push((item, reason)))
            .weighted(&pool, |&item: &u64| item)
            .build();
        assert!(stored(tx.send(7)));
        assert_eq!(tx.send(4).unwrap().into_refused(), Some(4));
        let ready = poll(pin!(tx.send_async(5)));
        assert_eq!(ready, Poll::Ready(Ok(Sent::Refused(5))));
        assert!(stored(tx.send(3)));
        assert_eq!(*rx.recv().unwrap(), 7);
        let stats = rx.stats();
        assert_eq!((stats.refused, stats.lost(), stats.high_water), (2, 2, 2));
        exact(&stats);
        drop(rx);
        assert_eq!(
            shown.lock().unwrap().split_off(0),
            [(4, reason), (5, reason), (3, Reason::Drained)]
        );
        assert_eq!(pool.free(), 10);
    }
    let oldest = channel::<u64>(8).on_full(OnFull::DropOldest);
    let built = oldest.weighted(&Pool::new(1), |_| 1).try_build();
    assert_eq!(built.err(), Some(BuildError::DropOldest));
    let huge = channel::<u64>(usize::MAX).weighted(&Pool::new(1), |_| 1);
    assert!(matches!(huge.try_build(), Err(BuildError::Capacity(_))));
}

#[test]
fn what_is_too_heavy_is_given_back() {
    let pool = Pool::new(10);
    let (mut tx, _rx) = ends(&pool, 8);
    refused(tx.send(11), 11, Cause::TooHeavy);
    refused(tx.try_send(11), 11, Cause::TooHeavy);
    assert_eq!((tx.stats().refused_full, pool.free()), (2, 10));
    exact(&tx.stats());
}

/// A queue that is bounded in bytes does not stand still for one large item.
#[test]
fn what_is_too_heavy_goes_through_alone() {
    let rules = Rules::default().oversized(Oversized::Alone);
    let pool = Pool::with_rules(10, rules).unwrap();
    let (mut tx, mut rx) = ends(&pool, 8);
    let items = [3, 50, 2, 11, 10, 9];
    let received = thread::scope(|scope| {
        let received = scope.spawn(move || rx.iter().map(Weighted::into_inner).collect());
        assert!(items.into_iter().all(|item| stored(tx.send(item))));
        drop(tx);
        let received: Vec<_> = received.join().unwrap();
        received
    });
    assert_eq!(received, items);
    assert_eq!((pool.free(), pool.stats().high_water), (10, 10));
}

/// A thread that waits for credit, and what wakes it.
fn blocked(
    wake: impl FnOnce(&Pool, &mut Receiver<Weighted<u64>>),
) -> Result<Sent<u64>, SendError<u64>> {
    let pool = Pool::new(10);
    let (mut tx, mut rx) = ends(&pool, 8);
    assert!(stored(tx.send(9)));
    let sent = thread::scope(|scope| {
        let waits = scope.spawn(move || {
            let sent = tx.send(5);
            exact(&tx.stats());
            assert!(tx.stats().send_blocked > Duration::ZERO);
            sent
        });
        while pool.stats().waiting == 0 {
            thread::yield_now();
        }
        wake(&pool, &mut rx);
        waits.join().unwrap()
    });
    drop(rx);
    assert_eq!((pool.free(), pool.stats().waiting), (10, 0));
    sent
}

#[test]
fn a_send_waits_for_credit() {
    let mut guard = None;
    let sent = blocked(|pool, rx| {
        let first = rx.recv().unwrap();
        assert_eq!(pool.stats().waiting, 1, "it is in hand");
        guard = Some(first.into_inner());
    });
    assert_eq!((guard, stored(sent)), (Some(9), true));
}

/// Though the credits stay with what is inside.
#[test]
fn a_send_waits_no_longer_than_the_channel_is_open() {
    refused(blocked(|_, rx| rx.close()), 5, Cause::Disconnected);
    refused(blocked(|pool, _| pool.close()), 5, Cause::PoolClosed);
}

#[test]
fn a_closed_channel_gives_back() {
    let pool = Pool::new(10);
    let (mut tx, mut rx) = ends(&pool, 8);
    assert!(stored(tx.send(4)) && stored(tx.send(1)));
    let first = rx.recv().unwrap();
    tx.close();
    refused(tx.send(1), 1, Cause::Disconnected);
    refused(tx.try_send(100), 100, Cause::Disconnected);
    refused(tx.try_reserve(1), (), Cause::Disconnected);
    assert_eq!(
        poll(pin!(tx.send_async(2))).map(|sent| sent.unwrap_err().item),
        Poll::Ready(2)
    );
    drop(rx);
    assert_eq!(pool.stats().lent, 4, "what was drained has come back");
    drop(first);
    assert_eq!(pool.free(), 10);
    assert_eq!((tx.stats().refused_closed, tx.stats().drained), (3, 1));
    exact(&tx.stats());
}

#[test]
fn a_future_waits_for_credit() {
    let pool = Pool::new(10);
    let (mut tx, mut rx) = ends(&pool, 8);
    assert!(stored(tx.send(9)));
    {
        let mut sending = pin!(tx.send_async(5));
        assert!(poll(sending.as_mut()).is_pending());
        drop(rx.recv().unwrap());
        assert_eq!(poll(sending), Poll::Ready(Ok(Sent::Stored)));
    }
    {
        let mut sending = pin!(tx.send_async(6));
        assert!(poll(sending.as_mut()).is_pending());
        rx.close();
        let closed = poll(sending).map(|sent| sent.unwrap_err().cause);
        assert_eq!(closed, Poll::Ready(Cause::Disconnected));
    }
    {
        let mut sending = tx.send_async(6);
        assert!(poll(Pin::new(&mut sending)).is_ready());
        assert_eq!(sending.into_inner(), None);
    }
    assert_eq!((pool.stats().waiting, pool.stats().lent), (0, 5));
    exact(&tx.stats());
}

#[test]
fn a_future_gives_its_item_back() {
    let pool = Pool::new(10);
    let (mut tx, _rx) = ends(&pool, 1);
    assert_eq!(tx.send_async(1).into_inner(), Some(1)); // never polled
    assert!(stored(tx.send(2)));
    // It waits for credit, or for a slot.
    for item in [9, 3] {
        let mut sending = tx.send_async(item);
        assert!(poll(Pin::new(&mut sending)).is_pending());
        assert_eq!(sending.into_inner(), Some(item));
        assert_eq!((pool.stats().lent, pool.stats().waiting), (2, 0));
    }
    assert_eq!(tx.stats().refused_cancelled, 3);
    exact(&tx.stats());
}

#[test]
fn a_send_that_is_cancelled_is_counted() {
    let shown = Arc::new(Mutex::new(Vec::new()));
    let (pool, seen) = (Pool::new(10), shown.clone());
    let (mut tx, _rx) = channel(1)
        .on_drop(move |&item, reason| seen.lock().unwrap().push((item, reason)))
        .weighted(&pool, |&item: &u64| item)
        .build();
    drop(tx.send_async(1)); // never polled
    assert!(stored(tx.send(2)));
    // For credit, and for a slot.
    for item in [9, 3] {
        let mut sending = Box::pin(tx.send_async(item));
        assert!(poll(sending.as_mut()).is_pending());
        drop(sending);
        assert_eq!((pool.stats().lent, pool.stats().waiting), (2, 0));
    }
    let cancelled = [1, 9, 3].map(|item| (item, Reason::Cancelled));
    assert_eq!(*shown.lock().unwrap(), cancelled);
    assert_eq!((tx.stats().refused_cancelled, tx.stats().offered), (3, 4));
    exact(&tx.stats());
}

#[test]
fn futures_can_be_sent() {
    fn check<T: Send>(_: T) {}
    let pool = Pool::new(10);
    let (mut tx, _rx): Ends<Spsc> = channel(1).spsc().weighted(&pool, |&item| item).build();
    check(tx.send_async(1));
    check(tx.reserve_async(1));
}

#[test]
fn channels_share_a_pool() {
    let pool = Pool::new(10);
    let (mut one, mut from_one) = ends(&pool, 8);
    let (mut two, mut from_two): Ends<Spsc> =
        channel(8).spsc().weighted(&pool, |&item| item).build();
    assert!(stored(one.send(6)) && stored(two.send(4)));
    refused(one.try_send(1), 1, Cause::Full);
    drop(from_two.recv());
    // With the credits it has.
    let (item, lease) = from_one.recv().unwrap().into_parts();
    assert!(stored(two.send_leased(item, lease)));
    let item = from_two.recv().unwrap().into_inner();
    assert_eq!((item, pool.free()), (6, 10));
    let stranger = Pool::new(1).acquire(1).unwrap();
    refused(two.send_leased(5, stranger), 5, Cause::Lease);
    assert!(two.pool().same_pool(&pool));
    exact(&two.stats());
}

const MOVED: usize = if cfg!(miri) { 50 } else { 1000 };

/// Moves items of 0 to 9 from each sender, some by permits: never more weight than there
/// is, and all is exact.
fn moved<F: Flavour>(senders: Vec<Sender<u64, F>>, mut rx: Receiver<Weighted<u64>, F>)
where
    Sender<u64, F>: Send,
{
    let pool = senders[0].pool().clone();
    let numbers = || (0..10).cycle().take(MOVED);
    let expected: u64 = numbers().map(|item| item.max(2)).sum::<u64>() * senders.len() as u64;
    let total = senders.len() * MOVED;
    assert!(senders[0].slots_suffice());
    let charged: u64 = thread::scope(|scope| {
        for mut tx in senders {
            scope.spawn(move || {
                for item in numbers() {
                    let sent = if item % 3 == 0 {
                        tx.reserve(9).unwrap().send(item)
                    } else {
                        tx.send(item)
                    };
                    assert!(stored(sent));
                }
            });
        }
        rx.iter().map(|item| item.lease().amount()).sum()
    });
    assert_eq!(charged, expected);
    let (stats, credits) = (rx.stats(), pool.stats());
    assert_eq!((stats.delivered, credits.lent), (total as u64, 0));
    assert!(credits.high_water <= 16 && stats.high_water <= 8);
    exact(&stats);
}

#[test]
fn all_flavours_are_bounded() {
    let rules = Rules::default().minimum(2);
    let pool = || Pool::with_rules(16, rules).unwrap();
    let weigh = |&item: &u64| item;
    let (tx, rx) = channel(8).spsc().weighted(&pool(), weigh).build();
    moved(vec![tx], rx);
    let (tx, rx) = channel(8).spmc().weighted(&pool(), weigh).build();
    moved(vec![tx], rx);
    let (tx, rx) = channel(8).mpsc().weighted(&pool(), weigh).build();
    moved(vec![tx.clone(), tx], rx);
    let (tx, rx) = channel(8).mpmc().weighted(&pool(), weigh).build();
    moved(vec![tx.clone(), tx.clone(), tx], rx);
}

#[test]
fn permits() {
    let pool = Pool::new(10);
    let (mut tx, mut rx) = ends(&pool, 8);
    assert!(!tx.slots_suffice(), "an item may cost nothing");
    let mut other = tx.clone();
    let permit = tx.reserve(7).unwrap();
    refused(other.try_reserve(4), (), Cause::Full);
    refused(other.reserve(11), (), Cause::TooHeavy);
    refused(permit.send(8), 8, Cause::TooHeavy);
    assert_eq!(pool.free(), 10);
    assert!(stored(tx.try_reserve(7).unwrap().send(5)));
    assert_eq!(pool.free(), 5);
    drop(tx.reserve(5).unwrap());
    assert_eq!(tx.reserve(5).unwrap().into_lease().amount(), 5);
    {
        let mut reserving = pin!(other.reserve_async(6));
        assert!(poll(reserving.as_mut()).is_pending());
        assert_eq!(rx.recv().unwrap().into_inner(), 5);
        let Poll::Ready(Ok(permit)) = poll(reserving) else {
            panic!("credit has come")
        };
        rx.close();
        refused(permit.send(6), 6, Cause::Disconnected);
    }
    assert_eq!((pool.free(), tx.stats().stored), (10, 1));
    exact(&tx.stats());
}

#[test]
fn a_rendezvous_holds_credit() {
    let pool = Pool::new(10);
    let (mut tx, mut rx) = ends(&pool, 0);
    refused(tx.try_send(3), 3, Cause::Full);
    thread::scope(|scope| {
        let sent = scope.spawn(move || stored(tx.send(3)));
        let item = rx.recv().unwrap();
        assert_eq!((sent.join().unwrap(), *item, pool.free()), (true, 3, 7));
    });
    assert_eq!(pool.free(), 10);
}

#[test]
fn a_panic_keeps_nothing() {
    let pool = Pool::new(10);
    let (mut tx, mut rx) = channel(8)
        .weighted(&pool, |&item: &u64| {
            assert_ne!(item, 0, "told to panic");
            item
        })
        .build();
    assert!(catch_unwind(AssertUnwindSafe(|| tx.send(0))).is_err());
    assert_eq!((tx.stats().offered, pool.free()), (0, 10));
    assert!(stored(tx.send(3)));
    let panics = || {
        let _item = rx.recv().unwrap();
        panic!("told to");
    };
    assert!(catch_unwind(AssertUnwindSafe(panics)).is_err());
    assert_eq!(pool.free(), 10);
}

#[test]
fn many_are_sent_in_one_call() {
    let pool = Pool::new(10);
    let (mut tx, mut rx) = ends(&pool, 8);
    assert_eq!(tx.send_many([1, 2, 3]).unwrap().stored, 3);
    // Some wait for credit.
    thread::scope(|scope| {
        let sent = scope.spawn(|| tx.send_many([4, 5, 6, 7]).unwrap().stored);
        let received: Vec<u64> = (0..7).map(|_| rx.recv().unwrap().into_inner()).collect();
        assert_eq!((received, sent.join().unwrap()), ((1..=7).collect(), 4));
    });
    rx.close();
    let error = tx.send_many([8, 9]).unwrap_err();
    assert_eq!((error.stored, error.returned), (0, vec![8]));
    assert_eq!((error.cause, pool.free()), (Cause::Disconnected, 10));
    assert_eq!(tx.stats().refused_closed, 1);
    exact(&tx.stats());
}

#[test]
fn many_are_refused_in_one_call() {
    let pool = Pool::new(10);
    let (mut tx, rx) = channel(8)
        .on_full(crate::OnFull::DropNewest)
        .weighted(&pool, |&item: &u64| item)
        .build();
    let sent = tx.send_many([6, 5, 4, 1, 0]).unwrap();
    assert_eq!((sent.stored, sent.refused), (3, vec![5, 1]));
    let error = tx.send_many([7, 0, 11, 0]).unwrap_err();
    assert_eq!((error.stored, error.returned), (1, vec![7, 11]));
    assert_eq!((error.cause, rx.len()), (Cause::TooHeavy, 4));
    let stats = tx.stats();
    assert_eq!((stats.refused_newest, stats.refused_full), (3, 1));
    exact(&stats);
}

#[test]
fn a_batch_keeps_nothing_when_it_panics() {
    let pool = Pool::new(10);
    let (mut tx, rx) = channel(8)
        .weighted(&pool, |&item: &u64| {
            assert_ne!(item, 0, "told to panic");
            item
        })
        .build();
    let sent = catch_unwind(AssertUnwindSafe(|| tx.send_many([3, 4, 0, 1])));
    assert!(sent.is_err());
    assert_eq!((rx.len(), pool.free()), (2, 3));
    exact(&tx.stats());
}
