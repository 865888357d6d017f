//! Two looks at a board, and what happened between them.

use std::time::{Duration, Instant};

use ringfence::Stats;
use ringfence::board::{Board, PipelineReading, Reading};
use ringfence::pipeline::{EdgeState, Pressure, Snapshot, StageState};

use crate::rate::{millis_per_second, per_second, share};

/// A board at one time.
pub(crate) struct Look {
    at: Instant,
    reading: Reading,
    /// Of the channels, in their order, since they were last asked: by this program, or by
    /// whoever else takes peaks of them.
    peaks: Vec<u64>,
}

/// What happened between two looks, and how things stand at the later.
#[derive(Default)]
pub(crate) struct Period {
    pub(crate) length: Duration,
    pub(crate) pipelines: Vec<PipelineRow>,
    pub(crate) channels: Vec<ChannelRow>,
}

pub(crate) struct PipelineRow {
    pub(crate) name: String,
    pub(crate) stages: Vec<StageRow>,
    /// The stage that is too slow, by its place.
    pub(crate) bottleneck: Option<usize>,
}

pub(crate) struct StageRow {
    pub(crate) name: String,
    /// The edge that leads to it; none to a source.
    pub(crate) edge: Option<EdgeRow>,
    /// `None` if it did not run.
    pub(crate) load: Option<StageLoad>,
    /// Records a second. Sources receive none, and the last stage sends none.
    pub(crate) received: Option<f64>,
    pub(crate) sent: Option<f64>,
    /// Records that it had in hand and dropped, in all.
    pub(crate) dropped: u64,
}

/// In milliseconds of each second.
pub(crate) struct StageLoad {
    pub(crate) busy: u32,
    pub(crate) idle: u32,
    pub(crate) backpressured: u32,
    pub(crate) pressure: Pressure,
}

pub(crate) struct EdgeRow {
    /// The stages that it comes from, unless that is the one before.
    pub(crate) from: Option<String>,
    pub(crate) stats: Stats,
    /// How many records it takes now, if it sizes itself and takes fewer than fit.
    pub(crate) sized: Option<u64>,
    /// `None` if it is not weighed.
    pub(crate) weight: Option<Weight>,
}

/// What is inside of an edge, once was, and may be.
pub(crate) struct Weight {
    pub(crate) inside: u64,
    pub(crate) high_water: u64,
    pub(crate) limit: u64,
}

pub(crate) struct ChannelRow {
    pub(crate) name: String,
    pub(crate) now: Stats,
    pub(crate) peak: u64,
    /// Items a second.
    pub(crate) offered: f64,
    pub(crate) delivered: f64,
    /// The part of what was offered that its policy dropped, from 0 to 1.
    pub(crate) lost: f64,
    /// In milliseconds of each second, by waits that ended.
    pub(crate) send_blocked: f64,
    pub(crate) recv_blocked: f64,
}

impl Look {
    pub(crate) fn at(board: &Board) -> Self {
        let reading = board.read();
        let names = reading.channels.iter().map(|channel| &channel.name);
        let peaks = names
            .map(|name| board.monitor(name).map_or(0, |monitor| monitor.take_peak()))
            .collect();
        Self {
            at: Instant::now(),
            reading,
            peaks,
        }
    }

    /// What happened since `earlier`.
    pub(crate) fn since(&self, earlier: &Self) -> Period {
        let length = self.at.saturating_duration_since(earlier.at);
        let pipelines = self.reading.pipelines.iter().map(|now| {
            let mut before = earlier.reading.pipelines.iter();
            pipeline(now, before.find(|before| before.name == now.name), length)
        });
        let channels = self.reading.channels.iter().zip(&self.peaks);
        let channels = channels.map(|(now, &peak)| {
            let mut before = earlier.reading.channels.iter();
            let before = before.find(|before| before.name == now.name);
            let before = before.map_or(now.stats, |before| before.stats);
            channel(&now.name, &before, &now.stats, peak, length)
        });
        Period {
            length,
            pipelines: pipelines.collect(),
            channels: channels.collect(),
        }
    }
}

fn channel(name: &str, before: &Stats, now: &Stats, peak: u64, length: Duration) -> ChannelRow {
    let lost = now.lost().saturating_sub(before.lost());
    // Peaks are taken a moment after the rest is read.
    let peak = peak.max(now.depth);
    let mut stands = *now;
    stands.high_water = stands.high_water.max(peak);
    ChannelRow {
        name: name.into(),
        now: stands,
        peak,
        offered: per_second(before.offered, now.offered, length),
        delivered: per_second(before.delivered, now.delivered, length),
        lost: share(lost, now.offered.saturating_sub(before.offered)),
        send_blocked: millis_per_second(before.send_blocked, now.send_blocked, length),
        recv_blocked: millis_per_second(before.recv_blocked, now.recv_blocked, length),
    }
}

fn pipeline(
    now: &PipelineReading,
    before: Option<&PipelineReading>,
    length: Duration,
) -> PipelineRow {
    let now_is = &now.snapshot;
    let before = before
        .map(|before| &before.snapshot)
        .filter(|before| is_made_alike(now_is, before))
        .unwrap_or(now_is);
    let recent = now_is.since(before);
    let slow = recent.bottleneck();
    let is_slow = |stage: &StageState| slow.is_some_and(|slow| std::ptr::eq(slow, stage));
    let bottleneck = recent.stages.iter().position(is_slow);
    let stages = recent.stages.iter().enumerate();
    let stages = stages.map(|(at, stage)| {
        let edges = &now_is.edges;
        let edge = edges.iter().find(|edge| edge.to == at);
        let sends = edges.iter().any(|edge| edge.from.contains(&at));
        StageRow {
            name: stage.name.clone(),
            edge: edge.map(|edge| EdgeRow {
                from: elsewhere(edge, now_is),
                stats: edge.stats,
                sized: Some(edge.effective_capacity).filter(|&now| now < edge.stats.capacity),
                weight: edge.weight.map(|weight| Weight {
                    inside: weight.inside,
                    high_water: weight.high_water,
                    limit: weight.limit,
                }),
            }),
            load: stage_load(stage),
            received: edge.map(|_| per_second(0, stage.received, length)),
            sent: sends.then(|| per_second(0, stage.sent, length)),
            dropped: now_is.stages[at].dropped,
        }
    });
    PipelineRow {
        name: now.name.clone(),
        bottleneck,
        stages: stages.collect(),
    }
}

/// Whether one can have become the other: another pipeline may have taken the name.
fn is_made_alike(now: &Snapshot, before: &Snapshot) -> bool {
    let stages = |snapshot: &Snapshot| -> Vec<_> {
        let stages = snapshot.stages.iter();
        stages
            .map(|stage| (stage.name.clone(), stage.workers.len()))
            .collect()
    };
    stages(now) == stages(before)
}

/// Where an edge comes from, if not from the stage before.
fn elsewhere(edge: &EdgeState, snapshot: &Snapshot) -> Option<String> {
    if edge.from.iter().all(|&from| from + 1 == edge.to) {
        return None;
    }
    let names = edge.from.iter().map(|&from| &*snapshot.stages[from].name);
    Some(names.collect::<Vec<_>>().join(", "))
}

fn stage_load(stage: &StageState) -> Option<StageLoad> {
    let load = stage.load();
    let ran = !stage.alive().is_zero();
    ran.then(|| StageLoad {
        busy: load.busy,
        idle: load.idle,
        backpressured: load.backpressured,
        pressure: stage.pressure(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ringfence::OnFull;
    use ringfence::pipeline::{Pipeline, Running};

    /// How a pipeline looks that has ended.
    fn ended(running: Running) -> Period {
        let board = Board::new();
        board.pipeline("p", running.handle());
        running.join().unwrap();
        Look::at(&board).since(&Look::at(&board))
    }

    #[test]
    fn a_channel_is_seen_between_two_looks() {
        let board = Board::new();
        let (mut tx, mut rx) = ringfence::channel(4).on_full(OnFull::DropNewest).build();
        board.channel("readings", rx.monitor());
        for n in 0..4 {
            assert!(tx.send(n).unwrap().is_stored());
        }
        let earlier = Look::at(&board);
        assert_eq!(rx.try_iter().count(), 4);
        for n in 0..6 {
            let _ = tx.send(n).unwrap();
        }
        assert_eq!(rx.try_iter().count(), 4);
        assert!(tx.send(6).unwrap().is_stored());
        let mut now = Look::at(&board);
        now.at = earlier.at + Duration::from_secs(2);

        let period = now.since(&earlier);
        assert_eq!(period.length, Duration::from_secs(2));
        let row = &period.channels[0];
        assert_eq!(row.name, "readings");
        assert_eq!((row.offered, row.delivered), (3.5, 4.0));
        assert_eq!(row.lost, 2.0 / 7.0);
        assert_eq!((row.now.depth, row.now.high_water, row.peak), (1, 4, 4));

        let mut quiet = Look::at(&board);
        quiet.at = now.at + Duration::from_secs(2);
        let row = &quiet.since(&now).channels[0];
        assert_eq!((row.offered, row.lost, row.peak), (0.0, 0.0, 1));
    }

    #[test]
    fn another_channel_of_the_name_gives_no_negative_rates() {
        let board = Board::new();
        let (mut tx, mut rx) = ringfence::bounded(4);
        board.channel("a", rx.monitor());
        for n in 0..3 {
            assert!(tx.send(n).unwrap().is_stored());
            rx.recv().unwrap();
        }
        let earlier = Look::at(&board);
        board.channel("a", ringfence::bounded::<u8>(9).1.monitor());
        let period = Look::at(&board).since(&earlier);
        let row = &period.channels[0];
        assert_eq!((row.offered, row.delivered, row.lost), (0.0, 0.0, 0.0));
        assert_eq!(row.now.capacity, 9);

        // And of one that was not there before, it is not known.
        board.channel("b", rx.monitor());
        let period = Look::at(&board).since(&earlier);
        assert_eq!(period.channels[1].offered, 0.0);
        board.remove_channel("a");
        let period = Look::at(&board).since(&earlier);
        assert_eq!(period.channels.len(), 1);
    }

    /// Stages of other pipelines must not be taken together, nor looked for.
    #[test]
    fn another_pipeline_of_the_name_begins_anew() {
        let board = Board::new();
        let short = Pipeline::source("read", 0..9).sink("write", drop).start();
        board.pipeline("p", short.handle());
        short.join().unwrap();
        let earlier = Look::at(&board);
        let long = Pipeline::source("read", 0..5)
            .stage("more", |n| n)
            .sink("write", drop)
            .start();
        board.pipeline("p", long.handle());
        long.join().unwrap();
        let period = Look::at(&board).since(&earlier);
        let row = &period.pipelines[0];
        let names: Vec<_> = row.stages.iter().map(|stage| &*stage.name).collect();
        assert_eq!(names, ["read", "more", "write"]);
        let received: Vec<_> = row.stages.iter().map(|stage| stage.received).collect();
        assert_eq!(received, [None, Some(0.0), Some(0.0)]);
    }

    #[test]
    fn a_stage_that_has_ended_has_no_load() {
        let period = ended(Pipeline::source("read", 0..9).sink("write", drop).start());
        assert!(period.pipelines[0].stages[1].load.is_none());
        assert!(period.pipelines[0].bottleneck.is_none());
    }

    #[test]
    fn an_edge_that_is_weighed_says_so() {
        let running = Pipeline::source("read", 1..=9u64)
            .stage("same", |n| n)
            .weigh(50, |&n| n)
            .sink("write", drop)
            .start();
        let period = ended(running);
        let stages = &period.pipelines[0].stages;
        let [weighed, plain] = [1, 2].map(|at| stages[at].edge.as_ref().unwrap());
        let weight = weighed.weight.as_ref().unwrap();
        assert_eq!((weight.inside, weight.limit), (0, 50));
        assert!((9..=45).contains(&weight.high_water));
        assert!(plain.weight.is_none() && plain.sized.is_none());
    }

    #[test]
    fn an_edge_from_elsewhere_says_so() {
        let running = Pipeline::source("read", 0..9)
            .tee(|copies| copies.sink("log", drop))
            .sink("write", drop)
            .start();
        let period = ended(running);
        let stages = &period.pipelines[0].stages;
        let from = |name: &str| {
            let stage = stages.iter().find(|stage| stage.name == name).unwrap();
            stage.edge.as_ref().map(|edge| edge.from.clone())
        };
        assert_eq!(from("read"), None);
        assert_eq!(from("log"), Some(None));
        assert_eq!(from("write"), Some(Some("read".into())));
    }
}
