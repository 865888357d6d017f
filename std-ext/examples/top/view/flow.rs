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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_exactly_whatever_their_characters_take() {
        for name in ["", "a", "abcdefgh", "部品", "a部品を数える", "\u{301}e"] {
            for width in 0..12 {
                let columns = Span::raw(fit(name, width)).width();
                assert_eq!(columns, width, "{name:?}");
            }
        }
        assert_eq!(fit("abc", 5), "abc  ");
        assert_eq!(fit("abc", 3), "abc");
        assert_eq!(fit("abcd", 3), "ab…");
        // Half of a character is a space.
        assert_eq!(fit("部品部品", 4), "部 …");
    }

    #[test]
    fn lines_take_what_fits() {
        let pieces = |texts: &[&'static str]| texts.iter().map(|&text| vec![text.into()]).collect();
        let lines = |texts: &[&'static str], width| -> Vec<String> {
            let lines = flow(pieces(texts), width, 2);
            lines.iter().map(Line::to_string).collect()
        };
        assert_eq!(lines(&["one", "two", "six"], 13), ["one  two  six"]);
        assert_eq!(lines(&["one", "two", "six"], 12), ["one  two", "  six"]);
        assert_eq!(lines(&["one", "two", "six"], 5), ["one", "  two", "  six"]);
        // What is too long has a line of its own.
        assert_eq!(
            lines(&["one", "longer", "six"], 4),
            ["one", "  longer", "  six"]
        );
        assert_eq!(lines(&[], 4), [""]);
    }
}
