//! Models of how two selects meet, without a channel, and what goes wrong if they do not do
//! all of it. `meeting_selects` and `meeting_either_way` do.

use std::sync::Arc;
use std::time::Duration;

use loom::sync::Mutex;
use loom::thread;
use ringfence::event::Event;
use ringfence::select::case::{Case, End};
use ringfence::select::select;
use ringfence::wait::{Party, Patience};

use crate::harness::Model;

pub(crate) const MODELS: &[Model] = &[
    Model::new("party_looks_before_it_bids", || meets(Rule::LooksFirst)).broken(),
    Model::new("party_stays_open", || either_way(Rule::StaysOpen)).broken(),
];

/// What breaks it.
#[derive(Clone, Copy, PartialEq)]
enum Rule {
    /// Leaves its bid only when it has looked for an ask.
    LooksFirst,
    /// Meets another without closing itself.
    StaysOpen,
}

/// Where selects leave asks and bids.
struct Place {
    event: Event,
    left: Mutex<Left>,
}

#[derive(Default)]
struct Left {
    /// Each with whether it was met.
    asks: Vec<(Party, bool)>,
    bids: Vec<Party>,
}

impl Place {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            event: Event::new(),
            left: Mutex::new(Left::default()),
        })
    }

    fn meet(&self, by: Option<&Party>) -> Option<()> {
        let mut left = self.left.lock().unwrap();
        let (met, is_met) = left.asks.iter_mut().find(|(ask, _)| ask.meet(by))?;
        *is_met = true;
        met.wake();
        Some(())
    }

    fn ask(&self, party: &Party) {
        let mut left = self.left.lock().unwrap();
        left.asks.push((party.clone(), false));
        for bid in &left.bids {
            bid.wake();
        }
    }

    fn bid(&self, party: &Party) {
        self.left.lock().unwrap().bids.push(party.clone());
    }
}

/// A case of a select that bids, by some rule, or that asks.
struct Side<'a> {
    place: &'a Place,
    bids: Option<Rule>,
    patience: Patience,
}

impl<'a> End<'a> for Side<'a> {
    type Done = ();

    fn attempt(&mut self) -> Option<()> {
        self.bids.and_then(|_| self.place.meet(None))
    }

    fn is_live(&self) -> bool {
        true
    }

    fn event(&self) -> &'a Event {
        &self.place.event
    }

    fn can_meet(&self) -> bool {
        true
    }

    fn appear(&mut self, party: &Party) -> Option<()> {
        let Some(rule) = self.bids else {
            self.place.ask(party);
            return None;
        };
        let early = (rule == Rule::LooksFirst).then(|| self.meet(party));
        self.place.bid(party);
        early.unwrap_or_else(|| self.meet(party))
    }

    fn meet(&mut self, party: &Party) -> Option<()> {
        let by = (self.bids? != Rule::StaysOpen).then_some(party);
        self.place.meet(by)
    }

    fn disappear(&mut self, _party: &Party) -> Option<()> {
        let mut left = self.place.left.lock().unwrap();
        if self.bids.is_some() {
            left.bids.clear();
            return None;
        }
        let ask = left.asks.pop();
        ask.and_then(|(_, is_met)| is_met.then_some(()))
    }

    fn has_more(&self) -> bool {
        false
    }

    fn patience(&mut self) -> &mut Patience {
        &mut self.patience
    }

    fn count_unready(&self) {}

    fn count_blocked(&self, _time: Duration) {}
}

/// Says whether it was that one.
fn case(place: &Place, bids: Option<Rule>) -> Case<'_, Side<'_>, impl FnMut(()) -> bool> {
    let side = Side {
        place,
        bids,
        patience: Patience::default(),
    };
    Case::new(side, move |()| bids.is_some())
}

/// One bids, the other asks.
fn meets(rule: Rule) {
    let place = Place::new();
    let other = place.clone();
    let asks = thread::spawn(move || select(case(&other, None)).wait());
    assert!(select(case(&place, Some(rule))).wait());
    assert!(!asks.join().unwrap());
}

/// Each asks at one place and bids at the other: they meet at one of them.
fn either_way(rule: Rule) {
    let [here, there] = [Place::new(), Place::new()];
    let (their, our) = (here.clone(), there.clone());
    let other = thread::spawn(move || select((case(&their, Some(rule)), case(&our, None))).wait());
    let bid = select((case(&there, Some(rule)), case(&here, None))).wait();
    assert!(bid != other.join().unwrap());
}
