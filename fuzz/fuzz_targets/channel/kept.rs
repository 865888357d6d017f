//! Futures that are kept over other steps. Each owns its end, and gives it back when it
//! is ready or told to stop.

use crate::handles::{Rx, Tx};
use crate::item::{Item, number};
use crate::oracle::Fate;
use ringfence::RecvError;
use ringfence::flavour::{CanReserve, Flavour};
use std::cell::Cell;
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake};

pub enum End<F: Flavour> {
    Tx(Tx<F>),
    Rx(Rx<F>),
}

#[derive(Debug, PartialEq)]
pub enum Out {
    Sent(Fate),
    Received(Result<Vec<u64>, RecvError>),
    Closed(String),
    /// There is no permit, nor will be.
    NoPermit,
    /// Stopped: an item that was given back.
    Stopped(Option<u64>),
}

pub type Future<F> = Pin<Box<dyn std::future::Future<Output = (End<F>, Out)>>>;
pub type Order = Rc<Cell<Stop>>;

/// Whether to stop, and how.
#[derive(Clone, Copy, PartialEq)]
pub enum Stop {
    No,
    Drop,
    TakeBack,
}

pub enum What {
    Send(u64),
    /// Whether there is a permit.
    Reserve(u64, bool),
    /// Many, at most so many.
    Receive(Option<usize>),
    /// Whether by a sender.
    Closed(bool),
}

impl What {
    pub fn is_of_sender(&self) -> bool {
        matches!(self, Self::Send(_) | Self::Reserve(..) | Self::Closed(true))
    }

    pub fn has_permit(&self) -> bool {
        matches!(self, Self::Reserve(_, true))
    }
}

pub struct Kept<F: Flavour> {
    pub what: What,
    future: Future<F>,
    order: Order,
    wakes: Arc<Wakes>,
    /// How often it had been woken when it was last polled.
    known_wakes: usize,
}

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl<F: Flavour> Kept<F> {
    pub fn new(what: What, future: impl FnOnce(Order) -> Future<F>) -> Self {
        let order = Rc::new(Cell::new(Stop::No));
        Self {
            what,
            future: future(order.clone()),
            order,
            wakes: Arc::default(),
            known_wakes: 0,
        }
    }

    pub fn poll(&mut self) -> Poll<(End<F>, Out)> {
        self.known_wakes = self.wakes.0.load(Ordering::Relaxed);
        let waker = self.wakes.clone().into();
        self.future.as_mut().poll(&mut Context::from_waker(&waker))
    }

    pub fn stop(mut self, how: Stop) -> (End<F>, Out) {
        self.order.set(how);
        match self.poll() {
            Poll::Ready(done) => done,
            Poll::Pending => panic!("it does not stop"),
        }
    }

    pub fn is_woken(&self) -> bool {
        self.wakes.0.load(Ordering::Relaxed) > self.known_wakes
    }
}

/// `None` if it is to stop.
async fn unless_stopped<T: std::future::Future + Unpin>(
    order: &Order,
    future: &mut T,
) -> Option<T::Output> {
    poll_fn(|context| match order.get() {
        Stop::No => Pin::new(&mut *future).poll(context).map(Some),
        _ => Poll::Ready(None),
    })
    .await
}

pub async fn send<F: Flavour>(mut tx: Tx<F>, item: Item, order: Order) -> (End<F>, Out) {
    let out = {
        let mut sending = tx.send_async(item);
        match unless_stopped(&order, &mut sending).await {
            Some(sent) => Out::Sent(Fate::of(sent)),
            None if order.get() == Stop::Drop => Out::Stopped(None),
            None => Out::Stopped(sending.into_inner().map(number)),
        }
    };
    (End::Tx(tx), out)
}

/// Holds the permit until it is polled again.
pub async fn reserve<F: CanReserve>(mut tx: Tx<F>, number: u64, order: Order) -> (End<F>, Out) {
    let out = match unless_stopped(&order, &mut tx.reserve_async()).await {
        Some(Ok(permit)) => {
            let mut polls = 0..1;
            let mut again = poll_fn(|_| match polls.next() {
                Some(_) => Poll::Pending,
                None => Poll::Ready(()),
            });
            match unless_stopped(&order, &mut again).await {
                Some(()) => Out::Sent(Fate::of(permit.send(Item::new(number)))),
                None => Out::Stopped(None),
            }
        }
        Some(Err(_)) => Out::NoPermit,
        None => Out::Stopped(None),
    };
    (End::Tx(tx), out)
}

pub async fn receive<F: Flavour>(
    mut end: Rx<F>,
    limit: Option<usize>,
    order: Order,
) -> (End<F>, Out) {
    let mut items = Vec::new();
    let received = match limit {
        None => unless_stopped(&order, &mut end.rx.recv_async())
            .await
            .map(|received| received.map(|item| vec![item])),
        Some(limit) => {
            let received =
                unless_stopped(&order, &mut end.rx.recv_many_async(&mut items, limit)).await;
            received.map(|received| {
                received
                    .inspect(|&n| assert_eq!(n, items.len()))
                    .map(|_| items)
            })
        }
    };
    let out = received.map_or(Out::Stopped(None), |received| {
        Out::Received(received.map(|items| items.into_iter().map(number).collect()))
    });
    (End::Rx(end), out)
}

pub async fn closed<F: Flavour>(end: End<F>, order: Order) -> (End<F>, Out) {
    let why = match &end {
        End::Tx(tx) => unless_stopped(&order, &mut tx.closed()).await,
        End::Rx(rx) => unless_stopped(&order, &mut rx.rx.closed()).await,
    };
    let out = why.map_or(Out::Stopped(None), |why| Out::Closed(why.to_string()));
    (end, out)
}
