//! What a user of credits relies on.

mod resize;
mod waiting;

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use super::*;

type Acquired = Result<Lease, AcquireError>;

/// One poll, of a task that is never woken.
fn poll(future: &mut AcquireFuture) -> Poll<Acquired> {
    poll_by(future, Waker::noop())
}

fn poll_by(future: &mut AcquireFuture, waker: &Waker) -> Poll<Acquired> {
    Pin::new(future).poll(&mut Context::from_waker(waker))
}

/// A future that waits.
fn waiting(pool: &Pool, amount: u64) -> AcquireFuture {
    let mut future = pool.acquire_async(amount);
    assert!(poll(&mut future).is_pending());
    future
}

#[track_caller]
fn ready(future: &mut AcquireFuture) -> Acquired {
    match poll(future) {
        Poll::Ready(ready) => ready,
        Poll::Pending => panic!("it waits"),
    }
}

/// What is free, and what is lent.
#[track_caller]
fn shares(pool: &Pool) -> (u64, u64) {
    let stats = pool.stats();
    assert!(stats.is_exact(), "{stats}");
    (stats.free, stats.lent)
}

#[test]
fn credits_come_back() {
    let pool = Pool::new(10);
    let lease = pool.acquire(7).unwrap();
    assert_eq!((lease.amount(), shares(&pool)), (7, (3, 7)));
    assert_eq!(pool.try_acquire(4).err(), Some(TryAcquireError::NoCredit));
    let other = pool.try_acquire(3).unwrap();
    assert_eq!((pool.free(), shares(&pool)), (0, (0, 10)));
    drop(lease);
    assert_eq!(shares(&pool), (7, 3));
    drop(other);
    assert_eq!(shares(&pool), (10, 0));
    assert_eq!(pool.stats().high_water, 10);
}

/// Also of what nobody has seen while it was lent.
#[test]
fn the_most_that_was_lent_is_known() {
    let pool = Pool::new(10);
    drop(pool.acquire(7).unwrap());
    drop(pool.acquire(4).unwrap());
    assert_eq!(pool.stats().high_water, 7);
}

#[test]
fn a_lease_is_divided_and_joined() {
    let pool = Pool::new(10);
    let mut lease = pool.acquire(8).unwrap();
    assert!(lease.split(9).is_none());
    let mut part = lease.split(5).unwrap();
    assert_eq!(
        (lease.amount(), part.amount(), shares(&pool)),
        (3, 5, (2, 8))
    );

    part.shrink_to(6);
    assert_eq!(part.amount(), 5);
    part.shrink_to(1);
    assert_eq!((part.amount(), shares(&pool)), (1, (6, 4)));
    lease.merge(part).unwrap();
    assert_eq!((lease.amount(), shares(&pool)), (4, (6, 4)));

    let none = lease.split(0).unwrap();
    let all = lease.split(4).unwrap();
    drop((none, lease));
    assert_eq!(shares(&pool), (6, 4));

    let stranger = Pool::new(10).acquire(2).unwrap();
    let mut lease = all;
    let back = lease.merge(stranger).unwrap_err().into_inner();
    assert_eq!((lease.amount(), back.amount()), (4, 2));
}

#[test]
fn a_pool_outlives_its_handles() {
    let pool = Pool::new(10);
    let lease = pool.acquire(4).unwrap();
    drop(pool);
    assert_eq!(lease.pool().free(), 6);
    let pool = lease.pool().clone();
    drop(lease);
    assert_eq!(shares(&pool), (10, 0));
    assert!(pool.same_pool(&pool.clone()) && !pool.same_pool(&Pool::new(10)));
}

#[test]
fn forgotten_credits_are_counted() {
    let pool = Pool::new(10);
    pool.acquire(4).unwrap().forget();
    let stats = pool.stats();
    assert_eq!((stats.granted, stats.capacity, stats.free), (10, 6, 6));
    assert_eq!((stats.lent, stats.forgotten), (0, 4));
    assert!(stats.is_exact());
    // First out of the debt.
    let mut lease = pool.acquire(6).unwrap();
    assert_eq!(pool.shrink(2), 2);
    lease.split(3).unwrap().forget();
    let stats = pool.stats();
    assert_eq!((stats.granted, stats.capacity, stats.debt), (10, 3, 0));
    assert_eq!((stats.lent, stats.forgotten), (3, 7));
}

/// What only this thread's stack holds comes back when it unwinds.
#[test]
fn a_panic_gives_back() {
    let pool = Pool::new(10);
    let result = std::panic::catch_unwind(|| {
        let _lease = pool.acquire(4).unwrap();
        let _waits = waiting(&pool, 7);
        panic!("told to");
    });
    assert!(result.is_err());
    assert_eq!((shares(&pool), pool.stats().waiting), ((10, 0), 0));
}

#[test]
fn each_request_costs_something() {
    let rules = Rules::default().minimum(3);
    let pool = Pool::with_rules(10, rules).unwrap();
    let leases = [pool.acquire(0).unwrap(), pool.try_acquire(2).unwrap()];
    assert_eq!(
        (leases.each_ref().map(Lease::amount), pool.free()),
        ([3, 3], 4)
    );
    let lease = ready(&mut pool.acquire_async(4)).unwrap();
    assert_eq!((lease.amount(), pool.free()), (4, 0));
    assert_eq!(pool.try_acquire(0).err(), Some(TryAcquireError::NoCredit));
    assert_eq!(pool.rules(), rules);
}

#[test]
fn nothing_can_be_had_for_nothing() {
    let pool = Pool::new(0);
    assert_eq!(pool.acquire(0).unwrap().amount(), 0);
    assert_eq!(pool.acquire(1).unwrap_err(), AcquireError::TooLarge);
}

#[test]
fn too_much_is_refused() {
    let pool = Pool::new(10);
    assert_eq!(pool.acquire(11).unwrap_err(), AcquireError::TooLarge);
    assert_eq!(pool.acquire(u64::MAX).unwrap_err(), AcquireError::TooLarge);
    assert_eq!(pool.try_acquire(11).unwrap_err(), TryAcquireError::TooLarge);
    let timeout = pool.acquire_timeout(11, Duration::MAX);
    assert_eq!(timeout.unwrap_err(), AcquireTimeoutError::TooLarge);
    let refused = ready(&mut pool.acquire_async(11));
    assert_eq!(refused.unwrap_err(), AcquireError::TooLarge);
    assert_eq!(shares(&pool), (10, 0));
}

/// What is too large gets all, and is alone.
#[test]
fn too_much_is_alone() {
    let rules = Rules::default().oversized(Oversized::Alone);
    let pool = Pool::with_rules(10, rules).unwrap();
    let one = pool.acquire(1).unwrap();
    assert_eq!(pool.try_acquire(11).err(), Some(TryAcquireError::NoCredit));
    let mut large = waiting(&pool, u64::MAX);
    let mut small = waiting(&pool, 1);
    drop(one);
    let lease = ready(&mut large).unwrap();
    assert_eq!((lease.amount(), shares(&pool)), (10, (0, 10)));
    assert!(poll(&mut small).is_pending());
    drop(lease);
    assert_eq!(ready(&mut small).unwrap().amount(), 1);
    // Not even alone in a pool without credits.
    assert_eq!(pool.shrink(10), 10);
    let mut large = waiting(&pool, 5);
    pool.grow(2).unwrap();
    assert_eq!(ready(&mut large).unwrap().amount(), 2);
}

#[test]
fn too_much_waits_for_growth() {
    let rules = Rules::default().oversized(Oversized::Wait);
    let pool = Pool::with_rules(0, rules).unwrap();
    let mut large = waiting(&pool, 5);
    pool.grow(4).unwrap();
    assert!(poll(&mut large).is_pending());
    pool.grow(1).unwrap();
    ready(&mut large).unwrap().forget();
    assert_eq!(shares(&pool), (0, 0));
    assert_eq!(pool.acquire(u64::MAX).unwrap_err(), AcquireError::TooLarge);
}

#[test]
fn closing_ends_waiting() {
    let pool = Pool::new(10);
    let lease = pool.acquire(6).unwrap();
    let (mut first, mut second) = (waiting(&pool, 5), waiting(&pool, 1));
    assert!(!pool.is_closed());
    pool.close();
    pool.close();
    assert!(pool.is_closed());
    assert_eq!(ready(&mut first).unwrap_err(), AcquireError::Closed);
    assert_eq!(ready(&mut second).unwrap_err(), AcquireError::Closed);
    assert_eq!(pool.acquire(1).unwrap_err(), AcquireError::Closed);
    assert_eq!(pool.try_acquire(0).unwrap_err(), TryAcquireError::Closed);
    let timeout = pool.acquire_timeout(1, Duration::ZERO);
    assert_eq!(timeout.unwrap_err(), AcquireTimeoutError::Closed);
    assert_eq!((lease.amount(), shares(&pool)), (6, (4, 6)));
    drop(lease);
    assert_eq!((shares(&pool), pool.stats().waiting), ((10, 0), 0));
}

/// What was handed to a future is its own, though the pool closed before it looked.
#[test]
fn what_was_handed_over_stays() {
    let pool = Pool::new(1);
    let lease = pool.acquire(1).unwrap();
    let mut future = waiting(&pool, 1);
    drop(lease);
    pool.close();
    assert_eq!(ready(&mut future).unwrap().amount(), 1);
}

#[test]
#[should_panic(expected = "polled again")]
fn a_future_is_ready_once() {
    let mut future = Pool::new(1).acquire_async(1);
    drop(ready(&mut future));
    let _ = poll(&mut future);
}

#[test]
fn all_may_go_anywhere() {
    fn check<T: Send + Sync + Unpin + 'static>() {}
    check::<Pool>();
    check::<Lease>();
    check::<AcquireFuture>();
}
