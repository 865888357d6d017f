//! How things stand: a line for each strategy, where stderr is a terminal.

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::run::{Sample, Setting};
use crate::strategy::Strategy;

const LINE: &str = "{prefix:12} [{bar:24}] {msg}";

pub(crate) struct Live {
    lines: Vec<ProgressBar>,
    all: MultiProgress,
}

impl Live {
    pub(crate) fn new(strategies: &[Strategy], setting: &Setting) -> Self {
        let all = MultiProgress::new();
        let style = ProgressStyle::with_template(LINE).expect("it is one");
        let line = |strategy: &Strategy| {
            let line = all.add(ProgressBar::new(setting.capacity as u64));
            line.set_style(style.clone().progress_chars("##-"));
            line.set_prefix(strategy.name());
            line.set_message("to come");
            line
        };
        Self {
            lines: strategies.iter().map(line).collect(),
            all,
        }
    }

    pub(crate) fn show(&self, nth: usize, sample: &Sample) {
        let (stats, line) = (&sample.stats, &self.lines[nth]);
        let dropped = stats.offered - stats.delivered - stats.depth;
        line.set_position(stats.depth);
        line.set_message(format!(
            "inside {:5}  delivered {:7}  dropped {dropped:7}  latency {:5} ms",
            stats.depth,
            stats.delivered,
            sample.latency.as_millis(),
        ));
    }

    pub(crate) fn done(&self, nth: usize) {
        self.lines[nth].abandon();
    }
}

impl Drop for Live {
    /// The report says it all.
    fn drop(&mut self) {
        // A terminal that is gone needs no clearing.
        let _ = self.all.clear();
    }
}
