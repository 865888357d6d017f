//! A bounded queue of bytes: what one end writes, the other reads, in one process.
//!
//! It holds exactly as many bytes as it was made for. A write waits while there is no room at
//! all, then takes what fits; a read waits while there is nothing. The ends are
//! [`Write`](std::io::Write), [`Read`](std::io::Read) and [`BufRead`](std::io::BufRead), and
//! with the features `futures-io` and `tokio` the traits of the same names that are polled.
//! An end may block and be polled by turns.
//!
//! ```
//! use std::io::{Read, Write};
//!
//! let (mut writer, mut reader) = ringfence::window::pipe(4);
//! assert_eq!(writer.write(b"backpressure").unwrap(), 4); // full
//! let thread = std::thread::spawn(move || writer.write_all(b"pressure")); // waits
//! let mut all = String::new();
//! reader.read_to_string(&mut all).unwrap(); // to the end: the writer is gone
//! assert_eq!(all, "backpressure");
//! thread.join().unwrap().unwrap();
//! ```
//!
//! # The end
//!
//! When the writer is dropped, or shut down, the reader reads what is inside and then the end.
//! When the reader is dropped, what is inside is lost, and writes fail with
//! [`BrokenPipe`](std::io::ErrorKind::BrokenPipe). Either may
//! leave an error for the other instead: by `close_with`.
//!
//! # Progress
//!
//! A read or write that does not have to wait is wait-free, but for a short lock where the
//! other end sleeps, has just slept, or has gone. Waiting is blocking, as in channels.
//!
//! # Cancel safety
//!
//! A poll that is pending has moved no byte.

#[cfg(feature = "futures-io")]
mod futures;
mod pumps;
mod reader;
#[cfg(test)]
mod tests;
#[cfg(feature = "tokio")]
mod tokio;
mod writer;

use std::io;
use std::task::{Poll, Waker};

use ringfence_core::spsc::{self, CapacityError};

pub use self::pumps::{drain, pump};
pub use self::reader::PipeReader;
pub use self::writer::PipeWriter;
use crate::event::Event;
use crate::sync::{Arc, Mutex, Padded, lock};
use crate::wait::{KeptPlace, Patience, wait};

/// A queue of exactly `capacity` bytes.
///
/// # Panics
/// If the capacity is 0, or no memory can hold it.
#[must_use]
#[track_caller]
pub fn pipe(capacity: usize) -> (PipeWriter, PipeReader) {
    try_pipe(capacity).unwrap_or_else(|error| panic!("{error}: {capacity}"))
}

/// A queue of exactly `capacity` bytes.
///
/// # Errors
/// [`CapacityError`], if the capacity is 0, or no memory can hold it.
pub fn try_pipe(capacity: usize) -> Result<(PipeWriter, PipeReader), CapacityError> {
    let (producer, consumer) = spsc::try_with_capacity(capacity)?;
    let shared = Arc::new(Shared {
        bytes: Padded::new(Event::new()),
        room: Padded::new(Event::new()),
        error: Mutex::new(None),
    });
    Ok((
        PipeWriter::new(producer, shared.clone()),
        PipeReader::new(consumer, shared),
    ))
}

/// What the ends share, beside the ring.
#[derive(Debug)]
struct Shared {
    /// Bytes have come: the reader waits for it. Closed when the writer has gone.
    bytes: Padded<Event>,
    /// Room has come: the writer waits for it. Closed when the reader has gone.
    room: Padded<Event>,
    /// What the end that has gone left for the other.
    error: Mutex<Option<std::sync::Arc<io::Error>>>,
}

impl Shared {
    /// To be told to the other end, before the event is closed by which it knows.
    fn leave_error(&self, error: io::Error) {
        let error = std::sync::Arc::new(error);
        let _late = lock(&self.error).replace(error);
    }

    fn error(&self) -> Option<io::Error> {
        let error = lock(&self.error).clone();
        error.map(again)
    }
}

/// An error that can be told more than once.
fn again(error: std::sync::Arc<io::Error>) -> io::Error {
    match error.raw_os_error() {
        Some(code) => io::Error::from_raw_os_error(code),
        None => io::Error::new(error.kind(), error),
    }
}

/// How an end waits, by turns as a thread and as a task.
#[derive(Debug, Default)]
struct Waiting {
    patience: Patience,
    place: KeptPlace,
}

impl Waiting {
    /// Calls `attempt`, which has just failed, until it returns something.
    #[cold]
    fn block<R>(&mut self, event: &Event, attempt: impl FnMut() -> Option<R>) -> R {
        // Else a task that has given up would get the wake-up.
        self.place.leave(event);
        let done = wait(event, &mut self.patience, None, attempt, || false);
        done.expect("there is no deadline")
    }

    fn poll<R>(
        &mut self,
        event: &Event,
        waker: &Waker,
        mut attempt: impl FnMut() -> Option<R>,
    ) -> Poll<R> {
        match attempt() {
            Some(done) => {
                self.place.leave(event);
                Poll::Ready(done)
            }
            None => self.place.poll(event, waker, attempt, || false),
        }
    }
}
