//! What was proposed, decided, written and put back: one line each, never changed. Every line carries the hash of the one before,
//! so a line that was altered or taken out is seen.

use crate::error::GuardError;
use crate::proposal::Hash;
use crate::state::{Lock, append_line};
use serde_json::{Value, json};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// The end of the journal that is read to find its last line: no line is longer.
const TAIL_BYTES: u64 = 1 << 20;
/// Longest text of one field.
const FIELD_CHARS: usize = 4000;

/// The journal's file.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
}

impl Journal {
    pub(crate) fn in_folder(folder: &Path) -> Journal {
        Journal { path: folder.join("journal.jsonl") }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Adds an event.
    pub(crate) fn add(&self, event: &str, mut fields: Value) -> Result<(), GuardError> {
        // A decision is written before the workspace is locked: nobody may add a line between this one and the one it names.
        let _turn = Lock::on(self.path.with_extension("lock"))?;
        let time = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_millis() as u64);
        if let Some(map) = fields.as_object_mut() {
            map.values_mut().for_each(shorten);
            map.insert("event".into(), json!(event));
            map.insert("time_ms".into(), json!(time));
            map.insert("previous".into(), json!(self.last()?.map(|line| Hash::of(line.as_bytes()).to_string())));
        }
        append_line(&self.path, &fields.to_string())
    }

    /// The last line, whole or torn.
    fn last(&self) -> Result<Option<String>, GuardError> {
        let read = || {
            let mut file = std::fs::File::open(&self.path)?;
            let end = file.metadata()?.len();
            file.seek(SeekFrom::Start(end.saturating_sub(TAIL_BYTES)))?;
            let mut text = Vec::new();
            file.read_to_end(&mut text).map(|_| String::from_utf8_lossy(&text).into_owned())
        };
        match read() {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(GuardError::io("read", &self.path)(error)),
            Ok(text) => Ok(text.lines().next_back().map(str::to_owned)),
        }
    }

    /// All events, the oldest first.
    ///
    /// # Errors
    /// A line that was altered, or one that is missing.
    pub fn events(&self) -> Result<Vec<Value>, GuardError> {
        let text = match std::fs::read(&self.path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            text => text.map_err(GuardError::io("read", &self.path))?,
        };
        let text = String::from_utf8_lossy(&text);
        let (mut events, mut previous) = (Vec::new(), None::<String>);
        for (number, line) in text.lines().enumerate() {
            let hash = Hash::of(line.as_bytes()).to_string();
            // A line that a kill cut off tells nothing; the next one names it all the same.
            if let Ok(event) = serde_json::from_str::<Value>(line) {
                if event["previous"].as_str() != previous.as_deref() {
                    let why = format!("line {} does not follow the line before it", number + 1);
                    return Err(GuardError::Damaged { path: self.path.clone(), why });
                }
                events.push(event);
            }
            previous = Some(hash);
        }
        Ok(events)
    }
}

fn shorten(value: &mut Value) {
    if let Value::String(text) = value
        && text.chars().count() > FIELD_CHARS
    {
        *text = text.chars().take(FIELD_CHARS).collect::<String>() + " [...]";
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_are_added_at_the_same_time_follow_one_another() {
        let folder = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for n in 0..8 {
                let journal = Journal::in_folder(folder.path());
                scope.spawn(move || (0..20).for_each(|_| journal.add("test", json!({ "n": n })).unwrap()));
            }
        });
        assert_eq!(Journal::in_folder(folder.path()).events().unwrap().len(), 160);
    }

    #[test]
    fn an_altered_or_missing_line_is_seen_and_a_torn_one_ends_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::in_folder(folder.path());
        assert_eq!(journal.events().unwrap().len(), 0);
        for n in 0..3 {
            journal.add("test", json!({ "n": n })).unwrap();
        }
        assert_eq!(journal.events().unwrap().len(), 3);
        let whole = std::fs::read_to_string(journal.path()).unwrap();
        std::fs::write(journal.path(), format!("{whole}{{\"half")).unwrap();
        journal.add("test", json!({ "n": 3 })).unwrap();
        assert_eq!(journal.events().unwrap().len(), 4);
        std::fs::write(journal.path(), whole.replace("\"n\":1", "\"n\":7")).unwrap();
        assert!(journal.events().is_err(), "altered");
        let without: String = whole.lines().enumerate().filter(|(n, _)| *n != 1).map(|(_, line)| format!("{line}\n")).collect();
        std::fs::write(journal.path(), without).unwrap();
        assert!(journal.events().is_err(), "missing");
    }
}
