//! Credits against plain arithmetic: whatever is done to a pool, its leases and the futures
//! that wait for some, both agree on who has how many, who is told what, and who is woken.
#![no_main]

use std::collections::{BTreeMap, VecDeque};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use ringfence::credit::{
    AcquireError, AcquireFuture, AcquireTimeoutError, Lease, OverflowError, Oversized, Pool, Rules,
    TryAcquireError,
};

#[derive(Arbitrary, Debug)]
struct Input {
    credits: Amount,
    minimum: u8,
    oversized: u8,
    steps: Vec<Step>,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Amount {
    Small(u8),
    Any(u64),
    /// Of as many as a pool can have, so many less.
    Most(u8),
}

impl Amount {
    fn get(self) -> u64 {
        match self {
            Self::Small(n) => u64::from(n),
            Self::Any(n) => n,
            Self::Most(n) => Pool::MAX - u64::from(n),
        }
    }
}

/// Leases and futures are meant modulo how many there are.
#[derive(Arbitrary, Clone, Copy, Debug)]
enum Step {
    TryAcquire(Amount),
    /// Waits for no time at all.
    AcquireTimeout(Amount),
    /// Makes a future.
    Future(Amount),
    /// Polls one, by a new waker or the one that it has.
    Poll(u8, bool),
    DropFuture(u8),
    DropLease(u8),
    Split(u8, Amount),
    Merge(u8, u8),
    MergeStranger(u8),
    ShrinkTo(u8, Amount),
    Forget(u8),
    Grow(Amount),
    Shrink(Amount),
    Resize(Amount),
    Close,
}

type Told = Result<u128, AcquireError>;

/// What the pool must come out as.
#[derive(Debug, Default)]
struct Model {
    minimum: u64,
    oversized: Oversized,
    capacity: u128,
    debt: u128,
    free: u128,
    forgotten: u128,
    peak: u128,
    closed: bool,
    /// Who waits, by number, and for how many.
    queue: VecDeque<(usize, u64)>,
    /// Who is to be told what, and has not looked.
    told: BTreeMap<usize, Told>,
}

impl Model {
    fn lent(&self) -> u128 {
        self.capacity + self.debt - self.free
    }

    fn granted(&self) -> u128 {
        self.capacity + self.debt + self.forgotten
    }

    fn least(&self, amount: u64) -> u64 {
        amount.max(self.minimum)
    }

    fn charge(&self, asked: u64) -> Result<u128, AcquireError> {
        let (asked, most) = (u128::from(asked), u128::from(Pool::MAX));
        if self.closed {
            Err(AcquireError::Closed)
        } else if asked <= self.capacity {
            Ok(asked)
        } else {
            match self.oversized {
                Oversized::Alone if self.capacity == 0 => Ok(1),
                Oversized::Alone => Ok(self.capacity),
                Oversized::Wait if asked <= most => Ok(asked),
                _ => Err(AcquireError::TooLarge),
            }
        }
    }

    fn take(&mut self, amount: u128) {
        self.free -= amount;
        self.peak = self.peak.max(self.lent());
    }

    /// `None` if it would have to wait.
    fn request(&mut self, asked: u64) -> Option<Told> {
        match self.charge(asked) {
            Ok(amount) if self.queue.is_empty() && amount <= self.free => {
                self.take(amount);
                Some(Ok(amount))
            }
            Ok(_) => None,
            Err(error) => Some(Err(error)),
        }
    }

    fn settle(&mut self) {
        let paid = self.free.min(self.debt);
        self.free -= paid;
        self.debt -= paid;
        while let Some(&(number, asked)) = self.queue.front() {
            let charge = self.charge(asked);
            match charge {
                Ok(amount) if amount > self.free => return,
                Ok(amount) => self.take(amount),
                Err(_) => {}
            }
            self.told.insert(number, charge);
            self.queue.pop_front();
        }
    }

    fn give_back(&mut self, amount: u64) {
        self.free += u128::from(amount);
        self.settle();
    }

    fn grow(&mut self, amount: u128) -> Result<(), OverflowError> {
        if self.granted() + amount > u128::from(Pool::MAX) {
            return Err(OverflowError);
        }
        let cancelled = amount.min(self.debt);
        self.debt -= cancelled;
        self.free += amount - cancelled;
        self.capacity += amount;
        self.settle();
        Ok(())
    }

    fn shrink(&mut self, amount: u128) -> u128 {
        let taken = amount.min(self.capacity);
        self.capacity -= taken;
        self.debt += taken;
        self.settle();
        taken
    }

    fn forget(&mut self, amount: u64) {
        let amount = u128::from(amount);
        let paid = amount.min(self.debt);
        self.debt -= paid;
        self.capacity -= amount - paid;
        self.forgotten += amount;
        self.settle();
    }
}

/// Counts how often it is woken.
#[derive(Default)]
struct Bell(AtomicU64);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Relaxed);
    }
}

struct Waiting {
    number: usize,
    asked: u64,
    future: AcquireFuture,
    bell: Arc<Bell>,
    has_place: bool,
}

struct World {
    pool: Pool,
    model: Model,
    leases: Vec<Lease>,
    futures: Vec<Waiting>,
    numbers: usize,
}

impl World {
    /// What came of a request is what was to come.
    fn got(&mut self, lease: Result<Lease, AcquireError>, told: Told) {
        match (lease, told) {
            (Ok(lease), Ok(amount)) => {
                assert_eq!(u128::from(lease.amount()), amount);
                self.leases.push(lease);
            }
            (lease, told) => assert_eq!(lease.map(|lease| lease.amount()).err(), told.err()),
        }
    }

    fn try_acquire(&mut self, amount: u64) {
        let told = self.model.request(self.model.least(amount));
        match (self.pool.try_acquire(amount), told) {
            (Err(error), None) => assert_eq!(error, TryAcquireError::NoCredit),
            (Ok(lease), Some(told)) => self.got(Ok(lease), told),
            (Err(error), Some(told)) => {
                assert_eq!(error, TryAcquireError::from(told.unwrap_err()));
            }
            (Ok(lease), None) => panic!("{lease:?} overtook who waits"),
        }
    }

    fn acquire_timeout(&mut self, amount: u64) {
        let told = self.model.request(self.model.least(amount));
        match (self.pool.acquire_timeout(amount, Duration::ZERO), told) {
            (Err(error), None) => assert_eq!(error, AcquireTimeoutError::Timeout),
            (Ok(lease), Some(told)) => self.got(Ok(lease), told),
            (Err(error), Some(told)) => {
                assert_eq!(error, AcquireTimeoutError::from(told.unwrap_err()));
            }
            (Ok(lease), None) => panic!("{lease:?} overtook who waits"),
        }
    }

    fn poll(&mut self, at: usize, renew: bool) {
        let waiting = &mut self.futures[at];
        if renew {
            waiting.bell = Arc::default();
        }
        let told = if waiting.has_place {
            let told = self.model.told.remove(&waiting.number);
            // Whatever the reason was, if it looks only now.
            match told {
                Some(Err(_)) if self.model.closed => Some(Err(AcquireError::Closed)),
                told => told,
            }
        } else {
            let told = self.model.request(self.model.least(waiting.asked));
            if told.is_none() {
                let asked = self.model.least(waiting.asked);
                self.model.queue.push_back((waiting.number, asked));
            }
            told
        };
        waiting.has_place = true;
        let waker = Waker::from(waiting.bell.clone());
        let mut context = Context::from_waker(&waker);
        match (Pin::new(&mut waiting.future).poll(&mut context), told) {
            (Poll::Pending, None) => {}
            (Poll::Ready(lease), Some(told)) => {
                self.futures.remove(at);
                self.got(lease, told);
            }
            (polled, told) => panic!("{polled:?}, but was to be {told:?}"),
        }
    }

    fn drop_future(&mut self, at: usize) {
        let Waiting { number, future, .. } = self.futures.remove(at);
        drop(future);
        self.model.queue.retain(|&(other, _)| other != number);
        match self.model.told.remove(&number) {
            Some(Ok(amount)) => self.model.give_back(amount as u64),
            _ => self.model.settle(),
        }
    }

    fn on_leases(&mut self, step: Step) {
        let count = self.leases.len();
        let at = |which: u8| usize::from(which) % count;
        let amount_at = |leases: &[Lease], which| leases[at(which)].amount();
        match step {
            _ if count == 0 => {}
            Step::DropLease(which) => {
                let lease = self.leases.swap_remove(at(which));
                self.model.give_back(lease.amount());
            }
            Step::Split(which, amount) => {
                let (whole, amount) = (amount_at(&self.leases, which), amount.get());
                let part = self.leases[at(which)].split(amount);
                assert_eq!(part.is_some(), amount <= whole);
                let taken = part.as_ref().map_or(0, Lease::amount);
                assert_eq!(amount_at(&self.leases, which), whole - taken);
                self.leases.extend(part);
            }
            Step::Merge(one, other) if at(one) != at(other) => {
                let sum = amount_at(&self.leases, one) + amount_at(&self.leases, other);
                let (one, other) = (at(one), at(other));
                let taken = self.leases.remove(other);
                let into = &mut self.leases[one - usize::from(other < one)];
                into.merge(taken).expect("of one pool");
                assert_eq!(into.amount(), sum);
            }
            Step::MergeStranger(which) => {
                let stranger = Pool::new(1).acquire(1).expect("it is new");
                let back = self.leases[at(which)].merge(stranger).unwrap_err();
                assert_eq!(back.into_inner().amount(), 1);
            }
            Step::ShrinkTo(which, amount) => {
                let (whole, amount) = (amount_at(&self.leases, which), amount.get());
                self.leases[at(which)].shrink_to(amount);
                let left = amount_at(&self.leases, which);
                assert_eq!(left, whole.min(amount));
                self.model.give_back(whole - left);
            }
            Step::Forget(which) => {
                let lease = self.leases.swap_remove(at(which));
                self.model.forget(lease.amount());
                lease.forget();
            }
            _ => {}
        }
    }

    fn step(&mut self, step: Step) {
        let count = self.futures.len();
        match step {
            Step::TryAcquire(amount) => self.try_acquire(amount.get()),
            Step::AcquireTimeout(amount) => self.acquire_timeout(amount.get()),
            Step::Future(amount) => {
                self.futures.push(Waiting {
                    number: self.numbers,
                    asked: amount.get(),
                    future: self.pool.acquire_async(amount.get()),
                    bell: Arc::default(),
                    has_place: false,
                });
                self.numbers += 1;
            }
            Step::Poll(..) | Step::DropFuture(_) if count == 0 => {}
            Step::Poll(which, renew) => self.poll(usize::from(which) % count, renew),
            Step::DropFuture(which) => self.drop_future(usize::from(which) % count),
            Step::Grow(amount) => {
                let grown = self.pool.grow(amount.get());
                assert_eq!(grown, self.model.grow(u128::from(amount.get())));
            }
            Step::Shrink(amount) => {
                let taken = u128::from(self.pool.shrink(amount.get()));
                assert_eq!(taken, self.model.shrink(u128::from(amount.get())));
            }
            Step::Resize(amount) => {
                let (to, now) = (u128::from(amount.get()), self.model.capacity);
                let resized = self.pool.resize(amount.get());
                let expected = match to.checked_sub(now) {
                    Some(more) => self.model.grow(more),
                    None => Ok(_ = self.model.shrink(now - to)),
                };
                assert_eq!(resized, expected);
            }
            Step::Close => {
                self.pool.close();
                self.model.closed = true;
                self.model.settle();
            }
            on_leases => self.on_leases(on_leases),
        }
    }

    /// Both agree, and all adds up.
    fn check(&self) {
        let Self { pool, model, .. } = self;
        let stats = pool.stats();
        assert!(stats.is_exact(), "{stats}");
        assert_eq!(u128::from(stats.granted), model.granted());
        assert_eq!(u128::from(stats.capacity), model.capacity);
        assert_eq!(u128::from(stats.free), model.free);
        assert_eq!(u128::from(stats.lent), model.lent());
        assert_eq!(u128::from(stats.debt), model.debt);
        assert_eq!(u128::from(stats.forgotten), model.forgotten);
        assert_eq!(u128::from(stats.high_water), model.peak);
        assert_eq!(stats.waiting, model.queue.len() as u64);
        assert_eq!(pool.is_closed(), model.closed);
        let held: u128 = self
            .leases
            .iter()
            .map(|lease| u128::from(lease.amount()))
            .sum();
        let handed: u128 = model.told.values().flatten().sum();
        assert_eq!(held + handed, model.lent());
        for waiting in &self.futures {
            let is_told = model.told.contains_key(&waiting.number);
            assert_eq!(waiting.bell.0.load(Relaxed), u64::from(is_told), "wake-ups");
        }
    }
}

fuzz_target!(|input: Input| {
    let oversized = [Oversized::Refuse, Oversized::Alone, Oversized::Wait];
    let oversized = oversized[usize::from(input.oversized) % 3];
    let minimum = u64::from(input.minimum % 4);
    let rules = Rules::default().minimum(minimum).oversized(oversized);
    let credits = input.credits.get();
    let pool = match Pool::with_rules(credits, rules) {
        Ok(pool) => pool,
        Err(OverflowError) => return assert!(credits > Pool::MAX),
    };
    let model = Model {
        minimum,
        oversized,
        capacity: u128::from(credits),
        free: u128::from(credits),
        ..Model::default()
    };
    let mut world = World {
        pool,
        model,
        leases: Vec::new(),
        futures: Vec::new(),
        numbers: 0,
    };
    for &step in &input.steps {
        world.step(step);
        world.check();
    }
    world.leases.clear();
    world.futures.clear();
    let stats = world.pool.stats();
    assert_eq!((stats.lent, stats.waiting, stats.debt), (0, 0, 0));
    assert_eq!(u128::from(stats.free), world.model.capacity);
});
