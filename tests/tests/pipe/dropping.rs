//! What policies and ages drop.

use super::*;

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
