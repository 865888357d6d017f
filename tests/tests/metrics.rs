//! The `prometheus` example as a child process, asked as Prometheus would.

#![cfg(all(unix, not(miri), not(ringfence_loom)))]

#[path = "common/example.rs"]
mod example;
#[path = "common/scrape.rs"]
mod scrape;

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;

use self::scrape::{Scrape, ask};

struct Running {
    child: Child,
    address: String,
    /// Dropped at the end, which calls the watchdog off.
    _watched: mpsc::Sender<()>,
}

impl Running {
    fn start() -> Self {
        let mut child = Command::new(example::build("prometheus", "metrics"))
            .arg("0")
            .stdout(Stdio::piped())
            .spawn()
            .expect("the example starts");
        let _watched = example::watch(child.id());
        let mut line = String::new();
        let stdout = child.stdout.take().expect("stdout is piped");
        BufReader::new(stdout).read_line(&mut line).expect("UTF-8");
        let address = Scrape::address(&line);
        Self {
            child,
            address,
            _watched,
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It works until it is ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_scrape_is_exact_and_counters_never_go_back() {
    let running = Running::start();
    assert!(
        running.address.starts_with("127.0.0.1:"),
        "{}",
        running.address
    );
    let mut last = Scrape::of(&running.address);
    assert_eq!(last.channels().count(), 3);
    let primes = "channel=\"primes\"";
    let has_dropped = |scrape: &Scrape| scrape.value("channel_evicted_total", primes) > 0.0;
    let mut scrapes = 0;
    while scrapes < 20 || !has_dropped(&last) {
        let now = Scrape::of(&running.address);
        now.check_since(&last);
        last = now;
        scrapes += 1;
        std::thread::yield_now();
    }
    let of_stage = |name: &str, stage: &str| {
        let labels = format!("pipeline=\"factoring\",stage=\"{stage}\"");
        last.value(name, &labels)
    };
    assert!(of_stage("stage_sent_total", "count") > 0.0);
    assert!(of_stage("stage_received_total", "sort out") > 0.0);
    assert_eq!(of_stage("channel_capacity", "factor"), 256.0);
    assert_eq!(last.value("channel_capacity", primes), 64.0);
    for stage in ["count", "factor", "sort out"] {
        let share = |state: &str| {
            let labels = format!("pipeline=\"factoring\",stage=\"{stage}\",state=\"{state}\"");
            last.value("stage_milliseconds_per_second", &labels)
        };
        assert_eq!(
            share("busy") + share("idle") + share("backpressured"),
            1000.0
        );
    }
}

#[test]
fn only_metrics_are_there_and_only_to_be_read() {
    let running = Running::start();
    for (request, code) in [
        ("GET /", "404"),
        ("GET /metrics/more", "404"),
        ("POST /metrics", "405"),
        ("DELETE /", "405"),
        ("HEAD /metrics", "200"),
    ] {
        let (head, body) = ask(&running.address, request);
        assert_eq!(head.split(' ').nth(1), Some(code), "{request}: {head}");
        assert_eq!(body.is_empty(), code == "200", "{request}: {body}");
    }
    Scrape::of(&running.address);
}
