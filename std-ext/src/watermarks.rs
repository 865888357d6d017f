//! Two depths of a channel, and who is told when it crosses them.

use std::error::Error;
use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::event::Event;
use crate::stats::Monitor;
use crate::sync::{Arc, Mutex, lock};
use crate::wait::KeptPlace;

/// Tells when a channel has become deep, and when it has become shallow again: for a source
/// that cannot be refused items, and can be paused.
///
/// It is *high* from when a look finds at least `high` items until a look finds at most
/// `low`: between the two it stays what it was, so that it does not flutter. There is no
/// thread that looks: crossings are noticed by [`look`](Self::look), and so by whoever calls
/// it. A [`Polled`](crate::Polled) receiver that has it does at each poll and commit; other
/// ends cost nothing, and have it called by hand, after a send or a receive. What goes up
/// and down again between two looks is not noticed.
///
/// The hooks run on the thread whose look noticed the crossing, or on one that is just
/// running one; under no lock, one after the other, and by turns: first high, then low.
/// When all looks have returned, the last call was for how it stands. A hook may use
/// channels, and look. If it panics, so does the look, and it has been called.
///
/// A task can wait instead, for [`low`](Self::low) or [`high`](Self::high).
///
/// ```
/// use ringfence::Watermarks;
/// use std::sync::atomic::{AtomicBool, Ordering};
/// use std::sync::Arc;
///
/// let (mut tx, mut rx) = ringfence::bounded(10);
/// let paused = Arc::new(AtomicBool::new(false));
/// let source = paused.clone();
/// let marks = Watermarks::new(tx.monitor(), 8, 2, move |is_high| {
///     source.store(is_high, Ordering::Relaxed);
/// })?;
/// for item in 0..8 {
///     tx.try_send(item).unwrap();
///     marks.look();
/// }
/// assert!(paused.load(Ordering::Relaxed));
/// for left in (2..8).rev() {
///     assert!(marks.is_high());
///     rx.recv()?;
///     assert_eq!(marks.look(), left > 2);
/// }
/// assert!(!paused.load(Ordering::Relaxed));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Watermarks(Arc<Inner>);

struct Inner {
    monitor: Monitor,
    high: usize,
    low: usize,
    state: Mutex<State>,
    /// Whether it is high has changed.
    crossed: Event,
    hook: Hook,
}

type Hook = Box<dyn Fn(bool) + Send + Sync>;

#[derive(Clone, Copy, Debug, Default)]
struct State {
    is_high: bool,
    /// What the hook was told last.
    told: bool,
    /// Whether some thread is at telling it.
    is_telling: bool,
}

// If the hook panics, it has been called, and all is whole.
impl UnwindSafe for Watermarks {}
impl RefUnwindSafe for Watermarks {}

/// The marks are not in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WatermarksError {
    /// The low mark is not below the high one.
    Order,
    /// The channel is never as deep as the high mark.
    TooHigh,
}

impl Watermarks {
    /// High from `high` items on until there are only `low`; `hook` is told each change,
    /// with whether it is high now.
    ///
    /// # Errors
    /// [`WatermarksError`], if `low` is not below `high`, or `high` above the capacity.
    pub fn new(
        monitor: Monitor,
        high: usize,
        low: usize,
        hook: impl Fn(bool) + Send + Sync + 'static,
    ) -> Result<Self, WatermarksError> {
        if low >= high {
            return Err(WatermarksError::Order);
        }
        if high as u64 > monitor.stats().capacity {
            return Err(WatermarksError::TooHigh);
        }
        Ok(Self(Arc::new(Inner {
            monitor,
            high,
            low,
            state: Mutex::default(),
            crossed: Event::new(),
            hook: Box::new(hook),
        })))
    }

    /// Looks how deep the channel is, calls the hook if a mark was crossed, and says whether
    /// it is high. Takes a short lock.
    pub fn look(&self) -> bool {
        let inner = &*self.0;
        let mut state = lock(&inner.state);
        // Under the lock: who looks later sees what those before have sent and received,
        // so that none goes back to what was.
        let depth = inner.monitor.depth();
        let was_high = state.is_high;
        if depth >= inner.high {
            state.is_high = true;
        } else if depth <= inner.low {
            state.is_high = false;
        }
        let State {
            is_high,
            told,
            is_telling,
        } = *state;
        let telling = (is_high != told && !is_telling).then(|| Telling(inner));
        state.is_telling |= telling.is_some();
        drop(state);
        if is_high != was_high {
            // Whoever waits joined the queue, and then looked under the lock of the state:
            // either it saw the change, or it is found here.
            inner.crossed.wake_all();
        }
        if let Some(telling) = telling {
            telling.tell();
        }
        is_high
    }

    /// Whether it was high at the last look. Takes a short lock.
    #[must_use]
    pub fn is_high(&self) -> bool {
        lock(&self.0.state).is_high
    }

    /// Waits until a look finds it low; ready at once if the last one did, or there was
    /// none.
    ///
    /// A task that sleeps through a whole time of being low goes on waiting. Dropping the
    /// future at any time loses nothing.
    pub fn low(&self) -> MarkFuture<'_> {
        MarkFuture::new(self, false)
    }

    /// As [`low`](Self::low), until a look finds it high.
    pub fn high(&self) -> MarkFuture<'_> {
        MarkFuture::new(self, true)
    }
}

/// Waits until a channel is low, or high. See [`Watermarks::low`].
#[must_use = "futures do nothing unless polled"]
pub struct MarkFuture<'a> {
    marks: &'a Watermarks,
    is_high: bool,
    place: KeptPlace,
}

impl<'a> MarkFuture<'a> {
    fn new(marks: &'a Watermarks, is_high: bool) -> Self {
        Self {
            marks,
            is_high,
            place: KeptPlace::default(),
        }
    }
}

impl Future for MarkFuture<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let Self {
            marks,
            is_high,
            place,
        } = self.get_mut();
        let look = || (marks.is_high() == *is_high).then_some(());
        match look() {
            Some(()) => Poll::Ready(()),
            None => place.poll(&marks.0.crossed, context.waker(), look, || false),
        }
    }
}

impl Drop for MarkFuture<'_> {
    fn drop(&mut self) {
        self.place.leave(&self.marks.0.crossed);
    }
}

impl fmt::Debug for MarkFuture<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MarkFuture")
            .field("is_high", &self.is_high)
            .finish_non_exhaustive()
    }
}

/// One thread at a time tells the hook; what others notice meanwhile, it tells for them.
struct Telling<'a>(&'a Inner);

impl Telling<'_> {
    fn tell(self) {
        let Inner { state, hook, .. } = self.0;
        loop {
            let mut state = lock(state);
            if state.told == state.is_high {
                // In the same breath, so that whoever comes next tells it.
                state.is_telling = false;
                std::mem::forget(self);
                return;
            }
            state.told = state.is_high;
            let is_high = state.told;
            drop(state);
            hook(is_high);
        }
    }
}

/// If the hook panics, others may go on.
impl Drop for Telling<'_> {
    fn drop(&mut self) {
        lock(&self.0.state).is_telling = false;
    }
}

impl fmt::Debug for Watermarks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watermarks")
            .field("high", &self.0.high)
            .field("low", &self.0.low)
            .field("is_high", &self.is_high())
            .finish_non_exhaustive()
    }
}

impl fmt::Display for WatermarksError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Order => "the low mark is not below the high one",
            Self::TooHigh => "the high mark is above the capacity",
        })
    }
}

impl Error for WatermarksError {}
