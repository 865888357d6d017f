//! Says what the benchmarks ran on.

use std::fs;

/// The crates beside which ours runs.
const PEERS: [&str; 13] = [
    "rtrb",
    "ringbuf",
    "heapless",
    "crossbeam-channel",
    "crossbeam-queue",
    "crossfire",
    "concurrent-queue",
    "kanal",
    "flume",
    "thingbuf",
    "async-channel",
    "tokio",
    "async-executor",
];

/// Which versions were built, a line for each crate.
const LOCK: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.lock"));

/// A few lines on the processor, the system and the software.
pub fn describe() -> String {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let guest = if field(&cpuinfo, "flags", ':').is_some_and(|flags| flags.contains("hypervisor")) {
        ", virtual machine"
    } else {
        ""
    };
    let cpu = field(&cpuinfo, "model name", ':').unwrap_or("unknown");
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let system = field(&release, "PRETTY_NAME", '=').unwrap_or(std::env::consts::OS);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let peers = PEERS.map(|name| format!("{name} {}", version(name).unwrap_or("?")));
    format!(
        "cpu    {cpu}, {cores} cores{guest}\n\
         system {}, kernel {}\n\
         built  {}\n\
         peers  {}\n",
        system.trim_matches('"'),
        kernel.trim(),
        env!("BUILT_BY"),
        peers.join(", "),
    )
}

/// The value of the first line that starts with `key`.
fn field<'a>(text: &'a str, key: &str, separator: char) -> Option<&'a str> {
    let line = text.lines().find(|line| line.starts_with(key))?;
    Some(line.split_once(separator)?.1.trim())
}

/// The version of a crate in the lock file, the last if there are several.
fn version(name: &str) -> Option<&'static str> {
    let (_, rest) = LOCK.rsplit_once(&format!("name = \"{name}\"\n"))?;
    Some(field(rest, "version", '=')?.trim_matches('"'))
}
