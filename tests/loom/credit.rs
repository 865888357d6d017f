//! Models of credits. A slot that only who holds a credit touches shows what is ordered.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use loom::thread;
use ringfence::credit::{AcquireError, AcquireFuture, Pool, PoolStats};
use ringfence::flavour::Spsc;
use ringfence::weighted::{Cause, Sender, Weighted};
use ringfence::{Receiver, channel};
use ringfence_core::sync::Watch;

use crate::future::block_on;
use crate::harness::Model;

pub(crate) const MODELS: &[Model] = &[
    Model::new("credit_acquire_or_release", acquire_or_release),
    Model::new("credit_acquire_parks", acquire_parks),
    Model::new("credit_future_wakes", future_wakes),
    Model::new("credit_changes_waker", changes_waker),
    Model::new("credit_two_give_back", two_give_back).preemptions(2),
    Model::new("credit_two_wait", two_wait).preemptions(2),
    Model::new("credit_cancelled_after_grant", cancelled_after_grant).preemptions(2),
    Model::new("credit_times_out", times_out),
    Model::new("credit_close_wakes", close_wakes),
    Model::new("credit_close_or_release", close_or_release).preemptions(2),
    Model::new("credit_shrink_or_release", shrink_or_release),
    Model::new("credit_debt_then_wait", debt_then_wait),
    Model::new("weighted_send_parks", weighted_send_parks).preemptions(2),
    Model::new("weighted_close_wakes", weighted_close_wakes).preemptions(2),
    Model::new("weighted_future_wakes", weighted_future_wakes).preemptions(2),
    Model::new("weighted_close_wakes_future", weighted_close_wakes_future).preemptions(2),
];

/// One poll by a task that is never woken.
fn poll(future: &mut AcquireFuture) -> Option<Result<u64, AcquireError>> {
    match Pin::new(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(acquired) => Some(acquired.map(|lease| lease.amount())),
        Poll::Pending => None,
    }
}

fn waiting(pool: &Pool, amount: u64) -> AcquireFuture {
    let mut future = pool.acquire_async(amount);
    assert_eq!(poll(&mut future), None);
    future
}

#[track_caller]
fn all_is_back(pool: &Pool, capacity: u64) -> PoolStats {
    let stats = pool.stats();
    assert_eq!((stats.free, stats.lent), (capacity, 0));
    assert_eq!((stats.debt, stats.waiting), (0, 0));
    assert!(stats.is_exact(), "{stats}");
    stats
}

/// A thread holds the only credit, touches the slot, and gives the credit back.
fn holder(pool: &Pool, slot: &Watch) -> thread::JoinHandle<()> {
    let (lease, slot) = (pool.acquire(1).unwrap(), slot.clone());
    thread::spawn(move || {
        slot.with_mut(0, || ());
        drop(lease);
    })
}

/// Whoever takes a credit that is free comes after who had it.
fn acquire_or_release() {
    let (pool, slot) = (Pool::new(1), Watch::new(1));
    let holder = holder(&pool, &slot);
    if let Ok(_lease) = pool.try_acquire(1) {
        slot.with_mut(0, || ());
    }
    holder.join().unwrap();
    all_is_back(&pool, 1);
}

/// A thread that waits is woken, and comes after who had the credit.
fn acquire_parks() {
    let (pool, slot) = (Pool::new(1), Watch::new(1));
    let holder = holder(&pool, &slot);
    let lease = pool.acquire(1).unwrap();
    slot.with_mut(0, || ());
    drop(lease);
    holder.join().unwrap();
    all_is_back(&pool, 1);
}

/// So is a future.
fn future_wakes() {
    let (pool, slot) = (Pool::new(1), Watch::new(1));
    let holder = holder(&pool, &slot);
    let lease = block_on(pool.acquire_async(1)).unwrap();
    slot.with_mut(0, || ());
    drop(lease);
    holder.join().unwrap();
    all_is_back(&pool, 1);
}

/// A future that was polled by another task before.
fn changes_waker() {
    let (pool, slot) = (Pool::new(1), Watch::new(1));
    let lease = pool.acquire(1).unwrap();
    let future = waiting(&pool, 1);
    let holder = thread::spawn(move || drop(lease));
    drop(block_on(future).unwrap());
    slot.with_mut(0, || ());
    holder.join().unwrap();
    all_is_back(&pool, 1);
}

/// Whoever is served comes after all who gave the credits back, whoever serves it.
fn two_give_back() {
    let (pool, slots) = (Pool::new(2), Watch::new(2));
    let holders = [0, 1].map(|index| {
        let (lease, slots) = (pool.acquire(1).unwrap(), slots.clone());
        thread::spawn(move || {
            slots.with_mut(index, || ());
            drop(lease);
        })
    });
    let lease = pool.acquire(2).unwrap();
    slots.run_mut(0, 2);
    drop(lease);
    holders
        .into_iter()
        .for_each(|holder| holder.join().unwrap());
    all_is_back(&pool, 2);
}

/// The first is served first, though the second asks for less.
fn two_wait() {
    let (pool, slot) = (Pool::new(2), Watch::new(1));
    let mut lease = pool.acquire(2).unwrap();
    let mut first = waiting(&pool, 2);
    let (other, touched) = (pool.clone(), slot.clone());
    let second = thread::spawn(move || {
        let _lease = other.acquire(1).unwrap();
        touched.with_mut(0, || ());
    });
    lease.shrink_to(1);
    assert_eq!(pool.stats().free, 1, "not for the second");
    drop(lease);
    match Pin::new(&mut first).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(lease) => {
            slot.with_mut(0, || ());
            drop(lease);
        }
        Poll::Pending => panic!("it was handed over"),
    }
    second.join().unwrap();
    all_is_back(&pool, 2);
}

/// A future that is dropped when it may just have been served leaves that to the next.
fn cancelled_after_grant() {
    let pool = Pool::new(1);
    let lease = pool.acquire(1).unwrap();
    let first = waiting(&pool, 1);
    let mut second = waiting(&pool, 1);
    let holder = thread::spawn(move || drop(lease));
    let other = thread::spawn(move || drop(first));
    drop(block_on(&mut second).unwrap());
    holder.join().unwrap();
    other.join().unwrap();
    all_is_back(&pool, 1);
}

/// A thread whose time is over may have been served meanwhile.
fn times_out() {
    let (pool, slot) = (Pool::new(1), Watch::new(1));
    let holder = holder(&pool, &slot);
    if let Ok(_lease) = pool.acquire_timeout(1, Duration::from_secs(1)) {
        slot.with_mut(0, || ());
    }
    holder.join().unwrap();
    all_is_back(&pool, 1);
}

/// Whoever waits when the pool closes, or comes to wait, is told.
fn close_wakes() {
    let pool = Pool::new(1);
    let lease = pool.acquire(1).unwrap();
    let other = pool.clone();
    let closer = thread::spawn(move || other.close());
    assert_eq!(pool.acquire(1).unwrap_err(), AcquireError::Closed);
    closer.join().unwrap();
    drop(lease);
    all_is_back(&pool, 1);
}

/// Served or told, never both, and never neither.
fn close_or_release() {
    let (pool, slot) = (Pool::new(1), Watch::new(1));
    let holder = holder(&pool, &slot);
    let other = pool.clone();
    let closer = thread::spawn(move || other.close());
    match pool.acquire(1) {
        Ok(_lease) => slot.with_mut(0, || ()),
        Err(error) => assert_eq!(error, AcquireError::Closed),
    }
    holder.join().unwrap();
    closer.join().unwrap();
    all_is_back(&pool, 1);
}

/// What comes back while the pool shrinks pays the debt exactly; what is left is ordered.
fn shrink_or_release() {
    let (pool, slot) = (Pool::new(2), Watch::new(1));
    let (lease, touched) = (pool.acquire(2).unwrap(), slot.clone());
    let holder = thread::spawn(move || {
        touched.with_mut(0, || ());
        drop(lease);
    });
    assert_eq!(pool.shrink(1), 1);
    if let Ok(_lease) = pool.try_acquire(1) {
        slot.with_mut(0, || ());
    }
    holder.join().unwrap();
    assert_eq!(all_is_back(&pool, 1).granted, 1);
}

/// Who waits behind a debt is served when it is paid.
fn debt_then_wait() {
    let (pool, slot) = (Pool::new(2), Watch::new(1));
    let (mut lease, touched) = (pool.acquire(2).unwrap(), slot.clone());
    assert_eq!(pool.shrink(1), 1);
    let holder = thread::spawn(move || {
        touched.with_mut(0, || ());
        lease.shrink_to(1);
        drop(lease);
    });
    drop(pool.acquire(1).unwrap());
    slot.with_mut(0, || ());
    holder.join().unwrap();
    assert_eq!(all_is_back(&pool, 1).granted, 1);
}

/// A channel with one item inside, which has the only credit.
fn weighted(pool: &Pool) -> (Sender<u8, Spsc>, Receiver<Weighted<u8>, Spsc>) {
    let (mut tx, rx) = channel(2).spsc().weighted(pool, |_| 1).build();
    tx.try_send(0).unwrap();
    (tx, rx)
}

/// A send that waits for credit is woken when an item is dropped.
fn weighted_send_parks() {
    let pool = Pool::new(1);
    let (mut tx, mut rx) = weighted(&pool);
    let sender = thread::spawn(move || (tx.send(1).map(drop), tx));
    drop(rx.try_recv().unwrap());
    let (sent, _tx) = sender.join().unwrap();
    assert_eq!(sent, Ok(()));
    assert_eq!(*rx.try_recv().unwrap(), 1);
    all_is_back(&pool, 1);
}

/// Or when the channel closes, though the credit does not come back.
fn weighted_close_wakes() {
    let pool = Pool::new(1);
    let (mut tx, mut rx) = weighted(&pool);
    let sender = thread::spawn(move || tx.send(1).map(drop));
    rx.close();
    let error = sender.join().unwrap().unwrap_err();
    assert_eq!((error.item, error.cause), (1, Cause::Disconnected));
    drop(rx.try_recv().unwrap());
    all_is_back(&pool, 1);
}

/// So is a future.
fn weighted_future_wakes() {
    let pool = Pool::new(1);
    let (mut tx, mut rx) = weighted(&pool);
    let sender = thread::spawn(move || {
        let sent = block_on(tx.send_async(1)).map(drop);
        (sent, tx)
    });
    drop(rx.try_recv().unwrap());
    let (sent, _tx) = sender.join().unwrap();
    assert_eq!(sent, Ok(()));
    assert_eq!(*rx.try_recv().unwrap(), 1);
    all_is_back(&pool, 1);
}

fn weighted_close_wakes_future() {
    let pool = Pool::new(1);
    let (mut tx, mut rx) = weighted(&pool);
    let sender = thread::spawn(move || block_on(tx.send_async(1)).map(drop));
    rx.close();
    let error = sender.join().unwrap().unwrap_err();
    assert_eq!((error.item, error.cause), (1, Cause::Disconnected));
    drop(rx.try_recv().unwrap());
    all_is_back(&pool, 1);
}
