//! The algorithm: claim → touch the slot → stamp. Invariants and edges: those of
//! [`super`].

use super::packing::{Packing, Position, Stamp};
use super::{PopError, PushError, Side};
use crate::pace;
use crate::slots::StampedSlot;
use crate::sync::{self, Ordering};
use crate::sync::rmw::{AtomicBool, AtomicUsize};

/// Why no slot could be claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Blocked {
    /// Full to a producer, empty to a consumer.
    ByState,
    /// By somebody of the other side, between claim and stamp.
    ByClaim,
}

/// Neighbouring slots, which have their turns in the same lap.
#[derive(Debug)]
pub(super) struct Stretch<'a, T> {
    pub(super) slots: &'a [StampedSlot<T>],
    /// Of the first of them.
    pub(super) at: Position,
}

/// A run of slots that has been claimed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Claimed {
    pub(super) first: Position,
    pub(super) len: usize,
    /// The position behind.
    pub(super) end: Position,
}

impl Claimed {
    fn none(at: Position) -> Self {
        let (first, len, end) = (at, 0, at);
        Self { first, len, end }
    }
}

/// The parts of a ring, wherever they are.
#[derive(Debug)]
pub struct Parts<'a, T> {
    pub(super) packing: Packing,
    pub(super) slots: &'a [StampedSlot<T>],
    pub(super) tail: &'a AtomicUsize,
    pub(super) head: &'a AtomicUsize,
    pub(super) producing: &'a AtomicBool,
    pub(super) consuming: &'a AtomicBool,
}

impl<'a, T> Parts<'a, T> {
    #[inline(always)]
    pub(super) fn slot(&self, at: Position) -> &'a StampedSlot<T> {
        let index = self.packing.index(at);
        debug_assert!(index < self.slots.len());
        // SAFETY: in bounds by T4.
        unsafe { self.slots.get_unchecked(index) }
    }

    /// The slots from `at` on, up to `most` and to all that there are: to the end of the lap,
    /// and from the beginning of the next.
    #[inline(always)]
    pub(super) fn stretches(&self, at: Position, most: usize) -> [Stretch<'a, T>; 2] {
        let index = self.packing.index(at);
        debug_assert!(self.slots.len() == self.packing.capacity() && index < self.slots.len());
        let most = most.min(self.packing.capacity());
        let ahead = most.min(self.packing.capacity() - index);
        // SAFETY: both in bounds by T4: of as many slots as the capacity says, what is ahead
        // ends with the last one, and the others, at most the capacity, before `index`.
        let [ahead, beyond] = unsafe {
            [
                self.slots.get_unchecked(index..index + ahead),
                self.slots.get_unchecked(..most - ahead),
            ]
        };
        let next_lap = self.packing.lap_behind(at);
        [Stretch { slots: ahead, at }, Stretch { slots: beyond, at: next_lap }]
    }

    /// How many at the beginning of a stretch may be emptied, or filled.
    #[inline(always)]
    #[track_caller]
    fn ready(&self, stretch: &Stretch<'_, T>, full: bool) -> usize {
        let turn = self.turn(stretch.at, full);
        let mut n = 0;
        for slot in stretch.slots {
            if !is_turn(slot, turn) {
                break;
            }
            n += 1;
        }
        n
    }

    /// Claims up to `limit` empty slots, at least 1 of at least 1, from `at`, where the
    /// producers were.
    #[inline(always)]
    #[track_caller]
    fn claim_empty<P: Side, C: Side>(&self, mut at: Position, limit: usize) -> Result<Claimed, Blocked> {
        loop {
            let run = self.run(at, limit, false);
            if run.len > 0 {
                match self.claim::<P>(self.tail, &run) {
                    Ok(()) => return Ok(run),
                    Err(now) => at = now,
                }
            } else {
                let full = self.packing.lap_before(at);
                let turn = (&self.slot(at).stamp, self.packing.empty(at));
                let sides = (self.tail, self.head, self.packing.capacity());
                at = blocked::<P, C>(at, turn, sides, full)?;
            }
        }
    }

    /// Claims up to `limit` full slots, at least 1 of at least 1, from `at`, where the
    /// consumers were.
    #[inline(always)]
    #[track_caller]
    fn claim_full<P: Side, C: Side>(&self, mut at: Position, limit: usize) -> Result<Claimed, Blocked> {
        loop {
            let run = self.run(at, limit, true);
            if run.len > 0 {
                match self.claim::<C>(self.head, &run) {
                    Ok(()) => return Ok(run),
                    Err(now) => at = now,
                }
            } else {
                let turn = (&self.slot(at).stamp, self.packing.full(at));
                let sides = (self.head, self.tail, self.packing.capacity());
                at = blocked::<C, P>(at, turn, sides, at)?;
            }
        }
    }

    /// Slots from `first` on, up to `limit`, whose turn it is to be emptied, or
    /// filled.
    #[inline(always)]
    #[track_caller]
    pub(super) fn run(&self, first: Position, limit: usize, full: bool) -> Claimed {
        // Most often it is one, which is known where this is compiled.
        if limit == 1 {
            let len = usize::from(is_turn(self.slot(first), self.turn(first, full)));
            let end = if len == 1 { self.packing.next(first) } else { first };
            return Claimed { first, len, end };
        }
        let [ahead, beyond] = self.stretches(first, limit);
        let mut len = self.ready(&ahead, full);
        if len == ahead.slots.len() {
            len += self.ready(&beyond, full);
        }
        let end = self.packing.advance(first, len);
        Claimed { first, len, end }
    }

    /// Whether there is room at `at`, for who does not touch it for that.
    #[inline(always)]
    pub(super) fn seems_empty(&self, at: Position) -> bool {
        // ORDERING: Relaxed; the push looks again.
        self.slot(at).stamp.load(Ordering::Relaxed) == self.packing.empty(at).0
    }

    #[inline(always)]
    fn turn(&self, at: Position, full: bool) -> Stamp {
        if full { self.packing.full(at) } else { self.packing.empty(at) }
    }

    /// Moves a side past a run; `Err` with where it is if somebody was faster.
    #[inline(always)]
    fn claim<S: Side>(&self, side: &AtomicUsize, run: &Claimed) -> Result<(), Position> {
        // ORDERING: Relaxed; what orders the slots are their stamps, which were
        // acquired, and which stay as they are until these positions are claimed.
        if S::SOLO {
            side.store(run.end.0, Ordering::Relaxed);
            return Ok(());
        }
        side.compare_exchange(run.first.0, run.end.0, Ordering::Relaxed, Ordering::Relaxed)
            .map(|_| ())
            .map_err(|_| lost(side))
    }

    /// Stores an item; where the producers are then.
    #[inline(always)]
    pub(super) fn push<P: Side, C: Side>(&self, at: Position, item: T) -> Result<Position, PushError<T>> {
        match self.claim_empty::<P, C>(at, 1) {
            Ok(run) => {
                // SAFETY: claimed just now.
                unsafe { publish(self.slot(run.first), self.packing.full(run.first), item) };
                Ok(run.end)
            }
            Err(Blocked::ByState) => Err(PushError::Full(item)),
            Err(Blocked::ByClaim) => Err(PushError::Contended(item)),
        }
    }

    /// Claims room for up to `limit` items together, and stores there what `each` gives,
    /// which does not panic.
    #[inline(always)]
    pub(super) fn push_run<P: Side, C: Side>(
        &self,
        at: Position,
        limit: usize,
        mut each: impl FnMut(usize) -> T,
    ) -> Claimed {
        if limit == 0 {
            return Claimed::none(at);
        }
        let Ok(run) = self.claim_empty::<P, C>(at, limit) else {
            return Claimed::none(at);
        };
        let mut n = 0;
        for Stretch { slots, at } in self.stretches(run.first, run.len) {
            for slot in slots {
                // SAFETY: within the run that was claimed just now.
                unsafe { publish(slot, self.packing.full(at), each(n)) };
                n += 1;
            }
        }
        run
    }

    /// How much room there is, up to `most`, judged by a few slots: so it may be less than
    /// said, as when another takes it.
    #[inline]
    pub(super) fn room(&self, at: Position, most: usize) -> usize {
        let mut room = most.min(self.packing.capacity());
        while room > 0 && !self.seems_empty(self.packing.advance(at, room - 1)) {
            room /= 2;
        }
        room
    }

    /// Takes the oldest item; and where the consumers are then.
    #[inline(always)]
    pub(super) fn pop<P: Side, C: Side>(&self, at: Position) -> Result<(Position, T), PopError> {
        match self.claim_full::<P, C>(at, 1) {
            // SAFETY: claimed just now.
            Ok(run) => Ok((run.end, unsafe { self.free(run.first) })),
            Err(Blocked::ByState) => Err(PopError::Empty),
            Err(Blocked::ByClaim) => Err(PopError::Contended),
        }
    }

    /// Claims up to `limit` items together, and gives each to `each`, which does not
    /// panic, after its slot is freed. Where the consumers are then, and how many.
    #[inline(always)]
    pub(super) fn pop_run<P: Side, C: Side>(
        &self,
        at: Position,
        limit: usize,
        mut each: impl FnMut(usize, T),
    ) -> (Position, usize) {
        if limit == 0 {
            return (at, 0);
        }
        let Ok(run) = self.claim_full::<P, C>(at, limit) else {
            return (at, 0);
        };
        let mut n = 0;
        for Stretch { slots, at } in self.stretches(run.first, run.len) {
            for slot in slots {
                // SAFETY: within the run that was claimed just now.
                each(n, unsafe { free(slot, self.packing.freed(at)) });
                n += 1;
            }
        }
        (run.end, run.len)
    }

    /// # Safety
    /// The caller has claimed the position to pop there, once.
    #[inline(always)]
    #[track_caller]
    pub(super) unsafe fn free(&self, at: Position) -> T {
        // SAFETY: as the caller promises.
        unsafe { free(self.slot(at), self.packing.freed(at)) }
    }

    /// How many positions were claimed to push and not to pop, at one instant, as far
    /// as others' claims have arrived here.
    pub(super) fn len(&self) -> usize {
        let (head, tail) = self.ends();
        self.packing.distance(head, tail)
    }

    /// How many positions were claimed to pop, and how many more to push.
    pub(super) fn progress(&self) -> (usize, usize) {
        let (head, tail) = self.ends();
        (self.packing.count(head), self.packing.distance(head, tail))
    }

    /// Both ends at one instant.
    fn ends(&self) -> (Position, Position) {
        // ORDERING: Relaxed; nothing is touched on the strength of these.
        loop {
            let tail = position(self.tail);
            let head = position(self.head);
            if position(self.tail) == tail {
                return (head, tail);
            }
        }
    }
}

/// Whether it is the slot's turn, of which it is then known that who had the last one is done.
#[inline(always)]
#[track_caller]
pub(super) fn is_turn<T>(slot: &StampedSlot<T>, turn: Stamp) -> bool {
    // ORDERING: Acquire, edges `publish` (of a full slot) and `free` (of an empty one) to here.
    slot.stamp.load(Ordering::Acquire) == turn.0
}

/// # Safety
/// The caller has claimed the slot for a push, once, whose stamp is `full` when that is done.
#[inline(always)]
#[track_caller]
unsafe fn publish<T>(slot: &StampedSlot<T>, full: Stamp, item: T) {
    // SAFETY: ours (T2), and empty (T1, T3).
    unsafe { slot.write(item) };
    // ORDERING: Release, edge `publish` from here to `is_turn`.
    slot.stamp.store(full.0, Ordering::Release);
}

/// # Safety
/// The caller has claimed the slot for a pop, once, whose stamp is `freed` when that is done.
#[inline(always)]
#[track_caller]
pub(super) unsafe fn free<T>(slot: &StampedSlot<T>, freed: Stamp) -> T {
    // SAFETY: ours (T2), and full (T1, T3).
    let item = unsafe { slot.take() };
    // ORDERING: Release, edge `free` from here to `is_turn`.
    slot.stamp.store(freed.0, Ordering::Release);
    item
}

/// It is not yet the `turn` of the slot at `at`: where the own side is now, if it was
/// another's turn, or why not. `there` is where the other side is if the ring is full, or
/// empty. By values, since who is called by reference keeps the parts in memory.
#[cold]
fn blocked<Own: Side, Other: Side>(
    at: Position,
    (stamp, turn): (&sync::AtomicUsize, Stamp),
    (own, other, capacity): (&AtomicUsize, &AtomicUsize, usize),
    there: Position,
) -> Result<Position, Blocked> {
    // ORDERING: Relaxed, all; no item is touched on the strength of these.
    let now = if Own::SOLO { at.0 } else { own.load(Ordering::Relaxed) };
    if now != at.0 {
        return Ok(Position(now));
    }
    // To look at the other side takes its cache line from it: not before the slot has
    // had its time.
    pace::in_vain(capacity);
    if stamp.load(Ordering::Relaxed) == turn.0 {
        return Ok(at);
    }
    // What a `Solo` side has not stamped, it has not done.
    if Other::SOLO || other.load(Ordering::Relaxed) == there.0 {
        return Err(Blocked::ByState);
    }
    if stamp.load(Ordering::Relaxed) == turn.0 {
        return Ok(at);
    }
    Err(Blocked::ByClaim)
}

/// Where a side is, after a claim was lost to another.
#[cold]
fn lost(side: &AtomicUsize) -> Position {
    pace::after_another();
    position(side)
}

/// Where a side is, to begin with.
#[inline(always)]
pub(super) fn position(side: &AtomicUsize) -> Position {
    // ORDERING: Relaxed; a stale one does not pass the claim.
    Position(side.load(Ordering::Relaxed))
}
