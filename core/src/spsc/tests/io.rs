//! Rings of bytes as readers and writers, blocking ones that do not block.

use super::*;
use embedded_io::{BufRead, Read, ReadReady, Write, WriteReady};

#[test]
fn reads_what_was_written() {
    let mut ring = Ring::<u8, 5, u8>::new();
    let (mut tx, mut rx) = ring.split_mut();
    let (mut written, mut read) = (0u8, 0u8);
    for round in 0..1000usize {
        let bytes: Vec<u8> = (0..round % 7)
            .map(|n| written.wrapping_add(n as u8))
            .collect();
        assert_eq!(tx.write_ready(), Ok(tx.free() > 0));
        match tx.write(&bytes) {
            Ok(n) => {
                assert!(n > 0 || bytes.is_empty());
                written = written.wrapping_add(n as u8);
            }
            Err(error) => assert_eq!((error, tx.free()), (IoError::NotNow, 0)),
        }
        tx.flush().unwrap();
        assert_eq!(rx.read_ready(), Ok(!rx.is_empty()));
        let mut buffer = [0; 4];
        let buffer = &mut buffer[..round % 5];
        let n = if round % 2 == 0 {
            rx.read(buffer).unwrap_or(0)
        } else {
            match rx.fill_buf() {
                Ok(bytes) => {
                    let n = bytes.len().min(buffer.len());
                    buffer[..n].copy_from_slice(&bytes[..n]);
                    rx.consume(n);
                    n
                }
                Err(error) => {
                    assert_eq!((error, rx.len()), (IoError::NotNow, 0));
                    0
                }
            }
        };
        for &byte in &buffer[..n] {
            assert_eq!(byte, read);
            read = read.wrapping_add(1);
        }
    }
    assert!(written > 0 && read > 0);
}

#[test]
fn says_not_now_and_keeps_what_was_written() {
    let mut ring = Ring::<u8, 4>::new();
    let (mut tx, mut rx) = ring.split_mut();
    assert_eq!(rx.read(&mut [0; 2]), Err(IoError::NotNow));
    assert_eq!(rx.read(&mut []), Ok(0));
    assert_eq!(tx.write_all(b"hello"), Err(IoError::NotNow));
    assert_eq!(tx.write(&[]), Ok(0));
    let mut bytes = [0; 4];
    rx.read_exact(&mut bytes).unwrap();
    assert_eq!(&bytes, b"hell");
}

#[test]
fn the_other_side_goes() {
    let mut ring = Ring::<u8, 4>::new();
    let (mut tx, mut rx) = ring.split_mut();
    tx.write_all(b"end").unwrap();
    drop(tx);
    assert_eq!(rx.read_ready(), Ok(true));
    assert_eq!(rx.fill_buf(), Ok(&b"end"[..]));
    rx.consume(9); // all
    assert_eq!(rx.read(&mut [0; 2]), Ok(0));
    assert_eq!(rx.fill_buf(), Ok(&b""[..]));
    drop(rx);
    let (mut tx, rx) = ring.split_mut();
    drop(rx);
    assert_eq!(tx.write(b"to nobody"), Ok(4));
    assert_eq!(tx.write(b"to nobody"), Err(IoError::Abandoned));
}

#[cfg(feature = "embedded-io-async")]
mod awaited {
    use super::super::waiting::block_on;
    use super::super::*;
    use embedded_io_async::{BufRead, Read, Write};

    #[test]
    fn is_awaited() {
        static RING: AsyncRing<u8, 5> = AsyncRing::new();
        let (mut tx, mut rx) = RING.split().unwrap();
        let text: Vec<u8> = (0..=255).cycle().take(steps(10_000)).collect();
        let expected = text.clone();
        let writer = std::thread::spawn(move || block_on(tx.write_all(&text)).unwrap());
        let read = block_on(async {
            let mut read = vec![0; 7];
            rx.read_exact(&mut read).await.unwrap();
            loop {
                let bytes = rx.fill_buf().await.unwrap();
                if bytes.is_empty() {
                    break read;
                }
                read.extend_from_slice(bytes);
                let n = bytes.len();
                rx.consume(n);
            }
        });
        writer.join().unwrap();
        assert_eq!(read, expected);
        assert_eq!(block_on(rx.read(&mut [0])), Ok(0));
    }
}
