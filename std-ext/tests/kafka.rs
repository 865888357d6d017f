//! The adapter for Kafka, against librdkafka's mock cluster: `.ci/kafka`.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, DefaultConsumerContext};
use rdkafka::message::Message;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{BaseProducer, BaseRecord, DefaultProducerContext, Producer};
use ringfence::kafka::{Error, Limits, Messages, Source, consume};

const TOPIC: &str = "readings";
const PARTITIONS: i32 = 4;
const MESSAGES: usize = 2_000;
const LIMITS: Limits = Limits {
    capacity: 64,
    high: 48,
    low: 16,
};
/// No step waits longer.
const STEP: Duration = Duration::from_millis(20);

type Cluster = MockCluster<'static, DefaultProducerContext>;

/// A topic with messages 0, 1, 2, …, spread over its partitions.
fn cluster() -> Cluster {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic(TOPIC, PARTITIONS, 1).unwrap();
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", cluster.bootstrap_servers())
        .create()
        .unwrap();
    for n in 0..MESSAGES {
        let payload = n.to_string();
        let record = BaseRecord::<(), _>::to(TOPIC)
            .partition(n as i32 % PARTITIONS)
            .payload(&payload);
        producer.send(record).unwrap();
    }
    producer.flush(Duration::from_secs(30)).unwrap();
    cluster
}

fn join(cluster: &Cluster) -> (Source, Messages) {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", cluster.bootstrap_servers())
        .set("group.id", "workers")
        .set("auto.offset.reset", "earliest")
        .set("auto.commit.interval.ms", "50")
        .set("heartbeat.interval.ms", "50")
        .set("fetch.wait.max.ms", "20");
    consume(&config, &[TOPIC], LIMITS).unwrap()
}

/// How often each message was dealt with.
#[derive(Default)]
struct Ledger(Mutex<BTreeMap<usize, usize>>);

impl Ledger {
    fn note(&self, message: &impl Message) {
        let text = message.payload_view::<str>().unwrap().unwrap();
        *self
            .0
            .lock()
            .unwrap()
            .entry(text.parse().unwrap())
            .or_default() += 1;
    }

    fn is_complete(&self) -> bool {
        self.0.lock().unwrap().len() == MESSAGES
    }

    fn duplicates(&self) -> usize {
        self.0.lock().unwrap().values().sum::<usize>() - MESSAGES
    }
}

/// Steps until `done`.
fn step_until(source: &mut Source, done: impl Fn() -> bool) {
    while !done() {
        source.step(STEP).unwrap();
    }
}

#[test]
fn partitions_are_paused_and_resumed() {
    let cluster = cluster();
    let (mut source, mut messages) = join(&cluster);
    // Nobody takes any: it is paused, and stays so, and the channel has room left.
    while !source.is_paused() {
        source.step(STEP).unwrap();
    }
    for _ in 0..50 {
        source.step(STEP).unwrap();
    }
    let depth = messages.stats().depth as usize;
    assert!((LIMITS.high..=LIMITS.capacity).contains(&depth), "{depth}");
    assert!(source.is_paused());

    let ledger = Ledger::default();
    let pauses = AtomicUsize::new(0);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut was_paused = true;
            while !ledger.is_complete() {
                source.step(STEP).unwrap();
                pauses.fetch_add(usize::from(source.is_paused() && !was_paused), Relaxed);
                was_paused = source.is_paused();
            }
            drop(source); // the worker's poll ends
        });
        let mut next = [0; PARTITIONS as usize];
        while let Ok(batch) = messages.poll(32, Duration::ZERO) {
            for message in batch.iter() {
                ledger.note(message);
                let next = &mut next[message.partition() as usize];
                assert_eq!(message.offset(), *next, "in order");
                *next += 1;
            }
            assert_eq!(batch.commit().unwrap(), 0);
        }
    });
    assert!(ledger.is_complete() && ledger.duplicates() == 0);
    assert!(messages.stats().high_water <= LIMITS.capacity as u64);

    // Without a message that could not be sent on.
    let (mut source, messages) = join(&cluster);
    drop(messages);
    assert_eq!(source.step(STEP), Err(Error::Disconnected));
    println!("paused {} times more", pauses.into_inner());
}

#[test]
fn whoever_dies_between_poll_and_commit_loses_nothing() {
    let cluster = cluster();
    let ledger = Ledger::default();
    let committed = {
        let (mut source, mut messages) = join(&cluster);
        let is_dead = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| step_until(&mut source, || is_dead.load(Relaxed)));
            for _ in 0..20 {
                let batch = messages.poll(32, Duration::ZERO).unwrap();
                batch.iter().for_each(|message| ledger.note(message));
                assert_eq!(batch.commit().unwrap(), 0);
            }
            let batch = messages.poll(32, Duration::ZERO).unwrap();
            batch.iter().for_each(|message| ledger.note(message));
            drop(batch);
            is_dead.store(true, Relaxed);
        });
        messages.stats().delivered as usize
    };
    let seen = ledger.0.lock().unwrap().len();
    assert!(committed < seen && seen < MESSAGES);

    let (mut source, mut messages) = join(&cluster);
    thread::scope(|scope| {
        scope.spawn(|| {
            step_until(&mut source, || ledger.is_complete());
            drop(source);
        });
        while let Ok(batch) = messages.poll(32, Duration::ZERO) {
            batch.iter().for_each(|message| ledger.note(message));
            batch.commit().unwrap();
        }
    });
    assert!(ledger.is_complete());
    // Exactly what had been polled and not committed.
    assert_eq!(ledger.duplicates(), seen - committed);
    println!("{} dealt with twice", ledger.duplicates());
}

#[test]
fn a_rebalance_loses_nothing() {
    let cluster = cluster();
    let ledger = Ledger::default();
    // So many by the first alone; then it holds what it has polled.
    let alone = AtomicUsize::new(0);
    let has_partitions = AtomicBool::new(false);
    let revoked = AtomicUsize::new(0);
    let step_all = |mut source| step_until(&mut source, || ledger.is_complete());
    let work = |mut messages: Messages, is_first: bool| {
        while let Ok(batch) = messages.poll(8, Duration::ZERO) {
            batch.iter().for_each(|message| ledger.note(message));
            if is_first {
                let before = alone.fetch_add(batch.len(), Relaxed);
                while before > MESSAGES / 4 && !has_partitions.load(Relaxed) {
                    thread::yield_now();
                }
            } else {
                has_partitions.store(true, Relaxed);
            }
            revoked.fetch_add(batch.commit().unwrap(), Relaxed);
        }
    };
    thread::scope(|scope| {
        let (source, messages) = join(&cluster);
        scope.spawn(|| step_all(source));
        scope.spawn(|| work(messages, true));
        while alone.load(Relaxed) <= MESSAGES / 4 {
            thread::yield_now();
        }
        let (source, messages) = join(&cluster);
        scope.spawn(|| step_all(source));
        work(messages, false);
    });
    assert!(ledger.is_complete() && has_partitions.into_inner());
    println!(
        "{} dealt with twice, {} offsets not stored after a partition was revoked",
        ledger.duplicates(),
        revoked.into_inner()
    );
}

/// Ends can go to other threads.
#[test]
fn ends_can_be_sent() {
    fn is_send<T: Send>() {}
    is_send::<Source>();
    is_send::<Messages>();
    is_send::<BaseConsumer<DefaultConsumerContext>>();
}
