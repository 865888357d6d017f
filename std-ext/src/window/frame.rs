//! What is said on the wire.
//!
//! A frame is a byte that says which, then numbers ([`varint`]); `Data` is followed by so
//! many bytes.
//!
//! | | frame | numbers |
//! |---|---|---|
//! | 0 | `Hello`: the first, and only then | version, what may be sent in all, on each stream to begin with, streams that may be opened |
//! | 1 | `MaxData` | what may be sent in all |
//! | 2 | `MaxStreamData` | stream, what may be sent on it |
//! | 3 | `MaxStreams` | streams that may be opened |
//! | 4 | `Data` | stream, how many bytes follow |
//! | 5 | `Data`, the last of its stream | the same |
//! | 6 | `Reset`: nothing more comes | stream, code |
//! | 7 | `Stop`: nothing more is wanted | stream, code |

use super::connection::StreamId;
use super::error::ProtocolError;
use super::varint;

pub(super) const VERSION: u64 = 1;

/// The most bytes that follow one frame: what takes two bytes to say.
pub(super) const MOST_DATA: u64 = 0x3fff;

/// The longest frame, without the bytes that follow.
pub(super) const LONGEST: usize = 1 + 4 * varint::LONGEST;

/// A frame, without the bytes that follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Frame {
    Hello {
        version: u64,
        data: u64,
        stream_data: u64,
        streams: u64,
    },
    MaxData(u64),
    MaxStreamData(StreamId, u64),
    MaxStreams(u64),
    Data {
        stream: StreamId,
        len: u64,
        is_last: bool,
    },
    Reset(StreamId, u64),
    Stop(StreamId, u64),
}

impl Frame {
    /// Writes it to the start of `to`, and returns how long it is.
    pub(super) fn encode(&self, to: &mut [u8; LONGEST]) -> usize {
        let (kind, numbers, count) = match *self {
            Self::Hello {
                version,
                data,
                stream_data,
                streams,
            } => (0, [version, data, stream_data, streams], 4),
            Self::MaxData(limit) => (1, [limit, 0, 0, 0], 1),
            Self::MaxStreamData(StreamId(id), limit) => (2, [id, limit, 0, 0], 2),
            Self::MaxStreams(limit) => (3, [limit, 0, 0, 0], 1),
            Self::Data {
                stream: StreamId(id),
                len,
                is_last,
            } => (4 + u8::from(is_last), [id, len, 0, 0], 2),
            Self::Reset(StreamId(id), code) => (6, [id, code, 0, 0], 2),
            Self::Stop(StreamId(id), code) => (7, [id, code, 0, 0], 2),
        };
        to[0] = kind;
        numbers[..count]
            .iter()
            .fold(1, |at, &number| at + varint::encode(number, &mut to[at..]))
    }

    /// The frame that `from` is; `None` if it is only its beginning.
    pub(super) fn decode(from: &[u8]) -> Result<Option<Self>, ProtocolError> {
        let Some((&kind, mut rest)) = from.split_first() else {
            return Ok(None);
        };
        let count = match kind {
            0 => 4,
            1 | 3 => 1,
            2 | 4..=7 => 2,
            _ => return Err(ProtocolError::UnknownFrame(kind)),
        };
        let mut numbers = [0; 4];
        for number in &mut numbers[..count] {
            let Some((value, len)) = varint::decode(rest) else {
                return Ok(None);
            };
            *number = value;
            rest = &rest[len..];
        }
        let [first, second, third, fourth] = numbers;
        let stream = StreamId(first);
        Ok(Some(match kind {
            0 => Self::Hello {
                version: first,
                data: second,
                stream_data: third,
                streams: fourth,
            },
            1 => Self::MaxData(first),
            2 => Self::MaxStreamData(stream, second),
            3 => Self::MaxStreams(first),
            6 => Self::Reset(stream, second),
            7 => Self::Stop(stream, second),
            _ => Self::Data {
                stream,
                len: second,
                is_last: kind == 5,
            },
        }))
    }
}

/// A frame of which a part has come.
#[derive(Debug)]
pub(super) struct Partial {
    bytes: [u8; LONGEST],
    len: usize,
}

impl Partial {
    pub(super) const NONE: Self = Self {
        bytes: [0; LONGEST],
        len: 0,
    };

    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Takes bytes from `from` until a frame is complete; `None` if there were too few.
    pub(super) fn complete(&mut self, from: &mut &[u8]) -> Result<Option<Frame>, ProtocolError> {
        while let Some((&byte, rest)) = from.split_first() {
            *from = rest;
            self.bytes[self.len] = byte;
            self.len += 1;
            if let Some(frame) = Frame::decode(&self.bytes[..self.len])? {
                self.len = 0;
                return Ok(Some(frame));
            }
        }
        Ok(None)
    }
}

/// Where frames are written to.
#[derive(Debug)]
pub(super) struct Out<'a> {
    to: &'a mut [u8],
    len: usize,
}

impl<'a> Out<'a> {
    pub(super) fn new(to: &'a mut [u8]) -> Self {
        Self { to, len: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// How many bytes can follow one more frame.
    pub(super) fn room_for_data(&self) -> usize {
        const FRAME: usize = 1 + varint::LONGEST + 2;
        (self.to.len() - self.len).saturating_sub(FRAME)
    }

    /// Writes a frame; `false` if there is no room for it.
    #[must_use]
    pub(super) fn frame(&mut self, frame: Frame) -> bool {
        let mut bytes = [0; LONGEST];
        let n = frame.encode(&mut bytes);
        let has_room = n <= self.to.len() - self.len;
        if has_room {
            self.bytes(&bytes[..n]);
        }
        has_room
    }

    /// What follows a frame, for which there is room.
    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.to[self.len..self.len + bytes.len()].copy_from_slice(bytes);
        self.len += bytes.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back_byte_by_byte() {
        let stream = StreamId(70_000);
        let data = |is_last| Frame::Data {
            stream,
            len: MOST_DATA,
            is_last,
        };
        let hello = Frame::Hello {
            version: VERSION,
            data: varint::MAX,
            stream_data: varint::MAX,
            streams: varint::MAX,
        };
        let mut partial = Partial::NONE;
        for frame in [
            hello,
            Frame::MaxData(5),
            Frame::MaxStreamData(stream, varint::MAX),
            Frame::MaxStreams(300),
            data(false),
            data(true),
            Frame::Reset(stream, 9),
            Frame::Stop(stream, 9),
        ] {
            let mut bytes = [0; LONGEST];
            let len = frame.encode(&mut bytes);
            for &byte in &bytes[..len - 1] {
                assert_eq!(partial.complete(&mut &[byte][..]), Ok(None));
            }
            let mut rest = &bytes[len - 1..len];
            assert_eq!(partial.complete(&mut rest), Ok(Some(frame)));
            assert!(partial.is_empty());
        }
        let unknown = partial.complete(&mut &[8][..]);
        assert_eq!(unknown, Err(ProtocolError::UnknownFrame(8)));
    }
}
