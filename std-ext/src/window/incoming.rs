//! The half of a stream that we receive.

use std::collections::VecDeque;

use super::error::ReadError;
use super::limit::Window;

#[derive(Debug)]
pub(super) struct Incoming {
    /// At most the window's size.
    buffer: VecDeque<u8>,
    pub(super) window: Window,
    state: State,
    /// The peer is to be told that nothing more is wanted.
    stop_due: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    /// Nothing more comes than what is in the buffer.
    Ended,
    /// The peer gave it up, and the application is to be told.
    Reset(u64),
    /// The application wants no more; what still comes is dropped.
    Stopped,
    /// The application knows of the end, or wants nothing more and nothing comes.
    Done,
}

impl Incoming {
    pub(super) fn new(size: u64) -> Self {
        Self {
            buffer: VecDeque::new(),
            window: Window::new(size),
            state: State::Open,
            stop_due: None,
        }
    }

    /// How much it read; 0 is the end.
    pub(super) fn read(&mut self, to: &mut [u8]) -> Result<usize, ReadError> {
        match self.state {
            State::Stopped | State::Done => return Err(ReadError::UnknownStream),
            State::Reset(code) => {
                self.state = State::Done;
                return Err(ReadError::Reset(code));
            }
            State::Open if self.buffer.is_empty() => return Err(ReadError::Empty),
            State::Ended if self.buffer.is_empty() => self.state = State::Done,
            State::Open | State::Ended => {}
        }
        let (first, second) = self.buffer.as_slices();
        let one = first.len().min(to.len());
        let two = second.len().min(to.len() - one);
        to[..one].copy_from_slice(&first[..one]);
        to[one..one + two].copy_from_slice(&second[..two]);
        self.buffer.drain(..one + two);
        self.window.free((one + two) as u64);
        Ok(one + two)
    }

    /// Drops what is there and what comes. Returns how much was there.
    pub(super) fn stop(&mut self, code: u64) -> u64 {
        match self.state {
            State::Open => {
                self.state = State::Stopped;
                self.stop_due = Some(code);
            }
            State::Ended | State::Reset(_) => self.state = State::Done,
            State::Stopped | State::Done => {}
        }
        self.discard()
    }

    /// Bytes that the window has admitted. Returns how many of them were dropped at once.
    pub(super) fn store(&mut self, bytes: &[u8]) -> u64 {
        if self.state == State::Open {
            self.buffer.extend(bytes);
            0
        } else {
            bytes.len() as u64
        }
    }

    /// Nothing more comes.
    pub(super) fn end(&mut self) {
        self.state = match self.state {
            State::Open => State::Ended,
            _ => State::Done,
        };
    }

    /// Nothing more comes, and what is here is of no use. Returns how much that was.
    pub(super) fn reset(&mut self, code: u64) -> u64 {
        self.state = match self.state {
            State::Open => State::Reset(code),
            _ => State::Done,
        };
        self.discard()
    }

    fn discard(&mut self) -> u64 {
        let n = self.buffer.len() as u64;
        self.buffer = VecDeque::new();
        self.window.free(n);
        n
    }

    /// Whether the peer may still send.
    pub(super) fn is_open(&self) -> bool {
        matches!(self.state, State::Open | State::Stopped)
    }

    /// Whether the application is to see an end that has not come.
    pub(super) fn is_wanted(&self) -> bool {
        self.state == State::Open
    }

    pub(super) fn is_done(&self) -> bool {
        self.state == State::Done
    }

    pub(super) fn unread(&self) -> usize {
        self.buffer.len()
    }

    /// Whether the peer is to be told of more room.
    pub(super) fn is_due(&self) -> bool {
        self.state == State::Open && self.window.is_due()
    }

    /// The code of a stop of which the peer is to be told.
    pub(super) fn stop_due(&mut self) -> &mut Option<u64> {
        if !self.is_open() {
            self.stop_due = None;
        }
        &mut self.stop_due
    }
}
