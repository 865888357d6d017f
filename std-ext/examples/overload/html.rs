//! The report as one page, with plots and without scripts.

use std::fmt::Write;

use crate::report::{self, Table};
use crate::run::{Outcome, Sample, Setting};

const WIDTH: f64 = 360.0;
const HEIGHT: f64 = 90.0;

const STYLE: &str = "\
body { font: 14px/1.4 system-ui, sans-serif; margin: 2em; color: #222; background: #fff }
table { border-collapse: collapse; margin: .5em 0 }
th, td { padding: .15em .7em; border-bottom: 1px solid #ddd; text-align: left }
.figures { text-align: right; font-variant-numeric: tabular-nums }
.violated { color: #b00; font-weight: bold }
.note { color: #666; white-space: pre-line }
svg { background: #f6f6f6; overflow: visible }
path { fill: none; stroke: #06c; stroke-width: 1.2 }
text { font-size: 10px; fill: #666 }";

/// What is plotted: a title, a unit, and the figure.
type Plot = (&'static str, &'static str, fn(&Sample) -> f64);

const PLOTS: [Plot; 2] = [
    ("items inside", "", |sample| sample.stats.depth as f64),
    ("longest latency", " ms", |sample| {
        sample.latency.as_secs_f64() * 1e3
    }),
];

pub(crate) fn page(setting: &Setting, outcomes: &[Outcome]) -> String {
    let tables: String = report::tables(setting, outcomes)
        .iter()
        .map(table)
        .collect();
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>overload</title>\n\
         <style>\n{STYLE}\n</style>\n<h1>Overload</h1>\n<p class=\"note\">{}</p>\n\
         <p class=\"note\">{}</p>\n{tables}{}</html>\n",
        report::overload(setting),
        report::conclusion(outcomes),
        plots(outcomes),
    )
}

fn table(table: &Table) -> String {
    let row = |tag: &str, cells: &[String]| {
        let cells = cells.iter().enumerate().map(|(nth, cell)| {
            let class = match cell.as_str() {
                "VIOLATED" => "violated",
                _ if table.is_figures(nth) => "figures",
                _ => "text",
            };
            format!("<{tag} class=\"{class}\">{cell}</{tag}>")
        });
        format!("<tr>{}</tr>\n", cells.collect::<String>())
    };
    let head: Vec<_> = table.head.iter().map(|cell| cell.to_string()).collect();
    let rows: String = table.rows.iter().map(|cells| row("td", cells)).collect();
    format!(
        "<h2>{}</h2>\n<table>\n{}{rows}</table>\n<p class=\"note\">{}</p>\n",
        table.title,
        row("th", &head),
        table.legend
    )
}

/// A row for each strategy, in which all have the same axes.
fn plots(outcomes: &[Outcome]) -> String {
    let samples = || outcomes.iter().flat_map(|outcome| &outcome.samples);
    let seconds = samples().map(|sample| sample.seconds).fold(0.0, f64::max);
    let mut page = String::from("<h2>Over time</h2>\n<table>\n<tr><th></th>");
    for (title, _, _) in PLOTS {
        let _ = write!(page, "<th>{title}</th>");
    }
    for outcome in outcomes {
        let _ = write!(page, "</tr>\n<tr><td>{}</td>", outcome.strategy.name());
        for (_, unit, figure) in PLOTS {
            let most = samples().map(figure).fold(1.0, f64::max);
            let _ = write!(
                page,
                "<td>{}</td>",
                plot(&outcome.samples, figure, seconds, most, unit)
            );
        }
    }
    page + "</tr>\n</table>\n"
}

fn plot(
    samples: &[Sample],
    figure: fn(&Sample) -> f64,
    seconds: f64,
    most: f64,
    unit: &str,
) -> String {
    let mut path = String::new();
    for sample in samples {
        let x = sample.seconds / seconds * WIDTH;
        let y = HEIGHT - figure(sample) / most * HEIGHT;
        let command = if path.is_empty() { 'M' } else { 'L' };
        let _ = write!(path, "{command}{x:.1} {y:.1}");
    }
    format!(
        "<svg width=\"{WIDTH}\" height=\"{HEIGHT}\"><path d=\"{path}\"/>\
         <text x=\"2\" y=\"10\">{most:.0}{unit}</text>\
         <text x=\"{WIDTH}\" y=\"{HEIGHT}\" text-anchor=\"end\">{seconds:.1} s</text></svg>"
    )
}
