//! Histories of a few operations on a few threads, each of which must be explained
//! by some order of the operations that a plain queue would have followed, in which
//! whatever ended before another began comes first (Herlihy and Wing, 1990; the
//! search is that of Wing and Gong, 1993, with a memory of what was tried).

use std::collections::{HashSet, VecDeque};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;

use ringfence_core::mpmc::{PopError, PushError, Ring, Words};

const THREADS: usize = 3;
const OPERATIONS: usize = 3;

/// What can be asked of a queue with a capacity.
trait Queue: Sync {
    fn push(&self, item: usize) -> bool;
    fn force_push(&self, item: usize) -> Option<usize>;
    fn pop(&self) -> Option<usize>;
    fn is_empty(&self) -> bool;
    fn is_full(&self) -> bool;
}

impl<const N: usize> Queue for Ring<usize, N> {
    fn push(&self, item: usize) -> bool {
        match self.try_push(item) {
            Ok(()) => true,
            Err(PushError::Full(_)) => false,
            Err(PushError::Busy(_)) => panic!("there are more spares than threads"),
        }
    }
    fn force_push(&self, item: usize) -> Option<usize> {
        Ring::force_push(self, item).expect("there are more spares than threads")
    }
    fn pop(&self) -> Option<usize> {
        match self.try_pop() {
            Ok(item) => Some(item),
            Err(PopError::Empty) => None,
            Err(PopError::Busy) => panic!("there are more spares than threads"),
        }
    }
    fn is_empty(&self) -> bool {
        Ring::is_empty(self)
    }
    fn is_full(&self) -> bool {
        Ring::is_full(self)
    }
}

impl<const N: usize> Queue for Words<u32, N> {
    fn push(&self, item: usize) -> bool {
        self.try_push(item as u32).is_ok()
    }
    fn force_push(&self, item: usize) -> Option<usize> {
        Words::force_push(self, item as u32).map(|item| item as usize)
    }
    fn pop(&self) -> Option<usize> {
        self.try_pop().map(|item| item as usize)
    }
    fn is_empty(&self) -> bool {
        Words::is_empty(self)
    }
    fn is_full(&self) -> bool {
        Words::is_full(self)
    }
}

/// A queue that looks first and takes later.
struct Broken(Mutex<VecDeque<usize>>, usize);

impl Queue for Broken {
    fn push(&self, item: usize) -> bool {
        let mut items = self.0.lock().unwrap();
        let room = items.len() < self.1;
        items.extend(room.then_some(item));
        room
    }
    fn force_push(&self, item: usize) -> Option<usize> {
        let mut items = self.0.lock().unwrap();
        items.push_back(item);
        if items.len() > self.1 {
            items.pop_front()
        } else {
            None
        }
    }
    fn pop(&self) -> Option<usize> {
        let first = self.0.lock().unwrap().front().copied();
        thread::yield_now();
        self.0.lock().unwrap().pop_front();
        first
    }
    fn is_empty(&self) -> bool {
        self.0.lock().unwrap().is_empty()
    }
    fn is_full(&self) -> bool {
        self.0.lock().unwrap().len() == self.1
    }
}

/// One operation, and what it returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Done {
    Push(usize, bool),
    ForcePush(usize, Option<usize>),
    Pop(Option<usize>),
    IsEmpty(bool),
    IsFull(bool),
}

impl Done {
    /// Runs an operation chosen by `random`.
    fn run(queue: &impl Queue, random: usize, item: usize) -> Self {
        match random % 8 {
            0..3 => Self::Push(item, queue.push(item)),
            3 => Self::ForcePush(item, queue.force_push(item)),
            4..6 => Self::Pop(queue.pop()),
            6 => Self::IsEmpty(queue.is_empty()),
            _ => Self::IsFull(queue.is_full()),
        }
    }

    /// Whether a plain queue would have returned the same; does it there.
    fn explains(self, items: &mut VecDeque<usize>, capacity: usize) -> bool {
        let full = items.len() == capacity;
        match self {
            Self::Push(item, stored) => {
                items.extend((!full).then_some(item));
                stored != full
            }
            Self::ForcePush(item, evicted) => {
                let oldest = if full { items.pop_front() } else { None };
                items.push_back(item);
                evicted == oldest
            }
            Self::Pop(popped) => popped == items.pop_front(),
            Self::IsEmpty(empty) => empty == items.is_empty(),
            Self::IsFull(is_full) => is_full == full,
        }
    }
}

/// An operation, and when it began and ended.
#[derive(Clone, Copy, Debug)]
struct Event {
    begin: usize,
    end: usize,
    done: Done,
}

/// Whether some order explains the history.
fn is_linearizable(history: &[Event], capacity: usize) -> bool {
    let mut tried = HashSet::new();
    let mut open = vec![(0u32, VecDeque::new())];
    while let Some((past, items)) = open.pop() {
        if past.count_ones() as usize == history.len() {
            return true;
        }
        if !tried.insert((past, items.clone())) {
            continue;
        }
        let left = || (0..history.len()).filter(|&i| past & (1 << i) == 0);
        let first_end = left().map(|i| history[i].end).min().unwrap_or(usize::MAX);
        for i in left().filter(|&i| history[i].begin < first_end) {
            let mut items = items.clone();
            if history[i].done.explains(&mut items, capacity) {
                open.push((past | 1 << i, items));
            }
        }
    }
    false
}

/// Runs so many histories, each on a fresh queue, and returns how many have no
/// explanation, and how many had operations at the same time.
fn check<Q: Queue>(
    histories: usize,
    capacity: usize,
    fresh: impl Fn() -> Q + Sync,
) -> (usize, usize) {
    let queues: Vec<Q> = (0..histories).map(|_| fresh()).collect();
    let clock = AtomicUsize::new(0);
    let arrived = AtomicUsize::new(0);
    // Not a barrier that sleeps: who is awake at once works at once.
    let meet = |history: usize| {
        arrived.fetch_add(1, SeqCst);
        for spins in 0.. {
            if arrived.load(SeqCst) >= (history + 1) * THREADS {
                break;
            }
            if spins % 64 == 63 {
                thread::yield_now();
            }
            std::hint::spin_loop();
        }
    };
    let run = |thread: usize| {
        let mut random = 0x9e37_79b9 + thread;
        let mut events = Vec::with_capacity(histories * OPERATIONS);
        for (history, queue) in queues.iter().enumerate() {
            meet(history);
            for operation in 0..OPERATIONS {
                random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (0..random >> 8 & 31).for_each(|_| std::hint::spin_loop());
                let begin = clock.fetch_add(1, SeqCst);
                let done = Done::run(queue, random >> 16, thread * OPERATIONS + operation);
                let end = clock.fetch_add(1, SeqCst);
                events.push(Event { begin, end, done });
            }
        }
        events
    };
    let run = &run;
    let events: Vec<Vec<Event>> = thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|i| scope.spawn(move || run(i))).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    let history = |i: usize| {
        let own = |events: &Vec<Event>| events[i * OPERATIONS..(i + 1) * OPERATIONS].to_vec();
        events.iter().flat_map(own).collect::<Vec<_>>()
    };
    let overlaps = |history: &[Event]| {
        let pairs = history
            .iter()
            .flat_map(|a| history.iter().map(move |b| (a, b)));
        pairs
            .filter(|(a, b)| a.begin < b.begin && b.begin < a.end)
            .count()
            > 0
    };
    let all = || (0..histories).map(history);
    let unexplained = all()
        .filter(|history| !is_linearizable(history, capacity))
        .count();
    (
        unexplained,
        all().filter(|history| overlaps(history)).count(),
    )
}

/// How many histories for each capacity: a third of them in all.
fn histories() -> usize {
    let chosen = std::env::var("RINGFENCE_HISTORIES").ok();
    chosen.map_or(100_000, |n| n.parse().expect("a number")) / 3 + 1
}

#[test]
fn every_history_of_mpmc_is_that_of_a_queue() {
    let n = histories();
    let results = [
        check(n, 1, Ring::<usize, 1>::new),
        check(n, 2, Ring::<usize, 2>::new),
        check(n, 3, Ring::<usize, 3>::new),
    ];
    let overlapping: usize = results.iter().map(|(_, overlapping)| overlapping).sum();
    println!(
        "{} histories, {overlapping} with operations at the same time",
        3 * n
    );
    assert!(
        results.iter().all(|(unexplained, _)| *unexplained == 0),
        "{results:?}"
    );
    assert!(
        overlapping > n / 100,
        "too little happens at once: {overlapping}"
    );
}

#[test]
fn every_history_of_words_is_that_of_a_queue() {
    let n = histories();
    let results = [
        check(n, 1, Words::<u32, 1>::new),
        check(n, 2, Words::<u32, 2>::new),
        check(n, 3, Words::<u32, 3>::new),
    ];
    let overlapping: usize = results.iter().map(|(_, overlapping)| overlapping).sum();
    println!(
        "{} histories, {overlapping} with operations at the same time",
        3 * n
    );
    assert!(
        results.iter().all(|(unexplained, _)| *unexplained == 0),
        "{results:?}"
    );
    assert!(
        overlapping > n / 100,
        "too little happens at once: {overlapping}"
    );
}

#[test]
fn a_broken_queue_is_found_out() {
    let (unexplained, _) = check(20_000, 2, || Broken(Mutex::default(), 2));
    assert!(unexplained > 0);
}

#[test]
fn histories_that_no_queue_has_are_rejected() {
    let event = |begin, end, done| Event { begin, end, done };
    let one = event(0, 1, Done::Push(1, true));
    let two = event(2, 3, Done::Push(2, true));
    assert!(!is_linearizable(
        &[one, two, event(4, 5, Done::Pop(Some(2)))],
        3
    ));
    assert!(!is_linearizable(&[one, event(2, 3, Done::Pop(None))], 3));
    assert!(!is_linearizable(
        &[one, event(2, 3, Done::Push(2, false))],
        2
    ));
    // At the same time, either order will do.
    let late = event(0, 3, Done::Push(2, true));
    assert!(is_linearizable(
        &[one, late, event(4, 5, Done::Pop(Some(2)))],
        3
    ));
}
