//! Backpressure by demand: subscribers ask for items, and are given no more.
//!
//! The protocol of [Reactive Streams](https://www.reactive-streams.org), version 1.0.4. A
//! [`Subscriber`] that subscribes to a [`Publisher`] is given a [`Subscription`] first, by
//! which it [requests](Subscription::request) some number of items, as often as it likes,
//! or [cancels](Subscription::cancel). It is signalled as many items as it has asked for,
//! and in the end, that it was all or what failed.
//!
//! ```
//! use ringfence::pull::{self, Failure, Publisher, Subscriber, Subscription};
//!
//! /// Takes two at a time, and no more than three.
//! struct Few(Option<Subscription>, Vec<u32>);
//!
//! impl<E> Subscriber<u32, E> for Few {
//!     fn on_subscribe(&mut self, subscription: Subscription) {
//!         subscription.request(2);
//!         self.0 = Some(subscription);
//!     }
//!     fn on_next(&mut self, item: u32) {
//!         self.1.push(item);
//!         let subscription = self.0.as_ref().unwrap();
//!         match self.1.len() {
//!             2 => subscription.request(2),
//!             3 => subscription.cancel(), // and then this is dropped
//!             _ => {}
//!         }
//!     }
//!     fn on_error(self, _failure: Failure<E>) {}
//!     fn on_complete(self) {}
//! }
//!
//! impl Drop for Few {
//!     fn drop(&mut self) {
//!         assert_eq!(self.1, [0, 1, 2]);
//!     }
//! }
//!
//! pull::from_iter(0..).subscribe(Few(None, Vec::new()));
//! ```
//!
//! Seldom does one need to write a subscriber: [`PublisherExt::items`] is an iterator, and a
//! stream.
//!
//! # From and to
//!
//! | | |
//! |---|---|
//! | publish an iterator | [`from_iter`], [`from_results`]: on the thread that asks |
//! | publish a channel, a `Stream` | [`from_channel`], `from_stream`: by a [`Driver`], in a task or on a thread |
//! | publish what comes unasked | [`push()`]; or [`on_overflow`](PublisherExt::on_overflow), for a publisher that heeds no demand: [`Overflow`] says what is dropped |
//! | to several subscribers | [`share()`], [`PublisherExt::share`] |
//! | take as an iterator, in a future, as a `Stream` | [`PublisherExt::items`] |
//! | send into a channel, a `Sink` | [`send_into`](PublisherExt::send_into), `feed` |
//!
//! # Threads
//!
//! Signals to one subscriber come one after the other, from whichever thread has something
//! to signal. Of an iterator that is the thread that asks, of a channel or stream its
//! driver, of what is pushed both who pushes and who asks. A request in the middle of a
//! signal returns at once, and what it asks for comes after the signal: nothing recurses,
//! however many items there are.
//!
//! Progress is blocking in Herlihy's sense: each item takes a short lock two times, in which
//! no code of a user runs.
//!
//! # Panics
//!
//! If a subscriber panics, its subscription is cancelled, it is dropped, and the panic comes
//! out of the call that signalled: a request, an [`emit`](Emitter::emit), the driver's poll.
//! If what makes items panics, the subscriber is told [`Failure::Abandoned`] before that.
//! With [`share()`], the other subscribers go on.
//!
//! # Rules
//!
//! `pull/rules.md`, beside the source, lists each rule of the specification with the test
//! that checks it, or why it cannot be broken in Rust. For publishers of one's own, the
//! ones that matter:
//!
//! * `on_subscribe` first, and once; then at most as many `on_next` as were requested; then
//!   at most one of `on_error` and `on_complete`, which take the subscriber.
//! * A request for 0 items is an `on_error` with [`Failure::ZeroDemand`]. Demand adds up,
//!   and from [`UNBOUNDED`] on it has no end.
//! * Once it is cancelled, or over, nothing is signalled, requests do nothing, and the
//!   subscriber is dropped soon.
//!
//! A subscriber that neither cancels nor comes to its end is kept by its subscription, and
//! keeps that if it holds it: whoever stops asking must cancel.

mod channel;
mod demand;
mod driven;
mod driver;
mod ext;
mod flow;
mod gate;
mod items;
mod iter;
mod map;
mod overflow;
mod processor;
mod push;
mod share;
mod signals;
#[cfg(feature = "sink")]
mod sink;
#[cfg(feature = "stream")]
mod stream;
#[cfg(test)]
mod tests;
mod upstream;

pub use self::channel::{FromChannel, from_channel};
pub use self::demand::UNBOUNDED;
pub use self::driver::{Driver, on_thread};
pub use self::ext::PublisherExt;
pub use self::items::Items;
pub use self::iter::{FromIter, FromResults, from_iter, from_results};
pub use self::map::Map;
pub use self::overflow::{OnOverflow, Overflow};
pub use self::processor::Processor;
pub use self::push::{Emitter, Pushed, push};
pub use self::share::{Share, ShareInput, share};
pub use self::signals::{Control, Failure, Publisher, Subscriber, Subscription};
#[cfg(feature = "sink")]
pub use self::sink::{FeedError, FeedResult};
#[cfg(feature = "stream")]
pub use self::stream::{FromStream, ItemsStream, from_stream};
