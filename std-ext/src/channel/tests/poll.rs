//! Poll and commit, of both flavours.

use std::pin::Pin;
use std::sync::atomic::AtomicBool;
use std::task::{Context, Poll, Waker};

use super::future::Task;
use super::*;
use crate::Polled;
use crate::flavour::{Mpsc, OneReceiver};
use crate::watermarks::{MarkFuture, Watermarks, WatermarksError};

type Ends<T, F> = (Sender<T, F>, Polled<T, F>);

fn spsc<T>(capacity: usize) -> Ends<T, Spsc> {
    let (tx, rx) = channel(capacity).spsc().build();
    (tx, rx.polled().unwrap())
}

fn mpsc<T>(capacity: usize) -> Ends<T, Mpsc> {
    let (tx, rx) = channel(capacity).mpsc().build();
    (tx, rx.polled().unwrap())
}

/// Longer than any test.
const EVER: Duration = Duration::MAX;

#[test]
fn nothing_is_taken_until_committed() {
    fn test<F: OneReceiver>((mut tx, mut rx): Ends<u32, F>) {
        assert_eq!(rx.try_poll(4).unwrap_err(), TryRecvError::Empty);
        for lap in 0..5 {
            let _ = tx.send_many([lap, 1, 2]).unwrap();
            assert!(tx.try_send(9).unwrap_err().is_full());
            drop(rx.poll(2, EVER).unwrap());

            let mut batch = rx.try_poll(usize::MAX).unwrap();
            assert_eq!((batch.len(), batch.redelivered()), (3, 2));
            assert!(batch.iter().eq(&[lap, 1, 2]) && batch.iter().rev().eq(&[2, 1, lap]));
            assert!((&batch).into_iter().len() == 3 && batch.get(3).is_none());
            batch[2] = 7;
            batch.commit_up_to(1);
            assert_eq!((rx.receiver().len(), rx.stats().depth), (2, 2));
            tx.try_send(3).unwrap();
            assert!(tx.is_full());

            let batch = rx.poll(3, AT_ONCE).unwrap();
            assert!(batch.iter().eq(&[1, 7, 3]) && batch.redelivered() == 2);
            batch.commit();
            assert!(tx.is_empty());
        }
        let stats = rx.stats();
        assert_eq!((stats.delivered, stats.redelivered), (20, 20));
        assert!(stats.is_exact());
        assert!(rx.try_poll(0).unwrap().is_empty());
        assert!(
            catch_unwind(AssertUnwindSafe(|| rx.try_poll(0).unwrap().commit_up_to(1))).is_err()
        );
    }
    test(spsc(3));
    test(mpsc(3));
}

#[test]
fn slices_are_those_of_the_ring() {
    let (mut tx, mut rx) = spsc(4);
    let _ = tx.send_many([0, 1, 2]).unwrap();
    rx.poll(3, AT_ONCE).unwrap().commit();
    let _ = tx.send_many([3, 4, 5]).unwrap();
    let mut batch = rx.poll(3, AT_ONCE).unwrap();
    assert_eq!(batch.as_slices(), (&[3][..], &[4, 5][..]));
    batch.as_mut_slices().1[1] = 6;
    assert_eq!((batch[0], batch[1], batch[2]), (3, 4, 6));
    batch[1] = 8;
    assert!(batch.iter().eq(&[3, 8, 6]));
}

#[test]
fn where_items_do_not_stay_there_is_no_poll() {
    let evicting = channel::<u8>(1).spsc().on_full(OnFull::DropOldest).build();
    let refused = evicting.1.polled().unwrap_err();
    assert!(refused.to_string().contains("cannot be polled"));
    let mut rx = refused.into_inner();
    rx.close();
    assert!(rx.recv().is_err() && rx.polled().is_err()); // also once it has ended
    assert!(channel::<u8>(0).mpsc().build().1.polled().is_err());
    let (_tx, rx) = channel::<u8>(1).mpsc().build();
    assert!(rx.polled().unwrap().into_inner().is_empty());
}

#[test]
fn a_closed_channel_is_polled_until_it_is_empty() {
    fn test<F: OneReceiver>((mut tx, mut rx): Ends<u32, F>) {
        let _ = tx.send_many([1, 2, 3]).unwrap();
        drop(tx);
        // Nothing more can come, so it does not linger.
        drop(rx.poll(4, EVER).unwrap());
        rx.poll(2, EVER).unwrap().commit_up_to(2);
        rx.poll_timeout(2, EVER, EVER).unwrap().commit();
        assert_eq!(rx.poll(2, EVER).unwrap_err(), RecvError);
        assert!(rx.try_poll(1).unwrap_err().is_disconnected());
        assert_eq!(rx.stats().delivered, 3);
        assert!(rx.into_inner().polled().unwrap().try_poll(0).is_err());
    }
    test(spsc(4));
    test(mpsc(4));
}

#[test]
fn a_poll_has_its_time() {
    let (mut tx, mut rx) = spsc(4);
    let timeout = RecvTimeoutError::Timeout;
    assert_eq!(rx.poll_timeout(2, EVER, AT_ONCE).unwrap_err(), timeout);
    assert_eq!(
        rx.poll_deadline(2, EVER, Instant::now()).unwrap_err(),
        timeout
    );
    tx.try_send(1).unwrap();
    let soon = Duration::from_millis(1);
    assert_eq!(rx.poll_timeout(2, soon, AT_ONCE).unwrap().len(), 1);
    let _ = tx.send_many([2, 3, 4]).unwrap();
    // Full: no more can come.
    assert_eq!(rx.poll(9, EVER).unwrap().len(), 4);
    assert_eq!(rx.stats().empty_events, 2);
}

#[test]
fn polls_and_sends_wait_for_each_other() {
    fn test<F: OneReceiver>((mut tx, mut rx): Ends<usize, F>)
    where
        Sender<usize, F>: Send,
        Polled<usize, F>: Send,
    {
        let items = items_each(3);
        thread::scope(|scope| {
            scope.spawn(move || (0..items).try_for_each(|item| tx.send(item).map(drop)));
            let (mut next, mut random) = (0, 1u32);
            while let Ok(batch) = rx.poll(2, Duration::from_micros(next as u64 % 3)) {
                assert!(batch.iter().copied().eq(next..next + batch.len()));
                random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let n = batch.len().min((random >> 30) as usize);
                next += n;
                batch.commit_up_to(n);
            }
            assert_eq!(next, items);
        });
    }
    test(spsc(3));
    test(mpsc(3));
}

/// What two senders send is committed once each, in the order of each.
#[test]
fn one_commit_lets_all_senders_go_on() {
    let (tx, mut rx) = mpsc(4);
    let items = items_each(4) / 2;
    thread::scope(|scope| {
        for sender in 0..3 {
            let mut tx = tx.clone();
            scope.spawn(move || (0..items).try_for_each(|item| tx.send((sender, item)).map(drop)));
        }
        drop(tx);
        let mut next = [0; 3];
        while let Ok(batch) = rx.poll(4, AT_ONCE) {
            for &(sender, item) in &batch {
                assert_eq!(item, next[sender]);
                next[sender] += 1;
            }
            batch.commit();
        }
        assert_eq!(next, [items; 3]);
    });
}

#[test]
fn whoever_panics_loses_nothing() {
    let (mut tx, mut rx) = spsc(8);
    let _ = tx.send_many(0..8).unwrap();
    let worker = catch_unwind(AssertUnwindSafe(|| {
        let batch = rx.poll(5, AT_ONCE).unwrap();
        assert!(batch.is_empty(), "told to panic");
        batch.commit();
    }));
    assert!(worker.is_err());
    let batch = rx.poll(8, AT_ONCE).unwrap();
    assert!(batch.iter().eq(&[0, 1, 2, 3, 4, 5, 6, 7]) && batch.redelivered() == 5);
}

#[test]
fn a_drop_that_panics_commits_up_to_itself() {
    fn test<F: OneReceiver>((mut tx, mut rx): Ends<Counted, F>, drops: &Drops)
    where
        Sender<Counted, F>: Send,
    {
        let item = |panics| Counted(drops.clone(), panics);
        for panics in [false, true, false, false] {
            tx.try_send(item(panics)).unwrap();
        }
        thread::scope(|scope| {
            // The room that it waits for comes by the commit that panics.
            let sends = scope.spawn(|| drop(tx.send(item(false)).unwrap()));
            while rx.stats().full_events == 0 {
                thread::yield_now();
            }
            let batch = rx.poll(3, AT_ONCE).unwrap();
            assert!(catch_unwind(AssertUnwindSafe(|| batch.commit())).is_err());
            sends.join().unwrap();
        });
        assert_eq!(drops.count(), 2);
        let stats = rx.stats();
        assert_eq!((stats.delivered, stats.depth), (2, 3));
        // The third was in that batch.
        assert_eq!(rx.poll(4, AT_ONCE).unwrap().redelivered(), 1);
        drop(rx);
        assert_eq!(drops.count(), 5);
        let stats = tx.stats();
        assert_eq!((stats.delivered, stats.drained, stats.depth), (2, 3, 0));
        assert!(stats.is_exact());
        drops.0.store(0, Relaxed);
    }
    let drops = Drops::default();
    test(spsc(4), &drops);
    test(mpsc(4), &drops);
}

#[test]
fn futures_poll() {
    fn test<F: OneReceiver>((mut tx, mut rx): Ends<u32, F>) {
        let mut context = Context::from_waker(Waker::noop());
        for _ in 0..3 {
            // Dropped while it waits.
            assert!(
                Pin::new(&mut rx.poll_async(2))
                    .poll(&mut context)
                    .is_pending()
            );
        }
        let mut polling = rx.poll_async(2);
        assert!(Pin::new(&mut polling).poll(&mut context).is_pending());
        let _ = tx.send_many([1, 2, 3]).unwrap();
        let Poll::Ready(Ok(batch)) = Pin::new(&mut polling).poll(&mut context) else {
            panic!("there are items");
        };
        assert!(batch.iter().eq(&[1, 2]));
        batch.commit();
        drop(polling);
        drop(tx);
        let Poll::Ready(Ok(batch)) = Pin::new(&mut rx.poll_async(2)).poll(&mut context) else {
            panic!("there is an item");
        };
        batch.commit();
        let polled = Pin::new(&mut rx.poll_async(2))
            .poll(&mut context)
            .is_ready();
        assert!(polled && rx.try_poll(1).unwrap_err().is_disconnected());
    }
    test(spsc(3));
    test(mpsc(3));
}

#[test]
fn a_paused_receiver_waits() {
    let (mut tx, mut rx) = spsc(4);
    let pauser = rx.pauser();
    let _ = tx.send_many([1, 2]).unwrap();
    pauser.clone().pause();
    assert!(pauser.is_paused() && rx.try_poll(2).unwrap_err().is_empty());
    assert!(rx.poll_timeout(2, EVER, AT_ONCE).unwrap_err().is_timeout());
    assert!(rx.try_poll(0).unwrap().is_empty());
    let monitor = tx.monitor();
    drop(tx);
    assert!(rx.try_poll(2).unwrap_err().is_empty()); // closed, not empty
    thread::scope(|scope| {
        scope.spawn(|| {
            while monitor.stats().empty_events < 4 {
                thread::yield_now();
            }
            pauser.resume();
        });
        rx.poll(2, AT_ONCE).unwrap().commit();
    });
    pauser.pause();
    assert!(rx.poll(2, AT_ONCE).is_err()); // closed and empty
}

#[test]
fn watermarks_have_hysteresis() {
    let (mut tx, rx) = spsc(8);
    let told = Arc::new(std::sync::Mutex::new(Vec::new()));
    let log = told.clone();
    let hook = move |is_high| log.lock().unwrap().push(is_high);
    let new = |high, low| Watermarks::new(tx.monitor(), high, low, |_| ()).err();
    assert_eq!(new(3, 3), Some(WatermarksError::Order));
    assert_eq!(new(9, 3), Some(WatermarksError::TooHigh));
    let marks = Watermarks::new(tx.monitor(), 6, 2, hook).unwrap();
    let mut rx = rx.with_watermarks(marks.clone());
    for _ in 0..3 {
        for depth in 1..=8 {
            tx.try_send(depth).unwrap();
            assert_eq!(marks.look(), depth >= 6);
        }
        for depth in (0..8).rev() {
            assert!(marks.is_high() == (depth >= 2));
            rx.poll(1, AT_ONCE).unwrap().commit();
        }
    }
    assert_eq!(*told.lock().unwrap(), [true, false].repeat(3));
    // A poll notices it too, and so does the end.
    let _ = tx.send_many(0..6).unwrap();
    drop(rx.poll(1, AT_ONCE).unwrap());
    assert!(marks.is_high());
    drop(rx);
    assert!(!marks.is_high());
}

/// Whoever waits for a mark is woken by the look that finds it, and by no other.
#[test]
fn watermarks_are_awaited() {
    let (mut tx, rx) = spsc(4);
    let mut rx = rx.into_inner();
    let marks = Watermarks::new(tx.monitor(), 3, 1, |_| ()).unwrap();
    let task = Arc::new(Task::default());
    let poll = |future: &mut MarkFuture<'_>| task.poll(future);
    assert!(poll(&mut marks.low()).is_ready());
    let mut high = marks.high();
    let mut also_high = marks.high();
    assert!(poll(&mut high).is_pending() && poll(&mut also_high).is_pending());
    let _ = tx.send_many(0..2).unwrap();
    marks.look();
    assert_eq!(task.wakes(), 0);
    let _ = tx.send_many(2..4).unwrap();
    marks.look();
    assert_eq!(task.wakes(), 2);
    assert!(poll(&mut high).is_ready() && poll(&mut also_high).is_ready());
    let mut low = marks.low();
    assert!(poll(&mut low).is_pending());
    drop(marks.low());
    for left in (1..4).rev() {
        assert_eq!(rx.recv(), Ok(3 - left));
        marks.look();
    }
    assert_eq!(task.wakes(), 3);
    assert!(poll(&mut low).is_ready());
}

/// However looks and hooks cross, what the hook was told last is how it stands.
#[test]
fn watermarks_tell_last_how_it_stands() {
    let (mut tx, rx) = spsc(4);
    let paused = Arc::new(AtomicBool::new(false));
    let calls = Arc::new(AtomicUsize::new(0));
    let (hook_paused, hook_calls) = (paused.clone(), calls.clone());
    let marks = Watermarks::new(tx.monitor(), 3, 1, move |is_high| {
        assert_ne!(hook_paused.swap(is_high, Relaxed), is_high, "by turns");
        if hook_calls.fetch_add(1, Relaxed) == 0 {
            panic!("told to panic");
        }
    })
    .unwrap();
    let _ = tx.send_many(0..3).unwrap();
    assert!(catch_unwind(|| marks.look()).is_err());
    assert!(marks.look() && calls.load(Relaxed) == 1);
    let mut rx = rx.with_watermarks(marks.clone());
    let items = items_each(4);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut sent = 3;
            while sent < items {
                // As a source that is paused: else this would deadlock if a call were lost.
                if paused.load(Relaxed) || tx.is_full() {
                    thread::yield_now();
                    continue;
                }
                tx.try_send(sent).unwrap();
                sent += 1;
                marks.look();
            }
            drop(tx);
        });
        let mut received = 0;
        while let Ok(batch) = rx.poll(2, AT_ONCE) {
            received += batch.len();
            batch.commit();
        }
        assert_eq!(received, items);
    });
    assert!(!paused.load(Relaxed));
}
