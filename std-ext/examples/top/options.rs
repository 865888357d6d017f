//! The arguments.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use ringfence::{EarlyDrop, OnFull};

const KEYS: &str = "\
Keys:
  q, Esc, Ctrl-C         ends it
  p                      holds the display; what comes next then covers the pause
  arrows, j, k, PgUp, PgDn, Home, End
                         scroll, if there is more than fits

Exit codes:
  0    it was ended, or all frames are printed
  1    a file could not be read, or the terminal not be used
  2    the arguments are wrong, or stdout is no terminal and no text was asked for";

/// Shows pipelines and channels at work, as they stand
#[derive(Parser)]
#[command(name = "ringfence-top", after_help = KEYS)]
pub(crate) struct Options {
    /// How long each look is after the last
    #[arg(long, value_name = "SECONDS", default_value = "0.5", value_parser = interval)]
    pub(crate) interval: Duration,

    /// Print one frame as text, and end
    #[arg(long)]
    once: bool,

    /// Print so many frames as text, and end
    #[arg(long, value_name = "N", conflicts_with = "once")]
    frames: Option<u32>,

    /// Columns of a frame that is printed
    #[arg(long, value_name = "N", default_value = "100", value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) width: u16,

    /// The stage of the pipeline that has more to do
    #[arg(long, value_enum, value_name = "STAGE", default_value_t = Slow::Count)]
    pub(crate) slow: Slow,

    /// How many times it does what it does
    #[arg(long, value_name = "N", default_value = "20", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) times: u32,

    /// What the overloaded channels do when they are full: one for each
    #[arg(long, value_enum, value_name = "POLICY", value_delimiter = ',')]
    #[arg(default_values = ["block", "drop-newest", "drop-oldest"])]
    pub(crate) channels: Vec<Policy>,

    /// How many items fit into each of them
    #[arg(long, value_name = "ITEMS", default_value = "64", value_parser = capacity)]
    pub(crate) capacity: usize,

    /// Items a second that each receiver takes
    #[arg(long, value_name = "ITEMS/S", default_value = "500", value_parser = positive)]
    pub(crate) rate: f64,

    /// Items that are sent, for each that a receiver can take
    #[arg(long, value_name = "FACTOR", default_value = "3", value_parser = positive)]
    pub(crate) load: f64,

    /// Panics after the first frame, for a test
    #[arg(long, hide = true)]
    pub(crate) panic: bool,

    /// The text that goes through the pipeline, again and again [default: one made up]
    #[arg(value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Slow {
    /// Makes letters small
    Fold,
    /// Gives each block a hash
    Hash,
    /// Counts words
    Count,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Policy {
    /// The sender waits
    Block,
    /// The item is refused
    DropNewest,
    /// It takes the place of the oldest
    DropOldest,
    /// Items are refused by chance before it is full
    DropRandom,
}

impl Options {
    /// How many frames of text; `None` for the terminal.
    pub(crate) fn frames(&self) -> Option<u32> {
        self.once.then_some(1).or(self.frames)
    }
}

impl Policy {
    /// As it is given.
    pub(crate) fn name(self) -> String {
        let value = self.to_possible_value().expect("none is hidden");
        value.get_name().into()
    }

    pub(crate) fn on_full(self, capacity: usize) -> OnFull {
        match self {
            Self::Block => OnFull::Block,
            Self::DropNewest => OnFull::DropNewest,
            Self::DropOldest => OnFull::DropOldest,
            Self::DropRandom => {
                let rule = EarlyDrop::new(capacity / 2, capacity, 0.5);
                OnFull::DropRandom(rule.expect("half of it is less, and one half is a chance"))
            }
        }
    }
}

fn interval(text: &str) -> Result<Duration, String> {
    within(text, 0.01..=60.0).map(Duration::from_secs_f64)
}

fn positive(text: &str) -> Result<f64, String> {
    within(text, 0.01..=1e6)
}

fn within(text: &str, range: std::ops::RangeInclusive<f64>) -> Result<f64, String> {
    let value: f64 = text.parse().map_err(|_| "not a number")?;
    let is_in = range.contains(&value);
    is_in
        .then_some(value)
        .ok_or_else(|| format!("not in {range:?}"))
}

fn capacity(text: &str) -> Result<usize, String> {
    let value: usize = text.parse().map_err(|_| "not a number of items")?;
    let range = 1..=1 << 24;
    let is_in = range.contains(&value);
    is_in
        .then_some(value)
        .ok_or_else(|| format!("not in {range:?}"))
}
