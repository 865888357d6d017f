//! Frames as text, for who has no terminal.

use std::io::{self, Write, stdout};
use std::thread;
use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Text};
use ratatui::widgets::Widget;
use ringfence::board::Board;

use crate::look::Look;
use crate::view::View;

/// Prints so many frames. What happened before the first look, when the work had just begun, is
/// in none.
pub(crate) fn print(board: &Board, interval: Duration, frames: u32, width: u16) -> io::Result<()> {
    thread::sleep(interval);
    let mut before = Look::at(board);
    for frame in 0..frames {
        thread::sleep(interval);
        let now = Look::at(board);
        let text = lines(&View::new(now.since(&before)), width);
        let gap = if frame == 0 { "" } else { "\n" };
        match write!(stdout(), "{gap}{text}").and_then(|()| stdout().flush()) {
            // Whoever read it has seen enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
            written => written?,
        }
        before = now;
    }
    Ok(())
}

/// All rows, without spaces at their ends.
fn lines(view: &View, width: u16) -> String {
    let lines = view.lines(width.into());
    let height = u16::try_from(lines.len()).unwrap_or(u16::MAX);
    let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
    Text::from(lines).render(buffer.area, &mut buffer);
    characters(&buffer)
}

/// What is in a buffer, a line for each row.
pub(crate) fn characters(buffer: &Buffer) -> String {
    let rows = buffer.content.chunks(usize::from(buffer.area.width).max(1));
    let line = |row: &[ratatui::buffer::Cell]| {
        let mut line = String::new();
        // A wide character covers the cells after it.
        let mut covered = 0;
        for cell in row {
            if covered == 0 {
                line += cell.symbol();
                covered = Line::raw(cell.symbol()).width();
            }
            covered = covered.saturating_sub(1);
        }
        format!("{}\n", line.trim_end())
    };
    rows.map(line).collect()
}
