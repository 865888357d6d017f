//! What an end allows its peer, and itself.

use crate::window::varint::MAX;

/// How much a [`Connection`](super::Connection) stores at most: in all, up to `window` bytes
/// received, and `send_buffer` bytes to be sent for each stream. Buffers grow by doubling and
/// live as long as their stream, so up to twice `stream_window` and twice `send_buffer` are
/// allocated for each. Of the peer's streams there are at most `streams`; those that are
/// opened here stay until the application has seen their end, or stopped them.
///
/// With `window` at least `streams` times `stream_window`, no stream that is not read holds
/// up another; with less, those that are not read can use it up together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    pub(super) window: u64,
    pub(super) stream_window: u64,
    pub(super) streams: u64,
    pub(super) send_buffer: usize,
    pub(super) most_idle_frames: u32,
}

impl Default for Config {
    /// A window of 64 KiB for each of 16 streams of the peer's, and of 1 MiB for all; send
    /// buffers of 64 KiB; 1000 idle frames.
    fn default() -> Self {
        Self {
            window: 1 << 20,
            stream_window: 1 << 16,
            streams: 16,
            send_buffer: 1 << 16,
            most_idle_frames: 1000,
        }
    }
}

/// Numbers below 1 count as 1, those above 2^62 - 1 as that.
impl Config {
    /// How many bytes the peer may send beyond what was read, on all streams together.
    #[must_use]
    pub fn window(self, bytes: u64) -> Self {
        let window = bytes.clamp(1, MAX);
        Self { window, ..self }
    }

    /// The same, on each stream.
    #[must_use]
    pub fn stream_window(self, bytes: u64) -> Self {
        let stream_window = bytes.clamp(1, MAX);
        Self {
            stream_window,
            ..self
        }
    }

    /// How many streams the peer may have open at a time. How many this end may is the
    /// peer's to say.
    #[must_use]
    pub fn streams(self, most: u64) -> Self {
        let streams = most.clamp(1, MAX);
        Self { streams, ..self }
    }

    /// How many bytes of each stream are kept that could not be sent yet.
    #[must_use]
    pub fn send_buffer(self, bytes: usize) -> Self {
        let send_buffer = bytes.max(1);
        Self {
            send_buffer,
            ..self
        }
    }

    /// How many frames in a row may change nothing, as limits that are none, before it is an
    /// error. Some are normal: those that cross the end of a stream.
    #[must_use]
    pub fn most_idle_frames(self, most: u32) -> Self {
        let most_idle_frames = most.max(1);
        Self {
            most_idle_frames,
            ..self
        }
    }
}
