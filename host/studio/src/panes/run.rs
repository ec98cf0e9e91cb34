//! What a run in the sandbox prints.

use super::{Act, is};
use crate::grid::Ink;
use crate::key::Key;
use crate::list::Row;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Lines that are kept; the oldest go first.
const MOST_LINES: usize = 5000;
/// Characters of a line that are kept.
const MOST_CHARS: usize = 500;

/// A run.
#[derive(Debug, Default)]
pub struct Run {
    /// What runs.
    pub title: String,
    lines: Vec<(String, Ink)>,
    /// How it ended, if it has.
    pub end: Option<String>,
    /// Ends it.
    pub stop: Arc<AtomicBool>,
    /// Whether the last line is still written to.
    is_open: bool,
}

impl Run {
    /// A new run.
    pub fn begin(&mut self, title: String, stop: Arc<AtomicBool>) {
        *self = Run { title, stop, ..Run::default() };
    }

    /// Output that has come.
    pub fn add(&mut self, text: &str, ink: Ink) {
        for part in text.split_inclusive('\n') {
            let line = part.trim_end_matches(['\n', '\r']);
            match self.lines.last_mut().filter(|_| self.is_open) {
                Some((last, _)) if last.len() < MOST_CHARS => last.push_str(line),
                Some(_) => {}
                None => self.lines.push((line.chars().take(MOST_CHARS).collect(), ink)),
            }
            self.is_open = !part.ends_with('\n');
        }
        let excess = self.lines.len().saturating_sub(MOST_LINES);
        self.lines.drain(..excess);
    }

    /// What was printed.
    pub fn text(&self) -> String {
        self.lines.iter().map(|(line, _)| format!("{line}\n")).collect()
    }

    /// The command, its output, its end.
    pub fn rows(&self) -> Vec<Row> {
        if self.title.is_empty() {
            return vec![Row::new("F5 runs the file or the selection; nothing of the project is changed by it", Ink::Dim)];
        }
        let lines = self.lines.iter().map(|(line, ink)| Row::new(line.clone(), *ink));
        let end = self.end.clone().map_or_else(|| Row::new("... it runs", Ink::Dim), |end| Row::new(end, Ink::Accent));
        [Row::new(self.title.clone(), Ink::Keyword)].into_iter().chain(lines).chain([end]).collect()
    }

    /// A key.
    pub fn press(&mut self, key: Key) -> Option<Act> {
        if is(key, 'k') {
            self.stop.store(true, Ordering::Relaxed);
        }
        None
    }
}
