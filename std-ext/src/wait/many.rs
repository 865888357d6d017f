//! How a thread waits for the first of several things: as for one, with a place at the
//! event of each.
//!
//! Each place may be given a wake-up, and only one thing is done. So every wake-up that
//! came is passed on if there is more of what it was for, also that of the thing that was
//! done.
//!
//! Where it takes two that wait, of which each may do something else, there is no event for
//! it: while it sleeps, a thread can be met.

use std::task::Waker;
use std::time::{Duration, Instant};

use super::order::Order;
use super::parker::{Borrowed, Parker};
use super::{Event, Party, Patience, Place, spin, sync};

/// One of several things that a thread tries to do.
pub trait Chance {
    /// Does it, and keeps what came of it; `false`, and no effect, if it cannot be done
    /// now.
    fn attempt(&mut self) -> bool;

    /// Whether it can ever be done.
    fn is_live(&self) -> bool;

    /// Takes a place in the queue for it. Says whether a wake-up will come for certain.
    fn take_place(&mut self, waker: &Waker) -> bool;

    /// Whether a wake-up has come.
    fn is_woken(&self) -> bool;

    /// Whether another that waits can do it together with this thread.
    fn can_meet(&self) -> bool;

    /// Lets others do so from now on, or does it with one, and keeps what came of it.
    fn appear(&mut self, party: &Party) -> bool;

    /// Does it with one that has come since.
    fn meet(&mut self, party: &Party) -> bool;

    /// Lets others do so no longer. Whether one has done it: then keeps what came of it.
    fn disappear(&mut self, party: &Party) -> bool;

    /// Leaves the queue. A wake-up that came is passed on by
    /// [`pass_on`](Self::pass_on), or kept.
    fn leave(&mut self);

    /// Gives up the place; what it was woken for, another has taken.
    fn keep(&mut self);

    /// Gives up the place; if it was woken and there is more, another is.
    fn pass_on(&mut self);

    /// Whether spinning for it has paid.
    fn patience(&mut self) -> &mut Patience;

    /// Counts that it could not be done at once.
    fn count_unready(&self);

    /// Counts that so long was waited for it.
    fn count_blocked(&self, time: Duration);
}

/// Several things, of which a thread does the first that it can.
pub trait Chances {
    /// How many there are.
    fn size(&self) -> usize;

    /// One of them; `None` if it is left out.
    fn get(&mut self, at: usize) -> Option<&mut dyn Chance>;
}

/// A place in the queue of an event, while it is taken.
#[derive(Default)]
pub(crate) struct Spot<'a>(Option<Place<'a>>);

impl<'a> Spot<'a> {
    pub(crate) fn take(&mut self, event: &'a Event, waker: &Waker) -> bool {
        let (place, certain) = Place::take(event, waker.clone());
        self.0 = Some(place);
        certain
    }

    pub(crate) fn is_woken(&self) -> bool {
        self.0.as_ref().is_some_and(Place::is_woken)
    }

    pub(crate) fn leave(&mut self) {
        self.0.iter_mut().for_each(Place::leave);
    }

    pub(crate) fn keep(&mut self) {
        if let Some(mut place) = self.0.take() {
            place.leave();
            place.woken = false;
        }
    }

    pub(crate) fn pass_on(&mut self, more: impl FnOnce() -> bool) {
        if let Some(mut place) = self.0.take() {
            place.leave();
            place.woken = place.woken && more();
        }
    }
}

/// Does the first thing that can be done; says which.
#[inline]
pub(crate) fn look(chances: &mut (impl Chances + ?Sized), order: Order) -> Option<usize> {
    first(chances, order, |chance| chance.attempt())
}

/// Which is the first with which `act` succeeds.
#[inline]
fn first(
    chances: &mut (impl Chances + ?Sized),
    mut order: Order,
    mut act: impl FnMut(&mut dyn Chance) -> bool,
) -> Option<usize> {
    order.find(|&at| chances.get(at).is_some_and(&mut act))
}

fn each(chances: &mut dyn Chances, mut act: impl FnMut(&mut dyn Chance)) {
    for at in 0..chances.size() {
        if let Some(chance) = chances.get(at) {
            act(chance);
        }
    }
}

fn any(chances: &mut dyn Chances, is_so: impl Fn(&dyn Chance) -> bool) -> bool {
    (0..chances.size()).any(|at| chances.get(at).is_some_and(|chance| is_so(chance)))
}

/// Counts for each that nothing could be done at once.
#[cold]
pub(crate) fn count_unready(chances: &mut dyn Chances) {
    each(chances, |chance| chance.count_unready());
}

/// Looks until something can be done or `deadline` is over; in between waits for the events
/// of all. Looks at least once after the deadline.
///
/// Whoever was woken passes it on if there is more, whichever thing was done.
///
/// # Panics
/// If there is no deadline, and nothing that can ever be done.
#[cold]
#[track_caller]
pub(crate) fn wait_any(
    chances: &mut dyn Chances,
    order: Order,
    deadline: Option<Instant>,
) -> Option<usize> {
    count_unready(chances);
    let (mut live, mut spins) = (false, false);
    each(chances, |chance| {
        live |= chance.is_live();
        spins |= chance.is_live() && chance.patience().spins();
    });
    assert!(
        live || deadline.is_some(),
        "a select without a case that can ever be ready"
    );
    let start = Instant::now();
    let done = wait_uncounted(chances, order, deadline, spins);
    let time = start.elapsed();
    each(chances, |chance| chance.count_blocked(time));
    done
}

fn wait_uncounted(
    chances: &mut dyn Chances,
    order: Order,
    deadline: Option<Instant>,
    spins: bool,
) -> Option<usize> {
    if deadline.is_some_and(sync::is_over) {
        return look(chances, order);
    }
    if spins {
        if let Some(at) = spin(deadline, &mut || look(chances, order)) {
            chances.get(at)?.patience().has_paid();
            return Some(at);
        }
    }
    each(chances, |chance| chance.patience().in_vain());
    // Where all share a CPU, another side may get a whole batch done.
    sync::yield_now();
    if let Some(at) = look(chances, order) {
        return Some(at);
    }
    let parker = Parker::borrow();
    loop {
        let (mut places, certain) = Places::take(chances, &parker.waker());
        let mut done = look(places.0, order);
        let mut in_time = true;
        if done.is_none() {
            let sleep = || {
                if certain {
                    parker.park(deadline)
                } else {
                    parker.nap(deadline)
                }
            };
            if places.can_meet() {
                (done, in_time) = places.wait_to_meet(order, &parker, certain, sleep);
            } else {
                in_time = sleep();
            }
        }
        // Before it looks: what comes once it has looked wakes another.
        each(places.0, |chance| chance.leave());
        if done.is_none() {
            done = look(places.0, order);
        }
        if done.is_some() || !in_time {
            return done;
        }
        places.keep();
    }
}

/// A place for each thing. Gone, it has passed on each wake-up; so also when an attempt
/// panics.
struct Places<'a>(&'a mut dyn Chances);

impl<'a> Places<'a> {
    fn take(chances: &'a mut dyn Chances, waker: &Waker) -> (Self, bool) {
        let places = Self(chances);
        let mut certain = true;
        each(places.0, |chance| {
            if chance.is_live() {
                certain &= chance.take_place(waker);
            }
        });
        (places, certain)
    }

    fn can_meet(&mut self) -> bool {
        any(self.0, |chance| chance.can_meet())
    }

    /// Sleeps until it is woken for one of its places, or is met, or meets one that comes.
    /// Says what was done by meeting, and whether there was time left.
    ///
    /// Whoever comes to be met wakes it for none of its places, and it stays open: so of two
    /// that wait for each other one finds the other open, unless something else happens to
    /// them meanwhile. No code of others runs while it is open.
    fn wait_to_meet(
        &mut self,
        order: Order,
        parker: &Borrowed,
        certain: bool,
        sleep: impl Fn() -> bool,
    ) -> (Option<usize>, bool) {
        let party = parker.party();
        party.open();
        let mut in_time = true;
        let mut done = first(self.0, order, |chance| chance.appear(&party));
        while done.is_none() {
            in_time = sleep();
            parker.forget_wake_up();
            let looks = !in_time || !certain;
            if looks || !party.is_open() || any(self.0, |chance| chance.is_woken()) {
                break;
            }
            done = first(self.0, order, |chance| chance.meet(&party));
        }
        party.close();
        let is_met = |chance: &mut dyn Chance| chance.disappear(&party);
        for at in 0..self.0.size() {
            if self.0.get(at).is_some_and(is_met) {
                done = Some(at);
            }
        }
        (done, in_time)
    }

    /// What it was woken for, others have taken.
    fn keep(&mut self) {
        each(self.0, |chance| chance.keep());
    }
}

impl Drop for Places<'_> {
    fn drop(&mut self) {
        each(self.0, |chance| chance.pass_on());
    }
}
