//! Ours, in each flavour.

use ringfence::flavour::Flavour;
use ringfence::{Receiver, Sender};

use super::{Receives, Sends};
use crate::crews::Setting;

pub(super) fn spsc(Setting { capacity, .. }: Setting) -> (Vec<impl Sends>, Vec<impl Receives>) {
    let (tx, rx) = ringfence::channel(capacity).spsc().build();
    (vec![tx], vec![rx])
}

pub(super) fn mpsc(Setting { shape, capacity }: Setting) -> (Vec<impl Sends>, Vec<impl Receives>) {
    let (tx, rx) = ringfence::channel(capacity).mpsc().build();
    (vec![tx; shape.producers], vec![rx])
}

pub(super) fn spmc(Setting { shape, capacity }: Setting) -> (Vec<impl Sends>, Vec<impl Receives>) {
    let (tx, rx) = ringfence::channel(capacity).spmc().build();
    (vec![tx], vec![rx; shape.consumers])
}

pub(super) fn mpmc(Setting { shape, capacity }: Setting) -> (Vec<impl Sends>, Vec<impl Receives>) {
    let (tx, rx) = ringfence::channel(capacity).mpmc().build();
    (vec![tx; shape.producers], vec![rx; shape.consumers])
}

impl<F: Flavour> Sends for Sender<u64, F>
where
    Self: Send,
{
    async fn send_one(&mut self, item: u64) {
        assert!(self.send_async(item).await.is_ok());
    }
}

impl<F: Flavour> Receives for Receiver<u64, F>
where
    Self: Send,
{
    async fn recv_one(&mut self) -> u64 {
        self.recv_async().await.expect("a sender")
    }
}
