//! What git obeys outside of `.git` is as red as `.git` itself.

use crate::folder::{Folder, git, origin, path, proposal};
use nda_guard::{FileChange, FileState, GuardError, Proposal, Workspace};
use std::os::unix::fs::symlink;

fn red(workspace: &Workspace, names: &[&str]) {
    for name in names {
        let error = workspace.submit(proposal(workspace, &[(name, Some("attack"))])).unwrap_err();
        assert!(matches!(error, GuardError::Red(_)), "{name}: {error}");
    }
}

fn green(workspace: &Workspace, names: &[&str]) {
    for name in names {
        workspace.submit(proposal(workspace, &[(name, Some("fine"))])).unwrap_or_else(|e| panic!("{name}: {e}"));
    }
}

#[test]
fn hooks_that_a_configuration_moves_later_are_red_however_their_folder_is_spelled() {
    let folder = Folder::repository();
    folder.write("tools/keep", "");
    symlink("tools", folder.root.join("alias")).unwrap();
    let workspace = folder.open();
    green(&workspace, &["hk/pre-commit"]);
    for spelled in ["hk", "./hk", "tools/../hk", "alias/../hk/.", folder.root.join("hk").to_str().unwrap()] {
        folder.git(&["config", "core.hooksPath", spelled]);
        red(&workspace, &["hk/pre-commit", "hk/new"]);
    }
    folder.git(&["config", "core.hooksPath", "alias/hooks"]);
    red(&workspace, &["tools/hooks/pre-commit"]);
    green(&workspace, &["hk/pre-commit", "tools/other"]);
}

#[test]
fn a_script_of_the_project_that_a_hook_is_a_link_to_is_red() {
    let folder = Folder::repository();
    folder.write("scripts/check", "#!/bin/sh\n");
    folder.write("scripts/other", "#!/bin/sh\n");
    std::fs::create_dir_all(folder.root.join(".git/hooks")).unwrap();
    symlink("../../scripts/check", folder.root.join(".git/hooks/pre-commit")).unwrap();
    symlink("../../scripts/absent", folder.root.join(".git/hooks/pre-push")).unwrap();
    let workspace = folder.open();
    red(&workspace, &["scripts/check", "scripts/absent"]);
    green(&workspace, &["scripts/other"]);
    std::fs::remove_dir_all(folder.root.join(".git/hooks")).unwrap();
    symlink("../scripts", folder.root.join(".git/hooks")).unwrap();
    red(&workspace, &["scripts/other", "scripts/pre-commit"]);
}

#[test]
fn a_file_that_the_configuration_includes_is_red_before_it_exists() {
    let folder = Folder::repository();
    folder.git(&["config", "include.path", "../team.gitconfig"]);
    folder.git(&["config", "includeIf.onbranch:main.path", "../conf/branch"]);
    let workspace = folder.open();
    red(&workspace, &["team.gitconfig", "conf/branch"]);
    folder.write("team.gitconfig", "[include]\n\tpath = deeper/more\n");
    red(&workspace, &["deeper/more"]);
    green(&workspace, &["conf/other", "deeper/other"]);
}

#[test]
fn a_bare_repository_is_red_as_a_root_within_one_and_in_the_making() {
    let folder = Folder::bare();
    git(&folder.root, &["init", "-q", "--bare"]);
    red(&folder.open(), &["hooks/pre-receive", "config", "info/new", "readme"]);
    let folder = Folder::repository();
    folder.write("vendor/keep", "");
    git(&folder.root.join("vendor"), &["init", "-q", "--bare", "x"]);
    let workspace = folder.open();
    red(&workspace, &["vendor/x/hooks/pre-commit", "vendor/x/config", "vendor/x/a/b/c"]);
    green(&workspace, &["vendor/y", "z/HEAD", "z/objects/a"]);
    red(&workspace, &["z/refs/a"]);
    let add = |name: &&str| FileChange { path: path(name), base: None, after: Some(FileState::plain("x")) };
    let made = ["evil/HEAD", "evil/config", "evil/objects/a", "evil/refs/a"].iter().map(add).collect();
    let error = workspace.submit(Proposal::new(origin(), made)).unwrap_err();
    assert!(error.to_string().contains("'evil' is, or would be, a bare repository"), "{error}");
    assert!(!folder.root.join("evil").exists());
}

#[test]
fn a_root_that_lies_in_a_red_folder_is_red() {
    for (within, name, is_red) in [
        (".nda", "policy.toml", true),
        (".cargo", "config.toml", true),
        (".cargo", "readme", false),
        (".husky/x", "y", true),
        ("plain", "x", false),
    ] {
        for folder in [Folder::repository(), Folder::bare()] {
            folder.write(&format!("{within}/keep"), "");
            let workspace = Workspace::open(&folder.root.join(within), folder.settings()).unwrap();
            let written = workspace.submit(proposal(&workspace, &[(name, Some("attack"))]));
            assert_eq!(matches!(written, Err(GuardError::Red(_))), is_red, "{within} {name}: {written:?}");
        }
    }
}

#[test]
fn a_file_that_a_configuration_has_git_execute_is_red() {
    let folder = Folder::repository();
    folder.write("scripts/keep", "");
    for (key, value, file) in [
        ("core.fsmonitor", "scripts/watch", "scripts/watch"),
        ("filter.own.clean", "sh ./scripts/clean %f", "scripts/clean"),
        ("filter.own.smudge", "'scripts/smudge' --fast", "scripts/smudge"),
        ("filter.own.process", "scripts/../scripts/process", "scripts/process"),
        ("diff.own.textconv", "env X=1 scripts/text", "scripts/text"),
        ("diff.own.command", "scripts/diff", "scripts/diff"),
        ("merge.own.driver", "cd . && scripts/merge %O %A %B", "scripts/merge"),
        ("alias.own", "!scripts/alias", "scripts/alias"),
        ("credential.https://example.com.helper", "!scripts/helper", "scripts/helper"),
    ] {
        let workspace = folder.open();
        green(&workspace, &[file]);
        folder.git(&["config", key, value]);
        red(&workspace, &[file]);
        green(&workspace, &["scripts/other", "a"]);
        folder.git(&["config", "--unset", key]);
        std::fs::remove_file(folder.root.join("scripts/other")).unwrap();
        std::fs::remove_file(folder.root.join("a")).unwrap();
    }
}
