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

use core::error::Error;
use core::fmt;

use crate::error::Full;
use crate::slots::{InPlace, Slots};
use crate::sync::rmw::AtomicUsize;
use crate::sync::{self, Ordering, Padded, const_unless_loom};

/// Why an item was not pushed. Holds the item.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum PushError<T> {
    /// The ring was full.
    Full(T),
    /// More callers were inside than there are spares. Nothing was looked at.
    Busy(T),
}

/// Why nothing was popped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PopError {
    /// The ring was empty.
    Empty,
    /// More callers were inside than there are spares. Nothing was looked at.
    Busy,
}

impl<T> PushError<T> {
    /// The item that was not pushed.
    #[must_use = "else the item is dropped"]
    pub fn into_inner(self) -> T {
        match self {
            Self::Full(item) | Self::Busy(item) => item,
        }
    }

    /// Whether the ring was full.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        matches!(self, Self::Full(_))
    }

    /// Whether all spares were in use.
    #[must_use]
    pub const fn is_busy(&self) -> bool {
        matches!(self, Self::Busy(_))
    }
}

impl PopError {
    /// Whether the ring was empty.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        matches!(self, Self::Empty)
    }

    /// Whether all spares were in use.
    #[must_use]
    pub const fn is_busy(&self) -> bool {
        matches!(self, Self::Busy)
    }
}

/// As a [`Producer`] says it, who is never busy.
impl<T> From<Full<T>> for PushError<T> {
    fn from(full: Full<T>) -> Self {
        Self::Full(full.0)
    }
}

impl<T> fmt::Debug for PushError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full(_) => "Full(..)",
            Self::Busy(_) => "Busy(..)",
        })
    }
}

impl<T> fmt::Display for PushError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full(_) => "the ring is full",
            Self::Busy(_) => "all spares are in use",
        })
    }
}

impl fmt::Display for PopError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "the ring is empty",
            Self::Busy => "all spares are in use",
        })
    }
}

impl<T> Error for PushError<T> {}
impl Error for PopError {}

/// Where a position is: which slot, and the how-manieth time round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Position {
    lap: usize,
    index: usize,
}

/// What a slot's word says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seen {
    lap: usize,
    full: bool,
    cell: usize,
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
struct Packing {
    capacity: usize,
    bits: u32,
}

impl Packing {
    const fn new(capacity: usize, spares: usize) -> Self {
        let bits = usize::BITS - (capacity + spares - 1).leading_zeros();
        Self { capacity, bits }
    }

    #[inline(always)]
    fn position(self, word: usize) -> Position {
        Position {
            lap: word >> self.bits,
            index: word & ((1 << self.bits) - 1),
        }
    }

    #[inline(always)]
    fn hint(self, position: Position) -> usize {
        position.lap << self.bits | position.index
    }

    #[inline(always)]
    fn seen(self, word: usize, index: usize) -> Seen {
        Seen {
            lap: word >> (self.bits + 1),
            full: word >> self.bits & 1 != 0,
            cell: word & ((1 << self.bits) - 1) ^ index,
        }
    }

    #[inline(always)]
    fn slot(self, lap: usize, full: bool, cell: usize, index: usize) -> usize {
        (lap << 1 | usize::from(full)) << self.bits | (cell ^ index)
    }

    /// How many laps a slot is ahead of a position; behind if negative. Laps in
    /// slots have fewer bits than those of positions, and both wrap.
    #[inline(always)]
    fn ahead(self, slot: usize, position: usize) -> isize {
        let shift = self.bits + 1;
        ((slot.wrapping_sub(position) << shift) as isize) >> shift
    }

    /// How far `tail` is ahead of `head`, in items.
    fn distance(self, head: Position, tail: Position) -> usize {
        tail.lap
            .wrapping_sub(head.lap)
            .wrapping_mul(self.capacity)
            .wrapping_add(tail.index)
            .wrapping_sub(head.index)
    }

    #[inline(always)]
    fn next(self, position: Position) -> Position {
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
use sealed::Storage;

/// A ring for any number of producers and consumers: [`Ring`] in place, or
/// [`HeapRing`] on the heap.
pub struct Mpmc<St: Storage> {
    storage: St,
}

/// A ring in place, for exactly `N` items, with `S` spares.
///
/// Its empty state is all zeros, so that a `static` costs nothing in flash. Items
/// that are left are dropped with the ring; a static is never dropped.
///
/// No ring without room, none without spares, and none for items that may not move
/// between threads:
///
/// ```compile_fail
/// static NONE: ringfence_core::mpmc::Ring<u8, 0> = ringfence_core::mpmc::Ring::new();
/// ```
/// ```compile_fail
/// static NONE: ringfence_core::mpmc::Ring<u8, 1, 0> = ringfence_core::mpmc::Ring::new();
/// ```
/// ```compile_fail
/// use std::rc::Rc;
/// static LOCAL: ringfence_core::mpmc::Ring<Rc<u8>, 4> = ringfence_core::mpmc::Ring::new();
/// ```
pub type Ring<T, const N: usize, const S: usize = 4> = Mpmc<Place<T, N, S>>;

/// Where a [`Ring`] keeps its parts.
#[derive(Debug)]
pub struct Place<T, const N: usize, const S: usize> {
    tail: Padded<AtomicUsize>,
    head: Padded<AtomicUsize>,
    slots: [AtomicUsize; N],
    pool: [AtomicUsize; S],
    cells: InPlace<T, N, S>,
}

// SAFETY: items move between threads, hence `T: Send`; nobody gets a reference to
// one (M1, M2), hence no `T: Sync`.
unsafe impl<T: Send, const N: usize, const S: usize> Sync for Place<T, N, S> {}
// SAFETY: the items are in it.
unsafe impl<T: Send, const N: usize, const S: usize> Send for Place<T, N, S> {}

impl<T, const N: usize, const S: usize> Place<T, N, S> {
    const PACKING: Packing = {
        assert!(N > 0, "a ring holds at least one item");
        assert!(S > 0, "a call needs a spare");
        assert!(N <= usize::MAX >> (usize::BITS / 2), "laps need half a word");
        assert!(S <= usize::MAX >> (usize::BITS / 2), "laps need half a word");
        Packing::new(N, S)
    };
}

impl<T, const N: usize, const S: usize> Storage for Place<T, N, S> {
    type Item = T;

    #[inline(always)]
    fn parts(&self) -> Parts<'_, T> {
        Parts {
            packing: Self::PACKING,
            slots: &self.slots,
            pool: &self.pool,
            cells: self.cells.slots(),
            tail: &self.tail,
            head: &self.head,
        }
    }
}

impl<T, const N: usize, const S: usize> Mpmc<Place<T, N, S>> {
    const_unless_loom! {
        /// An empty ring.
        #[must_use]
        pub const fn new() -> Self {
            let _ = Place::<T, N, S>::PACKING;
            Self {
                storage: Place {
                    tail: Padded::new(AtomicUsize::new(0)),
                    head: Padded::new(AtomicUsize::new(0)),
                    slots: sync::zeros!(N),
                    pool: sync::zeros!(S),
                    cells: InPlace::new(),
                },
            }
        }
    }
}

#[cfg(feature = "alloc")]
mod heap {
    use alloc::boxed::Box;
    use alloc::vec::Vec;

    use super::{AtomicUsize, Mpmc, Packing, Padded, Parts, Slots, Storage};
    use crate::error::CapacityError;

    /// A ring on the heap.
    ///
    /// Who holds it for long-lived items cannot be given short-lived ones:
    ///
    /// ```compile_fail
    /// use ringfence_core::mpmc::HeapRing;
    /// fn shorten<'s>(ring: &'s HeapRing<&'static str>) -> &'s HeapRing<&'s str> {
    ///     ring
    /// }
    /// ```
    pub type HeapRing<T> = Mpmc<HeapPlace<T>>;

    /// Where a [`HeapRing`] keeps its parts.
    #[derive(Debug)]
    pub struct HeapPlace<T> {
        tail: Padded<AtomicUsize>,
        head: Padded<AtomicUsize>,
        slots: Box<[AtomicUsize]>,
        pool: Box<[AtomicUsize]>,
        cells: Slots<T>,
        packing: Packing,
    }

    // SAFETY: as for `Place`; the cells are owned.
    unsafe impl<T: Send> Send for HeapPlace<T> {}
    // SAFETY: as for `Place`.
    unsafe impl<T: Send> Sync for HeapPlace<T> {}

    impl<T> Storage for HeapPlace<T> {
        type Item = T;

        #[inline(always)]
        fn parts(&self) -> Parts<'_, T> {
            Parts {
                packing: self.packing,
                slots: &self.slots,
                pool: &self.pool,
                cells: self.cells.clone(),
                tail: &self.tail,
                head: &self.head,
            }
        }
    }

    impl<T> Drop for HeapPlace<T> {
        fn drop(&mut self) {
            // SAFETY: from `allocate` with as many; the ring has dropped the
            // items, and nobody is inside.
            unsafe { self.cells.free(self.slots.len() + self.pool.len()) }
        }
    }

    impl<T> Mpmc<HeapPlace<T>> {
        /// An empty ring for exactly `capacity` items, with `spares` spares: as
        /// many calls and handles can be inside at one time.
        ///
        /// # Errors
        /// [`CapacityError`] if one of the two is 0, or no memory can hold them.
        pub fn try_with_capacity(capacity: usize, spares: usize) -> Result<Self, CapacityError> {
            if capacity == 0 || spares == 0 {
                return Err(CapacityError::Zero);
            }
            let most = usize::MAX >> (usize::BITS / 2);
            if capacity > most || spares > most {
                return Err(CapacityError::TooLarge);
            }
            let slots = zeros(capacity)?;
            let pool = zeros(spares)?;
            Ok(Self {
                storage: HeapPlace {
                    tail: Padded::new(AtomicUsize::new(0)),
                    head: Padded::new(AtomicUsize::new(0)),
                    slots,
                    pool,
                    cells: Slots::allocate(capacity + spares)?,
                    packing: Packing::new(capacity, spares),
                },
            })
        }
    }

    fn zeros(count: usize) -> Result<Box<[AtomicUsize]>, CapacityError> {
        let mut words = Vec::new();
        words
            .try_reserve_exact(count)
            .map_err(|_| CapacityError::OutOfMemory)?;
        words.extend((0..count).map(|_| AtomicUsize::new(0)));
        Ok(words.into_boxed_slice())
    }
}
#[cfg(feature = "alloc")]
pub use heap::{HeapPlace, HeapRing};

impl<T, const N: usize, const S: usize> Default for Mpmc<Place<T, N, S>> {
    fn default() -> Self {
        Self::new()
    }
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
    #[must_use = "dropping it gives its spare back"]
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
    #[must_use = "dropping it gives its spare back"]
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
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let parts = self.storage.parts();
        parts.find_head(parts.hint(parts.head)).1
    }

    /// Whether the ring was full, at one instant of the call. Lock-free.
    #[must_use]
    pub fn is_full(&self) -> bool {
        let parts = self.storage.parts();
        parts.find_tail(parts.hint(parts.tail)).1
    }

    /// How many items are in the ring, at most its capacity. Exact when nobody
    /// pushes or pops meanwhile. Lock-free.
    #[must_use]
    pub fn len(&self) -> usize {
        let parts = self.storage.parts();
        let (head, _) = parts.find_head(parts.hint(parts.head));
        let (tail, _) = parts.find_tail(parts.hint(parts.tail));
        parts.packing.distance(head, tail).min(parts.packing.capacity)
    }

    /// How many items fit.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.storage.parts().packing.capacity
    }

    /// Takes items until the ring is empty, or all spares are in use.
    pub fn drain(&self) -> impl Iterator<Item = St::Item> {
        core::iter::from_fn(|| self.try_pop().ok())
    }
}

/// Pushes to a ring, with a spare of its own.
///
/// Dropping it gives the spare back; forgetting it leaves the ring with one spare
/// less.
pub struct Producer<'a, St: Storage> {
    ring: &'a Mpmc<St>,
    at: Position,
    spare: Spare,
}

impl<St: Storage> Producer<'_, St> {
    /// Stores `item` behind all others. Lock-free.
    ///
    /// # Errors
    /// [`Full`] with the item, if the ring was full.
    #[inline]
    pub fn try_push(&mut self, item: St::Item) -> Result<(), Full<St::Item>> {
        let parts = self.ring.storage.parts();
        // SAFETY: the spare is ours and idle (M1, M2).
        let pushed = unsafe { parts.push_item(&mut self.at, &mut self.spare, item) };
        parts.tell(parts.tail, self.at);
        pushed.map_err(Full)
    }

    /// Stores `item` behind all others; if the ring is full, in place of the oldest,
    /// which is returned. Lock-free.
    #[inline]
    pub fn force_push(&mut self, item: St::Item) -> Option<St::Item> {
        let parts = self.ring.storage.parts();
        // SAFETY: the spare is ours and idle (M1, M2).
        let evicted = unsafe { parts.force_item(&mut self.at, &mut self.spare, item) };
        parts.tell(parts.tail, self.at);
        evicted
    }
}

impl<St: Storage> Drop for Producer<'_, St> {
    fn drop(&mut self) {
        self.ring.storage.parts().give_back(&self.spare);
    }
}

/// Pops from a ring, with a spare of its own.
///
/// Dropping it gives the spare back; forgetting it leaves the ring with one spare
/// less.
pub struct Consumer<'a, St: Storage> {
    ring: &'a Mpmc<St>,
    at: Position,
    spare: Spare,
}

impl<St: Storage> Consumer<'_, St> {
    /// Takes the oldest item; `None` if the ring was empty. Lock-free.
    #[inline]
    pub fn try_pop(&mut self) -> Option<St::Item> {
        let parts = self.ring.storage.parts();
        // SAFETY: the spare is ours and idle (M1, M2).
        let item = unsafe { parts.pop_item(&mut self.at, &mut self.spare) };
        parts.tell(parts.head, self.at);
        item
    }
}

impl<St: Storage> Drop for Consumer<'_, St> {
    fn drop(&mut self) {
        self.ring.storage.parts().give_back(&self.spare);
    }
}

/// Items need not be `Debug`, and are not shown.
fn debug<St: Storage>(name: &str, ring: &Mpmc<St>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.debug_struct(name)
        .field("len", &ring.len())
        .field("capacity", &ring.capacity())
        .finish()
}

impl<St: Storage> fmt::Debug for Mpmc<St> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        debug("Mpmc", self, f)
    }
}

impl<St: Storage> fmt::Debug for Producer<'_, St> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        debug("Producer", self.ring, f)
    }
}

impl<St: Storage> fmt::Debug for Consumer<'_, St> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        debug("Consumer", self.ring, f)
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

#[cfg(test)]
mod tests;
