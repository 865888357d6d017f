//! How it ends: by readers that leave, and by signals.

use super::*;

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
