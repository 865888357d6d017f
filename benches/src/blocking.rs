//! Many threads at one channel, whose calls block: who must wait sleeps.
//!
//! A contestant is a function that makes so many senders and receivers, and has a line
//! in `contestants`.

use std::hint::black_box;
use std::ops::Range;
use std::sync::mpsc;

use crate::crews::{self, Setting, Shape, Tally, each, settings};
use crate::groups::{Contestant, Group, Outcome, YIELDS, fitting};
use crate::harness::{Cores, Pop, Push};

mod batches;
mod ours;
mod polls;
mod receiving;
mod uncounted;

pub use batches::groups as batches;
use ours::{recv, send};
pub use polls::groups as polls;
pub use receiving::groups as receiving;
pub use uncounted::groups as uncounted;

/// All groups, one item at a time.
pub fn groups() -> Vec<Group> {
    let small = Setting {
        shape: Shape::ONE,
        capacity: 1,
    };
    settings([1024, 64])
        .chain([small])
        .map(|setting| Group {
            name: format!("blocking/{setting}"),
            about: "8-byte items one at a time, whoever must wait sleeps".into(),
            measure: YIELDS,
            contestants: contestants::<Stream>(setting),
        })
        .collect()
}

/// What is done with the ends of a channel.
pub(crate) trait Work: 'static {
    fn run<S: Push, R: Pop>(cores: &Cores, items: u64, ends: (Vec<S>, Vec<R>)) -> Outcome;
}

/// Moves items, each end its share.
pub(crate) struct Stream;

impl Work for Stream {
    fn run<S: Push, R: Pop>(cores: &Cores, items: u64, (tx, rx): (Vec<S>, Vec<R>)) -> Outcome {
        let senders = tx.len();
        let produce = |mut push: S| {
            || move |share: Range<u64>| share.for_each(|number| push(black_box(number)))
        };
        let consume = |mut pop: R| {
            move || {
                move |count| {
                    let mut tally = Tally::new(senders);
                    (0..count).for_each(|_| tally.add(black_box(pop())));
                    tally.sums()
                }
            }
        };
        let produce = tx.into_iter().map(produce).collect();
        let consume = rx.into_iter().map(consume).collect();
        Outcome::speed(crews::run(cores, items, produce, consume), items)
    }
}

fn entry<W: Work, S: Push + 'static, R: Pop + 'static>(
    name: &'static str,
    most: Shape,
    setting: Setting,
    make: fn(Setting) -> (Vec<S>, Vec<R>),
) -> (Shape, Contestant) {
    let run = move |cores: &Cores, items| W::run(cores, items, make(setting));
    (most, Contestant::new(name, run))
}

/// All that serve the shape. Of crossfire's kinds of channels it is the one that fits
/// it best.
pub(crate) fn contestants<W: Work>(setting: Setting) -> Vec<Contestant> {
    let entries = [
        entry::<W, _, _>("ringfence-spsc", Shape::ONE, setting, |setting| {
            ours::spsc(setting, send, recv)
        }),
        entry::<W, _, _>("ringfence-mpsc", Shape::ONE_CONSUMER, setting, |setting| {
            ours::mpsc(setting, send, recv)
        }),
        entry::<W, _, _>("ringfence-spmc", Shape::ONE_PRODUCER, setting, |setting| {
            ours::spmc(setting, send, recv)
        }),
        entry::<W, _, _>("ringfence-mpmc", Shape::ANY, setting, |setting| {
            ours::mpmc(setting, send, recv)
        }),
        entry::<W, _, _>("crossbeam-channel", Shape::ANY, setting, crossbeam_channel),
        entry::<W, _, _>("crossfire", Shape::ONE, setting, crossfire_spsc),
        entry::<W, _, _>("crossfire", Shape::ONE_CONSUMER, setting, crossfire_mpsc),
        entry::<W, _, _>("crossfire", Shape::ANY, setting, crossfire_mpmc),
        entry::<W, _, _>("kanal", Shape::ANY, setting, kanal),
        entry::<W, _, _>("flume", Shape::ANY, setting, flume),
        entry::<W, _, _>("sync_channel", Shape::ONE_CONSUMER, setting, sync_channel),
        entry::<W, _, _>("async-channel", Shape::ANY, setting, async_channel),
    ];
    fitting(setting.shape, entries)
}

fn crossbeam_channel(Setting { shape, capacity }: Setting) -> (Vec<impl Push>, Vec<impl Pop>) {
    let (tx, rx) = crossbeam_channel::bounded(capacity);
    (
        each(tx, shape.producers, |tx| {
            move |item| tx.send(item).expect("a receiver")
        }),
        each(rx, shape.consumers, |rx| {
            move || rx.recv().expect("a sender")
        }),
    )
}

fn crossfire_spsc(Setting { capacity, .. }: Setting) -> (Vec<impl Push>, Vec<impl Pop>) {
    let (tx, rx) = crossfire::spsc::bounded_blocking(capacity);
    (
        vec![move |item| tx.send(item).expect("a receiver")],
        vec![move || rx.recv().expect("a sender")],
    )
}

fn crossfire_mpsc(Setting { shape, capacity }: Setting) -> (Vec<impl Push>, Vec<impl Pop>) {
    let (tx, rx) = crossfire::mpsc::bounded_blocking(capacity);
    (
        each(tx, shape.producers, |tx| {
            move |item| tx.send(item).expect("a receiver")
        }),
        vec![move || rx.recv().expect("a sender")],
    )
}

fn crossfire_mpmc(Setting { shape, capacity }: Setting) -> (Vec<impl Push>, Vec<impl Pop>) {
    let (tx, rx) = crossfire::mpmc::bounded_blocking(capacity);
    (
        each(tx, shape.producers, |tx| {
            move |item| tx.send(item).expect("a receiver")
        }),
        each(rx, shape.consumers, |rx| {
            move || rx.recv().expect("a sender")
        }),
    )
}

fn kanal(Setting { shape, capacity }: Setting) -> (Vec<impl Push>, Vec<impl Pop>) {
    let (tx, rx) = kanal::bounded(capacity);
    (
        each(tx, shape.producers, |tx| {
            move |item| tx.send(item).expect("a receiver")
        }),
        each(rx, shape.consumers, |rx| {
            move || rx.recv().expect("a sender")
        }),
    )
}

fn flume(Setting { shape, capacity }: Setting) -> (Vec<impl Push>, Vec<impl Pop>) {
    let (tx, rx) = flume::bounded(capacity);
    (
        each(tx, shape.producers, |tx| {
            move |item| tx.send(item).expect("a receiver")
        }),
        each(rx, shape.consumers, |rx| {
            move || rx.recv().expect("a sender")
        }),
    )
}

fn sync_channel(Setting { shape, capacity }: Setting) -> (Vec<impl Push>, Vec<impl Pop>) {
    let (tx, rx) = mpsc::sync_channel(capacity);
    (
        each(tx, shape.producers, |tx| {
            move |item| tx.send(item).expect("a receiver")
        }),
        vec![move || rx.recv().expect("a sender")],
    )
}

fn async_channel(Setting { shape, capacity }: Setting) -> (Vec<impl Push>, Vec<impl Pop>) {
    let (tx, rx) = async_channel::bounded(capacity);
    (
        each(tx, shape.producers, |tx| {
            move |item| tx.send_blocking(item).expect("a receiver")
        }),
        each(rx, shape.consumers, |rx| {
            move || rx.recv_blocking().expect("a sender")
        }),
    )
}
