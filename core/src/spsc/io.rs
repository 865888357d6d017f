//! Rings of bytes as the readers and writers of `embedded-io`.
//!
//! A ring does not wait, and neither do `Read` and `Write` here: where they are to block,
//! they fail with [`IoError::NotNow`], and what was moved so far stays moved. To spin in
//! them would hang an interrupt handler above the other side for ever. Who cannot go on
//! without asks `read_ready` or `write_ready` first, or awaits an
//! [`AsyncRing`](super::AsyncRing), whose reads and writes are those of
//! `embedded-io-async`.

use core::error::Error;
use core::fmt;

use embedded_io::{BufRead, ErrorKind, ErrorType, Read, ReadReady, Write, WriteReady};

use super::{Consumer, Owner, Producer};

/// Why no byte was read or written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum IoError {
    /// There was no byte to read, or no room for one. There may be later.
    NotNow,
    /// There was no room, and the consumer is gone.
    Abandoned,
}

impl fmt::Display for IoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotNow => "the ring is empty, or full",
            Self::Abandoned => "the ring is full, and its consumer gone",
        })
    }
}

impl Error for IoError {}

impl embedded_io::Error for IoError {
    /// `NotNow` has no kind of its own there.
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotNow => ErrorKind::Other,
            Self::Abandoned => ErrorKind::BrokenPipe,
        }
    }
}

impl<O: Owner> ErrorType for Producer<O> {
    type Error = IoError;
}

impl<O: Owner> ErrorType for Consumer<O> {
    type Error = IoError;
}

impl<O: Owner<Item = u8>> Producer<O> {
    /// Why a write of something wrote nothing.
    fn no_room(&self) -> IoError {
        if self.is_abandoned() {
            IoError::Abandoned
        } else {
            IoError::NotNow
        }
    }
}

impl<O: Owner<Item = u8>> Write for Producer<O> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, IoError> {
        match self.push_slice(bytes) {
            0 if !bytes.is_empty() => Err(self.no_room()),
            n => Ok(n),
        }
    }

    /// What was written is visible already.
    fn flush(&mut self) -> Result<(), IoError> {
        Ok(())
    }
}

impl<O: Owner<Item = u8>> WriteReady for Producer<O> {
    fn write_ready(&mut self) -> Result<bool, IoError> {
        Ok(self.ready_for(1) > 0)
    }
}

impl<O: Owner<Item = u8>> Consumer<O> {
    /// At least one byte, or none if there will be none.
    fn bytes(&mut self) -> Result<usize, IoError> {
        // Before the look: what was pushed before the producer went is then seen.
        let last = self.is_abandoned();
        match self.ready_for(1) {
            0 if !last => Err(IoError::NotNow),
            n => Ok(n),
        }
    }
}

/// 0 bytes are read when the ring is empty and the producer gone.
impl<O: Owner<Item = u8>> Read for Consumer<O> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, IoError> {
        if buffer.is_empty() {
            return Ok(0);
        }
        self.bytes()?;
        Ok(self.pop_slice(buffer))
    }
}

impl<O: Owner<Item = u8>> ReadReady for Consumer<O> {
    fn read_ready(&mut self) -> Result<bool, IoError> {
        Ok(self.bytes().is_ok())
    }
}

/// Bytes are read where they are, up to the end of the ring, and freed by `consume`. To
/// consume more than there are is to consume all.
impl<O: Owner<Item = u8>> BufRead for Consumer<O> {
    fn fill_buf(&mut self) -> Result<&[u8], IoError> {
        let n = self.bytes()?;
        Ok(self.read_contiguous(n).into_slices().0)
    }

    fn consume(&mut self, n: usize) {
        self.read_chunk(n).commit_all();
    }
}

#[cfg(feature = "embedded-io-async")]
mod awaited {
    use embedded_io_async::{BufRead, Read, Write};

    use super::super::AsyncOwner;
    use super::*;

    /// Waits until there is room. [`IoError::Abandoned`] only if there is none, and the
    /// consumer is gone. Cancel safe: what was not written is not in the ring.
    impl<O: AsyncOwner<Item = u8>> Write for Producer<O> {
        async fn write(&mut self, bytes: &[u8]) -> Result<usize, IoError> {
            if !bytes.is_empty() {
                self.room_async(1).await;
            }
            embedded_io::Write::write(self, bytes)
        }

        async fn flush(&mut self) -> Result<(), IoError> {
            Ok(())
        }
    }

    /// Waits until there is a byte. 0 bytes are read only when the ring is empty and the
    /// producer gone. Cancel safe: what was not read is in the ring.
    impl<O: AsyncOwner<Item = u8>> Read for Consumer<O> {
        async fn read(&mut self, buffer: &mut [u8]) -> Result<usize, IoError> {
            if !buffer.is_empty() {
                self.items_async(1).await;
            }
            embedded_io::Read::read(self, buffer)
        }
    }

    /// As `Read`, where the bytes are.
    impl<O: AsyncOwner<Item = u8>> BufRead for Consumer<O> {
        async fn fill_buf(&mut self) -> Result<&[u8], IoError> {
            self.items_async(1).await;
            embedded_io::BufRead::fill_buf(self)
        }

        fn consume(&mut self, n: usize) {
            embedded_io::BufRead::consume(self, n);
        }
    }
}
