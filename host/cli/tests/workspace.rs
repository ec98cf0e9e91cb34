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
fn a_patch_of_a_crate_is_written_if_it_compiles_and_put_back_if_it_does_not() {
    let Some(home) = std::env::var_os("HOME").map(std::path::PathBuf::from).filter(|home| home.join(".cargo/bin/cargo").exists()) else {
        return nda_tests::not_here("the cargo gate", "rustup's cargo is not in ~/.cargo/bin");
    };
    let place = tempfile::tempdir().unwrap();
    let folder = folder(&place);
    std::fs::create_dir(folder.join("src")).unwrap();
    std::fs::write(folder.join("Cargo.toml"), "[package]\nname = \"fresh\"\nversion = \"0.1.0\"\nedition = \"2021\"\n").unwrap();
    std::fs::write(folder.join("src/main.rs"), "fn main() {\n    println!(\"one\");\n}\n").unwrap();
    let text = || std::fs::read_to_string(folder.join("src/main.rs")).unwrap();
    // As in a shell: rustup's programs are the first.
    let path = format!("{}:{}", home.join(".cargo/bin").display(), std::env::var("PATH").unwrap_or_default());
    let patched = |new: &str| {
        let file = place.path().join("a.patch");
        std::fs::write(&file, format!("--- a/src/main.rs\n+++ b/src/main.rs\n@@ -2 +2 @@\n-    println!(\"one\");\n+{new}\n")).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_nda"));
        command.args(["patch", "--yes"]).arg(&file).current_dir(&folder).env("PATH", &path).env("XDG_STATE_HOME", place.path());
        command.output().unwrap()
    };
    let wrong = patched("    println!(\"two\", missing);");
    let said = String::from_utf8_lossy(&wrong.stderr);
    assert!(said.contains("gate 'cargo check' failed") && said.contains("missing"), "{said}");
    assert!(text().contains("one"), "put back");
    out(&patched("    println!(\"two\");"));
    assert!(text().contains("two"), "written");
}

#[test]
fn a_signal_ends_a_command_in_the_box_and_leaves_no_clone_behind() {
    use std::io::Read;
    for (level, signal, code) in
        [("full", "TERM", 143), ("landlock", "TERM", 143), ("landlock", "INT", 130), ("landlock", "HUP", 129), ("full", "HUP", 129)]
    {
        let place = tempfile::tempdir().unwrap();
        let (folder, temporary) = (folder(&place), place.path().join("tmp"));
        std::fs::create_dir(&temporary).unwrap();
        std::fs::write(folder.join("a.txt"), "secret").unwrap();
        let words = ["sandbox", "--level", level, "--", "sh", "-c", "echo begun; sleep 60"];
        let mut command = Command::new(env!("CARGO_BIN_EXE_nda"));
        command.args(words).current_dir(&folder).env("TMPDIR", &temporary).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut begun = [0; 6];
        child.stdout.take().unwrap().read_exact(&mut begun).unwrap_or_else(|e| panic!("{level}: {e}"));
        assert_eq!(std::fs::read_dir(&temporary).unwrap().count(), 1, "{level}: the box");
        assert!(Command::new("kill").args([&format!("-{signal}"), &child.id().to_string()]).status().unwrap().success());
        assert_eq!(child.wait().unwrap().code(), Some(code), "{level} {signal}");
        assert_eq!(std::fs::read_dir(&temporary).unwrap().count(), 0, "{level} {signal}: nothing is left");
    }
}

#[test]
fn a_dry_run_says_of_what_is_always_refused_that_it_is() {
    let place = tempfile::tempdir().unwrap();
    let folder = folder(&place);
    for repository in [folder.clone(), folder.join("nested")] {
        assert!(Command::new("git").args(["init", "-q"]).arg(&repository).status().unwrap().success());
    }
    for path in [".nda/policy.toml", ".git/hooks/pre-commit", ".cargo/config.toml", "nested/a.txt"] {
        let patch = format!("*** Begin Patch\n*** Add File: {path}\n+x\n*** End Patch\n");
        for words in [&["patch", "-", "--dry-run"][..], &["patch", "-", "--dry-run", "--json"]] {
            let output = nda(&folder, words, &patch);
            let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
            assert!(output.status.code() == Some(1) && said.contains("refused") && !said.contains("would be written"), "{path}: {said}");
        }
    }
}

#[test]
fn a_label_is_one_line_and_a_name_that_several_begin_with_is_said_to_be() {
    let place = tempfile::tempdir().unwrap();
    let folder = folder(&place);
    std::fs::write(folder.join("a"), "one").unwrap();
    for label in ["a\n20990101-000000.000-0000  forged", "\u{1b}[2J", "a\u{9b}1m"] {
        let output = nda(&folder, &["checkpoint", "create", label], "");
        assert!(!output.status.success() && String::from_utf8_lossy(&output.stderr).contains("one line"), "{output:?}");
    }
    assert_eq!(out(&nda(&folder, &["checkpoint", "list"], "")), "");
    let made = ["first", "second"].map(|label| out(&nda(&folder, &["checkpoint", "create", label], "")));
    let output = nda(&folder, &["checkpoint", "restore", "2"], "");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("several checkpoints begin with '2'") && output.status.code() == Some(2), "{said}");
    assert!(made.iter().all(|line| said.contains(line.split(' ').next().unwrap())), "{said}");
}

#[test]
fn mistakes_in_settings_are_named_and_no_damage() {
    let place = tempfile::tempdir().unwrap();
    let folder = folder(&place);
    std::fs::create_dir(folder.join(".nda")).unwrap();
    std::fs::write(folder.join(".nda/gates.toml"), "[[gate]]\nname = \"x\"\npaths = [\"**\"]\ncommand = []\n").unwrap();
    let patch = "*** Begin Patch\n*** Add File: a.txt\n+x\n*** End Patch\n";
    let said = String::from_utf8_lossy(&nda(&folder, &["patch", "-", "--yes"], patch).stderr).into_owned();
    assert!(said.contains("the gate 'x' has no command") && said.contains("correct the file") && !said.contains("disk"), "{said}");
    let said = String::from_utf8_lossy(&nda(&folder, &["sandbox", "--read", "/no/such", "--", "true"], "").stderr).into_owned();
    assert!(said.contains("/no/such"), "{said}");
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
