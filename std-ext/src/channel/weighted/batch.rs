//! Many items in one call.

use std::error::Error;
use std::fmt;

use super::{Cause, SendError, Sender, Weighted};
use crate::flavour::Flavour;
use crate::policy::{Sent, SentMany};

/// A closed channel or pool, or an item too heavy, ended a [`send_many`](Sender::send_many).
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SendManyError<T> {
    /// How many items were stored before.
    pub stored: usize,
    /// Those that were taken from the iterator and not stored: what the policy refused, and
    /// at the end those that are too late or too heavy.
    pub returned: Vec<T>,
    /// Why it ended.
    pub cause: Cause,
}

impl<T> fmt::Debug for SendManyError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendManyError")
            .field("stored", &self.stored)
            .field("returned", &self.returned.len())
            .field("cause", &self.cause)
            .finish()
    }
}

impl<T> fmt::Display for SendManyError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            stored,
            returned,
            cause,
        } = self;
        write!(f, "{cause}: {stored} stored, {} returned", returned.len())
    }
}

impl<T> Error for SendManyError<T> {}

impl<T, F: Flavour> Sender<T, F> {
    /// Sends all that `items` gives, as [`send`](Self::send) would one by one, but those
    /// together for which there are credits, as the sender of a
    /// [channel](crate::Sender::send_many) does.
    ///
    /// What is refused is given back together: give it no more at a time than may be in
    /// memory twice. Give `items.by_ref()` to go on with the rest after an error.
    ///
    /// ```
    /// # use ringfence::credit::Pool;
    /// # use ringfence::weighted::Cause;
    /// let pool = Pool::new(100);
    /// let (mut tx, rx) = ringfence::channel(64).weighted(&pool, |&n: &u64| n).build();
    /// let mut items = [10, 20, 101, 30].into_iter();
    /// let error = tx.send_many(items.by_ref()).unwrap_err();
    /// assert_eq!((error.stored, error.returned), (2, vec![101]));
    /// assert_eq!(error.cause, Cause::TooHeavy);
    /// assert_eq!(tx.send_many(items).unwrap().stored, 1);
    /// assert_eq!(rx.len(), 3);
    /// ```
    ///
    /// # Errors
    /// [`SendManyError`], if the channel or the pool is closed, also while waiting, or an item
    /// too heavy, with what was taken from `items` and not stored.
    ///
    /// # Panics
    /// If `items` or what weighs does. What came before is in the channel, but for what was
    /// refused, or taken back since the receiver is gone: that is counted, and dropped.
    pub fn send_many(
        &mut self,
        items: impl IntoIterator<Item = T>,
    ) -> Result<SentMany<T>, SendManyError<T>> {
        self.send_many_watched(items.into_iter(), || ())
    }

    /// The same, and keeps what `waits` gives for as long as it waits.
    pub(crate) fn send_many_watched<W>(
        &mut self,
        mut items: impl Iterator<Item = T>,
        waits: impl Fn() -> W,
    ) -> Result<SentMany<T>, SendManyError<T>> {
        let (mut stored, mut returned) = (0, Vec::new());
        loop {
            let mut unpaid = None;
            let Self {
                channel,
                pool,
                weigh,
            } = self;
            let paid = items.by_ref().map_while(|item| {
                let weight = weigh(&item);
                match pool.try_acquire(weight) {
                    Ok(lease) => Some(Weighted { item, lease }),
                    Err(error) => {
                        unpaid = Some((item, weight, Cause::from(error)));
                        None
                    }
                }
            });
            // Before it waits for more: what these weigh may be what it would wait for.
            let (sent, refused, is_closed) = match channel.send_many_watched(paid, &waits) {
                Ok(sent) => (sent.stored, sent.refused, false),
                Err(error) => (error.stored, error.returned, true),
            };
            stored += sent;
            returned.extend(refused.into_iter().map(Weighted::into_inner));
            let cause = match (unpaid, is_closed) {
                (None, true) => Cause::Disconnected,
                (None, false) => {
                    return Ok(SentMany {
                        stored,
                        refused: returned,
                        evicted: Vec::new(),
                    });
                }
                (Some((item, weight, cause)), _) => {
                    match self.send_unpaid(item, weight, cause, &waits) {
                        Ok(Sent::Refused(item)) => {
                            returned.push(item);
                            continue;
                        }
                        Ok(Sent::Stored | Sent::Evicted(_)) => {
                            stored += 1;
                            continue;
                        }
                        Err(SendError { item, cause }) => {
                            returned.push(item);
                            cause
                        }
                    }
                }
            };
            return Err(SendManyError {
                stored,
                returned,
                cause,
            });
        }
    }
}
