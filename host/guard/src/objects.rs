//! Objects into the store and out of it, each by one process for all.

use crate::error::GuardError;
use crate::object::{Format, ObjectId};
use crate::path::RelPath;
use crate::store::{Store, TreeEntry};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, Stdio};

/// Name and address in checkpoints' commits.
const IDENTITY: &str = "nda <nda@localhost>";

/// Writes blobs, a tree and a commit in one process; nothing is visible before [`Import::finish`].
pub struct Import {
    child: Child,
    git_dir: PathBuf,
    pipe: Option<std::io::BufWriter<std::process::ChildStdin>>,
    rows: Vec<u8>,
}

impl Import {
    /// Begins.
    ///
    /// # Errors
    /// A git that does not start.
    pub fn begin(store: &Store) -> Result<Import, GuardError> {
        let mut command = store.command();
        // Deltas are left to git's next repacking: they would be half of the time.
        command.args(["-c", "core.compression=1", "fast-import", "--quiet", "--done", "--date-format=raw", "--depth=0"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(GuardError::io("start", "git"))?;
        let pipe = child.stdin.take().map(|pipe| std::io::BufWriter::with_capacity(1 << 16, pipe));
        Ok(Import { child, git_dir: store.git_dir().to_owned(), pipe, rows: Vec::new() })
    }

    fn send(&mut self, parts: &[&[u8]]) -> Result<(), GuardError> {
        let Some(pipe) = &mut self.pipe else { return Ok(()) };
        if parts.iter().try_for_each(|part| pipe.write_all(part)).is_ok() {
            return Ok(());
        }
        // It has ended, and says why.
        self.pipe = None;
        let mut report = String::new();
        let _ = self.child.stderr.take().map(|mut stderr| stderr.read_to_string(&mut report));
        let _ = self.child.wait();
        self.tidy(&report);
        Err(GuardError::Git { command: "fast-import".into(), report: report.trim().to_owned() })
    }

    /// Takes away what a git that failed left behind: its report of a crash, and the half pack that fills what is left of a full disk.
    fn tidy(&self, report: &str) {
        let _ = std::fs::remove_file(self.git_dir.join(format!("fast_import_crash_{}", self.child.id())));
        for (at, begin) in report.match_indices("tmp_pack_") {
            let rest = &report[at + begin.len()..];
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
            let _ = std::fs::remove_file(self.git_dir.join("objects/pack").join(&report[at..at + begin.len() + end]));
        }
    }

    /// A new blob.
    ///
    /// # Errors
    /// What git says.
    pub fn blob(&mut self, bytes: &[u8]) -> Result<(), GuardError> {
        self.send(&[format!("blob\ndata {}\n", bytes.len()).as_bytes(), bytes, b"\n"])
    }

    /// A row of the tree; its object is in the store or was sent.
    pub fn row(&mut self, path: &RelPath, entry: &TreeEntry) {
        self.rows.extend_from_slice(format!("M {} {} ", entry.kind.mode(), entry.object).as_bytes());
        quote(path.as_bytes(), &mut self.rows);
        self.rows.push(b'\n');
    }

    /// Writes tree, commit and reference, all on the disk; the commit's name.
    ///
    /// # Errors
    /// What git says; the reference is then not there.
    pub fn finish(mut self, reference: &str, seconds: u64, message: &str) -> Result<String, GuardError> {
        let head =
            format!("commit {reference}\nmark :1\ncommitter {IDENTITY} {seconds} +0000\ndata {}\n{message}\ndeleteall\n", message.len());
        let rows = std::mem::take(&mut self.rows);
        self.send(&[head.as_bytes(), &rows, b"\nget-mark :1\ndone\n"])?;
        let flushed = self.pipe.take().map(|mut pipe| pipe.flush());
        let mut name = String::new();
        let _ = self.child.stdout.take().map(|out| BufReader::new(out).read_line(&mut name));
        let mut report = String::new();
        let _ = self.child.stderr.take().map(|mut stderr| stderr.read_to_string(&mut report));
        let status = self.child.wait().map_err(GuardError::io("wait for", "git"))?;
        let name = name.trim().to_owned();
        if !status.success() || !matches!(flushed, Some(Ok(()))) || name.is_empty() {
            self.tidy(&report);
            return Err(GuardError::Git { command: "fast-import".into(), report: format!("{} ({status})", report.trim()) });
        }
        Ok(name)
    }
}

/// A path as fast-import reads it: in quotes, with octal escapes.
fn quote(path: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    for &byte in path {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            0x20..=0x7e => out.push(byte),
            _ => out.extend_from_slice(format!("\\{byte:03o}").as_bytes()),
        }
    }
    out.push(b'"');
}

/// Reads blobs, one process for all.
pub struct Blobs {
    child: Child,
    input: std::process::ChildStdin,
    output: BufReader<std::process::ChildStdout>,
    format: Format,
}

impl Blobs {
    /// Begins.
    ///
    /// # Errors
    /// A git that does not start.
    pub fn begin(store: &Store) -> Result<Blobs, GuardError> {
        let mut command = store.command();
        command.args(["cat-file", "--batch"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().map_err(GuardError::io("start", "git"))?;
        let none = || GuardError::Git { command: "cat-file".into(), report: "no pipe".into() };
        let (input, output) = (child.stdin.take().ok_or_else(none)?, child.stdout.take().ok_or_else(none)?);
        Ok(Blobs { child, input, output: BufReader::with_capacity(1 << 16, output), format: store.format() })
    }

    /// The bytes of an object; their name is checked.
    ///
    /// # Errors
    /// An object that is missing or damaged.
    pub fn read(&mut self, object: &ObjectId) -> Result<Vec<u8>, GuardError> {
        let pipe = |source| GuardError::Git { command: "cat-file".into(), report: format!("object {object}: {source}") };
        let mut head = String::new();
        self.input.write_all(format!("{object}\n").as_bytes()).and_then(|()| self.output.read_line(&mut head)).map_err(pipe)?;
        let size = head.trim().strip_prefix(&format!("{object} blob ")).and_then(|size| size.parse::<usize>().ok());
        let Some(size) = size else {
            return Err(GuardError::Git { command: "cat-file".into(), report: format!("object {object}: {}", head.trim()) });
        };
        let mut bytes = vec![0; size + 1];
        self.output.read_exact(&mut bytes).map_err(pipe)?;
        bytes.pop();
        if self.format.blob(&bytes) != *object {
            return Err(GuardError::Git { command: "cat-file".into(), report: format!("object {object} is damaged in the store") });
        }
        Ok(bytes)
    }
}

impl Drop for Blobs {
    fn drop(&mut self) {
        // It ends when its input does; nothing is left to hear.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
