//! The `overload` example as a child process: that every item is accounted for under every
//! strategy, and that it says so if one is not.

#![cfg(all(unix, not(miri), not(ringfence_loom)))]

use std::ffi::OsStr;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

const STRATEGIES: [&str; 9] = [
    "block",
    "pull",
    "weighted",
    "reject",
    "drop-newest",
    "drop-oldest",
    "drop-random",
    "ttl",
    "codel",
];

/// Runs the example, built where, and as, this test was, and gives its report.
fn overload(arguments: &[&str], code: i32) -> String {
    // .../<target>/<profile>/deps/<this test>
    let this = std::env::current_exe().expect("path of the test");
    let profile_dir = this.ancestors().nth(2).expect("a profile's directory");
    let profile = match profile_dir.file_name().and_then(OsStr::to_str) {
        Some("debug") => "dev",
        name => name.expect("a profile's directory has a name"),
    };
    let ended = Command::new(env!("CARGO"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["run", "-q", "-p", "ringfence", "--example", "overload"])
        .args(["--profile", profile, "--target-dir"])
        .arg(profile_dir.parent().expect("a target directory"))
        .arg("--")
        .args(arguments)
        .output()
        .expect("cargo starts");
    let text = String::from_utf8(ended.stdout).expect("UTF-8");
    let errors = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(
        ended.status.code(),
        Some(code),
        "{arguments:?}: {text}{errors}"
    );
    text
}

/// The line of the first table that is a strategy's.
fn line<'a>(text: &'a str, strategy: &str) -> &'a str {
    let mut lines = text.lines().map(str::trim);
    let line = lines.find(|line| line.split(' ').next() == Some(strategy));
    line.unwrap_or_else(|| panic!("no line of {strategy} in\n{text}"))
}

#[test]
fn every_item_is_accounted_for_under_every_strategy() {
    let path: PathBuf = [env!("CARGO_TARGET_TMPDIR"), "overload.html"]
        .iter()
        .collect();
    let path_text = path.to_str().expect("UTF-8");
    let text = overload(&["--seconds", "1", "--html", path_text], 0);
    assert!(text.contains("every item is accounted for"), "{text}");
    let page = fs::read_to_string(&path).expect("the page is written");
    assert!(page.starts_with("<!doctype html>") && page.ends_with("</html>\n"));
    for elsewhere in ["http", "<script", "<link", "src=", "url("] {
        assert!(!page.contains(elsewhere), "{elsewhere} in the page");
    }
    for strategy in STRATEGIES {
        assert!(line(&text, strategy).ends_with("held"), "{text}");
        assert!(page.contains(strategy), "{strategy} is not in the page");
    }
    assert_eq!(page.matches("<svg").count(), 2 * STRATEGIES.len());
    assert!(!page.contains("NaN") && !page.contains("inf"));
}

#[test]
fn ends_that_die_lose_nothing_unseen() {
    let text = overload(&["--seconds", "1", "--chaos", "--load", "20"], 0);
    assert!(text.contains(" ends died, "), "{text}");
    for strategy in STRATEGIES {
        assert!(line(&text, strategy).ends_with("held"), "{text}");
    }
}

#[test]
fn a_miscount_is_noticed() {
    let text = overload(
        &["--seconds", "0.1", "--strategy", "block,ttl", "--miscount"],
        4,
    );
    for strategy in ["block", "ttl"] {
        assert!(line(&text, strategy).ends_with("VIOLATED"), "{text}");
        let why = format!("{strategy}: delivered: ");
        assert!(text.lines().any(|line| line.starts_with(&why)), "{text}");
    }
}

#[test]
fn wrong_arguments_are_errors() {
    for arguments in [
        ["--seconds", "0"],
        ["--minutes", "nan"],
        ["--capacity", "0"],
        ["--load", "-1"],
        ["--strategy", "hope"],
    ] {
        assert_eq!(overload(&arguments, 2), "");
    }
}
