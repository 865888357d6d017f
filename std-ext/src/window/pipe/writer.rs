//! The end that writes.

use std::io::{self, ErrorKind, Read, Write};
use std::task::{Poll, Waker};

use ringfence_core::spsc::{Heap, Producer};

use super::{Shared, Waiting};
use crate::sync::Arc;

/// The end of a [`pipe`](super::pipe()) that writes. Dropping it is the end for the reader.
#[derive(Debug)]
pub struct PipeWriter {
    producer: Producer<Heap<u8>>,
    shared: Arc<Shared>,
    waiting: Waiting,
    is_shut_down: bool,
}

/// The most that is read at once from a source.
const MOST_AT_ONCE: usize = 8 << 10;

impl PipeWriter {
    pub(super) fn new(producer: Producer<Heap<u8>>, shared: Arc<Shared>) -> Self {
        Self {
            producer,
            shared,
            waiting: Waiting::default(),
            is_shut_down: false,
        }
    }

    /// Waits for room, then reads once from `source`, as much as there is room for, and
    /// returns how much: 0 if `source` has ended. Nothing is read that has no place.
    ///
    /// # Errors
    /// As [`write`](Write::write), before anything is read; then those of `source`.
    ///
    /// # Panics
    /// If `source` does, or says that it read more than it was given room for. Then nothing
    /// is written.
    pub fn write_from(&mut self, source: &mut impl Read) -> io::Result<usize> {
        self.wait_for_room()?;
        let mut chunk = self.producer.write_contiguous(MOST_AT_ONCE).init();
        let n = source.read(chunk.as_mut_slices().0)?;
        chunk.commit(n);
        self.has_written();
        Ok(n)
    }

    /// Nothing more is written: the reader reads what is inside and then the end. From then
    /// on writes fail with [`BrokenPipe`](ErrorKind::BrokenPipe).
    pub fn shut_down(&mut self) {
        self.is_shut_down = true;
        self.shared.bytes.close();
    }

    /// Drops this end, and has the reader read what is inside and then, instead of the end,
    /// this error.
    pub fn close_with(self, error: io::Error) {
        // What the reader left for this end is of no use any more.
        self.shared.leave_error(error);
    }

    /// How many bytes are inside; fewer as soon as the reader goes on.
    #[must_use]
    pub fn len(&self) -> usize {
        self.producer.len()
    }

    /// Whether none is inside. Then there is none until the next write.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.producer.is_empty()
    }

    /// How many bytes fit.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.producer.capacity()
    }

    fn wait_for_room(&mut self) -> io::Result<()> {
        let Self {
            producer,
            shared,
            waiting,
            is_shut_down,
        } = self;
        let mut attempt = || room(producer, shared, *is_shut_down);
        match attempt() {
            Some(done) => done,
            None => waiting.block(&shared.room, attempt),
        }
    }

    fn poll_room(&mut self, waker: &Waker) -> Poll<io::Result<()>> {
        let Self {
            producer,
            shared,
            waiting,
            is_shut_down,
        } = self;
        let attempt = || room(producer, shared, *is_shut_down);
        waiting.poll(&shared.room, waker, attempt)
    }

    /// As [`write`](Write::write), for a task.
    #[cfg_attr(not(any(feature = "tokio", feature = "futures-io")), allow(dead_code))]
    pub(super) fn poll_write(&mut self, waker: &Waker, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if bytes.is_empty() {
            return Poll::Ready(Ok(0));
        }
        self.poll_room(waker).map_ok(|()| self.write_some(bytes))
    }

    fn write_some(&mut self, bytes: &[u8]) -> usize {
        let n = self.producer.push_slice(bytes);
        self.has_written();
        n
    }

    fn has_written(&self) {
        if self.shared.bytes.has_waiters() {
            self.shared.bytes.wake_one();
        }
    }
}

/// Whether there is room; an error if there never will be any more.
fn room(
    producer: &mut Producer<Heap<u8>>,
    shared: &Shared,
    is_shut_down: bool,
) -> Option<io::Result<()>> {
    if is_shut_down {
        return Some(Err(ErrorKind::BrokenPipe.into()));
    }
    if shared.room.is_closed() {
        let error = shared.error();
        return Some(Err(error.unwrap_or_else(|| ErrorKind::BrokenPipe.into())));
    }
    (producer.ready() > 0 || producer.refresh() > 0).then_some(Ok(()))
}

impl Write for PipeWriter {
    /// Waits for room, and takes what fits.
    ///
    /// # Errors
    /// [`BrokenPipe`](ErrorKind::BrokenPipe) if the reader has gone, or what it left behind.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.is_empty() {
            return Ok(0);
        }
        self.wait_for_room()?;
        Ok(self.write_some(bytes))
    }

    /// What is written can be read at once, so there is nothing to do.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for PipeWriter {
    fn drop(&mut self) {
        self.waiting.place.leave(&self.shared.room);
        self.shared.bytes.close();
    }
}
