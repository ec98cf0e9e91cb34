//! What a run in the sandbox prints.

use super::{Act, is};
use crate::grid::Ink;
use crate::key::Key;
use crate::list::{Row, wrapped};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Lines that are kept; the oldest go first.
const MOST_LINES: usize = 5000;
/// Characters of a line that are kept.
const MOST_CHARS: usize = 2000;

/// Output as it comes, line by line.
#[derive(Debug, Clone, Default)]
pub struct Output {
    lines: Vec<(String, Ink)>,
    /// Whether the last line is still written to.
    is_open: bool,
}

impl Output {
    /// Output that has come; another colour begins a line of its own.
    pub fn add(&mut self, text: &str, ink: Ink) {
        for part in text.split_inclusive('\n') {
            let line = part.trim_end_matches(['\n', '\r']);
            match self.lines.last_mut().filter(|(_, last)| self.is_open && *last == ink) {
                Some((last, _)) if last.len() < MOST_CHARS => last.push_str(line),
                Some(_) => {}
                None => self.lines.push((line.chars().take(MOST_CHARS).collect(), ink)),
            }
            self.is_open = !part.ends_with('\n');
        }
        let excess = self.lines.len().saturating_sub(MOST_LINES);
        self.lines.drain(..excess);
    }

    /// A whole line of something else, which does not part a line that is still written to.
    pub fn add_line(&mut self, line: &str, ink: Ink) {
        let at = self.lines.len() - usize::from(self.is_open && !self.lines.is_empty());
        self.lines.insert(at, (line.chars().take(MOST_CHARS).collect(), ink));
    }

    /// Rows of at most these columns, as many as each line needs.
    pub fn wrapped(&self, columns: usize) -> impl Iterator<Item = Row> {
        self.lines.iter().flat_map(move |(line, ink)| wrapped(line, columns).into_iter().map(|row| Row::new(row, *ink)))
    }

    /// A row for each line.
    pub fn rows(&self) -> impl Iterator<Item = Row> {
        self.lines.iter().map(|(line, ink)| Row::new(line.clone(), *ink))
    }
}

/// A run.
#[derive(Debug, Default)]
pub struct Run {
    /// What runs.
    pub title: String,
    /// What it has printed.
    pub output: Output,
    /// How it ended, if it has.
    pub end: Option<String>,
    /// Ends it.
    pub stop: Arc<AtomicBool>,
}

impl Run {
    /// A new run.
    pub fn begin(&mut self, title: String, stop: Arc<AtomicBool>) {
        *self = Run { title, stop, ..Run::default() };
    }

    /// The row of its end.
    pub fn last_row(&self) -> usize {
        self.output.lines.len() + 1
    }

    /// The command, its output, its end.
    pub fn rows(&self) -> Vec<Row> {
        if self.title.is_empty() {
            return vec![Row::new("F5 runs the file or the selection; nothing of the project is changed by it", Ink::Dim)];
        }
        let end = self.end.clone().map_or_else(|| Row::new("... it runs", Ink::Dim), |end| Row::new(end, Ink::Accent));
        [Row::new(self.title.clone(), Ink::Keyword)].into_iter().chain(self.output.rows()).chain([end]).collect()
    }

    /// A key.
    pub fn press(&mut self, key: Key) -> Option<Act> {
        if is(key, 'k') {
            self.stop.store(true, Ordering::Relaxed);
        }
        None
    }
}
