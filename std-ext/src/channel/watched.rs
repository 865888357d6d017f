//! What pipelines need of channels: to know when an end is about to wait, and to close from
//! anywhere.

use super::receiver::{receive, up_to};
use super::sender::offer;
use super::{Closed, Receiver, Sender};
use crate::error::{RecvError, SendError, SendManyError, TryRecvError, TrySendError};
use crate::flavour::Flavour;
use crate::policy::{OnFull, Sent, SentMany};
use crate::ring::Rx;

/// Closes a channel, though it is not one of its ends.
pub(crate) type Closer = Box<dyn Fn(Closed) + Send + Sync>;

impl<T, F: Flavour> Sender<T, F> {
    /// As [`send`](Self::send), and keeps what `waits` gives for as long as it waits.
    #[inline(always)]
    pub(crate) fn send_watched<W>(
        &mut self,
        item: T,
        waits: impl FnOnce() -> W,
    ) -> Result<Sent<T>, SendError<T>> {
        if self.on_full != OnFull::Block {
            return self.send(item);
        }
        match offer(&mut self.tx, &self.shared, item) {
            Ok(()) => Ok(Sent::Stored),
            Err(refusal) => self.send_after(refusal, waits),
        }
    }

    #[cold]
    fn send_after<W>(
        &mut self,
        refusal: TrySendError<T>,
        waits: impl FnOnce() -> W,
    ) -> Result<Sent<T>, SendError<T>> {
        let _waiting = matches!(refusal, TrySendError::Full(_)).then(waits);
        // It counts what is refused.
        self.send(refusal.into_inner())
    }

    /// As [`send_many`](Self::send_many), and keeps what `waits` gives for as long as it
    /// waits, each time.
    pub(crate) fn send_many_watched<W>(
        &mut self,
        items: impl Iterator<Item = T>,
        waits: impl Fn() -> W,
    ) -> Result<SentMany<T>, SendManyError<T>> {
        self.send_many_by(items, |sender, item| sender.send_watched(item, &waits))
    }

    pub(crate) fn closer(&self) -> Closer
    where
        T: Send + 'static,
        F::Rx<T>: Send + 'static,
        F::Gauge<T>: Send + Sync + 'static,
    {
        let shared = self.shared.clone();
        Box::new(move |why| shared.close(why))
    }
}

impl<T, F: Flavour> Receiver<T, F> {
    /// As [`recv`](Self::recv), and keeps what `waits` gives for as long as it waits.
    #[inline(always)]
    pub(crate) fn recv_watched<W>(&mut self, waits: impl FnOnce() -> W) -> Result<T, RecvError> {
        match receive(&mut self.consumer, &self.shared, Rx::pop) {
            Ok(item) => Ok(item),
            Err(TryRecvError::Disconnected) => Err(RecvError),
            Err(TryRecvError::Empty) => self.recv_waiting(waits),
        }
    }

    #[cold]
    fn recv_waiting<W>(&mut self, waits: impl FnOnce() -> W) -> Result<T, RecvError> {
        let _waiting = waits();
        self.recv()
    }

    /// As [`recv_many`](Self::recv_many), and keeps what `waits` gives for as long as it
    /// waits.
    #[inline]
    pub(crate) fn recv_many_watched<W>(
        &mut self,
        buffer: &mut Vec<T>,
        limit: usize,
        waits: impl FnOnce() -> W,
    ) -> Result<usize, RecvError> {
        match receive(&mut self.consumer, &self.shared, up_to(limit, buffer)) {
            Ok(n) => Ok(n),
            Err(TryRecvError::Disconnected) => Err(RecvError),
            Err(TryRecvError::Empty) => self.recv_many_waiting(buffer, limit, waits),
        }
    }

    #[cold]
    fn recv_many_waiting<W>(
        &mut self,
        buffer: &mut Vec<T>,
        limit: usize,
        waits: impl FnOnce() -> W,
    ) -> Result<usize, RecvError> {
        let _waiting = waits();
        self.recv_many(buffer, limit)
    }
}
