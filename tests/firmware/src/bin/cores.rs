//! Two cores pass items there and back over two static `spsc`, and share a static `mpmc` to
//! which both push and from which both pop.

#![no_std]
#![no_main]

use core::hint::spin_loop;
use core::sync::atomic::{AtomicU32, Ordering::SeqCst};

use ringfence_core::mpmc;
use ringfence_core::spsc::{Consumer, Producer, Ring};
use ringfence_firmware::own::Own;
use ringfence_firmware::{board, say};

const THERE_AND_BACK: u32 = 200_000;
const SHARED: u32 = 100_000;

static THERE: Ring<u32, 64> = Ring::new();
static BACK: Ring<u32, 64> = Ring::new();
static BUS: mpmc::Ring<u32, 64, 2> = mpmc::Ring::new();

type Tx = Producer<&'static Ring<u32, 64>>;
type Rx = Consumer<&'static Ring<u32, 64>>;

/// The second core's ends, given before it starts.
static SECOND: Own<(Rx, Tx)> = Own::new();
/// How many items either core has popped from the bus, and their sum.
static POPPED: [AtomicU32; 2] = [const { AtomicU32::new(0) }; 2];
static SUMS: [AtomicU32; 2] = [const { AtomicU32::new(0) }; 2];

/// Pushes `SHARED` items, and pops until all of both cores are popped.
fn share(core: u32) {
    let (mut pushed, mut expected) = (0, [0, 0]);
    let all = || POPPED.iter().map(|popped| popped.load(SeqCst)).sum::<u32>();
    while all() < 2 * SHARED {
        if pushed < SHARED && BUS.try_push(pushed * 2 + core).is_ok() {
            pushed += 1;
        }
        if let Ok(item) = BUS.try_pop() {
            let (number, from) = (item / 2, item as usize % 2);
            assert!(number >= expected[from], "repeated, or out of order");
            expected[from] = number + 1;
            let (popped, sum) = (&POPPED[core as usize], &SUMS[core as usize]);
            sum.store(sum.load(SeqCst).wrapping_add(item), SeqCst);
            popped.store(popped.load(SeqCst) + 1, SeqCst);
        }
    }
    assert_eq!(pushed, SHARED);
}

fn second() -> ! {
    let (mut rx, mut tx) = SECOND.take();
    let mut passed = 0;
    while passed < THERE_AND_BACK {
        if tx.free() > 0
            && let Some(item) = rx.try_pop()
        {
            tx.try_push(!item).expect("there is room");
            passed += 1;
        }
    }
    share(1);
    loop {
        spin_loop();
    }
}

#[unsafe(no_mangle)]
fn run() {
    let ((mut tx, there), (back, mut rx)) = (THERE.split().unwrap(), BACK.split().unwrap());
    SECOND.give((there, back));
    board::start_second(second);
    let (mut sent, mut got) = (0, 0);
    while got < THERE_AND_BACK {
        if sent < THERE_AND_BACK && tx.try_push(sent).is_ok() {
            sent += 1;
        }
        if let Some(item) = rx.try_pop() {
            assert_eq!(!item, got, "lost, repeated or out of order");
            got += 1;
        }
    }
    share(0);
    assert!(BUS.is_empty());
    let popped = [0, 1].map(|core: usize| POPPED[core].load(SeqCst));
    assert_eq!(popped[0] + popped[1], 2 * SHARED);
    let sum = SUMS[0].load(SeqCst).wrapping_add(SUMS[1].load(SeqCst));
    assert_eq!(sum, (0..2 * SHARED).fold(0, u32::wrapping_add));
    say!("{got} there and back; {popped:?} popped from the ring of both");
}
