//! Whether what callers saw could have been seen of a plain queue: linearizability
//! (Herlihy and Wing 1990), by trying every order that respects time.

/// The largest capacity.
const SLOTS: usize = 4;
/// The most calls in one history.
const CALLS: usize = 8;

/// What came of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    Pushed(u32),
    Full,
    /// Pushed the first, evicted the second, if any.
    Forced(u32, Option<u32>),
    Popped(u32),
    Empty,
    /// Nothing, and said so.
    Contended,
}

/// A plain queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Model {
    items: [u32; SLOTS],
    len: usize,
    capacity: usize,
}

impl Model {
    /// Of some capacity, with items.
    pub fn with(capacity: usize, items: impl Iterator<Item = u32>) -> Self {
        let mut model = Self {
            items: [0; SLOTS],
            len: 0,
            capacity,
        };
        items.for_each(|item| assert!(model.push(item)));
        model
    }

    fn push(&mut self, item: u32) -> bool {
        let fits = self.len < self.capacity;
        if fits {
            self.items[self.len] = item;
            self.len += 1;
        }
        fits
    }

    fn pop(&mut self) -> Option<u32> {
        let oldest = (self.len > 0).then_some(self.items[0]);
        if oldest.is_some() {
            self.items.copy_within(1.., 0);
            self.items[SLOTS - 1] = 0;
            self.len -= 1;
        }
        oldest
    }

    /// Whether it would have done the same; if so, it has.
    fn does(&mut self, done: Done) -> bool {
        match done {
            Done::Pushed(item) => self.push(item),
            Done::Full => self.len == self.capacity,
            Done::Forced(item, evicted) => {
                let oldest = if self.len == self.capacity {
                    self.pop()
                } else {
                    None
                };
                oldest == evicted && self.push(item)
            }
            Done::Popped(item) => self.pop() == Some(item),
            Done::Empty => self.len == 0,
            Done::Contended => true,
        }
    }
}

/// A call, and when it was, as counted by beginnings and ends.
#[derive(Clone, Copy)]
struct Call {
    begin: u8,
    end: u8,
    done: Done,
}

/// What callers saw, who may have interrupted each other.
pub struct History {
    calls: [Call; CALLS],
    len: usize,
    time: u8,
}

impl History {
    /// Nothing yet.
    pub const fn new() -> Self {
        const NONE: Call = Call {
            begin: 0,
            end: u8::MAX,
            done: Done::Contended,
        };
        Self {
            calls: [NONE; CALLS],
            len: 0,
            time: 0,
        }
    }

    /// A call begins; its number.
    pub fn begin(&mut self) -> usize {
        self.time += 1;
        self.calls[self.len].begin = self.time;
        self.len += 1;
        self.len - 1
    }

    /// It ends.
    pub fn end(&mut self, call: usize, done: Done) {
        self.time += 1;
        self.calls[call].end = self.time;
        self.calls[call].done = done;
    }

    /// What came of the calls.
    pub fn results(&self) -> impl Iterator<Item = Done> {
        self.calls[..self.len].iter().map(|call| call.done)
    }

    /// Whether a plain queue leads from the first state to the last.
    pub fn is_explained(&self, first: Model, last: Model) -> bool {
        self.leads(first, last, (1 << self.len) - 1)
    }

    /// With the calls that are `left`, a bit each.
    fn leads(&self, now: Model, last: Model, left: u32) -> bool {
        let calls = || (0..self.len).filter(|call| left & 1 << call != 0);
        // What ended before another began comes before it.
        let first_end = calls().map(|call| self.calls[call].end).min();
        let Some(first_end) = first_end else {
            return now == last;
        };
        calls()
            .filter(|&call| self.calls[call].begin < first_end)
            .any(|call| {
                let mut next = now;
                next.does(self.calls[call].done) && self.leads(next, last, left & !(1 << call))
            })
    }
}

impl Default for History {
    fn default() -> Self {
        Self::new()
    }
}
