//! Many threads at one ring: none of their items is lost or comes twice, and each
//! consumer sees those of each producer in order. On one CPU, where a thread may be
//! interrupted anywhere for long, and on all of them with eight threads for each.
//!
//! `RINGFENCE_OPERATIONS=100000000 cargo test --release -p ringfence-tests --test many`
//! lets each ring do as many pushes and pops, together, in each of the two settings.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;

use ringfence_core::mpmc::{HeapRing, HeapWords, PopError, PushError};
use ringfence_core::stamped;

/// Capacities, and how many percent of the operations each gets: in a small ring
/// threads take turns, which is slow.
const CAPACITIES: [(usize, usize); 3] = [(1, 1), (3, 4), (64, 95)];

/// A ring for many threads. An item is its producer, and a number from there.
trait Ring: Sync {
    /// How many threads it is for at most.
    const PRODUCERS: usize = usize::MAX;
    const CONSUMERS: usize = usize::MAX;

    fn new(capacity: usize, threads: usize) -> Self;
    /// Pushes an item; `false` if there was no room.
    fn producer(&self) -> impl FnMut(u64) -> bool;
    /// Pops an item; `None` if there was none.
    fn consumer(&self) -> impl FnMut() -> Option<u64>;
}

/// By calls, of which half as many as there are threads find a spare.
struct Calls(HeapRing<u64>);

impl Ring for Calls {
    fn new(capacity: usize, threads: usize) -> Self {
        Self(HeapRing::try_with_capacity(capacity, threads / 2).unwrap())
    }

    fn producer(&self) -> impl FnMut(u64) -> bool {
        |item| match self.0.try_push(item) {
            Ok(()) => true,
            Err(PushError::Full(back) | PushError::Busy(back)) => {
                assert_eq!(back, item, "another item came back");
                false
            }
        }
    }

    fn consumer(&self) -> impl FnMut() -> Option<u64> {
        || {
            loop {
                match self.0.try_pop() {
                    Ok(item) => return Some(item),
                    Err(PopError::Empty) => return None,
                    Err(PopError::Busy) => thread::yield_now(),
                }
            }
        }
    }
}

/// By handles.
struct Handles(HeapRing<u64>);

impl Ring for Handles {
    fn new(capacity: usize, threads: usize) -> Self {
        Self(HeapRing::try_with_capacity(capacity, threads).unwrap())
    }

    fn producer(&self) -> impl FnMut(u64) -> bool {
        let mut tx = self.0.producer().unwrap();
        move |item| match tx.try_push(item) {
            Ok(()) => true,
            Err(full) => {
                assert_eq!(full.into_inner(), item, "another item came back");
                false
            }
        }
    }

    fn consumer(&self) -> impl FnMut() -> Option<u64> {
        let mut rx = self.0.consumer().unwrap();
        move || rx.try_pop()
    }
}

/// In the slots. A number has 24 bits there, a producer 8.
struct Words(HeapWords<u32>);

impl Ring for Words {
    fn new(capacity: usize, _threads: usize) -> Self {
        Self(HeapWords::try_with_capacity(capacity).unwrap())
    }

    fn producer(&self) -> impl FnMut(u64) -> bool {
        |item| {
            let word = (item >> 40 << 24 | item & 0xff_ffff) as u32;
            assert_eq!(wide(word), item, "more than a word holds");
            self.0
                .try_push(word)
                .map_err(|full| assert_eq!(full.into_inner(), word))
                .is_ok()
        }
    }

    fn consumer(&self) -> impl FnMut() -> Option<u64> {
        || self.0.try_pop().map(wide)
    }
}

fn wide(word: u32) -> u64 {
    u64::from(word >> 24) << 40 | u64::from(word & 0xff_ffff)
}

/// With stamps, many at each side.
impl Ring for stamped::Mpmc<u64> {
    fn new(capacity: usize, _threads: usize) -> Self {
        Self::with_capacity(capacity)
    }

    fn producer(&self) -> impl FnMut(u64) -> bool {
        |item| pushed(self.try_push(item), item)
    }

    fn consumer(&self) -> impl FnMut() -> Option<u64> {
        || popped(|| self.try_pop())
    }
}

/// With stamps, one consumer.
impl Ring for stamped::Mpsc<u64> {
    const CONSUMERS: usize = 1;

    fn new(capacity: usize, _threads: usize) -> Self {
        Self::with_capacity(capacity)
    }

    fn producer(&self) -> impl FnMut(u64) -> bool {
        |item| pushed(self.try_push(item), item)
    }

    fn consumer(&self) -> impl FnMut() -> Option<u64> {
        let mut rx = stamped::Stamped::consumer(self).unwrap();
        move || popped(|| rx.try_pop())
    }
}

/// With stamps, one producer.
impl Ring for stamped::Spmc<u64> {
    const PRODUCERS: usize = 1;

    fn new(capacity: usize, _threads: usize) -> Self {
        Self::with_capacity(capacity)
    }

    fn producer(&self) -> impl FnMut(u64) -> bool {
        let mut tx = stamped::Stamped::producer(self).unwrap();
        move |item| pushed(tx.try_push(item), item)
    }

    fn consumer(&self) -> impl FnMut() -> Option<u64> {
        || popped(|| self.try_pop())
    }
}

fn pushed(result: Result<(), stamped::PushError<u64>>, item: u64) -> bool {
    result
        .map_err(|error| assert_eq!(error.into_inner(), item, "another item came back"))
        .is_ok()
}

/// Somebody between claim and stamp is waited for: what is behind is not empty.
fn popped(mut pop: impl FnMut() -> Result<u64, stamped::PopError>) -> Option<u64> {
    loop {
        match pop() {
            Ok(item) => return Some(item),
            Err(stamped::PopError::Empty) => return None,
            Err(_) => thread::yield_now(),
        }
    }
}

/// Where the threads run, and how many at each side.
#[derive(Clone, Copy, Debug)]
enum Setting {
    /// Three and three on one CPU.
    Pinned,
    /// Eight for each CPU, wherever the system puts them.
    Oversubscribed,
}

impl Setting {
    fn threads_a_side(self) -> usize {
        match self {
            Self::Pinned => 3,
            Self::Oversubscribed => 4 * thread::available_parallelism().map_or(1, usize::from),
        }
    }

    fn enter(self) {
        if let Self::Pinned = self {
            let cores = core_affinity::get_core_ids().unwrap_or_default();
            let pinned = cores.last().copied().map(core_affinity::set_for_current);
            assert!(pinned != Some(false) || cfg!(not(target_os = "linux")));
        }
    }
}

/// What is wrong with the items that came out, in numbers of them.
#[derive(Debug, Default, PartialEq, Eq)]
struct Faults {
    lost: usize,
    repeated: usize,
    made_up: usize,
    out_of_order: usize,
}

/// An item's number takes so many bits.
const NUMBER: u32 = 40;

/// Which items came out, of all consumers.
struct Received(Vec<AtomicU64>);

impl Received {
    fn new(items: usize) -> Self {
        let words = 0..items.div_ceil(64);
        Self(words.map(|_| AtomicU64::new(0)).collect())
    }

    /// Notes an item; whether it is the first of this place.
    fn note(&self, place: usize) -> bool {
        let bit = 1 << (place % 64);
        self.0[place / 64].fetch_or(bit, Ordering::Relaxed) & bit == 0
    }

    fn count(&self) -> usize {
        let ones = |word: &AtomicU64| word.load(Ordering::Relaxed).count_ones() as usize;
        self.0.iter().map(ones).sum()
    }
}

/// How many threads of one side work still.
struct Crew(AtomicUsize);

/// One of them, until it ends, or panics.
struct Member<'a>(&'a Crew);

impl Crew {
    fn is_gone(&self) -> bool {
        self.0.load(Ordering::Acquire) == 0
    }
}

impl Drop for Member<'_> {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Tries a little, then yields, until it succeeds; `None` if it did not after the
/// other side had ended.
fn persist<T>(others: &Crew, mut attempt: impl FnMut() -> Option<T>) -> Option<T> {
    loop {
        for _ in 0..8 {
            // Before the attempt, which then sees all that the others did.
            let last = others.is_gone();
            let value = attempt();
            if value.is_some() || last {
                return value;
            }
        }
        thread::yield_now();
    }
}

/// Moves about `items` items through a new ring.
fn run<R: Ring>(setting: Setting, capacity: usize, items: usize) -> Faults {
    let producers = setting.threads_a_side().min(R::PRODUCERS);
    let consumers = setting.threads_a_side().min(R::CONSUMERS);
    let each = items.div_ceil(producers);
    let ring = R::new(capacity, producers + consumers);
    let received = Received::new(producers * each);
    let (producing, consuming) = (&Crew(producers.into()), &Crew(consumers.into()));
    let produce = |producer: usize| {
        let _member = Member(producing);
        setting.enter();
        let mut push = ring.producer();
        for number in 0..each {
            let item = (producer as u64) << NUMBER | number as u64;
            persist(consuming, || push(item).then_some(()));
        }
    };
    let consume = || {
        let _member = Member(consuming);
        setting.enter();
        let mut pop = ring.consumer();
        let mut next = vec![0; producers];
        let mut faults = Faults::default();
        while let Some(item) = persist(producing, &mut pop) {
            let producer = (item >> NUMBER) as usize;
            let number = (item & ((1 << NUMBER) - 1)) as usize;
            if producer >= producers || number >= each {
                faults.made_up += 1;
                continue;
            }
            let first = received.note(producer * each + number);
            faults.repeated += usize::from(!first);
            faults.out_of_order += usize::from(first && number < next[producer]);
            next[producer] = number + 1;
        }
        faults
    };
    let (produce, consume) = (&produce, &consume);
    let faults: Vec<Faults> = thread::scope(|scope| {
        (0..producers).for_each(|producer| {
            scope.spawn(move || produce(producer));
        });
        let consumers: Vec<_> = (0..consumers).map(|_| scope.spawn(consume)).collect();
        let joined = consumers.into_iter().map(|thread| thread.join());
        joined
            .map(|faults| faults.expect("a consumer panicked"))
            .collect()
    });
    let sum = |of: fn(&Faults) -> usize| faults.iter().map(of).sum();
    Faults {
        lost: producers * each - received.count(),
        repeated: sum(|faults| faults.repeated),
        made_up: sum(|faults| faults.made_up),
        out_of_order: sum(|faults| faults.out_of_order),
    }
}

/// How many pushes and pops a ring does in one setting.
fn operations() -> usize {
    let chosen = std::env::var("RINGFENCE_OPERATIONS").ok();
    chosen.map_or(300_000, |n| n.parse().expect("a number"))
}

fn loses_nothing<R: Ring>(setting: Setting) {
    for (capacity, percent) in CAPACITIES {
        let items = operations() / 2 * percent / 100;
        let faults = run::<R>(setting, capacity, items);
        assert_eq!(
            faults,
            Faults::default(),
            "{setting:?}, capacity {capacity}"
        );
    }
}

#[test]
fn words_on_one_cpu() {
    loses_nothing::<Words>(Setting::Pinned);
}

#[test]
fn words_oversubscribed() {
    loses_nothing::<Words>(Setting::Oversubscribed);
}

#[test]
fn stamped_mpmc_on_one_cpu() {
    loses_nothing::<stamped::Mpmc<u64>>(Setting::Pinned);
}

#[test]
fn stamped_mpmc_oversubscribed() {
    loses_nothing::<stamped::Mpmc<u64>>(Setting::Oversubscribed);
}

#[test]
fn stamped_mpsc_on_one_cpu() {
    loses_nothing::<stamped::Mpsc<u64>>(Setting::Pinned);
}

#[test]
fn stamped_mpsc_oversubscribed() {
    loses_nothing::<stamped::Mpsc<u64>>(Setting::Oversubscribed);
}

#[test]
fn stamped_spmc_on_one_cpu() {
    loses_nothing::<stamped::Spmc<u64>>(Setting::Pinned);
}

#[test]
fn stamped_spmc_oversubscribed() {
    loses_nothing::<stamped::Spmc<u64>>(Setting::Oversubscribed);
}

#[test]
fn calls_on_one_cpu() {
    loses_nothing::<Calls>(Setting::Pinned);
}

#[test]
fn calls_oversubscribed() {
    loses_nothing::<Calls>(Setting::Oversubscribed);
}

#[test]
fn handles_on_one_cpu() {
    loses_nothing::<Handles>(Setting::Pinned);
}

#[test]
fn handles_oversubscribed() {
    loses_nothing::<Handles>(Setting::Oversubscribed);
}

/// How a queue treats every hundredth item.
type Treatment = fn(&mut VecDeque<u64>, u64);

/// A queue that treats every hundredth item as `WHICH` of these says.
struct Broken<const WHICH: usize>(Mutex<(VecDeque<u64>, usize)>);

const LOSES: Treatment = |_, _| {};
const REPEATS: Treatment = |items, item| items.extend([item, item]);
const MAKES_UP: Treatment = |items, item| items.extend([item, u64::MAX]);
const REORDERS: Treatment = |items, item| items.push_front(item);
const TREATMENTS: [Treatment; 4] = [LOSES, REPEATS, MAKES_UP, REORDERS];

impl<const WHICH: usize> Ring for Broken<WHICH> {
    const PRODUCERS: usize = 1;
    const CONSUMERS: usize = 1;

    fn new(_capacity: usize, _threads: usize) -> Self {
        Self(Mutex::default())
    }

    fn producer(&self) -> impl FnMut(u64) -> bool {
        |item| {
            let (items, pushed) = &mut *self.0.lock().unwrap();
            *pushed += 1;
            match *pushed % 100 {
                0 => TREATMENTS[WHICH](items, item),
                _ => items.push_back(item),
            }
            true
        }
    }

    fn consumer(&self) -> impl FnMut() -> Option<u64> {
        || self.0.lock().unwrap().0.pop_front()
    }
}

#[test]
fn broken_queues_are_found_out() {
    fn faults<const WHICH: usize>() -> Faults {
        run::<Broken<WHICH>>(Setting::Pinned, 8, 30_000)
    }
    let none = Faults::default;
    assert_eq!(
        faults::<0>(),
        Faults {
            lost: 300,
            ..none()
        }
    );
    assert_eq!(
        faults::<1>(),
        Faults {
            repeated: 300,
            ..none()
        }
    );
    assert_eq!(
        faults::<2>(),
        Faults {
            made_up: 300,
            ..none()
        }
    );
    let out_of_order = faults::<3>();
    assert!(out_of_order.out_of_order > 0, "{out_of_order:?}");
}
