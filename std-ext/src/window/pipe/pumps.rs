//! Between sockets and pipes, for threads.

use std::io::{self, ErrorKind, Read, Write};
use std::sync::Arc;

use super::{PipeReader, PipeWriter, again};

/// Fills a pipe from `source` until that ends, and returns how much it was. Reads only what
/// there is room for, so what cannot be stored stays where it comes from: with a socket, in
/// the kernel's buffers, and then with the remote writer.
///
/// # Errors
/// Those of `source`, which the reader sees as well, after all that was read; and if the reader
/// has gone, its error or [`BrokenPipe`](ErrorKind::BrokenPipe).
pub fn pump(source: &mut impl Read, mut writer: PipeWriter) -> io::Result<u64> {
    match move_all(|| writer.write_from(source)) {
        Ok(n) => Ok(n),
        Err(error) => {
            let error = Arc::new(error);
            writer.close_with(again(error.clone()));
            Err(again(error))
        }
    }
}

/// Empties a pipe into `sink` until the writer has gone, flushes that, and returns how much it
/// was. It takes out what `sink` has taken, so that a slow one holds back the writer.
///
/// # Errors
/// Those of `sink`, with which writes to the pipe then fail as well; and the error that the
/// writer left, after all that it wrote.
pub fn drain(mut reader: PipeReader, sink: &mut impl Write) -> io::Result<u64> {
    let moved = move_all(|| reader.read_to(sink));
    match moved.and_then(|n| sink.flush().map(|()| n)) {
        Ok(n) => Ok(n),
        Err(error) => {
            let error = Arc::new(error);
            reader.close_with(again(error.clone()));
            Err(again(error))
        }
    }
}

/// Until there is no more.
fn move_all(mut step: impl FnMut() -> io::Result<usize>) -> io::Result<u64> {
    let mut all = 0;
    loop {
        match step() {
            Ok(0) => return Ok(all),
            Ok(n) => all += n as u64,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
