//! Publishers of what iterators give: on the thread that asks.

use std::convert::Infallible;
use std::fmt;

use super::flow::{Flow, Next, Source};
use super::signals::{End, Failure, Publisher, Subscriber};

/// Publishes what `items` gives, to each subscriber from the start.
///
/// Items are made when they are asked for, by the call that asks
/// ([`request`](super::Subscription::request)) on its thread; and one subscriber may hold up
/// nobody but who asks. If making an item panics, the subscriber is told
/// [`Failure::Abandoned`], and the panic comes out of that call.
///
/// The end is told with the last item where the iterator knows it (by
/// [`size_hint`](Iterator::size_hint)), and otherwise at the next request.
///
/// ```
/// use ringfence::pull::{self, PublisherExt};
///
/// let publisher = pull::from_iter([1, 2, 3]);
/// let items: Vec<_> = publisher.items(2).map(Result::unwrap).collect();
/// assert_eq!(items, [1, 2, 3]);
/// ```
pub fn from_iter<I: IntoIterator + Clone>(items: I) -> FromIter<I> {
    FromIter(items)
}

/// As [`from_iter`], of items that may be errors: the first error is the end.
///
/// ```
/// use ringfence::pull::{self, Failure, PublisherExt};
///
/// let publisher = pull::from_results([Ok(1), Err("broken"), Ok(3)]);
/// let mut items = publisher.items(8);
/// assert_eq!(items.next(), Some(Ok(1)));
/// assert_eq!(items.next(), Some(Err(Failure::Source("broken"))));
/// assert_eq!(items.next(), None);
/// ```
pub fn from_results<I, T, E>(items: I) -> FromResults<I>
where
    I: IntoIterator<Item = Result<T, E>> + Clone,
{
    FromResults(items)
}

/// Publishes what an iterator gives. From [`from_iter`].
#[derive(Clone)]
pub struct FromIter<I>(I);

/// Publishes what an iterator gives until its first error. From [`from_results`].
#[derive(Clone)]
pub struct FromResults<I>(I);

impl<I> Publisher for FromIter<I>
where
    I: IntoIterator<IntoIter: Send + 'static> + Clone,
{
    type Item = I::Item;
    type Error = Infallible;

    fn subscribe<S>(&self, subscriber: S)
    where
        S: Subscriber<Self::Item, Self::Error> + Send + 'static,
    {
        let items = self.0.clone().into_iter();
        Flow::new().open(Sure(items), subscriber);
    }
}

impl<I, T, E> Publisher for FromResults<I>
where
    I: IntoIterator<Item = Result<T, E>, IntoIter: Send + 'static> + Clone,
{
    type Item = T;
    type Error = E;

    fn subscribe<S>(&self, subscriber: S)
    where
        S: Subscriber<T, E> + Send + 'static,
    {
        let items = self.0.clone().into_iter();
        Flow::new().open(Fallible(items), subscriber);
    }
}

/// An iterator that cannot fail.
struct Sure<I>(I);

impl<I: Iterator> Source for Sure<I> {
    type Item = I::Item;
    type Error = Infallible;

    fn next(&mut self) -> Next<I::Item, Infallible> {
        self.0.next().map_or(Next::End(Ok(())), Next::Item)
    }

    fn ended(&mut self) -> Option<End<Infallible>> {
        is_exhausted(&self.0).then_some(Ok(()))
    }
}

/// An iterator whose first error is its end.
struct Fallible<I>(I);

impl<I: Iterator<Item = Result<T, E>>, T, E> Source for Fallible<I> {
    type Item = T;
    type Error = E;

    fn next(&mut self) -> Next<T, E> {
        match self.0.next() {
            Some(Ok(item)) => Next::Item(item),
            Some(Err(error)) => Next::End(Err(Failure::Source(error))),
            None => Next::End(Ok(())),
        }
    }

    fn ended(&mut self) -> Option<End<E>> {
        is_exhausted(&self.0).then_some(Ok(()))
    }
}

/// As far as it says.
fn is_exhausted(items: &impl Iterator) -> bool {
    items.size_hint().1 == Some(0)
}

impl<I> fmt::Debug for FromIter<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FromIter").finish_non_exhaustive()
    }
}

impl<I> fmt::Debug for FromResults<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FromResults").finish_non_exhaustive()
    }
}
