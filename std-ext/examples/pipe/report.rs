//! What the program says of itself.

use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{self, RecvTimeoutError::Timeout};
use std::thread;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use ringfence::{Monitor, Reason, Stats};

use crate::options::{Format, Options};

/// What the program counts by itself, to compare. Atomic, for the main thread sees it even if the
/// reading side never returns.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) bytes_in: AtomicU64,
    pub(crate) truncated: AtomicU64,
    pub(crate) sent: SentLines,
    pub(crate) received: AtomicU64,
    /// Lines that the channel dropped, and showed to its hook only.
    expired: AtomicU64,
    drained: AtomicU64,
    /// In the writes that succeeded.
    pub(crate) bytes_out: AtomicU64,
}

/// Lines that sends stored or gave back.
#[derive(Default)]
pub(crate) struct SentLines {
    pub(crate) stored: AtomicU64,
    pub(crate) refused: AtomicU64,
    pub(crate) evicted: AtomicU64,
}

impl Tally {
    /// Counts a line that the channel drops, unless a send gives it back.
    pub(crate) fn dropped(&self, reason: Reason) {
        match reason {
            Reason::Expired => self.expired.fetch_add(1, Relaxed),
            Reason::Drained => self.drained.fetch_add(1, Relaxed),
            _ => 0,
        };
    }

    /// Whether the channel has counted what the writing side took or saw dropped.
    pub(crate) fn agrees_on_received(&self, stats: &Stats) -> bool {
        let counted = [&self.received, &self.expired].map(|count| count.load(Relaxed));
        counted == [stats.delivered, stats.expired]
    }

    /// Whether it has counted what became of lines when they were sent, and at the end. To be
    /// asked when no send is under way.
    pub(crate) fn agrees_on_sent(&self, stats: &Stats) -> bool {
        let SentLines {
            stored,
            refused,
            evicted,
        } = &self.sent;
        let counted = [stored, refused, evicted, &self.drained].map(|count| count.load(Relaxed));
        counted == [stats.stored, stats.refused, stats.evicted, stats.drained]
    }
}

/// Tells how things stand until the result is called.
pub(crate) fn report(options: &Options, monitor: Monitor) -> impl FnOnce() + use<> {
    let on_terminal = io::stderr().is_terminal();
    let is_live = options.live || on_terminal && !io::stdout().is_terminal();
    let every = Duration::from_millis(if is_live { 250 } else { 0 });
    let every = options.report.unwrap_or(every);
    let (stop, stopped) = mpsc::channel::<()>();
    let thread = thread::spawn(move || {
        let style = ProgressStyle::with_template("[{bar:24}] {msg}").expect("it is one");
        let bar = ProgressBar::new(monitor.stats().capacity).with_style(style);
        let mut last = (monitor.stats(), Instant::now());
        while !every.is_zero() && stopped.recv_timeout(every) == Err(Timeout) {
            let now = (monitor.stats(), Instant::now());
            let text = if is_live {
                live(last, now)
            } else {
                format!("{} of {}", now.0, now.0.capacity)
            };
            if on_terminal {
                bar.set_position(now.0.depth);
                bar.set_message(text);
            } else {
                say(&text);
            }
            last = now;
        }
        bar.finish_and_clear();
    });
    move || {
        drop(stop);
        // It has nothing to tell but a panic, which told itself.
        let _ = thread.join();
    }
}

/// How full it is, what went in and out a second since `then`, and what was dropped since the
/// start.
fn live((then, since): (Stats, Instant), (now, at): (Stats, Instant)) -> String {
    let seconds = (at - since).as_secs_f64().max(f64::MIN_POSITIVE);
    let rate = |count: fn(&Stats) -> u64| {
        let more = count(&now).saturating_sub(count(&then));
        more as f64 / seconds
    };
    format!(
        "depth {} of {}   in {:.0}/s   out {:.0}/s   dropped {} ({:.0}/s)",
        now.depth,
        now.capacity,
        rate(|stats| stats.offered),
        rate(|stats| stats.delivered),
        now.lost(),
        rate(Stats::lost),
    )
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
    let equations = [
        ("offered", stats.offered),
        ("stored", stats.stored),
        ("refused", stats.refused),
        ("delivered", stats.delivered),
        ("evicted", stats.evicted),
        ("expired", stats.expired),
        ("drained", stats.drained),
        ("depth", stats.depth),
        ("exact", exact.into()),
    ];
    // The other reasons to refuse don't occur here.
    let refused = [
        ("refused_newest", stats.refused_newest),
        ("refused_random", stats.refused_random),
        ("refused_closed", stats.refused_closed),
    ];
    let counts = [
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
            let line = |counts: &[(&str, u64)]| {
                let counts = counts.iter().map(|(name, value)| format!("{name} {value}"));
                counts.collect::<Vec<_>>().join("   ")
            };
            let measures = measures.map(|(name, value)| format!("{name} {value:.3}"));
            let (refused, counts, measures) = (line(&refused), line(&counts), measures.join("   "));
            format!("{stats}   {verdict}\n{refused}\n{counts}\n{measures}").replace('_', " ")
        }
        Format::Json => {
            let counts = [&equations[..], &refused, &counts].concat();
            let counts = counts
                .iter()
                .map(|(name, value)| format!("\"{name}\":{value}"));
            let measures = measures.map(|(name, value)| format!("\"{name}\":{value:.6}"));
            let fields: Vec<_> = counts.chain(measures).collect();
            format!("{{{}}}", fields.join(","))
        }
    }
}
