//! An interrupt keeps the newest four samples in a static `mpmc` by `force_push`; whenever
//! main looks, it gets those and no older one, and every sample is either evicted or
//! popped, once.

#![no_std]
#![no_main]

use core::sync::atomic::{AtomicU32, Ordering::SeqCst};

use ringfence_core::mpmc::Ring;
use ringfence_firmware::own::Own;
use ringfence_firmware::random::Random;
use ringfence_firmware::{board, say};

const SAMPLES: u32 = 100_000;
const WINDOW: u32 = 4;

/// With a spare for main and one for the interrupt.
static RING: Ring<u32, { WINDOW as usize }, 2> = Ring::new();
static SAMPLER: Own<Sampler> = Own::new();
/// How many samples have been pushed.
static PUSHED: AtomicU32 = AtomicU32::new(0);

struct Sampler {
    evicted: Tally,
    random: Random,
}

/// Samples that have left the ring in one way, in order.
#[derive(Default)]
struct Tally {
    count: u32,
    sum: u32,
    next: u32,
}

impl Tally {
    fn add(&mut self, sample: u32) {
        assert!(sample >= self.next, "twice, or out of order");
        self.next = sample + 1;
        self.count += 1;
        self.sum = self.sum.wrapping_add(sample);
    }
}

#[unsafe(no_mangle)]
fn on_timer() {
    SAMPLER.with(|sampler| {
        let sample = PUSHED.load(SeqCst);
        if let Some(oldest) = RING.force_push(sample).expect("a spare for each") {
            sampler.evicted.add(oldest);
        }
        PUSHED.store(sample + 1, SeqCst);
        if sample + 1 < SAMPLES {
            board::alarm(1 + sampler.random.below(300));
        }
    });
}

#[unsafe(no_mangle)]
fn run() {
    SAMPLER.give(Sampler {
        evicted: Tally::default(),
        random: Random::new(1),
    });
    board::alarm(1);
    let mut random = Random::new(2);
    let mut popped = Tally::default();
    loop {
        let pushed = PUSHED.load(SeqCst);
        for _ in 0..random.below(2 * WINDOW) {
            let Ok(sample) = RING.try_pop() else { break };
            assert!(sample + WINDOW >= pushed, "older than the newest four");
            assert!(sample <= PUSHED.load(SeqCst), "from the future");
            popped.add(sample);
        }
        if pushed == SAMPLES && RING.is_empty() {
            break;
        }
        for _ in 0..random.below(200) {
            core::hint::black_box(()); // QEMU yields at `spin_loop`, which takes long
        }
    }
    let evicted = SAMPLER.take().evicted;
    assert_eq!(popped.count + evicted.count, SAMPLES);
    let sum = (0..SAMPLES).fold(0, u32::wrapping_add);
    assert_eq!(popped.sum.wrapping_add(evicted.sum), sum);
    assert!(popped.count > 1000 && evicted.count > 1000, "one-sided");
    say!(
        "{SAMPLES} samples = {} popped + {} evicted",
        popped.count,
        evicted.count
    );
}
