//! A channel, all that belongs to it, and the oracle.

mod ends;
mod futures;
mod receive;
mod send;

use crate::handles::{Receivers, Rx, Senders, Tx, WeakRx, WeakTx};
use crate::item::{self, Item};
use crate::kept::{End, Kept};
use crate::oracle::Oracle;
use crate::step::{KeptStep, ReceiverStep, SenderStep, Step};
use ringfence::flavour::Flavour;
use ringfence::{Monitor, Receiver};

pub struct World<F: Flavour> {
    of_senders: Senders<F>,
    of_receivers: Receivers<F>,
    senders: Vec<Tx<F>>,
    receivers: Vec<Rx<F>>,
    weak_senders: Vec<WeakTx<F>>,
    weak_receivers: Vec<WeakRx<F>>,
    kept: Vec<Kept<F>>,
    oracle: Oracle,
    monitor: Monitor,
    /// How many senders and receivers stay.
    least: (usize, usize),
}

/// Most ends of a side, and weak handles of a side.
const MOST: usize = 5;

const ERROR: &str = "the disk is full";

/// Which one of them, if there is any.
fn pick<T>(of: &[T], number: u8) -> Option<usize> {
    usize::from(number).checked_rem(of.len())
}

impl<F: Flavour> World<F> {
    pub fn new(
        of_senders: Senders<F>,
        of_receivers: Receivers<F>,
        (tx, rx): (Tx<F>, Receiver<Item, F>),
        oracle: Oracle,
        monitor: Monitor,
    ) -> Self {
        Self {
            of_senders,
            of_receivers,
            senders: vec![tx],
            receivers: vec![Rx::new(rx)],
            weak_senders: Vec::new(),
            weak_receivers: Vec::new(),
            kept: Vec::new(),
            oracle,
            monitor,
            least: (0, 0),
        }
    }

    pub fn begin(&mut self, (senders, receivers): (u8, u8), stays_open: bool) {
        for _ in 0..senders % 4 {
            self.clone_sender(0);
        }
        for _ in 0..receivers % 4 {
            self.clone_receiver(0);
        }
        if stays_open {
            self.least = (self.oracle.senders, self.oracle.receivers);
        }
    }

    pub fn step(&mut self, step: &Step) {
        match *step {
            Step::Sender(n, ref what) => match pick(&self.senders, n) {
                Some(n) => self.sender(n, what),
                None => self.poll_all(),
            },
            Step::Receiver(n, ref what) => match pick(&self.receivers, n) {
                Some(n) => self.receiver(n, what),
                None => self.poll_all(),
            },
            Step::Kept(n, ref what) => {
                if let Some(n) = pick(&self.kept, n) {
                    self.kept(n, what);
                }
            }
            Step::Select(receives, sends, full) => self.select(receives, sends, full),
        }
    }

    fn stays_open(&self) -> bool {
        self.least != (0, 0)
    }

    fn sender(&mut self, n: usize, what: &SenderStep) {
        match *what {
            SenderStep::Send(bomb) => self.send(n, bomb),
            SenderStep::Deadline => self.send_deadline(n),
            SenderStep::Try => self.try_send(n),
            SenderStep::Many(items, panic_at) => self.send_many(n, items, panic_at),
            SenderStep::Permit(waits, is_used) => self.permit(n, waits, is_used),
            SenderStep::Async(is_polled, takes_back, bomb) => {
                self.send_async(n, is_polled, takes_back, bomb);
            }
            SenderStep::Keep => self.keep_send(n),
            SenderStep::KeepReserve => self.keep_reserve(n),
            // The last free end has better to do.
            SenderStep::KeepClosed if self.senders.len() > 1 => {
                let tx = self.senders.swap_remove(n);
                self.keep_closed(End::Tx(tx));
            }
            SenderStep::KeepClosed => {}
            SenderStep::Clone => self.clone_sender(n),
            SenderStep::Downgrade => self.downgrade_sender(n),
            SenderStep::Upgrade(weak) => self.upgrade_sender(weak),
            SenderStep::Drop => self.drop_sender(n),
            SenderStep::Close(_) if self.stays_open() => {}
            SenderStep::Close(has_error) => {
                let tx = &mut self.senders[n];
                if has_error {
                    tx.close_with(ERROR);
                    self.oracle.close(ERROR);
                } else {
                    tx.close();
                    self.oracle.close("a sender closed the channel");
                }
            }
        }
    }

    fn receiver(&mut self, n: usize, what: &ReceiverStep) {
        match *what {
            ReceiverStep::Recv => self.recv(n),
            ReceiverStep::Deadline => self.recv_deadline(n),
            ReceiverStep::Try => self.try_recv(n),
            ReceiverStep::Many(limit) => self.recv_many(n, self.oracle.some(limit)),
            ReceiverStep::ManyTimeout(limit) => self.recv_many_timeout(n, self.oracle.some(limit)),
            ReceiverStep::Poll(limit, commits, bomb) => self.poll_twice(n, limit, commits, bomb),
            ReceiverStep::Drain(_) | ReceiverStep::Close(_) if self.stays_open() => {}
            ReceiverStep::Drain(limit) => self.drain(n, self.oracle.some(limit)),
            ReceiverStep::Keep => self.keep_receive(n, None),
            ReceiverStep::KeepMany(limit) => self.keep_receive(n, Some(self.oracle.some(limit))),
            ReceiverStep::KeepClosed if self.receivers.len() > 1 => {
                let rx = self.receivers.swap_remove(n);
                self.keep_closed(End::Rx(rx));
            }
            ReceiverStep::KeepClosed => {}
            ReceiverStep::Clone => self.clone_receiver(n),
            ReceiverStep::Downgrade => self.downgrade_receiver(n),
            ReceiverStep::Upgrade(weak) => self.upgrade_receiver(weak),
            ReceiverStep::Drop(bomb) => self.drop_receiver(n, bomb),
            ReceiverStep::Close(has_error) => {
                let rx = &mut self.receivers[n].rx;
                if has_error {
                    rx.close_with(ERROR);
                    self.oracle.close(ERROR);
                } else {
                    rx.close();
                    self.oracle.close("a receiver closed the channel");
                }
            }
            ReceiverStep::Lost => self.lost(n),
            ReceiverStep::TakePeak => {
                let peak = std::mem::take(&mut self.oracle.peak);
                assert_eq!(self.monitor.take_peak(), peak);
            }
        }
    }

    fn kept(&mut self, n: usize, what: &KeptStep) {
        match *what {
            KeptStep::Poll => self.poll(n, false),
            KeptStep::Stop(takes_back) => self.stop(n, takes_back),
            KeptStep::Drop => self.drop_kept(n),
        }
    }

    /// After each step.
    pub fn check(&mut self) {
        self.oracle.check(&self.monitor);
        assert_eq!(item::live(), self.oracle.items.len() + self.kept_items());
        self.check_wakes();
        self.check_ends();
    }

    /// All go.
    pub fn end(&mut self) {
        self.least = (0, 0);
        while !self.kept.is_empty() {
            self.drop_kept(0);
        }
        while !self.senders.is_empty() {
            self.drop_sender(0);
        }
        while !self.receivers.is_empty() {
            self.drop_receiver(0, None);
        }
        self.check();
    }
}
