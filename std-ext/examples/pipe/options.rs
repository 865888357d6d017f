//! The arguments.

use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use ringfence::age::{CoDel, Ttl};
use ringfence::{EarlyDrop, OnFull};

use crate::outlet::Freshness;
use crate::{Failure, endpoint};

const POLICIES: &str = "\
When lines come faster than they are written:
  --on-full    the writer   what is lost                          for
  block        waits        nothing                               lines that all count
  drop-newest  never waits  what comes while it is full           what happened first
  drop-oldest  never waits  what has waited longest               what happened last: samples, states
  drop-random  never waits  some lines, more the fuller it is,    a thinned-out picture: gaps come
                            all from --drop-to on                 early, but are small

Whatever it is, lines that have waited too long can be dropped when their turn comes. Until then
they take up room, so with block the writer still waits:
  --ttl                     lines that are older                  lines that are worthless when late
  --codel                   some lines, more the longer           short waits under lasting load;
                            waits are long                        short bursts lose nothing";

const EXIT_CODES: &str = "\
Exit codes:
  0    all input was carried, or the reader of stdout closed it
  1    reading, writing or listening failed
  2    the arguments are wrong
  3    a line was longer than --max-line (what came before it was delivered)
  4    the counts do not add up
  130  stopped by SIGINT, 143 by SIGTERM (what was stored was delivered)";

/// Buffers lines between a fast writer and a slow reader, and accounts for every one
#[derive(Parser)]
#[command(name = "pipe", after_help = EXIT_CODES)]
#[command(after_long_help = format!("{POLICIES}\n\n{EXIT_CODES}"))]
pub(crate) struct Options {
    /// How many lines fit
    #[arg(long, value_name = "LINES", default_value = "4096")]
    pub(crate) capacity: NonZeroUsize,

    /// What happens to a line that finds no room
    #[arg(long, value_enum, default_value_t = WhenFull::Block)]
    on_full: WhenFull,

    /// drop-random: none is refused while fewer are inside [default: half of --drop-to]
    #[arg(long, value_name = "LINES")]
    drop_from: Option<usize>,

    /// drop-random: all are refused while so many or more are inside [default: the capacity]
    #[arg(long, value_name = "LINES")]
    drop_to: Option<usize>,

    /// drop-random: how likely a line is refused just below --drop-to, from 0 to 1 [default: 0.1]
    #[arg(long, value_name = "P")]
    drop_chance: Option<f64>,

    /// drop-random: where the dice start, to repeat a run [default: elsewhere each time]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,

    /// Drop lines that were read longer ago than this when their turn comes
    #[arg(long, value_name = "SECONDS", value_parser = seconds, conflicts_with = "codel")]
    ttl: Option<Duration>,

    /// Drop lines now and then while all have waited for more than 5 ms, for 100 ms or longer (CoDel)
    #[arg(long)]
    codel: bool,

    /// Write no more than so many lines a second
    #[arg(long, value_name = "LINES/S")]
    pub(crate) rate: Option<NonZeroU32>,

    /// Say how things stand so often, 0 for never [default: 0.25 with --live, else 0]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) report: Option<Duration>,

    /// Show how full it is, lines a second and drops, in one line [default: if stderr alone is a
    /// terminal]
    #[arg(long)]
    pub(crate) live: bool,

    /// Tell Prometheus how things stand, at this port, and on loopback unless a host is given
    #[arg(long, value_name = "[HOST:]PORT", value_parser = endpoint::address)]
    pub(crate) metrics: Option<SocketAddr>,

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
enum WhenFull {
    /// The writer of the pipeline waits
    Block,
    /// The line is refused and counted
    DropNewest,
    /// It takes the place of the oldest, which is evicted and counted
    DropOldest,
    /// Lines are refused by chance before it is full, and counted
    DropRandom,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Format {
    Text,
    Json,
}

impl Options {
    pub(crate) fn policy(&self) -> Result<OnFull, Failure> {
        let chances = [
            ("--drop-from", self.drop_from.is_some()),
            ("--drop-to", self.drop_to.is_some()),
            ("--drop-chance", self.drop_chance.is_some()),
            ("--seed", self.seed.is_some()),
        ];
        let idle = chances.iter().find(|(_, is_given)| *is_given);
        match (self.on_full, idle) {
            (WhenFull::DropRandom, _) => self.early_drop().map(OnFull::DropRandom),
            (_, Some((name, _))) => {
                let what = format!("{name} goes with --on-full drop-random only");
                Err(Failure(2, what))
            }
            (WhenFull::Block, _) => Ok(OnFull::Block),
            (WhenFull::DropNewest, _) => Ok(OnFull::DropNewest),
            (WhenFull::DropOldest, _) => Ok(OnFull::DropOldest),
        }
    }

    fn early_drop(&self) -> Result<EarlyDrop, Failure> {
        let capacity = self.capacity.get();
        let to = self.drop_to.unwrap_or(capacity);
        let from = self.drop_from.unwrap_or(to / 2);
        let chance = self.drop_chance.unwrap_or(0.1);
        if to > capacity {
            let what = format!("--drop-to {to} is beyond --capacity {capacity}");
            return Err(Failure(2, what));
        }
        let wrong = |error| {
            let given = format!("--drop-from {from} --drop-to {to} --drop-chance {chance}");
            Failure(2, format!("{given}: {error}"))
        };
        let rule = EarlyDrop::new(from, to, chance).map_err(wrong)?;
        Ok(self.seed.map_or(rule, |seed| rule.with_seed(seed)))
    }

    pub(crate) fn freshness(&self) -> Freshness {
        match self.ttl {
            Some(longest) => Freshness::Ttl(Ttl::new(longest)),
            None if self.codel => Freshness::CoDel(CoDel::default()),
            None => Freshness::Any,
        }
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let value: f64 = text.parse().map_err(|_| "not a number")?;
    Duration::try_from_secs_f64(value).map_err(|error| error.to_string())
}
