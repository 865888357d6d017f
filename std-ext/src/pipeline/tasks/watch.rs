//! Waiting for what is the user's: a future that is dropped when it is no longer wanted.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use super::emit::InHand;
use crate::pipeline::control::Control;
use crate::pipeline::meter::Meter;
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
        // As a thread does, it does not count the record with which it fails.
        let done = self.unless(Control::is_cancelled, future).await?;
        in_hand.done();
        Some(done.unwrap_or_else(|panic| resume_unwind(panic)))
    }

    /// Waits for the next record of a source. `None` if the sources are to end.
    pub(super) async fn next<R>(&mut self, record: impl Future<Output = R>) -> Option<R> {
        let next = self.unless(Control::is_stopping, record).await?;
        Some(next.unwrap_or_else(|panic| resume_unwind(panic)))
    }

    /// Waits for `future`, or its panic; `None` if it is over before.
    async fn unless<R>(
        &mut self,
        is_over: impl Fn(&Control) -> bool,
        future: impl Future<Output = R>,
    ) -> Option<std::thread::Result<R>> {
        let mut future = pin!(future);
        let Self { control, place, .. } = self;
        let look = || is_over(control).then_some(());
        poll_fn(|context| {
            if look().is_some() {
                return Poll::Ready(None);
            }
            match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
                Ok(Poll::Ready(done)) => Poll::Ready(Some(Ok(done))),
                Err(panic) => Poll::Ready(Some(Err(panic))),
                Ok(Poll::Pending) => place
                    .poll(&control.changes, context.waker(), look, || false)
                    .map(|()| None),
            }
        })
        .await
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.place.leave(&self.control.changes);
    }
}
