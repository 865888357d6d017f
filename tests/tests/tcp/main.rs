//! Windows over real TCP, on loopback: a consumer that stops holds back the remote writer,
//! and many streams share a connection, also with a peer that means ill.

mod pipe;
mod streams;

use std::net::{SocketAddr, TcpStream};

use socket2::{Domain, Socket, Type};

/// What is asked of the kernel for each buffer; it takes about twice that.
const KERNEL_BUFFER: usize = 32 << 10;

/// A connection with small buffers: the end that is here, and the remote one.
fn connected() -> (TcpStream, TcpStream) {
    let socket = || Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let (listener, remote) = (socket(), socket());
    for socket in [&listener, &remote] {
        socket.set_recv_buffer_size(KERNEL_BUFFER).unwrap();
        socket.set_send_buffer_size(KERNEL_BUFFER).unwrap();
    }
    listener.bind(&any.into()).unwrap();
    listener.listen(1).unwrap();
    remote.connect(&listener.local_addr().unwrap()).unwrap();
    let (here, _) = listener.accept().unwrap();
    (here.into(), remote.into())
}

/// The most that the kernel holds on the way from one to the other: its buffers, which it
/// may overrun by a segment each, of at most 64 KiB.
fn kernel_holds(from: &TcpStream, to: &TcpStream) -> usize {
    let sends = socket2::SockRef::from(from).send_buffer_size().unwrap();
    let receives = socket2::SockRef::from(to).recv_buffer_size().unwrap();
    sends + receives + 2 * (64 << 10)
}

/// The byte at a place: different at each, modulo a prime.
fn byte(at: usize) -> u8 {
    (at % 251) as u8
}

fn bytes(from: usize, to: usize) -> Vec<u8> {
    (from..to).map(byte).collect()
}
