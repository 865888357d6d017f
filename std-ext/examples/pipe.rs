//! A bounded buffer for a shell pipeline: it stands between a fast writer and a slow reader, and
//! says exactly what became of every line.
//!
//! ```text
//! producer | pipe --capacity 4096 --on-full block        | consumer
//! producer | pipe --capacity 4096 --on-full drop-newest  | consumer
//! pipe --rate 1000 --summary json a.log b.log            | consumer
//! ```
//!
//! An item is a line, as bytes, with its newline: what comes out is what went in, whatever its
//! encoding, and a last line without a newline stays without one. One thread reads and sends, the
//! main thread receives and writes. Memory is bounded by capacity × longest line, plus a piece of
//! input and one of output.
//!
//! With `--on-full block` a slow consumer slows the producer. With `--on-full drop-newest` the
//! producer never waits: a line that finds the channel full is refused, and `refused` counts such
//! lines.
//!
//! Ctrl-C stops the reading; what is stored still goes out, without regard to `--rate`. A second
//! one ends the program at once.

use std::fmt;
use std::fs::File;
use std::io::{self, ErrorKind, IsTerminal, Read, StdoutLock, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use clap::{Parser, ValueEnum};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use ringfence::{Monitor, OnFull, Receiver, RecvTimeoutError, Sender, Stats};
use signal_hook::consts::{SIGINT, SIGTERM};

/// A line with its newline, if it had one.
type Line = Box<[u8]>;

/// Bytes asked for in one read, and held before one write: what a pipe holds on Linux.
const PIECE: usize = 64 * 1024;
/// Lines taken from the channel at once.
const BATCH: usize = 1024;
/// How long the writing side waits before it looks whether a signal came.
const POLL: Duration = Duration::from_millis(50);
/// How long a reading side that was told to stop may take. It may be inside a read that never
/// returns, so it is not waited for beyond this.
const GRACE: Duration = Duration::from_millis(100);
/// A schedule that fell further behind than this for want of lines starts anew.
const SLACK: Duration = Duration::from_millis(100);
/// Between two updates of the live line on a terminal, where `--report` doesn't say.
const LIVE: Duration = Duration::from_millis(250);

const EXIT_CODES: &str = "\
Exit codes:
  0    all input was carried, or the reader of stdout closed it
  1    reading or writing failed
  2    the arguments are wrong
  3    a line was longer than --max-line (what came before it was delivered)
  4    the counts do not add up
  130  stopped by SIGINT, 143 by SIGTERM (what was stored was delivered)";

// ---- arguments ----

/// Buffers lines between a fast writer and a slow reader, and accounts for every one
#[derive(Parser)]
#[command(name = "pipe", after_help = EXIT_CODES)]
struct Options {
    /// How many lines fit
    #[arg(long, value_name = "LINES", default_value = "4096")]
    capacity: NonZeroUsize,

    /// What happens to a line that finds no room
    #[arg(long, value_enum, default_value_t = WhenFull::Block)]
    on_full: WhenFull,

    /// Write no more than so many lines a second
    #[arg(long, value_name = "LINES/S", value_parser = positive)]
    rate: Option<f64>,

    /// Say how things stand so often, 0 for never [default: a live line if stderr alone is a
    /// terminal]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    report: Option<Duration>,

    /// Longest line, without its newline
    #[arg(long, value_name = "BYTES", default_value = "1048576")]
    max_line: NonZeroUsize,

    /// Cut a longer line instead of failing
    #[arg(long)]
    truncate: bool,

    /// How the summary on stderr is written
    #[arg(long, value_enum, default_value_t = Format::Text)]
    summary: Format,

    /// Read these in order, - for stdin
    #[arg(value_name = "FILE", default_value = "-", hide_default_value = true)]
    files: Vec<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum WhenFull {
    /// The writer of the pipeline waits
    Block,
    /// The line is refused and counted
    DropNewest,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Text,
    Json,
}

fn positive(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() && value > 0.0 => Ok(value),
        _ => Err("not a number above 0".into()),
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let value: f64 = text.parse().map_err(|_| "not a number")?;
    Duration::try_from_secs_f64(value).map_err(|error| error.to_string())
}

// ---- the reading side ----

/// Cuts bytes into lines, in whatever pieces they come.
struct Splitter {
    limit: usize,
    truncate: bool,
    /// The beginning of a line that goes on in the next piece: at most `limit` bytes.
    begun: Vec<u8>,
    /// Whether something of that line was already cut off.
    cut: bool,
    lines: u64,
    truncated: u64,
}

/// Line `0`, counted from 1, is too long.
struct TooLong(u64);

impl Splitter {
    fn new(options: &Options) -> Self {
        Self {
            limit: options.max_line.get(),
            truncate: options.truncate,
            begun: Vec::new(),
            cut: false,
            lines: 0,
            truncated: 0,
        }
    }

    fn feed(&mut self, mut piece: &[u8], lines: &mut Vec<Line>) -> Result<(), TooLong> {
        while let Some(end) = memchr::memchr(b'\n', piece) {
            if self.begun.is_empty() && end <= self.limit {
                self.lines += 1;
                lines.push(piece[..=end].into());
            } else {
                self.hold(&piece[..end])?;
                lines.push(self.complete(b"\n"));
            }
            piece = &piece[end + 1..];
        }
        self.hold(piece)
    }

    fn finish(&mut self, lines: &mut Vec<Line>) {
        if !self.begun.is_empty() {
            lines.push(self.complete(b""));
        }
    }

    fn hold(&mut self, part: &[u8]) -> Result<(), TooLong> {
        let room = self.limit - self.begun.len();
        if part.len() > room {
            if !self.truncate {
                return Err(TooLong(self.lines + 1));
            }
            self.cut = true;
        }
        self.begun.extend_from_slice(&part[..part.len().min(room)]);
        Ok(())
    }

    fn complete(&mut self, newline: &[u8]) -> Line {
        self.lines += 1;
        self.truncated += u64::from(std::mem::take(&mut self.cut));
        self.begun.extend_from_slice(newline);
        // Taken whole, so that one long line doesn't keep its memory for ever.
        std::mem::take(&mut self.begun).into_boxed_slice()
    }
}

/// What the reading side counts by itself, for the main thread to see even if it never returns.
#[derive(Default)]
struct Tally {
    bytes: AtomicU64,
    truncated: AtomicU64,
    /// Lines that the channel took or refused.
    offered: AtomicU64,
}

struct Intake {
    tx: Sender<Line>,
    tally: Arc<Tally>,
}

/// Whether the channel still takes lines.
#[derive(PartialEq)]
enum Channel {
    Open,
    Closed,
}

impl Intake {
    fn read_files(&mut self, options: &Options) -> Result<(), Failure> {
        for path in &options.files {
            let mut input: Box<dyn Read> = if path == Path::new("-") {
                Box::new(io::stdin().lock())
            } else {
                Box::new(File::open(path).map_err(|error| Failure::Input(path.clone(), error))?)
            };
            if self.read_lines(&mut *input, path, options)? == Channel::Closed {
                break;
            }
        }
        Ok(())
    }

    fn read_lines(
        &mut self,
        input: &mut dyn Read,
        path: &Path,
        options: &Options,
    ) -> Result<Channel, Failure> {
        let mut splitter = Splitter::new(options);
        let mut piece = vec![0; PIECE];
        let mut lines = Vec::new();
        loop {
            let count = match input.read(&mut piece) {
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(Failure::Input(path.into(), error)),
            };
            let split = match count {
                0 => Ok(splitter.finish(&mut lines)),
                _ => splitter.feed(&piece[..count], &mut lines),
            };
            self.tally.bytes.fetch_add(count as u64, Relaxed);
            let truncated = std::mem::take(&mut splitter.truncated);
            self.tally.truncated.fetch_add(truncated, Relaxed);
            // Before the next read, which may last, and before an over-long line is reported.
            let channel = self.send(&mut lines);
            split.map_err(|TooLong(line)| Failure::TooLong(path.into(), line, splitter.limit))?;
            if count == 0 || channel == Channel::Closed {
                return Ok(channel);
            }
        }
    }

    fn send(&mut self, lines: &mut Vec<Line>) -> Channel {
        let (offered, channel) = match self.tx.send_many(lines.drain(..)) {
            Ok(sent) => (sent.stored + sent.returned.len(), Channel::Open),
            Err(error) => (error.stored, Channel::Closed),
        };
        self.tally.offered.fetch_add(offered as u64, Relaxed);
        channel
    }
}

// ---- the writing side ----

/// An absolute schedule: line `n` is due at `start + n / rate`, however late the one before was.
struct Pace {
    rate: f64,
    start: Instant,
    spent: u64,
}

impl Pace {
    fn new(rate: f64) -> Self {
        Self {
            rate,
            start: Instant::now(),
            spent: 0,
        }
    }

    /// How many lines are due by now, at most `BATCH`.
    fn due(&self) -> usize {
        let scheduled = (self.start.elapsed().as_secs_f64() * self.rate) as u64 + 1;
        scheduled.saturating_sub(self.spent).min(BATCH as u64) as usize
    }

    /// Until the next line is due, but at most `POLL`.
    fn wait(&self) -> Duration {
        let next = self.spent as f64 / self.rate - self.start.elapsed().as_secs_f64();
        Duration::from_secs_f64(next.clamp(0.0, POLL.as_secs_f64()))
    }

    /// There was nothing to write: what was due meanwhile is not owed, or a burst would follow.
    fn idle(&mut self) {
        if self.due() as f64 > self.rate * SLACK.as_secs_f64() + 1.0 {
            *self = Self::new(self.rate);
        }
    }
}

/// Stdout in large writes.
struct Output {
    stdout: StdoutLock<'static>,
    held: Vec<u8>,
    /// Bytes of the writes that succeeded.
    written: u64,
}

impl Output {
    fn put(&mut self, line: &[u8]) -> io::Result<()> {
        self.held.extend_from_slice(line);
        if self.held.len() < PIECE {
            Ok(())
        } else {
            self.flush()
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        // Whole lines in one call: the line buffer inside `stdout` then passes them on as they are.
        self.stdout.write_all(&self.held)?;
        self.stdout.flush()?;
        self.written += self.held.len() as u64;
        self.held.clear();
        Ok(())
    }
}

struct Outlet {
    rx: Receiver<Line>,
    output: Output,
    pace: Option<Pace>,
    /// The signal that came, or 0.
    signal: Arc<AtomicUsize>,
    received: u64,
}

impl Outlet {
    /// Writes until the channel is at its end: the input's end, or a signal, and all stored lines
    /// written.
    fn run(&mut self) -> io::Result<()> {
        let mut batch = Vec::with_capacity(BATCH);
        let mut stopped = false;
        loop {
            if !stopped && self.signal.load(Relaxed) != 0 {
                stopped = true;
                self.rx.close();
                self.pace = None;
            }
            let due = self.pace.as_ref().map_or(BATCH, Pace::due);
            if due == 0 {
                self.output.flush()?;
                thread::sleep(self.pace.as_ref().map_or(POLL, Pace::wait));
                continue;
            }
            if !self.receive(&mut batch, due)? {
                return self.output.flush();
            }
            self.received += batch.len() as u64;
            if let Some(pace) = &mut self.pace {
                pace.spent += batch.len() as u64;
            }
            for line in batch.drain(..) {
                self.output.put(&line)?;
            }
        }
    }

    /// Takes up to `limit` lines, or waits for one for `POLL`; false at the end.
    fn receive(&mut self, batch: &mut Vec<Line>, limit: usize) -> io::Result<bool> {
        if self.rx.stats().depth > 0 {
            // Doesn't wait: nobody else takes them.
            return Ok(self.rx.recv_many(batch, limit).is_ok());
        }
        self.output.flush()?;
        match self.rx.recv_timeout(POLL) {
            Ok(line) => batch.push(line),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Ok(false),
        }
        if let Some(pace) = &mut self.pace {
            pace.idle();
        }
        Ok(true)
    }
}

// ---- reports ----

/// Tells how things stand while it lives.
struct Report {
    stop: mpsc::Sender<()>,
    thread: JoinHandle<()>,
}

impl Report {
    fn start(options: &Options, monitor: Monitor) -> Option<Self> {
        let live = io::stderr().is_terminal();
        let every = match options.report {
            Some(every) => every,
            None if live && !io::stdout().is_terminal() => LIVE,
            None => Duration::ZERO,
        };
        if every.is_zero() {
            return None;
        }
        let capacity = options.capacity.get() as u64;
        let (stop, stopped) = mpsc::channel();
        let thread = thread::spawn(move || {
            let bar = live.then(|| fill_bar(capacity));
            while stopped.recv_timeout(every) == Err(mpsc::RecvTimeoutError::Timeout) {
                let stats = monitor.stats();
                match &bar {
                    Some(bar) => {
                        bar.set_position(stats.depth);
                        bar.set_message(standing(&stats, capacity));
                    }
                    None => say(&standing(&stats, capacity)),
                }
            }
            bar.inspect(ProgressBar::finish_and_clear);
        });
        Some(Self { stop, thread })
    }

    fn end(self) {
        drop(self.stop);
        // It has nothing to tell but its own panic, which it has told.
        let _ = self.thread.join();
    }
}

/// Shows how full the channel is.
fn fill_bar(capacity: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("[{bar:20}] {msg}");
    let bar = ProgressBar::with_draw_target(Some(capacity), ProgressDrawTarget::stderr());
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

fn standing(stats: &Stats, capacity: u64) -> String {
    let Stats {
        offered,
        refused,
        delivered,
        depth,
        ..
    } = stats;
    format!("offered {offered}  refused {refused}  delivered {delivered}  depth {depth}/{capacity}")
}

/// To stderr, which may be closed: then there is nobody to tell.
fn say(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

struct Summary {
    stats: Stats,
    capacity: usize,
    truncated: u64,
    bytes_in: u64,
    bytes_out: u64,
    elapsed: f64,
    /// The channel's counts satisfy both equations and agree with what either side counted.
    exact: bool,
}

fn adds_up(stats: &Stats) -> bool {
    stats.offered == stats.stored + stats.refused
        && stats.stored == stats.delivered + stats.drained + stats.depth
}

impl Summary {
    fn lines_per_second(&self) -> f64 {
        self.stats.delivered as f64 / self.elapsed.max(1e-9)
    }

    fn text(&self) -> String {
        let Self {
            stats,
            capacity,
            truncated,
            bytes_in,
            bytes_out,
            elapsed,
            ..
        } = self;
        let Stats {
            offered,
            stored,
            refused,
            delivered,
            drained,
            depth,
            ..
        } = stats;
        format!(
            "offered {offered} = stored {stored} + refused {refused}   stored {stored} = delivered \
             {delivered} + drained {drained} + depth {depth}   {verdict}\n\
             high water {} of {capacity}   full events {}   empty events {}\n\
             blocked {:.3} s sending, {:.3} s receiving\n\
             bytes in {bytes_in}   bytes out {bytes_out}   truncated lines {truncated}\n\
             elapsed {elapsed:.3} s   {:.0} lines/s",
            stats.high_water,
            stats.full_events,
            stats.empty_events,
            stats.send_blocked.as_secs_f64(),
            stats.recv_blocked.as_secs_f64(),
            self.lines_per_second(),
            verdict = if self.exact { "exact" } else { "NOT EXACT" },
        )
    }

    fn json(&self) -> String {
        let stats = &self.stats;
        let counts = [
            ("offered", stats.offered),
            ("stored", stats.stored),
            ("refused", stats.refused),
            ("delivered", stats.delivered),
            ("drained", stats.drained),
            ("depth", stats.depth),
            ("capacity", self.capacity as u64),
            ("high_water", stats.high_water),
            ("full_events", stats.full_events),
            ("empty_events", stats.empty_events),
            ("truncated", self.truncated),
            ("bytes_in", self.bytes_in),
            ("bytes_out", self.bytes_out),
            ("exact", u64::from(self.exact)),
        ];
        let measures = [
            ("send_blocked_seconds", stats.send_blocked.as_secs_f64()),
            ("recv_blocked_seconds", stats.recv_blocked.as_secs_f64()),
            ("elapsed_seconds", self.elapsed),
            ("lines_per_second", self.lines_per_second()),
        ];
        let counts = counts.map(|(name, value)| format!("\"{name}\":{value}"));
        let measures = measures.map(|(name, value)| format!("\"{name}\":{value:.6}"));
        format!("{{{},{}}}", counts.join(","), measures.join(","))
    }
}

// ---- the whole ----

enum Failure {
    Input(PathBuf, io::Error),
    TooLong(PathBuf, u64, usize),
    Output(io::Error),
    Setup(String),
    Inexact,
}

impl Failure {
    fn code(&self) -> u8 {
        match self {
            Self::Input(..) | Self::Output(_) => 1,
            Self::Setup(_) => 2,
            Self::TooLong(..) => 3,
            Self::Inexact => 4,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |path: &PathBuf| match path.to_str() {
            Some("-") => "stdin".into(),
            _ => path.display().to_string(),
        };
        match self {
            Self::Input(path, error) => write!(f, "{}: {error}", name(path)),
            Self::TooLong(path, line, limit) => {
                write!(
                    f,
                    "{}: line {line} is longer than {limit} bytes",
                    name(path)
                )?;
                f.write_str("; raise --max-line, or cut such lines with --truncate")
            }
            Self::Output(error) => write!(f, "stdout: {error}"),
            Self::Setup(what) => f.write_str(what),
            Self::Inexact => f.write_str("the counts do not add up"),
        }
    }
}

fn main() -> ExitCode {
    match run(&Arc::new(Options::parse())) {
        // 0, or the way shells report a signal.
        Ok(0) => ExitCode::SUCCESS,
        Ok(signal) => ExitCode::from(128 + signal as u8),
        Err(failure) => {
            say(&format!("pipe: {failure}"));
            ExitCode::from(failure.code())
        }
    }
}

/// Carries all lines and prints the summary; returns the signal that ended it, or 0.
fn run(options: &Arc<Options>) -> Result<usize, Failure> {
    let setup = |error: &dyn fmt::Display| Failure::Setup(error.to_string());
    let signal = watch_signals().map_err(|error| setup(&error))?;
    let on_full = match options.on_full {
        WhenFull::Block => OnFull::Block,
        WhenFull::DropNewest => OnFull::DropNewest,
    };
    let builder = ringfence::channel(options.capacity.get())
        .spsc()
        .on_full(on_full);
    let (tx, rx) = builder.try_build::<Line>().map_err(|error| setup(&error))?;
    let monitor = rx.monitor();
    let tally = Arc::new(Tally::default());
    let started = Instant::now();

    let read = start_reading(
        Intake {
            tx,
            tally: Arc::clone(&tally),
        },
        Arc::clone(options),
    );
    let report = Report::start(options, monitor.clone());
    let output = Output {
        stdout: io::stdout().lock(),
        held: Vec::new(),
        written: 0,
    };
    let pace = options.rate.map(Pace::new);
    let mut outlet = Outlet {
        rx,
        output,
        pace,
        signal: Arc::clone(&signal),
        received: 0,
    };
    let written = outlet.run();
    let Outlet {
        rx,
        output,
        received,
        ..
    } = outlet;
    // Closes the channel, if it isn't yet; what is stored there has nowhere to go, and is drained.
    drop(rx);
    let signal = signal.load(Relaxed);
    let read = if written.is_ok() && signal == 0 {
        read.recv()
            .map_err(|_| mpsc::RecvTimeoutError::Disconnected)
    } else {
        read.recv_timeout(GRACE)
    };
    let elapsed = started.elapsed().as_secs_f64();
    report.map(Report::end);

    let stats = monitor.stats();
    let offered = tally.offered.load(Relaxed);
    let summary = Summary {
        capacity: options.capacity.get(),
        truncated: tally.truncated.load(Relaxed),
        bytes_in: tally.bytes.load(Relaxed),
        bytes_out: output.written,
        elapsed,
        exact: adds_up(&stats)
            && received == stats.delivered
            && (read.is_err() || offered == stats.offered),
        stats,
    };
    say(&match options.summary {
        Format::Text => summary.text(),
        Format::Json => summary.json(),
    });

    if !summary.exact {
        return Err(Failure::Inexact);
    }
    match written {
        // The reader of stdout has had enough: an ordinary end.
        Err(error) if error.kind() != ErrorKind::BrokenPipe => return Err(Failure::Output(error)),
        _ => {}
    }
    match read {
        Ok(read) => read.map(|()| signal),
        // Still inside a read: the end of the process ends it.
        Err(mpsc::RecvTimeoutError::Timeout) => Ok(signal),
        Err(mpsc::RecvTimeoutError::Disconnected) => Err(Failure::Setup("reading panicked".into())),
    }
}

/// The first signal is noted, and the second ends the process, whatever it is doing.
fn watch_signals() -> io::Result<Arc<AtomicUsize>> {
    let noted = Arc::new(AtomicUsize::new(0));
    let again = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // In this order: on the first signal `again` is not yet set.
        signal_hook::flag::register_conditional_shutdown(signal, 128 + signal, again.clone())?;
        signal_hook::flag::register(signal, again.clone())?;
        signal_hook::flag::register_usize(signal, noted.clone(), signal as usize)?;
    }
    Ok(noted)
}

/// Reads on a thread of its own, whose result comes through the receiver.
fn start_reading(mut intake: Intake, options: Arc<Options>) -> mpsc::Receiver<Result<(), Failure>> {
    let (done, result) = mpsc::channel();
    thread::spawn(move || {
        let read = intake.read_files(&options);
        // The channel's end first: the writing side waits for that one.
        drop(intake);
        // Nobody listens any more if it took too long to stop.
        let _ = done.send(read);
    });
    result
}
