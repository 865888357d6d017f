//! Work that somebody must carry out: in a task of any runtime, or on a thread.

use std::fmt;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use crate::wait::block_on;

/// What has to be done for items to move. A future for a runtime of one's choice, or for a
/// [thread](Self::run).
///
/// Dropping it gives up what it was for: a subscriber is told
/// [`Failure::Abandoned`](super::Failure::Abandoned), a publisher that there is no more
/// demand.
#[must_use = "nothing moves unless it is polled or run"]
pub struct Driver<R = ()>(Pin<Box<dyn Future<Output = R> + Send>>);

impl<R> Driver<R> {
    pub(crate) fn new(work: impl Future<Output = R> + Send + 'static) -> Self {
        Self(Box::pin(work))
    }

    /// Does the work on this thread, which sleeps while there is none.
    pub fn run(self) -> R {
        let mut future = pin!(self);
        let done = block_on(None, |waker| {
            future.as_mut().poll(&mut Context::from_waker(waker))
        });
        done.expect("without a deadline it waits until it is ready")
    }
}

/// Gives a driver a thread of its own: for
/// [`from_channel`](super::from_channel) and its kin.
///
/// # Panics
/// If the system has no thread for it.
pub fn on_thread(driver: Driver) {
    std::thread::spawn(|| driver.run());
}

impl<R> Future for Driver<R> {
    type Output = R;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<R> {
        self.0.as_mut().poll(context)
    }
}

impl<R> fmt::Debug for Driver<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver").finish_non_exhaustive()
    }
}
