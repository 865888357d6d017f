//! Futures. Interleavings are the models' business; here is one step after another.

mod cancelled;
mod mixed;
#[cfg(feature = "sink")]
mod sink;
#[cfg(feature = "stream")]
mod stream;

use std::pin::{Pin, pin};
use std::task::{Context, Poll, Wake, Waker};

use super::*;
use crate::event::Event;
use crate::fence::REFUSED;
use crate::flavour::{CanReserve, Flavour};
use crate::wait::KeptPlace;

/// A task that counts how often it is woken, and does nothing.
#[derive(Debug, Default)]
pub(super) struct Task(AtomicUsize);

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Relaxed);
    }
}

impl Task {
    pub(super) fn poll<R>(
        self: &Arc<Self>,
        future: &mut (impl Future<Output = R> + Unpin),
    ) -> Poll<R> {
        let waker = Waker::from(self.clone());
        Pin::new(future).poll(&mut Context::from_waker(&waker))
    }

    pub(super) fn wakes(&self) -> usize {
        self.0.load(Relaxed)
    }

    /// How many wakers of it are alive.
    pub(super) fn wakers(self: &Arc<Self>) -> usize {
        Arc::strong_count(self) - 1
    }
}

/// The least executor: a thread that sleeps until its task is woken.
pub(super) fn block_on<R>(future: impl Future<Output = R>) -> R {
    struct Unpark(thread::Thread);
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

fn of_many<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    channel(capacity).mpmc().build()
}

#[test]
fn a_receive_waits_for_an_item_and_a_send_for_room() {
    let (mut tx, mut rx) = blocking(1);
    let task = Arc::new(Task::default());
    assert!(block_on(tx.send_async(1)).unwrap().is_stored());
    let mut sending = tx.send_async(2);
    assert!(task.poll(&mut sending).is_pending() && task.poll(&mut sending).is_pending());
    assert_eq!(task.wakers(), 1);
    assert_eq!(rx.try_recv(), Ok(1));
    assert_eq!((task.wakes(), task.wakers()), (1, 0));
    assert_eq!(task.poll(&mut sending), Poll::Ready(Ok(Sent::Stored)));
    drop(sending);

    assert_eq!(block_on(rx.recv_async()), Ok(2));
    let mut receiving = rx.recv_async();
    assert!(task.poll(&mut receiving).is_pending() && task.poll(&mut receiving).is_pending());
    tx.try_send(3).unwrap();
    assert_eq!((task.wakes(), task.wakers()), (2, 0));
    assert_eq!(task.poll(&mut receiving), Poll::Ready(Ok(3)));
    drop(receiving);

    let stats = tx.stats();
    assert_eq!((stats.full_events, stats.empty_events), (1, 1));
    assert!(stats.send_blocked > AT_ONCE && stats.recv_blocked > AT_ONCE);
    assert_eq!((stats.offered, stats.delivered), (3, 3));
    assert!(stats.is_exact());
}

#[test]
fn many_are_received_together() {
    let (mut tx, mut rx) = blocking(4);
    let task = Arc::new(Task::default());
    let mut buffer = vec![9];
    assert_eq!(block_on(rx.recv_many_async(&mut buffer, 0)), Ok(0));
    let mut receiving = rx.recv_many_async(&mut buffer, 2);
    assert!(task.poll(&mut receiving).is_pending());
    assert_eq!(tx.send_many(0..3).unwrap().stored, 3);
    assert_eq!(task.poll(&mut receiving), Poll::Ready(Ok(2)));
    drop(receiving);
    assert_eq!(block_on(rx.recv_many_async(&mut buffer, 9)), Ok(1));
    assert_eq!(buffer, [9, 0, 1, 2]);
    drop(tx);
    assert_eq!(block_on(rx.recv_many_async(&mut buffer, 9)), Err(RecvError));
}

#[test]
fn what_does_not_wait_is_ready_at_once() {
    let (mut tx, mut rx) = dropping(1);
    assert_eq!(block_on(tx.send_async(1)), Ok(Sent::Stored));
    assert_eq!(block_on(tx.send_async(2)), Ok(Sent::Refused(2)));
    assert_eq!((tx.stats().full_events, tx.stats().refused_newest), (1, 1));
    rx.close();
    assert_eq!(block_on(tx.send_async(3)), Err(SendError(3)));
    assert_eq!(block_on(rx.recv_async()), Ok(1));
    assert_eq!(block_on(rx.recv_async()), Err(RecvError));
    assert_eq!(tx.stats().refused_closed, 1);
    assert!(tx.stats().is_exact());
}

#[test]
fn room_that_was_reserved_is_there() {
    fn run<F: CanReserve>((mut tx, mut rx): (Sender<u32, F>, Receiver<u32, F>)) {
        tx.try_reserve().unwrap().send(1).unwrap();
        drop(tx.reserve().unwrap()); // gives the room back
        tx.reserve().unwrap().send(2).unwrap();
        assert_eq!(tx.try_reserve().unwrap_err(), TrySendError::Full(()));
        assert_eq!(rx.recv(), Ok(1));
        let permit = block_on(tx.reserve_async()).unwrap();
        rx.close();
        assert_eq!(permit.send(3), Err(SendError(3)));
        assert_eq!(tx.reserve().unwrap_err(), SendError(()));
        assert!(tx.try_reserve().unwrap_err().is_disconnected());
        let stats = tx.stats();
        assert_eq!((stats.offered, stats.refused_closed), (3, 1));
        assert_eq!(stats.full_events, 1);
        assert!(stats.is_exact());
    }
    run(channel(2).spsc().build());
    run(channel(2).spmc().build());
    run(channel(2).spmc().on_full(OnFull::DropNewest).build());
    run(channel(2).mpsc().reservable().build());
    run(channel(2).mpmc().reservable().build());
}

#[test]
fn an_item_can_be_taken_back() {
    let (mut tx, mut rx) = blocking(1);
    let task = Arc::new(Task::default());
    assert_eq!(tx.send_async(1).into_inner(), Some(1)); // never polled
    let mut sending = tx.send_async(2);
    assert!(task.poll(&mut sending).is_ready());
    assert_eq!(sending.into_inner(), None);
    let mut sending = tx.send_async(3);
    assert!(task.poll(&mut sending).is_pending());
    assert_eq!((sending.into_inner(), task.wakers()), (Some(3), 0));
    assert!(rx.try_iter().eq([2]));
    let stats = rx.stats();
    assert_eq!((stats.offered, stats.refused_cancelled), (3, 2));
    assert!(stats.is_exact());
}

#[test]
fn polled_after_it_was_ready_it_panics() {
    fn panics<R>(mut future: impl Future<Output = R> + Unpin) -> bool {
        let task = Arc::new(Task::default());
        assert!(task.poll(&mut future).is_ready());
        catch_unwind(AssertUnwindSafe(|| task.poll(&mut future).is_ready())).is_err()
    }
    let (mut tx, mut rx) = blocking(3);
    assert!(panics(tx.send_async(1)) && panics(tx.send_async(2)));
    assert!(panics(tx.reserve_async()));
    assert!(panics(rx.recv_async()));
    assert!(panics(rx.recv_many_async(&mut Vec::new(), 2)));
    assert!(panics(rx.recv_many_async(&mut Vec::new(), 0)));
}

/// Only the task that polled last is woken.
#[test]
fn a_future_goes_from_task_to_task() {
    let (mut tx, mut rx) = of_many(1);
    let [first, last] = [(); 2].map(|()| Arc::new(Task::default()));
    let mut receiving = rx.recv_async();
    assert!(first.poll(&mut receiving).is_pending());
    assert!(last.poll(&mut receiving).is_pending());
    assert_eq!((first.wakers(), last.wakers()), (0, 1));
    tx.try_send(1).unwrap();
    assert_eq!((first.wakes(), last.wakes()), (0, 1));
    assert_eq!(first.poll(&mut receiving), Poll::Ready(Ok(1)));
}

/// One that is chosen while it looks, and then finds something, wakes the next if there
/// is more.
#[test]
fn chosen_while_it_looks_it_wakes_the_next() {
    for more in [true, false] {
        let event = Event::new();
        let [task, next] = [(); 2].map(|()| Arc::new(Task::default()));
        let waker = Waker::from(task);
        let mut place = KeptPlace::default();
        let pending = place.poll(&event, &waker, || None::<()>, || more);
        assert!(pending.is_pending());
        let _ = event.register(Waker::from(next.clone()));
        let mut looks = 0;
        let look = || {
            looks += 1;
            if looks == 1 {
                event.wake_one();
                return None;
            }
            Some(())
        };
        assert!(place.poll(&event, &waker, look, || more).is_ready());
        assert_eq!(next.wakes(), usize::from(more));
    }
}

/// If the kernel comes to refuse its barrier, whoever waits is polled again and again,
/// and a thread that waits looks again.
#[test]
fn without_a_certain_wake_up_it_is_polled_again() {
    let builder = channel(1).mpmc();
    let (mut tx, mut rx) = builder.build_with(Fence::asymmetric()).unwrap();
    REFUSED.set(true);
    let task = Arc::new(Task::default());
    let mut receiving = rx.recv_async();
    for polls in 1..3 {
        assert!(task.poll(&mut receiving).is_pending());
        assert_eq!(task.wakes(), polls);
    }
    tx.try_send(1).unwrap();
    assert_eq!(task.poll(&mut receiving), Poll::Ready(Ok(1)));
    drop(receiving);
    let soon = Duration::from_millis(3);
    assert_eq!(rx.recv_timeout(soon), Err(RecvTimeoutError::Timeout));
}

/// A waker that panics does not keep others from being woken, nor the channel from
/// being closed.
#[test]
fn a_waker_that_panics_harms_nobody_else() {
    struct Panics;
    impl Wake for Panics {
        fn wake(self: Arc<Self>) {
            panic!("told to panic");
        }
    }
    let panics = Waker::from(Arc::new(Panics));
    let mut context = Context::from_waker(&panics);
    let task = Arc::new(Task::default());

    let drops = Drops::default();
    let (mut tx, rx) = of_many(1);
    let (mut tx2, mut tx3) = (tx.clone(), tx.clone());
    tx3.try_send(drops.item()).unwrap();
    let mut first = tx.send_async(drops.item());
    let mut second = tx2.send_async(drops.item());
    assert!(Pin::new(&mut first).poll(&mut context).is_pending());
    assert!(task.poll(&mut second).is_pending());
    assert!(catch_unwind(AssertUnwindSafe(|| drop(rx))).is_err());
    assert_eq!((task.wakes(), drops.count()), (1, 1));
    assert!(task.poll(&mut second).is_ready() && task.poll(&mut first).is_ready());
    assert!(tx3.stats().is_exact() && tx3.stats().drained == 1);

    let (tx, mut rx) = of_many::<u8>(1);
    let mut rx2 = rx.clone();
    let (mut first, mut second) = (rx.recv_async(), rx2.recv_async());
    assert!(Pin::new(&mut first).poll(&mut context).is_pending());
    assert!(task.poll(&mut second).is_pending());
    assert!(catch_unwind(AssertUnwindSafe(|| drop(tx))).is_err());
    assert_eq!(task.wakes(), 2);
    assert_eq!(task.poll(&mut second), Poll::Ready(Err(RecvError)));
}

#[test]
fn futures_are_send_and_unpin() {
    fn assert_send_unpin<T: Send + Unpin>(_: &T) {}
    struct NotUnpin(
        #[allow(dead_code, reason = "only its type counts")] std::marker::PhantomPinned,
    );
    let (mut tx, mut rx) = blocking(1);
    assert_send_unpin(&tx.send_async(NotUnpin(std::marker::PhantomPinned)));
    assert_send_unpin(&tx.reserve_async());
    assert_send_unpin(&tx.try_reserve().unwrap());
    assert_send_unpin(&rx.recv_async());
    assert_send_unpin(&rx.recv_many_async(&mut Vec::new(), 1));
}

/// Whoever waits for the end alone is woken by it, and by nothing else.
#[test]
fn the_end_is_waited_for() {
    let (mut tx, mut rx) = blocking(1);
    let task = Arc::new(Task::default());
    let other = tx.shared.clone();
    let mut closed = rx.closed();
    assert!(task.poll(&mut closed).is_pending());
    tx.try_send(1).unwrap();
    tx.try_send(2).unwrap_err();
    assert_eq!((task.wakes(), task.wakers()), (0, 1));
    drop(closed);
    assert_eq!(task.wakers(), 0);

    let mut closed = tx.closed();
    assert!(task.poll(&mut closed).is_pending());
    rx.close_with("enough");
    assert_eq!(task.wakes(), 1);
    let Poll::Ready(Closed::With(error)) = task.poll(&mut closed) else {
        panic!("it was closed with an error");
    };
    assert_eq!(error.to_string(), "enough");
    drop(closed);
    drop((tx, rx));
    // What was first stays.
    assert_eq!(other.why_closed().unwrap().to_string(), "enough");
}

/// Where waits are short, a future that has to wait comes to give its turn away before it
/// leaves its waker, and does not do so for long.
#[test]
fn turns_are_given_away_where_that_pays() {
    let (mut tx, mut rx) = blocking(1);
    let task = Arc::new(Task::default());
    let mut gives_turn_away = |pays: bool| {
        let mut receiving = rx.recv_async();
        let before = task.wakes();
        assert!(task.poll(&mut receiving).is_pending());
        let gives = task.wakers() == 0;
        assert_eq!(task.wakes() - before, usize::from(gives));
        while gives && !pays && task.wakers() == 0 {
            assert!(task.poll(&mut receiving).is_pending());
        }
        tx.try_send(1).unwrap();
        assert_eq!(task.poll(&mut receiving), Poll::Ready(Ok(1)));
        gives
    };
    // Not at first, at times to try it, and then always.
    assert!(!gives_turn_away(true));
    assert!((0..10_000).any(|_| gives_turn_away(true)));
    assert!((0..10_000).any(|_| gives_turn_away(true) && gives_turn_away(true)));
    // Not any more, when it does not pay.
    assert!((0..10_000).any(|_| !gives_turn_away(false)));
}
