//! A worker that crashes between poll and commit, and is started again: nothing is lost,
//! and what was dealt with twice is counted.
//!
//! ```sh
//! cargo run --release -p ringfence --example poll_commit
//! ```
//!
//! The worker sums numbers up, and panics now and then in the middle of a batch. What it had
//! not committed by then is still in the channel, in order, and comes with the next poll:
//! so each number is dealt with at least once. Where twice does harm, the work itself must
//! be such that it does not (here, the ledger is a set of numbers that are done).

use std::error::Error;
use std::panic::resume_unwind;
use std::thread;
use std::time::Duration;

use ringfence::Polled;
use ringfence::flavour::Spsc;

const ITEMS: usize = 1_000_000;
const BATCH: usize = 32;
/// A batch in so many ends in a crash.
const CRASHES: u32 = 1_000;

/// What is to outlive the worker, as a database would.
struct Ledger {
    is_done: Vec<bool>,
    /// How often something was done that had been.
    repeated: u64,
}

impl Ledger {
    fn note(&mut self, item: usize) {
        let before = std::mem::replace(&mut self.is_done[item], true);
        self.repeated += u64::from(before);
    }
}

/// Works until the channel is closed and empty, or until it crashes.
fn work(rx: &mut Polled<usize, Spsc>, ledger: &mut Ledger, random: &mut fastrand::Rng) {
    while let Ok(batch) = rx.poll(BATCH, Duration::from_micros(50)) {
        let crash = (random.u32(..CRASHES) == 0).then(|| random.usize(..batch.len()));
        for (n, &item) in batch.iter().enumerate() {
            if crash == Some(n) {
                resume_unwind(Box::new("crashed")); // as `panic`, but says nothing
            }
            ledger.note(item);
        }
        batch.commit(); // their slots are free from here on
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let (mut tx, rx) = ringfence::channel(1024).spsc().build();
    let mut rx = rx.polled()?;
    let sender = thread::spawn(move || (0..ITEMS).try_for_each(|item| tx.send(item).map(drop)));

    let mut ledger = Ledger {
        is_done: vec![false; ITEMS],
        repeated: 0,
    };
    let mut random = fastrand::Rng::new();
    let mut crashes = 0;
    loop {
        let worker = || work(&mut rx, &mut ledger, &mut random);
        match thread::scope(|scope| scope.spawn(worker).join()) {
            Ok(()) => break,
            Err(_) => crashes += 1,
        }
    }
    sender.join().expect("it does not panic")?;

    let done = ledger.is_done.iter().filter(|&&is_done| is_done).count();
    let stats = rx.stats();
    println!("{ITEMS} items sent, {done} done, {crashes} crashes");
    println!(
        "{} done again, of {} that were given out again",
        ledger.repeated, stats.redelivered
    );
    println!("{stats}");
    assert_eq!(done, ITEMS, "lost");
    assert!(stats.is_exact() && stats.delivered == ITEMS as u64);
    assert!(ledger.repeated <= stats.redelivered);
    Ok(())
}
