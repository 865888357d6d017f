//! What can go wrong with windows.

use std::error::Error;
use std::fmt;

use super::StreamId;

/// What a peer did that it must not: the connection is of no use from then on, and the
/// caller should close what is below.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProtocolError {
    /// Its first frame is no greeting, or one of another version than this one.
    NoHello(Option<u64>),
    /// It greeted again.
    SecondHello,
    /// There is no frame of this kind.
    UnknownFrame(u8),
    /// More bytes in one frame than there may be.
    FrameTooLarge(u64),
    /// It sent beyond the stream's window.
    BeyondStreamWindow(StreamId),
    /// It sent beyond the window of all streams together.
    BeyondWindow(StreamId),
    /// It opened more streams than it may.
    TooManyStreams(StreamId),
    /// Nobody has opened this stream, and it cannot be the next.
    UnknownStream(StreamId),
    /// It sent on a stream that it had ended or reset.
    AfterEnd(StreamId),
    /// A frame of data without data, which neither opens nor ends its stream.
    EmptyFrame(StreamId),
    /// Too many frames in a row that changed nothing.
    TooManyIdleFrames,
    /// It ended in the middle of a frame or of a stream.
    Truncated,
}

/// Why [`open`](super::Connection::open) opened no stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OpenError {
    /// The peer allows no more now; [`Event::MayOpen`](super::Event::MayOpen) comes when it
    /// does.
    TooMany,
    /// The connection has failed.
    Failed(ProtocolError),
}

/// Why [`write`](super::Connection::write) took nothing, and never will.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WriteError {
    /// There is no such stream, or it is over.
    UnknownStream,
    /// It was finished or reset here.
    Ended,
    /// The peer wants no more, and said this code.
    Stopped(u64),
    /// The connection has failed.
    Failed(ProtocolError),
}

/// Why [`read`](super::Connection::read) read nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReadError {
    /// There is no such stream, or it is over, or was stopped here.
    UnknownStream,
    /// Nothing is there yet; [`Event::Readable`](super::Event::Readable) comes when there is.
    Empty,
    /// The peer gave the stream up, and said this code.
    Reset(u64),
    /// The connection has failed, and what had come before has been read.
    Failed(ProtocolError),
}

const UNKNOWN: &str = "there is no such stream";

impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoHello(None) => f.write_str("the peer did not greet"),
            Self::NoHello(Some(version)) => write!(f, "the peer speaks version {version}"),
            Self::SecondHello => f.write_str("the peer greeted twice"),
            Self::UnknownFrame(kind) => write!(f, "the peer sent a frame of kind {kind}"),
            Self::FrameTooLarge(len) => write!(f, "the peer sent {len} bytes in one frame"),
            Self::BeyondStreamWindow(id) => write!(f, "the peer overran the window of {id}"),
            Self::BeyondWindow(id) => {
                write!(f, "the peer overran the window of all streams, on {id}")
            }
            Self::TooManyStreams(id) => write!(f, "the peer opened {id}, which is too many"),
            Self::UnknownStream(id) => write!(f, "the peer spoke of {id}, which is not open"),
            Self::AfterEnd(id) => write!(f, "the peer sent on {id} after its end"),
            Self::EmptyFrame(id) => write!(f, "the peer sent an empty frame on {id}"),
            Self::TooManyIdleFrames => f.write_str("the peer sent too many frames to no effect"),
            Self::Truncated => f.write_str("the connection ended too early"),
        }
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooMany => f.write_str("the peer allows no more streams now"),
            Self::Failed(error) => error.fmt(f),
        }
    }
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownStream => f.write_str(UNKNOWN),
            Self::Ended => f.write_str("the stream was ended here"),
            Self::Stopped(code) => write!(f, "the peer wants no more (code {code})"),
            Self::Failed(error) => error.fmt(f),
        }
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownStream => f.write_str(UNKNOWN),
            Self::Empty => f.write_str("the stream is empty"),
            Self::Reset(code) => write!(f, "the peer gave the stream up (code {code})"),
            Self::Failed(error) => error.fmt(f),
        }
    }
}

impl Error for ProtocolError {}
impl Error for OpenError {}
impl Error for WriteError {}
impl Error for ReadError {}
