//! Rings of items of any kind, which lie in cells.

mod error;
mod handle;
mod place;

use core::fmt;
use core::iter::FusedIterator;

use super::packing::Content;
use super::{Position, Track};
use crate::policy::{ForcePush, Push, Sent};
use crate::slots::Slots;
use crate::sync::rmw::AtomicUsize;
use crate::sync::{self, Ordering, Padded};

pub use self::error::{PopError, PushError};
pub use self::handle::{Consumer, Producer};
#[cfg(feature = "alloc")]
pub(super) use self::place::zeros;
#[cfg(feature = "alloc")]
pub use self::place::{HeapPlace, HeapRing};
pub use self::place::{Place, Ring};
use self::sealed::Storage;

/// The number of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cell(pub(super) usize);

/// Slot `i` starts with cell `i`, and place `j` of the pool with cell `capacity + j`.
/// Both hold the exclusive or, so that all words start as zero.
impl Content for Cell {
    type Word = usize;
    const ZERO: Self = Self(0);
    /// There are bits for all cells in the index, too.
    #[inline(always)]
    fn bits(index_bits: u32) -> u32 {
        index_bits
    }
    /// The word is as wide as a hint.
    #[inline(always)]
    fn unknown(index_bits: u32) -> u32 {
        index_bits
    }
    #[inline(always)]
    fn to_word(self, index: usize) -> usize {
        self.0 ^ index
    }
    #[inline(always)]
    fn from_word(word: usize, index: usize) -> Self {
        Self(word ^ index)
    }
}

/// The parts of a ring, wherever they are.
#[derive(Debug)]
pub struct Parts<'a, T> {
    track: Track<'a, Cell>,
    pool: &'a [Padded<AtomicUsize>],
    cells: Slots<T>,
}

/// In a word of the pool: the cell is not there. More than the number of any cell.
const TAKEN: usize = !(usize::MAX >> 1);

impl<T> Parts<'_, T> {
    /// # Safety
    /// The spare's cell is the caller's, and holds no item; so it is afterwards.
    #[inline(always)]
    unsafe fn push(&self, at: &mut Position, spare: &mut Spare, item: T) -> Result<(), T> {
        // SAFETY: ours, and idle.
        unsafe { self.cells.write(spare.cell.0, item) };
        match self.track.push(at, spare.cell) {
            Some(idle) => {
                spare.cell = idle;
                Ok(())
            }
            // SAFETY: still ours, with the item that was written.
            None => Err(unsafe { self.cells.take(spare.cell.0) }),
        }
    }

    /// # Safety
    /// As for `push`.
    #[inline(always)]
    unsafe fn force(&self, at: &mut Position, spare: &mut Spare, item: T) -> Option<T> {
        // SAFETY: ours, and idle.
        unsafe { self.cells.write(spare.cell.0, item) };
        let (cell, full) = self.track.force(at, spare.cell);
        spare.cell = cell;
        // SAFETY: ours by the trade, with the item of a full slot (M2).
        full.then(|| unsafe { self.cells.take(cell.0) })
    }

    /// # Safety
    /// As for `push`.
    #[inline(always)]
    unsafe fn pop(&self, at: &mut Position, spare: &mut Spare) -> Option<T> {
        spare.cell = self.track.pop(at, spare.cell)?;
        // SAFETY: ours by the trade, with the item of a full slot (M2).
        Some(unsafe { self.cells.take(spare.cell.0) })
    }

    /// Takes a spare from the pool; looks at each place once, from one on that is
    /// rarely another thread's.
    fn borrow(&self) -> Option<Spare> {
        let first = sync::scatter(self.pool.len());
        let mut place = first;
        loop {
            if let Some(cell) = self.take(place) {
                return Some(Spare { place, cell });
            }
            place += 1;
            if place == self.pool.len() {
                place = 0;
            }
            if place == first {
                return None;
            }
        }
    }

    /// Takes the spare of one place, unless it is taken.
    #[inline(always)]
    fn take(&self, place: usize) -> Option<Cell> {
        let word = self.place(place);
        let seen = word.load(Ordering::Relaxed);
        if seen & TAKEN != 0 {
            return None;
        }
        // ORDERING: Acquire, edge `pool` to here.
        let idle = word.compare_exchange(seen, seen | TAKEN, Ordering::Acquire, Ordering::Relaxed);
        Some(Cell::from_word(idle.ok()?, self.track.slots.len() + place))
    }

    #[inline(always)]
    fn place(&self, place: usize) -> &AtomicUsize {
        debug_assert!(place < self.pool.len());
        // SAFETY: in bounds by M4, as in `Track::find`.
        unsafe { self.pool.get_unchecked(place) }
    }

    /// Gives a spare back to its place, which has been kept for it.
    fn give_back(&self, spare: &Spare) {
        let idle = spare.cell.to_word(self.track.slots.len() + spare.place);
        // ORDERING: Release, edge `pool` from here.
        self.place(spare.place).store(idle, Ordering::Release);
    }
}

/// A cell that a caller owns, and the place in the pool that is kept for it.
#[derive(Debug)]
struct Spare {
    place: usize,
    cell: Cell,
}

pub(super) mod sealed {
    #[expect(unnameable_types, reason = "sealed")]
    pub trait Storage {
        type Item;
        fn parts(&self) -> super::Parts<'_, Self::Item>;
    }
}

/// A ring for any number of producers and consumers: [`Ring`] in place, or
/// [`HeapRing`] on the heap.
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
        self.push_at(item).map(|_| ())
    }

    /// As [`try_push`](Self::try_push); returns what names this push, and the pop that
    /// takes its item, as long as it is in the ring.
    #[doc(hidden)]
    #[inline]
    pub fn push_at(&self, item: St::Item) -> Result<usize, PushError<St::Item>> {
        let parts = self.storage.parts();
        let Some(mut spare) = parts.borrow() else {
            return Err(PushError::Busy(item));
        };
        let mut at = parts.track.hint(parts.track.tail);
        // SAFETY: the spare is ours and idle (M1, M2).
        let pushed = unsafe { parts.push(&mut at, &mut spare, item) };
        parts.track.tell(parts.track.tail, at);
        parts.give_back(&spare);
        match pushed {
            Ok(()) => Ok(parts.track.name(at)),
            Err(item) => Err(PushError::Full(item)),
        }
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
        match self.force_at(item) {
            Ok((_, evicted)) => Ok(evicted),
            Err(item) => Err(PushError::Busy(item)),
        }
    }

    /// As [`force_push`](Self::force_push), with what names it. `Err` if busy.
    #[doc(hidden)]
    #[inline]
    pub fn force_at(&self, item: St::Item) -> Result<(usize, Option<St::Item>), St::Item> {
        let parts = self.storage.parts();
        let Some(mut spare) = parts.borrow() else {
            return Err(item);
        };
        let mut at = parts.track.hint(parts.track.tail);
        // SAFETY: the spare is ours and idle (M1, M2).
        let evicted = unsafe { parts.force(&mut at, &mut spare, item) };
        parts.track.tell(parts.track.tail, at);
        parts.give_back(&spare);
        Ok((parts.track.name(at), evicted))
    }

    /// Takes the oldest item. Lock-free.
    ///
    /// # Errors
    /// [`PopError`], if the ring was empty, or all spares in use.
    #[inline]
    pub fn try_pop(&self) -> Result<St::Item, PopError> {
        self.pop_at().map(|(_, item)| item)
    }

    /// As [`try_pop`](Self::try_pop), with what names its push.
    #[doc(hidden)]
    #[inline]
    pub fn pop_at(&self) -> Result<(usize, St::Item), PopError> {
        let parts = self.storage.parts();
        let mut spare = parts.borrow().ok_or(PopError::Busy)?;
        let mut at = parts.track.hint(parts.track.head);
        // SAFETY: the spare is ours and idle (M1, M2).
        let item = unsafe { parts.pop(&mut at, &mut spare) };
        parts.track.tell(parts.track.head, at);
        parts.give_back(&spare);
        item.map(|item| (parts.track.name(at), item))
            .ok_or(PopError::Empty)
    }

    /// A handle that pushes, with a spare of its own. `None` if none is left.
    #[must_use = "dropping it gives its spare back"]
    pub fn producer(&self) -> Option<Producer<'_, St>> {
        let parts = self.storage.parts();
        let spare = parts.borrow()?;
        let at = parts.track.hint(parts.track.tail);
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
        let at = parts.track.hint(parts.track.head);
        Some(Consumer {
            ring: self,
            at,
            spare,
        })
    }

    /// Whether the ring was empty, at one instant of the call. Lock-free.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !self.storage.parts().track.find_head().1
    }

    /// Whether the ring was full, at one instant of the call. Lock-free.
    #[must_use]
    pub fn is_full(&self) -> bool {
        !self.storage.parts().track.find_tail().1
    }

    /// How many items are in the ring, at most its capacity. Exact when nobody
    /// pushes or pops meanwhile. Lock-free.
    #[must_use]
    pub fn len(&self) -> usize {
        self.storage.parts().track.len()
    }

    /// How many items have been popped or evicted, modulo something, and how many were
    /// inside, at one instant. Lock-free.
    #[doc(hidden)]
    #[must_use]
    pub fn progress(&self) -> (usize, usize) {
        self.storage.parts().track.progress()
    }

    /// How many items fit.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.storage.parts().track.slots.len()
    }

    /// Takes items until the ring is empty, or all spares are in use.
    pub fn drain(&self) -> impl Iterator<Item = St::Item> {
        core::iter::from_fn(|| self.try_pop().ok())
    }
}

impl<St: Storage> Push for &Mpmc<St> {
    type Item = St::Item;
    fn push(&mut self, item: St::Item) -> Result<(), St::Item> {
        self.try_push(item).map_err(PushError::into_inner)
    }
    fn depth(&self) -> usize {
        self.len()
    }
}

impl<St: Storage> ForcePush for &Mpmc<St> {
    fn force(&mut self, item: St::Item) -> Sent<St::Item> {
        match self.force_push(item) {
            Ok(None) => Sent::Stored,
            Ok(Some(oldest)) => Sent::Evicted(oldest),
            Err(busy) => Sent::Refused(busy.into_inner()),
        }
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

impl<St: Storage> Drop for Mpmc<St> {
    fn drop(&mut self) {
        // The `&mut` says that nobody is inside; handles borrow the ring. A panic
        // in an item's `Drop` leaves the rest to this guard.
        struct Rest<'a, T>(Parts<'a, T>, Position);
        impl<T> Rest<'_, T> {
            fn drop_all(&mut self) {
                while let Some(cell) = self.0.track.pop_alone(&mut self.1) {
                    // SAFETY: of a slot that was full (M2), and is empty now.
                    unsafe { self.0.cells.drop_in_place(cell.0) };
                }
            }
        }
        impl<T> Drop for Rest<'_, T> {
            fn drop(&mut self) {
                self.drop_all();
            }
        }
        if core::mem::needs_drop::<St::Item>() {
            let parts = self.storage.parts();
            let head = parts.track.hint(parts.track.head);
            Rest(parts, head).drop_all();
        }
    }
}

/// All items of a ring, oldest first. Those that are left are dropped with it.
#[derive(Debug)]
pub struct IntoIter<St: Storage> {
    ring: Mpmc<St>,
    left: usize,
}

impl<St: Storage> IntoIterator for Mpmc<St> {
    type Item = St::Item;
    type IntoIter = IntoIter<St>;

    fn into_iter(self) -> IntoIter<St> {
        let left = self.len();
        IntoIter { ring: self, left }
    }
}

impl<St: Storage> Iterator for IntoIter<St> {
    type Item = St::Item;

    fn next(&mut self) -> Option<St::Item> {
        let Parts { track, cells, .. } = self.ring.storage.parts();
        let mut at = track.hint(track.head);
        let cell = track.pop_alone(&mut at)?;
        track.tell(track.head, at);
        self.left -= 1;
        // SAFETY: of a slot that was full (M2), and is empty now.
        Some(unsafe { cells.take(cell.0) })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl<St: Storage> ExactSizeIterator for IntoIter<St> {}
impl<St: Storage> FusedIterator for IntoIter<St> {}
