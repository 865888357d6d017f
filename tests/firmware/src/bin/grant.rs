//! A chunk as the contiguous grant of a DMA controller, which writes to slots by their
//! address: a million random grants, each as long as the ring allows, and never a slot left
//! out.

#![no_std]
#![no_main]

use ringfence_core::spsc::Ring;
use ringfence_firmware::random::Random;
use ringfence_firmware::say;

const GRANTS: u32 = 1_000_000;
const SLOTS: usize = 20;

static RING: Ring<u8, SLOTS> = Ring::new();

/// What DMA would do.
fn transfer(memory: *mut u8, len: usize, next: &mut u8) {
    for offset in 0..len {
        // SAFETY: the chunk lets us write there.
        unsafe { memory.add(offset).write_volatile(*next) };
        *next = next.wrapping_add(1);
    }
}

#[unsafe(no_mangle)]
fn run() {
    let (mut tx, mut rx) = RING.split().expect("nobody has split it");
    let mut random = Random::new(1);
    let (mut written, mut read) = (0u8, 0u8);
    let (mut tail, mut head, mut len) = (0, 0, 0);
    let (mut bytes, mut cut) = (0, 0);
    for _ in 0..GRANTS {
        let wanted = random.below(9) as usize;
        let mut chunk = tx.write_contiguous(wanted).init();
        let (memory, rest) = chunk.as_mut_slices();
        let granted = wanted.min(SLOTS - len).min(SLOTS - tail);
        assert_eq!((memory.len(), rest.len()), (granted, 0), "a dead zone");
        cut += u32::from(granted < wanted);
        let used = random.below(granted as u32 + 1) as usize;
        transfer(memory.as_mut_ptr(), used, &mut written);
        chunk.commit(used);
        tail = (tail + used) % SLOTS;
        len += used;
        bytes += used;

        let wanted = random.below(9) as usize;
        let chunk = rx.read_contiguous(wanted);
        let (memory, rest) = chunk.as_slices();
        let granted = wanted.min(len).min(SLOTS - head);
        assert_eq!((memory.len(), rest.len()), (granted, 0), "a dead zone");
        let used = random.below(granted as u32 + 1) as usize;
        for &byte in &memory[..used] {
            assert_eq!(byte, read);
            read = read.wrapping_add(1);
        }
        chunk.commit(used);
        head = (head + used) % SLOTS;
        len -= used;
    }
    assert!(cut > 1000 && bytes > 1_000_000, "too easy");
    say!("{GRANTS} grants, {cut} of them cut short, {bytes} bytes");
}
