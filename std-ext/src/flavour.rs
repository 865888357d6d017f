//! How many send and how many receive, and which ring serves them: the only place
//! that decides it.
//!
//! | flavour | full channel | ring |
//! |---|---|---|
//! | [`Spsc`] | blocks or refuses | `spsc`: wait-free |
//! | [`Mpsc`], [`Spmc`], [`Mpmc`] | blocks or refuses | `stamped`: fastest for many, not lock-free |
//! | [`Reservable`] | any | `mpmc` and a count of the room that is left: lock-free |
//! | any other | evicts the oldest | `mpmc`: lock-free, evicts exactly |
//! | any, of capacity 0 | blocks or refuses | none: items are handed over, under a short lock |

use std::fmt::Debug;
use std::iter::Chain;
use std::marker::PhantomData;
use std::slice;
use std::sync::Arc;

use ringfence_core::spsc::{self, CapacityError, Heap, Observer};
use ringfence_core::stamped::{self, Consumer, HeapRing, Producer, Shared, Solo};

use crate::policy::OnFull;
use crate::ring::Either::{self, Other, Usual};
use crate::ring::{Chunk, Counted, Evicting, Gauge, Handoff, Many, Rx, Taker, Tx};

/// How many send, and how many receive. Sealed.
///
/// [`Spsc`], [`Mpsc`], [`Spmc`], [`Mpmc`] or [`Reservable`].
pub trait Flavour: sealed::Sealed + Sized + Debug + 'static {
    #[doc(hidden)]
    const ONE_SENDER: bool;
    #[doc(hidden)]
    const ONE_RECEIVER: bool;
    /// Whether the usual ring can evict.
    #[doc(hidden)]
    const EVICTS: bool = false;
    #[doc(hidden)]
    type Tx<T>: Tx<T>;
    #[doc(hidden)]
    type Rx<T>: Rx<T>;
    #[doc(hidden)]
    type Gauge<T>: Gauge + Clone;
    /// The usual ring.
    #[doc(hidden)]
    fn ring<T>(capacity: usize) -> Result<Ends<T, Self>, CapacityError>;
}

/// A ring from outside: the end that pushes, the end that pops, and a look at it.
pub type Ends<T, F> = (
    <F as Flavour>::Tx<T>,
    <F as Flavour>::Rx<T>,
    <F as Flavour>::Gauge<T>,
);

// The usual ring is one branch away, the others two.

/// The end that pushes, of whichever ring.
pub(crate) type AnyTx<T, F> = Either<<F as Flavour>::Tx<T>, Either<Evicting<T>, Handoff<T>>>;
/// The end that pops.
pub(crate) type AnyRx<T, F> = Either<<F as Flavour>::Rx<T>, Either<Evicting<T>, Taker<T>>>;
/// A look at it.
pub(crate) type AnyGauge<T, F> = Either<<F as Flavour>::Gauge<T>, Either<Evicting<T>, Handoff<T>>>;

/// The ring that serves a channel.
pub(crate) struct AnyRing<T, F: Flavour> {
    pub(crate) tx: AnyTx<T, F>,
    pub(crate) rx: AnyRx<T, F>,
    pub(crate) gauge: AnyGauge<T, F>,
}

impl<T, F: Flavour> AnyRing<T, F> {
    pub(crate) fn new(capacity: usize, on_full: OnFull) -> Result<Self, CapacityError> {
        if on_full == OnFull::DropOldest && !F::EVICTS {
            let ring = Evicting::try_with_capacity(capacity)?;
            return Ok(Self {
                tx: Other(Usual(ring.clone())),
                rx: Other(Usual(ring.clone())),
                gauge: Other(Usual(ring)),
            });
        }
        if capacity == 0 && !on_full.is_early() {
            let handoff = Handoff::new();
            return Ok(Self {
                tx: Other(Other(handoff.clone())),
                rx: Other(Other(handoff.taker())),
                gauge: Other(Other(handoff)),
            });
        }
        let (tx, rx, gauge) = F::ring(capacity)?;
        Ok(Self {
            tx: Usual(tx),
            rx: Usual(rx),
            gauge: Usual(gauge),
        })
    }
}
/// Where room can be reserved before there is an item: [`Spsc`], [`Spmc`] and
/// [`Reservable`]. Sealed.
///
/// Room that the only sender has seen stays until it sends, so there it costs nothing.
/// Where there are many, another may take it, unless each send counts its item in before it
/// looks for a slot: by one more read-modify-write of a word that all share, hence only for
/// channels that are to have it.
pub trait CanReserve: Flavour {}

impl CanReserve for Spsc {}
impl CanReserve for Spmc {}
impl<F: ManySenders> CanReserve for Reservable<F> {}

/// Many senders: [`Mpsc`] and [`Mpmc`]. Sealed.
pub trait ManySenders: Flavour {}

impl ManySenders for Mpsc {}
impl ManySenders for Mpmc {}

/// Where there is one receiver, items can be read where they are, and their slots given
/// back later: [`Spsc`] and [`Mpsc`]. Sealed.
pub trait OneReceiver: Flavour {
    #[doc(hidden)]
    type Chunk<'a, T: 'a>: Chunk<T>;
    /// Goes through them, oldest first, and knows how many are left.
    #[doc(hidden)]
    type Items<'a, T: 'a>: DoubleEndedIterator<Item = &'a T>;
    /// How many items there are for it, up to `limit`. Where that takes a look at the ring,
    /// `seen` is told how many are in it.
    #[doc(hidden)]
    fn ready<T>(rx: &mut Self::Rx<T>, limit: usize, seen: impl FnOnce(usize)) -> usize;
    /// The same, but only one where each takes a look of its own.
    #[doc(hidden)]
    fn found<T>(rx: &mut Self::Rx<T>, limit: usize, seen: impl FnOnce(usize)) -> usize;
    /// The oldest `found`, or up to `limit` where each takes a look of its own.
    #[doc(hidden)]
    fn chunk<T>(rx: &mut Self::Rx<T>, found: usize, limit: usize) -> Self::Chunk<'_, T>;
    #[doc(hidden)]
    fn items<'a, T>(chunk: &'a Self::Chunk<'_, T>) -> Self::Items<'a, T>;
}

impl OneReceiver for Spsc {
    type Chunk<'a, T: 'a> = spsc::ReadChunk<'a, Heap<T>>;
    type Items<'a, T: 'a> = Chain<slice::Iter<'a, T>, slice::Iter<'a, T>>;

    #[inline]
    fn ready<T>(rx: &mut Self::Rx<T>, limit: usize, seen: impl FnOnce(usize)) -> usize {
        let known = rx.ready();
        if known >= limit {
            return limit;
        }
        let depth = rx.refresh();
        seen(depth);
        depth.min(limit)
    }

    #[inline]
    fn found<T>(rx: &mut Self::Rx<T>, limit: usize, seen: impl FnOnce(usize)) -> usize {
        Self::ready(rx, limit, seen)
    }

    #[inline]
    fn chunk<T>(rx: &mut Self::Rx<T>, found: usize, _: usize) -> Self::Chunk<'_, T> {
        rx.read_chunk(found)
    }

    #[inline]
    fn items<'a, T>(chunk: &'a Self::Chunk<'_, T>) -> Self::Items<'a, T> {
        let (first, second) = chunk.as_slices();
        first.iter().chain(second)
    }
}

impl OneReceiver for Mpsc {
    type Chunk<'a, T: 'a> = stamped::ReadChunk<'a, Arc<HeapRing<T, Shared, Solo>>>;
    type Items<'a, T: 'a> = stamped::Iter<'a, Arc<HeapRing<T, Shared, Solo>>>;

    #[inline]
    fn ready<T>(rx: &mut Self::Rx<T>, limit: usize, _: impl FnOnce(usize)) -> usize {
        rx.read_chunk(limit).len()
    }

    #[inline]
    fn found<T>(rx: &mut Self::Rx<T>, limit: usize, seen: impl FnOnce(usize)) -> usize {
        Self::ready(rx, limit.min(1), seen)
    }

    #[inline]
    fn chunk<T>(rx: &mut Self::Rx<T>, _: usize, limit: usize) -> Self::Chunk<'_, T> {
        rx.read_chunk(limit)
    }

    #[inline]
    fn items<'a, T>(chunk: &'a Self::Chunk<'_, T>) -> Self::Items<'a, T> {
        chunk.iter()
    }
}

mod sealed {
    pub trait Sealed {}
}

/// One sender, one receiver: the fastest.
#[derive(Clone, Copy, Debug)]
pub enum Spsc {}

/// Many senders, one receiver.
#[derive(Clone, Copy, Debug)]
pub enum Mpsc {}

/// One sender, many receivers, each item to one of them.
#[derive(Clone, Copy, Debug)]
pub enum Spmc {}

/// Many senders, many receivers, each item to one of them.
#[derive(Clone, Copy, Debug)]
pub enum Mpmc {}

/// [`Mpsc`] or [`Mpmc`], of which senders can [reserve](crate::Sender::reserve) room. From
/// [`Builder::reservable`](crate::Builder::reservable).
#[derive(Clone, Copy, Debug)]
pub struct Reservable<F>(PhantomData<F>);

impl sealed::Sealed for Spsc {}
impl Flavour for Spsc {
    const ONE_SENDER: bool = true;
    const ONE_RECEIVER: bool = true;
    type Tx<T> = spsc::Producer<Heap<T>>;
    type Rx<T> = spsc::Consumer<Heap<T>>;
    type Gauge<T> = Observer;

    fn ring<T>(capacity: usize) -> Result<Ends<T, Self>, CapacityError> {
        let (producer, consumer) = spsc::try_with_capacity(capacity)?;
        let observer = producer.observe();
        Ok((producer, consumer, observer))
    }
}

const NEW: &str = "nobody else has the handle of a new ring";

impl sealed::Sealed for Mpsc {}
impl Flavour for Mpsc {
    const ONE_SENDER: bool = false;
    const ONE_RECEIVER: bool = true;
    type Tx<T> = Many<T, Shared, Solo>;
    type Rx<T> = Consumer<Arc<HeapRing<T, Shared, Solo>>>;
    type Gauge<T> = Arc<HeapRing<T, Shared, Solo>>;

    fn ring<T>(capacity: usize) -> Result<Ends<T, Self>, CapacityError> {
        let ring = Arc::new(HeapRing::try_with_capacity(capacity)?);
        let consumer = Consumer::claim(ring.clone()).expect(NEW);
        Ok((Many(ring.clone()), consumer, ring))
    }
}

impl sealed::Sealed for Spmc {}
impl Flavour for Spmc {
    const ONE_SENDER: bool = true;
    const ONE_RECEIVER: bool = false;
    type Tx<T> = Producer<Arc<HeapRing<T, Solo, Shared>>>;
    type Rx<T> = Many<T, Solo, Shared>;
    type Gauge<T> = Arc<HeapRing<T, Solo, Shared>>;

    fn ring<T>(capacity: usize) -> Result<Ends<T, Self>, CapacityError> {
        let ring = Arc::new(HeapRing::try_with_capacity(capacity)?);
        let producer = Producer::claim(ring.clone()).expect(NEW);
        Ok((producer, Many(ring.clone()), ring))
    }
}

impl sealed::Sealed for Mpmc {}
impl Flavour for Mpmc {
    const ONE_SENDER: bool = false;
    const ONE_RECEIVER: bool = false;
    type Tx<T> = Many<T, Shared, Shared>;
    type Rx<T> = Many<T, Shared, Shared>;
    type Gauge<T> = Arc<HeapRing<T, Shared, Shared>>;

    fn ring<T>(capacity: usize) -> Result<Ends<T, Self>, CapacityError> {
        let ring = Arc::new(HeapRing::try_with_capacity(capacity)?);
        Ok((Many(ring.clone()), Many(ring.clone()), ring))
    }
}

impl<F: ManySenders> sealed::Sealed for Reservable<F> {}
impl<F: ManySenders> Flavour for Reservable<F> {
    const ONE_SENDER: bool = false;
    const ONE_RECEIVER: bool = F::ONE_RECEIVER;
    const EVICTS: bool = true;
    type Tx<T> = Counted<T, Mpmc>;
    type Rx<T> = Counted<T, F>;
    type Gauge<T> = Counted<T, Mpmc>;

    fn ring<T>(capacity: usize) -> Result<Ends<T, Self>, CapacityError> {
        let ring = Counted::try_with_capacity(capacity)?;
        Ok((ring.clone(), ring.end(), ring))
    }
}
