//! A unified diff, taken apart into hunks that are decided one by one.

use crate::grid::Ink;
use crate::list::Row;
use nda_agent::Question;

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
    /// Both lines in front of the hunks.
    pub head: Vec<String>,
    /// Its hunks; a change that is not text has one without lines.
    pub hunks: Vec<Hunk>,
}

/// The files of a question. One without files is about a deed: that is decided like a hunk, so that nothing is green that nobody said green to.
pub fn files(question: &Question) -> Vec<File> {
    if question.files.is_empty() {
        return vec![taken_apart(&question.call, "")];
    }
    question.files.iter().map(|file| taken_apart(&file.path, &file.diff)).collect()
}

fn taken_apart(path: &str, diff: &str) -> File {
    let mut file = File { path: path.into(), head: Vec::new(), hunks: Vec::new() };
    for line in diff.lines() {
        if line.starts_with("@@") {
            file.hunks.push(Hunk { head: line.into(), lines: Vec::new(), is_green: None });
            continue;
        }
        match file.hunks.last_mut() {
            Some(hunk) => hunk.lines.push(line.into()),
            None => file.head.push(line.into()),
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

    /// The diff of the green hunks alone; none if there are none. Counts in their heads are those of the whole diff, which a reader of
    /// patches takes for hints: each hunk is found by its lines.
    pub fn green_diff(&self) -> Option<String> {
        let green: Vec<&Hunk> = self.hunks.iter().filter(|hunk| hunk.is_green == Some(true) && !hunk.lines.is_empty()).collect();
        if green.is_empty() {
            return None;
        }
        let lines = green.iter().flat_map(|hunk| [&hunk.head].into_iter().chain(&hunk.lines));
        Some(self.head.iter().chain(lines).map(|line| format!("{line}\n")).collect())
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

    const DIFF: &str = "--- a/x\n+++ b/x\n@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n@@ -9,2 +9,3 @@\n i\n+J\n k\n";

    #[test]
    fn hunks_are_decided_one_by_one_and_the_green_ones_are_a_diff() {
        let mut file = taken_apart("x", DIFF);
        assert_eq!((file.hunks.len(), file.green_diff(), file.verdict().as_str()), (2, None, "0/2 green"));
        file.decide(true);
        assert_eq!(file.green_diff().unwrap(), DIFF);
        file.hunks[0].is_green = Some(false);
        assert_eq!(file.green_diff().unwrap(), "--- a/x\n+++ b/x\n@@ -9,2 +9,3 @@\n i\n+J\n k\n");
        let rows: Vec<String> =
            file.hunks[0].rows(45).iter().map(|row| row.pieces.iter().map(|(text, _)| text.as_str()).collect()).collect();
        assert_eq!(rows[2].split('\u{2502}').map(str::trim).collect::<Vec<_>>(), ["b", "B"]);
    }
}
