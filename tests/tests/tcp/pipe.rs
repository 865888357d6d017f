//! Reading from a socket only as fast as a pipe frees bytes.

use std::io::{BufRead, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::thread::{self, yield_now};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use ringfence::window::{PipeReader, drain, pipe, pump};
use tokio_util::bytes::Bytes;
use tokio_util::codec::{FramedRead, FramedWrite, LengthDelimitedCodec};

use super::{byte, bytes, connected, kernel_holds};

const CAPACITY: usize = 16 << 10;

/// Reads to the end, checks every byte, and returns how many there were.
fn read_to_end(reader: &mut PipeReader) -> usize {
    let mut at = 0;
    loop {
        assert!(reader.len() <= CAPACITY);
        let there = reader.fill_buf().unwrap();
        let n = there.len();
        if n == 0 {
            return at;
        }
        assert!(there.iter().zip(at..).all(|(&there, at)| there == byte(at)));
        reader.consume(n);
        at += n;
    }
}

/// As long as nobody reads, the remote writer gets rid of so much and no more: what the pipe
/// and the kernel's buffers hold. When the reader goes on, all arrives.
#[test]
fn a_reader_that_stands_still_holds_back_the_remote_writer() {
    const ALL: usize = 8 << 20;
    let (here, mut remote) = connected();
    let most = CAPACITY + kernel_holds(&remote, &here);
    assert!(most < ALL / 8);
    let (writer, mut reader) = pipe(CAPACITY);
    let pumping = thread::spawn(move || pump(&mut &here, writer));

    remote.set_nonblocking(true).unwrap();
    let (mut sent, mut refused) = (0, 0);
    while refused < 1000 {
        let end = ALL.min(sent + 5000);
        match remote.write(&bytes(sent, end)) {
            Ok(n) => {
                sent += n;
                refused = 0;
                assert!(
                    sent <= most,
                    "{sent} bytes, but {most} is all there is room for"
                );
            }
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::WouldBlock);
                refused += usize::from(reader.len() == CAPACITY);
                yield_now();
            }
        }
    }
    assert!(sent >= CAPACITY);
    assert!(!pumping.is_finished());

    remote.set_nonblocking(false).unwrap();
    let writes = thread::spawn(move || {
        remote.write_all(&bytes(sent, ALL)).unwrap();
        remote.shutdown(Shutdown::Write).unwrap();
    });
    assert_eq!(read_to_end(&mut reader), ALL);
    assert_eq!(pumping.join().unwrap().unwrap(), ALL as u64);
    writes.join().unwrap();
}

/// The remote end says that it has no more, and is answered nevertheless.
#[test]
fn half_a_connection_closes() {
    let (here, mut remote) = connected();
    let (to_here, from_remote) = pipe(CAPACITY);
    let (to_remote, from_here) = pipe(CAPACITY);
    let other = here.try_clone().unwrap();
    let reads = thread::spawn(move || pump(&mut &here, to_here));
    let writes = thread::spawn(move || {
        let n = drain(from_here, &mut &other);
        other.shutdown(Shutdown::Write).unwrap();
        n
    });
    // Sends back what it gets.
    let echoes = thread::spawn(move || {
        let mut from_remote = from_remote;
        pump(&mut from_remote, to_remote)
    });
    const ALL: usize = 300_000;
    let mut answers = remote.try_clone().unwrap();
    let asks = thread::spawn(move || {
        remote.write_all(&bytes(0, ALL)).unwrap();
        remote.shutdown(Shutdown::Write).unwrap();
    });
    let mut all = Vec::new();
    answers.read_to_end(&mut all).unwrap();
    assert!(all == bytes(0, ALL));
    asks.join().unwrap();
    for thread in [reads, writes, echoes] {
        assert_eq!(thread.join().unwrap().unwrap(), ALL as u64);
    }
}

/// A reset is seen as an error, behind what had come before, and not as the end.
#[test]
fn a_reset_is_no_end() {
    let (here, mut remote) = connected();
    let (writer, mut reader) = pipe(CAPACITY);
    let pumping = thread::spawn(move || pump(&mut &here, writer));
    remote.write_all(b"half a mess").unwrap();
    let mut first = [0; 5];
    reader.read_exact(&mut first).unwrap();
    while reader.len() < 6 {
        yield_now();
    }
    let at_once = Some(Duration::ZERO);
    socket2::SockRef::from(&remote).set_linger(at_once).unwrap();
    drop(remote);
    let mut rest = Vec::new();
    let error = reader.read_to_end(&mut rest).unwrap_err();
    assert_eq!(
        (error.kind(), &rest[..]),
        (ErrorKind::ConnectionReset, &b" a mess"[1..])
    );
    let pumped = pumping.join().unwrap().unwrap_err();
    assert_eq!(pumped.kind(), ErrorKind::ConnectionReset);
}

/// The consumer goes, and so does the connection: the remote writer learns of it.
#[test]
fn a_reader_that_goes_ends_the_connection() {
    let (here, mut remote) = connected();
    let (writer, reader) = pipe(CAPACITY);
    let pumping = thread::spawn(move || {
        let pumped = pump(&mut &here, writer);
        drop(here);
        pumped
    });
    let goes = thread::spawn(move || drop(reader));
    let error = loop {
        // Blocks until the pump takes it, or there is no connection.
        if let Err(error) = remote.write_all(&[0; 1000]) {
            break error;
        }
    };
    let gone = [ErrorKind::BrokenPipe, ErrorKind::ConnectionReset];
    assert!(gone.contains(&error.kind()), "{error}");
    assert_eq!(
        pumping.join().unwrap().unwrap_err().kind(),
        ErrorKind::BrokenPipe
    );
    goes.join().unwrap();
}

#[test]
fn a_peer_that_sends_single_bytes() {
    const ALL: usize = 5000;
    let (here, mut remote) = connected();
    remote.set_nodelay(true).unwrap();
    let (writer, mut reader) = pipe(7);
    let pumping = thread::spawn(move || pump(&mut &here, writer));
    let writes = thread::spawn(move || {
        for at in 0..ALL {
            remote.write_all(&[byte(at)]).unwrap();
        }
    });
    assert_eq!(read_to_end(&mut reader), ALL);
    assert_eq!(pumping.join().unwrap().unwrap(), ALL as u64);
    writes.join().unwrap();
}

/// By tokio from one connection to another: if nobody reads from that, the remote writer gets
/// rid of what both connections and the pipe hold, and what `copy` has in hand.
#[test]
fn tokio_relays_only_what_is_taken() {
    const ALL: usize = 4 << 20;
    let (from, mut source) = connected();
    let (to, mut sink) = connected();
    let held = kernel_holds(&source, &from) + kernel_holds(&to, &sink);
    let most = held + CAPACITY + (8 << 10);
    assert!(most < ALL / 4);
    for socket in [&from, &to, &source] {
        socket.set_nonblocking(true).unwrap();
    }
    let relays = thread::spawn(move || {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        runtime.enable_io().build().unwrap().block_on(async move {
            let mut from = tokio::net::TcpStream::from_std(from).unwrap();
            let mut to = tokio::net::TcpStream::from_std(to).unwrap();
            let (mut writer, mut reader) = pipe(CAPACITY);
            let (read, written) = tokio::join!(
                async move { tokio::io::copy(&mut from, &mut writer).await },
                tokio::io::copy_buf(&mut reader, &mut to),
            );
            assert_eq!((read.unwrap(), written.unwrap()), (ALL as u64, ALL as u64));
        });
    });
    let (mut sent, mut refused) = (0, 0);
    while refused < 1000 {
        match source.write(&bytes(sent, ALL.min(sent + 5000))) {
            Ok(n) => {
                sent += n;
                refused = 0;
                assert!(
                    sent <= most,
                    "{sent} bytes, but {most} is all there is room for"
                );
            }
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::WouldBlock);
                refused += 1;
                yield_now();
            }
        }
    }
    source.set_nonblocking(false).unwrap();
    let writes = thread::spawn(move || source.write_all(&bytes(sent, ALL)).unwrap());
    let mut all = Vec::new();
    sink.read_to_end(&mut all).unwrap();
    assert!(all == bytes(0, ALL));
    writes.join().unwrap();
    relays.join().unwrap();
}

/// tokio's own `copy` between socket and pipe, and its codecs on the pipe.
#[test]
fn tokio_copies_and_frames() {
    const FRAMES: usize = 2000;
    let frame = |at: usize| bytes(at, at + at % 90);
    let (here, remote) = connected();
    for socket in [&here, &remote] {
        socket.set_nonblocking(true).unwrap();
    }
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_io().build().unwrap().block_on(async move {
        let mut here = tokio::net::TcpStream::from_std(here).unwrap();
        let remote = tokio::net::TcpStream::from_std(remote).unwrap();
        let sends = tokio::spawn(async move {
            let mut framed = FramedWrite::new(remote, LengthDelimitedCodec::new());
            for at in 0..FRAMES {
                framed.send(Bytes::from(frame(at))).await.unwrap();
            }
        });
        let (mut writer, reader) = pipe(100);
        let copies = tokio::spawn(async move {
            tokio::io::copy(&mut here, &mut writer).await.unwrap();
        });
        let mut framed = FramedRead::new(reader, LengthDelimitedCodec::new());
        for at in 0..FRAMES {
            assert_eq!(framed.next().await.unwrap().unwrap(), frame(at));
        }
        assert!(framed.next().await.is_none());
        copies.await.unwrap();
        sends.await.unwrap();
    });
}
