//! Entries of an open folder: files and links as they are found, made, exchanged and removed.

use crate::object::Kind;
use crate::proposal::Mode;
use rustix::fs::{self, AtFlags, FileType, OFlags, RenameFlags, Stat};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStrExt;

/// How often a look is repeated because somebody renamed something at the same moment.
pub(crate) const RACES: usize = 32;

/// What stands at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// A plain file or a symbolic link, with its bytes (of a link: where it leads).
    Entry(Body),
    /// A folder.
    Folder,
    /// A device, FIFO or socket.
    Special,
}

/// A file's or link's content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body {
    /// File, executable file or link.
    pub kind: Kind,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// What tells a changed file from an unchanged one without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// Size in bytes.
    pub bytes: u64,
    /// Time of the last write, in nanoseconds.
    pub modified_ns: i128,
    /// Time of the last change of anything, in nanoseconds.
    pub changed_ns: i128,
    /// The inode's number.
    pub inode: u64,
    /// The mode, type included.
    pub mode: u32,
}

impl Stamp {
    fn of(stat: &Stat) -> Stamp {
        let time = |seconds: i64, ns: i128| i128::from(seconds) * 1_000_000_000 + ns;
        Stamp {
            bytes: stat.st_size as u64,
            modified_ns: time(stat.st_mtime, stat.st_mtime_nsec as i128),
            changed_ns: time(stat.st_ctime, stat.st_ctime_nsec as i128),
            inode: stat.st_ino,
            mode: stat.st_mode,
        }
    }

    /// What kind of entry it is; `None` for folders and special files.
    pub fn kind(&self) -> Option<Kind> {
        match FileType::from_raw_mode(self.mode as _) {
            FileType::RegularFile if self.mode & 0o100 != 0 => Some(Kind::Executable),
            FileType::RegularFile => Some(Kind::Plain),
            FileType::Symlink => Some(Kind::Link),
            _ => None,
        }
    }

    /// Whether it is a folder.
    pub fn is_folder(&self) -> bool {
        FileType::from_raw_mode(self.mode as _) == FileType::Directory
    }
}

pub(crate) fn name(bytes: &[u8]) -> &OsStr {
    OsStr::from_bytes(bytes)
}

/// What shall stand at a path.
#[derive(Debug, Clone, Copy)]
pub struct New<'n> {
    /// File, executable file or link.
    pub kind: Kind,
    /// The bytes; of a link, where it leads.
    pub bytes: &'n [u8],
    /// Permission bits of the file that it replaces; the executable bits follow `kind`.
    pub permissions: Option<u32>,
    /// Time of the last write, in nanoseconds, where an old file comes back.
    pub modified_ns: Option<i128>,
}

impl Body {
    /// Whether it is executable, for a proposal's file; `None` of a link.
    pub fn mode(&self) -> Option<Mode> {
        match self.kind {
            Kind::Plain => Some(Mode::Plain),
            Kind::Executable => Some(Mode::Executable),
            Kind::Link => None,
        }
    }
}

pub(crate) fn stamp_in(folder: BorrowedFd<'_>, entry: &[u8]) -> Result<Option<Stamp>, Errno> {
    match fs::statat(folder, name(entry), AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(Some(Stamp::of(&stat))),
        Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
        Err(errno) => Err(errno),
    }
}

pub(crate) fn found_in(folder: BorrowedFd<'_>, entry: &[u8]) -> Result<Option<Found>, Errno> {
    for _ in 0..RACES {
        let Some(stamp) = stamp_in(folder, entry)? else { return Ok(None) };
        let Some(kind) = stamp.kind() else { return Ok(Some(if stamp.is_folder() { Found::Folder } else { Found::Special })) };
        let bytes = if kind == Kind::Link {
            fs::readlinkat(folder, name(entry), Vec::new()).map(|target| target.into_bytes())
        } else {
            read_file(folder, entry)
        };
        match bytes {
            Ok(bytes) => return Ok(Some(Found::Entry(Body { kind, bytes }))),
            // It became something else between the two calls: look again.
            Err(Errno::LOOP | Errno::INVAL | Errno::NOENT) => {}
            Err(errno) => return Err(errno),
        }
    }
    Err(Errno::AGAIN)
}

fn read_file(folder: BorrowedFd<'_>, entry: &[u8]) -> Result<Vec<u8>, Errno> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let mut file = File::from(fs::openat(folder, name(entry), flags, fs::Mode::empty())?);
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?;
    Ok(bytes)
}

/// Makes a new file or link, all of it on the disk.
pub(crate) fn make_in(folder: BorrowedFd<'_>, entry: &[u8], new: &New<'_>) -> std::io::Result<()> {
    if new.kind == Kind::Link {
        return Ok(fs::symlinkat(name(new.bytes), folder, name(entry))?);
    }
    let made = write_in(folder, entry, new);
    if made.is_err() {
        let _ = drop_in(folder, entry);
    }
    made
}

fn write_in(folder: BorrowedFd<'_>, entry: &[u8], new: &New<'_>) -> std::io::Result<()> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let usual = if new.kind == Kind::Executable { 0o777 } else { 0o666 };
    let mut file = File::from(fs::openat(folder, name(entry), flags, fs::Mode::from_raw_mode(usual as _))?);
    file.write_all(new.bytes)?;
    if let Some(old) = new.permissions {
        // Who may read may execute, as git does it; never the set-id bits.
        let readers = (old & 0o444) >> 2;
        let mode = (old & 0o666) | if new.kind == Kind::Executable { readers | 0o100 } else { 0 };
        fs::fchmod(&file, fs::Mode::from_raw_mode(mode as _))?;
    }
    if let Some(ns) = new.modified_ns {
        let time = fs::Timespec { tv_sec: ns.div_euclid(1_000_000_000) as _, tv_nsec: ns.rem_euclid(1_000_000_000) as _ };
        fs::futimens(&file, &fs::Timestamps { last_access: time, last_modification: time })?;
    }
    file.sync_all()
}

pub(crate) fn drop_in(folder: BorrowedFd<'_>, entry: &[u8]) -> Result<(), Errno> {
    match fs::unlinkat(folder, name(entry), AtFlags::empty()) {
        Err(Errno::NOENT) => Ok(()),
        done => done,
    }
}

/// Puts what stands aside at `entry`, and what stood there aside; if nothing did, nothing stands aside then.
pub(crate) fn swap(folder: BorrowedFd<'_>, aside: &[u8], entry: &[u8]) -> Result<(), Errno> {
    let rename = |flags| fs::renameat_with(folder, name(aside), folder, name(entry), flags);
    match rename(RenameFlags::EXCHANGE) {
        Err(Errno::NOENT) => rename(RenameFlags::NOREPLACE),
        // A file system that cannot exchange: what is lost is the second look, not the atomic step.
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => fs::renameat(folder, name(aside), folder, name(entry)),
        done => done,
    }
}

/// Undoes a swap that took out what was not expected. What somebody writes in the meantime is newer than what goes back, so it
/// goes back in turn: the last writer's content stands at the end, and only what it replaced is removed.
pub(crate) fn swap_back(folder: BorrowedFd<'_>, aside: &[u8], entry: &[u8], new: Option<&New<'_>>) -> Result<(), Errno> {
    let Some(new) = new else {
        return match fs::renameat_with(folder, name(aside), folder, name(entry), RenameFlags::NOREPLACE) {
            // A newer one stands there.
            Err(Errno::EXIST) => drop_in(folder, aside),
            done => done,
        };
    };
    let mut expected = Some(Found::Entry(Body { kind: new.kind, bytes: new.bytes.to_vec() }));
    for _ in 0..RACES {
        let put = found_in(folder, aside)?;
        swap(folder, aside, entry)?;
        if found_in(folder, aside)? == expected {
            return drop_in(folder, aside);
        }
        expected = put;
    }
    Err(Errno::AGAIN)
}
