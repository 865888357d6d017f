//! Models of a thread that waits for several channels.
//!
//! In models, a select looks at its cases in the order in which they are given.

use std::sync::Arc;
use std::task::{Wake, Waker};
use std::time::{Duration, Instant};

use loom::sync::Mutex;
use loom::thread;
use ringfence::event::Event;
use ringfence::flavour::{Flavour, Spsc};
use ringfence::select::case::{Case, End};
use ringfence::select::{recv, select, send};
use ringfence::wait::Patience;
use ringfence::{Receiver, Sender, channel};
use ringfence_core::sync::{AtomicBool, Ordering};

use crate::harness::Model;

pub(crate) const MODELS: &[Model] = &[
    Model::new("select_two_senders", two_senders).preemptions(1),
    Model::new("select_loses_race", loses_race).preemptions(1),
    Model::new("select_passes_on", passes_on),
    Model::new("select_times_out_and_passes_on", times_out_and_passes_on),
    Model::new("select_twice_the_same", twice_the_same),
    Model::new("select_sender_drop_wakes", sender_drop_wakes),
    Model::new("select_receiver_close_wakes", receiver_close_wakes),
    Model::new("select_send_parks", send_parks),
    Model::new("select_send_or_recv", send_or_recv).preemptions(2),
    Model::new("select_timeout", timeout),
];

fn bounded<T>(capacity: usize) -> (Sender<T, Spsc>, Receiver<T, Spsc>) {
    channel(capacity).spsc().build()
}

/// Of two channels, whichever has something.
fn either<F: Flavour, G: Flavour>(a: &mut Receiver<u32, F>, b: &mut Receiver<u32, G>) -> u32 {
    select((recv(a, Result::unwrap), recv(b, Result::unwrap))).wait()
}

/// Two senders, a channel each: both items come.
fn two_senders() {
    let (mut tx, mut rx) = bounded(1);
    let (mut other_tx, mut other_rx) = bounded(1);
    let sender = thread::spawn(move || (tx.try_send(1), tx));
    let other = thread::spawn(move || (other_tx.try_send(2), other_tx));
    let first = either(&mut rx, &mut other_rx);
    let second = either(&mut rx, &mut other_rx);
    assert_eq!(first + second, 3);
    let (sent, _tx) = sender.join().unwrap();
    let (other_sent, _other_tx) = other.join().unwrap();
    assert!(sent.is_ok() && other_sent.is_ok());
}

/// Another receiver may be quicker; then it waits for the other channel.
fn loses_race() {
    let (mut tx, mut rx) = channel(1).spmc().build();
    let mut quick = rx.clone();
    let (mut other_tx, mut other_rx) = bounded(1);
    let sender = thread::spawn(move || {
        tx.try_send(1).unwrap();
        other_tx.try_send(2).unwrap();
        (tx, other_tx)
    });
    let receiver = thread::spawn(move || quick.try_recv().ok());
    let got = either(&mut rx, &mut other_rx);
    let taken = receiver.join().unwrap();
    let _ends = sender.join().unwrap();
    let left = rx.try_recv().ok().or(other_rx.try_recv().ok());
    assert_eq!(got + taken.or(left).unwrap(), 3);
    assert!(taken.is_none_or(|item| item == 1));
}

/// The last sender of one of the channels goes.
fn sender_drop_wakes() {
    let (tx, mut rx) = bounded::<u32>(1);
    let (_other_tx, mut other_rx) = bounded::<u32>(1);
    let sender = thread::spawn(move || drop(tx));
    let closed = select((
        recv(&mut other_rx, |_| None),
        recv(&mut rx, |got| got.err()),
    ))
    .wait();
    assert!(closed.is_some());
    sender.join().unwrap();
}

/// A channel that a select waits to send to closes: the item is given back.
fn receiver_close_wakes() {
    let (mut tx, mut rx) = bounded(1);
    let (_other_tx, mut other_rx) = bounded::<u32>(1);
    tx.try_send(1).unwrap();
    let receiver = thread::spawn(move || {
        rx.close();
        rx
    });
    let mut item = Some(2);
    let returned = select((
        recv(&mut other_rx, |_| None),
        send(&mut tx, &mut item, |sent| Some(sent.unwrap_err().0)),
    ))
    .wait();
    assert_eq!((returned, item), (Some(2), None));
    assert_eq!(receiver.join().unwrap().try_recv(), Ok(1));
}

/// It waits for room.
fn send_parks() {
    let (mut tx, mut rx) = bounded(1);
    tx.try_send(1).unwrap();
    let receiver = thread::spawn(move || {
        rx.try_recv().unwrap();
        rx
    });
    let mut item = Some(2);
    select(send(&mut tx, &mut item, Result::unwrap)).wait();
    assert_eq!(item, None);
    assert_eq!(receiver.join().unwrap().try_recv(), Ok(2));
}

/// It waits for room or for an item, and both come: one is used, and the other left.
fn send_or_recv() {
    let (mut tx, mut rx) = bounded(1);
    let (mut other_tx, mut other_rx) = bounded(1);
    tx.try_send(1).unwrap();
    let maker = thread::spawn(move || {
        assert_eq!(rx.try_recv(), Ok(1));
        rx
    });
    let sender = thread::spawn(move || {
        other_tx.try_send(3).unwrap();
        other_tx
    });
    let mut item = Some(2);
    let received = select((
        send(&mut tx, &mut item, |sent| sent.map(|()| None).unwrap()),
        recv(&mut other_rx, |got| Some(got.unwrap())),
    ))
    .wait();
    let mut rx = maker.join().unwrap();
    let _other_tx = sender.join().unwrap();
    if received.is_some() {
        assert_eq!((received, item), (Some(3), Some(2)));
        assert!(rx.try_recv().is_err() && other_rx.try_recv().is_err());
    } else {
        assert_eq!((rx.try_recv(), item), (Ok(2), None));
        assert_eq!(other_rx.try_recv(), Ok(3));
    }
    assert_eq!(tx.stats().refused, 0);
}

/// Its time is over: the item is sent, or it is still there.
fn timeout() {
    let (mut tx, mut rx) = bounded(1);
    let (_other_tx, mut other_rx) = bounded::<u32>(1);
    tx.try_send(1).unwrap();
    let receiver = thread::spawn(move || (rx.try_recv(), rx));
    let mut item = Some(2);
    let sent = select((
        recv(&mut other_rx, |_| panic!("nobody sends")),
        send(&mut tx, &mut item, Result::unwrap),
    ))
    .wait_deadline(Instant::now());
    assert_eq!(sent.is_ok(), item.is_none());
    let (received, mut rx) = receiver.join().unwrap();
    assert_eq!(received, Ok(1));
    assert_eq!(rx.try_recv().ok(), sent.is_ok().then_some(2));
    assert_eq!(tx.stats().offered, 1 + u64::from(sent.is_ok()));
}

/// Things to take, and who waits for them.
struct Things {
    event: Event,
    left: Mutex<u32>,
}

impl Things {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            event: Event::new(),
            left: Mutex::new(0),
        })
    }

    /// So many more, and one wake-up.
    fn add(&self, n: u32) {
        *self.left.lock().unwrap() += n;
        if self.event.wants_attention() {
            self.event.wake_one();
        }
    }

    fn left(&self) -> u32 {
        *self.left.lock().unwrap()
    }
}

/// Takes one of them in a select.
struct Take<'a>(&'a Things, Patience);

impl<'a> End<'a> for Take<'a> {
    type Done = ();

    fn attempt(&mut self) -> Option<()> {
        let mut left = self.0.left.lock().unwrap();
        *left = left.checked_sub(1)?;
        Some(())
    }

    fn is_live(&self) -> bool {
        true
    }

    fn event(&self) -> &'a Event {
        &self.0.event
    }

    fn has_more(&self) -> bool {
        self.0.left() > 0
    }

    fn patience(&mut self) -> &mut Patience {
        &mut self.1
    }

    fn count_unready(&self) {}

    fn count_blocked(&self, _time: Duration) {}
}

fn take(things: &Things) -> Case<'_, Take<'_>, fn(())> {
    Case::new(Take(things, Patience::default()), |()| ())
}

/// One who waits and never goes on by itself. As another thread in the queue, but cheaper
/// to explore.
struct Sleeper(AtomicBool);

impl Sleeper {
    fn wait_for(things: &Things) -> Arc<Self> {
        let sleeper = Arc::new(Self(AtomicBool::new(false)));
        let _ = things.event.register(Waker::from(sleeper.clone()));
        sleeper
    }

    fn is_woken(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Wake for Sleeper {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Woken for one, it takes the other: then who waits for the first is woken.
fn passes_on() {
    let (things, others) = (Things::new(), Things::new());
    let (first, second) = (things.clone(), others.clone());
    let notifier = thread::spawn(move || {
        let sleeper = Sleeper::wait_for(&first);
        first.add(1);
        second.add(1);
        sleeper
    });
    select((take(&others), take(&things))).wait();
    let sleeper = notifier.join().unwrap();
    assert!(things.left() == 0 || sleeper.is_woken());
    assert_eq!(things.left() + others.left(), 1);
}

/// Woken for two when its time is over, it takes one or none: who waits is woken.
fn times_out_and_passes_on() {
    let (things, others) = (Things::new(), Things::new());
    let first = things.clone();
    let notifier = thread::spawn(move || {
        let sleeper = Sleeper::wait_for(&first);
        first.add(2);
        sleeper
    });
    let taken = select((take(&others), take(&things))).wait_deadline(Instant::now());
    let sleeper = notifier.join().unwrap();
    assert_eq!(things.left(), 2 - u32::from(taken.is_ok()));
    assert!(sleeper.is_woken());
}

/// Both cases are of one event, and woken for two things: one is taken, and who waits for
/// the other is woken.
fn twice_the_same() {
    let things = Things::new();
    let other = things.clone();
    let notifier = thread::spawn(move || {
        let sleeper = Sleeper::wait_for(&other);
        other.add(1);
        other.add(1);
        sleeper
    });
    select((take(&things), take(&things))).wait();
    let sleeper = notifier.join().unwrap();
    assert_eq!(things.left(), 1);
    assert!(sleeper.is_woken());
}
