//! What accounts cost: the same ring, fences and waiting as our channel for one and one,
//! without counts, policies and closing.

use std::sync::Arc;

use ringfence::event::Event;
use ringfence::wait::{Patience, wait};
use ringfence_core::spsc::{self, Heap};

use super::{Stream, entry, ours};
use crate::crews::{Setting, Shape, settings};
use crate::groups::{Group, YIELDS, fitting};
use crate::harness::{Pop, Push};

/// All groups.
pub fn groups() -> Vec<Group> {
    settings([1024, 64])
        .filter(|setting| setting.shape == Shape::ONE)
        .map(|setting| Group {
            name: format!("accounts/{setting}"),
            about: "our channel, and the same without accounts".into(),
            measure: YIELDS,
            contestants: fitting(
                setting.shape,
                [
                    entry::<Stream, _, _>("ringfence-spsc", Shape::ONE, setting, |setting| {
                        ours::spsc(setting, ours::send, ours::recv)
                    }),
                    entry::<Stream, _, _>("without", Shape::ONE, setting, without),
                ],
            ),
        })
        .collect()
}

struct Shared {
    items: Event,
    room: Event,
}

struct Sender {
    ring: spsc::Producer<Heap<u64>>,
    shared: Arc<Shared>,
    patience: Patience,
}

impl Sender {
    // As a call, which it is in ours.
    #[inline(never)]
    fn send(&mut self, item: u64) {
        let Self {
            ring,
            shared,
            patience,
        } = self;
        let mut push = || {
            ring.try_push(item).ok()?;
            if shared.items.wants_attention() {
                shared.items.wake_one();
            }
            Some(())
        };
        if push().is_none() {
            wait(&shared.room, patience, None, push, || false);
        }
    }
}

struct Receiver {
    ring: spsc::Consumer<Heap<u64>>,
    shared: Arc<Shared>,
    patience: Patience,
}

impl Receiver {
    #[inline(never)]
    fn recv(&mut self) -> u64 {
        let Self {
            ring,
            shared,
            patience,
        } = self;
        let mut pop = || {
            let item = ring.try_pop()?;
            if shared.room.has_waiters() {
                shared.room.wake_one();
            }
            Some(item)
        };
        let item = pop().or_else(|| wait(&shared.items, patience, None, pop, || false));
        item.expect("without a deadline it waits")
    }
}

fn without(Setting { capacity, .. }: Setting) -> (Vec<impl Push>, Vec<impl Pop>) {
    let (tx, rx) = spsc::with_capacity(capacity);
    let shared = Arc::new(Shared {
        items: Event::new(),
        room: Event::new(),
    });
    let mut sender = Sender {
        ring: tx,
        shared: shared.clone(),
        patience: Patience::default(),
    };
    let mut receiver = Receiver {
        ring: rx,
        shared,
        patience: Patience::default(),
    };
    (
        vec![move |item| sender.send(item)],
        vec![move || receiver.recv()],
    )
}
