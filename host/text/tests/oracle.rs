//! Edits compared with ropey and with a plain String.

use nda_spec::random::Random;
use nda_text::{Opened, Position, Snapshot, Step, Text, TextError};
use std::sync::Arc;

const ALPHABET: [&str; 10] = ["a", "b", "\n", "\r\n", "é", "ß", "\u{4e2d}", "\u{1f600}", "\u{10348}", "xyz"];

fn sample(random: &mut Random, most: usize) -> String {
    let count = random.below(most + 1);
    (0..count).map(|_| ALPHABET[random.below(ALPHABET.len())]).collect()
}

fn boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0)
}

fn rounds(usual: usize) -> usize {
    usual * std::env::var("SOAK").ok().and_then(|times| times.parse().ok()).unwrap_or(1)
}

/// Every place that can be asked for equals ropey's.
fn same_places(text: &Snapshot, plain: &str, random: &mut Random) {
    let rope = ropey::Rope::from_str(plain);
    assert_eq!(text.lines(), plain.matches('\n').count() + 1);
    assert_eq!(text.units(), rope.len_utf16_cu());
    for _ in 0..4 {
        let at = boundary(plain, random.below(plain.len() + 1));
        let char_at = rope.byte_to_char(at);
        assert_eq!(text.units_before(at), rope.char_to_utf16_cu(char_at));
        assert_eq!(text.byte_of_units(text.units_before(at)), at);
        let line = plain[..at].matches('\n').count();
        assert_eq!(text.line_of(at), line);
        let start = plain[..at].rfind('\n').map_or(0, |end| end + 1);
        assert_eq!(text.line_start(line), start);
        let position = Position { line, column: plain[start..at].encode_utf16().count() };
        assert_eq!(text.position(at), position);
        assert_eq!(text.byte_at(position), at);
        assert_eq!(text.line(line), plain[start..].split('\n').next().unwrap());
    }
    assert!(text.is_sound());
}

/// A text that somebody else holds.
struct Held(Vec<u8>);

impl Opened for Held {
    fn bytes(&self) -> &[u8] {
        &self.0
    }
}

fn held(plain: String) -> Text {
    Text::opened(Arc::new(Held(plain.into_bytes()))).unwrap()
}

fn owned(plain: String) -> Text {
    Text::new(plain).unwrap()
}

fn fuzz(seed: u64, edits: usize, open: fn(String) -> Text) {
    let mut random = Random::new(seed);
    let mut plain = sample(&mut random, 2000);
    let mut text = open(plain.clone());
    let (mut undo, mut redo): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    let mut kept: Vec<(Snapshot, String)> = Vec::new();
    for edit in 0..edits {
        match random.below(20) {
            0 => {
                let expected = undo.pop();
                assert_eq!(text.undo(), expected.is_some(), "seed {seed}, edit {edit}");
                if let Some(expected) = expected {
                    redo.push(std::mem::replace(&mut plain, expected));
                }
            }
            1 => {
                let expected = redo.pop();
                assert_eq!(text.redo(), expected.is_some(), "seed {seed}, edit {edit}");
                if let Some(expected) = expected {
                    undo.push(std::mem::replace(&mut plain, expected));
                }
            }
            _ => {
                let (a, wide) = (random.below(plain.len() + 1), random.below(50) == 0);
                let b = a + random.below(if wide { 1500 } else { 30 });
                let (a, b) = (boundary(&plain, a), boundary(&plain, b));
                let new = if plain.len() > 6000 { String::new() } else { sample(&mut random, if wide { 900 } else { 12 }) };
                undo.push(plain.clone());
                redo.clear();
                plain.replace_range(a..b, &new);
                text.edit(a..b, &new, Step::New).unwrap();
            }
        }
        assert_eq!(text.now().bytes(), plain.len(), "seed {seed}, edit {edit}");
        if edit % 16 == 0 {
            assert_eq!(text.now().to_string(), plain, "seed {seed}, edit {edit}");
            same_places(text.now(), &plain, &mut random);
        }
        if random.below(40) == 0 {
            kept.push((text.snapshot(), plain.clone()));
        }
    }
    assert_eq!(text.now().to_string(), plain, "seed {seed}");
    for (snapshot, plain) in &kept {
        assert_eq!(snapshot.to_string(), *plain, "seed {seed}: a snapshot changed");
    }
}

#[test]
fn edits_with_undo_and_redo_equal_a_string_and_ropey_at_every_place() {
    for seed in 0..rounds(40) as u64 {
        fuzz(seed, 500, owned);
        fuzz(seed, 200, held);
    }
}

/// Long runs, with ropey itself as the oracle: a String would take minutes to move its bytes.
#[test]
fn a_million_pieces_equal_ropeys_text() {
    let mut random = Random::new(7);
    let base: String = (0..20_000).map(|n| format!("line {n} of a text\n")).collect();
    let (mut text, mut rope) = (Text::new(base.clone()).unwrap(), ropey::Rope::from_str(&base));
    // Ten million at most: texts of many gigabytes are not what this is about.
    for edit in 0..rounds(100_000).min(10_000_000) {
        let at = random.below(text.now().bytes() + 1);
        if random.below(10) < 6 {
            let new = &"let x = y;\nabcdefghi klm"[..1 + random.below(20)];
            text.edit(at..at, new, Step::Joined).unwrap();
            rope.insert(rope.byte_to_char(at), new);
        } else {
            let end = (at + random.below(30)).min(text.now().bytes());
            text.edit(at..end, "", Step::Joined).unwrap();
            rope.remove(rope.byte_to_char(at)..rope.byte_to_char(end));
        }
        if edit % 50_000 == 0 {
            assert!(rope == *text.now().to_string(), "edit {edit}");
            assert!(text.now().is_sound(), "edit {edit}");
        }
    }
    assert!(rope == *text.now().to_string());
    assert!(text.now().is_sound());
    assert!(text.undo(), "all joined edits are one step");
    assert_eq!(text.now().to_string(), base);
}

#[test]
fn what_is_not_in_the_text_or_cuts_a_character_is_refused_and_changes_nothing() {
    let mut text = Text::new("aé\u{1f600}").unwrap();
    assert_eq!(text.edit(0..8, "", Step::New), Err(TextError::Range { start: 0, end: 8, bytes: 7 }));
    assert_eq!(text.edit(2..3, "", Step::New), Err(TextError::Boundary(2)));
    #[expect(clippy::reversed_empty_ranges, reason = "a caller's mistake")]
    let reversed = text.edit(3..1, "", Step::New);
    assert!(reversed.is_err());
    assert_eq!(text.now().to_string(), "aé\u{1f600}");
    assert!(!text.undo());
    assert_eq!(text.now().byte_of_units(3), 3, "within a pair: the character's first byte");
}

#[test]
fn an_empty_text_has_one_line_and_comes_back_after_everything_is_removed() {
    let mut text = Text::default();
    assert_eq!((text.now().bytes(), text.now().lines(), text.now().line(0).as_str()), (0, 1, ""));
    text.edit(0..0, "a\nb", Step::New).unwrap();
    text.edit(0..3, "", Step::New).unwrap();
    assert_eq!((text.now().bytes(), text.now().lines(), text.now().shape()), (0, 1, (0, 0)));
    assert!(text.undo() && text.undo() && !text.undo());
    assert!(text.redo() && text.redo() && !text.redo());
}

#[test]
fn bytes_that_are_no_text_are_refused_where_they_begin() {
    assert_eq!(Text::opened(Arc::new(Held(b"ab\xffcd".to_vec()))).unwrap_err(), TextError::NotText(2));
}
