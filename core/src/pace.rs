//! How often a side looks at the other's position when both work flat out.
//!
//! A consumer that is faster than its producer runs at its heels: each look finds
//! a few items, and takes from the producer the two cache lines that it is
//! writing, the one with its position and the one with its newest items. Both
//! then spend their time on moving lines. If the consumer pauses before it looks,
//! more items share a move. The same holds for a producer at the heels of its
//! consumer.
//!
//! How long a pause pays depends on how far apart the cores are, and is learnt: it
//! grows while looks find few items and shrinks when they find many, or fewer than
//! the pause was worth, since then the other side is not flat out. After a look
//! that found nothing there is no pause, and many of them end it. So one who polls
//! an idle ring does not pause, and two who send messages there and back only while
//! the answer is under way.

use core::hint::spin_loop;

use crate::sync;

/// A side's pace.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Pace {
    /// Logarithm of the pauses before a look, with an offset.
    level: u8,
    /// Looks in a row that found nothing.
    idle: u8,
}

/// Fewer items than this in a look are few.
const FEW: usize = 64;

/// More items than this are many.
const MANY: usize = 256;

/// Pauses that must bring an item, or they are too many.
const WORTH: usize = 4;

/// Looks in vain that end it.
const IDLE: u8 = 64;

/// The first pause comes at level 2; at the last level there are 16.
const LAST: u8 = 6;

impl Pace {
    /// Before a look. At most 16 pauses of the processor, and none if the
    /// last look found nothing.
    #[inline(always)]
    pub(crate) fn pause(self) {
        if sync::CONTENDED && self.level > 1 && self.idle == 0 {
            (0..self.pauses()).for_each(|_| spin_loop());
        }
    }

    fn pauses(self) -> u32 {
        (1 << self.level) >> 2
    }

    /// After a look that found `found` items, or as much room.
    #[inline(always)]
    pub(crate) fn found(&mut self, found: usize) {
        if !sync::CONTENDED {
            return;
        }
        if found == 0 {
            self.idle = self.idle.saturating_add(1);
            if self.idle == IDLE {
                self.level = 0;
            }
            return;
        }
        self.idle = 0;
        if found <= self.pauses() as usize / WORTH {
            self.level = self.level.saturating_sub(1);
        } else if (2..FEW).contains(&found) {
            self.level = LAST.min(self.level + 1);
        } else if found > MANY {
            self.level = self.level.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec;

    fn after(looks: &[usize]) -> u32 {
        let mut pace = Pace::default();
        looks.iter().for_each(|&found| pace.found(found));
        pace.pauses()
    }

    #[test]
    fn grows_at_the_heels_up_to_a_bound() {
        assert_eq!(after(&[3]), 0);
        assert_eq!(after(&[3, 0, 3]), 1);
        assert_eq!(after(&[3; 5]), 8);
        assert_eq!(after(&[15; 100]), 16);
    }

    #[test]
    fn shrinks_when_it_is_too_long() {
        assert_eq!(after(&[15, 15, 15, 15, 100, 100, 100]), 4);
        assert_eq!(after(&[15, 15, 15, 15, 300]), 2);
        assert_eq!(after(&[15, 15, 15, 15, 1]), 2);
        assert!(after(&[1; 100]) == 0 && after(&[2; 100]) <= 8);
    }

    #[test]
    fn ends_when_the_other_side_is_idle() {
        let mut looks = vec![15; 10];
        looks.extend([0; IDLE as usize - 1]);
        assert_eq!(after(&looks), 16);
        looks.push(0);
        assert_eq!(after(&looks), 0);
    }
}
