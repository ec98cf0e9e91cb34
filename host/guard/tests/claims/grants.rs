//! Who may write.

use crate::folder::{Anything, Folder, origin, path, proposal, state};
use nda_guard::{Approver, FileChange, FileState, GuardError, Hash, Policy, Proposal, Settings, Workspace};

#[test]
fn a_green_proposal_is_written_whole_and_its_checkpoint_takes_it_back() {
    for folder in [Folder::repository(), Folder::bare()] {
        folder.write("a.txt", "one\n");
        folder.write("gone.txt", "bye\n");
        let (before, workspace) = (state(&folder.root), folder.open());
        let change =
            workspace.submit(proposal(&workspace, &[("a.txt", Some("two\n")), ("new/deep/b.txt", Some("b")), ("gone.txt", None)])).unwrap();
        assert_eq!(folder.text("a.txt").as_deref(), Some("two\n"));
        assert_eq!(folder.text("new/deep/b.txt").as_deref(), Some("b"));
        assert_eq!(folder.text("gone.txt"), None);
        assert_eq!(change.files[0], (path("a.txt"), Some(Hash::of(b"two\n"))));
        let after = state(&folder.root);
        let restored = workspace.restore(&change.checkpoint).unwrap();
        assert_eq!(state(&folder.root), before);
        workspace.restore(&restored.undo.id).unwrap();
        assert_eq!(state(&folder.root), after, "the undo of the restore");
        let events = workspace.journal().events().unwrap();
        let names: Vec<&str> = events.iter().filter_map(|event| event["event"].as_str()).collect();
        assert_eq!(names, ["decided", "written", "restored", "restored"]);
    }
}

#[test]
fn with_nobody_to_ask_everything_is_red() {
    let folder = Folder::bare();
    let workspace = Workspace::open(&folder.root, Settings::default().state(&folder.state)).unwrap();
    let error = workspace.submit(proposal(&workspace, &[("a", Some("x"))])).unwrap_err();
    assert_eq!(error.to_string(), "refused: there is nobody to ask");
    assert!(state(&folder.root).is_empty());
}

#[test]
fn an_expired_grant_or_one_of_another_workspace_writes_nothing() {
    let folder = Folder::bare();
    let (workspace, other) = (folder.open(), folder.open());
    let grant = |to: &Workspace| to.decide(proposal(to, &[("a", Some("x"))])).unwrap();
    assert!(matches!(workspace.commit(grant(&workspace).expired()), Err(GuardError::Grant(_))));
    assert!(matches!(workspace.commit(grant(&other)), Err(GuardError::Grant(_))));
    assert!(state(&folder.root).is_empty());
    workspace.commit(grant(&workspace)).unwrap();
    assert_eq!(folder.text("a").as_deref(), Some("x"));
}

#[test]
fn a_file_that_changed_after_it_was_read_is_not_overwritten() {
    let folder = Folder::repository();
    folder.write("a", "one");
    let workspace = folder.open();
    let old = proposal(&workspace, &[("b", Some("new")), ("a", Some("two"))]);
    folder.write("a", "theirs");
    assert!(matches!(workspace.submit(old), Err(GuardError::Changed(p)) if p == path("a")));
    // Between decision and write, too.
    let grant = workspace.decide(proposal(&workspace, &[("b", Some("new")), ("a", Some("two"))])).unwrap();
    folder.write("a", "theirs again");
    assert!(matches!(workspace.commit(grant), Err(GuardError::Changed(p)) if p == path("a")));
    assert_eq!((folder.text("a").as_deref(), folder.text("b")), (Some("theirs again"), None), "all files or none");
    // A file that came where none was.
    let grant = workspace.decide(proposal(&workspace, &[("c", Some("new"))])).unwrap();
    folder.write("c", "theirs");
    assert!(workspace.commit(grant).is_err());
    assert_eq!(folder.text("c").as_deref(), Some("theirs"));
}

#[test]
fn rules_allow_by_tool_and_path_alone() {
    let text = "[[rule]]\nname = \"docs\"\ntools = [\"write_file\"]\npaths = [\"docs/**\"]\n";
    let folder = Folder::bare();
    folder.write(".nda/policy.toml", text);
    folder.write("docs/old.md", "old");
    let policy = Policy::of_folder(&folder.root).unwrap();
    let workspace = Workspace::open(&folder.root, Settings::default().state(&folder.state).decider(policy)).unwrap();
    let grant = workspace.decide(proposal(&workspace, &[("docs/a.md", Some("a"))])).unwrap();
    assert_eq!(*grant.approver(), Approver::Rule("docs".into()));
    let red = |changes: &[(&str, Option<&str>)]| workspace.decide(proposal(&workspace, changes)).unwrap_err().to_string();
    assert_eq!(red(&[("docs/a.md", Some("a")), ("src/a.rs", Some("a"))]), "refused: no rule allows write_file to change 'src/a.rs'");
    assert!(red(&[("docs/old.md", None)]).contains("no rule"), "deletions are asked for apart");
    assert!(red(&[("docs/.git/config", Some("a"))]).contains("never written"));
    let secret = format!("{}{}", "ghp_", "a".repeat(36));
    assert!(red(&[("docs/a.md", Some(&secret))]).contains("a person must see this"));
    let mut by_run = origin();
    by_run.tool = "run".into();
    let change = FileChange { path: path("docs/b.md"), base: None, after: Some(FileState::plain("b")) };
    assert!(workspace.decide(Proposal::new(by_run, vec![change])).is_err(), "another tool");
    assert!(Policy::parse("[[rule]]\nname = \"x\"\ntools = []\npaths = []\nshell = \"ls\"\n").is_err(), "an unknown field");
}

#[test]
fn what_is_always_red_stays_red_for_whoever_says_green() {
    let folder = Folder::repository();
    folder.git(&["config", "core.hooksPath", "tools/hooks"]);
    let workspace = Workspace::open(&folder.root, Settings::default().decider(Anything)).unwrap();
    for red in [".git/hooks/pre-commit", ".GIT/config", ".nda/policy.toml", "a/.cargo/config.toml", "tools/hooks/pre-commit", ".gitmodules"]
    {
        let change = FileChange { path: path(red), base: None, after: Some(FileState::plain("x")) };
        let error = workspace.submit(Proposal::new(origin(), vec![change])).unwrap_err();
        assert!(matches!(error, GuardError::Red(_)), "{red}: {error}");
        assert!(!folder.root.join(red).exists(), "{red}");
    }
}

#[test]
fn writers_at_the_same_time_take_turns_and_lose_nothing() {
    let folder = Folder::repository();
    std::thread::scope(|scope| {
        for writer in 0..3 {
            let folder = &folder;
            scope.spawn(move || {
                let workspace = folder.open();
                for n in 0..5 {
                    let (name, text) = (format!("{writer}/{n}"), format!("{writer} {n}"));
                    workspace.submit(proposal(&workspace, &[(&name, Some(&text))])).unwrap();
                }
            });
        }
    });
    let all = state(&folder.root);
    assert_eq!(all.len(), 15);
    assert!(all.iter().all(|(name, (_, bytes))| String::from_utf8_lossy(name).replace('/', " ").as_bytes() == &bytes[..]));
    assert_eq!(folder.open().journal().events().unwrap().len(), 30);
}
