//! Counts the words of a text by a pipeline of four stages, shows what it is made of before it
//! starts, how it stands while it works, and which stage was the slowest.
//!
//! ```text
//! cargo run --release --example wordcount             # a text of 128 MB, made up
//! cargo run --release --example wordcount FILE...
//! ```

use std::collections::HashMap;
use std::error::Error;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ringfence::pipeline::Pipeline;

/// About how many bytes go through the pipeline as one record.
const BLOCK: u64 = 64 << 10;

type Words = HashMap<String, u64>;

fn main() -> Result<(), Box<dyn Error>> {
    let text = open(std::env::args().skip(1).collect())?;
    let total = Arc::new(Mutex::new(Words::new()));
    let sum = total.clone();
    let plan = Pipeline::try_source("read", blocks(text))
        .stage("fold", |block: String| block.to_lowercase())
        .parallel(2)
        .ordered()
        .capacity(8)
        .stage("count", |block| count(&block))
        .capacity(8)
        .sink("sum", move |words: Words| {
            let mut sum = sum.lock().expect("nothing panics under it");
            for (word, n) in words {
                *sum.entry(word).or_default() += n;
            }
        })
        .capacity(8)
        .plan();
    println!("{plan}\n");

    let running = plan.start();
    let handle = running.handle();
    let mut last = handle.snapshot();
    while !handle.has_ended() {
        std::thread::sleep(Duration::from_millis(100));
        let now = handle.snapshot();
        println!("{}", now.since(&last));
        last = now;
    }
    let report = running.join()?;
    println!("in all\n{report}");
    if let Some(slow) = report.total.bottleneck() {
        println!("the slowest stage is {}", slow.name);
    }
    let words = total.lock().expect("nothing panics under it");
    println!(
        "{} words, {} different ones",
        words.values().sum::<u64>(),
        words.len()
    );
    Ok(())
}

/// The files, or a text that is made up.
fn open(files: Vec<String>) -> io::Result<Box<dyn BufRead + Send>> {
    if files.is_empty() {
        let line = "the quick brown fox jumps over the lazy dog, which is too slow to notice\n";
        let text = line.repeat((128 << 20) / line.len());
        return Ok(Box::new(io::Cursor::new(text)));
    }
    let nothing: Box<dyn Read + Send> = Box::new(io::empty());
    let all = files.into_iter().try_fold(nothing, |all, file| {
        io::Result::Ok(Box::new(all.chain(File::open(file)?)) as _)
    })?;
    Ok(Box::new(BufReader::new(all)))
}

/// Blocks of whole lines.
fn blocks(mut text: Box<dyn BufRead + Send>) -> impl Iterator<Item = io::Result<String>> + Send {
    std::iter::from_fn(move || {
        let mut block = Vec::new();
        let mut read = || {
            text.by_ref().take(BLOCK).read_to_end(&mut block)?;
            text.read_until(b'\n', &mut block)
        };
        match read() {
            Ok(_) if block.is_empty() => None,
            Ok(_) => Some(Ok(String::from_utf8_lossy(&block).into_owned())),
            Err(error) => Some(Err(error)),
        }
    })
}

fn count(block: &str) -> Words {
    let mut words = Words::new();
    for word in block.split(|c: char| !c.is_alphanumeric()) {
        if let Some(n) = words.get_mut(word) {
            *n += 1;
        } else if !word.is_empty() {
            words.insert(word.to_string(), 1);
        }
    }
    words
}
