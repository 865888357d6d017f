//! A channel: how full it is, what comes and goes, what is lost and why, who waits.

use std::time::Duration;

use ratatui::style::Stylize;
use ratatui::text::{Line, Span};
use ringfence::Stats;

use super::flow::{fit, flow};
use crate::bar;
use crate::look::ChannelRow;
use crate::rate::{count, short};

pub(super) fn lines(row: &ChannelRow, width: usize) -> Vec<Line<'static>> {
    let mut lines = flow(depth(row, width), width, 4);
    let counts = rates(row).into_iter().chain(reasons(&row.now));
    for mut pieces in [counts.collect(), waits(row)] {
        pieces[0].insert(0, "  ".into());
        lines.extend(flow(pieces, width, 4));
    }
    lines
}

fn depth(row: &ChannelRow, width: usize) -> Vec<Vec<Span<'static>>> {
    let stats = &row.now;
    let name = format!("channel {}", row.name);
    let columns = Span::raw(&*name).width().clamp(20, 36).min(width / 2);
    let cells = (width / 4).min(24);
    let mut first = vec![fit(&name, columns).bold(), " ".into()];
    first.extend(bar::depth(
        stats.depth,
        stats.high_water,
        stats.capacity,
        cells,
    ));
    first.push(format!(" {}/{}", stats.depth, stats.capacity).into());
    vec![
        first,
        vec![format!("peak {}", row.peak).into()],
        vec![format!("high {}", stats.high_water).into()],
    ]
}

fn rates(row: &ChannelRow) -> Vec<Vec<Span<'static>>> {
    let lost = format!("lost {:.1}%", row.lost * 100.0);
    vec![
        vec![format!("in {}/s", short(row.offered)).into()],
        vec![format!("out {}/s", short(row.delivered)).into()],
        vec![if row.lost > 0.0 {
            lost.red()
        } else {
            lost.into()
        }],
    ]
}

/// Items that did not come through, in all, by why; where there are some.
fn reasons(stats: &Stats) -> Vec<Vec<Span<'static>>> {
    let reasons = [
        ("refused full", stats.refused_full),
        ("refused newest", stats.refused_newest),
        ("refused random", stats.refused_random),
        ("refused timeout", stats.refused_timeout),
        ("refused closed", stats.refused_closed),
        ("cancelled", stats.refused_cancelled),
        ("evicted oldest", stats.evicted),
        ("expired", stats.expired),
        ("drained", stats.drained),
    ];
    let met = reasons.into_iter().filter(|(_, items)| *items > 0);
    met.map(|(why, items)| vec![format!("{why} {}", count(items)).into()])
        .collect()
}

fn waits(row: &ChannelRow) -> Vec<Vec<Span<'static>>> {
    let blocked = |side, now: f64, all: Duration| {
        let text = format!("{side} blocked {now:.0} ms/s ({:.1} s)", all.as_secs_f64());
        vec![Span::from(text)]
    };
    vec![
        blocked("send", row.send_blocked, row.now.send_blocked),
        blocked("recv", row.recv_blocked, row.now.recv_blocked),
    ]
}
