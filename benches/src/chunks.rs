//! Rings that copy slices in and out, capacity 1024.

use ringbuf::traits::{Consumer as _, Producer as _, Split as _};

use crate::harness::{BATCH, PopSome, PushSome, check};

const CAPACITY: usize = 1024;

/// Ours on the heap.
pub fn ringfence() -> (impl PushSome, impl PopSome) {
    let (mut tx, mut rx) = ringfence_core::spsc::with_capacity(CAPACITY);
    let mut buffer = [0; BATCH];
    (
        move |items: &[u64]| tx.push_slice(items),
        move |next| {
            let n = rx.pop_slice(&mut buffer);
            check(&buffer[..n], next)
        },
    )
}

/// Ours in place; leaked, to live for ever.
pub fn ringfence_in_place() -> (impl PushSome, impl PopSome) {
    let ring = Box::leak(Box::new(ringfence_core::spsc::Ring::<u64, CAPACITY>::new()));
    let (mut tx, mut rx) = ring.split().expect("a new ring");
    let mut buffer = [0; BATCH];
    (
        move |items: &[u64]| tx.push_slice(items),
        move |next| {
            let n = rx.pop_slice(&mut buffer);
            check(&buffer[..n], next)
        },
    )
}

/// rtrb, with as much of a slice as fits.
pub fn rtrb() -> (impl PushSome, impl PopSome) {
    let (mut tx, mut rx) = rtrb::RingBuffer::new(CAPACITY);
    let mut buffer = [0; BATCH];
    (
        move |items: &[u64]| tx.push_partial_slice(items).0.len(),
        move |next| {
            let n = rx.pop_partial_slice(&mut buffer).0.len();
            check(&buffer[..n], next)
        },
    )
}

/// rtrb, with whole slices or nothing.
pub fn rtrb_entire() -> (impl PushSome, impl PopSome) {
    let (mut tx, mut rx) = rtrb::RingBuffer::new(CAPACITY);
    let mut buffer = [0; BATCH];
    (
        move |items: &[u64]| tx.push_entire_slice(items).map_or(0, |()| items.len()),
        move |next| {
            rx.pop_entire_slice(&mut buffer)
                .map_or(0, |()| check(&buffer, next))
        },
    )
}

/// ringbuf, on the heap.
pub fn ringbuf() -> (impl PushSome, impl PopSome) {
    let (mut tx, mut rx) = ringbuf::HeapRb::new(CAPACITY).split();
    let mut buffer = [0; BATCH];
    (
        move |items: &[u64]| tx.push_slice(items),
        move |next| {
            let n = rx.pop_slice(&mut buffer);
            check(&buffer[..n], next)
        },
    )
}
