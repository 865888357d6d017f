//! The end: who goes, who closes, and what becomes of what is inside.

use super::*;

#[test]
fn a_sender_that_goes_leaves_its_items() {
    let (mut tx, mut rx) = blocking(2);
    tx.try_send(1).unwrap();
    tx.try_send(2).unwrap();
    drop(tx);
    assert!(rx.is_closed());
    assert_eq!(rx.recv(), Ok(1));
    assert_eq!(rx.recv_timeout(AT_ONCE), Ok(2));
    for _ in 0..2 {
        assert_eq!(rx.recv(), Err(RecvError));
        assert_eq!(rx.try_recv(), Err(TryRecvError::Disconnected));
        assert_eq!(
            rx.recv_timeout(AT_ONCE),
            Err(RecvTimeoutError::Disconnected)
        );
        assert_eq!(rx.recv_many(&mut vec![], 1), Err(RecvError));
        assert_eq!((rx.len(), rx.capacity()), (0, 2));
    }
    assert!(rx.stats().is_exact());
}

#[test]
fn a_receiver_that_goes_drops_its_items_at_once() {
    let drops = Drops::default();
    let (mut tx, rx) = blocking(4);
    for _ in 0..3 {
        tx.try_send(drops.item()).unwrap();
    }
    drop(rx);
    assert_eq!(drops.count(), 3);
    assert!(tx.is_closed());
    let back = tx.send(drops.item()).unwrap_err().into_inner();
    assert_eq!(drops.count(), 3);
    drop(back);
    assert!(tx.try_send(drops.item()).is_err());
    assert!(tx.send_timeout(drops.item(), Duration::MAX).is_err());
    let stats = tx.stats();
    assert_eq!((stats.stored, stats.drained, stats.depth), (3, 3, 0));
    assert_eq!((stats.offered, stats.refused_closed), (6, 3));
    assert!(stats.is_exact());
}

#[test]
fn either_side_closes_and_what_is_inside_is_received() {
    for by_sender in [true, false] {
        let (mut tx, mut rx) = blocking(2);
        tx.try_send(1).unwrap();
        for _ in 0..2 {
            if by_sender { tx.close() } else { rx.close() }
        }
        assert!(tx.is_closed() && rx.is_closed());
        assert_eq!(tx.send(2), Err(SendError(2)));
        assert_eq!(tx.try_send(2), Err(TrySendError::Disconnected(2)));
        let error = tx.send_many([3, 4]).unwrap_err();
        assert_eq!((error.stored, error.into_inner()), (0, vec![3]));
        assert_eq!(rx.recv(), Ok(1));
        assert_eq!(rx.recv(), Err(RecvError));
        drop(rx);
        let stats = tx.stats();
        assert_eq!((stats.stored, stats.delivered, stats.drained), (1, 1, 0));
        assert!(stats.is_exact());
    }
}

#[test]
fn closing_wakes_whoever_waits() {
    for drop_it in [true, false] {
        let (mut tx, mut rx) = blocking(1);
        tx.try_send(1).unwrap();
        let sender = thread::spawn(move || tx.send(2));
        while rx.stats().full_events == 0 {
            thread::yield_now();
        }
        rx.close();
        assert_eq!(sender.join().unwrap(), Err(SendError(2)));

        let (mut tx, mut rx) = blocking::<u8>(1);
        let receiver = thread::spawn(move || rx.recv());
        while tx.stats().empty_events == 0 {
            thread::yield_now();
        }
        if drop_it {
            drop(tx)
        } else {
            tx.close()
        }
        assert_eq!(receiver.join().unwrap(), Err(RecvError));
    }
}

#[test]
fn it_says_why_it_is_closed() {
    type Ends = (Sender<u8, Spsc>, Receiver<u8, Spsc>);
    let why = |close: fn(&mut Ends)| {
        let mut ends = blocking(1);
        assert!(ends.0.why_closed().is_none() && ends.1.why_closed().is_none());
        close(&mut ends);
        let [tx, rx] = [ends.0.why_closed().unwrap(), ends.1.why_closed().unwrap()];
        assert_eq!(tx.to_string(), rx.to_string());
        tx
    };
    assert!(matches!(why(|ends| ends.0.close()), Closed::BySender));
    assert!(matches!(why(|ends| ends.1.close()), Closed::ByReceiver));
    let error = why(|ends| {
        ends.0.close_with(std::fmt::Error);
        ends.1.close();
    });
    let source = std::error::Error::source(&error).unwrap();
    assert!(source.is::<std::fmt::Error>());
    let (tx, rx) = blocking::<u8>(1);
    drop(rx);
    assert!(matches!(tx.why_closed(), Some(Closed::ReceiversGone)));
    let (tx, rx) = blocking::<u8>(1);
    drop(tx);
    assert!(matches!(rx.why_closed(), Some(Closed::SendersGone)));
}

#[test]
fn draining_closes_and_takes_what_is_inside() {
    let (mut tx, mut rx) = blocking(4);
    let _ = tx.send_many(0..3).unwrap();
    assert!(rx.drain().eq(0..3));
    assert_eq!(tx.send(3), Err(SendError(3)));
    let stats = tx.stats();
    assert_eq!((stats.delivered, stats.drained), (3, 0));
}
