//! Batches to and from the vectors of `heapless`.

use heapless::{LenType, Vec};

use super::{Consumer, Owner, Producer};

impl<O: Owner> Producer<O> {
    /// Pushes from the front of `items` what fits, publishes it together, and returns how
    /// many items that was. The rest stays, in order.
    ///
    /// ```
    /// use heapless::Vec;
    /// use ringfence_core::spsc::Ring;
    ///
    /// let mut ring = Ring::<u8, 2>::new();
    /// let (mut tx, mut rx) = ring.split_mut();
    /// let mut items = Vec::<u8, 4>::from_slice(&[1, 2, 3]).unwrap();
    /// assert_eq!(tx.push_from(&mut items), 2);
    /// assert_eq!(items, [3]);
    /// assert_eq!(rx.pop_into(&mut items), 2);
    /// assert_eq!(items, [3, 1, 2]);
    /// ```
    pub fn push_from<const M: usize, L: LenType>(
        &mut self,
        items: &mut Vec<O::Item, M, L>,
    ) -> usize {
        let n = self.refresh().min(items.len());
        self.write_chunk(n).fill(items.drain(..n))
    }
}

impl<O: Owner> Consumer<O> {
    /// Pops items to the end of `buffer` until it is full or there are no more, frees
    /// their slots together, and returns how many that was.
    pub fn pop_into<const M: usize, L: LenType>(
        &mut self,
        buffer: &mut Vec<O::Item, M, L>,
    ) -> usize {
        let room = M - buffer.len();
        self.pop_each(room, |item| {
            let pushed = buffer.push(item);
            debug_assert!(pushed.is_ok(), "no more than there is room for");
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::Ring;
    use super::*;

    /// A ring that wraps, and a vector of any room, agree with plain counting.
    #[test]
    fn what_does_not_fit_stays() {
        let mut ring = Ring::<_, 3, u8>::new();
        let (mut tx, mut rx) = ring.split_mut();
        let mut items = Vec::<_, 5>::new();
        let (mut next, mut expected) = (0, 0);
        for round in 0..1000 {
            while items.len() < round % 6 {
                items.push(next).unwrap();
                next += 1;
            }
            let (before, room) = (items.len(), tx.free());
            assert_eq!(tx.push_from(&mut items), before.min(room));
            assert_eq!(items.len(), before - before.min(room));
            let mut buffer = Vec::<_, 4, u8>::new();
            for _ in 0..round % 4 {
                buffer.push(usize::MAX).unwrap();
            }
            let (there, room) = (rx.len(), 4 - buffer.len());
            assert_eq!(rx.pop_into(&mut buffer), there.min(room));
            for &item in &buffer[round % 4..] {
                assert_eq!(item, expected);
                expected += 1;
            }
        }
        assert!(expected > 500);
    }
}
