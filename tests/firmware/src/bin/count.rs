//! What a push and a pop of rings for one and one cost, for 16 items of 4 bytes: ours, with
//! positions of a word and of a byte; and heapless's, through handles and the queue itself,
//! which holds 15. Instructions here; `table` looks up the sizes of these functions and
//! statics.

#![no_std]
#![no_main]

use core::hint::black_box;

use heapless::spsc as heapless_spsc;
use ringfence_core::spsc::{Consumer, Full, Producer, Ring};
use ringfence_firmware::count::Meter;

#[unsafe(no_mangle)]
static SPSC: Ring<u32, 16> = Ring::new();
type Spsc = &'static Ring<u32, 16>;

#[unsafe(no_mangle)]
#[inline(never)]
fn spsc_push(tx: &mut Producer<Spsc>, item: u32) -> Result<(), Full<u32>> {
    tx.try_push(item)
}

#[unsafe(no_mangle)]
#[inline(never)]
fn spsc_pop(rx: &mut Consumer<Spsc>) -> Option<u32> {
    rx.try_pop()
}

#[unsafe(no_mangle)]
static BYTES: Ring<u32, 16, u8> = Ring::new();
type Bytes = &'static Ring<u32, 16, u8>;

#[unsafe(no_mangle)]
#[inline(never)]
fn bytes_push(tx: &mut Producer<Bytes>, item: u32) -> Result<(), Full<u32>> {
    tx.try_push(item)
}

#[unsafe(no_mangle)]
#[inline(never)]
fn bytes_pop(rx: &mut Consumer<Bytes>) -> Option<u32> {
    rx.try_pop()
}

#[unsafe(no_mangle)]
static mut HEAPLESS: heapless_spsc::Queue<u32, 16> = heapless_spsc::Queue::new();

#[unsafe(no_mangle)]
#[inline(never)]
fn heapless_push(tx: &mut heapless_spsc::Producer<'static, u32>, item: u32) -> Result<(), u32> {
    tx.enqueue(item)
}

#[unsafe(no_mangle)]
#[inline(never)]
fn heapless_pop(rx: &mut heapless_spsc::Consumer<'static, u32>) -> Option<u32> {
    rx.dequeue()
}

#[unsafe(no_mangle)]
#[inline(never)]
fn heapless_queue_push(queue: &mut heapless_spsc::Queue<u32, 16>, item: u32) -> Result<(), u32> {
    queue.enqueue(item)
}

#[unsafe(no_mangle)]
#[inline(never)]
fn heapless_queue_pop(queue: &mut heapless_spsc::Queue<u32, 16>) -> Option<u32> {
    queue.dequeue()
}

#[unsafe(no_mangle)]
fn run() {
    let meter = Meter::new();

    let (mut tx, mut rx) = SPSC.split().expect("once");
    let (tx, rx) = (black_box(&mut tx), black_box(&mut rx));
    meter.report("spsc", |item| spsc_push(tx, item), || spsc_pop(rx));

    let (mut tx, mut rx) = BYTES.split().expect("once");
    let (tx, rx) = (black_box(&mut tx), black_box(&mut rx));
    meter.report("bytes", |item| bytes_push(tx, item), || bytes_pop(rx));

    // SAFETY: nobody else names it.
    let queue = unsafe { &mut *black_box(&raw mut HEAPLESS) };
    let (mut tx, mut rx) = queue.split();
    let (tx, rx) = (black_box(&mut tx), black_box(&mut rx));
    meter.report(
        "heapless",
        |item| heapless_push(tx, item),
        || heapless_pop(rx),
    );

    let mut queue = heapless_spsc::Queue::new();
    let queue: *mut _ = black_box(&mut queue);
    // SAFETY: nobody else uses it, and these take turns.
    let push = |item| heapless_queue_push(unsafe { &mut *queue }, item);
    meter.report("heapless_queue", push, || {
        // SAFETY: as above.
        heapless_queue_pop(unsafe { &mut *queue })
    });
}
