//! Rings that never block, one item at a time, capacity 1024; who finds one
//! full or empty spins.

use std::sync::Arc;

use ringbuf::traits::{Consumer as _, Producer as _, Split as _};

use crate::harness::{Pop, Push, spin};

const CAPACITY: usize = 1024;

/// Ours on the heap.
pub fn ringfence() -> (impl Push, impl Pop) {
    let (mut tx, mut rx) = ringfence_core::spsc::with_capacity(CAPACITY);
    (
        move |item| spin(|| tx.try_push(item).ok()),
        move || spin(|| rx.try_pop()),
    )
}

/// Ours in place; leaked, to live for ever.
pub fn ringfence_in_place() -> (impl Push, impl Pop) {
    let ring = Box::leak(Box::new(ringfence_core::spsc::Ring::<u64, CAPACITY>::new()));
    let (mut tx, mut rx) = ring.split().expect("a new ring");
    (
        move |item| spin(|| tx.try_push(item).ok()),
        move || spin(|| rx.try_pop()),
    )
}

/// Our channel, never blocking.
pub fn ringfence_channel() -> (impl Push, impl Pop) {
    let (mut tx, mut rx) = ringfence::channel(CAPACITY).spsc().build();
    (
        move |item| spin(|| tx.try_send(item).ok()),
        move || spin(|| rx.try_recv().ok()),
    )
}

/// rtrb.
pub fn rtrb() -> (impl Push, impl Pop) {
    let (mut tx, mut rx) = rtrb::RingBuffer::new(CAPACITY);
    (
        move |item| spin(|| tx.push(item).ok()),
        move || spin(|| rx.pop().ok()),
    )
}

/// ringbuf, on the heap.
pub fn ringbuf() -> (impl Push, impl Pop) {
    let (mut tx, mut rx) = ringbuf::HeapRb::new(CAPACITY).split();
    (
        move |item| spin(|| tx.try_push(item).ok()),
        move || spin(|| rx.try_pop()),
    )
}

/// heapless's spsc; leaked, to live for ever. It holds 1023 items, since a
/// power of two suits it better than 1025 slots.
pub fn heapless() -> (impl Push, impl Pop) {
    let queue = Box::leak(Box::new(heapless::spsc::Queue::<u64, CAPACITY>::new()));
    let (mut tx, mut rx) = queue.split();
    (
        move |item| spin(|| tx.enqueue(item).ok()),
        move || spin(|| rx.dequeue()),
    )
}

/// crossbeam's ArrayQueue: for any number of threads, for reference.
pub fn array_queue() -> (impl Push, impl Pop) {
    let tx = Arc::new(crossbeam_queue::ArrayQueue::new(CAPACITY));
    let rx = tx.clone();
    (
        move |item| spin(|| tx.push(item).ok()),
        move || spin(|| rx.pop()),
    )
}

/// crossbeam-channel, never blocking.
pub fn crossbeam_channel() -> (impl Push, impl Pop) {
    let (tx, rx) = crossbeam_channel::bounded(CAPACITY);
    (
        move |item| spin(|| tx.try_send(item).ok()),
        move || spin(|| rx.try_recv().ok()),
    )
}

/// crossfire's spsc, never blocking.
pub fn crossfire() -> (impl Push, impl Pop) {
    let (tx, rx) = crossfire::spsc::bounded_blocking(CAPACITY);
    (
        move |item| spin(|| tx.try_send(item).ok()),
        move || spin(|| rx.try_recv().ok()),
    )
}
