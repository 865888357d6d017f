//! Stops a call at every instruction, and lets interrupts call meanwhile, which are stopped
//! at every instruction themselves.
//!
//! ```text
//! main        call ──╎                                      ╎── goes on
//! on_pended          ╎  call, call ──╎            ╎── go on
//! on_timer           ╎               ╎ call, call
//!                    n ticks         m ticks
//! ```
//!
//! An instruction takes longer than a tick (`-icount`), so when `n` grows by a tick, the
//! first stop moves on by an instruction or not at all.

use core::cell::RefCell;
use core::sync::atomic::{AtomicU32, Ordering::SeqCst};

use critical_section::Mutex;

use crate::board;
use crate::history::{Done, History, Model};

/// What may be done to a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    Push,
    Force,
    Pop,
}

/// A queue that all may call. Its capacity is at most 4.
pub trait Queue: Sync {
    fn capacity(&self) -> usize;
    /// `item` is for calls that push.
    fn call(&self, call: Call, item: u32) -> Done;
}

/// What was seen.
#[derive(Default)]
pub struct Report {
    pub histories: u32,
    /// In which main was interrupted in the middle of its call.
    pub in_main: u32,
    /// In which that interrupt was interrupted in the middle of a call, too.
    pub in_both: u32,
    /// Calls that did nothing and said so.
    pub contended: u32,
    /// No plain queue could have shown these; with a call that found it full, with one that
    /// found it empty, and others.
    pub false_full: u32,
    pub false_empty: u32,
    pub wrong: u32,
}

/// Where main and `on_pended` are.
const BEFORE: u32 = 0;
const INSIDE: u32 = 1;
const BEHIND: u32 = 2;

/// The rig. There is one, as a static.
pub struct Rig {
    history: Mutex<RefCell<History>>,
    queue: Mutex<RefCell<Option<&'static dyn Queue>>>,
    main: AtomicU32,
    pended: AtomicU32,
    /// Where they were at the first alarm, and at the second.
    main_at_first: AtomicU32,
    pended_at_second: AtomicU32,
    alarms: AtomicU32,
    /// Ticks from the first alarm to the second; none if 0.
    second: AtomicU32,
    /// Interrupts pop first and then push, or the other way round.
    pop_first: AtomicU32,
}

impl Rig {
    /// Nothing has happened.
    pub const fn new() -> Self {
        Self {
            history: Mutex::new(RefCell::new(History::new())),
            queue: Mutex::new(RefCell::new(None)),
            main: AtomicU32::new(BEFORE),
            pended: AtomicU32::new(BEFORE),
            main_at_first: AtomicU32::new(BEFORE),
            pended_at_second: AtomicU32::new(BEFORE),
            alarms: AtomicU32::new(0),
            second: AtomicU32::new(0),
            pop_first: AtomicU32::new(0),
        }
    }

    /// Calls, and notes when and what came of it.
    fn call(&self, call: Call, item: u32) {
        let (queue, number) = critical_section::with(|masked| {
            let number = self.history.borrow_ref_mut(masked).begin();
            (self.queue.borrow_ref(masked).expect("there is one"), number)
        });
        let done = queue.call(call, item);
        critical_section::with(|masked| {
            self.history.borrow_ref_mut(masked).end(number, done);
        });
    }

    fn two_calls(&self, item: u32) {
        if self.pop_first.load(SeqCst) != 0 {
            self.call(Call::Pop, 0);
            self.call(Call::Push, item);
        } else {
            self.call(Call::Push, item);
            self.call(Call::Pop, 0);
        }
    }

    /// The interrupt of the higher priority.
    pub fn on_timer(&self) {
        let alarms = self.alarms.load(SeqCst);
        self.alarms.store(alarms + 1, SeqCst);
        let second = self.second.load(SeqCst);
        if alarms > 0 {
            self.pended_at_second
                .store(self.pended.load(SeqCst), SeqCst);
            return self.two_calls(300);
        }
        self.main_at_first.store(self.main.load(SeqCst), SeqCst);
        board::pend();
        if second == 0 {
            self.two_calls(300);
        } else {
            board::alarm(second);
        }
    }

    /// The interrupt of the lower priority.
    pub fn on_pended(&self) {
        self.pended.store(INSIDE, SeqCst);
        self.two_calls(200);
        self.pended.store(BEHIND, SeqCst);
    }

    /// One history: `fill` items inside, and `call` by main.
    fn once(&self, queue: &dyn Queue, fill: u32, call: Call, first: u32, report: &mut Report) {
        for item in 0..fill {
            assert_eq!(queue.call(Call::Push, item), Done::Pushed(item));
        }
        for place in [
            &self.main,
            &self.pended,
            &self.main_at_first,
            &self.pended_at_second,
        ] {
            place.store(BEFORE, SeqCst);
        }
        self.alarms.store(0, SeqCst);
        critical_section::with(|masked| self.history.replace(masked, History::new()));

        board::alarm(first);
        self.main.store(INSIDE, SeqCst);
        self.call(call, 100);
        self.main.store(BEHIND, SeqCst);
        let alarms = if self.second.load(SeqCst) == 0 { 1 } else { 2 };
        while self.alarms.load(SeqCst) < alarms || self.pended.load(SeqCst) != BEHIND {}

        let left = core::iter::from_fn(|| match queue.call(Call::Pop, 0) {
            Done::Popped(item) => Some(item),
            _ => None,
        });
        let last = Model::with(queue.capacity(), left);
        let model = Model::with(queue.capacity(), 0..fill);
        let history = critical_section::with(|masked| self.history.take(masked));
        report.note(&history, model, last);
        if self.main_at_first.load(SeqCst) == INSIDE {
            report.in_main += 1;
            report.in_both += u32::from(self.pended_at_second.load(SeqCst) == INSIDE);
        }
    }

    /// All of it: every call by main, in every state of the queue, with interrupts that push
    /// and pop, and pop and push. `n` takes every value; `m` one in `stride` for each `n`, so
    /// that it takes every value too.
    pub fn sweep(&self, queue: &'static dyn Queue, calls: &[Call], stride: u32) -> Report {
        let mut report = Report::default();
        critical_section::with(|masked| self.queue.replace(masked, Some(queue)));
        for fill in 0..=queue.capacity() as u32 {
            for &call in calls {
                for pop_first in [0, 1] {
                    self.pop_first.store(pop_first, SeqCst);
                    self.sweep_times(queue, fill, call, stride, &mut report);
                }
            }
        }
        report
    }

    fn sweep_times(
        &self,
        queue: &dyn Queue,
        fill: u32,
        call: Call,
        stride: u32,
        report: &mut Report,
    ) {
        for first in 1.. {
            self.second.store(0, SeqCst);
            self.once(queue, fill, call, first, report);
            if self.main_at_first.load(SeqCst) == BEHIND {
                return;
            }
            let mut second = 1 + first % stride;
            while self.main_at_first.load(SeqCst) == INSIDE {
                self.second.store(second, SeqCst);
                self.once(queue, fill, call, first, report);
                if self.pended_at_second.load(SeqCst) == BEHIND {
                    break;
                }
                second += stride;
            }
        }
    }
}

impl Default for Rig {
    fn default() -> Self {
        Self::new()
    }
}

impl Report {
    fn note(&mut self, history: &History, first: Model, last: Model) {
        let saw = |done| history.results().any(|result| result == done);
        self.histories += 1;
        self.contended += u32::from(saw(Done::Contended));
        if history.is_explained(first, last) {
            return;
        }
        if saw(Done::Full) {
            self.false_full += 1;
        } else if saw(Done::Empty) {
            self.false_empty += 1;
        } else {
            self.wrong += 1;
        }
    }

    /// Nothing was seen that a plain queue does not show.
    pub fn is_clean(&self) -> bool {
        self.false_full + self.false_empty + self.wrong == 0
    }
}

impl core::fmt::Display for Report {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(
            f,
            "{} histories, main interrupted in {}, and the interrupt in {}; contended {}; \
             false full {}, false empty {}, wrong {}",
            self.histories,
            self.in_main,
            self.in_both,
            self.contended,
            self.false_full,
            self.false_empty,
            self.wrong
        )
    }
}
