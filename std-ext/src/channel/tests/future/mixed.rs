//! Threads that block and threads that poll, on the same channel.

use super::*;

/// Every item once, whoever waits in which way, and all counts add up.
fn mixed<F: Flavour>(senders: Vec<Sender<usize, F>>, receivers: Vec<Receiver<usize, F>>)
where
    F::Tx<usize>: Send,
    F::Rx<usize>: Send,
    F::Gauge<usize>: Send + Sync + 'static,
{
    let items = items_each(receivers[0].capacity()) / 2;
    let from = senders.len();
    let monitor = receivers[0].monitor();
    let mut all = thread::scope(|scope| {
        for (nth, mut tx) in senders.into_iter().enumerate() {
            scope.spawn(move || {
                for item in nth * items..(nth + 1) * items {
                    let sent = match item % 3 {
                        0 => tx.send(item),
                        1 => block_on(tx.send_async(item)),
                        _ => send_or_take_back(&mut tx, item),
                    };
                    assert!(sent.unwrap().is_stored());
                }
            });
        }
        let receivers = receivers.into_iter().map(|mut rx| {
            scope.spawn(move || {
                let mut got = Vec::new();
                loop {
                    let received = match got.len() % 4 {
                        0 => rx.recv().map(|item| got.push(item)),
                        1 => block_on(rx.recv_async()).map(|item| got.push(item)),
                        2 => {
                            let wait = Duration::from_micros(20);
                            let _ = rx.recv_many_timeout(&mut got, 3, wait);
                            give_up_once(&mut rx).map(|item| got.extend(item))
                        }
                        _ => block_on(rx.recv_many_async(&mut got, 3)).map(drop),
                    };
                    if received.is_err() {
                        return got;
                    }
                }
            })
        });
        let receivers: Vec<_> = receivers.collect();
        let received = receivers.into_iter().map(|thread| thread.join().unwrap());
        received.collect::<Vec<_>>().concat()
    });
    all.sort_unstable();
    assert!(all.into_iter().eq(0..from * items));
    let stats = monitor.stats();
    assert_eq!(stats.delivered, (from * items) as u64);
    assert!(stats.is_exact() && stats.depth == 0, "{stats}");
}

/// Gives up when it has to wait, and starts again.
fn send_or_take_back<F: Flavour>(
    tx: &mut Sender<usize, F>,
    item: usize,
) -> Result<Sent<usize>, SendError<usize>> {
    let mut sending = tx.send_async(item);
    match Arc::new(Task::default()).poll(&mut sending) {
        Poll::Ready(sent) => sent,
        Poll::Pending => {
            let back = sending.into_inner();
            // Handed over, it may be received already.
            back.map_or(Ok(Sent::Stored), |item| block_on(tx.send_async(item)))
        }
    }
}

/// Gives up when it has to wait.
fn give_up_once<F: Flavour>(rx: &mut Receiver<usize, F>) -> Result<Option<usize>, RecvError> {
    let polled = Arc::new(Task::default()).poll(&mut rx.recv_async());
    match polled {
        Poll::Ready(received) => received.map(Some),
        Poll::Pending => rx.recv().map(Some),
    }
}

#[test]
fn those_who_block_and_those_who_poll_lose_nothing() {
    for capacity in [0, 1, 2, 64] {
        let (tx, rx) = channel(capacity).spsc().build();
        mixed(vec![tx], vec![rx]);
        let (tx, rx) = channel(capacity).mpsc().build();
        mixed(vec![tx.clone(), tx], vec![rx]);
        let (tx, rx) = channel(capacity).spmc().build();
        mixed(vec![tx], vec![rx.clone(), rx]);
        let (tx, rx) = channel(capacity).build();
        mixed(vec![tx.clone(), tx], vec![rx.clone(), rx]);
    }
}
