//! What Prometheus would see: asks over TCP, and reads the text format strictly.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;

/// One answer: each series as it is written, and its value.
pub(crate) struct Scrape {
    pub(crate) values: BTreeMap<String, f64>,
    /// Of each name.
    kinds: BTreeMap<String, String>,
}

/// Asks for something by HTTP; gives the head and the body.
pub(crate) fn ask(address: &str, request: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).expect("it listens");
    write!(stream, "{request} HTTP/1.0\r\nHost: {address}\r\n\r\n").expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    (head.into(), body.into())
}

impl Scrape {
    /// From a line in which `http://ADDRESS/metrics` stands.
    pub(crate) fn address(line: &str) -> String {
        let (_, rest) = line.split_once("http://").expect("an address");
        let (address, _) = rest.split_once("/metrics").expect("a path");
        address.into()
    }

    pub(crate) fn of(address: &str) -> Self {
        let (head, body) = ask(address, "GET /metrics");
        assert!(
            head.starts_with("HTTP/1.0 200") || head.starts_with("HTTP/1.1 200"),
            "{head}"
        );
        let head = head.to_lowercase();
        assert!(
            head.contains("content-type: text/plain; version=0.0.4"),
            "{head}"
        );
        let scrape = Self::parse(&body);
        scrape.check();
        scrape
    }

    /// Each name has its help and its type before its series, which stand together.
    fn parse(text: &str) -> Self {
        let (mut values, mut kinds) = (BTreeMap::new(), BTreeMap::new());
        let (mut helped, mut current) = (String::new(), String::new());
        for line in text.lines().filter(|line| !line.is_empty()) {
            if let Some(help) = line.strip_prefix("# HELP ") {
                let (name, _) = help.split_once(' ').expect("a help text");
                helped = name.into();
            } else if let Some(kind) = line.strip_prefix("# TYPE ") {
                let (name, kind) = kind.split_once(' ').expect("a type");
                assert_eq!(helped, name, "no help before {line}");
                current = name.into();
                let twice = kinds.insert(name.to_owned(), kind.to_owned());
                assert_eq!(twice, None, "{name} comes twice");
            } else {
                let (series, value) = line.rsplit_once(' ').expect("a value");
                let (name, labels) = series.split_once('{').expect("labels");
                assert_eq!(name, current, "{line} stands elsewhere");
                check_labels(labels.strip_suffix('}').expect("an end of labels"));
                let value = value.parse().expect("a number");
                let twice = values.insert(series.to_owned(), value);
                assert_eq!(twice, None, "{series} comes twice");
            }
        }
        assert!(!values.is_empty(), "nothing in {text}");
        Self { values, kinds }
    }

    /// `name` as it is without `ringfence_`.
    pub(crate) fn value(&self, name: &str, labels: &str) -> f64 {
        let series = format!("ringfence_{name}{{{labels}}}");
        let value = self.values.get(&series);
        *value.unwrap_or_else(|| panic!("no {series} in {:?}", self.values.keys()))
    }

    /// The labels of every channel and edge.
    pub(crate) fn channels(&self) -> impl Iterator<Item = &str> {
        let series = self.values.keys();
        let prefix = "ringfence_channel_offered_total{";
        series.filter_map(move |series| series.strip_prefix(prefix)?.strip_suffix('}'))
    }

    /// The sums hold for every channel and edge.
    fn check(&self) {
        for labels in self.channels() {
            let of = |name: &str| self.value(&format!("channel_{name}"), labels);
            let refused = format!("ringfence_channel_refused_total{{{labels},reason=");
            let reasons = self
                .values
                .iter()
                .filter(|(series, _)| series.starts_with(&refused));
            let refused: Vec<_> = reasons.map(|(_, value)| value).collect();
            assert_eq!(refused.len(), 6, "{labels}: reasons");
            let refused: f64 = refused.into_iter().sum();
            assert_eq!(
                of("offered_total"),
                of("stored_total") + refused,
                "{labels}"
            );
            let kept = ["delivered", "evicted", "expired", "drained"];
            let kept = kept.map(|name| of(&format!("{name}_total")));
            let kept: f64 = kept.iter().sum();
            assert_eq!(of("stored_total"), kept + of("depth"), "{labels}");
            let (depth, capacity) = (of("depth"), of("capacity"));
            assert!(depth <= capacity, "{labels}: {depth} of {capacity}");
        }
    }

    /// No counter is less than it was earlier, and each is still there.
    pub(crate) fn check_since(&self, earlier: &Self) {
        for (series, then) in &earlier.values {
            let (name, _) = series.split_once('{').expect("labels");
            let now = self.values.get(series);
            let now = now.unwrap_or_else(|| panic!("{series} has gone"));
            match &*self.kinds[name] {
                "counter" => assert!(now >= then, "{series}: {then}, then {now}"),
                kind => assert_eq!(kind, "gauge"),
            }
            assert_eq!(name.ends_with("_total"), self.kinds[name] == "counter");
        }
    }
}

fn check_labels(labels: &str) {
    for label in labels.split(',') {
        let (name, value) = label.split_once('=').expect("a value");
        let is_name = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
        assert!(name.bytes().all(is_name), "{label}");
        let value = value
            .strip_prefix('"')
            .and_then(|value| value.strip_suffix('"'));
        assert!(value.is_some_and(|value| !value.is_empty()), "{label}");
    }
}
