//! The reading side.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::mem;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use ringfence::Sender;
use ringfence::age::Timed;
use ringfence::flavour::Spsc;

use crate::options::Options;
use crate::report::Tally;
use crate::{Failure, Line, PIECE};

pub(crate) struct Intake {
    pub(crate) tx: Sender<Timed<Line>, Spsc>,
    pub(crate) tally: Arc<Tally>,
    pub(crate) options: Arc<Options>,
}

impl Intake {
    pub(crate) fn read_files(&mut self) -> Result<(), Failure> {
        for path in &self.options.clone().files {
            match &*path.to_string_lossy() {
                _ if self.tx.is_closed() => break,
                "-" => self.read_lines("stdin", &mut io::stdin().lock())?,
                name => {
                    let mut file = File::open(path).map_err(|error| Failure::io(name, &error))?;
                    self.read_lines(name, &mut file)?;
                }
            }
        }
        Ok(())
    }

    /// Reads to the input's end, or until the channel is closed.
    fn read_lines(&mut self, name: &str, input: &mut dyn Read) -> Result<(), Failure> {
        let mut splitter = Splitter {
            limit: self.options.max_line.get(),
            truncate: self.options.truncate,
            ..Splitter::default()
        };
        let mut piece = vec![0; PIECE];
        let mut count = PIECE;
        while count > 0 && !self.tx.is_closed() {
            count = match input.read(&mut piece) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                count => count.map_err(|error| Failure::io(name, &error))?,
            };
            // Lines that come together are as old as each other.
            let now = Instant::now();
            let split = splitter.feed(&piece[..count]);
            // Before the next read, which may last, and before an over-long line is reported.
            self.send(splitter.lines.drain(..).map(|line| Timed::at(line, now)));
            self.tally.bytes_in.fetch_add(count as u64, Relaxed);
            let truncated = mem::take(&mut splitter.truncated);
            self.tally.truncated.fetch_add(truncated, Relaxed);
            split.map_err(|TooLong| {
                let (line, limit) = (splitter.finished + 1, splitter.limit);
                let what = format!("{name}: line {line} is longer than {limit} bytes");
                Failure(3, what)
            })?;
        }
        Ok(())
    }

    fn send(&mut self, lines: impl Iterator<Item = Timed<Line>>) {
        let (stored, refused, evicted) = match self.tx.send_many(lines) {
            Ok(sent) => (sent.stored, sent.refused, sent.evicted),
            Err(closed) => (closed.stored, closed.returned, closed.evicted),
        };
        let Tally { sent, .. } = &*self.tally;
        sent.stored.fetch_add(stored as u64, Relaxed);
        sent.refused.fetch_add(refused.len() as u64, Relaxed);
        sent.evicted.fetch_add(evicted.len() as u64, Relaxed);
    }
}

/// Cuts bytes into lines, in whatever pieces they come.
#[derive(Default)]
struct Splitter {
    limit: usize,
    truncate: bool,
    lines: Vec<Line>,
    /// The beginning of a line that goes on in the next piece: at most `limit` bytes.
    begun: Vec<u8>,
    /// Whether something of that line was already cut off.
    cut: bool,
    finished: u64,
    truncated: u64,
}

/// The line after those that are finished is longer than the limit.
struct TooLong;

impl Splitter {
    /// An empty piece is the end, as an empty read is.
    fn feed(&mut self, mut piece: &[u8]) -> Result<(), TooLong> {
        if piece.is_empty() && !self.begun.is_empty() {
            self.complete(b"");
        }
        while let Some(end) = memchr::memchr(b'\n', piece) {
            if self.begun.is_empty() && end <= self.limit {
                self.finished += 1;
                self.lines.push(piece[..=end].into());
            } else {
                self.hold(&piece[..end])?;
                self.complete(b"\n");
            }
            piece = &piece[end + 1..];
        }
        self.hold(piece)
    }

    fn hold(&mut self, part: &[u8]) -> Result<(), TooLong> {
        let room = self.limit - self.begun.len();
        if part.len() > room && !self.truncate {
            return Err(TooLong);
        }
        self.cut |= part.len() > room;
        self.begun.extend_from_slice(&part[..part.len().min(room)]);
        Ok(())
    }

    fn complete(&mut self, newline: &[u8]) {
        self.begun.extend_from_slice(newline);
        self.lines.push(mem::take(&mut self.begun).into());
        self.finished += 1;
        self.truncated += u64::from(mem::take(&mut self.cut));
    }
}
