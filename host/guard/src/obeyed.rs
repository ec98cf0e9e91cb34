//! What git obeys beside `.git`: hooks wherever they lie, and files that a configuration includes. Whoever writes there decides what the
//! next `git commit` runs.

use crate::error::GuardError;
use crate::path::RelPath;
use crate::proposal::Proposal;
use crate::store::{bare, failed};
use crate::workspace::Workspace;
use std::collections::BTreeSet;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

/// The paths, as they are named and without links: a file or folder at or below one of them is obeyed.
///
/// # Errors
/// What git says.
pub fn paths(git_dir: &Path, work_tree: &Path) -> Result<Vec<PathBuf>, GuardError> {
    let mut command = bare(work_tree);
    command.env("GIT_DIR", git_dir).env("GIT_WORK_TREE", work_tree).args(["config", "--list", "--show-origin", "-z", "--includes"]);
    let output = command.output().map_err(GuardError::io("start", "git"))?;
    if !output.status.success() {
        return Err(failed("config", &output));
    }
    let common = std::fs::read(git_dir.join("commondir")).ok();
    let common = common.map_or_else(|| git_dir.to_owned(), |text| git_dir.join(path(text.trim_ascii_end())));
    let settings = ["~/.gitconfig", "~/.config/git/config"].map(|file| at_home(Path::new(file)));
    let mut all = vec![common.join("hooks")];
    all.extend(settings.into_iter().filter(|file| file.is_absolute()));
    all.extend(std::env::var_os("XDG_CONFIG_HOME").map(|folder| Path::new(&folder).join("git/config")));
    let mut fields = output.stdout.split(|&byte| byte == 0);
    while let (Some(origin), Some(setting)) = (fields.next(), fields.next()) {
        let (key, value) = setting.split_at(setting.iter().position(|&byte| byte == b'\n').unwrap_or(setting.len()));
        let key = String::from_utf8_lossy(key).to_lowercase();
        let value = path(value.get(1..).unwrap_or_default());
        let file = origin.strip_prefix(b"file:").map(|file| work_tree.join(path(file)));
        if key == "core.hookspath" {
            all.push(work_tree.join(at_home(&value)));
        } else if key == "include.path" || key.starts_with("includeif.") && key.ends_with(".path") {
            let beside = file.as_deref().and_then(Path::parent).unwrap_or(work_tree);
            all.push(beside.join(at_home(&value)));
        } else if is_executed(&key) {
            all.extend(files_of(&value, work_tree));
        }
        all.extend(file);
    }
    // A hook may be a link to a script of the project.
    let hooks: Vec<PathBuf> =
        all.iter().filter_map(|folder| std::fs::read_dir(folder).ok()).flatten().flatten().map(|e| e.path()).collect();
    let links = hooks.into_iter().filter(|hook| hook.is_symlink());
    let mut whole: Vec<PathBuf> = all.into_iter().chain(links).flat_map(|path| [plainly(&path), without_links(&path)]).collect();
    whole.sort();
    whole.dedup();
    Ok(whole)
}

fn path(bytes: &[u8]) -> PathBuf {
    PathBuf::from(std::ffi::OsStr::from_bytes(bytes))
}

/// Settings whose value git executes: how their names begin, and how they end.
const EXECUTED: [(&str, &str); 20] = [
    ("alias.", ""),
    ("core.askpass", ""),
    ("core.editor", ""),
    ("core.fsmonitor", ""),
    ("core.pager", ""),
    ("core.sshcommand", ""),
    ("credential.", "helper"),
    ("diff.", ".command"),
    ("diff.", ".external"),
    ("diff.", ".textconv"),
    ("diff.external", ""),
    ("difftool.", ".cmd"),
    ("filter.", ".clean"),
    ("filter.", ".process"),
    ("filter.", ".smudge"),
    ("gpg.", "program"),
    ("interactive.difffilter", ""),
    ("merge.", ".driver"),
    ("mergetool.", ".cmd"),
    ("sequence.editor", ""),
];

fn is_executed(key: &str) -> bool {
    EXECUTED.iter().any(|(begin, end)| key.starts_with(begin) && key.ends_with(end))
}

/// Files of the work tree that a command line may name, whether they exist or not; existing folders are left out.
fn files_of(line: &Path, work_tree: &Path) -> Vec<PathBuf> {
    let is_between = |byte: &u8| byte.is_ascii_whitespace() || b"\"'`;|&()<>=!".contains(byte);
    let words = line.as_os_str().as_bytes().split(is_between).filter(|word| !word.is_empty());
    let files = words.map(|word| plainly(&work_tree.join(at_home(&path(word)))));
    files.filter(|file| file.starts_with(work_tree) && !file.is_dir()).collect()
}

/// `~/` as git reads it.
fn at_home(path: &Path) -> PathBuf {
    match (path.strip_prefix("~"), std::env::var_os("HOME")) {
        (Ok(rest), Some(home)) => Path::new(&home).join(rest),
        _ => path.to_owned(),
    }
}

/// A path without `.` and `..`, by its text alone.
fn plainly(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => drop(plain.pop()),
            part => plain.push(part),
        }
    }
    plain
}

/// The path that the links lead to, also where what they lead to is not there yet.
fn without_links(path: &Path) -> PathBuf {
    const LINKS: usize = 40;
    let mut path = path.to_owned();
    for _ in 0..LINKS {
        match std::fs::read_link(&path) {
            Ok(leads) => path = path.parent().unwrap_or(Path::new("/")).join(leads),
            Err(_) => break,
        }
    }
    let there = path.ancestors().find_map(|above| Some((above.canonicalize().ok()?, path.strip_prefix(above).ok()?.to_owned())));
    there.map_or_else(|| plainly(&path), |(above, rest)| if rest.as_os_str().is_empty() { above } else { plainly(&above.join(rest)) })
}

/// Whether writing a path makes git obey it, and why.
pub(crate) fn is_obeyed(workspace: &Workspace, obeyed: &[PathBuf], path: &RelPath) -> Option<&'static str> {
    let full = workspace.root.path().join(path.as_path());
    obeyed.iter().any(|place| full.starts_with(place)).then_some("git takes its hooks or its configuration from there")
}

/// A folder with these is a repository without a work tree of its own: git obeys its `config` and its `hooks` wherever it lies.
const BARE: [&[u8]; 3] = [b"HEAD", b"objects", b"refs"];

/// A folder that a proposal writes in and that is a bare repository, or becomes one by it; `.` is the root.
pub(crate) fn bare_repository(workspace: &Workspace, proposal: &Proposal) -> Result<Option<String>, GuardError> {
    let made = proposal.changes().iter().filter(|change| change.after.is_some()).map(|change| &change.path);
    let made: BTreeSet<RelPath> = made.flat_map(|path| path.ancestors().chain([path.clone()])).collect();
    let folders: BTreeSet<RelPath> = proposal.changes().iter().flat_map(|change| change.path.ancestors()).collect();
    for folder in folders.iter().map(Some).chain([None]) {
        let mut is_bare = true;
        for name in BARE {
            let part = folder.map_or_else(|| RelPath::new(name), |folder| Ok(folder.join(name)))?;
            is_bare &= made.contains(&part) || workspace.root.stamp(&part)?.is_some();
        }
        if is_bare {
            return Ok(Some(folder.map_or_else(|| ".".into(), RelPath::to_string)));
        }
    }
    Ok(None)
}
