//! Bounds in bytes: the other side may send as much as there is room for.
//!
//! * [`pipe()`]: a bounded queue of bytes between a writer and a reader, blocking or awaited.
//!   [`pump`] fills one from a socket, and reads only what there is room for: so TCP's own
//!   window closes, and a slow consumer here holds back a fast writer there.
//! * [`Connection`]: many streams over one connection, each with a window of its own, so
//!   that one that is not read holds back itself and not the others.
//!
//! # Windows
//!
//! After QUIC (RFC 9000 §4). A receiver says up to which byte, counted from the first, its
//! peer may send: on each stream, and on all of them together. Such a limit only grows, so a
//! frame that says less than one before changes nothing. It is told anew once
//! the application has taken half a window. Streams are granted alike: the peer may open
//! so many, and one more for each of them that is over.
//!
//! A sender that keeps to it never makes the receiver store more than its windows; one that
//! does not is an error ([`ProtocolError`]), and so is everything else that a peer that
//! keeps to the rules would not send. Nothing that a peer sends makes a `Connection` panic
//! or take memory beyond what its [`Config`] allows.
//!
//! ```
//! use ringfence::window::{Config, Connection, Event, Role};
//!
//! let mut here = Connection::new(Role::Client, Config::default());
//! let mut there = Connection::new(Role::Server, Config::default().stream_window(4));
//! let mut wire = [0; 1024]; // the two would be joined by a socket
//! let n = there.transmit(&mut wire);
//! here.receive(&wire[..n])?;
//!
//! let stream = here.open()?;
//! assert_eq!(here.write(stream, b"backpressure")?, 12); // buffered here
//! let n = here.transmit(&mut wire);
//! there.receive(&wire[..n])?;
//! assert_eq!(there.poll_event(), Some(Event::Opened(stream)));
//!
//! let mut buffer = [0; 64];
//! assert_eq!(there.read(stream, &mut buffer)?, 4); // "back": all that it had room for
//! assert!(here.is_stalled()); // until `there` says that it has room again
//! let n = there.transmit(&mut wire);
//! here.receive(&wire[..n])?;
//! assert!(!here.is_stalled());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The connection below
//!
//! A `Connection` has no input or output of its own, no clock and no threads: bytes go in by
//! [`receive`](Connection::receive), and come out by [`transmit`](Connection::transmit).
//! They must arrive all, unchanged and in order, as over TCP or a Unix socket: nothing is
//! encrypted, checked for damage, or sent again. Both ends must be of this crate; the format
//! of frames is its own.
//!
//! Time is the caller's: a peer that never grants anything is no error, but
//! [`is_stalled`](Connection::is_stalled), for as long as the caller likes to watch it.

mod connection;
mod error;
mod frame;
mod incoming;
mod limit;
mod outgoing;
pub mod pipe;
#[cfg(test)]
mod tests;
mod varint;

pub use self::connection::{Config, Connection, Event, Role, StreamId, Usage};
pub use self::error::{OpenError, ProtocolError, ReadError, WriteError};
#[doc(inline)]
pub use self::pipe::{PipeReader, PipeWriter, drain, pipe, pump};
