//! Receivers that are told to stop for a while.

use std::fmt;

use super::Polled;
use crate::channel::Shared;
use crate::flavour::OneReceiver;
use crate::sync::{Arc, AtomicBool, Ordering};

/// Pauses and resumes a [`Polled`] receiver, from any thread. From [`Polled::pauser`].
///
/// A poll of a paused receiver finds no items, as Kafka's consumer fetches none of a
/// partition that is paused: it waits until it is resumed, or its time is over. A batch
/// that is out, and a poll that has found its first item, are not concerned; nor is the
/// sender, which goes on until the channel is full. That a channel is closed and empty a
/// paused receiver says; what is still inside waits.
pub struct Pauser<T, F: OneReceiver> {
    shared: Arc<Shared<T, F>>,
    paused: Arc<AtomicBool>,
}

impl<T, F: OneReceiver> Polled<T, F> {
    /// A handle that pauses this receiver. It keeps the memory of the channel, and no more.
    ///
    /// ```
    /// let (mut tx, rx) = ringfence::channel(4).spsc().build();
    /// let mut rx = rx.polled()?;
    /// let pauser = rx.pauser();
    /// tx.send(1)?;
    /// pauser.pause();
    /// assert!(rx.try_poll(4).unwrap_err().is_empty());
    /// pauser.resume();
    /// assert_eq!(rx.try_poll(4)?[0], 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn pauser(&self) -> Pauser<T, F> {
        Pauser {
            shared: self.receiver.shared.clone(),
            paused: self.paused.clone(),
        }
    }
}

impl<T, F: OneReceiver> Pauser<T, F> {
    /// Polls find nothing from now on.
    pub fn pause(&self) {
        // ORDERING: Relaxed; a poll that is late to see it comes before it.
        self.paused.store(true, Ordering::Relaxed);
    }

    /// Polls find again what there is; one that waits is woken.
    pub fn resume(&self) {
        self.paused.store(false, Ordering::Relaxed);
        if self.shared.items.has_waiters() {
            self.shared.items.wake_one();
        }
    }

    /// Whether it is paused.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.paused.load(Ordering::Relaxed)
    }
}

impl<T, F: OneReceiver> Clone for Pauser<T, F> {
    fn clone(&self) -> Self {
        Self {
            shared: self.shared.clone(),
            paused: self.paused.clone(),
        }
    }
}

impl<T, F: OneReceiver> fmt::Debug for Pauser<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pauser")
            .field("is_paused", &self.is_paused())
            .finish_non_exhaustive()
    }
}
