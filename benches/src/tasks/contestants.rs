//! Who takes part.

use crossfire::flavor::Flavor;
use crossfire::{AsyncRx, AsyncTx, MAsyncRx, MAsyncTx};

use super::{Receives, Sends, Work, ours};
use crate::crews::{Setting, Shape};
use crate::groups::{Contestant, fitting};
use crate::harness::Cores;

fn entry<W: Work, S: Sends, R: Receives>(
    name: &'static str,
    most: Shape,
    setting: Setting,
    make: fn(Setting) -> (Vec<S>, Vec<R>),
) -> (Shape, Contestant) {
    let run = move |cores: &Cores, items| W::run(cores, items, make(setting));
    (most, Contestant::new(name, run))
}

/// All that serve the shape. Of crossfire's kinds of channels it is the one that fits
/// it best.
///
/// flume 0.12 takes part with one receiver only: of several, one that was woken and
/// found nothing may register after the next item has come, and then sleeps for ever.
pub(crate) fn contestants<W: Work>(setting: Setting) -> Vec<Contestant> {
    let entries = [
        entry::<W, _, _>("ringfence-spsc", Shape::ONE, setting, ours::spsc),
        entry::<W, _, _>("ringfence-mpsc", Shape::ONE_CONSUMER, setting, ours::mpsc),
        entry::<W, _, _>("ringfence-spmc", Shape::ONE_PRODUCER, setting, ours::spmc),
        entry::<W, _, _>("ringfence-mpmc", Shape::ANY, setting, ours::mpmc),
        entry::<W, _, _>("tokio", Shape::ONE_CONSUMER, setting, tokio),
        entry::<W, _, _>("async-channel", Shape::ANY, setting, async_channel),
        entry::<W, _, _>("crossfire", Shape::ONE, setting, crossfire_spsc),
        entry::<W, _, _>("crossfire", Shape::ONE_CONSUMER, setting, crossfire_mpsc),
        entry::<W, _, _>("crossfire", Shape::ANY, setting, crossfire_mpmc),
        entry::<W, _, _>("flume", Shape::ONE_CONSUMER, setting, flume),
        entry::<W, _, _>("kanal", Shape::ANY, setting, kanal),
    ];
    fitting(setting.shape, entries)
}

fn tokio(Setting { shape, capacity }: Setting) -> (Vec<impl Sends>, Vec<impl Receives>) {
    let (tx, rx) = tokio::sync::mpsc::channel(capacity);
    (vec![tx; shape.producers], vec![rx])
}

impl Sends for tokio::sync::mpsc::Sender<u64> {
    async fn send_one(&mut self, item: u64) {
        self.send(item).await.expect("a receiver");
    }
}

impl Receives for tokio::sync::mpsc::Receiver<u64> {
    async fn recv_one(&mut self) -> u64 {
        self.recv().await.expect("a sender")
    }
}

fn async_channel(Setting { shape, capacity }: Setting) -> (Vec<impl Sends>, Vec<impl Receives>) {
    let (tx, rx) = async_channel::bounded(capacity);
    (vec![tx; shape.producers], vec![rx; shape.consumers])
}

impl Sends for async_channel::Sender<u64> {
    async fn send_one(&mut self, item: u64) {
        self.send(item).await.expect("a receiver");
    }
}

impl Receives for async_channel::Receiver<u64> {
    async fn recv_one(&mut self) -> u64 {
        self.recv().await.expect("a sender")
    }
}

fn crossfire_spsc(Setting { capacity, .. }: Setting) -> (Vec<impl Sends>, Vec<impl Receives>) {
    let (tx, rx) = crossfire::spsc::bounded_async(capacity);
    (vec![tx], vec![rx])
}

fn crossfire_mpsc(Setting { shape, capacity }: Setting) -> (Vec<impl Sends>, Vec<impl Receives>) {
    let (tx, rx) = crossfire::mpsc::bounded_async(capacity);
    (vec![tx; shape.producers], vec![rx])
}

fn crossfire_mpmc(Setting { shape, capacity }: Setting) -> (Vec<impl Sends>, Vec<impl Receives>) {
    let (tx, rx) = crossfire::mpmc::bounded_async(capacity);
    (vec![tx; shape.producers], vec![rx; shape.consumers])
}

impl<F: Flavor<Item = u64> + 'static> Sends for AsyncTx<F> {
    async fn send_one(&mut self, item: u64) {
        self.send(item).await.expect("a receiver");
    }
}

impl<F: Flavor<Item = u64> + 'static> Receives for AsyncRx<F> {
    async fn recv_one(&mut self) -> u64 {
        self.recv().await.expect("a sender")
    }
}

impl<F: Flavor<Item = u64> + 'static> Sends for MAsyncTx<F> {
    async fn send_one(&mut self, item: u64) {
        self.send(item).await.expect("a receiver");
    }
}

impl<F: Flavor<Item = u64> + 'static> Receives for MAsyncRx<F> {
    async fn recv_one(&mut self) -> u64 {
        self.recv().await.expect("a sender")
    }
}

fn flume(Setting { shape, capacity }: Setting) -> (Vec<impl Sends>, Vec<impl Receives>) {
    let (tx, rx) = flume::bounded(capacity);
    (vec![tx; shape.producers], vec![rx])
}

impl Sends for flume::Sender<u64> {
    async fn send_one(&mut self, item: u64) {
        self.send_async(item).await.expect("a receiver");
    }
}

impl Receives for flume::Receiver<u64> {
    async fn recv_one(&mut self) -> u64 {
        self.recv_async().await.expect("a sender")
    }
}

fn kanal(Setting { shape, capacity }: Setting) -> (Vec<impl Sends>, Vec<impl Receives>) {
    let (tx, rx) = kanal::bounded_async(capacity);
    (vec![tx; shape.producers], vec![rx; shape.consumers])
}

impl Sends for kanal::AsyncSender<u64> {
    async fn send_one(&mut self, item: u64) {
        self.send(item).await.expect("a receiver");
    }
}

impl Receives for kanal::AsyncReceiver<u64> {
    async fn recv_one(&mut self) -> u64 {
        self.recv().await.expect("a sender")
    }
}
