//! What full channels do, and what is told of it.

use std::sync::Mutex;

use super::*;
use crate::flavour::Flavour;
use crate::{EarlyDrop, Reason};

/// A hook's diary.
#[derive(Clone, Debug, Default)]
struct Diary(Arc<Mutex<Vec<(usize, Reason)>>>);

impl Diary {
    fn hook(&self) -> impl Fn(&usize, Reason) + Send + Sync + use<> {
        let diary = self.clone();
        move |&item, reason| diary.0.lock().unwrap().push((item, reason))
    }

    fn take(&self) -> Vec<(usize, Reason)> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

#[test]
fn drop_oldest_keeps_the_latest() {
    fn keeps<F: Flavour>((mut tx, mut rx): (Sender<usize, F>, Receiver<usize, F>)) {
        assert_eq!(tx.capacity(), 3);
        assert_eq!(tx.send_many(0..3).unwrap().stored, 3);
        assert_eq!(tx.send(3), Ok(Sent::Evicted(0)));
        assert_eq!(tx.send_timeout(4, AT_ONCE), Ok(Sent::Evicted(1)));
        assert_eq!(tx.try_send(5), Err(TrySendError::Full(5)));
        assert_eq!(rx.recv(), Ok(2));
        let sent = tx.send_many(6..9).unwrap();
        assert_eq!((sent.stored, sent.evicted), (3, vec![3, 4]));
        assert_eq!(rx.lost(), 4);
        let mut items = Vec::new();
        assert_eq!(rx.recv_many(&mut items, 2), Ok(2));
        assert_eq!(items, [6, 7]);
        assert_eq!((rx.recv(), rx.lost()), (Ok(8), 0));
        assert_eq!(tx.send(9), Ok(Sent::Stored));
        drop(rx);
        assert_eq!(tx.send(10), Err(SendError(10)));
        let stats = tx.stats();
        assert_eq!(
            (stats.offered, stats.stored, stats.refused),
            (11, 9, 2),
            "{stats}"
        );
        assert_eq!((stats.refused_full, stats.refused_closed), (1, 1));
        assert_eq!((stats.delivered, stats.evicted, stats.drained), (4, 4, 1));
        assert_eq!((stats.full_events, stats.high_water), (5, 3));
        assert!(stats.is_exact(), "{stats}");
    }
    let builder = channel(3).on_full(OnFull::DropOldest);
    keeps(builder.clone().spsc().build());
    keeps(builder.clone().mpsc().build());
    keeps(builder.clone().spmc().build());
    keeps(builder.clone().mpmc().build());
    keeps(builder.mpsc().reservable().build());
}

#[test]
fn drop_random_refuses_more_when_fuller() {
    fn run(seed: u64) -> (Vec<usize>, Vec<usize>) {
        let rule = EarlyDrop::new(2, 6, 0.5).unwrap().with_seed(seed);
        let builder = channel(8).spsc().on_full(OnFull::DropRandom(rule));
        let (mut tx, mut rx) = builder.build();
        let sent = tx.send_many(0..100).unwrap();
        let stats = tx.stats();
        assert_eq!((stats.depth, stats.refused_random), (6, 94));
        assert_eq!((stats.refused, stats.full_events), (94, 94));
        assert!(stats.is_exact(), "{stats}");
        assert_eq!(rx.lost(), 94);
        assert_eq!(sent.stored, 6);
        (rx.try_iter().collect(), sent.refused)
    }
    let (stored, refused) = run(1);
    assert_eq!(stored[..3], [0, 1, 2]);
    assert_eq!([&stored[..], &refused].concat().len(), 100);
    assert_eq!((stored, refused), run(1));
    assert!((2..20).any(|seed| run(seed) != run(1)));

    // Thresholds beyond the capacity: it refuses when it is full.
    let rule = EarlyDrop::new(100, 200, 0.5).unwrap();
    let (mut tx, _rx) = channel(2).on_full(OnFull::DropRandom(rule)).build();
    assert_eq!(tx.send_many(0..3).unwrap().refused, [2]);
}

#[test]
fn the_hook_sees_what_is_dropped_and_why() {
    let diary = Diary::default();
    let (mut tx, rx) = channel(1)
        .spsc()
        .on_full(OnFull::DropNewest)
        .on_drop(diary.hook())
        .build();
    let _ = tx.send_many(0..2).unwrap();
    tx.try_send(2).unwrap_err();
    assert_eq!(diary.take(), [(1, Reason::Newest)]);
    drop(rx);
    tx.send(3).unwrap_err();
    assert_eq!(diary.take(), [(0, Reason::Drained)]);

    let (mut tx, rx) = channel(1)
        .on_full(OnFull::DropOldest)
        .on_drop(diary.hook())
        .build();
    let _ = tx.send_many(0..2).unwrap();
    drop(rx);
    assert_eq!(diary.take(), [(0, Reason::Oldest), (1, Reason::Drained)]);

    let rule = EarlyDrop::new(0, 1, 1.0).unwrap();
    let (mut tx, _rx) = channel(1)
        .on_full(OnFull::DropRandom(rule))
        .on_drop(diary.hook())
        .build();
    let _ = tx.send_many(0..2).unwrap();
    assert_eq!(diary.take(), [(1, Reason::Random)]);
}

/// A hook that panics takes its item with it, and nothing else.
#[test]
fn a_panicking_hook_harms_nothing() {
    let drops = Drops::default();
    let (mut tx, mut rx) = channel(2)
        .on_full(OnFull::DropOldest)
        .on_drop(|_: &Counted, _| panic!("told to panic"))
        .build();
    (0..2).for_each(|_| tx.try_send(drops.item()).unwrap());
    let sent = catch_unwind(AssertUnwindSafe(|| tx.send(drops.item()).is_ok()));
    assert!(sent.is_err());
    assert_eq!((drops.count(), tx.len()), (1, 2));
    drop(rx.recv().unwrap());
    tx.try_send(drops.item()).unwrap();
    // The first item's hook panics, and the second's in the guard: as with two items whose
    // `Drop` panics. So one is left.
    drop(rx.recv().unwrap());
    let gone = catch_unwind(AssertUnwindSafe(|| drop(rx)));
    assert!(gone.is_err());
    assert_eq!(drops.count(), 4);
    let stats = tx.stats();
    assert_eq!((stats.stored, stats.evicted), (4, 1));
    assert_eq!((stats.delivered, stats.drained, stats.depth), (2, 1, 0));
    assert!(stats.is_exact(), "{stats}");
}

/// The hook and an item's `Drop` may use the channel that drops them.
#[test]
fn the_hook_may_use_the_channel() {
    let ends = Arc::new(Mutex::new(None::<Sender<usize>>));
    let inner = ends.clone();
    let (tx, rx) = channel(2)
        .on_drop(move |&item, _| {
            if let Some(tx) = &mut *inner.lock().unwrap() {
                assert_eq!(tx.try_send(item), Err(TrySendError::Disconnected(item)));
            }
        })
        .build();
    *ends.lock().unwrap() = Some(tx.clone());
    let mut tx = tx;
    tx.try_send(1).unwrap();
    drop(rx);
    assert_eq!((tx.stats().drained, tx.stats().refused_closed), (1, 1));
    ends.lock().unwrap().take();
}

/// The latest of many senders, and what gave way, are together all that was sent.
#[test]
fn many_threads_evict_exactly() {
    const ITEMS: usize = if cfg!(miri) { 50 } else { 20_000 };
    for capacity in [1, 2, 64] {
        let hooked = Arc::new(AtomicUsize::new(0));
        let counter = hooked.clone();
        let (tx, rx) = channel(capacity)
            .on_full(OnFull::DropOldest)
            .on_drop(move |_: &usize, _| {
                counter.fetch_add(1, Relaxed);
            })
            .build();
        let monitor = tx.monitor();
        let (evicted, received) = thread::scope(|scope| {
            let receivers = [rx.clone(), rx].map(|mut rx| {
                scope.spawn(move || {
                    let mut all = Vec::new();
                    while let Ok(item) = rx.recv() {
                        all.push(item);
                        let _ = rx.recv_many(&mut all, 2);
                    }
                    all
                })
            });
            let senders = [(tx.clone(), 0), (tx, ITEMS)].map(|(mut tx, first)| {
                scope.spawn(move || {
                    let send = |item| tx.send(item).unwrap().into_dropped();
                    (first..first + ITEMS).filter_map(send).collect::<Vec<_>>()
                })
            });
            let evicted = senders.map(|thread| thread.join().unwrap()).concat();
            let received = receivers.map(|thread| thread.join().unwrap()).concat();
            (evicted, received)
        });
        let mut all = [&evicted[..], &received].concat();
        all.sort_unstable();
        assert!(all.into_iter().eq(0..2 * ITEMS));
        assert_eq!(hooked.load(Relaxed), evicted.len());
        let stats = monitor.stats();
        assert_eq!(stats.evicted, evicted.len() as u64);
        assert_eq!(stats.delivered, received.len() as u64);
        assert_eq!((stats.stored, stats.depth), (2 * ITEMS as u64, 0));
        assert!(stats.is_exact(), "{stats}");
    }
}

/// The peak of a period begins again when it is taken; the high-water mark stays.
#[test]
fn peaks_are_of_a_period() {
    for on_full in [OnFull::Block, OnFull::DropOldest] {
        let (mut tx, mut rx) = channel(8).on_full(on_full).build();
        let monitor = tx.monitor();
        let _ = tx.send_many(0..5).unwrap();
        assert_eq!(monitor.take_peak(), 5);
        assert!(rx.try_iter().eq(0..5));
        let _ = tx.send_many(0..2).unwrap();
        assert_eq!((tx.stats().high_water, monitor.take_peak()), (5, 2));
        assert!(rx.try_iter().eq(0..2));
        assert_eq!((tx.stats().high_water, monitor.take_peak()), (5, 0));
    }
}

/// What chance refuses has not seen the channel full.
#[test]
fn peaks_are_no_deeper_than_chance_lets_it_become() {
    fn reaches_four(tx: &mut Sender<i32, impl Flavour>) {
        let _ = tx.send_many(0..10).unwrap();
        let stats = tx.stats();
        assert_eq!((stats.refused_random, stats.high_water), (6, 4));
    }
    let rule = EarlyDrop::new(3, 4, 1.0).unwrap();
    let builder = channel(8).on_full(OnFull::DropRandom(rule));
    reaches_four(&mut builder.clone().spsc().build().0);
    reaches_four(&mut builder.clone().mpsc().build().0);
}
