//! Checkpoints that the workspace makes by itself do not pile up.

use crate::folder::{Folder, git, proposal};
use nda_guard::{Reason, Workspace};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What the documents promise.
const KEPT: usize = 500;

/// The store's folder: the repository's, or the only one in the state folder.
fn store(folder: &Folder) -> PathBuf {
    let own = || std::fs::read_dir(folder.state.join("stores")).unwrap().next().unwrap().unwrap().path();
    Some(folder.root.join(".git")).filter(|git| git.exists()).unwrap_or_else(own)
}

/// As many checkpoints as are asked for, in one process: copies of one that the workspace made, one per second of the year 2001.
fn copies(store: &Path, of: &str, count: usize) -> Vec<String> {
    let show = |format: &str| String::from_utf8(git(store, &["log", "-1", &format!("--format={format}"), of])).unwrap();
    let (tree, message) = (show("%T"), show("%B"));
    let ids: Vec<String> = (0..count).map(|n| format!("20010101-{:02}{:02}{:02}.000-aaaa", n / 3600, n / 60 % 60, n % 60)).collect();
    let commit = |(n, id): (usize, &String)| {
        let at = 978_307_200 + n;
        let message = message.trim_end();
        let head = format!("commit refs/nda/checkpoints/{id}\ncommitter x <x@example.com> {at} +0000\n");
        format!("{head}data {}\n{message}\nM 040000 {} \"\"\n\n", message.len(), tree.trim())
    };
    let input: String = ids.iter().enumerate().map(commit).collect();
    let mut child = Command::new("git").args(["fast-import", "--quiet"]).current_dir(store).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
    ids
}

/// The names of those that were made by themselves, the oldest first, and how many somebody asked for.
fn kept(workspace: &Workspace) -> (Vec<String>, usize) {
    let (asked, automatic): (Vec<_>, Vec<_>) =
        workspace.checkpoints().unwrap().into_iter().partition(|one| one.particulars.reason == Reason::Asked);
    (automatic.into_iter().map(|one| one.id).collect(), asked.len())
}

/// A folder in which one checkpoint was made before a commit and one was asked for, with `count` older copies of the first.
fn filled(folder: &Folder, count: usize) -> (Vec<String>, String) {
    folder.write("a", "old");
    let workspace = folder.open();
    let change = workspace.submit(proposal(&workspace, &[("a", Some("new"))])).unwrap();
    workspace.checkpoint("mine").unwrap();
    drop(workspace);
    let mut ids = copies(&store(folder), &format!("refs/nda/checkpoints/{}", change.checkpoint), count);
    ids.push(change.checkpoint.clone());
    (ids, change.checkpoint)
}

#[test]
fn five_hundred_automatic_checkpoints_are_kept_the_newest_and_all_that_were_asked_for() {
    for folder in [Folder::repository, Folder::bare] {
        // One below the bound, at it, and above it.
        for (count, gone) in [(KEPT - 2, 0), (KEPT - 1, 0), (KEPT + 22, 23)] {
            let folder = folder();
            let (ids, last) = filled(&folder, count);
            let asked = older_and_asked(&folder);
            let workspace = folder.open();
            let (automatic, of_somebody) = kept(&workspace);
            assert_eq!(automatic, ids[gone..], "{count} and one more");
            assert_eq!((automatic.len(), of_somebody), ((count + 1).min(KEPT), 1 + asked));
            // Those that stay are whole.
            workspace.restore(&last).unwrap();
            assert_eq!(folder.text("a").as_deref(), Some("old"));
        }
    }
}

/// Checkpoints that somebody asked for, older than all others; how many.
fn older_and_asked(folder: &Folder) -> usize {
    let workspace = folder.open();
    let mine = workspace.checkpoints().unwrap().into_iter().find(|one| one.particulars.reason == Reason::Asked).unwrap();
    let store = store(folder);
    for n in 0..3 {
        git(&store, &["update-ref", &format!("refs/nda/checkpoints/2000010{n}-000000.000-bbbb"), &mine.commit]);
    }
    3
}

#[test]
fn a_workspace_that_stays_open_forgets_old_checkpoints_too() {
    let folder = Folder::repository();
    folder.write("a", "old");
    let workspace = folder.open();
    let first = workspace.submit(proposal(&workspace, &[("a", Some("0"))])).unwrap().checkpoint;
    copies(&store(&folder), &format!("refs/nda/checkpoints/{first}"), KEPT);
    for n in 1..50 {
        assert_eq!(kept(&workspace).0.len(), KEPT + n, "not looked at yet");
        workspace.submit(proposal(&workspace, &[("a", Some(&n.to_string()))])).unwrap();
    }
    assert_eq!(kept(&workspace).0.len(), KEPT, "with the fiftieth");
}
