//! Our flavours, whatever is done with their ends.

use ringfence::flavour::{Flavour, Mpmc, Mpsc, Spmc, Spsc};
use ringfence::{Receiver, Sender};

use super::batches::{PopUpTo, PushAll};
use crate::crews::{Setting, each};
use crate::harness::{Pop, Push};

pub(super) fn spsc<S, R>(
    setting: Setting,
    push: impl Fn(Sender<u64, Spsc>) -> S,
    pop: impl Fn(Receiver<u64, Spsc>) -> R,
) -> (Vec<S>, Vec<R>) {
    let (tx, rx) = ringfence::channel(setting.capacity).spsc().build();
    (vec![push(tx)], vec![pop(rx)])
}

pub(super) fn mpsc<S, R>(
    Setting { shape, capacity }: Setting,
    push: impl Fn(Sender<u64, Mpsc>) -> S,
    pop: impl Fn(Receiver<u64, Mpsc>) -> R,
) -> (Vec<S>, Vec<R>) {
    let (tx, rx) = ringfence::channel(capacity).mpsc().build();
    (each(tx, shape.producers, push), vec![pop(rx)])
}

pub(super) fn spmc<S, R>(
    Setting { shape, capacity }: Setting,
    push: impl Fn(Sender<u64, Spmc>) -> S,
    pop: impl Fn(Receiver<u64, Spmc>) -> R,
) -> (Vec<S>, Vec<R>) {
    let (tx, rx) = ringfence::channel(capacity).spmc().build();
    (vec![push(tx)], each(rx, shape.consumers, pop))
}

pub(super) fn mpmc<S, R>(
    Setting { shape, capacity }: Setting,
    push: impl Fn(Sender<u64, Mpmc>) -> S,
    pop: impl Fn(Receiver<u64, Mpmc>) -> R,
) -> (Vec<S>, Vec<R>) {
    let (tx, rx) = ringfence::channel(capacity).mpmc().build();
    (
        each(tx, shape.producers, push),
        each(rx, shape.consumers, pop),
    )
}

pub(super) fn send<F: Flavour>(mut tx: Sender<u64, F>) -> impl Push
where
    Sender<u64, F>: Send,
{
    move |item| assert!(tx.send(item).is_ok())
}

pub(super) fn recv<F: Flavour>(mut rx: Receiver<u64, F>) -> impl Pop
where
    Receiver<u64, F>: Send,
{
    move || rx.recv().expect("a sender")
}

pub(super) fn send_many<F: Flavour>(mut tx: Sender<u64, F>) -> impl PushAll
where
    Sender<u64, F>: Send,
{
    move |items: &[u64]| {
        let sent = tx.send_many(items.iter().copied()).expect("a receiver");
        assert_eq!(sent.stored, items.len());
    }
}

pub(super) fn recv_many<F: Flavour>(mut rx: Receiver<u64, F>) -> impl PopUpTo
where
    Receiver<u64, F>: Send,
{
    move |buffer: &mut Vec<u64>, limit| {
        rx.recv_many(buffer, limit).expect("a sender");
    }
}

/// With a call for each item.
pub(super) fn send_each<F: Flavour>(tx: Sender<u64, F>) -> impl PushAll
where
    Sender<u64, F>: Send,
{
    let mut push = send(tx);
    move |items: &[u64]| items.iter().for_each(|&item| push(item))
}

/// Likewise.
pub(super) fn recv_each<F: Flavour>(rx: Receiver<u64, F>) -> impl PopUpTo
where
    Receiver<u64, F>: Send,
{
    let mut pop = recv(rx);
    move |buffer: &mut Vec<u64>, limit| buffer.extend((0..limit).map(|_| pop()))
}
