//! Attacks on the gate: whatever a tool is asked, nothing of the project changes without a grant, and nothing outside of it ever.

#![allow(clippy::disallowed_methods, reason = "tests make the files that they are about")]

mod common;

use common::{Person, project, tools, tools_with};
use nda_agent::door::{self, Approver, Door};
use nda_agent::{Answer, Ask, Tools};
use nda_guard::Policy;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Every file with its bytes, mode and times; what the guard and git keep of themselves is not among them, hooks and settings are.
fn snapshot(folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let (path, metadata) = (entry.path(), entry.path().symlink_metadata().unwrap());
        let is_own = [".git/objects", ".git/refs", ".git/nda", "/state"].iter().any(|part| path.to_string_lossy().ends_with(part));
        if metadata.is_dir() && !is_own {
            all.extend(snapshot(&path));
        } else if !metadata.is_dir() {
            let bytes = if metadata.is_file() { fs::read(&path).unwrap() } else { Vec::new() };
            all.insert(path, format!("{:o} {} {bytes:?}", metadata.mode(), metadata.mtime_nsec()));
        }
    }
    all
}

/// Shell commands that write, each in another way.
const COMMANDS: &[&str] = &[
    "echo x > a.txt",
    "echo x >> a.txt",
    "echo x | tee a.txt",
    "echo x | tee -a a.txt b.txt",
    "bash -c 'echo x > a.txt'",
    "sh -c \"sh -c 'echo x > a.txt'\"",
    "eval 'echo x > a.txt'",
    "python3 -c 'open(\"a.txt\",\"w\").write(\"x\")'",
    "perl -e 'open(F,\">a.txt\");print F \"x\"'",
    "awk 'BEGIN{print \"x\" > \"a.txt\"}'",
    "sed -i s/first/x/ a.txt",
    "cp b.txt a.txt",
    "mv b.txt a.txt",
    "rm a.txt",
    "rm -rf *",
    "find . -name a.txt -delete",
    "find . -name a.txt -exec sh -c 'echo x > $1' _ {} \\;",
    "ls a.txt | xargs rm",
    "ln -sf b.txt a.txt",
    "ln -f b.txt a.txt",
    "truncate -s 0 a.txt",
    "dd if=/dev/zero of=a.txt bs=1 count=1 2>/dev/null",
    "install b.txt a.txt",
    "chmod 777 a.txt",
    "touch -d 2000-01-01 a.txt",
    "mkdir d && echo x > d/e",
    "make",
    "exec 3> a.txt; echo x >&3",
    "cat > a.txt <<END\nx\nEND",
    "env - sh -c 'echo x > a.txt'",
    "nohup sh -c 'echo x > a.txt' 2>/dev/null",
    "(sleep 0.3; echo x > a.txt) & disown 2>/dev/null; true",
    "setsid sh -c 'sleep 0.3; echo x > \"$NDA_PROJECT/a.txt\"' &",
    "trap 'echo x > a.txt' EXIT",
    "echo x > \"$NDA_PROJECT/a.txt\"",
    "cd \"$NDA_PROJECT\" && echo x > a.txt",
    "cp -r \"$NDA_PROJECT\" copy && echo x > copy/a.txt",
    "ln -s \"$NDA_PROJECT/a.txt\" l && echo x > l",
    "ln -s \"$NDA_PROJECT\" d && echo x > d/new",
    "mv b.txt \"$NDA_PROJECT/a.txt\"",
    "git init -q . && git config core.hooksPath .",
    "git -C \"$NDA_PROJECT\" commit --allow-empty -m x",
    "git -C \"$NDA_PROJECT\" config core.fsmonitor /bin/true",
    "git -C \"$NDA_PROJECT\" checkout -b evil",
    "echo 'exit 1' > \"$NDA_PROJECT/.git/hooks/pre-commit\"",
    "mkdir -p .git/hooks && echo x > .git/hooks/pre-commit",
    "mkdir -p .nda && echo '[[rule]]' > .nda/policy.toml",
    "mkdir -p .cargo && echo x > .cargo/config.toml",
    "echo x > link",
    "echo x > linked/o.txt",
    "echo x > dangling",
    "echo x > ../outside/o.txt",
    "rm link && echo x > link",
];

/// Paths that no decision may let through.
const RED_PATHS: &[&str] = &[
    "../outside/o.txt",
    "../project/a.txt",
    "/etc/hostname",
    "sub/../../outside/o.txt",
    "sub/../a.txt",
    "./a.txt",
    "",
    ".",
    "a.txt/",
    "a\0.txt",
    ".git/config",
    ".GIT/config",
    ".git./config",
    "git~1/config",
    ".git/hooks/pre-commit",
    "sub/.git/hooks/pre-commit",
    ".nda/policy.toml",
    ".nda/gates.toml",
    ".cargo/config.toml",
    ".husky/pre-commit",
    ".gitmodules",
    "link",
    "linked/o.txt",
    "linked/new.txt",
    "dangling",
];

fn calls() -> Vec<(&'static str, Value)> {
    let runs = COMMANDS.iter().map(|command| ("run", json!({ "command": command, "seconds": 20 })));
    let writes = RED_PATHS.iter().map(|path| ("write_file", json!({ "path": path, "text": "x" })));
    let deletions = RED_PATHS.iter().map(|path| ("write_file", json!({ "path": path })));
    let patches = RED_PATHS.iter().map(|path| ("patch_file", json!({ "path": path, "edits": [{ "old": "first", "new": "x" }] })));
    runs.chain(writes).chain(deletions).chain(patches).collect()
}

#[test]
fn no_attack_changes_a_file_without_a_grant() {
    let (folder, root) = project();
    let (before, person) = (snapshot(folder.path()), Person::refusing());
    let tools = tools(&root, person.clone());
    let mut calls = calls();
    let plain = json!({ "path": "a.txt", "edits": [{ "old": "first", "new": "x" }] });
    calls.extend([
        ("patch_file", plain),
        ("write_file", json!({ "path": "a.txt", "text": "x" })),
        ("write_file", json!({ "path": "a.txt" })),
    ]);
    for (tool, arguments) in &calls {
        let answer = tools.call(tool, arguments.clone());
        if let Ok(answer) = &answer {
            assert_eq!(answer["written"], Value::Null, "{tool} {arguments}: {answer}");
        }
        let after = snapshot(folder.path());
        let changed: Vec<_> = after.iter().filter(|(path, state)| before.get(*path) != Some(state)).collect();
        assert!(changed.is_empty() && after.len() == before.len(), "{tool} {arguments}: {answer:?}\n{changed:?}");
    }
    println!("{} attacks, {} asked about, 0 files changed", calls.len(), person.asked.lock().unwrap().len());
    assert!(calls.len() >= 60 && person.asked.lock().unwrap().len() > 20);
}

#[test]
fn what_is_always_red_stays_so_whoever_says_green() {
    let (folder, root) = project();
    let outside = snapshot(&folder.path().join("outside"));
    let protected = || [root.join(".git/config"), root.join(".git/hooks")].map(|path| fs::metadata(path).unwrap().mtime_nsec());
    let (before, person) = (protected(), Person::approving());
    let tools = tools(&root, person.clone());
    for path in RED_PATHS {
        let answer = tools.call("write_file", json!({ "path": path, "text": "x" }));
        assert!(answer.is_err(), "{path:?}: {answer:?}");
    }
    assert_eq!(person.asked.lock().unwrap().len(), 0, "nobody is bothered with them");
    for command in
        ["mkdir -p .nda && echo x > .nda/policy.toml; echo y > ok.txt", "mkdir .cargo; echo x > .cargo/config.toml; echo y > ok.txt"]
    {
        let _ = tools.call("run", json!({ "command": command }));
    }
    assert!(!root.join(".nda/policy.toml").exists() && !root.join(".cargo").exists());
    assert_eq!(snapshot(&folder.path().join("outside")), outside);
    assert_eq!(protected(), before);
}

/// Asks while somebody swaps what was checked.
fn swapped(swap: impl Fn(&Path) + Send + Sync + 'static) -> (tempfile::TempDir, PathBuf, Result<Value, String>) {
    let (folder, root) = project();
    let at = root.clone();
    let person = Person::new(move |_| {
        swap(&at);
        Answer::Green("too quick".into())
    });
    let answer = tools(&root, person).call("write_file", json!({ "path": "sub/c.rs", "text": "evil" }));
    (folder, root, answer.map_err(|e| e.to_string()))
}

#[test]
fn a_swap_between_the_check_and_the_write_changes_nothing_outside() {
    let (folder, _root, answer) = swapped(|root| {
        fs::remove_file(root.join("sub/c.rs")).unwrap();
        symlink("../../outside/o.txt", root.join("sub/c.rs")).unwrap();
    });
    assert!(answer.is_err(), "{answer:?}");
    assert_eq!(fs::read_to_string(folder.path().join("outside/o.txt")).unwrap(), "outside\n");
    let (folder, _root, answer) = swapped(|root| {
        fs::rename(root.join("sub"), root.join("away")).unwrap();
        symlink("../outside", root.join("sub")).unwrap();
        fs::copy(root.join("away/c.rs"), root.join("../outside/c.rs")).unwrap();
    });
    assert!(answer.is_err(), "{answer:?}");
    assert_eq!(fs::read_to_string(folder.path().join("outside/c.rs")).unwrap(), "fn third() {}\n");
    let (_folder, root, answer) = swapped(|root| fs::write(root.join("sub/c.rs"), "mine").unwrap());
    assert!(answer.unwrap_err().contains("changed"));
    assert_eq!(fs::read_to_string(root.join("sub/c.rs")).unwrap(), "mine");
}

#[test]
fn a_rule_allows_by_tool_and_path_and_not_by_command() {
    let (_folder, root) = project();
    let policy = Policy::parse("[[rule]]\nname = \"texts\"\ntools = [\"patch_file\"]\npaths = [\"*.txt\"]\n").unwrap();
    let tools = tools_with(&root, policy, vec![Person::refusing()]);
    let edits = json!([{ "old": "first", "new": "1st" }]);
    assert!(tools.call("patch_file", json!({ "path": "a.txt", "edits": edits })).is_ok());
    assert_eq!(fs::read_to_string(root.join("a.txt")).unwrap(), "1st\n");
    assert!(tools.call("write_file", json!({ "path": "a.txt", "text": "x" })).is_err());
    let answer = tools.call("run", json!({ "command": "echo x > a.txt" })).unwrap();
    assert!(answer["refused"].as_str().unwrap().contains("says no"), "{answer}");
    assert!(tools.call("patch_file", json!({ "path": "sub/c.rs", "edits": [{ "old": "third", "new": "x" }] })).is_err());
}

fn asked_over_a_door(tools: &Tools) -> String {
    match tools.call("write_file", json!({ "path": "new.txt", "text": "x\n" })) {
        Ok(_) => "written".into(),
        Err(e) => e.to_string(),
    }
}

#[test]
fn an_approver_at_the_local_socket_decides_and_whoever_says_nothing_is_red() {
    let (folder, root) = project();
    let place = folder.path().join("approve.sock");
    let doors: Vec<Arc<dyn Ask>> = vec![Arc::new(Door::new(place.clone()).within(Duration::from_secs(3)))];
    let tools = tools_with(&root, Policy::default(), doors);
    assert!(asked_over_a_door(&tools).contains("nobody to ask"));
    let approver = Approver::listen(&place).unwrap();
    assert!(Approver::listen(&place).is_err(), "one approver for a folder");
    let answers = [Some(Answer::Red("not now".into())), None, Some(Answer::Green(String::new()))];
    let person = std::thread::spawn(move || {
        let mut kept = Vec::new();
        // The second listener above connected to see whether somebody listens, and said nothing.
        for answer in answers {
            let pending = approver.next().unwrap();
            assert_eq!(pending.question.files[0].path, "new.txt");
            assert!(pending.question.files[0].diff.contains("+x"));
            match answer {
                Some(answer) => pending.answer(&answer, "the test").unwrap(),
                None => kept.push(pending),
            }
        }
    });
    assert!(asked_over_a_door(&tools).contains("not now"));
    assert!(asked_over_a_door(&tools).contains("no answer within"));
    assert!(!root.join("new.txt").exists());
    assert_eq!(asked_over_a_door(&tools), "written");
    assert_eq!(fs::read_to_string(root.join("new.txt")).unwrap(), "x\n");
    person.join().unwrap();
    assert!(!place.exists(), "the approver took its socket away");
    fs::write(root.join("new.txt"), "y").unwrap();
    assert!(asked_over_a_door(&tools).contains("nobody to ask"));
}

#[test]
fn an_answer_to_another_question_is_red() {
    let (folder, root) = project();
    let place = folder.path().join("approve.sock");
    let listener = std::os::unix::net::UnixListener::bind(&place).unwrap();
    let doors: Vec<Arc<dyn Ask>> = vec![Arc::new(Door::new(place).within(Duration::from_secs(5)))];
    let tools = tools_with(&root, Policy::default(), doors);
    let lines = [
        r#"{"version":1,"subject":"another","green":true,"who":"x","why":""}"#.to_owned() + "\n",
        r#"{"version":2,"subject":"another","green":true,"who":"x","why":""}"#.to_owned() + "\n",
        "green\n".into(),
        r#"{"version":1,"green":true"#.into(),
        String::new(),
    ];
    let count = lines.len();
    let forger = std::thread::spawn(move || {
        use std::io::{BufRead, BufReader, Write};
        for line in lines {
            let (mut stream, _) = listener.accept().unwrap();
            BufReader::new(stream.try_clone().unwrap()).read_line(&mut String::new()).unwrap();
            stream.write_all(line.as_bytes()).unwrap();
        }
    });
    for _ in 0..count {
        assert_ne!(asked_over_a_door(&tools), "written");
    }
    forger.join().unwrap();
    assert!(!root.join("new.txt").exists());
}

#[test]
fn a_folder_that_others_may_enter_holds_no_socket() {
    let folder = tempfile::tempdir().unwrap();
    let wide = folder.path().join("nda");
    fs::create_dir(&wide).unwrap();
    fs::set_permissions(&wide, std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
    // SAFETY: no other test of this file looks at this variable.
    unsafe { std::env::set_var("XDG_RUNTIME_DIR", folder.path()) };
    let error = door::place(folder.path()).unwrap_err().to_string();
    assert!(error.contains("mode 700"), "{error}");
}

/// Another user's process, as long as it is set.
const STRANGER: &str = "AGENT_STRANGER";
/// Somebody whom this machine knows nothing of.
const STRANGERS_ID: u32 = 65_534;

/// The part of the test below that another user runs: listens and says green to everything, or asks.
#[test]
fn stranger() {
    use std::io::{BufRead, BufReader, Write};
    use std::os::unix::net::{UnixListener, UnixStream};
    let Some(what) = std::env::var_os(STRANGER).map(|what| what.into_string().unwrap()) else { return };
    let (what, place) = what.split_once(' ').unwrap();
    if what == "listen" {
        let listener = UnixListener::bind(place).unwrap();
        fs::set_permissions(place, std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
        println!("LISTENS");
        let mut text = String::new();
        BufReader::new(listener.accept().unwrap().0).read_line(&mut text).unwrap();
        assert_eq!(text, "", "a stranger is told nothing");
    } else {
        let question = r#"{"root":"/","subject":"s","who":"w","tool":"t","call":"c","files":[],"remarks":[]}"#;
        let mut stream = UnixStream::connect(place).unwrap();
        let _ = stream.write_all(format!("{{\"version\":1,\"question\":{question}}}\n").as_bytes());
        let mut text = String::new();
        let heard = BufReader::new(stream).read_line(&mut text);
        assert!(matches!(heard, Ok(0) | Err(_)), "a stranger is not answered: {text}");
    }
}

#[test]
fn a_stranger_at_either_end_of_the_socket_is_told_nothing_and_red() {
    use std::io::BufRead;
    use std::os::unix::process::CommandExt;
    if !fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0) {
        return nda_tests::skip("another user", "only root can be another user; run the tests as root");
    }
    let (folder, root) = project();
    let program = folder.path().join("stranger");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    let wide = |path: &Path| fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
    [folder.path(), &program].iter().for_each(|path| wide(path));
    let spawn = |what: &str, place: &Path| {
        let mut command = std::process::Command::new(&program);
        command.args(["--exact", "stranger", "--nocapture"]).env(STRANGER, format!("{what} {}", place.display()));
        command.uid(STRANGERS_ID).gid(STRANGERS_ID).current_dir("/").stdout(std::process::Stdio::piped()).spawn().unwrap()
    };
    // A stranger listens.
    let place = folder.path().join("theirs.sock");
    let mut listens = spawn("listen", &place);
    let mut lines = std::io::BufReader::new(listens.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("LISTENS")));
    let doors: Vec<Arc<dyn Ask>> = vec![Arc::new(Door::new(place))];
    let said = asked_over_a_door(&tools_with(&root, Policy::default(), doors));
    assert!(said.contains("another user's process") && !root.join("new.txt").exists(), "{said}");
    lines.for_each(drop);
    assert!(listens.wait().unwrap().success());
    // A stranger is sent away; a known client is answered.
    let place = folder.path().join("ours.sock");
    let approver = Approver::listen(&place).unwrap();
    wide(&place);
    let person = std::thread::spawn(move || approver.next().unwrap().answer(&Answer::Green(String::new()), "the test"));
    assert!(spawn("ask", &place).wait_with_output().unwrap().status.success());
    let doors: Vec<Arc<dyn Ask>> = vec![Arc::new(Door::new(place))];
    assert_eq!(asked_over_a_door(&tools_with(&root, Policy::default(), doors)), "written");
    person.join().unwrap().unwrap();
}
