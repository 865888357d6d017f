//! A channel's accounts, against counts kept by hand, over long random runs.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use ringfence::flavour::Flavour;
use ringfence::{Builder, OnFull, Receiver, Sent, channel};

/// A small generator of random numbers (xorshift, Marsaglia 2003).
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }
}

/// What the accounts must say.
#[derive(Debug, Default)]
struct Counts {
    offered: u64,
    stored: u64,
    refused_full: u64,
    refused_newest: u64,
    refused_timeout: u64,
    refused_closed: u64,
    refused_cancelled: u64,
    delivered: u64,
    evicted: u64,
    drained: u64,
    high_water: u64,
}

/// One poll, and then it is dropped.
fn poll_once<R>(mut future: impl Future<Output = R> + Unpin) -> Option<R> {
    match Pin::new(&mut future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(ready) => Some(ready),
        Poll::Pending => None,
    }
}

#[test]
fn agree_with_counts_kept_by_hand() {
    for seed in 1..200 {
        for on_full in [OnFull::Block, OnFull::DropNewest, OnFull::DropOldest] {
            let mut random = Random(seed << 32 | 0x9e37_79b9);
            let capacity = 1 + random.below(9) as usize;
            let builder = || channel(capacity).on_full(on_full);
            match seed % 4 {
                0 => run(&mut random, on_full, builder().spsc()),
                1 => run(&mut random, on_full, builder().mpsc()),
                2 => run(&mut random, on_full, builder().spmc()),
                _ => run(&mut random, on_full, builder().mpmc()),
            }
        }
    }
}

fn run<F: Flavour>(random: &mut Random, on_full: OnFull, builder: Builder<u64, F>)
where
    F::Gauge<u64>: Send + Sync,
{
    let (mut tx, rx) = builder.build();
    let capacity = tx.capacity();
    let mut rx: Option<Receiver<u64, F>> = Some(rx);
    let monitor = tx.monitor();
    let mut queue = VecDeque::new();
    let mut counts = Counts::default();
    let mut next = 0u64;
    let mut closed = false;
    for _ in 0..300 {
        let choice = random.below(100);
        match (&mut rx, choice) {
            (None, _) => {
                assert_eq!(tx.try_send(next).unwrap_err().into_inner(), next);
                counts.offered += 1;
                counts.refused_closed += 1;
            }
            (Some(_), 0) => {
                rx = None;
                closed = true;
                counts.drained += queue.len() as u64;
                queue.clear();
            }
            (Some(receiver), 1) => {
                if random.below(2) == 0 {
                    receiver.close();
                } else {
                    tx.close();
                }
                closed = true;
            }
            (Some(_), 2..50) if closed => {
                assert_eq!(tx.send(next).unwrap_err().into_inner(), next);
                counts.offered += 1;
                counts.refused_closed += 1;
            }
            (Some(_), 2..50) => {
                counts.offered += 1;
                let full = queue.len() == capacity;
                let evicts = full && !(15..30).contains(&choice) && on_full == OnFull::DropOldest;
                let evicted = if evicts { queue.pop_front() } else { None };
                if !full || evicts {
                    queue.push_back(next);
                    counts.stored += 1;
                }
                counts.evicted += u64::from(evicts);
                if choice < 15 {
                    let sent = poll_once(tx.send_async(next));
                    assert_eq!(sent.is_none(), full && on_full == OnFull::Block);
                    let refused = sent == Some(Ok(Sent::Refused(next)));
                    assert_eq!(refused, full && on_full == OnFull::DropNewest);
                    counts.refused_newest += u64::from(refused);
                    counts.refused_cancelled += u64::from(sent.is_none());
                    let sent = sent.and_then(Result::ok);
                    let dropped = evicted.or(refused.then_some(next));
                    assert_eq!(sent.and_then(Sent::into_dropped), dropped);
                } else if choice < 30 {
                    let sent = tx.try_send(next);
                    assert_eq!(sent.is_err(), full);
                    counts.refused_full += u64::from(full);
                } else {
                    let sent = tx.send_timeout(next, Duration::ZERO);
                    let refused = sent == Ok(Sent::Refused(next));
                    assert_eq!(refused, full && on_full == OnFull::DropNewest);
                    assert_eq!(sent.is_err(), full && on_full == OnFull::Block);
                    counts.refused_newest += u64::from(refused);
                    counts.refused_timeout += u64::from(sent.is_err());
                    assert_eq!(
                        sent.ok().and_then(Sent::into_dropped),
                        evicted.or(refused.then_some(next))
                    );
                }
                next += 1;
            }
            (Some(_), 50..60) => {
                let room = capacity - queue.len();
                let n = match on_full {
                    OnFull::Block => random.below(room as u64 + 1),
                    _ => random.below(9),
                };
                let fits = match on_full {
                    OnFull::DropOldest => n,
                    _ => n.min(room as u64),
                };
                let taken = if closed { n.min(1) } else { n };
                let sent = tx.send_many(next..next + n);
                if !closed {
                    queue.extend(next..next + fits);
                    counts.stored += fits;
                    counts.refused_newest += n - fits;
                    let sent = sent.unwrap();
                    let evicted = queue.drain(..queue.len().saturating_sub(capacity));
                    counts.evicted += evicted.len() as u64;
                    assert!(sent.evicted.into_iter().eq(evicted));
                    assert_eq!(sent.stored as u64, fits);
                    assert!(sent.refused.into_iter().eq(next + fits..next + n));
                } else {
                    counts.refused_closed += taken;
                    assert_eq!(sent.is_err(), n > 0);
                }
                counts.offered += taken;
                next += n;
            }
            (Some(receiver), 60..85) => {
                let item = match choice {
                    ..70 => poll_once(receiver.recv_async()).and_then(Result::ok),
                    _ => receiver.try_recv().ok(),
                };
                assert_eq!(item, queue.pop_front());
                counts.delivered += u64::from(item.is_some());
            }
            (Some(receiver), _) if closed || !queue.is_empty() => {
                let mut items = Vec::new();
                let n = receiver.recv_many(&mut items, 3).unwrap_or(0);
                assert_eq!(n, queue.len().min(3));
                assert!(items.into_iter().eq(queue.drain(..n)));
                counts.delivered += n as u64;
            }
            (Some(_), _) => {}
        }
        counts.high_water = counts.high_water.max(queue.len() as u64);
        let stats = monitor.stats();
        assert!(stats.is_exact());
        assert_eq!(stats.depth, queue.len() as u64);
        // Snapshots are taken after every step, and remember.
        assert_eq!(stats.high_water, counts.high_water);
        let expected = (
            counts.offered,
            counts.stored,
            counts.delivered,
            counts.evicted,
            counts.drained,
        );
        let actual = (
            stats.offered,
            stats.stored,
            stats.delivered,
            stats.evicted,
            stats.drained,
        );
        assert_eq!(actual, expected);
        let expected = (
            counts.refused_full,
            counts.refused_newest,
            counts.refused_timeout,
            counts.refused_closed,
            counts.refused_cancelled,
        );
        let actual = (
            stats.refused_full,
            stats.refused_newest,
            stats.refused_timeout,
            stats.refused_closed,
            stats.refused_cancelled,
        );
        assert_eq!(actual, expected);
    }
}
