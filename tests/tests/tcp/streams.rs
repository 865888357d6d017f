//! Many streams over one TCP connection.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::thread::yield_now;

use ringfence::window::{
    Config, Connection, Event, OpenError, ProtocolError, ReadError, Role, StreamId,
};

use super::{byte, bytes, connected};

/// A connection and its socket, which never waits.
struct Wired {
    connection: Connection,
    socket: TcpStream,
    out: Vec<u8>,
}

impl Wired {
    fn new(role: Role, config: Config, socket: TcpStream) -> Self {
        socket.set_nonblocking(true).unwrap();
        Self {
            connection: Connection::new(role, config),
            socket,
            out: Vec::new(),
        }
    }

    /// Sends what there is and can be sent, then receives what has come. Whether anything
    /// moved.
    fn turn(&mut self) -> Result<bool, ProtocolError> {
        let mut moved = false;
        loop {
            if self.out.is_empty() {
                self.out.resize(2000, 0);
                let n = self.connection.transmit(&mut self.out);
                self.out.truncate(n);
            }
            match unless_it_would_block(self.socket.write(&self.out)) {
                Some(1..) if self.out.is_empty() => unreachable!(),
                Some(n @ 1..) => drop(self.out.drain(..n)),
                _ => break,
            }
            moved = true;
        }
        let mut buffer = [0; 3000];
        match unless_it_would_block(self.socket.read(&mut buffer)) {
            None => Ok(moved),
            Some(0) => self.connection.receive_end().map(|()| false),
            Some(n) => self.connection.receive(&buffer[..n]).map(|()| true),
        }
    }

    fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.connection.poll_event()).collect()
    }
}

/// How much was moved; a peer that has reset the connection has ended it.
fn unless_it_would_block(result: io::Result<usize>) -> Option<usize> {
    match result {
        Ok(n) => Some(n),
        Err(error) if error.kind() == ErrorKind::WouldBlock => None,
        Err(error) if error.kind() == ErrorKind::ConnectionReset => Some(0),
        Err(error) => panic!("{error}"),
    }
}

/// Sends back what comes on each stream, and reads no more than that lets it.
#[derive(Default)]
struct Echo {
    pending: BTreeMap<StreamId, Vec<u8>>,
}

impl Echo {
    fn turn(&mut self, wired: &mut Wired) {
        for event in wired.events() {
            if let Event::Opened(id) = event {
                self.pending.insert(id, Vec::new());
            }
        }
        let connection = &mut wired.connection;
        self.pending.retain(|&id, pending| {
            let mut buffer = [0; 500];
            while pending.is_empty() {
                match connection.read(id, &mut buffer) {
                    Ok(0) => {
                        connection.finish(id);
                        return false;
                    }
                    Ok(n) => pending.extend(&buffer[..n]),
                    Err(ReadError::Empty) => return true,
                    Err(error) => panic!("{error}"),
                }
                let n = connection.write(id, pending).unwrap();
                pending.drain(..n);
            }
            let n = connection.write(id, pending).unwrap();
            pending.drain(..n);
            true
        });
    }
}

/// Three streams there and back, while a fourth is not read and holds up only itself.
#[test]
fn streams_that_are_read_are_not_held_up() {
    const ALL: usize = 200_000;
    let (here, remote) = connected();
    let config = Config::default().stream_window(4000).window(16_000);
    let config = config.streams(4).send_buffer(4000);
    let mut server = Wired::new(Role::Server, config, here);
    let mut client = Wired::new(Role::Client, config, remote);
    // Once the server has greeted.
    let stuck = loop {
        match client.connection.open() {
            Ok(id) => break id,
            Err(error) => assert_eq!(error, OpenError::TooMany),
        }
        for end in [&mut server, &mut client] {
            end.turn().unwrap();
        }
    };
    let reads = [(); 3].map(|()| client.connection.open().unwrap());
    assert_eq!(client.connection.open(), Err(OpenError::TooMany));
    let mut echo = Echo::default();
    let mut written: BTreeMap<_, _> = reads.map(|id| (id, 0)).into();
    let mut read = written.clone();
    let mut stuck_written = 0;
    while read.values().any(|&n| n < ALL) {
        let mut moved = false;
        for (&id, at) in &mut written {
            let n = client
                .connection
                .write(id, &bytes(*at, ALL.min(*at + 1000)));
            *at += n.unwrap();
        }
        stuck_written += client.connection.write(stuck, &[0; 1000]).unwrap();
        for (&id, at) in &mut read {
            let mut buffer = [0; 700];
            while let Ok(n @ 1..) = client.connection.read(id, &mut buffer) {
                let there = buffer[..n].iter();
                assert!(there.zip(*at..).all(|(&there, at)| there == byte(at)));
                *at += n;
            }
        }
        echo.turn(&mut server);
        for end in [&mut server, &mut client] {
            moved |= end.turn().unwrap();
            let usage = end.connection.usage();
            assert!(usage.unread <= 16_000 && usage.unsent <= 4 * 4000);
        }
        if !moved {
            yield_now();
        }
    }
    // Both windows, both buffers and what the server has in hand.
    assert!(stuck_written <= 4 * 4000 + 500, "{stuck_written}");
    for id in reads {
        client.connection.finish(id);
    }
    let mut over = 0;
    while over < reads.len() {
        echo.turn(&mut server);
        for end in [&mut server, &mut client] {
            end.turn().unwrap();
        }
        let ends = reads.map(|id| client.connection.read(id, &mut [0]));
        over += ends.iter().filter(|&&end| end == Ok(0)).count();
        yield_now();
    }
}

/// What a server says of a peer that sends these bytes, and then nothing more.
fn said_of(sent: &[u8]) -> (Option<ProtocolError>, Connection) {
    let (here, mut remote) = connected();
    let config = Config::default().stream_window(100).window(150).streams(2);
    let mut server = Wired::new(Role::Server, config, here);
    remote.set_nonblocking(true).unwrap();
    let mut left = sent;
    loop {
        if left.is_empty() {
            let _ = remote.shutdown(Shutdown::Write);
        } else if let Some(n) = unless_it_would_block(remote.write(left)) {
            left = &left[n..];
        }
        let result = server.turn();
        let usage = server.connection.usage();
        assert!(usage.unread <= 150 && usage.streams_of_peer <= 2);
        match result {
            Err(error) => return (Some(error), server.connection),
            Ok(false) if left.is_empty() && is_at_end(&server.socket) => {
                return (None, server.connection);
            }
            Ok(_) => yield_now(),
        }
    }
}

fn is_at_end(socket: &TcpStream) -> bool {
    socket.peek(&mut [0]).is_ok_and(|n| n == 0)
}

/// Version 1; 1000 bytes in all, 60 on each stream, 3 streams.
const HELLO: &[u8] = &[0, 1, 0x43, 0xe8, 60, 3];

#[test]
fn hostile_peers_are_seen_through() {
    let after_hello = |bytes: &[u8]| said_of(&[HELLO, bytes].concat()).0;
    let data = |len: u16| {
        let head = [4, 0, 0x40 | (len >> 8) as u8, len as u8];
        [&head[..], &vec![7; len.into()]].concat()
    };
    assert_eq!(after_hello(&[]), None);
    assert_eq!(
        said_of(b"GET / HTTP/1.1\r\n").0,
        Some(ProtocolError::UnknownFrame(b'G'))
    );
    assert_eq!(said_of(&[1, 5]).0, Some(ProtocolError::NoHello(None)));
    assert_eq!(after_hello(HELLO), Some(ProtocolError::SecondHello));
    assert_eq!(
        after_hello(&data(100)),
        Some(ProtocolError::Truncated),
        "no end"
    );
    assert_eq!(after_hello(&data(5)[..6]), Some(ProtocolError::Truncated));
    let beyond = |error| matches!(error, Some(ProtocolError::BeyondStreamWindow(_)));
    assert!(beyond(after_hello(&data(101))));
    assert!(beyond(after_hello(&data(50).repeat(100))));
    // Two streams of 100 bytes each, against 150 for both.
    let other: Vec<u8> = [&[4, 2, 0x40, 100][..], &[7; 100]].concat();
    let error = after_hello(&[data(100), other].concat());
    assert!(matches!(error, Some(ProtocolError::BeyondWindow(_))));
    // A hundred thousand frames that say nothing, then streams that are reset as soon as
    // they are opened.
    let error = after_hello(&[1, 1].repeat(100_000));
    assert_eq!(error, Some(ProtocolError::TooManyIdleFrames));
    let resets: Vec<u8> = (0..30).flat_map(|n| [6, 2 * n, 0]).collect();
    let error = after_hello(&resets);
    assert!(matches!(error, Some(ProtocolError::TooManyStreams(id)) if id.number() == 4));
}

/// A peer that takes nothing: the server sees that it is stalled, within its memory.
#[test]
fn a_peer_that_never_grants_is_seen() {
    let (error, mut connection) = said_of(&[HELLO, &[5, 0, 0]].concat());
    assert_eq!(error, None);
    let Some(Event::Opened(id)) = connection.poll_event() else {
        panic!("a stream was opened");
    };
    let mut taken = 0;
    while let Ok(n @ 1..) = connection.write(id, &[0; 1000]) {
        taken += n;
        connection.transmit(&mut [0; 2000]);
    }
    assert_eq!(taken, 60 + (1 << 16));
    assert!(connection.is_stalled());
}
