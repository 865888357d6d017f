//! No ring at all: items go from a sender to a receiver, and lie nowhere in between.
//!
//! ```text
//! sender that waits   place an offer  ─┐                 ┌─ taken: it has been sent
//!                                      ├─ in a queue ────┤
//! sender that doesn't bind a receiver ─┘                 └─ withdrawn by who placed it
//! ```
//!
//! An offer is *placed* by a sender that waits until it is taken, and can withdraw it. It
//! is *bound* if its sender has gone on: then a receiver has announced itself before, which
//! goes on waiting until it has got something. A bound offer is as an item in a ring; one
//! that is placed belongs to its sender.
//!
//! So there are always at least as many announced receivers as offers up to the last that
//! is bound: one is bound only if there are more of them than offers; a receiver that takes
//! an offer and leaves makes both one less; and one that would leave with nothing may do so
//! only if there are enough others.
//!
//! Nobody can rely on a select, which may do something else. So while it is asleep, it leaves
//! an *ask* for each of its receives. Whoever finds one hands its item over there and then,
//! if it can end that select's wait; and a select that sends ends its own with it. A
//! sending select that finds none leaves a *bid*, and each ask that comes wakes it, to look
//! again. Both are left under the lock, and only while their select is open (see [`Party`]),
//! so of two that wait the second one finds what the first one left.

use std::collections::VecDeque;
use std::sync::Arc;

use super::{Gauge, Reading, Rx, Ticket, Tx};
use crate::sync::{Mutex, lock};
use crate::wait::Party;

/// The end that pushes, and all that can be seen of it.
#[derive(Debug)]
pub(crate) struct Handoff<T>(Arc<Mutex<State<T>>>);

/// The end that pops.
#[derive(Debug)]
pub(crate) struct Taker<T> {
    handoff: Handoff<T>,
    is_announced: bool,
}

#[derive(Debug)]
struct State<T> {
    /// The first is taken first. Tickets ascend.
    offers: VecDeque<Offer<T>>,
    next: Ticket,
    /// How many of the offers are bound.
    bound: usize,
    /// How many receivers are announced.
    announced: usize,
    /// How many offers have been taken, and items handed over.
    popped: usize,
    /// Selects that wait to receive. The first is met first.
    asks: VecDeque<Ask<T>>,
    /// Selects that wait to send.
    bids: Vec<Party>,
}

#[derive(Debug)]
struct Ask<T> {
    party: Party,
    /// What was handed over.
    item: Option<T>,
}

#[derive(Debug)]
struct Offer<T> {
    ticket: Ticket,
    item: T,
    is_bound: bool,
}

impl<T> Handoff<T> {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(State {
            offers: VecDeque::new(),
            next: 0,
            bound: 0,
            announced: 0,
            popped: 0,
            asks: VecDeque::new(),
            bids: Vec::new(),
        })))
    }

    pub(crate) fn taker(&self) -> Taker<T> {
        Taker {
            handoff: self.clone(),
            is_announced: false,
        }
    }
}

/// What selects do. Those of one select are alike: whichever case it is that has come.
impl<T> Handoff<T> {
    /// Hands over to the first select that can be met; `by` one that waits as well, or by
    /// nobody who waits. `Err` if there is none.
    pub(crate) fn hand(&self, item: T, by: Option<&Party>) -> Result<(), T> {
        let mut state = lock(&self.0);
        let Some(ask) = state.asks.iter_mut().find(|ask| ask.party.meet(by)) else {
            return Err(item);
        };
        ask.item = Some(item);
        let met = ask.party.clone();
        state.popped = state.popped.wrapping_add(1);
        drop(state);
        met.wake();
        Ok(())
    }

    /// Leaves an ask, and wakes the selects that wait for one.
    pub(crate) fn ask(&self, party: &Party) {
        let mut state = lock(&self.0);
        state.asks.push_back(Ask {
            party: party.clone(),
            item: None,
        });
        for other in state.bids.iter().filter(|bid| !bid.is(party)) {
            other.wake();
        }
    }

    /// Takes an ask away, with what was handed over.
    pub(crate) fn answer(&self, party: &Party) -> Option<T> {
        let mut state = lock(&self.0);
        let at = state.asks.iter().position(|ask| ask.party.is(party))?;
        state.asks.remove(at)?.item
    }

    /// Leaves a bid.
    pub(crate) fn bid(&self, party: &Party) {
        lock(&self.0).bids.push(party.clone());
    }

    /// Takes a bid away.
    pub(crate) fn unbid(&self, party: &Party) {
        let mut state = lock(&self.0);
        if let Some(at) = state.bids.iter().position(|bid| bid.is(party)) {
            state.bids.swap_remove(at);
        }
    }
}

impl<T> State<T> {
    /// Whether some announced receiver has nothing to take yet.
    fn has_spare_receiver(&self) -> bool {
        self.announced > self.offers.len()
    }

    fn offer(&mut self, item: T, is_bound: bool) -> Ticket {
        let ticket = self.next;
        self.next = ticket.wrapping_add(1);
        self.bound += usize::from(is_bound);
        self.offers.push_back(Offer {
            ticket,
            item,
            is_bound,
        });
        ticket
    }

    /// Where among the offers; `None` once it was taken.
    fn find(&self, ticket: Ticket) -> Option<usize> {
        let first = self.offers.front()?.ticket;
        let distance = |ticket: Ticket| ticket.wrapping_sub(first);
        self.offers
            .binary_search_by_key(&distance(ticket), |offer| distance(offer.ticket))
            .ok()
    }

    fn take_at(&mut self, at: usize) -> Option<Offer<T>> {
        let offer = self.offers.remove(at)?;
        self.bound -= usize::from(offer.is_bound);
        self.popped = self.popped.wrapping_add(1);
        Some(offer)
    }
}

impl<T> Clone for Handoff<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

/// Another receiver, of which nobody knows yet.
impl<T> Clone for Taker<T> {
    fn clone(&self) -> Self {
        self.handoff.taker()
    }
}

impl<T> Tx<T> for Handoff<T> {
    fn push(&mut self, item: T) -> Result<Ticket, T> {
        let mut state = lock(&self.0);
        if state.has_spare_receiver() {
            Ok(state.offer(item, true))
        } else {
            Err(item)
        }
    }

    fn place(&mut self, item: T) -> Result<Ticket, T> {
        Ok(lock(&self.0).offer(item, false))
    }

    fn is_placed(&mut self, ticket: Ticket) -> bool {
        lock(&self.0).find(ticket).is_some()
    }

    fn withdraw(&mut self, ticket: Ticket) -> Option<T> {
        let mut state = lock(&self.0);
        let at = state.find(ticket)?;
        state.offers.remove(at).map(|offer| offer.item)
    }
}

impl<T> Rx<T> for Taker<T> {
    fn pop(&mut self) -> Option<T> {
        let mut state = lock(&self.handoff.0);
        let offer = state.take_at(0)?;
        if std::mem::take(&mut self.is_announced) {
            state.announced -= 1;
        }
        Some(offer.item)
    }

    fn take_stored(&mut self) -> Option<(Ticket, T)> {
        let mut state = lock(&self.handoff.0);
        let at = state.offers.iter().position(|offer| offer.is_bound)?;
        let offer = state.take_at(at)?;
        Some((offer.ticket, offer.item))
    }

    fn pop_each(&mut self, limit: usize, each: impl FnMut(T)) -> usize {
        let items = std::iter::from_fn(|| self.pop());
        items.take(limit).map(each).count()
    }

    fn is_drained(&mut self) -> bool {
        lock(&self.handoff.0).offers.is_empty()
    }

    fn announce(&mut self) -> bool {
        lock(&self.handoff.0).announced += usize::from(!self.is_announced);
        self.is_announced = true;
        true
    }

    fn try_leave(&mut self) -> bool {
        let mut state = lock(&self.handoff.0);
        if self.is_announced && state.has_spare_receiver() {
            state.announced -= 1;
            self.is_announced = false;
        }
        !self.is_announced
    }

    /// What is bound stays, as in a ring.
    fn leave(&mut self) {
        if std::mem::take(&mut self.is_announced) {
            lock(&self.handoff.0).announced -= 1;
        }
    }
}

impl<T> Gauge for Handoff<T> {
    fn capacity(&self) -> usize {
        0
    }

    /// What is placed is nowhere yet.
    fn read(&self) -> Reading {
        let state = lock(&self.0);
        Reading {
            popped: state.popped,
            evicted: 0,
            depth: state.bound,
            is_exact: true,
        }
    }

    fn len(&self) -> usize {
        0
    }

    fn offered(&self) -> usize {
        lock(&self.0).offers.len()
    }
}
