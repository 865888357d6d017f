//! Positions and stamps, packed into words: pure arithmetic, no atomics.
//!
//! ```text
//! position   | lap | index            |   of the next push, or the next pop
//! stamp      | lap | 0 …       | full |   of a slot
//! ```
//!
//! A slot at lap `l` is empty and waits for the push of that lap, then is full and
//! waits for the pop, then is empty at lap `l + 1`. So it tells laps apart, as it
//! must with a capacity of 1, and all words start as zero. Adding one lap to a
//! word wraps by itself. An index has at least one bit, for `full`.

/// How often round, and at which slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Position(pub(super) usize);

/// How often round, and whether there is an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp(pub(super) usize);

#[derive(Clone, Copy, Debug)]
pub(super) struct Packing {
    capacity: usize,
    /// One lap: a power of two, at least the capacity.
    lap: usize,
}

impl Packing {
    /// Laps need three bits, to tell ahead from behind.
    pub(super) const FEWEST_LAP_BITS: u32 = 3;
    pub(super) const MAX_CAPACITY: usize = usize::MAX >> Self::FEWEST_LAP_BITS;

    /// As many laps as the word can count.
    pub(super) const fn new(capacity: usize) -> Self {
        let lap = capacity.next_power_of_two();
        Self {
            capacity,
            lap: if lap < 2 { 2 } else { lap },
        }
    }

    /// Laps of so many bits, for tests: few, so that they wrap.
    #[cfg(any(test, feature = "alloc"))]
    pub(super) fn with_lap_bits(capacity: usize, bits: u32) -> Self {
        let lap = 1 << (usize::BITS - bits);
        assert!(bits >= Self::FEWEST_LAP_BITS && lap >= Self::new(capacity).lap);
        Self { capacity, lap }
    }

    #[inline(always)]
    pub(super) const fn capacity(self) -> usize {
        self.capacity
    }

    /// Less than the capacity.
    #[inline(always)]
    pub(super) const fn index(self, at: Position) -> usize {
        at.0 & (self.lap - 1)
    }

    /// The stamp of the slot at `at` when the push of this position may come.
    #[inline(always)]
    pub(super) const fn empty(self, at: Position) -> Stamp {
        Stamp(at.0 & !(self.lap - 1))
    }

    /// When the pop of this position may come.
    #[inline(always)]
    pub(super) const fn full(self, at: Position) -> Stamp {
        Stamp(self.empty(at).0 | 1)
    }

    /// When the pop of this position has been, so that the next push may come.
    #[inline(always)]
    pub(super) const fn freed(self, at: Position) -> Stamp {
        Stamp(self.empty(at).0.wrapping_add(self.lap))
    }

    /// The position behind.
    #[inline(always)]
    pub(super) const fn next(self, at: Position) -> Position {
        if self.capacity == self.lap {
            // The index runs over into the lap.
            Position(at.0.wrapping_add(1))
        } else if self.index(at) + 1 < self.capacity {
            Position(at.0 + 1)
        } else {
            self.next_lap(at)
        }
    }

    /// Not inlined, so that the positions of this lap are ready without waiting for the
    /// comparison.
    #[cold]
    const fn next_lap(self, at: Position) -> Position {
        self.lap_behind(at)
    }

    /// The first position of the next lap.
    #[inline(always)]
    pub(super) const fn lap_behind(self, at: Position) -> Position {
        Position(self.empty(at).0.wrapping_add(self.lap))
    }

    /// The position `n` behind; `n` is at most the capacity.
    #[inline(always)]
    pub(super) const fn advance(self, at: Position, n: usize) -> Position {
        let index = self.index(at);
        Position(if index + n < self.capacity {
            at.0 + n
        } else {
            (at.0 - index)
                .wrapping_add(self.lap)
                .wrapping_add(index + n - self.capacity)
        })
    }

    /// The position of the same slot, one lap before.
    #[inline(always)]
    pub(super) const fn lap_before(self, at: Position) -> Position {
        Position(at.0.wrapping_sub(self.lap))
    }

    /// How many positions `at` is behind `first`, modulo all that there are.
    pub(super) fn behind(self, first: Position, at: Position) -> usize {
        let laps = self.empty(at).0.wrapping_sub(self.empty(first).0) >> self.lap.trailing_zeros();
        (laps * self.capacity)
            .wrapping_add(self.index(at))
            .wrapping_sub(self.index(first))
    }

    /// How many positions came before, modulo all that there are.
    pub(super) fn count(self, at: Position) -> usize {
        (at.0 >> self.lap.trailing_zeros()) * self.capacity + self.index(at)
    }

    /// How far `tail` is ahead of `head`, in items: at least none, at most all.
    pub(super) fn distance(self, head: Position, tail: Position) -> usize {
        let ahead = tail.0.wrapping_sub(head.0);
        if (ahead as isize) < 0 {
            return 0;
        }
        let laps = self.empty(tail).0.wrapping_sub(self.empty(head).0) >> self.lap.trailing_zeros();
        let items = (laps.min(2) * self.capacity + self.index(tail)).saturating_sub(self.index(head));
        items.min(self.capacity)
    }
}
