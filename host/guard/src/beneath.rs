//! The files beneath a root, through descriptors alone: no component of a path may be a symbolic link, and none leads out.
//!
//! Whoever swaps a folder for a link between a look and a write gains nothing: every step resolves anew with `openat2`, and the
//! kernel refuses links and whatever lies outside.

use crate::entry::{Found, New, RACES, Stamp, drop_in, found_in, make_in, name, stamp_in, swap, swap_back};
use crate::error::GuardError;
use crate::object::Kind;
use crate::path::RelPath;
use rustix::fs::{self, AtFlags, OFlags, RenameFlags, ResolveFlags};
use rustix::io::Errno;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

/// Mode of new folders, before the user's mask.
const FOLDER_MODE: u32 = 0o777;

/// A folder, open.
#[derive(Debug)]
pub struct Root {
    descriptor: OwnedFd,
    path: PathBuf,
}

impl Root {
    /// Opens a folder as a root.
    ///
    /// # Errors
    /// The system's answer.
    pub fn open(path: &Path) -> Result<Root, GuardError> {
        let failed = |errno: Errno| GuardError::io("open the folder", path)(errno.into());
        let descriptor = fs::open(path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, fs::Mode::empty()).map_err(failed)?;
        let path = std::fs::canonicalize(path).map_err(GuardError::io("open the folder", path))?;
        Ok(Root { descriptor, path })
    }

    /// The folder's path, without links.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Opens a path beneath the root.
    fn resolve(&self, path: &Path, flags: OFlags) -> Result<OwnedFd, Errno> {
        let beneath = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        for _ in 0..RACES {
            match fs::openat2(&self.descriptor, path, flags | OFlags::CLOEXEC | OFlags::NOFOLLOW, fs::Mode::empty(), beneath) {
                Err(Errno::AGAIN | Errno::INTR) => {}
                answer => return answer,
            }
        }
        Err(Errno::AGAIN)
    }

    fn failed(&self, action: &'static str, path: &RelPath, errno: Errno) -> GuardError {
        match errno {
            Errno::LOOP | Errno::XDEV => GuardError::Link(path.clone()),
            errno => GuardError::Io { action, path: self.path.join(path.as_path()), source: errno.into() },
        }
    }

    /// The folder that holds a path; `None` if it is not there or no folder.
    fn folder(&self, path: &RelPath) -> Result<Option<OwnedFd>, GuardError> {
        let parent = path.parent();
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        match self.resolve(parent.as_ref().map_or(Path::new("."), |parent| parent.as_path()), flags) {
            Ok(folder) => Ok(Some(folder)),
            Err(Errno::NOENT) => Ok(None),
            // A parent that is a link is an error; one that is a file has nothing beneath it.
            Err(Errno::NOTDIR) => self.unless_link(path).map(|()| None),
            Err(errno) => Err(self.failed("open the folder of", path, errno)),
        }
    }

    /// `openat2` with `O_DIRECTORY` says ENOTDIR for a final link: this tells a link from a file.
    fn unless_link(&self, path: &RelPath) -> Result<(), GuardError> {
        for folder in path.ancestors() {
            if self.resolve(folder.as_path(), OFlags::PATH).is_err_and(|errno| errno == Errno::LOOP)
                || self.stamp(&folder).ok().flatten().and_then(|stamp| stamp.kind()) == Some(Kind::Link)
            {
                return Err(GuardError::Link(path.clone()));
            }
        }
        Ok(())
    }

    /// A path's stamp; `None` if nothing stands there.
    ///
    /// # Errors
    /// A parent that is a link, or the system's answer.
    pub fn stamp(&self, path: &RelPath) -> Result<Option<Stamp>, GuardError> {
        let Some(folder) = self.folder(path)? else { return Ok(None) };
        stamp_in(folder.as_fd(), path.name()).map_err(|errno| self.failed("look at", path, errno))
    }

    /// What stands at a path; `None` if nothing does.
    ///
    /// # Errors
    /// A parent that is a link, or the system's answer.
    pub fn read(&self, path: &RelPath) -> Result<Option<Found>, GuardError> {
        let Some(folder) = self.folder(path)? else { return Ok(None) };
        found_in(folder.as_fd(), path.name()).map_err(|errno| self.failed("read", path, errno))
    }

    /// Names in a folder, not those of `.` and `..`; `None` is the root.
    ///
    /// # Errors
    /// The system's answer.
    pub fn names(&self, folder: Option<&RelPath>) -> Result<Vec<Vec<u8>>, GuardError> {
        let path = folder.map_or(Path::new("."), |folder| folder.as_path());
        let failed = |errno: Errno| GuardError::io("list the folder", self.path.join(path))(errno.into());
        let open = self.resolve(path, OFlags::RDONLY | OFlags::DIRECTORY).map_err(failed)?;
        let mut names = Vec::new();
        for entry in fs::Dir::new(open).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name().to_bytes().to_vec();
            if name != b"." && name != b".." {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    /// The folder of a path, with all folders above it made where they are missing.
    fn folder_made(&self, path: &RelPath) -> Result<OwnedFd, GuardError> {
        let mut folders: Vec<RelPath> = path.ancestors().collect();
        folders.reverse();
        for folder in &folders {
            let Some(above) = self.folder(folder)? else { return Err(self.failed("make the folder", folder, Errno::NOTDIR)) };
            match fs::mkdirat(&above, name(folder.name()), fs::Mode::from_raw_mode(FOLDER_MODE as _)) {
                Ok(()) => fs::fsync(&above).map_err(|errno| self.failed("make the folder", folder, errno))?,
                Err(Errno::EXIST) => {}
                Err(errno) => return Err(self.failed("make the folder", folder, errno)),
            }
        }
        self.folder(path)?.ok_or_else(|| self.failed("make the folder of", path, Errno::NOTDIR))
    }

    /// Puts `new` at a path where `is_expected` holds for what stands there, and for nothing else: what stands there is taken
    /// out in the same step as the new comes in, looked at, and put back if it is another. `temporary` is a name in the
    /// same folder that is free.
    ///
    /// # Errors
    /// [`GuardError::Changed`] if something else stands there (it stays), or the system's answer.
    pub fn exchange(
        &self,
        path: &RelPath,
        temporary: &str,
        new: Option<&New<'_>>,
        is_expected: &dyn Fn(Option<&Found>) -> bool,
    ) -> Result<(), GuardError> {
        let failed = |errno| self.failed("write", path, errno);
        let folder = match new {
            Some(_) => self.folder_made(path)?,
            None => match self.folder(path)? {
                Some(folder) => folder,
                None if is_expected(None) => return Ok(()),
                None => return Err(GuardError::Changed(path.clone())),
            },
        };
        let (at, aside) = (folder.as_fd(), temporary.as_bytes());
        if !is_expected(found_in(at, path.name()).map_err(failed)?.as_ref()) {
            return Err(GuardError::Changed(path.clone()));
        }
        if let Some(new) = new {
            make_in(at, aside, new).map_err(|source| GuardError::io("write", self.path.join(path.as_path()))(source))?;
        }
        let swapped = match new {
            Some(_) => swap(at, aside, path.name()),
            None => fs::renameat_with(at, name(path.name()), at, temporary, RenameFlags::NOREPLACE),
        };
        let taken = swapped.and_then(|()| found_in(at, aside));
        match taken {
            Ok(found) if is_expected(found.as_ref()) => drop_in(at, aside).and_then(|()| fs::fsync(at)).map_err(failed),
            Ok(_) => {
                // Somebody wrote between the look and the exchange: theirs goes back, ours goes away.
                swap_back(at, aside, path.name(), new).map_err(failed)?;
                Err(GuardError::Changed(path.clone()))
            }
            Err(errno) => {
                let _ = new.map(|_| drop_in(at, aside));
                Err(if matches!(errno, Errno::EXIST | Errno::NOENT) { GuardError::Changed(path.clone()) } else { failed(errno) })
            }
        }
    }

    /// Removes the folders above a path that are empty, the nearest first.
    pub fn prune_above(&self, path: &RelPath) {
        for folder in path.ancestors() {
            let Ok(Some(above)) = self.folder(&folder) else { return };
            if fs::unlinkat(&above, name(folder.name()), AtFlags::REMOVEDIR).is_err() {
                return;
            }
        }
    }

    /// Removes a folder that holds nothing but empty folders.
    ///
    /// # Errors
    /// The system's answer, also for a folder that holds something.
    pub fn remove_empty(&self, folder: &RelPath) -> Result<(), GuardError> {
        for child in self.names(Some(folder))? {
            self.remove_empty(&folder.join(&child))?;
        }
        let Some(above) = self.folder(folder)? else { return Ok(()) };
        fs::unlinkat(&above, name(folder.name()), AtFlags::REMOVEDIR).map_err(|errno| self.failed("remove the folder", folder, errno))
    }

    /// The entry under a temporary name beside a path; and away with it.
    pub fn aside(&self, path: &RelPath, temporary: &str) -> Result<Option<Found>, GuardError> {
        match self.folder(path)? {
            Some(folder) => found_in(folder.as_fd(), temporary.as_bytes()).map_err(|errno| self.failed("read", path, errno)),
            None => Ok(None),
        }
    }

    /// Removes what an interrupted exchange left beside a path.
    pub fn drop_aside(&self, path: &RelPath, temporary: &str) -> Result<(), GuardError> {
        match self.folder(path)? {
            Some(folder) => drop_in(folder.as_fd(), temporary.as_bytes()).map_err(|errno| self.failed("remove", path, errno)),
            None => Ok(()),
        }
    }

    /// Puts what stands aside back at its path, over whatever is there.
    pub fn put_back(&self, path: &RelPath, temporary: &str) -> Result<(), GuardError> {
        match self.folder(path)? {
            Some(folder) => fs::renameat(&folder, temporary, &folder, name(path.name())).map_err(|errno| self.failed("write", path, errno)),
            None => Ok(()),
        }
    }
}
