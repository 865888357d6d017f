//! A lock-free ring for any number of producers and consumers, with exact
//! overwrite.
//!
//! A slot is one word, `{lap, full, cell}`. It always names a cell: that of its
//! item when it is full, an idle one when it is empty. Who pushes or pops brings a
//! cell, its *spare*, and trades it against the slot's by one compare-and-swap, so
//! a slot is never half done.
//!
//! 1. push at `tail`: write the item to the spare; trade it into the slot, which
//!    becomes full at this lap. The cell that was there is the new spare.
//! 2. pop at `head`: trade the spare into the slot, which becomes empty at the next
//!    lap. The cell that was there holds the item, and is the new spare.
//! 3. force a push into a full ring: trade into the slot at `tail` as it is, full
//!    at the last lap. The cell that was there holds the oldest item, and nothing
//!    else has happened.
//!
//! **Lock-free**: a caller that stops at any instruction, for good, stops nobody.
//! A compare-and-swap fails only if somebody else's succeeded, and a caller that is
//! behind only ever moves forward. Nobody waits for a shared counter: `tail` and
//! `head` are hints that lag, and the slots are the truth.
//!
//! ```
//! use ringfence_core::mpmc::{PushError, Ring};
//!
//! static BUS: Ring<u32, 2> = Ring::new();
//! assert_eq!(BUS.try_push(1), Ok(()));
//! assert_eq!(BUS.try_push(2), Ok(()));
//! assert_eq!(BUS.try_push(3), Err(PushError::Full(3)));
//! assert_eq!(BUS.force_push(3), Ok(Some(1))); // evicts the oldest
//! assert_eq!(BUS.try_pop(), Ok(2));
//! ```
//!
//! # Full and empty
//!
//! `Full` and `Empty` are true at one instant of the call, that at which the slot
//! was read, in the order of that slot's changes. An operation that changes the ring
//! takes effect at its compare-and-swap. A read may miss a change that is earlier by
//! the clock alone and does not happen before the call in the sense of the memory model.
//!
//! # Spares
//!
//! A ring has `S` spares. Every call through `&self` borrows one while it runs; a
//! [`Producer`] or [`Consumer`] owns one and is faster. If more callers are inside
//! at one time than there are spares, those too many get `Busy`, with their item,
//! and nothing has happened.
//!
//! # Horizon
//!
//! A caller that stops just before its compare-and-swap, and goes on after the
//! lap in the slot's word has come round to the same value, would be fooled. On a
//! 64-bit target that takes 2^62 operations, give or take. On a 32-bit target the
//! word has 32 bits: with 16 + 4 cells, 26 bits of lap, that is 2^30 operations
//! during one such stop.
//!
//! # Invariants
//!
//! * M1: every cell is at every time named by exactly one slot, or one place of the
//!   pool, or owned by one caller.
//! * M2: a cell that a full slot names holds an item; every other holds none, but
//!   for one that its owner has just written or traded for.
//! * M3: `tail` and `head` never run ahead of the slots.
//!
//! # Edges
//!
//! * `trade`: what the last owner of a cell did to it, before its next one. From
//!   each successful compare-and-swap to the load of the slot that saw it.
//! * `pool`: the same, through the pool.
//! * `hint`: a slot is seen at least as new as the hint that led to it.

mod error;
mod handle;
mod packing;
mod place;
#[cfg(test)]
mod tests;

use crate::slots::Slots;
use crate::sync::Ordering;
use crate::sync::rmw::AtomicUsize;

pub use self::error::{PopError, PushError};
pub use self::handle::{Consumer, Producer};
use self::packing::{Packing, Position};
#[cfg(feature = "alloc")]
pub use self::place::{HeapPlace, HeapRing};
pub use self::place::{Place, Ring};
use self::sealed::Storage;

/// The parts of a ring, wherever they are.
#[derive(Debug)]
pub struct Parts<'a, T> {
    packing: Packing,
    slots: &'a [AtomicUsize],
    pool: &'a [AtomicUsize],
    cells: Slots<T>,
    tail: &'a AtomicUsize,
    head: &'a AtomicUsize,
}

impl<T> Parts<'_, T> {
    /// Trades a full cell into the first empty slot, from `at` on; returns the
    /// idle cell. `Err` with what is at `at`, the tail, when the ring is full.
    ///
    /// `at` is no further than the tail (M3), and is moved to it.
    #[inline]
    fn push(&self, at: &mut Position, full_cell: usize) -> Result<usize, usize> {
        loop {
            let slot = &self.slots[at.index];
            // ORDERING: Acquire, edge `trade` to here, from whoever put the
            // cell there that we are to get.
            let word = slot.load(Ordering::Acquire);
            let seen = self.packing.seen(word, at.index);
            match (self.packing.ahead(seen.lap, at.lap), seen.full) {
                (0, false) => {
                    if self.trade(slot, word, at.lap, true, full_cell, at.index) {
                        *at = self.packing.next(*at);
                        return Ok(seen.cell);
                    }
                }
                (-1, true) => return Err(word),
                (laps, full) => self.catch_up(at, laps - isize::from(!full)),
            }
        }
    }

    /// Trades an idle cell into the first full slot, from `at` on; returns the cell
    /// with the item. `None` when the ring is empty.
    ///
    /// `at` is no further than the head (M3), and is moved to it.
    #[inline]
    fn pop(&self, at: &mut Position, idle_cell: usize) -> Option<usize> {
        loop {
            let slot = &self.slots[at.index];
            // ORDERING: Acquire, as in `push`.
            let word = slot.load(Ordering::Acquire);
            let seen = self.packing.seen(word, at.index);
            match (self.packing.ahead(seen.lap, at.lap), seen.full) {
                (0, true) => {
                    let lap = at.lap.wrapping_add(1);
                    if self.trade(slot, word, lap, false, idle_cell, at.index) {
                        *at = self.packing.next(*at);
                        return Some(seen.cell);
                    }
                }
                (0, false) => return None,
                (laps, _) => self.catch_up(at, laps - 1),
            }
        }
    }

    /// # Safety
    /// The spare's cell is the caller's, and holds no item; so it is afterwards.
    #[inline]
    unsafe fn push_item(&self, at: &mut Position, spare: &mut Spare, item: T) -> Result<(), T> {
        // SAFETY: ours, and idle.
        unsafe { self.cells.write(spare.cell, item) };
        match self.push(at, spare.cell) {
            Ok(idle) => {
                spare.cell = idle;
                Ok(())
            }
            // SAFETY: still ours, with the item that was written.
            Err(_) => Err(unsafe { self.cells.take(spare.cell) }),
        }
    }

    /// # Safety
    /// As for `push_item`.
    #[inline]
    unsafe fn force_item(&self, at: &mut Position, spare: &mut Spare, item: T) -> Option<T> {
        // SAFETY: ours, and idle.
        unsafe { self.cells.write(spare.cell, item) };
        loop {
            let word = match self.push(at, spare.cell) {
                Ok(idle) => {
                    spare.cell = idle;
                    return None;
                }
                Err(word) => word,
            };
            let oldest = self.packing.seen(word, at.index).cell;
            if self.trade(&self.slots[at.index], word, at.lap, true, spare.cell, at.index) {
                *at = self.packing.next(*at);
                spare.cell = oldest;
                // SAFETY: ours by the trade, with the item of a full slot (M2).
                return Some(unsafe { self.cells.take(oldest) });
            }
        }
    }

    /// # Safety
    /// As for `push_item`.
    #[inline]
    unsafe fn pop_item(&self, at: &mut Position, spare: &mut Spare) -> Option<T> {
        let full = self.pop(at, spare.cell)?;
        spare.cell = full;
        // SAFETY: ours by the trade, with the item of a full slot (M2).
        Some(unsafe { self.cells.take(full) })
    }

    /// The tail, from a position that is no further, and whether the ring was full.
    fn find_tail(&self, mut at: Position) -> (Position, bool) {
        loop {
            // ORDERING: Relaxed; nothing is touched on the strength of this.
            let word = self.slots[at.index].load(Ordering::Relaxed);
            let seen = self.packing.seen(word, at.index);
            match (self.packing.ahead(seen.lap, at.lap), seen.full) {
                (0, false) => return (at, false),
                (-1, true) => return (at, true),
                (laps, full) => self.catch_up(&mut at, laps - isize::from(!full)),
            }
        }
    }

    /// The head, from a position that is no further, and whether the ring was empty.
    fn find_head(&self, mut at: Position) -> (Position, bool) {
        loop {
            // ORDERING: Relaxed, as in `find_tail`.
            let word = self.slots[at.index].load(Ordering::Relaxed);
            let seen = self.packing.seen(word, at.index);
            match (self.packing.ahead(seen.lap, at.lap), seen.full) {
                (0, full) => return (at, !full),
                (laps, _) => self.catch_up(&mut at, laps - 1),
            }
        }
    }

    /// From a position that is behind, as its slot shows: `laps` further, the
    /// same has been done to this slot, so the next position is the first that is
    /// not known to be done.
    #[inline(always)]
    fn catch_up(&self, at: &mut Position, laps: isize) {
        debug_assert!(laps >= 0, "a hint ran ahead of the slots");
        at.lap = at.lap.wrapping_add_signed(laps.max(0));
        *at = self.packing.next(*at);
    }

    /// One compare-and-swap: `word` for the rest. Won or lost.
    #[inline(always)]
    #[track_caller]
    fn trade(
        &self,
        slot: &AtomicUsize,
        word: usize,
        lap: usize,
        full: bool,
        cell: usize,
        index: usize,
    ) -> bool {
        let new = self.packing.slot(lap, full, cell, index);
        // ORDERING: Release, edge `trade` from here. Relaxed if lost: the slot
        // is loaded again. A success confirms the value that was acquired.
        slot.compare_exchange(word, new, Ordering::Release, Ordering::Relaxed)
            .is_ok()
    }

    /// Where a shared hint says. At least as old as the slots.
    #[inline(always)]
    #[track_caller]
    fn hint(&self, shared: &AtomicUsize) -> Position {
        // ORDERING: Acquire, edge `hint` to here.
        self.packing.position(shared.load(Ordering::Acquire))
    }

    /// Tells others, once in a few operations.
    #[inline(always)]
    #[track_caller]
    fn tell(&self, shared: &AtomicUsize, at: Position) {
        if at.index % 4 == 0 {
            // ORDERING: Release, edge `hint` from here. That an older hint may
            // overwrite a newer one costs steps, no more.
            shared.store(self.packing.hint(at), Ordering::Release);
        }
    }

    /// Takes a spare from the pool; looks at each place once.
    fn borrow(&self) -> Option<Spare> {
        self.pool.iter().enumerate().find_map(|(place, word)| {
            let taken = 1 << self.packing.bits;
            let seen = word.load(Ordering::Relaxed);
            if seen & taken != 0 {
                return None;
            }
            // ORDERING: Acquire, edge `pool` to here.
            let idle =
                word.compare_exchange(seen, seen | taken, Ordering::Acquire, Ordering::Relaxed);
            let cell = idle.ok()? ^ (self.packing.capacity + place);
            Some(Spare { place, cell })
        })
    }

    /// Gives a spare back to its place, which has been kept for it.
    fn give_back(&self, spare: &Spare) {
        let idle = spare.cell ^ (self.packing.capacity + spare.place);
        // ORDERING: Release, edge `pool` from here.
        self.pool[spare.place].store(idle, Ordering::Release);
    }
}

/// A cell that a caller owns, and the place in the pool that is kept for it.
#[derive(Debug)]
struct Spare {
    place: usize,
    cell: usize,
}

mod sealed {
    #[expect(unnameable_types, reason = "sealed")]
    pub trait Storage {
        type Item;
        fn parts(&self) -> super::Parts<'_, Self::Item>;
    }
}

/// A ring for any number of producers and consumers: [`Ring`] in place, or
/// [`HeapRing`] on the heap.
#[derive(Debug)]
pub struct Mpmc<St: Storage> {
    storage: St,
}

impl<St: Storage> Mpmc<St> {
    /// Stores `item` behind all others. Lock-free.
    ///
    /// # Errors
    /// [`PushError`] with the item, if the ring was full, or all spares in use.
    #[inline]
    pub fn try_push(&self, item: St::Item) -> Result<(), PushError<St::Item>> {
        let parts = self.storage.parts();
        let Some(mut spare) = parts.borrow() else {
            return Err(PushError::Busy(item));
        };
        let mut at = parts.hint(parts.tail);
        // SAFETY: the spare is ours and idle (M1, M2).
        let pushed = unsafe { parts.push_item(&mut at, &mut spare, item) };
        parts.tell(parts.tail, at);
        parts.give_back(&spare);
        pushed.map_err(PushError::Full)
    }

    /// Stores `item` behind all others; if the ring is full, in place of the oldest,
    /// which is returned. Lock-free.
    ///
    /// Exact: the oldest item is evicted, and the new one stored, at one instant.
    ///
    /// # Errors
    /// [`PushError::Busy`] with the item, if all spares were in use.
    #[inline]
    pub fn force_push(&self, item: St::Item) -> Result<Option<St::Item>, PushError<St::Item>> {
        let parts = self.storage.parts();
        let Some(mut spare) = parts.borrow() else {
            return Err(PushError::Busy(item));
        };
        let mut at = parts.hint(parts.tail);
        // SAFETY: the spare is ours and idle (M1, M2).
        let evicted = unsafe { parts.force_item(&mut at, &mut spare, item) };
        parts.tell(parts.tail, at);
        parts.give_back(&spare);
        Ok(evicted)
    }

    /// Takes the oldest item. Lock-free.
    ///
    /// # Errors
    /// [`PopError`], if the ring was empty, or all spares in use.
    #[inline]
    pub fn try_pop(&self) -> Result<St::Item, PopError> {
        let parts = self.storage.parts();
        let mut spare = parts.borrow().ok_or(PopError::Busy)?;
        let mut at = parts.hint(parts.head);
        // SAFETY: the spare is ours and idle (M1, M2).
        let item = unsafe { parts.pop_item(&mut at, &mut spare) };
        parts.tell(parts.head, at);
        parts.give_back(&spare);
        item.ok_or(PopError::Empty)
    }

    /// A handle that pushes, with a spare of its own. `None` if none is left.
    pub fn producer(&self) -> Option<Producer<'_, St>> {
        let parts = self.storage.parts();
        let spare = parts.borrow()?;
        let at = parts.hint(parts.tail);
        Some(Producer {
            ring: self,
            at,
            spare,
        })
    }

    /// A handle that pops, with a spare of its own. `None` if none is left.
    pub fn consumer(&self) -> Option<Consumer<'_, St>> {
        let parts = self.storage.parts();
        let spare = parts.borrow()?;
        let at = parts.hint(parts.head);
        Some(Consumer {
            ring: self,
            at,
            spare,
        })
    }

    /// Whether the ring was empty, at one instant of the call. Lock-free.
    pub fn is_empty(&self) -> bool {
        let parts = self.storage.parts();
        parts.find_head(parts.hint(parts.head)).1
    }

    /// Whether the ring was full, at one instant of the call. Lock-free.
    pub fn is_full(&self) -> bool {
        let parts = self.storage.parts();
        parts.find_tail(parts.hint(parts.tail)).1
    }

    /// How many items are in the ring, at most its capacity. Exact when nobody
    /// pushes or pops meanwhile. Lock-free.
    pub fn len(&self) -> usize {
        let parts = self.storage.parts();
        let (head, _) = parts.find_head(parts.hint(parts.head));
        let (tail, _) = parts.find_tail(parts.hint(parts.tail));
        parts.packing.distance(head, tail).min(parts.packing.capacity)
    }

    /// How many items fit.
    pub fn capacity(&self) -> usize {
        self.storage.parts().packing.capacity
    }

    /// Takes items until the ring is empty, or all spares are in use.
    pub fn drain(&self) -> impl Iterator<Item = St::Item> {
        core::iter::from_fn(|| self.try_pop().ok())
    }
}

impl<St: Storage> Drop for Mpmc<St> {
    fn drop(&mut self) {
        // The `&mut` says that nobody is inside; handles borrow the ring. A panic
        // in an item's `Drop` leaves the rest to this guard.
        struct Rest<'a, St: Storage>(Parts<'a, St::Item>);
        impl<St: Storage> Rest<'_, St> {
            fn drop_all(&self) {
                for (index, slot) in self.0.slots.iter().enumerate() {
                    let word = slot.load(Ordering::Relaxed);
                    let seen = self.0.packing.seen(word, index);
                    let emptied = self.0.packing.slot(seen.lap, false, seen.cell, index);
                    slot.store(emptied, Ordering::Relaxed);
                    if seen.full {
                        // SAFETY: full by M2, and marked empty before.
                        unsafe { self.0.cells.drop_in_place(seen.cell) };
                    }
                }
            }
        }
        impl<St: Storage> Drop for Rest<'_, St> {
            fn drop(&mut self) {
                self.drop_all();
            }
        }
        Rest::<St>(self.storage.parts()).drop_all();
    }
}
