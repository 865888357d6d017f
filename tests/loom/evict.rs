//! Models of channels that evict their oldest item.

use loom::thread;
use ringfence::flavour::Spsc;
use ringfence::{OnFull, Receiver, SendError, Sender, Sent, channel};

use crate::harness::Model;

pub(crate) const MODELS: &[Model] = &[
    Model::new("evict_or_receive", evict_or_receive),
    Model::new("evict_wakes", evict_wakes).preemptions(2),
    Model::new("evict_while_closing", evict_while_closing).preemptions(2),
    Model::new("evict_live", evict_live).preemptions(1),
    Model::new("evict_two_senders", evict_two_senders).preemptions(2),
];

fn latest(capacity: usize) -> (Sender<usize, Spsc>, Receiver<usize, Spsc>) {
    channel(capacity).spsc().on_full(OnFull::DropOldest).build()
}

/// What a send has brought back.
fn dropped(sent: Result<Sent<usize>, SendError<usize>>) -> Option<usize> {
    sent.map_or_else(|back| Some(back.into_inner()), Sent::into_dropped)
}

/// Each item is received or evicted, whichever is first, and once.
fn evict_or_receive() {
    let (mut tx, mut rx) = latest(1);
    let _ = tx.send(0).unwrap();
    let sender = thread::spawn(move || (tx.send(1).unwrap(), tx));
    let received = rx.recv().unwrap();
    let (sent, tx) = sender.join().unwrap();
    match sent {
        Sent::Stored => assert_eq!((received, rx.try_recv()), (0, Ok(1))),
        Sent::Evicted(oldest) => assert_eq!((oldest, received), (0, 1)),
        Sent::Refused(_) => panic!("it makes room"),
    }
    let stats = tx.stats();
    assert_eq!((stats.stored, stats.depth), (2, 0));
    assert_eq!(stats.evicted, u64::from(sent != Sent::Stored));
    assert!(stats.is_exact(), "{stats}");
}

/// A receiver that sleeps is woken.
fn evict_wakes() {
    let (mut tx, mut rx) = latest(1);
    let sender = thread::spawn(move || (tx.send(0).unwrap(), tx));
    assert_eq!(rx.recv(), Ok(0));
    let (sent, _tx) = sender.join().unwrap();
    assert_eq!(sent, Sent::Stored);
}

/// Of what is sent while the receiver closes, every item is received, evicted or given
/// back.
fn evict_while_closing() {
    let (mut tx, mut rx) = latest(1);
    let sender = thread::spawn(move || {
        let dropped = [0, 1].map(|item| dropped(tx.send(item)));
        (dropped.into_iter().flatten().collect::<Vec<_>>(), tx)
    });
    rx.close();
    let received: Vec<_> = rx.iter().collect();
    let (dropped, tx) = sender.join().unwrap();
    let mut all = [&received[..], &dropped].concat();
    all.sort_unstable();
    assert_eq!(all, [0, 1]);
    let stats = tx.stats();
    assert_eq!((stats.offered, stats.depth), (2, 0));
    assert_eq!(stats.delivered, received.len() as u64);
    assert!(stats.is_exact(), "{stats}");
}

/// A snapshot in the middle adds up, and no count goes down.
fn evict_live() {
    let (mut tx, mut rx) = latest(1);
    let monitor = tx.monitor();
    let _ = tx.send(0).unwrap();
    let sender = thread::spawn(move || (tx.send(1).is_ok(), tx));
    let receiver = thread::spawn(move || (rx.try_recv().is_ok(), rx));
    let [first, second] = [monitor.stats(), monitor.stats()];
    let (_tx, _rx) = (sender.join().unwrap(), receiver.join().unwrap());
    for stats in [first, second] {
        assert!(stats.is_exact() && stats.high_water <= 1, "{stats}");
    }
    assert!(first.stored <= second.stored && first.delivered <= second.delivered);
    assert!(first.evicted <= second.evicted && second.stored <= 2);
}

/// Of what two send at a time into a full channel, one at most is evicted by the other.
fn evict_two_senders() {
    let (mut tx, mut rx) = channel(1).mpsc().on_full(OnFull::DropOldest).build();
    let mut other = tx.clone();
    let _ = tx.send(0).unwrap();
    let sender = thread::spawn(move || dropped(other.send(1)));
    let second = dropped(tx.send(2));
    let first = sender.join().unwrap();
    let mut all = [first.unwrap(), second.unwrap(), rx.recv().unwrap()];
    all.sort_unstable();
    assert_eq!(all, [0, 1, 2]);
    assert_eq!(tx.stats().evicted, 2);
}
