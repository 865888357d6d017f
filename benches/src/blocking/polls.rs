//! Poll and commit, against other ways to receive: what is sent comes in batches to all.

use std::hint::black_box;
use std::time::Duration;

use ringfence::Receiver;
use ringfence::flavour::OneReceiver;

use super::batches::{PushAll, push_share};
use super::ours::{self, send_many};
use crate::crews::{self, Setting, Shape, Tally};
use crate::groups::{Contestant, Group, Outcome, YIELDS, fitting};
use crate::harness::{BATCH, Cores, Run};

/// Takes at least one item, waiting for it, and at most so many; how many. A name for such
/// closures.
pub(super) trait Take: FnMut(&mut Tally, usize) -> usize + Send {}
impl<F: FnMut(&mut Tally, usize) -> usize + Send> Take for F {}

/// One receiver, which polls up to [`BATCH`] items at a time.
pub fn groups() -> Vec<Group> {
    let shapes = [Shape::new(1, 1), Shape::new(2, 1)];
    let setting = |shape| Setting {
        shape,
        capacity: 1024,
    };
    let group = |setting| Group {
        name: format!("poll/{setting}"),
        about: format!(
            "8-byte items, sent {BATCH} at a time, and polled and committed so, or received; \
             whoever must wait sleeps"
        ),
        measure: YIELDS,
        contestants: contestants(setting),
    };
    shapes.map(setting).map(group).into()
}

fn contestants(setting: Setting) -> Vec<Contestant> {
    let entries = [
        entry("ringfence", Shape::ONE, setting, |setting| {
            ours::spsc(setting, send_many, poll)
        }),
        entry("ringfence", Shape::ONE_CONSUMER, setting, |setting| {
            ours::mpsc(setting, send_many, poll)
        }),
        entry("ringfence-recv_many", Shape::ONE, setting, |setting| {
            ours::spsc(setting, send_many, recv_many)
        }),
        entry(
            "ringfence-recv_many",
            Shape::ONE_CONSUMER,
            setting,
            |setting| ours::mpsc(setting, send_many, recv_many),
        ),
        entry("ringfence-single", Shape::ONE, setting, |setting| {
            ours::spsc(setting, send_many, recv_each)
        }),
        entry(
            "ringfence-single",
            Shape::ONE_CONSUMER,
            setting,
            |setting| ours::mpsc(setting, send_many, recv_each),
        ),
    ];
    fitting(setting.shape, entries)
}

fn entry<S: PushAll + 'static, R: Take + 'static>(
    name: &'static str,
    most: Shape,
    setting: Setting,
    make: fn(Setting) -> (Vec<S>, Vec<R>),
) -> (Shape, Contestant) {
    let run = move |cores: &Cores, items| Outcome::speed(run(cores, items, make(setting)), items);
    (most, Contestant::new(name, run))
}

fn run<S: PushAll, R: Take>(cores: &Cores, items: u64, (tx, rx): (Vec<S>, Vec<R>)) -> Run {
    let senders = tx.len();
    let produce = |mut push: S| move || move |share| push_share(&mut push, share);
    let consume = |mut take: R| {
        move || {
            move |count: u64| {
                let mut tally = Tally::new(senders);
                let mut rest = count as usize;
                while rest > 0 {
                    rest -= take(&mut tally, rest.min(BATCH));
                }
                tally.sums()
            }
        }
    };
    let produce = tx.into_iter().map(produce).collect();
    let consume = rx.into_iter().map(consume).collect();
    crews::run(cores, items, produce, consume)
}

pub(super) fn poll<F: OneReceiver>(rx: Receiver<u64, F>) -> impl Take
where
    Receiver<u64, F>: Send,
{
    let mut rx = rx.polled().expect("slots in which items stay");
    move |tally: &mut Tally, limit| {
        let batch = rx.poll(limit, Duration::ZERO).expect("a sender");
        let n = batch.len();
        batch
            .iter()
            .for_each(|&number| tally.add(black_box(number)));
        batch.commit();
        n
    }
}

pub(super) fn recv_many<F: OneReceiver>(mut rx: Receiver<u64, F>) -> impl Take
where
    Receiver<u64, F>: Send,
{
    let mut batch = Vec::with_capacity(BATCH);
    move |tally: &mut Tally, limit| {
        batch.clear();
        let n = rx.recv_many(&mut batch, limit).expect("a sender");
        batch
            .iter()
            .for_each(|&number| tally.add(black_box(number)));
        n
    }
}

/// With a call for each item.
pub(super) fn recv_each<F: OneReceiver>(rx: Receiver<u64, F>) -> impl Take
where
    Receiver<u64, F>: Send,
{
    let mut pop = ours::recv(rx);
    move |tally: &mut Tally, limit| {
        (0..limit).for_each(|_| tally.add(black_box(pop())));
        limit
    }
}
