//! The half of a stream that we send.

use std::collections::VecDeque;

use super::connection::StreamId;
use super::error::WriteError;
use super::frame::{Frame, MOST_DATA, Out};
use super::limit::Allowance;

#[derive(Debug)]
pub(super) struct Outgoing {
    buffer: VecDeque<u8>,
    /// How much may be in `buffer`.
    capacity: usize,
    allowance: Allowance,
    state: State,
    /// Whether the peer knows of the stream.
    is_announced: bool,
    /// The code with which the peer wants no more.
    stopped: Option<u64>,
    /// A write took less than all since there was no room.
    wants_room: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    /// The end follows what is in the buffer.
    Finishing,
    /// The peer is to be told that nothing more comes.
    Resetting(u64),
    /// The end was sent.
    Done,
}

impl Outgoing {
    pub(super) fn new(allowed: u64, capacity: usize, is_announced: bool) -> Self {
        Self {
            buffer: VecDeque::new(),
            capacity,
            allowance: Allowance::new(allowed),
            state: State::Open,
            is_announced,
            stopped: None,
            wants_room: false,
        }
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<usize, WriteError> {
        if let Some(code) = self.stopped {
            return Err(WriteError::Stopped(code));
        }
        if self.state != State::Open {
            return Err(WriteError::Ended);
        }
        let n = bytes.len().min(self.capacity - self.buffer.len());
        self.buffer.extend(&bytes[..n]);
        self.wants_room = n < bytes.len();
        Ok(n)
    }

    pub(super) fn finish(&mut self) {
        if self.state == State::Open {
            self.state = State::Finishing;
        }
    }

    /// Gives up what was not sent. Whether there was still something to give up.
    pub(super) fn reset(&mut self, code: u64) -> bool {
        let is_live = matches!(self.state, State::Open | State::Finishing);
        if is_live {
            self.buffer = VecDeque::new();
            self.state = State::Resetting(code);
        }
        is_live
    }

    /// The peer wants no more. Whether that changed something.
    pub(super) fn stop(&mut self, code: u64) -> bool {
        let is_live = self.reset(code);
        if is_live {
            self.stopped = Some(code);
        }
        is_live
    }

    /// The peer allows so much. Whether that is more than before.
    pub(super) fn raise(&mut self, limit: u64) -> bool {
        self.allowance.raise(limit)
    }

    pub(super) fn is_done(&self) -> bool {
        self.state == State::Done
    }

    pub(super) fn is_announced(&self) -> bool {
        self.is_announced
    }

    pub(super) fn unsent(&self) -> usize {
        self.buffer.len()
    }

    /// Whether there is something to send, if `left` may be sent on all streams together.
    pub(super) fn is_due(&self, left: u64) -> bool {
        match self.state {
            State::Done => false,
            State::Resetting(_) => true,
            State::Finishing if self.buffer.is_empty() => true,
            _ => !self.is_announced || self.may_send(left) > 0,
        }
    }

    fn may_send(&self, left: u64) -> u64 {
        let unsent = self.buffer.len() as u64;
        unsent.min(self.allowance.left()).min(left).min(MOST_DATA)
    }

    /// Writes one frame, if there is one to be written; `false` if there was no room.
    #[must_use]
    pub(super) fn transmit(&mut self, id: StreamId, all: &mut Allowance, out: &mut Out) -> bool {
        if !self.is_due(all.left()) {
            return true;
        }
        if let State::Resetting(code) = self.state {
            let written = out.frame(Frame::Reset(id, code));
            if written {
                self.state = State::Done;
                self.is_announced = true;
            }
            return written;
        }
        let n = self.may_send(all.left()).min(out.room_for_data() as u64) as usize;
        let is_last = self.state == State::Finishing && n == self.buffer.len();
        if n == 0 && self.is_announced && !is_last {
            return false;
        }
        let frame = Frame::Data {
            stream: id,
            len: n as u64,
            is_last,
        };
        if !out.frame(frame) {
            return false;
        }
        let (first, second) = self.buffer.as_slices();
        let from_first = n.min(first.len());
        out.bytes(&first[..from_first]);
        out.bytes(&second[..n - from_first]);
        self.buffer.drain(..n);
        self.allowance.take(n as u64);
        all.take(n as u64);
        self.is_announced = true;
        if is_last {
            self.state = State::Done;
        }
        true
    }

    /// Whether a write that was refused may go on now, or never: told once.
    pub(super) fn has_news(&mut self) -> bool {
        let has_room = self.wants_room && self.buffer.len() < self.capacity;
        self.wants_room &= !has_room;
        has_room
    }
}
