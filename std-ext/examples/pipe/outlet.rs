//! The writing side.

use std::io::{self, StdoutLock, Write};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use ringfence::RecvTimeoutError;
use ringfence::age::{CoDel, Fresh, Rule, Ttl};
use ringfence::flavour::Spsc;

use crate::report::Tally;
use crate::{Line, PIECE};

/// Lines taken from the channel at once.
const BATCH: usize = 1024;
/// How long the writing side waits before it looks whether a signal came.
const POLL: Duration = Duration::from_millis(50);
/// A schedule that is further behind than this for want of lines starts anew.
const SLACK: Duration = Duration::from_millis(100);

/// An absolute schedule: line `n` is due at `start + n / rate`, however late the one before was.
pub(crate) struct Pace {
    rate: f64,
    start: Instant,
    spent: u64,
}

impl Pace {
    pub(crate) fn new(rate: NonZeroU32) -> Self {
        let (rate, start) = (rate.get().into(), Instant::now());
        let spent = 0;
        Self { rate, start, spent }
    }

    /// How many lines are due by now, at most `BATCH`.
    fn due(&self) -> usize {
        let scheduled = (self.start.elapsed().as_secs_f64() * self.rate) as u64 + 1;
        scheduled.saturating_sub(self.spent).min(BATCH as u64) as usize
    }

    /// Until the next line is due, but at most `POLL`.
    fn wait(&self) -> Duration {
        let next = self.spent as f64 / self.rate - self.start.elapsed().as_secs_f64();
        Duration::from_secs_f64(next.clamp(0.0, POLL.as_secs_f64()))
    }

    /// There was nothing to write: what was due meanwhile is not owed, or a burst would follow.
    fn idle(&mut self) {
        if self.due() as f64 > self.rate * SLACK.as_secs_f64() + 1.0 {
            (self.start, self.spent) = (Instant::now(), 0);
        }
    }
}

/// Which lines have not waited too long.
pub(crate) enum Freshness {
    Any,
    Ttl(Ttl),
    CoDel(CoDel),
}

impl Rule for Freshness {
    fn keeps(&mut self, sent: Instant, now: Instant, is_last: impl FnOnce() -> bool) -> bool {
        match self {
            Self::Any => true,
            Self::Ttl(rule) => rule.keeps(sent, now, is_last),
            Self::CoDel(rule) => rule.keeps(sent, now, is_last),
        }
    }
}

pub(crate) struct Outlet {
    pub(crate) rx: Fresh<Line, Spsc, Freshness>,
    /// Whether lines that are there may be gone, too old or evicted, when they are taken.
    pub(crate) may_vanish: bool,
    pub(crate) pace: Option<Pace>,
    /// The exit code of the signal that came, or 0.
    pub(crate) signal: Arc<AtomicUsize>,
    pub(crate) stdout: StdoutLock<'static>,
    pub(crate) held: Vec<u8>,
    pub(crate) tally: Arc<Tally>,
}

impl Outlet {
    /// Writes until the channel is at its end: the input's end, or a signal, and all stored lines
    /// written.
    pub(crate) fn run(&mut self) -> io::Result<()> {
        loop {
            if self.signal.load(Relaxed) != 0 {
                self.rx.close();
                self.pace = None;
            }
            let due = self.pace.as_ref().map_or(BATCH, Pace::due);
            if due == 0 || self.rx.receiver().is_empty() {
                self.flush()?;
            }
            match &self.pace {
                Some(pace) if due == 0 => thread::sleep(pace.wait()),
                _ => match self.receive(due) {
                    // What comes may be too old for long: nothing is held back, nor owed, for it.
                    Some(lines) if lines.is_empty() => {
                        self.pace.iter_mut().for_each(Pace::idle);
                        self.flush()?;
                    }
                    Some(lines) => self.write(&lines)?,
                    None => return self.flush(),
                },
            }
        }
    }

    /// Takes up to `limit` lines, none if all have waited too long; if there is none to take, waits
    /// for one, but no longer than `POLL`. `None` at the end.
    fn receive(&mut self, limit: usize) -> Option<Vec<Line>> {
        let mut lines = Vec::new();
        match self.rx.receiver().len() {
            0 => match self.rx.recv_timeout(POLL) {
                Err(RecvTimeoutError::Disconnected) => return None,
                received => {
                    lines.extend(received);
                    self.pace.iter_mut().for_each(Pace::idle);
                }
            },
            // One by one, which is slower: together it waits if nothing is left of them. No more
            // than fit into the channel are in hand.
            depth if self.may_vanish => lines.extend(self.rx.try_iter().take(depth.min(limit))),
            // Doesn't wait: nobody else takes what is there.
            _ => drop(self.rx.recv_many(&mut lines, limit).ok()?),
        }
        Some(lines)
    }

    fn write(&mut self, lines: &[Line]) -> io::Result<()> {
        let count = lines.len() as u64;
        self.tally.received.fetch_add(count, Relaxed);
        self.pace.iter_mut().for_each(|pace| pace.spent += count);
        for line in lines {
            self.held.extend_from_slice(line);
            if self.held.len() >= PIECE {
                self.flush()?;
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        // Whole lines in one call: the line buffer inside `stdout` then passes them on as they are.
        self.stdout.write_all(&self.held)?;
        self.stdout.flush()?;
        let written = self.held.drain(..).len() as u64;
        self.tally.bytes_out.fetch_add(written, Relaxed);
        Ok(())
    }
}
