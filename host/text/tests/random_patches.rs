//! Random patches: the reference's result, or a refusal; never another place.

use nda_spec::random::Random;
use nda_text::patch::{Action, Applied, Edit, Known, PatchError, apply, parse};
use nda_text::unified;

/// Few different lines, so that contexts often stand at several places.
const LINES: [&str; 8] = ["a", "b", "}", "    x();", "", "é", "fn f() {", "  x"];

fn some_lines(random: &mut Random, most: usize) -> Vec<String> {
    (0..random.below(most + 1)).map(|_| LINES[random.below(LINES.len())].to_owned()).collect()
}

fn rounds(usual: usize) -> usize {
    usual * std::env::var("SOAK").ok().and_then(|times| times.parse().ok()).unwrap_or(1)
}

fn join(lines: &[String], end: &str, random: &mut Random) -> String {
    let mut text: String = lines.iter().flat_map(|line| [line.as_str(), end]).collect();
    if random.below(4) == 0 && text.ends_with(end) && lines.last().is_some_and(|line| !line.is_empty()) {
        text.truncate(text.len() - end.len());
    }
    text
}

/// Every place by comparing at every byte.
fn count(text: &str, wanted: &str) -> Vec<usize> {
    (0..=text.len()).filter(|&at| text.is_char_boundary(at) && text[at..].starts_with(wanted)).collect()
}

/// What one replacement must come to, written down once more and as plainly as possible.
fn reference(text: &str, old: &str, new: &str) -> Option<String> {
    if old.is_empty() {
        return text.is_empty().then(|| new.to_owned());
    }
    let (places, done) = (count(text, old), count(text, new));
    if !new.is_empty() && old != new && done.len() == 1 {
        let is_inside = |place: &usize| done[0] <= *place && place + old.len() <= done[0] + new.len();
        if places.iter().all(is_inside) {
            return None;
        }
    }
    (places.len() == 1).then(|| format!("{}{new}{}", &text[..places[0]], &text[places[0] + old.len()..]))
}

#[test]
fn a_replacement_is_the_references_or_refused() {
    let mut made = 0;
    for seed in 0..rounds(20_000) as u64 {
        let mut random = Random::new(seed);
        let lines = some_lines(&mut random, 12);
        let text = join(&lines, "\n", &mut random);
        let boundary = |at: usize| (0..=at).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
        let (a, b) = (random.below(text.len() + 1), random.below(text.len() + 1));
        let old = if random.below(4) == 0 {
            some_lines(&mut random, 3).join("\n")
        } else {
            text[boundary(a.min(b))..boundary(a.max(b))].to_owned()
        };
        let new = some_lines(&mut random, 3).join("\n");
        let expected = reference(&text, &old, &new).filter(|new| *new != text);
        match (apply(&text, &[Edit::Replace { old: old.clone(), new: new.clone() }], Known::No), expected) {
            (Ok(Applied::New { text: found, .. }), Some(expected)) => {
                assert_eq!(found, expected, "seed {seed}: {text:?} {old:?} {new:?}");
                made += 1;
            }
            (Ok(Applied::Already { .. }) | Err(_), None) => {}
            (found, expected) => panic!("seed {seed}: {text:?} {old:?} {new:?}: {found:?}, expected {expected:?}"),
        }
    }
    assert!(made > rounds(20_000) / 10, "{made} were made: the test tests something");
}

fn hunks(patch: &str) -> Vec<Edit> {
    match parse(patch).unwrap_or_else(|error| panic!("our own diff: {error}\n{patch}")).remove(0).action {
        Action::Update { edits, .. } => edits,
        other => panic!("{other:?}"),
    }
}

/// Random changes of lines.
fn changed(lines: &[String], random: &mut Random) -> Vec<String> {
    let mut new = lines.to_vec();
    for _ in 0..1 + random.below(3) {
        let at = random.below(new.len() + 1);
        let until = (at + random.below(3)).min(new.len());
        let more = some_lines(random, 2);
        new.splice(at..until, more);
    }
    new
}

#[test]
fn a_diff_makes_the_text_that_it_was_made_of_or_is_refused() {
    let (mut made, mut refused) = (0, 0);
    for seed in 0..rounds(20_000) as u64 {
        let mut random = Random::new(seed ^ 0xd1ff);
        let lines = some_lines(&mut random, 30);
        let end = ["\n", "\r\n"][random.below(2)];
        let old = join(&lines, end, &mut random);
        let new = join(&changed(&lines, &mut random), end, &mut random);
        if old == new {
            continue;
        }
        let patch = unified("f", Some(&old), Some(&new));
        let edits = hunks(&patch);
        // The very file: every line number holds.
        match apply(&old, &edits, Known::Yes) {
            Ok(Applied::New { text, .. }) => assert_eq!(text, new, "seed {seed}\n{patch}"),
            other => panic!("seed {seed}: {other:?}\n{patch}"),
        }
        // A file that may be another: lines before it moved everything.
        let drift = format!("drift {seed}{end}other{end}");
        for (before, text) in [("", old.clone()), (drift.as_str(), format!("{drift}{old}"))] {
            match apply(&text, &edits, Known::No) {
                Ok(Applied::New { text: found, .. }) => {
                    assert_eq!(found, format!("{before}{new}"), "seed {seed}: another place\n{patch}");
                    made += 1;
                }
                Ok(Applied::Already { .. }) => refused += 1,
                Err(PatchError::Several { .. } | PatchError::NoAnchor { .. } | PatchError::Partly { .. } | PatchError::None { .. }) => {
                    refused += 1
                }
                Err(other) => panic!("seed {seed}: {other}\n{patch}"),
            }
        }
        // A replay on the new file never makes a third text.
        if let Ok(Applied::New { text, .. }) = apply(&new, &edits, Known::No) {
            assert!(text == old || count_same(&edits, &new), "seed {seed}: a replay was applied\n{patch}\n{text:?}");
        }
    }
    assert!(made > 1000 && refused > 100, "{made} made, {refused} refused");
}

/// Whether the new file honestly has the old lines of every hunk at one place: then a second application is not a replay that
/// anybody could tell from a first one.
fn count_same(edits: &[Edit], text: &str) -> bool {
    let lines: Vec<&str> = text.lines().collect();
    edits.iter().all(|edit| match edit {
        Edit::Hunk(hunk) => {
            lines
                .windows(hunk.old.len().max(1))
                .filter(|window| hunk.old.iter().map(|l| l.trim_end_matches('\r')).eq(window.iter().copied()))
                .count()
                == 1
        }
        _ => false,
    })
}

#[test]
fn an_envelope_makes_the_text_that_it_was_made_of_or_is_refused() {
    let mut made = 0;
    for seed in 0..rounds(10_000) as u64 {
        let mut random = Random::new(seed ^ 0xe7e1);
        let lines = some_lines(&mut random, 20);
        if lines.is_empty() {
            continue;
        }
        let old = join(&lines, "\n", &mut random);
        let (at, len) = (random.below(lines.len()), random.below(4));
        let until = (at + len).min(lines.len());
        let (first, last) = (at.saturating_sub(random.below(4)), (until + random.below(4)).min(lines.len()));
        let more = some_lines(&mut random, 3);
        let mut body = String::from("@@");
        if first > 0 && random.below(2) == 0 {
            let anchor = random.below(first);
            // The form says that the hunk is the first such behind its anchor.
            if (anchor..first).any(|line| lines[line..].starts_with(&lines[first..last.max(first + 1)])) {
                continue;
            }
            body.push_str(&format!(" {}", lines[anchor]));
        }
        body.push('\n');
        lines[first..at].iter().for_each(|line| body.push_str(&format!(" {line}\n")));
        lines[at..until].iter().for_each(|line| body.push_str(&format!("-{line}\n")));
        more.iter().for_each(|line| body.push_str(&format!("+{line}\n")));
        lines[until..last].iter().for_each(|line| body.push_str(&format!(" {line}\n")));
        let mut new = lines.clone();
        new.splice(at..until, more);
        let mut expected: String = new.iter().flat_map(|line| [line.as_str(), "\n"]).collect();
        if !old.ends_with('\n') && !expected.is_empty() {
            expected.pop();
        }
        let Ok(mut files) = parse(&format!("*** Begin Patch\n*** Update File: f\n{body}*** End Patch\n")) else { continue };
        let Action::Update { edits, .. } = files.remove(0).action else { panic!() };
        if let Ok(Applied::New { text, .. }) = apply(&old, &edits, Known::No) {
            // Only additions say where by the anchor alone, which may be another line of the same text.
            let is_addition = matches!(&edits[0], Edit::Hunk(hunk) if hunk.old.is_empty());
            assert!(text == expected || is_addition, "seed {seed}: another place\n{old}\n{body}\n{text}");
            made += 1;
        }
    }
    assert!(made > 500, "{made} made");
}
