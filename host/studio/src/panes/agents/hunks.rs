//! A unified diff, taken apart into hunks that are decided one by one.

use crate::grid::Ink;
use crate::list::Row;
use nda_agent::{Exact, How, Question};
use nda_guard::{FileChange, FileState};

/// Lines that stand together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hunk {
    /// Its head, `@@ -1,3 +1,4 @@`.
    pub head: String,
    /// Its lines, each with its mark in front.
    pub lines: Vec<String>,
    /// What a person says; none yet.
    pub is_green: Option<bool>,
}

/// A file of a proposal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its path from the root.
    pub path: String,
    /// What would happen to it.
    pub how: How,
    /// Its hunks; a change that is not text has one without lines.
    pub hunks: Vec<Hunk>,
    /// The change byte for byte; none if it is not text. What is shown of it is never written.
    pub exact: Option<Exact>,
}

/// The files of a question. One without files is about a deed: that is decided like a hunk, so that nothing is green that nobody said green to.
pub fn files(question: &Question) -> Vec<File> {
    if question.files.is_empty() {
        return vec![taken_apart(&question.call, "", How::default(), None)];
    }
    question.files.iter().map(|file| taken_apart(&file.path, &file.diff, file.how, file.exact.clone())).collect()
}

fn taken_apart(path: &str, diff: &str, how: How, exact: Option<Exact>) -> File {
    let mut file = File { path: path.into(), how, hunks: Vec::new(), exact };
    for line in diff.lines() {
        if line.starts_with("@@") {
            file.hunks.push(Hunk { head: line.into(), lines: Vec::new(), is_green: None });
            continue;
        }
        if let Some(hunk) = file.hunks.last_mut() {
            hunk.lines.push(line.into());
        }
    }
    if file.hunks.is_empty() {
        file.hunks.push(Hunk { head: "the whole file".into(), lines: Vec::new(), is_green: None });
    }
    file
}

impl File {
    /// The same for every hunk.
    pub fn decide(&mut self, is_green: impl Into<Option<bool>>) {
        let is_green = is_green.into();
        self.hunks.iter_mut().for_each(|hunk| hunk.is_green = is_green);
    }

    /// How many hunks are green.
    pub fn green(&self) -> usize {
        self.hunks.iter().filter(|hunk| hunk.is_green == Some(true)).count()
    }

    /// What is said of it so far.
    pub fn verdict(&self) -> String {
        format!("{}/{} green", self.green(), self.hunks.len())
    }

    /// The colour of that.
    pub fn ink(&self) -> Ink {
        match self.green() {
            0 if self.hunks.iter().any(|hunk| hunk.is_green == Some(false)) => Ink::Red,
            0 => Ink::Dim,
            all if all == self.hunks.len() => Ink::Green,
            _ => Ink::Accent,
        }
    }

    /// The change of the green hunks alone, for the file as it is now, byte for byte.
    ///
    /// # Errors
    /// Why a part of it cannot be written, in words.
    pub fn green_change(&self, now: Option<&FileState>) -> Result<FileChange, String> {
        let green: Vec<usize> = (0..self.hunks.len()).filter(|number| self.hunks[*number].is_green == Some(true)).collect();
        match &self.exact {
            Some(exact) if exact.hunks.len() == self.hunks.len() || exact.hunks.is_empty() => exact.taken(self.how, &green, now),
            _ => Err(format!("{} is not told byte for byte: take all of the proposal or nothing", self.path)),
        }
    }
}

impl Hunk {
    /// Its head and its lines side by side: old and new.
    pub fn rows(&self, columns: usize) -> Vec<Row> {
        let half = columns.saturating_sub(5).max(20) / 2;
        let (mark, ink) = match self.is_green {
            None => ("?", Ink::Dim),
            Some(true) => ("\u{2713} green", Ink::Green),
            Some(false) => ("\u{2717} red", Ink::Red),
        };
        let mut rows = vec![Row::new(format!("  {mark} "), ink).and(self.head.clone(), Ink::Dim)];
        let (mut old, mut new) = (Vec::new(), Vec::new());
        for line in &self.lines {
            match line.split_at_checked(1) {
                Some(("-", text)) => old.push(text),
                Some(("+", text)) => new.push(text),
                other => {
                    beside(&mut old, &mut new, half, &mut rows);
                    let text = other.map_or("", |(_, text)| text);
                    rows.push(Row::new(cut(text, half), Ink::Dim).and(" \u{2502} ", Ink::Dim).and(cut(text, half), Ink::Dim));
                }
            }
        }
        beside(&mut old, &mut new, half, &mut rows);
        rows
    }
}

/// Removed and added lines beside each other.
fn beside<'t>(old: &mut Vec<&'t str>, new: &mut Vec<&'t str>, half: usize, rows: &mut Vec<Row>) {
    for index in 0..old.len().max(new.len()) {
        let [left, right] = [&old, &new].map(|side| cut(side.get(index).copied().unwrap_or(""), half));
        let ground = if old.len() > index && new.len() > index {
            Ink::Line
        } else if new.len() > index {
            Ink::GreenGround
        } else {
            Ink::RedGround
        };
        rows.push(Row::new(left, Ink::Red).and(" \u{2502} ", Ink::Dim).and(right, Ink::Green).on(ground));
    }
    old.clear();
    new.clear();
}

fn cut(text: &str, columns: usize) -> String {
    let text: String = text.replace('\t', "    ").chars().take(columns).collect();
    format!("{text:<columns$}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use nda_agent::question_file;
    use nda_guard::RelPath;

    const OLD: &str = "a\nb\nc\nd\ne\nf\ng\nh\ni\nk\n";

    #[test]
    fn hunks_are_decided_one_by_one_and_the_green_ones_are_written() {
        let (old, new) = (FileState::plain(OLD), FileState::plain(OLD.replace("b", "B").replace("i", "i\nJ")));
        let told = question_file(&RelPath::new("x").unwrap(), Some(&old), Some(&new));
        let mut file = taken_apart("x", &told.diff, told.how, told.exact);
        assert_eq!((file.hunks.len(), file.verdict().as_str()), (2, "0/2 green"));
        file.decide(true);
        assert_eq!(file.green_change(Some(&old)).unwrap().after, Some(new));
        file.hunks[0].is_green = Some(false);
        assert_eq!(file.green_change(Some(&old)).unwrap().after, Some(FileState::plain(OLD.replace("i", "i\nJ"))));
        let rows: Vec<String> =
            file.hunks[0].rows(45).iter().map(|row| row.pieces.iter().map(|(text, _)| text.as_str()).collect()).collect();
        assert_eq!(rows[2].split('\u{2502}').map(str::trim).collect::<Vec<_>>(), ["b", "B"]);
        file.exact = None;
        assert!(file.green_change(Some(&old)).is_err(), "what is shown is never written");
    }
}
