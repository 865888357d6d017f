//! That a run notices what a queue does wrong.

use std::collections::VecDeque;
use std::panic::catch_unwind;
use std::sync::Mutex;

use super::*;
use crate::crews::SHAPES;

/// A queue, and how many items were pushed.
#[derive(Default)]
struct Plain<T>(Mutex<(VecDeque<T>, usize)>);

impl<T> Plain<T> {
    fn pop(&self) -> Option<T> {
        self.0.lock().unwrap().0.pop_front()
    }

    /// Pushes `times(number)` copies of the item, of the number-th that came.
    fn push(&self, item: T, times: impl Fn(usize) -> usize) -> bool
    where
        T: Clone,
    {
        let (items, pushed) = &mut *self.0.lock().unwrap();
        *pushed += 1;
        items.extend(std::iter::repeat_n(item, times(*pushed)));
        true
    }
}

/// A queue that stores the hundredth item `TIMES` times.
struct Hundredth<T, const TIMES: usize>(Plain<T>);

impl<T: Item, const TIMES: usize> Many<T> for Hundredth<T, TIMES> {
    fn new(_capacity: usize, _threads: usize) -> Self {
        Self(Plain::default())
    }

    fn producer(&self) -> impl FnMut(T) -> bool {
        |item| {
            let times = |number| if number == 100 { TIMES } else { 1 };
            self.0.push(item, times)
        }
    }

    fn consumer(&self) -> impl FnMut() -> Option<T> {
        || self.0.pop()
    }
}

/// Whether a run in each shape goes well, on one core.
fn goes_well<const TIMES: usize>() -> [bool; SHAPES.len()] {
    let core = core_affinity::get_core_ids().expect("cores to run on")[0];
    let cores = Cores {
        producer: core,
        consumer: core,
        all: vec![core],
    };
    SHAPES.map(|shape| {
        let run = || run::<[u64; 2], Hundredth<_, TIMES>>(shape, 8, &cores, 1001);
        catch_unwind(run).is_ok()
    })
}

#[test]
fn lost_and_repeated_items_fail_a_run() {
    assert_eq!(goes_well::<1>(), [true; SHAPES.len()]);
    assert_eq!(goes_well::<0>(), [false; SHAPES.len()]);
    assert_eq!(goes_well::<2>(), [false; SHAPES.len()]);
}
