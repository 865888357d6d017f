//! Edges that size themselves: each record goes with a credit of a pool of as many as are to
//! fit, and who receives it gives that back at once. Who receives also measures, and resizes
//! the pool.

use std::sync::Arc;
use std::task::{Poll, Waker, ready};
use std::time::{Duration, Instant};

use super::edge::{Carrier, Input, Output, from_front};
use super::emit::Stopped;
use super::meter::{Meter, Wait, Waiting};
use super::sizing::{Sizer, TargetDelay};
use super::tasks::edge::{PolledInput, PolledOutput, PolledSender};
use crate::channel::KeptReceiver;
use crate::channel::weighted::{self, Weighted};
use crate::credit::Pool;
use crate::error::RecvError;
use crate::flavour::Flavour;
use crate::sync::{Mutex, Padded, lock};
use crate::{Receiver, Sender};

/// One channel that is sized by those who receive from it.
pub(super) struct Sizing(Arc<Shared>);

struct Shared {
    delay: TargetDelay,
    /// A credit for each record that is to fit.
    room: Pool,
    sizer: Mutex<Sizer>,
}

impl Sizing {
    pub(super) fn new(delay: &TargetDelay, most: usize, workers: usize) -> Self {
        Self(Arc::new(Shared {
            delay: delay.clone(),
            room: Pool::new(most as u64),
            sizer: Mutex::new(Sizer::new(delay, most, workers)),
        }))
    }

    /// The end that sends, which may be used directly.
    pub(super) fn sender<T, F: Flavour>(
        &self,
        sender: Sender<Weighted<T>, F>,
    ) -> weighted::Sender<T, F> {
        weighted::Sender::new(sender, self.0.room.clone(), Arc::new(|_| 1))
    }

    pub(super) fn receiver<T, F: Flavour>(
        &self,
        receiver: Receiver<Weighted<T>, F>,
    ) -> SizingInput<T, F> {
        let work = Measured {
            shared: self.0.clone(),
            received: Vec::new(),
            at_work: None,
        };
        SizingInput { receiver, work }
    }

    pub(super) fn room(&self) -> &Pool {
        &self.0.room
    }
}

impl<T: Send + 'static> Carrier<T> for Sizing {
    type Item = Weighted<T>;
    type Received = T;

    fn output<F: Flavour>(&self, sender: Sender<Weighted<T>, F>) -> Box<dyn Output<T>>
    where
        Sender<Weighted<T>, F>: Send,
    {
        Box::new(Padded::new(SizedOutput(self.sender(sender))))
    }

    fn input<F: Flavour>(&self, receiver: Receiver<Weighted<T>, F>) -> Box<dyn Input<T>>
    where
        Receiver<Weighted<T>, F>: Send,
    {
        Box::new(Padded::new(self.receiver(receiver)))
    }

    fn size(&self) -> Option<&Pool> {
        Some(self.room())
    }
}

impl Shared {
    /// A worker got through so many records in so much time.
    fn worked(&self, records: usize, time: Duration) {
        if !lock(&self.sizer).worked(records, time) {
            return;
        }
        // Outside the lock, since it wakes. If two do it at once, the one that is later with
        // what was wanted before sees that it is not any more.
        loop {
            let wanted = lock(&self.sizer).capacity() as u64;
            if self.room.stats().capacity == wanted {
                return;
            }
            let resized = self.room.resize(wanted);
            resized.expect("never more than it began with");
        }
    }
}

struct SizedOutput<T, F: Flavour>(weighted::Sender<T, F>);

impl<T: Send + 'static, F: Flavour> Output<T> for SizedOutput<T, F>
where
    Sender<Weighted<T>, F>: Send,
{
    fn send_one(&mut self, record: T, meter: &Meter) -> Result<(), Option<T>> {
        let sent = self.0.send_watched(record, || meter.wait(Wait::Room));
        sent.map(drop).map_err(|_| None)
    }

    fn send(&mut self, records: &mut Vec<T>, meter: &Meter) -> Result<(), Stopped> {
        let waits = || meter.wait(Wait::Room);
        from_front(records, |records| self.0.send_many_watched(records, waits))
    }

    fn into_polled(self: Box<Self>) -> Box<dyn PolledOutput<T>> {
        Box::new(PolledSender::new(self.0))
    }
}

/// The end that receives.
pub(super) struct SizingInput<T, F: Flavour> {
    receiver: Receiver<Weighted<T>, F>,
    work: Measured<T>,
}

/// The same, of a task: what it waits for in its work is work.
struct SizingPolled<T, F: Flavour> {
    receiver: KeptReceiver<Weighted<T>, F>,
    work: Measured<T>,
}

/// How long a worker is at work, on how many records.
struct Measured<T> {
    shared: Arc<Shared>,
    /// Empty between two receives.
    received: Vec<Weighted<T>>,
    /// Since when it has been at work, and on how many.
    at_work: Option<(Instant, usize)>,
}

impl<T> Measured<T> {
    /// It is through with its work, if it had some, and it is so late.
    fn end(&mut self) -> Instant {
        let now = self.shared.delay.now();
        if let Some((since, records)) = self.at_work.take() {
            let time = now.saturating_duration_since(since);
            self.shared.worked(records, time);
        }
        now
    }

    /// It is at work on so many records: since it ended the work before, unless it has waited.
    fn begin(&mut self, records: usize, ended: Option<Instant>) {
        let since = ended.unwrap_or_else(|| self.shared.delay.now());
        self.at_work = Some((since, records));
    }

    /// What it received; the credits of that are free again.
    fn hand_over(&mut self, records: &mut Vec<T>) {
        records.extend(self.received.drain(..).map(Weighted::into_inner));
    }
}

/// What a receive is to do when it waits.
fn waiting<'a>(meter: &'a Meter, waited: &'a mut bool) -> impl FnOnce() -> Waiting<'a> {
    || {
        *waited = true;
        meter.wait(Wait::Items)
    }
}

impl<T, F> Input<T> for SizingInput<T, F>
where
    T: Send + 'static,
    F: Flavour + 'static,
    Receiver<Weighted<T>, F>: Send,
{
    fn recv_one(&mut self, meter: &Meter) -> Result<T, RecvError> {
        let Self { receiver, work } = self;
        let (ended, mut waited) = (work.end(), false);
        let record = receiver.recv_watched(waiting(meter, &mut waited))?;
        work.begin(1, (!waited).then_some(ended));
        Ok(record.into_inner())
    }

    fn recv(&mut self, records: &mut Vec<T>, limit: usize, meter: &Meter) -> Result<(), RecvError> {
        let Self { receiver, work } = self;
        let (ended, mut waited) = (work.end(), false);
        receiver.recv_many_watched(&mut work.received, limit, waiting(meter, &mut waited))?;
        work.begin(work.received.len(), (!waited).then_some(ended));
        work.hand_over(records);
        Ok(())
    }

    fn into_polled(self: Box<Self>) -> Box<dyn PolledInput<T>> {
        let Self { receiver, work } = *self;
        let receiver = KeptReceiver::new(receiver);
        Box::new(SizingPolled { receiver, work })
    }
}

impl<T: Send, F: Flavour> PolledInput<T> for SizingPolled<T, F>
where
    Receiver<Weighted<T>, F>: Send,
{
    fn poll_recv(
        &mut self,
        records: &mut Vec<T>,
        limit: usize,
        _: &Meter,
        waker: &Waker,
    ) -> Poll<Result<(), RecvError>> {
        let Self { receiver, work } = self;
        let _now = work.end();
        ready!(receiver.poll_recv_many(&mut work.received, limit, waker))?;
        work.begin(work.received.len(), None);
        work.hand_over(records);
        Poll::Ready(Ok(()))
    }
}
