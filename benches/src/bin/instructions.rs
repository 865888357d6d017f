//! One thread that pushes and pops, for a tool that counts its instructions.

use std::hint::black_box;
use std::process::ExitCode;

use ringfence_benches::many::{SIZES, entries};

const CAPACITY: usize = 64;

const USAGE: &str = "\
Usage: instructions                       print the contestants
       instructions NAME SIZE ROUNDS      push and pop so often
       instructions empty SIZE ROUNDS     do as much without a queue
";

fn run(args: &[String]) -> Option<()> {
    let [name, size, rounds] = args else {
        return None;
    };
    let (size, rounds) = (size.parse().ok()?, rounds.parse().ok()?);
    if !SIZES.contains(&size) {
        return None;
    }
    if name == "empty" {
        (0..rounds).for_each(|number| assert_eq!(black_box(black_box(number)), number));
        return Some(());
    }
    let mut entries = entries(size, CAPACITY).into_iter();
    (entries.find(|entry| entry.name == name)?.alone)(CAPACITY, rounds);
    Some(())
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if args.is_empty() {
        for entry in entries(SIZES[0], CAPACITY) {
            println!("{}", entry.name);
        }
        return ExitCode::SUCCESS;
    }
    match run(&args) {
        Some(()) => ExitCode::SUCCESS,
        None => {
            eprint!("{USAGE}");
            ExitCode::FAILURE
        }
    }
}
