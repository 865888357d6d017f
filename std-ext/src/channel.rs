//! Channels: a ring, waiting, a policy and accounts.
//!
//! A send is `try_push`, then a look whether the receiver sleeps; if the ring
//! is full, the policy says what happens. A receive is `try_pop`, then a look
//! whether the sender sleeps. Nobody takes a lock unless somebody sleeps or the
//! channel closes.
//!
//! # Progress
//!
//! A send or receive that does not have to wait is an operation of the ring, and has
//! its guarantee: of the flavour `Spsc` it is wait-free; of the others it is not even
//! lock-free, since who is stopped in the middle of one holds up others (see
//! [`stamped`](ringfence_core::stamped)). If the other side sleeps, or the channel is
//! closed and it is a send, or a receive that finds it empty, then it takes a short lock
//! as well, wakes the other side outside it, and is blocking in Herlihy's sense. So are
//! closing, dropping an end, and statistics. Waiting is blocking by its nature: by
//! [`std::thread::park`], so that it may use up a token that was meant for the
//! thread's own parking, which must expect that.
//!
//! # Closing
//!
//! Any end closes the channel by `close`, and the last one of a side by being dropped.
//! From then on sends give their item back. What is inside can still be received, then
//! receives say `Disconnected`; if it is the last receiver that is dropped, what is
//! inside is dropped with it.
//!
//! Nothing is lost on the way. A push that was under way when the channel closed
//! is either found by a receiver or taken back by its sender:
//!
//! * a receiver says `Disconnected` only after it has found the ring drained under
//!   the lock of `retired`, and left a consumer there;
//! * a sender that sees the channel closed after its push looks there. If it finds a
//!   consumer, it pops what there is, and keeps its own, which it knows by the ticket
//!   of its push. What is others' waits for them, or, when no receiver is left, is
//!   dropped.
//!
//! By the fences of [`event`](crate::event) the receiver sees the push or the
//! sender sees the channel closed; by the lock it is not both that give it up.

pub(crate) mod receiver;
pub(crate) mod sender;
#[cfg(test)]
mod tests;

pub use self::receiver::{IntoIter, Iter, Receiver, TryIter};
pub use self::sender::Sender;

use std::fmt;
use std::marker::PhantomData;
use std::panic::{RefUnwindSafe, UnwindSafe};

use ringfence_core::spsc::CapacityError;

use crate::event::Event;
use crate::fence::Fence;
use crate::flavour::{Flavour, Mpmc, Mpsc, Spmc, Spsc};
use crate::policy::OnFull;
use crate::ring::{Rx, Ticket, Tx};
use crate::stats::{Counts, Monitor, Stats};
use crate::sync::{Arc, AtomicUsize, Mutex, Ordering, Padded, lock};

/// What the ends share, beside the ring.
struct Shared<T, F: Flavour> {
    /// Items have come: receivers wait for it. Closed when the channel is.
    items: Padded<Event>,
    /// Room has come: senders wait for it.
    room: Padded<Event>,
    retired: Mutex<Retired<T, F>>,
    ring: F::Gauge<T>,
    counts: std::sync::Arc<Counts>,
    senders: AtomicUsize,
    receivers: AtomicUsize,
}

/// What receivers leave behind.
struct Retired<T, F: Flavour> {
    /// A consumer, once some receiver has found the closed channel drained.
    consumer: Option<F::Rx<T>>,
    /// What senders have pushed since, and not yet taken back.
    stash: Vec<(Ticket, T)>,
}

impl<T, F: Flavour> Shared<T, F> {
    /// Closes the channel, and wakes who waits.
    fn close(&self) {
        // In this order: a sender that waits for room looks at `items`.
        self.items.close();
        self.room.close();
    }

    fn stats(&self) -> Stats {
        self.counts.stats(&self.ring)
    }

    /// After `n` pushes from `first` on: wakes a receiver, and if the channel was
    /// closed meanwhile and the receivers are done, takes them back.
    #[cold]
    fn attend(&self, first: Ticket, n: usize) -> Vec<T> {
        if !self.items.is_closed() {
            self.items.wake_one();
            return Vec::new();
        }
        // All: one gets the item, and the others wait for nothing more.
        self.items.close();
        let mut retired = lock(&self.retired);
        let Retired { consumer, stash } = &mut *retired;
        let Some(consumer) = consumer else {
            return Vec::new();
        };
        let mut end = self.counts.end();
        stash.extend(std::iter::from_fn(|| consumer.take()));
        let (ours, others): (Vec<_>, Vec<_>) = std::mem::take(stash)
            .into_iter()
            .partition(|(ticket, _)| ticket.wrapping_sub(first) < n);
        let mut dropped = Vec::new();
        if end.is_done() {
            dropped = others;
        } else {
            *stash = others;
        }
        end.take_back(ours.len(), stash.len());
        drop(end);
        drop(retired);
        drop(dropped);
        ours.into_iter().map(|(_, item)| item).collect()
    }

    // ORDERING: Relaxed, both. What others pushed or popped before they left is seen
    // behind the heavy fence of whoever sees the channel closed, since a light one
    // follows each push and pop.

    /// Whether it was the last sender.
    fn sender_leaves(&self) -> bool {
        self.senders.fetch_sub(1, Ordering::Relaxed) == 1
    }

    /// Whether it was the last receiver.
    fn receiver_leaves(&self) -> bool {
        self.receivers.fetch_sub(1, Ordering::Relaxed) == 1
    }

    fn monitor(&self) -> Monitor
    where
        F::Gauge<T>: Send + Sync + 'static,
    {
        let (ring, counts) = (self.ring.clone(), self.counts.clone());
        Monitor::new(move || counts.stats(&ring))
    }
}

// User code runs under no lock, and the ring is whole when it panics.
impl<T, F: Flavour> UnwindSafe for Sender<T, F> {}
impl<T, F: Flavour> RefUnwindSafe for Sender<T, F> {}
impl<T, F: Flavour> UnwindSafe for Receiver<T, F> {}
impl<T, F: Flavour> RefUnwindSafe for Receiver<T, F> {}

/// A channel for exactly `capacity` items, any number of senders and receivers, in
/// which sends wait for room: [`channel`]`(capacity).build()`.
///
/// # Panics
/// If the capacity is 0 or no memory can hold it.
///
/// ```
/// let (mut tx, mut rx) = ringfence::bounded(8);
/// let mut other = tx.clone();
/// std::thread::spawn(move || (0..100).try_for_each(|i| tx.send(i).map(drop)));
/// std::thread::spawn(move || (100..200).try_for_each(|i| other.send(i).map(drop)));
/// assert_eq!(rx.iter().sum::<i32>(), 199 * 100); // ends when both senders are gone
/// ```
#[must_use]
#[track_caller]
pub fn bounded<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    channel(capacity).build()
}

/// Starts building a channel for exactly `capacity` items: for any number of senders
/// and receivers, unless said otherwise.
///
/// ```
/// let (mut tx, mut rx) = ringfence::channel(1024).spsc().build();
/// std::thread::spawn(move || (0..5000).try_for_each(|i| tx.send(i).map(drop)));
/// assert!(rx.iter().eq(0..5000)); // waits when empty; ends when the sender is gone
/// ```
pub fn channel(capacity: usize) -> Builder<Mpmc> {
    Builder {
        capacity,
        on_full: OnFull::default(),
        flavour: PhantomData,
    }
}

/// A channel to be. From [`channel`].
#[must_use = "a builder does nothing until it builds"]
pub struct Builder<F> {
    capacity: usize,
    on_full: OnFull,
    flavour: PhantomData<F>,
}

impl<F: Flavour> Builder<F> {
    /// What a send does when there is no room; [`OnFull::Block`] unless said.
    pub fn on_full(self, on_full: OnFull) -> Self {
        Self { on_full, ..self }
    }

    /// One sender, one receiver: the fastest.
    pub fn spsc(self) -> Builder<Spsc> {
        self.flavour()
    }

    /// Many senders, one receiver.
    pub fn mpsc(self) -> Builder<Mpsc> {
        self.flavour()
    }

    /// One sender, many receivers, each item to one of them.
    pub fn spmc(self) -> Builder<Spmc> {
        self.flavour()
    }

    /// Many senders, many receivers, each item to one of them.
    pub fn mpmc(self) -> Builder<Mpmc> {
        self.flavour()
    }

    fn flavour<G>(self) -> Builder<G> {
        Builder {
            capacity: self.capacity,
            on_full: self.on_full,
            flavour: PhantomData,
        }
    }

    /// The two ends.
    ///
    /// # Panics
    /// If the capacity is 0 or no memory can hold it.
    #[must_use]
    #[track_caller]
    pub fn build<T>(self) -> (Sender<T, F>, Receiver<T, F>) {
        let capacity = self.capacity;
        self.try_build()
            .unwrap_or_else(|error| panic!("{error}: {capacity}"))
    }

    /// The two ends.
    ///
    /// # Errors
    /// [`CapacityError`] if the capacity is 0 or no memory can hold it.
    #[expect(clippy::type_complexity, reason = "two ends, spelled out once")]
    pub fn try_build<T>(self) -> Result<(Sender<T, F>, Receiver<T, F>), CapacityError> {
        self.build_with(Fence::new())
    }

    #[expect(clippy::type_complexity, reason = "as above")]
    fn build_with<T>(self, fence: Fence) -> Result<(Sender<T, F>, Receiver<T, F>), CapacityError> {
        let (tx, rx, ring) = F::ring(self.capacity)?;
        let shared = Arc::new(Shared {
            items: Padded::new(Event::with_fence(fence)),
            room: Padded::new(Event::with_fence(fence)),
            retired: Mutex::new(Retired {
                consumer: None,
                stash: Vec::new(),
            }),
            ring,
            counts: Counts::new(F::Tx::<T>::SOLO, F::Rx::<T>::SOLO).into(),
            senders: AtomicUsize::new(1),
            receivers: AtomicUsize::new(1),
        });
        Ok((
            Sender::new(tx, shared.clone(), self.on_full),
            Receiver::new(rx, shared),
        ))
    }
}

impl<F> Clone for Builder<F> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<F> Copy for Builder<F> {}

impl<F> fmt::Debug for Builder<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("capacity", &self.capacity)
            .field("on_full", &self.on_full)
            .finish_non_exhaustive()
    }
}
