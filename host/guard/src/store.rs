//! Where checkpoints lie: the repository's own object store, or one beside for folders without git. All through git's plumbing,
//! without its filters, hooks, index, or anything that a repository's configuration could start.

use crate::error::GuardError;
use crate::obeyed;
use crate::object::{Format, Kind, ObjectId};
use crate::path::{RelPath, escape};
use std::collections::BTreeMap;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// What no call may start, whatever the configuration says: line-end conversions, monitors, hooks, garbage collection.
const SAFE: [&str; 10] = [
    "core.autocrlf=false",
    "core.safecrlf=false",
    "core.fsmonitor=false",
    "core.untrackedCache=false",
    "core.hooksPath=/dev/null",
    "core.fsync=all",
    "core.fsyncMethod=batch",
    "gc.auto=0",
    "protocol.allow=never",
    "log.showSignature=false",
];

/// An entry of a checkpoint's tree.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct TreeEntry {
    /// File, executable file or link.
    pub kind: Kind,
    /// Its bytes, by git's name.
    pub object: ObjectId,
}

/// The files of a tree.
pub type Tree = BTreeMap<RelPath, TreeEntry>;

/// An object store, and the folder whose files it keeps.
#[derive(Debug)]
pub struct Store {
    git_dir: PathBuf,
    /// The work tree that the ignore rules are read from: the repository's, or the root itself.
    work_tree: PathBuf,
    root: PathBuf,
    format: Format,
    /// Where the root lies in the repository; empty for its top and for stores of their own.
    prefix: String,
}

impl Store {
    /// The store for a folder: of the repository that it lies in, else (no git, or the folder is ignored there) one in `state`.
    ///
    /// # Errors
    /// A repository that git cannot read: it is never passed over in silence.
    pub fn open(root: &Path, state: &Path) -> Result<Store, GuardError> {
        if root.ancestors().any(|folder| folder.join(".git").symlink_metadata().is_ok()) {
            let found = Store::of_repository(root)?;
            if found.prefix.is_empty() || !found.is_ignored()? {
                return Ok(found);
            }
        }
        Store::of_its_own(root, state)
    }

    fn of_repository(root: &Path) -> Result<Store, GuardError> {
        let mut command = plain(root);
        command.args(["rev-parse", "--absolute-git-dir", "--show-object-format", "--show-toplevel"]);
        let output = finished("rev-parse", command.output(), root)?;
        let mut lines = output.stdout.split(|&byte| byte == b'\n').map(|line| PathBuf::from(std::ffi::OsStr::from_bytes(line)));
        let mut next = || lines.next().unwrap_or_default();
        let (git_dir, format, work_tree) = (next(), next(), next());
        let work_tree = std::fs::canonicalize(&work_tree).map_err(GuardError::io("open the folder", &work_tree))?;
        let prefix = root.strip_prefix(&work_tree).map(|path| escape(path.as_os_str().as_bytes())).map_err(|_| GuardError::Git {
            command: "rev-parse".into(),
            report: format!("'{}' is not in the work tree '{}'", root.display(), work_tree.display()),
        })?;
        let format = if format == Path::new("sha256") { Format::Sha256 } else { Format::Sha1 };
        Ok(Store { git_dir, work_tree, root: root.to_owned(), format, prefix })
    }

    fn of_its_own(root: &Path, state: &Path) -> Result<Store, GuardError> {
        let name = blake3::hash(root.as_os_str().as_bytes()).to_hex()[..24].to_owned();
        let git_dir = state.join("stores").join(name);
        let store = Store { git_dir, work_tree: root.to_owned(), root: root.to_owned(), format: Format::Sha1, prefix: String::new() };
        if !store.git_dir.join("HEAD").exists() {
            std::fs::create_dir_all(&store.git_dir).map_err(GuardError::io("make the folder", &store.git_dir))?;
            let mut command = plain(root);
            command.args(["init", "--quiet", "--bare", "--template="]).arg(&store.git_dir);
            finished("init", command.output(), root)?;
        }
        Ok(store)
    }

    /// Whether the repository ignores the whole root.
    fn is_ignored(&self) -> Result<bool, GuardError> {
        let mut command = self.command();
        let output = command.args(["check-ignore", "--quiet", "--"]).arg(&self.root).output();
        let output = output.map_err(GuardError::io("start", "git"))?;
        match output.status.code() {
            Some(0) => Ok(true),
            Some(1) => Ok(false),
            _ => Err(failed("check-ignore", &output)),
        }
    }

    /// Which of the paths (each ended by NUL) the ignore rules in another folder name.
    ///
    /// # Errors
    /// What git says.
    pub fn ignored_in(&self, folder: &Path, paths: &[u8]) -> Result<Vec<u8>, GuardError> {
        let mut command = self.command();
        command.env("GIT_WORK_TREE", folder).current_dir(folder).args(["check-ignore", "-z", "--stdin", "--no-index"]);
        let output = fed(command, paths)?;
        // 1: none is ignored.
        if matches!(output.status.code(), Some(0 | 1)) { Ok(output.stdout) } else { Err(failed("check-ignore", &output)) }
    }

    /// The folder in the store for files that are the guard's own, made if it is missing.
    ///
    /// # Errors
    /// The system's answer.
    pub fn private(&self) -> Result<PathBuf, GuardError> {
        let folder = self.git_dir.join("nda");
        std::fs::create_dir_all(&folder).map_err(GuardError::io("make the folder", &folder))?;
        Ok(folder)
    }

    /// What git obeys of this repository, as paths without links: where it takes hooks from, and files that its configuration includes.
    /// Looked up anew each time, for a configuration changes.
    ///
    /// # Errors
    /// What git says.
    pub fn obeyed(&self) -> Result<Vec<PathBuf>, GuardError> {
        obeyed::paths(&self.git_dir, &self.work_tree)
    }

    /// Where the objects and references are.
    pub fn git_dir(&self) -> &Path {
        &self.git_dir
    }

    /// How objects are named.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Where the root lies in its repository, escaped; empty at the top.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The folders that the root lies in, as the beginning of a path: in its repository, or on this machine if it has none.
    pub fn above(&self) -> Vec<u8> {
        let within = if self.is_own() { self.root.strip_prefix("/") } else { self.root.strip_prefix(&self.work_tree) };
        let mut bytes = within.map_or_else(|_| Vec::new(), |path| path.as_os_str().as_bytes().to_vec());
        if !bytes.is_empty() {
            bytes.push(b'/');
        }
        bytes
    }

    /// Which root of the repository this is: references are shared by all of its work trees.
    pub fn place(&self) -> String {
        let is_linked = self.git_dir.parent().and_then(Path::file_name).is_some_and(|name| name == "worktrees");
        let tree = self.git_dir.file_name().filter(|_| is_linked).map(|name| format!("{}:", escape(name.as_bytes())));
        format!("{}{}", tree.unwrap_or_default(), self.prefix)
    }

    /// Whether the store belongs to this root alone.
    pub fn is_own(&self) -> bool {
        !self.work_tree.join(".git").exists()
    }

    /// A call of git in the root that starts nothing but git.
    pub fn command(&self) -> Command {
        let mut command = plain(&self.root);
        command.env("GIT_DIR", &self.git_dir).env("GIT_WORK_TREE", &self.work_tree);
        command
    }

    /// Runs git to its end.
    ///
    /// # Errors
    /// What git says when it fails.
    pub fn run(&self, arguments: &[&str], input: &[u8]) -> Result<Vec<u8>, GuardError> {
        let mut command = self.command();
        command.args(arguments);
        Ok(finished(arguments[0], Ok(fed(command, input)?), &self.root)?.stdout)
    }

    /// Paths that git knows or would take, from the root downwards; a nested repository ends with `/`.
    ///
    /// # Errors
    /// What git says.
    pub fn listed(&self) -> Result<Vec<Vec<u8>>, GuardError> {
        let mut command = self.command();
        command.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate"]);
        let output = finished("ls-files", command.output(), &self.root)?;
        // git passes over a folder that it may not enter, and calls that a success.
        if String::from_utf8_lossy(&output.stderr).contains("could not open directory") {
            return Err(failed("ls-files", &output));
        }
        let output = output.stdout;
        let mut paths: Vec<Vec<u8>> = output.split(|&byte| byte == 0).filter(|path| !path.is_empty()).map(<[u8]>::to_vec).collect();
        paths.sort();
        paths.dedup();
        Ok(paths)
    }

    /// The files of a commit.
    ///
    /// # Errors
    /// What git says.
    pub fn tree(&self, commit: &str) -> Result<Tree, GuardError> {
        let output = self.run(&["ls-tree", "-r", "-z", "--full-tree", commit], b"")?;
        let mut tree = Tree::new();
        for row in output.split(|&byte| byte == 0).filter(|row| !row.is_empty()) {
            let broken = || GuardError::Git { command: "ls-tree".into(), report: escape(row) };
            let at = row.iter().position(|&byte| byte == b'\t').ok_or_else(broken)?;
            let head = String::from_utf8_lossy(&row[..at]).into_owned();
            let mut fields = head.split(' ');
            let kind = fields.next().and_then(Kind::from_mode).ok_or_else(broken)?;
            let object = ObjectId(fields.nth(1).ok_or_else(broken)?.to_owned());
            tree.insert(RelPath::new(&row[at + 1..])?, TreeEntry { kind, object });
        }
        Ok(tree)
    }
}

/// A call of git in a folder, with nothing of our caller's surroundings that could lead it elsewhere.
fn plain(folder: &Path) -> Command {
    let mut command = bare(folder);
    command.env("GIT_OPTIONAL_LOCKS", "0").env("GIT_TERMINAL_PROMPT", "0").env("GIT_NO_LAZY_FETCH", "1").env("LC_ALL", "C");
    SAFE.iter().for_each(|setting| _ = command.args(["-c", setting]));
    command
}

/// The same with the configuration as it is.
pub(crate) fn bare(folder: &Path) -> Command {
    let mut command = Command::new("git");
    for (key, _) in std::env::vars_os().filter(|(key, _)| key.as_bytes().starts_with(b"GIT_")) {
        command.env_remove(key);
    }
    command.current_dir(folder).stdin(Stdio::null());
    command
}

/// Runs a call with this input to its end.
fn fed(mut command: Command, input: &[u8]) -> Result<Output, GuardError> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(GuardError::io("start", "git"))?;
    let output = std::thread::scope(|scope| {
        let mut stdin = child.stdin.take();
        // A git that has failed stops reading; its exit status says so.
        scope.spawn(move || stdin.as_mut().map(|pipe| pipe.write_all(input)));
        child.wait_with_output()
    });
    output.map_err(GuardError::io("wait for", "git"))
}

pub(crate) fn failed(command: &str, output: &Output) -> GuardError {
    let report = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    GuardError::Git { command: command.to_owned(), report: format!("{report} ({})", output.status) }
}

fn finished(command: &str, output: std::io::Result<Output>, folder: &Path) -> Result<Output, GuardError> {
    let output = output.map_err(|source| match source.kind() {
        std::io::ErrorKind::NotFound if folder.exists() => GuardError::Git {
            command: command.to_owned(),
            report: "there is no git on this machine: install it ('apt-get install git')".into(),
        },
        _ => GuardError::io("start", "git")(source),
    })?;
    if output.status.success() { Ok(output) } else { Err(failed(command, &output)) }
}
