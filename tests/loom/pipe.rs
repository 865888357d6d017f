//! Models of pipes of bytes: waiting at either end, and either end going.

use std::future::poll_fn;
use std::io::{ErrorKind, Read, Write};
use std::pin::Pin;
use std::task::{Context, Waker};

use futures_util::io::{AsyncRead, AsyncWrite};
use loom::thread;
use ringfence::window::{PipeReader, PipeWriter, pipe};

use crate::future::block_on;
use crate::harness::Model;

pub(crate) const MODELS: &[Model] = &[
    Model::new("pipe_read_parks", read_parks),
    Model::new("pipe_write_parks", write_parks),
    Model::new("pipe_both_park", both_park).preemptions(2),
    Model::new("pipe_writer_goes", writer_goes),
    Model::new("pipe_reader_goes", reader_goes),
    Model::new("pipe_writer_leaves_an_error", writer_leaves_an_error),
    Model::new("pipe_reader_leaves_an_error", reader_leaves_an_error),
    Model::new("pipe_read_polled", read_polled),
    Model::new("pipe_write_polled", write_polled),
    Model::new("pipe_blocks_after_a_poll", blocks_after_a_poll),
];

fn read_byte(reader: &mut PipeReader) -> u8 {
    let mut byte = [0];
    reader.read_exact(&mut byte).unwrap();
    byte[0]
}

/// A full pipe of one byte.
fn full() -> (PipeWriter, PipeReader) {
    let (mut writer, reader) = pipe(1);
    assert_eq!(writer.write(b"a").unwrap(), 1);
    (writer, reader)
}

/// A reader that finds nothing is woken by a write.
fn read_parks() {
    let (mut writer, mut reader) = pipe(1);
    let writes = thread::spawn(move || {
        writer.write_all(b"a").unwrap();
        writer // it does not go
    });
    assert_eq!(read_byte(&mut reader), b'a');
    drop(writes.join().unwrap());
}

/// A writer that finds no room is woken by a read.
fn write_parks() {
    let (mut writer, mut reader) = full();
    let reads = thread::spawn(move || {
        assert_eq!(read_byte(&mut reader), b'a');
        reader
    });
    writer.write_all(b"b").unwrap();
    assert_eq!(read_byte(&mut reads.join().unwrap()), b'b');
}

/// Both wait, by turns.
fn both_park() {
    let (mut writer, mut reader) = pipe(1);
    let writes = thread::spawn(move || {
        writer.write_all(b"ab").unwrap();
        writer
    });
    assert_eq!([(); 2].map(|()| read_byte(&mut reader)), *b"ab");
    drop(writes.join().unwrap());
}

/// Nothing that was written is behind the end.
fn writer_goes() {
    let (mut writer, mut reader) = pipe(1);
    let writes = thread::spawn(move || writer.write_all(b"a").unwrap());
    let mut all = Vec::new();
    reader.read_to_end(&mut all).unwrap();
    assert_eq!(all, b"a");
    writes.join().unwrap();
}

fn reader_goes() {
    let (mut writer, reader) = full();
    let goes = thread::spawn(move || drop(reader));
    let error = writer.write(b"b").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BrokenPipe);
    goes.join().unwrap();
}

/// Whoever sees that the writer has gone sees why, and all that it wrote before.
fn writer_leaves_an_error() {
    let (mut writer, mut reader) = pipe(1);
    let writes = thread::spawn(move || {
        writer.write_all(b"a").unwrap();
        writer.close_with(ErrorKind::TimedOut.into());
    });
    let mut all = Vec::new();
    let error = reader.read_to_end(&mut all).unwrap_err();
    assert_eq!((error.kind(), &all[..]), (ErrorKind::TimedOut, &b"a"[..]));
    writes.join().unwrap();
}

fn reader_leaves_an_error() {
    let (mut writer, reader) = full();
    let goes = thread::spawn(move || reader.close_with(ErrorKind::TimedOut.into()));
    let error = writer.write(b"b").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    goes.join().unwrap();
}

fn poll_read(reader: &mut PipeReader) -> u8 {
    let mut byte = [0];
    block_on(poll_fn(|context| {
        Pin::new(&mut *reader).poll_read(context, &mut byte)
    }))
    .unwrap();
    byte[0]
}

fn read_polled() {
    let (mut writer, mut reader) = pipe(1);
    let writes = thread::spawn(move || {
        writer.write_all(b"a").unwrap();
        writer
    });
    assert_eq!(poll_read(&mut reader), b'a');
    drop(writes.join().unwrap());
}

fn write_polled() {
    let (mut writer, mut reader) = full();
    let reads = thread::spawn(move || {
        assert_eq!(read_byte(&mut reader), b'a');
        reader
    });
    let wrote = block_on(poll_fn(|context| {
        Pin::new(&mut writer).poll_write(context, b"b")
    }));
    assert_eq!(wrote.unwrap(), 1);
    assert_eq!(read_byte(&mut reads.join().unwrap()), b'b');
}

/// A task has given up; then its end blocks, and gets the wake-up.
fn blocks_after_a_poll() {
    let (mut writer, mut reader) = pipe(1);
    let context = &mut Context::from_waker(Waker::noop());
    assert!(
        Pin::new(&mut reader)
            .poll_read(context, &mut [0])
            .is_pending()
    );
    let writes = thread::spawn(move || {
        writer.write_all(b"a").unwrap();
        writer
    });
    assert_eq!(read_byte(&mut reader), b'a');
    drop(writes.join().unwrap());
}
