//! Whether a side pauses before it looks at the other's position.
//!
//! A consumer that is faster than its producer runs at its heels: each look finds
//! a few items, and takes from the producer the two cache lines that it is
//! writing, the one with its position and the one with its newest items. Both
//! then spend their time on moving lines. If the consumer pauses before it looks,
//! more items share a move. The same holds for a producer at the heels of its
//! consumer.
//!
//! To one who waits for an answer the same pause is a delay. From here the two look
//! alike, so both ways are tried: a few looks without pauses, a few with, and then
//! for a long time what has brought more items in its time. Where pauses did not
//! pay, the next trial is twice as far away.
//!
//! There is no clock here. Time is counted in pauses of the processor: those that
//! were made, one for a look that found nothing (the caller's own, between two
//! attempts), and some for a look that found something (the moves of the lines).
//!
//! Rings for many have no such memory: theirs are the fixed pauses right below.

use crate::sync::{self, spin_loop};

/// Before a call returns that found no slot in a ring of this capacity: who comes back
/// at once takes the cache lines from those who work. In a small ring they have nothing to
/// do meanwhile.
#[inline(always)]
#[allow(dead_code, reason = "used where there is compare-and-swap")]
pub(crate) fn in_vain(capacity: usize) {
    /// Not inlined: a compiler may move a load that comes after it in front of it.
    #[cold]
    #[inline(never)]
    fn in_vain(capacity: usize) {
        pause((capacity / 32).min(8));
    }
    if sync::CONTENDED {
        in_vain(capacity);
    }
}

/// After another's claim: to claim in turns moves a line for each.
#[inline(always)]
#[allow(dead_code, reason = "used where there is compare-and-swap")]
pub(crate) fn after_another() {
    pause(64);
}

/// Pauses of the processor, where two cores may fight over a cache line.
#[inline(always)]
fn pause(times: usize) {
    if sync::CONTENDED {
        (0..times).for_each(|_| spin_loop());
    }
}

/// What a side has learnt; nothing where no two cores share a cache line.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Pace([Learnt; sync::CONTENDED as usize]);

#[derive(Clone, Copy, Debug, Default)]
struct Learnt {
    phase: Phase,
    /// Looks that found something, until this phase is over.
    left: u16,
    /// Whether pauses paid at the last trial.
    pays: bool,
    /// How long to do without after a trial in which they did not.
    patience: u16,
    /// What this phase has brought, and the one before it.
    now: Yield,
    before: Yield,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    /// As the last trial said.
    #[default]
    Settled,
    TryWithout,
    TryWith,
}

/// Items in a time.
#[derive(Clone, Copy, Debug, Default)]
struct Yield {
    items: u32,
    time: u32,
}

/// Pauses before a look.
const PAUSES: u16 = 16;

/// How many pauses the moves of two lines take: four where cores are near, more
/// where they are far.
const MOVES: u32 = 4;

/// Looks that find something, in each half of a trial.
const TRIAL: u16 = 16;

/// Looks that find something, from one trial to the next.
const FIRST_REST: u16 = 64;
const LONGEST_REST: u16 = 1 << 15;
const REST_WHILE_IT_PAYS: u16 = 1 << 12;

impl Pace {
    /// Before a look: at most 16 pauses of the processor.
    #[inline(always)]
    pub(crate) fn pause(&self) {
        if self.0.first().is_some_and(Learnt::pauses) {
            pause(PAUSES.into());
        }
    }

    /// After a look that found so many items, or so much room.
    #[inline(always)]
    pub(crate) fn found(&mut self, items: usize) {
        if let Some(learnt) = self.0.first_mut() {
            learnt.found(items);
        }
    }
}

impl Learnt {
    #[inline(always)]
    fn pauses(&self) -> bool {
        self.phase == Phase::TryWith || (self.phase == Phase::Settled && self.pays)
    }

    #[inline(always)]
    fn found(&mut self, items: usize) {
        let pauses = if self.pauses() { u32::from(PAUSES) } else { 0 };
        let moves = if items == 0 { 1 } else { MOVES };
        self.now.time = self.now.time.saturating_add(pauses + moves);
        if items == 0 {
            return;
        }
        self.now.items = self.now.items.saturating_add(items as u32);
        match self.left.checked_sub(1) {
            Some(left) => self.left = left,
            None => self.next_phase(),
        }
    }

    #[cold]
    fn next_phase(&mut self) {
        (self.phase, self.left) = match self.phase {
            Phase::Settled => (Phase::TryWithout, TRIAL),
            Phase::TryWithout => (Phase::TryWith, TRIAL),
            Phase::TryWith => {
                self.pays = self.now.is_clearly_more_than(self.before);
                self.patience = if self.pays {
                    FIRST_REST
                } else {
                    self.patience
                        .saturating_mul(2)
                        .clamp(FIRST_REST, LONGEST_REST)
                };
                let rest = if self.pays {
                    REST_WHILE_IT_PAYS
                } else {
                    self.patience
                };
                (Phase::Settled, rest)
            }
        };
        self.before = core::mem::take(&mut self.now);
    }
}

impl Yield {
    /// By half.
    fn is_clearly_more_than(self, other: Self) -> bool {
        let product = |a: u32, b: u32| u64::from(a) * u64::from(b);
        2 * product(self.items, other.time) > 3 * product(other.items, self.time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Looks as many times as `looks` says, each of which finds what `find` says,
    /// given whether there was a pause; returns how many pauses there were.
    fn look(learnt: &mut Learnt, looks: usize, find: impl Fn(usize, bool) -> usize) -> usize {
        (0..looks)
            .filter(|&look| {
                let paused = learnt.pauses();
                learnt.found(find(look, paused));
                paused
            })
            .count()
    }

    #[test]
    #[cfg_attr(miri, ignore = "slow, and nothing unsafe in it")]
    fn pauses_where_more_items_share_a_look() {
        let stream = |look, paused| match (look % 3, paused) {
            (_, true) => 60,
            (2, false) => 5,
            (_, false) => 0,
        };
        let mut learnt = Learnt::default();
        look(&mut learnt, 1000, stream);
        let paused = look(&mut learnt, 100_000, stream);
        assert!(paused > 98_000, "{paused}");
        // And no longer when the other side has become slow.
        let slow = |_, paused| if paused { 10 } else { 2 };
        look(&mut learnt, 10_000, slow);
        let paused = look(&mut learnt, 100_000, slow);
        assert!(paused < 100, "{paused}");
    }

    #[test]
    #[cfg_attr(miri, ignore = "slow, and nothing unsafe in it")]
    fn tries_ever_less_often_where_an_answer_is_awaited() {
        let answer = |look, paused| if paused || look % 5 == 4 { 8 } else { 0 };
        let mut learnt = Learnt::default();
        let paused = look(&mut learnt, 1_000_000, answer);
        assert!(paused < 300, "{paused}");
    }

    #[test]
    #[cfg_attr(miri, ignore = "slow, and nothing unsafe in it")]
    fn does_not_pause_for_one_who_polls_an_idle_ring() {
        let mut learnt = Learnt::default();
        assert_eq!(look(&mut learnt, 1_000_000, |_, _| 0), 0);
        assert!(!learnt.pauses());
    }

    /// What the docs of rings for many say of pauses in vain.
    #[cfg(feature = "alloc")]
    #[test]
    fn calls_in_vain_pause_for_a_32nd_of_the_capacity() {
        use crate::{mpmc::HeapRing, stamped::Mpmc, sync::stepped::count};
        for (capacity, pauses) in [(1, 0), (31, 0), (64, 2), (256, 8), (1000, 8)] {
            let pauses = if sync::CONTENDED { pauses } else { 0 };
            let stamped = Mpmc::with_capacity(capacity);
            let cells = HeapRing::try_with_capacity(capacity, 1).unwrap();
            let in_vain: [&dyn Fn(); 4] = [
                &|| assert!(stamped.try_pop().is_err()),
                &|| assert!(cells.try_pop().is_err()),
                &|| assert!(stamped.try_push(0).is_err()),
                &|| assert!(cells.try_push(0).is_err()),
            ];
            let expect = |calls: &[&dyn Fn()]| {
                calls
                    .iter()
                    .for_each(|call| assert_eq!(count(call).1, pauses, "{capacity}"));
            };
            expect(&in_vain[..2]);
            let looks = || assert!(stamped.is_empty() && cells.is_empty());
            assert_eq!(count(looks).1, 0);
            for item in 0..capacity {
                let fill =
                    || assert!(stamped.try_push(item).is_ok() && cells.try_push(item).is_ok());
                assert_eq!(count(fill).1, 0);
            }
            expect(&in_vain[2..]);
        }
    }
}
