//! What accounts cost: the same ring, fences and waiting as our channel for one and one,
//! without counts, policies and closing.

use std::sync::Arc;

use ringfence::event::Event;
use ringfence::wait::{Patience, wait};
use ringfence_core::spsc;

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

fn without(Setting { capacity, .. }: Setting) -> (Vec<impl Push>, Vec<impl Pop>) {
    let (mut tx, mut rx) = spsc::with_capacity::<u64>(capacity);
    let shared = Arc::new(Shared {
        items: Event::new(),
        room: Event::new(),
    });
    let (sender, receiver) = (shared.clone(), shared);
    let mut patience = Patience::default();
    let push = move |item| {
        let mut push = || {
            tx.try_push(item).ok()?;
            if sender.items.wants_attention() {
                sender.items.wake_one();
            }
            Some(())
        };
        if push().is_none() {
            wait(&sender.room, &mut patience, None, push, || false);
        }
    };
    let mut patience = Patience::default();
    let pop = move || {
        let mut pop = || {
            let item = rx.try_pop()?;
            if receiver.room.has_waiters() {
                receiver.room.wake_one();
            }
            Some(item)
        };
        let item = pop().or_else(|| wait(&receiver.items, &mut patience, None, pop, || false));
        item.expect("without a deadline it waits")
    };
    (vec![push], vec![pop])
}
