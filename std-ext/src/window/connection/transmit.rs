//! Frames out: nothing is queued, they are made of what is due.

use super::{Connection, StreamId};
use crate::window::frame::{self, Frame, Out, VERSION};

impl Connection {
    /// The least that [`transmit`](Self::transmit) must be given: room for any frame.
    pub const SHORTEST_TRANSMIT: usize = frame::LONGEST;

    /// Writes what there is to send to the start of `to`, whole frames, and returns how many
    /// bytes that is: 0 if there is nothing. What it wrote must reach the peer.
    ///
    /// Streams take turns, a frame each. As long as it leaves little room, there may be more.
    ///
    /// # Panics
    /// If `to` is shorter than [`SHORTEST_TRANSMIT`](Self::SHORTEST_TRANSMIT).
    pub fn transmit(&mut self, to: &mut [u8]) -> usize {
        assert!(to.len() >= Self::SHORTEST_TRANSMIT, "no room for a frame");
        if self.failed.is_some() {
            return 0;
        }
        let mut out = Out::new(to);
        // Then there is no room.
        let _ = self.transmit_own(&mut out) && self.transmit_streams(&mut out);
        out.len()
    }

    /// What concerns no single stream; `false` if there was no room.
    #[must_use]
    fn transmit_own(&mut self, out: &mut Out) -> bool {
        if !self.greeted {
            let hello = Frame::Hello {
                version: VERSION,
                data: self.config.window,
                stream_data: self.config.stream_window,
                streams: self.config.streams,
            };
            if !out.frame(hello) {
                return false;
            }
            self.greeted = true;
        }
        for (window, frame) in [
            (&mut self.window, Frame::MaxData as fn(u64) -> Frame),
            (&mut self.peer_streams, Frame::MaxStreams),
        ] {
            if window.is_due() {
                if !out.frame(frame(window.next())) {
                    return false;
                }
                window.advertise();
            }
        }
        true
    }

    /// Lets each stream have its turn until none has anything more; `false` if there was no
    /// room.
    #[must_use]
    fn transmit_streams(&mut self, out: &mut Out) -> bool {
        let mut in_vain = 0;
        while in_vain < self.turns.len() {
            let Some(&id) = self.turns.front() else {
                break;
            };
            let before = out.len();
            if !self.transmit_stream(id, out) {
                return false;
            }
            in_vain = if out.len() > before { 0 } else { in_vain + 1 };
            self.turns.pop_front();
            if let Some(stream) = self.streams.get_mut(&id) {
                stream.has_turn = false;
                self.give_turn(id);
            }
        }
        true
    }

    #[must_use]
    fn transmit_stream(&mut self, id: StreamId, out: &mut Out) -> bool {
        let Some(stream) = self.streams.get_mut(&id) else {
            return true;
        };
        // First, since it may be what opens the stream.
        if !stream.outgoing.transmit(id, &mut self.may_send, out) {
            return false;
        }
        if let Some(code) = *stream.incoming.stop_due() {
            if !out.frame(Frame::Stop(id, code)) {
                return false;
            }
            *stream.incoming.stop_due() = None;
        }
        if stream.incoming.is_due() {
            let window = &mut stream.incoming.window;
            if !out.frame(Frame::MaxStreamData(id, window.next())) {
                return false;
            }
            window.advertise();
        }
        if stream.outgoing.has_news() {
            self.give_news(id, |stream| stream.writable = true);
        }
        true
    }
}
