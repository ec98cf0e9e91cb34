//! Cursors in a text, and how they move. Places are bytes at borders of characters.

use crate::grid::width_of;
use nda_text::Snapshot;
use std::ops::Range;

/// A place in the text, with what is selected from another place up to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cursor {
    /// Where the selection began; the head if nothing is selected.
    pub anchor: usize,
    /// Where it is.
    pub head: usize,
    /// The column that it keeps over shorter lines.
    goal: Option<usize>,
}

impl Cursor {
    /// Without a selection.
    pub fn at(head: usize) -> Cursor {
        Cursor { anchor: head, head, goal: None }
    }

    /// With one.
    pub fn over(anchor: usize, head: usize) -> Cursor {
        Cursor { anchor, head, goal: None }
    }

    /// What is selected.
    pub fn range(&self) -> Range<usize> {
        self.anchor.min(self.head)..self.anchor.max(self.head)
    }
}

/// Where a cursor goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Motion {
    /// A character back.
    Left,
    /// A character on.
    Right,
    /// Some lines up.
    Up(usize),
    /// Some lines down.
    Down(usize),
    /// A word back.
    WordLeft,
    /// A word on.
    WordRight,
    /// To the first character of the line, and from there to its begin.
    Home,
    /// To the end of the line.
    End,
    /// To the begin of the text.
    Top,
    /// To the end of the text.
    Bottom,
}

/// Whether a motion selects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// The anchor stays: what lies between is selected.
    Anchor,
    /// Nothing is selected.
    Nothing,
}

/// The end of a line without its line end of one or two characters.
pub fn line_end(text: &Snapshot, line: usize) -> usize {
    let end = text.line_start(line + 1);
    if line + 1 >= text.lines() {
        return end;
    }
    let start = text.line_start(line);
    let end = end - 1;
    if end > start && text.slice_bytes(end - 1..end) == b"\r" { end - 1 } else { end }
}

/// The column on the screen of a byte: characters by their width, tabs to the next stop.
pub fn column(text: &Snapshot, byte: usize) -> usize {
    let start = text.line_start(text.line_of(byte));
    text.parts(start..byte).into_iter().fold(0, behind_text)
}

/// Bytes that are looked at together where they are plain.
const BLOCK_BYTES: usize = 64;

/// Whether each byte of a text takes a column.
fn is_plain(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| (0x20..0x7f).contains(byte))
}

/// The column behind a text that begins in a column. Plain blocks are not taken apart, so a line of megabytes costs milliseconds.
fn behind_text(mut column: usize, text: &str) -> usize {
    let mut rest = text;
    while !rest.is_empty() {
        let end = (0..=BLOCK_BYTES.min(rest.len())).rev().find(|end| rest.is_char_boundary(*end)).unwrap_or(rest.len());
        let (block, more) = rest.split_at(if end == 0 { rest.len() } else { end });
        column = if is_plain(block.as_bytes()) { column + block.len() } else { block.chars().fold(column, advance) };
        rest = more;
    }
    column
}

/// The column behind a character that stands in a column.
pub fn advance(column: usize, c: char) -> usize {
    if c == '\t' { (column / TAB + 1) * TAB } else { column + width_of(c) }
}

/// Columns between stops of a tab.
pub const TAB: usize = 4;

/// The byte in a line that is nearest to a column on the screen, not behind it.
pub fn byte_of_column(text: &Snapshot, line: usize, wanted: usize) -> usize {
    let (start, end) = (text.line_start(line), line_end(text, line));
    let (mut at, mut column) = (start, 0);
    for part in text.parts(start..end) {
        let mut rest = part;
        while !rest.is_empty() {
            let block = BLOCK_BYTES.min(rest.len());
            if column + block <= wanted && is_plain(&rest.as_bytes()[..block]) {
                (at, column, rest) = (at + block, column + block, &rest[block..]);
                continue;
            }
            let Some(c) = rest.chars().next() else { break };
            let next = advance(column, c);
            if next > wanted {
                return at;
            }
            (at, column, rest) = (at + c.len_utf8(), next, &rest[c.len_utf8()..]);
        }
    }
    at
}

/// The character before a byte; a line end of two characters is one.
pub fn before(text: &Snapshot, byte: usize) -> usize {
    let from = byte.saturating_sub(4);
    let bytes = text.slice_bytes(from..byte);
    if bytes.ends_with(b"\r\n") {
        return byte - 2;
    }
    let is_first = |b: &u8| (*b as i8) >= -64;
    bytes.iter().rposition(is_first).map_or(from, |at| from + at)
}

/// The character behind a byte; a line end of two characters is one.
pub fn behind(text: &Snapshot, byte: usize) -> usize {
    let to = (byte + 5).min(text.bytes());
    let bytes = text.slice_bytes(byte..to);
    if bytes.starts_with(b"\r\n") {
        return byte + 2;
    }
    let is_first = |b: &u8| (*b as i8) >= -64;
    bytes.iter().skip(1).position(is_first).map_or(to, |at| byte + 1 + at)
}

/// The cursor after a motion.
pub fn moved(text: &Snapshot, cursor: Cursor, motion: Motion, keep: Keep) -> Cursor {
    let head = cursor.head;
    let line = text.line_of(head);
    let mut goal = None;
    let vertical = |line: usize, goal: &mut Option<usize>| {
        let wanted = cursor.goal.unwrap_or_else(|| column(text, head));
        *goal = Some(wanted);
        byte_of_column(text, line, wanted)
    };
    let selected = cursor.range();
    let head = match motion {
        Motion::Left if keep == Keep::Nothing && !selected.is_empty() => selected.start,
        Motion::Right if keep == Keep::Nothing && !selected.is_empty() => selected.end,
        Motion::Left => before(text, head),
        Motion::Right => behind(text, head),
        Motion::Up(count) if line < count => {
            if line == 0 {
                0
            } else {
                vertical(0, &mut goal)
            }
        }
        Motion::Up(count) => vertical(line - count, &mut goal),
        Motion::Down(count) if line + count >= text.lines() => {
            if line + 1 == text.lines() {
                text.bytes()
            } else {
                vertical(text.lines() - 1, &mut goal)
            }
        }
        Motion::Down(count) => vertical(line + count, &mut goal),
        Motion::WordLeft => word(text, head, before),
        Motion::WordRight => word(text, head, behind),
        Motion::Home => {
            let start = text.line_start(line);
            let blanks = text.slice(start..line_end(text, line)).chars().take_while(|c| *c == ' ' || *c == '\t').count();
            if head == start + blanks { start } else { start + blanks }
        }
        Motion::End => line_end(text, line),
        Motion::Top => 0,
        Motion::Bottom => text.bytes(),
    };
    let anchor = if keep == Keep::Anchor { cursor.anchor } else { head };
    Cursor { anchor, head, goal }
}

/// Over blanks, then over a word or other characters.
fn word(text: &Snapshot, from: usize, step: fn(&Snapshot, usize) -> usize) -> usize {
    /// Characters looked at at most, so that a line of a megabyte ends.
    const MOST: usize = 4096;
    let kind = |at: usize, next: usize| {
        let part = text.slice(at.min(next)..at.max(next));
        let c = part.chars().next().unwrap_or(' ');
        if c.is_whitespace() {
            0
        } else if c.is_alphanumeric() || c == '_' {
            1
        } else {
            2
        }
    };
    let (mut at, mut seen) = (from, 0);
    for _ in 0..MOST {
        let next = step(text, at);
        if next == at {
            break;
        }
        let found = kind(at, next);
        if seen != 0 && found != seen {
            break;
        }
        seen = found;
        at = next;
    }
    at
}

/// The word around a byte: letters, digits and `_`.
pub fn word_at(text: &Snapshot, byte: usize) -> Range<usize> {
    let line = text.line_of(byte);
    let (start, content) = (text.line_start(line), text.slice(text.line_start(line)..line_end(text, line)));
    let is_in = |c: char| c.is_alphanumeric() || c == '_';
    let at = (byte - start).min(content.len());
    let from = content[..at].rfind(|c| !is_in(c)).map_or(0, |i| i + content[i..].chars().next().map_or(1, char::len_utf8));
    let to = content[at..].find(|c| !is_in(c)).map_or(content.len(), |i| at + i);
    start + from..start + to
}

/// Sorts cursors and joins those that overlap.
pub fn joined(mut cursors: Vec<Cursor>) -> Vec<Cursor> {
    cursors.sort_by_key(|cursor| (cursor.range().start, cursor.range().end));
    let mut all: Vec<Cursor> = Vec::with_capacity(cursors.len());
    for cursor in cursors {
        match all.last_mut() {
            Some(last) if cursor.range().start < last.range().end || cursor.range().start == last.range().start => {
                let (from, to) = (last.range().start, last.range().end.max(cursor.range().end));
                *last = if cursor.head >= cursor.anchor { Cursor::over(from, to) } else { Cursor::over(to, from) };
            }
            _ => all.push(cursor),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use nda_text::Text;

    #[test]
    fn motions_keep_to_characters_lines_and_columns() {
        let text = Text::new("ab\tä\u{4e2d}x\r\n\r\n  next line\n").unwrap();
        let text = text.now();
        let go = |from: usize, motion| moved(text, Cursor::at(from), motion, Keep::Nothing).head;
        assert_eq!((go(3, Motion::Right), go(5, Motion::Left), go(5, Motion::Right)), (5, 3, 8));
        assert_eq!((go(9, Motion::Right), go(11, Motion::Left)), (11, 9), "two characters of a line end are one");
        assert_eq!((column(text, 3), column(text, 5), column(text, 8)), (4, 5, 7));
        let down = moved(text, Cursor::at(8), Motion::Down(1), Keep::Nothing);
        assert_eq!(down.head, 11);
        assert_eq!(moved(text, down, Motion::Down(1), Keep::Nothing).head, 13 + 7, "the column is kept over the short line");
        assert_eq!((go(15, Motion::Home), go(13, Motion::Home), go(13, Motion::End)), (13, 15, 24));
        assert_eq!((go(13, Motion::WordRight), go(24, Motion::WordLeft)), (19, 20));
        assert_eq!((go(0, Motion::Up(1)), go(20, Motion::Down(9)), go(25, Motion::Down(1))), (0, 25, 25));
        assert_eq!(word_at(text, 16), 15..19);
    }

    #[test]
    fn columns_and_bytes_of_long_lines_are_those_of_single_characters() {
        let line = "0123456789".repeat(20) + "\t\u{4e2d}\u{301}x" + &"abc\u{e4}".repeat(50);
        let text = Text::new(line.clone()).unwrap();
        let mut wanted = 0;
        for (at, c) in line.char_indices() {
            assert_eq!(column(text.now(), at), wanted, "byte {at}");
            let found = byte_of_column(text.now(), 0, wanted);
            assert!(line[at..found].chars().all(|c| c == '\u{301}'), "column {wanted}");
            wanted = advance(wanted, c);
        }
    }

    #[test]
    fn cursors_that_overlap_become_one() {
        let all = joined(vec![Cursor::over(5, 9), Cursor::at(2), Cursor::over(3, 6), Cursor::at(2)]);
        assert_eq!(all.iter().map(Cursor::range).collect::<Vec<_>>(), [2..2, 3..9]);
    }
}
