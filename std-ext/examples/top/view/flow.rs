//! Text in whatever width there is.

use ratatui::text::{Line, Span};

/// Puts pieces into lines, as many into each as fit; the lines after the first are set in.
pub(crate) fn flow(
    pieces: Vec<Vec<Span<'static>>>,
    width: usize,
    set_in: usize,
) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    let mut line = Line::default();
    for piece in pieces {
        let needed: usize = piece.iter().map(Span::width).sum();
        if line.width() > set_in && line.width() + 2 + needed > width {
            lines.push(std::mem::take(&mut line));
        }
        if line.width() > set_in {
            line.push_span("  ");
        } else if !lines.is_empty() && line.spans.is_empty() {
            line.push_span(" ".repeat(set_in));
        }
        line.extend(piece);
    }
    lines.push(line);
    lines
}

/// A name in exactly so many columns: cut, or with spaces after it.
pub(crate) fn fit(name: &str, width: usize) -> String {
    let columns = |text: &str| Span::raw(text).width();
    if columns(name) > width {
        let mut cut = String::new();
        for c in name.chars() {
            cut.push(c);
            if columns(&cut) + 1 > width {
                cut.pop();
                break;
            }
        }
        return fit(&cut, width.saturating_sub(1)) + if width > 0 { "…" } else { "" };
    }
    let spaces = " ".repeat(width - columns(name));
    format!("{name}{spaces}")
}
