//! Numbers that look random, the same in each run.

/// Marsaglia's xorshift (2003), of 32 bits.
#[derive(Clone, Copy, Debug)]
pub struct Random(u32);

impl Random {
    /// `seed` is not 0.
    pub const fn new(seed: u32) -> Self {
        Self(seed)
    }

    /// Less than `limit`, which is at most 2^16.
    pub fn below(&mut self, limit: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        ((self.0 >> 16) * limit) >> 16
    }
}
