//! The ends of a pipe, by tokio's traits.

use std::io::{self, BufRead};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncBufRead, AsyncRead, AsyncWrite, ReadBuf};

use super::{PipeReader, PipeWriter};

/// With feature `tokio`.
impl AsyncRead for PipeReader {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        to: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if to.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        let reader = self.get_mut();
        let bytes = ready!(reader.poll_fill(context.waker()))?;
        let n = bytes.len().min(to.remaining());
        to.put_slice(&bytes[..n]);
        reader.consume(n);
        Poll::Ready(Ok(()))
    }
}

/// With feature `tokio`.
impl AsyncBufRead for PipeReader {
    fn poll_fill_buf(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        self.get_mut().poll_fill(context.waker())
    }

    fn consume(self: Pin<&mut Self>, n: usize) {
        BufRead::consume(self.get_mut(), n);
    }
}

/// With feature `tokio`.
impl AsyncWrite for PipeWriter {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        PipeWriter::poll_write(self.get_mut(), context.waker(), bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().shut_down();
        Poll::Ready(Ok(()))
    }
}
