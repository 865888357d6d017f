//! Growing and shrinking.

use super::*;

#[test]
fn a_pool_grows_and_shrinks() {
    let pool = Pool::new(10);
    let lease = pool.acquire(4).unwrap();
    pool.grow(5).unwrap();
    assert_eq!(shares(&pool), (11, 4));
    assert_eq!(pool.shrink(8), 8);
    assert_eq!(shares(&pool), (3, 4));
    assert_eq!(pool.stats().granted, 7);
    pool.resize(20).unwrap();
    assert_eq!(shares(&pool), (16, 4));
    pool.resize(4).unwrap();
    assert_eq!((shares(&pool), pool.stats().debt), ((0, 4), 0));
    drop(lease);
    assert_eq!((shares(&pool), pool.shrink(9)), ((4, 0), 4));
    assert_eq!((shares(&pool), pool.stats().granted), ((0, 0), 0));
}

/// Below what is lent, what comes back is taken first.
#[test]
fn a_debt_is_paid_first() {
    let pool = Pool::new(10);
    let (one, two) = (pool.acquire(4).unwrap(), pool.acquire(6).unwrap());
    assert_eq!(pool.shrink(7), 7);
    let stats = pool.stats();
    assert_eq!((stats.capacity, stats.debt, stats.lent), (3, 7, 10));
    let mut waits = waiting(&pool, 1);
    drop(one);
    assert_eq!((shares(&pool), pool.stats().debt), ((0, 6), 3));
    assert!(poll(&mut waits).is_pending());
    drop(two);
    assert_eq!(shares(&pool), (2, 1));
    let stats = pool.stats();
    assert_eq!((stats.capacity, stats.debt, stats.granted), (3, 0, 3));
    drop(ready(&mut waits));
    assert_eq!(shares(&pool), (3, 0));
}

#[test]
fn growing_pays_a_debt() {
    let pool = Pool::new(10);
    let lease = pool.acquire(10).unwrap();
    assert_eq!(pool.shrink(8), 8);
    pool.grow(5).unwrap();
    assert_eq!((pool.stats().debt, pool.stats().capacity), (3, 7));
    let mut waits = waiting(&pool, 2);
    pool.grow(5).unwrap();
    assert_eq!((pool.stats().debt, pool.stats().capacity), (0, 12));
    assert_eq!(ready(&mut waits).unwrap().amount(), 2);
    drop(lease);
    assert_eq!(shares(&pool), (12, 0));
}

/// Whoever asks for more than there is left is told when it is first.
#[test]
fn shrinking_turns_away() {
    let pool = Pool::new(10);
    let mut lease = pool.acquire(10).unwrap();
    let (mut small, mut large) = (waiting(&pool, 2), waiting(&pool, 8));
    let mut last = waiting(&pool, 1);
    assert_eq!(pool.shrink(5), 5);
    assert!(poll(&mut large).is_pending(), "it is not its turn");
    lease.shrink_to(3);
    let small = ready(&mut small).unwrap();
    assert_eq!(ready(&mut large).unwrap_err(), AcquireError::TooLarge);
    assert!(poll(&mut last).is_pending());
    drop(small);
    assert!(ready(&mut last).is_ok());

    // Forgetting shrinks, too.
    let mut large = waiting(&pool, 5);
    lease.split(1).unwrap().forget();
    assert_eq!(ready(&mut large).unwrap_err(), AcquireError::TooLarge);
}

#[test]
fn what_cannot_be_counted_is_an_error() {
    let max = Pool::MAX;
    assert_eq!(
        Pool::with_rules(max + 1, Rules::default()).unwrap_err(),
        OverflowError
    );
    let pool = Pool::new(max);
    assert_eq!(pool.grow(1), Err(OverflowError));
    assert_eq!(pool.resize(u64::MAX), Err(OverflowError));
    let lease = pool.acquire(max).unwrap();
    assert_eq!((lease.amount(), shares(&pool)), (max, (0, max)));
    lease.forget();
    assert_eq!(
        pool.grow(1),
        Err(OverflowError),
        "what was forgotten counts"
    );
    assert_eq!((pool.stats().forgotten, pool.stats().capacity), (max, 0));
    assert_eq!(pool.shrink(u64::MAX), 0);

    let pool = Pool::new(1);
    assert_eq!(pool.grow(u64::MAX), Err(OverflowError));
    assert_eq!(pool.grow(max - 1), Ok(()));
    assert_eq!(shares(&pool), (max, 0));
}

#[test]
#[should_panic(expected = "more credits than a pool can count")]
fn too_large_a_pool_panics() {
    let _ = Pool::new(u64::MAX);
}
