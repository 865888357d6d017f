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
//! In rings for many, the callers of a side learn together ([`SidePace`]). Slots say by
//! themselves whether they are filled, or free, also those far ahead; so here a pause ends
//! once a batch is there, and has paid if a part of one is.

use core::ops::Deref;
use core::sync::atomic::{AtomicUsize, Ordering};

use crate::sync::{self, spin_loop};

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

/// Slots that are worth waiting for, where they are at most half of all.
const BATCH: usize = 64;

/// Calls in a row that paused in vain, before they do so no longer.
const TOLERATED: usize = 4;

/// From then on, of how many calls in vain one pauses again.
const RETRY: usize = 32;

/// For how many calls in a row pauses have been in vain, on a side of a ring for many; nothing
/// where no two cores share a cache line. It orders nothing, so no model need know of it; what
/// one caller writes may be lost to another's.
#[derive(Debug)]
pub(crate) struct SidePace([AtomicUsize; sync::CONTENDED as usize]);

#[allow(dead_code, reason = "used where there is compare-and-swap")]
impl SidePace {
    const fn new() -> Self {
        Self([const { AtomicUsize::new(0) }; sync::CONTENDED as usize])
    }

    /// Before a call returns that found no slot: pauses until a batch of slots is there, but
    /// at most once for each of them, and only if that has paid lately. `is_there` says it of
    /// the slot so many behind the first. Far ahead of who works there, a look takes no line
    /// from him.
    #[inline(always)]
    pub(crate) fn await_batch(&self, capacity: usize, is_there: impl Fn(usize) -> bool) {
        let Some(in_vain) = self.0.first() else {
            return;
        };
        let so_far = in_vain.load(Ordering::Relaxed);
        let mut in_vain_now = so_far.wrapping_add(1);
        if so_far < TOLERATED || so_far % RETRY == 0 {
            let batch = (capacity / 2).min(BATCH);
            let mut pauses = batch / 2;
            while pauses > 0 && !is_there(batch) {
                pause(2);
                pauses -= 1;
            }
            if is_there(batch / 4) {
                in_vain_now = 0;
            }
        }
        in_vain.store(in_vain_now, Ordering::Relaxed);
    }
}

/// Where a side of a ring for many is, and its pace.
#[derive(Debug)]
#[allow(dead_code, reason = "used where there is compare-and-swap")]
pub(crate) struct Paced<A> {
    position: A,
    pub(crate) pace: SidePace,
}

#[allow(dead_code, reason = "used where there is compare-and-swap")]
impl<A> Paced<A> {
    pub(crate) const fn new(position: A) -> Self {
        Self {
            position,
            pace: SidePace::new(),
        }
    }
}

impl<A> Deref for Paced<A> {
    type Target = A;

    #[inline(always)]
    fn deref(&self) -> &A {
        &self.position
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::vec::Vec;

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

    /// How many pauses a call in vain makes, of a ring where `is_there` of what is looked at.
    fn pauses(pace: &SidePace, capacity: usize, is_there: impl Fn(usize) -> bool) -> usize {
        sync::stepped::count(|| pace.await_batch(capacity, is_there)).1
    }

    #[test]
    fn goes_on_once_a_batch_is_there() {
        if !sync::CONTENDED {
            return;
        }
        let pace = SidePace::new();
        for call in 0..100 {
            let looks = Cell::new(0);
            let is_there = |n| {
                looks.set(looks.get() + 1);
                n < 64 || looks.get() > 5
            };
            assert_eq!(pauses(&pace, 1000, is_there), 2 * 5, "{call}");
        }
    }

    #[test]
    fn a_quarter_of_a_batch_has_paid() {
        let pauses_with = |there: usize| {
            let pace = SidePace::new();
            let calls = 0..320;
            calls
                .map(|_| pauses(&pace, 1000, |n| n < there))
                .sum::<usize>()
        };
        let per_call = if sync::CONTENDED { 64 } else { 0 };
        assert_eq!(pauses_with(17), 320 * per_call);
        // The first four, and of the others those in a 32nd place.
        assert_eq!(pauses_with(16), (4 + 9) * per_call);
    }

    #[test]
    fn who_has_given_pauses_up_takes_them_up_again_where_they_pay() {
        if !sync::CONTENDED {
            return;
        }
        let pace = SidePace::new();
        for _ in 0..10 {
            pauses(&pace, 1000, |_| false);
        }
        let calls: Vec<_> = (10..40).map(|_| pauses(&pace, 1000, |n| n < 17)).collect();
        let (before, since) = calls.split_at(32 - 10);
        assert!(before.iter().all(|&pauses| pauses == 0), "{calls:?}");
        assert!(since.iter().all(|&pauses| pauses == 64), "{calls:?}");
        // And bears four in vain again.
        let in_vain: Vec<_> = (0..5).map(|_| pauses(&pace, 1000, |_| false)).collect();
        assert_eq!(in_vain, [64, 64, 64, 64, 0]);
    }

    /// What the docs of rings for many say of pauses in vain.
    #[cfg(feature = "alloc")]
    #[test]
    fn calls_in_vain_pause_for_half_the_capacity_until_they_give_it_up() {
        use crate::{mpmc::HeapRing, stamped::Mpmc};
        for (capacity, pauses) in [(1, 0), (3, 0), (4, 2), (31, 14), (64, 32), (1000, 64)] {
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
                for (call, number) in calls
                    .iter()
                    .flat_map(|call| (0..100).map(move |n| (call, n)))
                {
                    let pauses = if number < 4 || number % 32 == 0 {
                        pauses
                    } else {
                        0
                    };
                    assert_eq!(sync::stepped::count(call).1, pauses, "{capacity}, {number}");
                }
            };
            expect(&in_vain[..2]);
            let looks = || assert!(stamped.is_empty() && cells.is_empty());
            assert_eq!(sync::stepped::count(looks).1, 0);
            for item in 0..capacity {
                let fill =
                    || assert!(stamped.try_push(item).is_ok() && cells.try_push(item).is_ok());
                assert_eq!(sync::stepped::count(fill).1, 0);
            }
            expect(&in_vain[2..]);
        }
    }
}
