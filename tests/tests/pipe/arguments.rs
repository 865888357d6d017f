//! Its help, and arguments that are wrong.

use super::*;

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
