//! Examples as child processes.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

/// Far beyond what any of these children needs: a child that lives so long hangs.
const HANG: Duration = Duration::from_secs(120);

/// Builds an example where, and as, this test was built, and says where it is.
pub(crate) fn build(example: &str, features: &str) -> PathBuf {
    // .../<target>/<profile>/deps/<this test>
    let this = std::env::current_exe().expect("path of the test");
    let profile_dir = this.ancestors().nth(2).expect("a profile's directory");
    let profile = match profile_dir.file_name().and_then(OsStr::to_str) {
        Some("debug") => "dev",
        Some(name) => name,
        None => panic!(
            "a profile's directory without a name: {}",
            profile_dir.display()
        ),
    };
    let built = Command::new(env!("CARGO"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["build", "-q", "-p", "ringfence", "--example", example])
        .args(["--features", features, "--message-format=json"])
        .args(["--profile", profile, "--target-dir"])
        .arg(profile_dir.parent().expect("a target directory"))
        .stderr(Stdio::inherit())
        .output()
        .expect("cargo starts");
    assert!(built.status.success(), "the example doesn't build");
    let messages = String::from_utf8(built.stdout).expect("cargo writes UTF-8");
    messages
        .lines()
        .filter_map(executable)
        .next_back()
        .expect("cargo names the executable")
}

/// The executable that one of cargo's JSON messages names, if it does.
fn executable(message: &str) -> Option<PathBuf> {
    let (_, rest) = message.split_once("\"executable\":\"")?;
    let (path, _) = rest.split_once('"')?;
    Some(path.into())
}

/// Kills the child if it still lives long after it should have ended, unless what is returned is
/// dropped before.
pub(crate) fn watch(child: u32) -> mpsc::Sender<()> {
    let (off, called_off) = mpsc::channel();
    thread::spawn(move || {
        if called_off.recv_timeout(HANG) == Err(RecvTimeoutError::Timeout) {
            eprintln!("the child hangs and is killed");
            let _ = Command::new("kill")
                .args(["-KILL", &child.to_string()])
                .status();
        }
    });
    off
}
