//! Places of a text in the project, and their replacement.

use super::{Act, is};
use crate::grid::Ink;
use crate::key::Key;
use crate::list::Row;
use memchr::memmem::find_iter;
use std::path::{Path, PathBuf};

/// Places that are listed at most.
pub const MOST: usize = 2000;

/// A place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// The file, from the root.
    pub path: PathBuf,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// The byte in the text.
    pub at: usize,
    /// The line's text.
    pub text: String,
    /// Whether it is replaced.
    pub is_in: bool,
}

/// A search.
#[derive(Debug, Clone, Default)]
pub struct Search {
    /// What is looked for.
    pub wanted: String,
    /// What it is replaced by, if it is.
    pub by: Option<String>,
    /// What was found.
    pub found: Found,
}

/// The places of a text, and what is not among them.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// Where it is.
    pub hits: Vec<Hit>,
    /// Whether there are more places than are listed.
    pub is_cut: bool,
    /// Files that were too large to be looked through.
    pub skipped: Vec<PathBuf>,
}

/// A count with its noun, in the singular for one.
pub fn counted(count: usize, one: &str) -> String {
    format!("{count} {one}{}", if count == 1 { "" } else { "s" })
}

impl Search {
    /// A head and a row for each place.
    pub fn rows(&self) -> Vec<Row> {
        let more = if self.found.is_cut { "the first " } else { "" };
        let by = self.by.as_ref().map_or(String::new(), |by| format!(" -> '{by}'"));
        let head = Row::new(format!("'{}'{by}: {more}{}", self.wanted, counted(self.found.hits.len(), "place")), Ink::Accent);
        let rows = self.found.hits.iter().map(|hit| {
            let mark = if self.by.is_none() {
                ""
            } else if hit.is_in {
                "+ "
            } else {
                "- "
            };
            let ink = if hit.is_in { Ink::Text } else { Ink::Dim };
            Row::new(format!("{mark}{}:{} ", hit.path.display(), hit.line), Ink::Keyword).and(hit.text.trim().to_owned(), ink)
        });
        let skipped =
            self.found.skipped.iter().map(|path| Row::new(format!("too large to be looked through: {}", path.display()), Ink::Fault));
        [head].into_iter().chain(rows).chain(skipped).collect()
    }

    /// A key.
    pub fn press(&mut self, key: Key, chosen: usize) -> Option<Act> {
        if is(key, 'r') && self.by.is_some() {
            return Some(Act::Replace);
        }
        let hit = self.found.hits.get_mut(chosen.checked_sub(1)?)?;
        match key {
            Key::Enter => Some(Act::Show(hit.path.clone(), hit.line, hit.column)),
            Key::Char(' ') => {
                hit.is_in = !hit.is_in;
                None
            }
            _ => None,
        }
    }
}

/// The places of a text in another, as many as are listed and one more.
pub fn hits(path: &Path, text: &str, wanted: &str) -> Vec<Hit> {
    let (mut line, mut counted) = (1, 0);
    let hit = |at: usize| {
        line += text[counted..at].matches('\n').count();
        counted = at;
        let start = text[..at].rfind('\n').map_or(0, |end| end + 1);
        let whole = text[start..].lines().next().unwrap_or("");
        let column = text[start..at].chars().count() + 1;
        Hit { path: path.into(), line, column, at, text: whole.chars().take(200).collect(), is_in: true }
    };
    find_iter(text.as_bytes(), wanted.as_bytes()).take(MOST + 1).map(hit).collect()
}
