//! An executor for a few tasks, as small as one can be: polls those that were woken, and
//! sleeps until an interrupt when there are none.

use core::pin::Pin;
use core::sync::atomic::{AtomicBool, Ordering::SeqCst};
use core::task::{Context, RawWaker, RawWakerVTable, Waker};

use crate::board;

/// Which tasks have been woken.
static WOKEN: [AtomicBool; 4] = [const { AtomicBool::new(false) }; 4];

const WAKER: RawWakerVTable = RawWakerVTable::new(clone, wake, wake, |_| ());

fn clone(flag: *const ()) -> RawWaker {
    RawWaker::new(flag, &WAKER)
}

fn wake(flag: *const ()) {
    // SAFETY: of `WOKEN`, which is static.
    unsafe { &*flag.cast::<AtomicBool>() }.store(true, SeqCst);
}

/// Runs all tasks to their ends. Returns how often it slept. For main alone.
pub fn run<const N: usize>(tasks: [Pin<&mut dyn Future<Output = ()>>; N]) -> u32 {
    let mut tasks = tasks.map(Some);
    let mut slept = 0;
    let woken = &WOKEN[..N];
    woken.iter().for_each(|flag| flag.store(true, SeqCst));
    while tasks.iter().any(Option::is_some) {
        for (task, flag) in tasks.iter_mut().zip(woken) {
            let Some(future) = task.as_mut().filter(|_| flag.load(SeqCst)) else {
                continue;
            };
            flag.store(false, SeqCst);
            // SAFETY: the functions of `WAKER` do what they ought to.
            let waker = unsafe { Waker::from_raw(clone((&raw const *flag).cast())) };
            if future
                .as_mut()
                .poll(&mut Context::from_waker(&waker))
                .is_ready()
            {
                *task = None;
            }
        }
        let nothing_to_do = || !woken.iter().any(|flag| flag.load(SeqCst));
        if tasks.iter().any(Option::is_some) && board::sleep_if(nothing_to_do) {
            slept += 1;
        }
    }
    slept
}
