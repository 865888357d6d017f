//! Runs ringfence and its peers side by side.

use std::process::ExitCode;

use ringfence_benches::groups::Grid;
use ringfence_benches::harness::Cores;
use ringfence_benches::report::{self, Plan};
use ringfence_benches::{groups, machine, many};

const USAGE: &str = "\
Usage: compare [GROUP]... [OPTION]...

Runs the groups, or all of them, and prints what an item cost.

  --only NAME,...     only these contestants
  --rounds N          how often each one runs [9]
  --items N           items in a run [as many as take about 100 ms]; at most 1000
                      in wake/..., 1 in idle/...
  --cores A,B,...     where producer and consumer run [the first two], and which
                      cores many threads share [all]
  --size N,...        bytes of an item in many/... [8], of 8, 16, 32, 64, 256
  --capacity N,...    of the rings in many/... [1024]
  --list              print the groups and their contestants
";

struct Args {
    groups: Vec<String>,
    only: Vec<String>,
    rounds: usize,
    items: Option<u64>,
    cores: Option<Cores>,
    grid: Grid,
    list: bool,
}

fn parse(mut args: impl Iterator<Item = String>) -> Result<Args, String> {
    let mut parsed = Args {
        groups: Vec::new(),
        only: Vec::new(),
        rounds: 9,
        items: None,
        cores: None,
        grid: Grid {
            sizes: vec![8],
            capacities: vec![1024],
        },
        list: false,
    };
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or(format!("{arg}: a value is missing"));
        match arg.as_str() {
            "--only" => parsed.only.extend(value()?.split(',').map(String::from)),
            "--rounds" => parsed.rounds = number(&value()?)?,
            "--items" => parsed.items = Some(number(&value()?)?),
            "--cores" => parsed.cores = Some(cores(&value()?)?),
            "--size" => parsed.grid.sizes = sizes(&value()?)?,
            "--capacity" => parsed.grid.capacities = numbers(&value()?)?,
            "--list" => parsed.list = true,
            "--help" | "-h" => return Err(String::new()),
            _ if arg.starts_with('-') => return Err(format!("{arg}: no such option")),
            _ => parsed.groups.push(arg),
        }
    }
    Ok(parsed)
}

/// A number, at least 1.
fn number<N: TryFrom<u64>>(text: &str) -> Result<N, String> {
    match text.replace('_', "").parse() {
        Ok(number) if number > 0 => N::try_from(number).map_err(|_| format!("{text}: too large")),
        _ => Err(format!("{text}: not a number of at least 1")),
    }
}

fn numbers<N: TryFrom<u64>>(text: &str) -> Result<Vec<N>, String> {
    text.split(',').map(number).collect()
}

fn sizes(text: &str) -> Result<Vec<usize>, String> {
    let sizes: Vec<usize> = numbers(text)?;
    match sizes.iter().find(|size| !many::SIZES.contains(size)) {
        Some(size) => Err(format!("{size}: not one of the sizes {:?}", many::SIZES)),
        None => Ok(sizes),
    }
}

fn cores(text: &str) -> Result<Cores, String> {
    let numbers: Option<Vec<usize>> = text.split(',').map(|n| n.parse().ok()).collect();
    numbers
        .and_then(|numbers| Cores::numbered(&numbers))
        .ok_or(format!("{text}: not two or more cores that can be used"))
}

fn run(args: Args) -> Result<(), String> {
    let mut groups = groups::all(&args.grid);
    for name in &args.groups {
        if !groups.iter().any(|group| group.is_called(name)) {
            return Err(format!("{name}: no such group"));
        }
    }
    if !args.groups.is_empty() {
        groups.retain(|group| args.groups.iter().any(|name| group.is_called(name)));
    }
    for name in &args.only {
        let mut all = groups.iter().flat_map(|group| &group.contestants);
        if !all.any(|contestant| contestant.name == name) {
            return Err(format!("{name}: no such contestant in these groups"));
        }
    }
    if !args.only.is_empty() {
        for group in &mut groups {
            let contestants = &mut group.contestants;
            contestants.retain(|contestant| args.only.iter().any(|name| name == contestant.name));
        }
        groups.retain(|group| !group.contestants.is_empty());
    }
    if args.list {
        for group in groups {
            println!("{:<30} {:?}", group.name, group.contestants);
        }
        return Ok(());
    }
    let cores = args
        .cores
        .or_else(Cores::pick)
        .ok_or("only one core is available, and both sides need their own")?;
    let plan = Plan {
        cores,
        rounds: args.rounds,
        items: args.items,
    };
    print!("{}", machine::describe());
    let (producer, consumer) = (plan.cores.producer.id, plan.cores.consumer.id);
    println!(
        "pinned producer to core {producer}, consumer to core {consumer}, many to {} cores in turn; \
         {} rounds",
        plan.cores.all.len(),
        plan.rounds
    );
    let ratios = groups.iter().flat_map(|group| report::run(group, &plan));
    report::print_summary(&mut ratios.collect::<Vec<_>>());
    Ok(())
}

fn main() -> ExitCode {
    match parse(std::env::args().skip(1)).and_then(run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) if message.is_empty() => {
            print!("{USAGE}");
            ExitCode::SUCCESS
        }
        Err(message) => {
            eprintln!("{message}\n\n{USAGE}");
            ExitCode::FAILURE
        }
    }
}
