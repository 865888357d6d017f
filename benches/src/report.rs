//! Runs a group in rounds and prints its tables.

use std::fmt;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use crate::groups::{Contestant, Group, Outcome};
use crate::harness::{BATCH, Cores, Run};

/// How long a run takes if the number of items is not given.
const RUN: Duration = Duration::from_millis(100);

/// How often a disturbed run is repeated.
const REPEATS: usize = 8;

/// After how long a run that has not ended is remarked upon, again and again.
const PATIENCE: Duration = Duration::from_secs(30);

/// How to run.
#[derive(Debug)]
pub struct Plan {
    /// Where.
    pub cores: Cores,
    /// How often each contestant runs.
    pub rounds: usize,
    /// Items in a run; as many as take about 100 ms if not given.
    pub items: Option<u64>,
}

/// Runs the group, prints what came of it, and returns the ratios for the summary.
///
/// In every round each contestant runs once, and each round begins with
/// another; so what changes slowly changes for all, and the ratio of two runs
/// of one round says more than the ratio of two medians.
pub fn run(group: &Group, plan: &Plan) -> Vec<Ratio> {
    println!("\n{}: {}", group.name, group.about);
    let Group {
        measure,
        contestants,
        ..
    } = group;
    let items: Vec<u64> = contestants
        .iter()
        .map(|contestant| items(group, contestant, plan))
        .collect();
    let mut samples = vec![vec![Vec::new(); contestants.len()]; measure.figures.len()];
    let mut disturbed = 0;
    for round in 0..plan.rounds {
        for turn in 0..contestants.len() {
            let who = (round + turn) % contestants.len();
            let run = || run_watched(group, &contestants[who], &plan.cores, items[who]);
            let mut outcome = run();
            for _ in 0..REPEATS {
                // Who sleeps waits for a core when woken, even if it is idle;
                // and who yields gives its core away.
                if measure.waits_for_core || !is_disturbed(&outcome.run) {
                    break;
                }
                outcome = run();
            }
            disturbed += usize::from(!measure.waits_for_core && is_disturbed(&outcome.run));
            for (samples, figure) in samples.iter_mut().zip(outcome.figures) {
                samples[who].push(figure);
            }
        }
    }
    if disturbed > 0 {
        let runs = plan.rounds * contestants.len();
        println!("  {disturbed} of {runs} runs had to share a core with other processes");
    }
    let figures = measure.figures.iter().zip(&samples);
    figures
        .flat_map(|(figure, samples)| {
            print_figures(figure, contestants, samples);
            print_ratios(contestants, samples);
            to_best_peer(group, figure, samples)
        })
        .collect()
}

/// Runs a contestant, and says so when it does not end.
fn run_watched(group: &Group, contestant: &Contestant, cores: &Cores, items: u64) -> Outcome {
    let (running, ended) = mpsc::channel::<()>();
    let (group, name) = (&group.name, contestant.name);
    thread::scope(|scope| {
        scope.spawn(move || {
            while let Err(RecvTimeoutError::Timeout) = ended.recv_timeout(PATIENCE) {
                eprintln!("{group}: {name} still runs after another {PATIENCE:?}");
            }
        });
        let _running = running;
        contestant.run(cores, items)
    })
}

/// How many items a contestant gets in a run.
fn items(group: &Group, contestant: &Contestant, plan: &Plan) -> u64 {
    match (group.measure.most, plan.items) {
        (Some(most), items) => items.map_or(most, |items| items.min(most)),
        (None, Some(items)) => items.next_multiple_of(BATCH as u64),
        (None, None) => calibrate(group, contestant, &plan.cores).next_multiple_of(BATCH as u64),
    }
}

/// What one of ours took in a group, as a multiple of what the best peer took.
#[derive(Debug)]
pub struct Ratio {
    family: String,
    group: String,
    ours: &'static str,
    peer: &'static str,
    spread: Spread,
}

/// The ratio of each of ours to the peer with the best median, paired by round.
fn to_best_peer(group: &Group, figure: &str, samples: &[Vec<f64>]) -> Vec<Ratio> {
    let all = || group.contestants.iter().zip(samples);
    let peers = all().filter(|(contestant, _)| !contestant.is_ours());
    let median = |samples: &[f64]| Spread::of(samples).median;
    let Some((peer, theirs)) = peers.min_by(|(_, a), (_, b)| median(a).total_cmp(&median(b)))
    else {
        return Vec::new();
    };
    let ours = all().filter(|(contestant, _)| contestant.is_ours());
    ours.map(|(contestant, samples)| Ratio {
        family: format!("{}, {figure}", group.family()),
        group: group.name.clone(),
        ours: contestant.name,
        peer: peer.name,
        spread: Spread::of(&paired(samples, theirs)),
    })
    .collect()
}

/// Prints the ratios of each family of groups, and the median over its groups of each
/// of ours.
pub fn print_summary(ratios: &mut [Ratio]) {
    ratios.sort_by(|a, b| a.family.cmp(&b.family));
    for family in ratios.chunk_by(|a, b| a.family == b.family) {
        if family[0].group == family[family.len() - 1].group {
            continue;
        }
        println!(
            "\n{}: ours to the best peer of each group",
            family[0].family
        );
        for ratio in family {
            let pair = format!("{} / {}", ratio.ours, ratio.peer);
            println!("  {:<30} {pair:<44} {}", ratio.group, ratio.spread);
        }
        let mut ours: Vec<_> = family.iter().map(|ratio| ratio.ours).collect();
        ours.sort_unstable();
        ours.dedup();
        for name in ours {
            let own = family.iter().filter(|ratio| ratio.ours == name);
            let medians: Vec<f64> = own.map(|ratio| ratio.spread.median).collect();
            let over = format!("median of {} groups", medians.len());
            println!("  {over:<30} {name:<44} {}", Spread::of(&medians));
        }
    }
}

/// Whether other processes took more than a hundredth of the run.
fn is_disturbed(run: &Run) -> bool {
    run.kept_waiting * 100 > run.time
}

/// Warms up, and finds how many items take about as long as a run should. What happens only once
/// in a process, as the registration for `membarrier`, must not make a short run look long.
fn calibrate(group: &Group, contestant: &Contestant, cores: &Cores) -> u64 {
    let mut items = 1024;
    loop {
        let run = || run_watched(group, contestant, cores, items).run.time;
        let time = run().min(run());
        if time > RUN / 8 {
            return (items as f64 * RUN.as_secs_f64() / time.as_secs_f64()) as u64;
        }
        items *= 4;
    }
}

fn print_figures(figure: &str, contestants: &[Contestant], samples: &[Vec<f64>]) {
    let spreads: Vec<Spread> = samples.iter().map(|samples| Spread::of(samples)).collect();
    let best = |of: &dyn Fn(&Contestant) -> bool| {
        let medians = contestants.iter().zip(&spreads);
        medians
            .filter(|(contestant, _)| of(contestant))
            .map(|(_, spread)| spread.median)
            .min_by(f64::total_cmp)
    };
    let (best_peer, best) = (best(&|contestant| !contestant.is_ours()), best(&|_| true));
    println!(
        "  {:<23} {:>8} {:>8} {:>8}   {:>9} {:>9}",
        figure, "min", "median", "max", "/best", "/best peer"
    );
    for (contestant, spread) in contestants.iter().zip(&spreads) {
        let ratio =
            |to: Option<f64>| to.map_or("-".into(), |to| format!("{:.2}", spread.median / to));
        println!(
            "  {:<23} {:>8.2} {:>8.2} {:>8.2}   {:>9} {:>9}",
            contestant.name,
            spread.min,
            spread.median,
            spread.max,
            ratio(best),
            ratio(best_peer),
        );
    }
}

/// The ratio of each of ours to each peer and each of ours below it, paired by
/// round.
fn print_ratios(contestants: &[Contestant], samples: &[Vec<f64>]) {
    for (who, ours) in contestants.iter().enumerate() {
        for (whom, other) in contestants.iter().enumerate() {
            if !ours.is_ours() || (other.is_ours() && whom <= who) {
                continue;
            }
            let ratios = paired(&samples[who], &samples[whom]);
            let pair = format!("{} / {}", ours.name, other.name);
            println!("  {pair:<44} {}", Spread::of(&ratios));
        }
    }
}

/// Ours divided by theirs, round by round.
fn paired(ours: &[f64], theirs: &[f64]) -> Vec<f64> {
    let rounds = ours.iter().zip(theirs);
    rounds.map(|(ours, theirs)| ours / theirs).collect()
}

/// How far apart samples are.
#[derive(Debug)]
struct Spread {
    min: f64,
    median: f64,
    max: f64,
}

impl Spread {
    fn of(samples: &[f64]) -> Self {
        let mut sorted = samples.to_vec();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.len() / 2;
        let median = if sorted.len() % 2 == 1 {
            sorted[middle]
        } else {
            (sorted[middle - 1] + sorted[middle]) / 2.0
        };
        Self {
            min: sorted[0],
            median,
            max: sorted[sorted.len() - 1],
        }
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2} ({:.2} to {:.2})", self.median, self.min, self.max)
    }
}
