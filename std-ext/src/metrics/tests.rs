use std::collections::{BTreeMap, BTreeSet};

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusRecorder};

use super::*;
use crate::OnFull;
use crate::pipeline::Pipeline;

/// Name, type, one more label, unit.
type Row = (String, String, String, String);

/// What the table in the docs says.
fn documented() -> BTreeSet<Row> {
    let source = include_str!("../metrics.rs");
    let rows = source
        .lines()
        .filter(|line| line.starts_with("//! | `ringfence_"));
    let rows = rows.map(|row| {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        let [_, name, kind, label, unit, _, _] = cells[..] else {
            panic!("{row}")
        };
        let text = |cell: &str| cell.replace(['`', ':', ','], "");
        (text(name), text(kind), text(label), text(unit))
    });
    rows.collect()
}

/// What the recorder was told.
fn rendered(exporter: &Exporter, recorder: &PrometheusRecorder) -> String {
    ::metrics::with_local_recorder(recorder, || {
        exporter.describe();
        exporter.record();
    });
    recorder.handle().render()
}

/// Every series, and its value.
fn series(text: &str) -> BTreeMap<String, f64> {
    let lines = text
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty());
    let pairs = lines.map(|line| line.rsplit_once(' ').unwrap());
    pairs
        .map(|(name, value)| (name.into(), value.parse().unwrap()))
        .collect()
}

/// A board with a channel that has dropped one, and a pipeline that has come to its end.
fn board() -> Board {
    let board = Board::new();
    let (mut tx, rx) = crate::channel(2).on_full(OnFull::DropNewest).build();
    board.channel("orders", rx.monitor());
    let _ = tx.send_many(0..5).unwrap();
    assert!(tx.try_send(5).is_err());
    let running = Pipeline::source("read", 0..10)
        .sink("write", drop)
        .weigh(100, |_| 7)
        .start();
    board.pipeline("copy", running.handle());
    running.join().unwrap();
    board
}

#[test]
fn what_is_documented_is_exported_and_nothing_else() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let text = rendered(&Exporter::new(board()), &recorder);
    let kinds = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let exported: BTreeSet<_> = kinds
        .map(|kind| {
            let (name, kind) = kind.split_once(' ').unwrap();
            assert!(text.contains(&format!("# HELP {name} ")), "{name}: no help");
            (name.to_owned(), kind.to_owned())
        })
        .collect();
    let rows = documented();
    let names = rows
        .iter()
        .map(|(name, kind, ..)| (name.clone(), kind.clone()));
    assert_eq!(names.collect::<BTreeSet<_>>(), exported);

    let mut labels = BTreeMap::<_, BTreeSet<_>>::new();
    let found = series(&text);
    for series in found.keys() {
        let (name, all) = series.split_once('{').unwrap();
        for label in all.trim_end_matches('}').split(',') {
            let (label, value) = label.split_once('=').unwrap();
            labels
                .entry((name, label))
                .or_default()
                .insert(value.trim_matches('"'));
        }
    }
    for (name, _, label, unit) in &rows {
        let mut words = label.split(' ').filter(|word| !word.is_empty());
        let more = words.next();
        let mut of_it: BTreeMap<_, _> = labels.iter().filter(|((of, _), _)| of == name).collect();
        if let Some(label) = more {
            let values = of_it.remove(&(name.as_str(), label));
            assert_eq!(values, Some(&words.collect()), "{name}");
        }
        let of_it: Vec<_> = of_it.keys().map(|(_, label)| *label).collect();
        if name.starts_with("ringfence_stage_") {
            assert_eq!(of_it, ["pipeline", "stage"], "{name}");
        } else {
            assert_eq!(of_it, ["channel", "pipeline", "stage"], "{name}");
        }
        let is_time = name.ends_with("_microseconds_total");
        assert_eq!(unit == "microseconds", is_time, "{name}");
    }
}

#[test]
fn values_are_those_of_the_board() {
    let (board, recorder) = (board(), PrometheusBuilder::new().build_recorder());
    let found = series(&rendered(&Exporter::new(board.clone()), &recorder));
    let of = |metric: &str, labels: &str| found[&format!("ringfence_{metric}{{{labels}}}")];
    let orders = r#"channel="orders""#;
    assert_eq!(of("channel_offered_total", orders), 6.0);
    assert_eq!(of("channel_stored_total", orders), 2.0);
    let refused = |reason| {
        let labels = format!("{orders},reason=\"{reason}\"");
        of("channel_refused_total", &labels)
    };
    let reasons = ["newest", "full", "random", "timeout", "closed", "cancelled"];
    assert_eq!(reasons.map(refused), [3.0, 1.0, 0.0, 0.0, 0.0, 0.0]);
    assert_eq!(of("channel_drained_total", orders), 2.0);
    assert_eq!(of("channel_depth", orders), 0.0);
    assert_eq!(of("channel_high_water", orders), 2.0);
    assert_eq!(of("channel_capacity", orders), 2.0);
    let [read, write] = ["read", "write"].map(|s| format!("pipeline=\"copy\",stage=\"{s}\""));
    assert_eq!(of("channel_delivered_total", &write), 10.0);
    assert_eq!(of("stage_sent_total", &read), 10.0);
    assert_eq!(of("stage_received_total", &write), 10.0);
    assert_eq!(of("stage_received_weight_total", &write), 70.0);
    assert_eq!(of("stage_sent_weight_total", &read), 70.0);
    assert_eq!(of("stage_is_bottleneck", &write), 0.0);
    assert!(!found.contains_key(&format!("ringfence_channel_depth{{{read}}}")));
    // Every value that is listed comes from a field of its own.
    let stats = board.read().channels[0].total;
    let micros = of(
        "channel_blocked_microseconds_total",
        &format!("{orders},side=\"recv\""),
    );
    assert_eq!(micros as u128, stats.recv_blocked.as_micros());
}

#[test]
fn counters_go_on_when_a_channel_is_replaced() {
    let (board, recorder) = (Board::new(), PrometheusBuilder::new().build_recorder());
    let exporter = Exporter::new(board.clone());
    let mut stored = 0;
    for n in [5, 1, 3] {
        let (mut tx, _rx) = crate::bounded(8);
        board.channel("orders", tx.monitor());
        let _ = tx.send_many(0..n).unwrap();
        stored += n;
        let found = series(&rendered(&exporter, &recorder));
        let of = |name: &str| found[&format!("ringfence_channel_{name}{{channel=\"orders\"}}")];
        assert_eq!(of("stored_total"), f64::from(stored));
        assert_eq!(of("drained_total"), f64::from(stored - n));
        assert_eq!(of("depth"), f64::from(n));
    }
}

#[test]
fn loads_are_those_since_the_last_record() {
    let (board, recorder) = (Board::new(), PrometheusBuilder::new().build_recorder());
    let exporter = Exporter::new(board.clone());
    // The source waits for room as long as the sink holds its record.
    let (go_on, mut gate) = crate::bounded(1);
    let running = Pipeline::source("read", 0..100)
        .try_sink("write", move |_| gate.recv().map(drop))
        .capacity(1)
        .start();
    // Dropped before it is waited for, also if an assertion fails.
    let mut go_on = go_on;
    let handle = running.handle();
    board.pipeline("copy", handle.clone());
    let loads = || {
        let found = series(&rendered(&exporter, &recorder));
        ["busy", "idle", "backpressured"].map(|state| {
            let name = "ringfence_stage_milliseconds_per_second";
            let [read, write] = ["read", "write"].map(|stage| {
                let labels = format!("pipeline=\"copy\",stage=\"{stage}\",state=\"{state}\"");
                found[&format!("{name}{{{labels}}}")]
            });
            (read, write)
        })
    };
    // One record in hand, one inside, and the source has only waited since that was seen.
    let stands_still = || {
        let then = handle.snapshot();
        let is_full = then.stages[1].received == 1 && then.edges[0].stats.depth == 1;
        let since = handle.snapshot().since(&then);
        is_full && since.stages[0].load().backpressured == 1000
    };
    while !stands_still() {
        std::thread::yield_now();
    }
    loads();
    // It has done nothing else since, whatever it did before.
    let bottleneck = || {
        let found = series(&rendered(&exporter, &recorder));
        found[r#"ringfence_stage_is_bottleneck{pipeline="copy",stage="write"}"#]
    };
    assert_eq!(loads(), [(0.0, 1000.0), (0.0, 0.0), (1000.0, 0.0)]);
    assert_eq!(bottleneck(), 1.0);
    (0..100).try_for_each(|n| go_on.send(n).map(drop)).unwrap();
    running.join().unwrap();
    loads();
    assert_eq!(loads(), [(0.0, 0.0); 3], "it spends time after its end");
    assert_eq!(bottleneck(), 0.0);
}
