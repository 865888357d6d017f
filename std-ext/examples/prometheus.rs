//! A pipeline and a channel at work, and how they stand, for Prometheus.
//!
//! ```text
//! cargo run --release -p ringfence --features metrics --example prometheus
//! ... --example prometheus -- 0                   a port that is free
//! ... --example prometheus -- 0.0.0.0:9464        for other machines, too
//! curl http://127.0.0.1:9464/metrics
//! ```
//!
//! The pipeline factors numbers, one after the other, on two threads; that is slower than they
//! come, so `factor` is the bottleneck. Primes go to a channel that evicts the oldest, from which
//! the main thread takes one a millisecond. It works until it is ended.

#[path = "shared/endpoint.rs"]
mod endpoint;

use std::error::Error;
use std::thread;
use std::time::Duration;

use ringfence::board::Board;
use ringfence::pipeline::Pipeline;
use ringfence::{OnFull, channel};

/// Numbers that take some microseconds each.
const FIRST: u64 = 1_000_000_001;

fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args().nth(1);
    let address = endpoint::address(address.as_deref().unwrap_or("9464"))?;
    let board = Board::new();
    let (mut tx, mut rx) = channel(64).spsc().on_full(OnFull::DropOldest).build();
    board.channel("primes", rx.monitor());
    let running = Pipeline::source("count", FIRST..)
        .stage("factor", |number| (number, factors(number)))
        .parallel(2)
        .capacity(256)
        .try_sink("sort out", move |(number, factors): (u64, Vec<u64>)| {
            assert_eq!(factors.iter().product::<u64>(), number);
            if factors.len() > 1 {
                return Ok(());
            }
            tx.send(number).map(drop)
        })
        .capacity(256)
        .start();
    board.pipeline("factoring", running.handle());

    let address = endpoint::serve(address, board)?;
    println!("http://{address}/metrics");
    while rx.recv().is_ok() {
        thread::sleep(Duration::from_millis(1));
    }
    // It goes on for longer than anybody waits, unless a stage fails.
    running.join()?;
    Ok(())
}

/// By trial.
fn factors(mut number: u64) -> Vec<u64> {
    let mut found = Vec::new();
    let mut factor = 2;
    while factor * factor <= number {
        while number % factor == 0 {
            found.push(factor);
            number /= factor;
        }
        factor += 1;
    }
    found.extend((number > 1).then_some(number));
    found
}
