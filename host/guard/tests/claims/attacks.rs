//! Ways around the gate: none writes a byte without a grant, and none leaves the root.

use crate::folder::{Anything, Folder, origin, path, proposal, state};
use nda_guard::{Decide, Decision, FileChange, FileState, GuardError, Proposal, RelPath, Review, Workspace};
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

/// A decider that does something between the checks and the write, then says green.
struct Meanwhile<F>(F);

impl<F: Fn() + Send + Sync> Decide for Meanwhile<F> {
    fn decide(&self, review: &Review<'_>) -> Decision {
        (self.0)();
        Anything.decide(review)
    }
}

fn add(name: &str) -> Proposal {
    Proposal::new(origin(), vec![FileChange { path: path(name), base: None, after: Some(FileState::plain("attack")) }])
}

/// A folder beside the root that nobody may write to.
fn outside(folder: &Folder) -> PathBuf {
    let outside = folder.root.with_file_name("outside");
    std::fs::create_dir_all(&outside).unwrap();
    std::fs::write(outside.join("file"), "theirs").unwrap();
    outside
}

#[test]
fn no_path_leads_out_of_the_root() {
    let folder = Folder::bare();
    let outside = outside(&folder);
    symlink(&outside, folder.root.join("folder")).unwrap();
    symlink(outside.join("file"), folder.root.join("leaf")).unwrap();
    symlink(outside.join("new"), folder.root.join("dangling")).unwrap();
    symlink("..", folder.root.join("up")).unwrap();
    symlink("/proc/self/root", folder.root.join("magic")).unwrap();
    let workspace = folder.open();
    for bad in ["../outside/file", "/etc/passwd", "a/../../outside/file", "./a", "a//b", ""] {
        assert!(RelPath::new(bad).is_err(), "{bad}");
    }
    for bad in ["folder/file", "folder/new", "leaf", "dangling", "up/outside/file", "magic/tmp/x", "up/outside/new"] {
        let error = workspace.submit(add(bad)).unwrap_err();
        assert!(matches!(error, GuardError::Link(_)), "{bad}: {error}");
        assert!(matches!(workspace.read(&path(bad)), Err(GuardError::Link(_))), "{bad}");
    }
    assert_eq!(state(&outside).len(), 1);
    assert_eq!(std::fs::read_to_string(outside.join("file")).unwrap(), "theirs");
}

#[test]
fn a_folder_swapped_for_a_link_between_check_and_write_gains_nothing() {
    let folder = Folder::bare();
    let outside = outside(&folder);
    folder.write("d/file", "ours");
    let (root, target) = (folder.root.clone(), outside.clone());
    let swap = move || {
        std::fs::rename(root.join("d"), root.join("away")).unwrap();
        symlink(&target, root.join("d")).unwrap();
    };
    let workspace = Workspace::open(&folder.root, folder.settings().decider(Meanwhile(swap))).unwrap();
    let error = workspace.submit(proposal(&workspace, &[("d/file", Some("attack"))])).unwrap_err();
    assert!(matches!(error, GuardError::Link(_)), "{error}");
    assert_eq!(std::fs::read_to_string(outside.join("file")).unwrap(), "theirs");
    assert_eq!(folder.text("away/file").as_deref(), Some("ours"));
}

#[test]
fn a_swapper_that_never_rests_gains_nothing() {
    let folder = Folder::bare();
    let outside = outside(&folder);
    folder.write("d/file", "ours");
    let workspace = folder.open();
    let (root, target, ends) = (folder.root.clone(), outside.clone(), AtomicBool::new(false));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !ends.load(Ordering::Relaxed) {
                let _ = std::fs::rename(root.join("d"), root.join("away"));
                let _ = symlink(&target, root.join("d"));
                let _ = std::fs::remove_file(root.join("d"));
                let _ = std::fs::rename(root.join("away"), root.join("d"));
            }
        });
        for n in 0..40 {
            let Ok(state) = workspace.read(&path("d/file")) else { continue };
            let change = FileChange { path: path("d/file"), base: state.map(|s| s.hash()), after: Some(FileState::plain(format!("{n}"))) };
            let _ = workspace.submit(Proposal::new(origin(), vec![change]));
        }
        ends.store(true, Ordering::Relaxed);
    });
    assert_eq!(state(&outside).into_iter().collect::<Vec<_>>(), [(b"file".to_vec(), ('f', b"theirs".to_vec()))]);
}

#[test]
fn a_leaf_swapped_for_a_link_a_folder_or_a_fifo_is_refused() {
    let outsides = |folder: &Folder| outside(folder);
    let kinds: [fn(&Folder); 3] = [
        |folder| symlink(folder.root.with_file_name("outside").join("file"), folder.root.join("f")).unwrap(),
        |folder| std::fs::create_dir(folder.root.join("f")).unwrap(),
        |folder| assert!(std::process::Command::new("mkfifo").arg(folder.root.join("f")).status().unwrap().success()),
    ];
    for kind in kinds {
        let folder = Folder::bare();
        let outside = outsides(&folder);
        folder.write("f", "ours");
        let workspace = folder.open();
        let grant = workspace.decide(proposal(&workspace, &[("f", Some("attack"))])).unwrap();
        std::fs::remove_file(folder.root.join("f")).unwrap();
        kind(&folder);
        assert!(workspace.commit(grant).is_err());
        assert_eq!(std::fs::read_to_string(outside.join("file")).unwrap(), "theirs");
        assert!(!folder.root.join("f").symlink_metadata().unwrap().is_file(), "what stands there stays");
    }
}

#[test]
fn a_hard_link_to_elsewhere_keeps_its_content() {
    let folder = Folder::bare();
    let outside = outside(&folder);
    std::fs::hard_link(outside.join("file"), folder.root.join("f")).unwrap();
    let workspace = folder.open();
    workspace.submit(proposal(&workspace, &[("f", Some("ours now"))])).unwrap();
    assert_eq!(folder.text("f").as_deref(), Some("ours now"));
    assert_eq!(std::fs::read_to_string(outside.join("file")).unwrap(), "theirs");
}

#[test]
fn set_id_bits_are_never_given_to_new_bytes() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::bare();
    folder.write("f", "ours");
    std::fs::set_permissions(folder.root.join("f"), PermissionsExt::from_mode(0o6755)).unwrap();
    let workspace = folder.open();
    let change = FileChange {
        path: path("f"),
        base: workspace.read(&path("f")).unwrap().map(|state| state.hash()),
        after: Some(FileState { bytes: b"new".to_vec(), mode: nda_guard::Mode::Executable }),
    };
    workspace.submit(Proposal::new(origin(), vec![change])).unwrap();
    assert_eq!(std::fs::metadata(folder.root.join("f")).unwrap().permissions().mode() & 0o7777, 0o755);
}

#[test]
fn one_path_twice_a_file_beneath_a_file_and_nothing_at_all_are_refused() {
    let folder = Folder::bare();
    let workspace = folder.open();
    let change = |name: &str| FileChange { path: path(name), base: None, after: Some(FileState::plain("x")) };
    for changes in [vec![], vec![change("a"), change("a")], vec![change("a"), change("a/b")]] {
        assert!(matches!(workspace.submit(Proposal::new(origin(), changes)), Err(GuardError::Red(_))));
    }
    assert!(state(&folder.root).is_empty());
}

#[test]
fn a_writer_that_races_with_commits_never_loses_a_write() {
    let folder = Folder::bare();
    folder.write("f", "w0");
    let workspace = folder.open();
    let (ends, file, beside) = (AtomicBool::new(false), folder.root.join("f"), folder.root.with_file_name("draft"));
    let committed = std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut k = 0u32;
            while !ends.load(Ordering::Relaxed) {
                k += 1;
                std::fs::write(&beside, format!("w{k}")).unwrap();
                std::fs::rename(&beside, &file).unwrap();
                // A commit that took this write out by mistake puts it back at once.
                let mine = || std::fs::read_to_string(&file).is_ok_and(|text| text == format!("w{k}") || text == format!("ours on w{k}"));
                let is_there = (0..500).any(|_| {
                    mine() || {
                        std::thread::sleep(std::time::Duration::from_millis(1));
                        false
                    }
                });
                assert!(is_there, "w{k} was lost: {:?}", std::fs::read_to_string(&file));
            }
            k
        });
        let (begun, mut committed) = (std::time::Instant::now(), 0);
        while begun.elapsed() < std::time::Duration::from_secs(3) && !writer.is_finished() {
            let Some(state) = workspace.read(&path("f")).unwrap() else { continue };
            let text = String::from_utf8(state.bytes.clone()).unwrap();
            if text.starts_with("ours") {
                continue;
            }
            let change = FileChange { path: path("f"), base: Some(state.hash()), after: Some(FileState::plain(format!("ours on {text}"))) };
            committed += u32::from(workspace.submit(Proposal::new(origin(), vec![change])).is_ok());
        }
        ends.store(true, Ordering::Relaxed);
        writer.join().unwrap();
        committed
    });
    println!("{committed} commits between the writes");
}
