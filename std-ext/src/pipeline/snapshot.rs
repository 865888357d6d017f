//! How a pipeline stands: what went where, how the time was spent, and which stage is slow.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::control::Ended;
use super::meter::{ByEdges, Load, Meter, Pressure, Spent, StageMeter, Tally};
use crate::credit::Pool;
use crate::stats::{Monitor, Stats};
use crate::sync::{AtomicBool, Ordering};

/// Whatever can be read of a pipeline.
pub(super) struct Gauges {
    pub(super) stages: Vec<Arc<StageMeter>>,
    pub(super) edges: Vec<Edge>,
}

pub(super) struct Edge {
    pub(super) from: Vec<usize>,
    pub(super) to: usize,
    pub(super) gauges: Vec<ChannelGauge>,
}

impl Edge {
    fn state(&self) -> EdgeState {
        let stats = self.gauges.iter().map(|gauge| gauge.monitor.stats());
        let stats: Vec<Stats> = stats.collect();
        let sizes = self.gauges.iter().zip(&stats);
        EdgeState {
            from: self.from.clone(),
            to: self.to,
            effective_capacity: sizes
                .map(|(gauge, stats)| gauge.effective_capacity(stats))
                .sum(),
            stats: stats.iter().fold(Stats::default(), |a, b| a.plus(b)),
            weight: EdgeWeight::of(&self.gauges),
        }
    }
}

/// Whatever can be read of a channel.
#[derive(Clone)]
pub(super) struct ChannelGauge {
    pub(super) monitor: Monitor,
    /// The credits by which it is weighed.
    pub(super) weight: Option<Pool>,
    /// The credits by which it is sized.
    pub(super) size: Option<Pool>,
}

impl ChannelGauge {
    fn effective_capacity(&self, stats: &Stats) -> u64 {
        let size = self.size.as_ref();
        size.map_or(stats.capacity, |pool| pool.stats().capacity)
    }
}

impl Gauges {
    pub(super) fn snapshot(&self, now: Instant) -> Snapshot {
        let edges: Vec<EdgeState> = self.edges.iter().map(Edge::state).collect();
        let stages = self.stages.iter().map(|stage| {
            let workers = || stage.workers.iter();
            let weight = |tally: fn(&Meter) -> &Tally| {
                let weights = workers().map(|worker| tally(worker).get());
                weights.fold(0, u64::saturating_add)
            };
            StageState {
                name: stage.name.clone(),
                received: workers().map(|worker| worker.received.get()).sum(),
                sent: workers().map(|worker| worker.sent.get()).sum(),
                dropped: workers().map(|worker| worker.dropped.get()).sum(),
                received_weight: weight(|worker| &worker.received_weight),
                sent_weight: weight(|worker| &worker.sent_weight),
                workers: workers().map(|worker| worker.spent(now)).collect(),
            }
        });
        let mut stages: Vec<StageState> = stages.collect();
        for edge in &edges {
            if self.is_by_edges(edge.to, |by_edges| &by_edges.received) {
                stages[edge.to].received = edge.stats.delivered;
            }
            // One that sends to another edge as well counts itself.
            for &from in &edge.from {
                if self.is_by_edges(from, |by_edges| &by_edges.sent) {
                    stages[from].sent = edge.stats.offered;
                }
            }
        }
        Snapshot { stages, edges }
    }

    /// Whether a stage leaves it to its edge to count.
    fn is_by_edges(&self, stage: usize, which: fn(&ByEdges) -> &AtomicBool) -> bool {
        let mut workers = self.stages[stage].workers.iter();
        workers.any(|worker| which(&worker.by_edges).load(Ordering::Relaxed))
    }
}

impl Gauges {
    /// When all have ended: takes the lock that each worker has taken last, so that what it
    /// counted before is seen from here on.
    pub(super) fn settle(&self) {
        let workers = self.stages.iter().flat_map(|stage| &stage.workers);
        workers.for_each(|worker| {
            worker.spent(Instant::now());
        });
    }
}

/// How a pipeline stands, or what happened between two such moments.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Snapshot {
    /// Sources first.
    pub stages: Vec<StageState>,
    /// In the order of the stages that they lead to.
    pub edges: Vec<EdgeState>,
}

/// One stage.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StageState {
    /// As it was named.
    pub name: String,
    /// Records that it has received.
    pub received: u64,
    /// Records that it has offered to the edge that it sends to: to each of them, if there
    /// are several.
    pub sent: u64,
    /// Records that it had in hand and dropped, since the pipeline was cancelled or the stage
    /// failed: received and not worked on, or to be sent and not offered. Of a task, also those
    /// at work whose future was dropped, and those that it gave up to send.
    pub dropped: u64,
    /// What the records that it has received weighed, if the edge to it is
    /// [weighed](super::Pipeline::weigh); else 0.
    pub received_weight: u64,
    /// What the records weighed that it has offered to edges that are weighed; else 0. If there
    /// are several, the sum.
    pub sent_weight: u64,
    /// How each worker has spent its time.
    pub workers: Vec<Spent>,
}

/// One edge.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct EdgeState {
    /// The stages that send, by their places in [`Snapshot::stages`].
    pub from: Vec<usize>,
    /// The stage that receives.
    pub to: usize,
    /// What went through it, from the start: of all its channels together, so that its
    /// capacity and high-water mark are sums. Where it leads away from parallel workers that
    /// keep order, also the marks by which those say that there is nothing for a record.
    pub stats: Stats,
    /// How many records fit now: less than `stats.capacity` where it [sizes
    /// itself](super::Pipeline::target_delay). More may be inside for a while after it has
    /// become less.
    pub effective_capacity: u64,
    /// How much weight is inside, if it is [weighed](super::Pipeline::weigh).
    pub weight: Option<EdgeWeight>,
}

/// How much weight is inside an edge: of all its channels together.
///
/// A record weighs on its edge from when it is about to get its slot to when the worker that
/// received it is through with it. One that weighs more than the limit is inside alone, and
/// counts as the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EdgeWeight {
    /// Now.
    pub inside: u64,
    /// The most at once, up to now: the sum of what each channel has seen.
    pub high_water: u64,
    /// The most that may be.
    pub limit: u64,
}

impl EdgeWeight {
    /// `None` if it is not weighed.
    pub(super) fn of(gauges: &[ChannelGauge]) -> Option<Self> {
        let pools = gauges.iter().filter_map(|gauge| gauge.weight.as_ref());
        let each = pools.map(Pool::stats).map(|stats| Self {
            inside: stats.lent,
            high_water: stats.high_water,
            limit: stats.capacity,
        });
        each.reduce(|a, b| Self {
            inside: a.inside.saturating_add(b.inside),
            high_water: a.high_water.saturating_add(b.high_water),
            limit: a.limit.saturating_add(b.limit),
        })
    }
}

impl StageState {
    fn since(&self, then: &Self) -> Self {
        let mut earlier = then.workers.iter().copied();
        let workers = self.workers.iter();
        let workers = workers.map(|now| now.since(earlier.next().unwrap_or_default()));
        Self {
            name: self.name.clone(),
            received: self.received.saturating_sub(then.received),
            sent: self.sent.saturating_sub(then.sent),
            dropped: self.dropped.saturating_sub(then.dropped),
            received_weight: self.received_weight.saturating_sub(then.received_weight),
            sent_weight: self.sent_weight.saturating_sub(then.sent_weight),
            workers: workers.collect(),
        }
    }

    /// How it spent its time, over all workers.
    #[must_use]
    pub fn load(&self) -> Load {
        self.workers.iter().copied().sum::<Spent>().load()
    }

    /// How bad the pressure is, for the worker for which it is worst.
    #[must_use]
    pub fn pressure(&self) -> Pressure {
        let loads = self.workers.iter().map(|spent| spent.load().pressure());
        loads.max().unwrap_or(Pressure::Ok)
    }

    /// The longest that one of its workers has existed.
    #[must_use]
    pub fn alive(&self) -> Duration {
        let alive = self.workers.iter().map(|spent| spent.alive);
        alive.max().unwrap_or_default()
    }

    /// Whether some worker waits neither for room nor for records, for more than a tenth of
    /// its time each.
    fn is_saturated(&self) -> bool {
        let mut loads = self.workers.iter().map(|spent| spent.load());
        loads.any(|load| load.backpressured <= 100 && load.idle <= 100)
    }
}

impl Snapshot {
    /// What happened since `earlier`, a snapshot of the same pipeline: counts of stages, and
    /// their times. Edges stay as they are. Of one with fewer stages or workers, the others
    /// count from their start.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let mut earlier = earlier.stages.iter();
        let stages = self.stages.iter();
        let stages = stages.map(|now| match earlier.next() {
            Some(then) => now.since(then),
            None => now.clone(),
        });
        Self {
            stages: stages.collect(),
            edges: self.edges.clone(),
        }
    }

    /// The stage that causes the pressure, by the rule of Flink: a stage before it waits for
    /// room, and it does not, nor for records. Of several, the busiest. `None` while nobody is
    /// under pressure, or the source is the slowest.
    #[must_use]
    pub fn bottleneck(&self) -> Option<&StageState> {
        let causes = self.edges.iter().filter(|edge| {
            let mut upstream = edge.from.iter().map(|&from| &self.stages[from]);
            upstream.any(|stage| stage.pressure() > Pressure::Ok)
                && self.stages[edge.to].is_saturated()
        });
        causes
            .map(|edge| &self.stages[edge.to])
            .max_by_key(|stage| stage.load().busy)
    }

    /// The stage of this name.
    #[must_use]
    pub fn stage(&self, name: &str) -> Option<&StageState> {
        self.stages.iter().find(|stage| stage.name == name)
    }

    /// The edge that leads to the stage of this name.
    #[must_use]
    pub fn edge_to(&self, name: &str) -> Option<&EdgeState> {
        let mut edges = self.edges.iter();
        edges.find(|edge| self.stages[edge.to].name == name)
    }
}

/// A line for each stage, with the edge to it. What is weighed has columns if something is.
impl fmt::Display for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_weighed = self.edges.iter().any(|edge| edge.weight.is_some());
        write!(
            f,
            "{:<14} {:>5} {:>5} {:>5} {:<5} {:>11} {:>11}",
            "", "busy", "idle", "bp", "", "in", "out"
        )?;
        if is_weighed {
            write!(f, " {:>13} {:>13}", "weight in", "weight out")?;
        }
        write!(f, " {:>15} {:>10} {:>8}", "depth/capacity", "high", "lost")?;
        if is_weighed {
            write!(f, " {:>21}", "weight/limit")?;
        }
        writeln!(f)?;
        let slow = self.bottleneck();
        for (index, stage) in self.stages.iter().enumerate() {
            let Load {
                busy,
                idle,
                backpressured,
            } = stage.load();
            write!(
                f,
                "{:<14} {busy:>5} {idle:>5} {backpressured:>5} {:<5} {:>11} {:>11}",
                stage.name,
                stage.pressure(),
                stage.received,
                stage.sent
            )?;
            if is_weighed {
                let (received, sent) = (stage.received_weight, stage.sent_weight);
                write!(f, " {received:>13} {sent:>13}")?;
            }
            if let Some(edge) = self.edges.iter().find(|edge| edge.to == index) {
                write!(f, " {edge}")?;
            }
            let is_slow = slow.is_some_and(|slow| std::ptr::eq(slow, stage));
            writeln!(f, "{}", if is_slow { "  <- bottleneck" } else { "" })?;
        }
        Ok(())
    }
}

/// Its part of the line of the stage that it leads to.
impl fmt::Display for EdgeState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Stats {
            depth, high_water, ..
        } = self.stats;
        let filled = format!("{depth}/{}", self.effective_capacity);
        let lost = self.stats.lost();
        write!(f, "{filled:>15} {high_water:>10} {lost:>8}")?;
        if let Some(EdgeWeight { inside, limit, .. }) = self.weight {
            let filled = format!("{inside}/{limit}");
            write!(f, " {filled:>21}")?;
        }
        Ok(())
    }
}

/// What went through a pipeline, from its start to its end.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Report {
    /// How it ended.
    pub ended: Ended,
    /// All that happened. The counts are exact.
    pub total: Snapshot,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.total)?;
        writeln!(f, "{:?}", self.ended)
    }
}
