//! Histories of a few operations on a few threads, each of which must be explained
//! by some order of the operations that a plain queue would have followed, in which
//! whatever ended before another began comes first (Herlihy and Wing, 1990; the
//! search is that of Wing and Gong, 1993, with a memory of what was tried).

use std::collections::{HashSet, VecDeque};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;

use ringfence_core::{mpmc, stamped};

const THREADS: usize = 3;
const OPERATIONS: usize = 3;

/// What can be asked of a queue with a capacity.
trait Queue: Sync {
    fn push(&self, item: usize) -> Done;
    fn pop(&self) -> Done;
    fn is_empty(&self) -> bool;
    fn is_full(&self) -> bool;
    /// What not every queue can do.
    fn more(&self, random: usize, item: usize) -> Done;
}

impl<const N: usize> Queue for mpmc::Ring<usize, N> {
    fn push(&self, item: usize) -> Done {
        match self.try_push(item) {
            Ok(()) => Done::Push(item, true),
            Err(mpmc::PushError::Full(_)) => Done::Push(item, false),
            Err(mpmc::PushError::Busy(_)) => panic!("there are more spares than threads"),
        }
    }
    fn pop(&self) -> Done {
        match self.try_pop() {
            Ok(item) => Done::Pop(Some(item)),
            Err(mpmc::PopError::Empty) => Done::Pop(None),
            Err(mpmc::PopError::Busy) => panic!("there are more spares than threads"),
        }
    }
    fn is_empty(&self) -> bool {
        mpmc::Ring::is_empty(self)
    }
    fn is_full(&self) -> bool {
        mpmc::Ring::is_full(self)
    }
    fn more(&self, _random: usize, item: usize) -> Done {
        let evicted = self.force_push(item);
        Done::ForcePush(item, evicted.expect("there are more spares than threads"))
    }
}

/// A push counts from its claim, and so does a pop.
impl<const N: usize> Queue for stamped::Ring<usize, N> {
    fn push(&self, item: usize) -> Done {
        match self.try_push(item) {
            Ok(()) => Done::Push(item, true),
            Err(stamped::PushError::Full(_)) => Done::Push(item, false),
            Err(stamped::PushError::Contended(_)) => Done::Contended,
        }
    }
    fn pop(&self) -> Done {
        match self.try_pop() {
            Ok(item) => Done::Pop(Some(item)),
            Err(stamped::PopError::Empty) => Done::Pop(None),
            Err(stamped::PopError::Contended) => Done::Contended,
        }
    }
    fn is_empty(&self) -> bool {
        stamped::Ring::is_empty(self)
    }
    fn is_full(&self) -> bool {
        stamped::Ring::is_full(self)
    }
    fn more(&self, random: usize, item: usize) -> Done {
        let mut two = [item, item + THREADS * OPERATIONS];
        if random % 2 == 0 {
            Done::PushSome(two, self.push_slice(&two))
        } else {
            let n = self.pop_slice(&mut two);
            Done::PopSome(two, n)
        }
    }
}

impl<const N: usize> Queue for mpmc::Words<u32, N> {
    fn push(&self, item: usize) -> Done {
        Done::Push(item, self.try_push(item as u32).is_ok())
    }
    fn pop(&self) -> Done {
        Done::Pop(self.try_pop().map(|item| item as usize))
    }
    fn is_empty(&self) -> bool {
        mpmc::Words::is_empty(self)
    }
    fn is_full(&self) -> bool {
        mpmc::Words::is_full(self)
    }
    fn more(&self, _random: usize, item: usize) -> Done {
        let evicted = self.force_push(item as u32);
        Done::ForcePush(item, evicted.map(|item| item as usize))
    }
}

/// A queue that looks first and takes later.
struct Broken(Mutex<VecDeque<usize>>, usize);

impl Queue for Broken {
    fn push(&self, item: usize) -> Done {
        let mut items = self.0.lock().unwrap();
        let room = items.len() < self.1;
        items.extend(room.then_some(item));
        Done::Push(item, room)
    }
    fn pop(&self) -> Done {
        let first = self.0.lock().unwrap().front().copied();
        thread::yield_now();
        self.0.lock().unwrap().pop_front();
        Done::Pop(first)
    }
    fn is_empty(&self) -> bool {
        self.0.lock().unwrap().is_empty()
    }
    fn is_full(&self) -> bool {
        self.0.lock().unwrap().len() == self.1
    }
    fn more(&self, _random: usize, item: usize) -> Done {
        let mut items = self.0.lock().unwrap();
        items.push_back(item);
        let full = items.len() > self.1;
        Done::ForcePush(item, if full { items.pop_front() } else { None })
    }
}

/// One operation, and what it returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Done {
    Push(usize, bool),
    ForcePush(usize, Option<usize>),
    Pop(Option<usize>),
    /// So many of two, at one instant.
    PushSome([usize; 2], usize),
    PopSome([usize; 2], usize),
    IsEmpty(bool),
    IsFull(bool),
    /// Nothing, since somebody else was not through.
    Contended,
}

impl Done {
    /// Runs an operation chosen by `random`.
    fn run(queue: &impl Queue, random: usize, item: usize) -> Self {
        match random % 8 {
            0..3 => queue.push(item),
            3 => queue.more(random / 8, item),
            4..6 => queue.pop(),
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
            // Fewer than there is room for, or than there are, will do.
            Self::PushSome(two, n) => {
                items.extend(&two[..n]);
                items.len() <= capacity
            }
            Self::PopSome(two, n) => {
                n <= items.len() && items.drain(..n).eq(two[..n].iter().copied())
            }
            Self::IsEmpty(empty) => empty == items.is_empty(),
            Self::IsFull(is_full) => is_full == full,
            Self::Contended => true,
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
    // Other operations in each run.
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    let seed = RUNS.fetch_add(THREADS, SeqCst);
    let run = |thread: usize| {
        let mut random = (seed + thread).wrapping_mul(0x9e37_79b9);
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

/// How many histories for each ring and capacity: a ninth of them in all.
fn histories() -> usize {
    let chosen = std::env::var("RINGFENCE_HISTORIES").ok();
    chosen.map_or(100_000, |n| n.parse().expect("a number")) / 9 + 1
}

/// Pieces of so many, each with threads of its own: some of them get a CPU each, however
/// busy the machine is.
const PIECE: usize = 500;

/// In one test, since rings that are checked at once would take each other's CPUs.
#[test]
fn every_history_is_that_of_a_queue() {
    type Check = fn() -> (usize, usize);
    let rings: [(&str, Check); 9] = [
        ("mpmc 1", || check(PIECE, 1, mpmc::Ring::<usize, 1>::new)),
        ("mpmc 2", || check(PIECE, 2, mpmc::Ring::<usize, 2>::new)),
        ("mpmc 3", || check(PIECE, 3, mpmc::Ring::<usize, 3>::new)),
        ("words 1", || check(PIECE, 1, mpmc::Words::<u32, 1>::new)),
        ("words 2", || check(PIECE, 2, mpmc::Words::<u32, 2>::new)),
        ("words 3", || check(PIECE, 3, mpmc::Words::<u32, 3>::new)),
        ("stamped 1", || {
            check(PIECE, 1, stamped::Ring::<usize, 1>::new)
        }),
        ("stamped 2", || {
            check(PIECE, 2, stamped::Ring::<usize, 2>::new)
        }),
        ("stamped 3", || {
            check(PIECE, 3, stamped::Ring::<usize, 3>::new)
        }),
    ];
    let pieces = histories().div_ceil(PIECE);
    for (ring, check) in rings {
        let (mut all, mut at_once) = (0, 0);
        // At least 1 in 1000 with something at the same time; else go on, for a while.
        while all < pieces * PIECE || (at_once < all / 1000 && all < 20 * pieces * PIECE) {
            let (unexplained, overlapping) = check();
            assert_eq!(unexplained, 0, "{ring}");
            all += PIECE;
            at_once += overlapping;
        }
        println!("{ring}: {all} histories, {at_once} with operations at the same time");
        assert!(at_once >= all / 1000, "too little happens at once");
    }
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
    assert!(is_linearizable(&[one, event(2, 3, Done::Contended)], 3));
    let both = event(4, 5, Done::PopSome([1, 2], 2));
    assert!(is_linearizable(&[one, two, both], 3));
    assert!(!is_linearizable(&[one, both], 3));
    let both = event(2, 3, Done::PushSome([2, 3], 2));
    assert!(is_linearizable(&[one, both], 3));
    assert!(!is_linearizable(&[one, both], 2));
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
