//! The `pipe` example as a child process: what it carries, what it counts and how it ends.
//!
//! Nothing here sleeps or measures time. A test waits for something it can see (a line on stdout,
//! a report on stderr), and a watchdog turns a hang into a failure.

#![cfg(all(unix, not(miri), not(ringfence_loom)))]

#[path = "common/example.rs"]
mod example;
#[path = "common/scrape.rs"]
mod scrape;

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use self::scrape::Scrape;

// ---- the child ----

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

// ---- carrying ----

#[test]
fn what_goes_in_comes_out() {
    let input = varied();
    for capacity in ["1", "2", "7", "4096"] {
        let ended = carry(&["--capacity", capacity, "--summary", "json"], &input);
        ended.check(0);
        ended.check_written();
        assert!(
            ended.stdout == input,
            "capacity {capacity}: other bytes came out"
        );
        assert_eq!(ended.count("bytes_in"), input.len() as u64);
        assert_eq!(ended.count("offered"), lines(&input).count() as u64);
        assert_eq!(ended.count("refused") + ended.count("drained"), 0);
        assert_eq!(ended.count("truncated_lines"), 0);
    }
}

#[test]
fn nothing_in_nothing_out() {
    let ended = carry(&["--summary", "json"], b"");
    ended.check(0);
    assert_eq!(ended.stdout, b"");
    assert_eq!(ended.count("offered"), 0);
}

#[test]
fn a_last_line_without_newline_stays_so() {
    for input in [&b"one"[..], b"one\ntwo", b"\n\ntwo\xff"] {
        let ended = carry(&["--summary", "json"], input);
        ended.check(0);
        ended.check_written();
        assert_eq!(ended.stdout, input);
    }
}

#[test]
fn a_slow_stream_is_not_held_back() {
    for arguments in [
        &[][..],
        &["--on-full", "drop-oldest"],
        &["--ttl", "10000000"],
        &["--codel"],
    ] {
        let mut pipe = Pipe::start(&[arguments, &["--summary", "json"]].concat());
        for number in 0..50 {
            let line = format!("line {number}\n");
            pipe.feed(line.as_bytes());
            assert_eq!(pipe.line(), line.as_bytes());
        }
        drop(pipe.stdin.take());
        let ended = pipe.end();
        ended.check(0);
        assert_eq!(ended.count("delivered"), 50);
    }
}

#[test]
fn files_come_in_order_and_stdin_among_them() {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let first = directory.join("pipe-first");
    let last = directory.join("pipe-last");
    std::fs::write(&first, "first, without newline").expect("a temporary file");
    std::fs::write(&last, "last\n").expect("a temporary file");
    let path = |path: &Path| path.to_str().expect("a UTF-8 path").to_owned();
    let ended = carry(
        &["--summary", "json", &path(&first), "-", &path(&last)],
        b"stdin\n",
    );
    ended.check(0);
    assert_eq!(ended.stdout, b"first, without newlinestdin\nlast\n");
    assert_eq!(ended.count("delivered"), 3);
}

#[test]
fn a_missing_file_is_an_error_after_what_came_before() {
    let ended = carry(&["--summary", "json", "-", "no/such/file"], b"before\n");
    ended.check(1);
    assert_eq!(ended.stdout, b"before\n");
    assert!(ended.stderr.contains("no/such/file: "), "{}", ended.stderr);
}

#[test]
fn the_text_summary_adds_up_for_a_person_too() {
    let ended = carry(&[], b"one\ntwo\n");
    assert_eq!(ended.status.code(), Some(0), "{}", ended.stderr);
    let equations = "offered 2 = stored 2 + refused 0, stored 2 = \
                     delivered 2 + evicted 0 + expired 0 + drained 0 + depth 0   exact\n\
                     refused newest 0   refused random 0   refused closed 0\n";
    assert!(ended.stderr.starts_with(equations), "{}", ended.stderr);
    assert!(
        ended
            .stderr
            .contains("   bytes in 8   bytes out 8   truncated lines 0\n")
    );
}

// ---- dropping ----

#[test]
fn what_is_refused_is_counted_and_the_rest_is_in_order() {
    let input = numbered(100_000);
    let arguments = [
        "--capacity",
        "16",
        "--on-full",
        "drop-newest",
        "--rate",
        "200",
    ];
    let ended = carry(&[&arguments[..], &["--summary", "json"]].concat(), &input);
    ended.check(0);
    ended.check_written();
    assert_eq!(ended.count("offered"), 100_000);
    assert!(
        ended.count("refused") > 0,
        "the rate is far below what is offered"
    );
    assert!(ended.count("full_events") > 0);
    assert_eq!(ended.count("high_water"), 16);
    assert_eq!(ended.count("drained"), 0);
    assert_in_order(&ended.stdout, &input);
}

#[test]
fn whatever_is_lost_is_counted_and_the_rest_is_in_order() {
    let input = numbered(20_000);
    let [newest, oldest, random] = ["refused_newest", "evicted", "refused_random"];
    for (policy, loses) in [
        ("block", ""),
        ("drop-newest", newest),
        ("drop-oldest", oldest),
        ("drop-random", random),
    ] {
        for (age, expires) in [
            (&[][..], ""),
            (&["--ttl", "0.0001"], "expired"),
            (&["--codel"], "expired"),
        ] {
            for capacity in ["1", "16"] {
                let arguments = ["--on-full", policy, "--capacity", capacity];
                let arguments = [&arguments[..], &["--summary", "json"], age].concat();
                let ended = carry(&arguments, &input);
                ended.check(0);
                ended.check_written();
                assert_eq!(ended.count("offered"), 20_000);
                assert_in_order(&ended.stdout, &input);
                for reason in [newest, oldest, random, "expired", "refused_closed"] {
                    let may_be = [loses, expires].contains(&reason);
                    assert!(
                        may_be || ended.count(reason) == 0,
                        "{arguments:?}: {reason}"
                    );
                }
            }
        }
    }
}

#[test]
fn drop_oldest_keeps_the_last_lines() {
    let input = numbered(1_000);
    for (capacity, argument) in [(1, "1"), (2, "2"), (7, "7"), (64, "64")] {
        let arguments = ["--on-full", "drop-oldest", "--capacity", argument];
        let ended = Pipe::stuck(&arguments).finish(&input, 1_001);
        ended.check(0);
        ended.check_written();
        assert_eq!(ended.count("evicted"), 1_000 - capacity);
        assert_eq!(ended.count("delivered"), capacity + 1);
        let last = lines(&input).skip(1_000 - capacity as usize);
        assert!(lines(&ended.stdout).skip(1).eq(last), "not the last lines");
    }
}

#[test]
fn drop_newest_keeps_the_first_lines() {
    let input = numbered(1_000);
    let arguments = ["--on-full", "drop-newest", "--capacity", "64"];
    let ended = Pipe::stuck(&arguments).finish(&input, 1_001);
    ended.check(0);
    ended.check_written();
    assert_eq!(ended.count("refused_newest"), 1_000 - 64);
    let first = lines(&input).take(64);
    assert!(
        lines(&ended.stdout).skip(1).eq(first),
        "not the first lines"
    );
}

#[test]
fn drop_random_is_repeated_by_its_seed() {
    let input = numbered(1_000);
    let thin_out = |seed| {
        let arguments = ["--on-full", "drop-random", "--capacity", "100"];
        let arguments = [&arguments[..], &["--drop-chance", "0.5", "--seed", seed]].concat();
        let ended = Pipe::stuck(&arguments).finish(&input, 1_001);
        ended.check(0);
        ended.check_written();
        assert_in_order(&ended.stdout[long_line().len()..], &input);
        assert_eq!(ended.count("refused_random"), 1_000 - 100);
        lines(&ended.stdout).map(<[u8]>::to_vec).collect::<Vec<_>>()
    };
    let found = thin_out("7");
    let offered: Vec<_> = lines(&input).collect();
    // None is refused up to half of the capacity, and some before it is full.
    assert_eq!(found[1..52], offered[..51]);
    assert_ne!(found[52..], offered[51..100]);

    assert!(thin_out("7") == found, "it is not repeated");
    assert!(thin_out("8") != found, "the seed doesn't matter");
}

#[test]
fn drop_random_goes_by_its_thresholds() {
    let input = numbered(1_000);
    let arguments = ["--on-full", "drop-random", "--drop-from", "10"];
    for (chance, kept_first) in [("0", 20), ("1", 11)] {
        let rest = ["--drop-to", "20", "--drop-chance", chance];
        let ended = Pipe::stuck(&[&arguments[..], &rest].concat()).finish(&input, 1_001);
        ended.check(0);
        ended.check_written();
        assert_eq!(ended.count("delivered"), 1 + 20);
        let first = lines(&input).take(kept_first);
        assert!(lines(&ended.stdout).skip(1).take(kept_first).eq(first));
    }
}

// ---- ages ----

#[test]
fn what_is_older_than_its_time_to_live_is_dropped_and_counted() {
    let input = varied();
    let count = lines(&input).count() as u64;
    for policy in ["block", "drop-oldest"] {
        let carry = |ttl| {
            let arguments = ["--on-full", policy, "--ttl", ttl, "--capacity", "10000"];
            let ended = carry(&[&arguments[..], &["--summary", "json"]].concat(), &input);
            ended.check(0);
            ended.check_written();
            assert_eq!(ended.count("offered"), count);
            ended
        };
        // It takes some time from one thread to the other.
        let ended = carry("0");
        assert_eq!(ended.count("expired"), count);
        assert_eq!(ended.stdout, b"");
        // And less than months.
        let ended = carry("10000000");
        assert_eq!(ended.count("expired"), 0);
        assert!(ended.stdout == input, "other bytes came out");
    }
}

#[test]
fn a_signal_ends_it_though_all_that_comes_is_too_old() {
    let mut pipe = Pipe::start(&["--ttl", "0", "--report", "0.01", "--summary", "json"]);
    pipe.feed(&numbered(1_000));
    pipe.wait_for_report("expired 1000 ");
    pipe.signal("-INT");
    let ended = pipe.end();
    ended.check(130);
    assert_eq!(ended.stdout, b"");
}

#[test]
fn codel_drops_while_waits_are_long() {
    let mut pipe = Pipe::stuck(&["--codel"]);
    let input = [long_line(), numbered(3_000)].concat();
    pipe.feed(&input);
    pipe.wait_for_report("offered 3002 =");
    // By then all inside has waited for too long: there are 10 ms between two reports.
    pipe.wait_for_report("offered 3002 =");
    let mut found = pipe.line();
    // It has begun to take them out, and is stuck again.
    pipe.wait_for_output();
    pipe.feed(b"last\n");
    for _ in 0..12 {
        pipe.wait_for_report("offered 3003 =");
    }
    // Waits were long for the 100 ms of its interval.
    drop(pipe.stdin.take());
    let mut ended = pipe.end();
    found.append(&mut ended.stdout);
    ended.stdout = found;
    ended.check(0);
    ended.check_written();
    assert!(ended.count("expired") > 0);
    assert_eq!(ended.count("delivered") + ended.count("expired"), 3_003);
    assert_in_order(
        &ended.stdout,
        &[&long_line(), &input, &b"last\n"[..]].concat(),
    );
    assert!(ended.stdout.ends_with(b"last\n"), "it dropped the last one");
}

// ---- metrics, and the live line ----

#[test]
fn metrics_are_there_while_it_works() {
    for policy in ["block", "drop-newest", "drop-oldest", "drop-random"] {
        let arguments = ["--on-full", policy, "--capacity", "8", "--metrics", "0"];
        let mut pipe = Pipe::start(&[&arguments[..], &["--summary", "json"]].concat());
        let address = Scrape::address(&pipe.wait_for_report("http://"));
        assert!(address.starts_with("127.0.0.1:"), "{address}");
        // Stuck in it, it has taken it from the channel.
        pipe.feed(&long_line());
        pipe.wait_for_output();
        let first = Scrape::of(&address);
        let lines = "channel=\"lines\"";
        assert_eq!(first.value("channel_delivered_total", lines), 1.0);
        let _open = pipe.feed_aside(numbered(20));
        let mut last = first;
        let offered = if policy == "block" { 9.0 } else { 21.0 };
        while last.value("channel_offered_total", lines) < offered {
            let now = Scrape::of(&address);
            now.check_since(&last);
            last = now;
            thread::yield_now();
        }
        assert_eq!(last.value("channel_capacity", lines), 8.0);
        let reason = match policy {
            "drop-newest" => Some("newest"),
            "drop-random" => Some("random"),
            _ => None,
        };
        if let Some(reason) = reason {
            let labels = format!("{lines},reason=\"{reason}\"");
            assert!(last.value("channel_refused_total", &labels) >= 12.0);
        }
        pipe.signal("-INT");
        let ended = pipe.end();
        ended.check(130);
        ended.check_written();
        assert!(!ended.stdout.windows(9).any(|bytes| bytes == b"ringfence"));
    }
}

#[test]
fn an_address_that_is_taken_is_an_error() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("it has one").to_string();
    let ended = carry(&["--metrics", &address], b"one\n");
    assert_eq!(ended.status.code(), Some(1), "{}", ended.stderr);
    assert!(
        ended.stderr.contains(&format!("--metrics {address}: ")),
        "{}",
        ended.stderr
    );
    assert_eq!(ended.stdout, b"");
}

#[test]
fn the_live_line_says_how_full_it_is_and_what_was_dropped() {
    let mut pipe = Pipe::stuck(&["--live", "--on-full", "drop-newest", "--capacity", "4"]);
    let input = [long_line(), numbered(10)].concat();
    pipe.feed(&numbered(10));
    let line = pipe.wait_for_report("depth 4 of 4 ");
    let line = match line.contains("dropped 6 ") {
        true => line,
        false => pipe.wait_for_report("dropped 6 "),
    };
    for part in ["depth 4 of 4 ", " in ", " out ", "/s"] {
        assert!(line.contains(part), "{line}");
    }
    drop(pipe.stdin.take());
    let ended = pipe.end();
    ended.check(0);
    ended.check_written();
    assert_eq!(ended.count("refused"), 6);
    assert_in_order(&ended.stdout, &input);
}

// ---- long lines ----

#[test]
fn a_line_of_the_longest_length_passes() {
    let input = [&[b'x'; 100][..], b"\n", &[b'y'; 100]].concat();
    let ended = carry(&["--max-line", "100", "--summary", "json"], &input);
    ended.check(0);
    assert_eq!(ended.stdout, input);
}

#[test]
fn a_longer_line_is_an_error_after_what_came_before() {
    for long in [101, 70_000, 1_000_000] {
        let input = [b"one\ntwo\n", &vec![b'x'; long][..], b"\nfour\n"].concat();
        let ended = carry(&["--max-line", "100", "--summary", "json"], &input);
        ended.check(3);
        assert_eq!(ended.stdout, b"one\ntwo\n");
        let message = "stdin: line 3 is longer than 100 bytes";
        assert!(ended.stderr.contains(message), "{}", ended.stderr);
    }
}

#[test]
fn a_longer_line_is_cut_where_that_is_wanted() {
    let long = |length, end: &str| [&vec![b'x'; length][..], end.as_bytes()].concat();
    let arguments = ["--max-line", "100", "--truncate", "--summary", "json"];
    let input = [
        &b"one\n"[..],
        &long(101, "\n"),
        &long(100, "\n"),
        &long(1_000_000, "\n"),
        b"\n",
    ];
    let expected = [&b"one\n"[..], &long(100, "\n").repeat(3), b"\n"].concat();
    let ended = carry(&arguments, &input.concat());
    ended.check(0);
    ended.check_written();
    assert!(ended.stdout == expected, "cut elsewhere");
    assert_eq!(ended.count("truncated_lines"), 2);

    let ended = carry(&arguments, &long(200_000, ""));
    ended.check(0);
    assert_eq!(ended.stdout, long(100, ""));
    assert_eq!(ended.count("truncated_lines"), 1);
}

// ---- ending ----

#[test]
fn a_reader_that_leaves_ends_it_quietly() {
    let mut pipe = Pipe::start(&["--capacity", "8", "--summary", "json"]);
    // More than it and both of the system's pipes can hold, so it is cut short.
    let _ = pipe.feed_aside(b"y\n".repeat(4_000_000));
    assert_eq!(pipe.line(), b"y\n");
    drop(pipe.stdout.take());
    let ended = pipe.end();
    ended.check(0);
    assert!(ended.count("offered") < 4_000_000);
    assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
}

#[test]
fn what_a_reader_leaves_behind_is_counted() {
    for policy in ["block", "drop-newest", "drop-oldest", "drop-random"] {
        let mut pipe = Pipe::stuck(&["--on-full", policy]);
        pipe.feed(&numbered(1_000));
        pipe.wait_for_report("offered 1001 =");
        drop(pipe.stdin.take());
        drop(pipe.stdout.take());
        let ended = pipe.end();
        ended.check(0);
        assert_eq!(ended.count("drained"), 1_000);
    }
}

#[test]
fn a_reader_that_leaves_ends_it_though_stdin_is_idle() {
    // So rarely that a report says that it goes on, and does not come while it ends.
    let mut pipe = Pipe::start(&["--report", "5", "--summary", "json"]);
    pipe.feed(b"one\n");
    assert_eq!(pipe.line(), b"one\n");
    drop(pipe.stdout.take());
    // A process that another test has just started may have a copy of stdout for a moment. Then
    // the line is written, and it takes one more to find that nobody reads.
    let mut told = String::new();
    while !told.starts_with('{') {
        pipe.feed(b"two\n");
        told.clear();
        let read = pipe.stderr.read_line(&mut told).expect("UTF-8");
        assert_ne!(read, 0, "no summary");
    }
    let mut ended = pipe.end();
    ended.stderr.insert_str(0, &told);
    ended.check(0);
    assert_eq!(ended.count("refused"), 0, "it ended by a line, not before");
    assert_eq!(ended.count("bytes_out"), 4 * (ended.count("delivered") - 1));
}

#[test]
fn a_signal_ends_it_though_stdin_is_idle() {
    for (signal, code) in [("-INT", 130), ("-TERM", 143)] {
        let mut pipe = Pipe::start(&["--summary", "json"]);
        pipe.feed(b"one\ntwo\nbegun");
        assert_eq!(pipe.line(), b"one\n");
        pipe.signal(signal);
        let ended = pipe.end();
        ended.check(code);
        assert_eq!(ended.stdout, b"two\n");
        assert_eq!(ended.count("offered"), 2);
    }
}

#[test]
fn after_a_signal_a_full_channel_is_still_delivered() {
    // But for the signal, this would last a thousand seconds.
    let arguments = [
        "--capacity",
        "8",
        "--rate",
        "1",
        "--report",
        "0.01",
        "--summary",
        "json",
    ];
    let mut pipe = Pipe::start(&arguments);
    let input = numbered(1_000);
    let _open = pipe.feed_aside(input.clone());
    assert_eq!(pipe.line(), b"line 0\n");
    pipe.wait_for_report("depth 8 of 8");
    pipe.signal("-INT");
    let ended = pipe.end();
    ended.check(130);
    // The first was read above.
    let delivered = ended.count("delivered") as usize;
    assert!(
        delivered >= 9,
        "one line out and eight stored, but {delivered} delivered"
    );
    assert_eq!(ended.count("stored") as usize, delivered);
    let expected: Vec<_> = lines(&input).take(delivered).skip(1).collect();
    assert!(
        lines(&ended.stdout).eq(expected),
        "not the lines that were stored"
    );
}

#[test]
fn a_signal_amid_dropping_leaves_exact_counts() {
    for policy in ["drop-newest", "drop-oldest", "drop-random"] {
        let arguments = ["--capacity", "4", "--on-full", policy, "--summary", "json"];
        let mut pipe = Pipe::start(&arguments);
        let input = numbered(200_000);
        let _open = pipe.feed_aside(input.clone());
        let first = pipe.line();
        pipe.signal("-INT");
        let ended = pipe.end();
        ended.check(130);
        assert_in_order(&[first, ended.stdout].concat(), &input);
    }
}

#[test]
fn a_second_signal_ends_it_at_once() {
    // Stdout is never read beyond the first line, so the drain after the first signal blocks.
    let mut pipe = Pipe::start(&["--capacity", "1000000"]);
    let _open = pipe.feed_aside(b"y\n".repeat(1_000_000));
    assert_eq!(pipe.line(), b"y\n");
    // More than two, for the system may make one of two that come close together.
    let status = loop {
        pipe.signal("-INT");
        if let Some(status) = pipe.child.try_wait().expect("the child can be waited for") {
            break status;
        }
    };
    assert_eq!(status.code(), Some(130));
}

// ---- arguments ----

#[test]
fn the_help_compares_all_policies() {
    let ended = carry(&["--help"], b"");
    assert_eq!(ended.status.code(), Some(0));
    let help = String::from_utf8(ended.stdout).expect("UTF-8");
    let (_, table) = help
        .split_once("When lines come faster than they are written:\n")
        .expect("a table");
    for policy in ["block", "drop-newest", "drop-oldest", "drop-random"] {
        assert!(help.contains(&format!("- {policy}: ")), "{help}");
        let mut rows = table.lines().map(str::trim_start);
        assert!(rows.any(|row| row.starts_with(policy)), "{policy}: {table}");
    }
    for age in ["--ttl", "--codel"] {
        let mut rows = table.lines().map(str::trim_start);
        assert!(rows.any(|row| row.starts_with(age)), "{age}: {table}");
    }
}

#[test]
fn wrong_arguments_are_clear_errors() {
    let random = |arguments: &[&'static str]| [&["--on-full", "drop-random"], arguments].concat();
    let alone = "goes with --on-full drop-random only";
    for (arguments, message) in [
        (random(&["--drop-from", "9", "--drop-to", "9"]), "below"),
        (random(&["--capacity", "8", "--drop-from", "8"]), "below"),
        (
            random(&["--capacity", "8", "--drop-to", "9"]),
            "--capacity 8",
        ),
        (random(&["--drop-to", "0"]), "--drop-to 0"),
        (random(&["--drop-chance", "1.5"]), "from 0 to 1"),
        (random(&["--drop-chance", "nan"]), "from 0 to 1"),
        (random(&["--drop-chance", "often"]), "--drop-chance"),
        (random(&["--seed", "x"]), "--seed"),
        (vec!["--on-full", "drop-oldest", "--seed", "1"], alone),
        (vec!["--ttl", "1", "--codel"], "--codel"),
    ] {
        assert_refused(&arguments, message);
    }
    for (arguments, message) in [
        (["--drop-from", "1"], alone),
        (["--drop-to", "1"], alone),
        (["--drop-chance", "0.1"], alone),
        (["--seed", "1"], alone),
        (["--ttl", "-1"], "-1"),
        (["--ttl", "soon"], "--ttl"),
        (["--capacity", "0"], "--capacity"),
        (["--capacity", "-1"], "-1"),
        (["--capacity", "18446744073709551615"], "capacity"),
        (["--rate", "0"], "--rate"),
        (["--rate", "fast"], "--rate"),
        (["--report", "-1"], "-1"),
        (["--max-line", "0"], "--max-line"),
        (["--on-full", "explode"], "drop-newest"),
        (["--summary", "xml"], "json"),
        (["--metrics", "nowhere"], "--metrics"),
        (["--metrics", "65536"], "--metrics"),
    ] {
        assert_refused(&arguments, message);
    }
}

fn assert_refused(arguments: &[&str], message: &str) {
    let ended = carry(arguments, b"");
    assert_eq!(
        ended.status.code(),
        Some(2),
        "{arguments:?}: {}",
        ended.stderr
    );
    assert!(
        ended.stderr.contains(message),
        "{arguments:?}: {}",
        ended.stderr
    );
    assert_eq!(ended.stdout, b"");
}
