//! Items that are counted, and a hook that writes down what it is shown.

use arbitrary::Arbitrary;
use ringfence::Reason;
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

thread_local! {
    static LIVE: Cell<usize> = const { Cell::new(0) };
    static DROPS: RefCell<Vec<(u64, Reason)>> = const { RefCell::new(Vec::new()) };
    static BOMB: Cell<Option<Bomb>> = const { Cell::new(None) };
}

/// A number. With the memory that a `Box` has, a second drop shows at once.
#[derive(Debug)]
pub struct Item(Box<u64>);

impl Item {
    pub fn new(number: u64) -> Self {
        LIVE.set(LIVE.get() + 1);
        Self(Box::new(number))
    }
}

impl Drop for Item {
    fn drop(&mut self) {
        LIVE.set(LIVE.get() - 1);
        pass(false);
    }
}

pub fn peek(item: &Item) -> u64 {
    *item.0
}

pub fn number(item: Item) -> u64 {
    *item.0
}

pub fn live() -> usize {
    LIVE.get()
}

pub fn hook(item: &Item, reason: Reason) {
    DROPS.with_borrow_mut(|drops| drops.push((*item.0, reason)));
    pass(true);
}

/// What the hook was shown since this was asked last.
pub fn take_drops() -> Vec<(u64, Reason)> {
    DROPS.take()
}

/// Whether chance was against the item, which nobody can foresee.
pub fn was_unlucky(number: u64) -> bool {
    DROPS.with_borrow(|drops| drops.contains(&(number, Reason::Random)))
}

/// A panic of a call of the hook or a drop of an item, once so many went well.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub struct Bomb {
    pub in_hook: bool,
    pub after: u8,
}

fn pass(in_hook: bool) {
    if let Some(bomb) = BOMB.get().filter(|bomb| bomb.in_hook == in_hook) {
        let after = bomb.after.checked_sub(1);
        BOMB.set(after.map(|after| Bomb { after, ..bomb }));
        if after.is_none() {
            explode();
        }
    }
}

/// Not by `panic`, at which the fuzzer would stop.
pub fn explode() -> ! {
    resume_unwind(Box::new("on purpose"))
}

/// `None` if it panicked.
pub fn caught<R>(bomb: Option<Bomb>, call: impl FnOnce() -> R) -> Option<R> {
    BOMB.set(bomb);
    let done = catch_unwind(AssertUnwindSafe(call)).ok();
    BOMB.set(None);
    done
}
