//! The `pipe` example as a child process: what it carries, what it counts and how it ends.
//!
//! Nothing here sleeps or measures time. A test waits for something it can see (a line on stdout,
//! a report on stderr), and a watchdog turns a hang into a failure.

#![cfg(all(unix, not(miri), not(ringfence_loom)))]

mod arguments;
mod carrying;
mod dropping;
mod ending;
#[path = "../common/example.rs"]
mod example;
#[path = "../common/scrape.rs"]
mod scrape;
mod seen;

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use self::scrape::Scrape;

fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| example::build("pipe", "metrics"))
}

/// A running child whose three streams are in the test's hands.
struct Pipe {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Option<BufReader<ChildStdout>>,
    stderr: BufReader<ChildStderr>,
    /// Dropped at the end, which calls the watchdog off.
    _watched: mpsc::Sender<()>,
}

/// What is left of a child.
struct Ended {
    status: ExitStatus,
    stdout: Vec<u8>,
    stderr: String,
}

impl Pipe {
    fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(program())
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the example starts");
        Self {
            stdin: child.stdin.take(),
            stdout: child.stdout.take().map(BufReader::new),
            stderr: BufReader::new(child.stderr.take().expect("stderr is piped")),
            _watched: example::watch(child.id()),
            child,
        }
    }

    fn feed(&mut self, bytes: &[u8]) {
        let stdin = self.stdin.as_mut().expect("stdin is open");
        stdin.write_all(bytes).expect("the child reads");
        stdin.flush().expect("the child reads");
    }

    /// Feeds it from another thread, until all is read or the child reads no more. Stdin then
    /// stays open for as long as the handle lives.
    fn feed_aside(&mut self, bytes: Vec<u8>) -> JoinHandle<ChildStdin> {
        let mut stdin = self.stdin.take().expect("stdin is open");
        thread::spawn(move || {
            // An error says that the child ended first, which some tests want.
            let _ = stdin.write_all(&bytes);
            stdin
        })
    }

    fn line(&mut self) -> Vec<u8> {
        let mut line = Vec::new();
        let stdout = self.stdout.as_mut().expect("stdout is open");
        stdout
            .read_until(b'\n', &mut line)
            .expect("the child writes");
        line
    }

    /// Waits for a line on stderr that contains `text`, and gives it.
    fn wait_for_report(&mut self, text: &str) -> String {
        let mut line = String::new();
        while !line.contains(text) {
            line.clear();
            assert_ne!(
                self.stderr.read_line(&mut line).expect("UTF-8"),
                0,
                "no report of {text}"
            );
        }
        line
    }

    /// Starts one that goes on reading, and writes nothing more until its stdout is read: it is in
    /// the middle of a line longer than what the system holds. The channel is empty.
    fn stuck(arguments: &[&str]) -> Self {
        let reports = ["--report", "0.01", "--summary", "json"];
        let mut pipe = Self::start(&[arguments, &reports].concat());
        pipe.feed(&long_line());
        pipe.wait_for_output();
        pipe
    }

    /// Waits until there is something to read.
    fn wait_for_output(&mut self) {
        let stdout = self.stdout.as_mut().expect("stdout is open");
        assert!(!stdout.fill_buf().expect("the child writes").is_empty());
    }

    /// Feeds it these as the last ones, and waits until all `offered` lines are sent or dropped.
    fn finish(mut self, input: &[u8], offered: usize) -> Ended {
        self.feed(input);
        self.wait_for_report(&format!("offered {offered} ="));
        drop(self.stdin.take());
        self.end()
    }

    fn signal(&self, signal: &str) {
        let kill = Command::new("kill")
            .args([signal, &self.child.id().to_string()])
            .status();
        assert!(kill.expect("kill starts").success(), "the child lives");
    }

    /// Reads what is left and waits for the end. Stdin, unless somebody else has it, stays open.
    fn end(mut self) -> Ended {
        let stdout = self.stdout.take();
        let output = thread::spawn(move || {
            let mut bytes = Vec::new();
            if let Some(mut stdout) = stdout {
                stdout.read_to_end(&mut bytes).expect("stdout ends");
            }
            bytes
        });
        let mut stderr = String::new();
        self.stderr
            .read_to_string(&mut stderr)
            .expect("stderr is UTF-8");
        let stdout = output.join().expect("stdout was read");
        let status = self.child.wait().expect("the child ends");
        Ended {
            status,
            stdout,
            stderr,
        }
    }
}

/// Runs it over a whole input.
fn carry(arguments: &[&str], input: &[u8]) -> Ended {
    let mut pipe = Pipe::start(arguments);
    let _ = pipe.feed_aside(input.to_vec());
    pipe.end()
}

impl Ended {
    /// A number of the JSON summary, which is the last line that is one.
    fn count(&self, name: &str) -> u64 {
        let summary = self.stderr.lines().rfind(|line| line.starts_with('{'));
        let summary = summary.unwrap_or_else(|| panic!("no summary in {}", self.stderr));
        let value = summary
            .split_once(&format!("\"{name}\":"))
            .map(|(_, rest)| rest);
        let value = value.unwrap_or_else(|| panic!("no {name} in {summary}"));
        let digits = value.split([',', '}']).next().unwrap_or_default();
        digits
            .parse()
            .unwrap_or_else(|_| panic!("{name} is not a count in {summary}"))
    }

    fn sum(&self, names: &[&str]) -> u64 {
        names.iter().map(|name| self.count(name)).sum()
    }

    /// Checks the code, all equations, and the counts that the test can make itself.
    #[track_caller]
    fn check(&self, code: i32) {
        assert_eq!(self.status.code(), Some(code), "{}", self.stderr);
        assert_eq!(
            self.count("offered"),
            self.count("stored") + self.count("refused")
        );
        let kept = ["delivered", "evicted", "expired", "drained", "depth"];
        assert_eq!(self.count("stored"), self.sum(&kept));
        let refused = ["refused_newest", "refused_random", "refused_closed"];
        assert_eq!(self.count("refused"), self.sum(&refused));
        assert_eq!(
            self.count("depth"),
            0,
            "nothing is left in a channel without handles"
        );
        assert!(self.count("high_water") <= self.count("capacity"));
        assert_eq!(self.count("exact"), 1);
    }

    /// All that was delivered was also written.
    #[track_caller]
    fn check_written(&self) {
        assert_eq!(self.count("bytes_out"), self.stdout.len() as u64);
        assert_eq!(self.count("delivered"), lines(&self.stdout).count() as u64);
    }
}

fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split_inclusive(|&byte| byte == b'\n')
}

fn numbered(count: usize) -> Vec<u8> {
    (0..count)
        .map(|number| format!("line {number}\n"))
        .collect::<String>()
        .into_bytes()
}

/// As long as a line may be.
fn long_line() -> Vec<u8> {
    [&vec![b'#'; 1 << 20][..], b"\n"].concat()
}

#[track_caller]
fn assert_in_order(found: &[u8], offered: &[u8]) {
    let mut offered = lines(offered);
    for line in lines(found) {
        assert!(
            offered.any(|candidate| candidate == line),
            "a line out of order, or made up"
        );
    }
}

/// Long and short lines, empty ones, and every byte there is.
fn varied() -> Vec<u8> {
    let mut bytes = Vec::new();
    for length in (0..3_000).chain([100_000, 1, 65_535, 65_536, 65_537, 0, 0, 0]) {
        bytes.extend(
            (0..length)
                .map(|at| (at * 7 + length) as u8)
                .filter(|&byte| byte != b'\n'),
        );
        bytes.push(b'\n');
    }
    bytes
}
