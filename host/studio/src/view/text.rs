//! The text: visible lines alone are read, so a view costs the same at any line of any file.

use super::{Language, inks};
use crate::buffer::Buffer;
use crate::cursor::{advance, byte_of_column, column, line_end};
use crate::grid::{Area, Grid, Ink, width_of};
use crate::studio::{Focus, Insight, Studio};
use std::collections::BTreeMap;
use std::ops::Range;

/// Bytes of a line that are looked at at most, from the first column that is shown: more than any screen shows.
const LINE_BYTES: usize = 4096;

/// Draws the file that is shown.
pub fn draw(studio: &mut Studio, grid: &mut Grid, area: Area) {
    let has_focus = studio.focus == Focus::Text;
    let digits = studio.buffer().map_or(1, |buffer| buffer.now().lines().to_string().len());
    let gutter = digits + 2;
    studio.set_text_area(area.x + gutter, area.y, area.height);
    if studio.buffer().is_none() {
        let hints = ["ctrl+o opens a file", "ctrl+b shows the project", "F1 lists the keys", "F7 shows agents and checkpoints"];
        for (y, hint) in hints.iter().enumerate() {
            grid.put(area, 2, 1 + y, hint, Ink::Dim);
        }
        return;
    }
    let text = Area { x: area.x + gutter, width: area.width.saturating_sub(gutter), ..area };
    if let Some(buffer) = studio.buffer_mut() {
        keep_column(buffer, text.width);
    }
    let Some(buffer) = studio.buffer() else { return };
    let language = Language::of(buffer.path.as_path());
    let (faults, hints) = studio.insight().map(|insight| notes(insight, buffer)).unwrap_or_default();
    let cursor_line = buffer.now().line_of(buffer.cursor().head);
    for y in 0..area.height {
        let line = buffer.top + y;
        if line >= buffer.now().lines() {
            break;
        }
        let is_here = line == cursor_line && has_focus;
        if is_here {
            grid.shade(area.y + y, area.x..area.x + area.width, Ink::Line);
        }
        let number = format!("{:>digits$}", line + 1);
        let ink = if faults.contains_key(&line) {
            Ink::Fault
        } else if is_here {
            Ink::Accent
        } else {
            Ink::Dim
        };
        grid.put(area, 0, y, &number, ink);
        let end = draw_line(buffer, language, line, faults.get(&line).map_or(&[], Vec::as_slice), grid, text, y);
        if let Some(hint) = hints.get(&line) {
            beside(grid, text, end + 2, y, hint);
        }
    }
    cursors(buffer, grid, text);
}

/// Draws what stands beside a line, as much of it as has room whole; behind a line that leaves none its first words, over the line's end.
fn beside(grid: &mut Grid, area: Area, x: usize, y: usize, hint: &str) {
    let parts: Vec<&str> = hint.split(", ").collect();
    let fits = |text: &String| x + text.chars().count() <= area.width;
    if let Some(text) = (1..=parts.len()).rev().map(|count| parts[..count].join(", ")).find(fits) {
        grid.put(area, x, y, &text, Ink::Comment);
        return;
    }
    let columns = parts[0].chars().count() + 2;
    if columns <= area.width {
        let x = area.width - columns;
        grid.shade(area.y + y, area.x + x..area.x + area.width, Ink::Panel);
        grid.put(area, x, y, &format!(" {} ", parts[0]), Ink::Comment);
    }
}

/// Turns the view sideways so that the cursor is in it.
fn keep_column(buffer: &mut Buffer, columns: usize) {
    let at = column(buffer.now(), buffer.cursor().head);
    buffer.left = buffer.left.clamp((at + 1).saturating_sub(columns), at);
}

/// Faults and hints by line: places of faults as bytes of the text.
fn notes(insight: &Insight, buffer: &Buffer) -> (BTreeMap<usize, Vec<Range<usize>>>, BTreeMap<usize, String>) {
    let mut faults: BTreeMap<usize, Vec<Range<usize>>> = BTreeMap::new();
    for fault in insight.analysis.faults() {
        let range = fault.span.start as usize..(fault.span.end as usize).max(fault.span.start as usize + 1);
        faults.entry(buffer.now().line_of(range.start)).or_default().push(range);
    }
    let mut hints: BTreeMap<usize, String> = BTreeMap::new();
    for hint in insight.analysis.hints(&insight.known.plan) {
        let line = hints.entry(buffer.now().line_of(hint.product.span.end as usize)).or_default();
        line.push_str(if line.is_empty() { "" } else { "; " });
        line.push_str(&hint.text);
    }
    (faults, hints)
}

/// Draws a line; the column behind it comes back.
fn draw_line(buffer: &Buffer, language: Language, line: usize, faults: &[Range<usize>], grid: &mut Grid, area: Area, y: usize) -> usize {
    let text = buffer.now();
    let shown = if buffer.left == 0 { text.line_start(line) } else { byte_of_column(text, line, buffer.left) };
    // The colours of a line that is not too long are those from its begin.
    let start = if shown - text.line_start(line) <= LINE_BYTES { text.line_start(line) } else { shown };
    let end = line_end(text, line).min(shown + LINE_BYTES);
    let end = (start..=end).rev().find(|at| text.is_boundary(*at)).unwrap_or(start);
    let content = text.slice(start..end);
    let colours = inks(language, &content);
    let selected: Vec<Range<usize>> = buffer.cursors().iter().map(|cursor| cursor.range()).filter(|range| range.end > start).collect();
    let (mut column, mut at) = (column(text, start), start);
    for (c, ink) in content.chars().zip(colours) {
        let next = advance(column, c);
        let x = column.checked_sub(buffer.left);
        if let Some(x) = x.filter(|x| x + width_of(c) <= area.width) {
            let is_faulty = faults.iter().any(|fault| fault.contains(&at));
            if c != '\t' {
                grid.put(area, x, y, c.encode_utf8(&mut [0; 4]), if is_faulty { Ink::Fault } else { ink });
            }
            if selected.iter().any(|range| range.contains(&at)) {
                grid.shade(area.y + y, area.x + x..area.x + (next - buffer.left).min(area.width), Ink::Selection);
            }
        }
        (column, at) = (next, at + c.len_utf8());
    }
    column.saturating_sub(buffer.left)
}

fn cursors(buffer: &Buffer, grid: &mut Grid, area: Area) {
    for cursor in buffer.cursors() {
        let line = buffer.now().line_of(cursor.head);
        let Some(y) = line.checked_sub(buffer.top).filter(|y| *y < area.height) else { continue };
        let Some(x) = column(buffer.now(), cursor.head).checked_sub(buffer.left).filter(|x| *x < area.width) else { continue };
        if let Some(cell) = grid.cell(area.x + x, area.y + y) {
            cell.ground = Ink::Cursor;
            cell.ink = Ink::Ground;
        }
    }
}
