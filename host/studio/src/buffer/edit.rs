//! Edits at every cursor.

use super::Buffer;
use crate::cursor::{Cursor, Keep, Motion, before, behind, line_end, moved};
use nda_text::Step;
use std::ops::Range;

/// Blanks that a tab key writes.
const INDENT: &str = "    ";

impl Buffer {
    /// Replaces a range for each cursor, in one step of undo; afterwards each cursor is behind its text.
    fn replace_all(&mut self, edits: &[(Range<usize>, String)], first: Step) {
        if self.locked.is_some() || edits.is_empty() {
            return;
        }
        // From the last to the first, so that the places of those before stay right.
        for (index, (range, text)) in edits.iter().rev().enumerate() {
            self.change(range.clone(), text, if index == 0 { first } else { Step::Joined });
        }
        let mut moved = 0_isize;
        let mut cursors = Vec::with_capacity(edits.len());
        for (range, text) in edits {
            cursors.push(Cursor::at((range.start as isize + moved) as usize + text.len()));
            moved += text.len() as isize - range.len() as isize;
        }
        self.set_cursors(cursors);
    }

    /// Edits of others, in order: a rename, a replacement. The cursors stay where they were in what is not replaced.
    pub fn apply(&mut self, edits: &[(Range<usize>, String)]) {
        let shifted = |at: usize| {
            let mut moved = 0_isize;
            for (range, text) in edits.iter().take_while(|(range, _)| range.start < at) {
                moved += text.len() as isize - (range.end.min(at) - range.start) as isize;
            }
            (at as isize + moved).max(0) as usize
        };
        let cursors: Vec<Cursor> = self.cursors().iter().map(|c| Cursor::over(shifted(c.anchor), shifted(c.head))).collect();
        self.replace_all(edits, Step::New);
        let end = self.now().bytes();
        let fits = |at: usize| at <= end && self.now().is_boundary(at);
        let cursors: Vec<Cursor> = cursors.into_iter().filter(|c| fits(c.anchor) && fits(c.head)).collect();
        self.set_cursors(cursors);
    }

    /// Writes a text at every cursor, over what is selected. Letter after letter is one step.
    pub fn insert(&mut self, text: &str) {
        let step = if self.typing { Step::Joined } else { Step::New };
        let edits: Vec<_> = self.cursors().iter().map(|cursor| (cursor.range(), text.to_owned())).collect();
        self.replace_all(&edits, step);
        self.typing = text.chars().count() == 1;
    }

    /// Writes a text from elsewhere at every cursor, in one step; its lines end as this text's do.
    pub fn paste(&mut self, text: &str) {
        self.typing = false;
        self.insert(&text.replace("\r\n", "\n").replace('\n', self.line_end));
        self.typing = false;
    }

    /// Ends the line at every cursor; the next one begins with the same blanks, and one step more behind a brace.
    pub fn enter(&mut self) {
        let edit = |cursor: &Cursor| {
            let at = cursor.range().start;
            let start = self.now().line_start(self.now().line_of(at));
            let line = self.now().slice(start..at);
            let blanks: String = line.chars().take_while(|c| *c == ' ' || *c == '\t').collect();
            let more = if line.trim_end().ends_with('{') { INDENT } else { "" };
            (cursor.range(), format!("{}{blanks}{more}", self.line_end))
        };
        let edits: Vec<_> = self.cursors().iter().map(edit).collect();
        self.replace_all(&edits, Step::New);
    }

    /// Blanks up to the next stop at every cursor.
    pub fn tab(&mut self) {
        let edits: Vec<_> = self.cursors().iter().map(|cursor| (cursor.range(), INDENT.to_owned())).collect();
        self.replace_all(&edits, Step::New);
    }

    /// Takes away what is selected, or the character before.
    pub fn backspace(&mut self) {
        self.remove(|buffer, at| before(buffer.now(), at)..at);
    }

    /// Takes away what is selected, or the character behind.
    pub fn delete(&mut self) {
        self.remove(|buffer, at| at..behind(buffer.now(), at));
    }

    fn remove(&mut self, what: impl Fn(&Buffer, usize) -> Range<usize>) {
        let range = |cursor: &Cursor| if cursor.range().is_empty() { what(self, cursor.head) } else { cursor.range() };
        let mut edits: Vec<(Range<usize>, String)> = Vec::new();
        for range in self.cursors().iter().map(range).filter(|range| !range.is_empty()) {
            // Two cursors beside each other may take the same character.
            let from = edits.last().map_or(0, |(last, _)| last.end);
            edits.push((range.start.max(from)..range.end.max(from), String::new()));
        }
        self.replace_all(&edits, Step::New);
    }

    /// Removes what is selected.
    pub fn cut(&mut self) {
        let edits: Vec<_> =
            self.cursors().iter().map(Cursor::range).filter(|range| !range.is_empty()).map(|range| (range, String::new())).collect();
        self.replace_all(&edits, Step::New);
    }

    /// One more cursor, in the line above or below the outermost one.
    pub fn add_cursor(&mut self, motion: Motion) {
        let from = match motion {
            Motion::Up(_) => self.cursors()[0],
            _ => self.cursor(),
        };
        let more = moved(self.now(), from, motion, Keep::Nothing);
        let all = self.cursors().iter().copied().chain([more]).collect();
        self.set_cursors(all);
    }

    /// One more cursor at the next place with the selected text; without a selection, the word is selected first.
    pub fn add_next_place(&mut self) {
        let last = self.cursor();
        if last.range().is_empty() {
            let word = crate::cursor::word_at(self.now(), last.head);
            self.set_cursors(vec![Cursor::over(word.start, word.end)]);
            return;
        }
        let wanted = self.now().slice(last.range());
        if let Some(at) = self.find(&wanted, last.range().end) {
            let all = self.cursors().iter().copied().chain([Cursor::over(at, at + wanted.len())]).collect();
            self.set_cursors(all);
        }
    }

    /// The next place of a text from a byte on, and from the begin if there is none.
    pub fn find(&self, wanted: &str, from: usize) -> Option<usize> {
        let text = self.now();
        let ahead = find_in(text, wanted, from..text.bytes());
        ahead.or_else(|| find_in(text, wanted, 0..(from + wanted.len()).min(text.bytes())))
    }

    /// The edits that replace every place of a text.
    pub fn replacements(&self, wanted: &str, by: &str) -> Vec<(Range<usize>, String)> {
        let (mut edits, mut at) = (Vec::new(), 0);
        while let Some(found) = find_in(self.now(), wanted, at..self.now().bytes()) {
            at = found + wanted.len();
            edits.push((found..at, by.to_owned()));
        }
        edits
    }

    /// Goes to a line and column, from 1.
    pub fn go_to(&mut self, line: usize, column: usize) {
        let line = line.clamp(1, self.now().lines()) - 1;
        let (start, end) = (self.now().line_start(line), line_end(self.now(), line));
        let text = self.now().slice(start..end);
        let at = text.char_indices().nth(column.saturating_sub(1)).map_or(end, |(at, _)| start + at);
        self.set_cursors(vec![Cursor::at(at)]);
    }
}

/// Bytes that are looked through at a time.
const WINDOW_BYTES: usize = 1 << 16;

/// The first place of a text within a range, found without copying the whole text.
fn find_in(text: &nda_text::Snapshot, wanted: &str, range: Range<usize>) -> Option<usize> {
    if wanted.is_empty() {
        return None;
    }
    let mut at = range.start;
    while at < range.end {
        let end = (at + WINDOW_BYTES + wanted.len() - 1).min(range.end);
        let window = text.slice_bytes(at..end);
        if let Some(found) = memchr::memmem::find(&window, wanted.as_bytes()) {
            return Some(at + found);
        }
        at += WINDOW_BYTES;
    }
    None
}
