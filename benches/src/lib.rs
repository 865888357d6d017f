//! Benchmarks of ringfence, alone and beside its peers.
//!
//! * [`harness`]: pinned threads and a clock.
//! * [`crews`]: more threads than two, with a share of the items each.
//! * [`rings`], [`chunks`], [`channels`]: the contestants, one function each,
//!   that make a push and a pop for the harness.
//! * [`many`]: many producers and consumers at one ring, and its contestants.
//! * [`blocking`]: many senders and receivers that are threads, and
//! * [`tasks`]: that are tasks; both with their contestants.
//! * [`credits`]: credits, beside tokio's semaphore, and channels with them.
//! * [`wake`], `idle`: how long it takes to wake a receiver, and what it costs to wait.
//! * [`pipelines`]: three stages in a row.
//! * [`groups`]: who runs against whom.
//! * [`report`]: runs a group in rounds and prints its tables.
//! * [`machine`]: says what it ran on.

pub mod blocking;
pub mod channels;
pub mod chunks;
pub mod credits;
pub mod crews;
pub mod groups;
pub mod harness;
#[cfg(unix)]
pub mod idle;
pub mod machine;
pub mod many;
pub mod pipelines;
pub mod report;
pub mod rings;
pub mod tasks;
pub mod wake;
