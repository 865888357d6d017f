//! The strategies: how the ends of each are made, and what is said of it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::ValueEnum;
use ringfence::age::{CoDel, Rule, Timed, Ttl};
use ringfence::credit::Pool;
use ringfence::pull::{self, PublisherExt};
use ringfence::{Builder, EarlyDrop, Monitor, OnFull, Reason};

use crate::ends::{Asked, Input, Output, TrySender};
use crate::ledger::{Fate, Item, Ledger};

/// Items that are asked for in advance.
const BATCH: usize = 32;
/// Bytes that a weighted channel holds, for each item that it could hold.
const BYTES: u64 = 256;

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Strategy {
    Block,
    Pull,
    Weighted,
    Reject,
    DropNewest,
    DropOldest,
    DropRandom,
    Ttl,
    Codel,
}

/// Both ends of one, and what looks at it.
pub(crate) struct Ends {
    pub(crate) input: Box<dyn Input>,
    pub(crate) output: Box<dyn Output>,
    /// Of each channel on the way, in order.
    pub(crate) monitors: Vec<Monitor>,
}

impl Strategy {
    pub(crate) fn name(self) -> String {
        let value = self.to_possible_value();
        value.expect("none is skipped").get_name().into()
    }

    /// What it gives, and what it costs.
    pub(crate) fn meaning(self) -> [&'static str; 2] {
        match self {
            Self::Block => [
                "nothing is lost",
                "the source waits, and is late with all that follows",
            ],
            Self::Pull => [
                "nothing is lost; hardly anything waits inside",
                "as block; the source must be able to wait to be asked",
            ],
            Self::Weighted => [
                "nothing is lost; memory is bounded in bytes",
                "as block; credits for each item",
            ],
            Self::Reject => [
                "the source never waits, and decides itself",
                "what it does not send again is lost",
            ],
            Self::DropNewest => [
                "the source never waits; what came first is kept",
                "the newest are lost; the others wait for a full queue",
            ],
            Self::DropOldest => [
                "the source never waits; the latest are delivered",
                "the oldest are lost, after they have waited in vain",
            ],
            Self::DropRandom => [
                "the source never waits; gaps come early, but are small",
                "some are lost before it is full",
            ],
            Self::Ttl => [
                "nothing that is delivered has waited for long",
                "what has is lost; the newest too, if it is full",
            ],
            Self::Codel => [
                "short bursts lose nothing; lasting waits are cut",
                "made for sources that react to drops; this one does not",
            ],
        }
    }

    /// How old an item may be when it is delivered, if the strategy says so.
    pub(crate) fn oldest(self, capacity: usize, service: Duration) -> Option<Duration> {
        // A fifth of what a full queue takes.
        (self == Self::Ttl).then(|| service * capacity as u32 / 5)
    }

    /// `service` is what the consumer takes for an item.
    pub(crate) fn ends(self, capacity: usize, service: Duration, ledger: &Arc<Ledger>) -> Ends {
        let noted = ledger.clone();
        let channel = |capacity| -> Builder<Timed<Item>> {
            ringfence::channel(capacity).on_drop(move |item: &Timed<Item>, reason| match reason {
                Reason::Expired => noted.note(Fate::Expired, item.get().id),
                Reason::Drained => noted.note(Fate::Drained, item.get().id),
                _ => {} // comes back to the sender
            })
        };
        let policy = match self {
            Self::Pull => {
                let (tx, rx) = channel(1).build();
                let monitor = rx.monitor();
                let items = pull::from_channel(rx, pull::on_thread).items(BATCH);
                return Ends {
                    input: Box::new(tx),
                    monitors: vec![monitor, items.monitor()],
                    output: Box::new(Asked(items)),
                };
            }
            Self::Weighted => {
                let bytes = Pool::new((capacity as u64 * BYTES).max(1 << 16));
                let weigh = |item: &Timed<Item>| item.get().bytes.len() as u64;
                let (tx, rx) = channel(capacity).weighted(&bytes, weigh).build();
                return Ends {
                    input: Box::new(tx),
                    monitors: vec![rx.monitor()],
                    output: Box::new(rx),
                };
            }
            Self::Block | Self::Reject => OnFull::Block,
            Self::DropOldest => OnFull::DropOldest,
            Self::DropNewest | Self::Ttl | Self::Codel => OnFull::DropNewest,
            Self::DropRandom => {
                let rule = EarlyDrop::new(capacity / 4, capacity, 1.0);
                OnFull::DropRandom(rule.expect("a quarter is below the whole"))
            }
        };
        let (tx, rx) = channel(capacity).on_full(policy).build();
        let monitors = vec![rx.monitor()];
        let freshness = match self.oldest(capacity, service) {
            Some(oldest) => Freshness::Ttl(Ttl::new(oldest)),
            None if self == Self::Codel => Freshness::CoDel(CoDel::default()),
            None => Freshness::Any,
        };
        Ends {
            input: if self == Self::Reject {
                Box::new(TrySender(tx))
            } else {
                Box::new(tx)
            },
            output: Box::new(rx.fresh(freshness)),
            monitors,
        }
    }
}

/// Which items have not waited too long.
#[derive(Clone)]
pub(crate) enum Freshness {
    Any,
    Ttl(Ttl),
    CoDel(CoDel),
}

impl Rule for Freshness {
    fn keeps(&mut self, sent: Instant, now: Instant, is_last: impl FnOnce() -> bool) -> bool {
        match self {
            Self::Any => true,
            Self::Ttl(rule) => rule.keeps(sent, now, is_last),
            Self::CoDel(rule) => rule.keeps(sent, now, is_last),
        }
    }
}
