//! Laps that wrap after a few, so that all states of a ring can be visited.

use std::collections::HashSet;
use std::vec;

use super::*;

/// One of a few items, and so many bits of stamp.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Tight<const STAMP: u32>(u8);

impl<const STAMP: u32> Content for Tight<STAMP> {
    type Word = u64;
    const ZERO: Self = Self(0);
    fn bits(_index_bits: u32) -> u32 {
        u64::BITS - STAMP
    }
    fn to_word(self, _index: usize) -> u64 {
        self.0.into()
    }
    fn from_word(word: u64, _index: usize) -> Self {
        Self(word as u8)
    }
}

/// Slots, and where the ends are, in laps from anywhere.
#[derive(Clone)]
struct State<C: Content> {
    words: Vec<C::Word>,
    queue: VecDeque<u8>,
    tail: Position,
    head: Position,
}

/// So many positions before.
fn before(mut at: Position, items: usize, capacity: usize) -> Position {
    for _ in 0..items {
        if at.index == 0 {
            at = Position {
                lap: at.lap.wrapping_sub(1),
                index: capacity,
            };
        }
        at.index -= 1;
    }
    at
}

/// From every state that can be reached, every operation, from every hint within the
/// horizon: it does what a queue does. Returns how many states there are.
///
/// Of stamps, so many bits are known: there are no more, or the hint has only half as
/// many laps.
fn every_state<C>(packing: Packing<C>, capacity: usize, stamp: u32, item: fn(u8) -> C) -> usize
where
    C: Content<Word: std::hash::Hash + Eq> + PartialEq,
{
    let horizon = ((1 << (stamp - 2)) - 1) * capacity + 1;
    let zero = Position { lap: 0, index: 0 };
    let mut open = vec![State::<C> {
        words: (0..capacity).map(|i| item(0).to_word(i)).collect(),
        queue: VecDeque::new(),
        tail: zero,
        head: zero,
    }];
    let mut seen = HashSet::new();
    while let Some(state) = open.pop() {
        if !seen.insert((state.words.clone(), state.queue.clone())) {
            continue;
        }
        for (operation, behind) in (0..3).flat_map(|op| (0..horizon).map(move |n| (op, n))) {
            let slots: Vec<Slot<C>> = state.words.iter().map(|_| crate::sync::zero()).collect();
            for (slot, word) in slots.iter().zip(&state.words) {
                slot.store(*word, Relaxed);
            }
            let stale = |at| packing.hint(before(at, behind, capacity));
            let (tail, head) = (stale(state.tail), stale(state.head));
            let track = Track {
                packing,
                slots: &slots,
                tail: &Paced::new(AtomicUsize::new(tail)),
                head: &Paced::new(AtomicUsize::new(head)),
            };
            let mut next = state.clone();
            let (len, full) = (state.queue.len(), state.queue.len() == capacity);
            assert_eq!((track.find_head().1, track.find_tail().1), (len > 0, !full));
            // Told apart by where they are, so that there is an end of states.
            let pushed = 1 + (state.tail.index + state.tail.lap % 2) as u8;
            let (mut at, side) = match operation {
                0 | 1 => (track.hint(track.tail), Side::Push),
                _ => (track.hint(track.head), Side::Pop),
            };
            match operation {
                0 => assert_eq!(track.push(&mut at, item(pushed)).is_none(), full),
                1 => {
                    let (was, evicted) = track.force(&mut at, item(pushed));
                    assert_eq!(evicted, full);
                    if evicted {
                        assert!(was == item(next.queue.pop_front().unwrap()));
                        next.head = next.head.next(capacity);
                    }
                }
                _ => assert!(track.pop(&mut at, item(0)) == next.queue.pop_front().map(item)),
            }
            if operation == 2 && len > 0 {
                next.head = next.head.next(capacity);
            }
            if operation == 1 || operation == 0 && !full {
                next.queue.push_back(pushed);
                next.tail = next.tail.next(capacity);
            }
            // Where it went to.
            let end = if operation == 2 { next.head } else { next.tail };
            assert_eq!(at.index, end.index);
            assert_eq!(packing.ahead(state.words[0], at, side), packing.ahead(state.words[0], end, side));
            for (shared, end) in [(track.tail, next.tail), (track.head, next.head)] {
                shared.store(packing.hint(end), Relaxed);
            }
            assert_eq!(track.len(), next.queue.len());
            next.words = slots.iter().map(|slot| slot.load(Relaxed)).collect();
            open.push(next);
        }
    }
    seen.len()
}

#[test]
#[cfg_attr(miri, ignore = "hours, and nothing unsafe in it")]
fn every_state_of_words() {
    for capacity in 1..=4 {
        let packing = Packing::new(capacity);
        let states = every_state::<Tight<4>>(packing, capacity, 4, Tight);
        // Each number of items at each position, in each of 8 laps.
        assert!(states >= 8 * capacity * (capacity + 1), "{states}");
        every_state::<Tight<3>>(Packing::new(capacity), capacity, 3, Tight);
        every_state::<Tight<5>>(Packing::new(capacity), capacity, 5, Tight);
        // The hint has no more bits.
        let packing = Packing::new(1 << (usize::BITS - 3));
        every_state::<Tight<4>>(packing, capacity, 4, Tight);
        // The hint has fewer.
        let packing = Packing::new(1 << (usize::BITS - 3));
        every_state::<Tight<6>>(packing, capacity, 4, Tight);
    }
}

#[test]
#[cfg_attr(miri, ignore = "hours, and nothing unsafe in it")]
fn every_state_of_cells() {
    for capacity in 1..=4 {
        for stamp in 3..=5 {
            let packing = Packing::new(1 << (usize::BITS - stamp));
            let item = |n: u8| cells::Cell(n.into());
            let states = every_state(packing, capacity, stamp, item);
            assert!(states >= (1 << (stamp - 1)) * capacity * (capacity + 1));
        }
    }
}

/// Whole rings, round and round.
#[cfg(feature = "alloc")]
#[test]
fn laps_wrap_thousands_of_times() {
    #[derive(Debug, PartialEq)]
    struct Item(u8);
    impl Payload for Item {
        type Bits = Tight<3>;
        fn into_bits(self) -> Tight<3> {
            Tight(self.0)
        }
        unsafe fn from_bits(bits: Tight<3>) -> Self {
            Self(bits.0)
        }
    }
    for capacity in 1..=5 {
        let packing = Packing::new(1 << (usize::BITS - 3));
        agrees(&HeapRing::of(capacity, 1, packing).unwrap(), u64::from);
        agrees(&ByHandles(HeapRing::of(capacity, 1, packing).unwrap()), u64::from);
        agrees(&HeapWords::try_with_capacity(capacity).unwrap(), Item);
    }
}
