//! What the tests of the box share: they run as an ordinary user, whoever started them.

#![allow(dead_code)]

use nda_sandbox::{Level, Order, Outcome, SandboxError, Stream, Wish, run};
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// An ordinary user's and group's number; no account needs to have it.
const USER: u32 = 54321;
/// Where the test that was started again finds its folder.
const PLACE: &str = "NDA_TEST_PLACE";

pub const LEVELS: [Level; 2] = [Level::Full, Level::Landlock];

/// A folder of an ordinary user with the programs that the tests start.
pub struct Place {
    pub folder: PathBuf,
}

/// The place of a test, if this process is an ordinary user's; root starts the test again as one, and gets nothing.
pub fn ordinary(test: &str) -> Option<Place> {
    ordinary_with(test, &[])
}

/// The same with more programs in the place, by name.
pub fn ordinary_with(test: &str, more: &[(&str, &Path)]) -> Option<Place> {
    if let Some(folder) = std::env::var_os(PLACE) {
        return Some(Place { folder: folder.into() });
    }
    let temporary = tempfile::Builder::new().prefix("nda-test-").tempdir().unwrap();
    let folder = temporary.path();
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
    let own = std::env::current_exe().unwrap();
    let programs = [("test", own.as_path()), ("nda-box", env!("CARGO_BIN_EXE_nda-box").as_ref())];
    let attacker = ("attacker", Path::new(env!("CARGO_BIN_EXE_nda-box-attacker")));
    for (name, program) in programs.into_iter().chain([attacker]).chain(more.iter().copied()) {
        fs::copy(program, folder.join(name)).unwrap();
    }
    let home = folder.join("home");
    fs::create_dir(&home).unwrap();
    let mut command = Command::new(folder.join("test"));
    command.args([test, "--exact", "--nocapture"]).env(PLACE, &home).env("TMPDIR", &home).env("HOME", &home).current_dir(&home);
    if rustix::process::geteuid().is_root() {
        chown(&home, Some(USER), Some(USER)).unwrap();
        command.uid(USER).gid(USER);
    }
    let output = command.output().unwrap();
    print!("{}", String::from_utf8_lossy(&output.stdout));
    assert!(output.status.success(), "as an ordinary user: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr));
    None
}

impl Place {
    pub fn program(&self, name: &str) -> PathBuf {
        self.folder.parent().unwrap().join(name)
    }

    /// A project with a few files, by this name.
    pub fn project(&self, name: &str) -> PathBuf {
        let project = self.folder.join(name).join("project");
        for folder in ["sub", "empty", ".git/hooks", ".nda", "target"] {
            fs::create_dir_all(project.join(folder)).unwrap();
        }
        for (path, text) in [
            ("a.txt", "first\n"),
            ("b.txt", "second\n"),
            ("sub/c.txt", "third\n"),
            (".gitignore", "target/\n"),
            (".git/config", "[core]\n"),
            (".nda/policy.toml", ""),
            ("target/old.o", "object"),
        ] {
            fs::write(project.join(path), text).unwrap();
        }
        project
    }

    /// A command in a project, at this level, with the programs of this place.
    pub fn order(&self, project: &Path, level: Level, command: &[&str]) -> Order {
        let mut order = Order::new(project, command.iter().copied(), vec![self.program("nda-box").into()]);
        order.wish = Wish::Only(level);
        order.reads = vec![self.program("attacker")];
        order.limits.wall_ms = 60_000;
        order
    }
}

/// Runs an order: what came of it, and all that the command printed.
pub fn ran(order: &Order) -> (Result<Outcome, SandboxError>, String) {
    let mut text = Vec::new();
    let outcome = run(order, &mut |_: Stream, bytes: &[u8]| text.extend_from_slice(bytes));
    (outcome, String::from_utf8_lossy(&text).into_owned())
}

/// A shell command's outcome.
pub fn shell(place: &Place, project: &Path, level: Level, script: &str) -> (Outcome, String) {
    let (outcome, text) = ran(&place.order(project, level, &["sh", "-c", script]));
    (outcome.unwrap_or_else(|e| panic!("{level:?} {script}: {e}; {}\n{text}", e.help())), text)
}
