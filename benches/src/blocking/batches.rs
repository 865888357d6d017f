//! Batches: a call for many items, against a call for each.

use std::hint::black_box;
use std::ops::Range;

use super::ours::{self, recv_each, recv_many, send_each, send_many};
use crate::crews::{self, Setting, Shape, Tally, each, settings};
use crate::groups::{Contestant, Group, Outcome, YIELDS, fitting};
use crate::harness::{BATCH, Cores, Run};

/// Puts a slice in, waiting for room. A name for such closures.
pub(super) trait PushAll: FnMut(&[u64]) + Send {}
impl<F: FnMut(&[u64]) + Send> PushAll for F {}

/// Takes at least one item out, waiting for it, and at most so many. A name for such
/// closures.
pub(super) trait PopUpTo: FnMut(&mut Vec<u64>, usize) + Send {}
impl<F: FnMut(&mut Vec<u64>, usize) + Send> PopUpTo for F {}

/// All groups, up to [`BATCH`] items at a time.
pub fn groups() -> Vec<Group> {
    settings([1024, 64])
        .map(|setting| Group {
            name: format!("blocking-batch/{setting}"),
            about: format!(
                "8-byte items up to {BATCH} at a time, and one at a time; whoever must wait sleeps"
            ),
            measure: YIELDS,
            contestants: contestants(setting),
        })
        .collect()
}

/// Of our flavours it is the one that fits the shape best.
fn contestants(setting: Setting) -> Vec<Contestant> {
    let entries = [
        entry("ringfence", Shape::ONE, setting, |setting| {
            ours::spsc(setting, send_many, recv_many)
        }),
        entry("ringfence", Shape::ONE_CONSUMER, setting, |setting| {
            ours::mpsc(setting, send_many, recv_many)
        }),
        entry("ringfence", Shape::ONE_PRODUCER, setting, |setting| {
            ours::spmc(setting, send_many, recv_many)
        }),
        entry("ringfence", Shape::ANY, setting, |setting| {
            ours::mpmc(setting, send_many, recv_many)
        }),
        entry("ringfence-single", Shape::ONE, setting, |setting| {
            ours::spsc(setting, send_each, recv_each)
        }),
        entry(
            "ringfence-single",
            Shape::ONE_CONSUMER,
            setting,
            |setting| ours::mpsc(setting, send_each, recv_each),
        ),
        entry(
            "ringfence-single",
            Shape::ONE_PRODUCER,
            setting,
            |setting| ours::spmc(setting, send_each, recv_each),
        ),
        entry("ringfence-single", Shape::ANY, setting, |setting| {
            ours::mpmc(setting, send_each, recv_each)
        }),
        entry(
            "crossbeam-try_iter",
            Shape::ANY,
            setting,
            crossbeam_try_iter,
        ),
    ];
    fitting(setting.shape, entries)
}

fn entry<S: PushAll + 'static, R: PopUpTo + 'static>(
    name: &'static str,
    most: Shape,
    setting: Setting,
    make: fn(Setting) -> (Vec<S>, Vec<R>),
) -> (Shape, Contestant) {
    let run = move |cores: &Cores, items| Outcome::speed(run(cores, items, make(setting)), items);
    (most, Contestant::new(name, run))
}

/// Moves items, each end its share.
fn run<S: PushAll, R: PopUpTo>(cores: &Cores, items: u64, (tx, rx): (Vec<S>, Vec<R>)) -> Run {
    let senders = tx.len();
    let produce = |mut push: S| move || move |share| push_share(&mut push, share);
    let consume = |mut pop: R| {
        move || {
            move |count| {
                let mut tally = Tally::new(senders);
                let mut batch = Vec::with_capacity(BATCH);
                let mut rest = count as usize;
                while rest > 0 {
                    batch.clear();
                    pop(&mut batch, rest.min(BATCH));
                    rest -= batch.len();
                    black_box(&batch)
                        .iter()
                        .for_each(|&number| tally.add(number));
                }
                tally.sums()
            }
        }
    };
    let produce = tx.into_iter().map(produce).collect();
    let consume = rx.into_iter().map(consume).collect();
    crews::run(cores, items, produce, consume)
}

/// Pushes all numbers, in batches.
pub(super) fn push_share(push: &mut impl PushAll, share: Range<u64>) {
    let mut batch = [0; BATCH];
    for first in share.clone().step_by(BATCH) {
        let numbers = first..share.end.min(first + BATCH as u64);
        let batch = &mut batch[..numbers.clone().count()];
        for (slot, number) in batch.iter_mut().zip(numbers) {
            *slot = number;
        }
        push(black_box(batch));
    }
}

/// crossbeam-channel, sending one by one, receiving what there is.
fn crossbeam_try_iter(
    Setting { shape, capacity }: Setting,
) -> (Vec<impl PushAll>, Vec<impl PopUpTo>) {
    let (tx, rx) = crossbeam_channel::bounded(capacity);
    let send = |tx: crossbeam_channel::Sender<_>| {
        move |items: &[u64]| {
            let each = items.iter();
            each.for_each(|&item| tx.send(item).expect("a receiver"));
        }
    };
    let recv = |rx: crossbeam_channel::Receiver<_>| {
        move |buffer: &mut Vec<u64>, limit: usize| {
            buffer.push(rx.recv().expect("a sender"));
            buffer.extend(rx.try_iter().take(limit - 1));
        }
    };
    (
        each(tx, shape.producers, send),
        each(rx, shape.consumers, recv),
    )
}
