//! What cost people work elsewhere, each by name.

use crate::folder::{Folder, git, git_state, path, proposal, state, times};
use nda_guard::GuardError;
use nda_spec::random::Random;
use std::os::unix::fs::symlink;

#[test]
fn an_untracked_file_is_in_the_checkpoint_and_not_lost() {
    let folder = Folder::repository();
    folder.write("untracked.txt", "mine");
    let workspace = folder.open();
    let checkpoint = workspace.checkpoint("").unwrap();
    std::fs::remove_file(folder.root.join("untracked.txt")).unwrap();
    workspace.restore(&checkpoint.id).unwrap();
    assert_eq!(folder.text("untracked.txt").as_deref(), Some("mine"));
}

#[test]
fn an_ignored_file_is_neither_captured_nor_overwritten_nor_removed() {
    let folder = Folder::repository();
    folder.write(".gitignore", "secret\nbuild/\n");
    folder.write("secret", "key");
    folder.write("build/out", "1");
    let workspace = folder.open();
    let checkpoint = workspace.checkpoint("").unwrap();
    folder.write("secret", "another key");
    folder.write("a", "x");
    workspace.restore(&checkpoint.id).unwrap();
    assert_eq!((folder.text("secret").as_deref(), folder.text("build/out").as_deref()), (Some("another key"), Some("1")));
    // A file of the checkpoint where an ignored folder holds something now: refused by name, before the first write.
    folder.write("place", "file");
    folder.write("other", "x");
    let checkpoint = workspace.checkpoint("").unwrap();
    std::fs::remove_file(folder.root.join("place")).unwrap();
    folder.write("place/secret", "ignored");
    folder.write("other", "y");
    let error = workspace.restore(&checkpoint.id).unwrap_err();
    assert!(matches!(&error, GuardError::Blocked(why) if why.contains("place/secret")), "{error}");
    assert_eq!((folder.text("place/secret").as_deref(), folder.text("other").as_deref()), (Some("ignored"), Some("y")));
}

#[test]
fn a_file_that_was_ignored_at_the_checkpoint_survives_a_restore_that_brings_the_rule_back() {
    let folder = Folder::repository();
    folder.write(".gitignore", "*.log\n");
    folder.write("run.log", "precious");
    let workspace = folder.open();
    let checkpoint = workspace.checkpoint("").unwrap();
    folder.write(".gitignore", "");
    folder.write("new.txt", "new");
    workspace.restore(&checkpoint.id).unwrap();
    assert_eq!((folder.text("run.log").as_deref(), folder.text("new.txt")), (Some("precious"), None));
}

#[test]
fn times_of_untouched_files_stay_as_they_are() {
    let folder = Folder::repository();
    for n in 0..20 {
        folder.write(&format!("src/{n}.rs"), format!("{n}"));
    }
    let workspace = folder.open();
    let checkpoint = workspace.checkpoint("").unwrap();
    folder.write("src/3.rs", "changed");
    let before = times(&folder.root);
    workspace.restore(&checkpoint.id).unwrap();
    let after = times(&folder.root);
    let touched: Vec<&Vec<u8>> = before.iter().filter(|(name, time)| after.get(*name) != Some(time)).map(|(name, _)| name).collect();
    assert_eq!(touched, [b"src/3.rs"]);
}

#[test]
fn from_a_sub_folder_only_that_folder_is_captured_and_restored() {
    let folder = Folder::repository();
    folder.write("sub/a", "1");
    folder.write("other/b", "1");
    let workspace = nda_guard::Workspace::open(&folder.root.join("sub"), folder.settings()).unwrap();
    let checkpoint = workspace.checkpoint("").unwrap();
    folder.write("sub/a", "2");
    folder.write("other/b", "2");
    workspace.restore(&checkpoint.id).unwrap();
    assert_eq!((folder.text("sub/a").as_deref(), folder.text("other/b").as_deref()), (Some("1"), Some("2")));
    // The whole repository does not take a part's checkpoint for its own.
    assert!(matches!(folder.open().restore(&checkpoint.id), Err(GuardError::NoCheckpoint(_))));
}

#[test]
fn nested_repositories_and_submodules_are_recorded_and_never_entered() {
    let folder = Folder::repository();
    let inner = Folder::repository();
    inner.write("f", "1");
    inner.git(&["add", "-A"]);
    inner.git(&["commit", "-qm", "one"]);
    git(&folder.root, &["submodule", "--quiet", "add", inner.root.to_str().unwrap(), "sub"]);
    std::fs::create_dir(folder.root.join("nested")).unwrap();
    git(&folder.root.join("nested"), &["init", "-q"]);
    folder.write("nested/x", "1");
    let workspace = folder.open();
    let checkpoint = workspace.checkpoint("").unwrap();
    let names: Vec<&str> = checkpoint.particulars.nested.iter().map(|nested| nested.path.as_str()).collect();
    assert_eq!(names, ["nested", "sub"]);
    folder.write("nested/x", "2");
    folder.write("sub/f", "2");
    folder.write("a", "new");
    workspace.restore(&checkpoint.id).unwrap();
    assert_eq!((folder.text("nested/x").as_deref(), folder.text("sub/f").as_deref(), folder.text("a")), (Some("2"), Some("2"), None));
    for inside in ["nested/x", "sub/f"] {
        let error = workspace.submit(proposal(&workspace, &[(inside, Some("3"))])).unwrap_err();
        assert!(error.to_string().contains("nested repository"), "{error}");
    }
}

#[test]
fn a_restore_into_what_is_a_nested_repository_now_is_refused() {
    let folder = Folder::repository();
    folder.write("d/x", "1");
    let workspace = folder.open();
    let checkpoint = workspace.checkpoint("").unwrap();
    std::fs::remove_file(folder.root.join("d/x")).unwrap();
    git(&folder.root.join("d"), &["init", "-q"]);
    folder.write("d/y", "theirs");
    assert!(matches!(workspace.restore(&checkpoint.id), Err(GuardError::Blocked(_))));
    assert_eq!(folder.text("d/y").as_deref(), Some("theirs"));
}

#[test]
fn a_failed_step_of_git_is_an_error_and_never_an_older_tree() {
    let folder = Folder::repository();
    folder.write("a", "1");
    let workspace = folder.open();
    workspace.checkpoint("").unwrap();
    folder.write("a", "2");
    // Objects cannot be written any more, as on a full disk: a file stands where the folder was.
    let objects = folder.root.join(".git/objects");
    std::fs::rename(&objects, folder.root.join(".git/away")).unwrap();
    std::fs::write(&objects, "").unwrap();
    assert!(workspace.checkpoint("").is_err());
    assert!(workspace.submit(proposal(&workspace, &[("a", Some("3"))])).is_err());
    assert_eq!(folder.text("a").as_deref(), Some("2"), "nothing is written without a checkpoint");
    std::fs::remove_file(&objects).unwrap();
    std::fs::rename(folder.root.join(".git/away"), &objects).unwrap();
    assert_eq!(workspace.checkpoints().unwrap().len(), 1);
}

#[test]
fn checkpoints_survive_gits_garbage_collection_and_a_cache_of_what_it_took_is_no_danger() {
    let folder = Folder::repository();
    folder.write("a", "content of a file");
    let workspace = folder.open();
    let checkpoint = workspace.checkpoint("").unwrap();
    folder.git(&["gc", "-q", "--prune=now"]);
    folder.write("a", "other");
    workspace.restore(&checkpoint.id).unwrap();
    assert_eq!(folder.text("a").as_deref(), Some("content of a file"));
    // All references go, then all objects; the cache still names them.
    workspace.prune(nda_guard::Keep { newest: 0, younger_than: None }).unwrap();
    folder.git(&["gc", "-q", "--prune=now"]);
    let checkpoint = workspace.checkpoint("").unwrap();
    folder.write("a", "other");
    workspace.restore(&checkpoint.id).unwrap();
    assert_eq!(folder.text("a").as_deref(), Some("content of a file"));
}

#[test]
fn hooks_filters_and_monitors_of_the_repository_never_run() {
    let folder = Folder::repository();
    let trap = folder.state.with_file_name("ran");
    let script = format!("#!/bin/sh\necho \"$0\" >> {}\ncat\n", trap.display());
    for hook in ["reference-transaction", "post-index-change", "pre-commit", "post-commit", "pre-auto-gc", "fsmonitor", "filter"] {
        folder.write(&format!(".git/hooks/{hook}"), &script);
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(folder.root.join(".git/hooks").join(hook), mode).unwrap();
    }
    let hooks = folder.root.join(".git/hooks");
    folder.git(&["config", "core.fsmonitor", hooks.join("fsmonitor").to_str().unwrap()]);
    folder.git(&["config", "filter.trap.clean", hooks.join("filter").to_str().unwrap()]);
    folder.git(&["config", "filter.trap.smudge", hooks.join("filter").to_str().unwrap()]);
    let _ = std::fs::remove_file(&trap);
    folder.write(".gitattributes", "* filter=trap\n");
    folder.write("a", "1");
    let workspace = folder.open();
    let checkpoint = workspace.checkpoint("").unwrap();
    workspace.submit(proposal(&workspace, &[("a", Some("2"))])).unwrap();
    workspace.restore(&checkpoint.id).unwrap();
    workspace.prune(nda_guard::Keep { newest: 0, younger_than: None }).unwrap();
    assert_eq!(std::fs::read_to_string(&trap).ok(), None);
}

#[test]
fn index_head_branches_and_stash_of_the_repository_stay_as_they_are() {
    let folder = Folder::repository();
    folder.write("a", "1");
    folder.git(&["add", "-A"]);
    folder.write("a", "2");
    folder.write("b", "untracked");
    let (before, workspace) = (git_state(&folder), folder.open());
    let checkpoint = workspace.checkpoint("one").unwrap();
    workspace.submit(proposal(&workspace, &[("a", Some("3")), ("c", Some("new"))])).unwrap();
    workspace.restore(&checkpoint.id).unwrap();
    assert_eq!(git_state(&folder), before);
    assert_eq!(folder.git(&["status", "--porcelain"]), b"AM a\n?? b\n");
}

#[test]
fn variables_of_a_surrounding_git_lead_nowhere() {
    // A hook's environment names another repository; a child process of this test has it.
    if std::env::var_os("GUARD_CHILD").is_some() {
        let folder = Folder::repository();
        folder.write("a", "1");
        folder.open().checkpoint("").unwrap();
        return;
    }
    let other = Folder::repository();
    let before = git_state(&other);
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "failures::variables_of_a_surrounding_git_lead_nowhere"])
        .env("GUARD_CHILD", "1")
        .env("GIT_INDEX_FILE", other.root.join(".git/index"))
        .env("GIT_OBJECT_DIRECTORY", "/nonexistent")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert_eq!(git_state(&other), before);
}

#[test]
fn linked_work_trees_have_their_own_checkpoints_and_restore_their_own_files() {
    let folder = Folder::repository();
    let linked = folder.root.with_file_name("linked");
    folder.git(&["worktree", "add", "-q", "--detach", linked.to_str().unwrap()]);
    folder.write("a", "main");
    std::fs::write(linked.join("a"), "linked").unwrap();
    let (main, other) = (folder.open(), nda_guard::Workspace::open(&linked, folder.settings()).unwrap());
    let (of_main, of_other) = (main.checkpoint("").unwrap().id, other.checkpoint("").unwrap().id);
    assert_eq!((main.checkpoints().unwrap().len(), other.checkpoints().unwrap().len()), (1, 1));
    assert!(matches!(main.restore(&of_other), Err(GuardError::NoCheckpoint(_))));
    folder.write("a", "changed");
    std::fs::write(linked.join("a"), "changed").unwrap();
    other.restore(&of_other).unwrap();
    assert_eq!((folder.text("a").as_deref(), std::fs::read_to_string(linked.join("a")).unwrap().as_str()), (Some("changed"), "linked"));
    main.restore(&of_main).unwrap();
    assert_eq!(folder.text("a").as_deref(), Some("main"));
}

#[test]
fn a_folder_that_its_repository_ignores_has_a_store_of_its_own() {
    let folder = Folder::repository();
    folder.write(".gitignore", "scratch/\n");
    folder.write("scratch/a", "1");
    let workspace = nda_guard::Workspace::open(&folder.root.join("scratch"), folder.settings()).unwrap();
    let checkpoint = workspace.checkpoint("").unwrap();
    folder.write("scratch/a", "2");
    workspace.restore(&checkpoint.id).unwrap();
    assert_eq!(folder.text("scratch/a").as_deref(), Some("1"));
    assert!(folder.open().checkpoints().unwrap().is_empty());
}

#[test]
fn a_repository_that_git_cannot_read_is_an_error_and_not_a_folder_without_git() {
    let folder = Folder::bare();
    folder.write(".git", "gitdir: /nonexistent\n");
    folder.write("a", "1");
    assert!(matches!(nda_guard::Workspace::open(&folder.root, folder.settings()).map(|_| ()), Err(GuardError::Git { .. })));
}

#[test]
fn links_folders_and_strange_names_survive_a_commit_and_its_undo() {
    let folder = Folder::repository();
    symlink("/etc/passwd", folder.root.join("link")).unwrap();
    folder.write("-n", "dash");
    folder.write("tab\tand\nline", "x");
    std::fs::write(folder.root.join(std::ffi::OsStr::new("caf\u{e9}")), "é").unwrap();
    use std::os::unix::ffi::OsStrExt;
    std::fs::write(folder.root.join(std::ffi::OsStr::from_bytes(b"\xff\xfe")), "not UTF-8").unwrap();
    let (workspace, before) = (folder.open(), state(&folder.root));
    let change = workspace.submit(proposal(&workspace, &[("-n", Some("changed")), ("tab\tand\nline", None)])).unwrap();
    assert!(matches!(workspace.read(&path("link")), Err(GuardError::Link(_))));
    workspace.restore(&change.checkpoint).unwrap();
    assert_eq!(state(&folder.root), before);
}

/// The part that runs on a disk of its own, of 1.5 MB.
fn on_a_full_disk(disk: &str) {
    let mut folder = Folder::bare();
    folder.root = std::path::Path::new(disk).join("project");
    for (name, text) in [("a", "old"), ("d/b", "old"), ("gone", "old")] {
        folder.write(name, text);
    }
    let (workspace, before) = (folder.open(), state(&folder.root));
    let big = "x".repeat(4 << 20);
    let error = workspace
        .submit(proposal(&workspace, &[("a", Some("new")), ("big", Some(&big)), ("d/b", Some("new")), ("gone", None)]))
        .unwrap_err();
    assert!(matches!(&error, GuardError::Io { source, .. } if source.kind() == std::io::ErrorKind::StorageFull), "{error}");
    assert_eq!(state(&folder.root), before);
    assert!(folder.open().left().is_empty());
    a_checkpoint_that_does_not_fit_leaves_nothing(&folder);
    println!("HELD");
}

/// Each try would take what is left of the disk.
fn a_checkpoint_that_does_not_fit_leaves_nothing(folder: &Folder) {
    let mut random = Random::new(1);
    let noise: Vec<u8> = (0..900 << 10).map(|_| random.below(256) as u8).collect();
    folder.git(&["init", "-q", "--template="]);
    folder.write("noise", noise);
    for _ in 0..3 {
        let error = folder.open().checkpoint("too large").unwrap_err();
        assert!(error.to_string().contains("space"), "{error}");
    }
    let left = |folder: &std::path::Path| -> Vec<String> {
        std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
    };
    let git = folder.root.join(".git");
    let all = [left(&git), left(&git.join("objects/pack"))].concat();
    assert!(!all.iter().any(|name| name.starts_with("fast_import") || name.starts_with("tmp_")), "{all:?}");
    std::fs::remove_file(folder.root.join("noise")).unwrap();
    folder.open().checkpoint("small").unwrap();
}

/// Runs this test again as somebody whom modes hold, if this is root.
fn is_ordinary(name: &str) -> bool {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    use std::os::unix::process::CommandExt;
    if std::fs::metadata("/proc/self").unwrap().uid() != 0 {
        return true;
    }
    let place = tempfile::tempdir().unwrap();
    let (program, home) = (place.path().join("claims"), place.path().join("home"));
    // By a process of its own: while this one has a program open to write, a process that another test begins has it too, and it is busy.
    let copied = std::process::Command::new("cp").arg(std::env::current_exe().unwrap()).arg(&program).status().unwrap();
    assert!(copied.success());
    std::fs::create_dir(&home).unwrap();
    for (path, mode) in [(place.path(), 0o755), (&home, 0o777)] {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }
    let mut command = std::process::Command::new(program);
    command.args(["--exact", name, "--nocapture"]).env("HOME", &home).env("TMPDIR", &home).current_dir(&home).uid(65534).gid(65534);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    false
}

#[test]
fn what_may_not_be_read_is_an_error_and_never_left_out_of_a_checkpoint() {
    use std::os::unix::fs::PermissionsExt;
    if !is_ordinary("failures::what_may_not_be_read_is_an_error_and_never_left_out_of_a_checkpoint") {
        return;
    }
    let folder = Folder::repository();
    folder.write("closed/file", "x");
    folder.write("file", "x");
    let mode = |path: &str, mode| std::fs::set_permissions(folder.root.join(path), std::fs::Permissions::from_mode(mode)).unwrap();
    let workspace = folder.open();
    for (path, usual) in [("closed", 0o755), ("file", 0o644)] {
        mode(path, 0);
        let error = workspace.checkpoint("x").unwrap_err();
        assert!(error.to_string().contains("ermission denied"), "{path}: {error}");
        assert!(
            workspace.submit(proposal(&workspace, &[("other", Some("x"))])).is_err(),
            "{path}: nothing is written without a checkpoint"
        );
        mode(path, usual);
    }
    workspace.checkpoint("x").unwrap();
    folder.write("closed/b", "x");
    mode("closed", 0o555);
    let before = state(&folder.root);
    assert!(workspace.submit(proposal(&workspace, &[("file", Some("new")), ("closed/b", Some("new"))])).is_err());
    assert_eq!(state(&folder.root), before, "a folder that may not be written: none of both files");
    mode("closed", 0o755);
}

#[test]
fn a_full_disk_is_an_error_and_everything_is_as_it_was() {
    if let Ok(disk) = std::env::var("GUARD_DISK") {
        return on_a_full_disk(&disk);
    }
    let place = tempfile::tempdir().unwrap();
    let script = "mount -t tmpfs -o size=1500k full \"$GUARD_DISK\" && exec \"$0\" --exact failures::a_full_disk_is_an_error_and_everything_is_as_it_was --nocapture";
    let output = std::process::Command::new("unshare")
        .args(["--map-root-user", "--mount", "sh", "-c", script])
        .arg(std::env::current_exe().unwrap())
        .env("GUARD_DISK", place.path())
        .output();
    match output {
        Ok(output) if output.status.success() => assert!(String::from_utf8_lossy(&output.stdout).contains("HELD")),
        Ok(output) if String::from_utf8_lossy(&output.stderr).contains("unshare") => {
            nda_tests::skip("a full disk", "this user may not mount")
        }
        Ok(output) => panic!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)),
        Err(error) => nda_tests::skip("a full disk", error),
    }
}
