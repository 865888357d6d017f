//! Many items in one call.

use std::collections::VecDeque;

use super::Sender;
use crate::error::{SendError, SendManyError};
use crate::flavour::Flavour;
use crate::policy::{Reason, Sent, SentMany};
use crate::ring::Tx;

impl<T, F: Flavour> Sender<T, F> {
    /// Sends all that `items` gives, as [`send`](Self::send) would one by one, but
    /// publishes together what fits, and wakes once for it. Of the flavour
    /// [`Spsc`](crate::flavour::Spsc), that is all that there is room for; of the others, up
    /// to 16 items. One by one go items of more than 64 bytes where there are many senders,
    /// and all items with [`OnFull::DropOldest`](crate::OnFull::DropOldest) or
    /// [`OnFull::DropRandom`](crate::OnFull::DropRandom).
    ///
    /// What is refused or evicted is given back together: give it no more at a time than
    /// may be in memory twice. Give `items.by_ref()` to go on with the rest after an error.
    ///
    /// What `items` gives may be received only when all that is published together has been
    /// given. So an iterator that waits, for the receiver or for anything else, holds back
    /// what it gave before: send such items one by one.
    ///
    /// # Errors
    /// [`SendManyError`], if the channel is closed or the receiver gone, with
    /// what was taken from `items` and not stored.
    ///
    /// # Panics
    /// If `items` does. What it gave before is in the channel, but for what was
    /// refused or evicted, or taken back since the receiver is gone, or had its room taken
    /// by another sender: that is counted, and dropped.
    pub fn send_many(
        &mut self,
        items: impl IntoIterator<Item = T>,
    ) -> Result<SentMany<T>, SendManyError<T>> {
        self.send_many_by(items.into_iter(), Self::send)
    }

    /// The same; those that cannot go together are sent by `send`.
    pub(in crate::channel) fn send_many_by(
        &mut self,
        mut items: impl Iterator<Item = T>,
        mut send: impl FnMut(&mut Self, T) -> Result<Sent<T>, SendError<T>>,
    ) -> Result<SentMany<T>, SendManyError<T>> {
        let mut many = Many::NONE;
        loop {
            let together = !self.is_early && !self.shared.items.is_closed();
            let ended = together && self.push_some(&mut items, &mut send, &mut many);
            if many.closed {
                return Err(many.into());
            }
            let next = if ended { None } else { items.next() };
            let Some(item) = next else {
                return Ok(many.sent);
            };
            many.add(send(self, item));
            if many.closed {
                return Err(many.into());
            }
        }
    }

    /// Pushes what `items` gives, as much as there is room for, and attends to the receivers
    /// once for those that are published together. Says whether `items` has ended.
    #[inline]
    fn push_some(
        &mut self,
        items: &mut impl Iterator<Item = T>,
        send: impl FnMut(&mut Self, T) -> Result<Sent<T>, SendError<T>>,
        many: &mut Many<T>,
    ) -> bool {
        let mut left = Left {
            sender: self,
            items: VecDeque::new(),
        };
        let Sender { tx, shared, .. } = &mut *left.sender;
        let ended = tx.push_run(items, &mut left.items, |first, n| {
            many.sent.stored += n;
            if shared.items.wants_attention() {
                let returned = shared.attend(first, n);
                shared.counts.send.refused_closed.add(returned.len() as u64);
                many.take_back(returned);
            }
        });
        left.send(send, many);
        ended
    }
}

/// What became of many items.
struct Many<T> {
    sent: SentMany<T>,
    /// Whether some were refused since the channel is closed.
    closed: bool,
}

impl<T> Many<T> {
    const NONE: Self = Self {
        sent: SentMany {
            stored: 0,
            refused: Vec::new(),
            evicted: Vec::new(),
        },
        closed: false,
    };

    fn add(&mut self, sent: Result<Sent<T>, SendError<T>>) {
        let many = &mut self.sent;
        match sent {
            Ok(Sent::Stored) => many.stored += 1,
            Ok(Sent::Refused(item)) => many.refused.push(item),
            Ok(Sent::Evicted(item)) => {
                many.stored += 1;
                many.evicted.push(item);
            }
            Err(SendError(item)) => {
                many.refused.push(item);
                self.closed = true;
            }
        }
    }

    /// Of those that were stored.
    fn take_back(&mut self, mut returned: Vec<T>) {
        self.sent.stored -= returned.len();
        self.closed |= !returned.is_empty();
        self.sent.refused.append(&mut returned);
    }
}

impl<T> From<Many<T>> for SendManyError<T> {
    fn from(many: Many<T>) -> Self {
        let SentMany {
            stored,
            refused: returned,
            evicted,
        } = many.sent;
        Self {
            stored,
            returned,
            evicted,
        }
    }
}

/// Items of a batch for which there was room until another took it. Those that are not
/// sent after all, since somebody panics, are cancelled.
struct Left<'a, T, F: Flavour> {
    sender: &'a mut Sender<T, F>,
    items: VecDeque<T>,
}

impl<T, F: Flavour> Left<'_, T, F> {
    fn send(
        &mut self,
        mut send: impl FnMut(&mut Sender<T, F>, T) -> Result<Sent<T>, SendError<T>>,
        many: &mut Many<T>,
    ) {
        while let Some(item) = self.items.pop_front() {
            many.add(send(self.sender, item));
        }
    }
}

impl<T, F: Flavour> Drop for Left<'_, T, F> {
    fn drop(&mut self) {
        let shared = &self.sender.shared;
        let cancelled = self.items.len() as u64;
        shared.counts.send.refused_cancelled.add(cancelled);
        for item in self.items.drain(..) {
            shared.dropped(&item, Reason::Cancelled);
        }
    }
}
