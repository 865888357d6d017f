//! Every metric: its name, its unit, what it means, and where its values come from. A test
//! compares the table in the docs with this.

use std::time::Duration;

use ::metrics::Unit;

use crate::stats::Stats;

pub(super) struct Metric<V: 'static> {
    pub(super) name: &'static str,
    pub(super) unit: Option<Unit>,
    pub(super) help: &'static str,
    /// The label that tells its values apart; empty if there is one.
    pub(super) label: &'static str,
    pub(super) values: Values<V>,
}

pub(super) enum Values<V: 'static> {
    Counters(Readings<V, u64>),
    Gauges(Readings<V, f64>),
}

/// What the label says of each, and where it comes from.
type Readings<V, N> = &'static [(&'static str, fn(&V) -> N)];

/// A channel, or an edge.
pub(super) struct Channel {
    pub(super) now: Stats,
    pub(super) total: Stats,
}

/// A stage. Its load is that since the last time: all zero if no time has passed.
pub(super) struct Stage {
    pub(super) received: u64,
    pub(super) sent: u64,
    pub(super) dropped: u64,
    pub(super) received_weight: u64,
    pub(super) sent_weight: u64,
    pub(super) busy: u32,
    pub(super) idle: u32,
    pub(super) backpressured: u32,
    pub(super) is_bottleneck: bool,
}

pub(super) const CHANNEL: &[Metric<Channel>] = &[
    items(
        "ringfence_channel_offered_total",
        "Items given to a send.",
        &[("", |c| c.total.offered)],
    ),
    items(
        "ringfence_channel_stored_total",
        "Items that went in.",
        &[("", |c| c.total.stored)],
    ),
    by(
        "reason",
        items(
            "ringfence_channel_refused_total",
            "Items handed back, by reason.",
            &[
                ("full", |c| c.total.refused_full),
                ("newest", |c| c.total.refused_newest),
                ("random", |c| c.total.refused_random),
                ("timeout", |c| c.total.refused_timeout),
                ("closed", |c| c.total.refused_closed),
                ("cancelled", |c| c.total.refused_cancelled),
            ],
        ),
    ),
    items(
        "ringfence_channel_delivered_total",
        "Items that were received, and not expired.",
        &[("", |c| c.total.delivered)],
    ),
    items(
        "ringfence_channel_evicted_total",
        "Items that gave their place to newer ones.",
        &[("", |c| c.total.evicted)],
    ),
    items(
        "ringfence_channel_expired_total",
        "Items that were dropped, since they had waited too long.",
        &[("", |c| c.total.expired)],
    ),
    items(
        "ringfence_channel_drained_total",
        "Items that were inside when the receiver went.",
        &[("", |c| c.total.drained)],
    ),
    items(
        "ringfence_channel_redelivered_total",
        "Items given out again by a poll, each time.",
        &[("", |c| c.total.redelivered)],
    ),
    items(
        "ringfence_channel_full_events_total",
        "Sends that found the channel full.",
        &[("", |c| c.total.full_events)],
    ),
    items(
        "ringfence_channel_empty_events_total",
        "Receives that found the channel empty.",
        &[("", |c| c.total.empty_events)],
    ),
    Metric {
        name: "ringfence_channel_blocked_microseconds_total",
        unit: Some(Unit::Microseconds),
        help: "Time that sends waited for room, and receives for items, in vain or not.",
        label: "side",
        values: Values::Counters(&[
            ("send", |c| micros(c.total.send_blocked)),
            ("recv", |c| micros(c.total.recv_blocked)),
        ]),
    },
    gauge(
        "ringfence_channel_depth",
        "Items inside.",
        &[("", |c| c.total.depth as f64)],
    ),
    gauge(
        "ringfence_channel_high_water",
        "The largest depth that was seen.",
        &[("", |c| c.now.high_water as f64)],
    ),
    gauge(
        "ringfence_channel_capacity",
        "How many items fit.",
        &[("", |c| c.now.capacity as f64)],
    ),
];

pub(super) const STAGE: &[Metric<Stage>] = &[
    items(
        "ringfence_stage_received_total",
        "Records that the stage has received.",
        &[("", |s| s.received)],
    ),
    items(
        "ringfence_stage_sent_total",
        "Records that the stage has offered to the edge after it.",
        &[("", |s| s.sent)],
    ),
    items(
        "ringfence_stage_dropped_total",
        "Records that it had in hand when it was cancelled or failed.",
        &[("", |s| s.dropped)],
    ),
    Metric {
        unit: None,
        ..items(
            "ringfence_stage_received_weight_total",
            "What the records weighed that it has received from an edge that is weighed.",
            &[("", |s| s.received_weight)],
        )
    },
    Metric {
        unit: None,
        ..items(
            "ringfence_stage_sent_weight_total",
            "What the records weighed that it has offered to edges that are weighed.",
            &[("", |s| s.sent_weight)],
        )
    },
    by(
        "state",
        Metric {
            unit: None,
            ..gauge(
                "ringfence_stage_milliseconds_per_second",
                "How the stage spent its time since the last record, in milliseconds of each second.",
                &[
                    ("busy", |s| s.busy.into()),
                    ("idle", |s| s.idle.into()),
                    ("backpressured", |s| s.backpressured.into()),
                ],
            )
        },
    ),
    Metric {
        unit: None,
        ..gauge(
            "ringfence_stage_is_bottleneck",
            "1 if the stage was the one that causes the pressure, since the last record.",
            &[("", |s| u32::from(s.is_bottleneck).into())],
        )
    },
];

const fn items<V>(name: &'static str, help: &'static str, counters: Readings<V, u64>) -> Metric<V> {
    Metric {
        name,
        unit: Some(Unit::Count),
        help,
        label: "",
        values: Values::Counters(counters),
    }
}

const fn gauge<V>(name: &'static str, help: &'static str, gauges: Readings<V, f64>) -> Metric<V> {
    Metric {
        name,
        unit: Some(Unit::Count),
        help,
        label: "",
        values: Values::Gauges(gauges),
    }
}

/// It has several values, which this label tells apart.
const fn by<V>(label: &'static str, metric: Metric<V>) -> Metric<V> {
    Metric { label, ..metric }
}

/// It takes half a million years until it is too long.
fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
