//! A Kafka topic, worked off with backpressure, by a worker that crashes now and then:
//! nothing is lost, and what was dealt with twice is counted.
//!
//! ```sh
//! cargo run --release -p ringfence --features kafka --example kafka
//! ```
//!
//! The cluster is librdkafka's mock, inside this program; with a real one, only
//! `bootstrap.servers` is another.

use std::error::Error;
use std::panic::resume_unwind;
use std::thread;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::message::Message;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use ringfence::kafka::{self, Limits, Messages};

const TOPIC: &str = "orders";
const MESSAGES: usize = 10_000;

/// Works until it has done so many, or crashes.
fn work(messages: &mut Messages, done: &mut [u32], crash_at: usize) -> Result<(), Box<dyn Error>> {
    while done.contains(&0) {
        let batch = messages.poll(32, Duration::from_millis(5))?;
        for message in batch.iter() {
            let text = message.payload_view::<str>().ok_or("no payload")??;
            let number: usize = text.parse()?;
            if number == crash_at && done[number] == 0 {
                done[number] += 1;
                resume_unwind(Box::new("crashed")); // as `panic`, but says nothing
            }
            done[number] += 1;
        }
        batch.commit()?; // room in the channel, and the offsets are stored
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let cluster = MockCluster::new(1)?;
    cluster.create_topic(TOPIC, 4, 1)?;
    let servers = cluster.bootstrap_servers();
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", &servers)
        .create()?;
    for number in 0..MESSAGES {
        let payload = number.to_string();
        let record = BaseRecord::<(), _>::to(TOPIC).payload(&payload);
        producer.send(record).map_err(|(error, _)| error)?;
    }
    producer.flush(Duration::from_secs(30))?;

    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", &servers)
        .set("group.id", "workers")
        .set("auto.offset.reset", "earliest");
    let limits = Limits {
        capacity: 256,
        high: 192,
        low: 64,
    };
    let (mut source, mut messages) = kafka::consume(&config, &[TOPIC], limits)?;
    let source = thread::spawn(move || {
        let mut pauses = 0;
        let mut was_paused = false;
        // Until the messages are wanted no more.
        while let Ok(_) | Err(kafka::Error::Kafka(_)) = source.step(Duration::from_millis(50)) {
            pauses += u32::from(source.is_paused() && !was_paused);
            was_paused = source.is_paused();
        }
        pauses
    });

    let mut done = vec![0; MESSAGES];
    let mut crashes = 0;
    for crash_at in [MESSAGES / 3, MESSAGES / 2, MESSAGES] {
        let worker = || work(&mut messages, &mut done, crash_at).map_err(|error| error.to_string());
        match thread::scope(|scope| scope.spawn(worker).join()) {
            Ok(worked) => worked?,
            Err(_) => crashes += 1,
        }
    }
    let stats = messages.stats();
    drop(messages);
    let pauses = source.join().expect("it does not panic");
    let twice = done.iter().filter(|&&times| times > 1).count();
    println!("{MESSAGES} messages, {crashes} crashes, {twice} dealt with twice, {pauses} pauses");
    println!("{stats}");
    assert!(done.iter().all(|&times| times > 0), "lost");
    Ok(())
}
