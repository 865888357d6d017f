//! A run of items, read where they are. Invariants: those of [`super`].

use core::iter::{Chain, FusedIterator};
use core::marker::PhantomData;
use core::ops::Index;
use core::slice;

use super::{Consumer, Owner};
use crate::slots::StampedSlot;

/// Items to read where they are, oldest first. See [`Consumer::read_chunk`].
#[derive(Debug)]
#[must_use = "nothing is popped until it is committed"]
pub struct ReadChunk<'a, O: Owner> {
    consumer: &'a mut Consumer<O>,
    len: usize,
    /// A shared chunk shares its items, as a shared consumer does not.
    items: PhantomData<&'a mut [O::Item]>,
}

impl<'a, O: Owner> ReadChunk<'a, O> {
    /// As many are published.
    pub(super) fn new(consumer: &'a mut Consumer<O>, len: usize) -> Self {
        Self {
            consumer,
            len,
            items: PhantomData,
        }
    }

    /// How many items.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The item so many behind the oldest.
    pub fn get(&self, n: usize) -> Option<&O::Item> {
        // SAFETY: within what was published when the chunk was made, and the consumer
        // is borrowed since.
        (n < self.len).then(|| unsafe { self.consumer.item(n) })
    }

    /// The item so many behind the oldest, to change where it is. What is not committed
    /// stays in the ring as changed.
    pub fn get_mut(&mut self, n: usize) -> Option<&mut O::Item> {
        // SAFETY: as in `get`.
        (n < self.len).then(|| unsafe { self.consumer.item_mut(n) })
    }

    /// The items, oldest first.
    #[inline]
    pub fn iter(&self) -> Iter<'_, O> {
        let [ahead, beyond] = self.consumer.stretches(self.len);
        Iter {
            slots: ahead.slots.iter().chain(beyond.slots),
            items: PhantomData,
        }
    }

    /// Drops the oldest `n` items, and frees the slot of each before. If an item's
    /// `Drop` panics, it is gone, and those behind it are still in the ring.
    ///
    /// # Panics
    /// If `n` is more than [`len`](Self::len), or an item's `Drop` panics.
    pub fn commit(self, n: usize) {
        assert!(n <= self.len, "more than the chunk holds");
        // SAFETY: within the chunk, as in `get`.
        unsafe { self.consumer.drop_published(n) };
    }
}

/// Goes through a [`ReadChunk`]. See [`ReadChunk::iter`].
#[derive(Debug)]
#[must_use = "iterators are lazy"]
pub struct Iter<'a, O: Owner> {
    /// Of published items.
    slots: Chain<Slots<'a, O>, Slots<'a, O>>,
    /// As in the chunk.
    items: PhantomData<&'a [O::Item]>,
}

type Slots<'a, O> = slice::Iter<'a, StampedSlot<<O as Owner>::Item>>;

impl<'a, O: Owner> Iterator for Iter<'a, O> {
    type Item = &'a O::Item;

    #[inline]
    fn next(&mut self) -> Option<&'a O::Item> {
        // SAFETY: within the chunk, as in `get`.
        self.slots.next().map(|slot| unsafe { slot.item() })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.slots.size_hint()
    }

    #[inline]
    fn fold<B, F: FnMut(B, &'a O::Item) -> B>(self, init: B, mut f: F) -> B {
        // SAFETY: within the chunk, as in `get`.
        self.slots.fold(init, |so_far, slot| f(so_far, unsafe { slot.item() }))
    }
}

impl<O: Owner> DoubleEndedIterator for Iter<'_, O> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        // SAFETY: within the chunk, as in `get`.
        self.slots.next_back().map(|slot| unsafe { slot.item() })
    }
}

impl<O: Owner> ExactSizeIterator for Iter<'_, O> {}
impl<O: Owner> FusedIterator for Iter<'_, O> {}

impl<O: Owner> Index<usize> for ReadChunk<'_, O> {
    type Output = O::Item;

    fn index(&self, n: usize) -> &O::Item {
        self.get(n).expect("more than the chunk holds")
    }
}
