//! Channels: a ring, waiting, a policy and accounts.
//!
//! A send is `try_push`, then a look whether the receiver sleeps; if the ring
//! is full, the policy says what happens. A receive is `try_pop`, then a look
//! whether the sender sleeps. Nobody takes a lock unless somebody sleeps, or has just done
//! so, or the channel closes.
//!
//! # Progress
//!
//! A send or receive that does not have to wait is an operation of the ring, and has
//! its guarantee: of the flavour `Spsc` it is wait-free; of the others it is not even
//! lock-free, since who is stopped in the middle of one holds up others (see
//! [`stamped`](ringfence_core::stamped)). With [`OnFull::DropOldest`], or
//! [`reservable`](Builder::reservable), it is lock-free, whatever the flavour, as long as no more than 16 threads are in the middle of one; of
//! more, the rest waits for one of these. If the other side sleeps, or has slept and not
//! been looked for twice since, or the channel is
//! closed and it is a send, or a receive that finds it empty, then it takes a short lock
//! as well, wakes the other side outside it, and is blocking in Herlihy's sense. So are
//! closing, dropping an end, and statistics. Waiting is blocking by its nature: by
//! [`std::thread::park`], so that it may use up a token that was meant for the
//! thread's own parking, which must expect that.
//!
//! # Capacity 0
//!
//! A channel of capacity 0 holds nothing: a send ends when a receiver takes the item, and
//! whoever comes first waits for the other. So do [`send`](Sender::send),
//! [`send_async`](Sender::send_async) and all receives, in any combination; a send that
//! runs out of time, or whose future is dropped, takes its item back, unless it was
//! received meanwhile.
//!
//! ```
//! use ringfence::TrySendError;
//!
//! let (mut tx, mut rx) = ringfence::bounded(0);
//! assert_eq!(tx.try_send(1), Err(TrySendError::Full(1))); // nobody waits for it
//! let sender = std::thread::spawn(move || tx.send(2).is_ok()); // waits
//! assert_eq!(rx.recv(), Ok(2));
//! assert!(sender.join().unwrap());
//! ```
//!
//! A send that does not wait, as [`try_send`](Sender::try_send) or a send with
//! [`OnFull::DropNewest`], needs a thread that waits: in a blocking receive, which then waits
//! until it has got something, also beyond its deadline if need be, as the item is on its
//! way; or in a [`select`](mod@crate::select) with a receive, which then ends with that. A
//! select that has been woken and looks again is not there for that moment.
//!
//! A case of a select that sends needs the same; if its select waits, then until a thread
//! comes to wait as well. So two selects meet each other, whoever was first. A future may be
//! dropped at any time, and a `try_recv` is gone at once. So these receive only from sends
//! outside a select that wait: neither a `try_send` nor a select meets a `recv_async`.
//!
//! If the channel is closed, what was not received goes back to its sender; what a thread
//! was bound to receive is received or drained, as in other channels. The channel counts
//! an item as offered when it is received, bound to be, or given back, and not while its
//! send waits. It is empty and full at all times. A future of a send that is forgotten
//! while it waits leaves its item to be received.
//!
//! Each send and each receive takes a short lock, and each receive wakes all who wait to
//! send.
//!
//! # Dropping
//!
//! What a policy refuses or evicts is counted, shown to the hook of
//! [`on_drop`](Builder::on_drop) if there is one, and given to who sends. What is inside
//! when the last receiver goes is counted, shown to the hook, and dropped. The hook and
//! the `Drop` of items run under no lock. If the hook panics, so does the send or drop
//! that called it: all is counted, and the item is dropped.
//!
//! # Futures
//!
//! Every end can block and be polled, by turns; ends that do one and ends that do the
//! other mix freely. No runtime is needed, and none is asked to share its time: a task
//! that always finds something is for ever ready.
//!
//! A poll has the guarantee of a send or receive that does not wait. If it finds nothing,
//! it takes a short lock as well, to leave the task's waker, and is pending. Where that has
//! paid lately, it first looks again for a microsecond or two, and then wakes its own task
//! to be polled again after others, for ten at most. Where a kernel that has granted `membarrier` refuses it later, no wake-up is
//! certain, and the task is woken at once, to be polled again and again: right, if
//! wasteful.
//!
//! Who waits, in whichever way, is woken in the order of coming. A future that is dropped
//! leaves the queue, and if it was chosen to be woken already, it passes that on. One that
//! is forgotten while it waits stays in the queue, and keeps a wake-up from another.
//!
//! Wakers are called under no lock. If one panics, that panic comes out of the call that
//! woke it: what this had to do to the channel is done, and when it closes, the others
//! are woken all the same.
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
//!
//! # Processes
//!
//! A channel joins threads of one process. After `fork`, the child has a copy of it whose
//! other ends belong to threads that it does not have, and which may have held its locks:
//! there, make new channels, or `exec`.

mod closing;
mod future;
mod linger;
mod permit;
mod poll;
pub(crate) mod receiver;
pub(crate) mod sender;
#[cfg(test)]
mod tests;
pub(crate) mod watched;
mod weak;
pub mod weighted;

pub use self::closing::Closed;
#[cfg(feature = "stream")]
pub use self::future::RecvStream;
#[cfg(feature = "sink")]
pub use self::future::SendSink;
#[doc(hidden)]
pub use self::future::Sends;
pub use self::future::{
    ClosedFuture, PollFuture, RecvFuture, RecvManyFuture, ReserveFuture, SendFuture,
};
pub(crate) use self::future::{KeptReceiver, KeptSender};
pub use self::permit::Permit;
pub use self::poll::{Batch, BatchIter, NotPollable, Pauser, Polled};
pub use self::receiver::{IntoIter, Iter, Receiver, TryIter};
pub use self::sender::Sender;
pub use self::weak::{WeakReceiver, WeakSender};

use std::fmt;
use std::marker::PhantomData;
use std::panic::{RefUnwindSafe, UnwindSafe};

use ringfence_core::spsc::CapacityError;

use crate::event::Event;
use crate::fence::Fence;
use crate::flavour::{
    AnyGauge, AnyRing, AnyRx, Flavour, ManySenders, Mpmc, Mpsc, Reservable, Spmc, Spsc,
};
use crate::policy::{OnFull, Reason};
use crate::ring::{Either, Gauge, Handoff, Rx, Ticket};
use crate::stats::{Counts, Monitor, Stats};
use crate::sync::{Arc, AtomicUsize, Mutex, Ordering, Padded, lock};
use crate::wait::Party;

/// What the ends share, beside the ring.
struct Shared<T, F: Flavour> {
    /// Items have come: receivers wait for it. Closed when the channel is.
    items: Padded<Event>,
    /// Room has come: senders wait for it.
    room: Padded<Event>,
    /// The channel was closed: who waits for that alone.
    end: Event,
    retired: Mutex<Retired<T, F>>,
    ring: AnyGauge<T, F>,
    counts: std::sync::Arc<Counts>,
    on_drop: Option<Hook<T>>,
    /// Why it is closed; set before it is.
    why_closed: Mutex<Option<Closed>>,
    senders: AtomicUsize,
    receivers: AtomicUsize,
}

/// Is shown what is dropped, and why.
type Hook<T> = std::sync::Arc<dyn Fn(&T, Reason) + Send + Sync>;

/// What receivers leave behind.
struct Retired<T, F: Flavour> {
    /// A consumer, once some receiver has found the closed channel drained.
    consumer: Option<AnyRx<T, F>>,
    /// What senders have pushed since, and not yet taken back.
    stash: Vec<(Ticket, T)>,
}

impl<T, F: Flavour> Shared<T, F> {
    /// Closes the channel, and wakes who waits; also if a waker panics.
    fn close(&self, why: Closed) {
        struct Closing<'a>(&'a Event);
        impl Drop for Closing<'_> {
            fn drop(&mut self) {
                self.0.close();
            }
        }
        let mut first = lock(&self.why_closed);
        // One that comes later is dropped outside the lock.
        let _late = if first.is_none() {
            first.replace(why)
        } else {
            Some(why)
        };
        drop(first);
        let _end = Closing(&self.end);
        // In this order: a sender that waits for room looks at `items`.
        let _room = Closing(&self.room);
        self.items.close();
    }

    /// By the lock, whoever sees it closed sees why.
    fn why_closed(&self) -> Option<Closed> {
        let is_closed = self.items.is_closed();
        is_closed.then(|| lock(&self.why_closed).clone()).flatten()
    }

    fn stats(&self) -> Stats {
        self.counts.stats(&self.ring)
    }

    /// Something has come for receivers: wakes one. Says whether the channel is closed.
    #[track_caller]
    fn wake_receivers(&self) -> bool {
        let is_closed = self.items.is_closed();
        if is_closed {
            // All: one gets the item, and the others wait for nothing more.
            self.items.close();
        } else {
            self.items.wake_one();
        }
        is_closed
    }

    /// Room has come, or a receiver, or an item was taken: wakes who waits for that.
    #[inline]
    #[track_caller]
    fn attend_to_senders(&self) {
        if self.room.has_waiters() {
            self.wake_senders();
        }
    }

    #[cold]
    #[track_caller]
    fn wake_senders(&self) {
        if self.is_rendezvous() {
            // Whose item was taken need not be the first in the queue.
            self.room.wake_all();
        } else {
            self.room.wake_one();
        }
    }

    /// Whether items are handed over, instead of lying in a ring.
    fn is_rendezvous(&self) -> bool {
        self.ring.capacity() == 0
    }

    /// Where they are.
    fn handoff(&self) -> Option<&Handoff<T>> {
        match &self.ring {
            Either::Other(Either::Other(handoff)) => Some(handoff),
            _ => None,
        }
    }

    /// Hands an item that found nobody who is bound to receive it to a select that waits,
    /// where items are handed over; `by` one that waits as well.
    fn hand(&self, item: T, by: Option<&Party>) -> Result<(), T> {
        match self.handoff() {
            Some(handoff) => handoff.hand(item, by),
            None => Err(item),
        }
    }

    /// After `n` pushes from `first` on: wakes a receiver, and if the channel was
    /// closed meanwhile and the receivers are done, takes them back.
    #[cold]
    fn attend(&self, first: Ticket, n: usize) -> Vec<T> {
        if !self.wake_receivers() {
            return Vec::new();
        }
        let mut retired = lock(&self.retired);
        let Retired { consumer, stash } = &mut *retired;
        let Some(consumer) = consumer else {
            return Vec::new();
        };
        let mut end = self.counts.end();
        stash.extend(std::iter::from_fn(|| consumer.take_stored()));
        let (ours, others): (Vec<_>, Vec<_>) = std::mem::take(stash)
            .into_iter()
            .partition(|(ticket, _)| consumer.behind(first, *ticket) < n);
        let mut dropped = Vec::new();
        if end.is_done() {
            dropped = others;
        } else {
            *stash = others;
        }
        end.take_back(ours.len(), stash.len());
        drop(end);
        drop(retired);
        for (_, item) in dropped {
            self.dropped(&item, Reason::Drained);
        }
        ours.into_iter().map(|(_, item)| item).collect()
    }

    /// Shows the hook what is dropped, after it was counted.
    fn dropped(&self, item: &T, reason: Reason) {
        if let Some(hook) = &self.on_drop {
            hook(item, reason);
        }
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
        T: Send + 'static,
        F::Gauge<T>: Send + Sync + 'static,
    {
        Monitor::new((self.counts.clone(), self.ring.clone()))
    }
}

// User code runs under no lock, and the ring is whole when it panics.
impl<T, F: Flavour> UnwindSafe for Sender<T, F> {}
impl<T, F: Flavour> RefUnwindSafe for Sender<T, F> {}
impl<T, F: Flavour> UnwindSafe for Receiver<T, F> {}
impl<T, F: Flavour> RefUnwindSafe for Receiver<T, F> {}

/// A channel for exactly `capacity` items, any number of senders and receivers, in
/// which sends wait for room: [`channel`]`(capacity).build()`. With a
/// [capacity of 0](self#capacity-0) they wait for receivers.
///
/// # Panics
/// If no memory can hold the capacity.
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
pub fn channel<T>(capacity: usize) -> Builder<T> {
    Builder {
        capacity,
        on_full: OnFull::default(),
        on_drop: None,
        flavour: PhantomData,
    }
}

/// A channel to be. From [`channel`].
#[must_use = "a builder does nothing until it builds"]
pub struct Builder<T, F = Mpmc> {
    capacity: usize,
    on_full: OnFull,
    on_drop: Option<Hook<T>>,
    flavour: PhantomData<F>,
}

impl<T, F: Flavour> Builder<T, F> {
    /// What a send does when there is no room; [`OnFull::Block`] unless said.
    pub fn on_full(self, on_full: OnFull) -> Self {
        Self { on_full, ..self }
    }

    /// Shows `hook` each item that the channel or its policy drops, and why, after it is
    /// counted. What [`try_send`](Sender::try_send), a timeout or a closed channel gives
    /// back is not dropped.
    ///
    /// It runs on the thread whose call drops the item, under no lock, and may use
    /// channels, also this one. If it panics, that call does; the item is dropped, and
    /// nothing else is lost.
    ///
    /// ```
    /// use ringfence::{OnFull, Reason};
    ///
    /// let (mut tx, rx) = ringfence::channel(1)
    ///     .on_full(OnFull::DropOldest)
    ///     .on_drop(|item, reason| eprintln!("dropped {item}: {reason:?}"))
    ///     .build();
    /// tx.send(1)?;
    /// tx.send(2)?; // dropped 1: Oldest
    /// drop(rx); // dropped 2: Drained
    /// # Ok::<(), ringfence::SendError<i32>>(())
    /// ```
    pub fn on_drop(self, hook: impl Fn(&T, Reason) + Send + Sync + 'static) -> Self {
        let on_drop: Option<Hook<T>> = Some(std::sync::Arc::new(hook));
        Self { on_drop, ..self }
    }

    /// One sender, one receiver: the fastest.
    pub fn spsc(self) -> Builder<T, Spsc> {
        self.flavour()
    }

    /// Many senders, one receiver.
    pub fn mpsc(self) -> Builder<T, Mpsc> {
        self.flavour()
    }

    /// One sender, many receivers, each item to one of them.
    pub fn spmc(self) -> Builder<T, Spmc> {
        self.flavour()
    }

    /// Many senders, many receivers, each item to one of them.
    pub fn mpmc(self) -> Builder<T, Mpmc> {
        self.flavour()
    }

    /// Lets senders [reserve](Sender::reserve) room; those of flavours with one sender always
    /// can.
    ///
    /// The channel is then on the lock-free ring, whatever the policy, and each send and
    /// receive also counts the room that is left. With [`OnFull::DropOldest`], a send evicts
    /// the oldest item, but not at the same instant, and refuses the new one if there is none:
    /// when all room is reserved, or on its way to hold an item.
    ///
    /// ```
    /// let (mut tx, mut rx) = ringfence::channel(1).mpsc().reservable().build();
    /// let mut other = tx.clone();
    /// let permit = tx.reserve().unwrap();
    /// assert!(other.try_send("later").unwrap_err().is_full());
    /// permit.send("first").unwrap(); // never waits
    /// assert_eq!(rx.recv(), Ok("first"));
    /// assert!(other.try_send("later").is_ok());
    /// ```
    pub fn reservable(self) -> Builder<T, Reservable<F>>
    where
        F: ManySenders,
    {
        self.flavour()
    }

    fn flavour<G>(self) -> Builder<T, G> {
        Builder {
            capacity: self.capacity,
            on_full: self.on_full,
            on_drop: self.on_drop,
            flavour: PhantomData,
        }
    }

    /// The two ends.
    ///
    /// # Panics
    /// If no memory can hold the capacity, or it is 0 with [`OnFull::DropOldest`] or
    /// [`OnFull::DropRandom`].
    #[must_use]
    #[track_caller]
    pub fn build(self) -> (Sender<T, F>, Receiver<T, F>) {
        let capacity = self.capacity;
        self.try_build()
            .unwrap_or_else(|error| panic!("{error}: {capacity}"))
    }

    /// The two ends.
    ///
    /// # Errors
    /// [`CapacityError`] if no memory can hold the capacity, or it is 0 with
    /// [`OnFull::DropOldest`] or [`OnFull::DropRandom`].
    #[expect(clippy::type_complexity, reason = "two ends, spelled out once")]
    pub fn try_build(self) -> Result<(Sender<T, F>, Receiver<T, F>), CapacityError> {
        self.build_with(Fence::new())
    }

    #[expect(clippy::type_complexity, reason = "as above")]
    fn build_with(self, fence: Fence) -> Result<(Sender<T, F>, Receiver<T, F>), CapacityError> {
        let ring = AnyRing::<T, F>::new(self.capacity, self.on_full)?;
        let shared = Arc::new(Shared {
            items: Padded::new(Event::with_fence(fence)),
            room: Padded::new(Event::with_fence(fence)),
            end: Event::with_fence(fence),
            retired: Mutex::new(Retired {
                consumer: None,
                stash: Vec::new(),
            }),
            ring: ring.gauge,
            counts: Counts::new(F::ONE_SENDER, F::ONE_RECEIVER).into(),
            on_drop: self.on_drop,
            why_closed: Mutex::new(None),
            senders: AtomicUsize::new(1),
            receivers: AtomicUsize::new(1),
        });
        Ok((
            Sender::new(ring.tx, shared.clone(), self.on_full),
            Receiver::new(ring.rx, shared),
        ))
    }
}

impl<T, F> Clone for Builder<T, F> {
    fn clone(&self) -> Self {
        Self {
            on_drop: self.on_drop.clone(),
            ..*self
        }
    }
}

impl<T, F> fmt::Debug for Builder<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("capacity", &self.capacity)
            .field("on_full", &self.on_full)
            .field("on_drop", &self.on_drop.is_some())
            .finish_non_exhaustive()
    }
}
