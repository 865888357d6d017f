//! Every strategy of this crate under the same overload, and what became of every item.
//!
//! ```text
//! cargo run --release -p ringfence --example overload
//! overload --html report.html                            a page with plots
//! overload --minutes 10 --strategy block,drop-oldest     the real thing, of two
//! overload --minutes 10 --chaos                          ends die, memory must not grow
//! ```
//!
//! Two producers keep to a schedule that brings three times what the consumer takes, with bursts,
//! while the consumer stalls now and then; both by a seed, so that all strategies meet the same.
//! The program counts every item by itself, and compares that with the channel's counts; if they
//! differ, the exit code says so.
//!
//! Latency counts from when an item should have been sent. So what a source is late with, since
//! it had to wait, counts as late; it would be missed by who starts the clock when a send begins,
//! or omits to send meanwhile. Items that were never sent are in no latency: they are `held back`.
//!
//! The machine may be as busy as it likes: a consumer that wakes late makes up for it, and the
//! bound on time inside is checked by the plan's time, in which it never does.

mod ends;
mod html;
mod ledger;
mod live;
mod memory;
mod options;
mod plan;
mod report;
mod run;
mod scene;
mod strategy;

use std::fs;
use std::process::ExitCode;

use clap::Parser;

use self::live::Live;
use self::options::Options;

fn main() -> ExitCode {
    let options = Options::parse();
    let (setting, strategies) = (options.setting(), options.strategies());
    let live = Live::new(&strategies, &setting);
    let outcomes: Vec<_> = strategies
        .iter()
        .enumerate()
        .map(|(nth, &strategy)| {
            let outcome = setting.run(strategy, &mut |sample| live.show(nth, sample));
            live.done(nth);
            outcome
        })
        .collect();
    drop(live);
    println!("{}", report::text(&setting, &outcomes));
    if let Some(path) = &options.html {
        if let Err(error) = fs::write(path, html::page(&setting, &outcomes)) {
            eprintln!("overload: {}: {error}", path.display());
            return ExitCode::from(1);
        }
    }
    let violations = report::violations(&outcomes);
    ExitCode::from(if violations.is_empty() { 0 } else { 4 })
}
