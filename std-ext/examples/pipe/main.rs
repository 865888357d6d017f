//! A bounded buffer for a shell pipeline: it stands between a fast writer and a slow reader, and
//! says exactly what became of every line.
//!
//! ```text
//! producer | pipe --capacity 4096 --on-full block        | consumer
//! producer | pipe --capacity 4096 --on-full drop-newest  | consumer
//! producer | pipe --on-full drop-oldest --ttl 2.5        | consumer
//! pipe --rate 1000 --summary json a.log b.log            | consumer
//! ```
//!
//! An item is a line, as bytes, with its newline: what comes out is what went in, whatever its
//! encoding, and a last line without a newline stays without one. One thread reads and sends, the
//! main thread receives and writes. Memory is bounded by capacity × longest line in the
//! channel, up to as much again on its way out, and one piece of input and output.
//!
//! With `--on-full block` a slow consumer slows the producer. With the others the producer never
//! waits, and lines are lost: `refused` counts those that never came in, and for which reason,
//! `evicted` those that gave their place to a newer one. `--help` compares them.
//!
//! A line is as old as the read that brought its end. With `--ttl` or `--codel`, those that have
//! waited too long are dropped when they come out, and `expired` counts them.
//!
//! `delivered` counts those that the writing side took, `bytes out` what the system took of them:
//! that is less if stdout was closed or failed, and `drained` counts lines that were then inside.
//! All this is compared with what the program counts by itself, by what sends and receives give
//! back, and the channel's hook is shown.
//!
//! `--metrics 9464` tells Prometheus, at `http://127.0.0.1:9464/metrics`, how the channel `lines`
//! stands; `--live` tells who sits at the terminal.
//!
//! Ctrl-C stops the reading; what is stored, and not too old, still goes out, without regard to
//! `--rate`. A second one ends the program at once. The line that the reading side then holds is
//! handed back by the channel, and counts as refused too.

#[path = "../shared/endpoint.rs"]
mod endpoint;
mod intake;
mod options;
mod outlet;
mod report;

use std::io::{self, ErrorKind};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::mpsc::{self, RecvTimeoutError::Timeout};
use std::thread;
use std::time::{Duration, Instant};

use clap::Parser;
use ringfence::OnFull;
use ringfence::board::Board;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use self::intake::Intake;
use self::options::Options;
use self::outlet::{Freshness, Outlet, Pace};
use self::report::{Tally, report, say, summary};

/// A line with its newline, if it had one.
type Line = Box<[u8]>;

/// Bytes asked for in one read, and held before one write: what a pipe holds on Linux.
const PIECE: usize = 64 * 1024;
/// How long a reading side that was told to stop may take. It may be inside a read that never
/// returns, so it is not waited for beyond this.
const GRACE: Duration = Duration::from_millis(100);

/// An exit code, and what to say with it.
struct Failure(u8, String);

impl Failure {
    fn io(name: impl std::fmt::Display, error: &io::Error) -> Self {
        Self(1, format!("{name}: {error}"))
    }
}

fn main() -> ExitCode {
    match run(Arc::new(Options::parse())) {
        Ok(code) => ExitCode::from(code),
        Err(Failure(code, what)) => {
            say(&format!("pipe: {what}"));
            ExitCode::from(code)
        }
    }
}

/// Carries all lines and prints the summary; returns the exit code.
fn run(options: Arc<Options>) -> Result<u8, Failure> {
    let signal = watch_signals().map_err(|error| Failure::io("signals", &error))?;
    let capacity = options.capacity.get();
    let (policy, freshness) = (options.policy()?, options.freshness());
    let tally = Arc::new(Tally::default());
    let dropped = tally.clone();
    let channel = ringfence::channel(capacity)
        .spsc()
        .on_full(policy)
        .on_drop(move |_, reason| dropped.dropped(reason));
    let too_large = |error| Failure(2, format!("--capacity {capacity}: {error}"));
    let (tx, rx) = channel.try_build().map_err(too_large)?;
    let monitor = rx.monitor();
    if let Some(address) = options.metrics {
        let board = Board::new();
        board.channel("lines", monitor.clone());
        let listening = endpoint::serve(address, board);
        let name = format!("--metrics {address}");
        let address = listening.map_err(|error| Failure::io(name, &error))?;
        say(&format!("pipe: http://{address}/metrics"));
    }
    let start = Instant::now();
    let end_report = report(&options, monitor.clone());
    let read = start_reading(Intake {
        tx,
        tally: tally.clone(),
        options: options.clone(),
    });
    let mut outlet = Outlet {
        may_vanish: policy == OnFull::DropOldest || !matches!(freshness, Freshness::Any),
        rx: rx.fresh(freshness),
        pace: options.rate.map(Pace::new),
        signal: signal.clone(),
        stdout: io::stdout().lock(),
        held: Vec::new(),
        tally: tally.clone(),
    };
    let written = outlet.run();
    // Closes the channel, if it isn't yet; what is stored there has nowhere to go, and is drained.
    drop(outlet.rx);
    let read = read.recv_timeout(GRACE);
    end_report();

    let stats = monitor.stats();
    let exact = stats.is_exact()
        && tally.agrees_on_received(&stats)
        // While it is inside a read, its last counts may be under way.
        && (read.is_err() || tally.agrees_on_sent(&stats));
    let elapsed = start.elapsed().as_secs_f64();
    say(&summary(options.summary, &stats, &tally, elapsed, exact));
    if !exact {
        return Err(Failure(4, "the counts do not add up".into()));
    }
    match written {
        // The reader of stdout has had enough: an ordinary end.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => {}
        written => written.map_err(|error| Failure::io("stdout", &error))?,
    }
    match read {
        Ok(read) => read.map(|()| signal.load(Relaxed) as u8),
        // Still inside a read: the end of the process ends it.
        Err(Timeout) => Ok(signal.load(Relaxed) as u8),
        Err(_) => Err(Failure(1, "the reading thread panicked".into())),
    }
}

/// The first signal is noted, as the exit code that shells give it, and the second ends the process,
/// whatever it is doing.
fn watch_signals() -> io::Result<Arc<AtomicUsize>> {
    let noted = Arc::new(AtomicUsize::new(0));
    let again = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // In this order: on the first signal `again` is not yet set.
        flag::register_conditional_shutdown(signal, 128 + signal, again.clone())?;
        flag::register(signal, again.clone())?;
        flag::register_usize(signal, noted.clone(), 128 + signal as usize)?;
    }
    Ok(noted)
}

/// Reads on a thread of its own, whose result comes through the receiver.
fn start_reading(mut intake: Intake) -> mpsc::Receiver<Result<(), Failure>> {
    let (done, result) = mpsc::channel();
    thread::spawn(move || {
        // Before `intake` is dropped, and the channel ends: who sees that finds this. Nobody
        // listens any more if it took too long to stop.
        let _ = done.send(intake.read_files());
    });
    result
}
