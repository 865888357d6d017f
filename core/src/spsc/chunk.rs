//! Runs of slots, written or read in place. Invariants: those of [`super`].

use core::fmt;
use core::iter::FusedIterator;
use core::marker::PhantomData;
use core::mem::MaybeUninit;

use super::consumer::{Consumer, Taken};
use super::producer::Producer;
use super::{Owner, Parts};

/// Slots to write to.
type Uninit<O> = [MaybeUninit<<O as Parts>::Item>];

/// Free slots to write to. See [`Producer::write_chunk`].
#[must_use = "nothing is pushed until it is committed"]
pub struct WriteChunk<'a, O: Owner> {
    producer: &'a mut Producer<O>,
    len: usize,
}

impl<'a, O: Owner> WriteChunk<'a, O> {
    /// `len` is at most what is ready.
    pub(super) fn new(producer: &'a mut Producer<O>, len: usize) -> Self {
        Self { producer, len }
    }

    /// How many slots.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The slots, in order: all of the first slice, then all of the second.
    pub fn as_mut_slices(&mut self) -> (&mut Uninit<O>, &mut Uninit<O>) {
        let owner = &self.producer.owner;
        let (index, first, second) = owner.geometry().pieces(self.producer.tail(), self.len);
        // SAFETY: slots that are ready are the producer's (I2, I4), for as long
        // as this chunk borrows it; the pieces do not overlap, since `len` is
        // at most the number of slots.
        unsafe {
            (
                owner.slots().run_mut(index, first),
                owner.slots().run_mut(0, second),
            )
        }
    }

    /// Pushes the first `n` slots' items together. Wait-free.
    ///
    /// # Safety
    /// They have been written, and `n` is at most [`len`](Self::len).
    pub unsafe fn commit(self, n: usize) {
        debug_assert!(n <= self.len);
        let tail = self
            .producer
            .owner
            .geometry()
            .advance(self.producer.tail(), n);
        self.producer.publish(tail);
    }

    /// Pushes items from `items` until the chunk is full or there are no more,
    /// and returns how many.
    ///
    /// # Panics
    /// If `items` does. What it gave so far is in the ring.
    pub fn fill(self, items: impl IntoIterator<Item = O::Item>) -> usize {
        struct Written<'a, O: Owner> {
            producer: &'a mut Producer<O>,
            tail: O::Word,
        }
        impl<O: Owner> Drop for Written<'_, O> {
            fn drop(&mut self) {
                self.producer.publish(self.tail);
            }
        }
        let mut written = Written {
            tail: self.producer.tail(),
            producer: self.producer,
        };
        let mut n = 0;
        for item in items.into_iter().take(self.len) {
            let owner = &written.producer.owner;
            let index = owner.geometry().index(written.tail);
            // SAFETY: fewer slots than are ready have been written (I2, I4).
            unsafe { owner.slots().write(index, item) };
            written.tail = owner.geometry().advance(written.tail, 1);
            n += 1;
        }
        n
    }

    /// Copies as much of `items` as fits, pushes it, and returns how many items
    /// that was. Wait-free.
    #[must_use = "what does not fit is not pushed"]
    pub fn copy_from(mut self, items: &[O::Item]) -> usize
    where
        O::Item: Copy,
    {
        let n = self.len.min(items.len());
        self.len = n;
        let (first, second) = self.as_mut_slices();
        let (one, two) = items[..n].split_at(first.len());
        copy(first, one);
        copy(second, two);
        // SAFETY: both slices are written, and `n` is their length.
        unsafe { self.commit(n) };
        n
    }

    /// Writes the default value to every slot, so that committing is safe.
    ///
    /// # Panics
    /// If `default` does. Nothing is pushed.
    pub fn init(mut self) -> InitChunk<'a, O>
    where
        O::Item: Copy + Default,
    {
        let (first, second) = self.as_mut_slices();
        for slot in first.iter_mut().chain(second) {
            slot.write(O::Item::default());
        }
        InitChunk(self)
    }
}

/// Copies `items` to as many slots.
fn copy<T: Copy>(slots: &mut [MaybeUninit<T>], items: &[T]) {
    assert_eq!(slots.len(), items.len());
    // SAFETY: as many valid items as slots, which do not overlap, being `&mut`.
    unsafe {
        core::ptr::copy_nonoverlapping(items.as_ptr(), slots.as_mut_ptr().cast(), items.len())
    }
}

/// Free slots that hold a value already. See [`WriteChunk::init`].
#[must_use = "nothing is pushed until it is committed"]
pub struct InitChunk<'a, O: Owner>(WriteChunk<'a, O>)
where
    O::Item: Copy + Default;

impl<O: Owner> InitChunk<'_, O>
where
    O::Item: Copy + Default,
{
    /// How many slots.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.len == 0
    }

    /// The slots, in order: all of the first slice, then all of the second.
    pub fn as_mut_slices(&mut self) -> (&mut [O::Item], &mut [O::Item]) {
        let (first, second) = self.0.as_mut_slices();
        // SAFETY: `init` has written every slot of this chunk.
        unsafe { (assume_init(first), assume_init(second)) }
    }

    /// Pushes the first `n` slots' items together. Wait-free.
    ///
    /// # Panics
    /// If `n` is more than [`len`](Self::len).
    #[track_caller]
    pub fn commit(self, n: usize) {
        assert!(n <= self.0.len, "more than the chunk holds");
        // SAFETY: `init` has written every slot of this chunk.
        unsafe { self.0.commit(n) };
    }

    /// Pushes all of it. Wait-free.
    pub fn commit_all(self) {
        let n = self.0.len;
        self.commit(n);
    }
}

/// # Safety
/// Every slot has been written.
unsafe fn assume_init<T>(slots: &mut [MaybeUninit<T>]) -> &mut [T] {
    // SAFETY: the same memory, and items by contract.
    unsafe { &mut *(core::ptr::from_mut(slots) as *mut [T]) }
}

/// Items to read in place. See [`Consumer::read_chunk`].
#[must_use = "nothing is popped until it is committed or iterated"]
pub struct ReadChunk<'a, O: Owner> {
    consumer: &'a mut Consumer<O>,
    len: usize,
    /// A shared chunk shares its items, as a shared consumer does not.
    items: PhantomData<&'a mut [O::Item]>,
}

impl<'a, O: Owner> ReadChunk<'a, O> {
    /// `len` is at most what is ready.
    pub(super) fn new(consumer: &'a mut Consumer<O>, len: usize) -> Self {
        Self {
            consumer,
            len,
            items: PhantomData,
        }
    }

    /// How many items.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The items, oldest first: all of the first slice, then all of the second.
    #[must_use]
    pub fn as_slices(&self) -> (&[O::Item], &[O::Item]) {
        let owner = &self.consumer.owner;
        let (index, first, second) = owner.geometry().pieces(self.consumer.head(), self.len);
        // SAFETY: slots that are ready are the consumer's and hold items (I2,
        // I4), for as long as this chunk borrows it.
        unsafe {
            (
                owner.slots().run(index, first),
                owner.slots().run(0, second),
            )
        }
    }

    /// As [`as_slices`](Self::as_slices), for as long as the consumer is borrowed. Nothing
    /// is popped.
    #[must_use]
    pub fn into_slices(self) -> (&'a [O::Item], &'a [O::Item]) {
        let Self { consumer, len, .. } = self;
        let consumer: &'a Consumer<O> = consumer;
        let (index, first, second) = consumer.owner.geometry().pieces(consumer.head(), len);
        // SAFETY: as in `as_slices`; the consumer stays borrowed.
        unsafe {
            (
                consumer.owner.slots().run(index, first),
                consumer.owner.slots().run(0, second),
            )
        }
    }

    /// The items, oldest first, to change where they are. What is not committed
    /// stays in the ring as changed.
    #[must_use]
    pub fn as_mut_slices(&mut self) -> (&mut [O::Item], &mut [O::Item]) {
        let owner = &self.consumer.owner;
        let (index, first, second) = owner.geometry().pieces(self.consumer.head(), self.len);
        // SAFETY: as in `as_slices`; the pieces do not overlap, since `len` is at most
        // the number of slots.
        unsafe {
            (
                assume_init(owner.slots().run_mut(index, first)),
                assume_init(owner.slots().run_mut(0, second)),
            )
        }
    }

    /// Drops the oldest `n` items and frees their slots together.
    ///
    /// # Panics
    /// If `n` is more than [`len`](Self::len): nothing is dropped. If an item's `Drop`
    /// panics: it and those before it are gone, and the rest is still in the ring.
    #[track_caller]
    pub fn commit(self, n: usize) {
        assert!(n <= self.len, "more than the chunk holds");
        let mut taken = Taken::new(self.consumer);
        for _ in 0..n {
            // SAFETY: fewer than the items that are ready have been dropped.
            unsafe { taken.drop_next() };
        }
    }

    /// Drops all of its items and frees their slots together.
    ///
    /// # Panics
    /// If an item's `Drop` does, as in [`commit`](Self::commit).
    pub fn commit_all(self) {
        let n = self.len;
        self.commit(n);
    }

    /// Copies items to `buffer` until it is full or there are no more, pops
    /// them, and returns how many that was. Wait-free.
    #[must_use = "the rest of the buffer is as it was"]
    pub fn copy_to(self, buffer: &mut [O::Item]) -> usize
    where
        O::Item: Copy,
    {
        let (first, second) = self.as_slices();
        let one = first.len().min(buffer.len());
        let two = second.len().min(buffer.len() - one);
        buffer[..one].copy_from_slice(&first[..one]);
        buffer[one..one + two].copy_from_slice(&second[..two]);
        self.commit(one + two);
        one + two
    }
}

impl<'a, O: Owner> IntoIterator for ReadChunk<'a, O> {
    type Item = O::Item;
    type IntoIter = IntoIter<'a, O>;

    /// Pops the items one by one, each when it is asked for. What is not asked for
    /// stays in the ring.
    fn into_iter(self) -> IntoIter<'a, O> {
        IntoIter(self)
    }
}

/// Pops the items of a [`ReadChunk`].
///
/// Each slot is free before its item is given out, so it makes no difference whether
/// this is dropped, forgotten, or left by a panic.
#[must_use = "nothing is popped until it is asked for"]
pub struct IntoIter<'a, O: Owner>(ReadChunk<'a, O>);

impl<O: Owner> Iterator for IntoIter<'_, O> {
    type Item = O::Item;

    fn next(&mut self) -> Option<O::Item> {
        self.0.len = self.0.len.checked_sub(1)?;
        self.0.consumer.try_pop()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.0.len, Some(self.0.len))
    }
}

impl<O: Owner> ExactSizeIterator for IntoIter<'_, O> {}
impl<O: Owner> FusedIterator for IntoIter<'_, O> {}

/// Items need not be `Debug`, and are not shown.
fn debug(name: &str, len: usize, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.debug_struct(name).field("len", &len).finish()
}

impl<O: Owner> fmt::Debug for WriteChunk<'_, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        debug("WriteChunk", self.len, f)
    }
}

impl<O: Owner> fmt::Debug for InitChunk<'_, O>
where
    O::Item: Copy + Default,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        debug("InitChunk", self.0.len, f)
    }
}

impl<O: Owner> fmt::Debug for ReadChunk<'_, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        debug("ReadChunk", self.len, f)
    }
}

impl<O: Owner> fmt::Debug for IntoIter<'_, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        debug("IntoIter", self.0.len, f)
    }
}
