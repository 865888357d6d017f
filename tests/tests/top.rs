//! The `ringfence-top` example as a child process: what its frames say, and that a terminal is
//! given back, however it ends.
//!
//! Nothing here sleeps or measures time. A test waits for what it can see, and a watchdog turns a
//! hang into a failure.

#![cfg(all(unix, not(miri), not(ringfence_loom)))]

use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

/// Far beyond what any of these children needs: a child that lives so long hangs.
const HANG: Duration = Duration::from_secs(120);

/// Builds the example where, and as, this test was built, and says where it is.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        // .../<target>/<profile>/deps/<this test>
        let this = std::env::current_exe().expect("path of the test");
        let profile_dir = this.ancestors().nth(2).expect("a profile's directory");
        let profile = match profile_dir.file_name().and_then(OsStr::to_str) {
            Some("debug") => "dev",
            name => name.expect("a profile's directory has a name"),
        };
        let built = Command::new(env!("CARGO"))
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .args(["build", "-q", "-p", "ringfence", "--example"])
            .args(["ringfence-top", "--message-format=json"])
            .args(["--profile", profile, "--target-dir"])
            .arg(profile_dir.parent().expect("a target directory"))
            .stderr(Stdio::inherit())
            .output()
            .expect("cargo starts");
        assert!(built.status.success(), "the example doesn't build");
        let messages = String::from_utf8(built.stdout).expect("cargo writes UTF-8");
        let mut executables = messages.lines().filter_map(|message| {
            let (_, rest) = message.split_once("\"executable\":\"")?;
            Some(PathBuf::from(rest.split_once('"')?.0))
        });
        executables.next_back().expect("cargo names the executable")
    })
}

/// Runs it without a terminal, up to its end.
fn top(arguments: &[&str]) -> Output {
    let child = Command::new(program())
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the example starts");
    let _watched = watch(&child);
    child.wait_with_output().expect("it ends")
}

/// Kills the child if it still lives long after it should have ended.
fn watch(child: &Child) -> mpsc::Sender<()> {
    let (off, called_off) = mpsc::channel();
    let id = child.id().to_string();
    thread::spawn(move || {
        if called_off.recv_timeout(HANG) == Err(RecvTimeoutError::Timeout) {
            eprintln!("the child hangs and is killed");
            let _ = Command::new("kill").args(["-KILL", &id]).status();
        }
    });
    off
}

/// The line of a frame that begins so.
#[track_caller]
fn line<'a>(frame: &'a str, start: &str) -> &'a str {
    let mut lines = frame.lines();
    lines
        .find(|line| line.starts_with(start))
        .unwrap_or_else(|| panic!("no {start:?} in\n{frame}"))
}

#[test]
fn once_is_one_frame_of_text() {
    let size = ["--width", "90", "--capacity", "5"];
    let channels = ["--channels", "drop-oldest,block,drop-random"];
    let once = ["--once", "--interval", "0.05"];
    let ended = top(&[&once[..], &size, &channels].concat());
    let frame = String::from_utf8(ended.stdout).expect("UTF-8");
    let errors = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(0), "{errors}");
    assert_eq!(errors, "");
    let head = line(&frame, "ringfence-top  1 pipeline, 3 channels  the last ");
    assert!(frame.starts_with(head), "{frame}");
    assert!(!frame.contains('\x1b'), "{frame}");
    assert!(frame.lines().all(|line| line.chars().count() <= 90));

    let names = ["read", "fold", "hash", "count", "sum"];
    let mut places = names.map(|name| {
        let of_it = |line: &str| line.get(2..).is_some_and(|line| line.starts_with(name));
        let mut lines = frame.lines();
        lines
            .position(of_it)
            .unwrap_or_else(|| panic!("no {name} in\n{frame}"))
    });
    assert!(places.is_sorted(), "{frame}");
    // Each but the first has its edge above it.
    for place in &mut places[1..] {
        let edge = frame.lines().nth(*place - 1).expect("a line");
        assert!(edge.contains("/8  high "), "{frame}");
        assert!(edge.ends_with("  lost 0"), "{frame}");
    }
    for channel in ["block", "drop-oldest", "drop-random"] {
        let of_it = line(&frame, &format!("channel {channel} "));
        assert!(of_it.contains("/5  peak "), "{frame}");
    }
    assert_eq!(frame.matches("\n  in ").count(), 3, "{frame}");
    assert_eq!(frame.matches("\n  send blocked ").count(), 3, "{frame}");
}

/// Frames come until all is seen that must be, sooner or later. Who reads no more ends it.
#[test]
fn frames_show_the_bottleneck_and_what_overload_does() {
    let mut child = Command::new(program())
        .args(["--frames", "4000000000", "--interval", "0.1"])
        .args(["--slow", "hash", "--times", "1000"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the example starts");
    let watched = watch(&child);
    let stdout = child.stdout.take().expect("stdout is piped");
    let (mut slow, mut full, mut newest, mut oldest) = (false, false, false, false);
    let mut channel = String::new();
    let mut frames = 0;
    for line in BufReader::new(stdout).lines() {
        let line = line.expect("UTF-8");
        frames += usize::from(line.starts_with("ringfence-top"));
        if let Some((name, _)) = line
            .strip_prefix("channel ")
            .and_then(|rest| rest.split_once(' '))
        {
            channel = name.into();
        }
        if line.starts_with("> ") {
            slow |= line.starts_with("> hash ") && line.ends_with("  <- bottleneck");
        }
        let loses = !line.contains("lost 0.0%");
        match &*channel {
            "block" => {
                full |= line.contains("████ 64/64  peak 64  high 64");
                assert!(
                    !line.contains("lost") || line.ends_with("  lost 0.0%"),
                    "{line}"
                );
            }
            "drop-newest" => newest |= loses && line.contains("%  refused newest "),
            "drop-oldest" => oldest |= loses && line.contains("%  evicted oldest "),
            _ => {}
        }
        if slow && full && newest && oldest && frames > 1 {
            break;
        }
    }
    // Now stdout is closed.
    assert!(slow && full && newest && oldest && frames > 1);
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
    drop(watched);
}

#[test]
fn without_a_terminal_it_says_what_to_do() {
    let ended = top(&[]);
    assert_eq!(ended.status.code(), Some(2));
    assert_eq!(ended.stdout, b"");
    let errors = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(
        errors,
        "ringfence-top: stdout is no terminal: --once or --frames N prints text\n"
    );
}

#[test]
fn wrong_arguments_and_files_are_errors() {
    for arguments in [
        ["--once", "--frames", "2"],
        ["--once", "--interval", "0"],
        ["--once", "--capacity", "0"],
        ["--once", "--rate", "nan"],
        ["--once", "--channels", "hope"],
        ["--once", "--width", "0"],
    ] {
        let ended = top(&arguments);
        assert_eq!(ended.status.code(), Some(2), "{arguments:?}");
        assert_eq!(ended.stdout, b"");
    }
    let ended = top(&["--once", "no/such/file"]);
    assert_eq!(ended.status.code(), Some(1));
    let errors = String::from_utf8_lossy(&ended.stderr);
    assert!(
        errors.starts_with("ringfence-top: no/such/file: "),
        "{errors}"
    );
}

/// On a terminal of its own.
#[cfg(target_os = "linux")]
mod terminal {
    use super::*;
    use std::fs::{File, OpenOptions};
    use std::io::{Read, Write};
    use std::os::fd::AsFd;

    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};

    const TAKEN: &str = "\x1b[?1049h";
    const GIVEN_BACK: &str = "\x1b[?1049l";
    const CURSOR: &str = "\x1b[?25h";
    const NO_CURSOR: &str = "\x1b[?25l";

    struct Terminal {
        /// What a person sees and types.
        person: File,
        seen: Vec<u8>,
        /// How much of it was waited for.
        waited_for: usize,
        child: Child,
        _watched: mpsc::Sender<()>,
    }

    impl Terminal {
        fn start(arguments: &[&str]) -> Self {
            let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY;
            let person = openpt(flags).expect("a terminal");
            grantpt(&person).expect("it is ours");
            unlockpt(&person).expect("it opens");
            let size = Winsize {
                ws_row: 24,
                ws_col: 80,
                ws_xpixel: 0,
                ws_ypixel: 0,
            };
            tcsetwinsize(&person, size).expect("it has a size");
            assert!(!is_raw(&person));
            let path = ptsname(&person, Vec::new()).expect("it has a name");
            let path = path.to_str().expect("UTF-8");
            let screen = OpenOptions::new().read(true).write(true).open(path);
            let screen = screen.expect("it opens");
            let stream = || Stdio::from(screen.try_clone().expect("another handle"));
            let child = Command::new(program())
                .args(arguments)
                .stdin(stream())
                .stdout(stream())
                .stderr(stream())
                .spawn()
                .expect("the example starts");
            Self {
                person: person.into(),
                seen: Vec::new(),
                waited_for: 0,
                _watched: watch(&child),
                child,
            }
        }

        /// Reads on until this comes, after what was waited for before.
        #[track_caller]
        fn wait_for(&mut self, text: &str) {
            loop {
                let new = &self.seen[self.waited_for..];
                let mut windows = new.windows(text.len());
                if let Some(at) = windows.position(|window| window == text.as_bytes()) {
                    self.waited_for += at + text.len();
                    return;
                }
                let mut bytes = [0; 4096];
                // It fails when the child has ended.
                let n = self.person.read(&mut bytes).unwrap_or(0);
                assert!(n > 0, "no {text:?} in {:?}", String::from_utf8_lossy(new));
                self.seen.extend_from_slice(&bytes[..n]);
            }
        }

        fn types(&mut self, keys: &str) {
            self.person.write_all(keys.as_bytes()).expect("it is there");
        }

        /// Waits for the end, at which the terminal must be as it was.
        #[track_caller]
        fn end(mut self, code: i32) -> String {
            let _no_more = self.person.read_to_end(&mut self.seen);
            let seen = String::from_utf8(self.seen).expect("UTF-8");
            let ended = self.child.wait().expect("it ends");
            assert_eq!(ended.code(), Some(code), "{seen:?}");
            assert!(!is_raw(&self.person), "{seen:?}");
            assert_eq!(seen.matches(GIVEN_BACK).count(), 1, "{seen:?}");
            assert!(seen.rfind(CURSOR) > seen.rfind(NO_CURSOR), "{seen:?}");
            seen
        }
    }

    /// Whether keys come as they are typed, and are not shown.
    fn is_raw(terminal: impl AsFd) -> bool {
        let modes = tcgetattr(terminal).expect("it is there").local_modes;
        !modes.intersects(LocalModes::ICANON | LocalModes::ECHO)
    }

    #[test]
    fn keys_end_it_and_give_it_back() {
        for quit in ["q", "\x1b", "\x03"] {
            let mut terminal = Terminal::start(&["--interval", "0.05"]);
            terminal.wait_for(TAKEN);
            terminal.wait_for("q quit");
            assert!(is_raw(&terminal.person));
            terminal.types(quit);
            terminal.end(0);
        }
    }

    #[test]
    fn it_pauses() {
        let mut terminal = Terminal::start(&["--interval", "0.05"]);
        terminal.wait_for("q quit");
        terminal.types("p");
        terminal.wait_for("PAUSED");
        terminal.types("q");
        terminal.end(0);
    }

    #[test]
    fn a_signal_ends_it_and_gives_it_back() {
        let mut terminal = Terminal::start(&["--interval", "60"]);
        terminal.wait_for("q quit");
        let id = terminal.child.id().to_string();
        let kill = Command::new("kill").args(["-TERM", &id]).status();
        assert!(kill.expect("kill starts").success());
        terminal.end(0);
    }

    #[test]
    fn a_panic_gives_it_back_before_it_is_told() {
        let terminal = Terminal::start(&["--panic"]);
        let seen = terminal.end(101);
        let (_, after) = seen.split_once(GIVEN_BACK).expect("it was seen");
        assert!(after.contains("--panic"), "{seen:?}");
    }
}
