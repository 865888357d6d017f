//! Many tasks at one channel: who must wait lets its thread do something else.
//!
//! A contestant implements `Sends` and `Receives` for its ends, and has a function
//! that makes so many of them, and a line in `contestants.rs`.

use std::hint::black_box;
use std::ops::Range;
use std::time::{Duration, Instant};

use crate::crews::{Sums, Tally, settings, shares};
use crate::groups::{Group, Outcome, YIELDS};
use crate::harness::{Cores, Run};

pub(crate) mod contestants;
mod ours;
pub(crate) mod runtimes;

use contestants::contestants;
use runtimes::{Runtime, Smol, Tokio, TokioCurrent};

/// The end of a channel that sends.
pub(crate) trait Sends: Send + 'static {
    /// Puts one item in, waiting for room.
    fn send_one(&mut self, item: u64) -> impl Future<Output = ()> + Send;
}

/// The end of a channel that receives.
pub(crate) trait Receives: Send + 'static {
    /// Takes one item out, waiting for it.
    fn recv_one(&mut self) -> impl Future<Output = u64> + Send;
}

/// All groups.
pub fn groups() -> Vec<Group> {
    let of_all = [
        groups_of::<TokioCurrent>(),
        groups_of::<Tokio>(),
        groups_of::<Smol>(),
    ];
    of_all.into_iter().flatten().collect()
}

fn groups_of<R: Runtime>() -> Vec<Group> {
    settings([1024, 64, 1])
        .map(|setting| Group {
            name: format!("async/{}/{setting}", R::NAME),
            about: format!(
                "8-byte items one at a time, whoever must wait is woken; {}",
                R::ABOUT
            ),
            measure: YIELDS,
            contestants: contestants::<Stream<R>>(setting),
        })
        .collect()
}

/// What is done with the ends of a channel.
pub(crate) trait Work: 'static {
    fn run<S: Sends, R: Receives>(cores: &Cores, items: u64, ends: (Vec<S>, Vec<R>)) -> Outcome;
}

/// Moves items in a runtime, each end its share.
struct Stream<R>(R);

impl<X: Runtime> Work for Stream<X> {
    fn run<S: Sends, R: Receives>(
        cores: &Cores,
        items: u64,
        (tx, rx): (Vec<S>, Vec<R>),
    ) -> Outcome {
        let tally = Tally::new(tx.len());
        let consume = shares(items, rx.len())
            .zip(rx)
            .map(|(share, rx)| Task::Consume(rx, share.end - share.start, tally));
        let produce = shares(items, tx.len())
            .zip(tx)
            .map(|(share, tx)| Task::Produce(tx, share));
        let tasks = produce.chain(consume).map(Task::run).collect();
        let (begin, ended) = X::run(cores, tasks);
        let (ends, sums): (Vec<Instant>, Vec<Sums>) = ended.into_iter().flatten().unzip();
        Sums::check(sums, items);
        let time = ends.into_iter().max().map(|end| end - begin);
        let run = Run {
            time: time.unwrap_or_default(),
            kept_waiting: Duration::ZERO,
        };
        Outcome::speed(run, items)
    }
}

/// What one end does. One type for both sides, so that a runtime takes them together.
enum Task<S, R> {
    Produce(S, Range<u64>),
    Consume(R, u64, Tally),
}

impl<S: Sends, R: Receives> Task<S, R> {
    /// When it ended, and what it got, of a consumer.
    async fn run(self) -> Option<(Instant, Sums)> {
        match self {
            Self::Produce(mut tx, share) => {
                for number in share {
                    tx.send_one(black_box(number)).await;
                }
                None
            }
            Self::Consume(mut rx, count, mut tally) => {
                for _ in 0..count {
                    tally.add(black_box(rx.recv_one().await));
                }
                Some((Instant::now(), tally.sums()))
            }
        }
    }
}
