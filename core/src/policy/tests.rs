use super::*;
use crate::spsc::Ring;
use std::vec::Vec;

#[test]
fn the_newest_is_refused() {
    let mut ring = Ring::<_, 2>::new();
    let (tx, mut rx) = ring.split_mut();
    let mut tx = Policed::new(tx, DropNewest);
    let sent: Vec<_> = (1..=4).map(|item| tx.push(item)).collect();
    let refused = [Sent::Refused(3), Sent::Refused(4)];
    assert_eq!(sent, [&[Sent::Stored; 2], &refused[..]].concat());
    let (offered, stored, refused, evicted) = (4, 2, 2, 0);
    let expected = Counts {
        offered,
        stored,
        refused,
        evicted,
    };
    assert_eq!(tx.counts(), expected);
    assert!(rx.drain().eq([1, 2]));
}

/// Of items 1 to 5, in a ring of two.
fn evicts(ring: impl ForcePush<Item = u32>) {
    let mut ring = Policed::new(ring, DropOldest);
    let dropped: Vec<_> = (1..=5)
        .filter_map(|item| ring.push(item).into_dropped())
        .collect();
    assert_eq!(dropped, [1, 2, 3]);
    let (offered, stored, refused, evicted) = (5, 5, 0, 3);
    let expected = Counts {
        offered,
        stored,
        refused,
        evicted,
    };
    assert_eq!(ring.counts(), expected);
    assert_eq!(ring.into_ring().depth(), 2);
}

#[test]
fn the_oldest_is_evicted() {
    let ring = crate::mpmc::Ring::<u32, 2>::new();
    evicts(&ring);
    assert!(ring.drain().eq([4, 5]));
    evicts(ring.producer().unwrap());
    let words = crate::mpmc::Words::<u32, 2>::new();
    evicts(&words);
    assert!(words.drain().eq([4, 5]));
}

/// Without a spare nothing can be evicted, and the item is given back.
#[test]
fn a_busy_ring_refuses() {
    let ring = crate::mpmc::Ring::<u32, 2, 1>::new();
    let _spare = ring.producer().unwrap();
    let mut busy = Policed::new(&ring, DropOldest);
    assert_eq!(busy.push(7), Sent::Refused(7));
    assert_eq!((busy.counts().refused, busy.counts().stored), (1, 0));
}

#[test]
fn chances_grow_with_depth() {
    let rule = EarlyDrop::new(10, 20, EarlyDrop::ALWAYS / 2).unwrap();
    // All numbers that matter, evenly spaced.
    let refused = |depth| {
        let numbers = (0..10_000u32).map(|n| n * (u32::MAX / 10_000));
        numbers.filter(|&n| rule.refuses(depth, || n)).count()
    };
    assert_eq!((refused(0), refused(9), refused(10)), (0, 0, 0));
    for depth in 11..20 {
        let expected = 500 * (depth - 10);
        assert!(refused(depth).abs_diff(expected) < 2, "{depth}");
    }
    assert_eq!((refused(20), refused(usize::MAX)), (10_000, 10_000));

    let always = EarlyDrop::new(0, usize::MAX, EarlyDrop::ALWAYS).unwrap();
    assert!(!always.refuses(0, || 0));
    assert!(always.refuses(usize::MAX - 1, || u32::MAX - 1));
    let never = EarlyDrop::new(0, usize::MAX, 0).unwrap();
    assert!(!never.refuses(usize::MAX - 1, || 0));
}

#[test]
fn rules_that_mean_nothing_are_errors() {
    let error = |from, to, most| EarlyDrop::new(from, to, most).err();
    assert_eq!(error(2, 2, 1), Some(EarlyDropError::Thresholds));
    assert_eq!(error(3, 2, 1), Some(EarlyDropError::Thresholds));
    let above = EarlyDrop::ALWAYS + 1;
    assert_eq!(error(1, 2, above), Some(EarlyDropError::Probability));
    assert_eq!(error(0, 1, EarlyDrop::ALWAYS), None);
}

#[test]
fn items_are_refused_by_chance() {
    let mut ring = Ring::<_, 8>::new();
    let (tx, mut rx) = ring.split_mut();
    let rule = EarlyDrop::new(2, 6, EarlyDrop::ALWAYS).unwrap();
    let mut numbers = [0, u32::MAX].into_iter().cycle();
    let random = || numbers.next().unwrap();
    let mut tx = Policed::new(tx, DropRandom::new(rule, random));
    let refused: Vec<_> = (0..12)
        .filter_map(|item| tx.push(item).into_refused())
        .collect();
    // Three without chance, then every other one, and none from six on.
    assert_eq!(refused, [3, 5, 7, 9, 10, 11]);
    assert_eq!((tx.counts().offered, tx.counts().refused), (12, 6));
    assert!(rx.drain().eq([0, 1, 2, 4, 6, 8]));
}
