//! Connections: two ends that keep to the rules, and peers that do not.

mod hostile;

use super::*;

/// Two ends, joined by nothing.
struct Pair {
    client: Connection,
    server: Connection,
}

impl Pair {
    fn new(client: Config, server: Config) -> Self {
        let mut pair = Self {
            client: Connection::new(Role::Client, client),
            server: Connection::new(Role::Server, server),
        };
        pair.settle();
        pair
    }

    /// Carries over what there is to send, until there is nothing.
    fn settle(&mut self) {
        let Self { client, server } = self;
        while carry(client, server) + carry(server, client) > 0 {}
    }
}

/// Carries what one transmit gives, in odd pieces.
fn carry(from: &mut Connection, to: &mut Connection) -> usize {
    let mut wire = [0; 97];
    let n = from.transmit(&mut wire);
    for piece in wire[..n].chunks(7) {
        to.receive(piece).unwrap();
    }
    n
}

fn events(connection: &mut Connection) -> Vec<Event> {
    std::iter::from_fn(|| connection.poll_event()).collect()
}

/// All that there is to read, and how it ended.
fn read_all(connection: &mut Connection, id: StreamId) -> (Vec<u8>, Result<(), ReadError>) {
    let (mut all, mut buffer) = (Vec::new(), [0; 5]);
    loop {
        match connection.read(id, &mut buffer) {
            Ok(0) => return (all, Ok(())),
            Ok(n) => all.extend(&buffer[..n]),
            Err(error) => return (all, Err(error)),
        }
    }
}

#[test]
fn there_and_back() {
    let mut pair = Pair::new(Config::default(), Config::default());
    let id = pair.client.open().unwrap();
    assert_eq!(pair.client.write(id, b"ping"), Ok(4));
    pair.client.finish(id);
    pair.settle();
    assert_eq!(
        events(&mut pair.server),
        [Event::Opened(id), Event::Readable(id)]
    );
    assert_eq!(read_all(&mut pair.server, id), (b"ping".to_vec(), Ok(())));
    assert_eq!(pair.server.write(id, b"pong"), Ok(4));
    pair.server.finish(id);
    pair.settle();
    assert_eq!(events(&mut pair.client), [Event::Readable(id)]);
    assert_eq!(read_all(&mut pair.client, id), (b"pong".to_vec(), Ok(())));
    pair.settle();
    for end in [&mut pair.client, &mut pair.server] {
        let usage = end.usage();
        assert_eq!((usage.streams, usage.unsent, usage.unread), (0, 0, 0));
        assert_eq!((usage.sent, usage.received, usage.freed), (4, 4, 4));
        assert_eq!(end.write(id, b"more"), Err(WriteError::UnknownStream));
        assert_eq!(end.read(id, &mut [0]), Err(ReadError::UnknownStream));
        assert_eq!(end.receive_end(), Ok(()));
    }
}

/// A stream that is not read holds up itself at its window, and no other.
#[test]
fn a_stream_that_is_not_read_holds_up_itself() {
    let server = Config::default().stream_window(10).window(100);
    let mut pair = Pair::new(Config::default().send_buffer(30), server);
    let slow = pair.client.open().unwrap();
    let fast = pair.client.open().unwrap();
    assert_eq!(pair.client.write(slow, &[1; 50]), Ok(30));
    pair.settle();
    assert!(pair.client.is_stalled());
    assert_eq!(pair.client.usage().unsent, 20);
    assert_eq!(events(&mut pair.client), [Event::Writable(slow)]);
    for _ in 0..20 {
        assert_eq!(pair.client.write(fast, &[2; 10]), Ok(10));
        pair.settle();
        assert_eq!(read_all(&mut pair.server, fast).0, [2; 10]);
        pair.settle();
    }
    let mut read = 0;
    while read < 30 {
        read += read_all(&mut pair.server, slow).0.len();
        assert!(pair.server.usage().unread <= 10);
        pair.settle();
    }
    assert!(!pair.client.is_stalled());
    assert_eq!(pair.client.usage().unsent, 0);
}

/// Two of the three streams can use up the window of all.
#[test]
fn the_window_of_all_streams_holds() {
    let server = Config::default().stream_window(10).window(15);
    let mut pair = Pair::new(Config::default(), server);
    let ids = [(); 3].map(|()| pair.client.open().unwrap());
    for id in ids {
        assert_eq!(pair.client.write(id, &[0; 20]), Ok(20));
    }
    pair.settle();
    assert!(pair.client.is_stalled());
    assert_eq!(pair.server.usage().unread, 15);
    // What is given up counts as read.
    pair.server.stop(ids[0], 7);
    pair.settle();
    assert_eq!(
        pair.client.write(ids[0], b"more"),
        Err(WriteError::Stopped(7))
    );
    let mut all = 0;
    while all < 40 {
        let read = ids[1..]
            .iter()
            .map(|&id| read_all(&mut pair.server, id).0.len());
        all += read.sum::<usize>();
        pair.settle();
    }
    assert_eq!(all, 40);
    let usage = pair.server.usage();
    assert_eq!((usage.unread, usage.received), (0, usage.freed));
}

#[test]
fn a_reset_gives_up_what_was_not_read() {
    let mut pair = Pair::new(Config::default(), Config::default());
    let id = pair.client.open().unwrap();
    pair.client.write(id, b"never read").unwrap();
    pair.settle();
    pair.client.reset(id, 9);
    assert_eq!(pair.client.write(id, b"more"), Err(WriteError::Ended));
    pair.settle();
    assert_eq!(
        read_all(&mut pair.server, id),
        (Vec::new(), Err(ReadError::Reset(9)))
    );
    assert_eq!(pair.server.usage().freed, 10);
    // The other direction goes on.
    pair.server.write(id, b"why?").unwrap();
    pair.server.finish(id);
    pair.settle();
    assert_eq!(read_all(&mut pair.client, id).0, b"why?");
    pair.settle();
    assert_eq!(pair.client.usage().streams, 0);
    assert_eq!(pair.server.usage().streams, 0);
}

/// Each side opens as many as the other allows, and another when one is over.
#[test]
fn streams_are_granted_as_bytes_are() {
    let mut pair = Pair::new(Config::default().streams(1), Config::default().streams(2));
    let first = pair.client.open().unwrap();
    let second = pair.client.open().unwrap();
    assert_eq!(pair.client.open(), Err(OpenError::TooMany));
    let theirs = pair.server.open().unwrap();
    assert_eq!(pair.server.open(), Err(OpenError::TooMany));
    pair.settle();
    assert_eq!(
        events(&mut pair.server),
        [Event::Opened(first), Event::Opened(second)]
    );
    assert_eq!(events(&mut pair.client), [Event::Opened(theirs)]);
    for end in [&mut pair.client, &mut pair.server] {
        end.finish(first);
    }
    pair.settle();
    assert_eq!(pair.client.open(), Err(OpenError::TooMany)); // its end was not seen
    for end in [&mut pair.client, &mut pair.server] {
        assert_eq!(read_all(end, first).1, Ok(()));
    }
    pair.settle();
    assert_eq!(events(&mut pair.client), [Event::MayOpen]);
    let third = pair.client.open().unwrap();
    assert!(third.number() > second.number());
}

/// Streams that are opened and given up at once do not get around the limit.
#[test]
fn rapid_resets_wait_for_the_application() {
    let mut pair = Pair::new(Config::default(), Config::default().streams(3));
    for code in 0..3 {
        let id = pair.client.open().unwrap();
        pair.client.reset(id, code);
        pair.client.stop(id, code);
    }
    pair.settle();
    assert_eq!(pair.client.open(), Err(OpenError::TooMany));
    let opened = events(&mut pair.server);
    assert_eq!(pair.server.usage().streams, 3);
    for event in opened {
        if let Event::Readable(id) = event {
            assert!(matches!(
                read_all(&mut pair.server, id).1,
                Err(ReadError::Reset(_))
            ));
        }
    }
    pair.settle();
    assert_eq!(pair.server.usage().streams, 0);
    assert!(pair.client.open().is_ok());
}

/// Many long streams in both directions, with the smallest windows and wires.
#[test]
fn nothing_is_lost_however_small_the_windows() {
    for size in [1, 2, 3, 10, 100_000] {
        let config = Config::default()
            .stream_window(size)
            .window(2 * size)
            .send_buffer(size as usize);
        let mut pair = Pair::new(config, config);
        let ids = [
            pair.client.open().unwrap(),
            pair.server.open().unwrap(),
            pair.client.open().unwrap(),
        ];
        const LEN: usize = if cfg!(miri) { 8 } else { 3000 };
        let byte = |id: StreamId, at: usize| (at as u64 * 31 + id.number()) as u8;
        let mut written = [[0; 3]; 2];
        let mut read = [[0; 3]; 2];
        while read != [[LEN; 3]; 2] {
            for (side, end) in [&mut pair.client, &mut pair.server].into_iter().enumerate() {
                for (i, &id) in ids.iter().enumerate() {
                    let at = &mut written[side][i];
                    let bytes: Vec<u8> = (*at..LEN).map(|at| byte(id, at)).collect();
                    *at += end.write(id, &bytes).unwrap_or(0);
                    let at = &mut read[side][i];
                    for got in read_all(end, id).0 {
                        assert_eq!(got, byte(id, *at));
                        *at += 1;
                    }
                }
            }
            pair.settle();
        }
    }
}

#[test]
fn the_end_of_the_connection_is_no_end_of_streams() {
    let mut pair = Pair::new(Config::default(), Config::default());
    let id = pair.client.open().unwrap();
    pair.client.write(id, b"half").unwrap();
    pair.settle();
    assert_eq!(pair.server.receive_end(), Err(ProtocolError::Truncated));
    let failed = Err(ReadError::Failed(ProtocolError::Truncated));
    assert_eq!(read_all(&mut pair.server, id), (b"half".to_vec(), failed));
    assert_eq!(pair.server.transmit(&mut [0; 64]), 0);
}
