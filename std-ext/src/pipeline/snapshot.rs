//! How a pipeline stands: what went where, how the time was spent, and which stage is slow.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::control::Ended;
use super::meter::{Load, Pressure, Spent, StageMeter};
use crate::stats::{Monitor, Stats};

/// Whatever can be read of a pipeline.
pub(super) struct Gauges {
    pub(super) stages: Vec<Arc<StageMeter>>,
    pub(super) edges: Vec<Edge>,
}

pub(super) struct Edge {
    pub(super) from: Vec<usize>,
    pub(super) to: usize,
    pub(super) monitors: Vec<Monitor>,
}

impl Gauges {
    pub(super) fn snapshot(&self, now: Instant) -> Snapshot {
        let edges = self.edges.iter().map(|edge| EdgeState {
            from: edge.from.clone(),
            to: edge.to,
            stats: total(edge.monitors.iter().map(Monitor::stats)),
        });
        let stages = self.stages.iter().map(|stage| {
            let workers = || stage.workers.iter();
            StageState {
                name: stage.name.clone(),
                received: workers().map(|worker| worker.received.get()).sum(),
                sent: workers().map(|worker| worker.sent.get()).sum(),
                dropped: workers().map(|worker| worker.dropped.get()).sum(),
                workers: workers().map(|worker| worker.spent(now)).collect(),
            }
        });
        Snapshot {
            edges: edges.collect(),
            stages: stages.collect(),
        }
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

/// Of the channels of one edge together.
fn total(all: impl Iterator<Item = Stats>) -> Stats {
    all.fold(Stats::default(), |a, b| Stats {
        offered: a.offered + b.offered,
        stored: a.stored + b.stored,
        refused: a.refused + b.refused,
        refused_full: a.refused_full + b.refused_full,
        refused_newest: a.refused_newest + b.refused_newest,
        refused_random: a.refused_random + b.refused_random,
        refused_timeout: a.refused_timeout + b.refused_timeout,
        refused_closed: a.refused_closed + b.refused_closed,
        refused_cancelled: a.refused_cancelled + b.refused_cancelled,
        delivered: a.delivered + b.delivered,
        redelivered: a.redelivered + b.redelivered,
        evicted: a.evicted + b.evicted,
        expired: a.expired + b.expired,
        drained: a.drained + b.drained,
        depth: a.depth + b.depth,
        high_water: a.high_water + b.high_water,
        capacity: a.capacity + b.capacity,
        full_events: a.full_events + b.full_events,
        empty_events: a.empty_events + b.empty_events,
        send_blocked: a.send_blocked + b.send_blocked,
        recv_blocked: a.recv_blocked + b.recv_blocked,
    })
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
}

impl StageState {
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
        let started = |spent: &&Spent| !spent.alive.is_zero();
        let mut loads = self
            .workers
            .iter()
            .filter(started)
            .map(|spent| spent.load());
        loads.any(|load| load.backpressured <= 100 && load.idle <= 100)
    }
}

impl Snapshot {
    /// What happened since `earlier`, a snapshot of the same pipeline: counts of stages, and
    /// their times. Edges stay as they are.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let stages = self.stages.iter().zip(&earlier.stages);
        let stages = stages.map(|(now, then)| StageState {
            name: now.name.clone(),
            received: now.received.saturating_sub(then.received),
            sent: now.sent.saturating_sub(then.sent),
            dropped: now.dropped.saturating_sub(then.dropped),
            workers: now
                .workers
                .iter()
                .zip(&then.workers)
                .map(|(now, then)| now.since(*then))
                .collect(),
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

impl fmt::Display for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<14} {:>5} {:>5} {:>5} {:<5} {:>11} {:>11} {:>15} {:>10} {:>8}",
            "", "busy", "idle", "bp", "", "in", "out", "depth/capacity", "high", "lost"
        )?;
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
            if let Some(edge) = self.edges.iter().find(|edge| edge.to == index) {
                let Stats {
                    depth,
                    capacity,
                    high_water,
                    ..
                } = edge.stats;
                let filled = format!("{depth}/{capacity}");
                let lost = edge.stats.lost();
                write!(f, " {filled:>15} {high_water:>10} {lost:>8}")?;
            }
            let is_slow = slow.is_some_and(|slow| std::ptr::eq(slow, stage));
            writeln!(f, "{}", if is_slow { "  <- bottleneck" } else { "" })?;
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
