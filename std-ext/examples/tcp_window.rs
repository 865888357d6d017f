//! A slow consumer holds back a fast remote writer, by TCP's own window.
//!
//! The server reads from its socket into a pipe of a few kilobytes, and only what there is
//! room for. While its consumer stands still, the writer at the other end gets rid of what
//! the pipe and the kernel's buffers hold, and then has to wait; when the consumer goes on,
//! all arrives.
//!
//! ```sh
//! cargo run --release -p ringfence --example tcp_window
//! ```

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use ringfence::window::{pipe, pump};

const CAPACITY: usize = 64 << 10;
const ALL: usize = 64 << 20;

/// How much the writer has got rid of.
static SENT: AtomicUsize = AtomicUsize::new(0);

fn main() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let writer = thread::spawn(move || send_all(TcpStream::connect(address)?));

    // The whole of the server: the socket, a pipe, and a consumer behind it.
    let (mut socket, _) = listener.accept()?;
    let (to_consumer, mut from_socket) = pipe(CAPACITY);
    let server = thread::spawn(move || pump(&mut socket, to_consumer));

    stand_still();
    let sent = SENT.load(Ordering::Relaxed);
    let inside = from_socket.len();
    println!(
        "The consumer stood still. Of {} the writer sent {},",
        size(ALL),
        size(sent)
    );
    println!(
        "of which {} are in the pipe, and {} in the kernel.",
        size(inside),
        size(sent - inside)
    );

    let start = Instant::now();
    let received = io::copy(&mut from_socket.by_ref(), &mut io::sink())?;
    writer.join().expect("the writer does not panic")?;
    server.join().expect("the server does not panic")?;
    println!(
        "Then it went on: all {} came, in {:.0?}.",
        size(received as usize),
        start.elapsed()
    );
    Ok(())
}

/// As fast as it can.
fn send_all(mut remote: TcpStream) -> io::Result<()> {
    let block = [0; 16 << 10];
    for _ in 0..ALL / block.len() {
        remote.write_all(&block)?;
        SENT.fetch_add(block.len(), Ordering::Relaxed);
    }
    Ok(())
}

/// Until the writer has got no further for a while.
fn stand_still() {
    let mut before = 0;
    loop {
        thread::sleep(Duration::from_millis(200));
        let now = SENT.load(Ordering::Relaxed);
        if now == before && now > 0 {
            return;
        }
        before = now;
    }
}

fn size(bytes: usize) -> String {
    format!("{:.2} MiB", bytes as f64 / f64::from(1 << 20))
}
