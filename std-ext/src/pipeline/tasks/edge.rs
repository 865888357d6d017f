//! The ends of edges that tasks have. Each keeps what it waits with, so that any future that
//! polls it may be dropped.

use std::collections::VecDeque;
use std::task::{Poll, Waker, ready};

use crate::channel::{KeptReceiver, KeptSender, Sends};
use crate::error::RecvError;
use crate::flavour::Flavour;
use crate::pipeline::emit::Stopped;
use crate::pipeline::meter::Meter;
use crate::pipeline::route::Route;
use crate::pipeline::turn::Turn;

/// What a task sends to. It takes records without waiting; whoever has given it as many as
/// are to be sent together waits for [`poll_flush`](Self::poll_flush).
pub(in crate::pipeline) trait PolledOutput<T>: Send {
    fn put(&mut self, record: T);

    /// A turn is over, with this record or without one.
    fn end_turn(&mut self, last: Option<T>) {
        if let Some(last) = last {
            self.put(last);
        }
    }

    /// Ready when all is offered.
    fn poll_flush(&mut self, meter: &Meter, waker: &Waker) -> Poll<Result<(), Stopped>>;

    /// What was not offered.
    fn take_back(&mut self) -> Vec<T>;
}

/// What a task receives from.
pub(in crate::pipeline) trait PolledInput<T>: Send {
    /// Appends up to `limit` records, at least one; none unless it is ready.
    fn poll_recv(
        &mut self,
        records: &mut Vec<T>,
        limit: usize,
        meter: &Meter,
        waker: &Waker,
    ) -> Poll<Result<(), RecvError>>;
}

/// The end of a channel.
pub(in crate::pipeline) struct PolledSender<T, S: Sends<T>> {
    sender: KeptSender<T, S>,
    records: VecDeque<T>,
}

impl<T, S: Sends<T>> PolledSender<T, S> {
    pub(in crate::pipeline) fn new(sender: S) -> Self {
        Self {
            sender: KeptSender::new(sender),
            records: VecDeque::new(),
        }
    }
}

impl<T: Send, S: Sends<T>> PolledOutput<T> for PolledSender<T, S>
where
    Self: Send,
{
    fn put(&mut self, record: T) {
        self.records.push_back(record);
    }

    fn poll_flush(&mut self, _: &Meter, waker: &Waker) -> Poll<Result<(), Stopped>> {
        let Self { sender, records } = self;
        let sent = ready!(sender.poll_send(|| records.pop_front(), waker));
        Poll::Ready(sent.map_err(|_| Stopped))
    }

    /// The one with which it waits is offered: the channel counts it as cancelled.
    fn take_back(&mut self) -> Vec<T> {
        self.sender.cancel();
        self.records.drain(..).collect()
    }
}

impl<T, F: Flavour> PolledInput<T> for KeptReceiver<T, F>
where
    Self: Send,
{
    fn poll_recv(
        &mut self,
        records: &mut Vec<T>,
        limit: usize,
        _: &Meter,
        waker: &Waker,
    ) -> Poll<Result<(), RecvError>> {
        self.poll_recv_many(records, limit, waker)
            .map(|received| received.map(drop))
    }
}

/// The end of a pipeline: a sink sends nothing.
pub(in crate::pipeline) struct PolledNowhere;

impl<T> PolledOutput<T> for PolledNowhere {
    fn put(&mut self, _: T) {}

    fn poll_flush(&mut self, _: &Meter, _: &Waker) -> Poll<Result<(), Stopped>> {
        Poll::Ready(Ok(()))
    }

    fn take_back(&mut self) -> Vec<T> {
        Vec::new()
    }
}

/// Each record to one of several outputs.
pub(in crate::pipeline) struct PolledRouted<T> {
    pub(in crate::pipeline) outputs: Vec<Box<dyn PolledOutput<T>>>,
    pub(in crate::pipeline) route: Route<T>,
}

impl<T> PolledOutput<T> for PolledRouted<T> {
    fn put(&mut self, record: T) {
        let to = (self.route)(&record);
        self.outputs[to].put(record);
    }

    fn poll_flush(&mut self, meter: &Meter, waker: &Waker) -> Poll<Result<(), Stopped>> {
        for output in &mut self.outputs {
            ready!(output.poll_flush(meter, waker))?;
        }
        Poll::Ready(Ok(()))
    }

    fn take_back(&mut self) -> Vec<T> {
        let outputs = self.outputs.iter_mut();
        outputs.flat_map(|output| output.take_back()).collect()
    }
}

/// Each record to two outputs.
pub(in crate::pipeline) struct PolledBoth<T> {
    pub(in crate::pipeline) main: Box<dyn PolledOutput<T>>,
    pub(in crate::pipeline) copy: Box<dyn PolledOutput<T>>,
}

impl<T: Clone> PolledOutput<T> for PolledBoth<T> {
    fn put(&mut self, record: T) {
        self.copy.put(record.clone());
        self.main.put(record);
    }

    fn end_turn(&mut self, last: Option<T>) {
        self.copy.end_turn(last.clone());
        self.main.end_turn(last);
    }

    fn poll_flush(&mut self, meter: &Meter, waker: &Waker) -> Poll<Result<(), Stopped>> {
        ready!(self.copy.poll_flush(meter, waker))?;
        self.main.poll_flush(meter, waker)
    }

    fn take_back(&mut self) -> Vec<T> {
        drop(self.copy.take_back());
        self.main.take_back()
    }
}

/// Says where each turn ends.
pub(in crate::pipeline) struct PolledTurns<T>(
    pub(in crate::pipeline) Box<dyn PolledOutput<Turn<T>>>,
);

impl<T> PolledOutput<T> for PolledTurns<T> {
    fn put(&mut self, record: T) {
        self.0.put(Turn::More(record));
    }

    fn end_turn(&mut self, last: Option<T>) {
        self.0.put(last.map_or(Turn::Over, Turn::Last));
    }

    fn poll_flush(&mut self, meter: &Meter, waker: &Waker) -> Poll<Result<(), Stopped>> {
        self.0.poll_flush(meter, waker)
    }

    fn take_back(&mut self) -> Vec<T> {
        let turns = self.0.take_back().into_iter();
        turns.filter_map(Turn::into_record).collect()
    }
}

/// Takes from several inputs in turn, as a thread does.
pub(in crate::pipeline) struct PolledInTurn<E> {
    pub(in crate::pipeline) inputs: Vec<Box<dyn PolledInput<E>>>,
    pub(in crate::pipeline) next: usize,
    pub(in crate::pipeline) turns: Vec<E>,
}

impl<T, E: Into<Turn<T>> + Send> PolledInput<T> for PolledInTurn<E> {
    fn poll_recv(
        &mut self,
        records: &mut Vec<T>,
        _: usize,
        meter: &Meter,
        waker: &Waker,
    ) -> Poll<Result<(), RecvError>> {
        loop {
            ready!(self.inputs[self.next].poll_recv(&mut self.turns, 1, meter, waker))?;
            let turn = self.turns.pop().expect("it was received").into();
            if turn.is_over() {
                self.next = (self.next + 1) % self.inputs.len();
            }
            if let Some(record) = turn.into_record() {
                records.push(record);
                return Poll::Ready(Ok(()));
            }
        }
    }
}
