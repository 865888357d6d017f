//! In which order several cases are looked at: so that each of those that are ready is
//! found first about equally often, whichever they are.
//!
//! A start and a step are drawn, and every place is come to once by going round in steps,
//! since the number of places is a prime; those beyond the last case are skipped. Of any
//! two cases, each comes before the other for half of all starts and steps. A random start
//! with steps of one would favour cases that come after many that are not ready.

use crate::sync;

/// The numbers below `len`, each once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Order {
    len: usize,
    /// The least prime that is not below `len`.
    places: usize,
    at: usize,
    step: usize,
    left: usize,
}

impl Order {
    /// Drawn anew.
    pub(crate) fn draw(len: usize) -> Self {
        Self::new(len, if len > 1 { sync::random() } else { 0 })
    }

    /// The first `places * (places - 1)` numbers make each order once.
    fn new(len: usize, number: u64) -> Self {
        let places = prime_from(len);
        let (start, step) = (number % places as u64, number / places as u64);
        Self {
            len,
            places,
            at: start as usize,
            step: 1 + (step % (places as u64 - 1)) as usize,
            left: places,
        }
    }
}

impl Iterator for Order {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        while self.left > 0 {
            self.left -= 1;
            let at = self.at;
            self.at += self.step;
            if self.at >= self.places {
                self.at -= self.places;
            }
            if at < self.len {
                return Some(at);
            }
        }
        None
    }
}

/// The least prime that is not below `n`.
fn prime_from(n: usize) -> usize {
    let is_prime = |n: &usize| (2..).take_while(|d| d * d <= *n).all(|d| n % d != 0);
    (n.max(2)..).find(is_prime).expect("there is always one")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All orders of so many cases.
    fn all(len: usize) -> impl Iterator<Item = Order> {
        let places = prime_from(len) as u64;
        (0..places * (places - 1)).map(move |number| Order::new(len, number))
    }

    #[test]
    fn each_case_once() {
        for len in 0..40 {
            for number in [0, 1, 7, 12345, u64::MAX] {
                let mut seen: Vec<_> = Order::new(len, number).collect();
                seen.sort_unstable();
                assert!(seen.into_iter().eq(0..len));
            }
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "arithmetic, and much of it")]
    fn of_two_each_is_first_half_of_the_time() {
        for len in 2..20 {
            for (a, b) in (0..len).flat_map(|b| (0..b).map(move |a| (a, b))) {
                let first = |order: Order| order.into_iter().find(|&at| at == a || at == b);
                let firsts = all(len).filter(|&order| first(order) == Some(a)).count();
                assert_eq!(2 * firsts, all(len).count(), "{a} and {b} of {len}");
            }
        }
    }

    /// Of all sets of up to eight cases that can be ready.
    #[test]
    #[cfg_attr(miri, ignore = "arithmetic, and much of it")]
    fn of_many_each_is_first_within_a_fifth_of_its_share() {
        for len in 1..=8 {
            for ready in 1_u32..1 << len {
                let is_ready = |at: &usize| ready >> at & 1 == 1;
                let mut firsts = [0; 8];
                all(len).for_each(|mut order| firsts[order.find(is_ready).unwrap()] += 1);
                let (orders, share) = (all(len).count(), ready.count_ones() as usize);
                for at in (0..len).filter(is_ready) {
                    let off = orders.abs_diff(firsts[at] * share);
                    assert!(
                        5 * off <= orders,
                        "{at} of {ready:b}: {firsts:?} of {orders}"
                    );
                }
            }
        }
    }

    /// What is drawn is as good as all orders in turn.
    #[test]
    #[cfg_attr(miri, ignore = "arithmetic, and much of it")]
    fn orders_are_drawn_equally_often() {
        let mut drawn = [[0; 5]; 5];
        (0..20_000).for_each(|_| {
            let mut order = Order::draw(5);
            drawn[order.next().unwrap()][order.next().unwrap()] += 1;
        });
        for (first, second) in (0..5).flat_map(|a| (0..5).map(move |b| (a, b))) {
            let times = drawn[first][second];
            if first == second {
                assert_eq!(times, 0);
            } else {
                // 1000 are due; six standard deviations are 185.
                assert!((800..1200).contains(&times), "{first}, {second}: {times}");
            }
        }
    }
}
