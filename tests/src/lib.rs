//! What tests of the whole workspace share; the claims themselves stand in `tests/`.

use std::fmt::Display;
use std::io::Write;
use std::path::Path;

/// The variable that forbids skipping: CI sets it to `all`.
const REQUIRE: &str = "REQUIRE";

/// Says on standard error, past the harness, that a test cannot run because something is not installed.
///
/// # Panics
/// With `REQUIRE=all` in the environment: whoever sets it has installed everything.
pub fn skip(what: impl Display, reason: impl Display) {
    assert!(!is_required(std::env::var(REQUIRE).ok().as_deref()), "{what} must not be skipped ({REQUIRE}=all): {reason}");
    say("SKIP", what, reason);
}

/// Says that a test does not apply: no installation would change the reason, such as the kind of processor or terms that
/// only a person can accept.
pub fn not_here(what: impl Display, reason: impl Display) {
    say("NOT HERE", what, reason);
}

fn say(word: &str, what: impl Display, reason: impl Display) {
    // A closed standard error is not a reason to fail.
    let _ = writeln!(std::io::stderr(), "{word} {what}: {reason}");
}

/// Compares a text with its reviewed snapshot, a file that git keeps. `make snapshots` (`BLESS=1`) writes all of them anew, so that a
/// review sees what changed.
///
/// # Panics
/// With the first line that differs.
pub fn assert_snapshot(path: &Path, found: &str) {
    if std::env::var_os("BLESS").is_some() {
        let folder = path.parent().expect("a snapshot lies in a folder");
        std::fs::create_dir_all(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
        std::fs::write(path, found).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    }
    let wanted = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}; 'make snapshots' writes it", path.display()));
    if let Some(difference) = difference(&wanted, found) {
        panic!(
            "{}, {difference}
if the change is meant, 'make snapshots' writes it anew; review it with 'git diff'",
            path.display()
        );
    }
}

/// The first line in which two texts differ, as a message; `None` if they are equal.
fn difference(wanted: &str, found: &str) -> Option<String> {
    if wanted == found {
        return None;
    }
    let (mut old, mut new) = (wanted.lines(), found.lines());
    for number in 1.. {
        match (old.next(), new.next()) {
            (Some(a), Some(b)) if a == b => {}
            (None, None) => return Some("the ends of the lines differ".into()),
            (a, b) => {
                let [a, b] = [a, b].map(|line| line.unwrap_or("(end of the text)"));
                return Some(format!("line {number}:\n  reviewed: {a}\n  now:      {b}"));
            }
        }
    }
    unreachable!("a text has an end")
}

fn is_required(value: Option<&str>) -> bool {
    value == Some("all")
}

#[cfg(test)]
mod tests {
    use super::difference;

    #[test]
    fn a_snapshots_first_difference_is_named() {
        assert_eq!(difference("a\nb\n", "a\nb\n"), None);
        assert_eq!(difference("a\nb\n", "a\nc\n").unwrap(), "line 2:\n  reviewed: b\n  now:      c");
        assert_eq!(difference("a\n", "a\nb\n").unwrap(), "line 2:\n  reviewed: (end of the text)\n  now:      b");
        assert_eq!(difference("a\n", "a").unwrap(), "the ends of the lines differ");
    }

    #[test]
    fn all_alone_forbids_skipping() {
        assert!(super::is_required(Some("all")));
        assert!(!super::is_required(Some("")) && !super::is_required(None));
    }
}
