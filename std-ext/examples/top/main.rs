//! Pipelines and channels at work, as they stand: a live view of a board.
//!
//! ```text
//! cargo run --release -p ringfence --example ringfence-top
//! ringfence-top --slow hash --times 500 FILE...     another stage is the slow one
//! ringfence-top --channels drop-oldest --load 1.2   one channel, a little too slow
//! ringfence-top --once                              one frame as text, without a terminal
//! ```
//!
//! What it looks at is in `work.rs`: a pipeline over text, one stage of which has more to do than
//! the others, and channels to which more is sent than their receivers take. Everything else asks
//! the [`Board`](ringfence::board::Board) some times a second, and knows nothing of the work: to
//! watch a program of your own, put its channels and pipelines on a board, and give it to
//! `screen::show`.

mod bar;
mod look;
mod options;
mod rate;
mod screen;
mod text;
mod view;
mod work;

use std::io::{IsTerminal, stdout};
use std::process::ExitCode;

use clap::Parser;
use ringfence::board::Board;

use self::options::Options;
use self::work::Work;

fn main() -> ExitCode {
    let options = Options::parse();
    let frames = options.frames();
    if frames.is_none() && !stdout().is_terminal() {
        eprintln!("ringfence-top: stdout is no terminal: --once or --frames N prints text");
        return ExitCode::from(2);
    }
    let board = Board::new();
    let work = match Work::start(&options, &board) {
        Ok(work) => work,
        Err(error) => return failed(&error),
    };
    let shown = match frames {
        Some(frames) => text::print(&board, options.interval, frames, options.width),
        None => screen::show(&board, options.interval, options.panic),
    };
    drop(work);
    match shown {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

fn failed(error: &std::io::Error) -> ExitCode {
    eprintln!("ringfence-top: {error}");
    ExitCode::from(1)
}
