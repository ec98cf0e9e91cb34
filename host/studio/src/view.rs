//! Everything on the screen: tabs, tree, text, pane, bottom line.

mod highlight;
mod text;

pub use highlight::{Language, inks};

use crate::buffer::Disk;
use crate::grid::{Area, Grid, Ink};
use crate::list;
use crate::studio::{Focus, Studio};

/// Columns of the tree.
const TREE_COLUMNS: usize = 26;

/// Rows of a message, at most.
const MESSAGE_ROWS: usize = 4;

/// Draws the studio.
pub fn draw(studio: &mut Studio, grid: &mut Grid) {
    let (width, height) = grid.size();
    grid.clear(width, height);
    if height < 3 || width < 10 {
        return;
    }
    tabs(studio, grid, Area::new(0, 0, width, 1));
    let body = Area::new(0, 1, width, height - 2);
    let tree_columns = if studio.tree.is_some() { TREE_COLUMNS.min(width / 3) } else { 0 };
    let pane_columns = if studio.panes.shown().is_some() { pane_columns(studio, width - tree_columns) } else { 0 };
    tree(studio, grid, Area { width: tree_columns, ..body });
    let text_columns = width - tree_columns - pane_columns;
    text::draw(studio, grid, Area { x: tree_columns, width: text_columns, ..body });
    pane(studio, grid, Area { x: tree_columns + text_columns, width: pane_columns, ..body });
    bottom(studio, grid, Area::new(0, height - 1, width, 1));
}

/// Columns of the pane: what is compared side by side, drawn over time or a table gets more.
fn pane_columns(studio: &Studio, width: usize) -> usize {
    use crate::panes::PaneKind;
    match studio.panes.shown() {
        Some(PaneKind::Agent | PaneKind::Waves | PaneKind::Document | PaneKind::Boards | PaneKind::Search | PaneKind::Stack) => {
            width * 3 / 5
        }
        Some(PaneKind::Help) => (width * 2 / 5).max(width.min(crate::panes::keys::help_columns() + 2)),
        _ => width * 2 / 5,
    }
}

fn tabs(studio: &Studio, grid: &mut Grid, area: Area) {
    grid.fill(area, Ink::Panel);
    let mut x = 0;
    for (index, buffer) in studio.buffers().iter().enumerate() {
        let mark = match (buffer.disk, buffer.is_dirty()) {
            (Disk::Conflict, _) => "!",
            (_, true) => "\u{25cf}",
            _ => " ",
        };
        let name = String::from_utf8_lossy(buffer.path.name()).into_owned();
        let begin = x;
        let ink = if index == studio.active() { Ink::Accent } else { Ink::Dim };
        x = grid.put(area, x, 0, &format!(" {mark}{name} "), if buffer.disk == Disk::Conflict { Ink::Fault } else { ink });
        if index == studio.active() {
            grid.shade(area.y, area.x + begin..area.x + x, Ink::Ground);
        }
    }
}

fn tree(studio: &mut Studio, grid: &mut Grid, area: Area) {
    let has_focus = studio.focus == Focus::Tree;
    let Some(tree) = &mut studio.tree else { return };
    grid.fill(area, Ink::Panel);
    tree.top = tree.top.clamp((tree.chosen + 1).saturating_sub(area.height), tree.chosen);
    let (top, chosen) = (tree.top, tree.chosen);
    for (index, row) in tree.rows().iter().enumerate().skip(top).take(area.height) {
        if index == chosen && has_focus {
            grid.shade(area.y + index - top, area.x..area.x + area.width, Ink::Selection);
        }
        let name = row.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let (name, ink) = if row.is_folder { (format!("{name}/"), Ink::Keyword) } else { (name, Ink::Text) };
        grid.put(area, 1 + 2 * row.depth, index - top, &name, ink);
    }
}

fn pane(studio: &mut Studio, grid: &mut Grid, area: Area) {
    let Some(kind) = studio.panes.shown() else { return };
    grid.fill(area, Ink::Panel);
    studio.panes.set_area(area);
    let has_focus = studio.focus == Focus::Pane;
    let title = Area { height: 1, ..area };
    grid.shade(area.y, area.x..area.x + area.width, Ink::Line);
    grid.put(title, 1, 0, &kind.title(area.width.saturating_sub(2)), if has_focus { Ink::Accent } else { Ink::Dim });
    let rows = studio.panes.rows(area.width.saturating_sub(2));
    let focus = if has_focus { list::Focus::Here } else { list::Focus::Elsewhere };
    let inner = Area { x: area.x + 1, width: area.width.saturating_sub(1), ..area.below(1) };
    let heads = studio.panes.heads();
    studio.panes.list().draw(&rows, heads, grid, inner, focus);
}

fn bottom(studio: &Studio, grid: &mut Grid, area: Area) {
    grid.fill(area, Ink::Panel);
    if let Some(prompt) = studio.prompt() {
        let x = grid.put(area, 1, 0, &prompt.question.words(), Ink::Accent);
        let begin = x;
        let x = grid.put(area, x, 0, &prompt.answer, Ink::Text);
        if prompt.is_proposed {
            grid.shade(area.y, area.x + begin..area.x + x, Ink::Selection);
        }
        grid.shade(area.y, area.x + x..area.x + x + 1, Ink::Cursor);
        return;
    }
    let place = studio.buffer().map_or(String::new(), |buffer| {
        let (line, column) = buffer.place_of_cursor();
        let cursors = if buffer.cursors().len() > 1 { format!("  {} cursors", buffer.cursors().len()) } else { String::new() };
        let end = if buffer.line_end == "\r\n" { "  CRLF" } else { "" };
        let faults = studio.insight().map_or(0, |insight| insight.analysis.faults().len());
        let faults = match faults {
            0 => String::new(),
            1 => "  1 fault".into(),
            many => format!("  {many} faults"),
        };
        format!("{line}:{column}{cursors}{end}{faults} ")
    });
    let room = area.width.saturating_sub(place.chars().count() + 1);
    let ink = if studio.buffer().is_some_and(|buffer| buffer.disk == Disk::Conflict) { Ink::Fault } else { Ink::Text };
    let message = studio.message.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut rows = list::wrapped(&message, room.saturating_sub(1));
    rows.truncate(MESSAGE_ROWS);
    // A message that is longer than the line grows upwards.
    let above = rows.len().saturating_sub(1).min(area.y);
    for (y, row) in rows.iter().take(above + 1).enumerate() {
        let line = Area { y: area.y - above + y, width: if y == above { room } else { area.width }, ..area };
        grid.fill(Area { width: area.width, ..line }, Ink::Panel);
        grid.put(line, 1, 0, row, ink);
    }
    grid.put(area, room, 0, &place, Ink::Dim);
}
