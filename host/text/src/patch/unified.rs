//! Unified diffs, git's too.

use super::error::PatchError;
use super::{Action, Edit, FilePatch, Hunk, HunkEnd, LastLine};

/// Reads a unified diff.
///
/// # Errors
/// The line that is wrong: a hunk that is shorter or longer than its header says, a binary patch, a text without any file.
pub fn parse(text: &str) -> Result<Vec<FilePatch>, PatchError> {
    let mut reader = Reader { lines: text.split('\n').collect(), at: 0 };
    if reader.lines.last() == Some(&"") {
        reader.lines.pop();
    }
    let mut files = Vec::new();
    let mut head = Head::default();
    while let Some(line) = reader.next() {
        if let Some(paths) = line.strip_prefix("diff --git ") {
            reader.bare(&mut head, &mut files)?;
            head = Head { git_line: reader.at, path: same_path(paths), ..Head::default() };
        } else if let Some(rest) = line.strip_prefix("--- ") {
            files.push(reader.file(rest, &mut head)?);
            head = Head::default();
        } else if line.starts_with("@@ ") {
            return Err(reader.wrong("a hunk without '--- ' and '+++ ' before it"));
        } else if line.starts_with("GIT binary patch") || line.starts_with("Binary files ") {
            return Err(reader.wrong("a binary patch; write the whole file instead"));
        } else {
            head.read(line.strip_suffix('\r').unwrap_or(line)).map_err(|why| reader.wrong(why))?;
        }
    }
    reader.bare(&mut head, &mut files)?;
    if files.is_empty() { Err(reader.wrong("neither a unified diff nor an envelope: there is no '--- '")) } else { Ok(files) }
}

/// What git's lines say of a file as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Change {
    #[default]
    Updated,
    New,
    Deleted,
}

/// git's own lines before a file's hunks.
#[derive(Debug, Default)]
struct Head {
    /// The line of `diff --git`; 0: none.
    git_line: usize,
    /// The path of `diff --git`, if it is one path.
    path: Option<String>,
    kind: Change,
    executable: Option<bool>,
    from: Option<String>,
    to: Option<String>,
}

impl Head {
    fn read(&mut self, line: &str) -> Result<(), &'static str> {
        let after = |prefix: &str| line.strip_prefix(prefix);
        if let Some(path) = after("rename from ") {
            self.from = Some(unquoted(path));
        } else if let Some(path) = after("rename to ") {
            self.to = Some(unquoted(path));
        } else if let Some(mode) = after("new mode ") {
            self.executable = Some(executable(mode)?);
        } else if let Some(mode) = after("new file mode ") {
            (self.kind, self.executable) = (Change::New, Some(executable(mode)?));
        } else if let Some(mode) = after("deleted file mode ") {
            executable(mode)?;
            self.kind = Change::Deleted;
        } else if let Some(mode) = after("old mode ").or_else(|| after("index ").and_then(|line| line.split(' ').nth(1))) {
            executable(mode)?;
        }
        Ok(())
    }
}

/// Whether a mode of git's is a program's.
fn executable(mode: &str) -> Result<bool, &'static str> {
    match mode.trim_end() {
        "100755" => Ok(true),
        "100644" | "100664" => Ok(false),
        _ => Err("a mode of a link or submodule: a patch has plain files and programs alone"),
    }
}

/// The path of a line `diff --git a/PATH b/PATH`, if both are the same.
fn same_path(line: &str) -> Option<String> {
    let line = line.strip_suffix('\r').unwrap_or(line);
    let middle = line.len() / 2;
    let (old, new) = (line.get(..middle)?, line.get(middle..)?.strip_prefix(' ')?);
    let (old, new) = strip(unquoted(old), unquoted(new));
    (old == new).then_some(old)
}

struct Reader<'p> {
    lines: Vec<&'p str>,
    at: usize,
}

impl<'p> Reader<'p> {
    fn next(&mut self) -> Option<&'p str> {
        let line = self.lines.get(self.at).copied();
        self.at += usize::from(line.is_some());
        line
    }

    fn wrong(&self, why: impl Into<String>) -> PatchError {
        PatchError::Form { line: self.at.max(1), why: why.into() }
    }

    /// A file of git's that has no hunks: a rename, a change of mode, a new or deleted file that is empty.
    fn bare(&self, head: &mut Head, files: &mut Vec<FilePatch>) -> Result<(), PatchError> {
        let head = std::mem::take(head);
        let (path, action) = match (head.from, head.to, head.path, head.kind) {
            (Some(from), Some(to), ..) => (from, Action::Update { edits: Vec::new(), to: Some(to) }),
            (_, _, Some(path), Change::New) => (path, Action::Add { text: String::new() }),
            (_, _, Some(path), Change::Deleted) => (path, Action::Delete { expect: Some(String::new()) }),
            (_, _, Some(path), Change::Updated) if head.executable.is_some() => (path, Action::Update { edits: Vec::new(), to: None }),
            _ if head.git_line > 0 => {
                let why = "a file without hunks, and neither a rename, a mode nor an empty file";
                return Err(PatchError::Form { line: head.git_line, why: why.into() });
            }
            _ => return Ok(()),
        };
        files.push(FilePatch { path, action, executable: head.executable });
        Ok(())
    }

    fn file(&mut self, old: &str, head: &mut Head) -> Result<FilePatch, PatchError> {
        let new = self.next().and_then(|line| line.strip_prefix("+++ ")).ok_or_else(|| self.wrong("'+++ ' must follow '--- '"))?;
        let (old, new) = (path(old), path(new));
        let mut hunks = Vec::new();
        while self.lines.get(self.at).is_some_and(|line| line.starts_with("@@ ")) {
            hunks.push(self.hunk()?);
        }
        // A line that no header counted would be lost in silence.
        let is_lost = |line: &&str| line.starts_with([' ', '+', '-']) && !line.starts_with("--- ") && line.trim_end() != "--";
        if self.lines.get(self.at).is_some_and(is_lost) {
            self.at += 1;
            return Err(self.wrong("the hunk has more lines than its header counts"));
        }
        let (old, new) = strip(old, new);
        let executable = head.executable;
        match (old.as_str(), new.as_str()) {
            ("/dev/null", "/dev/null") => Err(self.wrong("a file from nothing to nothing")),
            ("/dev/null", path) => {
                let [Hunk { old, new, end, .. }] = &hunks[..] else { return Err(self.wrong("a new file has one hunk")) };
                if !old.is_empty() {
                    return Err(self.wrong("a new file has only '+' lines"));
                }
                let text = whole(new, if let HunkEnd::Says { new, .. } = end { *new } else { LastLine::Ended });
                Ok(FilePatch { path: path.to_owned(), action: Action::Add { text }, executable })
            }
            (path, "/dev/null") => {
                let expect = match &hunks[..] {
                    [Hunk { old, new, end, .. }] if new.is_empty() => {
                        Some(whole(old, if let HunkEnd::Says { old, .. } = end { *old } else { LastLine::Ended }))
                    }
                    _ => return Err(self.wrong("a deletion has one hunk, of '-' lines")),
                };
                Ok(FilePatch { path: path.to_owned(), action: Action::Delete { expect }, executable: None })
            }
            _ if hunks.is_empty() => Err(self.wrong("a file without hunks")),
            (from, path) => {
                let to = (from != path || head.to.is_some()).then(|| head.to.clone().unwrap_or_else(|| path.to_owned()));
                let path = head.from.clone().unwrap_or_else(|| from.to_owned());
                let to = to.filter(|to| *to != path);
                Ok(FilePatch { path, action: Action::Update { edits: hunks.into_iter().map(Edit::Hunk).collect(), to }, executable })
            }
        }
    }

    fn hunk(&mut self) -> Result<Hunk, PatchError> {
        let header = self.next().unwrap_or_default();
        let (mut old_left, mut new_left, line) =
            counts(header).ok_or_else(|| self.wrong("a hunk's header is '@@ -LINE,COUNT +LINE,COUNT @@'"))?;
        let mut hunk = Hunk { line: Some(line), ..Hunk::default() };
        let (mut old_end, mut new_end, mut last) = (None, None, "");
        while let Some(&row) = self.lines.get(self.at) {
            let (kind, rest) = row.split_at_checked(1).unwrap_or((" ", ""));
            match kind {
                "\\" => {
                    old_end = if last != "+" { Some(LastLine::Open) } else { old_end };
                    new_end = if last != "-" { Some(LastLine::Open) } else { new_end };
                }
                _ if old_left == 0 && new_left == 0 => break,
                " " if old_left > 0 && new_left > 0 => {
                    hunk.old.push(rest.to_owned());
                    hunk.new.push(rest.to_owned());
                    (old_left, new_left) = (old_left - 1, new_left - 1);
                }
                "-" if old_left > 0 => {
                    hunk.old.push(rest.to_owned());
                    old_left -= 1;
                }
                "+" if new_left > 0 => {
                    hunk.new.push(rest.to_owned());
                    new_left -= 1;
                }
                _ => return Err(self.wrong(format!("the hunk '{header}' has other lines than its header counts"))),
            }
            self.at += 1;
            last = kind;
        }
        if old_left > 0 || new_left > 0 {
            return Err(self.wrong(format!("the hunk '{header}' is shorter than its header counts")));
        }
        if old_end.is_some() || new_end.is_some() {
            let says = |end: Option<LastLine>| end.unwrap_or(LastLine::Ended);
            hunk.end = HunkEnd::Says { old: says(old_end), new: says(new_end) };
        }
        Ok(hunk)
    }
}

/// Counts of old and new lines, and the first old line, from 1; a hunk that only adds names the line before it.
fn counts(header: &str) -> Option<(usize, usize, usize)> {
    let (ranges, _) = header.strip_prefix("@@ -")?.split_once(" @@")?;
    let (old, new) = ranges.split_once(" +")?;
    let pair = |text: &str| -> Option<(usize, usize)> {
        let (line, count) = text.split_once(',').unwrap_or((text, "1"));
        Some((line.parse().ok()?, count.parse().ok()?))
    };
    let ((line, old), (_, new)) = (pair(old)?, pair(new)?);
    Some((old, new, if old == 0 { line + 1 } else { line.max(1) }))
}

/// A path of a header: a date behind a tab goes, quotes too.
fn path(text: &str) -> String {
    let text = text.strip_suffix('\r').unwrap_or(text);
    unquoted(text.split('\t').next().unwrap_or_default())
}

fn strip(old: String, new: String) -> (String, String) {
    let bare =
        |path: &str, prefix: &str| (path == "/dev/null").then(|| path.to_owned()).or_else(|| path.strip_prefix(prefix).map(str::to_owned));
    match (bare(&old, "a/"), bare(&new, "b/")) {
        (Some(a), Some(b)) => (a, b),
        _ => (old, new),
    }
}

/// A path in C's quotes, as git writes it.
fn unquoted(text: &str) -> String {
    let Some(inner) = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) else { return text.to_owned() };
    let (source, mut bytes, mut at) = (inner.as_bytes(), Vec::new(), 0);
    while at < source.len() {
        let octal = inner.get(at + 1..at + 4).filter(|_| source[at] == b'\\').and_then(|digits| u8::from_str_radix(digits, 8).ok());
        let (byte, step) = match (source[at], octal, source.get(at + 1)) {
            (b'\\', Some(byte), _) => (byte, 4),
            (b'\\', None, Some(b'n')) => (b'\n', 2),
            (b'\\', None, Some(b't')) => (b'\t', 2),
            (b'\\', None, Some(&byte)) => (byte, 2),
            (byte, ..) => (byte, 1),
        };
        bytes.push(byte);
        at += step;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A whole file of these lines.
fn whole(lines: &[String], last: LastLine) -> String {
    let mut text: String = lines.iter().flat_map(|line| [line, "\n"]).collect();
    if last == LastLine::Open {
        text.pop();
    }
    text
}
