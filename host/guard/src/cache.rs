//! Which object a file was when it was read last: as long as its stamp is the same, it is not read again.

use crate::entry::Stamp;
use crate::object::ObjectId;
use crate::path::RelPath;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// A file changed less than this before it was read may change again within one tick of its clock: it is not remembered.
const RACY_NS: i128 = 50_000_000;
/// The first line: what the file is, and in which form.
const HEAD: &str = "nda cache 1";

/// Stamps and objects of the files read last.
#[derive(Debug)]
pub struct Cache {
    path: PathBuf,
    known: HashMap<RelPath, (Stamp, ObjectId)>,
    /// Those seen this time: the others are forgotten.
    seen: HashMap<RelPath, (Stamp, ObjectId)>,
    began_ns: i128,
}

impl Cache {
    /// The cache in this file; an absent or damaged one is empty, for it saves time and nothing else.
    pub fn load(path: &Path) -> Cache {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let mut lines = text.lines();
        let is_ours = lines.next() == Some(HEAD);
        let known = if is_ours { lines.filter_map(parse).collect() } else { HashMap::new() };
        Cache::with(path, known)
    }

    /// An empty cache, to be saved in this file.
    pub fn empty(path: &Path) -> Cache {
        Cache::with(path, HashMap::new())
    }

    fn with(path: &Path, known: HashMap<RelPath, (Stamp, ObjectId)>) -> Cache {
        let began_ns = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_nanos() as i128);
        Cache { path: path.to_owned(), known, seen: HashMap::new(), began_ns }
    }

    /// The object of a file with this stamp.
    pub fn get(&mut self, path: &RelPath, stamp: &Stamp) -> Option<ObjectId> {
        let (_, object) = self.known.get(path).filter(|(known, _)| known == stamp)?;
        let object = object.clone();
        self.seen.insert(path.clone(), (*stamp, object.clone()));
        Some(object)
    }

    /// Remembers a file that was read.
    pub fn put(&mut self, path: &RelPath, stamp: Stamp, object: &ObjectId) {
        if stamp.changed_ns.max(stamp.modified_ns) < self.began_ns - RACY_NS {
            self.seen.insert(path.clone(), (stamp, object.clone()));
        }
    }

    /// The text to be kept, and where; `None` if nothing has changed.
    pub fn text(&self) -> Option<(&Path, String)> {
        if self.seen == self.known {
            return None;
        }
        let mut text = format!("{HEAD}\n");
        for (path, (stamp, object)) in &self.seen {
            let Stamp { bytes, modified_ns, changed_ns, inode, mode } = stamp;
            text.push_str(&format!("{bytes} {modified_ns} {changed_ns} {inode} {mode} {object} {path}\n"));
        }
        Some((&self.path, text))
    }
}

fn parse(line: &str) -> Option<(RelPath, (Stamp, ObjectId))> {
    let mut fields = line.splitn(7, ' ');
    let mut next = || fields.next();
    let stamp = Stamp {
        bytes: next()?.parse().ok()?,
        modified_ns: next()?.parse().ok()?,
        changed_ns: next()?.parse().ok()?,
        inode: next()?.parse().ok()?,
        mode: next()?.parse().ok()?,
    };
    let object = ObjectId(next()?.to_owned());
    Some((RelPath::from_escaped(next()?).ok()?, (stamp, object)))
}
