//! What a log comes to: the text, and the steps around it that fit into memory. The others stay in the log until somebody asks.

use super::Record;
use crate::buffer::Steps;
use crate::cursor::Cursor;
use nda_guard::Hash;
use nda_text::{Step, Text, TextError};
use std::ops::Range;

/// Steps that were taken back and are read with the text.
const MOST_AHEAD: usize = 1000;

/// What a log says.
#[derive(Debug)]
pub struct Replayed {
    /// The text, with its undo.
    pub text: Text,
    /// Its steps by numbers.
    pub steps: Steps,
    /// The hash that the file had when the text was last the same, none if there was no file.
    pub file: Option<Hash>,
    /// Bytes of whole records.
    pub bytes: usize,
}

/// Plays a log again; `copy` gives the text that a base without content stands for, whose hash it is told. None if there is no log.
///
/// # Errors
/// A text that does not fit the log.
pub fn replay(log: &[u8], copy: &mut dyn FnMut(Option<Hash>) -> Option<Text>) -> Result<Option<Replayed>, TextError> {
    let Some(line) = Line::of(log) else { return Ok(None) };
    let mut ahead = (line.spots.len() - line.here).min(MOST_AHEAD);
    loop {
        let Some(text) = base(log, copy)? else { return Ok(None) };
        if let Some((text, steps)) = line.play(log, text, ahead)? {
            return Ok(Some(Replayed { text, steps, file: line.file, bytes: line.bytes }));
        }
        // So many large steps do not fit into memory. One always does, and one before it.
        ahead /= 2;
    }
}

/// The text that a log begins with.
fn base(log: &[u8], copy: &mut dyn FnMut(Option<Hash>) -> Option<Text>) -> Result<Option<Text>, TextError> {
    match Record::decode(log) {
        Some((Record::Base(_, Some(content)), _)) => {
            let content = String::from_utf8(content).map_err(|error| TextError::NotText(error.utf8_error().valid_up_to()))?;
            Text::new(content).map(Some)
        }
        Some((Record::Base(hash, None), _)) => Ok(copy(hash)),
        _ => Ok(None),
    }
}

/// A step of a log.
struct Spot {
    /// Its records: edits, and saves between them.
    records: Range<usize>,
    /// The number of the state behind it.
    state: u64,
}

/// The steps of a log that lead from its base to the text, and behind them those that were taken back. What was typed over them is not
/// on the line any more.
struct Line {
    spots: Vec<Spot>,
    /// Steps that the text has.
    here: usize,
    /// Whether a joined edit joins the last step.
    is_open: bool,
    /// Edits so far: the number of the newest state.
    edits: u64,
    saved: u64,
    file: Option<Hash>,
    bytes: usize,
}

impl Line {
    /// None if there is no log.
    fn of(log: &[u8]) -> Option<Line> {
        let (Record::Base(file, _), bytes) = Record::decode(log)? else { return None };
        let mut line = Line { spots: Vec::new(), here: 0, is_open: false, edits: 0, saved: 0, file, bytes };
        while let Some((record, len)) = Record::decode(&log[line.bytes..]) {
            let records = line.bytes..line.bytes + len;
            match record {
                Record::Base(..) => break,
                Record::Edit(.., step) => line.edit(step, &records),
                Record::Undo => (line.is_open, line.here) = (false, line.here.saturating_sub(1)),
                Record::Redo => (line.is_open, line.here) = (false, (line.here + 1).min(line.spots.len())),
                Record::Saved(hash) => (line.saved, line.file) = (line.state(), Some(hash)),
                Record::SavedAt(state, hash) => (line.saved, line.file) = (state, Some(hash)),
            }
            line.bytes = records.end;
        }
        Some(line)
    }

    fn edit(&mut self, step: Step, records: &Range<usize>) {
        self.spots.truncate(self.here);
        self.edits += 1;
        match self.spots.last_mut().filter(|_| step == Step::Joined && self.is_open) {
            Some(last) => (last.records.end, last.state) = (records.end, self.edits),
            None => self.spots.push(Spot { records: records.clone(), state: self.edits }),
        }
        (self.here, self.is_open) = (self.spots.len(), true);
    }

    /// The number of the present state.
    fn state(&self) -> u64 {
        self.here.checked_sub(1).map_or(0, |last| self.spots[last].state)
    }

    /// Takes the line's steps, and `ahead` more, which it then takes back; none if memory does not keep as many before them.
    fn play(&self, log: &[u8], mut text: Text, ahead: usize) -> Result<Option<(Text, Steps)>, TextError> {
        let mut steps = Steps::before(self.edits, self.saved);
        let mut behind = Vec::with_capacity(ahead);
        for (index, spot) in self.spots[..self.here + ahead].iter().enumerate() {
            let (before, after) = spot.play(log, &mut text)?;
            steps.step(spot.state, &[before]);
            steps.fit(&text);
            if index >= self.here {
                behind.push(after);
            }
        }
        for after in behind.into_iter().rev() {
            if !text.undo() {
                return Ok(None);
            }
            steps.undo(&[after]);
            steps.fit(&text);
        }
        if text.steps_back() < ahead.min(self.here) {
            return Ok(None);
        }
        steps.read_on(self.spots.len() - self.here - ahead);
        Ok(Some((text, steps)))
    }
}

impl Spot {
    /// Makes its edits; where the cursor was before and is behind them, as far as the edits say.
    fn play(&self, log: &[u8], text: &mut Text) -> Result<(Cursor, Cursor), TextError> {
        let (mut at, mut cursors) = (self.records.start, None);
        while at < self.records.end
            && let Some((record, len)) = Record::decode(&log[at..])
        {
            at += len;
            if let Record::Edit(range, new, _) = record {
                let behind = Cursor::at(range.start + new.len());
                let step = if cursors.is_none() { Step::New } else { Step::Joined };
                let before = cursors.map_or(Cursor::at(range.end), |(before, _)| before);
                text.edit(range, &new, step)?;
                cursors = Some((before, behind));
            }
        }
        Ok(cursors.unwrap_or((Cursor::at(0), Cursor::at(0))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records() -> Vec<Record> {
        vec![
            Record::Base(Some(Hash::of(b"ab")), Some(b"ab".to_vec())),
            Record::Edit(1..1, "\u{4e2d}".into(), Step::New),
            Record::Edit(4..5, String::new(), Step::Joined),
            Record::Saved(Hash::of(b"x")),
            Record::Undo,
            Record::Redo,
        ]
    }

    #[test]
    fn a_log_that_was_cut_anywhere_gives_all_whole_records() {
        let all: Vec<Vec<u8>> = records().iter().map(Record::encode).collect();
        let log = all.concat();
        let mut ends = vec![0];
        all.iter().for_each(|one| ends.push(ends[ends.len() - 1] + one.len()));
        for cut in 0..=log.len() {
            let whole = ends.iter().filter(|end| **end <= cut).count() - 1;
            match replay(&log[..cut], &mut |_| None).unwrap() {
                None => assert_eq!(whole, 0),
                Some(replayed) => {
                    assert_eq!(replayed.bytes, ends[whole], "cut at {cut}");
                    let text = replayed.text.now().to_string();
                    assert_eq!(
                        text,
                        if whole == 1 || whole == 5 {
                            "ab"
                        } else if whole == 2 {
                            "a\u{4e2d}b"
                        } else {
                            "a\u{4e2d}"
                        }
                    );
                }
            }
        }
    }

    #[test]
    fn a_changed_byte_ends_the_log_there() {
        let log: Vec<u8> = records().iter().flat_map(|record| record.encode()).collect();
        for at in 0..log.len() {
            let mut damaged = log.clone();
            damaged[at] ^= 0x40;
            let replayed = replay(&damaged, &mut |_| None);
            assert!(replayed.is_ok_and(|found| found.is_none_or(|found| found.bytes <= at)), "byte {at}");
        }
    }
}
