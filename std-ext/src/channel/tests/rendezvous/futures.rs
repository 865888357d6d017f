//! Handing over by futures.

use super::*;

#[test]
fn the_last_receiver_leaves_items_to_their_senders() {
    let (mut tx, rx) = handing_over();
    let (mut second, other) = (tx.clone(), rx.clone());
    let mut third = tx.clone();
    let task = Arc::new(Task::default());
    let (mut sending, mut also_sending) = (tx.send_async(1), second.send_async(2));
    assert!(task.poll(&mut sending).is_pending() && task.poll(&mut also_sending).is_pending());
    let back = beside(
        || third.send(3),
        || {
            until_offered(&rx, 3);
            drop(other);
            assert!(!rx.is_closed());
            drop(rx);
        },
    );
    assert_eq!(back, Err(SendError(3)));
    assert_eq!(task.wakes(), 2);
    assert_eq!(task.poll(&mut sending), Poll::Ready(Err(SendError(1))));
    assert_eq!(also_sending.into_inner(), Some(2));
    drop(sending);
    let stats = tx.stats();
    assert_eq!((stats.refused_closed, stats.refused_cancelled), (2, 1));
    assert!(stats.is_exact() && stats.stored == 0);
}

#[test]
fn the_sender_whose_item_was_taken_is_woken() {
    let (mut tx, mut rx) = handing_over();
    let (mut second, mut third) = (tx.clone(), tx.clone());
    let tasks: [Arc<Task>; 3] = Default::default();
    let mut a = tx.send_async('a');
    let mut b = second.send_async('b');
    let mut c = third.send_async('c');
    assert!(tasks[0].poll(&mut a).is_pending());
    assert!(tasks[1].poll(&mut b).is_pending());
    assert!(tasks[2].poll(&mut c).is_pending());
    assert_eq!(rx.try_recv(), Ok('a'));
    assert!(tasks[2].poll(&mut c).is_pending() && tasks[1].poll(&mut b).is_pending());
    let before = tasks[1].wakes();
    assert_eq!(rx.try_recv(), Ok('b'));
    assert_eq!(tasks[1].wakes(), before + 1);
}

#[test]
fn futures_meet_whoever_comes() {
    let (mut tx, mut rx) = handing_over();
    let task = Arc::new(Task::default());
    let mut sending = tx.send_async(1);
    assert!(task.poll(&mut sending).is_pending() && task.poll(&mut sending).is_pending());
    assert_eq!(rx.try_recv(), Ok(1));
    assert_eq!((task.wakes(), task.wakers()), (1, 0));
    assert_eq!(task.poll(&mut sending), Poll::Ready(Ok(Sent::Stored)));
    drop(sending);

    // A send that does not wait finds no future, since that may be dropped.
    let mut receiving = rx.recv_async();
    assert!(task.poll(&mut receiving).is_pending());
    assert_eq!(tx.try_send(2), Err(TrySendError::Full(2)));
    let mut sending = tx.send_async(2);
    assert!(task.poll(&mut sending).is_pending());
    assert_eq!(task.wakes(), 2);
    assert_eq!(task.poll(&mut receiving), Poll::Ready(Ok(2)));
    assert_eq!(task.poll(&mut sending), Poll::Ready(Ok(Sent::Stored)));
    drop((sending, receiving));

    let sent = beside(
        || tx.send(3),
        || assert_eq!(block_on(rx.recv_async()), Ok(3)),
    );
    assert_eq!(sent, Ok(Sent::Stored));
    let received = beside(
        || rx.recv(),
        || assert!(block_on(tx.send_async(4)).unwrap().is_stored()),
    );
    assert_eq!(received, Ok(4));
    let stats = tx.stats();
    assert_eq!(
        (stats.delivered, stats.refused_full, stats.refused),
        (4, 1, 1)
    );
    assert!(stats.is_exact() && task.wakers() == 0);
}

#[test]
fn a_future_that_goes_takes_its_item_along() {
    let (mut tx, mut rx) = handing_over();
    let task = Arc::new(Task::default());
    let mut sending = tx.send_async(1);
    assert!(task.poll(&mut sending).is_pending());
    drop(sending);
    assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
    let mut sending = tx.send_async(2);
    assert!(task.poll(&mut sending).is_pending());
    assert_eq!(sending.into_inner(), Some(2));
    let mut sending = tx.send_async(3);
    assert!(task.poll(&mut sending).is_pending());
    assert_eq!(rx.try_recv(), Ok(3));
    assert_eq!(sending.into_inner(), None);
    let mut sending = tx.send_async(4);
    assert!(task.poll(&mut sending).is_pending());
    rx.close();
    assert_eq!(task.poll(&mut sending), Poll::Ready(Err(SendError(4))));
    drop(sending);
    assert_eq!(rx.try_recv(), Err(TryRecvError::Disconnected));
    let stats = tx.stats();
    assert_eq!((stats.refused_cancelled, stats.refused_closed), (2, 1));
    assert_eq!((stats.offered, stats.delivered), (4, 1));
    assert!(stats.is_exact() && task.wakers() == 0);
}

#[cfg(feature = "sink")]
#[test]
fn a_sink_hands_over_when_it_is_flushed() {
    use futures_sink::Sink;

    let (tx, mut rx) = handing_over();
    let monitor = tx.monitor();
    let mut sink = tx.into_sink();
    let waker = Waker::noop();
    let mut context = Context::from_waker(waker);
    for item in 0..3 {
        let mut sink = Pin::new(&mut sink);
        assert!(sink.as_mut().poll_ready(&mut context).is_ready());
        sink.as_mut().start_send(item).unwrap();
        assert!(sink.as_mut().poll_flush(&mut context).is_pending());
        assert_eq!(rx.try_recv(), Ok(item));
        if item == 0 {
            assert!(sink.poll_flush(&mut context).is_ready());
        } else if item == 1 {
            assert!(sink.poll_ready(&mut context).is_ready());
        }
    }
    // It was received, though nobody asked.
    assert_eq!(sink.into_parts().1, None);
    let stats = monitor.stats();
    assert_eq!((stats.offered, stats.delivered), (3, 3));
    assert!(stats.is_exact());
}
