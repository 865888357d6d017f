//! Models of rings whose sides are awaited, and so of the place that each waits in.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use loom::thread;
use ringfence_core::spsc::{AsyncHeap, Consumer, Producer, async_with_capacity};

use crate::future::{block_on, poll_once};
use crate::harness::Model;

pub(crate) const MODELS: &[Model] = &[
    Model::new("waiting_pop_waits", pop_waits),
    Model::new("waiting_push_waits", push_waits),
    Model::new("waiting_both_wait", both_wait).preemptions(2),
    Model::new("waiting_pops_wait_again", pops_wait_again).preemptions(2),
    Model::new("waiting_for_two", for_two),
    Model::new("waiting_pop_changes_waker", pop_changes_waker),
    Model::new("waiting_pop_changes_waker_twice", pop_changes_waker_twice),
    Model::new("waiting_push_changes_waker", push_changes_waker),
    Model::new("waiting_pop_dropped", pop_dropped).preemptions(2),
    Model::new("waiting_producer_goes", producer_goes).preemptions(2),
    Model::new("waiting_consumer_goes", consumer_goes),
];

type Tx = Producer<AsyncHeap<usize>>;
type Rx = Consumer<AsyncHeap<usize>>;

fn poll<F: Future + Unpin>(future: &mut F, waker: &Waker) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(waker))
}

/// A task that is never polled again, of which loom sees whether it is freed, and who
/// touches it.
struct Stranger {
    touched: loom::cell::UnsafeCell<()>,
    _freed: loom::sync::Arc<()>,
}

// SAFETY: that nobody touches it at the same time is what the models show.
unsafe impl Send for Stranger {}
// SAFETY: as above.
unsafe impl Sync for Stranger {}

impl Wake for Stranger {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }
    fn wake_by_ref(self: &Arc<Self>) {
        self.touched.with(|_| ());
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        self.touched.with_mut(|_| ());
    }
}

fn stranger() -> Waker {
    Waker::from(Arc::new(Stranger {
        touched: loom::cell::UnsafeCell::new(()),
        _freed: loom::sync::Arc::new(()),
    }))
}

fn producer(mut tx: Tx, items: usize) -> thread::JoinHandle<Tx> {
    thread::spawn(move || {
        (0..items).for_each(|item| tx.try_push(item).unwrap());
        tx
    })
}

fn pop_waits() {
    let (tx, mut rx) = async_with_capacity(1);
    let producer = producer(tx, 1);
    assert_eq!(block_on(rx.pop_async()), Some(0));
    producer.join().unwrap();
}

fn push_waits() {
    let (mut tx, mut rx): (Tx, Rx) = async_with_capacity(1);
    tx.try_push(0).unwrap();
    let consumer = thread::spawn(move || {
        assert_eq!(rx.try_pop(), Some(0));
        rx
    });
    block_on(tx.push_async(1)).unwrap();
    assert_eq!(consumer.join().unwrap().try_pop(), Some(1));
}

fn both_wait() {
    let (mut tx, mut rx): (Tx, Rx) = async_with_capacity(1);
    let producer = thread::spawn(move || {
        block_on(async {
            for item in 0..2 {
                tx.push_async(item).await.unwrap();
            }
        });
        tx
    });
    for item in 0..2 {
        assert_eq!(block_on(rx.pop_async()), Some(item));
    }
    producer.join().unwrap();
}

/// Each wait after another may be woken by a push that is on its way still.
fn pops_wait_again() {
    let (tx, mut rx) = async_with_capacity(2);
    let producer = producer(tx, 2);
    for item in 0..2 {
        assert_eq!(block_on(rx.pop_async()), Some(item));
    }
    producer.join().unwrap();
}

/// Woken too early, it waits on.
fn for_two() {
    let (tx, mut rx) = async_with_capacity(2);
    let producer = producer(tx, 2);
    assert_eq!(block_on(rx.items_async(2)), 2);
    producer.join().unwrap();
}

/// Polled by other tasks before: the last one is woken, and the others are freed.
fn pop_changes_waker() {
    let (tx, mut rx) = async_with_capacity(1);
    let producer = producer(tx, 1);
    let mut wait = rx.items_async(1);
    if poll(&mut wait, &stranger()).is_pending() {
        assert_eq!(block_on(&mut wait), 1);
    }
    drop(wait);
    producer.join().unwrap();
}

fn pop_changes_waker_twice() {
    let (tx, mut rx) = async_with_capacity(1);
    let producer = producer(tx, 1);
    let mut wait = rx.items_async(1);
    if poll(&mut wait, &stranger()).is_pending() && poll(&mut wait, &stranger()).is_pending() {
        assert_eq!(block_on(&mut wait), 1);
    }
    drop(wait);
    producer.join().unwrap();
}

fn push_changes_waker() {
    let (mut tx, mut rx): (Tx, Rx) = async_with_capacity(1);
    tx.try_push(0).unwrap();
    let consumer = thread::spawn(move || {
        assert_eq!(rx.try_pop(), Some(0));
        rx
    });
    let mut wait = tx.room_async(1);
    if poll(&mut wait, &stranger()).is_pending() {
        assert_eq!(block_on(&mut wait), 1);
    }
    drop(wait);
    consumer.join().unwrap();
}

/// Dropped while it is being woken, it takes nothing, and leaves no waker; and its side
/// can wait again.
fn pop_dropped() {
    let (tx, mut rx) = async_with_capacity(2);
    let producer = producer(tx, 2);
    let mut wait = rx.items_async(2);
    let _ = poll(&mut wait, &stranger());
    drop(wait);
    assert_eq!(block_on(rx.items_async(2)), 2);
    assert_eq!(poll_once(rx.items_async(1)), Some(2));
    producer.join().unwrap();
}

fn producer_goes() {
    let (mut tx, mut rx) = async_with_capacity(1);
    let producer = thread::spawn(move || tx.try_push(0).unwrap());
    assert_eq!(block_on(rx.pop_async()), Some(0));
    assert_eq!(block_on(rx.pop_async()), None);
    producer.join().unwrap();
}

fn consumer_goes() {
    let (mut tx, rx): (Tx, Rx) = async_with_capacity(1);
    tx.try_push(0).unwrap();
    let consumer = thread::spawn(move || drop(rx));
    assert_eq!(block_on(tx.push_async(1)).unwrap_err().into_inner(), 1);
    consumer.join().unwrap();
}
