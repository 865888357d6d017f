//! Handles that do not keep a channel open.

use std::fmt;

use super::{Receiver, Sender, Shared};
use crate::flavour::{AnyRx, AnyTx, Flavour, Mpmc};
use crate::policy::OnFull;
use crate::sync::{Arc, AtomicUsize, Ordering};

/// A sender that does not count: when all others are gone, the channel closes. Keeps the
/// memory of the channel, and what is inside.
///
/// From [`Sender::downgrade`]; where the flavour has many senders.
///
/// ```
/// let (tx, rx) = ringfence::bounded::<u8>(8);
/// let weak = tx.downgrade();
/// assert!(weak.upgrade().unwrap().try_send(1).is_ok());
/// drop(tx);
/// assert!(rx.is_closed() && weak.upgrade().is_none());
/// ```
pub struct WeakSender<T, F: Flavour = Mpmc> {
    tx: AnyTx<T, F>,
    shared: Arc<Shared<T, F>>,
    on_full: OnFull,
}

/// A receiver that does not count: when all others are gone, the channel closes, and what
/// is inside is dropped. Keeps the memory of the channel.
///
/// From [`Receiver::downgrade`]; where the flavour has many receivers.
pub struct WeakReceiver<T, F: Flavour = Mpmc> {
    rx: AnyRx<T, F>,
    shared: Arc<Shared<T, F>>,
}

/// One more of them, if there still is one.
fn join(count: &AtomicUsize) -> bool {
    // ORDERING: Relaxed, all; who counts is known to the others by nothing else.
    let mut seen = count.load(Ordering::Relaxed);
    while seen > 0 {
        match count.compare_exchange(seen, seen + 1, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => return true,
            Err(now) => seen = now,
        }
    }
    false
}

impl<T, F: Flavour<Tx<T>: Clone>> Sender<T, F> {
    /// A handle that does not keep the channel open.
    #[must_use]
    pub fn downgrade(&self) -> WeakSender<T, F> {
        WeakSender {
            tx: self.tx.clone(),
            shared: self.shared.clone(),
            on_full: self.on_full,
        }
    }
}

impl<T, F: Flavour<Tx<T>: Clone>> WeakSender<T, F> {
    /// A sender, unless all are gone.
    #[must_use]
    pub fn upgrade(&self) -> Option<Sender<T, F>> {
        join(&self.shared.senders)
            .then(|| Sender::new(self.tx.clone(), self.shared.clone(), self.on_full))
    }
}

impl<T, F: Flavour<Tx<T>: Clone>> Clone for WeakSender<T, F> {
    fn clone(&self) -> Self {
        Self {
            tx: self.tx.clone(),
            shared: self.shared.clone(),
            on_full: self.on_full,
        }
    }
}

impl<T, F: Flavour<Rx<T>: Clone>> Receiver<T, F> {
    /// A handle that does not keep the channel open. `None` once this receiver has said
    /// `Disconnected`.
    #[must_use]
    pub fn downgrade(&self) -> Option<WeakReceiver<T, F>> {
        Some(WeakReceiver {
            rx: self.consumer.clone()?,
            shared: self.shared.clone(),
        })
    }
}

impl<T, F: Flavour<Rx<T>: Clone>> WeakReceiver<T, F> {
    /// A receiver, unless all are gone.
    #[must_use]
    pub fn upgrade(&self) -> Option<Receiver<T, F>> {
        join(&self.shared.receivers).then(|| Receiver::new(self.rx.clone(), self.shared.clone()))
    }
}

impl<T, F: Flavour<Rx<T>: Clone>> Clone for WeakReceiver<T, F> {
    fn clone(&self) -> Self {
        Self {
            rx: self.rx.clone(),
            shared: self.shared.clone(),
        }
    }
}

impl<T, F: Flavour> fmt::Debug for WeakSender<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WeakSender").finish_non_exhaustive()
    }
}

impl<T, F: Flavour> fmt::Debug for WeakReceiver<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WeakReceiver").finish_non_exhaustive()
    }
}
