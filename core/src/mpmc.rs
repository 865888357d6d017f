//! Lock-free rings for any number of producers and consumers, with exact
//! overwrite.
//!
//! * [`Ring`] and [`HeapRing`]: items of any kind.
//! * [`Words`] and [`HeapWords`]: items of one machine word or less. Smaller, faster
//!   without a handle, and never `Busy`.
//!
//! ```
//! use ringfence_core::mpmc::{PushError, Ring, Words};
//!
//! static BUS: Ring<[u8; 16], 2> = Ring::new();
//! assert_eq!(BUS.try_push([1; 16]), Ok(()));
//! assert_eq!(BUS.try_push([2; 16]), Ok(()));
//! assert_eq!(BUS.try_push([3; 16]), Err(PushError::Full([3; 16])));
//! assert_eq!(BUS.force_push([3; 16]), Ok(Some([1; 16]))); // evicts the oldest
//! assert_eq!(BUS.try_pop(), Ok([2; 16]));
//!
//! static TICKS: Words<u32, 2> = Words::new();
//! assert_eq!(TICKS.try_push(1), Ok(()));
//! assert_eq!(TICKS.force_push(2), None);
//! assert_eq!(TICKS.force_push(3), Some(1));
//! assert_eq!(TICKS.try_pop(), Some(2));
//! ```
//!
//! # Algorithm
//!
//! A slot is one word, `{stamp, content}`, and is changed by one compare-and-swap, so
//! that it is never half done. The stamp counts what has been done to the slot: a
//! push and a pop in each lap. So it is even when the slot is empty, odd when it is
//! full, and says in which lap.
//!
//! | operation, in lap `l` | finds the stamp | leaves | trades |
//! |---|---|---|---|
//! | push at `tail` | 2·l | 2·l + 1 | the item for nothing |
//! | pop at `head` | 2·l + 1 | 2·l + 2 | nothing for the item |
//! | force a push into a full ring | 2·l − 1 | 2·l + 1 | the item for the oldest |
//!
//! A larger stamp says that the caller is behind, and by how many laps. One less than
//! the first two find says that the ring is full, or empty.
//!
//! The content of [`Words`] is the item itself. Other items lie in *cells*, and the
//! content is the number of one: a slot names a cell at all times, that of its item,
//! or an idle one. Who pushes or pops brings a cell, its *spare*; writes the item to
//! it before a push, or reads the item of the one that it gets by a pop; and keeps
//! what it got for the next time.
//!
//! **Lock-free**: a caller that stops at any instruction, for good, stops nobody.
//! A compare-and-swap fails only if somebody else's succeeded, and a caller that is
//! behind only ever moves forward. Nobody waits for a shared counter: `tail` and
//! `head` are hints that lag, and the slots are the truth.
//!
//! # Full and empty
//!
//! Full and empty are true at one instant of the call, that at which the slot
//! was read, in the order of that slot's changes. An operation that changes the ring
//! takes effect at its compare-and-swap. A read may miss a change that is earlier by
//! the clock alone and does not happen before the call in the sense of the memory model.
//!
//! What happens before a push happens before what follows the pop of its item; and what
//! happens before a pop happens before what follows the push that takes its place.
//!
//! # Pauses
//!
//! Where cores share memory, who comes back at once takes the cache lines from those who
//! work. So a push that finds the ring full, or a pop that finds it empty, pauses until half
//! the capacity is there, but makes at most one pause of the processor
//! ([`spin_loop`](core::hint::spin_loop)) for each of those slots, and 64; one whose trade was
//! lost to another makes 64 before it tries again. Where four calls in a row have found no
//! good part of that, only each 32nd one pauses. Who polls many rings can ask `is_empty`,
//! which does not pause.
//!
//! # Spares
//!
//! A ring with cells has `S` spares. Every call through `&self` borrows one while it
//! runs; a [`Producer`] or [`Consumer`] owns one and is faster. If more callers are
//! inside at one time than there are spares, those too many get `Busy`, with their
//! item, and nothing has happened. Rings of words know no spares.
//!
//! # Targets
//!
//! | target | [`Ring`], [`HeapRing`] | words of up to 4 bytes | words of 8 bytes, pointers |
//! |---|---|---|---|
//! | 64 bits, with 128-bit compare-and-swap (aarch64, s390x, x86-64 with `-C target-feature=+cmpxchg16b`) | lock-free | lock-free | lock-free |
//! | x86-64 without that flag | lock-free | lock-free | lock-free; see below |
//! | 64 bits, others | lock-free | lock-free | none |
//! | 32 bits with 64-bit compare-and-swap (i686, armv7) | lock-free | lock-free, pointers too | none |
//! | 32 bits with 32-bit compare-and-swap (thumbv7m, riscv32imac) | lock-free | none | none |
//! | no compare-and-swap (thumbv6m, riscv32imc), feature `portable-atomic-…` | critical sections | critical sections, pointers too | none |
//!
//! *None* means that it does not compile, [`Payload`] or the whole type being absent: no
//! target gets locks. Words of 8 bytes need the feature `portable-atomic`. Where it
//! says *critical sections*, interrupts are masked for the few instructions of each
//! compare-and-swap (with `portable-atomic-critical-section`, of each access): nothing
//! waits for a preempted caller, but this is not lock-free by the word. With
//! `portable-atomic-unsafe-assume-single-core`, the fifth row has words by such
//! sections too.
//!
//! x86-64 without the flag asks the processor, once, whether it knows `cmpxchg16b`, which
//! all but the first of 2003 do; on one of those, the first operation panics. Each
//! operation pays for the detour: about 1.5 times the instructions.
//!
//! # Horizon
//!
//! Stamps wrap. A caller that stops in the middle of an operation while the others
//! make nearly half of the laps that a stamp can tell apart may then be wrong about what
//! is full, empty, or next. So may one with a handle that was idle for as long: on a
//! target of 32 bits, take a new handle after a long pause.
//!
//! | slot | bits of the stamp | operations meanwhile |
//! |---|---|---|
//! | a cell's number, 64 bits, 16 + 4 cells | 59 | 2^61 pushes |
//! | a cell's number, 32 bits, 16 + 4 cells | 27 | 2^29 pushes |
//! | a word of 4 bytes | 32 | 2^30 laps: 2^30 pushes if the capacity is 1, 2^40 if it is 1024 |
//! | a word of 1 byte | 56 | 2^54 laps |
//! | a word of 8 bytes | 64 | 2^62 pushes |
//!
//! On targets of 32 bits, hints are no wider than that, and the last three are 2^30
//! pushes.
//!
//! # Invariants
//!
//! * M1: every cell is at every time named by exactly one slot, or one place of the
//!   pool, or owned by one caller. Likewise, the bits of an item are in one slot, or
//!   owned by one caller.
//! * M2: a cell that a full slot names holds an item; every other holds none, but
//!   for one that its owner has just written or traded for. A full slot of words holds
//!   the bits of an item.
//! * M3: `tail` and `head` never run ahead of the slots.
//! * M4: the index of a position is less than the capacity of its ring; a hint is that of
//!   a position. The place of a spare is one of the pool.
//!
//! # Edges
//!
//! * `trade`: what the last owner of a cell, or item, did to it, before its next one.
//!   From each successful compare-and-swap to the load of the slot that saw it.
//! * `pool`: the same, through the pool.
//! * `hint`: a slot is seen at least as new as the hint that led to it.

mod cells;
mod packing;
#[cfg(test)]
mod tests;

use crate::pace::{self, Paced, SidePace};
use crate::sync::rmw::AtomicUsize;
use crate::sync::{self, Atomic, Ordering, Swap, with_64_bit_slots};

#[cfg(feature = "alloc")]
pub use self::cells::{HeapPlace, HeapRing};
pub use self::cells::{Consumer, IntoIter, Mpmc, Place, PopError, Producer, PushError, Ring};
use self::packing::{Content, Packing, Position, Side, Slot};

with_64_bit_slots! {
    mod words;

    pub use self::words::{Payload, WordPlace, WordRing, Words, WordsIntoIter};
    #[cfg(feature = "alloc")]
    pub use self::words::{HeapWordPlace, HeapWords};
}

/// All of a ring that the algorithm sees: slots, and hints where the ends are.
#[derive(Debug)]
pub struct Track<'a, C: Content> {
    packing: Packing<C>,
    slots: &'a [Slot<C>],
    tail: &'a Paced<AtomicUsize>,
    head: &'a Paced<AtomicUsize>,
}

/// A slot, and what it said.
struct Found<'a, C: Content> {
    slot: &'a Slot<C>,
    word: C::Word,
}

impl<C: Content> Track<'_, C> {
    /// Moves `at`, which is no further than the side's end (M3), to the first slot
    /// to which `side` has not been done, as its stamp says. Whether it may be done there:
    /// not if the slot is still full for a push, or still empty for a pop.
    #[inline(always)]
    #[track_caller]
    fn find(&self, at: &mut Position, side: Side, order: Ordering) -> (Found<'_, C>, bool) {
        loop {
            debug_assert!(at.index < self.slots.len());
            // SAFETY: in bounds by M4. A check would bring the code that formats its panic.
            let slot = unsafe { self.slots.get_unchecked(at.index) };
            let word = slot.load(order);
            match self.packing.ahead(word, *at, side) {
                0 => return (Found { slot, word }, true),
                -1 => return (Found { slot, word }, false),
                ahead => self.catch_up(at, ahead),
            }
        }
    }

    /// From a position whose slot is `ahead`, and so has been done in this lap and
    /// half as many more: the same holds for each slot before it, so the next
    /// position is the first that is not known to be done.
    #[inline(always)]
    fn catch_up(&self, at: &mut Position, ahead: isize) {
        debug_assert!(ahead > 0, "a hint ran ahead of the slots");
        at.lap = at.lap.wrapping_add_signed(((ahead - 1) >> 1).max(0));
        *at = at.next(self.slots.len());
    }

    /// One compare-and-swap: `content` against what was there, and a stamp that is
    /// `by` more. Moves on if it is won; `None` if it is lost.
    #[inline(always)]
    #[track_caller]
    fn trade(&self, at: &mut Position, found: Found<'_, C>, by: u8, content: C) -> Option<C> {
        let new = self.packing.step(found.word, by, content, at.index);
        // ORDERING: Release, edge `trade` from here. Relaxed if lost: the slot
        // is loaded again. A success confirms the value that was acquired.
        if !found.slot.swap_if(found.word, new, Ordering::Release) {
            pace::after_another();
            return None;
        }
        let was = self.packing.content(found.word, at.index);
        *at = at.next(self.slots.len());
        Some(was)
    }

    /// Before a call returns that could not do `side` at `at`: gives the slots from there on
    /// some time.
    #[inline(always)]
    fn await_batch(&self, at: Position, side: Side) {
        /// By values: who is called by reference keeps what it refers to in memory.
        #[cold]
        #[inline(never)]
        fn await_batch<C: Content>(
            (slots, packing): (&[Slot<C>], Packing<C>),
            pace: &SidePace,
            at: Position,
            side: Side,
        ) {
            let is_there = |n| {
                let at = at.advance(n, slots.len());
                // ORDERING: Relaxed; nothing is traded on the strength of it.
                let word = slots.get(at.index).map(|slot| slot.load(Ordering::Relaxed));
                word.is_some_and(|word| packing.ahead(word, at, side) == 0)
            };
            pace.await_batch(slots.len(), is_there);
        }
        if sync::CONTENDED {
            let end = match side {
                Side::Push => self.tail,
                Side::Pop => self.head,
            };
            await_batch((self.slots, self.packing), &end.pace, at, side);
        }
    }

    /// Trades `full` into the first empty slot, for what was there. `None` if the
    /// ring is full.
    #[inline(always)]
    fn push(&self, at: &mut Position, full: C) -> Option<C> {
        loop {
            // ORDERING: Acquire, edge `trade` to here, from whoever put there
            // what we are to get.
            let (found, empty) = self.find(at, Side::Push, Ordering::Acquire);
            if !empty {
                self.await_batch(*at, Side::Push);
                return None;
            }
            if let Some(was) = self.trade(at, found, 1, full) {
                return Some(was);
            }
        }
    }

    /// The same; in a full ring, for the oldest. Says whether it is that.
    #[inline(always)]
    fn force(&self, at: &mut Position, full: C) -> (C, bool) {
        loop {
            // ORDERING: Acquire, as in `push`.
            let (found, empty) = self.find(at, Side::Push, Ordering::Acquire);
            // A pop, which was due first, and a push.
            let by = if empty { 1 } else { 2 };
            let Some(was) = self.trade(at, found, by, full) else {
                continue;
            };
            if !empty {
                // The head is a lap behind the tail. Nobody else may say so, when
                // nobody pops.
                let lap = at.lap.wrapping_sub(1);
                self.tell(self.head, Position { lap, ..*at });
            }
            return (was, !empty);
        }
    }

    /// Trades `idle` into the first full slot, for what was there. `None` if the
    /// ring is empty.
    #[inline(always)]
    fn pop(&self, at: &mut Position, idle: C) -> Option<C> {
        loop {
            // ORDERING: Acquire, as in `push`.
            let (found, full) = self.find(at, Side::Pop, Ordering::Acquire);
            if !full {
                self.await_batch(*at, Side::Pop);
                return None;
            }
            if let Some(was) = self.trade(at, found, 1, idle) {
                return Some(was);
            }
        }
    }

    /// Pops, for a caller who is alone with the ring; what it returns stays named
    /// by the slot, which is empty.
    fn pop_alone(&self, at: &mut Position) -> Option<C> {
        // ORDERING: Relaxed, here and below; nobody else is there.
        let (found, full) = self.find(at, Side::Pop, Ordering::Relaxed);
        if !full {
            return None;
        }
        let content = self.packing.content(found.word, at.index);
        let emptied = self.packing.step(found.word, 1, content, at.index);
        found.slot.store(emptied, Ordering::Relaxed);
        *at = at.next(self.slots.len());
        Some(content)
    }

    /// Where a shared hint says. At least as old as the slots.
    #[inline(always)]
    #[track_caller]
    fn hint(&self, shared: &AtomicUsize) -> Position {
        // ORDERING: Acquire, edge `hint` to here.
        self.packing.position(shared.load(Ordering::Acquire))
    }

    /// Tells others.
    #[inline(always)]
    #[track_caller]
    fn tell(&self, shared: &AtomicUsize, at: Position) {
        // ORDERING: Release, edge `hint` from here. That an older hint may
        // overwrite a newer one costs steps, no more.
        shared.store(self.packing.hint(at), Ordering::Release);
    }

    /// Tells others once in a few operations: for who does not need it himself.
    #[inline(always)]
    #[track_caller]
    fn tell_at_times(&self, shared: &AtomicUsize, at: Position) {
        if at.index % 4 == 0 {
            self.tell(shared, at);
        }
    }

    /// Where the head is, and whether there is an item.
    fn find_head(&self) -> (Position, bool) {
        let mut at = self.hint(self.head);
        // ORDERING: Acquire, edge `trade` to here, so that the next slot is seen
        // at least as new as this one says.
        let (_, full) = self.find(&mut at, Side::Pop, Ordering::Acquire);
        (at, full)
    }

    /// Where the tail is, and whether there is room.
    fn find_tail(&self) -> (Position, bool) {
        let mut at = self.hint(self.tail);
        // ORDERING: Acquire, as in `find_head`.
        let (_, empty) = self.find(&mut at, Side::Push, Ordering::Acquire);
        (at, empty)
    }

    /// What names the push, or the pop, after which its caller is at `at`: the same for
    /// a push and the pop that takes its item.
    #[inline(always)]
    fn name(&self, at: Position) -> usize {
        self.packing.hint(at)
    }

    /// How many items have been popped or evicted, modulo something, and how many were
    /// inside, at one instant.
    fn progress(&self) -> (usize, usize) {
        let start = Position { lap: 0, index: 0 };
        let capacity = self.slots.len();
        let (mut head, _) = self.find_head();
        loop {
            let (tail, _) = self.find_tail();
            let (again, _) = self.find_head();
            if again == head {
                let removed = self.packing.distance(start, head, capacity);
                return (removed, self.packing.distance(head, tail, capacity));
            }
            head = again;
        }
    }

    fn len(&self) -> usize {
        let (head, _) = self.find_head();
        let (tail, _) = self.find_tail();
        self.packing.distance(head, tail, self.slots.len()).min(self.slots.len())
    }
}
