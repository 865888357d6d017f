//! How positions and slots are packed into words: pure arithmetic.

/// Where a position is: which slot, and the how-manieth time round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Position {
    pub(super) lap: usize,
    pub(super) index: usize,
}

/// What a slot's word says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) lap: usize,
    pub(super) full: bool,
    pub(super) cell: usize,
}

/// How positions and slots are packed into words.
///
/// ```text
/// position   | lap                      | index       |
/// slot       | lap            | full    | cell ^ index |
/// pool       |                | taken   | cell ^ place |
/// ```
///
/// Slot `i` starts with cell `i`, and place `j` of the pool with cell
/// `capacity + j`; by the exclusive or, all words start as zero.
#[derive(Clone, Copy, Debug)]
pub(super) struct Packing {
    pub(super) capacity: usize,
    pub(super) bits: u32,
}

impl Packing {
    pub(super) const fn new(capacity: usize, spares: usize) -> Self {
        let bits = usize::BITS - (capacity + spares - 1).leading_zeros();
        Self { capacity, bits }
    }

    #[inline(always)]
    pub(super) fn position(self, word: usize) -> Position {
        Position {
            lap: word >> self.bits,
            index: word & ((1 << self.bits) - 1),
        }
    }

    #[inline(always)]
    pub(super) fn hint(self, position: Position) -> usize {
        position.lap << self.bits | position.index
    }

    #[inline(always)]
    pub(super) fn seen(self, word: usize, index: usize) -> Seen {
        Seen {
            lap: word >> (self.bits + 1),
            full: word >> self.bits & 1 != 0,
            cell: word & ((1 << self.bits) - 1) ^ index,
        }
    }

    #[inline(always)]
    pub(super) fn slot(self, lap: usize, full: bool, cell: usize, index: usize) -> usize {
        (lap << 1 | usize::from(full)) << self.bits | (cell ^ index)
    }

    /// How many laps a slot is ahead of a position; behind if negative. Laps in
    /// slots have fewer bits than those of positions, and both wrap.
    #[inline(always)]
    pub(super) fn ahead(self, slot: usize, position: usize) -> isize {
        let shift = self.bits + 1;
        ((slot.wrapping_sub(position) << shift) as isize) >> shift
    }

    /// How far `tail` is ahead of `head`, in items.
    pub(super) fn distance(self, head: Position, tail: Position) -> usize {
        tail.lap
            .wrapping_sub(head.lap)
            .wrapping_mul(self.capacity)
            .wrapping_add(tail.index)
            .wrapping_sub(head.index)
    }

    #[inline(always)]
    pub(super) fn next(self, position: Position) -> Position {
        if position.index + 1 == self.capacity {
            Position {
                lap: position.lap.wrapping_add(1),
                index: 0,
            }
        } else {
            Position {
                lap: position.lap,
                index: position.index + 1,
            }
        }
    }
}
