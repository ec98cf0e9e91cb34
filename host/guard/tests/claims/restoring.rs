//! A restore shows every file that it would change, and does what it showed and nothing else.

use crate::folder::{Folder, origin, path, state};
use nda_guard::{Approver, Content, Decision, FileState, GuardError, How, Mode, Preview, Workspace};
use std::os::unix::fs::{PermissionsExt, symlink};

fn green(_: &Preview) -> Decision {
    Decision::Green(Approver::Person("test".into()))
}

/// A checkpoint, and afterwards each kind of change.
fn changed(folder: &Folder) -> (Workspace, String) {
    for name in ["same", "d/changed", "gone", "mode", "link", "swap/x"] {
        folder.write(name, "old\n");
    }
    let workspace = folder.open();
    let id = workspace.checkpoint("first").unwrap().id;
    folder.write("d/changed", "new\n");
    folder.write("added\n", "new\n");
    std::fs::remove_file(folder.root.join("gone")).unwrap();
    std::fs::set_permissions(folder.root.join("mode"), PermissionsExt::from_mode(0o755)).unwrap();
    std::fs::remove_file(folder.root.join("link")).unwrap();
    symlink("d/changed", folder.root.join("link")).unwrap();
    std::fs::remove_dir_all(folder.root.join("swap")).unwrap();
    folder.write("swap", "a file\n");
    (workspace, id)
}

#[test]
fn a_preview_names_all_files_that_the_restore_changes_and_writes_nothing() {
    for folder in [Folder::repository(), Folder::bare()] {
        let (workspace, id) = changed(&folder);
        let (before, checkpoints) = (state(&folder.root), workspace.checkpoints().unwrap());
        let preview = workspace.preview(&id).unwrap();
        assert_eq!((state(&folder.root), workspace.checkpoints().unwrap()), (before, checkpoints));
        let listed: Vec<(String, How)> = preview.files.iter().map(|file| (file.path.to_string(), file.how)).collect();
        let expected = [
            ("added%0A", How::Deleted),
            ("d/changed", How::Changed),
            ("gone", How::Added),
            ("link", How::Changed),
            ("mode", How::Changed),
            ("swap", How::Deleted),
            ("swap/x", How::Added),
        ];
        assert_eq!(listed, expected.map(|(name, how)| (name.to_owned(), how)));
        let contents = |at: usize| preview.files[at].contents.clone().map(|both| (both.before, both.after)).unwrap();
        let file = |text: &str, mode| Some(Content::File(FileState { bytes: text.into(), mode }));
        assert_eq!(contents(0), (file("new\n", Mode::Plain), None));
        assert_eq!(contents(1), (file("new\n", Mode::Plain), file("old\n", Mode::Plain)));
        assert_eq!(contents(3), (Some(Content::Link("d/changed".into())), file("old\n", Mode::Plain)));
        assert_eq!(contents(4), (file("old\n", Mode::Executable), file("old\n", Mode::Plain)));
        let mut done = workspace.restore_decided(&id, &origin(), green).unwrap().unwrap().files;
        done.sort();
        assert_eq!(done.iter().map(ToString::to_string).collect::<Vec<_>>(), expected.map(|(name, _)| name));
        assert!(workspace.restore_decided(&id, &origin(), |_| panic!("nothing differs")).unwrap().is_none());
    }
}

#[test]
fn a_restore_that_is_refused_writes_nothing_and_both_answers_are_in_the_journal() {
    let folder = Folder::repository();
    let (workspace, id) = changed(&folder);
    let before = state(&folder.root);
    let refused = workspace.restore_decided(&id, &origin(), |_| Decision::Red("not now".into())).unwrap_err();
    assert!(matches!(&refused, GuardError::Red(why) if why == "not now"), "{refused}");
    assert_eq!(state(&folder.root), before);
    workspace.restore_decided(&id, &origin(), green).unwrap();
    let events = workspace.journal().events().unwrap();
    let decided: Vec<_> = events.iter().filter(|event| event["restore"] == id.as_str()).collect();
    assert_eq!((decided.len(), &decided[0]["red"], decided[1]["paths"].as_array().unwrap().len()), (2, &"not now".into(), 7), "{events:?}");
}

#[test]
fn what_changes_while_somebody_decides_is_not_restored_unseen() {
    let folder = Folder::repository();
    let (workspace, id) = changed(&folder);
    for (name, text) in [("same", "mine\n"), ("d/changed", "newer\n"), ("untracked", "x")] {
        let write = |_: &Preview| {
            folder.write(name, text);
            green(&workspace.preview(&id).unwrap())
        };
        let refused = workspace.restore_decided(&id, &origin(), write).unwrap_err();
        assert!(matches!(&refused, GuardError::Changed(changed) if *changed == path(name)), "{name}: {refused}");
        assert_eq!((folder.text(name).as_deref(), folder.text("gone")), (Some(text), None));
    }
    assert!(workspace.restore_decided(&id, &origin(), green).unwrap().is_some());
    assert_eq!(folder.text("same").as_deref(), Some("old\n"));
}

#[test]
fn contents_beyond_what_can_be_shown_are_left_out_and_the_files_are_not() {
    let folder = Folder::repository();
    for name in ["a", "b", "c"] {
        folder.write(name, "x".repeat(5 << 20));
    }
    let workspace = folder.open();
    let id = workspace.checkpoint("large").unwrap().id;
    for name in ["a", "b", "c"] {
        folder.write(name, "small");
    }
    let preview = workspace.preview(&id).unwrap();
    let is_shown: Vec<bool> = preview.files.iter().map(|file| file.contents.is_some()).collect();
    assert_eq!(is_shown, [true, true, false]);
    assert_eq!(workspace.restore_decided(&id, &origin(), green).unwrap().unwrap().files.len(), 3);
}
