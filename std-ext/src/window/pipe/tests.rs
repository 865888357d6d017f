//! What a user of pipes relies on.

use std::io::{self, BufRead, ErrorKind, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::task::{Poll, Wake, Waker};
use std::thread;

use super::*;

/// Different at each place, modulo a prime.
fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at % 251) as u8).collect()
}

/// At most so many bytes a call, and errors in between that mean nothing.
struct Hesitant<T> {
    inner: T,
    most: usize,
    calls: usize,
}

impl<T> Hesitant<T> {
    fn new(inner: T, most: usize) -> Self {
        Self {
            inner,
            most,
            calls: 0,
        }
    }

    fn hesitates(&mut self) -> io::Result<()> {
        self.calls += 1;
        if self.calls % 3 == 0 {
            return Err(ErrorKind::Interrupted.into());
        }
        Ok(())
    }
}

impl<T: Read> Read for Hesitant<T> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        self.hesitates()?;
        let n = to.len().min(self.most);
        self.inner.read(&mut to[..n])
    }
}

impl<T: Write> Write for Hesitant<T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.hesitates()?;
        self.inner.write(&bytes[..bytes.len().min(self.most)])
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[test]
fn all_arrives_in_order_whatever_the_sizes() {
    let capacities = if cfg!(miri) {
        &[1, 3][..]
    } else {
        &[1, 2, 3, 10, 1000, 100_000]
    };
    for &capacity in capacities {
        for most in [1, 7, 100_000] {
            let len = if most.min(capacity) < 100 {
                2000
            } else {
                50_000
            };
            let len = if cfg!(miri) { 30 } else { len };
            let (writer, reader) = pipe(capacity);
            let source = pattern(len);
            let mut sink = Hesitant::new(Vec::new(), most);
            thread::scope(|scope| {
                let mut source = Hesitant::new(&source[..], most);
                let pumped = scope.spawn(move || pump(&mut source, writer));
                assert_eq!(drain(reader, &mut sink).unwrap(), len as u64);
                assert_eq!(pumped.join().unwrap().unwrap(), len as u64);
            });
            assert!(sink.inner == source);
        }
    }
}

#[test]
fn a_pipe_holds_exactly_its_capacity() {
    let (mut writer, mut reader) = pipe(5);
    assert_eq!(writer.write(b"").unwrap(), 0);
    assert_eq!(writer.write(b"abcdefg").unwrap(), 5);
    assert_eq!((writer.len(), reader.len(), reader.capacity()), (5, 5, 5));
    assert_eq!(reader.read(&mut []).unwrap(), 0);
    assert_eq!(reader.fill_buf().unwrap(), b"abcde");
    reader.consume(2);
    assert_eq!(writer.write(b"fgh").unwrap(), 2);
    drop(writer);
    let mut rest = Vec::new();
    reader.read_to_end(&mut rest).unwrap();
    assert_eq!(rest, b"cdefg");
    assert_eq!(reader.read(&mut [0]).unwrap(), 0);
    assert!(try_pipe(0).is_err() && try_pipe(usize::MAX).is_err());
}

/// What has no place is not read from the source.
#[test]
fn a_source_keeps_what_has_no_place() {
    let (mut writer, mut reader) = pipe(5);
    let mut source = &b"0123456789"[..];
    assert_eq!(writer.write_from(&mut source).unwrap(), 5);
    assert_eq!(source, b"56789");
    reader.consume(3);
    // As far as the ring goes without a wrap, then the rest.
    let mut n = 0;
    while n < 3 {
        n += writer.write_from(&mut source).unwrap();
    }
    assert_eq!((n, source), (3, &b"89"[..]));
}

#[test]
fn who_has_gone_is_noticed() {
    let (mut writer, reader) = pipe(3);
    assert_eq!(writer.write(b"ab").unwrap(), 2);
    drop(reader);
    assert_eq!(
        writer.write(b"c").unwrap_err().kind(),
        ErrorKind::BrokenPipe
    );
    let read = writer.write_from(&mut &b"never read"[..]);
    assert_eq!(read.unwrap_err().kind(), ErrorKind::BrokenPipe);

    let (mut writer, mut reader) = pipe(3);
    assert_eq!(writer.write(b"ab").unwrap(), 2);
    writer.shut_down();
    assert_eq!(
        writer.write(b"c").unwrap_err().kind(),
        ErrorKind::BrokenPipe
    );
    let mut all = String::new();
    assert_eq!(reader.read_to_string(&mut all).unwrap(), 2);
}

/// The other end sees the error, the reader after all that was written, and again each time.
#[test]
fn errors_are_left_for_the_other_end() {
    let (mut writer, mut reader) = pipe(3);
    assert_eq!(writer.write(b"ab").unwrap(), 2);
    writer.close_with(io::Error::new(ErrorKind::TimedOut, "too slow"));
    assert_eq!(reader.read(&mut [0; 9]).unwrap(), 2);
    for _ in 0..2 {
        let error = reader.read(&mut [0; 9]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        assert_eq!(error.to_string(), "too slow");
    }

    let (mut writer, reader) = pipe(3);
    reader.close_with(io::Error::from_raw_os_error(28));
    assert_eq!(writer.write(b"ab").unwrap_err().raw_os_error(), Some(28));
}

/// Threads that wait are woken when the other end goes, in whichever way.
#[test]
fn going_wakes() {
    for with_error in [false, true] {
        let (writer, mut reader) = pipe(1);
        let waits = thread::spawn(move || reader.read(&mut [0]));
        if with_error {
            writer.close_with(ErrorKind::ConnectionReset.into());
        } else {
            drop(writer);
        }
        let read = waits.join().unwrap().map_err(|error| error.kind());
        let expected = if with_error {
            Err(ErrorKind::ConnectionReset)
        } else {
            Ok(0)
        };
        assert_eq!(read, expected);

        let (mut writer, reader) = pipe(1);
        let waits = thread::spawn(move || writer.write_all(b"abc"));
        let expected = if with_error {
            reader.close_with(ErrorKind::ConnectionReset.into());
            ErrorKind::ConnectionReset
        } else {
            drop(reader);
            ErrorKind::BrokenPipe
        };
        assert_eq!(waits.join().unwrap().unwrap_err().kind(), expected);
    }
}

/// Errors of a source reach the reader, those of a sink the writer.
#[test]
fn pumps_hand_errors_on() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(ErrorKind::ConnectionReset.into())
        }
    }
    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let (writer, mut reader) = pipe(9);
    let mut source = (&b"abc"[..]).chain(Broken);
    let pumped = pump(&mut source, writer).unwrap_err();
    assert_eq!(pumped.kind(), ErrorKind::ConnectionReset);
    let mut all = Vec::new();
    let read = reader.read_to_end(&mut all).unwrap_err();
    assert_eq!(
        (read.kind(), &all[..]),
        (ErrorKind::ConnectionReset, &b"abc"[..])
    );

    let (mut writer, reader) = pipe(9);
    writer.write_all(b"abc").unwrap();
    let drained = drain(reader, &mut Broken).unwrap_err();
    assert_eq!(drained.kind(), ErrorKind::StorageFull);
    assert_eq!(
        writer.write(b"d").unwrap_err().kind(),
        ErrorKind::StorageFull
    );

    let (mut writer, reader) = pipe(9);
    writer.write_all(b"abc").unwrap();
    let drained = drain(reader, &mut &mut [0; 2][..]).unwrap_err();
    assert_eq!(drained.kind(), ErrorKind::WriteZero);
}

/// A source that panics, or says that it read more than it can have.
#[test]
fn a_source_that_breaks_its_word_writes_nothing() {
    struct Liar;
    impl Read for Liar {
        fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
            Ok(to.len() + 1)
        }
    }
    let (mut writer, mut reader) = pipe(4);
    let lie = std::panic::AssertUnwindSafe(|| writer.write_from(&mut Liar));
    assert!(std::panic::catch_unwind(lie).is_err());
    assert_eq!(reader.len(), 0);
    writer.write_all(b"true").unwrap();
    assert_eq!(reader.fill_buf().unwrap(), b"true");
}

#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Relaxed);
    }
}

/// A task that waits is woken; one that has given up keeps the wake-up from nobody, and no
/// waker is kept.
#[test]
fn ends_are_polled_and_block_by_turns() {
    let (mut writer, mut reader) = pipe(2);
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(woken.clone());
    assert!(reader.poll_fill(&waker).is_pending());
    assert!(reader.poll_fill(&waker).is_pending());
    assert_eq!(writer.write(b"ab").unwrap(), 2);
    assert_eq!(woken.0.load(Relaxed), 1);
    let Poll::Ready(Ok(bytes)) = reader.poll_fill(&waker) else {
        panic!("there are bytes");
    };
    assert_eq!(bytes, b"ab");
    assert!(writer.poll_write(&waker, b"cd").is_pending());
    assert!(writer.poll_write(&waker, b"").is_ready());
    // It gives up, and blocks instead.
    let blocks = thread::spawn(move || writer.write_all(b"cdef").map(|()| writer));
    let mut all = [0; 5];
    reader.read_exact(&mut all).unwrap();
    assert_eq!(&all, b"abcde");
    let writer = blocks.join().unwrap().unwrap();
    reader.consume(1);
    assert!(reader.poll_fill(&waker).is_pending());
    drop((writer, reader));
    drop(waker);
    assert_eq!(Arc::strong_count(&woken), 1, "no waker is left");
}
