//! Faults, what a name is, the keys.

use super::Act;
use crate::grid::Ink;
use crate::key::{KEYS, Key};
use crate::list::Row;
use nda_analysis::Hover;
use std::path::PathBuf;

/// A fault where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file, from the root.
    pub path: PathBuf,
    /// Line and column, from 1.
    pub place: (usize, usize),
    /// What is wrong.
    pub message: String,
    /// The next step.
    pub hint: String,
}

/// The faults of a file.
#[derive(Debug, Clone, Default)]
pub struct Problems {
    /// In the order of the places.
    pub all: Vec<Problem>,
}

impl Problems {
    /// Two rows for each.
    pub fn rows(&self) -> Vec<Row> {
        if self.all.is_empty() {
            return vec![Row::new("no faults", Ink::Green)];
        }
        let rows = self.all.iter().flat_map(|one| {
            let (line, column) = one.place;
            let first = Row::new(format!("{line}:{column} "), Ink::Dim).and(one.message.clone(), Ink::Fault);
            [first, Row::new(format!("    {}", one.hint), Ink::Dim)]
        });
        rows.collect()
    }

    /// Goes to one.
    pub fn press(&mut self, key: Key, chosen: usize) -> Option<Act> {
        let one = self.all.get(chosen / 2).filter(|_| key == Key::Enter)?;
        Some(Act::Show(one.path.clone(), one.place.0, one.place.1))
    }
}

/// What is known of a name.
pub fn hover(hover: Option<&Hover>) -> Vec<Row> {
    let Some(hover) = hover else { return vec![Row::new("F4 says what stands at the cursor", Ink::Dim)] };
    let notes = hover.notes.iter().map(|note| Row::new(note.clone(), Ink::Text));
    [Row::new(hover.code.clone(), Ink::Keyword)].into_iter().chain(notes).collect()
}

/// The list of keys.
pub fn help() -> Vec<Row> {
    KEYS.iter().map(|(name, _, what)| Row::new(format!("{name:<14}"), Ink::Accent).and(*what, Ink::Text)).collect()
}
