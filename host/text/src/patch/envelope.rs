//! The apply_patch envelope: `*** Begin Patch`, files, hunks behind `@@ anchor`, `*** End Patch`.

use super::error::PatchError;
use super::{Action, Edit, FilePatch, Hunk, HunkEnd};

/// Reads an envelope.
///
/// # Errors
/// The line that is wrong.
pub fn parse(text: &str) -> Result<Vec<FilePatch>, PatchError> {
    let lines: Vec<&str> = text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line)).collect();
    let first = lines.iter().position(|line| !line.trim().is_empty()).unwrap_or(0);
    let mut reader = Reader { lines, at: first };
    if reader.next() != Some("*** Begin Patch") {
        return Err(reader.wrong("an envelope begins with '*** Begin Patch'"));
    }
    let mut files: Vec<FilePatch> = Vec::new();
    loop {
        let Some(line) = reader.next() else { return Err(reader.wrong("'*** End Patch' is missing: the patch was cut off")) };
        if line == "*** End Patch" {
            break;
        }
        let (path, action) = if let Some(path) = line.strip_prefix("*** Update File: ") {
            (path, reader.update()?)
        } else if let Some(path) = line.strip_prefix("*** Add File: ") {
            (path, reader.add()?)
        } else if let Some(path) = line.strip_prefix("*** Delete File: ") {
            (path, Action::Delete { expect: None })
        } else {
            return Err(reader.wrong("a file begins with '*** Update File: ', '*** Add File: ' or '*** Delete File: '"));
        };
        files.push(FilePatch { path: path.trim().to_owned(), action, executable: None });
    }
    if files.is_empty() { Err(reader.wrong("the patch has no file")) } else { Ok(files) }
}

struct Reader<'p> {
    lines: Vec<&'p str>,
    at: usize,
}

impl<'p> Reader<'p> {
    fn next(&mut self) -> Option<&'p str> {
        let line = self.lines.get(self.at).copied();
        self.at += 1;
        line
    }

    fn peek(&self) -> Option<&'p str> {
        self.lines.get(self.at).copied()
    }

    fn wrong(&self, why: &str) -> PatchError {
        PatchError::Form { line: self.at.min(self.lines.len()), why: why.to_owned() }
    }

    fn add(&mut self) -> Result<Action, PatchError> {
        let mut text = String::new();
        while let Some(line) = self.peek().filter(|line| !line.starts_with("*** ")) {
            self.at += 1;
            let line = line.strip_prefix('+').ok_or_else(|| self.wrong("every line of a new file begins with '+'"))?;
            text.push_str(line);
            text.push('\n');
        }
        Ok(Action::Add { text })
    }

    fn update(&mut self) -> Result<Action, PatchError> {
        let to = self.peek().and_then(|line| line.strip_prefix("*** Move to: ")).map(|to| to.trim().to_owned());
        self.at += usize::from(to.is_some());
        let mut edits = Vec::new();
        while self.peek().is_some_and(|line| !line.starts_with("*** ")) {
            edits.push(Edit::Hunk(self.hunk()?));
        }
        if edits.is_empty() && to.is_none() { Err(self.wrong("an update has no hunk")) } else { Ok(Action::Update { edits, to }) }
    }

    fn hunk(&mut self) -> Result<Hunk, PatchError> {
        let mut hunk = Hunk::default();
        while let Some(anchor) = self.peek().and_then(|line| line.strip_prefix("@@")) {
            self.at += 1;
            let anchor = anchor.strip_prefix(' ').unwrap_or(anchor);
            let anchor = anchor.strip_suffix(" @@").unwrap_or(anchor);
            if !anchor.trim().is_empty() {
                hunk.anchors.push(anchor.to_owned());
            }
        }
        let (begun, mut changes) = (self.at, 0);
        while let Some(line) = self.peek().filter(|line| !line.starts_with("@@")) {
            if line == "*** End of File" {
                self.at += 1;
                hunk.end = HunkEnd::OfFile;
                break;
            }
            if line.starts_with("*** ") {
                break;
            }
            self.at += 1;
            let (kind, rest) = line.split_at_checked(1).unwrap_or((" ", ""));
            match kind {
                " " => {
                    hunk.old.push(rest.to_owned());
                    hunk.new.push(rest.to_owned());
                }
                "-" => hunk.old.push(rest.to_owned()),
                "+" => hunk.new.push(rest.to_owned()),
                _ => return Err(self.wrong("a line of a hunk begins with ' ', '+' or '-'")),
            }
            changes += usize::from(kind != " ");
        }
        if self.at == begun || changes == 0 {
            return Err(self.wrong("a hunk changes nothing"));
        }
        Ok(hunk)
    }
}
