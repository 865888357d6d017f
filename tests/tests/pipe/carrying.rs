//! What goes in comes out; long lines.

use super::*;

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
