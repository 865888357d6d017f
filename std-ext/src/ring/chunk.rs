//! Items that the only receiver reads where they are.

use ringfence_core::{spsc, stamped};

/// The oldest items, still in their slots.
pub trait Chunk<T> {
    fn len(&self) -> usize;

    /// The item so many behind the oldest.
    fn get(&self, n: usize) -> Option<&T>;
    fn get_mut(&mut self, n: usize) -> Option<&mut T>;

    /// Drops the oldest `n` and frees their slots. If an item's `Drop` panics, it and those
    /// before it are gone, and the rest is as it was.
    fn commit(self, n: usize);
}

impl<T, O: spsc::Owner<Item = T>> Chunk<T> for spsc::ReadChunk<'_, O> {
    #[inline]
    fn len(&self) -> usize {
        self.len()
    }

    #[inline]
    fn get(&self, n: usize) -> Option<&T> {
        let (first, second) = self.as_slices();
        match n.checked_sub(first.len()) {
            None => first.get(n),
            Some(n) => second.get(n),
        }
    }

    fn get_mut(&mut self, n: usize) -> Option<&mut T> {
        let (first, second) = self.as_mut_slices();
        match n.checked_sub(first.len()) {
            None => first.get_mut(n),
            Some(n) => second.get_mut(n),
        }
    }

    #[inline]
    fn commit(self, n: usize) {
        self.commit(n);
    }
}

impl<T, O: stamped::Owner<Item = T>> Chunk<T> for stamped::ReadChunk<'_, O> {
    #[inline]
    fn len(&self) -> usize {
        self.len()
    }

    #[inline]
    fn get(&self, n: usize) -> Option<&T> {
        self.get(n)
    }

    fn get_mut(&mut self, n: usize) -> Option<&mut T> {
        self.get_mut(n)
    }

    #[inline]
    fn commit(self, n: usize) {
        self.commit(n);
    }
}
