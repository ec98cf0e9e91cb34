//! What a command left in its scratch, against what was cloned into it. Nobody writes there any more when this looks.

use crate::error::SandboxError;
use crate::scratch::{Kind, Manifest, listed};
use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Bytes of all changed files together that are brought back.
const MOST_BYTES: u64 = 256 << 20;

/// Bits of a mode: all, those that change who a program runs as, what the owner of a clone may always do, and who may execute.
const ALL_BITS: u32 = 0o7777;
const SPECIAL_BITS: u32 = 0o7000;
const OWNERS: u32 = 0o600;
const EXECUTABLE: u32 = 0o111;

/// What a path is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// A file with these bytes and this mode, of which nine bits are kept.
    File {
        /// All of it.
        bytes: Vec<u8>,
        /// Who may read, write and execute it.
        mode: u32,
    },
    /// A symbolic link.
    Link(PathBuf),
    /// Nothing.
    Deleted,
    /// Something that is not brought back, and why.
    Refused(String),
}

impl Change {
    /// What became of the path, for a person.
    pub fn describe(&self) -> String {
        match &self.content {
            Content::File { bytes, mode } if self.before == Some(blake3::hash(bytes)) => format!("mode is {mode:o} now"),
            Content::File { bytes, .. } if self.before.is_some() => format!("changed, {} bytes", bytes.len()),
            Content::File { bytes, .. } => format!("new, {} bytes", bytes.len()),
            Content::Link(leads) => format!("a link to {}", leads.display()),
            Content::Deleted => "deleted".into(),
            Content::Refused(why) => why.clone(),
        }
    }
}

/// A path that is not what it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// From the project's root.
    pub path: PathBuf,
    /// The hash of the file as it was cloned; none if there was none, or a link.
    pub before: Option<blake3::Hash>,
    /// What it is now.
    pub content: Content,
}

/// Compares a scratch with its manifest. Files that are new and that git would ignore are not changes; those that were cloned are
/// compared whatever the ignore files say now.
///
/// # Errors
/// The system's answer about a file.
pub(crate) fn changes(work: &Path, manifest: &Manifest) -> Result<Vec<Change>, SandboxError> {
    let (mut there, mut folders) = (BTreeSet::new(), BTreeSet::new());
    walk(work, Path::new(""), &mut there, &mut folders)?;
    let new = listed(work).into_iter().filter(|path| !manifest.contains_key(path));
    let special = there.iter().filter(|path| is_special(&work.join(path)) && !manifest.contains_key(*path)).cloned();
    let mut paths: BTreeSet<PathBuf> = new.chain(special).collect();
    paths.extend(manifest.keys().cloned());
    let mut changes = Vec::new();
    let mut room = MOST_BYTES;
    for path in paths {
        let was = manifest.get(&path);
        let now = if there.contains(&path) { look(&work.join(&path), was, &mut room)? } else { Some(Content::Deleted) };
        let before = was.and_then(|kind| if let Kind::File { hash, .. } = kind { Some(*hash) } else { None });
        let omitted = omitted(&work.join(&path), was, now.as_ref()).map(|content| Change { path: path.clone(), before, content });
        changes.extend(now.map(|content| Change { path, before, content }).into_iter().chain(omitted));
    }
    changes.extend(folders.into_iter().filter_map(|path| {
        let after = work.join(&path).symlink_metadata().ok()?.mode() & ALL_BITS;
        let content = of_mode(after & !SPECIAL_BITS, after);
        (after & SPECIAL_BITS != 0).then_some(Change { path, before: None, content })
    }));
    Ok(changes)
}

/// All that is not a folder, and all folders, from `work`; links are not followed.
fn walk(work: &Path, folder: &Path, found: &mut BTreeSet<PathBuf>, folders: &mut BTreeSet<PathBuf>) -> Result<(), SandboxError> {
    let whole = work.join(folder);
    for entry in std::fs::read_dir(&whole).map_err(SandboxError::file("list", &whole))? {
        let entry = entry.map_err(SandboxError::file("list", &whole))?;
        let path = folder.join(entry.file_name());
        match entry.file_type().map_err(SandboxError::file("look at", work.join(&path)))?.is_dir() {
            // A folder that its owner may not enter hides nothing that could be brought back.
            true => {
                let _ = walk(work, &path, found, folders);
                folders.insert(path);
            }
            false => drop(found.insert(path)),
        }
    }
    Ok(())
}

fn is_special(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|metadata| !metadata.is_file() && !metadata.is_symlink() && !metadata.is_dir())
}

/// What of a file's mode is not brought back although the file is.
fn omitted(path: &Path, was: Option<&Kind>, now: Option<&Content>) -> Option<Content> {
    let Some(Content::File { .. }) = now else { return None };
    let after = path.symlink_metadata().ok()?.mode() & ALL_BITS | OWNERS;
    let before = match was {
        Some(Kind::File { mode, .. }) => *mode | OWNERS,
        _ => after & !SPECIAL_BITS,
    };
    (before & !EXECUTABLE != after & !EXECUTABLE).then(|| of_mode(before, after))
}

/// Nobody could be asked about it: of a mode a proposal has one bit alone.
fn of_mode(before: u32, after: u32) -> Content {
    Content::Refused(format!("mode {before:o} -> {after:o}; of a mode only the executable bit is brought back"))
}

/// What a path is now; none if it is what it was.
fn look(path: &Path, was: Option<&Kind>, room: &mut u64) -> Result<Option<Content>, SandboxError> {
    let metadata = path.symlink_metadata().map_err(SandboxError::file("look at", path))?;
    if metadata.is_symlink() {
        let leads = std::fs::read_link(path).map_err(SandboxError::file("read", path))?;
        return Ok((was != Some(&Kind::Link(leads.clone()))).then_some(Content::Link(leads)));
    }
    if !metadata.is_file() {
        return Ok(Some(Content::Refused("no file and no link".into())));
    }
    let mode = metadata.mode() & ALL_BITS;
    if metadata.len() > *room {
        return Ok(Some(Content::Refused(format!("{} bytes; all changes together bring back {MOST_BYTES} at most", metadata.len()))));
    }
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == std::io::ErrorKind::PermissionDenied => return Ok(Some(Content::Refused(format!("cannot be read: {e}")))),
        Err(source) => return Err(SandboxError::File { action: "read", path: path.into(), source }),
    };
    if let Some(Kind::File { hash, mode: before }) = was
        && *hash == blake3::hash(&bytes)
    {
        let (before, after) = (*before | OWNERS, mode | OWNERS);
        if before == after {
            return Ok(None);
        }
        if before & 0o100 == after & 0o100 {
            return Ok(Some(of_mode(before, after)));
        }
    }
    *room -= metadata.len();
    Ok(Some(Content::File { bytes, mode: mode & !SPECIAL_BITS }))
}
