//! Bars of blocks, that say the same without colours. Pure.

use ratatui::style::{Color, Style, Stylize};
use ratatui::text::Span;

/// How full something is: what is inside, how far it once was, room.
pub(crate) fn depth(
    depth: u64,
    high_water: u64,
    capacity: u64,
    cells: usize,
) -> Vec<Span<'static>> {
    let full = filled(depth, capacity, cells);
    let once = filled(high_water.max(depth), capacity, cells) - full;
    let color = match full {
        _ if depth >= capacity => Color::Red,
        _ if full * 2 > cells => Color::Yellow,
        _ => Color::Green,
    };
    vec![
        Span::styled("█".repeat(full), color),
        Span::styled("░".repeat(once), color),
        Span::from("·".repeat(cells - full - once)).dim(),
    ]
}

/// How many cells are filled: some if there is anything, all only if there is no room.
fn filled(part: u64, of: u64, cells: usize) -> usize {
    if part == 0 || cells == 0 {
        return 0;
    }
    if part >= of {
        return cells;
    }
    let share = part as f64 / of as f64;
    let most = (cells - 1).max(1);
    ((share * cells as f64).round() as usize).clamp(1, most)
}

/// How a second is spent: so many milliseconds at work, so many waiting for room, the rest
/// waiting for records.
pub(crate) fn load(busy: u32, backpressured: u32, cells: usize) -> Vec<Span<'static>> {
    let cell = |millis: u32| (millis.min(1000) as usize * cells + 500) / 1000;
    let (worked, waited) = (cell(busy), cell(busy + backpressured));
    vec![
        Span::styled("█".repeat(worked), Color::Green),
        Span::styled("▒".repeat(waited - worked), Color::Red),
        Span::styled("·".repeat(cells - waited), Style::new().dim()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bar: Vec<Span<'_>>) -> String {
        bar.iter().map(|span| span.content.as_ref()).collect()
    }

    #[test]
    fn depth_is_to_scale() {
        assert_eq!(text(depth(3, 3, 4, 8)), "██████··");
        assert_eq!(text(depth(1, 3, 4, 8)), "██░░░░··");
        assert_eq!(text(depth(0, 4, 4, 8)), "░░░░░░░░");
        assert_eq!(text(depth(4, 4, 4, 8)), "████████");
    }

    #[test]
    fn little_is_not_nothing_and_nearly_full_is_not_full() {
        assert_eq!(text(depth(0, 0, 1000, 4)), "····");
        assert_eq!(text(depth(1, 1, 1000, 4)), "█···");
        assert_eq!(text(depth(999, 999, 1000, 4)), "███·");
    }

    #[test]
    fn any_figures_fill_the_bar_exactly() {
        for cells in [0, 1, 2, 7] {
            for part in [0, 1, 5, u64::MAX] {
                for capacity in [0, 1, 9, u64::MAX] {
                    let bar = text(depth(part, part / 2, capacity, cells));
                    assert_eq!(bar.chars().count(), cells, "{part} of {capacity}");
                }
            }
            for (busy, room) in [(0, 0), (1000, 0), (333, 333), (1, 999)] {
                assert_eq!(text(load(busy, room, cells)).chars().count(), cells);
            }
        }
    }

    #[test]
    fn a_load_is_to_scale() {
        assert_eq!(text(load(500, 250, 8)), "████▒▒··");
        assert_eq!(text(load(0, 1000, 8)), "▒▒▒▒▒▒▒▒");
        assert_eq!(text(load(0, 0, 8)), "········");
    }
}
