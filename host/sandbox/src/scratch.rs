//! The clone of a project that a command writes in: the files that git would take, and what each was.

use crate::error::SandboxError;
use ignore::WalkBuilder;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, symlink};
use std::path::{Path, PathBuf};

/// What lies in no clone: the repository itself, and what the workspace keeps of itself.
const KEPT_OUT: [&str; 2] = [".git", ".nda"];

/// Bytes that are copied at a time.
const CHUNK_BYTES: usize = 1 << 16;

/// What a path was when it was cloned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    File { hash: blake3::Hash, mode: u32 },
    Link(PathBuf),
}

/// Everything that was cloned, by its path from the project's root.
pub(crate) type Manifest = BTreeMap<PathBuf, Kind>;

/// Paths below a folder that git would take, from that folder: files and links.
pub(crate) fn listed(folder: &Path) -> Vec<PathBuf> {
    let is_ours = |entry: &ignore::DirEntry| !KEPT_OUT.iter().any(|name| entry.file_name() == OsStr::new(name));
    let mut walk = WalkBuilder::new(folder);
    walk.hidden(false).ignore(false).git_global(false).require_git(false).follow_links(false).filter_entry(is_ours);
    let entries = walk.build().flatten().filter(|entry| entry.file_type().is_some_and(|kind| kind.is_file() || kind.is_symlink()));
    entries.filter_map(|entry| entry.path().strip_prefix(folder).ok().map(Path::to_owned)).collect()
}

/// Clones a project into a folder that is there and empty.
///
/// # Errors
/// Files that take more than `most` bytes together; the system's answers.
pub(crate) fn clone(project: &Path, into: &Path, most: u64) -> Result<Manifest, SandboxError> {
    let (mut manifest, mut bytes) = (Manifest::new(), 0);
    for path in listed(project) {
        let (from, to) = (project.join(&path), into.join(&path));
        // Gone since it was listed: then it is not cloned.
        let Ok(metadata) = from.symlink_metadata() else { continue };
        if let Some(folder) = to.parent() {
            std::fs::create_dir_all(folder).map_err(SandboxError::file("create", folder))?;
        }
        if metadata.is_symlink() {
            let leads = std::fs::read_link(&from).map_err(SandboxError::file("read", &from))?;
            symlink(&leads, &to).map_err(SandboxError::file("create", &to))?;
            manifest.insert(path, Kind::Link(leads));
            continue;
        }
        bytes += metadata.len();
        if bytes > most {
            return Err(SandboxError::TooLarge { project: bytes, scratch: most });
        }
        let hash = copy(&from, &to, &metadata).map_err(SandboxError::file("clone", &from))?;
        manifest.insert(path, Kind::File { hash, mode: metadata.mode() & 0o777 });
    }
    Ok(manifest)
}

/// Copies one file with its mode and its times, on which make decides.
fn copy(from: &Path, to: &Path, metadata: &Metadata) -> std::io::Result<blake3::Hash> {
    // Never a pipe that took the file's place, and no link.
    let flags = (rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK).bits() as i32;
    let mut source = OpenOptions::new().read(true).custom_flags(flags).open(from)?;
    let mut target = OpenOptions::new().write(true).create_new(true).mode(metadata.mode() & 0o777 | 0o600).open(to)?;
    let (mut hasher, mut chunk) = (blake3::Hasher::new(), vec![0; CHUNK_BYTES]);
    loop {
        let count = source.read(&mut chunk)?;
        if count == 0 {
            break;
        }
        hasher.update(&chunk[..count]);
        target.write_all(&chunk[..count])?;
    }
    keep_times(&target, metadata)?;
    Ok(hasher.finalize())
}

fn keep_times(target: &File, metadata: &Metadata) -> std::io::Result<()> {
    let times = std::fs::FileTimes::new().set_modified(metadata.modified()?);
    target.set_times(times)
}
