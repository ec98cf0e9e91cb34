//! What somebody wants to change: files as they were read, and as they shall be.

use crate::path::RelPath;
use std::fmt;

/// BLAKE3 of a file's bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash([u8; 32]);

impl Hash {
    /// The hash of these bytes.
    pub fn of(bytes: &[u8]) -> Hash {
        Hash(*blake3::hash(bytes).as_bytes())
    }

    /// The hash of bytes that lie in parts.
    pub fn of_parts<'p>(parts: impl Iterator<Item = &'p [u8]>) -> Hash {
        let mut hasher = blake3::Hasher::new();
        parts.for_each(|part| _ = hasher.update(part));
        Hash(*hasher.finalize().as_bytes())
    }

    /// A hash that was kept as its 32 bytes.
    pub const fn new(bytes: [u8; 32]) -> Hash {
        Hash(bytes)
    }

    /// A hash from its 64 hexadecimal digits.
    pub fn parse(text: &str) -> Option<Hash> {
        blake3::Hash::from_hex(text).ok().map(|hash| Hash(*hash.as_bytes()))
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Whether a file may be executed: the one bit of its mode that a proposal carries. Other bits stay as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// Data.
    Plain,
    /// A program or script.
    Executable,
}

/// A plain file's content and mode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileState {
    /// All bytes.
    pub bytes: Vec<u8>,
    /// Whether it may be executed.
    pub mode: Mode,
}

impl FileState {
    /// A file of data.
    pub fn plain(bytes: impl Into<Vec<u8>>) -> FileState {
        FileState { bytes: bytes.into(), mode: Mode::Plain }
    }

    /// Hash of the bytes.
    pub fn hash(&self) -> Hash {
        Hash::of(&self.bytes)
    }
}

/// A file as it was when the proposal was made; `None`: there was none.
pub type Base = Option<Hash>;

/// One file's change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileChange {
    /// Which file.
    pub path: RelPath,
    /// What the proposer read there.
    pub base: Base,
    /// What shall be there; `None` deletes the file.
    pub after: Option<FileState>,
}

/// Who proposes, and by which call.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Origin {
    /// The person, client or agent.
    pub who: String,
    /// The tool: `patch_file`, `write_file`, `run`. Rules of the policy name it.
    pub tool: String,
    /// The call's number or line, for the journal.
    pub call: String,
}

/// A change of files that anybody may propose; nothing is written by making one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    origin: Origin,
    changes: Vec<FileChange>,
}

impl Proposal {
    /// A proposal, its files in the order of their paths. Of several changes of one path, `Workspace::decide` says red.
    pub fn new(origin: Origin, mut changes: Vec<FileChange>) -> Proposal {
        changes.sort_by(|a, b| a.path.cmp(&b.path));
        Proposal { origin, changes }
    }

    /// Who proposes.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The changes, in the order of their paths.
    pub fn changes(&self) -> &[FileChange] {
        &self.changes
    }

    /// What names this proposal: any other byte, mode, path, base or origin has another.
    pub fn hash(&self) -> Hash {
        let mut hasher = blake3::Hasher::new();
        // Every field goes in with its length, so that no two proposals are the same bytes.
        let mut field = |bytes: &[u8]| {
            hasher.update(&(bytes.len() as u64).to_le_bytes());
            hasher.update(bytes);
        };
        let Origin { who, tool, call } = &self.origin;
        [who, tool, call].into_iter().for_each(|text| field(text.as_bytes()));
        for change in &self.changes {
            field(change.path.as_bytes());
            field(change.base.as_ref().map_or(&[], |hash| hash.as_bytes().as_slice()));
            match &change.after {
                None => field(b"deleted"),
                Some(state) => {
                    field(if state.mode == Mode::Executable { b"executable" } else { b"plain" });
                    field(&state.bytes);
                }
            }
        }
        Hash(*hasher.finalize().as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proposal(path: &str, base: Base, after: Option<FileState>) -> Proposal {
        Proposal::new(Origin::default(), vec![FileChange { path: RelPath::new(path).unwrap(), base, after }])
    }

    #[test]
    fn every_part_of_a_proposal_changes_its_hash() {
        let text = || Some(FileState::plain("x"));
        let other = Some(FileState { mode: Mode::Executable, ..FileState::plain("x") });
        let all = [
            proposal("a", None, text()),
            proposal("b", None, text()),
            proposal("a", Some(Hash::of(b"")), text()),
            proposal("a", None, None),
            proposal("a", None, other),
            proposal("a", None, Some(FileState::plain("y"))),
            Proposal::new(Origin { who: "me".into(), ..Origin::default() }, proposal("a", None, text()).changes),
        ];
        let hashes: std::collections::BTreeSet<Hash> = all.iter().map(Proposal::hash).collect();
        assert_eq!(hashes.len(), all.len());
        assert_eq!(Hash::parse(&all[0].hash().to_string()), Some(all[0].hash()));
    }
}
