//! What receiving costs by itself: the items are there, on the same thread, and only taking
//! them out is timed.

use std::time::{Duration, Instant};

use ringfence::flavour::{Mpsc, Spsc};

use super::batches::PushAll;
use super::ours::{self, send_many};
use super::polls::{Take, poll, recv_each, recv_many};
use crate::crews::{Setting, Shape, Tally};
use crate::groups::{Contestant, Group, Outcome, SPINS};
use crate::harness::{BATCH, Cores, Run};

const SETTING: Setting = Setting {
    shape: Shape::ONE,
    capacity: 1024,
};

/// A group for each ring that can be polled.
pub fn groups() -> Vec<Group> {
    let group = |name: &str, contestants| Group {
        name: format!("poll/waiting/{name}"),
        about: format!(
            "8-byte items that are there already, {BATCH} polled and committed at a time, or \
             received; one thread, of which only this is timed"
        ),
        measure: SPINS,
        contestants,
    };
    vec![
        group(
            "spsc",
            vec![
                entry("ringfence", || ours::spsc(SETTING, send_many, poll::<Spsc>)),
                entry("ringfence-recv_many", || {
                    ours::spsc(SETTING, send_many, recv_many::<Spsc>)
                }),
                entry("ringfence-single", || {
                    ours::spsc(SETTING, send_many, recv_each::<Spsc>)
                }),
            ],
        ),
        group(
            "mpsc",
            vec![
                entry("ringfence", || ours::mpsc(SETTING, send_many, poll::<Mpsc>)),
                entry("ringfence-recv_many", || {
                    ours::mpsc(SETTING, send_many, recv_many::<Mpsc>)
                }),
                entry("ringfence-single", || {
                    ours::mpsc(SETTING, send_many, recv_each::<Mpsc>)
                }),
            ],
        ),
    ]
}

fn entry<S: PushAll + 'static, R: Take + 'static>(
    name: &'static str,
    make: fn() -> (Vec<S>, Vec<R>),
) -> Contestant {
    Contestant::new(name, move |cores, items| {
        Outcome::speed(run(cores, items, make()), items)
    })
}

fn run<S: PushAll, R: Take>(cores: &Cores, items: u64, (tx, rx): (Vec<S>, Vec<R>)) -> Run {
    assert!(core_affinity::set_for_current(cores.consumer), "cannot pin");
    let mut ends = tx.into_iter().zip(rx);
    let (mut push, mut take) = ends.next().expect("one of each");
    let mut tally = Tally::new(1);
    let mut time = Duration::ZERO;
    let all: Vec<u64> = (0..SETTING.capacity as u64).collect();
    for first in (0..items).step_by(all.len()) {
        let numbers: Vec<u64> = all.iter().map(|n| first + n).collect();
        push(&numbers);
        let mut rest = numbers.len();
        let begin = Instant::now();
        while rest > 0 {
            rest -= take(&mut tally, rest.min(BATCH));
        }
        time += begin.elapsed();
    }
    // Whole fills of the channel may be a few more than were asked for.
    let filled = items.next_multiple_of(all.len() as u64);
    let time = time.mul_f64(items as f64 / filled.max(1) as f64);
    Run {
        time,
        kept_waiting: Duration::ZERO,
    }
}
