//! A file that is written in full before anybody can see it under its name.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use tempfile::{NamedTempFile, TempPath};

/// A file in the making. Dropped before [`Draft::publish`], it leaves nothing; where the system knows files without a
/// name (Linux, on most of its file systems), not even a process that is killed leaves anything.
#[derive(Debug)]
pub(crate) struct Draft {
    file: File,
    target: PathBuf,
    /// The name that the file has for the time being; none of a file without a name.
    named: Option<TempPath>,
}

/// A temporary file is private by default; a model is not. The user's mask still applies.
#[cfg(unix)]
const MODE: u32 = 0o666;
/// How names of the time being begin.
const PREFIX: &str = ".ndf-";

impl Draft {
    /// An empty draft of `target`, in the same folder, because a rename does not cross file systems.
    pub fn create(target: &Path) -> io::Result<Draft> {
        let target = target.to_path_buf();
        if let Some(file) = nameless(folder(&target)) {
            return Ok(Draft { file, target, named: None });
        }
        let mut builder = tempfile::Builder::new();
        builder.prefix(PREFIX);
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(MODE));
        let (file, named) = builder.tempfile_in(folder(&target))?.into_parts();
        Ok(Draft { file, target, named: Some(named) })
    }

    /// The file, to be written and read.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Where it will stand.
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// A path by which this process can open it now.
    pub fn path(&self) -> PathBuf {
        match &self.named {
            Some(named) => named.to_path_buf(),
            None => descriptor(&self.file),
        }
    }

    /// Puts the file in its place when everything is on the disk: whatever happens, there is the old file or the whole new one.
    pub fn publish(self) -> io::Result<()> {
        self.file.sync_all()?;
        let named = match self.named {
            Some(named) => named,
            None => name(&self.file, folder(&self.target))?,
        };
        named.persist(&self.target).map_err(|error| error.error)
    }
}

fn folder(target: &Path) -> &Path {
    target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
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
