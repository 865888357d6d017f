//! Bounded rings for `no_std`.
//!
//! * [`spsc`]: one producer, one consumer, wait-free.
//! * [`stamped`]: one or many of each; fast, and not lock-free. Needs compare-and-swap.
//!
//! No dependency is required, no heap, and no compare-and-swap. Channels that
//! block, time out and count what they drop are in the crate `ringfence`.
//!
//! # Features
//!
//! * `alloc`: rings on the heap.
//! * `portable-atomic`, `portable-atomic-critical-section`,
//!   `portable-atomic-unsafe-assume-single-core`: how the reference count of
//!   heap rings works where the target has no compare-and-swap. Rings in place
//!   never need them.

#![no_std]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(test)]
extern crate std;

sync::with_compare_and_swap! { pub mod mpmc; }
pub mod spsc;
sync::with_compare_and_swap! { pub mod stamped; }
#[doc(hidden)]
#[allow(missing_docs, reason = "not public API")]
pub mod sync;

mod ends;
mod error;
mod handle;
#[cfg(feature = "alloc")]
mod heap;
mod pace;
mod padded;
mod position;
#[cfg(test)]
mod progress_tests;
mod slots;
