//! The algorithm: claim → touch the slot → stamp. Invariants and edges: those of
//! [`super`].

use super::packing::{Packing, Position, Stamp};
use super::{PopError, PushError, Side};
use crate::pace::{self, Paced};
use crate::slots::{StampedSlot, prefetch_ahead};
use crate::sync::{self, Ordering, Padded, const_unless_loom};
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
    pub(super) ends: &'a Ends,
}

/// What there is one of, wherever the slots are.
#[derive(Debug)]
pub(super) struct Ends {
    pub(super) tail: Padded<Paced<AtomicUsize>>,
    pub(super) head: Padded<Paced<AtomicUsize>>,
    /// Whether the one handle of a `Solo` side is out.
    pub(super) producing: AtomicBool,
    pub(super) consuming: AtomicBool,
}

impl Ends {
    const_unless_loom! {
        pub(super) const fn new() -> Self {
            Self {
                tail: Padded::new(Paced::new(AtomicUsize::new(0))),
                head: Padded::new(Paced::new(AtomicUsize::new(0))),
                producing: AtomicBool::new(false),
                consuming: AtomicBool::new(false),
            }
        }
    }
}

impl<T> Clone for Parts<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Parts<'_, T> {}

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

    /// Claims the slot at `at`, or one behind: a `full` one for a consumer, from where those
    /// were, or an empty one for a producer.
    #[inline(always)]
    #[track_caller]
    fn claim<Own: Side, Other: Side>(&self, at: Position, full: bool) -> Result<Position, Blocked> {
        if !sync::TRIES_ONCE {
            return self.claim_from::<Own, Other>(at, full);
        }
        // One attempt, which needs few registers.
        let is_turn = is_turn(self.slot(at), self.turn(at, full));
        if is_turn && self.pass::<Own>(at, self.packing.next(at), full) {
            return Ok(at);
        }
        self.claim_later::<Own, Other>(at, is_turn, full)
    }

    /// After an attempt at `at`. By value, as in `blocked`; and a position comes back, since a
    /// run, of several words, would be put together in memory also where the first attempt does.
    #[cold]
    #[track_caller]
    fn claim_later<Own: Side, Other: Side>(
        self,
        at: Position,
        was_lost: bool,
        full: bool,
    ) -> Result<Position, Blocked> {
        let at = self.after::<Own, Other>(at, was_lost, full)?;
        self.claim_from::<Own, Other>(at, full)
    }

    #[inline(always)]
    #[track_caller]
    fn claim_from<Own: Side, Other: Side>(
        &self,
        mut at: Position,
        full: bool,
    ) -> Result<Position, Blocked> {
        loop {
            let is_turn = is_turn(self.slot(at), self.turn(at, full));
            if is_turn && self.pass::<Own>(at, self.packing.next(at), full) {
                return Ok(at);
            }
            at = self.after::<Own, Other>(at, is_turn, full)?;
        }
    }

    /// As `claim`, up to `limit` slots, at least 1 of at least 1.
    #[inline(always)]
    #[track_caller]
    fn claim_run<Own: Side, Other: Side>(
        &self,
        mut at: Position,
        limit: usize,
        full: bool,
    ) -> Result<Claimed, Blocked> {
        loop {
            let run = self.run(at, limit, full);
            if run.len > 0 && self.pass::<Own>(run.first, run.end, full) {
                return Ok(run);
            }
            at = self.after::<Own, Other>(at, run.len > 0, full)?;
        }
    }

    /// After an attempt at `at`, which another was faster to claim, or whose turn it was not:
    /// where the own side is now, or why it is not to be tried again.
    #[inline(always)]
    fn after<Own: Side, Other: Side>(
        &self,
        at: Position,
        was_lost: bool,
        full: bool,
    ) -> Result<Position, Blocked> {
        let own = self.side(full);
        if was_lost {
            return Ok(lost(own));
        }
        if sync::CONTENDED && (Own::SOLO || position(own) == at) {
            self.await_batch(at, full);
        }
        // Where the other side is if the ring is empty, or full.
        let there = if full { at } else { self.packing.lap_before(at) };
        let turn = (&self.slot(at).stamp, self.turn(at, full));
        blocked::<Own, Other>(at, turn, (own, self.side(!full)), there)
    }

    /// Gives slots from `at` on time to have their turn. To look at the other side then takes
    /// its cache line from it less often. Not inlined: a compiler may move a load that comes
    /// after it in front of it.
    #[cold]
    #[inline(never)]
    fn await_batch(self, at: Position, full: bool) {
        let has_turn = |n| self.has_turn(self.packing.advance(at, n), full);
        self.side(full).pace.await_batch(self.packing.capacity(), has_turn);
    }

    /// Who pops, of `full` slots, or who pushes.
    #[inline(always)]
    fn side(&self, full: bool) -> &'a Paced<AtomicUsize> {
        if full { &self.ends.head } else { &self.ends.tail }
    }

    /// Slots from `first` on, up to `limit`, whose turn it is to be emptied, or
    /// filled.
    #[inline(always)]
    #[track_caller]
    pub(super) fn run(&self, first: Position, limit: usize, full: bool) -> Claimed {
        let [ahead, beyond] = self.stretches(first, limit);
        let mut len = self.ready(&ahead, full);
        if len == ahead.slots.len() {
            len += self.ready(&beyond, full);
        }
        let end = self.packing.advance(first, len);
        Claimed { first, len, end }
    }

    /// Whether there is an item at `at`, or room, for who does not touch it for that.
    #[inline(always)]
    pub(super) fn has_turn(&self, at: Position, full: bool) -> bool {
        // ORDERING: Relaxed; the pop or push looks again.
        self.slot(at).stamp.load(Ordering::Relaxed) == self.turn(at, full).0
    }

    #[inline(always)]
    fn turn(&self, at: Position, full: bool) -> Stamp {
        if full { self.packing.full(at) } else { self.packing.empty(at) }
    }

    /// Moves a side on; `false` if somebody was faster.
    #[inline(always)]
    fn pass<Own: Side>(&self, first: Position, end: Position, full: bool) -> bool {
        let own = self.side(full);
        // ORDERING: Relaxed; what orders the slots are their stamps, which were
        // acquired, and which stay as they are until these positions are claimed.
        if Own::SOLO {
            own.store(end.0, Ordering::Relaxed);
            return true;
        }
        own.compare_exchange(first.0, end.0, Ordering::Relaxed, Ordering::Relaxed)
            .is_ok()
    }

    /// Stores an item; where the producers are then.
    #[inline(always)]
    pub(super) fn push<P: Side, C: Side>(&self, at: Position, item: T) -> Result<Position, PushError<T>> {
        match self.claim::<P, C>(at, false) {
            Ok(at) => {
                prefetch_ahead(self.slots.as_ptr(), self.packing.index(at), self.slots.len());
                // SAFETY: claimed just now.
                unsafe { publish(self.slot(at), self.packing.full(at), item) };
                Ok(self.packing.next(at))
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
        let Ok(run) = self.claim_run::<P, C>(at, limit, false) else {
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
        while room > 0 && !self.has_turn(self.packing.advance(at, room - 1), false) {
            room /= 2;
        }
        room
    }

    /// Takes the oldest item; and where the consumers are then.
    #[inline(always)]
    pub(super) fn pop<P: Side, C: Side>(&self, at: Position) -> Result<(Position, T), PopError> {
        match self.claim::<C, P>(at, true) {
            // SAFETY: claimed just now.
            Ok(at) => Ok((self.packing.next(at), unsafe { free(self.slot(at), self.packing.freed(at)) })),
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
        let Ok(run) = self.claim_run::<C, P>(at, limit, true) else {
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
            let tail = position(&self.ends.tail);
            let head = position(&self.ends.head);
            if position(&self.ends.tail) == tail {
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

/// It was not yet the `turn` of the slot at `at`: where the own side is now, if it was
/// another's turn, or is its turn by now; or why not. `there` is where the other side is if the
/// ring is full, or empty. By values, since who is called by reference keeps the parts in
/// memory.
#[cold]
fn blocked<Own: Side, Other: Side>(
    at: Position,
    (stamp, turn): (&sync::AtomicUsize, Stamp),
    (own, other): (&AtomicUsize, &AtomicUsize),
    there: Position,
) -> Result<Position, Blocked> {
    // ORDERING: Relaxed, all; no item is touched on the strength of these.
    let now = if Own::SOLO { at } else { position(own) };
    if now != at {
        return Ok(now);
    }
    if stamp.load(Ordering::Relaxed) == turn.0 {
        return Ok(at);
    }
    // What a `Solo` side has not stamped, it has not done.
    if Other::SOLO || position(other) == there {
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
