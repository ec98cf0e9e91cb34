//! A file's change as people read it.

use crate::ask::Texts;
use nda_guard::FileState;
use nda_text::unified;
use std::borrow::Cow;

/// A unified diff; of bytes that are not text, what is said of them.
pub fn diff(path: &str, before: Option<&FileState>, after: Option<&FileState>) -> String {
    let (old, new) = (text(before), text(after));
    let mut told = match (old, new) {
        (Some(old), Some(new)) => unified(path, before.map(|_| old.as_ref()), after.map(|_| new.as_ref())),
        _ => format!("{path}: {} -> {} (not text)\n", bytes(before), bytes(after)),
    };
    if let (Some(before), Some(after)) = (before, after)
        && before.mode != after.mode
    {
        told.push_str(&format!("{path}: {:?} -> {:?}\n", before.mode, after.mode));
    }
    told
}

/// Both texts as they may be shown; none if one of them is not text, or nothing but a mode changes.
pub fn texts(before: Option<&FileState>, after: Option<&FileState>) -> Option<Texts> {
    let told = |state: Option<&FileState>| match state {
        None => Some(None),
        Some(_) => text(state).map(|text| Some(text.into_owned())),
    };
    let texts = Texts { before: told(before)?, after: told(after)? };
    (texts.before != texts.after).then_some(texts)
}

fn bytes(state: Option<&FileState>) -> String {
    state.map_or_else(|| "nothing".into(), |state| format!("{} bytes", state.bytes.len()))
}

/// A file's text as it may be shown: what a terminal would obey or hide is written out. None if it is not text.
fn text(state: Option<&FileState>) -> Option<Cow<'_, str>> {
    let Some(state) = state else { return Some("".into()) };
    std::str::from_utf8(&state.bytes).ok().map(shown)
}

/// Control characters, and those that turn the reading direction or are not seen, as `\u{..}`.
pub fn shown(text: &str) -> Cow<'_, str> {
    let is_hidden = |c: char| {
        c.is_control() && !matches!(c, '\n' | '\t' | '\r')
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
    };
    if !text.contains(is_hidden) {
        return text.into();
    }
    text.chars().map(|c| if is_hidden(c) { c.escape_unicode().to_string() } else { c.to_string() }).collect::<String>().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diff_hides_nothing_that_a_terminal_would_obey() {
        let told = diff("a", Some(&FileState::plain("x\n")), Some(&FileState::plain("y\u{1b}[2J\u{202e}z\n")));
        assert_eq!(told, "--- a/a\n+++ b/a\n@@ -1,1 +1,1 @@\n-x\n+y\\u{1b}[2J\\u{202e}z\n");
        assert_eq!(diff("b", None, Some(&FileState::plain([255_u8]))), "b: nothing -> 1 bytes (not text)\n");
    }
}
