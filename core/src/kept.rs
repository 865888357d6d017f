//! A side's own copy of a position, so that it need not read the shared one.
//!
//! Where cores share cache lines, the shared ones are written by the other side, or read by
//! it, and a copy saves moves of lines. On a microcontroller a copy costs a store and memory,
//! and saves nothing: there, handles keep none, and each look is at the shared position.

use crate::sync::KEEPS;

/// A copy of a position, where copies are kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kept<W>([W; KEEPS as usize]);

impl<W: Copy> Kept<W> {
    pub(crate) fn new(position: W) -> Self {
        Self([position; KEEPS as usize])
    }

    /// The position that was kept last.
    #[inline(always)]
    pub(crate) fn get(&self) -> Option<W> {
        self.0.first().copied()
    }

    #[inline(always)]
    pub(crate) fn set(&mut self, position: W) {
        self.0 = [position; KEEPS as usize];
    }
}
