//! Models of poll and commit.

use std::time::{Duration, Instant};

use loom::thread;
use ringfence::flavour::{Mpsc, OneReceiver, Spsc};
use ringfence::{Polled, Receiver, Sender, Watermarks, channel};

use crate::future::block_on;
use crate::harness::Model;

pub(crate) const MODELS: &[Model] = &[
    Model::new(
        "poll_commit_lets_send_go_on",
        commit_lets_send_go_on::<Spsc>,
    )
    .preemptions(2),
    Model::new(
        "poll_commit_lets_send_go_on_mpsc",
        commit_lets_send_go_on::<Mpsc>,
    )
    .preemptions(2),
    Model::new(
        "poll_without_commit_wakes_nobody",
        without_commit_wakes_nobody,
    )
    .broken(),
    Model::new("poll_parks", parks),
    Model::new(
        "poll_dropped_is_offered_again",
        dropped_is_offered_again::<Spsc>,
    ),
    Model::new(
        "poll_dropped_is_offered_again_mpsc",
        dropped_is_offered_again::<Mpsc>,
    ),
    Model::new("poll_lingers_to_the_end", lingers_to_the_end).preemptions(2),
    Model::new("poll_closed_keeps_what_is_not_committed", closed_keeps),
    Model::new("poll_resumed", resumed),
    Model::new("watermarks_awaited", watermarks_awaited).preemptions(2),
];

/// Longer than any model.
const EVER: Duration = Duration::MAX;

/// The flavours, each with its builder.
trait Build: OneReceiver {
    fn build(capacity: usize) -> (Sender<u32, Self>, Receiver<u32, Self>);
}

impl Build for Spsc {
    fn build(capacity: usize) -> (Sender<u32, Self>, Receiver<u32, Self>) {
        channel(capacity).spsc().build()
    }
}

impl Build for Mpsc {
    fn build(capacity: usize) -> (Sender<u32, Self>, Receiver<u32, Self>) {
        channel(capacity).mpsc().build()
    }
}

fn ends<F: Build>(capacity: usize) -> (Sender<u32, F>, Polled<u32, F>) {
    let (tx, rx) = F::build(capacity);
    (tx, rx.polled().unwrap())
}

/// Takes all of a batch of these.
#[track_caller]
fn commit<F: OneReceiver>(rx: &mut Polled<u32, F>, items: &[u32]) {
    let batch = rx.poll(items.len(), Duration::ZERO).unwrap();
    assert!(batch.iter().eq(items));
    batch.commit();
}

/// A sender that waits for room is woken by the commit, and the slot is its own then.
fn commit_lets_send_go_on<F: Build>()
where
    Sender<u32, F>: Send,
{
    let (mut tx, mut rx) = ends::<F>(1);
    tx.try_send(1).unwrap();
    let sender = thread::spawn(move || {
        let _ = tx.send(2).unwrap();
        tx
    });
    commit(&mut rx, &[1]);
    let _tx = sender.join().unwrap();
    commit(&mut rx, &[2]);
}

/// A batch that is dropped makes no room.
fn without_commit_wakes_nobody() {
    let (mut tx, mut rx) = ends::<Spsc>(1);
    tx.try_send(1).unwrap();
    let sender = thread::spawn(move || tx.send(2).is_ok());
    drop(rx.poll(1, Duration::ZERO).unwrap());
    sender.join().unwrap();
}

/// A poll that waits is woken by a send, which does not wait for it.
fn parks() {
    let (mut tx, mut rx) = ends::<Spsc>(2);
    let sender = thread::spawn(move || {
        tx.try_send(1).unwrap();
        tx
    });
    commit(&mut rx, &[1]);
    let mut tx = sender.join().unwrap();
    tx.try_send(2).unwrap();
    commit(&mut rx, &[2]);
}

/// Sends go on while a batch is read and dropped; what it held comes again, in order.
fn dropped_is_offered_again<F: Build>()
where
    Sender<u32, F>: Send,
{
    let (mut tx, mut rx) = ends::<F>(2);
    tx.try_send(1).unwrap();
    let sender = thread::spawn(move || {
        tx.try_send(2).unwrap();
        // Both are inside, whatever was polled.
        assert!(tx.try_send(3).unwrap_err().is_full());
        tx
    });
    let batch = rx.try_poll(2).unwrap();
    let seen = batch.len();
    assert!(batch.iter().eq(&[1, 2][..seen]));
    drop(batch);
    let mut tx = sender.join().unwrap();
    let batch = rx.try_poll(2).unwrap();
    assert!(batch.iter().eq(&[1, 2]) && batch.redelivered() == seen);
    batch.commit_up_to(1);
    tx.try_send(3).unwrap();
    commit(&mut rx, &[2, 3]);
    let stats = rx.stats();
    assert_eq!((stats.delivered, stats.redelivered), (3, seen as u64 + 1));
    assert_eq!(stats.refused_full, 1);
}

/// A poll that lingers gives all that was sent before the channel closed, at once.
fn lingers_to_the_end() {
    let (mut tx, mut rx) = ends::<Spsc>(3);
    let sender = thread::spawn(move || {
        tx.try_send(1).unwrap();
        tx.try_send(2).unwrap();
    });
    let batch = rx.poll(3, EVER).unwrap();
    assert!(batch.iter().eq(&[1, 2]));
    batch.commit();
    assert!(rx.poll(3, EVER).is_err());
    sender.join().unwrap();
}

/// Closing loses nothing that was not committed, and a send that comes too late has its
/// item back.
fn closed_keeps() {
    let (mut tx, mut rx) = ends::<Spsc>(2);
    tx.try_send(1).unwrap();
    let sender = thread::spawn(move || tx.try_send(2).is_ok());
    drop(rx.try_poll(1).unwrap());
    rx.close();
    let mut taken = Vec::new();
    while let Ok(batch) = rx.poll_deadline(2, Duration::ZERO, Instant::now()) {
        taken.extend(batch.iter().copied());
        batch.commit();
    }
    let sent = sender.join().unwrap();
    while let Ok(batch) = rx.try_poll(2) {
        taken.extend(batch.iter().copied());
        batch.commit();
    }
    assert_eq!(taken, [1, 2][..1 + usize::from(sent)]);
    let stats = rx.stats();
    assert_eq!((stats.offered, stats.delivered), (2, taken.len() as u64));
    assert!(stats.is_exact() && stats.depth == 0);
}

/// A poll that waits while it is paused is woken.
fn resumed() {
    let (mut tx, mut rx) = ends::<Spsc>(1);
    let pauser = rx.pauser();
    pauser.pause();
    tx.try_send(1).unwrap();
    let other = thread::spawn(move || pauser.resume());
    commit(&mut rx, &[1]);
    other.join().unwrap();
}

/// Whoever waits until it is low hears of the look that finds it so.
fn watermarks_awaited() {
    let (mut tx, mut rx) = Spsc::build(2);
    let marks = Watermarks::new(tx.monitor(), 2, 1, |_| ()).unwrap();
    tx.try_send(1).unwrap();
    tx.try_send(2).unwrap();
    assert!(marks.look());
    let looks = marks.clone();
    let thread = thread::spawn(move || {
        assert_eq!(rx.recv(), Ok(1));
        assert!(!looks.look());
    });
    block_on(marks.low());
    assert!(!marks.is_high());
    thread.join().unwrap();
}
