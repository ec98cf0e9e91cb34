//! A file's change as people read it.

use crate::ask::Texts;
use nda_guard::FileState;
use nda_text::unified;
use std::borrow::Cow;

/// A unified diff; of bytes that are not text, what is said of them.
pub fn diff(path: &str, before: Option<&FileState>, after: Option<&FileState>) -> String {
    let path = &in_a_line(path);
    let raw = |state: Option<&FileState>| state.map_or(Ok(String::new()), |state| String::from_utf8(state.bytes.clone()));
    let mut told = match (raw(before), raw(after)) {
        (Ok(old), Ok(new)) => {
            let is_plain = [&old, &new].iter().all(|text| !hides(text));
            let [old, new] = [old, new].map(|text| if is_plain { text } else { spelled(&text) });
            unified(path, before.map(|_| old.as_str()), after.map(|_| new.as_str()))
        }
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

/// Control characters, and those that turn the reading direction or are not seen, as `\u{..}`. A carriage return stays before a line end
/// alone: elsewhere a terminal would write over what it has shown.
pub fn shown(text: &str) -> Cow<'_, str> {
    if hides(text) { escaped(text, |_| false).into() } else { text.into() }
}

/// The same where two texts are compared: what is written `\u{..}` in one of them is spelled out too, so that it differs from what it names.
fn spelled(text: &str) -> String {
    escaped(text, |rest| rest.starts_with("\\u{"))
}

/// Words of others within a line of ours.
pub fn in_a_line(words: &str) -> String {
    shown(words).replace('\n', "\\n")
}

fn is_hidden(c: char, next: Option<char>) -> bool {
    let is_control = match c {
        '\n' | '\t' => false,
        '\r' => next != Some('\n'),
        c => c.is_control(),
    };
    is_control
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{fe00}'..='\u{fe0d}' | '\u{feff}' | '\u{e0000}'..='\u{e01ef}')
}

fn hides(text: &str) -> bool {
    let next = text.chars().skip(1).map(Some).chain([None]);
    text.chars().zip(next).any(|(c, next)| is_hidden(c, next))
}

fn escaped(text: &str, is_more: impl Fn(&str) -> bool) -> String {
    let mut all = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        let next = text[at + c.len_utf8()..].chars().next();
        if is_hidden(c, next) || is_more(&text[at..]) {
            all.extend(c.escape_unicode());
        } else {
            all.push(c);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diff_hides_nothing_that_a_terminal_would_obey() {
        let told = diff("a", Some(&FileState::plain("x\n")), Some(&FileState::plain("y\u{1b}[2J\u{202e}z\n")));
        assert_eq!(told, "--- a/a\n+++ b/a\n@@ -1,1 +1,1 @@\n-x\n+y\\u{1b}[2J\\u{202e}z\n");
        assert_eq!(diff("b", None, Some(&FileState::plain([255_u8]))), "b: nothing -> 1 bytes (not text)\n");
        let lines =
            |text: &str| diff("a", Some(&FileState::plain("x\n")), Some(&FileState::plain(text))).lines().nth(4).unwrap().to_owned();
        assert_eq!(lines("evil()\rgood()\n"), "+evil()\\u{d}good()", "a line is not written over");
        assert_eq!(lines("y\r\n"), "+y", "a line end of two characters is one");
    }

    #[test]
    fn a_hidden_character_differs_from_its_name() {
        let states = ["say(\"\\u{202e}\")\n", "say(\"\u{202e}\")\n"].map(FileState::plain);
        let told = diff("a", Some(&states[0]), Some(&states[1]));
        assert!(told.contains("-say(\"\\u{5c}u{202e}\")\n+say(\"\\u{202e}\")"), "{told}");
        let twice = diff("a", Some(&states[0]), Some(&FileState::plain("say(\"\\u{1b}\")\n")));
        assert!(twice.contains("-say(\"\\u{202e}\")"), "where nothing is hidden, nothing is spelled out: {twice}");
    }

    #[test]
    fn a_mode_alone_is_a_change_that_is_shown() {
        let program = FileState { mode: nda_guard::Mode::Executable, ..FileState::plain("x") };
        assert_eq!(diff("run", Some(&FileState::plain("x")), Some(&program)), "run: Plain -> Executable\n");
        assert_eq!(diff("r\u{202e}n\nx", Some(&FileState::plain("x")), Some(&program)), "r\\u{202e}n\\nx: Plain -> Executable\n");
    }
}
