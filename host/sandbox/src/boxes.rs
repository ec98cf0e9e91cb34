//! The folders of boxes on the disk: each is its user's alone and locked by the process that made it, so what a killed process left is
//! known by its lock that nobody holds.

use crate::error::SandboxError;
use rustix::fs::{FlockOperation, Mode, OFlags, flock};
use std::fs::{DirBuilder, File, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// How the folders' names begin.
const PREFIX: &str = "nda-box-";
/// Names that are tried until one is free.
const TRIES: u32 = 1000;
/// The user alone.
const PRIVATE: u32 = 0o700;

/// A folder for one box, removed when this is dropped.
#[derive(Debug)]
pub(crate) struct BoxFolder {
    path: PathBuf,
    /// Locked until the process ends, however it ends. No other program inherits it.
    _lock: File,
}

impl BoxFolder {
    /// Makes one where temporary files are, after what killed processes of this user left there was removed.
    pub fn make() -> Result<BoxFolder, SandboxError> {
        let folder = std::env::temp_dir();
        sweep(&folder);
        for number in 0..TRIES {
            let path = folder.join(name(number));
            match DirBuilder::new().mode(PRIVATE).create(&path) {
                Ok(()) => {}
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => continue,
                Err(source) => return Err(SandboxError::File { action: "create", path, source }),
            }
            // Whoever sweeps between the two takes it for one that was left; then it is made again.
            if let Ok(lock) = open(&path)
                && flock(&lock, FlockOperation::LockExclusive).is_ok()
                && is_there(&path, &lock)
            {
                return Ok(BoxFolder { path, _lock: lock });
            }
        }
        Err(SandboxError::System { action: "make a folder for the sandbox", source: io::ErrorKind::AlreadyExists.into() })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for BoxFolder {
    fn drop(&mut self) {
        remove(&self.path);
    }
}

/// A name that nobody can know before.
fn name(number: u32) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_nanos();
    let seed = format!("{now} {} {:?} {number}", std::process::id(), std::thread::current().id());
    format!("{PREFIX}{}", &blake3::hash(seed.as_bytes()).to_hex()[..12])
}

/// The folder itself, never what a link leads to.
fn open(path: &Path) -> rustix::io::Result<File> {
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::RDONLY;
    rustix::fs::open(path, flags, Mode::empty()).map(File::from)
}

fn is_there(path: &Path, lock: &File) -> bool {
    match (path.symlink_metadata(), lock.metadata()) {
        (Ok(there), Ok(locked)) => (there.dev(), there.ino()) == (locked.dev(), locked.ino()),
        _ => false,
    }
}

/// Removes the folders of this user's boxes whose process is gone. What cannot be removed stays, and hinders nobody.
fn sweep(folder: &Path) {
    let user = rustix::process::geteuid().as_raw();
    let is_ours = |path: &Path, lock: &File| {
        lock.metadata().is_ok_and(|metadata| metadata.uid() == user)
            && flock(lock, FlockOperation::NonBlockingLockExclusive).is_ok()
            && is_there(path, lock)
    };
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if !entry.file_name().as_encoded_bytes().starts_with(PREFIX.as_bytes()) {
            continue;
        }
        let path = entry.path();
        if open(&path).is_ok_and(|lock| is_ours(&path, &lock)) {
            remove(&path);
        }
    }
}

/// Removes a folder with all that is in it, also what its owner may not enter as it stands. No link is followed.
fn remove(path: &Path) {
    allow(path);
    let _ = std::fs::remove_dir_all(path);
}

fn allow(folder: &Path) {
    let is_open = |metadata: std::fs::Metadata| metadata.mode() & PRIVATE == PRIVATE;
    if !folder.symlink_metadata().is_ok_and(is_open) {
        let _ = std::fs::set_permissions(folder, Permissions::from_mode(PRIVATE));
    }
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            allow(&entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_holds_is_swept_and_what_somebody_holds_stays() {
        let place = tempfile::tempdir().unwrap();
        let folder = |name: &str| {
            let path = place.path().join(name);
            std::fs::create_dir(&path).unwrap();
            path
        };
        let (left, held, other) = (folder("nda-box-left"), folder("nda-box-held"), folder("other"));
        std::fs::create_dir(left.join("closed")).unwrap();
        std::fs::write(left.join("closed/secret"), "x").unwrap();
        std::fs::set_permissions(left.join("closed"), Permissions::from_mode(0o000)).unwrap();
        std::os::unix::fs::symlink(&other, place.path().join("nda-box-link")).unwrap();
        let lock = open(&held).unwrap();
        flock(&lock, FlockOperation::LockExclusive).unwrap();
        sweep(place.path());
        assert!(!left.exists() && held.exists() && other.exists());
        drop(lock);
        sweep(place.path());
        assert!(!held.exists() && other.exists() && place.path().join("nda-box-link").is_symlink());
    }
}
