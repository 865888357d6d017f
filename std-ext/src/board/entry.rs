//! What has gone by one name, one after the other.

use std::mem;

/// What can be put on a board.
pub(super) trait Source {
    type State;
    /// Counts of several, added up.
    type Total: Clone + Default;

    fn state(&self) -> Self::State;
    fn add(total: &mut Self::Total, state: &Self::State);
    /// Whether its counts are final.
    fn has_ended(&self) -> bool;
    /// Whether both look at the same.
    fn is_same(&self, other: &Self) -> bool;
}

pub(super) struct Entry<S: Source> {
    pub(super) now: S,
    pub(super) replaced: u64,
    /// Those that were replaced and have not ended.
    earlier: Vec<S>,
    /// What those counted that have.
    past: S::Total,
}

impl<S: Source> Entry<S> {
    pub(super) fn new(now: S) -> Self {
        Self {
            now,
            replaced: 0,
            earlier: Vec::new(),
            past: S::Total::default(),
        }
    }

    /// Puts another there. What nobody needs any more goes to `spent`, to be dropped under no
    /// lock.
    pub(super) fn put(&mut self, source: S, spent: &mut Vec<S>) {
        let replaced = mem::replace(&mut self.now, source);
        if replaced.is_same(&self.now) {
            spent.push(replaced);
            return;
        }
        self.replaced += 1;
        // One that comes back is not counted twice.
        let (same, others) = mem::take(&mut self.earlier)
            .into_iter()
            .partition::<Vec<_>, _>(|earlier| earlier.is_same(&self.now));
        spent.extend(same);
        self.earlier = others;
        self.earlier.push(replaced);
        self.settle(spent);
    }

    /// How it stands now, and what all that had the name have counted.
    pub(super) fn read(&mut self, spent: &mut Vec<S>) -> (S::State, S::Total) {
        self.settle(spent);
        let now = self.now.state();
        let mut total = self.past.clone();
        for earlier in &self.earlier {
            S::add(&mut total, &earlier.state());
        }
        S::add(&mut total, &now);
        (now, total)
    }

    #[cfg(test)]
    pub(super) fn has_earlier(&self) -> bool {
        !self.earlier.is_empty()
    }

    /// Keeps of those that have ended only what they counted.
    fn settle(&mut self, spent: &mut Vec<S>) {
        for source in mem::take(&mut self.earlier) {
            if source.has_ended() {
                S::add(&mut self.past, &source.state());
                spent.push(source);
            } else {
                self.earlier.push(source);
            }
        }
    }
}
