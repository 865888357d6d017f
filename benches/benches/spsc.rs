//! The core's ring alone.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ringfence_benches::harness::{BATCH, Cores, by_batch, one_by_one};
use ringfence_benches::{chunks, rings};
use ringfence_core::spsc::{Ring, with_capacity};

/// One thread, so neither side ever waits for the other's cache lines.
fn one_thread(c: &mut Criterion) {
    let mut group = c.benchmark_group("spsc/one thread");
    group.throughput(Throughput::Elements(1));
    let (mut tx, mut rx) = with_capacity(1024);
    group.bench_function("push and pop", |b| {
        b.iter(|| {
            assert!(tx.try_push(black_box(1u64)).is_ok());
            rx.try_pop()
        });
    });
    let mut ring = Ring::<u64, 1024>::new();
    let (mut tx, mut rx) = ring.split_mut();
    group.bench_function("push and pop, in place", |b| {
        b.iter(|| {
            assert!(tx.try_push(black_box(1)).is_ok());
            rx.try_pop()
        });
    });
    let mut ring = Ring::<u64, 1000>::new();
    let (mut tx, mut rx) = ring.split_mut();
    group.bench_function("push and pop, in place, no power of two", |b| {
        b.iter(|| {
            assert!(tx.try_push(black_box(1)).is_ok());
            rx.try_pop()
        });
    });
    group.throughput(Throughput::Elements(BATCH as u64));
    let (mut tx, mut rx) = with_capacity(1024);
    let mut buffer = [0; BATCH];
    group.bench_function("push and pop a slice of 32", |b| {
        b.iter(|| {
            assert_eq!(tx.push_slice(black_box(&[1u64; BATCH])), BATCH);
            assert_eq!(rx.pop_slice(&mut buffer), BATCH);
            black_box(&buffer);
        });
    });
    group.finish();
}

fn two_threads(c: &mut Criterion) {
    let Some(cores) = Cores::pick() else {
        println!("spsc/two threads: only one core is available");
        return;
    };
    let mut group = c.benchmark_group("spsc/two threads");
    group.throughput(Throughput::Elements(1));
    group.bench_function("one at a time", |b| {
        b.iter_custom(|n| one_by_one(&cores, n, rings::ringfence()).time);
    });
    group.bench_function("one at a time, in place", |b| {
        b.iter_custom(|n| one_by_one(&cores, n, rings::ringfence_in_place()).time);
    });
    group.throughput(Throughput::Elements(BATCH as u64));
    group.bench_function("slices of 32", |b| {
        b.iter_custom(|n| by_batch(&cores, n * BATCH as u64, chunks::ringfence()).time);
    });
    group.finish();
}

criterion_group!(benches, one_thread, two_threads);
criterion_main!(benches);
