//! Faults, what a name is, the keys.

use super::Act;
use crate::grid::Ink;
use crate::key::Key;
use crate::list::{Row, wrapped};
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
    /// Rows for each in these columns: what is wrong, and the next step.
    pub fn rows(&self, columns: usize) -> Vec<Row> {
        if self.all.is_empty() {
            return vec![Row::new("no faults", Ink::Green)];
        }
        self.all.iter().flat_map(|one| one.rows(columns)).collect()
    }

    /// Goes to one.
    pub fn press(&mut self, key: Key, chosen: usize, columns: usize) -> Option<Act> {
        let mut rows = 0;
        let is_chosen = |one: &&Problem| {
            rows += one.rows(columns).len();
            chosen < rows
        };
        let one = self.all.iter().find(is_chosen).filter(|_| key == Key::Enter)?;
        Some(Act::Show(one.path.clone(), one.place.0, one.place.1))
    }
}

impl Problem {
    fn rows(&self, columns: usize) -> Vec<Row> {
        let place = format!("{}:{} ", self.place.0, self.place.1);
        let room = columns.saturating_sub(place.chars().count());
        let blank = " ".repeat(place.chars().count());
        let starts = [place].into_iter().chain(std::iter::repeat(blank.clone()));
        let message = wrapped(&self.message, room).into_iter().zip(starts);
        let message = message.map(|(text, start)| Row::new(start, Ink::Dim).and(text, Ink::Fault));
        let hint = wrapped(&self.hint, room).into_iter().map(|text| Row::new(format!("{blank}{text}"), Ink::Dim));
        message.chain(hint).collect()
    }
}

/// What is known of a name.
pub fn hover(hover: Option<&Hover>) -> Vec<Row> {
    let Some(hover) = hover else { return vec![Row::new("F4 says what stands at the cursor", Ink::Dim)] };
    let notes = hover.notes.iter().map(|note| Row::new(note.clone(), Ink::Text));
    [Row::new(hover.code.clone(), Ink::Keyword)].into_iter().chain(notes).collect()
}
