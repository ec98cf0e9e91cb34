//! Who writes the open files beside us: the kernel says it, so nobody looks again and again.

use crate::studio::Event;
use crate::work::Work;
use rustix::fs::inotify::{self, CreateFlags, Reader, WatchFlags};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// The folders that are watched, and the names that matter in them.
pub struct Watch {
    kernel: Arc<OwnedFd>,
    names: Arc<Mutex<BTreeSet<OsString>>>,
    folders: BTreeSet<PathBuf>,
}

impl Watch {
    /// Begins; none if the system has no more watches, and then the disk is looked at when a file is saved.
    pub fn new(work: &Work<Event>) -> Option<Watch> {
        let kernel = Arc::new(inotify::init(CreateFlags::CLOEXEC).ok()?);
        let names: Arc<Mutex<BTreeSet<OsString>>> = Arc::default();
        let (read, known) = (kernel.clone(), names.clone());
        work.start(move |post| {
            let mut room = [MaybeUninit::uninit(); 4096];
            let mut reader = Reader::new(&*read, &mut room);
            while let Ok(event) = reader.next() {
                let name = event.file_name().map(|name| <std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(name.to_bytes()));
                let is_open = name.is_some_and(|name| known.lock().unwrap_or_else(PoisonError::into_inner).contains(name));
                if is_open && !post.send(Event::Disk) {
                    return;
                }
            }
        });
        Some(Watch { kernel, names, folders: BTreeSet::new() })
    }

    /// Watches a file.
    pub fn add(&mut self, place: &Path) {
        let (Some(folder), Some(name)) = (place.parent(), place.file_name()) else { return };
        self.names.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned());
        if self.folders.insert(folder.to_owned()) {
            let flags = WatchFlags::CLOSE_WRITE | WatchFlags::MOVED_TO | WatchFlags::DELETE;
            // A folder that is gone has nothing to say.
            let _ = inotify::add_watch(&*self.kernel, folder, flags);
        }
    }
}
