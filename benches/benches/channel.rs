//! The channel alone.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ringfence_benches::channels;
use ringfence_benches::harness::{BATCH, Cores, by_batch, one_by_one};

/// One thread, so nobody ever waits.
fn one_thread(c: &mut Criterion) {
    let mut group = c.benchmark_group("channel/one thread");
    group.throughput(Throughput::Elements(1));
    let (mut tx, mut rx) = ringfence::channel(1024).spsc().build();
    group.bench_function("try_send and try_recv", |b| {
        b.iter(|| {
            assert!(tx.try_send(black_box(1u64)).is_ok());
            rx.try_recv()
        });
    });
    group.bench_function("send and recv", |b| {
        b.iter(|| {
            assert!(tx.send(black_box(1)).is_ok());
            rx.recv()
        });
    });
    group.bench_function("stats", |b| b.iter(|| black_box(tx.stats())));
    group.finish();
}

fn two_threads(c: &mut Criterion) {
    let Some(cores) = Cores::pick() else {
        println!("channel/two threads: only one core is available");
        return;
    };
    let mut group = c.benchmark_group("channel/two threads");
    group.throughput(Throughput::Elements(1));
    for capacity in [1024, 64] {
        group.bench_function(format!("send and recv, capacity {capacity}"), |b| {
            b.iter_custom(|n| one_by_one(&cores, n, channels::ringfence(capacity)).time);
        });
    }
    group.throughput(Throughput::Elements(BATCH as u64));
    group.bench_function("send_many and recv_many, 32 of 1024", |b| {
        b.iter_custom(|n| by_batch(&cores, n * BATCH as u64, channels::ringfence_batch()).time);
    });
    group.finish();
}

criterion_group!(benches, one_thread, two_threads);
criterion_main!(benches);
