//! What only some flavours can: more handles, weak ones, permits.

use crate::item::{self, Bomb, Item};
use crate::kept::{self, Future, Order};
use crate::oracle::Fate;
use ringfence::flavour::{Flavour, OneReceiver, OneSender};
use ringfence::{Receiver, Sender, TryRecvError, TrySendError, WeakReceiver, WeakSender};

pub type Tx<F> = Sender<Item, F>;
pub type WeakTx<F> = WeakSender<Item, F>;
pub type WeakRx<F> = WeakReceiver<Item, F>;

/// A receiver, and what is known of it.
pub struct Rx<F: Flavour> {
    pub rx: Receiver<Item, F>,
    /// How many were lost when it was last asked.
    pub known_lost: u64,
    /// Whether it has said `Disconnected`.
    pub is_done: bool,
}

impl<F: Flavour> Rx<F> {
    pub fn new(rx: Receiver<Item, F>) -> Self {
        Self {
            rx,
            known_lost: 0,
            is_done: false,
        }
    }
}

pub enum Senders<F: Flavour> {
    One {
        permit: fn(&mut Tx<F>, Use) -> Result<Fate, TrySendError<()>>,
        reserve: fn(Tx<F>, u64, Order) -> Future<F>,
    },
    Many {
        clone: fn(&Tx<F>) -> Tx<F>,
        downgrade: fn(&Tx<F>) -> WeakTx<F>,
        upgrade: fn(&WeakTx<F>) -> Option<Tx<F>>,
    },
}

/// Of a permit: whether to wait for it, and the item that is sent by it, if any.
pub struct Use {
    pub waits: bool,
    pub item: Option<u64>,
}

impl<F: Flavour> Senders<F> {
    pub fn one() -> Self
    where
        F: OneSender,
    {
        Self::One {
            permit: |tx, Use { waits, item }| {
                let permit = if waits {
                    tx.reserve()?
                } else {
                    tx.try_reserve()?
                };
                let sent = item.map(|number| Fate::of(permit.send(Item::new(number))));
                Ok(sent.unwrap_or(Fate::Stored))
            },
            reserve: |tx, number, order| Box::pin(kept::reserve(tx, number, order)),
        }
    }

    pub fn many() -> Self
    where
        F: Flavour<Tx<Item>: Clone>,
    {
        Self::Many {
            clone: Clone::clone,
            downgrade: Sender::downgrade,
            upgrade: WeakSender::upgrade,
        }
    }
}

pub enum Receivers<F: Flavour> {
    One {
        poll: Poll<F>,
    },
    Many {
        clone: fn(&Receiver<Item, F>) -> Receiver<Item, F>,
        downgrade: fn(&Receiver<Item, F>) -> Option<WeakRx<F>>,
        upgrade: fn(&WeakRx<F>) -> Option<Receiver<Item, F>>,
    },
}

/// Two polls of at most so many: the first batch is dropped, of the second so many are
/// committed, modulo what is there.
pub struct Polls {
    pub limit: usize,
    pub commits: u8,
    pub bomb: Option<Bomb>,
}

type Poll<F> = fn(Receiver<Item, F>, Polls) -> (Receiver<Item, F>, Option<Polled>);

/// What was in both, and how many were to be committed; whether a `Drop` panicked.
pub type Polled = Result<(Vec<u64>, usize, bool), TryRecvError>;

/// Nothing where items do not stay in their slots.
fn poll<F: OneReceiver>(
    rx: Receiver<Item, F>,
    polls: Polls,
) -> (Receiver<Item, F>, Option<Polled>) {
    let mut rx = match rx.polled() {
        Ok(rx) => rx,
        Err(refused) => return (refused.into_inner(), None),
    };
    let Polls {
        limit,
        commits,
        bomb,
    } = polls;
    let mut twice = || {
        let first: Vec<_> = rx.try_poll(limit)?.iter().map(item::peek).collect();
        let batch = rx.try_poll(limit)?;
        assert!(batch.iter().map(item::peek).eq(first.iter().copied()));
        assert_eq!(batch.redelivered(), first.len());
        let n = usize::from(commits) % (batch.len() + 1);
        let panicked = item::caught(bomb, || batch.commit_up_to(n)).is_none();
        Ok((first, n, panicked))
    };
    let polled = twice();
    (rx.into_inner(), Some(polled))
}

impl<F: Flavour> Receivers<F> {
    pub fn one() -> Self
    where
        F: OneReceiver,
    {
        Self::One { poll }
    }

    pub fn many() -> Self
    where
        F: Flavour<Rx<Item>: Clone>,
    {
        Self::Many {
            clone: Clone::clone,
            downgrade: Receiver::downgrade,
            upgrade: WeakReceiver::upgrade,
        }
    }
}
