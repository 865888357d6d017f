//! Threads at both sides, in every combination: none loses an item.

use super::*;

const EACH: usize = if cfg!(miri) { 100 } else { 20_000 };

type Pair = (usize, usize);

fn send(sender: usize, mut push: impl FnMut(Pair) -> bool) {
    for item in 0..EACH {
        while !push((sender, item)) {
            thread::yield_now();
        }
    }
}

fn receive(all: usize, count: &Plain, mut pop: impl FnMut() -> Option<Pair>) -> Vec<Pair> {
    let mut received = Vec::new();
    while count.load(Relaxed) < all {
        match pop() {
            Some(item) => {
                received.push(item);
                count.fetch_add(1, Relaxed);
            }
            None => thread::yield_now(),
        }
    }
    received
}

/// Of many threads that push and pop at once, each sees the items of each other in
/// order, and none is lost or repeated.
fn nothing_is_lost(senders: usize, received: Vec<Vec<Pair>>) {
    for sender in 0..senders {
        let from = |received: &Vec<Pair>| {
            let items = received.iter().filter(|(from, _)| *from == sender);
            items.map(|(_, item)| *item).collect::<Vec<usize>>()
        };
        let mut all: Vec<_> = received.iter().map(from).collect();
        assert!(all.iter().all(|items| items.is_sorted()));
        let mut all = all.drain(..).flatten().collect::<Vec<_>>();
        all.sort_unstable();
        assert!(all.into_iter().eq(0..EACH));
    }
}

fn mpmc_loses_nothing<St>(ring: &Stamped<St>)
where
    St: Storage<Item = Pair, Producers = Shared, Consumers = Shared> + Sync,
{
    let count = &Plain::new(0);
    let received = thread::scope(|scope| {
        scope.spawn(|| send(0, |item| ring.try_push(item).is_ok()));
        scope.spawn(|| send(1, |item| ring.push_slice(&[item]) == 1));
        let one = scope.spawn(|| receive(2 * EACH, count, || ring.try_pop().ok()));
        let batches = || {
            let mut buffer = VecDeque::new();
            receive(2 * EACH, count, move || {
                if buffer.is_empty() {
                    ring.pop_each(2, |item| buffer.push_back(item));
                }
                buffer.pop_front()
            })
        };
        let other = scope.spawn(batches);
        vec![one.join().unwrap(), other.join().unwrap()]
    });
    nothing_is_lost(2, received);
}

fn mpsc_loses_nothing<St>(ring: &Stamped<St>)
where
    St: Storage<Item = Pair, Producers = Shared, Consumers = Solo> + Sync,
{
    let received = thread::scope(|scope| {
        for sender in 0..2 {
            scope.spawn(move || send(sender, |item| ring.try_push(item).is_ok()));
        }
        let mut consumer = ring.consumer().unwrap();
        vec![receive(2 * EACH, &Plain::new(0), || consumer.try_pop().ok())]
    });
    nothing_is_lost(2, received);
}

fn spmc_loses_nothing<St>(ring: &Stamped<St>)
where
    St: Storage<Item = Pair, Producers = Solo, Consumers = Shared> + Sync,
{
    let count = &Plain::new(0);
    let received = thread::scope(|scope| {
        scope.spawn(|| {
            let mut producer = ring.producer().unwrap();
            send(0, |item| producer.try_push(item).is_ok());
        });
        let pop = || receive(EACH, count, || ring.try_pop().ok());
        let threads = [scope.spawn(pop), scope.spawn(pop)];
        threads.map(|thread| thread.join().unwrap()).into()
    });
    nothing_is_lost(1, received);
}

fn spsc_loses_nothing<St>(ring: &Stamped<St>)
where
    St: Storage<Item = Pair, Producers = Solo, Consumers = Solo> + Sync,
{
    let received = thread::scope(|scope| {
        scope.spawn(|| {
            let mut producer = ring.producer().unwrap();
            send(0, |item| producer.try_push(item).is_ok());
        });
        let mut consumer = ring.consumer().unwrap();
        vec![receive(EACH, &Plain::new(0), || consumer.try_pop().ok())]
    });
    nothing_is_lost(1, received);
}

#[test]
fn threads_lose_nothing_in_place() {
    mpmc_loses_nothing(&Ring::<_, 1>::new());
    mpmc_loses_nothing(&Ring::<_, 5>::new());
    mpmc_loses_nothing(&Ring::<_, 64>::new());
    mpsc_loses_nothing(&Ring::<_, 5, Shared, Solo>::new());
    spmc_loses_nothing(&Ring::<_, 5, Solo, Shared>::new());
    spsc_loses_nothing(&Ring::<_, 5, Solo, Solo>::new());
}

#[cfg(feature = "alloc")]
#[test]
fn threads_lose_nothing_on_the_heap() {
    for capacity in [1, 3, 100] {
        mpmc_loses_nothing(&Mpmc::with_capacity(capacity));
        mpsc_loses_nothing(&Mpsc::with_capacity(capacity));
        spmc_loses_nothing(&Spmc::with_capacity(capacity));
        // SAFETY: there is no compare-and-swap.
        spsc_loses_nothing(&unsafe { Spsc::with_lap_bits(capacity, 3) });
    }
}
