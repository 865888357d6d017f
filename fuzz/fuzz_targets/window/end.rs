//! One end with the application that uses it, and what is counted by hand.

use crate::Sizes;
use arbitrary::Arbitrary;
use ringfence::window::{Connection, Event, ReadError, Role, StreamId, Usage, WriteError};
use std::collections::BTreeMap;

/// What an application does. Streams are chosen modulo those that it has known.
#[derive(Arbitrary, Debug)]
pub enum Act {
    Open,
    Write(u8, u16),
    Read(u8, u8),
    Finish(u8),
    Reset(u8, u64),
    Stop(u8, u64),
    Events(u8),
}

pub struct End {
    pub connection: Connection,
    pub sizes: Sizes,
    is_client: bool,
    /// Whether its peer sends anything.
    is_victim: bool,
    pub streams: BTreeMap<StreamId, Counts>,
    /// Taken by writes; of that, given up by resets.
    pub written: u64,
    pub given_up: u64,
    /// Given by reads; and dropped, since nobody wanted to read it.
    pub read: u64,
    pub dropped: u64,
    before: Usage,
}

/// Of one stream.
#[derive(Default)]
pub struct Counts {
    pub written: u64,
    pub read: u64,
    /// Whether it was reset or stopped.
    pub is_given_up: bool,
}

impl End {
    pub fn new(is_client: bool, sizes: Sizes) -> Self {
        let role = if is_client {
            Role::Client
        } else {
            Role::Server
        };
        let connection = Connection::new(role, sizes.config());
        let before = connection.usage();
        Self {
            connection,
            sizes,
            is_client,
            is_victim: false,
            streams: BTreeMap::new(),
            written: 0,
            given_up: 0,
            read: 0,
            dropped: 0,
            before,
        }
    }

    pub fn victim(sizes: Sizes) -> Self {
        Self {
            is_victim: true,
            ..Self::new(false, sizes)
        }
    }

    fn known(&self, which: u8) -> Option<StreamId> {
        let which = usize::from(which) % self.streams.len().max(1);
        self.streams.keys().nth(which).copied()
    }

    pub fn act(&mut self, act: &Act) {
        match *act {
            Act::Open => {
                if let Ok(id) = self.connection.open() {
                    assert!(self.streams.insert(id, Counts::default()).is_none());
                }
            }
            Act::Write(which, n) => {
                if let Some(id) = self.known(which) {
                    let _ = self.write(id, u64::from(n % 1000));
                }
            }
            Act::Read(which, n) => {
                if let Some(id) = self.known(which) {
                    let _ = self.read(id, 1 + usize::from(n));
                }
            }
            Act::Finish(which) => {
                if let Some(id) = self.known(which) {
                    self.connection.finish(id);
                }
            }
            Act::Reset(which, code) => {
                if let Some(id) = self.known(which) {
                    self.streams.entry(id).or_default().is_given_up = true;
                    self.connection.reset(id, code);
                    self.unsent_was_given_up();
                }
            }
            Act::Stop(which, code) => {
                if let Some(id) = self.known(which) {
                    self.streams.entry(id).or_default().is_given_up = true;
                    self.connection.stop(id, code);
                    self.received_was_dropped();
                }
            }
            Act::Events(n) => {
                for _ in 0..n {
                    let _ = self.event();
                }
            }
        }
        self.check();
    }

    pub fn event(&mut self) -> Option<Event> {
        let event = self.connection.poll_event();
        if let Some(Event::Opened(id)) = event {
            assert!(self.streams.insert(id, Counts::default()).is_none());
        }
        event
    }

    /// The byte of a stream that the client writes, or the server, at some place.
    fn byte(id: StreamId, by_client: bool, at: u64) -> u8 {
        (at * 7 + id.number() * 2 + u64::from(by_client)) as u8
    }

    pub fn write(&mut self, id: StreamId, n: u64) -> Result<usize, WriteError> {
        let counts = self.streams.get_mut(&id).expect("known");
        let at = counts.written;
        let bytes: Vec<u8> = (at..at + n)
            .map(|at| Self::byte(id, self.is_client, at))
            .collect();
        let taken = self.connection.write(id, &bytes)?;
        assert!(taken <= bytes.len());
        counts.written += taken as u64;
        self.written += taken as u64;
        Ok(taken)
    }

    pub fn read(&mut self, id: StreamId, n: usize) -> Result<usize, ReadError> {
        let counts = self.streams.get_mut(&id).expect("known");
        let mut buffer = vec![0; n];
        let read = self.connection.read(id, &mut buffer);
        for &byte in &buffer[..read.unwrap_or(0)] {
            let expected = Self::byte(id, !self.is_client, counts.read);
            assert!(byte == expected || self.is_victim);
            counts.read += 1;
            self.read += 1;
        }
        read
    }

    pub fn read_all(&mut self, id: StreamId) {
        while let Ok(1..) = self.read(id, 100) {}
        self.check();
    }

    /// Takes bytes from the peer.
    pub fn receive(&mut self, bytes: &[u8]) -> bool {
        let result = self.connection.receive(bytes);
        assert_eq!(result.err(), self.connection.failed());
        self.unsent_was_given_up();
        self.received_was_dropped();
        self.check();
        result.is_ok()
    }

    /// After what only a reset makes less.
    fn unsent_was_given_up(&mut self) {
        let usage = self.connection.usage();
        self.given_up = self.written - usage.sent - usage.unsent as u64;
        assert!(usage.unsent <= self.before.unsent);
    }

    /// After what only dropping frees.
    fn received_was_dropped(&mut self) {
        let freed = self.connection.usage().freed;
        self.dropped += freed - self.before.freed;
        self.before.freed = freed;
    }

    /// What is true at all times.
    pub fn check(&mut self) {
        crate::count_operation();
        let usage = self.connection.usage();
        // Everything written is sent, waits, or was given up; all received was read or
        // dropped, waits, or is on its way behind the frame that announced it.
        assert_eq!(
            self.written,
            usage.sent + usage.unsent as u64 + self.given_up
        );
        assert_eq!(usage.freed, self.read + self.dropped);
        assert!(usage.freed + usage.unread as u64 <= usage.received);
        // Within the windows.
        assert!(usage.sent <= usage.may_send);
        assert!(usage.received <= usage.may_receive);
        assert!(usage.may_receive <= usage.freed + self.sizes.window());
        // No limit is taken back.
        assert!(usage.may_send >= self.before.may_send);
        assert!(usage.may_receive >= self.before.may_receive);
        // Within the memory.
        assert!(usage.unread as u64 <= self.sizes.window());
        let most = usage.streams as u64 * self.sizes.stream_window();
        assert!(usage.unread as u64 <= most);
        assert!(usage.streams_of_peer as u64 <= self.sizes.streams());
        assert!(usage.unsent <= usage.streams * self.sizes.send_buffer());
        self.before = usage;
    }
}
