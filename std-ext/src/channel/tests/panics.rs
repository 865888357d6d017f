//! Panics of items and iterators.

use super::*;

#[test]
fn a_panic_in_user_code_leaves_the_channel_whole() {
    let (mut tx, mut rx) = blocking(4);
    let items = (0..3).inspect(|&item| assert!(item < 2, "told to panic"));
    assert!(catch_unwind(AssertUnwindSafe(|| tx.send_many(items))).is_err());
    assert!(rx.try_iter().eq(0..2));
    tx.try_send(7).unwrap();
    assert_eq!(rx.recv(), Ok(7));

    let drops = Drops::default();
    let (mut tx, rx) = blocking(3);
    for panics in [true, false, false] {
        tx.try_send(Counted(drops.clone(), panics)).unwrap();
    }
    assert!(catch_unwind(AssertUnwindSafe(|| drop(rx))).is_err());
    assert_eq!(drops.count(), 3);
    assert!(tx.send(drops.item()).is_err());
    let stats = tx.stats();
    assert_eq!((stats.drained, stats.depth), (3, 0));
    assert!(stats.is_exact());
}

/// What was pushed while the receiver went does not wait for the sender to go.
#[test]
fn a_panicking_batch_leaves_nothing_behind() {
    let drops = Drops::default();
    let (mut tx, rx) = blocking(4);
    let mut rx = Some(rx);
    let items = (0..3).map(|n| {
        assert!(n < 2, "told to panic");
        rx = rx.take().filter(|_| n < 1);
        drops.item()
    });
    assert!(catch_unwind(AssertUnwindSafe(|| tx.send_many(items))).is_err());
    assert_eq!(drops.count(), 2);
    let stats = tx.stats();
    assert_eq!(
        (stats.offered, stats.refused_closed, stats.depth),
        (2, 2, 0)
    );
    assert!(stats.is_exact());
}

#[test]
fn a_panicking_batch_wakes_the_receiver() {
    let (mut tx, mut rx) = blocking(4);
    let receiver = thread::spawn(move || rx.recv());
    while tx.stats().empty_events == 0 {
        thread::yield_now();
    }
    let items = (0..2).inspect(|&item| assert!(item < 1, "told to panic"));
    assert!(catch_unwind(AssertUnwindSafe(|| tx.send_many(items))).is_err());
    assert_eq!(receiver.join().unwrap(), Ok(0));
}
