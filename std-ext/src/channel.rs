//! Channels: a ring, waiting, a policy and accounts.
//!
//! A send is `try_push`, then a look whether the receiver sleeps; if the ring
//! is full, the policy says what happens. A receive is `try_pop`, then a look
//! whether the sender sleeps. Nobody takes a lock unless somebody sleeps or the
//! channel closes.
//!
//! # Progress
//!
//! A send or receive that does not have to wait is a wait-free ring operation,
//! and wait-free as a whole unless the other side sleeps, or the channel is closed
//! and it is a send, or a receive that finds it empty: then it takes a short lock,
//! wakes the other side outside it, and is blocking in Herlihy's sense. So are
//! closing, dropping an end, and statistics. Waiting is blocking by its nature: by
//! [`std::thread::park`], so that it may use up a token that was meant for the
//! thread's own parking, which must expect that.
//!
//! # Closing
//!
//! Either side closes the channel, by `close` or by being dropped. From then on
//! sends give their item back. What is inside can still be received, then
//! receives say `Disconnected`; if it is the receiver that is dropped, what is
//! inside is dropped with it.
//!
//! Nothing is lost on the way. A push that was under way when the channel closed
//! is either found by the receiver or taken back by the sender:
//!
//! * the receiver says `Disconnected` only after it has found the ring empty
//!   under the lock of `retired` and left its consumer there;
//! * a sender that sees the channel closed after its push looks there, and if it
//!   finds the consumer, pops its own items with it.
//!
//! By the fences of [`event`](crate::event) the receiver sees the push or the
//! sender sees the channel closed; by the lock it is not both that give it up.

mod receiver;
mod sender;
#[cfg(test)]
mod tests;

pub use self::receiver::{IntoIter, Iter, Receiver, TryIter};
pub use self::sender::Sender;

use std::panic::{RefUnwindSafe, UnwindSafe};

use ringfence_core::spsc::{CapacityError, Consumer, Heap, try_with_capacity};

use crate::event::Event;
use crate::fence::Fence;
use crate::policy::OnFull;
use crate::stats::{Counts, Monitor};
use crate::sync::{Arc, Mutex, Padded};

/// What sender and receiver share, beside the ring.
#[derive(Debug)]
struct Shared<T> {
    /// Items have come: the receiver waits for it. Closed when the channel is.
    items: Padded<Event>,
    /// Room has come: the sender waits for it.
    room: Padded<Event>,
    /// The consumer, once the receiver will not pop again and the ring is empty.
    retired: Mutex<Option<Consumer<Heap<T>>>>,
    monitor: Monitor,
}

impl<T> Shared<T> {
    /// Closes the channel, and wakes who waits.
    fn close(&self) {
        // In this order: a sender that waits for room looks at `items`.
        self.items.close();
        self.room.close();
    }

    fn counts(&self) -> &Counts {
        &self.monitor.counts
    }
}

// User code runs under no lock, and the ring is whole when it panics.
impl<T> UnwindSafe for Sender<T> {}
impl<T> RefUnwindSafe for Sender<T> {}
impl<T> UnwindSafe for Receiver<T> {}
impl<T> RefUnwindSafe for Receiver<T> {}

/// Starts building a channel for exactly `capacity` items.
///
/// ```
/// let (mut tx, mut rx) = ringfence::channel(1024).spsc().build();
/// std::thread::spawn(move || (0..5000).try_for_each(|i| tx.send(i).map(drop)));
/// assert!(rx.iter().eq(0..5000)); // waits when empty; ends when the sender is gone
/// ```
pub fn channel(capacity: usize) -> Builder<()> {
    Builder {
        capacity,
        on_full: OnFull::default(),
        flavour: (),
    }
}

/// A channel to be. From [`channel`].
#[derive(Clone, Copy, Debug)]
#[must_use = "a builder does nothing until it builds"]
pub struct Builder<F> {
    capacity: usize,
    on_full: OnFull,
    flavour: F,
}

/// One sender, one receiver.
#[derive(Clone, Copy, Debug)]
pub struct Spsc(());

impl<F> Builder<F> {
    /// What a send does when there is no room; [`OnFull::Block`] unless said.
    pub fn on_full(self, on_full: OnFull) -> Self {
        Self { on_full, ..self }
    }

    /// One sender, one receiver: the fastest.
    pub fn spsc(self) -> Builder<Spsc> {
        Builder {
            capacity: self.capacity,
            on_full: self.on_full,
            flavour: Spsc(()),
        }
    }
}

impl Builder<Spsc> {
    /// The two ends.
    ///
    /// # Panics
    /// If the capacity is 0 or no memory can hold it.
    #[must_use]
    #[track_caller]
    pub fn build<T>(self) -> (Sender<T>, Receiver<T>) {
        self.try_build()
            .unwrap_or_else(|error| panic!("{error}: {}", self.capacity))
    }

    /// The two ends.
    ///
    /// # Errors
    /// [`CapacityError`] if the capacity is 0 or no memory can hold it.
    pub fn try_build<T>(self) -> Result<(Sender<T>, Receiver<T>), CapacityError> {
        self.build_with(Fence::new())
    }

    fn build_with<T>(self, fence: Fence) -> Result<(Sender<T>, Receiver<T>), CapacityError> {
        let Spsc(()) = self.flavour;
        let (producer, consumer) = try_with_capacity(self.capacity)?;
        let shared = Arc::new(Shared {
            items: Padded::new(Event::with_fence(fence)),
            room: Padded::new(Event::with_fence(fence)),
            retired: Mutex::new(None),
            monitor: Monitor {
                ring: producer.observe(),
                counts: Arc::new(Counts::new()),
            },
        });
        Ok((
            Sender::new(producer, shared.clone(), self.on_full),
            Receiver::new(consumer, shared),
        ))
    }
}
