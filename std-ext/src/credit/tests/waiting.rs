//! Who waits: in which order, with wakers that do anything, and as threads.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::task::Wake;
use std::thread;
use std::time::{Duration, Instant};

use super::*;

#[test]
fn who_comes_first_is_served_first() {
    let pool = Pool::new(10);
    let mut lease = pool.acquire(10).unwrap();
    let (mut large, mut small) = (waiting(&pool, 8), waiting(&pool, 1));
    lease.shrink_to(4);
    assert_eq!(pool.free(), 6);
    assert!(poll(&mut small).is_pending(), "a larger one is before it");
    let nothing = pool.try_acquire(1);
    assert_eq!(nothing.err(), Some(TryAcquireError::NoCredit));
    let in_vain = pool.acquire_timeout(1, Duration::ZERO);
    assert_eq!(in_vain.err(), Some(AcquireTimeoutError::Timeout));
    drop(lease);
    // Handed over, before anybody has looked.
    let stats = pool.stats();
    assert_eq!((stats.free, stats.lent, stats.waiting), (1, 9, 0));
    assert!(pool.try_acquire(1).is_ok());
    assert_eq!(ready(&mut small).unwrap().amount(), 1);
    assert_eq!(ready(&mut large).unwrap().amount(), 8);
    assert_eq!((shares(&pool), pool.stats().waits), ((10, 0), 3));
}

#[test]
fn who_gives_up_lets_others_go_on() {
    let pool = Pool::new(10);
    let lease = pool.acquire(5).unwrap();
    let (large, mut small) = (waiting(&pool, 8), waiting(&pool, 2));
    drop(large);
    let small = ready(&mut small).unwrap();
    // Also who was served.
    let (large, mut next) = (waiting(&pool, 8), waiting(&pool, 9));
    drop((lease, small));
    assert_eq!(shares(&pool), (2, 8));
    drop(large);
    assert_eq!(shares(&pool), (1, 9));
    assert_eq!(ready(&mut next).unwrap().amount(), 9);
    // Or was never polled.
    drop(pool.acquire_async(1));
    assert_eq!((shares(&pool), pool.stats().waiting), ((10, 0), 0));
}

#[test]
fn who_is_late_takes_what_is_free() {
    let pool = Pool::new(10);
    let over = Instant::now();
    let lease = pool.acquire_deadline(6, over).unwrap();
    let timeout = pool.acquire_deadline(5, over);
    assert_eq!(timeout.unwrap_err(), AcquireTimeoutError::Timeout);
    let timeout = pool.acquire_timeout(5, Duration::from_millis(1));
    assert_eq!(timeout.unwrap_err(), AcquireTimeoutError::Timeout);
    assert_eq!((pool.stats().waiting, shares(&pool)), (0, (4, 6)));
    drop(lease);
    assert!(pool.acquire_timeout(10, Duration::MAX).is_ok());
}

/// Notes in which order it was woken, and does something.
struct Noted {
    number: usize,
    woken: Arc<Mutex<Vec<usize>>>,
    then: Box<dyn Fn() + Send + Sync>,
}

impl Wake for Noted {
    fn wake(self: Arc<Self>) {
        self.woken.lock().unwrap().push(self.number);
        (self.then)();
    }
}

#[derive(Default)]
struct Woken(Arc<Mutex<Vec<usize>>>);

impl Woken {
    fn waker(&self, number: usize, then: impl Fn() + Send + Sync + 'static) -> Waker {
        let (woken, then) = (self.0.clone(), Box::new(then));
        Arc::new(Noted {
            number,
            woken,
            then,
        })
        .into()
    }

    #[track_caller]
    fn are(&self, expected: &[usize]) {
        assert_eq!(*self.0.lock().unwrap(), expected);
    }
}

#[test]
fn only_who_is_served_is_woken() {
    let (pool, woken) = (Pool::new(4), Woken::default());
    let mut lease = pool.acquire(4).unwrap();
    let mut futures: Vec<_> = (0..4).map(|_| pool.acquire_async(1)).collect();
    for (number, future) in futures.iter_mut().enumerate() {
        assert!(poll_by(future, &woken.waker(number, || ())).is_pending());
    }
    woken.are(&[]);
    // Polled again, it is woken by its new waker.
    assert!(poll_by(&mut futures[1], &woken.waker(10, || ())).is_pending());
    lease.shrink_to(2);
    woken.are(&[0, 10]);
    drop(futures.remove(2));
    drop(lease);
    woken.are(&[0, 10, 3]);
}

/// Wakers run under no lock, and may use the pool.
#[test]
fn a_waker_uses_the_pool() {
    let (pool, woken) = (Pool::new(1), Woken::default());
    let lease = pool.acquire(1).unwrap();
    let mut future = pool.acquire_async(1);
    let inside = pool.clone();
    let waker = woken.waker(0, move || {
        inside.grow(1).unwrap();
        drop(inside.acquire(1).unwrap());
    });
    assert!(poll_by(&mut future, &waker).is_pending());
    drop(lease);
    woken.are(&[0]);
    assert!(ready(&mut future).is_ok());
    assert_eq!(shares(&pool), (2, 0));
}

/// A waker that panics panics in the call that woke it, and all are served.
#[test]
fn a_waker_panics() {
    let (pool, woken) = (Pool::new(3), Woken::default());
    let lease = pool.acquire(3).unwrap();
    let mut futures: Vec<_> = (0..3).map(|_| pool.acquire_async(1)).collect();
    for (number, future) in futures.iter_mut().enumerate() {
        let waker = woken.waker(number, move || assert_ne!(number, 0, "told to panic"));
        assert!(poll_by(future, &waker).is_pending());
    }
    assert!(catch_unwind(AssertUnwindSafe(|| drop(lease))).is_err());
    woken.are(&[0, 1, 2]);
    assert!(futures.iter_mut().all(|future| ready(future).is_ok()));
    assert_eq!(shares(&pool), (3, 0));
}

#[test]
fn a_thread_sleeps_until_it_is_served() {
    let pool = Pool::new(2);
    let lease = pool.acquire(2).unwrap();
    thread::scope(|scope| {
        let waits = scope.spawn(|| pool.acquire(2).unwrap().amount());
        let limited = scope.spawn(|| pool.acquire_timeout(1, Duration::MAX).unwrap().amount());
        while pool.stats().waiting < 2 {
            thread::yield_now();
        }
        drop(lease);
        assert_eq!((waits.join().unwrap(), limited.join().unwrap()), (2, 1));
    });
    assert_eq!((shares(&pool), pool.stats().waits), ((2, 0), 2));
}

#[test]
fn a_thread_sleeps_until_it_is_closed() {
    let pool = Pool::new(1);
    let _lease = pool.acquire(1).unwrap();
    thread::scope(|scope| {
        let waits = scope.spawn(|| pool.acquire(1).unwrap_err());
        while pool.stats().waiting < 1 {
            thread::yield_now();
        }
        pool.close();
        assert_eq!(waits.join().unwrap(), AcquireError::Closed);
    });
}

/// Threads that acquire, divide, give up, and resize: never more is held than there is,
/// and in the end all is back.
#[test]
fn threads_never_hold_more_than_there_is() {
    const CAPACITY: u64 = 10;
    let rounds = if cfg!(miri) { 20 } else { 2000 };
    let pool = &Pool::new(CAPACITY);
    let (held, most) = (&AtomicU64::new(0), &AtomicU64::new(0));
    let got = &AtomicUsize::new(0);
    thread::scope(|scope| {
        for thread in 0..4 {
            scope.spawn(move || {
                let mut rng = fastrand::Rng::with_seed(thread);
                for _ in 0..rounds {
                    let amount = rng.u64(0..=CAPACITY);
                    let lease = match rng.u8(..4) {
                        0 => pool.acquire(amount).ok(),
                        1 => pool.try_acquire(amount).ok(),
                        2 => pool.acquire_timeout(amount, Duration::from_micros(20)).ok(),
                        _ => match poll(&mut pool.acquire_async(amount)) {
                            Poll::Ready(lease) => lease.ok(),
                            Poll::Pending => None,
                        },
                    };
                    let Some(mut lease) = lease else { continue };
                    got.fetch_add(1, Relaxed);
                    let now = held.fetch_add(amount, Relaxed) + amount;
                    most.fetch_max(now, Relaxed);
                    let part = lease.split(amount / 2).unwrap();
                    if rng.u8(..8) == 0 {
                        // Of another size for a while.
                        let taken = pool.shrink(CAPACITY / 3);
                        pool.grow(taken).unwrap();
                    }
                    held.fetch_sub(amount, Relaxed);
                    drop(part);
                    thread::yield_now();
                }
            });
        }
    });
    assert!(most.load(Relaxed) <= CAPACITY && got.load(Relaxed) > 0);
    let stats = pool.stats();
    assert_eq!(
        (shares(pool), stats.waiting, stats.debt),
        ((CAPACITY, 0), 0, 0)
    );
    assert_eq!(stats.granted, CAPACITY);
}
