//! A file's change byte for byte, hunk by hunk, beside the diff that people are shown: what is shown may be spelled out, what is written never is.

use crate::ask::{How, QuestionFile};
use crate::diff::{diff, texts};
use nda_guard::{FileChange, FileState, Hash, Mode, RelPath};
use serde::{Deserialize, Serialize};

/// A change of a text file, in the hunks of the diff that shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exact {
    /// The path from the root, as it is and not as it may be shown.
    pub path: String,
    /// The hash of the bytes that the hunks are for; none where there is no file.
    pub base: Option<String>,
    /// Whether the file may be executed afterwards.
    #[serde(default)]
    pub executable: bool,
    /// The hunks, in the order of the shown diff.
    pub hunks: Vec<ExactHunk>,
}

/// Lines of the old text, and what stands in their place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExactHunk {
    /// Lines of the old text before it.
    pub before: usize,
    /// Lines of the old text that it replaces.
    pub lines: usize,
    /// The new lines, with their line ends.
    pub text: String,
}

/// A file of a question: what is shown of its change, and the change itself.
pub fn question_file(path: &RelPath, before: Option<&FileState>, after: Option<&FileState>) -> QuestionFile {
    let shown = diff(&path.to_string(), before, after);
    let exact = exact(path, before, after, &shown);
    QuestionFile { path: path.to_string(), how: How::of(before, after), texts: texts(before, after), diff: shown, exact }
}

/// The hunks of a shown diff, taken from the texts themselves: spelling characters out leaves the lines of a text as they are. None if
/// the bytes or the path are not text.
fn exact(path: &RelPath, before: Option<&FileState>, after: Option<&FileState>, shown: &str) -> Option<Exact> {
    let text = |state: Option<&FileState>| String::from_utf8(state.map_or_else(Vec::new, |state| state.bytes.clone())).ok();
    let (_, new) = (text(before)?, text(after)?);
    let new: Vec<&str> = new.split_inclusive('\n').collect();
    let hunk = |head: &str| {
        let (from, lines, to, more) = places(head)?;
        Some(ExactHunk { before: from, lines, text: new.get(to..to + more)?.concat() })
    };
    let heads = shown.lines().filter(|line| line.starts_with("@@ "));
    Some(Exact {
        path: path.as_path().to_str()?.to_owned(),
        base: before.map(|state| Hash::of(&state.bytes).to_string()),
        executable: after.is_some_and(|state| state.mode == Mode::Executable),
        hunks: heads.map(hunk).collect::<Option<_>>()?,
    })
}

/// From `@@ -3,2 +4,1 @@`: the lines before and within the hunk, of the old text and of the new one.
fn places(head: &str) -> Option<(usize, usize, usize, usize)> {
    let side = |word: Option<&str>, mark: char| {
        let (first, lines) = word?.strip_prefix(mark)?.split_once(',')?;
        let (first, lines): (usize, usize) = (first.parse().ok()?, lines.parse().ok()?);
        // A side without lines names the line before it.
        Some((first.checked_sub(usize::from(lines > 0))?, lines))
    };
    let mut words = head.split(' ').skip(1);
    let ((from, lines), (to, more)) = (side(words.next(), '-')?, side(words.next(), '+')?);
    Some((from, lines, to, more))
}

impl Exact {
    /// The change with those hunks alone that are taken, for the file as it is now; none if nothing is.
    ///
    /// # Errors
    /// Why it cannot be made, in words: the file is another one than the hunks are for.
    pub fn taken(&self, how: How, taken: &[usize], now: Option<&FileState>) -> Result<FileChange, String> {
        let Exact { path, base, hunks, .. } = self;
        if *base != now.map(|state| Hash::of(&state.bytes).to_string()) {
            return Err(format!("{path} has changed since it was proposed"));
        }
        let (old, is_whole) = (now.map_or(&[][..], |state| state.bytes.as_slice()), taken.len() >= hunks.len());
        let old: Vec<&[u8]> = old.split_inclusive(|byte| *byte == b'\n').collect();
        let (mut bytes, mut at) = (Vec::new(), 0);
        for hunk in taken.iter().filter_map(|number| hunks.get(*number)) {
            let unfit = || format!("a hunk does not fit {path}");
            bytes.extend(old.get(at..hunk.before).ok_or_else(unfit)?.concat());
            bytes.extend(hunk.text.as_bytes());
            at = hunk.before + hunk.lines;
        }
        bytes.extend(old.get(at..).ok_or_else(|| format!("a hunk does not fit {path}"))?.concat());
        let mode = match now {
            Some(state) if !is_whole => state.mode,
            _ if self.executable => Mode::Executable,
            _ => Mode::Plain,
        };
        let after = (how != How::Deleted || !is_whole).then_some(FileState { bytes, mode });
        let path = RelPath::new(path.as_bytes()).map_err(|error| error.to_string())?;
        Ok(FileChange { path, base: now.map(|state| Hash::of(&state.bytes)), after })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each of both hunks alone, then both.
    fn halves(old: &str, new: &str) -> Vec<String> {
        let (old, new) = (FileState::plain(old), FileState::plain(new));
        let file = question_file(&RelPath::new("a").unwrap(), Some(&old), Some(&new));
        let exact = file.exact.unwrap();
        assert_eq!(exact.hunks.len(), file.diff.lines().filter(|line| line.starts_with("@@")).count());
        let taken = |taken: &[usize]| exact.taken(How::Changed, taken, Some(&old)).unwrap().after.unwrap().bytes;
        [vec![0], vec![1], vec![0, 1]].iter().map(|all| String::from_utf8(taken(all)).unwrap()).collect()
    }

    #[test]
    fn the_taken_hunks_are_of_the_bytes_and_not_of_what_is_shown() {
        let hidden = ["\u{1f468}\u{200d}\u{1f469} \u{feff} café\n", "\u{c}\n", "\u{1b}[2Jx\r\n", "a\rb\n", "\\u{200d}\n"];
        for line in hidden {
            let middle = line.repeat(9);
            let text = |first: &str, last: &str| format!("{first}{line}{middle}{last}");
            let all = halves(&text("one\n", "two"), &text("ONE\n", "TWO\n"));
            assert_eq!(all, [text("ONE\n", "two"), text("one\n", "TWO\n"), text("ONE\n", "TWO\n")]);
        }
    }

    #[test]
    fn a_file_that_is_another_one_is_not_changed() {
        let (old, new) = (FileState::plain("a\n"), FileState::plain("b\n"));
        let file = question_file(&RelPath::new("a").unwrap(), Some(&old), Some(&new));
        let exact = file.exact.unwrap();
        assert!(exact.taken(How::Changed, &[0], Some(&new)).is_err() && exact.taken(How::Changed, &[0], None).is_err());
        let gone = question_file(&RelPath::new("a").unwrap(), Some(&old), None).exact.unwrap();
        assert_eq!(gone.taken(How::Deleted, &[0], Some(&old)).unwrap().after, None);
        let made = question_file(&RelPath::new("a").unwrap(), None, Some(&new)).exact.unwrap();
        assert_eq!(made.taken(How::Added, &[0], None).unwrap().after, Some(new));
        assert_eq!(question_file(&RelPath::new("a").unwrap(), None, Some(&FileState::plain([255_u8]))).exact, None);
    }
}
