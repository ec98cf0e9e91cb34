//! What was typed and not saved, as a log of edits that a restart plays again: nothing is lost, and undo goes on where it was.
//!
//! Every record is the system's before the edit is shown. A record is a letter, the length of what follows, that, and a sum
//! over it; what a kill left half at the end is cut off.

use nda_guard::{Draft, GuardError, Hash};
use nda_text::{Snapshot, Step};
use std::ops::Range;

/// Bytes of a log above which a saved file is opened without it: what could be undone then is lost, the text is not.
pub const MOST_BYTES: usize = 64 << 20;

mod replay;

pub use replay::{Replayed, replay};

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
    /// The text was written to the file, which has this hash now. In logs of earlier versions alone.
    Saved(Hash),
    /// The text as it was after this number of edits was written to the file, which has this hash now.
    SavedAt(u64, Hash),
}

impl Record {
    /// Its bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut body = Vec::new();
        let letter = match self {
            Record::Base(hash, content) => {
                body.extend(base_head(hash.as_ref(), content.is_some().into()));
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
            Record::SavedAt(state, hash) => {
                body.extend(state.to_le_bytes());
                body.extend(hash.as_bytes());
                b'T'
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
            b'T' => {
                let (state, hash) = body.split_first_chunk()?;
                Record::SavedAt(u64::from_le_bytes(*state), Hash::new(hash.try_into().ok()?))
            }
            _ => return None,
        })
    }
}

/// What a base has before its content.
fn base_head(hash: Option<&Hash>, contents: u8) -> [u8; 34] {
    let mut bytes = [0; 34];
    if let Some(hash) = hash {
        bytes[0] = 1;
        bytes[1..33].copy_from_slice(hash.as_bytes());
    }
    bytes[33] = contents;
    bytes
}

/// FNV-1a (G. Fowler, L. C. Noll, K.-P. Vo): sees what is torn or overwritten; nobody forges a log in the user's own folder.
struct Sum(u32);

impl Sum {
    fn of(letter: u8) -> Sum {
        Sum(0x811c_9dc5).and(&[letter])
    }

    fn and(self, bytes: &[u8]) -> Sum {
        Sum(bytes.iter().fold(self.0, |sum, byte| (sum ^ u32::from(*byte)).wrapping_mul(0x0100_0193)))
    }
}

fn sum(letter: u8, body: &[u8]) -> u32 {
    Sum::of(letter).and(body).0
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

    /// All whole records.
    ///
    /// # Errors
    /// The system's answer.
    pub fn read(&self) -> Result<Vec<u8>, GuardError> {
        let mut log = self.draft.read()?;
        log.truncate(self.bytes);
        Ok(log)
    }

    /// Begins a log with a text and the file's hash. The bytes of a text that lies in the private copy are not written, others go to the
    /// system as they lie: no copy is made, and what a kill leaves half is no log.
    ///
    /// # Errors
    /// The system's answer.
    pub fn begin(&mut self, file: Option<&Hash>, content: Option<&Snapshot>) -> Result<(), GuardError> {
        let parts = content.map(|text| text.parts(0..text.bytes())).unwrap_or_default();
        let head = base_head(file, content.is_some().into());
        let len = head.len() + content.map_or(0, Snapshot::bytes);
        let begin = [&[b'B'][..], &(len as u64).to_le_bytes(), &head].concat();
        self.draft.append(&begin)?;
        let mut sum = Sum::of(b'B').and(&head);
        for part in parts {
            self.draft.append(part.as_bytes())?;
            sum = sum.and(part.as_bytes());
        }
        self.draft.append(&sum.0.to_le_bytes())?;
        self.bytes = begin.len() - head.len() + len + 4;
        Ok(())
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
