//! What may be written to.

use crate::error::{FilesError, Found};
use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};

/// Links that are followed before they count as a circle; Linux follows as many.
const MAX_LINKS: usize = 40;

/// A file that may be written: it is free, or a plain file that nothing is read from.
#[derive(Debug, Clone)]
pub struct Target {
    given: PathBuf,
    /// Where the file stands, links followed.
    path: PathBuf,
    /// The file that stands there now.
    old: Option<Metadata>,
}

impl Target {
    /// Judges a target before anything is done for it. `reads` are files that the work reads, and folders whose files it reads.
    ///
    /// # Errors
    /// [`FilesError`], whose variants say what is refused.
    pub fn judge(given: &Path, reads: &[&Path]) -> Result<Target, FilesError> {
        if given == Path::new("-") {
            return Err(FilesError::Stream);
        }
        let target = Target::resolve(given)?;
        if let Some(old) = &target.old {
            if let Some(found) = Found::of(old.file_type()) {
                return Err(FilesError::Target { path: given.into(), found });
            }
            for read in reads {
                target.refuse_if_read(read)?;
            }
            if old.permissions().readonly() || is_writable(&target.path).is_err() {
                return Err(FilesError::ReadOnly { path: given.into() });
            }
        }
        is_writable(target.folder()).map_err(|source| FilesError::io("write", given, source))?;
        Ok(target)
    }

    /// Follows links by hand, so that one that is a way to an open stream is seen as such.
    fn resolve(given: &Path) -> Result<Target, FilesError> {
        let mut path = given.to_path_buf();
        for _ in 0..MAX_LINKS {
            // What ends in '/' or '..' can only be a folder.
            if path.file_name().is_none() || path.as_os_str().as_encoded_bytes().ends_with(b"/") {
                return Err(FilesError::Target { path: given.into(), found: Found::Folder });
            }
            let folder = folder(&path);
            let place = folder.canonicalize().map_err(|source| FilesError::io("write", given, source))?;
            if !place.is_dir() {
                return Err(FilesError::io("write", given, std::io::ErrorKind::NotADirectory.into()));
            }
            if place.starts_with("/proc") {
                return Err(FilesError::Target { path: given.into(), found: Found::Descriptor });
            }
            let old = match fs::symlink_metadata(&path) {
                Ok(old) => old,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound && path == given => {
                    return Ok(Target { given: given.into(), path, old: None });
                }
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => break,
                Err(source) => return Err(FilesError::io("write", given, source)),
            };
            if !old.is_symlink() {
                return Ok(Target { given: given.into(), path, old: Some(old) });
            }
            let next = fs::read_link(&path).map_err(|source| FilesError::io("write", given, source))?;
            path = folder.join(next);
        }
        Err(FilesError::Link { path: given.into() })
    }

    /// The target as it was given.
    pub fn given(&self) -> &Path {
        &self.given
    }

    /// Where the file will stand: the given path, links followed.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The folder that it will stand in.
    pub(crate) fn folder(&self) -> &Path {
        folder(&self.path)
    }

    /// The file that stands there now.
    pub(crate) fn old(&self) -> Option<&Metadata> {
        self.old.as_ref()
    }

    /// Refuses a target that another output of the same command has taken.
    ///
    /// # Errors
    /// [`FilesError::Twice`].
    pub fn refuse_if_taken(&self, others: &[&Target]) -> Result<(), FilesError> {
        let place = |target: &Target| Some((target.folder().canonicalize().ok()?, target.path.file_name()?.to_owned()));
        let mine = place(self);
        let is_taken = others.iter().any(|other| mine.is_some() && place(other) == mine);
        if is_taken { Err(FilesError::Twice { path: self.given.clone() }) } else { Ok(()) }
    }

    fn refuse_if_read(&self, read: &Path) -> Result<(), FilesError> {
        // What is not there is found out by whoever reads it.
        let Ok(metadata) = fs::metadata(read) else { return Ok(()) };
        if !metadata.is_dir() {
            return self.refuse_if_same(read, &metadata);
        }
        for entry in fs::read_dir(read).into_iter().flatten().flatten() {
            if let Ok(metadata) = fs::metadata(entry.path()) {
                self.refuse_if_same(&entry.path(), &metadata)?;
            }
        }
        Ok(())
    }

    fn refuse_if_same(&self, read: &Path, metadata: &Metadata) -> Result<(), FilesError> {
        let is_same = self.old.as_ref().is_some_and(|old| is_same_file((&self.path, old), (read, metadata)));
        if is_same { Err(FilesError::Same { path: self.given.clone(), read: read.into() }) } else { Ok(()) }
    }
}

/// The folder that a file stands in.
fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Device and inode: hard links and other ways to a file are the file.
#[cfg(unix)]
fn is_same_file((_, a): (&Path, &Metadata), (_, b): (&Path, &Metadata)) -> bool {
    use std::os::unix::fs::MetadataExt;
    (a.dev(), a.ino()) == (b.dev(), b.ino())
}

#[cfg(not(unix))]
fn is_same_file((a, _): (&Path, &Metadata), (b, _): (&Path, &Metadata)) -> bool {
    matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}

/// Whether this user may write to a file, or create files in a folder. What else the system has against it shows later.
#[cfg(unix)]
fn is_writable(path: &Path) -> std::io::Result<()> {
    use rustix::fs::{Access, AtFlags, CWD, accessat};
    Ok(accessat(CWD, path, Access::WRITE_OK, AtFlags::EACCESS)?)
}

#[cfg(not(unix))]
fn is_writable(_: &Path) -> std::io::Result<()> {
    Ok(())
}
