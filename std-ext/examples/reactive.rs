//! Three ways to be slower than one's source, and to lose nothing without knowing:
//!
//! 1. A publisher that can wait gives what is asked for, and not one item more.
//! 2. A sensor that cannot wait, before somebody who wants the latest reading only.
//! 3. The same, before somebody who wants as many as fit into a buffer.
//!
//! ```text
//! cargo run --release -p ringfence --example reactive
//! ```

use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use ringfence::pull::{self, Failure, Overflow, Publisher, PublisherExt, Subscriber, Subscription};
use ringfence::{OnFull, Stats, channel};

/// How long each part takes.
const TIME: Duration = Duration::from_millis(300);

fn main() {
    println!("a publisher that can wait, asked for 8 items at a time:");
    asks_in_batches();
    println!("a sensor that cannot, where only the latest reading counts:");
    sensor(Overflow::latest());
    println!("the same, with a buffer for 64 readings, whose oldest go first:");
    let buffer = channel(64).spsc().on_full(OnFull::DropOldest);
    sensor(Overflow::buffer(buffer));
}

/// A subscriber, as the protocol has it.
struct Batches {
    subscription: Option<Subscription>,
    size: u64,
    received: u64,
    asked: u64,
    until: Instant,
}

impl<E> Subscriber<u64, E> for Batches {
    /// It begins: nothing comes before it is asked for.
    fn on_subscribe(&mut self, subscription: Subscription) {
        self.asked = self.size;
        subscription.request(self.size);
        self.subscription = Some(subscription);
    }

    /// An item, one of those that were asked for.
    fn on_next(&mut self, _item: u64) {
        self.received += 1;
        thread::sleep(Duration::from_millis(1)); // slow
        let subscription = self.subscription.as_ref().expect("this came first");
        if Instant::now() > self.until {
            subscription.cancel(); // nothing comes after that
        } else if self.received == self.asked {
            self.asked += self.size;
            subscription.request(self.size);
        }
    }

    fn on_error(self, _failure: Failure<E>) {}

    fn on_complete(self) {}
}

/// It was cancelled, and is dropped.
impl Drop for Batches {
    fn drop(&mut self) {
        let Self {
            asked, received, ..
        } = self;
        println!("  asked for {asked}, received {received}");
        assert!(received <= asked);
    }
}

fn asks_in_batches() {
    // Fast, and without end: a number is made when somebody asks for it.
    pull::from_iter(0..).subscribe(Batches {
        subscription: None,
        size: 8,
        received: 0,
        asked: 0,
        until: Instant::now() + TIME,
    });
}

/// Makes a reading each 20 microseconds, whoever wants it, and hands it to somebody who
/// takes a millisecond for each.
fn sensor(overflow: Overflow<u64>) {
    let (mut sensor, readings) = pull::push::<u64, ()>(overflow).split();
    let monitor = readings.monitor();
    let until = Instant::now() + TIME;
    let makes: JoinHandle<u64> = thread::spawn(move || {
        let mut made = 0;
        while Instant::now() < until {
            // What is refused or pushed out comes back here, and is counted.
            let _ = sensor.emit(made).expect("somebody listens");
            made += 1;
            thread::sleep(Duration::from_micros(20));
        }
        sensor.complete();
        made
    });
    let mut taken = 0;
    for reading in readings.items(1) {
        let _reading = reading.expect("it does not fail");
        taken += 1;
        thread::sleep(Duration::from_millis(1)); // slow
    }
    let made = makes.join().expect("it does not panic");
    let stats = monitor.stats();
    report(made, taken, &stats);
}

fn report(made: u64, taken: u64, stats: &Stats) {
    let dropped = stats.refused + stats.evicted;
    println!("  made {made} = taken {taken} + dropped {dropped}");
    println!("  {stats}");
    assert_eq!(made, taken + dropped);
    assert_eq!((stats.offered, stats.delivered), (made, taken));
}
