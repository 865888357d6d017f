//! Channels in tokio: many tasks, with and without threads that block, cancelled at any
//! await; then every item is accounted for.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use ringfence::credit::Pool;
use ringfence::{Receiver, Sender, Sent, channel};
use tokio::runtime::{Builder, Runtime};
use tokio::task::yield_now;
use tokio::time::timeout;

const SENDERS: usize = 8;
const RECEIVERS: usize = 4;
const ITEMS: usize = 2000;

fn each_runtime(run: impl Fn(&Runtime)) {
    run(&Builder::new_current_thread().enable_time().build().unwrap());
    let mut two = Builder::new_multi_thread();
    run(&two.worker_threads(2).enable_time().build().unwrap());
}

/// What a sender did: items that were sent, and those that were given up.
#[derive(Default)]
struct Done {
    sent: Vec<usize>,
    cancelled: usize,
}

/// Sends each item, now and then giving up the first attempt.
async fn send_all(mut tx: Sender<usize>, items: std::ops::Range<usize>) -> Done {
    let mut done = Done::default();
    for item in items {
        let sent = match item % 4 {
            0 => timeout(Duration::ZERO, tx.send_async(item)).await.ok(),
            1 => tokio::select! {
                biased;
                sent = tx.send_async(item) => Some(sent),
                () = yield_now() => None,
            },
            _ => Some(tx.send_async(item).await),
        };
        match sent {
            Some(sent) => {
                assert_eq!(sent, Ok(Sent::Stored));
                done.sent.push(item);
            }
            None => done.cancelled += 1,
        }
    }
    done
}

/// Receives until the end, now and then giving up.
async fn receive_all(mut rx: Receiver<usize>) -> Vec<usize> {
    let mut all = Vec::new();
    for round in 0.. {
        let received = match round % 4 {
            0 => match timeout(Duration::ZERO, rx.recv_async()).await {
                Ok(received) => received.map(|item| all.push(item)),
                Err(_) => Ok(()),
            },
            1 => tokio::select! {
                biased;
                received = rx.recv_async() => received.map(|item| all.push(item)),
                () = yield_now() => Ok(()),
            },
            2 => rx.recv_many_async(&mut all, 3).await.map(drop),
            _ => rx.recv_async().await.map(|item| all.push(item)),
        };
        if received.is_err() {
            break;
        }
    }
    all
}

#[test]
fn cancelled_tasks_lose_nothing() {
    each_runtime(|runtime| {
        for capacity in [1, 2, 64] {
            let (tx, rx) = channel(capacity).mpmc().build();
            let monitor = tx.monitor();
            let senders: Vec<_> = (0..SENDERS)
                .map(|nth| send_all(tx.clone(), nth * ITEMS..(nth + 1) * ITEMS))
                .map(|sender| runtime.spawn(sender))
                .collect();
            let receivers: Vec<_> = (0..RECEIVERS)
                .map(|_| runtime.spawn(receive_all(rx.clone())))
                .collect();
            drop((tx, rx));
            let (mut sent, mut received, mut cancelled) = (Vec::new(), Vec::new(), 0);
            runtime.block_on(async {
                for sender in senders {
                    let done = sender.await.unwrap();
                    sent.extend(done.sent);
                    cancelled += done.cancelled;
                }
                for receiver in receivers {
                    received.extend(receiver.await.unwrap());
                }
            });
            received.sort_unstable();
            assert_eq!(received, sent);
            let stats = monitor.stats();
            assert!(stats.is_exact() && stats.depth == 0, "{stats}");
            assert_eq!(stats.offered, (SENDERS * ITEMS) as u64);
            assert_eq!(stats.delivered, received.len() as u64);
            assert_eq!(stats.refused_cancelled, cancelled as u64);
        }
    });
}

/// Tasks that are aborted after they were chosen leave the others what was meant for
/// them.
#[test]
fn aborted_tasks_pass_on() {
    each_runtime(|runtime| {
        for aborted in 0..=7 {
            let (mut tx, rx) = channel(1).spmc().build();
            let receivers: Vec<_> = (0..8)
                .map(|_| {
                    let mut rx = rx.clone();
                    runtime.spawn(async move { rx.recv_async().await })
                })
                .collect();
            runtime.block_on(async {
                while tx.stats().empty_events < 8 {
                    yield_now().await;
                }
                tx.try_send(1).unwrap();
                receivers[..aborted].iter().for_each(|task| task.abort());
                while tx.stats().delivered == 0 {
                    yield_now().await;
                }
            });
            drop((tx, rx));
            for task in receivers {
                let _ = runtime.block_on(task);
            }
        }
    });
}

/// A task on one side, a thread that blocks on the other.
#[test]
fn tasks_and_threads_mix() {
    each_runtime(|runtime| {
        let (mut tx, mut rx) = channel(2).spsc().build();
        let thread = std::thread::spawn(move || (0..ITEMS).try_for_each(|i| tx.send(i).map(drop)));
        runtime.block_on(async {
            for item in 0..ITEMS {
                assert_eq!(rx.recv_async().await, Ok(item));
            }
            assert!(rx.recv_async().await.is_err());
        });
        thread.join().unwrap().unwrap();

        let (mut tx, mut rx) = channel(2).spsc().build();
        let thread = std::thread::spawn(move || assert!(rx.iter().eq(0..ITEMS)));
        runtime.block_on(async {
            for item in 0..ITEMS {
                tx.reserve_async().await.unwrap().send(item).unwrap();
            }
        });
        drop(tx);
        thread.join().unwrap();
    });
}

/// From a stream through a sink to a stream.
#[test]
fn streams_and_sinks_fit_together() {
    each_runtime(|runtime| {
        let (mut tx, rx) = channel(3).spsc().build();
        let (middle_tx, middle_rx) = channel(1).build();
        let monitor = middle_rx.monitor();
        let forward = rx.into_stream().map(Ok).forward(middle_tx.into_sink());
        let forward = runtime.spawn(forward);
        let all = runtime.spawn(middle_rx.into_stream().collect::<Vec<_>>());
        runtime.block_on(async {
            let items = futures_util::stream::iter(0..ITEMS).map(Ok);
            tx.sink().send_all(&mut { items }).await.unwrap();
            drop(tx);
            forward.await.unwrap().unwrap();
            assert!(all.await.unwrap().into_iter().eq(0..ITEMS));
        });
        assert_eq!(monitor.stats().delivered, ITEMS as u64);
        assert!(monitor.stats().is_exact());
    });
}

/// Tasks of two channels and others share a pool, and give up at any await: never is more
/// lent than there is, and in the end all is back.
#[test]
fn cancelled_tasks_give_credits_back() {
    const CREDITS: u64 = 10;
    each_runtime(|runtime| {
        let pool = Pool::new(CREDITS);
        let tasks: Vec<_> = (0..SENDERS)
            .map(|nth| {
                let pool = pool.clone();
                let (mut tx, mut rx) = channel(4)
                    .spsc()
                    .weighted(&pool, |&item: &u64| item)
                    .build();
                runtime.spawn(async move {
                    let mut cancelled = 0;
                    for item in (1..=CREDITS).cycle().skip(nth).take(ITEMS / 4) {
                        let lease = timeout(Duration::ZERO, pool.acquire_async(item)).await;
                        drop(lease);
                        tokio::select! {
                            biased;
                            sent = tx.send_async(item) => assert_eq!(sent, Ok(Sent::Stored)),
                            () = yield_now() => cancelled += 1,
                        }
                        drop(rx.try_recv());
                    }
                    let stats = tx.stats();
                    assert!(stats.is_exact() && stats.depth == 0, "{stats}");
                    assert_eq!(stats.refused_cancelled, cancelled);
                    assert_eq!(stats.offered, (ITEMS / 4) as u64);
                })
            })
            .collect();
        for task in tasks {
            runtime.block_on(task).unwrap();
        }
        let stats = pool.stats();
        assert_eq!((stats.lent, stats.free, stats.waiting), (0, CREDITS, 0));
        assert!(stats.is_exact() && stats.high_water <= CREDITS);
    });
}
