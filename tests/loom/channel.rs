//! Models of waiting, and of the channel.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize as Plain, Ordering::Relaxed};
use std::task::{Wake, Waker};
use std::time::Instant;

use loom::sync::Mutex;
use loom::thread;
use ringfence::event::Event;
use ringfence::flavour::Spsc;
use ringfence::wait::{Patience, wait};
use ringfence::{
    OnFull, Receiver, RecvTimeoutError, SendTimeoutError, Sender, Sent, Stats, TryRecvError,
    TrySendError, channel,
};
use ringfence_core::sync::{AtomicBool, AtomicUsize, Ordering, fence};

use crate::harness::Model;

pub(crate) const MODELS: &[Model] = &[
    Model::new("event_wakes", event_wakes),
    Model::new("event_without_second_look", event_without_second_look).broken(),
    Model::new("event_notified_too_early", event_notified_too_early).broken(),
    Model::new("event_passes_on", event_passes_on),
    Model::new("event_wake_is_shared", event_wake_is_shared).preemptions(2),
    Model::new("event_second_waiter", event_second_waiter).preemptions(2),
    Model::new("event_waits_again", event_waits_again),
    Model::new("event_close_wakes", event_close_wakes),
    Model::new("event_closed_after", event_closed_after),
    Model::new("channel_recv_parks", recv_parks),
    Model::new("channel_send_parks", send_parks),
    Model::new("channel_both_park", both_park).preemptions(1),
    Model::new("channel_recv_timeout", recv_timeout).preemptions(2),
    Model::new("channel_send_timeout", send_timeout),
    Model::new("channel_sender_drop_wakes", sender_drop_wakes),
    Model::new("channel_receiver_drop_wakes", receiver_drop_wakes),
    Model::new("channel_receiver_close_wakes", receiver_close_wakes),
    Model::new("channel_close_loses_nothing", close_loses_nothing),
    Model::new("channel_drop_drops_at_once", drop_drops_at_once),
    Model::new("channel_closed_and_empty", closed_and_empty),
    Model::new("channel_sender_close_drains", sender_close_drains),
    Model::new("channel_many", many).preemptions(1),
    Model::new("channel_many_closed", many_closed).preemptions(2),
    Model::new("channel_batch_closed", batch_closed).preemptions(2),
    Model::new("channel_batch_wakes_two", batch_wakes_two).preemptions(1),
    Model::new("channel_stats_live", stats_live).preemptions(1),
    Model::new("channel_high_water", high_water),
    Model::new("channel_two_senders_leave", two_senders_leave),
    Model::new("channel_two_senders_park", two_senders_park).preemptions(1),
    Model::new("channel_two_receivers_park", two_receivers_park).preemptions(1),
    Model::new("channel_two_receivers_leave", two_receivers_leave),
    Model::new("channel_third_closes", third_closes).preemptions(2),
    Model::new("channel_closed_under_way", closed_under_way).preemptions(1),
];

/// An event, and the thing that happens.
struct Thing {
    event: Event,
    happened: AtomicBool,
}

impl Thing {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            event: Event::new(),
            happened: AtomicBool::new(false),
        })
    }

    fn happen(&self) {
        self.happened.store(true, Ordering::Relaxed);
        if self.event.wants_attention() {
            self.event.wake_one();
        }
    }

    fn wait(&self) {
        wait(
            &self.event,
            &mut Patience::default(),
            None,
            || self.look(),
            || true,
        )
        .unwrap();
    }

    fn look(&self) -> Option<()> {
        self.happened.load(Ordering::Relaxed).then_some(())
    }
}

/// Whoever waits for something that happens is woken.
fn event_wakes() {
    let thing = Thing::new();
    let other = thing.clone();
    let notifier = thread::spawn(move || other.happen());
    thing.wait();
    notifier.join().unwrap();
}

struct Unpark(thread::Thread, AtomicBool);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.1.store(true, Ordering::Relaxed);
        self.0.unpark();
    }
}

/// It does not look again between registering and sleeping.
fn event_without_second_look() {
    let thing = Thing::new();
    let other = thing.clone();
    let notifier = thread::spawn(move || other.happen());
    if thing.look().is_none() {
        let unpark = Arc::new(Unpark(thread::current(), AtomicBool::new(false)));
        let (key, _) = thing.event.register(Waker::from(unpark.clone()));
        while !unpark.1.load(Ordering::Relaxed) {
            thread::park();
        }
        let _ = thing.event.cancel(key);
    }
    notifier.join().unwrap();
}

/// It looks who waits before it makes it happen.
fn event_notified_too_early() {
    let thing = Thing::new();
    let other = thing.clone();
    let notifier = thread::spawn(move || {
        let waits = other.event.wants_attention();
        other.happened.store(true, Ordering::Relaxed);
        if waits {
            other.event.wake_one();
        }
    });
    thing.wait();
    notifier.join().unwrap();
}

/// A waiter that is chosen while its time runs out passes the wake-up on.
fn event_passes_on() {
    let thing = Thing::new();
    let other = thing.clone();
    let impatient = thread::spawn(move || {
        let over = Some(Instant::now());
        let look = || other.look();
        wait(&other.event, &mut Patience::default(), over, look, || true);
    });
    let other = thing.clone();
    let notifier = thread::spawn(move || other.happen());
    thing.wait();
    impatient.join().unwrap();
    notifier.join().unwrap();
}

/// One wake-up for two things: who takes the first wakes whoever waits for the second.
fn event_wake_is_shared() {
    let shared = Arc::new((Event::new(), Mutex::new(0)));
    let take = |shared: &(Event, Mutex<u32>)| {
        let left = || shared.1.lock().unwrap();
        let take = || {
            let mut left = left();
            *left = u32::checked_sub(*left, 1)?;
            Some(())
        };
        wait(&shared.0, &mut Patience::default(), None, take, || {
            *left() > 0
        })
    };
    let other = shared.clone();
    let taker = thread::spawn(move || take(&other).unwrap());
    let other = shared.clone();
    let notifier = thread::spawn(move || {
        *other.1.lock().unwrap() = 2;
        if other.0.wants_attention() {
            other.0.wake_one();
        }
    });
    take(&shared).unwrap();
    taker.join().unwrap();
    notifier.join().unwrap();
}

/// Things to take, and an event for them.
struct Things {
    event: Event,
    left: AtomicUsize,
}

impl Things {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            event: Event::new(),
            left: AtomicUsize::new(0),
        })
    }

    fn add(&self, n: usize) {
        self.left.fetch_add(n, Ordering::Relaxed);
        if self.event.wants_attention() {
            self.event.wake_one();
        }
    }

    /// By a look, and not by a swap alone, which would always see what is newest.
    fn take(&self) {
        let left = || self.left.load(Ordering::Relaxed);
        let take = || (left() > 0).then(|| self.left.fetch_sub(1, Ordering::Relaxed));
        let more = || left() > 0;
        wait(&self.event, &mut Patience::default(), None, take, more).unwrap();
    }
}

/// Who comes to wait while another does may do without a fence of its own, but not before
/// the other's has passed.
fn event_second_waiter() {
    let things = Things::new();
    let other = things.clone();
    let second = thread::spawn(move || other.take());
    let other = things.clone();
    let notifier = thread::spawn(move || other.add(2));
    things.take();
    second.join().unwrap();
    notifier.join().unwrap();
}

/// Nor when the event, which expects who has just waited, has given that up in between.
fn event_waits_again() {
    let things = Things::new();
    let other = things.clone();
    let notifier = thread::spawn(move || (0..3).for_each(|_| other.add(1)));
    (0..3).for_each(|_| things.take());
    notifier.join().unwrap();
}

fn event_close_wakes() {
    let thing = Thing::new();
    let other = thing.clone();
    let closer = thread::spawn(move || assert!(other.event.close()));
    let look = || thing.event.is_closed().then_some(());
    wait(&thing.event, &mut Patience::default(), None, look, || true).unwrap();
    closer.join().unwrap();
}

/// Whoever sees it closed sees what was done before.
fn event_closed_after() {
    let thing = Thing::new();
    let other = thing.clone();
    let closer = thread::spawn(move || {
        other.happened.store(true, Ordering::Relaxed);
        other.event.close();
    });
    if thing.event.is_closed() {
        fence(Ordering::Acquire);
        thing.look().unwrap();
    }
    closer.join().unwrap();
}

fn bounded<T>(capacity: usize) -> (Sender<T, Spsc>, Receiver<T, Spsc>) {
    channel(capacity).spsc().build()
}

/// What must hold when nobody is under way.
fn at_rest(stats: Stats) {
    assert!(stats.is_exact(), "{stats}");
}

fn recv_parks() {
    let (mut tx, mut rx) = bounded(1);
    let sender = thread::spawn(move || {
        assert!(tx.send(1).unwrap().is_stored());
        tx
    });
    assert_eq!(rx.recv(), Ok(1));
    sender.join().unwrap();
}

fn send_parks() {
    let (mut tx, mut rx) = bounded(1);
    assert!(tx.send(1).unwrap().is_stored());
    let sender = thread::spawn(move || {
        assert!(tx.send(2).unwrap().is_stored());
        tx
    });
    assert_eq!(rx.recv(), Ok(1));
    sender.join().unwrap();
    assert_eq!(rx.try_recv(), Ok(2));
}

fn both_park() {
    let (mut tx, mut rx) = bounded(1);
    let sender = thread::spawn(move || {
        assert!(tx.send(1).unwrap().is_stored());
        assert!(tx.send(2).unwrap().is_stored());
        tx
    });
    assert_eq!(rx.recv(), Ok(1));
    assert_eq!(rx.recv(), Ok(2));
    at_rest(sender.join().unwrap().stats());
}

/// A time-out takes the item or leaves it; it never loses it.
fn recv_timeout() {
    let (mut tx, mut rx) = bounded(1);
    let sender = thread::spawn(move || {
        assert!(tx.send(1).unwrap().is_stored());
        tx
    });
    let first = rx.recv_deadline(Instant::now());
    if first == Err(RecvTimeoutError::Timeout) {
        assert_eq!(rx.recv(), Ok(1));
    } else {
        assert_eq!(first, Ok(1));
    }
    at_rest(sender.join().unwrap().stats());
}

/// A time-out sends the item or gives it back.
fn send_timeout() {
    let (mut tx, mut rx) = bounded(1);
    assert!(tx.send(1).unwrap().is_stored());
    let sender = thread::spawn(move || {
        let sent = tx.send_deadline(2, Instant::now());
        assert!(matches!(
            sent,
            Ok(Sent::Stored) | Err(SendTimeoutError::Timeout(2))
        ));
        sent.is_ok()
    });
    assert_eq!(rx.recv(), Ok(1));
    if sender.join().unwrap() {
        assert_eq!(rx.recv(), Ok(2));
    }
    assert!(rx.recv().is_err());
    at_rest(rx.stats());
}

fn sender_drop_wakes() {
    let (mut tx, mut rx) = bounded(2);
    let sender = thread::spawn(move || tx.try_send(1).unwrap());
    assert_eq!(rx.recv(), Ok(1));
    assert!(rx.recv().is_err());
    sender.join().unwrap();
    at_rest(rx.stats());
}

fn receiver_drop_wakes() {
    let (mut tx, rx) = bounded(1);
    assert!(tx.send(1).unwrap().is_stored());
    let receiver = thread::spawn(move || drop(rx));
    let second = tx.send(2);
    receiver.join().unwrap();
    let stats = tx.stats();
    assert_eq!(stats.stored, 1 + u64::from(second.is_ok()));
    assert_eq!((stats.depth, stats.drained), (0, stats.stored));
    at_rest(stats);
}

fn receiver_close_wakes() {
    let (mut tx, mut rx) = bounded(1);
    assert!(tx.send(1).unwrap().is_stored());
    let receiver = thread::spawn(move || {
        rx.close();
        rx
    });
    assert_eq!(tx.send(2).unwrap_err().into_inner(), 2);
    let mut rx = receiver.join().unwrap();
    assert_eq!(rx.try_recv(), Ok(1));
    assert_eq!(rx.try_recv(), Err(TryRecvError::Disconnected));
}

/// Of what is sent while the receiver closes, every item is either received or
/// given back.
fn close_loses_nothing() {
    let (mut tx, mut rx) = bounded(2);
    let sender = thread::spawn(move || {
        let sent = [tx.try_send(1), tx.try_send(2)];
        sent.map(|sent| match sent {
            Ok(()) => true,
            Err(TrySendError::Disconnected(_)) => false,
            Err(TrySendError::Full(_)) => panic!("there is room for both"),
        })
    });
    rx.close();
    let received: Vec<_> = rx.iter().collect();
    let [first, second] = sender.join().unwrap();
    let stored = [(first, 1), (second, 2)];
    let stored = stored.iter().filter(|(stored, _)| *stored);
    assert!(stored.map(|(_, item)| *item).eq(received.iter().copied()));
    let stats = rx.stats();
    assert_eq!(stats.delivered, received.len() as u64);
    assert_eq!((stats.offered, stats.depth, stats.drained), (2, 0, 0));
    at_rest(stats);
}

/// Counts its drops.
#[derive(Debug)]
struct Counted(Arc<Plain>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, Relaxed);
    }
}

/// When the receiver is gone, what was inside is dropped or with the sender: no
/// item waits for the sender to go.
fn drop_drops_at_once() {
    let drops = Arc::new(Plain::new(0));
    let (mut tx, rx) = bounded(2);
    tx.try_send(Counted(drops.clone())).unwrap();
    let receiver = thread::spawn(move || drop(rx));
    let second = tx.try_send(Counted(drops.clone()));
    receiver.join().unwrap();
    assert_eq!(drops.load(Relaxed), 1 + usize::from(second.is_ok()));
    let stats = tx.stats();
    assert_eq!((stats.offered, stats.depth), (2, 0));
    at_rest(stats);
}

/// A receiver that sees the channel closed by its sender sees all that it sent.
fn closed_and_empty() {
    let (mut tx, rx) = bounded(1);
    let sender = thread::spawn(move || tx.try_send(1).unwrap());
    assert!(!(rx.is_closed() && rx.is_empty()));
    sender.join().unwrap();
}

/// What was sent before the sender closes is received.
fn sender_close_drains() {
    let (mut tx, mut rx) = bounded(1);
    let sender = thread::spawn(move || {
        tx.try_send(1).unwrap();
        tx.close();
        assert!(tx.is_closed());
        assert_eq!(tx.try_send(2), Err(TrySendError::Disconnected(2)));
        tx
    });
    loop {
        match rx.try_recv() {
            Ok(item) => break assert_eq!(item, 1),
            Err(TryRecvError::Empty) => thread::yield_now(),
            Err(TryRecvError::Disconnected) => panic!("it was sent before"),
        }
    }
    at_rest(sender.join().unwrap().stats());
}

fn many() {
    let (mut tx, mut rx) = bounded(1);
    let sender = thread::spawn(move || {
        let sent = tx.send_many(0..2).unwrap();
        assert_eq!((sent.stored, sent.refused), (2, vec![]));
        tx
    });
    let mut received = Vec::new();
    while received.len() < 2 {
        rx.recv_many(&mut received, 2).unwrap();
    }
    assert_eq!(received, [0, 1]);
    at_rest(sender.join().unwrap().stats());
}

/// Of many that are sent while the receiver closes, those that are stored are
/// received, and those taken and not stored are given back.
fn many_closed() {
    let (mut tx, mut rx) = channel(2).spsc().on_full(OnFull::DropNewest).build();
    let sender = thread::spawn(move || match tx.send_many(0..3) {
        Ok(sent) => (sent.stored, sent.refused),
        Err(error) => (error.stored, error.returned),
    });
    let first = rx.try_recv().ok();
    rx.close();
    let received: Vec<usize> = first.into_iter().chain(rx.iter()).collect();
    let (stored, returned) = sender.join().unwrap();
    assert_eq!(received.len(), stored);
    let stats = rx.stats();
    assert_eq!(stats.refused, returned.len() as u64);
    let mut all = [received, returned].concat();
    all.sort_unstable();
    assert!(all.iter().copied().eq(0..all.len()));
    at_rest(stats);
}

/// The same of a batch of one of many senders, over the end of a ring of three.
fn batch_closed() {
    let (mut tx, mut rx) = channel(3).mpsc().build();
    for item in 0..2 {
        tx.try_send(item).unwrap();
        assert_eq!(rx.try_recv(), Ok(item));
    }
    let sender = thread::spawn(move || match tx.send_many(0..2) {
        Ok(sent) => (sent.stored, sent.refused),
        Err(error) => (error.stored, error.returned),
    });
    rx.close();
    let received: Vec<usize> = rx.iter().collect();
    let (stored, returned) = sender.join().unwrap();
    assert_eq!(received.len(), stored);
    let stats = rx.stats();
    assert_eq!(stats.refused_closed, returned.len() as u64);
    let all = [received, returned].concat();
    assert!(all.iter().copied().eq(0..all.len()));
    at_rest(stats);
}

/// Two receivers wait; each gets one of two items that were sent together, though only one
/// was woken by who sent them.
fn batch_wakes_two() {
    let (mut tx, mut rx) = channel(2).mpmc().build();
    let mut other = rx.clone();
    let receiver = thread::spawn(move || other.recv().unwrap());
    let sender = thread::spawn(move || {
        assert_eq!(tx.send_many(1..3).unwrap().stored, 2);
        tx
    });
    let received = rx.recv().unwrap();
    assert_eq!(receiver.join().unwrap() + received, 3);
    at_rest(sender.join().unwrap().stats());
}

/// A snapshot in the middle adds up, and no count goes down.
fn stats_live() {
    let (mut tx, mut rx) = bounded(1);
    let monitor = tx.monitor();
    // Both ends stay open: a closing channel may take an item back.
    let sender = thread::spawn(move || {
        let _ = (tx.try_send(1), tx.try_send(2));
        tx
    });
    let receiver = thread::spawn(move || (rx.try_recv().is_ok(), rx));
    let [first, second] = [monitor.stats(), monitor.stats()];
    let (_tx, _rx) = (sender.join().unwrap(), receiver.join().unwrap());
    for stats in [first, second] {
        assert!(stats.is_exact() && stats.depth <= 1, "{stats}");
    }
    assert!(first.stored <= second.stored && first.delivered <= second.delivered);
}

/// No snapshot reports more than was ever inside at once.
fn high_water() {
    let (mut tx, mut rx) = bounded(2);
    let monitor = tx.monitor();
    let both = thread::spawn(move || {
        for item in 0..2 {
            tx.try_send(item).unwrap();
            assert_eq!(rx.try_recv(), Ok(item));
        }
        (tx, rx)
    });
    assert!(monitor.stats().high_water <= 1);
    let (tx, _rx) = both.join().unwrap();
    assert_eq!(tx.stats().high_water, 1);
}

/// Of two senders, one leaves and then the other: whoever sees the channel closed
/// sees what both have sent.
fn two_senders_leave() {
    let (mut tx, rx) = channel(2).mpsc().build();
    let mut other = tx.clone();
    let sender = thread::spawn(move || other.try_send(1).unwrap());
    let last = thread::spawn(move || tx.try_send(1).unwrap());
    if rx.is_closed() {
        assert_eq!(rx.len(), 2);
    }
    sender.join().unwrap();
    last.join().unwrap();
    at_rest(rx.stats());
}

/// Two receivers wait; each gets one of two items.
fn two_receivers_park() {
    let (mut tx, mut rx) = channel(2).spmc().build();
    let mut other = rx.clone();
    let receiver = thread::spawn(move || other.recv().unwrap());
    let sender = thread::spawn(move || {
        tx.try_send(1).unwrap();
        tx.try_send(2).unwrap();
        tx
    });
    let received = rx.recv().unwrap();
    assert_eq!(receiver.join().unwrap() + received, 3);
    at_rest(sender.join().unwrap().stats());
}

/// Two senders wait; one receive makes room for both, and wakes one.
fn two_senders_park() {
    let (mut tx, mut rx) = channel(2).mpsc().build();
    tx.try_send(0).unwrap();
    tx.try_send(0).unwrap();
    let mut other = tx.clone();
    let sender = thread::spawn(move || other.send(1).unwrap().is_stored());
    let receiver = thread::spawn(move || {
        assert_eq!(rx.recv_many(&mut Vec::new(), 2), Ok(2));
        rx
    });
    assert!(tx.send(1).unwrap().is_stored() && sender.join().unwrap());
    assert!(receiver.join().unwrap().try_iter().eq([1, 1]));
}

/// Of two receivers, each receives and leaves: all that was received is delivered.
fn two_receivers_leave() {
    let (mut tx, mut rx) = channel(2).spmc().build();
    tx.try_send(1).unwrap();
    tx.try_send(2).unwrap();
    let mut other = rx.clone();
    let receiver = thread::spawn(move || other.try_recv().unwrap());
    let received = rx.try_recv().unwrap();
    drop(rx);
    assert_eq!(receiver.join().unwrap() + received, 3);
    let stats = tx.stats();
    assert_eq!((stats.delivered, stats.drained), (2, 0));
    at_rest(stats);
}

/// A third closes while one sends and one receives: the item is received or given
/// back.
fn third_closes() {
    let (mut tx, mut rx) = channel(1).mpmc().build();
    let mut closer = tx.clone();
    let sender = thread::spawn(move || tx.try_send(1));
    let third = thread::spawn(move || closer.close());
    let early = rx.try_recv();
    third.join().unwrap();
    let sent = sender.join().unwrap();
    let late = rx.try_recv();
    let received = usize::from(early.is_ok()) + usize::from(late.is_ok());
    assert_eq!(received, usize::from(sent.is_ok()));
    let stats = rx.stats();
    assert_eq!((stats.offered, stats.depth), (1, 0));
    at_rest(stats);
}

/// Two receivers of a closed channel wait for an item that is under way: one gets it, and
/// the other does not wait for ever.
fn closed_under_way() {
    let (mut tx, mut rx) = channel(1).mpmc().build();
    let mut other = rx.clone();
    let sender = thread::spawn(move || (tx.try_send(1).is_ok(), tx));
    let receiver = thread::spawn(move || other.recv().is_ok());
    rx.close();
    let received = usize::from(rx.recv().is_ok());
    let received = received + usize::from(receiver.join().unwrap());
    let (sent, _tx) = sender.join().unwrap();
    assert_eq!(received, usize::from(sent));
}
