//! Receivers as streams.

use futures_core::{FusedStream, Stream};

use super::*;

fn next<S: Stream + Unpin>(task: &Arc<Task>, stream: &mut S) -> Poll<Option<S::Item>> {
    let waker = Waker::from(task.clone());
    Pin::new(stream).poll_next(&mut Context::from_waker(&waker))
}

#[test]
fn a_stream_ends_with_the_channel_and_stays_so() {
    let (mut tx, rx) = blocking(2);
    let task = Arc::new(Task::default());
    let mut stream = rx.into_stream();
    assert!(next(&task, &mut stream).is_pending());
    assert_eq!(tx.send_many([1, 2]).unwrap().stored, 2);
    assert_eq!(task.wakes(), 1);
    assert_eq!(next(&task, &mut stream), Poll::Ready(Some(1)));
    drop(tx);
    assert_eq!(next(&task, &mut stream), Poll::Ready(Some(2)));
    assert!(!stream.is_terminated());
    assert_eq!(next(&task, &mut stream), Poll::Ready(None));
    assert!(stream.is_terminated() && stream.get_ref().is_closed());
    assert_eq!(next(&task, &mut stream), Poll::Ready(None));
    assert_eq!(
        stream.into_inner().try_recv(),
        Err(TryRecvError::Disconnected)
    );
}

/// However a stream is left, it passes its wake-up on.
#[test]
fn a_stream_that_is_left_passes_its_wake_up_on() {
    for into_inner in [true, false] {
        let (mut tx, mut rx) = of_many(2);
        let mut other = rx.clone();
        let [task, next_task] = [(); 2].map(|()| Arc::new(Task::default()));
        let mut stream = rx.stream();
        assert!(next(&task, &mut stream).is_pending());
        let mut behind = other.recv_async();
        assert!(next_task.poll(&mut behind).is_pending());
        tx.try_send(1).unwrap();
        assert_eq!((task.wakes(), next_task.wakes()), (1, 0));
        if into_inner {
            let _ = stream.into_inner();
        } else {
            drop(stream);
        }
        assert_eq!((task.wakers(), next_task.wakes()), (0, 1));
        assert_eq!(next_task.poll(&mut behind), Poll::Ready(Ok(1)));
    }
}
