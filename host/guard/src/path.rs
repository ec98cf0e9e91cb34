//! Paths beneath a workspace's root: bytes, because a file's name need not be UTF-8.

use crate::error::GuardError;
use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Longest path, in bytes: Linux's own limit.
const MAX_BYTES: usize = 4096;

/// A path beneath the root: components joined with `/`; none is empty, `.` or `..`, and there is no NUL.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RelPath(Vec<u8>);

impl RelPath {
    /// A path from its bytes.
    ///
    /// # Errors
    /// [`GuardError::BadPath`] for an absolute path, an empty component, `.`, `..`, a NUL or more than 4,096 bytes.
    pub fn new(bytes: impl AsRef<[u8]>) -> Result<RelPath, GuardError> {
        let bytes = bytes.as_ref();
        let bad = |why| GuardError::BadPath { path: escape(bytes), why };
        if bytes.is_empty() || bytes.len() > MAX_BYTES {
            return Err(bad("a path has 1 to 4096 bytes"));
        }
        if bytes[0] == b'/' {
            return Err(bad("paths are relative to the workspace's root"));
        }
        if bytes.contains(&0) {
            return Err(bad("a path contains no NUL"));
        }
        for part in bytes.split(|&byte| byte == b'/') {
            match part {
                b"" => return Err(bad("a component is empty")),
                b"." | b".." => return Err(bad("'.' and '..' are not components of a path in a workspace")),
                _ => {}
            }
        }
        Ok(RelPath(bytes.to_vec()))
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The same as a relative path of the system.
    pub fn as_path(&self) -> &Path {
        Path::new(OsStr::from_bytes(&self.0))
    }

    /// The components, from the root downwards.
    pub fn parts(&self) -> impl DoubleEndedIterator<Item = &[u8]> {
        self.0.split(|&byte| byte == b'/')
    }

    /// The folder that holds it; `None` if that is the root.
    pub fn parent(&self) -> Option<RelPath> {
        let at = self.0.iter().rposition(|&byte| byte == b'/')?;
        Some(RelPath(self.0[..at].to_vec()))
    }

    /// The last component.
    pub fn name(&self) -> &[u8] {
        self.parts().next_back().unwrap_or_default()
    }

    /// All folders above it, the nearest first; the root is not among them.
    pub fn ancestors(&self) -> impl Iterator<Item = RelPath> {
        std::iter::successors(self.parent(), RelPath::parent)
    }

    /// A path within this folder.
    pub(crate) fn join(&self, name: &[u8]) -> RelPath {
        RelPath([&self.0, b"/".as_slice(), name].concat())
    }

    /// A path from what [`escape`] made of it.
    pub(crate) fn from_escaped(text: &str) -> Result<RelPath, GuardError> {
        RelPath::new(unescape(text))
    }
}

impl fmt::Display for RelPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&escape(&self.0))
    }
}

/// Bytes as printable text: what is not printable UTF-8, and `%`, as `%XX`.
pub(crate) fn escape(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            if c == '%' || c.is_control() {
                let mut buffer = [0; 4];
                c.encode_utf8(&mut buffer).bytes().for_each(|byte| push_hex(&mut text, byte));
            } else {
                text.push(c);
            }
        }
        chunk.invalid().iter().for_each(|&byte| push_hex(&mut text, byte));
    }
    text
}

fn push_hex(text: &mut String, byte: u8) {
    text.push_str(&format!("%{byte:02X}"));
}

/// The bytes that [`escape`] was given.
pub(crate) fn unescape(text: &str) -> Vec<u8> {
    let (source, mut bytes, mut at) = (text.as_bytes(), Vec::with_capacity(text.len()), 0);
    while let Some(&byte) = source.get(at) {
        let code = (byte == b'%').then(|| text.get(at + 1..at + 3).and_then(|hex| u8::from_str_radix(hex, 16).ok())).flatten();
        bytes.push(code.unwrap_or(byte));
        at += if code.is_some() { 3 } else { 1 };
    }
    bytes
}

/// Names that are red whatever the rules say, as components anywhere in a path: they decide what runs or what may be written.
const RED_PARTS: [&str; 7] = [".git", ".nda", ".gitmodules", ".husky", ".githooks", ".envrc", ".pre-commit-config.yaml"];
/// How files are called that lefthook reads, before their ending and after a dot that may be there.
const LEFTHOOK: [&str; 2] = ["lefthook", "lefthook-local"];
/// The endings of these.
const LEFTHOOK_ENDINGS: [&str; 5] = ["yml", "yaml", "toml", "json", "jsonc"];
/// The same for a folder and a name in it.
const RED_PAIRS: [(&str, &str); 2] = [(".cargo", "config.toml"), (".cargo", "config")];

/// Why a path may never be written, if it may not: it belongs to git, to the policy, to hooks, or decides what a build runs.
pub(crate) fn always_red(path: &RelPath) -> Option<&'static str> {
    let parts: Vec<String> = path.parts().map(folded).collect();
    if parts.iter().any(|part| RED_PARTS.contains(&part.as_str()) || part.starts_with("git~") || is_lefthook(part)) {
        return Some("git's own files, hooks and the workspace's policy are never written for an agent");
    }
    let is_pair = |pair: &[String]| RED_PAIRS.iter().any(|(folder, name)| pair[0] == *folder && pair[1] == *name);
    if parts.windows(2).any(is_pair) {
        return Some("cargo's configuration decides what a build runs");
    }
    None
}

fn is_lefthook(part: &str) -> bool {
    let name = part.strip_prefix('.').unwrap_or(part);
    name.rsplit_once('.').is_some_and(|(name, ending)| LEFTHOOK.contains(&name) && LEFTHOOK_ENDINGS.contains(&ending))
}

/// A component as file systems that fold case, drop final dots and blanks, or skip invisible characters see it.
fn folded(part: &[u8]) -> String {
    let is_skipped = |c: &char| matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}');
    let text = String::from_utf8_lossy(part);
    // What stands behind a colon is a stream of the same file on NTFS.
    let name = text.split(':').next().unwrap_or_default();
    let seen: String = name.chars().filter(|c| !is_skipped(c)).flat_map(char::to_lowercase).collect();
    seen.trim_end_matches(['.', ' ']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_beneath_the_root_are_paths() {
        for bad in ["", "/etc/passwd", "a//b", "../a", "a/..", "./a", "a/", "a\0b"] {
            assert!(RelPath::new(bad).is_err(), "{bad:?}");
        }
        assert!(RelPath::new(vec![b'a'; 4097]).is_err());
        let path = RelPath::new("a/b/c").unwrap();
        assert_eq!(path.ancestors().map(|p| p.to_string()).collect::<Vec<_>>(), ["a/b", "a"]);
        assert_eq!(path.name(), b"c");
    }

    #[test]
    fn names_of_any_bytes_survive_being_written_down() {
        for name in [b"a b".as_slice(), b"x\ty\n", b"100%", b"%41", b"\xff\xfe/\xc3\xa9", "ünï/é".as_bytes(), b"-n", b"\"q\""] {
            let path = RelPath::new(name).unwrap();
            assert_eq!(RelPath::from_escaped(&path.to_string()).unwrap(), path);
        }
    }

    #[test]
    fn protected_paths_are_red_under_every_spelling() {
        for red in [
            ".git/config",
            ".GIT/config",
            "sub/.git",
            ".git./x",
            ".git /x",
            ".g\u{200c}it/config",
            "git~1/config",
            ".git::$INDEX/x",
            ".nda/policy.toml",
            ".cargo/config.toml",
            "a/.cargo/config",
            ".husky/pre-commit",
            ".gitmodules",
            "lefthook.yml",
            ".lefthook.yml",
            "lefthook.yaml",
            "lefthook.toml",
            "lefthook-local.yml",
            ".lefthook-local.json",
            "Lefthook.yml",
            ".pre-commit-config.yaml",
        ] {
            assert!(always_red(&RelPath::new(red).unwrap()).is_some(), "{red}");
        }
        for green in ["src/git.rs", ".gitignore", "a.git", "nda", ".cargo/README", ".gitattributes"] {
            assert!(always_red(&RelPath::new(green).unwrap()).is_none(), "{green}");
        }
    }
}
