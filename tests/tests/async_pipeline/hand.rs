//! An executor that polls once when it is told to.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::task::{Context, Poll, Wake, Waker};

use ringfence::pipeline::Task;

/// Tasks, those first that have not been polled for longest.
#[derive(Clone, Default)]
pub(crate) struct Hand(Rc<RefCell<VecDeque<Held>>>);

struct Held {
    task: Task,
    woken: Arc<Woken>,
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, SeqCst);
    }
}

impl Hand {
    pub(crate) fn spawn(&self, task: Task) {
        let woken = Arc::new(Woken(AtomicBool::new(true)));
        self.0.borrow_mut().push_back(Held { task, woken });
    }

    /// For `start_on`.
    pub(crate) fn spawner(&self) -> impl FnMut(Task) + use<> {
        let hand = self.clone();
        move |task| hand.spawn(task)
    }

    /// Polls the task that was woken and has waited longest; says whether there was one.
    pub(crate) fn poll_one(&self) -> bool {
        let mut tasks = self.0.borrow_mut();
        let woken = |held: &Held| held.woken.0.swap(false, SeqCst);
        let Some(at) = tasks.iter().position(woken) else {
            return false;
        };
        let mut held = tasks.remove(at).unwrap();
        drop(tasks);
        let waker = Waker::from(held.woken.clone());
        let polled = pin!(&mut held.task).poll(&mut Context::from_waker(&waker));
        if polled.is_pending() {
            self.0.borrow_mut().push_back(held);
        }
        true
    }

    /// Polls until nobody is woken.
    pub(crate) fn run(&self) {
        while self.poll_one() {}
    }

    pub(crate) fn tasks(&self) -> usize {
        self.0.borrow().len()
    }

    /// As a runtime that is shut down.
    pub(crate) fn drop_all(&self) {
        while self.tasks() > 0 {
            self.drop_one(0);
        }
    }

    /// Drops one task.
    pub(crate) fn drop_one(&self, which: usize) {
        let at = which % self.tasks();
        let dropped = self.0.borrow_mut().remove(at);
        drop(dropped);
    }
}

/// Pending so often.
pub(crate) async fn turns(mut n: u64) {
    poll_fn(|context| {
        if n == 0 {
            return Poll::Ready(());
        }
        n -= 1;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Polls once: what nobody waits for.
pub(crate) fn now<R>(future: impl Future<Output = R>) -> Option<R> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(ready) => Some(ready),
        Poll::Pending => None,
    }
}

/// Polls once in a task, and drops what is not ready.
pub(crate) async fn try_once<R>(future: impl Future<Output = R>) -> Option<R> {
    let mut future = pin!(future);
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(ready) => Poll::Ready(Some(ready)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}
