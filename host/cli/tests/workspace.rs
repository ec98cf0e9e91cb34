//! `nda checkpoint` and `nda patch`; approvers, agents and the box in terminals; the walk-through; the official client on `nda mcp`.

#![cfg(all(feature = "workspace", target_os = "linux"))]

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// Runs nda in a folder, with a state folder beside it and nothing but a pipe to speak to.
fn nda(folder: &Path, arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_nda"))
        .args(arguments)
        .current_dir(folder)
        .env("XDG_STATE_HOME", folder.with_file_name("state"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn out(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn folder(place: &tempfile::TempDir) -> std::path::PathBuf {
    let folder = place.path().join("project");
    std::fs::create_dir(&folder).unwrap();
    folder
}

#[test]
fn a_checkpoint_is_made_listed_restored_undone_and_pruned() {
    let place = tempfile::tempdir().unwrap();
    let folder = folder(&place);
    let text = || std::fs::read_to_string(folder.join("a")).unwrap();
    std::fs::write(folder.join("a"), "one").unwrap();
    let made = out(&nda(&folder, &["checkpoint", "create", "first"], ""));
    assert!(made.ends_with("first\n"), "{made}");
    let id = made.split(' ').next().unwrap();
    std::fs::write(folder.join("a"), "two").unwrap();
    assert_eq!(out(&nda(&folder, &["checkpoint", "restore", id], "")), "a\n");
    assert_eq!(text(), "one");
    let list: serde_json::Value = serde_json::from_str(&out(&nda(&folder, &["checkpoint", "list", "--json"], ""))).unwrap();
    let undo = list["checkpoints"][1]["id"].as_str().unwrap();
    out(&nda(&folder, &["checkpoint", "restore", undo], ""));
    assert_eq!(text(), "two");
    out(&nda(&folder, &["checkpoint", "prune", "--keep", "0"], ""));
    assert_eq!(out(&nda(&folder, &["checkpoint", "list"], "")), "");
    let output = nda(&folder, &["checkpoint", "restore", id], "");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("there is no checkpoint"));
}

#[test]
fn a_patch_is_written_with_a_yes_and_refused_without_a_place_or_anybody_to_ask() {
    let place = tempfile::tempdir().unwrap();
    let folder = folder(&place);
    let text = || std::fs::read_to_string(folder.join("a.txt")).unwrap();
    std::fs::write(folder.join("a.txt"), "one\ntwo\n").unwrap();
    let patch = "--- a/a.txt\n+++ b/a.txt\n@@ -1,2 +1,2 @@\n one\n-two\n+2\n";
    let output = nda(&folder, &["patch", "-"], patch);
    assert_eq!((output.status.code(), text().as_str()), (Some(1), "one\ntwo\n"));
    assert!(String::from_utf8_lossy(&output.stderr).contains("no terminal"));
    out(&nda(&folder, &["patch", "-", "--dry-run"], patch));
    assert_eq!(text(), "one\ntwo\n");
    let answer: serde_json::Value = serde_json::from_str(&out(&nda(&folder, &["patch", "-", "--yes", "--json"], patch))).unwrap();
    assert_eq!((answer["outcome"].as_str(), text().as_str()), (Some("written"), "one\n2\n"));
    assert_eq!(answer["files"][0]["ranges"][0], serde_json::json!([1, 2]));
    assert!(out(&nda(&folder, &["patch", "-", "--yes"], patch)).contains("is there already"));
    let wrong = patch.replace(" one", " uno");
    let output = nda(&folder, &["patch", "-", "--yes"], &wrong);
    assert!(String::from_utf8_lossy(&output.stderr).contains("no such text"), "{output:?}");
    let broken = "*** Begin Patch\n*** Add File: a.nda\n+fn main( {\n*** End Patch\n";
    let output = nda(&folder, &["patch", "-", "--yes"], broken);
    assert!(String::from_utf8_lossy(&output.stderr).contains("gate 'nda' failed"), "{output:?}");
    assert!(!folder.join("a.nda").exists(), "put back");
    out(&nda(&folder, &["checkpoint", "restore", answer["checkpoint"].as_str().unwrap()], ""));
    assert_eq!(text(), "one\ntwo\n");
}

#[test]
fn the_walk_through_prints_what_its_page_says_and_its_recording_is_of_this_page() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/follow.py");
    let output = Command::new("python3").args([script, env!("CARGO_BIN_EXE_nda"), "walkthrough.md"]).output().unwrap();
    assert!(output.status.success(), "{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
}

/// Terminals, and a model that answers from a script.
#[test]
fn an_approver_and_an_agent_ask_in_their_terminals_and_commands_run_in_the_box() {
    let place = tempfile::tempdir().unwrap();
    // The approver's socket lies beside the folder, where nobody else may look.
    std::fs::set_permissions(place.path(), std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    let folder = folder(&place);
    std::fs::write(folder.join("a.txt"), "first\n").unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/approver.py");
    let output = Command::new("python3").args([script, env!("CARGO_BIN_EXE_nda")]).arg(&folder).output().unwrap();
    let (out, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    print!("{out}");
    assert!(output.status.success(), "{out}\n{error}");
}

/// The claims of host/agent/tests/mcp_client.py, on the command itself, with its models, boards and emitter.
#[cfg(feature = "emit")]
#[test]
fn the_official_client_drives_every_tool_of_the_command() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let python = root.join(".tools/mcp/bin/python");
    if !python.exists() {
        return nda_tests::skip("the official client", "it is not installed; run './tools.sh mcp'");
    }
    let place = tempfile::tempdir().unwrap();
    let folder = folder(&place);
    std::fs::create_dir(folder.join("sub")).unwrap();
    for (path, text) in [("a.txt", "first\n"), ("b.txt", "second\n"), ("sub/c.rs", "fn third() {}\n")] {
        std::fs::write(folder.join(path), text).unwrap();
    }
    std::os::unix::fs::symlink("../outside.txt", folder.join("link")).unwrap();
    std::fs::copy(root.join("models/tiny.ndf"), folder.join("tiny.ndf")).unwrap();
    for words in
        [&["init", "-q"][..], &["add", "-A"], &["-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "-q", "-m", "first"]]
    {
        assert!(Command::new("git").args(words).current_dir(&folder).status().unwrap().success());
    }
    let script = root.join("host/agent/tests/mcp_client.py");
    let output = Command::new(python).arg(script).args([env!("CARGO_BIN_EXE_nda"), "mcp", "--root"]).arg(&folder).output().unwrap();
    let (out, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    print!("{out}");
    assert!(output.status.success(), "{out}\n{error}");
}
