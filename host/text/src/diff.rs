//! Differences of two texts, as people and tools read them.

use similar::{Algorithm, ChangeTag, TextDiff};
use std::time::Duration;

/// Lines of context around a change.
const CONTEXT: usize = 3;
/// After this time a difference is no longer the smallest, but still right.
const DEADLINE: Duration = Duration::from_millis(500);

/// A unified diff from `old` to `new`, with `a/` and `b/` before the path; `None` is a file that is not there. Empty if both are equal.
///
/// The changes are those of the crate `similar`; its own hunk headers are not taken, because version 2.7 miscounts some.
pub fn unified(path: &str, old: Option<&str>, new: Option<&str>) -> String {
    let (before, after) = (old.unwrap_or_default(), new.unwrap_or_default());
    let diff = TextDiff::configure().algorithm(Algorithm::Patience).timeout(DEADLINE).diff_lines(before, after);
    let changes: Vec<(ChangeTag, &str)> = diff.iter_all_changes().map(|change| (change.tag(), change.value())).collect();
    let mut text = String::new();
    for hunk in hunks(&changes) {
        if text.is_empty() {
            let name = |side: &str, text: Option<&str>| text.map_or("/dev/null".to_owned(), |_| format!("{side}/{path}"));
            text = format!("--- {}\n+++ {}\n", name("a", old), name("b", new));
        }
        write(&changes, hunk, &mut text);
    }
    text
}

/// Runs of changes with their context; those that touch are one.
fn hunks(changes: &[(ChangeTag, &str)]) -> Vec<std::ops::Range<usize>> {
    let mut all: Vec<std::ops::Range<usize>> = Vec::new();
    for at in (0..changes.len()).filter(|at| changes[*at].0 != ChangeTag::Equal) {
        let (start, end) = (at.saturating_sub(CONTEXT), (at + 1 + CONTEXT).min(changes.len()));
        match all.last_mut() {
            Some(last) if start <= last.end => last.end = end,
            _ => all.push(start..end),
        }
    }
    all
}

fn write(changes: &[(ChangeTag, &str)], hunk: std::ops::Range<usize>, text: &mut String) {
    let count = |lines: &[(ChangeTag, &str)], not: ChangeTag| lines.iter().filter(|(tag, _)| *tag != not).count();
    let side = |not: ChangeTag| {
        let (before, lines) = (count(&changes[..hunk.start], not), count(&changes[hunk.clone()], not));
        // A side without lines names the line before it.
        format!("{},{lines}", before + usize::from(lines > 0))
    };
    text.push_str(&format!("@@ -{} +{} @@\n", side(ChangeTag::Insert), side(ChangeTag::Delete)));
    for (tag, line) in &changes[hunk] {
        text.push(match tag {
            ChangeTag::Equal => ' ',
            ChangeTag::Delete => '-',
            ChangeTag::Insert => '+',
        });
        text.push_str(line);
        if !line.ends_with('\n') {
            text.push_str("\n\\ No newline at end of file\n");
        }
    }
}
