//! From a Kafka topic, through a channel, to a worker: feature `kafka`.
//!
//! ```text
//! broker ── Source::step ── channel ── Messages::poll … commit ── offsets stored
//!              │ pauses at the high mark, resumes at the low one
//! ```
//!
//! The client is `rdkafka`, over librdkafka. Whoever has the [`Source`] calls
//! [`step`](Source::step) again and again, which also serves the client's callbacks and
//! rebalances; whoever has the [`Messages`] polls, works, and commits. They may be two
//! threads.
//!
//! * **Backpressure.** When the channel is as deep as the high mark, the partitions are
//!   paused: librdkafka fetches no more of them, and stays a member of its group. At the low
//!   mark they are resumed. Partitions that are assigned meanwhile are paused at the next step.
//! * **At least once.** An offset is stored when its message has been committed, not when it
//!   is fetched (`enable.auto.offset.store` is turned off); librdkafka commits what is stored,
//!   every `auto.commit.interval.ms`, when partitions are revoked, and at the end. So what
//!   a consumer that dies had not committed comes to another one, or again to this one.
//! * **Rebalances.** Messages of a partition that was revoked may still be in the channel.
//!   They are given out like others, and so dealt with twice; their offset is not stored, which
//!   [`commit`](MessageBatch::commit) tells. If the partition has come back meanwhile, storing
//!   it is right: all before it has been dealt with.

use std::collections::BTreeMap;
use std::error;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, DefaultConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Message, OwnedMessage};

use crate::error::RecvError;
use crate::flavour::Spsc;
use crate::stats::Stats;
use crate::{Batch, CapacityError, Polled, Sender, Watermarks, WatermarksError, channel};

/// How many messages are on their way at most, and when partitions are paused and resumed.
///
/// What librdkafka has fetched ahead is its own (`queued.min.messages`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How many messages fit into the channel.
    pub capacity: usize,
    /// At how many partitions are paused.
    pub high: usize,
    /// At how many they are resumed.
    pub low: usize,
}

/// What can go wrong with a [`Source`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Error {
    /// The client said so. Most of its errors are for the time being; see
    /// [`KafkaError::rdkafka_error_code`].
    Kafka(KafkaError),
    /// The marks are not in order.
    Watermarks(WatermarksError),
    /// There is no such channel.
    Capacity(CapacityError),
    /// The [`Messages`] are gone.
    Disconnected,
}

/// Subscribes to `topics`: the two ends, for one thread each.
///
/// # Errors
/// [`Error`], if the client or the channel cannot be made.
pub fn consume(
    config: &ClientConfig,
    topics: &[&str],
    limits: Limits,
) -> Result<(Source, Messages), Error> {
    consume_with(config, DefaultConsumerContext, topics, limits)
}

/// As [`consume`], with callbacks of one's own.
///
/// # Errors
/// [`Error`], if the client or the channel cannot be made.
pub fn consume_with<C: ConsumerContext>(
    config: &ClientConfig,
    context: C,
    topics: &[&str],
    limits: Limits,
) -> Result<(Source<C>, Messages<C>), Error> {
    let (tx, rx) = channel(limits.capacity).spsc().try_build()?;
    let marks = Watermarks::new(tx.monitor(), limits.high, limits.low, |_| ())?;
    let rx = rx.polled().map_err(|_| CapacityError::Zero)?;
    let mut config = config.clone();
    config.set("enable.auto.offset.store", "false");
    let consumer: BaseConsumer<C> = config.create_with_context(context)?;
    consumer.subscribe(topics)?;
    let consumer = Arc::new(consumer);
    let messages = Messages {
        rx,
        consumer: consumer.clone(),
    };
    let source = Source {
        tx,
        consumer,
        marks,
        is_paused: false,
    };
    Ok((source, messages))
}

/// While partitions are paused, the channel is looked at so often.
const WHILE_PAUSED: Duration = Duration::from_millis(5);

/// Brings messages from the broker into the channel. See [the module](self).
pub struct Source<C: ConsumerContext + 'static = DefaultConsumerContext> {
    tx: Sender<OwnedMessage, Spsc>,
    consumer: Arc<BaseConsumer<C>>,
    marks: Watermarks,
    is_paused: bool,
}

impl<C: ConsumerContext> Source<C> {
    /// Pauses or resumes partitions if it is time to, then waits for a message, no longer
    /// than `timeout`, and sends it on: whether there was one.
    ///
    /// To be called again and again: nothing else keeps the consumer in its group
    /// (`max.poll.interval.ms`). It waits for room only if a message comes although its
    /// partition is paused, as one may that was just assigned.
    ///
    /// # Errors
    /// [`Error`]; nothing is lost by it, and the next step may succeed, unless it is
    /// `Disconnected`.
    pub fn step(&mut self, timeout: Duration) -> Result<bool, Error> {
        if self.tx.is_closed() {
            return Err(Error::Disconnected);
        }
        self.follow_marks()?;
        let timeout = if self.is_paused {
            timeout.min(WHILE_PAUSED)
        } else {
            timeout
        };
        let Some(message) = self.consumer.poll(timeout) else {
            return Ok(false);
        };
        let sent = self.tx.send(message?.detach());
        sent.map(|_| true).map_err(|_| Error::Disconnected)
    }

    fn follow_marks(&mut self) -> Result<(), KafkaError> {
        let is_high = self.marks.look();
        if is_high {
            // Each time: others may have been assigned.
            self.consumer.pause(&self.consumer.assignment()?)?;
        } else if self.is_paused {
            self.consumer.resume(&self.consumer.assignment()?)?;
        }
        self.is_paused = is_high;
        Ok(())
    }

    /// Whether partitions are paused.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.is_paused
    }

    /// The client.
    #[must_use]
    pub fn consumer(&self) -> &BaseConsumer<C> {
        &self.consumer
    }
}

/// Gives messages to a worker. See [the module](self).
///
/// When it is dropped, what was not committed is dropped here, and comes again from the
/// broker. The client lives as long as either end.
pub struct Messages<C: ConsumerContext + 'static = DefaultConsumerContext> {
    rx: Polled<OwnedMessage, Spsc>,
    consumer: Arc<BaseConsumer<C>>,
}

impl<C: ConsumerContext> Messages<C> {
    /// As [`Polled::poll`].
    ///
    /// # Errors
    /// [`RecvError`], when the source is gone, and every message committed.
    pub fn poll(
        &mut self,
        max_messages: usize,
        linger: Duration,
    ) -> Result<MessageBatch<'_, C>, RecvError> {
        Ok(MessageBatch {
            batch: self.rx.poll(max_messages, linger)?,
            consumer: &self.consumer,
        })
    }

    /// What went through the channel.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.rx.stats()
    }
}

/// Messages that were polled: a [`Batch`] whose commit stores their offsets.
#[must_use = "nothing is committed when it is dropped"]
pub struct MessageBatch<'a, C: ConsumerContext + 'static = DefaultConsumerContext> {
    batch: Batch<'a, OwnedMessage, Spsc>,
    consumer: &'a BaseConsumer<C>,
}

impl<C: ConsumerContext> MessageBatch<'_, C> {
    /// All are dealt with: drops them, then stores their offsets. Of how many partitions
    /// that could not be done, since they are not assigned to this consumer any more.
    ///
    /// # Errors
    /// [`KafkaError`], of the first partition that it concerns; the others' offsets are
    /// stored all the same. The messages are gone from the channel, so that, if this consumer
    /// ends now, they come again.
    pub fn commit(self) -> Result<usize, KafkaError> {
        let n = self.batch.len();
        self.commit_up_to(n)
    }

    /// As [`commit`](Self::commit), of the oldest `n`. The next poll begins with the others.
    ///
    /// # Errors
    /// As [`commit`](Self::commit).
    ///
    /// # Panics
    /// If `n` is more than there are.
    pub fn commit_up_to(self, n: usize) -> Result<usize, KafkaError> {
        // Of each partition the last; they come in order.
        let offsets: BTreeMap<(String, i32), i64> =
            self.batch
                .iter()
                .take(n)
                .fold(BTreeMap::new(), |mut offsets, message| {
                    let partition = (message.topic().to_owned(), message.partition());
                    offsets.insert(partition, message.offset());
                    offsets
                });
        self.batch.commit_up_to(n);
        let mut revoked = 0;
        let mut result = Ok(());
        for ((topic, partition), offset) in offsets {
            match self.consumer.store_offset(&topic, partition, offset) {
                Err(error) if is_revoked(&error) => revoked += 1,
                stored => result = result.and(stored),
            }
        }
        result.map(|()| revoked)
    }
}

fn is_revoked(error: &KafkaError) -> bool {
    use RDKafkaErrorCode::{State, UnknownPartition};
    matches!(error.rdkafka_error_code(), Some(State | UnknownPartition))
}

impl<'a, C: ConsumerContext> Deref for MessageBatch<'a, C> {
    type Target = Batch<'a, OwnedMessage, Spsc>;

    fn deref(&self) -> &Self::Target {
        &self.batch
    }
}

impl<C: ConsumerContext> fmt::Debug for Source<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source")
            .field("tx", &self.tx)
            .field("is_paused", &self.is_paused)
            .finish_non_exhaustive()
    }
}

impl<C: ConsumerContext> fmt::Debug for Messages<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Messages").field(&self.rx).finish()
    }
}

impl<C: ConsumerContext> fmt::Debug for MessageBatch<'_, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MessageBatch").field(&self.batch).finish()
    }
}

impl From<KafkaError> for Error {
    fn from(error: KafkaError) -> Self {
        Self::Kafka(error)
    }
}

impl From<WatermarksError> for Error {
    fn from(error: WatermarksError) -> Self {
        Self::Watermarks(error)
    }
}

impl From<CapacityError> for Error {
    fn from(error: CapacityError) -> Self {
        Self::Capacity(error)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kafka(error) => error.fmt(f),
            Self::Watermarks(error) => error.fmt(f),
            Self::Capacity(error) => error.fmt(f),
            Self::Disconnected => f.write_str("nobody receives the messages any more"),
        }
    }
}

impl error::Error for Error {}
