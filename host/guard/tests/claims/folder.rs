//! Folders to try things in.

use nda_guard::{Approver, Decide, Decision, FileChange, FileState, Mode, Origin, Proposal, RelPath, Review, Settings, Workspace};
use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Says green to everything.
pub struct Anything;

impl Decide for Anything {
    fn decide(&self, _: &Review<'_>) -> Decision {
        Decision::Green(Approver::Person("test".into()))
    }
}

/// A folder with a state folder beside it, gone at the end.
pub struct Folder {
    _place: tempfile::TempDir,
    pub root: PathBuf,
    pub state: PathBuf,
}

impl Folder {
    /// A folder without git.
    pub fn bare() -> Folder {
        let place = tempfile::tempdir().unwrap();
        let (root, state) = (place.path().join("project"), place.path().join("state"));
        std::fs::create_dir(&root).unwrap();
        Folder { root: root.canonicalize().unwrap(), state, _place: place }
    }

    /// A repository with a first, empty commit.
    pub fn repository() -> Folder {
        let folder = Folder::bare();
        folder.git(&["init", "-q"]);
        folder.git(&["commit", "-qm", "first", "--allow-empty"]);
        folder
    }

    pub fn git(&self, arguments: &[&str]) -> Vec<u8> {
        git(&self.root, arguments)
    }

    pub fn settings(&self) -> Settings {
        Settings::default().state(&self.state).decider(Anything)
    }

    pub fn open(&self) -> Workspace {
        Workspace::open(&self.root, self.settings()).unwrap()
    }

    pub fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub fn text(&self, path: &str) -> Option<String> {
        std::fs::read(self.root.join(path)).ok().map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    }
}

/// Runs git as somebody; an exit status other than 0 is a fault of the test.
pub fn git(folder: &Path, arguments: &[&str]) -> Vec<u8> {
    let mut command = Command::new("git");
    for (key, _) in std::env::vars_os().filter(|(key, _)| key.as_bytes().starts_with(b"GIT_")) {
        command.env_remove(key);
    }
    let output = command
        .args(["-c", "user.name=x", "-c", "user.email=x@example.com", "-c", "init.defaultBranch=main", "-c", "protocol.file.allow=always"])
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

pub fn path(text: impl AsRef<[u8]>) -> RelPath {
    RelPath::new(text).unwrap()
}

pub fn origin() -> Origin {
    Origin { who: "test".into(), tool: "write_file".into(), call: String::new() }
}

/// A proposal of these contents, made from what the workspace has now.
pub fn proposal(workspace: &Workspace, changes: &[(&str, Option<&str>)]) -> Proposal {
    let change = |(name, after): &(&str, Option<&str>)| FileChange {
        path: path(name),
        base: workspace.read(&path(name)).unwrap().map(|state| state.hash()),
        after: after.map(|text| FileState { bytes: text.as_bytes().to_vec(), mode: Mode::Plain }),
    };
    Proposal::new(origin(), changes.iter().map(change).collect())
}

/// What is at a path: its kind and bytes.
pub type State = BTreeMap<Vec<u8>, (char, Vec<u8>)>;

/// All files and links below a folder, but for repositories' own and those in `ign/`.
pub fn state(root: &Path) -> State {
    let mut all = State::new();
    walk(root, root, &mut all);
    all
}

fn walk(root: &Path, folder: &Path, all: &mut State) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.strip_prefix(root).unwrap().as_os_str().as_bytes().to_vec();
        let data = path.symlink_metadata().unwrap();
        if name == b".git" || name == b"ign" {
            continue;
        }
        if data.is_dir() {
            walk(root, &path, all);
        } else if data.is_symlink() {
            all.insert(name, ('l', std::fs::read_link(&path).unwrap().as_os_str().as_bytes().to_vec()));
        } else {
            let kind = if data.permissions().mode() & 0o100 != 0 { 'x' } else { 'f' };
            all.insert(name, (kind, std::fs::read(&path).unwrap()));
        }
    }
}

/// Times of the last write and inodes of all files below a folder.
pub fn times(root: &Path) -> BTreeMap<Vec<u8>, (i64, i64, u64)> {
    let data = |name: &Vec<u8>| root.join(std::ffi::OsStr::from_bytes(name)).symlink_metadata().unwrap();
    let row = |name: &Vec<u8>| (data(name).mtime(), data(name).mtime_nsec(), data(name).ino());
    state(root).keys().map(|name| (name.clone(), row(name))).collect()
}

/// All that is the repository's user's: branches, tags, stash, HEAD, index.
pub fn git_state(folder: &Folder) -> Vec<u8> {
    let mut all = folder.git(&["for-each-ref", "refs/heads", "refs/tags", "refs/stash", "refs/remotes"]);
    for file in ["HEAD", "index", "config", "logs/HEAD"] {
        all.extend(std::fs::read(folder.root.join(".git").join(file)).unwrap_or_default());
    }
    all
}

/// How many rounds a long test takes: `SOAK` in the environment says how many times the usual.
pub fn rounds(usual: u64) -> u64 {
    usual * std::env::var("SOAK").ok().and_then(|times| times.parse().ok()).unwrap_or(1)
}
