//! What a person has typed and not saved, kept beside the workspace's other state: a log for each file, private to the user, which
//! outlives whoever writes it. Nothing of the workspace itself is touched.

use crate::error::GuardError;
use crate::path::RelPath;
use crate::workspace::state_folder;
use rustix::fs::{FlockOperation, flock};
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The drafts of a folder.
#[derive(Debug, Clone)]
pub struct Drafts {
    folder: PathBuf,
}

impl Drafts {
    /// The drafts of a workspace. `state` is the folder for the state of all workspaces; by default `nda` in the user's state folder.
    ///
    /// # Errors
    /// There is no such folder, or it cannot be made.
    pub fn of(root: &Path, state: Option<&Path>) -> Result<Drafts, GuardError> {
        let root = root.canonicalize().map_err(GuardError::io("find", root))?;
        let state = state.map_or_else(|| state_folder(&root), |state| Ok(state.to_owned()))?;
        let name = blake3::hash(std::os::unix::ffi::OsStrExt::as_bytes(root.as_os_str())).to_hex();
        let folder = state.join("drafts").join(&name[..16]);
        DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(GuardError::io("make the folder", &folder))?;
        Ok(Drafts { folder })
    }

    fn place(&self, path: &RelPath, ending: &str) -> PathBuf {
        self.folder.join(format!("{}.{ending}", &blake3::hash(path.as_bytes()).to_hex()[..32]))
    }

    /// The draft of a file, which nobody else can open meanwhile; none if somebody else has it.
    ///
    /// # Errors
    /// The system's answer.
    pub fn open(&self, path: &RelPath) -> Result<Option<Draft>, GuardError> {
        let place = self.place(path, "draft");
        let file = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(&place);
        let file = file.map_err(GuardError::io("open", &place))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(Draft { file, place })),
            Err(errno) if std::io::Error::from(errno).kind() == ErrorKind::WouldBlock => Ok(None),
            Err(errno) => Err(GuardError::io("lock", &place)(errno.into())),
        }
    }

    /// A private copy of a file, which stays as it is whoever writes the file meanwhile: a large text is mapped from there.
    ///
    /// # Errors
    /// The system's answer.
    pub fn copy(&self, path: &RelPath, source: &Path) -> Result<PathBuf, GuardError> {
        let place = self.place(path, "base");
        self.forget_copy(path)?;
        std::fs::copy(source, &place).map_err(GuardError::io("copy", source))?;
        Ok(place)
    }

    /// The private copy, if there is one.
    pub fn copied(&self, path: &RelPath) -> Option<PathBuf> {
        Some(self.place(path, "base")).filter(|place| place.is_file())
    }

    /// A place beside the drafts where a program that was asked may put what it makes; the bytes come back, and the place is empty again.
    ///
    /// # Errors
    /// What the maker says, or the system's answer.
    pub fn made(&self, path: &RelPath, ending: &str, make: impl FnOnce(&Path) -> Result<(), String>) -> Result<Vec<u8>, String> {
        let place = self.place(path, ending);
        let _ = std::fs::remove_file(&place);
        let made = make(&place).and_then(|()| std::fs::read(&place).map_err(|error| error.to_string()));
        let _ = std::fs::remove_file(&place);
        made
    }

    /// Removes the private copy; who has it mapped keeps it.
    ///
    /// # Errors
    /// The system's answer.
    pub fn forget_copy(&self, path: &RelPath) -> Result<(), GuardError> {
        let place = self.place(path, "base");
        match std::fs::remove_file(&place) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(GuardError::io("remove", &place)(error)),
            _ => Ok(()),
        }
    }
}

/// The log of one file. It is the system's as soon as a call returns: whoever writes it may be killed then, and nothing is lost.
#[derive(Debug)]
pub struct Draft {
    file: File,
    place: PathBuf,
}

impl Draft {
    /// All of it.
    ///
    /// # Errors
    /// The system's answer.
    pub fn read(&self) -> Result<Vec<u8>, GuardError> {
        let mut all = Vec::new();
        // A handle of its own, from the start.
        let file = File::open(&self.place).map_err(GuardError::io("read", &self.place))?;
        (&file).read_to_end(&mut all).map_err(GuardError::io("read", &self.place))?;
        Ok(all)
    }

    /// Adds bytes, in one call of the system.
    ///
    /// # Errors
    /// The system's answer: a full disk.
    pub fn append(&mut self, bytes: &[u8]) -> Result<(), GuardError> {
        self.file.write_all(bytes).map_err(GuardError::io("write", &self.place))
    }

    /// Forgets all of it, and what comes next begins anew. A kill in between leaves the whole old log or an empty one.
    ///
    /// # Errors
    /// The system's answer.
    pub fn clear(&mut self) -> Result<(), GuardError> {
        self.file.set_len(0).map_err(GuardError::io("shorten", &self.place))
    }

    /// Cuts off what is behind some bytes: a record that a kill left half.
    ///
    /// # Errors
    /// The system's answer.
    pub fn cut(&mut self, bytes: u64) -> Result<(), GuardError> {
        self.file.set_len(bytes).map_err(GuardError::io("shorten", &self.place))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draft_is_kept_is_one_persons_and_is_cut_where_it_is_torn() {
        let place = tempfile::tempdir().unwrap();
        let (root, state) = (place.path().join("project"), place.path().join("state"));
        std::fs::create_dir(&root).unwrap();
        let drafts = Drafts::of(&root, Some(&state)).unwrap();
        let path = RelPath::new("a/b.txt").unwrap();
        let mut draft = drafts.open(&path).unwrap().unwrap();
        draft.append(b"one").unwrap();
        draft.append(b"two").unwrap();
        assert!(drafts.open(&path).unwrap().is_none(), "somebody has it");
        assert!(drafts.open(&RelPath::new("other").unwrap()).unwrap().is_some());
        drop(draft);
        let mut draft = drafts.open(&path).unwrap().unwrap();
        assert_eq!(draft.read().unwrap(), b"onetwo");
        draft.cut(3).unwrap();
        draft.append(b"!").unwrap();
        assert_eq!(draft.read().unwrap(), b"one!");
        draft.clear().unwrap();
        draft.append(b"new").unwrap();
        assert_eq!(draft.read().unwrap(), b"new");
        let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&draft.place).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600);
        std::fs::write(root.join("big"), "text").unwrap();
        let big = RelPath::new("big").unwrap();
        let copy = drafts.copy(&big, &root.join("big")).unwrap();
        std::fs::write(root.join("big"), "other").unwrap();
        assert_eq!(std::fs::read_to_string(&copy).unwrap(), "text");
        assert_eq!(drafts.copied(&big), Some(copy));
        drafts.forget_copy(&big).unwrap();
        assert_eq!(drafts.copied(&big), None);
    }
}
