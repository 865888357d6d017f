//! Futures that are kept.

use super::World;
use crate::handles::Room;
use crate::item::Item;
use crate::kept::{self, End, Kept, Out, Stop, What};
use crate::oracle::Fate;
use ringfence::flavour::Flavour;
use ringfence::{OnFull, RecvError, TryRecvError};
use std::task::Poll;

impl<F: Flavour> World<F> {
    pub fn keep_send(&mut self, n: usize) {
        let tx = self.senders.swap_remove(n);
        let number = self.oracle.numbers(1);
        let item = Item::new(number);
        self.keep(Kept::new(What::Send(number), |order| {
            Box::pin(kept::send(tx, item, order))
        }));
    }

    pub fn keep_reserve(&mut self, n: usize) {
        if let Some(Room { reserve, .. }) = self.of_senders.room {
            let tx = self.senders.swap_remove(n);
            let number = self.oracle.numbers(1);
            let what = What::Reserve(number, false);
            self.keep(Kept::new(what, |order| reserve(tx, number, order)));
        }
    }

    pub fn keep_receive(&mut self, n: usize, limit: Option<usize>) {
        let rx = self.receivers.swap_remove(n);
        self.keep(Kept::new(What::Receive(limit), |order| {
            Box::pin(kept::receive(rx, limit, order))
        }));
    }

    pub fn keep_closed(&mut self, end: End<F>) {
        let what = What::Closed(matches!(end, End::Tx(_)));
        self.keep(Kept::new(what, |order| Box::pin(kept::closed(end, order))));
    }

    fn keep(&mut self, kept: Kept<F>) {
        self.kept.push(kept);
        self.poll(self.kept.len() - 1, true);
    }

    /// Those that are ready leave the list.
    pub fn poll_all(&mut self) {
        for n in (0..self.kept.len()).rev() {
            self.poll(n, false);
            self.check();
        }
    }

    pub fn poll(&mut self, n: usize, is_first: bool) {
        let Self { kept, oracle, .. } = self;
        let polled = kept[n].poll();
        let expected = match &mut kept[n].what {
            What::Send(number) if oracle.on_full != OnFull::Block => {
                Some(Out::Sent(oracle.send(*number)))
            }
            What::Send(number) => match oracle.offer(*number) {
                Fate::Full(_) => {
                    oracle.stats.full_events += u64::from(is_first);
                    None
                }
                fate => Some(Out::Sent(fate)),
            },
            What::Reserve(number, true) => {
                oracle.reserved -= 1;
                Some(Out::Sent(oracle.offer(*number)))
            }
            What::Reserve(..) if !oracle.is_open() => Some(Out::NoPermit),
            What::Reserve(_, has_permit) => {
                *has_permit = !oracle.is_full();
                oracle.reserved += usize::from(*has_permit);
                oracle.stats.full_events += u64::from(is_first && !*has_permit);
                None
            }
            What::Receive(Some(0)) => Some(Out::Received(Ok(Vec::new()))),
            What::Receive(limit) => match oracle.receive() {
                Ok(item) => {
                    let others = oracle.take(limit.unwrap_or(1) - 1);
                    Some(Out::Received(Ok([vec![item], others].concat())))
                }
                Err(TryRecvError::Empty) => {
                    oracle.stats.empty_events += u64::from(is_first);
                    None
                }
                Err(TryRecvError::Disconnected) => Some(Out::Received(Err(RecvError))),
            },
            What::Closed(_) => oracle.why_closed.clone().map(Out::Closed),
        };
        match (polled, expected) {
            (Poll::Pending, None) => {}
            (Poll::Ready((end, out)), Some(expected)) => {
                assert_eq!(out, expected);
                kept.swap_remove(n);
                self.give_back(end, out == Out::Received(Err(RecvError)));
            }
            (polled, expected) => {
                panic!("{:?} instead of {expected:?}", polled.map(|(_, out)| out));
            }
        }
    }

    fn give_back(&mut self, end: End<F>, is_done: bool) {
        match end {
            End::Tx(tx) => self.senders.push(tx),
            End::Rx(mut rx) => {
                rx.is_done |= is_done;
                self.receivers.push(rx);
            }
        }
    }

    pub fn stop(&mut self, n: usize, takes_back: bool) {
        let kept = self.kept.swap_remove(n);
        let mut item = None;
        if let What::Send(number) = kept.what {
            self.oracle.cancel(number, !takes_back);
            item = takes_back.then_some(number);
        }
        self.oracle.reserved -= usize::from(kept.what.has_permit());
        let how = if takes_back {
            Stop::TakeBack
        } else {
            Stop::Drop
        };
        let (end, out) = kept.stop(how);
        assert_eq!(out, Out::Stopped(item));
        self.give_back(end, false);
    }

    pub fn drop_kept(&mut self, n: usize) {
        let Self { kept, oracle, .. } = self;
        let is_needed = if kept[n].what.is_of_sender() {
            oracle.senders == self.least.0
        } else {
            oracle.receivers == self.least.1
        };
        if is_needed {
            return;
        }
        let kept = kept.swap_remove(n);
        if let What::Send(number) = kept.what {
            oracle.cancel(number, true);
        }
        oracle.reserved -= usize::from(kept.what.has_permit());
        if kept.what.is_of_sender() {
            oracle.sender_leaves();
        } else {
            oracle.receiver_leaves();
        }
    }

    pub fn kept_items(&self) -> usize {
        let sends = self.kept.iter().map(|kept| &kept.what);
        sends.filter(|what| matches!(what, What::Send(_))).count()
    }

    /// Whoever waits for what is there has been woken: all, if it is the end, else one at
    /// least.
    pub fn check_wakes(&self) {
        let for_room = |what: &What| matches!(what, What::Send(_) | What::Reserve(_, false));
        let for_items = |what: &What| matches!(what, What::Receive(_));
        let waits = |what: &What| !what.has_permit();
        let woken = |is_one: &dyn Fn(&What) -> bool| -> Vec<bool> {
            let those = self.kept.iter().filter(|kept| is_one(&kept.what));
            those.map(Kept::is_woken).collect()
        };
        let some = |woken: Vec<bool>| woken.is_empty() || woken.contains(&true);
        if !self.oracle.is_open() {
            assert!(!woken(&waits).contains(&false), "closed");
        }
        assert!(self.oracle.is_full() || some(woken(&for_room)), "room");
        assert!(
            self.oracle.items.is_empty() || some(woken(&for_items)),
            "items"
        );
    }
}
