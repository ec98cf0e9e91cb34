//! `patch_file` on files.

use crate::folder::{Folder, origin, path, state};
use nda_guard::{GuardError, Hash, Mode, Patched, Workspace};
use std::collections::BTreeMap;

fn patched(workspace: &Workspace, text: &str, bases: &[(&str, Hash)]) -> Result<Patched, GuardError> {
    let bases: BTreeMap<_, _> = bases.iter().map(|(name, hash)| (path(name), *hash)).collect();
    workspace.patch(origin(), &Workspace::read_patch(text)?, &bases)
}

#[test]
fn a_patch_of_several_files_is_written_whole_or_not_at_all() {
    let folder = Folder::bare();
    folder.write("a", "one\ntwo\n");
    folder.write("b", "one\ntwo\n");
    let workspace = folder.open();
    let bad = "*** Begin Patch\n*** Update File: a\n@@\n-one\n+1\n*** Update File: b\n@@\n-three\n+3\n*** End Patch\n";
    let before = state(&folder.root);
    assert!(matches!(patched(&workspace, bad, &[]), Err(GuardError::Patch { path: p, .. }) if p == path("b")));
    assert_eq!(state(&folder.root), before);
    let good = bad.replace("three", "two");
    let Patched::New(change, answers) = patched(&workspace, &good, &[]).unwrap() else { panic!() };
    assert_eq!((folder.text("a").as_deref(), folder.text("b").as_deref()), (Some("1\ntwo\n"), Some("one\n3\n")));
    assert_eq!(answers[1].hash, Some(Hash::of(b"one\n3\n")));
    assert_eq!((answers[1].ranges[0].first, answers[1].ranges[0].last), (2, 2));
    assert_eq!(change.files.len(), 2);
    assert!(matches!(patched(&workspace, &good, &[]).unwrap(), Patched::Already(_)), "a replay says so");
}

#[test]
fn a_base_makes_equal_places_different_and_an_old_base_is_refused() {
    let folder = Folder::bare();
    folder.write("a", "x\ny\nx\ny\n");
    let workspace = folder.open();
    let diff = "--- a/a\n+++ b/a\n@@ -3,2 +3,2 @@\n-x\n+z\n y\n";
    assert!(matches!(patched(&workspace, diff, &[]), Err(GuardError::Patch { .. })));
    let base = Hash::of(b"x\ny\nx\ny\n");
    patched(&workspace, diff, &[("a", base)]).unwrap();
    assert_eq!(folder.text("a").as_deref(), Some("x\ny\nz\ny\n"));
    assert!(matches!(patched(&workspace, diff, &[("a", base)]), Err(GuardError::Changed(_))));
}

#[test]
fn files_are_added_moved_and_deleted_and_what_stands_there_is_never_overwritten() {
    let folder = Folder::bare();
    folder.write("old", "1\n");
    folder.write("there", "theirs");
    folder.write("binary", b"\xff\xfe");
    let workspace = folder.open();
    let envelope = |body: &str| format!("*** Begin Patch\n{body}*** End Patch\n");
    for bad in [
        "*** Add File: there\n+x\n",
        "*** Update File: old\n*** Move to: there\n@@\n-1\n+2\n",
        "*** Update File: absent\n@@\n-1\n+2\n",
        "*** Update File: binary\n@@\n-1\n+2\n",
        "*** Add File: ../x\n+x\n",
        "*** Add File: .git/x\n+x\n",
    ] {
        assert!(patched(&workspace, &envelope(bad), &[]).is_err(), "{bad}");
    }
    patched(
        &workspace,
        &envelope("*** Update File: old\n*** Move to: new\n@@\n-1\n+2\n*** Add File: s\n+#!/bin/sh\n*** Delete File: there\n"),
        &[],
    )
    .unwrap();
    assert_eq!((folder.text("old"), folder.text("new").as_deref(), folder.text("there")), (None, Some("2\n"), None));
    let git = "diff --git a/run b/run\nnew file mode 100755\n--- /dev/null\n+++ b/run\n@@ -0,0 +1 @@\n+#!/bin/sh\n";
    patched(&workspace, git, &[]).unwrap();
    assert_eq!(workspace.read(&path("run")).unwrap().unwrap().mode, Mode::Executable);
    assert!(
        matches!(patched(&workspace, "--- a/new\n+++ /dev/null\n@@ -1 +0,0 @@\n-1\n", &[]), Err(GuardError::Changed(_))),
        "another content"
    );
}

#[test]
fn a_change_of_mode_alone_is_a_proposal_of_its_own_and_a_replay_says_so() {
    let folder = Folder::repository();
    folder.write("run", b"\xff\x00 any bytes");
    let workspace = folder.open();
    let mode = || workspace.read(&path("run")).unwrap().unwrap().mode;
    let git = "diff --git a/run b/run\nold mode 100644\nnew mode 100755\n";
    let Patched::New(change, answers) = patched(&workspace, git, &[]).unwrap() else { panic!() };
    assert_eq!((mode(), answers.len(), change.files.len()), (Mode::Executable, 1, 1));
    assert!(matches!(patched(&workspace, git, &[]).unwrap(), Patched::Already(_)));
    workspace.restore(&change.checkpoint).unwrap();
    assert_eq!(mode(), Mode::Plain, "the checkpoint has the mode");
    let both = "diff --git a/b b/b\nold mode 100644\nnew mode 100755\n--- a/b\n+++ b/b\n@@ -1 +1 @@\n-1\n+2\n";
    folder.write("b", "2\n");
    assert!(matches!(patched(&workspace, both, &[]).unwrap(), Patched::New(..)), "the text is there, its mode is not");
    assert_eq!(workspace.read(&path("b")).unwrap().unwrap().mode, Mode::Executable);
    assert!(patched(&workspace, "diff --git a/.git/hooks/x b/.git/hooks/x\nold mode 100644\nnew mode 100755\n", &[]).is_err());
}
