//! What only some flavours can: more handles, weak ones, permits.

use crate::item::{self, Bomb, Item};
use crate::kept::{self, Future, Order};
use crate::oracle::Fate;
use ringfence::flavour::{CanReserve, Flavour, OneReceiver};
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

pub struct Senders<F: Flavour> {
    pub room: Option<Room<F>>,
    pub many: Option<Clones<F>>,
}

#[derive(Clone, Copy)]
pub struct Room<F: Flavour> {
    pub permit: fn(&mut Tx<F>, Use) -> Result<Fate, TrySendError<()>>,
    pub reserve: fn(Tx<F>, u64, Order) -> Future<F>,
}

#[derive(Clone, Copy)]
pub struct Clones<F: Flavour> {
    pub clone: fn(&Tx<F>) -> Tx<F>,
    pub downgrade: fn(&Tx<F>) -> WeakTx<F>,
    pub upgrade: fn(&WeakTx<F>) -> Option<Tx<F>>,
}

/// Of a permit: whether to wait for it, and the item that is sent by it, if any.
pub struct Use {
    pub waits: bool,
    pub item: Option<u64>,
}

impl<F: Flavour> Senders<F> {
    pub fn one() -> Self
    where
        F: CanReserve,
    {
        Self {
            room: Some(Room::new()),
            many: None,
        }
    }

    pub fn many() -> Self
    where
        F: Flavour<Tx<Item>: Clone>,
    {
        Self {
            room: None,
            many: Some(Clones::new()),
        }
    }

    /// Of which each can reserve room.
    pub fn reserving() -> Self
    where
        F: CanReserve + Flavour<Tx<Item>: Clone>,
    {
        Self {
            room: Some(Room::new()),
            many: Some(Clones::new()),
        }
    }
}

impl<F: Flavour> Room<F> {
    fn new() -> Self
    where
        F: CanReserve,
    {
        Self {
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
}

impl<F: Flavour> Clones<F> {
    fn new() -> Self
    where
        F: Flavour<Tx<Item>: Clone>,
    {
        Self {
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
