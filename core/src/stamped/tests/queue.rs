//! Every operation, against a queue.

use super::*;

/// What any ring can be asked for, whoever may ask.
trait Ends<T> {
    fn push(&mut self, item: T) -> Result<(), PushError<T>>;
    fn push_slice(&mut self, items: &[T]) -> usize;
    fn pop(&mut self) -> Result<T, PopError>;
    fn pop_slice(&mut self, buffer: &mut [T]) -> usize;
    fn pop_each(&mut self, limit: usize, each: impl FnMut(T)) -> usize;
    /// Looks at all that there is, takes `n` of it, if that can be done.
    fn look_and_take(&mut self, _n: usize, _see: impl FnMut(&T)) -> bool {
        false
    }
    fn len(&self) -> (usize, usize, bool, bool);
}

struct Calls<'a, St: Storage>(&'a Stamped<St>);

impl<St: Storage<Producers = Shared, Consumers = Shared>> Ends<St::Item> for Calls<'_, St>
where
    St::Item: Copy,
{
    fn push(&mut self, item: St::Item) -> Result<(), PushError<St::Item>> {
        self.0.try_push(item)
    }
    fn push_slice(&mut self, items: &[St::Item]) -> usize {
        self.0.push_slice(items)
    }
    fn pop(&mut self) -> Result<St::Item, PopError> {
        self.0.try_pop()
    }
    fn pop_slice(&mut self, buffer: &mut [St::Item]) -> usize {
        self.0.pop_slice(buffer)
    }
    fn pop_each(&mut self, limit: usize, each: impl FnMut(St::Item)) -> usize {
        self.0.pop_each(limit, each)
    }
    fn len(&self) -> (usize, usize, bool, bool) {
        let ring = self.0;
        (ring.len(), ring.capacity(), ring.is_empty(), ring.is_full())
    }
}

struct Handles<P: Owner, C: Owner>(Producer<P>, Consumer<C>);

impl<T: Copy, P: Owner<Item = T>, C: Owner<Item = T>> Ends<T> for Handles<P, C> {
    fn push(&mut self, item: T) -> Result<(), PushError<T>> {
        self.0.try_push(item)
    }
    fn push_slice(&mut self, items: &[T]) -> usize {
        if items.len() % 2 == 0 {
            self.0.push_iter(items.iter().copied())
        } else {
            self.0.push_slice(items)
        }
    }
    fn pop(&mut self) -> Result<T, PopError> {
        self.1.try_pop()
    }
    fn pop_slice(&mut self, buffer: &mut [T]) -> usize {
        self.1.pop_slice(buffer)
    }
    fn pop_each(&mut self, limit: usize, each: impl FnMut(T)) -> usize {
        self.1.pop_each(limit, each)
    }
    fn look_and_take(&mut self, n: usize, see: impl FnMut(&T)) -> bool {
        let chunk = self.1.read_chunk(usize::MAX);
        assert!(n <= chunk.len());
        chunk.iter().for_each(see);
        chunk.commit(n);
        true
    }
    fn len(&self) -> (usize, usize, bool, bool) {
        let ring = self.0.ring();
        (ring.len(), ring.capacity(), ring.is_empty(), ring.is_full())
    }
}

/// Every operation against a queue, over many laps.
fn agrees(mut ring: impl Ends<usize>) {
    const STEPS: usize = if cfg!(miri) { 200 } else { 10_000 };
    let (_, capacity, ..) = ring.len();
    let mut queue = VecDeque::new();
    let mut random = 1u32;
    let mut below = |n: usize| {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (random >> 8) as usize % n
    };
    for item in 0..STEPS {
        let len = queue.len();
        let free = capacity - len;
        assert_eq!(ring.len(), (len, capacity, len == 0, free == 0));
        let n = below(capacity + 2);
        match below(8) {
            0 | 1 => {
                let expected = if free > 0 { Ok(()) } else { Err(PushError::Full(item)) };
                assert_eq!(ring.push(item), expected);
                queue.extend((free > 0).then_some(item));
            }
            2 | 3 => assert_eq!(ring.pop(), queue.pop_front().ok_or(PopError::Empty)),
            4 => {
                let items: Vec<_> = (item..item + n).collect();
                assert_eq!(ring.push_slice(&items), n.min(free));
                queue.extend(&items[..n.min(free)]);
            }
            5 => {
                let mut buffer = vec![0; n];
                assert_eq!(ring.pop_slice(&mut buffer), n.min(len));
                assert!(queue.drain(..n.min(len)).eq(buffer[..n.min(len)].iter().copied()));
            }
            6 => {
                let mut items = queue.drain(..n.min(len));
                let each = |item| assert_eq!(Some(item), items.next());
                assert_eq!(ring.pop_each(n, each), n.min(len));
            }
            _ => {
                let mut items = queue.iter();
                if ring.look_and_take(n.min(len), |item| assert_eq!(Some(item), items.next())) {
                    assert_eq!(items.next(), None);
                    queue.drain(..n.min(len));
                }
            }
        }
    }
}

fn agrees_in_place<const N: usize>() {
    agrees(Calls(&Ring::<usize, N>::new()));
    let ring = Ring::<usize, N, Solo, Solo>::new();
    agrees(Handles(ring.producer().unwrap(), ring.consumer().unwrap()));
}

#[test]
fn agrees_with_a_queue_at_every_capacity() {
    seq_macro::seq!(N in 1..=17 { agrees_in_place::<N>(); });
    agrees_in_place::<64>();
    agrees_in_place::<100>();
}

/// Laps of 3 bits: stamps wrap every eighth time round.
#[cfg(feature = "alloc")]
#[test]
fn agrees_with_a_queue_over_thousands_of_wraps() {
    for capacity in [1, 2, 3, 7, 8] {
        // SAFETY: nobody stops in a call.
        let ring = unsafe { Mpmc::<usize>::with_lap_bits(capacity, 3) };
        agrees(Calls(&ring));
        // SAFETY: there is no compare-and-swap.
        let ring = unsafe { Spsc::<usize>::with_lap_bits(capacity, 3) };
        let ring = Arc::new(ring);
        let producer = Producer::claim(ring.clone()).unwrap();
        agrees(Handles(producer, Consumer::claim(ring).unwrap()));
    }
    for (capacity, more) in [(1, 0), (3, 7), (100, 0)] {
        let ring = Mpmc::with_capacity(capacity);
        (0..more).for_each(|item| assert_eq!(ring.try_push(item).is_ok(), item < capacity));
        ring.drain().for_each(drop);
        agrees(Calls(&ring));
    }
}
