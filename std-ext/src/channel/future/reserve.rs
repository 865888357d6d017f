//! Waiting for room, before there is an item.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use super::send::for_room;
use super::{POLLED_AFTER, Waiting};
use crate::channel::permit::Room;
use crate::channel::{Permit, Sender};
use crate::error::SendError;
use crate::flavour::{CanReserve, Flavour};
use crate::ring::Gauge;

/// Waits for room. See [`Sender::reserve_async`].
///
/// # Panics
/// If it is polled again after it was ready, or the capacity is 0, and the channel open.
#[must_use = "futures do nothing unless polled"]
pub struct ReserveFuture<'a, T, F: Flavour> {
    /// `None` once it was ready.
    sender: Option<&'a mut Sender<T, F>>,
    waiting: Waiting,
}

impl<'a, T, F: CanReserve> ReserveFuture<'a, T, F> {
    pub(in crate::channel) fn new(sender: &'a mut Sender<T, F>) -> Self {
        Self {
            sender: Some(sender),
            waiting: Waiting::default(),
        }
    }
}

impl<'a, T, F: CanReserve> Future for ReserveFuture<'a, T, F> {
    type Output = Result<Permit<'a, T, F>, SendError<()>>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { sender, waiting } = self.get_mut();
        let seen = poll_room(
            sender.as_mut().expect(POLLED_AFTER),
            waiting,
            context.waker(),
        );
        seen.map(|seen| {
            let sender = sender.take().expect("it was there just now");
            seen.map(|()| Permit::new(sender))
        })
    }
}

fn poll_room<T, F: Flavour>(
    sender: &mut Sender<T, F>,
    waiting: &mut Waiting,
    waker: &Waker,
) -> Poll<Result<(), SendError<()>>> {
    if !waiting.has_begun() {
        let mut room = Room::new(&mut sender.tx, &sender.shared);
        if let Some(seen) = room.attempt() {
            room.hand_over();
            return Poll::Ready(seen);
        }
        drop(room);
        sender.shared.assert_has_room();
        sender.found_full();
        waiting.begin();
    }
    let Sender {
        tx, shared, habits, ..
    } = sender;
    let mut room = Room::new(tx, shared);
    let attempt = || room.attempt();
    let more = || shared.ring.has_room();
    let (event, blocked_nanos) = for_room(shared);
    let polled = waiting.poll((event, blocked_nanos, habits), waker, attempt, more);
    room.hand_over();
    polled
}

impl<T, F: Flavour> Drop for ReserveFuture<'_, T, F> {
    fn drop(&mut self) {
        if let Some(sender) = &self.sender {
            let (event, blocked_nanos) = for_room(&sender.shared);
            self.waiting.leave(event, blocked_nanos);
        }
    }
}

impl<T, F: Flavour> fmt::Debug for ReserveFuture<'_, T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ReserveFuture").field(&self.sender).finish()
    }
}
