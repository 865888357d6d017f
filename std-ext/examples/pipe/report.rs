//! What the program says of itself.

use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{self, RecvTimeoutError::Timeout};
use std::thread;
use std::time::Duration;

use indicatif::ProgressBar;
use ringfence::{Monitor, Stats};

use crate::options::{Format, Options};

/// What the program counts by itself, to compare. Atomic, for the main thread sees it even if the
/// reading side never returns.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) bytes_in: AtomicU64,
    pub(crate) truncated: AtomicU64,
    /// Lines that the channel stored or handed back.
    pub(crate) offered: AtomicU64,
    pub(crate) received: AtomicU64,
    /// In the writes that succeeded.
    pub(crate) bytes_out: AtomicU64,
}

/// Tells how things stand until the result is called.
pub(crate) fn report(options: &Options, monitor: Monitor) -> impl FnOnce() + use<> {
    let live = io::stderr().is_terminal();
    let alone = live && !io::stdout().is_terminal();
    let every = Duration::from_millis(if alone { 250 } else { 0 });
    let every = options.report.unwrap_or(every);
    let (stop, stopped) = mpsc::channel::<()>();
    let thread = thread::spawn(move || {
        let bar = ProgressBar::new_spinner();
        while !every.is_zero() && stopped.recv_timeout(every) == Err(Timeout) {
            let now = monitor.stats();
            let now = format!("{now} of {}", now.capacity);
            if live {
                bar.set_message(now)
            } else {
                say(&now)
            }
        }
        bar.finish_and_clear();
    });
    move || {
        drop(stop);
        // It has nothing to tell but a panic, which told itself.
        let _ = thread.join();
    }
}

/// To stderr, which may be closed: then there is nobody to tell.
pub(crate) fn say(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// What became of everything. `exact` says whether the counts add up, for the channel and for what
/// either side counted.
pub(crate) fn summary(
    format: Format,
    stats: &Stats,
    tally: &Tally,
    elapsed: f64,
    exact: bool,
) -> String {
    let counts = [
        ("offered", stats.offered),
        ("stored", stats.stored),
        ("refused", stats.refused),
        ("delivered", stats.delivered),
        ("drained", stats.drained),
        ("depth", stats.depth),
        ("exact", exact.into()),
        ("capacity", stats.capacity),
        ("high_water", stats.high_water),
        ("full_events", stats.full_events),
        ("empty_events", stats.empty_events),
        ("bytes_in", tally.bytes_in.load(Relaxed)),
        ("bytes_out", tally.bytes_out.load(Relaxed)),
        ("truncated_lines", tally.truncated.load(Relaxed)),
    ];
    let measures = [
        ("send_blocked_seconds", stats.send_blocked.as_secs_f64()),
        ("recv_blocked_seconds", stats.recv_blocked.as_secs_f64()),
        ("elapsed_seconds", elapsed),
        ("lines_per_second", stats.delivered as f64 / elapsed),
    ];
    match format {
        Format::Text => {
            let verdict = if exact { "exact" } else { "NOT EXACT" };
            let counts = counts.map(|(name, value)| format!("{name} {value}"));
            let measures = measures.map(|(name, value)| format!("{name} {value:.3}"));
            // The first seven are in the first line.
            let (counts, measures) = (counts[7..].join("   "), measures.join("   "));
            format!("{stats}   {verdict}\n{counts}\n{measures}").replace('_', " ")
        }
        Format::Json => {
            let counts = counts.map(|(name, value)| format!("\"{name}\":{value}"));
            let measures = measures.map(|(name, value)| format!("\"{name}\":{value:.6}"));
            format!("{{{},{}}}", counts.join(","), measures.join(","))
        }
    }
}
