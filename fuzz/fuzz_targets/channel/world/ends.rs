//! Ends that come and go, and close the channel.

use super::{MOST, World, pick};
use crate::handles::{Clones, Receivers, Rx};
use crate::item::{Bomb, caught};
use ringfence::flavour::Flavour;

impl<F: Flavour> World<F> {
    pub fn clone_sender(&mut self, n: usize) {
        if let Some(Clones { clone, .. }) = self.of_senders.many
            && self.oracle.senders < MOST
        {
            self.senders.push(clone(&self.senders[n]));
            self.oracle.senders += 1;
        }
    }

    pub fn clone_receiver(&mut self, n: usize) {
        if let Receivers::Many { clone, .. } = self.of_receivers
            && self.oracle.receivers < MOST
        {
            let Rx {
                rx,
                known_lost,
                is_done,
            } = &self.receivers[n];
            self.receivers.push(Rx {
                rx: clone(rx),
                known_lost: *known_lost,
                is_done: *is_done,
            });
            self.oracle.receivers += 1;
        }
    }

    pub fn downgrade_sender(&mut self, n: usize) {
        if let Some(Clones { downgrade, .. }) = self.of_senders.many
            && self.weak_senders.len() < MOST
        {
            self.weak_senders.push(downgrade(&self.senders[n]));
        }
    }

    pub fn downgrade_receiver(&mut self, n: usize) {
        if let Receivers::Many { downgrade, .. } = self.of_receivers
            && self.weak_receivers.len() < MOST
        {
            let weak = downgrade(&self.receivers[n].rx);
            assert_eq!(weak.is_none(), self.receivers[n].is_done);
            self.weak_receivers.extend(weak);
        }
    }

    pub fn upgrade_sender(&mut self, n: u8) {
        if let Some(Clones { upgrade, .. }) = self.of_senders.many
            && let Some(n) = pick(&self.weak_senders, n)
            && self.oracle.senders < MOST
        {
            let tx = upgrade(&self.weak_senders[n]);
            assert_eq!(tx.is_some(), self.oracle.senders > 0);
            self.oracle.senders += usize::from(tx.is_some());
            self.senders.extend(tx);
        }
    }

    pub fn upgrade_receiver(&mut self, n: u8) {
        if let Receivers::Many { upgrade, .. } = self.of_receivers
            && let Some(n) = pick(&self.weak_receivers, n)
            && self.oracle.receivers < MOST
        {
            let rx = upgrade(&self.weak_receivers[n]);
            assert_eq!(rx.is_some(), self.oracle.receivers > 0);
            self.oracle.receivers += usize::from(rx.is_some());
            self.receivers.extend(rx.map(Rx::new));
        }
    }

    pub fn drop_sender(&mut self, n: usize) {
        if self.oracle.senders == self.least.0 {
            return;
        }
        drop(self.senders.swap_remove(n));
        self.oracle.sender_leaves();
    }

    pub fn drop_receiver(&mut self, n: usize, bomb: Option<Bomb>) {
        if self.oracle.receivers == self.least.1 {
            return;
        }
        let end = self.receivers.swap_remove(n);
        let is_dropped = caught(bomb, || drop(end)).is_some();
        let items = self.oracle.receiver_leaves();
        assert_eq!(
            is_dropped,
            bomb.is_none_or(|bomb| usize::from(bomb.after) >= items)
        );
    }

    pub fn lost(&mut self, n: usize) {
        let end = &mut self.receivers[n];
        let lost = self.oracle.lost();
        let known = std::mem::replace(&mut end.known_lost, lost);
        assert_eq!(end.rx.lost(), lost - known);
    }

    /// What each end says.
    pub fn check_ends(&self) {
        let oracle = &self.oracle;
        let (len, why) = (oracle.items.len(), &oracle.why_closed);
        let counts = (oracle.senders, oracle.receivers);
        let is = (len == 0, oracle.is_full(), why.is_some());
        for tx in &self.senders {
            assert_eq!((tx.len(), tx.capacity()), (len, oracle.capacity));
            assert_eq!((tx.is_empty(), tx.is_full(), tx.is_closed()), is);
            assert_eq!(&tx.why_closed().map(|why| why.to_string()), why);
            assert_eq!((tx.sender_count(), tx.receiver_count()), counts);
        }
        for Rx { rx, .. } in &self.receivers {
            assert_eq!((rx.len(), rx.capacity()), (len, oracle.capacity));
            assert_eq!((rx.is_empty(), rx.is_full(), rx.is_closed()), is);
            assert_eq!(&rx.why_closed().map(|why| why.to_string()), why);
            assert_eq!((rx.sender_count(), rx.receiver_count()), counts);
        }
    }
}
