//! A file that is written in full before anybody can see it under its name.

use crate::error::FilesError;
use crate::target::Target;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use tempfile::{NamedTempFile, TempPath};

/// A file in the making. Dropped before [`Draft::publish`], it leaves nothing; where the system knows files without a
/// name (Linux, on most of its file systems), not even a process that is killed leaves anything.
#[derive(Debug)]
pub struct Draft {
    file: File,
    target: Target,
    /// The name that the file has for the time being; none of a file without a name.
    named: Option<TempPath>,
}

/// A temporary file is private by default; a result is not. The user's mask still applies.
#[cfg(unix)]
const MODE: u32 = 0o666;
/// How names of the time being begin.
const PREFIX: &str = ".nda-";

impl Draft {
    /// An empty draft of a target, in the same folder, because a rename does not cross file systems.
    ///
    /// # Errors
    /// The system's answer.
    pub fn create(target: &Target) -> Result<Draft, FilesError> {
        let failed = |source| FilesError::io("create", target.given(), source);
        let (file, named) = match nameless(target.folder()) {
            Some(file) => (file, None),
            None => named(target.folder()).map_err(failed).map(|(file, path)| (file, Some(path)))?,
        };
        // A file that was private stays so.
        #[cfg(unix)]
        if let Some(old) = target.old() {
            use std::os::unix::fs::PermissionsExt;
            file.set_permissions(PermissionsExt::from_mode(old.permissions().mode() & 0o777)).map_err(failed)?;
        }
        Ok(Draft { file, target: target.clone(), named })
    }

    /// The file, to be written and read.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// The target, as it was given.
    pub fn target(&self) -> &Path {
        self.target.given()
    }

    /// A path by which this process can open it now.
    pub fn path(&self) -> PathBuf {
        match &self.named {
            Some(named) => named.to_path_buf(),
            None => descriptor(&self.file),
        }
    }

    /// Puts the file in its place when everything is on the disk: whatever happens, there is the old file or the whole new one.
    ///
    /// # Errors
    /// The system's answer.
    pub fn publish(self) -> Result<(), FilesError> {
        self.on_disk()?.name()
    }

    /// Waits until everything is on the disk: what a full disk kept back shows here.
    pub(crate) fn on_disk(self) -> Result<Written, FilesError> {
        match self.file.sync_all() {
            Ok(()) => Ok(Written(self)),
            Err(source) => Err(FilesError::io("write", self.target.given(), source)),
        }
    }
}

/// A draft of which everything is on the disk.
pub(crate) struct Written(Draft);

impl Written {
    /// Gives the file its name, and makes sure of the name.
    pub fn name(self) -> Result<(), FilesError> {
        let Draft { file, target, named } = self.0;
        let failed = |source| FilesError::io("replace", target.given(), source);
        let named = match named {
            Some(named) => named,
            None => name(&file, target.folder()).map_err(failed)?,
        };
        named.persist(target.path()).map_err(|error| failed(error.error))?;
        sync_folder(target.folder()).map_err(failed)
    }
}

/// A name lasts when its folder is on the disk. Some file systems cannot be asked for that.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    match File::open(folder).and_then(|folder| folder.sync_all()) {
        Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => Ok(()),
        // A folder that may be written and not read.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        done => done,
    }
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

/// A file with a name of the time being.
fn named(folder: &Path) -> io::Result<(File, TempPath)> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(PREFIX);
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(MODE));
    builder.tempfile_in(folder).map(NamedTempFile::into_parts)
}

/// A file without a name, if the system and the folder's file system know such files.
#[cfg(target_os = "linux")]
fn nameless(folder: &Path) -> Option<File> {
    use rustix::fs::{Mode, OFlags};
    let descriptor = rustix::fs::open(folder, OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC, Mode::from_raw_mode(MODE)).ok()?;
    let file = File::from(descriptor);
    // Naming it later takes this way, which a system without /proc does not have.
    self::descriptor(&file).exists().then_some(file)
}

#[cfg(not(target_os = "linux"))]
fn nameless(_: &Path) -> Option<File> {
    None
}

/// The system's own path to an open file.
fn descriptor(file: &File) -> PathBuf {
    #[cfg(unix)]
    let number = std::os::fd::AsRawFd::as_raw_fd(file);
    #[cfg(not(unix))]
    let number = {
        let _ = file;
        0
    };
    PathBuf::from(format!("/proc/self/fd/{number}"))
}

/// Gives a file without a name one in the folder.
#[cfg(target_os = "linux")]
fn name(file: &File, folder: &Path) -> io::Result<TempPath> {
    use rustix::fs::{AtFlags, CWD, linkat};
    let link = |path: &Path| linkat(CWD, descriptor(file), CWD, path, AtFlags::SYMLINK_FOLLOW).map_err(io::Error::from);
    tempfile::Builder::new().prefix(PREFIX).make_in(folder, link).map(NamedTempFile::into_temp_path)
}

#[cfg(not(target_os = "linux"))]
fn name(_: &File, _: &Path) -> io::Result<TempPath> {
    Err(io::ErrorKind::Unsupported.into())
}
