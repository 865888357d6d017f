//! The terminal: taken for the view, and given back, however it ends.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use ringfence::board::Board;
use signal_hook::consts::{SIGINT, SIGTERM};

use crate::look::Look;
use crate::view::{Scroll, View};

/// How late a signal may be noticed.
const PATIENCE: Duration = Duration::from_millis(100);

/// Shows what is on the board until somebody ends it.
pub(crate) fn show(board: &Board, interval: Duration, panic: bool) -> io::Result<()> {
    let ended = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register(signal, ended.clone())?;
    }
    let _given_back = GiveBack;
    let mut terminal = ratatui::try_init()?;
    run(&mut terminal, board, interval, &ended, panic)
}

struct GiveBack;

impl Drop for GiveBack {
    fn drop(&mut self) {
        // The hook of ratatui has done it before the panic was told; a second time, what is
        // written next would be written over that.
        if !thread::panicking() {
            // If it fails, nothing is left to be done.
            let _ = ratatui::try_restore();
        }
    }
}

fn run(
    terminal: &mut DefaultTerminal,
    board: &Board,
    interval: Duration,
    ended: &AtomicBool,
    panic: bool,
) -> io::Result<()> {
    let mut last = Look::at(board);
    let mut view = View::new(last.since(&last));
    let mut next = Instant::now() + interval;
    while !ended.load(Ordering::Relaxed) {
        terminal.draw(|frame| view.draw(frame.area(), frame.buffer_mut()))?;
        assert!(!panic, "--panic");
        let left = next.saturating_duration_since(Instant::now());
        if event::poll(left.min(PATIENCE))? {
            if let Event::Key(key) = event::read()? {
                match meaning(key) {
                    Some(Order::Quit) => return Ok(()),
                    Some(Order::Pause) => view.is_paused = !view.is_paused,
                    Some(Order::Scroll(to)) => view.scroll(to),
                    None => {}
                }
            }
        }
        if Instant::now() >= next {
            if !view.is_paused {
                let now = Look::at(board);
                view.show(now.since(&last));
                last = now;
            }
            next = Instant::now() + interval;
        }
    }
    Ok(())
}

#[derive(Debug, PartialEq, Eq)]
enum Order {
    Quit,
    Pause,
    Scroll(Scroll),
}

fn meaning(key: KeyEvent) -> Option<Order> {
    if key.kind == KeyEventKind::Release {
        return None;
    }
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    Some(match key.code {
        KeyCode::Char('c') if control => Order::Quit,
        KeyCode::Char('q') | KeyCode::Esc => Order::Quit,
        KeyCode::Char('p') => Order::Pause,
        KeyCode::Up | KeyCode::Char('k') => Order::Scroll(Scroll::Up),
        KeyCode::Down | KeyCode::Char('j') => Order::Scroll(Scroll::Down),
        KeyCode::PageUp => Order::Scroll(Scroll::PageUp),
        KeyCode::PageDown | KeyCode::Char(' ') => Order::Scroll(Scroll::PageDown),
        KeyCode::Home => Order::Scroll(Scroll::Top),
        KeyCode::End => Order::Scroll(Scroll::End),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_do_what_the_help_says() {
        let key = |code| meaning(KeyEvent::new(code, KeyModifiers::NONE));
        let char = |c| key(KeyCode::Char(c));
        for quit in [char('q'), key(KeyCode::Esc)] {
            assert_eq!(quit, Some(Order::Quit));
        }
        let control_c = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
        assert_eq!(meaning(control_c), Some(Order::Quit));
        assert_eq!(char('c'), None);
        assert_eq!(char('p'), Some(Order::Pause));
        for (keys, to) in [
            ([key(KeyCode::Up), char('k')], Scroll::Up),
            ([key(KeyCode::Down), char('j')], Scroll::Down),
        ] {
            assert_eq!(keys, [Some(Order::Scroll(to)), Some(Order::Scroll(to))]);
        }
        let released = KeyEvent {
            kind: KeyEventKind::Release,
            ..KeyEvent::from(KeyCode::Char('q'))
        };
        assert_eq!(meaning(released), None);
    }
}
