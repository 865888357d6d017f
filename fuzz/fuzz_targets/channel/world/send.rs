//! Sends that do not wait.

use super::World;
use crate::handles::{Room, Use};
use crate::item::{self, Bomb, Item, caught, explode};
use crate::oracle::Fate;
use ringfence::flavour::Flavour;
use ringfence::{OnFull, SendError, TrySendError};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

impl<F: Flavour> World<F> {
    pub fn send(&mut self, n: usize, bomb: Option<Bomb>) {
        if self.oracle.waits() {
            return self.keep_send(n);
        }
        let number = self.oracle.numbers(1);
        let tx = &mut self.senders[n];
        let sent = caught(bomb, || tx.send(Item::new(number)));
        let fate = self.oracle.send(number);
        let is_hit = bomb.is_some_and(|bomb| bomb.in_hook && bomb.after == 0);
        let panics = is_hit && !self.oracle.drops.is_empty();
        assert_eq!(sent.map(Fate::of), (!panics).then_some(fate));
    }

    pub fn send_deadline(&mut self, n: usize) {
        let number = self.oracle.numbers(1);
        let sent = self.senders[n].send_deadline(Item::new(number), Instant::now());
        assert_eq!(Fate::of(sent), self.oracle.send(number));
    }

    pub fn try_send(&mut self, n: usize) {
        let number = self.oracle.numbers(1);
        let sent = self.senders[n].try_send(Item::new(number));
        assert_eq!(Fate::of(sent), self.oracle.try_send(number));
    }

    pub fn send_many(&mut self, n: usize, items: u8, panic_at: u8) {
        let Self {
            oracle, senders, ..
        } = self;
        let most = if oracle.on_full == OnFull::Block && oracle.is_open() {
            oracle.capacity - oracle.items.len()
        } else {
            2 * oracle.capacity
        };
        let items = usize::from(items) % (most + 1);
        // About every other time.
        let panic_at = usize::from(panic_at) % (2 * items + 1);
        let first = oracle.numbers(items);
        let give = |i| {
            if i == panic_at {
                explode();
            }
            Item::new(first + i as u64)
        };
        let sent = caught(None, || senders[n].send_many((0..items).map(give)));
        let sent = sent.map(|sent| match sent {
            Ok(sent) => (true, sent.stored, sent.refused, sent.evicted),
            Err(error) => (false, error.stored, error.returned, error.evicted),
        });
        let numbers = |items: Vec<Item>| items.into_iter().map(item::number).collect();
        let sent = sent.map(|(is_ok, stored, refused, evicted)| {
            (is_ok, stored, numbers(refused), numbers(evicted))
        });
        let mut expected = Some((true, 0, Vec::new(), Vec::new()));
        for i in 0..items {
            let Some((is_ok, stored, refused, evicted)) = &mut expected else {
                break;
            };
            if i == panic_at {
                expected = None;
                continue;
            }
            match oracle.send(first + i as u64) {
                Fate::Stored => *stored += 1,
                Fate::Refused(number) => refused.push(number),
                Fate::Evicted(number) => {
                    *stored += 1;
                    evicted.push(number);
                }
                Fate::Closed(number) => {
                    refused.push(number);
                    *is_ok = false;
                    break;
                }
                fate => panic!("{fate:?}"),
            }
        }
        assert_eq!(sent, expected);
    }

    pub fn permit(&mut self, n: usize, waits: bool, is_used: bool) {
        let Self {
            oracle, senders, ..
        } = self;
        let Some(Room { permit, .. }) = self.of_senders.room else {
            return;
        };
        let waits = waits && !(oracle.is_open() && oracle.is_full());
        let number = oracle.numbers(1);
        let item = is_used.then_some(number);
        let sent = permit(&mut senders[n], Use { waits, item });
        let expected = if !oracle.is_open() {
            Err(TrySendError::from(SendError(())))
        } else if oracle.is_full() {
            oracle.stats.full_events += 1;
            Err(TrySendError::Full(()))
        } else {
            Ok(item.map_or(Fate::Stored, |number| oracle.offer(number)))
        };
        assert_eq!(sent, expected);
    }

    /// A future that does not live on.
    pub fn send_async(&mut self, n: usize, is_polled: bool, takes_back: bool, bomb: Option<Bomb>) {
        let number = self.oracle.numbers(1);
        let mut sending = self.senders[n].send_async(Item::new(number));
        if is_polled {
            let mut context = Context::from_waker(Waker::noop());
            let polled = Pin::new(&mut sending).poll(&mut context);
            let polled = polled.map(Fate::of);
            if self.oracle.waits() {
                self.oracle.stats.full_events += 1;
                assert_eq!(polled, Poll::Pending);
            } else {
                assert_eq!(polled, Poll::Ready(self.oracle.send(number)));
                return;
            }
        }
        self.oracle.cancel(number, !takes_back);
        if takes_back {
            let item = sending.into_inner().map(item::number);
            assert_eq!(item, Some(number));
        } else {
            let is_dropped = caught(bomb, || drop(sending)).is_some();
            assert_eq!(is_dropped, bomb.is_none_or(|bomb| bomb.after > 0));
        }
    }
}
