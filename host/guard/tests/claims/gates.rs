//! What must hold after a write.

use crate::folder::{Folder, proposal, state, times};
use nda_guard::{Gate, GuardError, Security, Seen, Verdict, Workspace};

/// Holds as long as no file says "broken".
struct NotBroken;

impl Gate for NotBroken {
    fn name(&self) -> &str {
        "not broken"
    }

    fn judge(&self, seen: &Seen<'_>) -> Verdict {
        // The change is on the disk when a gate looks.
        let text = |file: &nda_guard::Written<'_>| std::fs::read_to_string(seen.root.join(file.path.to_string())).unwrap_or_default();
        let broken = seen.files.iter().find(|file| text(file).contains("broken"));
        broken.map_or(Verdict::Holds, |file| Verdict::Fails(format!("{} is broken", file.path)))
    }
}

#[test]
fn a_gate_that_fails_puts_everything_back_with_times_and_modes() {
    let folder = Folder::repository();
    folder.write("a", "one");
    folder.write("b/c", "two");
    std::fs::set_permissions(folder.root.join("a"), std::os::unix::fs::PermissionsExt::from_mode(0o640)).unwrap();
    let workspace = nda_guard::Workspace::open(&folder.root, folder.settings().gate(NotBroken)).unwrap();
    let (before, clock) = (state(&folder.root), times(&folder.root));
    let error = workspace.submit(proposal(&workspace, &[("a", Some("broken")), ("b/c", None), ("d/e/f", Some("x"))])).unwrap_err();
    assert!(matches!(&error, GuardError::Gate { report, .. } if report == "a is broken"), "{error}");
    assert_eq!(state(&folder.root), before);
    let seconds = |times: std::collections::BTreeMap<Vec<u8>, (i64, i64, u64)>| times.into_values().map(|t| (t.0, t.1)).collect::<Vec<_>>();
    assert_eq!(seconds(times(&folder.root)), seconds(clock), "nothing is rebuilt because of it");
    assert!(!folder.root.join("d").exists() && folder.root.join("b").is_dir());
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(folder.root.join("a")).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o640);
    let change = workspace.submit(proposal(&workspace, &[("a", Some("whole"))])).unwrap();
    assert_eq!(change.gates, ["not broken"]);
}

#[test]
fn a_secret_is_put_back() {
    let folder = Folder::bare();
    let workspace = nda_guard::Workspace::open(&folder.root, folder.settings().gate(Security::default())).unwrap();
    let key = format!("{}{}", "AKIA", "A".repeat(16));
    let error = workspace.submit(proposal(&workspace, &[("config", Some(&key))])).unwrap_err();
    assert!(error.to_string().contains("config:1: looks like a key of AWS"), "{error}");
    assert!(state(&folder.root).is_empty());
}

/// Wishes that the change is given up, and holds.
struct GivesUp(std::sync::Arc<std::sync::atomic::AtomicBool>);

impl Gate for GivesUp {
    fn name(&self) -> &str {
        "gives up"
    }

    fn judge(&self, _: &Seen<'_>) -> Verdict {
        self.0.store(true, std::sync::atomic::Ordering::SeqCst);
        Verdict::Holds
    }
}

#[test]
fn a_change_that_is_not_wanted_any_more_while_gates_look_at_it_is_put_back() {
    let folder = Folder::repository();
    folder.write("a", "one");
    let is_over = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let workspace = Workspace::open(&folder.root, folder.settings().gate(GivesUp(is_over.clone()))).unwrap();
    let is_wanted = || !is_over.load(std::sync::atomic::Ordering::SeqCst);
    for _ in ["while gates look", "before it is written"] {
        let grant = workspace.decide(proposal(&workspace, &[("a", Some("two")), ("b", Some("new"))])).unwrap();
        let error = workspace.commit_while(grant, &is_wanted).unwrap_err();
        assert_eq!(error.to_string(), "refused: it was cancelled");
        assert_eq!((folder.text("a").as_deref(), folder.text("b")), (Some("one"), None));
    }
}
