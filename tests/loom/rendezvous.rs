//! Models of channels of capacity 0, where items are handed over.

use std::time::Instant;

use loom::thread;
use ringfence::flavour::Spsc;
use ringfence::select::{select, send};
use ringfence::{Receiver, SendTimeoutError, Sender, Sent, Stats, channel};

use crate::future::{block_on, poll_once};
use crate::harness::Model;

pub(crate) const MODELS: &[Model] = &[
    Model::new("rendezvous_meet", meet),
    Model::new("rendezvous_send_timeout", send_timeout),
    Model::new("rendezvous_recv_timeout", recv_timeout).preemptions(2),
    Model::new("rendezvous_one_of_two_times_out", one_of_two_times_out).preemptions(1),
    Model::new("rendezvous_closed", closed).preemptions(2),
    Model::new("rendezvous_receiver_drops", receiver_drops),
    Model::new("rendezvous_two_senders", two_senders).preemptions(2),
    Model::new("rendezvous_futures_meet", futures_meet),
    Model::new("rendezvous_cancelled", cancelled),
    Model::new("rendezvous_select", select_meets),
    Model::new("rendezvous_select_after_timeout", select_after_timeout).preemptions(2),
];

fn handing_over() -> (Sender<u32, Spsc>, Receiver<u32, Spsc>) {
    channel(0).spsc().build()
}

/// What must hold when nobody is under way.
fn at_rest(stats: Stats, delivered: u64) {
    assert!(stats.is_exact(), "{stats}");
    assert_eq!((stats.stored, stats.delivered), (delivered, delivered));
}

/// Whoever comes first, both go on when the item has changed hands.
fn meet() {
    let (mut tx, mut rx) = handing_over();
    let sender = thread::spawn(move || {
        assert_eq!(tx.send(1), Ok(Sent::Stored));
        tx
    });
    assert_eq!(rx.recv(), Ok(1));
    at_rest(sender.join().unwrap().stats(), 1);
}

/// The item is received or given back.
fn send_timeout() {
    let (mut tx, mut rx) = handing_over();
    let sender = thread::spawn(move || {
        let sent = tx.send_deadline(1, Instant::now());
        assert!(matches!(
            sent,
            Ok(Sent::Stored) | Err(SendTimeoutError::Timeout(1))
        ));
        sent.is_ok()
    });
    let received = rx.recv().is_ok();
    assert_eq!(received, sender.join().unwrap());
    at_rest(rx.stats(), received.into());
}

/// Who was relied on at the last moment has got the item.
fn recv_timeout() {
    let (mut tx, mut rx) = handing_over();
    let sender = thread::spawn(move || {
        let sent = tx.try_send(1);
        (sent.is_ok(), tx.send(2))
    });
    let in_time = rx.recv_deadline(Instant::now()).ok();
    // By futures, on which nobody relies.
    let mut items: Vec<_> = in_time.into_iter().collect();
    while let Ok(item) = block_on(rx.recv_async()) {
        items.push(item);
    }
    let (sent, last) = sender.join().unwrap();
    assert_eq!(last, Ok(Sent::Stored));
    assert_eq!(sent, in_time == Some(1));
    assert_eq!(items, if sent { vec![1, 2] } else { vec![2] });
    at_rest(rx.stats(), items.len() as u64);
}

/// Of two receivers, one gives up; what it was woken for, the other gets.
fn one_of_two_times_out() {
    let (mut tx, mut rx) = channel(0).spmc().build();
    let mut other = rx.clone();
    let receiver = thread::spawn(move || other.recv_deadline(Instant::now()).is_ok());
    let sender = thread::spawn(move || tx.send(1).is_ok());
    let received = rx.recv().is_ok();
    assert!(sender.join().unwrap());
    assert!(received != receiver.join().unwrap());
    at_rest(rx.stats(), 1);
}

/// A third closes while both wait: the item is received or given back.
fn closed() {
    let (mut tx, mut rx) = channel(0).mpsc().build();
    let mut closer = tx.clone();
    let sender = thread::spawn(move || tx.send(1).is_ok());
    let third = thread::spawn(move || closer.close());
    let received = rx.recv().is_ok();
    third.join().unwrap();
    assert_eq!(received, sender.join().unwrap());
    at_rest(rx.stats(), received.into());
}

/// What was not received goes back to its sender.
fn receiver_drops() {
    let (mut tx, mut rx) = handing_over();
    let receiver = thread::spawn(move || rx.try_recv().is_ok());
    let sent = tx.send(1).is_ok();
    assert_eq!(sent, receiver.join().unwrap());
    at_rest(tx.stats(), sent.into());
}

/// Two senders wait; each learns that its own item was taken.
fn two_senders() {
    let (mut tx, mut rx) = channel(0).mpsc().build();
    let mut other = tx.clone();
    let sender = thread::spawn(move || other.send(1).unwrap().is_stored());
    let receiver = thread::spawn(move || rx.recv().unwrap() + rx.recv().unwrap());
    assert!(tx.send(2).unwrap().is_stored() && sender.join().unwrap());
    assert_eq!(receiver.join().unwrap(), 3);
    at_rest(tx.stats(), 2);
}

/// As `meet`, by futures.
fn futures_meet() {
    let (mut tx, mut rx) = handing_over();
    let sender = thread::spawn(move || {
        assert_eq!(block_on(tx.send_async(1)), Ok(Sent::Stored));
        tx
    });
    assert_eq!(block_on(rx.recv_async()), Ok(1));
    at_rest(sender.join().unwrap().stats(), 1);
}

/// A future is dropped: its item was received, or is cancelled.
fn cancelled() {
    let (mut tx, mut rx) = handing_over();
    let sender = thread::spawn(move || poll_once(tx.send_async(1)).is_some());
    let received = rx.recv().is_ok();
    let was_ready = sender.join().unwrap();
    assert!(received || !was_ready);
    let stats = rx.stats();
    assert_eq!(stats.refused_cancelled, u64::from(!received));
    at_rest(stats, received.into());
}

/// A send that does not wait, in a select that does, finds a receiver that comes later.
fn select_meets() {
    let (mut tx, mut rx) = handing_over();
    let sender = thread::spawn(move || {
        let mut slot = Some(1);
        assert_eq!(select(send(&mut tx, &mut slot, |sent| sent)).wait(), Ok(()));
        tx
    });
    assert_eq!(rx.recv(), Ok(1));
    at_rest(sender.join().unwrap().stats(), 1);
}

/// A receiver that waits for what is then withdrawn is there for the next.
fn select_after_timeout() {
    let (mut tx, mut rx) = channel(0).mpsc().build();
    let mut other = tx.clone();
    let first = thread::spawn(move || tx.send_deadline(1, Instant::now()).is_ok());
    let second = thread::spawn(move || {
        let mut slot = Some(2);
        assert_eq!(
            select(send(&mut other, &mut slot, |sent| sent)).wait(),
            Ok(())
        );
        other
    });
    let mut received = 1;
    while rx.recv() != Ok(2) {
        received += 1;
    }
    let sent = first.join().unwrap();
    // The first may come later than the second.
    received += u64::from(sent && received == 1 && rx.recv() == Ok(1));
    let _other = second.join().unwrap();
    assert_eq!(received, 1 + u64::from(sent));
    at_rest(rx.stats(), received);
}
