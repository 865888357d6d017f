//! What is on screens of several sizes.

use std::time::Duration;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ringfence::board::Board;
use ringfence::pipeline::{Pipeline, Pressure};
use ringfence::{OnFull, Stats};

use super::*;
use crate::look::{ChannelRow, EdgeRow, Look, PipelineRow, StageLoad, StageRow, Weight};
use crate::text::characters;

/// The view on a terminal.
fn draw(view: &mut View, width: u16, height: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal
        .draw(|frame| view.draw(frame.area(), frame.buffer_mut()))
        .unwrap();
    characters(terminal.backend().buffer())
}

/// The line that has this in it.
#[track_caller]
fn line<'a>(screen: &'a str, part: &str) -> &'a str {
    let mut lines = screen.lines();
    lines
        .find(|line| line.contains(part))
        .unwrap_or_else(|| panic!("no {part:?} in\n{screen}"))
}

/// Stats with some of the figures.
fn stats(set: impl FnOnce(&mut Stats)) -> Stats {
    let mut stats = Stats::default();
    set(&mut stats);
    stats
}

fn stage(name: &str, [busy, idle, backpressured]: [u32; 3], edge: Option<Stats>) -> StageRow {
    StageRow {
        name: name.into(),
        received: edge.map(|_| 1500.0),
        sent: Some(1500.0),
        edge: edge.map(|stats| EdgeRow {
            from: None,
            stats,
            sized: None,
            weight: None,
        }),
        load: Some(StageLoad {
            busy,
            idle,
            backpressured,
            pressure: if backpressured > 500 {
                Pressure::High
            } else {
                Pressure::Ok
            },
        }),
        dropped: 0,
    }
}

/// A pipeline whose second stage is slow, and a channel that drops.
fn busy() -> Period {
    let edge = stats(|edge| {
        (edge.depth, edge.high_water, edge.capacity) = (8, 8, 8);
        edge.evicted = 12_345;
    });
    let channel = stats(|channel| {
        (channel.depth, channel.high_water, channel.capacity) = (3, 4, 4);
        (channel.refused_newest, channel.refused_full) = (77, 5);
        (channel.expired, channel.drained) = (6, 9);
        channel.send_blocked = Duration::from_millis(1500);
    });
    let stages = vec![
        stage("read", [200, 0, 800], None),
        stage("parse", [990, 10, 0], Some(edge)),
    ];
    Period {
        length: Duration::from_millis(500),
        pipelines: vec![PipelineRow {
            name: "orders".into(),
            stages,
            bottleneck: Some(1),
        }],
        channels: vec![ChannelRow {
            name: "quotes".into(),
            now: channel,
            peak: 4,
            offered: 1200.0,
            delivered: 400.0,
            lost: 2.0 / 3.0,
            send_blocked: 250.0,
            recv_blocked: 0.0,
        }],
    }
}

#[test]
fn an_edge_shows_by_what_else_it_is_bounded() {
    let mut period = busy();
    let edge = period.pipelines[0].stages[1].edge.as_mut().unwrap();
    edge.sized = Some(5);
    edge.weight = Some(Weight {
        inside: 700,
        high_water: 12_345,
        limit: 20_000,
    });
    let screen = draw(&mut View::new(period), 100, 24);
    line(
        &screen,
        " 8/8  high 8  sized 5  weight 700/20.0k high 12.3k  lost 12.3k",
    );
}

#[test]
fn all_is_on_a_usual_screen() {
    for (width, height) in [(80, 24), (200, 60)] {
        let screen = draw(&mut View::new(busy()), width, height);
        let head = line(&screen, "ringfence-top");
        assert!(head.contains("1 pipeline, 1 channel  the last 0.50 s"));
        let read = line(&screen, "  read");
        assert!(read.contains("  200    0  800 HIGH        -   1.50k"));
        assert!(read.contains("▒▒▒") && !read.contains("bottleneck"));
        let parse = line(&screen, "> parse");
        assert!(parse.contains("  990   10    0 OK      1.50k   1.50k  <- bottleneck"));
        let edge = line(&screen, " 8/8  high 8  lost 12.3k");
        assert!(edge.contains("████████████████ 8/8"));
        let channel = line(&screen, "channel quotes");
        assert!(channel.contains("███░░░░░ 3/4  peak 4  high 4") || width > 80);
        let rates = line(&screen, "  in 1.20k/s  out 400/s  lost 66.7%");
        assert!(rates.contains("refused full 5  refused newest 77") || width < 100);
        assert!(screen.contains("expired 6") && screen.contains("drained 9"));
        assert!(!screen.contains("refused random") && !screen.contains("evicted oldest"));
        line(
            &screen,
            "send blocked 250 ms/s (1.5 s)  recv blocked 0 ms/s (0.0 s)",
        );
        let keys = screen.lines().last().unwrap();
        assert!(keys.starts_with("q quit  p pause  █"), "{screen}");
    }
}

#[test]
fn a_small_screen_scrolls() {
    let mut view = View::new(busy());
    let screen = draw(&mut view, 40, 10);
    assert_eq!(screen.lines().count(), 10);
    let parse = line(&screen, "> parse");
    assert!(parse.ends_with("  990   10    0 OK"), "{screen}");
    assert!(!screen.contains("recv blocked"), "{screen}");
    let rows = view.rows(40).len();
    line(&screen, &format!("rows 1 to 8 of {rows}"));

    view.scroll(Scroll::Down);
    let second = draw(&mut view, 40, 10);
    assert_eq!(second.lines().nth(1), screen.lines().nth(2));
    view.scroll(Scroll::End);
    let end = draw(&mut view, 40, 10);
    line(&end, "recv blocked 0 ms/s (0.0 s)");
    line(&end, &format!("rows {} to {rows} of {rows}", rows - 7));
    view.scroll(Scroll::Down);
    assert_eq!(draw(&mut view, 40, 10), end);
    view.scroll(Scroll::PageUp);
    view.scroll(Scroll::Up);
    draw(&mut view, 40, 10);
    for to in [Scroll::PageUp, Scroll::PageUp, Scroll::Up, Scroll::Top] {
        view.scroll(to);
    }
    assert_eq!(draw(&mut view, 40, 10), screen);
    view.scroll(Scroll::PageDown);
    assert!(draw(&mut view, 40, 10).contains(&format!("of {rows}")));
}

#[test]
fn no_screen_is_too_small() {
    assert_eq!(draw(&mut View::new(busy()), 1, 1), "r\n");
    for width in 0..50 {
        for height in 0..12 {
            let mut view = View::new(busy());
            view.scroll(Scroll::PageDown);
            let screen = draw(&mut view, width, height);
            assert!(screen.lines().count() <= usize::from(height));
        }
    }
}

#[test]
fn names_of_any_length_and_script_keep_columns_straight() {
    let mut period = busy();
    period.pipelines[0].stages[0].name = "a name that is much too long for a column".into();
    period.pipelines[0].stages[1].name = "部品を数える".into();
    period.pipelines[0].name = String::new();
    period.channels[0].name = "線路".repeat(99);
    let screen = draw(&mut View::new(period), 80, 30);
    line(&screen, "  a name that is much…");
    let parse = line(&screen, "部品を数える");
    assert!(parse.contains("> 部品を数える         "), "{screen}");
    assert!(parse.ends_with("<- bottleneck"), "{screen}");
    line(&screen, "channel 線路線路");
}

#[test]
fn what_did_not_run_or_is_elsewhere_or_dropped_says_so() {
    let mut period = busy();
    let stage = &mut period.pipelines[0].stages[1];
    stage.load = None;
    stage.dropped = 3;
    let edge = stage.edge.as_mut().unwrap();
    edge.from = Some("here, there".into());
    edge.stats.drained = 2;
    let screen = draw(&mut View::new(period), 80, 24);
    assert!(line(&screen, "parse").contains("    -    -    - "));
    assert!(line(&screen, "8/8").ends_with("lost 12.3k  drained 2  from here, there"));
    line(&screen, "dropped in hand 3");
}

#[test]
fn a_pause_is_seen_and_an_empty_board_too() {
    let mut view = View::new(Look::at(&Board::new()).since(&Look::at(&Board::new())));
    let screen = draw(&mut view, 80, 24);
    assert!(!screen.contains("PAUSED"));
    line(&screen, "nothing is on the board");
    view.is_paused = true;
    assert!(line(&draw(&mut view, 80, 24), "ringfence-top").ends_with("PAUSED"));
}

/// Not made up, but of a channel that was filled.
#[test]
fn a_real_channel_is_shown_as_it_stands() {
    let board = Board::new();
    let (mut tx, mut rx) = ringfence::channel(4).on_full(OnFull::DropOldest).build();
    board.channel("quotes", rx.monitor());
    for n in 0..7 {
        let _ = tx.send(n).unwrap();
    }
    assert_eq!(rx.recv(), Ok(3));
    let now = Look::at(&board);
    let screen = draw(&mut View::new(now.since(&now)), 80, 24);
    let depth = line(&screen, "channel quotes");
    assert!(
        depth.ends_with("███████████████░░░░░ 3/4  peak 4  high 4"),
        "{screen}"
    );
    assert!(
        line(&screen, "lost").contains("evicted oldest 3"),
        "{screen}"
    );
}

/// The sink waits for a channel that nobody empties, so it is busy, and all before it wait.
#[test]
fn a_stage_that_is_held_up_is_the_bottleneck() {
    let board = Board::new();
    let (mut tx, rx) = ringfence::bounded(1);
    let running = Pipeline::source("read", 0..)
        .stage("pass", |n| n)
        .capacity(2)
        .sink("held", move |n: u64| {
            // When the test is over, it fails.
            let _ = tx.send(n);
        })
        .capacity(2)
        .start();
    // So that it goes before the pipeline does, which waits for the sink, if this fails.
    let rx = rx;
    board.pipeline("line", running.handle());
    let first = Look::at(&board);
    // The longer it lasts, the more of the time all have stood still.
    let period = loop {
        let period = Look::at(&board).since(&first);
        let edges = period.pipelines[0]
            .stages
            .iter()
            .flat_map(|stage| &stage.edge);
        let are_full = edges.clone().all(|edge| edge.stats.depth == 2);
        if are_full && period.pipelines[0].bottleneck.is_some() {
            break period;
        }
        std::thread::yield_now();
    };
    let screen = draw(&mut View::new(period), 80, 24);
    let held = line(&screen, "> held");
    assert!(held.ends_with("<- bottleneck"), "{screen}");
    assert!(held.contains(" OK "), "{screen}");
    assert_eq!(
        screen.matches(" 2/2  high 2  lost 0").count(),
        2,
        "{screen}"
    );
    assert!(!line(&screen, "  read").contains(" OK "), "{screen}");
    running.handle().cancel();
    drop(rx);
    running.join().unwrap();
}
