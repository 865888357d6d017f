//! Sides that are awaited: by a small executor, and poll by poll.

use core::pin::pin;
use core::task::{Context, Poll, Waker};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Wake;
use std::thread::{self, Thread};

use super::*;
use crate::sync::stepped::count;

/// Runs a future on this thread, which sleeps until it is woken.
pub(super) fn block_on<R>(future: impl Future<Output = R>) -> R {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(ready) => return ready,
            Poll::Pending => thread::park(),
        }
    }
}

/// A task that counts how often it is woken.
#[derive(Default)]
struct Task(AtomicUsize);

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Task {
    fn poll<F: Future + Unpin>(self: &Arc<Self>, future: &mut F) -> Option<F::Output> {
        let waker = Waker::from(self.clone());
        match pin!(future).poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(ready) => Some(ready),
            Poll::Pending => None,
        }
    }

    fn wakes(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    /// Wakers that are kept somewhere.
    fn wakers(self: &Arc<Self>) -> usize {
        Arc::strong_count(self) - 1
    }
}

fn passes_all<O: AsyncOwner<Item = usize>>(mut tx: Producer<O>, mut rx: Consumer<O>)
where
    Producer<O>: Send,
{
    let items = steps(20_000);
    thread::scope(|scope| {
        scope.spawn(move || {
            block_on(async {
                for item in 0..items {
                    match item % 3 {
                        0 => tx.push_async(item).await.unwrap(),
                        _ => {
                            tx.room_async(item % 5).await;
                            while tx.try_push(item).is_err() {
                                assert_eq!(tx.room_async(1).await, 1);
                            }
                        }
                    }
                }
            });
        });
        let received = block_on(async {
            let mut next = 0;
            while let Some(item) = rx.pop_async().await {
                assert_eq!(item, next);
                next += 1 + rx.drain().take(2).count();
            }
            next
        });
        assert_eq!(received, items);
    });
}

#[test]
fn passes_all_between_threads() {
    passes_all_in_place::<1>();
    passes_all_in_place::<3>();
    passes_all_in_place::<64>();
    #[cfg(feature = "alloc")]
    for capacity in [1, 3, 64] {
        let (tx, rx) = async_with_capacity(capacity);
        passes_all(tx, rx);
    }
}

fn passes_all_in_place<const N: usize>() {
    let mut ring = AsyncRing::<usize, N, u8>::new();
    let (tx, rx) = ring.split_mut();
    passes_all(tx, rx);
}

#[test]
fn who_waits_is_woken_once() {
    let mut ring = AsyncRing::<_, 3>::new();
    let (mut tx, mut rx) = ring.split_mut();
    let task = Arc::new(Task::default());
    for lap in 1..10 {
        let mut wait = rx.items_async(2);
        assert_eq!(task.poll(&mut wait), None);
        assert_eq!(task.poll(&mut wait), None); // by chance
        assert_eq!((task.wakes(), task.wakers()), (lap * 2 - 2, 1));
        tx.try_push(1).unwrap();
        assert_eq!(task.wakes(), lap * 2 - 1);
        assert_eq!(task.poll(&mut wait), None); // not enough
        tx.try_push(2).unwrap();
        tx.try_push(3).unwrap();
        assert_eq!(task.wakes(), lap * 2);
        assert_eq!(task.poll(&mut wait), Some(3));
        drop(wait);
        assert_eq!(task.wakers(), 0);
        assert!(rx.drain().eq([1, 2, 3]));
    }
    assert_eq!(tx.push_slice(&[1, 2, 3]), 3);
    let mut wait = tx.room_async(9); // for all
    assert_eq!(task.poll(&mut wait), None);
    assert_eq!(rx.drain().count(), 3);
    assert_eq!(task.poll(&mut wait), Some(3));
}

/// Whatever moves items wakes.
#[test]
fn every_way_to_push_and_to_pop_wakes() {
    let pushes: [fn(&mut Producer<&AsyncRing<u8, 4>>); 5] = [
        |tx| tx.try_push(1).unwrap(),
        |tx| assert_eq!(tx.push_slice(&[1, 2]), 2),
        |tx| assert_eq!(tx.push_iter([1, 2]), 2),
        |tx| tx.write_chunk(1).init().commit_all(),
        |tx| assert_eq!(tx.write_contiguous(1).fill([1]), 1),
    ];
    let pops: [fn(&mut Consumer<&AsyncRing<u8, 4>>); 6] = [
        |rx| assert!(rx.try_pop().is_some()),
        |rx| assert_eq!(rx.pop_slice(&mut [0; 2]), 2),
        |rx| assert_eq!(rx.pop_each(1, |_| ()), 1),
        |rx| assert!(rx.drain().next().is_some()),
        |rx| rx.read_chunk(1).commit_all(),
        |rx| assert!(rx.read_contiguous(1).into_iter().next().is_some()),
    ];
    let task = Arc::new(Task::default());
    for push in pushes {
        let mut ring = AsyncRing::new();
        let (mut tx, mut rx) = ring.split_mut();
        let mut wait = rx.items_async(1);
        assert_eq!(task.poll(&mut wait), None);
        push(&mut tx);
        assert!(task.poll(&mut wait).is_some());
    }
    for pop in pops {
        let mut ring = AsyncRing::new();
        let (mut tx, mut rx) = ring.split_mut();
        assert_eq!(tx.push_slice(&[7; 4]), 4);
        let mut wait = tx.room_async(1);
        assert_eq!(task.poll(&mut wait), None);
        pop(&mut rx);
        assert!(task.poll(&mut wait).is_some());
    }
    assert_eq!((task.wakes(), task.wakers()), (11, 0));
}

#[test]
fn the_last_waker_counts() {
    let mut ring = AsyncRing::<_, 1>::new();
    let (mut tx, mut rx) = ring.split_mut();
    let tasks: Vec<_> = (0..5).map(|_| Arc::new(Task::default())).collect();
    let mut wait = rx.items_async(1);
    for task in &tasks {
        assert_eq!(task.poll(&mut wait), None);
    }
    tx.try_push(7).unwrap();
    let woken: Vec<_> = tasks.iter().map(|task| task.wakes()).collect();
    assert_eq!(woken, [0, 0, 0, 0, 1]);
    drop(wait);
    assert!(tasks.iter().all(|task| task.wakers() == 0));
}

#[test]
fn a_wait_that_is_dropped_takes_nothing_and_is_not_woken() {
    let mut ring = AsyncRing::<_, 1>::new();
    let (mut tx, mut rx) = ring.split_mut();
    let task = Arc::new(Task::default());
    {
        let mut pop = pin!(rx.pop_async());
        assert!(task.poll(&mut pop).is_none());
        tx.try_push(7).unwrap();
    }
    assert_eq!((task.wakes(), task.wakers()), (1, 0));
    {
        let mut push = pin!(tx.push_async(8));
        assert!(task.poll(&mut push).is_none());
    }
    assert_eq!(rx.try_pop(), Some(7));
    assert_eq!((task.wakes(), task.wakers()), (1, 0));
    assert_eq!(rx.try_pop(), None);
}

#[test]
fn the_other_side_goes() {
    let task = Arc::new(Task::default());
    let mut ring = AsyncRing::<_, 2>::new();
    let (mut tx, mut rx) = ring.split_mut();
    {
        let mut wait = rx.items_async(2);
        assert_eq!(task.poll(&mut wait), None);
        tx.try_push(7).unwrap();
        assert_eq!(task.poll(&mut wait), None);
        drop(tx);
        assert_eq!((task.wakes(), task.poll(&mut wait)), (2, Some(1)));
    }
    assert_eq!(block_on(rx.pop_async()), Some(7));
    assert_eq!(block_on(rx.pop_async()), None);
    drop(rx);

    let (mut tx, mut rx) = ring.split_mut();
    assert_eq!(tx.push_slice(&[1, 2]), 2);
    {
        let mut push = pin!(tx.push_async(3));
        assert!(task.poll(&mut push).is_none());
        rx.try_pop().unwrap();
        drop(rx);
        assert_eq!(task.poll(&mut push), Some(Ok(())));
    }
    assert_eq!(block_on(tx.push_async(4)), Err(Full(4)));
}

#[test]
fn a_forgotten_wait_does_no_harm() {
    let mut ring = AsyncRing::<_, 2>::new();
    let task = Arc::new(Task::default());
    let (mut tx, mut rx) = ring.split_mut();
    let mut wait = rx.items_async(1);
    assert_eq!(task.poll(&mut wait), None);
    core::mem::forget(wait);
    tx.try_push(1).unwrap();
    assert_eq!((task.wakes(), task.wakers()), (1, 1));
    assert_eq!(task.poll(&mut rx.items_async(2)), None);
    assert_eq!(task.wakers(), 0);
    let mut wait = rx.items_async(2);
    assert_eq!(task.poll(&mut wait), None);
    core::mem::forget(wait);
    drop((tx, rx));
    drop(ring);
    assert_eq!(task.wakers(), 0);
}

/// As an executor in an interrupt does that is above the other side, or one that polls
/// at once.
#[test]
fn a_waker_may_poll_at_once() {
    use std::sync::Mutex;
    struct Inline(Mutex<(Consumer<&'static AsyncRing<u8, 4>>, usize)>);
    impl Inline {
        fn poll(self: &Arc<Self>) {
            let waker = Waker::from(self.clone());
            let (rx, received) = &mut *self.0.lock().unwrap();
            let mut context = Context::from_waker(&waker);
            while let Poll::Ready(item) = pin!(rx.pop_async()).poll(&mut context) {
                *received += usize::from(item.unwrap());
            }
            let mut wait = rx.items_async(1);
            assert!(pin!(&mut wait).poll(&mut context).is_pending());
            core::mem::forget(wait);
        }
    }
    impl Wake for Inline {
        fn wake(self: Arc<Self>) {
            self.poll();
        }
    }
    static RING: AsyncRing<u8, 4> = AsyncRing::new();
    let (mut tx, rx) = RING.split().unwrap();
    let task = Arc::new(Inline(Mutex::new((rx, 0))));
    task.poll();
    for n in 1..=100 {
        tx.try_push(1).unwrap();
        assert_eq!(task.0.lock().unwrap().1, n);
    }
    core::mem::forget(tx); // the task is not made for an end
}

/// A waker that panics leaves the item pushed, and the next push wakes again.
#[test]
fn a_waker_panics() {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    struct Panics;
    impl Wake for Panics {
        fn wake(self: Arc<Self>) {
            panic!("woken");
        }
    }
    let mut ring = AsyncRing::<_, 4>::new();
    let (mut tx, mut rx) = ring.split_mut();
    let waker = Waker::from(Arc::new(Panics));
    let task = Arc::new(Task::default());
    for _ in 0..3 {
        let mut wait = rx.items_async(2);
        let polled = pin!(&mut wait).poll(&mut Context::from_waker(&waker));
        assert!(polled.is_pending());
        assert!(catch_unwind(AssertUnwindSafe(|| tx.try_push(1))).is_err());
        assert_eq!(task.poll(&mut wait), None);
        tx.try_push(2).unwrap();
        assert_eq!(task.poll(&mut wait), Some(2));
        drop(wait);
        assert_eq!(rx.drain().count(), 2);
    }
    assert_eq!((task.wakes(), task.wakers()), (3, 0));
}

/// Steps of a push beside those of a ring that nobody awaits, and of a poll.
#[test]
fn waking_and_waiting_take_a_few_steps() {
    let mut ring = AsyncRing::<_, 4>::new();
    let (mut tx, mut rx) = ring.split_mut();
    let task = Arc::new(Task::default());
    // Where no copies are kept, a push or look reads both positions.
    let own = if KEEPS { 0 } else { 1 };
    let first = count(|| tx.try_push(0).unwrap()).0;
    assert_eq!(first, 1 + 2 + 2 * own); // nobody has waited
    rx.try_pop().unwrap();
    for _ in 0..10 {
        let mut wait = rx.items_async(3);
        let poll = count(|| assert_eq!(task.poll(&mut wait), None)).0;
        assert!(poll <= 3 + 6 + 2 * own, "{poll}");
        for expected in [2 + 7 + own, 2 + 3 + own] {
            let push = count(|| tx.try_push(1).unwrap()).0;
            assert!(push <= expected, "{push}");
        }
        let drop = count(|| drop(wait)).0;
        assert!(drop <= 4, "{drop}");
        assert_eq!(rx.drain().count(), 2);
    }
}
