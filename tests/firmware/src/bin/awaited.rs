//! As with embassy: an interrupt feeds one task, that feeds another, and that an interrupt
//! again; all wait for rings, and the processor sleeps when there is nothing to do. All
//! items arrive, and the tasks end when the first producer goes.

#![no_std]
#![no_main]

use core::pin::pin;

use ringfence_core::spsc::{AsyncRing, Consumer, Producer};
use ringfence_firmware::own::Own;
use ringfence_firmware::random::Random;
use ringfence_firmware::{board, executor, say};

const ITEMS: u32 = 200_000;

type Ring = AsyncRing<u32, 5>;
type Tx = Producer<&'static Ring>;
type Rx = Consumer<&'static Ring>;

static IN: Ring = Ring::new();
static BETWEEN: Ring = Ring::new();
static OUT: Ring = Ring::new();
static DEVICE: Own<Device> = Own::new();

struct Device {
    tx: Option<Tx>,
    rx: Rx,
    sent: u32,
    got: u32,
    random: Random,
}

#[unsafe(no_mangle)]
fn on_timer() {
    DEVICE.with(|device| {
        for _ in 0..device.random.below(8) {
            if let Some(tx) = &mut device.tx
                && tx.try_push(device.sent).is_ok()
            {
                device.sent += 1;
                if device.sent == ITEMS {
                    device.tx = None;
                }
            }
        }
        for _ in 0..device.random.below(8) {
            if let Some(item) = device.rx.try_pop() {
                assert_eq!(item, device.got, "lost, repeated or out of order");
                device.got += 1;
            }
        }
        board::alarm(1 + device.random.below(2000));
    });
}

async fn forward(mut rx: Rx, mut tx: Tx) {
    while let Some(item) = rx.pop_async().await {
        tx.push_async(item).await.expect("somebody pops");
    }
}

#[unsafe(no_mangle)]
fn run() {
    let ((tx, first), (second, third), (fourth, rx)) = (
        IN.split().unwrap(),
        BETWEEN.split().unwrap(),
        OUT.split().unwrap(),
    );
    DEVICE.give(Device {
        tx: Some(tx),
        rx,
        sent: 0,
        got: 0,
        random: Random::new(1),
    });
    board::alarm(1);
    let slept = executor::run([pin!(forward(first, second)), pin!(forward(third, fourth))]);
    board::no_alarm();
    let mut device = DEVICE.take();
    while let Some(item) = device.rx.try_pop() {
        assert_eq!(item, device.got);
        device.got += 1;
    }
    assert_eq!(device.got, ITEMS);
    assert!(slept > 1000, "never idle");
    say!("{ITEMS} items through two tasks; slept {slept} times");
}
