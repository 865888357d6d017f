//! The arguments.

use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};

const EXIT_CODES: &str = "\
Exit codes:
  0    all input was carried, or the reader of stdout closed it
  1    reading or writing failed
  2    the arguments are wrong
  3    a line was longer than --max-line (what came before it was delivered)
  4    the counts do not add up
  130  stopped by SIGINT, 143 by SIGTERM (what was stored was delivered)";

/// Buffers lines between a fast writer and a slow reader, and accounts for every one
#[derive(Parser)]
#[command(name = "pipe", after_help = EXIT_CODES)]
pub(crate) struct Options {
    /// How many lines fit
    #[arg(long, value_name = "LINES", default_value = "4096")]
    pub(crate) capacity: NonZeroUsize,

    /// What happens to a line that finds no room
    #[arg(long, value_enum, default_value_t = WhenFull::Block)]
    pub(crate) on_full: WhenFull,

    /// Write no more than so many lines a second
    #[arg(long, value_name = "LINES/S")]
    pub(crate) rate: Option<NonZeroU32>,

    /// Say how things stand so often, 0 for never [default: a live line if stderr alone is a
    /// terminal]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) report: Option<Duration>,

    /// Longest line, without its newline
    #[arg(long, value_name = "BYTES", default_value = "1048576")]
    pub(crate) max_line: NonZeroUsize,

    /// Cut a longer line instead of failing
    #[arg(long)]
    pub(crate) truncate: bool,

    /// How the summary on stderr is written
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) summary: Format,

    /// Read these in order, - for stdin
    #[arg(value_name = "FILE", default_value = "-", hide_default_value = true)]
    pub(crate) files: Vec<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum WhenFull {
    /// The writer of the pipeline waits
    Block,
    /// The line is refused and counted
    DropNewest,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Format {
    Text,
    Json,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let value: f64 = text.parse().map_err(|_| "not a number")?;
    Duration::try_from_secs_f64(value).map_err(|error| error.to_string())
}
