//! Keeps what different cores write on different cache lines.

use core::ops::{Deref, DerefMut};

use crate::sync::Line;

/// A value with a cache line of its own, where the target has such lines.
#[derive(Debug, Default)]
#[repr(C)]
pub struct Padded<T> {
    line: [Line; 0],
    value: T,
}

impl<T> Padded<T> {
    /// Gives `value` a line of its own.
    pub const fn new(value: T) -> Self {
        Self { line: [], value }
    }

    /// The value.
    pub fn into_inner(self) -> T {
        self.value
    }
}

impl<T> Deref for Padded<T> {
    type Target = T;

    #[inline(always)]
    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for Padded<T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}
