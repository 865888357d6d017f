//! Senders as sinks.

use futures_sink::Sink;

use super::*;

/// One call of a sink's, by a task.
fn call<S, R>(task: &Arc<Task>, sink: &mut S, call: fn(Pin<&mut S>, &mut Context<'_>) -> R) -> R
where
    S: Unpin,
{
    let waker = Waker::from(task.clone());
    call(Pin::new(sink), &mut Context::from_waker(&waker))
}

const OK: Poll<Result<(), SendError<u32>>> = Poll::Ready(Ok(()));

#[test]
fn a_sink_keeps_one_item_until_there_is_room() {
    let (tx, mut rx) = blocking(1);
    let task = Arc::new(Task::default());
    let mut sink = tx.into_sink();
    for item in [1, 2] {
        assert_eq!(call(&task, &mut sink, Sink::poll_ready), OK);
        Pin::new(&mut sink).start_send(item).unwrap();
    }
    assert!(call(&task, &mut sink, Sink::poll_ready).is_pending());
    let unasked = catch_unwind(AssertUnwindSafe(|| {
        Pin::new(&mut sink).start_send(3).is_ok()
    }));
    assert!(unasked.is_err());
    assert_eq!(rx.try_recv(), Ok(1));
    assert_eq!(task.wakes(), 1);
    assert_eq!(call(&task, &mut sink, Sink::poll_flush), OK);
    Pin::new(&mut sink).start_send(3).unwrap();
    assert!(call(&task, &mut sink, Sink::poll_close).is_pending());
    assert_eq!(rx.try_recv(), Ok(2));
    assert_eq!(call(&task, &mut sink, Sink::poll_close), OK);
    assert_eq!(Pin::new(&mut sink).start_send(4), Err(SendError(4)));
    assert!(sink.get_ref().is_none());
    assert!(rx.iter().eq([3])); // the only sender is gone
    let stats = rx.stats();
    assert_eq!((stats.full_events, stats.offered), (2, 3));
    assert!(stats.is_exact());
}

#[test]
fn what_is_in_a_sink_is_not_lost() {
    let (mut tx, mut rx) = blocking(1);
    let task = Arc::new(Task::default());
    let fill =
        |sink: &mut crate::channel::SendSink<u32, Sender<u32, Spsc>, &mut Sender<u32, Spsc>>,
         item| {
            assert_eq!(call(&task, sink, Sink::poll_ready), OK);
            Pin::new(sink).start_send(item).unwrap();
        };
    tx.try_send(0).unwrap();
    let mut sink = tx.sink();
    fill(&mut sink, 1);
    assert!(call(&task, &mut sink, Sink::poll_flush).is_pending());
    let (tx, item) = sink.into_parts();
    assert_eq!((item, task.wakers()), (Some(1), 0));

    let tx = tx.unwrap();
    let mut sink = tx.sink();
    fill(&mut sink, 2);
    drop(sink);
    assert_eq!(tx.stats().refused_cancelled, 2);

    let mut sink = tx.sink();
    fill(&mut sink, 3);
    rx.close();
    let flushed = call(&task, &mut sink, Sink::poll_flush);
    assert_eq!(flushed, Poll::Ready(Err(SendError(3))));
    assert_eq!(call(&task, &mut sink, Sink::poll_ready), OK);
    assert_eq!(Pin::new(&mut sink).start_send(4), Err(SendError(4)));
    drop(sink);
    let stats = tx.stats();
    assert_eq!((stats.offered, stats.refused_closed), (5, 2));
    assert!(stats.is_exact());
}

#[test]
fn a_sink_drops_what_is_refused_and_counts_it() {
    let (mut tx, _rx) = dropping(1);
    let mut sink = tx.sink();
    let task = Arc::new(Task::default());
    for item in 0..3 {
        assert_eq!(call(&task, &mut sink, Sink::poll_ready), OK);
        Pin::new(&mut sink).start_send(item).unwrap();
    }
    assert_eq!(call(&task, &mut sink, Sink::poll_close), OK);
    drop(sink);
    assert!(!tx.is_closed());
    assert_eq!((tx.stats().stored, tx.stats().refused_newest), (1, 2));
}

#[test]
fn a_sink_waits_for_credit() {
    let pool = crate::credit::Pool::new(10);
    let (tx, mut rx) = crate::channel(1).weighted(&pool, |_: &u32| 6).build();
    let task = Arc::new(Task::default());
    let mut sink = tx.into_sink();
    for item in [1, 2] {
        assert!(call(&task, &mut sink, Sink::poll_ready).is_ready());
        Pin::new(&mut sink).start_send(item).unwrap();
    }
    assert!(call(&task, &mut sink, Sink::poll_ready).is_pending());
    let first = rx.try_recv().unwrap();
    assert_eq!(task.wakes(), 0); // there is a slot, but no credit
    assert!(call(&task, &mut sink, Sink::poll_ready).is_pending());
    drop(first);
    assert_eq!(task.wakes(), 1);
    assert!(call(&task, &mut sink, Sink::poll_ready).is_ready());
    assert_eq!(rx.try_recv().unwrap().into_inner(), 2);

    let held = pool.acquire(10).unwrap();
    Pin::new(&mut sink).start_send(3).unwrap();
    assert!(call(&task, &mut sink, Sink::poll_flush).is_pending());
    rx.close();
    assert_eq!(task.wakes(), 2);
    let Poll::Ready(Err(error)) = call(&task, &mut sink, Sink::poll_flush) else {
        panic!("it is closed");
    };
    assert_eq!((error.item, error.is_disconnected()), (3, true));
    drop(held);
    assert_eq!((pool.free(), rx.stats().refused_closed), (10, 1));
    assert!(rx.stats().is_exact());
}
