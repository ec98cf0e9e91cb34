//! What agents propose, side by side with what is there; red or green for each file and hunk; the line of checkpoints; a chat.

mod hunks;

pub use hunks::{File, Hunk, files};

use super::{Act, is};
use crate::grid::Ink;
use crate::key::Key;
use crate::list::Row;
use nda_agent::door::Pending;
use nda_agent::{Answer, in_a_line};
use nda_guard::Checkpoint;

/// Lines of the talk that are kept.
const MOST_LINES: usize = 2000;

/// Somebody who waits for an answer.
pub trait Waiting: Send {
    /// Answers; whoever asked may have gone.
    fn answer(self: Box<Self>, answer: &Answer);
}

impl Waiting for Pending {
    fn answer(self: Box<Self>, answer: &Answer) {
        // Whoever asked has gone: nothing is written then.
        let _ = Pending::answer(*self, answer, "a person in the studio");
    }
}

/// A proposal that waits.
pub struct Proposed {
    /// Who proposes.
    pub who: String,
    /// By what.
    pub call: String,
    /// What the security checks remark.
    pub remarks: Vec<String>,
    /// Its files.
    pub files: Vec<File>,
    /// Whom the answer goes to.
    pub waiting: Box<dyn Waiting>,
}

/// What a row stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    Nothing,
    /// The proposal as a whole.
    Whole,
    File(usize),
    Hunk(usize, usize),
    Checkpoint(usize),
}

/// The pane.
#[derive(Default)]
pub struct Agents {
    /// Proposals that wait, the oldest first.
    pub waiting: Vec<Proposed>,
    /// The checkpoints, the newest first.
    pub checkpoints: Vec<Checkpoint>,
    /// The checkpoint that takes the last restore back.
    pub undo: Option<String>,
    /// What became of the newest proposals, with the gates' results: a line each, and whether it was written.
    pub history: Vec<(String, bool)>,
    /// What was said, and what became of proposals.
    pub log: Vec<(String, Ink)>,
}

impl Agents {
    /// Adds a line to the talk.
    pub fn say(&mut self, text: &str, ink: Ink) {
        self.log.extend(text.lines().map(|line| (in_a_line(line), ink)));
        let excess = self.log.len().saturating_sub(MOST_LINES);
        self.log.drain(..excess);
    }

    fn told(&self, columns: usize) -> Vec<(Row, Meaning)> {
        let mut rows = Vec::new();
        if let Some(proposed) = self.waiting.first() {
            rows.extend(proposal(proposed, columns));
        } else {
            rows.push((Row::new("nobody waits for an answer; agents' proposals come here", Ink::Dim), Meaning::Nothing));
        }
        rows.extend(self.log.iter().map(|(line, ink)| (Row::new(line.clone(), *ink), Meaning::Nothing)));
        rows.extend(
            self.history
                .iter()
                .map(|(line, is_written)| (Row::new(in_a_line(line), if *is_written { Ink::Green } else { Ink::Red }), Meaning::Nothing)),
        );
        rows.push((Row::new("checkpoints (enter: restore, u: undo the restore, c: make one)", Ink::Accent), Meaning::Nothing));
        rows.extend(self.checkpoints.iter().enumerate().map(|(number, one)| {
            let is_undo = self.undo.as_ref() == Some(&one.id);
            let mark = if is_undo { "\u{21a9} " } else { "\u{25cb} " };
            (Row::new(format!("{mark}{} ", one.id), Ink::Number).and(one.particulars.label.clone(), Ink::Text), Meaning::Checkpoint(number))
        }));
        rows
    }

    /// The proposal, the talk, the checkpoints.
    pub fn rows(&self, columns: usize) -> Vec<Row> {
        self.told(columns).into_iter().map(|(row, _)| row).collect()
    }

    /// A key.
    pub fn press(&mut self, key: Key, chosen: usize) -> Option<Act> {
        match key {
            key if is(key, 'c') => return Some(Act::Checkpoint),
            key if is(key, 't') => return Some(Act::Chat),
            key if is(key, 'a') => return Some(Act::OtherAgent),
            key if is(key, 'u') => return Some(Act::UndoRestore),
            _ => {}
        }
        let meaning = self.told(80).into_iter().nth(chosen).map_or(Meaning::Nothing, |(_, meaning)| meaning);
        if let (Meaning::Checkpoint(number), Key::Enter) = (meaning, key) {
            return Some(Act::Restore(self.checkpoints[number].id.clone()));
        }
        let proposed = self.waiting.first_mut()?;
        let is_green = match key {
            Key::Enter => return Some(Act::Answer),
            Key::Char('g' | 'G') => true,
            Key::Char('r' | 'R') => false,
            _ => return None,
        };
        let whole = matches!(key, Key::Char('G' | 'R'));
        match meaning {
            // A small letter is one hunk's word.
            Meaning::Whole | Meaning::File(_) if !whole => {}
            Meaning::Hunk(file, hunk) if !whole => proposed.files[file].hunks[hunk].is_green = Some(is_green),
            Meaning::Hunk(file, _) | Meaning::File(file) => proposed.files[file].decide(is_green),
            Meaning::Whole => proposed.files.iter_mut().for_each(|file| file.decide(is_green)),
            Meaning::Nothing | Meaning::Checkpoint(_) => {}
        }
        None
    }
}

fn proposal(proposed: &Proposed, columns: usize) -> Vec<(Row, Meaning)> {
    let head = format!("{} proposes: {}", in_a_line(&proposed.who), in_a_line(&proposed.call));
    let mut rows = vec![(Row::new(head, Ink::Accent), Meaning::Whole)];
    rows.extend(proposed.remarks.iter().map(|remark| (Row::new(format!("NOTE: {}", in_a_line(remark)), Ink::Fault), Meaning::Nothing)));
    for (number, file) in proposed.files.iter().enumerate() {
        rows.push((Row::new(format!("{} ", file.verdict()), file.ink()).and(in_a_line(&file.path), Ink::Keyword), Meaning::File(number)));
        for (place, hunk) in file.hunks.iter().enumerate() {
            let meaning = Meaning::Hunk(number, place);
            rows.extend(hunk.rows(columns).into_iter().map(|row| (row, meaning)));
        }
    }
    rows
}
