//! Bounded queues with explicit backpressure.
//!
//! A channel holds exactly as many items as it was made for. When it is full,
//! the sender waits or the item is refused, as was said when it was made; every
//! error gives the item back, and everything that is refused or dropped is
//! counted.
//!
//! ```
//! use ringfence::{OnFull, Sent};
//!
//! let (mut tx, mut rx) = ringfence::channel(2).spsc().on_full(OnFull::DropNewest).build();
//! assert_eq!(tx.send("a"), Ok(Sent::Stored));
//! assert_eq!(tx.send("b"), Ok(Sent::Stored));
//! assert_eq!(tx.send("c"), Ok(Sent::Refused("c"))); // full: refused, given back, counted
//! drop(tx);
//! assert_eq!(rx.recv(), Ok("a"));
//! assert_eq!(rx.recv(), Ok("b"));
//! assert!(rx.recv().is_err()); // drained, and the sender is gone
//!
//! let stats = rx.stats();
//! assert_eq!(stats.offered, 3);
//! assert_eq!((stats.stored, stats.refused), (2, 1));
//! assert_eq!(stats.delivered, 2);
//! assert!(stats.is_exact());
//! ```
//!
//! # Layers
//!
//! * [`spsc`], [`mpmc`], [`stamped`]: the rings themselves, for those who bring their own
//!   waiting. `no_std`, in a static or on the heap.
//! * [`bounded`] and [`channel()`]: rings with waiting, policies and accounting, for one
//!   sender or many and one receiver or many. A send or receive that does not have to
//!   wait costs a few nanoseconds more than the ring; one that has to spins for some
//!   microseconds and then sleeps. Every end also has futures (`send_async`,
//!   `recv_async`, ...), for any runtime.
//! * [`OnFull`]: what a send does when there is no room, and [`Stats`], what became of
//!   every item.
//! * [`age`]: receivers that drop items which have waited too long.
//! * [`select`]: waiting for several channels at once.
//! * [`window`]: bounds in bytes, in a process and over a connection.
//! * [`pull`]: publishers and subscribers, by Reactive Streams: items on demand.
//! * [`credit`]: how much may be under way, in whatever unit; [`weighted`]: channels that
//!   are bounded so.
//! * [`Receiver::polled`]: items that are read in place, and whose slots come back when they
//!   are committed. [`Watermarks`]: for sources that can be paused.
//! * [`pipeline`]: stages on threads and in tasks, joined by channels, so that a slow one slows
//!   its source, and is named.
//! * [`board`]: channels and pipelines by name, for whoever exports or shows how they stand.
//!   `metrics` exports them to Prometheus and others, and `trace` tells of drops.
//!
//! # Features
//!
//! * `std` (default): channels, where the target has 64-bit atomics. Without it,
//!   the crate is `no_std` and consists of `spsc`; `ringfence-core` has the other rings.
//! * `stream`, `sink`: receivers as streams and senders as sinks, by the traits of
//!   `futures-core` and `futures-sink`; with `stream`, also streams as sources of
//!   [`pipeline`]s. Futures, and stages that are tasks, need no feature.
//! * `futures-io`, `tokio`: the ends of a [`window::pipe()`] as `AsyncRead` and `AsyncWrite`, by
//!   the traits of either.
//! * `kafka`: Kafka topics as sources, by rdkafka, which takes a C compiler.
//! * `metrics`: what a [`board`] shows, for the facade `metrics`.
//! * `tracing`: drops as events of `tracing`, so many at most.
//! * `alloc`, `async`, `defmt`, `embedded-io`, `embedded-io-async`, `heapless`,
//!   `portable-atomic`, `portable-atomic-critical-section`,
//!   `portable-atomic-unsafe-assume-single-core`: those of the core.

#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]

/// Policies of the rings themselves, without std.
#[cfg(not(feature = "std"))]
pub use ringfence_core::policy;
pub use ringfence_core::spsc;
#[cfg(feature = "std")]
pub use ringfence_core::{mpmc, stamped};

#[cfg(feature = "std")]
pub use self::channel::weighted;
#[cfg(feature = "std")]
pub use self::{
    channel::{
        Batch, Builder, Closed, Polled, Receiver, Sender, WeakReceiver, WeakSender, bounded,
        channel,
    },
    error::{
        RecvError, RecvTimeoutError, SendError, SendManyError, SendTimeoutError, TryRecvError,
        TrySendError,
    },
    policy::{EarlyDrop, EarlyDropError, OnFull, Reason, Sent, SentMany},
    stats::{Monitor, Stats},
    watermarks::{MarkFuture, Watermarks, WatermarksError},
};
#[cfg(feature = "std")]
pub use ringfence_core::spsc::CapacityError;

#[cfg(feature = "std")]
pub mod age;
#[cfg(feature = "std")]
pub mod board;
#[cfg(feature = "std")]
pub mod channel;
#[cfg(feature = "std")]
pub mod credit;
#[cfg(feature = "std")]
mod error;
#[cfg(feature = "std")]
#[doc(hidden)]
pub mod event;
#[cfg(feature = "std")]
mod fence;
#[cfg(feature = "std")]
pub mod flavour;
#[cfg(feature = "kafka")]
pub mod kafka;
#[cfg(feature = "metrics")]
pub mod metrics;
#[cfg(feature = "std")]
pub mod pipeline;
#[cfg(feature = "std")]
mod policy;
#[cfg(feature = "std")]
pub mod pull;
#[cfg(feature = "std")]
mod ring;
#[cfg(feature = "std")]
pub mod select;
#[cfg(feature = "std")]
mod stats;
#[cfg(feature = "std")]
mod sync;
#[cfg(feature = "tracing")]
pub mod trace;
#[cfg(feature = "std")]
#[doc(hidden)]
pub mod wait;
#[cfg(feature = "std")]
mod watermarks;
#[cfg(feature = "std")]
pub mod window;
