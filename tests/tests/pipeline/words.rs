//! A word count, and what policies lose, exactly.

use super::*;

/// The text of this repository's tests and channels, again and again.
fn text(bytes: usize) -> String {
    let mut text = String::new();
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    for folder in ["tests", "../std-ext/src", "../core/src"] {
        for entry in std::fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                text += &std::fs::read_to_string(path).unwrap();
            }
        }
    }
    text.repeat(bytes.div_ceil(text.len()))
}

type Words = HashMap<String, u64>;

fn count(text: &str, words: &mut Words) {
    for word in text.split_whitespace() {
        match words.get_mut(word) {
            Some(n) => *n += 1,
            None => drop(words.insert(word.to_string(), 1)),
        }
    }
}

#[test]
fn words_are_counted_as_by_one_thread() {
    let text = text(20_000_000);
    let mut expected = Words::new();
    count(&text.to_ascii_lowercase(), &mut expected);

    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let blocks: Vec<String> = lines.chunks(1000).map(|lines| lines.concat()).collect();
    let counted: Arc<Mutex<Words>> = Arc::default();
    let sum = counted.clone();
    let report = Pipeline::source("read", blocks)
        .stage("fold", |block: String| block.to_ascii_lowercase())
        .parallel(2)
        .capacity(4)
        .stage("count", |block: String| {
            let mut words = Words::new();
            count(&block, &mut words);
            words
        })
        .parallel(2)
        .capacity(4)
        .sink("sum", move |words: Words| {
            let mut sum = sum.lock().unwrap();
            for (word, n) in words {
                *sum.entry(word).or_default() += n;
            }
        })
        .capacity(4)
        .run()
        .unwrap();
    assert_exact(&report.total);
    assert!(*counted.lock().unwrap() == expected);
}

#[test]
fn loss_of_each_policy_is_exactly_accounted() {
    let text = text(2_000_000);
    let lines: Vec<String> = text.lines().map(String::from).collect();
    let given = lines.len() as u64;
    let early = EarlyDrop::new(2, 8, 0.5).unwrap();
    for on_full in [
        OnFull::Block,
        OnFull::DropNewest,
        OnFull::DropOldest,
        OnFull::DropRandom(early),
    ] {
        let words = Arc::new(AtomicU64::new(0));
        let sum = words.clone();
        let report = Pipeline::source("read", lines.clone())
            .stage("count", |line: String| {
                line.split_whitespace().count() as u64
            })
            .parallel(2)
            .capacity(8)
            .on_full(on_full)
            .batch(4)
            .stage("same", |n| n)
            .capacity(8)
            .on_full(on_full)
            .sink("sum", move |n| {
                sum.fetch_add(n, SeqCst);
            })
            .run()
            .unwrap();
        let all = &report.total;
        assert_exact(all);
        assert!(all.stages.iter().all(|stage| stage.dropped == 0));
        let lost = |name| all.edge_to(name).unwrap().stats.lost();
        let received = |name| all.stage(name).unwrap().received;
        assert_eq!(all.stage("read").unwrap().sent, given);
        assert_eq!(received("count") + lost("count"), given, "{on_full:?}");
        assert_eq!(received("sum") + lost("same") + lost("count"), given);
        if on_full == OnFull::Block {
            assert_eq!(words.load(SeqCst), text.split_whitespace().count() as u64);
        }
    }
}
