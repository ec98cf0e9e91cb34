//! What tests of the whole workspace share; the claims themselves stand in `tests/`.

use std::fmt::Display;
use std::io::Write;

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

fn is_required(value: Option<&str>) -> bool {
    value == Some("all")
}

#[cfg(test)]
mod tests {
    #[test]
    fn all_alone_forbids_skipping() {
        assert!(super::is_required(Some("all")));
        assert!(!super::is_required(Some("")) && !super::is_required(None));
    }
}
