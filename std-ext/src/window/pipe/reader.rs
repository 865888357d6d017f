//! The end that reads.

use std::io::{self, BufRead, Read, Write};
use std::task::{Poll, Waker};

use ringfence_core::spsc::{Consumer, Heap};

use super::{Shared, Waiting};
use crate::sync::Arc;

/// The end of a [`pipe`](super::pipe()) that reads. When it is dropped, writes fail.
#[derive(Debug)]
pub struct PipeReader {
    consumer: Consumer<Heap<u8>>,
    shared: Arc<Shared>,
    waiting: Waiting,
}

impl PipeReader {
    pub(super) fn new(consumer: Consumer<Heap<u8>>, shared: Arc<Shared>) -> Self {
        Self {
            consumer,
            shared,
            waiting: Waiting::default(),
        }
    }

    /// Waits for bytes, then writes once to `sink`, and returns how much it took: 0 at the
    /// end. There is room for as much again.
    ///
    /// # Errors
    /// As [`read`](Read::read); then those of `sink`, and
    /// [`WriteZero`](io::ErrorKind::WriteZero) if that took nothing. What it did not take
    /// stays inside.
    pub fn read_to(&mut self, sink: &mut impl Write) -> io::Result<usize> {
        let bytes = self.fill_buf()?;
        if bytes.is_empty() {
            return Ok(0);
        }
        let n = sink.write(bytes)?;
        if n == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        self.consume(n);
        Ok(n)
    }

    /// Drops this end with what is inside, and has writes fail with this error.
    pub fn close_with(self, error: io::Error) {
        // What the writer left for this end is of no use any more.
        self.shared.leave_error(error);
    }

    /// How many bytes are inside; more as soon as the writer goes on.
    #[must_use]
    pub fn len(&self) -> usize {
        self.consumer.len()
    }

    /// Whether none was inside.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.consumer.is_empty()
    }

    /// How many bytes fit.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.consumer.capacity()
    }

    fn wait_for_bytes(&mut self) -> io::Result<()> {
        let Self {
            consumer,
            shared,
            waiting,
        } = self;
        let mut attempt = || bytes(consumer, shared);
        match attempt() {
            Some(done) => done,
            None => waiting.block(&shared.bytes, attempt),
        }
    }

    fn poll_bytes(&mut self, waker: &Waker) -> Poll<io::Result<()>> {
        let Self {
            consumer,
            shared,
            waiting,
        } = self;
        let attempt = || bytes(consumer, shared);
        waiting.poll(&shared.bytes, waker, attempt)
    }

    /// As [`fill_buf`](BufRead::fill_buf), for a task.
    #[cfg_attr(not(any(feature = "tokio", feature = "futures-io")), allow(dead_code))]
    pub(super) fn poll_fill(&mut self, waker: &Waker) -> Poll<io::Result<&[u8]>> {
        match self.poll_bytes(waker) {
            Poll::Ready(done) => Poll::Ready(done.map(|()| self.there())),
            Poll::Pending => Poll::Pending,
        }
    }

    /// What is there, in one piece: not all where the ring wraps.
    fn there(&mut self) -> &[u8] {
        self.consumer.read_contiguous(usize::MAX).into_slices().0
    }

    fn has_read(&self) {
        if self.shared.room.has_waiters() {
            self.shared.room.wake_one();
        }
    }
}

/// Whether there are bytes, or there will be none: then it is the end, or an error.
fn bytes(consumer: &mut Consumer<Heap<u8>>, shared: &Shared) -> Option<io::Result<()>> {
    if consumer.ready() > 0 || consumer.refresh() > 0 {
        return Some(Ok(()));
    }
    if !shared.bytes.is_closed() {
        return None;
    }
    // All that was written before is seen from here on.
    shared.bytes.settle();
    if consumer.refresh() > 0 {
        return Some(Ok(()));
    }
    Some(shared.error().map_or(Ok(()), Err))
}

impl Read for PipeReader {
    /// Waits for bytes, and takes those there are; 0 at the end.
    ///
    /// # Errors
    /// What the writer left behind, after all that it wrote.
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        if to.is_empty() {
            return Ok(0);
        }
        self.wait_for_bytes()?;
        let n = self.consumer.pop_slice(to);
        self.has_read();
        Ok(n)
    }
}

impl BufRead for PipeReader {
    /// Waits for bytes, and shows those there are; none at the end.
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.wait_for_bytes()?;
        Ok(self.there())
    }

    /// # Panics
    /// If it is more than there is.
    fn consume(&mut self, n: usize) {
        self.consumer.read_chunk(n).commit(n);
        self.has_read();
    }
}

impl Drop for PipeReader {
    fn drop(&mut self) {
        self.waiting.place.leave(&self.shared.bytes);
        self.shared.room.close();
    }
}
