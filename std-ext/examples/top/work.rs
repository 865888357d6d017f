//! What there is to see: a pipeline over text, and channels under overload.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use ringfence::board::Board;
use ringfence::pipeline::{Pipeline, Running};
use ringfence::{Receiver, RecvTimeoutError, Sender, channel};

use crate::options::{Options, Slow};

/// About how many bytes go through the pipeline as one record.
const BLOCK: usize = 16 << 10;

/// How late a side of a channel may be, and still hurry.
const MADE_UP_FOR: Duration = Duration::from_millis(50);

type Words = HashMap<String, u64>;

/// Goes on until it is dropped.
pub(crate) struct Work {
    _pipeline: Running,
    /// Nothing is sent here; when it closes, the channels' threads end.
    stop: Option<Sender<()>>,
    threads: Vec<JoinHandle<()>>,
}

impl Work {
    /// Starts it, and puts it on the board.
    pub(crate) fn start(options: &Options, board: &Board) -> io::Result<Self> {
        let pipeline = words(blocks(options)?, options);
        board.pipeline("words", pipeline.handle());
        let (stop, stopped) = ringfence::bounded(1);
        let mut policies = options.channels.clone();
        policies.sort_unstable();
        policies.dedup();
        let mut threads = Vec::new();
        for policy in policies {
            let channel = channel(options.capacity).on_full(policy.on_full(options.capacity));
            let (tx, rx) = channel.build();
            board.channel(policy.name(), rx.monitor());
            let pace = |rate: f64| Pace {
                gap: Duration::from_secs_f64(1.0 / rate),
                next: Instant::now(),
                stopped: stopped.clone(),
            };
            let (sent, taken) = (pace(options.rate * options.load), pace(options.rate));
            threads.push(thread::spawn(|| send(tx, sent)));
            threads.push(thread::spawn(|| receive(rx, taken)));
        }
        Ok(Self {
            _pipeline: pipeline,
            stop: Some(stop),
            threads,
        })
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        self.stop = None;
        for thread in self.threads.drain(..) {
            let _ended = thread.join();
        }
    }
}

// ---- the pipeline ----

/// The text, in blocks of whole lines.
fn blocks(options: &Options) -> io::Result<Vec<Arc<str>>> {
    let mut text = String::new();
    for path in &options.files {
        let of_path = |error| io::Error::other(format!("{}: {error}", path.display()));
        text += &String::from_utf8_lossy(&fs::read(path).map_err(of_path)?);
    }
    if options.files.is_empty() {
        text = "The quick brown fox jumps over the lazy dog, which is too slow to notice\n"
            .repeat(1000);
    }
    let mut blocks = vec![String::new()];
    for line in text.split_inclusive('\n') {
        if blocks.last().is_some_and(|block| block.len() >= BLOCK) {
            blocks.push(String::new());
        }
        let block = blocks.last_mut().expect("there is one from the start");
        block.push_str(line);
    }
    Ok(blocks.into_iter().map(Arc::from).collect())
}

/// Counts the words of these, again and again; of each different one once.
fn words(blocks: Vec<Arc<str>>, options: &Options) -> Running {
    let (slow, times) = (options.slow, options.times);
    let times = |stage| if stage == slow { times } else { 1 };
    let [fold, hash, count] = [Slow::Fold, Slow::Hash, Slow::Count].map(times);
    let text = (0..blocks.len()).cycle().map(move |at| blocks[at].clone());
    let hasher = BuildHasherDefault::<DefaultHasher>::default();
    let mut seen = HashSet::new();
    let mut all = Words::new();
    Pipeline::source("read", text)
        .stage("fold", move |block| repeat(fold, || block.to_lowercase()))
        .capacity(8)
        .stage("hash", move |block| {
            (repeat(hash, || hasher.hash_one(&block)), block)
        })
        .capacity(8)
        .stage("count", move |(hash, block)| {
            (hash, repeat(count, || counted(&block)))
        })
        .capacity(8)
        .sink("sum", move |(hash, words)| {
            if seen.insert(hash) {
                add(&mut all, &words);
            }
        })
        .capacity(8)
        .start()
}

fn repeat<T>(times: u32, mut work: impl FnMut() -> T) -> T {
    for _ in 1..times {
        std::hint::black_box(work());
    }
    work()
}

fn counted(block: &str) -> Words {
    let mut words = Words::new();
    for word in block.split(|c: char| !c.is_alphanumeric()) {
        if !word.is_empty() {
            *entry(&mut words, word) += 1;
        }
    }
    words
}

fn add(all: &mut Words, some: &Words) {
    for (word, n) in some {
        *entry(all, word) += n;
    }
}

/// Allocates for a new word only.
fn entry<'a>(words: &'a mut Words, word: &str) -> &'a mut u64 {
    if !words.contains_key(word) {
        words.insert(word.into(), 0);
    }
    words.get_mut(word).expect("it is there")
}

// ---- the channels ----

fn send(mut tx: Sender<u64>, mut pace: Pace) {
    for number in 0.. {
        if !pace.goes_on() || tx.send(number).is_err() {
            return;
        }
    }
}

fn receive(mut rx: Receiver<u64>, mut pace: Pace) {
    while pace.goes_on() && rx.recv().is_ok() {}
}

/// So many a second, until all ends.
struct Pace {
    gap: Duration,
    next: Instant,
    stopped: Receiver<()>,
}

impl Pace {
    /// Waits for the next turn, if there is one. Who was held up makes up for a little of it.
    fn goes_on(&mut self) -> bool {
        let waited = self.stopped.recv_deadline(self.next);
        self.next += self.gap;
        let now = Instant::now();
        if now.saturating_duration_since(self.next) > MADE_UP_FOR {
            self.next = now;
        }
        waited == Err(RecvTimeoutError::Timeout)
    }
}
