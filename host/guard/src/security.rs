//! What a person should see before it runs or leaves: secrets, build scripts that reach out, hooks, `unsafe` outside its map.

use crate::gate::{Gate, Seen, Verdict};
use crate::glob::matches;
use crate::path::RelPath;
use crate::proposal::FileState;
use std::fmt;

/// Texts that begin a secret: how they begin, how many characters of the key's alphabet follow at least, what it is.
const SECRETS: [(&str, usize, &str); 10] = [
    ("AKIA", 16, "a key of AWS"),
    ("ghp_", 36, "a token of GitHub"),
    ("github_pat_", 50, "a token of GitHub"),
    ("glpat-", 20, "a token of GitLab"),
    ("xoxb-", 24, "a token of Slack"),
    ("sk-ant-", 32, "a key of Anthropic"),
    ("sk-proj-", 32, "a key of OpenAI"),
    ("AIza", 35, "a key of Google"),
    ("npm_", 36, "a token of npm"),
    ("pypi-AgEIcHlwaS5vcmc", 30, "a token of PyPI"),
];
/// The line that a private key begins with, without its kind.
const PRIVATE_KEY: (&str, &str) = ("-----BEGIN ", "PRIVATE KEY-----");
/// What a build script of Rust seldom needs and an attack does.
const REACHES_OUT: [&str; 8] =
    ["TcpStream", "UdpSocket", "UnixStream", "Command::new(\"sh\"", "Command::new(\"bash\"", "curl", "wget", "base64"];

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
    let is_build_script = path.name() == b"build.rs";
    let mut all = Vec::new();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !old_lines.contains(line)) {
        let mut found = |what: String| all.push(Finding { path: path.clone(), line: number + 1, what });
        if let Some(what) = secret(line) {
            found(format!("looks like {what}"));
        }
        if is_build_script && let Some(word) = REACHES_OUT.iter().find(|word| line.contains(**word)) {
            found(format!("a build script with '{word}'"));
        }
    }
    all
}

fn secret(line: &str) -> Option<&'static str> {
    if line.find(PRIVATE_KEY.0).is_some_and(|at| line[at..].contains(PRIVATE_KEY.1)) {
        return Some("a private key");
    }
    let is_key = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let follows = |begin: &str, at: usize| line[at + begin.len()..].chars().take_while(|c| is_key(*c)).count();
    SECRETS.iter().find(|(begin, least, _)| line.match_indices(begin).any(|(at, _)| follows(begin, at) >= *least)).map(|(.., what)| *what)
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
        let private = format!("{}EC {}", PRIVATE_KEY.0, PRIVATE_KEY.1);
        assert_eq!(found("k", "", &private), ["k:1: looks like a private key"]);
        assert_eq!(found("x/build.rs", "", "fn main() { Command::new(\"curl\"); }").len(), 1);
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
