//! What was typed and not saved, as a log of edits that a restart plays again: nothing is lost, and undo goes on where it was.
//!
//! Every record goes to the system in one call before the edit is shown. A record is a letter, the length of what follows, that, and a sum
//! over it; what a kill left half at the end is cut off.

use nda_guard::{Draft, GuardError, Hash};
use nda_text::{Step, Text, TextError};
use std::ops::Range;

/// Bytes of a log above which a saved file is opened without it: what could be undone then is lost, the text is not.
pub const MOST_BYTES: usize = 16 << 20;

/// One event of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// The text as the log begins with it: the file's hash, none if there was no file, and the content, none if it lies in the private copy.
    Base(Option<Hash>, Option<Vec<u8>>),
    /// An edit.
    Edit(Range<usize>, String, Step),
    /// The last step was taken back.
    Undo,
    /// And again.
    Redo,
    /// The text was written to the file, which has this hash now.
    Saved(Hash),
}

impl Record {
    /// Its bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut body = Vec::new();
        let letter = match self {
            Record::Base(hash, content) => {
                body.extend(hash.map_or([0; 33], |hash| tagged(&hash)));
                body.push(u8::from(content.is_some()));
                body.extend(content.as_deref().unwrap_or_default());
                b'B'
            }
            Record::Edit(range, text, step) => {
                body.push(u8::from(*step == Step::New));
                body.extend((range.start as u64).to_le_bytes());
                body.extend((range.end as u64).to_le_bytes());
                body.extend(text.as_bytes());
                b'E'
            }
            Record::Undo => b'U',
            Record::Redo => b'R',
            Record::Saved(hash) => {
                body.extend(hash.as_bytes());
                b'S'
            }
        };
        let mut bytes = vec![letter];
        bytes.extend((body.len() as u64).to_le_bytes());
        bytes.extend(&body);
        bytes.extend(sum(letter, &body).to_le_bytes());
        bytes
    }

    /// The record at the begin of some bytes, and how many it takes; none if it is cut off or damaged.
    pub fn decode(bytes: &[u8]) -> Option<(Record, usize)> {
        let letter = *bytes.first()?;
        let len = usize::try_from(u64::from_le_bytes(bytes.get(1..9)?.try_into().ok()?)).ok()?;
        let body = bytes.get(9..9_usize.checked_add(len)?)?;
        let told = bytes.get(9 + len..13 + len)?;
        if told != sum(letter, body).to_le_bytes() {
            return None;
        }
        Some((Record::of(letter, body)?, 13 + len))
    }

    fn of(letter: u8, body: &[u8]) -> Option<Record> {
        Some(match letter {
            b'B' => {
                let content = (*body.get(33)? == 1).then(|| body[34..].to_vec());
                let hash = if body[0] == 1 { Some(Hash::new(body[1..33].try_into().ok()?)) } else { None };
                Record::Base(hash, content)
            }
            b'E' => {
                let number = |at: usize| Some(u64::from_le_bytes(body.get(at..at + 8)?.try_into().ok()?) as usize);
                let text = std::str::from_utf8(body.get(17..)?).ok()?;
                Record::Edit(number(1)?..number(9)?, text.into(), if body[0] == 1 { Step::New } else { Step::Joined })
            }
            b'U' => Record::Undo,
            b'R' => Record::Redo,
            b'S' => Record::Saved(Hash::new(body.try_into().ok()?)),
            _ => return None,
        })
    }
}

fn tagged(hash: &Hash) -> [u8; 33] {
    let mut bytes = [1; 33];
    bytes[1..].copy_from_slice(hash.as_bytes());
    bytes
}

/// FNV-1a (G. Fowler, L. C. Noll, K.-P. Vo): sees what is torn or overwritten; nobody forges a log in the user's own folder.
fn sum(letter: u8, body: &[u8]) -> u32 {
    let add = |sum: u32, byte: &u8| (sum ^ u32::from(*byte)).wrapping_mul(0x0100_0193);
    body.iter().fold(add(0x811c_9dc5, &letter), add)
}

/// What a log says.
#[derive(Debug)]
pub struct Replayed {
    /// The text, with its undo.
    pub text: Text,
    /// The hash that the file had when the text was last the same, none if there was no file.
    pub file: Option<Hash>,
    /// Steps, as [`crate::buffer::Steps`] counts them.
    pub events: Vec<Event>,
    /// Bytes of whole records.
    pub bytes: usize,
}

/// An event as the count of steps sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// An edit.
    Edit(Step),
    /// A step back.
    Undo,
    /// A step on.
    Redo,
    /// Text and file are the same.
    Saved,
}

/// Plays a log again; `copy` is the text that a base without content stands for. None if there is no log.
///
/// # Errors
/// A text that does not fit the log.
pub fn replay(bytes: &[u8], copy: &mut dyn FnMut() -> Option<Text>) -> Result<Option<Replayed>, TextError> {
    let Some((Record::Base(file, content), mut at)) = Record::decode(bytes) else { return Ok(None) };
    let text = match content {
        Some(content) => Some(Text::new(String::from_utf8(content).map_err(|e| TextError::NotText(e.utf8_error().valid_up_to()))?)?),
        None => copy(),
    };
    let Some(text) = text else { return Ok(None) };
    let mut all = Replayed { text, file, events: Vec::new(), bytes: at };
    while let Some((record, len)) = Record::decode(&bytes[at..]) {
        match record {
            Record::Base(..) => break,
            Record::Edit(range, text, step) => {
                all.text.edit(range, &text, step)?;
                all.events.push(Event::Edit(step));
            }
            Record::Undo => {
                all.text.undo();
                all.events.push(Event::Undo);
            }
            Record::Redo => {
                all.text.redo();
                all.events.push(Event::Redo);
            }
            Record::Saved(hash) => {
                all.file = Some(hash);
                all.events.push(Event::Saved);
            }
        }
        at += len;
        all.bytes = at;
    }
    Ok(Some(all))
}

/// A log that is written.
#[derive(Debug)]
pub struct Journal {
    draft: Draft,
    bytes: usize,
}

impl Journal {
    /// A log that has these many bytes of whole records; what is behind them is cut off.
    ///
    /// # Errors
    /// The system's answer.
    pub fn on(mut draft: Draft, bytes: usize) -> Result<Journal, GuardError> {
        draft.cut(bytes as u64)?;
        Ok(Journal { draft, bytes })
    }

    /// Whether nothing was typed since it began.
    pub fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    /// Adds a record; it outlives a kill as soon as this returns.
    ///
    /// # Errors
    /// The system's answer.
    pub fn add(&mut self, record: &Record) -> Result<(), GuardError> {
        let bytes = record.encode();
        self.draft.append(&bytes)?;
        self.bytes += bytes.len();
        Ok(())
    }

    /// Forgets everything.
    ///
    /// # Errors
    /// The system's answer.
    pub fn clear(&mut self) -> Result<(), GuardError> {
        self.bytes = 0;
        self.draft.clear()
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
            match replay(&log[..cut], &mut || None).unwrap() {
                None => assert_eq!(whole, 0),
                Some(replayed) => {
                    assert_eq!((replayed.bytes, replayed.events.len()), (ends[whole], whole - 1), "cut at {cut}");
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
            let replayed = replay(&damaged, &mut || None);
            assert!(replayed.is_ok_and(|found| found.is_none_or(|found| found.bytes <= at)), "byte {at}");
        }
    }
}
