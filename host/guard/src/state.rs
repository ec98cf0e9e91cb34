//! The guard's own files, beside the objects: written whole, locked, and never read half.

use crate::error::GuardError;
use crate::path::RelPath;
use rustix::fs::{FlockOperation, flock};
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

fn folder_of(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new("."))
}

fn sync_folder(path: &Path) -> Result<(), GuardError> {
    File::open(folder_of(path)).and_then(|folder| folder.sync_all()).map_err(GuardError::io("write", path))
}

/// Writes a file whole: old or new, on the disk when this returns.
pub(crate) fn write_file(path: &Path, bytes: &[u8]) -> Result<(), GuardError> {
    let temporary = path.with_extension("new");
    let written = File::create(&temporary).and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()));
    written.and_then(|()| std::fs::rename(&temporary, path)).map_err(GuardError::io("write", path))?;
    sync_folder(path)
}

/// Writes a file whole that may be lost: a cache.
pub(crate) fn write_cache(path: &Path, bytes: &[u8]) -> Result<(), GuardError> {
    let temporary = path.with_extension("new");
    let written = File::create(&temporary).and_then(|mut file| file.write_all(bytes));
    written.and_then(|()| std::fs::rename(&temporary, path)).map_err(GuardError::io("write", path))
}

/// Removes a file; an absent one is not an error.
pub(crate) fn remove_file(path: &Path) -> Result<(), GuardError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(GuardError::io("remove", path)(error)),
        _ => sync_folder(path),
    }
}

/// Adds a line to a file, on the disk when this returns; a last line that a killed process left half is ended first.
pub(crate) fn append_line(path: &Path, line: &str) -> Result<(), GuardError> {
    let is_torn = std::fs::read(path).is_ok_and(|text| text.last().is_some_and(|&byte| byte != b'\n'));
    let text = if is_torn { format!("\n{line}\n") } else { format!("{line}\n") };
    let file = OpenOptions::new().append(true).create(true).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all())).map_err(GuardError::io("write", path))
}

/// The right to change the workspace; the system takes it back when the process ends, however it ends.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    /// Waits for the lock in this folder: whoever has it writes a handful of files.
    pub(crate) fn take(folder: &Path) -> Result<Lock, GuardError> {
        Lock::on(folder.join("lock"))
    }

    /// Waits for the lock on a file that is there for nothing else.
    pub(crate) fn on(path: PathBuf) -> Result<Lock, GuardError> {
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(&path).map_err(GuardError::io("lock", &path))?;
        flock(&file, FlockOperation::LockExclusive).map_err(|errno| GuardError::io("lock", &path)(errno.into()))?;
        Ok(Lock { _file: file })
    }
}

/// A folder for one look by git, gone when it is dropped.
#[derive(Debug)]
pub(crate) struct Trial {
    path: PathBuf,
}

impl Trial {
    pub(crate) fn new(folder: &Path) -> Result<Trial, GuardError> {
        let path = folder.join("trial");
        // What a killed process left; the lock says that nobody else is at it.
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).map_err(GuardError::io("make the folder", &path))?;
        Ok(Trial { path })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn write(&self, path: &RelPath, bytes: &[u8]) -> Result<(), GuardError> {
        let file = self.path.join(path.as_path());
        std::fs::create_dir_all(folder_of(&file)).and_then(|()| std::fs::write(&file, bytes)).map_err(GuardError::io("write", file))
    }
}

impl Drop for Trial {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.path);
    }
}
