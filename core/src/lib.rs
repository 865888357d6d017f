//! Bounded rings for `no_std`.
//!
//! * [`spsc`]: one producer, one consumer, wait-free. In place, it needs no
//!   compare-and-swap.
//! * `mpmc`: any number of both, lock-free, with exact overwrite.
//! * `stamped`: one or many of each, fast, and not lock-free.
//! * [`policy`]: what a push does when there is no room, counted.
//!
//! The last two need compare-and-swap: the target's, or that of `portable-atomic`.
//!
//! No dependency is required, and no heap. Channels that block, time out and count
//! what they drop are in the crate `ringfence`.
//!
//! # Features
//!
//! * `alloc`: rings on the heap.
//! * `async`: [`spsc`] rings whose sides can be awaited, by any executor.
//! * `embedded-io`, `embedded-io-async`: the ends of a [`spsc`] ring of bytes as readers and
//!   writers; what they do where they would block is said at `IoError`.
//! * `heapless`: batches to and from vectors of that crate, whose compiler may have to be newer.
//! * `defmt`: errors and counts in its logs.
//! * `portable-atomic`, `portable-atomic-critical-section`,
//!   `portable-atomic-unsafe-assume-single-core`: for targets without
//!   compare-and-swap, `mpmc`, `stamped`, and the reference count of `spsc` rings on the heap.
//!   They mask interrupts for a moment there, so `mpmc` is then not lock-free.
//!
//! # Targets
//!
//! All with atomic loads and stores of 8, 16 and 32 bits and of `usize`: 32-bit and
//! 64-bit ones. Targets with 16-bit addresses have none of 32 bits.

#![no_std]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(test)]
extern crate std;

sync::with_compare_and_swap! { pub mod mpmc; }
pub mod policy;
pub mod spsc;
sync::with_compare_and_swap! { pub mod stamped; }
#[doc(hidden)]
#[allow(missing_docs, reason = "not public API")]
pub mod sync;

#[cfg(feature = "alloc")]
mod counted;
mod ends;
mod error;
#[cfg(feature = "defmt")]
mod format;
mod handle;
#[cfg(feature = "alloc")]
mod heap;
mod kept;
mod pace;
mod padded;
mod position;
#[cfg(test)]
mod progress_tests;
mod slots;
#[cfg(feature = "async")]
mod waiter;
#[cfg(test)]
mod zeros_tests;
