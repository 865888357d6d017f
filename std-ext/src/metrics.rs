//! What a [board](crate::board) shows, for the facade [`metrics`], and by that for
//! Prometheus and others.
//!
//! Nothing happens when items move, and nothing by itself: whoever is asked for metrics calls
//! [`Exporter::record`] first, which reads the board and sets every counter and gauge in the
//! recorder that is installed, or local to the thread (`metrics::with_local_recorder`).
//!
//! ```
//! use ringfence::board::Board;
//! use ringfence::metrics::Exporter;
//!
//! let prometheus = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
//! let handle = prometheus.handle(); // which renders them
//! metrics::set_global_recorder(prometheus)?;
//! let board = Board::new();
//! let exporter = Exporter::new(board.clone());
//! exporter.describe();
//!
//! let (mut tx, rx) = ringfence::bounded(100);
//! board.channel("orders", rx.monitor());
//! tx.send(1)?;
//!
//! exporter.record(); // at every scrape
//! let text = handle.render();
//! assert!(text.contains(r#"ringfence_channel_stored_total{channel="orders"} 1"#));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What there is
//!
//! Those of `channel` have the label `channel`, the name on the board, and for an edge of a
//! pipeline `pipeline` and `stage`: the name on the board, and the stage that it leads to. Those
//! of `stage` have `pipeline` and `stage`. What is meant is said at the field of the same name in
//! [`Stats`] and [`StageState`](crate::pipeline::StageState).
//!
//! | name | type | one more label | unit | what |
//! |---|---|---|---|---|
//! | `ringfence_channel_offered_total` | counter | | items | given to a send |
//! | `ringfence_channel_stored_total` | counter | | items | went in |
//! | `ringfence_channel_refused_total` | counter | `reason`: `full`, `newest`, `random`, `timeout`, `closed`, `cancelled` | items | handed back |
//! | `ringfence_channel_delivered_total` | counter | | items | received, and not expired |
//! | `ringfence_channel_evicted_total` | counter | | items | gave their place to newer ones |
//! | `ringfence_channel_expired_total` | counter | | items | had waited too long |
//! | `ringfence_channel_drained_total` | counter | | items | inside when the receiver went |
//! | `ringfence_channel_redelivered_total` | counter | | items | given out again by a poll |
//! | `ringfence_channel_full_events_total` | counter | | events | sends that found it full |
//! | `ringfence_channel_empty_events_total` | counter | | events | receives that found it empty |
//! | `ringfence_channel_blocked_microseconds_total` | counter | `side`: `send`, `recv` | microseconds | waited, in vain or not; waits that are over |
//! | `ringfence_channel_depth` | gauge | | items | inside now |
//! | `ringfence_channel_high_water` | gauge | | items | largest depth that was seen, ever |
//! | `ringfence_channel_capacity` | gauge | | items | that fit |
//! | `ringfence_stage_received_total` | counter | | records | received |
//! | `ringfence_stage_sent_total` | counter | | records | offered to the edge after it |
//! | `ringfence_stage_dropped_total` | counter | | records | in hand when it was cancelled or failed |
//! | `ringfence_stage_received_weight_total` | counter | | that of the weight | what the received weighed, where the edge is [weighed](crate::pipeline::Pipeline::weigh) |
//! | `ringfence_stage_sent_weight_total` | counter | | that of the weight | what those weighed that were offered to weighed edges |
//! | `ringfence_stage_milliseconds_per_second` | gauge | `state`: `busy`, `idle`, `backpressured` | milliseconds of each second | how its time was spent since the last record |
//! | `ringfence_stage_is_bottleneck` | gauge | | 0 or 1 | whether it was the one that causes the pressure, since the last record |
//!
//! Counters of the facade are whole numbers, so the time blocked is in microseconds, and not in
//! the seconds that Prometheus prefers.
//!
//! # What holds
//!
//! In what one call records,
//!
//! ```text
//! offered = stored + refused
//! stored  = delivered + evicted + expired + drained + depth
//! ```
//!
//! for each channel. A scrape shows that if no other call comes between the one before it and its
//! end: let one thread at a time record and render.
//!
//! Counters never go back, also when another channel or pipeline takes the name on the board:
//! they are the [totals](crate::board::ChannelReading::total) of all that had it, and so is
//! `depth`, as the one before may still have something inside. The capacity, the high-water mark
//! and the other gauges are those of the one that has it now. As [`Stats`]
//! says, `delivered` may go down by what is under way where a receiver is
//! [`Fresh`](crate::age::Fresh), and `stored` by what is taken back when a channel closes; a
//! recorder that knows no way back then keeps the higher number until it is reached again.
//!
//! What is taken from the board is recorded no more, but the facade cannot take it from the
//! recorder, which may forget it by itself (`idle_timeout` of the exporter for Prometheus). Its
//! counters would start anew under the old name, which a recorder that remembers will not show:
//! put another in its place instead.
//!
//! The last record is that of this exporter, whoever asked for it: give each who looks in a period
//! of his own an exporter of his own, and a recorder. [`Monitor::take_peak`](crate::Monitor::take_peak)
//! is left to others, since it is shared by all who look. Stages of one name in a pipeline share
//! their counters; of their gauges the last one's are seen.

mod list;

use std::collections::BTreeMap;
use std::mem;

use ::metrics::{Key, KeyName, Label, Level, Metadata, Recorder, with_recorder};

use self::list::{CHANNEL, Channel, Metric, STAGE, Stage, Values};
use crate::board::{Board, PipelineReading};
use crate::pipeline::Snapshot;
use crate::stats::Stats;
use crate::sync::{Mutex, lock};

const METADATA: Metadata<'static> = Metadata::new("ringfence", Level::INFO, Some(module_path!()));

/// Records what a board shows. See the [module](self).
#[derive(Debug)]
pub struct Exporter {
    board: Board,
    /// How the pipelines stood when it recorded last, and how many had their names before.
    last: Mutex<BTreeMap<String, (u64, Snapshot)>>,
}

impl Exporter {
    /// Of all that is on the board, or will be.
    #[must_use]
    pub fn new(board: Board) -> Self {
        let last = Mutex::new(BTreeMap::new());
        Self { board, last }
    }

    /// Tells the recorder what each metric means, and its unit. Once is enough.
    pub fn describe(&self) {
        with_recorder(|recorder| {
            CHANNEL.iter().for_each(|metric| metric.describe(recorder));
            STAGE.iter().for_each(|metric| metric.describe(recorder));
        });
    }

    /// Reads the board and sets each metric. To be called when they are asked for.
    pub fn record(&self) {
        let reading = self.board.read();
        let spans = self.spans(&reading.pipelines);
        with_recorder(|recorder| {
            for channel in &reading.channels {
                let labels = vec![Label::new("channel", channel.name.clone())];
                record_channel(recorder, labels, &channel.stats, &channel.total);
            }
            for (pipeline, span) in reading.pipelines.iter().zip(&spans) {
                record_pipeline(recorder, pipeline, span);
            }
        });
    }

    /// What happened in each pipeline since this was called last.
    fn spans(&self, pipelines: &[PipelineReading]) -> Vec<Snapshot> {
        let now = pipelines.iter().map(|pipeline| {
            let PipelineReading {
                name,
                replaced,
                snapshot,
                ..
            } = pipeline;
            (name.clone(), (*replaced, snapshot.clone()))
        });
        let now = now.collect();
        let last = mem::replace(&mut *lock(&self.last), now);
        let span = |now: &PipelineReading| match last.get(&now.name) {
            Some((replaced, then)) if *replaced == now.replaced => now.snapshot.since(then),
            _ => now.snapshot.clone(),
        };
        pipelines.iter().map(span).collect()
    }
}

fn record_channel(recorder: &dyn Recorder, labels: Vec<Label>, now: &Stats, total: &Stats) {
    let (now, total) = (*now, *total);
    for metric in CHANNEL {
        metric.record(recorder, &labels, &Channel { now, total });
    }
}

fn record_pipeline(recorder: &dyn Recorder, pipeline: &PipelineReading, span: &Snapshot) {
    let slow = span.bottleneck();
    for (index, stage) in span.stages.iter().enumerate() {
        let mut totals = pipeline.total.iter();
        let Some(total) = totals.find(|total| total.name == stage.name) else {
            continue;
        };
        let labels = vec![
            Label::new("pipeline", pipeline.name.clone()),
            Label::new("stage", stage.name.clone()),
        ];
        let load = stage.load();
        // One that has ended spends none.
        let of_span = |share| if stage.alive().is_zero() { 0 } else { share };
        let state = Stage {
            received: total.received,
            sent: total.sent,
            dropped: total.dropped,
            received_weight: total.received_weight,
            sent_weight: total.sent_weight,
            busy: of_span(load.busy),
            idle: of_span(load.idle),
            backpressured: of_span(load.backpressured),
            is_bottleneck: slow.is_some_and(|slow| std::ptr::eq(slow, stage)),
        };
        for metric in STAGE {
            metric.record(recorder, &labels, &state);
        }
        let edge = span.edges.iter().find(|edge| edge.to == index);
        if let (Some(edge), Some(total)) = (edge, &total.edge) {
            record_channel(recorder, labels, &edge.stats, total);
        }
    }
}

impl<V> Metric<V> {
    fn describe(&self, recorder: &dyn Recorder) {
        let name = KeyName::from_const_str(self.name);
        match self.values {
            Values::Counters(_) => recorder.describe_counter(name, self.unit, self.help.into()),
            Values::Gauges(_) => recorder.describe_gauge(name, self.unit, self.help.into()),
        }
    }

    fn record(&self, recorder: &dyn Recorder, labels: &[Label], state: &V) {
        let key = |value: &'static str| {
            let more = Label::from_static_parts(self.label, value);
            let more = (!self.label.is_empty()).then_some(more);
            Key::from_parts(
                self.name,
                labels.iter().cloned().chain(more).collect::<Vec<_>>(),
            )
        };
        match &self.values {
            Values::Counters(counters) => {
                for (value, count) in *counters {
                    let counter = recorder.register_counter(&key(value), &METADATA);
                    counter.absolute(count(state));
                }
            }
            Values::Gauges(gauges) => {
                for (value, measure) in *gauges {
                    let gauge = recorder.register_gauge(&key(value), &METADATA);
                    gauge.set(measure(state));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
