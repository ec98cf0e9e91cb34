//! Where something stands in a text: every place, never one too many or too few.

use super::error::{Near, Offer, PatchError};
use super::lines::Lines;
use super::{Hunk, HunkEnd, LastLine};
use std::collections::BTreeSet;

/// Most places near to what was looked for that a refusal shows.
const NEAREST: usize = 3;

/// All places of a text in another, overlapping ones too.
pub fn all_places(text: &str, wanted: &str) -> Vec<usize> {
    let (mut places, mut from) = (Vec::new(), 0);
    while let Some(at) = text.get(from..).and_then(|rest| rest.find(wanted)) {
        places.push(from + at);
        // The next character: an overlapping place is a place.
        from += at + text[from + at..].chars().next().map_or(1, char::len_utf8);
    }
    places
}

/// The numbers of the first lines at which these lines stand, from `from` up to but not including `to`.
pub fn all_lines(lines: &Lines<'_>, wanted: &[String], from: usize, to: usize) -> Vec<usize> {
    let last = to.min(lines.count());
    let fits = |first: &usize| wanted.iter().enumerate().all(|(k, line)| lines.line(first + k) == line);
    (from..(last + 1).saturating_sub(wanted.len())).filter(fits).collect()
}

/// Where a hunk's old lines may stand.
pub fn places_of(lines: &Lines<'_>, hunk: &Hunk, edit: usize) -> Result<Vec<usize>, PatchError> {
    let mut from = 0;
    let mut anchor_line = None;
    for anchor in &hunk.anchors {
        let fits = |line: &usize| lines.line(*line) == anchor || lines.line(*line).trim() == anchor.trim();
        let found: Vec<usize> = (from..lines.count()).filter(fits).collect();
        let [only] = found[..] else {
            let lines = found.iter().map(|line| line + 1).collect();
            return Err(PatchError::Anchor { edit, anchor: anchor.clone(), lines });
        };
        anchor_line = Some(only);
        from = only + 1;
    }
    if hunk.old.is_empty() {
        let at_end = hunk.end == HunkEnd::OfFile || lines.count() == 0;
        return match anchor_line {
            _ if at_end => Ok(vec![lines.count()]),
            Some(line) => Ok(vec![line + 1]),
            None => Err(PatchError::NoAnchor { edit }),
        };
    }
    let mut places = match anchor_line {
        None => all_lines(lines, &hunk.old, 0, lines.count()),
        Some(anchor) => {
            // What is indented below the anchor is its own; only where nothing is, the rest of the file counts.
            let end = section_end(lines, anchor);
            let within =
                if end > anchor + 1 { all_lines(lines, &hunk.old, from, end) } else { all_lines(lines, &hunk.old, from, lines.count()) };
            // The anchor itself may be the hunk's first line.
            if within.is_empty() {
                all_lines(lines, &hunk.old, anchor, end.max(anchor + hunk.old.len())).into_iter().filter(|p| *p == anchor).collect()
            } else {
                within
            }
        }
    };
    if hunk.end != HunkEnd::Anywhere {
        places.retain(|place| place + hunk.old.len() == lines.count());
    }
    if let HunkEnd::Says { old, .. } = hunk.end {
        places.retain(|_| (old == LastLine::Ended) == lines.is_ended());
    }
    Ok(places)
}

/// The line behind the last one that is indented deeper than the anchor; lines that only close what it opened belong to it.
fn section_end(lines: &Lines<'_>, anchor: usize) -> usize {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let base = indent(lines.line(anchor));
    let mut end = anchor + 1;
    for number in anchor + 1..lines.count() {
        let line = lines.line(number);
        if line.trim().is_empty() {
            continue;
        }
        if indent(line) <= base {
            let closes = line.trim_start().starts_with(['}', ')', ']']) || line.trim_start().starts_with("end");
            return if closes && end > anchor + 1 { number + 1 } else { end };
        }
        end = number + 1;
    }
    end
}

/// The places that have most of the lines, the best first; where no line is equal, those whose line is most like the first.
pub fn nearest(lines: &Lines<'_>, wanted: &[&str]) -> Vec<Near> {
    let equal = with_equal_lines(lines, wanted);
    if equal.is_empty() { with_like_lines(lines, wanted) } else { equal }
}

/// Share of a line's pairs of neighbouring characters, in percent, from which another line that has them is like it.
const LIKE_PERCENT: usize = 50;

fn with_like_lines(lines: &Lines<'_>, wanted: &[&str]) -> Vec<Near> {
    let Some((k, line)) = wanted.iter().enumerate().find(|(_, line)| !line.trim().is_empty()) else { return Vec::new() };
    let pairs = |line: &str| line.trim().as_bytes().windows(2).map(|pair| (pair[0], pair[1])).collect::<BTreeSet<_>>();
    let own = pairs(line);
    let like = |number: usize| own.intersection(&pairs(lines.line(number))).count() * 100 / own.len().max(1);
    let mut all: Vec<(usize, usize)> = (k..lines.count()).map(|number| (like(number), number - k)).collect();
    all.retain(|(percent, _)| *percent >= LIKE_PERCENT);
    all.sort_by_key(|(percent, first)| (usize::MAX - percent, *first));
    all.truncate(NEAREST);
    all.into_iter().map(|(_, first)| near(lines, wanted, first, 0)).collect()
}

fn with_equal_lines(lines: &Lines<'_>, wanted: &[&str]) -> Vec<Near> {
    let same = |first: usize, k: usize| first + k < lines.count() && lines.line(first + k).trim() == wanted[k].trim();
    let mut all: Vec<(usize, usize)> = (0..lines.count())
        .map(|first| ((0..wanted.len()).filter(|k| same(first, *k)).count(), first))
        .filter(|(equal, first)| *equal > 0 && wanted.iter().enumerate().any(|(k, line)| same(*first, k) && !line.trim().is_empty()))
        .collect();
    all.sort_by_key(|(equal, first)| (usize::MAX - equal, *first));
    all.truncate(NEAREST);
    all.into_iter().map(|(equal, first)| near(lines, wanted, first, equal)).collect()
}

/// What differs between a place and what was looked for there.
pub fn near(lines: &Lines<'_>, wanted: &[&str], first: usize, equal: usize) -> Near {
    let found = |k: usize| (first + k < lines.count()).then(|| lines.line(first + k));
    let k = (0..wanted.len()).find(|k| found(*k) != Some(wanted[*k])).unwrap_or(0);
    let wanted_line = wanted.get(k).copied().unwrap_or_default().to_owned();
    Near {
        line: first + 1,
        equal: (equal, wanted.len()),
        differs_at: first + k + 1,
        wanted: wanted_line,
        found: found(k).map(str::to_owned),
    }
}

/// A looser match, if there is one alone.
pub fn offer(lines: &Lines<'_>, wanted: &[&str]) -> Option<Offer> {
    let ways: [(&'static str, fn(&str) -> &str); 2] = [("trailing blanks", str::trim_end), ("indentation", str::trim)];
    ways.into_iter().find_map(|(loosened, way)| {
        let fits = |first: &usize| wanted.iter().enumerate().all(|(k, line)| way(lines.line(first + k)) == way(line));
        let mut places = (0..(lines.count() + 1).saturating_sub(wanted.len())).filter(fits);
        match (places.next(), places.next()) {
            (Some(first), None) if !wanted.is_empty() => {
                let text = lines.text()[lines.start(first)..lines.start(first + wanted.len())].to_owned();
                Some(Offer { loosened, line: first + 1, text })
            }
            _ => None,
        }
    })
}
