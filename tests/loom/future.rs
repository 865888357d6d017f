//! Models of futures: of the place that they keep, and of channels with them.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use loom::sync::{Condvar, Mutex};
use loom::thread;
use ringfence::event::Event;
use ringfence::flavour::{CanReserve, Spsc};
use ringfence::wait::KeptPlace;
use ringfence::{Receiver, SendError, Sender, Stats, channel};
use ringfence_core::sync::{AtomicBool, Ordering};

use crate::harness::Model;

pub(crate) const MODELS: &[Model] = &[
    Model::new("future_wakes", future_wakes),
    Model::new("future_without_second_look", future_without_second_look).broken(),
    Model::new("future_with_an_old_waker", future_with_an_old_waker).broken(),
    Model::new("future_changes_waker", future_changes_waker),
    Model::new("future_dropped_passes_on", future_dropped_passes_on),
    Model::new("future_wake_is_shared", future_wake_is_shared).preemptions(2),
    Model::new("future_recv_waits", recv_waits),
    Model::new("future_send_waits", send_waits),
    Model::new("future_both_wait", both_wait).preemptions(1),
    Model::new("future_many_wait", many_wait).preemptions(1),
    Model::new("future_recv_changes_waker", recv_changes_waker),
    Model::new("future_send_changes_waker", send_changes_waker),
    Model::new("future_recv_closed", recv_closed),
    Model::new("future_recv_sender_drops", recv_sender_drops),
    Model::new("future_send_closed", send_closed),
    Model::new("future_send_receiver_drops", send_receiver_drops),
    Model::new("future_recv_cancelled", recv_cancelled),
    Model::new("future_send_cancelled", send_cancelled).preemptions(2),
    Model::new("future_recv_dropped_passes_on", recv_dropped_passes_on).preemptions(1),
    Model::new("future_send_dropped_passes_on", send_dropped_passes_on).preemptions(1),
    Model::new("future_two_receivers_wait", two_receivers_wait).preemptions(1),
    Model::new("future_reserve_waits", reserve_waits),
    Model::new("future_reserve_waits_stamped", reserve_waits_stamped),
    Model::new("future_reserve_waits_counted", reserve_waits_counted),
    Model::new("future_reserve_given_back", reserve_given_back).preemptions(2),
    Model::new("channel_reserve_of_many", reserve_of_many).preemptions(2),
    Model::new("future_reserve_closed", reserve_closed),
    Model::new("channel_reserve_parks", reserve_parks),
    Model::new("channel_gathers", gathers).preemptions(2),
];

/// A task that sleeps until it is woken.
struct Task {
    woken: Mutex<bool>,
    given: Condvar,
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        *self.woken.lock().unwrap() = true;
        self.given.notify_one();
    }
}

impl Task {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            woken: Mutex::new(false),
            given: Condvar::new(),
        })
    }

    fn sleep(&self) {
        let mut woken = self.woken.lock().unwrap();
        while !*woken {
            woken = self.given.wait(woken).unwrap();
        }
        *woken = false;
    }
}

/// Polls when woken, and only then.
pub(crate) fn block_on<R>(future: impl Future<Output = R>) -> R {
    let mut future = pin!(future);
    let task = Task::new();
    let waker = Waker::from(task.clone());
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(ready) => return ready,
            Poll::Pending => task.sleep(),
        }
    }
}

/// One poll by a task that is then never seen again.
pub(crate) fn poll_once<R>(future: impl Future<Output = R> + Unpin) -> Option<R> {
    let mut future = future;
    match pin!(&mut future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(ready) => Some(ready),
        Poll::Pending => None,
    }
}

/// Something that happens, and a place for whoever waits for it.
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

    fn look(&self) -> Option<()> {
        self.happened.load(Ordering::Relaxed).then_some(())
    }

    fn poll(&self, place: &mut KeptPlace, waker: &Waker) -> Poll<()> {
        place.poll(&self.event, waker, || self.look(), || true)
    }

    fn wait(&self, place: &mut KeptPlace) {
        block_on(poll_fn(|context| self.poll(place, context.waker())));
    }
}

/// Whoever waits for something that happens is polled again.
fn future_wakes() {
    let thing = Thing::new();
    let other = thing.clone();
    let notifier = thread::spawn(move || other.happen());
    thing.wait(&mut KeptPlace::default());
    notifier.join().unwrap();
}

/// It does not look again after it has left its waker.
fn future_without_second_look() {
    let thing = Thing::new();
    let other = thing.clone();
    let notifier = thread::spawn(move || other.happen());
    let mut place = KeptPlace::default();
    let mut looks = 0;
    block_on(poll_fn(|context| {
        looks += 1;
        let look = || if looks == 1 { None } else { thing.look() };
        place.poll(&thing.event, context.waker(), look, || true)
    }));
    notifier.join().unwrap();
}

/// Polled by another task, it leaves the waker of the first where it is.
fn future_with_an_old_waker() {
    let thing = Thing::new();
    let other = thing.clone();
    let notifier = thread::spawn(move || other.happen());
    let mut place = KeptPlace::default();
    block_on(poll_fn(|_| thing.poll(&mut place, Waker::noop())));
    notifier.join().unwrap();
}

/// Polled by one task and then by another: that one is woken.
fn future_changes_waker() {
    let thing = Thing::new();
    let other = thing.clone();
    let notifier = thread::spawn(move || other.happen());
    let mut place = KeptPlace::default();
    if thing.poll(&mut place, Waker::noop()).is_pending() {
        thing.wait(&mut place);
    }
    notifier.join().unwrap();
}

/// One that is dropped when it may have been chosen passes the wake-up on.
fn future_dropped_passes_on() {
    let thing = Thing::new();
    let other = thing.clone();
    let dropped = thread::spawn(move || {
        let mut place = KeptPlace::default();
        let _ = other.poll(&mut place, Waker::noop());
        place.leave(&other.event);
    });
    let other = thing.clone();
    let notifier = thread::spawn(move || other.happen());
    thing.wait(&mut KeptPlace::default());
    dropped.join().unwrap();
    notifier.join().unwrap();
}

/// One wake-up for two things: who takes the first wakes whoever waits for the second.
fn future_wake_is_shared() {
    let shared = Arc::new((Event::new(), Mutex::new(0)));
    let take = |shared: &(Event, Mutex<u32>)| {
        let left = || shared.1.lock().unwrap();
        let take = || {
            let mut left = left();
            *left = u32::checked_sub(*left, 1)?;
            Some(())
        };
        let mut place = KeptPlace::default();
        let mut poll = |waker: &Waker| place.poll(&shared.0, waker, take, || *left() > 0);
        // Polled once more than it was woken.
        if poll(Waker::noop()).is_pending() {
            block_on(poll_fn(|context| poll(context.waker())));
        }
    };
    let other = shared.clone();
    let taker = thread::spawn(move || take(&other));
    let other = shared.clone();
    let notifier = thread::spawn(move || {
        *other.1.lock().unwrap() = 2;
        if other.0.wants_attention() {
            other.0.wake_one();
        }
    });
    take(&shared);
    taker.join().unwrap();
    notifier.join().unwrap();
}

fn bounded<T>(capacity: usize) -> (Sender<T, Spsc>, Receiver<T, Spsc>) {
    channel(capacity).spsc().build()
}

/// A channel with one item, which is all that it holds.
fn full() -> (Sender<u32, Spsc>, Receiver<u32, Spsc>) {
    let (mut tx, rx) = bounded(1);
    tx.try_send(1).unwrap();
    (tx, rx)
}

/// What must hold when nobody is under way.
fn at_rest(stats: Stats) {
    assert!(stats.is_exact(), "{stats}");
}

/// An async receiver, and a sender that blocks.
fn recv_waits() {
    let (mut tx, mut rx) = bounded(1);
    let sender = thread::spawn(move || {
        assert!(tx.send(1).unwrap().is_stored());
        tx
    });
    assert_eq!(block_on(rx.recv_async()), Ok(1));
    at_rest(sender.join().unwrap().stats());
}

/// An async sender, and a receiver that blocks.
fn send_waits() {
    let (mut tx, mut rx) = full();
    let receiver = thread::spawn(move || {
        assert_eq!(rx.recv(), Ok(1));
        rx
    });
    assert!(block_on(tx.send_async(2)).unwrap().is_stored());
    assert_eq!(receiver.join().unwrap().try_recv(), Ok(2));
    at_rest(tx.stats());
}

fn both_wait() {
    let (mut tx, mut rx) = bounded(1);
    let sender = thread::spawn(move || {
        assert!(block_on(tx.send_async(1)).unwrap().is_stored());
        assert!(block_on(tx.send_async(2)).unwrap().is_stored());
        tx
    });
    assert_eq!(block_on(rx.recv_async()), Ok(1));
    assert_eq!(block_on(rx.recv_async()), Ok(2));
    at_rest(sender.join().unwrap().stats());
}

fn many_wait() {
    let (mut tx, mut rx) = bounded(2);
    let sender = thread::spawn(move || {
        assert_eq!(tx.send_many(0..3).unwrap().stored, 3);
        tx
    });
    let mut received = Vec::new();
    while received.len() < 3 {
        block_on(rx.recv_many_async(&mut received, 2)).unwrap();
    }
    assert_eq!(received, [0, 1, 2]);
    at_rest(sender.join().unwrap().stats());
}

fn recv_changes_waker() {
    let (mut tx, mut rx) = bounded(1);
    let sender = thread::spawn(move || {
        tx.try_send(1).unwrap();
        tx
    });
    let mut receiving = rx.recv_async();
    let received = poll_once(&mut receiving).unwrap_or_else(|| block_on(receiving));
    assert_eq!(received, Ok(1));
    at_rest(sender.join().unwrap().stats());
}

fn send_changes_waker() {
    let (mut tx, mut rx) = full();
    let receiver = thread::spawn(move || {
        rx.try_recv().unwrap();
        rx
    });
    let mut sending = tx.send_async(2);
    let sent = poll_once(&mut sending).unwrap_or_else(|| block_on(sending));
    assert!(sent.unwrap().is_stored());
    at_rest(receiver.join().unwrap().stats());
}

/// What was sent before the sender closes is received, then the end.
fn recv_closed() {
    let (mut tx, mut rx) = bounded(1);
    let sender = thread::spawn(move || {
        tx.try_send(1).unwrap();
        tx.close();
        tx
    });
    assert_eq!(block_on(rx.recv_async()), Ok(1));
    assert!(block_on(rx.recv_async()).is_err());
    at_rest(sender.join().unwrap().stats());
}

fn recv_sender_drops() {
    let (tx, mut rx) = bounded::<u32>(1);
    let sender = thread::spawn(move || drop(tx));
    assert!(block_on(rx.recv_async()).is_err());
    sender.join().unwrap();
}

/// Sent and received, or given back.
fn send_closed() {
    let (mut tx, mut rx) = full();
    let receiver = thread::spawn(move || {
        let first = rx.try_recv().unwrap();
        rx.close();
        (first, rx)
    });
    let sent = block_on(tx.send_async(2));
    let (first, mut rx) = receiver.join().unwrap();
    assert_eq!(first, 1);
    assert_eq!(rx.try_recv().is_ok(), sent.is_ok());
    let stats = tx.stats();
    assert_eq!((stats.offered, stats.depth, stats.drained), (2, 0, 0));
    assert_eq!(stats.refused_closed, u64::from(sent.is_err()));
    at_rest(stats);
}

fn send_receiver_drops() {
    let (mut tx, rx) = full();
    let receiver = thread::spawn(move || drop(rx));
    let sent = block_on(tx.send_async(2));
    receiver.join().unwrap();
    let stats = tx.stats();
    assert_eq!(stats.stored, 1 + u64::from(sent.is_ok()));
    assert_eq!((stats.offered, stats.depth), (2, 0));
    at_rest(stats);
}

/// A receive that is given up takes the item or leaves it, and what comes later wakes
/// who comes later.
fn recv_cancelled() {
    let (mut tx, mut rx) = bounded(1);
    let sender = thread::spawn(move || {
        assert!(tx.send(1).unwrap().is_stored());
        tx
    });
    let first = poll_once(rx.recv_async());
    let received = first.unwrap_or_else(|| block_on(rx.recv_async()));
    assert_eq!(received, Ok(1));
    at_rest(sender.join().unwrap().stats());
}

/// A send that is given up sent the item, or did not and says so.
fn send_cancelled() {
    let (mut tx, mut rx) = full();
    let sender = thread::spawn(move || {
        let sent = poll_once(tx.send_async(2)).is_some();
        let stats = tx.stats();
        assert_eq!(stats.refused_cancelled, u64::from(!sent));
        at_rest(stats);
        sent
    });
    assert_eq!(block_on(rx.recv_async()), Ok(1));
    assert_eq!(block_on(rx.recv_async()).is_ok(), sender.join().unwrap());
    at_rest(rx.stats());
}

/// Of two receivers, one gives up when it may have been chosen.
fn recv_dropped_passes_on() {
    let (mut tx, mut rx) = channel(1).spmc().build();
    let mut other = rx.clone();
    let receiver = thread::spawn(move || other.recv());
    let sender = thread::spawn(move || {
        tx.try_send(1).unwrap();
        tx
    });
    if let Some(received) = poll_once(rx.recv_async()) {
        assert_eq!(received, Ok(1));
        drop(sender.join().unwrap());
        assert!(receiver.join().unwrap().is_err());
    } else {
        assert_eq!(receiver.join().unwrap(), Ok(1));
        at_rest(sender.join().unwrap().stats());
    }
}

/// Of two senders, one gives up when it may have been chosen.
fn send_dropped_passes_on() {
    let (mut tx, mut rx) = channel(1).mpsc().build();
    tx.try_send(0).unwrap();
    let mut other = tx.clone();
    let sender = thread::spawn(move || other.send(1));
    let receiver = thread::spawn(move || {
        assert_eq!(rx.try_recv(), Ok(0));
        rx
    });
    if poll_once(tx.send_async(2)).is_some() {
        let mut rx = receiver.join().unwrap();
        assert_eq!(rx.try_recv(), Ok(2));
        assert!(sender.join().unwrap().is_ok());
    } else {
        assert!(sender.join().unwrap().is_ok());
        at_rest(receiver.join().unwrap().stats());
    }
}

/// Two receivers wait, one of them blocking; each gets one of two items.
fn two_receivers_wait() {
    let (mut tx, mut rx) = channel(2).spmc().build();
    let mut other = rx.clone();
    let receiver = thread::spawn(move || other.recv().unwrap());
    let sender = thread::spawn(move || {
        tx.try_send(1).unwrap();
        tx.try_send(2).unwrap();
        tx
    });
    let received = block_on(rx.recv_async()).unwrap();
    assert_eq!(receiver.join().unwrap() + received, 3);
    at_rest(sender.join().unwrap().stats());
}

/// Room that was seen is there.
fn reserve<F: CanReserve>((mut tx, mut rx): (Sender<u32, F>, Receiver<u32, F>))
where
    Receiver<u32, F>: Send + 'static,
{
    tx.try_send(1).unwrap();
    let receiver = thread::spawn(move || {
        assert_eq!(rx.try_recv(), Ok(1));
        rx
    });
    let permit = block_on(tx.reserve_async()).unwrap();
    permit.send(2).unwrap();
    assert_eq!(receiver.join().unwrap().try_recv(), Ok(2));
    at_rest(tx.stats());
}

fn reserve_waits() {
    reserve(bounded(1));
}

fn reserve_waits_stamped() {
    reserve(channel(1).spmc().build());
}

fn reserve_waits_counted() {
    reserve(channel(1).mpsc().reservable().build());
}

/// Room that is given back goes to who waits for it.
fn reserve_given_back() {
    let (mut tx, mut rx) = channel(1).mpsc().reservable().build();
    let mut other = tx.clone();
    let holder = thread::spawn(move || drop(other.reserve().unwrap()));
    drop(block_on(tx.reserve_async()).unwrap());
    holder.join().unwrap();
    tx.try_reserve().unwrap().send(1).unwrap();
    assert_eq!(rx.try_recv(), Ok(1));
    at_rest(tx.stats());
}

/// Whoever has room finds a slot, and room for one is for one only.
fn reserve_of_many() {
    let (mut tx, mut rx) = channel(1).mpsc().reservable().build();
    let mut other = tx.clone();
    tx.try_send(0).unwrap();
    let receiver = thread::spawn(move || (rx.try_recv(), rx));
    let sender = thread::spawn(move || other.try_send(1).is_ok());
    let sent = tx
        .try_reserve()
        .map(|permit| permit.send(2).unwrap())
        .is_ok();
    let (received, mut rx) = receiver.join().unwrap();
    assert_eq!(received, Ok(0));
    let both = [sender.join().unwrap(), sent];
    assert_ne!(both, [true; 2]);
    assert_eq!(rx.try_recv().is_ok(), both != [false; 2]);
    at_rest(tx.stats());
}

/// A permit is not to be had, or of no use, once the channel is closed.
fn reserve_closed() {
    let (mut tx, mut rx) = full();
    let receiver = thread::spawn(move || {
        let _ = rx.try_recv();
        rx.close();
        rx
    });
    let sent = match block_on(tx.reserve_async()) {
        Ok(permit) => permit.send(2).is_ok(),
        Err(error) => {
            assert_eq!(error, SendError(()));
            false
        }
    };
    assert_eq!(receiver.join().unwrap().try_recv().is_ok(), sent);
    let stats = tx.stats();
    assert_eq!((stats.depth, stats.drained), (0, 0));
    at_rest(stats);
}

fn reserve_parks() {
    let (mut tx, mut rx) = full();
    let receiver = thread::spawn(move || {
        assert_eq!(rx.recv(), Ok(1));
        rx
    });
    tx.reserve().unwrap().send(2).unwrap();
    assert_eq!(receiver.join().unwrap().try_recv(), Ok(2));
    at_rest(tx.stats());
}

/// Waits for the second item as for the first, and ends with the channel.
fn gathers() {
    let (mut tx, mut rx) = bounded(2);
    let sender = thread::spawn(move || {
        tx.try_send(1).unwrap();
        tx.try_send(2).unwrap();
    });
    let mut received = Vec::new();
    let got = rx.recv_many_timeout(&mut received, 3, Duration::MAX);
    assert_eq!((got, received), (Ok(2), vec![1, 2]));
    sender.join().unwrap();
    at_rest(rx.stats());
}
