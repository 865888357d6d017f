//! Models of selects that meet each other, or somebody who does not wait, where items are
//! handed over.

use std::time::Instant;

use loom::thread;
use ringfence::flavour::{Flavour, Spsc};
use ringfence::select::{recv, select, send};
use ringfence::{OnFull, Receiver, RecvError, SendError, Sender, Stats, channel};

use crate::harness::Model;

pub(crate) const MODELS: &[Model] = &[
    Model::new("meeting_selects", selects),
    Model::new("meeting_either_way", either_way),
    Model::new("meeting_two_for_one", two_for_one).preemptions(2),
    Model::new("meeting_or_something_else", or_something_else),
    Model::new("meeting_who_tries", who_tries),
    Model::new("meeting_timeout", timeout),
    Model::new("meeting_sender_times_out", sender_times_out),
    Model::new("meeting_closed", closed).preemptions(2),
    Model::new("meeting_not_oneself", not_oneself),
];

fn handing_over() -> (Sender<u32, Spsc>, Receiver<u32, Spsc>) {
    channel(0).spsc().build()
}

/// What must hold when nobody is under way.
fn at_rest(stats: Stats, delivered: u64) {
    assert!(stats.is_exact(), "{stats}");
    assert_eq!((stats.stored, stats.delivered), (delivered, delivered));
}

fn send_one<F: Flavour>(tx: &mut Sender<u32, F>, item: u32) -> Result<(), SendError<u32>> {
    let mut slot = Some(item);
    select(send(tx, &mut slot, |sent| sent)).wait()
}

fn receive_one<F: Flavour>(rx: &mut Receiver<u32, F>) -> Result<u32, RecvError> {
    select(recv(rx, |got| got)).wait()
}

/// One sends and one receives, and whoever comes first, both go on.
fn selects() {
    let (mut tx, mut rx) = handing_over();
    let sender = thread::spawn(move || {
        assert_eq!(send_one(&mut tx, 1), Ok(()));
        tx
    });
    assert_eq!(receive_one(&mut rx), Ok(1));
    at_rest(sender.join().unwrap().stats(), 1);
}

/// Sends by one or receives by the other: whether it sent.
fn send_or_receive(tx: &mut Sender<u32, Spsc>, rx: &mut Receiver<u32, Spsc>, item: u32) -> bool {
    let mut slot = Some(item);
    let cases = (
        send(tx, &mut slot, |sent| sent.map(|()| None).unwrap()),
        recv(rx, |got| Some(got.unwrap())),
    );
    let received = select(cases).wait();
    assert!(received.is_none() == slot.is_none() && received != Some(item));
    slot.is_none()
}

/// Each would do the one or the other; they do the same.
fn either_way() {
    let (mut tx, mut rx) = handing_over();
    let (mut back, mut back_rx) = handing_over();
    let other = thread::spawn(move || {
        let sent = send_or_receive(&mut back, &mut rx, 2);
        (sent, back)
    });
    let sent = send_or_receive(&mut tx, &mut back_rx, 1);
    let (other_sent, back) = other.join().unwrap();
    assert!(sent != other_sent);
    at_rest(tx.stats(), sent.into());
    at_rest(back.stats(), other_sent.into());
}

/// Two selects that send meet one that receives, one after the other.
fn two_for_one() {
    let (mut tx, mut rx) = channel(0).mpsc().build();
    let mut other = tx.clone();
    let first = thread::spawn(move || assert_eq!(send_one(&mut other, 1), Ok(())));
    let second = thread::spawn(move || {
        assert_eq!(send_one(&mut tx, 2), Ok(()));
        tx
    });
    let sum = receive_one(&mut rx).unwrap() + receive_one(&mut rx).unwrap();
    assert_eq!(sum, 3);
    first.join().unwrap();
    at_rest(second.join().unwrap().stats(), 2);
}

/// Met for one case while the other becomes ready: one of them is done.
fn or_something_else() {
    let (mut tx, mut rx) = channel(0).on_full(OnFull::DropNewest).spsc().build();
    let (mut other_tx, mut other_rx) = channel(1).spsc().build();
    let sender = thread::spawn(move || {
        let stored = tx.send(1).unwrap().is_stored();
        other_tx.try_send(2).unwrap();
        (stored, tx, other_tx)
    });
    let got = select((
        recv(&mut rx, Result::unwrap),
        recv(&mut other_rx, Result::unwrap),
    ))
    .wait();
    let (stored, tx, _other_tx) = sender.join().unwrap();
    assert_eq!(got, if stored { 1 } else { 2 });
    assert_eq!(other_rx.try_recv().is_ok(), stored);
    at_rest(tx.stats(), stored.into());
}

/// A send that does not wait finds it, or not.
fn who_tries() {
    let (mut tx, mut rx) = handing_over();
    let sender = thread::spawn(move || {
        let sent = tx.try_send(1).is_ok();
        (sent, send_one(&mut tx, 2), tx)
    });
    let first = receive_one(&mut rx);
    if first == Ok(1) {
        assert_eq!(receive_one(&mut rx), Ok(2));
    }
    let (sent, last, tx) = sender.join().unwrap();
    assert_eq!((first == Ok(1), last), (sent, Ok(())));
    at_rest(tx.stats(), 1 + u64::from(sent));
}

/// The time of one is over: it has met the other, which then goes on, or nobody.
fn timeout() {
    let (mut tx, mut rx) = handing_over();
    let sender = thread::spawn(move || {
        assert_eq!(send_one(&mut tx, 1), Ok(()));
        tx
    });
    let in_time = select(recv(&mut rx, |got| got)).wait_deadline(Instant::now());
    if in_time.is_err() {
        assert_eq!(receive_one(&mut rx), Ok(1));
    }
    at_rest(sender.join().unwrap().stats(), 1);
}

/// As `timeout`, of the one that sends; then the item is still there.
fn sender_times_out() {
    let (mut tx, mut rx) = handing_over();
    let sender = thread::spawn(move || {
        let mut slot = Some(1);
        let case = send(&mut tx, &mut slot, |sent| sent);
        let in_time = select(case).wait_deadline(Instant::now());
        assert_eq!(in_time.is_ok(), slot.is_none());
        if let Some(item) = slot {
            assert_eq!(send_one(&mut tx, item), Ok(()));
        }
        tx
    });
    assert_eq!(receive_one(&mut rx), Ok(1));
    at_rest(sender.join().unwrap().stats(), 1);
}

/// A third closes while both wait: they meet, or both learn of it.
fn closed() {
    let (mut tx, mut rx) = channel(0).mpsc().build();
    let mut closer = tx.clone();
    let sender = thread::spawn(move || send_one(&mut tx, 1).is_ok());
    let third = thread::spawn(move || closer.close());
    let received = receive_one(&mut rx).is_ok();
    third.join().unwrap();
    assert_eq!(received, sender.join().unwrap());
    at_rest(rx.stats(), received.into());
}

/// One that waits at both ends meets another, but never itself.
fn not_oneself() {
    let (mut tx, mut rx) = channel(0).build();
    let mut other = tx.clone();
    let sender = thread::spawn(move || assert_eq!(send_one(&mut other, 1), Ok(())));
    let mut slot = Some(2);
    let cases = (
        send(&mut tx, &mut slot, |_| None),
        recv(&mut rx, |got| Some(got.unwrap())),
    );
    assert_eq!(select(cases).wait(), Some(1));
    sender.join().unwrap();
    assert_eq!(slot, Some(2));
    at_rest(tx.stats(), 1);
}
