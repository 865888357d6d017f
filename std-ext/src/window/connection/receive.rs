//! Bytes in: what the peer's frames do.

use super::{Connection, Payload, Stream, StreamId};
use crate::window::error::ProtocolError;
use crate::window::frame::{Frame, MOST_DATA, VERSION};
use crate::window::varint::MAX;

impl Connection {
    /// Takes what has come from the peer, in pieces of any length.
    ///
    /// # Errors
    /// [`ProtocolError`], if the peer did what it must not: the same from then on. What had
    /// come before can still be read.
    pub fn receive(&mut self, mut bytes: &[u8]) -> Result<(), ProtocolError> {
        while self.failed.is_none() && !bytes.is_empty() {
            if self.payload.is_some() {
                self.on_payload(&mut bytes);
                continue;
            }
            let frame = self.partial.complete(&mut bytes);
            let done = frame.and_then(|frame| frame.map_or(Ok(()), |frame| self.on_frame(frame)));
            self.failed = done.err();
        }
        self.failed.map_or(Ok(()), Err)
    }

    /// Nothing more comes from the peer.
    ///
    /// # Errors
    /// [`ProtocolError::Truncated`], if the last frame was incomplete, or there is a stream
    /// of which the end had not come: then reads say so too, after what had come. Or why the
    /// connection had failed before.
    pub fn receive_end(&mut self) -> Result<(), ProtocolError> {
        let mut streams = self.streams.values();
        let is_cut = !self.partial.is_empty()
            || self.payload.is_some()
            || streams.any(|stream| stream.incoming.is_wanted());
        if is_cut {
            self.failed.get_or_insert(ProtocolError::Truncated);
        }
        self.failed.map_or(Ok(()), Err)
    }

    fn on_frame(&mut self, frame: Frame) -> Result<(), ProtocolError> {
        let is_hello = matches!(frame, Frame::Hello { .. });
        match (self.peer_stream_window, is_hello) {
            (None, false) => return Err(ProtocolError::NoHello(None)),
            (Some(_), true) => return Err(ProtocolError::SecondHello),
            _ => {}
        }
        let had_effect = match frame {
            Frame::Hello {
                version,
                data,
                stream_data,
                streams,
            } => {
                if version != VERSION {
                    return Err(ProtocolError::NoHello(Some(version)));
                }
                self.peer_stream_window = Some(stream_data);
                self.may_send.raise(data);
                self.on_max_streams(streams)
            }
            Frame::MaxData(limit) => self.may_send.raise(limit),
            Frame::MaxStreams(limit) => self.on_max_streams(limit),
            Frame::MaxStreamData(id, limit) => {
                self.on_stream(id, |stream| stream.outgoing.raise(limit))?
            }
            Frame::Stop(id, code) => self.on_stop(id, code)?,
            Frame::Reset(id, code) => self.on_reset(id, code)?,
            Frame::Data {
                stream,
                len,
                is_last,
            } => self.on_data(stream, len, is_last)?,
        };
        self.idle_frames = if had_effect { 0 } else { self.idle_frames + 1 };
        if self.idle_frames > self.config.most_idle_frames {
            return Err(ProtocolError::TooManyIdleFrames);
        }
        Ok(())
    }

    fn on_max_streams(&mut self, limit: u64) -> bool {
        let is_more = self.may_open.raise(limit.min(MAX / 2));
        if is_more {
            self.may_open_news |= std::mem::take(&mut self.wants_to_open);
        }
        is_more
    }

    /// What the peer says of a stream that it receives, unless that is over. Whether it had
    /// an effect.
    fn on_stream(
        &mut self,
        id: StreamId,
        what: impl FnOnce(&mut Stream) -> bool,
    ) -> Result<bool, ProtocolError> {
        let Some(stream) = self.streams.get_mut(&id) else {
            // It may have been said before the peer knew of the end.
            return if self.has_been(id) {
                Ok(false)
            } else {
                Err(ProtocolError::UnknownStream(id))
            };
        };
        if !stream.outgoing.is_announced() {
            return Err(ProtocolError::UnknownStream(id));
        }
        let had_effect = what(stream);
        self.give_turn(id);
        Ok(had_effect)
    }

    fn on_stop(&mut self, id: StreamId, code: u64) -> Result<bool, ProtocolError> {
        let had_effect = self.on_stream(id, |stream| stream.outgoing.stop(code))?;
        if had_effect {
            self.give_news(id, |stream| stream.writable = true);
        }
        Ok(had_effect)
    }

    fn on_reset(&mut self, id: StreamId, code: u64) -> Result<bool, ProtocolError> {
        self.sending_stream(id)?;
        let stream = self.streams.get_mut(&id).expect("looked at just now");
        let dropped = stream.incoming.reset(code);
        self.window.free(dropped);
        self.give_news(id, |stream| stream.readable = true);
        self.forget_if_over(id);
        Ok(true)
    }

    /// The limits are checked for the whole frame before any of its bytes are stored.
    fn on_data(&mut self, id: StreamId, len: u64, is_last: bool) -> Result<bool, ProtocolError> {
        if len > MOST_DATA {
            return Err(ProtocolError::FrameTooLarge(len));
        }
        let is_new = self.sending_stream(id)?;
        if len == 0 && !is_last && !is_new {
            return Err(ProtocolError::EmptyFrame(id));
        }
        let stream = self.streams.get_mut(&id).expect("looked at just now");
        if !stream.incoming.window.admits(len) {
            return Err(ProtocolError::BeyondStreamWindow(id));
        }
        if !self.window.admits(len) {
            return Err(ProtocolError::BeyondWindow(id));
        }
        stream.incoming.window.take(len);
        self.window.take(len);
        self.payload = Some(Payload {
            stream: id,
            left: len,
            is_last,
        });
        if len == 0 {
            self.on_payload(&mut &[][..]);
        }
        Ok(true)
    }

    /// Checks that the peer may send on a stream, and opens it if it is the next of the
    /// peer's. Whether it did.
    fn sending_stream(&mut self, id: StreamId) -> Result<bool, ProtocolError> {
        if let Some(stream) = self.streams.get(&id) {
            return if !stream.outgoing.is_announced() {
                Err(ProtocolError::UnknownStream(id))
            } else if stream.incoming.is_open() {
                Ok(false)
            } else {
                Err(ProtocolError::AfterEnd(id))
            };
        }
        if self.has_been(id) {
            return Err(ProtocolError::AfterEnd(id));
        }
        let is_next = id.0 % 2 != self.role.parity() && id.0 / 2 == self.peer_streams.used();
        let (true, Some(allowed)) = (is_next, self.peer_stream_window) else {
            return Err(ProtocolError::UnknownStream(id));
        };
        if !self.peer_streams.admits(1) {
            return Err(ProtocolError::TooManyStreams(id));
        }
        self.peer_streams.take(1);
        self.streams
            .insert(id, Stream::new(allowed, &self.config, true));
        self.give_news(id, |stream| stream.opened = true);
        Ok(true)
    }

    /// Whether a stream was opened, by whoever may.
    fn has_been(&self, id: StreamId) -> bool {
        let opened = if id.0 % 2 == self.role.parity() {
            self.may_open.used()
        } else {
            self.peer_streams.used()
        };
        id.0 / 2 < opened
    }

    /// Bytes that follow a frame, as far as they have come.
    fn on_payload(&mut self, bytes: &mut &[u8]) {
        let Some(mut payload) = self.payload.take() else {
            return;
        };
        let id = payload.stream;
        let n = payload.left.min(bytes.len() as u64);
        let (now, rest) = bytes.split_at(n as usize);
        *bytes = rest;
        payload.left -= n;
        let is_over = payload.left == 0;
        // A stream is not forgotten before its last frame has come.
        let stream = self.streams.get_mut(&id).expect("it is still open");
        let dropped = stream.incoming.store(now);
        self.window.free(dropped);
        if is_over && payload.is_last {
            stream.incoming.end();
        }
        if n > 0 || payload.is_last {
            self.give_news(id, |stream| stream.readable = true);
        }
        if is_over {
            self.forget_if_over(id);
        } else {
            self.payload = Some(payload);
        }
    }
}
