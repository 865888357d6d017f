//! A pipeline: a line for each stage, under that of the edge which leads to it.

use ratatui::style::{Color, Modifier, Style, Stylize};
use ratatui::text::{Line, Span};
use ringfence::pipeline::Pressure;

use super::flow::{fit, flow};
use crate::bar;
use crate::look::{EdgeRow, PipelineRow, StageRow};
use crate::rate::{count, short};

/// The marks before a stage that is the bottleneck, and behind it.
const MARK: &str = "> ";
const MARK_BEHIND: &str = "  <- bottleneck";

/// What is given to which column, by how much there is.
struct Columns {
    name: usize,
    /// None if they do not fit.
    bar: usize,
    has_rates: bool,
    /// Whether the bottleneck is called so, beside its mark.
    has_word: bool,
}

impl Columns {
    const LOADS: usize = 3 * 5 + 6;
    const RATES: usize = 2 * 8;

    fn of(row: &PipelineRow, width: usize) -> Self {
        let columns = |name: &str| Span::raw(name).width();
        let names = row.stages.iter().map(|stage| columns(&stage.name));
        let titled = columns(&title(row)).saturating_sub(MARK.len());
        let widest = names.chain([titled]).max();
        let name = widest.unwrap_or(0).min(20).min(width / 3);
        let left = width.saturating_sub(MARK.len() + name + Self::LOADS);
        let has_rates = left >= Self::RATES;
        let with_word = Self::RATES + MARK_BEHIND.len();
        let has_word = left >= with_word;
        let left = left.saturating_sub(with_word + 1);
        let bar = if left < 4 { 0 } else { left.min(24) };
        Self {
            name,
            bar,
            has_rates,
            has_word,
        }
    }
}

pub(super) fn lines(row: &PipelineRow, width: usize) -> Vec<Line<'static>> {
    let columns = Columns::of(row, width);
    let mut lines = vec![heading(row, &columns)];
    for (at, stage) in row.stages.iter().enumerate() {
        if let Some(edge) = &stage.edge {
            lines.extend(edge_lines(edge, width));
        }
        lines.push(stage_line(stage, row.bottleneck == Some(at), &columns));
        if stage.dropped > 0 {
            let dropped = format!("    dropped in hand {}", count(stage.dropped));
            lines.push(Line::from(dropped).red());
        }
    }
    lines
}

fn title(row: &PipelineRow) -> String {
    format!("pipeline {}", row.name)
}

fn heading(row: &PipelineRow, columns: &Columns) -> Line<'static> {
    let mut text = fit(&title(row), MARK.len() + columns.name);
    if columns.bar > 0 {
        let legend = " █ busy ▒ bp · idle";
        let fits = Span::raw(legend).width() <= 1 + columns.bar;
        text += &fit(if fits { legend } else { "" }, 1 + columns.bar);
    }
    text += &format!(" {:>4} {:>4} {:>4}      ", "busy", "idle", "bp");
    if columns.has_rates {
        text += &format!(" {:>7} {:>7}", "in/s", "out/s");
    }
    Line::from(text).bold()
}

fn stage_line(stage: &StageRow, is_slow: bool, columns: &Columns) -> Line<'static> {
    let mark = if is_slow { MARK } else { "  " };
    let mut line = Line::from(vec![
        Span::from(mark),
        fit(&stage.name, columns.name).into(),
    ]);
    if columns.bar > 0 {
        line.push_span(" ");
        line.extend(match &stage.load {
            Some(load) => bar::load(load.busy, load.backpressured, columns.bar),
            None => vec![" ".repeat(columns.bar).into()],
        });
    }
    match &stage.load {
        Some(load) => {
            line.push_span(format!(
                " {:>4} {:>4} {:>4}",
                load.busy, load.idle, load.backpressured
            ));
            let pressure = format!(" {:<5}", load.pressure);
            line.push_span(Span::styled(pressure, color(load.pressure)));
        }
        None => line.push_span(format!(" {:>4} {:>4} {:>4}      ", "-", "-", "-")),
    }
    if columns.has_rates {
        let [received, sent] =
            [stage.received, stage.sent].map(|rate| rate.map_or("-".into(), short));
        line.push_span(format!(" {received:>7} {sent:>7}"));
    }
    if is_slow && columns.has_word {
        line.push_span(MARK_BEHIND);
    }
    if is_slow {
        line = line.style(Style::new().add_modifier(Modifier::BOLD));
    }
    line
}

fn color(pressure: Pressure) -> Color {
    match pressure {
        Pressure::Ok => Color::Green,
        Pressure::Low => Color::Yellow,
        Pressure::High => Color::Red,
    }
}

fn edge_lines(edge: &EdgeRow, width: usize) -> Vec<Line<'static>> {
    let stats = &edge.stats;
    let mut filled = vec!["    ".into()];
    filled.extend(bar::depth(
        stats.depth,
        stats.high_water,
        stats.capacity,
        (width / 4).min(16),
    ));
    filled.push(format!(" {}/{}", stats.depth, stats.capacity).into());
    let mut pieces = vec![filled, vec![format!("high {}", stats.high_water).into()]];
    if let Some(sized) = edge.sized {
        pieces.push(vec![format!("sized {sized}").into()]);
    }
    if let Some(weight) = &edge.weight {
        let [inside, limit, high] = [weight.inside, weight.limit, weight.high_water].map(count);
        pieces.push(vec![format!("weight {inside}/{limit} high {high}").into()]);
    }
    let lost = format!("lost {}", count(stats.lost()));
    pieces.push(vec![match stats.lost() {
        0 => lost.into(),
        _ => lost.red(),
    }]);
    if stats.drained > 0 {
        pieces.push(vec![format!("drained {}", count(stats.drained)).red()]);
    }
    if let Some(from) = &edge.from {
        pieces.push(vec![format!("from {from}").into()]);
    }
    flow(pieces, width, 6)
}
