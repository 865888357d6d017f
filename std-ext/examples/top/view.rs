//! What is on the screen: a head, rows for everything that is on the board, and the keys.

mod channel;
mod flow;
mod pipeline;
#[cfg(test)]
mod tests;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Stylize;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Widget};

use crate::look::Period;

/// Rows that a screen must have for the keys to be named.
const ROWS_WITH_KEYS: u16 = 6;

/// What is shown, and which part of it.
pub(crate) struct View {
    period: Period,
    pub(crate) is_paused: bool,
    /// The first of the rows that is shown.
    top: usize,
    /// How many could be shown, when they last were.
    page: usize,
}

/// Where to scroll to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scroll {
    Up,
    Down,
    PageUp,
    PageDown,
    Top,
    End,
}

impl View {
    pub(crate) fn new(period: Period) -> Self {
        Self {
            period,
            is_paused: false,
            top: 0,
            page: 0,
        }
    }

    pub(crate) fn show(&mut self, period: Period) {
        self.period = period;
    }

    /// What is beyond the end is set right when it is drawn.
    pub(crate) fn scroll(&mut self, to: Scroll) {
        let page = self.page.max(1);
        self.top = match to {
            Scroll::Up => self.top.saturating_sub(1),
            Scroll::Down => self.top.saturating_add(1),
            Scroll::PageUp => self.top.saturating_sub(page),
            Scroll::PageDown => self.top.saturating_add(page),
            Scroll::Top => 0,
            Scroll::End => usize::MAX,
        };
    }

    /// Draws it for a terminal, of whatever size.
    pub(crate) fn draw(&mut self, area: Rect, buffer: &mut Buffer) {
        let [head, rest] = split(area, 1);
        Paragraph::new(self.head()).render(head, buffer);
        let has_keys = area.height >= ROWS_WITH_KEYS;
        let [body, foot] = split(rest, rest.height - u16::from(has_keys));

        let rows = self.rows(area.width.into());
        self.page = body.height.into();
        self.top = self.top.min(rows.len().saturating_sub(self.page));
        let shown = rows.iter().skip(self.top).take(self.page);
        let keys = self.keys(rows.len());
        Paragraph::new(shown.cloned().collect::<Vec<_>>()).render(body, buffer);
        Paragraph::new(keys).render(foot, buffer);
    }

    /// All of it, for so many columns.
    pub(crate) fn lines(&self, width: usize) -> Vec<Line<'static>> {
        let mut lines = vec![self.head()];
        lines.extend(self.rows(width));
        lines
    }

    fn head(&self) -> Line<'static> {
        let pipelines = several(self.period.pipelines.len(), "pipeline");
        let channels = several(self.period.channels.len(), "channel");
        let seconds = self.period.length.as_secs_f64();
        let held = if self.is_paused { "  PAUSED" } else { "" };
        Line::from(vec![
            Span::from("ringfence-top").bold(),
            format!("  {pipelines}, {channels}  the last {seconds:.2} s").into(),
            Span::from(held).yellow().bold(),
        ])
    }

    fn rows(&self, width: usize) -> Vec<Line<'static>> {
        let pipelines = self.period.pipelines.iter();
        let pipelines = pipelines.map(|row| pipeline::lines(row, width));
        let channels = self.period.channels.iter();
        let channels = channels.map(|row| channel::lines(row, width));
        let all: Vec<_> = pipelines.chain(channels).collect();
        if all.is_empty() {
            return vec!["nothing is on the board".into()];
        }
        all.join(&Line::default())
    }

    fn keys(&self, rows: usize) -> Line<'static> {
        let last = (self.top + self.page).min(rows);
        let hidden = if self.page < rows {
            format!("  rows {} to {last} of {rows}", self.top + 1)
        } else {
            String::new()
        };
        Line::from(format!(
            "q quit  p pause{hidden}  █ depth ░ high-water · room"
        ))
        .dim()
    }
}

/// The first rows, and the others.
fn split(area: Rect, rows: u16) -> [Rect; 2] {
    let rows = rows.min(area.height);
    let first = Rect {
        height: rows,
        ..area
    };
    let others = Rect {
        y: area.y + rows,
        height: area.height - rows,
        ..area
    };
    [first, others]
}

fn several(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}
