//! Ends of any strategy.

use std::error::Error;
use std::sync::Arc;

use ringfence::age::{Fresh, Timed};
use ringfence::flavour::Mpmc;
use ringfence::pull::Items;
use ringfence::weighted::{self, Weighted};
use ringfence::{Receiver, Sender, Sent};

use crate::ledger::Item;
use crate::strategy::Freshness;

/// Where items go in.
pub(crate) trait Input: Send {
    /// What does not go in, or is pushed out, comes back.
    fn send(&mut self, item: Timed<Item>) -> Sent<Timed<Item>>;

    fn another(&self) -> Box<dyn Input>;
}

/// Where they come out.
pub(crate) trait Output: Send {
    /// Waits for an item, shows it, and drops it; `false` at the end.
    fn next(&mut self, work: &mut dyn FnMut(&Item)) -> bool;

    /// Another one of the same, if there may be several.
    fn another(&self) -> Option<Box<dyn Output>>;
}

impl Input for Sender<Timed<Item>> {
    fn send(&mut self, item: Timed<Item>) -> Sent<Timed<Item>> {
        let sent = Sender::send(self, item);
        sent.unwrap_or_else(|closed| Sent::Refused(closed.0))
    }

    fn another(&self) -> Box<dyn Input> {
        Box::new(self.clone())
    }
}

impl Input for weighted::Sender<Timed<Item>> {
    fn send(&mut self, item: Timed<Item>) -> Sent<Timed<Item>> {
        let sent = weighted::Sender::send(self, item);
        sent.unwrap_or_else(|error| Sent::Refused(error.into_inner()))
    }

    fn another(&self) -> Box<dyn Input> {
        Box::new(self.clone())
    }
}

/// Sends only if there is room.
pub(crate) struct TrySender(pub(crate) Sender<Timed<Item>>);

impl Input for TrySender {
    fn send(&mut self, item: Timed<Item>) -> Sent<Timed<Item>> {
        match self.0.try_send(item) {
            Ok(()) => Sent::Stored,
            Err(error) => Sent::Refused(error.into_inner()),
        }
    }

    fn another(&self) -> Box<dyn Input> {
        Box::new(Self(self.0.clone()))
    }
}

impl Output for Fresh<Item, Mpmc, Freshness> {
    fn next(&mut self, work: &mut dyn FnMut(&Item)) -> bool {
        self.recv().map(|item| work(&item)).is_ok()
    }

    fn another(&self) -> Option<Box<dyn Output>> {
        Some(Box::new(self.clone()))
    }
}

impl Output for Receiver<Weighted<Timed<Item>>> {
    fn next(&mut self, work: &mut dyn FnMut(&Item)) -> bool {
        // Its credits are lent until it is dropped, after the work.
        self.recv().map(|item| work(item.get())).is_ok()
    }

    fn another(&self) -> Option<Box<dyn Output>> {
        Some(Box::new(self.clone()))
    }
}

/// Items that were asked for.
pub(crate) struct Asked(pub(crate) Items<Timed<Item>, Arc<dyn Error + Send + Sync>>);

impl Output for Asked {
    fn next(&mut self, work: &mut dyn FnMut(&Item)) -> bool {
        let item = self.0.next();
        item.map(|item| work(item.expect("the source does not fail").get()))
            .is_some()
    }

    fn another(&self) -> Option<Box<dyn Output>> {
        None
    }
}
