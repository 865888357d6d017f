//! Futures that are dropped, at each point of their lives and of the other side's.

use super::*;

/// What the other side does while a future is there.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Step {
    Nothing,
    Serves,
    Closes,
    Goes,
}

/// Polled so often, by turns of two tasks, with a step of the other side before one of
/// the polls, or after the last; then dropped.
fn each_way(run: impl Fn(usize, usize, Step)) {
    for polls in 0..4 {
        for before in 0..=polls {
            for step in [Step::Nothing, Step::Serves, Step::Closes, Step::Goes] {
                println!("{polls} polls, {step:?} before {before}");
                run(polls, before, step);
            }
        }
    }
}

/// What became of a future that is polled again and again, and of one behind it.
struct Two<A, B> {
    tasks: [Arc<Task>; 3],
    first: Option<A>,
    behind: Option<B>,
}

/// Polls `first`, and once `behind`, with `step` in between; drops `first`, and polls
/// `behind`, which must have been woken if it is ready now.
fn poll_two<A, B>(
    (polls, before): (usize, usize),
    mut step: impl FnMut(),
    mut first: impl Future<Output = A> + Unpin,
    mut behind: impl Future<Output = B> + Unpin,
) -> Two<A, B> {
    let mut two = Two {
        tasks: Default::default(),
        first: None,
        behind: None,
    };
    fn of<R>(polled: Poll<R>) -> Option<R> {
        match polled {
            Poll::Ready(ready) => Some(ready),
            Poll::Pending => None,
        }
    }
    for nth in 0..polls {
        if nth == before {
            step();
        }
        if two.first.is_none() {
            two.first = of(two.tasks[nth % 2].poll(&mut first));
        }
        if nth == 0 {
            two.behind = of(two.tasks[2].poll(&mut behind));
        }
    }
    if before == polls {
        step();
    }
    drop(first);
    assert_eq!((two.tasks[0].wakers(), two.tasks[1].wakers()), (0, 0));
    if two.behind.is_none() {
        let woken = two.tasks[2].wakes() > 0;
        two.behind = of(two.tasks[2].poll(&mut behind));
        assert!(woken || polls == 0 || two.behind.is_none(), "not woken");
    }
    drop(behind);
    assert_eq!(two.tasks[2].wakers(), 0);
    two
}

/// Whatever happens meanwhile, the item of a send that is dropped is in the channel or
/// counted as refused, and who waits behind it is served.
#[test]
fn a_send_dropped_at_any_point_loses_nothing() {
    each_way(|polls, before, step| {
        let drops = Drops::default();
        let (mut tx, rx) = of_many(1);
        let mut other = tx.clone();
        tx.try_send(drops.item()).unwrap();
        let mut rx = Some(rx);
        let peer = || match (step, &mut rx) {
            (Step::Serves, Some(rx)) => drop(rx.try_recv().unwrap()),
            (Step::Closes, Some(rx)) => rx.close(),
            (Step::Goes, rx) => *rx = None,
            _ => {}
        };
        let (sending, behind) = (tx.send_async(drops.item()), other.send_async(drops.item()));
        let two = poll_two((polls, before), peer, sending, behind);
        let closed = matches!(step, Step::Closes | Step::Goes);
        let sent = two.first.as_ref().map(Result::is_ok);
        let sent_behind = two.behind.as_ref().map(Result::is_ok);
        // One has the room, if there is any, or all know that the channel is closed.
        let has_room = step == Step::Serves;
        assert_eq!(sent == Some(true) || sent_behind == Some(true), has_room);
        assert_eq!(sent_behind == Some(false), closed);
        drop(two);
        let stats = tx.stats();
        assert!(stats.is_exact() && stats.offered == 3, "{stats}");
        let cancelled = u64::from(sent.is_none()) + u64::from(sent_behind.is_none());
        assert_eq!(stats.refused_cancelled, cancelled);
        drop((tx, other, rx));
        assert_eq!(drops.count(), 3);
    });
}

/// Whatever happens meanwhile, a receive that is dropped has taken nothing, and who waits
/// behind it is served.
#[test]
fn a_receive_dropped_at_any_point_loses_nothing() {
    each_way(|polls, before, step| {
        let (tx, mut rx) = of_many(1);
        let mut other = rx.clone();
        let mut tx = Some(tx);
        let peer = || match (step, &mut tx) {
            (Step::Serves, Some(tx)) => tx.try_send(7).unwrap(),
            (Step::Closes, Some(tx)) => tx.close(),
            (Step::Goes, tx) => *tx = None,
            _ => {}
        };
        let mut many = Vec::new();
        let receiving = rx.recv_async();
        let behind = other.recv_many_async(&mut many, 2);
        let two = poll_two((polls, before), peer, receiving, behind);
        let got = two.first == Some(Ok(7));
        let got_behind = two.behind == Some(Ok(1));
        assert_eq!(
            (got || got_behind, many.len()),
            (step == Step::Serves, usize::from(got_behind))
        );
        let closed = matches!(step, Step::Closes | Step::Goes);
        assert_eq!(two.behind == Some(Err(RecvError)), closed);
        let stats = rx.stats();
        assert_eq!(stats.delivered, u64::from(step == Step::Serves));
        assert!(stats.is_exact() && stats.depth == 0, "{stats}");
    });
}

/// The same of room that is waited for.
#[test]
fn a_reservation_dropped_at_any_point_loses_nothing() {
    fn run<F: CanReserve>(builder: impl Fn() -> (Sender<u32, F>, Receiver<u32, F>)) {
        each_way(|polls, before, step| {
            let (mut tx, rx) = builder();
            tx.try_send(1).unwrap();
            let mut rx = Some(rx);
            let peer = || match (step, &mut rx) {
                (Step::Serves, Some(rx)) => assert_eq!(rx.try_recv(), Ok(1)),
                (Step::Closes, Some(rx)) => rx.close(),
                (Step::Goes, rx) => *rx = None,
                _ => {}
            };
            let two = poll_two(
                (polls, before),
                peer,
                tx.reserve_async(),
                std::future::pending::<()>(),
            );
            drop(two); // and the permit, if there is one
            let task = Arc::new(Task::default());
            match (step, task.poll(&mut tx.reserve_async())) {
                (Step::Nothing, seen) => assert!(seen.is_pending()),
                (Step::Serves, Poll::Ready(Ok(permit))) => permit.send(2).unwrap(),
                (_, Poll::Ready(seen)) => assert!(seen.is_err()),
                (_, Poll::Pending) => panic!("there is room, or never will be"),
            }
            let stats = tx.stats();
            assert!(stats.is_exact() && stats.refused == 0, "{stats}");
        });
    }
    run(|| channel(1).spsc().build());
    run(|| channel(1).spmc().build());
    run(|| channel(1).mpsc().reservable().build());
    run(|| channel(1).mpmc().reservable().build());
}
