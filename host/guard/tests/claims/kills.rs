//! Killed at any moment: old or new after the next start, never a mixture, and the repository is whole.

use crate::folder::{Folder, git_state, proposal, rounds, state};
use nda_spec::random::Random;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const CHILD: &str = "GUARD_VICTIM";
/// The longest that a victim lives after it has said that it begins.
const LIFE_US: usize = 60_000;

/// The part of the test that is killed: commits and restores over and over, each telling what it begins.
#[test]
fn victim() {
    let Some(arguments) = std::env::var_os(CHILD) else { return };
    let arguments = arguments.into_string().unwrap();
    let (root, state) = arguments.split_once('|').unwrap();
    let settings = || nda_guard::Settings::default().state(state).decider(crate::folder::Anything);
    let workspace = nda_guard::Workspace::open(std::path::Path::new(root), settings()).unwrap();
    let first = workspace.checkpoint("start").unwrap().id;
    println!("BEGIN");
    for n in 0.. {
        let text = format!("{n}");
        workspace.submit(proposal(&workspace, &contents(Some(&text)))).unwrap();
        workspace.restore(&first).unwrap();
    }
}

/// All files of one generation: three that change, one that comes, one that goes, and a file where a folder was.
fn contents(generation: Option<&str>) -> [(&str, Option<&str>); 6] {
    match generation {
        Some(_) => [("a", generation), ("d/b", generation), ("d/e/c", generation), ("new/f", generation), ("gone", None), ("swap/x", None)],
        None => [
            ("a", Some("old")),
            ("d/b", Some("old")),
            ("d/e/c", Some("old")),
            ("new/f", None),
            ("gone", Some("old")),
            ("swap/x", Some("old")),
        ],
    }
}

fn spawn(folder: &Folder) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "kills::victim", "--nocapture", "--test-threads=1"])
        .env(CHILD, format!("{}|{}", folder.root.display(), folder.state.display()))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Whether the folder is the old generation or one of the new ones, whole.
fn is_whole(folder: &Folder) -> bool {
    let text = |name: &str| folder.text(name);
    let generation = text("a");
    let is = |wanted: &[(&str, Option<&str>)]| wanted.iter().all(|(name, content)| text(name).as_deref() == *content);
    let expected = if generation.as_deref() == Some("old") { contents(None) } else { contents(generation.as_deref()) };
    let strays = state(&folder.root).keys().filter(|name| name.windows(5).any(|part| part == b".nda-")).count();
    generation.is_some() && is(&expected) && strays == 0
}

#[test]
fn a_kill_at_any_moment_leaves_old_or_new_and_never_a_mixture() {
    for with_git in [true, false] {
        let folder = if with_git { Folder::repository() } else { Folder::bare() };
        for (name, content) in contents(None) {
            if let Some(content) = content {
                folder.write(name, content);
            }
        }
        let mut random = Random::new(11);
        let (mut old, mut new) = (0, 0);
        let before = with_git.then(|| git_state(&folder));
        for round in 0..rounds(12) {
            let mut child = spawn(&folder);
            let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
            assert!(lines.any(|line| line.unwrap().contains("BEGIN")), "round {round}: the victim begins");
            std::thread::sleep(Duration::from_micros(random.below(LIFE_US) as u64));
            child.kill().unwrap();
            child.wait().unwrap();
            let workspace = folder.open();
            assert_eq!(workspace.left(), [""; 0], "round {round}");
            assert!(is_whole(&folder), "round {round}: {:?}", state(&folder.root));
            if folder.text("a").as_deref() == Some("old") {
                old += 1
            } else {
                new += 1
            }
            workspace.checkpoint("after").unwrap();
            workspace.journal().events().unwrap();
            // Back to the old generation, whatever it was, for the next round.
            let start = workspace.checkpoints().unwrap().remove(0);
            workspace.restore(&start.id).unwrap();
            assert!(is_whole(&folder), "round {round}: after the restore");
            if round % 50 == 49 {
                workspace.prune(nda_guard::Keep { newest: 0, younger_than: None }).unwrap();
            }
        }
        // On a busy machine the few kills of a short run may all come early; the long one meets both.
        assert!(std::env::var_os("SOAK").is_none() || (old > 0 && new > 0), "{old} old, {new} new: the kills fell into both");
        if let Some(before) = before {
            assert_eq!(git_state(&folder), before);
            folder.git(&["fsck", "--no-dangling"]);
        }
    }
}

#[test]
fn an_interrupted_change_that_somebody_wrote_over_keeps_their_text() {
    use nda_guard::{Gate, Seen, Verdict};
    /// Dies while the change is on the disk and no gate has spoken, as a killed process does.
    struct Dies;
    impl Gate for Dies {
        fn name(&self) -> &str {
            "dies"
        }
        fn judge(&self, _: &Seen<'_>) -> Verdict {
            panic!("killed here");
        }
    }
    let folder = Folder::repository();
    folder.write("a", "old");
    folder.write("b", "old");
    let workspace = nda_guard::Workspace::open(&folder.root, folder.settings().gate(Dies)).unwrap();
    let grant = workspace.decide(proposal(&workspace, &[("a", Some("new")), ("b", Some("new"))])).unwrap();
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| workspace.commit(grant))).is_err());
    assert_eq!(folder.text("a").as_deref(), Some("new"), "on the disk, undecided");
    folder.write("b", "theirs");
    drop(workspace);
    let workspace = folder.open();
    assert_eq!((folder.text("a").as_deref(), folder.text("b").as_deref()), (Some("old"), Some("theirs")));
    assert_eq!(workspace.left(), ["b"]);
}
