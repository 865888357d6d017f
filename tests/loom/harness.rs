//! Runs models in processes of their own, so that one may fail and the others
//! go on.

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Command, ExitCode, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use ringfence_core::sync::weaken;

/// How many times a thread is interrupted without having asked for it, unless a
/// model says fewer, or the environment more.
const PREEMPTIONS: usize = 3;

/// A control that has not failed by then is taken to pass.
const LIMIT: Option<Duration> = Some(Duration::from_secs(60));

/// A model with fewer interleavings than this has seen nothing.
const FEWEST: usize = 5;

/// One model.
#[derive(Clone, Copy)]
pub(crate) struct Model {
    pub(crate) name: &'static str,
    pub(crate) body: fn(),
    /// What all interleavings together must have shown.
    pub(crate) after: fn(),
    /// How many preemptions are explored.
    preemptions: usize,
    /// A broken variant of another model: it must fail.
    pub(crate) broken: bool,
}

impl Model {
    pub(crate) const fn new(name: &'static str, body: fn()) -> Self {
        Self {
            name,
            body,
            after: || (),
            preemptions: PREEMPTIONS,
            broken: false,
        }
    }

    /// For a model that is large.
    pub(crate) const fn preemptions(self, preemptions: usize) -> Self {
        Self {
            preemptions,
            ..self
        }
    }

    pub(crate) const fn after(self, after: fn()) -> Self {
        Self { after, ..self }
    }

    /// The same, but it must fail.
    pub(crate) const fn broken(self) -> Self {
        Self {
            broken: true,
            ..self
        }
    }

    /// All interleavings of this model, in this process.
    fn explore(self) {
        static ITERATIONS: AtomicUsize = AtomicUsize::new(0);
        let mut builder = loom::model::Builder::new();
        let least = std::env::var("RINGFENCE_PREEMPTIONS").ok();
        let least = least.and_then(|n| n.parse().ok()).unwrap_or(0);
        builder.preemption_bound = Some(self.preemptions.max(least));
        builder.max_branches = 20_000;
        builder.max_duration = LIMIT.filter(|_| std::env::var("RINGFENCE_WEAKEN").is_ok());
        let body = self.body;
        builder.check(move || {
            ITERATIONS.fetch_add(1, Ordering::Relaxed);
            body();
        });
        (self.after)();
        println!("iterations {}", ITERATIONS.load(Ordering::Relaxed));
        weaken::sites()
            .iter()
            .for_each(|site| println!("site {site}"));
    }

    /// All interleavings, in a process of its own, with `weakened` left out.
    fn run(self, weakened: Option<&str>) -> Run {
        let start = Instant::now();
        let mut command = Command::new(std::env::current_exe().expect("the path of this program"));
        command.args(["--child", self.name]).stderr(Stdio::piped());
        command.env("RUST_BACKTRACE", "0");
        if let Some(site) = weakened {
            command.env("RINGFENCE_WEAKEN", site);
        }
        let output = command.output().expect("this program can be run");
        let lines = String::from_utf8_lossy(&output.stdout).into_owned();
        let after = |key: &str| {
            let values: Vec<_> = lines
                .lines()
                .filter_map(|line| line.strip_prefix(key))
                .map(String::from)
                .collect();
            values
        };
        Run {
            passed: output.status.success(),
            iterations: after("iterations ")
                .first()
                .and_then(|n| n.parse().ok())
                .unwrap_or(0),
            sites: after("site "),
            seconds: start.elapsed().as_secs_f64(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

struct Run {
    passed: bool,
    iterations: usize,
    sites: Vec<String>,
    seconds: f64,
    stderr: String,
}

pub(crate) fn main(models: &[Model]) -> ExitCode {
    let mut args: Vec<String> = std::env::args().skip(1).collect();
    if args.first().is_some_and(|arg| arg == "--child") {
        let model = models.iter().find(|model| model.name == args[1]);
        model.expect("a model of this name").explore();
        return ExitCode::SUCCESS;
    }
    let matrix = args.iter().any(|arg| arg == "--matrix");
    let green = args.iter().any(|arg| arg == "--green");
    args.retain(|arg| !arg.starts_with("--"));
    let chosen: Vec<Model> = models
        .iter()
        .filter(|model| args.is_empty() || args.iter().any(|arg| model.name.contains(arg)))
        .copied()
        .collect();

    let (sites, mut failures) = run_models(&chosen);
    if !green {
        let caught = run_controls(&sites, matrix);
        failures += report(&sites, &caught, args.is_empty());
    }
    println!("{failures} failures");
    if failures == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Sites, each with the models that execute it, fastest first.
type Sites = BTreeMap<String, Vec<Model>>;

fn run_models(models: &[Model]) -> (Sites, usize) {
    println!("{:<44} {:>10} {:>8}", "model", "iterations", "seconds");
    let runs = in_parallel(models, |model| {
        let run = model.run(None);
        let verdict = match (model.broken, run.passed) {
            (false, true) if run.iterations < FEWEST => "FAILED: too few iterations",
            (false, true) => "",
            (false, false) => "FAILED",
            (true, false) => "fails, as it must",
            (true, true) => "PASSED, but must fail",
        };
        println!(
            "{:<44} {:>10} {:>8.1}  {verdict}",
            model.name, run.iterations, run.seconds
        );
        if !model.broken && !run.passed {
            println!("{}", run.stderr);
        }
        let failed = verdict.starts_with(char::is_uppercase);
        (*model, run, failed)
    });
    let failures = runs.iter().filter(|(_, _, failed)| *failed).count();
    let mut ordered: Vec<_> = runs.iter().filter(|(model, ..)| !model.broken).collect();
    ordered.sort_by(|(_, a, _), (_, b, _)| a.seconds.total_cmp(&b.seconds));
    let mut sites = Sites::new();
    for (model, run, _) in ordered {
        for site in run.sites.iter().filter(|site| !site.starts_with("tests")) {
            sites.entry(site.clone()).or_default().push(*model);
        }
    }
    (sites, failures)
}

/// Which model fails without which site.
type Caught = BTreeSet<(String, &'static str)>;

/// Leaves out each site in turn, in one model after the other until one fails,
/// or in all; then each model that has not failed yet loses one of its sites
/// after the other, until it does.
fn run_controls(sites: &Sites, matrix: bool) -> Caught {
    let fails = |site: &str, model: &Model| !model.run(Some(site)).passed;
    let all: Vec<_> = sites.iter().collect();
    let by_site = in_parallel(&all, |(site, models)| {
        let mut caught = Vec::new();
        for model in models.iter() {
            if (matrix || caught.is_empty()) && fails(site, model) {
                caught.push(((*site).clone(), model.name));
            }
        }
        caught
    });
    let mut caught: Caught = by_site.into_iter().flatten().collect();
    let models: BTreeMap<_, _> = sites
        .values()
        .flatten()
        .filter(|model| !caught.iter().any(|(_, by)| *by == model.name))
        .map(|model| (model.name, model))
        .collect();
    let left: Vec<_> = models.into_values().collect();
    let by_model = in_parallel(&left, |model| {
        let executes = |models: &[Model]| models.iter().any(|other| other.name == model.name);
        let mut own: Vec<_> = all.iter().filter(|(_, models)| executes(models)).collect();
        // What few models execute is most likely what this one is about.
        own.sort_by_key(|(_, models)| models.len());
        own.into_iter()
            .find(|(site, _)| fails(site, model))
            .map(|(site, _)| ((*site).clone(), model.name))
    });
    caught.extend(by_model.into_iter().flatten());
    caught
}

/// Prints what was caught; returns how many sites, and models, have nothing.
fn report(sites: &Sites, caught: &Caught, complete: bool) -> usize {
    println!("\n{:<44} fails without it", "ordering, fence or wake-up");
    let mut missed = 0;
    for site in sites.keys() {
        let by: Vec<_> = caught
            .iter()
            .filter(|(at, _)| at == site)
            .map(|(_, by)| *by)
            .collect();
        missed += usize::from(by.is_empty());
        println!(
            "{site:<44} {}",
            if by.is_empty() {
                "NOTHING".into()
            } else {
                by.join(" ")
            }
        );
    }
    println!("{} of {} sites caught", sites.len() - missed, sites.len());
    let mut names: BTreeSet<_> = sites.values().flatten().map(|model| model.name).collect();
    let models = names.len();
    caught.iter().for_each(|(_, by)| {
        names.remove(by);
    });
    println!(
        "{} of {models} models have a control that fails",
        models - names.len()
    );
    names.iter().for_each(|name| println!("no control: {name}"));
    names.len() + if complete { missed } else { 0 }
}

/// `each` on every item, on as many threads as there are CPUs; in order.
fn in_parallel<T: Sync, R: Send>(items: &[T], each: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = items.get(at) else { return };
                    let result = each(item);
                    results.lock().unwrap().push((at, result));
                }
            });
        }
    });
    let mut results = results.into_inner().unwrap();
    results.sort_by_key(|(at, _)| *at);
    results.into_iter().map(|(_, result)| result).collect()
}
