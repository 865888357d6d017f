//! Many streams over one connection: what they share, and how bytes become frames.

mod config;
mod receive;
mod transmit;

use std::collections::{BTreeMap, VecDeque};
use std::fmt;

pub use self::config::Config;
use super::error::{OpenError, ProtocolError, ReadError, WriteError};
use super::frame::Partial;
use super::incoming::Incoming;
use super::limit::{Allowance, Window};
use super::outgoing::Outgoing;

/// Which of the two ends: one of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Its streams have even numbers.
    Client,
    /// Its streams have odd numbers.
    Server,
}

impl Role {
    fn parity(self) -> u64 {
        match self {
            Self::Client => 0,
            Self::Server => 1,
        }
    }
}

/// Names a stream, at both ends. Never used again on the same connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(pub(super) u64);

impl StreamId {
    /// The number by which the peer knows it too.
    #[must_use]
    pub fn number(self) -> u64 {
        self.0
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "stream {}", self.0)
    }
}

/// What has happened. See [`Connection::poll_event`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Event {
    /// The peer opened a stream.
    Opened(StreamId),
    /// A read that found nothing will find something: bytes, the end, or a reset.
    Readable(StreamId),
    /// A write that took less than it was given will take more, or say why it never will.
    Writable(StreamId),
    /// The peer allows more streams than before.
    MayOpen,
}

/// How much was sent and received, and how much may be. Counts from the start, of bytes of
/// streams, without frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Usage {
    /// Written out by [`Connection::transmit`].
    pub sent: u64,
    /// How much the peer allows, as far as is known here: never less than `sent`.
    pub may_send: u64,
    /// Written, and not sent: at most [`Config::send_buffer`] for each stream.
    pub unsent: usize,
    /// Announced by the peer's frames: their bytes came, or are to come next.
    pub received: u64,
    /// How much the peer was told that it may send: never less than `received`.
    pub may_receive: u64,
    /// Received and read, or dropped with the stream that nobody wants to read.
    pub freed: u64,
    /// Received, and not read: at most [`Config::window`].
    pub unread: usize,
    /// How many streams there are.
    pub streams: usize,
    /// How many of them the peer has opened: at most [`Config::streams`].
    pub streams_of_peer: usize,
}

/// One end of a connection with many streams. See [the module](super).
///
/// # Progress
/// Nothing waits, and there is no lock. Calls take time in proportion to the bytes and frames
/// that they are given or write. `is_stalled` and `usage` look at all streams, and `transmit`
/// may, for each frame.
#[derive(Debug)]
pub struct Connection {
    role: Role,
    config: Config,
    streams: BTreeMap<StreamId, Stream>,
    /// Bytes of all streams, and streams of our own.
    may_send: Allowance,
    may_open: Allowance,
    /// What each stream may send to begin with; `None` before the peer's greeting.
    peer_stream_window: Option<u64>,
    /// The same for the peer. What is freed of streams: those that are over.
    window: Window,
    peer_streams: Window,
    greeted: bool,
    /// Streams with something to be sent, or that had, in the order of their turns.
    turns: VecDeque<StreamId>,
    /// Streams with events.
    news: VecDeque<StreamId>,
    may_open_news: bool,
    wants_to_open: bool,
    partial: Partial,
    payload: Option<Payload>,
    idle_frames: u32,
    failed: Option<ProtocolError>,
}

/// Bytes that are to follow a frame.
#[derive(Clone, Copy, Debug)]
struct Payload {
    stream: StreamId,
    left: u64,
    is_last: bool,
}

#[derive(Debug)]
struct Stream {
    outgoing: Outgoing,
    incoming: Incoming,
    /// Whether it is among `turns`, and among `news`.
    has_turn: bool,
    has_news: bool,
    opened: bool,
    readable: bool,
    writable: bool,
}

impl Stream {
    fn new(allowed: u64, config: &Config, opened_by_peer: bool) -> Self {
        Self {
            outgoing: Outgoing::new(allowed, config.send_buffer, opened_by_peer),
            incoming: Incoming::new(config.stream_window),
            has_turn: false,
            has_news: false,
            opened: false,
            readable: false,
            writable: false,
        }
    }

    /// Whether there is a frame to send, if `left` may be sent on all streams.
    fn is_due(&mut self, left: u64) -> bool {
        self.outgoing.is_due(left) || self.incoming.is_due() || self.incoming.stop_due().is_some()
    }

    fn next_event(&mut self, id: StreamId) -> Option<Event> {
        let flags = [
            (&mut self.opened, Event::Opened(id)),
            (&mut self.readable, Event::Readable(id)),
            (&mut self.writable, Event::Writable(id)),
        ];
        let mut set = flags.into_iter().filter(|(flag, _)| **flag);
        set.next().map(|(flag, event)| {
            *flag = false;
            event
        })
    }
}

impl Connection {
    /// Of the two ends, one has to be the client and the other the server. The first
    /// [`transmit`](Self::transmit) greets; streams can be opened once the peer has.
    #[must_use]
    pub fn new(role: Role, config: Config) -> Self {
        Self {
            role,
            streams: BTreeMap::new(),
            may_send: Allowance::default(),
            may_open: Allowance::default(),
            peer_stream_window: None,
            window: Window::new(config.window),
            peer_streams: Window::new(config.streams),
            greeted: false,
            turns: VecDeque::new(),
            news: VecDeque::new(),
            may_open_news: false,
            wants_to_open: false,
            partial: Partial::NONE,
            payload: None,
            idle_frames: 0,
            failed: None,
            config,
        }
    }

    /// Opens a stream, on which both sides can write.
    ///
    /// # Errors
    /// [`OpenError`], if the peer allows no more now, as before its greeting, or the
    /// connection has failed.
    pub fn open(&mut self) -> Result<StreamId, OpenError> {
        if let Some(error) = self.failed {
            return Err(OpenError::Failed(error));
        }
        let (1.., Some(allowed)) = (self.may_open.left(), self.peer_stream_window) else {
            self.wants_to_open = true;
            return Err(OpenError::TooMany);
        };
        let id = StreamId(2 * self.may_open.used() + self.role.parity());
        self.may_open.take(1);
        let stream = Stream::new(allowed, &self.config, false);
        self.streams.insert(id, stream);
        self.give_turn(id);
        Ok(id)
    }

    /// Takes as much of `bytes` as there is room for in the stream's buffer, and returns how
    /// much: 0 if there is none. After less than all, [`Event::Writable`] comes when there is
    /// room again.
    ///
    /// # Errors
    /// [`WriteError`], when it will never take anything.
    pub fn write(&mut self, id: StreamId, bytes: &[u8]) -> Result<usize, WriteError> {
        if let Some(error) = self.failed {
            return Err(WriteError::Failed(error));
        }
        let stream = self.streams.get_mut(&id);
        let n = stream
            .ok_or(WriteError::UnknownStream)?
            .outgoing
            .write(bytes)?;
        self.give_turn(id);
        Ok(n)
    }

    /// Nothing more is written: after what was, the peer sees the end. Not an error if the
    /// stream has ended in whichever way.
    pub fn finish(&mut self, id: StreamId) {
        if let Some(stream) = self.streams.get_mut(&id) {
            stream.outgoing.finish();
            self.give_turn(id);
        }
    }

    /// Nothing more is written, and what was is given up: the peer sees `code`, at most
    /// 2^62 - 1 (more counts as that). Not an error if the stream has ended in whichever way.
    pub fn reset(&mut self, id: StreamId, code: u64) {
        if let Some(stream) = self.streams.get_mut(&id) {
            stream.outgoing.reset(code.min(super::varint::MAX));
            self.give_turn(id);
        }
    }

    /// Reads what has come, and returns how much: 0 at the end, or if `to` is empty. The
    /// peer may then send as much more.
    ///
    /// The end and a reset are told once. After that, once the stream has ended in the other
    /// direction too, it is forgotten, and the peer may open another.
    ///
    /// # Errors
    /// [`ReadError`], if there is nothing to read.
    pub fn read(&mut self, id: StreamId, to: &mut [u8]) -> Result<usize, ReadError> {
        let stream = self.streams.get_mut(&id);
        let incoming = &mut stream.ok_or(ReadError::UnknownStream)?.incoming;
        let result = match (incoming.read(to), self.failed) {
            (Err(ReadError::Empty), Some(error)) => Err(ReadError::Failed(error)),
            (result, _) => result,
        };
        self.window.free(*result.as_ref().unwrap_or(&0) as u64);
        self.give_turn(id);
        result
    }

    /// Nothing more is wanted: what has come is dropped, and so is what still comes, so that
    /// it holds up no other stream. The peer's writes see `code`. Not an error if
    /// the stream has ended in whichever way.
    pub fn stop(&mut self, id: StreamId, code: u64) {
        if let Some(stream) = self.streams.get_mut(&id) {
            let dropped = stream.incoming.stop(code.min(super::varint::MAX));
            self.window.free(dropped);
            self.give_turn(id);
        }
    }

    /// The next thing that has happened; `None` if there is none. Each is told once: read,
    /// write or open until it has no more for you.
    pub fn poll_event(&mut self) -> Option<Event> {
        if std::mem::take(&mut self.may_open_news) {
            return Some(Event::MayOpen);
        }
        while let Some(&id) = self.news.front() {
            if let Some(stream) = self.streams.get_mut(&id) {
                if let Some(event) = stream.next_event(id) {
                    return Some(event);
                }
                stream.has_news = false;
            }
            self.news.pop_front();
        }
        None
    }

    /// Whether there is something to send on streams, and the peer's windows let none of it
    /// through. It grants more in time, or is not reading; how long to wait is up to you.
    #[must_use]
    pub fn is_stalled(&self) -> bool {
        let left = self.may_send.left();
        let mut unsent = self.streams.values().map(|stream| &stream.outgoing);
        self.failed.is_none()
            && unsent.clone().any(|outgoing| outgoing.unsent() > 0)
            && !unsent.any(|outgoing| outgoing.is_due(left))
    }

    /// Why the connection is of no use any more.
    #[must_use]
    pub fn failed(&self) -> Option<ProtocolError> {
        self.failed
    }

    /// How much was sent and received. Looks at each stream.
    #[must_use]
    pub fn usage(&self) -> Usage {
        let streams = self.streams.values();
        Usage {
            sent: self.may_send.used(),
            may_send: self.may_send.limit(),
            unsent: streams.clone().map(|stream| stream.outgoing.unsent()).sum(),
            received: self.window.used(),
            may_receive: self.window.limit(),
            freed: self.window.freed(),
            unread: streams.clone().map(|stream| stream.incoming.unread()).sum(),
            streams: streams.len(),
            streams_of_peer: (self.peer_streams.used() - self.peer_streams.freed()) as usize,
        }
    }

    /// Lets a stream send when it is its turn, if it has something to send.
    fn give_turn(&mut self, id: StreamId) {
        let Some(stream) = self.streams.get_mut(&id) else {
            return;
        };
        // What waits for the window of all streams waits among the turns.
        if !stream.has_turn && stream.is_due(u64::MAX) {
            stream.has_turn = true;
            self.turns.push_back(id);
        }
        self.forget_if_over(id);
    }

    /// Lets the application know of a stream, if there is something to know.
    fn give_news(&mut self, id: StreamId, what: impl FnOnce(&mut Stream)) {
        if let Some(stream) = self.streams.get_mut(&id) {
            what(stream);
            if !std::mem::replace(&mut stream.has_news, true) {
                self.news.push_back(id);
            }
        }
    }

    fn forget_if_over(&mut self, id: StreamId) {
        let Some(stream) = self.streams.get(&id) else {
            return;
        };
        if stream.outgoing.is_done() && stream.incoming.is_done() && !stream.has_turn {
            if stream.has_news {
                self.news.retain(|&other| other != id);
            }
            self.streams.remove(&id);
            if id.0 % 2 != self.role.parity() {
                self.peer_streams.free(1);
            }
        }
    }
}
