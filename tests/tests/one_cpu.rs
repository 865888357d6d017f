//! Channels whose threads share one CPU: whoever waits must let the others run. Each flavour
//! and policy, threads and futures, with as many turns as there are items.

use std::future::Future;
use std::thread;

use ringfence::flavour::Flavour;
use ringfence::select::{recv, select, send};
use ringfence::{OnFull, Receiver, Sender, channel};
use tokio::runtime::{Builder, Runtime};

const ITEMS: u64 = 5000;

/// Pins the calling thread.
fn pin_to_one_cpu() {
    let cpus = core_affinity::get_core_ids();
    // Where the system cannot pin, it is a test like any other.
    if let Some(first) = cpus.and_then(|cpus| cpus.into_iter().next()) {
        core_affinity::set_for_current(first);
    }
}

fn block_on<R>(future: impl Future<Output = R>) -> R {
    thread_local! {
        static RUNTIME: Runtime = Builder::new_current_thread().build().unwrap();
    }
    RUNTIME.with(|runtime| runtime.block_on(future))
}

/// Sends from all to all; every other end is a future. Returns how many items were received
/// and how many dropped.
fn carry<F: Flavour>(senders: Vec<Sender<u64, F>>, receivers: Vec<Receiver<u64, F>>) -> (u64, u64)
where
    F::Tx<u64>: Send,
    F::Rx<u64>: Send,
    F::Gauge<u64>: Send + Sync + 'static,
{
    let monitor = receivers[0].monitor();
    let counted: Vec<(u64, u64)> = thread::scope(|scope| {
        let senders = senders.into_iter().enumerate().map(|(nth, mut tx)| {
            scope.spawn(move || {
                pin_to_one_cpu();
                let mut dropped = 0;
                for item in 0..ITEMS {
                    let sent = if nth % 2 == 0 {
                        tx.send(item)
                    } else {
                        block_on(tx.send_async(item))
                    };
                    dropped += u64::from(sent.unwrap().into_dropped().is_some());
                }
                (0, dropped)
            })
        });
        let senders: Vec<_> = senders.collect();
        let receivers = receivers.into_iter().enumerate().map(|(nth, mut rx)| {
            scope.spawn(move || {
                pin_to_one_cpu();
                let mut received = 0;
                loop {
                    let item = if nth % 2 == 0 {
                        rx.recv()
                    } else {
                        block_on(rx.recv_async())
                    };
                    if item.is_err() {
                        return (received, 0);
                    }
                    received += 1;
                }
            })
        });
        let receivers: Vec<_> = receivers.collect();
        let threads = senders.into_iter().chain(receivers);
        threads.map(|thread| thread.join().unwrap()).collect()
    });
    let stats = monitor.stats();
    assert!(stats.is_exact() && stats.depth == 0, "{stats}");
    counted
        .into_iter()
        .fold((0, 0), |sum, more| (sum.0 + more.0, sum.1 + more.1))
}

#[test]
fn nothing_is_lost_and_all_come_to_an_end() {
    for on_full in [OnFull::Block, OnFull::DropNewest, OnFull::DropOldest] {
        for capacity in [1, 2, 64] {
            let builder = || channel::<u64>(capacity).on_full(on_full);
            let (tx, rx) = builder().spsc().build();
            let one_to_one = carry(vec![tx], vec![rx]);
            let (tx, rx) = builder().mpsc().build();
            let to_one = carry(vec![tx.clone(), tx.clone(), tx], vec![rx]);
            let (tx, rx) = builder().spmc().build();
            let from_one = carry(vec![tx], vec![rx.clone(), rx.clone(), rx]);
            let (tx, rx) = builder().build();
            let many = carry(vec![tx.clone(), tx], vec![rx.clone(), rx]);
            let sums = [(one_to_one, 1), (to_one, 3), (from_one, 1), (many, 2)];
            for ((received, dropped), senders) in sums {
                assert_eq!(
                    received + dropped,
                    senders * ITEMS,
                    "{on_full:?} {capacity}"
                );
                assert!(on_full != OnFull::Block || dropped == 0);
            }
        }
    }
}

/// Where items are handed over, of two selects each must come to find the other.
#[test]
fn selects_meet_each_other() {
    const PEERS: u64 = 3;
    let [(a, a_rx), (b, b_rx)] = [(); 2].map(|()| ringfence::bounded::<u64>(0));
    let monitors = [a.monitor(), b.monitor()];
    thread::scope(|scope| {
        for _ in 0..PEERS {
            let (mut a, mut b) = (a.clone(), b.clone());
            scope.spawn(move || {
                pin_to_one_cpu();
                for item in 0..ITEMS {
                    let (mut slot, mut other) = (Some(item), Some(item));
                    select((
                        send(&mut a, &mut slot, Result::unwrap),
                        send(&mut b, &mut other, Result::unwrap),
                    ))
                    .wait();
                    assert!(slot.is_none() != other.is_none());
                }
            });
            let (mut a, mut b) = (a_rx.clone(), b_rx.clone());
            scope.spawn(move || {
                pin_to_one_cpu();
                for _ in 0..ITEMS {
                    let cases = (recv(&mut a, Result::unwrap), recv(&mut b, Result::unwrap));
                    select(cases).wait();
                }
            });
        }
    });
    let [a, b] = monitors.map(|monitor| monitor.stats());
    assert_eq!(a.delivered + b.delivered, PEERS * ITEMS);
    assert_eq!(a.offered + b.offered, PEERS * ITEMS);
    assert!(a.is_exact() && b.is_exact(), "{a}, {b}");
}

/// A thread that ends may still send, also by waiting: from a destructor of what belongs to
/// it alone.
#[test]
fn thread_local_destructors_may_use_channels() {
    use std::cell::RefCell;
    struct Farewell(Sender<u64>);
    impl Drop for Farewell {
        fn drop(&mut self) {
            for item in 0..100 {
                let _ = self.0.send(item).unwrap();
            }
        }
    }
    thread_local! {
        static FAREWELL: RefCell<Option<Farewell>> = const { RefCell::new(None) };
    }
    let (tx, mut rx) = ringfence::bounded(1);
    let thread = thread::spawn(move || {
        FAREWELL.set(Some(Farewell(tx)));
        pin_to_one_cpu();
    });
    assert!(rx.iter().eq(0..100));
    thread.join().unwrap();
}
