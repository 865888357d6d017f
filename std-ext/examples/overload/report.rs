//! What the program says at the end: tables, as text and for the page.

use std::time::Duration;

use hdrhistogram::Histogram;

use crate::memory::Growth;
use crate::plan::PRODUCERS;
use crate::run::{Outcome, Setting};

/// Cells as text. The first column is names, and the others are figures.
pub(crate) struct Table {
    pub(crate) title: &'static str,
    /// What the columns mean.
    pub(crate) legend: &'static str,
    pub(crate) head: Vec<&'static str>,
    pub(crate) rows: Vec<Vec<String>>,
}

/// What the overload was.
pub(crate) fn overload(setting: &Setting) -> String {
    let plan = &setting.plan;
    let chaos = if setting.chaos {
        "\nchaos: senders and receivers come, go and panic"
    } else {
        ""
    };
    format!(
        "{PRODUCERS} producers send {:.1} times what the consumer takes, {:.0} items a second; \
         {} bursts, {} stalls of the consumer ({:.0} ms in all); a lull at the beginning and the \
         end\ncapacity {} items; {:.1} s for each strategy; {} CPUs{chaos}",
        plan.load,
        1.0 / plan.service.as_secs_f64(),
        plan.bursts.len(),
        plan.stalls.len(),
        plan.stalled().as_secs_f64() * 1e3,
        setting.capacity,
        plan.length.as_secs_f64(),
        std::thread::available_parallelism().map_or(0, usize::from),
    )
}

pub(crate) fn tables(setting: &Setting, outcomes: &[Outcome]) -> Vec<Table> {
    let rows = |row: fn(&Outcome) -> Vec<String>| {
        let named = |outcome: &Outcome| {
            let name = vec![outcome.strategy.name()];
            [name, row(outcome)].concat()
        };
        outcomes.iter().map(named).collect()
    };
    let mut tables = vec![
        Table {
            title: "What became of the items",
            legend: "held back: not yet sent when time was up, since the source had to wait\n\
                     identity held: the channel's sums hold, and are what the program counted itself",
            head: "strategy|wanted|held back|offered|stored|delivered|dropped|by reason|identity"
                .split('|')
                .collect(),
            rows: rows(fates),
        },
        Table {
            title: "What it takes",
            legend: "latency: from when an item should have been sent until it is received, in ms\n\
                     inside, longest send: from when it was sent until then; until sent, in ms\n\
                     KiB alive, MiB resident: the most that all items had, and the whole process",
            head: "strategy|latency p50|p99|max|inside p50|p99|max|longest send|items inside|\
                   KiB alive|MiB resident"
                .split('|')
                .collect(),
            rows: rows(costs),
        },
        Table {
            title: "What each gives, and what it costs",
            legend: "",
            head: vec!["strategy", "gives", "costs"],
            rows: rows(|outcome| outcome.strategy.meaning().map(String::from).to_vec()),
        },
    ];
    if setting.chaos {
        tables.push(Table {
            title: "How resident memory grew",
            legend: "by least squares, without the first quarter of the time; 4096 KiB are too much",
            head: vec!["strategy", "KiB a second", "KiB"],
            rows: rows(growth),
        });
    }
    tables
}

fn fates(outcome: &Outcome) -> Vec<String> {
    let stats = &outcome.stats;
    let reasons = [
        ("full", stats.refused_full),
        ("newest", stats.refused_newest),
        ("oldest", stats.evicted),
        ("random", stats.refused_random),
        ("expired", stats.expired),
        ("drained", stats.drained),
        ("closed", stats.refused_closed),
    ];
    let dropped: u64 = reasons.iter().map(|(_, items)| items).sum();
    let met = reasons.iter().filter(|(_, items)| *items > 0);
    let reasons: Vec<_> = met.map(|(why, items)| format!("{why} {items}")).collect();
    let held_back = outcome.produced.held_back;
    let mut cells: Vec<_> = [
        stats.offered + held_back,
        held_back,
        stats.offered,
        stats.stored,
        stats.delivered,
        dropped,
    ]
    .map(|items| items.to_string())
    .to_vec();
    cells.push(reasons.join(", "));
    cells.push(verdict(outcome).into());
    cells
}

fn verdict(outcome: &Outcome) -> &'static str {
    if outcome.violations.is_empty() {
        "held"
    } else {
        "VIOLATED"
    }
}

fn costs(outcome: &Outcome) -> Vec<String> {
    let three = |times: &Histogram<u64>| {
        [
            times.value_at_quantile(0.5),
            times.value_at_quantile(0.99),
            times.max(),
        ]
        .map(|micros| milliseconds(Duration::from_micros(micros)))
    };
    let mut cells = [three(&outcome.times.latency), three(&outcome.times.inside)].concat();
    cells.push(milliseconds(outcome.produced.longest_send));
    cells.push(outcome.stats.high_water.to_string());
    cells.push((outcome.most_bytes / 1024).to_string());
    cells.push(of_growth(outcome, |growth| {
        growth.peak as f64 / 1024.0 / 1024.0
    }));
    cells
}

fn growth(outcome: &Outcome) -> Vec<String> {
    let figures: [fn(&Growth) -> f64; 2] = [
        |growth| growth.bytes_per_second / 1024.0,
        |growth| growth.bytes() / 1024.0,
    ];
    figures.map(|figure| of_growth(outcome, figure)).to_vec()
}

/// Where the system says how much memory there is.
fn of_growth(outcome: &Outcome, figure: fn(&Growth) -> f64) -> String {
    let growth = outcome.growth.as_ref();
    growth.map_or("-".into(), |growth| format!("{:.1}", figure(growth)))
}

fn milliseconds(time: Duration) -> String {
    format!("{:.1}", time.as_secs_f64() * 1e3)
}

/// All violations, a line for each.
pub(crate) fn violations(outcomes: &[Outcome]) -> Vec<String> {
    let of_one = |outcome: &Outcome| {
        let name = outcome.strategy.name();
        let named = outcome.violations.iter();
        named
            .map(|what| format!("{name}: {what}"))
            .collect::<Vec<_>>()
    };
    outcomes.iter().flat_map(of_one).collect()
}

/// What it all comes to.
pub(crate) fn conclusion(outcomes: &[Outcome]) -> String {
    let violations = violations(outcomes);
    let all = |nth: usize| outcomes.iter().map(|one| one.died[nth]).sum::<u64>();
    let died = match all(0) {
        0 => String::new(),
        died => format!("{died} ends died, {} of them in a panic\n", all(1)),
    };
    if violations.is_empty() {
        format!("{died}every item is accounted for, and none was inside for longer than it may be")
    } else {
        format!("{died}VIOLATED:\n{}", violations.join("\n"))
    }
}

/// The report as text.
pub(crate) fn text(setting: &Setting, outcomes: &[Outcome]) -> String {
    let tables = tables(setting, outcomes);
    let tables: Vec<_> = tables.iter().map(Table::text).collect();
    let tables = tables.join("\n");
    let parts = [
        overload(setting),
        tables.trim_end().into(),
        conclusion(outcomes),
    ];
    parts.join("\n\n")
}

impl Table {
    fn text(&self) -> String {
        let columns = 0..self.head.len();
        let columns: Vec<_> = columns
            .map(|nth| (self.width(nth), self.is_figures(nth)))
            .collect();
        let line = |cells: &[String]| {
            let cells = cells.iter().zip(&columns);
            let cells = cells.map(|(cell, &(width, is_figures))| match is_figures {
                true => format!("{cell:>width$}"),
                false => format!("{cell:<width$}"),
            });
            let line = cells.collect::<Vec<_>>().join("  ");
            format!("  {}\n", line.trim_end())
        };
        let head: Vec<_> = self.head.iter().map(|cell| cell.to_string()).collect();
        let lines: String = self.rows.iter().map(|cells| line(cells)).collect();
        let legend: String = self
            .legend
            .lines()
            .map(|line| format!("  {line}\n"))
            .collect();
        format!("{}\n{}{lines}{legend}", self.title, line(&head))
    }

    fn width(&self, column: usize) -> usize {
        let cells = self.rows.iter().map(|cells| cells[column].len());
        cells.max().unwrap_or(0).max(self.head[column].len())
    }

    /// Whether a column is aligned at its right.
    pub(crate) fn is_figures(&self, column: usize) -> bool {
        let mut cells = self.rows.iter().map(|cells| &cells[column]);
        cells.all(|cell| cell == "-" || cell.parse::<f64>().is_ok())
    }
}
