//! What a user of select relies on. Interleavings are the models' business.

mod panics;
mod threads;

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use super::{Unready, recv, select, send};
use crate::{OnFull, Receiver, RecvError, SendError, Sender, bounded, channel};

/// Over before it begins.
const AT_ONCE: Duration = Duration::ZERO;

#[derive(Debug, PartialEq)]
enum Out {
    Number(Result<u32, RecvError>),
    Text(Result<String, RecvError>),
    Sent(Result<(), SendError<char>>),
}

/// Item types and flavours differ; one case is carried out, and the others are not.
#[test]
fn the_case_that_is_ready() {
    let (mut numbers_tx, mut numbers) = channel(2).spsc().build();
    let (mut texts_tx, mut texts) = channel(2).mpsc().build();
    let (mut chars, mut chars_rx) = channel(1).spmc().build();
    chars.try_send('a').unwrap();
    let mut slot = Some('b');
    let mut next = || {
        select((
            recv(&mut numbers, Out::Number),
            recv(&mut texts, Out::Text),
            send(&mut chars, &mut slot, Out::Sent),
        ))
        .now()
    };
    assert_eq!(next(), Err(Unready));
    numbers_tx.try_send(1).unwrap();
    assert_eq!(next(), Ok(Out::Number(Ok(1))));
    texts_tx.try_send("one".to_string()).unwrap();
    assert_eq!(next(), Ok(Out::Text(Ok("one".to_string()))));
    assert_eq!(chars_rx.try_recv(), Ok('a'));
    assert_eq!(next(), Ok(Out::Sent(Ok(()))));
    assert_eq!(next(), Err(Unready));
    assert_eq!((slot, chars_rx.try_recv()), (None, Ok('b')));
}

/// What is not sent is not offered, and whoever is not asked in vain is not counted.
#[test]
fn statistics_count_what_was_carried_out() {
    let (mut tx, mut rx) = bounded(1);
    let (mut full, mut full_rx) = channel(1).on_full(OnFull::DropNewest).build();
    full.try_send(1).unwrap();
    let mut slot = Some(2);
    let mut once = || {
        select((
            recv(&mut rx, |got| assert_eq!(got, Ok(1))),
            send(&mut full, &mut slot, |sent| assert_eq!(sent, Ok(()))),
        ))
        .wait_timeout(Duration::from_nanos(1))
    };
    assert_eq!(once(), Err(Unready));
    tx.try_send(1).unwrap();
    assert_eq!(once(), Ok(()));
    assert_eq!(slot, Some(2));
    let received = tx.stats();
    assert_eq!((received.delivered, received.empty_events), (1, 1));
    assert!(received.recv_blocked > AT_ONCE && received.is_exact());
    let sent = full_rx.stats();
    assert_eq!((sent.offered, sent.refused, sent.full_events), (1, 0, 1));
    assert_eq!(sent.high_water, 1);
    assert!(sent.send_blocked > AT_ONCE && sent.is_exact());

    // A send of nothing has not found it full.
    slot = None;
    let nothing = select(send(&mut full, &mut slot, drop)).now();
    assert_eq!(nothing, Err(Unready));
    assert_eq!(full.stats().full_events, 1);
    full_rx.try_recv().unwrap();
    assert_eq!(full.stats().send_blocked, sent.send_blocked);
}

#[test]
fn a_closed_channel_is_ready() {
    let (mut tx, mut rx) = bounded(2);
    let (_open, mut silent) = bounded::<u32>(1);
    tx.try_send(1).unwrap();
    drop(tx);
    let mut next = || select((recv(&mut silent, |got| got), recv(&mut rx, |got| got))).wait();
    assert_eq!(
        [next(), next(), next()],
        [Ok(1), Err(RecvError), Err(RecvError)]
    );

    let (mut tx, rx) = bounded(1);
    drop(rx);
    let mut slot = Some(1);
    let sent = select(send(&mut tx, &mut slot, |sent| sent)).wait();
    assert_eq!((sent, slot), (Err(SendError(1)), None));
    let stats = tx.stats();
    assert_eq!((stats.offered, stats.refused_closed), (1, 1));
}

#[test]
fn time_is_up_and_nothing_is_lost() {
    let (mut tx, mut rx) = bounded(1);
    tx.try_send(1).unwrap();
    let mut slot = Some(2);
    let soon = || Instant::now() + Duration::from_millis(1);
    let mut sent = |at| select(send(&mut tx, &mut slot, |sent| sent)).wait_deadline(at);
    assert_eq!(sent(Instant::now()), Err(Unready));
    assert_eq!(sent(soon()), Err(Unready));
    // A deadline that is over still takes what is there.
    let got = select(recv(&mut rx, |got| got)).wait_timeout(AT_ONCE);
    assert_eq!(got, Ok(Ok(1)));
    assert_eq!(sent(Instant::now()), Ok(Ok(())));
    let got = select(recv(&mut rx, |got| got)).wait_timeout(Duration::MAX);
    assert_eq!((got, slot), (Ok(Ok(2)), None));
}

/// Lists, and tuples of both, in which each case of a list counts as one.
#[test]
fn lists_of_cases() {
    let mut channels: Vec<_> = (0..5).map(|_| bounded(1)).collect();
    let (mut stop, mut stopped) = channel::<()>(1).spsc().build();
    let send_to = |channels: &mut Vec<(Sender<usize>, _)>, i: usize| {
        channels[i].0.try_send(10 * i).unwrap();
    };
    (1..4).for_each(|i| send_to(&mut channels, i));
    let mut cases: Vec<_> = channels
        .iter_mut()
        .enumerate()
        .map(|(i, (_, rx))| Some(recv(rx, move |got| Some((i, got.unwrap())))))
        .collect();
    cases[2] = None;
    let mut next = || select((recv(&mut stopped, |_| None), &mut cases[..])).now();
    let mut got = [next(), next()];
    got.sort_by_key(|got| got.unwrap());
    assert_eq!(got, [Ok(Some((1, 10))), Ok(Some((3, 30)))]);
    assert_eq!(next(), Err(Unready));
    stop.try_send(()).unwrap();
    assert_eq!(next(), Ok(None));
    assert_eq!(select(cases).now(), Err(Unready));
    assert_eq!(channels[2].1.try_recv(), Ok(20));

    let mut receivers = channels.into_iter().map(|(tx, rx)| (drop(tx), rx).1);
    let mut three: [_; 3] = std::array::from_fn(|_| receivers.next().unwrap());
    let cases = three.each_mut().map(|rx| recv(rx, |got| got));
    assert_eq!(select(cases).wait(), Err(RecvError));
}

#[test]
fn eight_cases_each_by_its_own_closure() {
    let mut channels: [_; 8] = std::array::from_fn(|_| channel(1).spsc().build());
    for i in 0..8 {
        channels[i].0.try_send(i).unwrap();
        let [a, b, c, d, e, f, g, h] = channels.each_mut().map(|(_, rx)| rx);
        let got = select((
            recv(a, |got| (0, got)),
            recv(b, |got| (1, got)),
            recv(c, |got| (2, got)),
            recv(d, |got| (3, got)),
            recv(e, |got| (4, got)),
            recv(f, |got| (5, got)),
            recv(g, |got| (6, got)),
            recv(h, |got| (7, got)),
        ))
        .wait();
        assert_eq!(got, (i, Ok(i)));
    }
}

/// A case that is selected again gets its next item by `slot`.
#[test]
fn cases_are_selected_again() {
    let (mut tx, mut rx) = bounded(4);
    let mut slot = None;
    let mut case = send(&mut tx, &mut slot, |sent| sent);
    for item in 0..4 {
        *case.slot() = Some(item);
        assert_eq!(select(&mut case).wait(), Ok(()));
        assert_eq!(*case.slot(), None);
    }
    *case.slot() = Some(4);
    assert_eq!(select(&mut case).now(), Err(Unready));
    assert!(rx.try_iter().eq(0..4));
    drop(case);
    assert_eq!(slot, Some(4));
}

#[test]
fn a_select_that_could_never_end_panics() {
    let mut none: [Receiver<u32>; 0] = [];
    let mut cases = none.each_mut().map(|rx| recv(rx, drop));
    assert!(catch_unwind(AssertUnwindSafe(|| select(&mut cases).wait())).is_err());
    let (mut tx, _rx) = bounded::<u32>(1);
    let mut nothing = None;
    let mut case = send(&mut tx, &mut nothing, drop);
    assert!(catch_unwind(AssertUnwindSafe(|| select(&mut case).wait())).is_err());
    assert!(
        select(&mut case)
            .wait_timeout(Duration::from_micros(1))
            .is_err()
    );
}

/// Of five channels three are ready, those in the middle and one beside.
#[test]
#[cfg_attr(miri, ignore = "statistics")]
fn each_that_is_ready_is_chosen_about_equally_often() {
    let mut channels: [_; 5] = std::array::from_fn(|_| bounded(1));
    let mut chosen = [0; 5];
    for _ in 0..3000 {
        for i in [1, 2, 4] {
            let _ = channels[i].0.try_send(i);
        }
        let cases = channels.each_mut().map(|(_, rx)| recv(rx, Result::unwrap));
        chosen[select(cases).wait()] += 1;
    }
    assert_eq!((chosen[0], chosen[3]), (0, 0));
    // 900 to 1050 are due, and six standard deviations are 155.
    assert!(
        [1, 2, 4].iter().all(|&i| (700..1300).contains(&chosen[i])),
        "{chosen:?}"
    );
}

/// When the closure panics, the case has been carried out, and nothing else happened.
#[test]
fn a_closure_may_panic_or_select() {
    let (mut tx, mut rx) = bounded(2);
    let (mut other_tx, mut other_rx) = bounded(2);
    tx.try_send(1).unwrap();
    let mut slot = Some(2);
    other_tx.try_send(0).unwrap();
    other_tx.try_send(0).unwrap();
    let panics = catch_unwind(AssertUnwindSafe(|| {
        select((
            recv(&mut rx, |got| assert_eq!(got, Ok(7), "told to panic")),
            send(&mut other_tx, &mut slot, |_| ()),
        ))
        .wait();
    }));
    assert!(panics.is_err());
    assert_eq!((slot, tx.stats().delivered, tx.len()), (Some(2), 1, 0));
    tx.try_send(3).unwrap();
    let inner = Cell::new(Some(&mut other_rx));
    let got = select(recv(&mut rx, |got| {
        let inner = inner.take().unwrap();
        got.unwrap() + select(recv(inner, Result::unwrap)).wait()
    }))
    .wait();
    assert_eq!(got, 3);
}
