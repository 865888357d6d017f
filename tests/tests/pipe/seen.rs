//! Metrics, and the live line.

use super::*;

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
