//! Receives that do not wait, and selects.

use super::World;
use crate::handles::{Polls, Receivers};
use crate::item::{Bomb, Item, number};
use crate::oracle::Fate;
use ringfence::flavour::Flavour;
use ringfence::select::{recv, select, send};
use ringfence::{OnFull, RecvError, RecvTimeoutError, TryRecvError};
use std::time::{Duration, Instant};

/// What a select did, by which end.
#[derive(Debug, PartialEq)]
enum Done {
    Received(usize, Result<u64, RecvError>),
    Sent(usize, Fate),
}

fn numbers(items: Vec<Item>) -> Vec<u64> {
    items.into_iter().map(number).collect()
}

impl<F: Flavour> World<F> {
    /// What a receiver gets, which counts if it finds none.
    fn expect(&mut self, n: usize) -> Result<u64, TryRecvError> {
        let expected = self.oracle.receive();
        match expected {
            Err(TryRecvError::Empty) => self.oracle.stats.empty_events += 1,
            Err(TryRecvError::Disconnected) => self.receivers[n].is_done = true,
            Ok(_) => {}
        }
        expected
    }

    pub fn try_recv(&mut self, n: usize) {
        let received = self.receivers[n].rx.try_recv();
        assert_eq!(received.map(number), self.expect(n));
    }

    pub fn recv(&mut self, n: usize) {
        if self.oracle.starves() {
            return self.keep_receive(n, None);
        }
        let received = self.receivers[n].rx.recv();
        let received = received.map_err(TryRecvError::from);
        assert_eq!(received.map(number), self.expect(n));
    }

    pub fn recv_deadline(&mut self, n: usize) {
        let received = self.receivers[n].rx.recv_deadline(Instant::now());
        let received = received.map_err(|error| match error {
            RecvTimeoutError::Timeout => TryRecvError::Empty,
            RecvTimeoutError::Disconnected => TryRecvError::Disconnected,
        });
        assert_eq!(received.map(number), self.expect(n));
    }

    pub fn recv_many(&mut self, n: usize, limit: usize) {
        if self.oracle.starves() {
            return self.keep_receive(n, Some(limit));
        }
        let mut items = Vec::new();
        let received = self.receivers[n].rx.recv_many(&mut items, limit);
        let expected = self.oracle.take(limit);
        if expected.is_empty() && limit > 0 {
            self.receivers[n].is_done = true;
            assert_eq!(received, Err(RecvError));
        } else {
            assert_eq!(received, Ok(expected.len()));
        }
        assert_eq!(numbers(items), expected);
    }

    pub fn recv_many_timeout(&mut self, n: usize, limit: usize) {
        let mut items = Vec::new();
        let receiver = &mut self.receivers[n].rx;
        let received = receiver.recv_many_timeout(&mut items, limit, Duration::ZERO);
        let expected = self.oracle.take(limit);
        let mut error = None;
        if expected.len() < limit {
            error = Some(if self.oracle.is_open() {
                self.oracle.stats.empty_events += 1;
                RecvTimeoutError::Timeout
            } else {
                self.receivers[n].is_done = true;
                RecvTimeoutError::Disconnected
            });
        }
        let error = error.filter(|_| expected.is_empty());
        assert_eq!(received, error.map_or(Ok(expected.len()), Err));
        assert_eq!(numbers(items), expected);
    }

    pub fn poll_twice(&mut self, n: usize, limit: u8, commits: u8, bomb: Option<Bomb>) {
        let Receivers::One { poll } = self.of_receivers else {
            return;
        };
        let limit = self.oracle.some(limit);
        let mut end = self.receivers.swap_remove(n);
        let polls = Polls {
            limit,
            commits,
            bomb,
        };
        let (rx, polled) = poll(end.rx, polls);
        end.rx = rx;
        assert_eq!(polled.is_none(), self.oracle.on_full == OnFull::DropOldest);
        let oracle = &mut self.oracle;
        match polled {
            None => {}
            Some(Ok((items, commits, panicked))) => {
                let there = oracle.items.iter().take(limit);
                assert!(there.eq(&items) && (limit == 0 || !items.is_empty()));
                oracle.stats.redelivered += items.len() as u64;
                let bomb = bomb.filter(|bomb| !bomb.in_hook);
                let dropped = bomb.map_or(commits, |bomb| commits.min(bomb.after as usize + 1));
                assert_eq!(
                    panicked,
                    bomb.is_some_and(|bomb| (bomb.after as usize) < commits)
                );
                oracle.take(dropped);
            }
            Some(Err(TryRecvError::Empty)) => {
                assert!(limit > 0 && oracle.starves());
                oracle.stats.empty_events += 1;
            }
            Some(Err(TryRecvError::Disconnected)) => {
                assert!(oracle.items.is_empty() && !oracle.is_open());
                assert!(limit > 0 || end.is_done);
                end.is_done = true;
            }
        }
        self.receivers.push(end);
    }

    pub fn drain(&mut self, n: usize, limit: usize) {
        let receiver = &mut self.receivers[n];
        let items = receiver
            .rx
            .drain()
            .take(limit)
            .map(number)
            .collect::<Vec<_>>();
        self.oracle.close("a receiver closed the channel");
        receiver.is_done |= limit > self.oracle.items.len();
        assert_eq!(items, self.oracle.take(limit));
    }

    /// Of the ends that these bits say; of the senders, some have nothing to send.
    pub fn select(&mut self, receives: u8, sends: u8, full: u8) {
        let Self {
            oracle,
            senders,
            receivers,
            ..
        } = self;
        let has = |bits: u8, i: usize| bits >> i & 1 == 1;
        let first = oracle.numbers(senders.len());
        let item = |i| has(full, i).then(|| Item::new(first + i as u64));
        let mut slots: Vec<_> = (0..senders.len()).map(item).collect();
        let live = (0..senders.len()).filter(|&i| has(sends & full, i)).count();
        let cases = receivers.iter_mut().enumerate();
        let cases = cases.filter(|&(i, _)| has(receives, i));
        let cases: Vec<_> = cases
            .map(|(i, end)| {
                recv(&mut end.rx, move |received| {
                    Done::Received(i, received.map(number))
                })
            })
            .collect();
        let receiving = cases.len();
        let others = senders.iter_mut().zip(&mut slots).enumerate();
        let others = others.filter(|&(i, _)| has(sends, i));
        let others: Vec<_> = others
            .map(|(i, (tx, slot))| send(tx, slot, move |sent| Done::Sent(i, Fate::of(sent))))
            .collect();
        match select((cases, others)).now() {
            Err(_) => {
                assert!(receiving == 0 || oracle.starves());
                assert!(live == 0 || oracle.is_open() && oracle.is_full());
                oracle.stats.empty_events += receiving as u64;
                oracle.stats.full_events += live as u64;
            }
            Ok(Done::Received(i, received)) => {
                assert!(has(receives, i));
                let expected = oracle.receive();
                receivers[i].is_done |= expected.is_err();
                assert_eq!(received.map_err(TryRecvError::from), expected);
            }
            Ok(Done::Sent(i, fate)) => {
                assert!(has(sends & full, i) && slots[i].is_none());
                assert_eq!(fate, oracle.offer(first + i as u64));
            }
        }
    }
}
