//! From edits to ranges of one text, all of them or none.

use super::error::PatchError;
use super::find::{all_lines, all_places, near, nearest, offer, places_of};
use super::lines::{Ends, Lines, ends_of, with_ends};
use super::{Edit, Hunk, HunkEnd, Known, LastLine};

/// Lines of a new text that an edit made, from 1; `last` is less than `first` where it only removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// The first line.
    pub first: usize,
    /// The last line.
    pub last: usize,
}

/// What a patch came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Applied {
    /// The new text, and the lines of each edit in it, in the order of the edits.
    New {
        /// The text.
        text: String,
        /// Where each edit is now.
        ranges: Vec<Range>,
        /// The bytes of the old text and what replaced them, in the order of the text.
        edits: Vec<(std::ops::Range<usize>, String)>,
    },
    /// Every edit is in the text already: the patch was applied before.
    Already {
        /// Where each edit is.
        ranges: Vec<Range>,
    },
}

/// An edit that has its place.
struct Placed {
    bytes: std::ops::Range<usize>,
    new: String,
}

/// What an edit turned out to be.
enum Found {
    Place(Placed),
    /// It is there already, at these bytes.
    Already(std::ops::Range<usize>),
}

/// Applies edits to a text; all of them mean the text as it is before the first.
///
/// # Errors
/// The first edit that has no place, or several; nothing of the others is applied then.
pub fn apply(text: &str, edits: &[Edit], known: Known) -> Result<Applied, PatchError> {
    let lines = Lines::of(text);
    let mut placed = Vec::new();
    let mut already = Vec::new();
    for (number, edit) in edits.iter().enumerate() {
        match place(&lines, edit, number + 1, known)? {
            Found::Place(found) => placed.push((number, found)),
            Found::Already(bytes) => already.push((number, bytes)),
        }
    }
    if !already.is_empty() {
        if !placed.is_empty() {
            return Err(PatchError::Partly { applied: already.iter().map(|(number, _)| number + 1).collect() });
        }
        let ranges = already.iter().map(|(_, bytes)| range(&lines, bytes)).collect();
        return Ok(Applied::Already { ranges });
    }
    placed.sort_by_key(|(number, found)| (found.bytes.start, found.bytes.end, *number));
    for pair in placed.windows(2) {
        let ((a, before), (b, behind)) = (&pair[0], &pair[1]);
        // Two insertions at one place have no order that both authors meant.
        if behind.bytes.start < before.bytes.end || before.bytes == behind.bytes {
            return Err(PatchError::Overlap { edits: (*a + 1, *b + 1) });
        }
    }
    joined(text, placed)
}

fn joined(text: &str, placed: Vec<(usize, Placed)>) -> Result<Applied, PatchError> {
    let (mut new, mut at) = (String::with_capacity(text.len()), 0);
    let mut spans = vec![0..0; placed.len()];
    for (number, found) in &placed {
        new.push_str(&text[at..found.bytes.start]);
        let start = new.len();
        new.push_str(&found.new);
        spans[*number] = start..new.len();
        at = found.bytes.end;
    }
    new.push_str(&text[at..]);
    if new == text {
        return Err(PatchError::NoChange);
    }
    let lines = Lines::of(&new);
    let ranges = spans.iter().map(|span| range(&lines, span)).collect();
    Ok(Applied::New { ranges, edits: placed.into_iter().map(|(_, found)| (found.bytes, found.new)).collect(), text: new })
}

fn range(lines: &Lines<'_>, bytes: &std::ops::Range<usize>) -> Range {
    let first = lines.at(bytes.start) + 1;
    let last = if bytes.is_empty() { first - 1 } else { lines.at(bytes.end - 1) + 1 };
    Range { first, last }
}

fn place(lines: &Lines<'_>, edit: &Edit, number: usize, known: Known) -> Result<Found, PatchError> {
    match edit {
        Edit::Replace { old, new } => replace(lines, old, new, number, known),
        Edit::Lines { first, last, expect, new } => by_number(lines, (*first, *last), expect, new, number),
        Edit::Hunk(hunk) => {
            let hunk = with_lines_of(hunk, lines);
            place_hunk(lines, &hunk, number, known)
        }
    }
}

/// The hunk's lines as the file's are: without the `\r` of a text with `\r\n`, where the file's lines all end so, or none does.
fn with_lines_of(hunk: &Hunk, lines: &Lines<'_>) -> Hunk {
    let is_foreign = hunk.old.iter().chain(&hunk.new).all(|line| line.ends_with('\r'));
    if lines.count() == 0 || lines.ends() == Ends::Mixed || (lines.ends() == Ends::Lf && !is_foreign) {
        return hunk.clone();
    }
    let bare = |lines: &[String]| lines.iter().map(|line| line.strip_suffix('\r').unwrap_or(line).to_owned()).collect();
    Hunk { old: bare(&hunk.old), new: bare(&hunk.new), ..hunk.clone() }
}

fn replace(lines: &Lines<'_>, old: &str, new: &str, edit: usize, known: Known) -> Result<Found, PatchError> {
    let text = lines.text();
    let (old, new) = if ends_of(old) == Ends::Mixed || ends_of(new) == Ends::Mixed {
        (old.into(), new.into())
    } else {
        (with_ends(old, lines.ends()), with_ends(new, lines.ends()))
    };
    if old.is_empty() {
        return if text.is_empty() {
            Ok(Found::Place(Placed { bytes: 0..0, new: new.into_owned() }))
        } else {
            Err(PatchError::NoAnchor { edit })
        };
    }
    let places = all_places(text, &old);
    if let Some(found) = replayed(text, &places, &old, &new, known) {
        return Ok(Found::Already(found));
    }
    match places[..] {
        [only] => Ok(Found::Place(Placed { bytes: only..only + old.len(), new: new.into_owned() })),
        [] => {
            let wanted: Vec<&str> = old.lines().collect();
            Err(PatchError::None { edit, near: nearest(lines, &wanted), offer: offer(lines, &wanted) })
        }
        _ => Err(PatchError::Several { edit, lines: places.iter().map(|place| lines.at(*place) + 1).collect() }),
    }
}

/// Where the new text stands already, if this is a replay: the old is gone, or only stands within the new.
fn replayed(text: &str, places: &[usize], old: &str, new: &str, known: Known) -> Option<std::ops::Range<usize>> {
    if known == Known::Yes || new.is_empty() || old == new {
        return None;
    }
    let done = all_places(text, new);
    let [only] = done[..] else { return None };
    let span = only..only + new.len();
    places.iter().all(|place| span.start <= *place && place + old.len() <= span.end).then_some(span)
}

fn by_number(lines: &Lines<'_>, (first, last): (usize, usize), expect: &str, new: &str, edit: usize) -> Result<Found, PatchError> {
    let split = |text: &str| -> Vec<String> {
        let bare = with_ends(text, Ends::Lf);
        let bare = bare.strip_suffix('\n').unwrap_or(&bare);
        if bare.is_empty() { Vec::new() } else { bare.split('\n').map(str::to_owned).collect() }
    };
    let wanted = split(expect);
    let count = (last + 1).saturating_sub(first);
    let is_there =
        first >= 1 && last >= first && count == wanted.len() && all_lines(lines, &wanted, first - 1, last).first() == Some(&(first - 1));
    if !is_there {
        let words: Vec<&str> = wanted.iter().map(String::as_str).collect();
        let at = first.max(1) - 1;
        let equal = (0..words.len()).filter(|k| at + k < lines.count() && lines.line(at + k) == words[*k]).count();
        let elsewhere = match all_lines(lines, &wanted, 0, lines.count())[..] {
            [only] if !wanted.is_empty() => Some(only + 1),
            _ => None,
        };
        return Err(PatchError::Expected { edit, near: near(lines, &words, at, equal), elsewhere });
    }
    let hunk = Hunk { new: split(new), old: wanted, ..Hunk::default() };
    Ok(Found::Place(placed(lines, &hunk, first - 1)))
}

fn place_hunk(lines: &Lines<'_>, hunk: &Hunk, edit: usize, known: Known) -> Result<Found, PatchError> {
    // A hunk that only adds, at a line of the very file that it was made of.
    if hunk.old.is_empty() && hunk.anchors.is_empty() && known == Known::Yes && hunk.line.is_some_and(|line| line <= lines.count() + 1) {
        return Ok(Found::Place(placed(lines, hunk, hunk.line.map_or(0, |line| line - 1))));
    }
    let places = places_of(lines, hunk, edit)?;
    if known == Known::No
        && let Some(bytes) = hunk_replayed(lines, hunk, &places)
    {
        return Ok(Found::Already(bytes));
    }
    match places[..] {
        [only] => Ok(Found::Place(placed(lines, hunk, only))),
        [] => {
            let wanted: Vec<&str> = hunk.old.iter().map(String::as_str).collect();
            Err(PatchError::None { edit, near: nearest(lines, &wanted), offer: offer(lines, &wanted) })
        }
        _ => match hunk.line.filter(|line| known == Known::Yes && places.contains(&(line - 1))) {
            Some(line) => Ok(Found::Place(placed(lines, hunk, line - 1))),
            None => Err(PatchError::Several { edit, lines: places.iter().map(|place| place + 1).collect() }),
        },
    }
}

/// Where a hunk's new lines stand already: its old ones are gone, or only stand within the new ones.
fn hunk_replayed(lines: &Lines<'_>, hunk: &Hunk, places: &[usize]) -> Option<std::ops::Range<usize>> {
    if hunk.new.is_empty() || hunk.new == hunk.old {
        return None;
    }
    let done = all_lines(lines, &hunk.new, 0, lines.count());
    let [only] = done[..] else { return None };
    let is_within = |place: &usize| {
        if hunk.old.is_empty() { *place == only } else { only <= *place && place + hunk.old.len() <= only + hunk.new.len() }
    };
    // New lines that are some of the old ones say nothing while the old ones stand.
    let is_replay = if places.is_empty() { true } else { hunk.new.len() >= hunk.old.len() && places.iter().all(is_within) };
    is_replay.then(|| lines.start(only)..lines.start(only + hunk.new.len()))
}

/// The bytes of a hunk at a line, and what replaces them: with the file's line ends, and its last line as it was.
fn placed(lines: &Lines<'_>, hunk: &Hunk, first: usize) -> Placed {
    let mut bytes = lines.start(first)..lines.start(first + hunk.old.len());
    let end = lines.end();
    let mut new: String = hunk.new.iter().flat_map(|line| [line.as_str(), end]).collect();
    let touches_end = bytes.end == lines.text().len();
    if touches_end {
        let says = if let HunkEnd::Says { new, .. } = hunk.end { Some(new) } else { None };
        let is_open = says.map_or(!lines.is_ended(), |last| last == LastLine::Open);
        if bytes.is_empty() && !lines.is_ended() && !new.is_empty() {
            // Behind a last line without an end: it gets one, and the new last line has none.
            new.insert_str(0, end);
        }
        if is_open && new.ends_with(end) {
            new.truncate(new.len() - end.len());
        } else if is_open && new.is_empty() && lines.text()[..bytes.start].ends_with(end) {
            // The line before becomes the last, and the last has no end.
            bytes.start -= end.len();
        }
    }
    Placed { bytes, new }
}
