//! Credits: what it costs to acquire one and give it back, and what a channel costs that is
//! bounded by weight as well.

use std::pin::pin;
use std::sync::{Arc, Barrier};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use futures_lite::future::block_on;
use ringfence::Receiver;
use ringfence::credit::Pool;
use ringfence::flavour::Flavour;
use ringfence::weighted::{Sender, Weighted};
use tokio::sync::Semaphore;

use crate::blocking::{Stream, Work};
use crate::crews::{Setting, Shape, each, shares};
use crate::groups::{Contestant, Group, Measure, Outcome, SPINS, YIELDS};
use crate::harness::{Cores, Pop, Push, Run, timed};

const ALONE: Measure = Measure {
    figures: &["ns a time"],
    ..SPINS
};

const TOGETHER: Measure = Measure {
    figures: &["ns a time"],
    ..YIELDS
};

/// All groups.
pub fn groups() -> Vec<Group> {
    let together = [(2, 1), (2, 1024), (4, 1), (4, 1024)];
    let mut groups = vec![
        Group {
            name: "credits/try".into(),
            about: "one thread acquires a credit and gives it back, never waiting".into(),
            measure: ALONE,
            contestants: at_once(),
        },
        Group {
            name: "credits/async".into(),
            about: "the same by a future that is ready at the first poll".into(),
            measure: ALONE,
            contestants: polled_once(),
        },
    ];
    groups.extend(together.map(|(threads, credits)| Group {
        name: format!("credits/{threads}/{credits}"),
        about: format!(
            "{threads} threads acquire one of {credits} credits and give it back, by futures; \
             who must wait sleeps"
        ),
        measure: TOGETHER,
        contestants: waiting(threads, credits),
    }));
    groups.extend([Shape::ONE, Shape::new(2, 2)].map(|shape| Group {
        name: format!("credits/channel/{shape}"),
        about: "8-byte items one at a time, capacity 1024, with and without credits".into(),
        measure: YIELDS,
        contestants: channels(Setting {
            shape,
            capacity: 1024,
        }),
    }));
    groups
}

/// One that has `threads` do `once` so many times in all.
fn repeated(name: &'static str, threads: usize, once: impl Fn() + Sync + 'static) -> Contestant {
    Contestant::new(name, move |cores, times| {
        let ready = &Barrier::new(threads);
        let all = cores.all.iter().copied().cycle();
        let timed = thread::scope(|scope| {
            let crew: Vec<_> = shares(times, threads)
                .zip(all)
                .map(|(share, core)| {
                    let once = &once;
                    scope.spawn(move || timed(core, ready, || share.for_each(|_| once())))
                })
                .collect();
            let ended = crew
                .into_iter()
                .map(|thread| thread.join().expect("it works"));
            ended.collect::<Vec<_>>()
        });
        let begin = timed.iter().map(|timed| timed.begin).min();
        let end = timed.iter().map(|timed| timed.end).max();
        let time = end
            .zip(begin)
            .map_or(Duration::ZERO, |(end, begin)| end - begin);
        let kept_waiting = timed.iter().map(|timed| timed.kept_waiting).sum();
        Outcome::speed(Run { time, kept_waiting }, times)
    })
}

fn at_once() -> Vec<Contestant> {
    let (pool, semaphore) = (Pool::new(1024), Semaphore::new(1024));
    let owned = Arc::new(Semaphore::new(1024));
    vec![
        repeated("ringfence", 1, move || {
            drop(pool.try_acquire(1).expect("it is free"));
        }),
        repeated("tokio", 1, move || {
            drop(semaphore.try_acquire().expect("it is free"));
        }),
        repeated("tokio-owned", 1, move || {
            drop(owned.clone().try_acquire_owned().expect("it is free"));
        }),
    ]
}

/// What the future comes to at once.
fn ready<R>(future: impl Future<Output = R>) -> R {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(ready) => ready,
        Poll::Pending => panic!("it waits"),
    }
}

fn polled_once() -> Vec<Contestant> {
    let (pool, semaphore) = (Pool::new(1024), Semaphore::new(1024));
    let owned = Arc::new(Semaphore::new(1024));
    vec![
        repeated("ringfence", 1, move || {
            drop(ready(pool.acquire_async(1)).expect("it is open"));
        }),
        repeated("tokio", 1, move || {
            drop(ready(semaphore.acquire()).expect("it is open"));
        }),
        repeated("tokio-owned", 1, move || {
            drop(ready(owned.clone().acquire_owned()).expect("it is open"));
        }),
    ]
}

fn waiting(threads: usize, credits: u32) -> Vec<Contestant> {
    let pool = Pool::new(credits.into());
    let (blocking, semaphore) = (pool.clone(), Semaphore::new(credits as usize));
    vec![
        repeated("ringfence", threads, move || {
            drop(block_on(pool.acquire_async(1)).expect("it is open"));
        }),
        repeated("ringfence-thread", threads, move || {
            drop(blocking.acquire(1).expect("it is open"));
        }),
        repeated("tokio", threads, move || {
            drop(block_on(semaphore.acquire()).expect("it is open"));
        }),
    ]
}

/// Plain channels, and the same with a pool from which each item takes its 8 bytes: it has
/// more than slots for them, so that credits are counted and slots run out; or fewer, so
/// that who must wait waits for credits.
fn channels(setting: Setting) -> Vec<Contestant> {
    fn entry<S: Push + 'static, R: Pop + 'static>(
        name: &'static str,
        make: impl Fn() -> (Vec<S>, Vec<R>) + 'static,
    ) -> Contestant {
        Contestant::new(name, move |cores: &Cores, items| {
            Stream::run(cores, items, make())
        })
    }
    let Setting { shape, capacity } = setting;
    let bytes = 8 * capacity as u64;
    let mut entries = vec![entry("ringfence-mpmc", move || {
        let (tx, rx) = ringfence::channel(capacity).build();
        (
            each(tx, shape.producers, |mut tx| {
                move |item| assert!(tx.send(item).is_ok())
            }),
            each(rx, shape.consumers, |mut rx| {
                move || rx.recv().expect("a sender")
            }),
        )
    })];
    let mpmc = move |bytes, slots| {
        let channel = ringfence::channel(slots);
        let (tx, rx) = channel.weighted(&Pool::new(bytes), |_: &u64| 8).build();
        (
            each(tx, shape.producers, send),
            each(rx, shape.consumers, recv),
        )
    };
    entries.push(entry("ringfence-mpmc-counted", move || {
        mpmc(2 * bytes, capacity)
    }));
    entries.push(entry("ringfence-mpmc-weighted", move || {
        mpmc(bytes, 2 * capacity)
    }));
    if shape == Shape::ONE {
        entries.push(entry("ringfence-spsc", move || {
            let (mut tx, mut rx) = ringfence::channel(capacity).spsc().build();
            (
                vec![move |item| assert!(tx.send(item).is_ok())],
                vec![move || rx.recv().expect("a sender")],
            )
        }));
        let spsc = move |bytes, slots| {
            let channel = ringfence::channel(slots).spsc();
            let (tx, rx) = channel.weighted(&Pool::new(bytes), |_: &u64| 8).build();
            (vec![send(tx)], vec![recv(rx)])
        };
        entries.push(entry("ringfence-spsc-counted", move || {
            spsc(2 * bytes, capacity)
        }));
        entries.push(entry("ringfence-spsc-weighted", move || {
            spsc(bytes, 2 * capacity)
        }));
    }
    entries
}

fn send<F: Flavour>(mut tx: Sender<u64, F>) -> impl Push
where
    Sender<u64, F>: Send,
{
    move |item| assert!(tx.send(item).is_ok())
}

fn recv<F: Flavour>(mut rx: Receiver<Weighted<u64>, F>) -> impl Pop
where
    Receiver<Weighted<u64>, F>: Send,
{
    move || rx.recv().expect("a sender").into_inner()
}
