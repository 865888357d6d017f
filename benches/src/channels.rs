//! Channels whose calls block.

use std::sync::mpsc;

use ringfence::OnFull;

use crate::harness::{BATCH, Pop, PopSome, Push, PushSome, check};

const CAPACITY: usize = 1024;

/// Ours.
pub fn ringfence(capacity: usize) -> (impl Push, impl Pop) {
    let builder = ringfence::channel(capacity).spsc();
    let (mut tx, mut rx) = builder.on_full(OnFull::Block).build();
    (
        move |item| assert!(tx.send(item).is_ok()),
        move || rx.recv().expect("a sender"),
    )
}

/// Ours, with a batch in a call.
pub fn ringfence_batch() -> (impl PushSome, impl PopSome) {
    let builder = ringfence::channel(CAPACITY).spsc();
    let (mut tx, mut rx) = builder.on_full(OnFull::Block).build();
    let mut buffer = Vec::with_capacity(BATCH);
    (
        move |items: &[u64]| {
            let sent = tx.send_many(items.iter().copied()).expect("a receiver");
            sent.stored
        },
        move |next| {
            buffer.clear();
            rx.recv_many(&mut buffer, BATCH).expect("a sender");
            check(&buffer, next)
        },
    )
}

/// crossbeam-channel.
pub fn crossbeam_channel(capacity: usize) -> (impl Push, impl Pop) {
    let (tx, rx) = crossbeam_channel::bounded(capacity);
    (
        move |item| tx.send(item).expect("a receiver"),
        move || rx.recv().expect("a sender"),
    )
}

/// crossfire's spsc.
pub fn crossfire(capacity: usize) -> (impl Push, impl Pop) {
    let (tx, rx) = crossfire::spsc::bounded_blocking(capacity);
    (
        move |item| tx.send(item).expect("a receiver"),
        move || rx.recv().expect("a sender"),
    )
}

/// The standard library's.
pub fn sync_channel(capacity: usize) -> (impl Push, impl Pop) {
    let (tx, rx) = mpsc::sync_channel(capacity);
    (
        move |item| tx.send(item).expect("a receiver"),
        move || rx.recv().expect("a sender"),
    )
}
