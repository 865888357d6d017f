//! Waiting for what is the user's: a future that is dropped when it is no longer wanted.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use crate::pipeline::control::{Cause, Control};
use crate::pipeline::meter::{InHand, Meter};
use crate::pipeline::work::BoxError;
use crate::sync::Padded;
use crate::wait::KeptPlace;

/// What a worker waits with for what is not an edge: edges wake it themselves.
pub(in crate::pipeline) struct Watch {
    pub(super) control: Arc<Control>,
    pub(super) meter: Arc<Padded<Meter>>,
    place: KeptPlace,
}

impl Watch {
    pub(super) fn new(control: Arc<Control>, meter: Arc<Padded<Meter>>) -> Self {
        Self {
            control,
            meter,
            place: KeptPlace::default(),
        }
    }

    /// Waits for what is made of a record. `None` if the pipeline was cancelled: then it is
    /// dropped, and so is the record, which is counted.
    pub(super) async fn working<R>(&mut self, future: impl Future<Output = R>) -> Option<R> {
        let meter = self.meter.clone();
        let in_hand = InHand::new(&meter);
        let done = self.unless(Control::is_cancelled, or_panic(future)).await?;
        // The record with which it panics is not counted as dropped, as on a thread.
        in_hand.done();
        Some(done.unwrap_or_else(|panic| resume_unwind(panic)))
    }

    /// Waits for `future`; `None` if it is over before.
    pub(super) async fn unless<R>(
        &mut self,
        is_over: impl Fn(&Control) -> bool,
        future: impl Future<Output = R>,
    ) -> Option<R> {
        let mut future = pin!(future);
        let Self { control, place, .. } = self;
        let look = || is_over(control).then_some(());
        poll_fn(|context| {
            if look().is_some() {
                return Poll::Ready(None);
            }
            if let Poll::Ready(done) = future.as_mut().poll(context) {
                return Poll::Ready(Some(done));
            }
            place
                .poll(&control.changes, context.waker(), look, || false)
                .map(|()| None)
        })
        .await
    }
}

/// Does all that a task does, or catches its panic: so that the worker, which is not in
/// `future`, is dropped when nothing unwinds.
pub(super) async fn caught(
    future: impl Future<Output = Result<(), BoxError>>,
) -> Result<(), Cause> {
    match or_panic(future).await {
        Ok(done) => done.map_err(Cause::Error),
        Err(payload) => Err(Cause::of_panic(&*payload)),
    }
}

/// The same, of what it takes to drop the worker then.
pub(super) fn caught_drop(worker: impl Send) -> Result<(), Cause> {
    catch_unwind(AssertUnwindSafe(|| drop(worker))).map_err(|payload| Cause::of_panic(&*payload))
}

/// Waits for `future`, or its panic.
async fn or_panic<R>(future: impl Future<Output = R>) -> std::thread::Result<R> {
    let mut future = pin!(future);
    poll_fn(
        |context| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
            Ok(polled) => polled.map(Ok),
            Err(panic) => Poll::Ready(Err(panic)),
        },
    )
    .await
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.place.leave(&self.control.changes);
    }
}
