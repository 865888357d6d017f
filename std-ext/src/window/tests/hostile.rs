//! Peers that do not keep to the rules.

use super::*;
use crate::window::frame::{Frame, LONGEST, MOST_DATA, VERSION};
use crate::window::varint::MAX;

const HELLO: Frame = Frame::Hello {
    version: VERSION,
    data: 1000,
    stream_data: 100,
    streams: 1,
};
const FIRST: StreamId = StreamId(0);
const SECOND: StreamId = StreamId(2);
/// A stream of the server's.
const OURS: StreamId = StreamId(1);

fn data(stream: StreamId, len: u64) -> Frame {
    Frame::Data {
        stream,
        len,
        is_last: false,
    }
}

fn last(stream: StreamId) -> Frame {
    Frame::Data {
        stream,
        len: 0,
        is_last: true,
    }
}

/// A server with a client that is made up.
struct Victim(Connection);

impl Victim {
    fn new() -> Self {
        let config = Config::default()
            .window(50)
            .stream_window(30)
            .streams(2)
            .send_buffer(1000)
            .most_idle_frames(10);
        Self(Connection::new(Role::Server, config))
    }

    fn greeted() -> Self {
        let mut victim = Self::new();
        victim.frame(HELLO).unwrap();
        victim
    }

    /// The frame, and the bytes that it announces.
    fn frame(&mut self, frame: Frame) -> Result<(), ProtocolError> {
        let mut bytes = [0; LONGEST];
        let n = frame.encode(&mut bytes);
        self.0.receive(&bytes[..n])?;
        match frame {
            Frame::Data { len, .. } => self.0.receive(&vec![0; len.min(100_000) as usize]),
            _ => Ok(()),
        }
    }
}

/// What is wrong with the last of these frames, after a greeting.
fn wrong(frames: &[Frame]) -> ProtocolError {
    let mut victim = Victim::greeted();
    let (last, before) = frames.split_last().unwrap();
    for &frame in before {
        victim.frame(frame).unwrap();
    }
    let error = victim.frame(*last).unwrap_err();
    assert_eq!(victim.0.failed(), Some(error));
    assert_eq!(victim.0.receive(&[1, 1]), Err(error), "no way back");
    assert_eq!(victim.0.open(), Err(OpenError::Failed(error)));
    assert!(victim.0.usage().unread <= 50);
    error
}

#[test]
fn greetings() {
    let ungreeted = Victim::new().frame(Frame::MaxData(5));
    assert_eq!(ungreeted, Err(ProtocolError::NoHello(None)));
    let (data, stream_data, streams) = (1, 1, 1);
    let other = Frame::Hello {
        version: 2,
        data,
        stream_data,
        streams,
    };
    let version = Victim::new().frame(other);
    assert_eq!(version, Err(ProtocolError::NoHello(Some(2))));
    assert_eq!(wrong(&[HELLO]), ProtocolError::SecondHello);
}

#[test]
fn more_than_the_windows() {
    assert_eq!(
        wrong(&[data(FIRST, 30), data(FIRST, 1)]),
        ProtocolError::BeyondStreamWindow(FIRST)
    );
    assert_eq!(
        wrong(&[data(FIRST, 30), data(SECOND, 21)]),
        ProtocolError::BeyondWindow(SECOND)
    );
    assert_eq!(
        wrong(&[data(FIRST, MOST_DATA + 1)]),
        ProtocolError::FrameTooLarge(MOST_DATA + 1)
    );
    assert_eq!(
        wrong(&[data(FIRST, MAX)]),
        ProtocolError::FrameTooLarge(MAX)
    );
}

#[test]
fn streams_that_are_not_there() {
    assert_eq!(
        wrong(&[data(FIRST, 1), data(SECOND, 1), data(StreamId(4), 1)]),
        ProtocolError::TooManyStreams(StreamId(4))
    );
    for unknown in [SECOND, OURS, StreamId(MAX), StreamId(MAX - 1)] {
        for frame in [
            data(unknown, 1),
            last(unknown),
            Frame::Reset(unknown, 0),
            Frame::Stop(unknown, 0),
            Frame::MaxStreamData(unknown, 5),
        ] {
            assert_eq!(wrong(&[frame]), ProtocolError::UnknownStream(unknown));
        }
    }
    // Nor one that it cannot know of yet.
    let mut victim = Victim::greeted();
    assert_eq!(victim.0.open(), Ok(OURS));
    let early = victim.frame(data(OURS, 1));
    assert_eq!(early, Err(ProtocolError::UnknownStream(OURS)));
}

#[test]
fn more_after_the_end() {
    let after = ProtocolError::AfterEnd(FIRST);
    for end in [last(FIRST), Frame::Reset(FIRST, 1)] {
        for more in [data(FIRST, 1), last(FIRST), Frame::Reset(FIRST, 2)] {
            assert_eq!(wrong(&[data(FIRST, 3), end, more]), after);
        }
    }
    // Nor after the stream was forgotten.
    let mut victim = Victim::greeted();
    victim.frame(last(FIRST)).unwrap();
    assert_eq!(victim.0.read(FIRST, &mut [0; 9]), Ok(0));
    victim.0.finish(FIRST);
    victim.0.transmit(&mut [0; 100]);
    assert_eq!(victim.0.usage().streams, 0);
    // But what may have crossed its end is no error.
    victim.frame(Frame::MaxStreamData(FIRST, 500)).unwrap();
    victim.frame(Frame::Stop(FIRST, 5)).unwrap();
    assert_eq!(victim.frame(data(FIRST, 1)), Err(after));
}

/// Empty frames, and frames to no effect.
#[test]
fn floods_of_nothing() {
    let empty = ProtocolError::EmptyFrame(FIRST);
    assert_eq!(wrong(&[data(FIRST, 0), data(FIRST, 0)]), empty);
    for idle in [Frame::MaxData(1000), Frame::MaxStreams(0)] {
        assert_eq!(wrong(&[idle; 11]), ProtocolError::TooManyIdleFrames);
    }
    let mut victim = Victim::greeted();
    victim.frame(data(FIRST, 0)).unwrap();
    for limit in 101..200 {
        for _ in 0..10 {
            victim.frame(Frame::MaxStreamData(FIRST, 3)).unwrap();
        }
        victim.frame(Frame::MaxStreamData(FIRST, limit)).unwrap();
    }
}

/// Limits that go back change nothing, the highest there are overflow nothing.
#[test]
fn limits_only_grow() {
    let mut victim = Victim::greeted();
    victim.frame(Frame::MaxData(MAX)).unwrap();
    victim.frame(Frame::MaxData(3)).unwrap();
    victim.frame(Frame::MaxStreams(MAX)).unwrap();
    victim.frame(Frame::MaxStreams(0)).unwrap();
    assert_eq!(victim.0.usage().may_send, MAX);
    let id = victim.0.open().unwrap();
    victim.0.transmit(&mut [0; 100]);
    victim.frame(Frame::MaxStreamData(id, MAX)).unwrap();
    victim.frame(Frame::MaxStreamData(id, 0)).unwrap();
    assert_eq!(victim.0.write(id, &[0; 500]), Ok(500));
    let mut wire = [0; 600];
    assert!(victim.0.transmit(&mut wire) > 500);
    assert!(!victim.0.is_stalled());
}

/// It opens streams, and never grants anything.
#[test]
fn a_peer_that_never_reads_is_seen() {
    let mut victim = Victim::greeted();
    victim.frame(data(FIRST, 1)).unwrap();
    let mut taken = 0;
    loop {
        let n = victim.0.write(FIRST, &[0; 400]).unwrap();
        taken += n;
        if n == 0 {
            break;
        }
        victim.0.transmit(&mut [0; 500]);
    }
    assert_eq!(taken, 100 + 1000, "its window and our buffer");
    assert!(victim.0.is_stalled());
}

/// A frame stays within the wire that it is given.
#[test]
fn no_frame_is_cut() {
    for len in Connection::SHORTEST_TRANSMIT..60 {
        let mut victim = Victim::greeted();
        victim.frame(data(FIRST, 30)).unwrap();
        victim.0.read(FIRST, &mut [0; 30]).unwrap();
        victim.0.write(FIRST, &[0; 100]).unwrap();
        let mut other = Connection::new(Role::Client, Config::default());
        other.open().unwrap_err();
        let mut all = Vec::new();
        loop {
            let mut wire = vec![0; len];
            let n = victim.0.transmit(&mut wire);
            all.extend(&wire[..n]);
            if n == 0 {
                break;
            }
        }
        let hello_len = 1 + 1 + 1 + 1 + 1;
        other.receive(&all[..hello_len]).unwrap();
        assert_eq!(other.open(), Ok(FIRST));
        other.transmit(&mut [0; 100]);
        other.receive(&all[hello_len..]).unwrap();
        assert_eq!(other.usage().received, 100);
    }
}
