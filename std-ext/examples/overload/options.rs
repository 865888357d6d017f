//! The arguments.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};

use crate::plan::Plan;
use crate::run::Setting;
use crate::strategy::Strategy;

/// The longest stall of the consumer, and in chaos.
const STALLS: [Duration; 2] = [Duration::from_millis(200), Duration::from_millis(500)];

const EXIT_CODES: &str = "\
Exit codes:
  0    every item is accounted for, and no bound was exceeded
  1    the report could not be written
  2    the arguments are wrong
  4    an item is not accounted for, or a bound was exceeded";

/// Runs every strategy under the same overload, and says what each gives and costs
#[derive(Parser)]
#[command(name = "overload", after_help = EXIT_CODES)]
pub(crate) struct Options {
    /// How long it takes, all strategies together
    #[arg(long, value_name = "SECONDS", default_value = "20", value_parser = positive)]
    seconds: f64,

    /// The same, in minutes
    #[arg(long, value_name = "MINUTES", conflicts_with = "seconds", value_parser = positive)]
    minutes: Option<f64>,

    /// These only [default: all]
    #[arg(long, value_enum, value_name = "NAME", value_delimiter = ',')]
    strategy: Vec<Strategy>,

    /// How many items fit
    #[arg(long, value_name = "ITEMS", default_value = "1024", value_parser = capacity)]
    capacity: usize,

    /// Items a second that the consumer can take
    #[arg(long, value_name = "ITEMS/S", default_value = "10000", value_parser = positive)]
    rate: f64,

    /// Items that come, for each that the consumer can take
    #[arg(long, value_name = "FACTOR", default_value = "3", value_parser = positive)]
    load: f64,

    /// Where bursts and stalls are: the same seed is the same overload
    #[arg(long, value_name = "N", default_value = "1")]
    seed: u64,

    /// Write the report as a page, with plots
    #[arg(long, value_name = "PATH")]
    pub(crate) html: Option<PathBuf>,

    /// Ends die and are replaced, the consumer stalls for longer, and memory must not grow
    #[arg(long)]
    chaos: bool,

    #[arg(long, hide = true)]
    miscount: bool,
}

impl Options {
    pub(crate) fn strategies(&self) -> Vec<Strategy> {
        if self.strategy.is_empty() {
            Strategy::value_variants().into()
        } else {
            self.strategy.clone()
        }
    }

    pub(crate) fn setting(&self) -> Setting {
        let seconds = self.minutes.map_or(self.seconds, |minutes| minutes * 60.0);
        let length = Duration::from_secs_f64(seconds) / self.strategies().len() as u32;
        let service = Duration::from_secs_f64(1.0 / self.rate);
        let longest_stall = STALLS[usize::from(self.chaos)];
        Setting {
            plan: Plan::new(length, service, self.load, longest_stall, self.seed),
            capacity: self.capacity,
            chaos: self.chaos,
            miscount: self.miscount,
        }
    }
}

/// Neither so small nor so large that times go out of their range.
fn positive(text: &str) -> Result<f64, String> {
    let value: f64 = text.parse().map_err(|_| "not a number")?;
    let range = 0.01..=1e6;
    let is_in = range.contains(&value);
    is_in
        .then_some(value)
        .ok_or_else(|| format!("not in {range:?}"))
}

/// Some strategies take a part of it.
fn capacity(text: &str) -> Result<usize, String> {
    let value: usize = text.parse().map_err(|_| "not a number of items")?;
    let range = 8..=1 << 24;
    let is_in = range.contains(&value);
    is_in
        .then_some(value)
        .ok_or_else(|| format!("not in {range:?}"))
}
