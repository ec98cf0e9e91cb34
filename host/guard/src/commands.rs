//! Gates that run commands, in the sandbox that the caller brings: ours for Verilog and Rust, and those of `.nda/gates.toml`.

use crate::error::GuardError;
use crate::gate::{Gate, Ran, Runner, Seen, Verdict};
use crate::glob::matches;
use crate::path::RelPath;
use crate::security::Security;
use crate::workspace::Workspace;
use serde::Deserialize;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// The file with a workspace's own gates.
pub const GATES_FILE: &str = ".nda/gates.toml";
/// The place of the file's path in a command.
const FILE: &str = "{file}";
/// The place of the path of the nearest `Cargo.toml`.
const MANIFEST: &str = "{manifest}";
/// How long a gate's command may take, if it does not say.
const USUAL_SECONDS: u64 = 120;
/// Most lines of a command's output that a report keeps: the last ones.
const REPORT_LINES: usize = 60;

/// A gate of a workspace's own.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommandGate {
    /// Its name.
    pub name: String,
    /// The files that it looks at, as patterns.
    pub paths: Vec<String>,
    /// Program and arguments; `{file}` runs it for each file, `{manifest}` for each nearest `Cargo.toml`, else once.
    pub command: Vec<String>,
    /// How long it may take.
    #[serde(default = "usual_seconds")]
    pub seconds: u64,
}

fn usual_seconds() -> u64 {
    USUAL_SECONDS
}

/// What `.nda/gates.toml` says.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gates {
    /// The security gate's lists.
    #[serde(default)]
    pub security: SecurityLists,
    /// Gates with commands.
    #[serde(default, rename = "gate")]
    pub commands: Vec<CommandGate>,
}

/// The security gate's lists.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecurityLists {
    /// Paths whose findings are known and right.
    #[serde(default)]
    pub allowed: Vec<String>,
    /// Where `unsafe` may be added.
    pub unsafe_map: Option<Vec<String>>,
}

impl Gates {
    /// The gates of a text.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Gates, GuardError> {
        let mistake = |why: String| GuardError::Settings { path: GATES_FILE.into(), why };
        let gates: Gates = toml::from_str(text).map_err(|error| mistake(error.to_string()))?;
        for CommandGate { name, paths, command, .. } in &gates.commands {
            if command.first().is_none_or(String::is_empty) {
                return Err(mistake(format!("the gate '{name}' has no command")));
            }
            if paths.is_empty() {
                return Err(mistake(format!("the gate '{name}' has no paths, so it looks at nothing")));
            }
        }
        Ok(gates)
    }

    /// The gates of a folder; without a file, the security gate alone.
    ///
    /// # Errors
    /// A file that cannot be read, or is none.
    pub fn of_folder(root: &Path) -> Result<Gates, GuardError> {
        let text = Workspace::own_file(root, &RelPath::new(GATES_FILE)?)?;
        text.map_or(Ok(Gates::default()), |text| Gates::parse(&text))
    }

    /// All gates with commands run by `runner`: the security gate, Verilog's lint, cargo's check, and the workspace's own.
    pub fn with_runner(self, runner: Arc<dyn Runner>) -> Vec<Box<dyn Gate>> {
        let mut all: Vec<Box<dyn Gate>> = vec![Box::new(Security { allowed: self.security.allowed, unsafe_map: self.security.unsafe_map })];
        let own = self.commands.into_iter().map(|gate| (gate, nothing as Harmless));
        for (gate, is_harmless) in built_in().into_iter().chain(own) {
            all.push(Box::new(Command { gate, is_harmless, runner: runner.clone() }));
        }
        all
    }
}

/// Whether all that a command complains about says nothing of the files.
type Harmless = fn(&str) -> bool;

fn nothing(_: &str) -> bool {
    false
}

/// One file is looked at, so modules of other files are missing. Verilator knows that fault by a name of its own from 5.012 on; an older one,
/// as Debian 12 has it, refuses the name.
fn missing_modules(output: &str) -> bool {
    const SAID: [&str; 3] = ["Cannot find file containing module", "This may be because there's no search path", "Exiting due to"];
    let mut errors = output.lines().filter(|line| line.starts_with("%Error")).peekable();
    errors.peek().is_some() && errors.all(|line| SAID.iter().any(|said| line.contains(said)))
}

/// The gates that every workspace has.
fn built_in() -> Vec<(CommandGate, Harmless)> {
    let gate = |name: &str, paths: &[&str], command: &[&str]| CommandGate {
        name: name.into(),
        paths: paths.iter().map(|path| path.to_string()).collect(),
        command: command.iter().map(|word| word.to_string()).collect(),
        seconds: USUAL_SECONDS,
    };
    vec![
        (gate("verilog lint", &["**/*.v", "**/*.sv"], &["verilator", "--lint-only", "-Wno-fatal", FILE]), missing_modules),
        (
            gate("cargo check", &["**/*.rs", "**/Cargo.toml"], &["cargo", "check", "--offline", "--quiet", "--manifest-path", MANIFEST]),
            nothing,
        ),
    ]
}

struct Command {
    gate: CommandGate,
    is_harmless: Harmless,
    runner: Arc<dyn Runner>,
}

impl Command {
    /// The commands for a change.
    fn runs(&self, seen: &Seen<'_>) -> Vec<Vec<String>> {
        let is_ours = |path: &RelPath| self.gate.paths.iter().any(|pattern| matches(pattern, path));
        let has = |mark: &str| self.gate.command.iter().any(|word| word.contains(mark));
        let with = |mark: &str, text: &str| -> Vec<String> { self.gate.command.iter().map(|word| word.replace(mark, text)).collect() };
        let files = seen.files.iter().filter(|file| is_ours(file.path));
        let mut runs: Vec<Vec<String>> = if has(FILE) {
            files.filter(|file| file.after.is_some()).map(|file| with(FILE, &format!("./{}", file.path))).collect()
        } else if has(MANIFEST) {
            files.filter_map(|file| manifest(seen.root, file.path)).map(|manifest| with(MANIFEST, &manifest)).collect()
        } else {
            files.take(1).map(|_| self.gate.command.clone()).collect()
        };
        runs.sort();
        runs.dedup();
        runs
    }
}

/// The nearest `Cargo.toml` at or above a file, from the root.
fn manifest(root: &Path, path: &RelPath) -> Option<String> {
    let here = path.ancestors().map(|folder| format!("{folder}/Cargo.toml")).chain(["Cargo.toml".to_owned()]);
    here.into_iter().find(|manifest| root.join(manifest).is_file())
}

impl Gate for Command {
    fn name(&self) -> &str {
        &self.gate.name
    }

    fn judge(&self, seen: &Seen<'_>) -> Verdict {
        let runs = self.runs(seen);
        if runs.is_empty() {
            return Verdict::NotConcerned;
        }
        for run in runs {
            let line = run.join(" ");
            match self.runner.run(seen.root, &run, Duration::from_secs(self.gate.seconds)) {
                Ok(Ran { code: Some(0), .. }) => {}
                Ok(Ran { code: Some(_), output }) if (self.is_harmless)(&output) => {}
                Ok(Ran { code, output }) => {
                    let end = code.map_or(format!("was ended, perhaps after {} s", self.gate.seconds), |code| format!("ended with {code}"));
                    return Verdict::Fails(format!("'{line}' {end}\n{}", tail(&output)));
                }
                Err(why) => return Verdict::Fails(format!("'{line}' cannot run: {why}")),
            }
        }
        Verdict::Holds
    }
}

fn tail(output: &str) -> String {
    let lines: Vec<&str> = output.lines().collect();
    lines[lines.len().saturating_sub(REPORT_LINES)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::Written;
    use crate::proposal::FileState;
    use std::sync::Mutex;

    /// Notes commands; those that say `false` fail.
    #[derive(Default)]
    struct Notes(Mutex<Vec<String>>);

    impl Runner for Notes {
        fn run(&self, _: &Path, command: &[String], _: Duration) -> Result<Ran, String> {
            self.0.lock().unwrap().push(command.join(" "));
            let code = i32::from(command[0] == "false");
            if command[0] == "absent" { Err("no such program".into()) } else { Ok(Ran { code: Some(code), output: "said".into() }) }
        }
    }

    fn judged(gates: &str, changed: &[&str]) -> (Vec<Verdict>, Vec<String>) {
        let folder = tempfile::tempdir().unwrap();
        for file in ["Cargo.toml", "host/x/Cargo.toml"] {
            std::fs::create_dir_all(folder.path().join(file).parent().unwrap()).unwrap();
            std::fs::write(folder.path().join(file), "").unwrap();
        }
        let notes = Arc::new(Notes::default());
        let gates = Gates::parse(gates).unwrap().with_runner(notes.clone());
        let (paths, after): (Vec<RelPath>, FileState) =
            (changed.iter().map(|path| RelPath::new(path).unwrap()).collect(), FileState::plain("x"));
        let files: Vec<Written<'_>> = paths.iter().map(|path| Written { path, before: None, after: Some(&after) }).collect();
        let seen = Seen { root: folder.path(), files: &files };
        let verdicts = gates.iter().map(|gate| gate.judge(&seen)).collect();
        let lines = std::mem::take(&mut *notes.0.lock().unwrap());
        (verdicts, lines)
    }

    #[test]
    fn each_language_has_its_gate_and_each_command_runs_once_per_file_or_crate() {
        let (_, lines) = judged("", &["host/x/src/a.rs", "host/x/src/b.rs", "build.rs", "a.v", "README.md"]);
        assert_eq!(
            lines,
            [
                "verilator --lint-only -Wno-fatal ./a.v",
                "cargo check --offline --quiet --manifest-path Cargo.toml",
                "cargo check --offline --quiet --manifest-path host/x/Cargo.toml",
            ]
        );
        assert_eq!(judged("", &["README.md"]).0, [Verdict::Holds, Verdict::NotConcerned, Verdict::NotConcerned]);
    }

    #[test]
    fn a_workspaces_own_gate_fails_with_its_output_and_one_that_cannot_run_fails_too() {
        let gate = |program: &str| format!("[[gate]]\nname = \"own\"\npaths = [\"**\"]\ncommand = [\"{program}\", \"--all\"]\n");
        assert_eq!(judged(&gate("true"), &["a", "b"]).1, ["true --all"]);
        assert_eq!(judged(&gate("false"), &["a"]).0[3], Verdict::Fails("'false --all' ended with 1\nsaid".into()));
        assert_eq!(judged(&gate("absent"), &["a"]).0[3], Verdict::Fails("'absent --all' cannot run: no such program".into()));
        for (wrong, said) in [
            ("paths = [\"**\"]\ncommand = [\"true\"]\nshell = true\n", "unknown field"),
            ("paths = [\"**\"]\ncommand = []\n", "the gate 'x' has no command"),
            ("paths = [\"**\"]\ncommand = [\"\"]\n", "the gate 'x' has no command"),
            ("paths = []\ncommand = [\"true\"]\n", "the gate 'x' has no paths"),
        ] {
            let error = Gates::parse(&format!("[[gate]]\nname = \"x\"\n{wrong}")).unwrap_err().to_string();
            assert!(error.contains(said) && error.contains(GATES_FILE) && !error.contains("damaged"), "{error}");
        }
    }

    #[test]
    fn a_module_of_another_file_is_no_fault_and_everything_else_is() {
        let missing = "%Error: t.v:2:3: Cannot find file containing module: 'other'\n    2 |   other u();\n%Error: t.v:2:3: This may be because there's no search path specified with -I<dir>.\n%Error: Exiting due to 2 error(s)\n";
        let newer = "%Error-MODMISSING: t.v:2:3: Cannot find file containing module: 'other'\n%Error: Exiting due to 1 error(s)\n";
        assert!(missing_modules(missing) && missing_modules(newer));
        let syntax = "%Error: t.v:3:1: syntax error, unexpected endmodule\n";
        assert!(!missing_modules(&format!("{missing}{syntax}")) && !missing_modules(syntax) && !missing_modules(""));
        assert!(!missing_modules("%Error: Unknown warning specified: -Wno-X\n"), "a command that did not look at the file");
    }
}
