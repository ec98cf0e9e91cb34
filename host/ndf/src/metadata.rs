//! Text values by key: a model's hyperparameters, names and licence.

use std::collections::BTreeMap;

use crate::fields::{Cursor, Stretch};
use crate::{Fault, NdfError};

/// Text values by key, in the keys' byte order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Metadata {
    entries: BTreeMap<String, String>,
}

impl Metadata {
    /// Sets a value; a value that the key had before is replaced. Numbers and flags are given as their `to_string`.
    /// The writer refuses empty keys.
    pub fn set(&mut self, key: impl Into<String>, value: impl ToString) {
        self.entries.insert(key.into(), value.to_string());
    }

    /// The value, or `None` if there is no such key.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.entries.get(key).map(String::as_str)
    }

    /// All entries in key order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.entries.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// The value.
    ///
    /// # Errors
    /// [`NdfError::NoSuchKey`].
    pub fn text(&self, key: &str) -> Result<&str, NdfError> {
        self.get(key).ok_or_else(|| NdfError::NoSuchKey { key: key.to_owned() })
    }

    /// The value as a whole number that is not negative.
    ///
    /// # Errors
    /// [`NdfError::NoSuchKey`], or [`NdfError::Value`] if it is another text.
    pub fn integer(&self, key: &str) -> Result<u64, NdfError> {
        self.typed(key, "a whole number from 0 to 2^64 - 1", |value| value.parse().ok())
    }

    /// The value as a count or size in memory.
    ///
    /// # Errors
    /// [`NdfError::NoSuchKey`], or [`NdfError::Value`] if it is another text.
    pub fn size(&self, key: &str) -> Result<usize, NdfError> {
        self.typed(key, "a whole number that fits the address space", |value| value.parse().ok())
    }

    /// The value as a finite number.
    ///
    /// # Errors
    /// [`NdfError::NoSuchKey`], or [`NdfError::Value`] if it is another text, NaN or an infinity.
    pub fn float(&self, key: &str) -> Result<f64, NdfError> {
        self.typed(key, "a finite number", |value| value.parse().ok().filter(|number: &f64| number.is_finite()))
    }

    /// The value as a truth value.
    ///
    /// # Errors
    /// [`NdfError::NoSuchKey`], or [`NdfError::Value`] if it is neither `true` nor `false`.
    pub fn flag(&self, key: &str) -> Result<bool, NdfError> {
        self.typed(key, "'true' or 'false'", |value| value.parse().ok())
    }

    fn typed<T>(&self, key: &str, expected: &'static str, parse: impl Fn(&str) -> Option<T>) -> Result<T, NdfError> {
        let value = self.text(key)?;
        parse(value).ok_or_else(|| NdfError::Value { key: key.to_owned(), value: value.to_owned(), expected })
    }

    pub(crate) fn parse(payload: Stretch<'_>) -> Result<Self, NdfError> {
        let mut cursor = Cursor::new(payload);
        let count = cursor.u32()?;
        let mut entries: BTreeMap<String, String> = BTreeMap::new();
        // A forged count ends at the payload's end: every entry takes at least eight bytes.
        for _ in 0..count {
            let start = cursor.at;
            let key = cursor.text("a metadata key")?;
            let ascends = entries.last_key_value().is_none_or(|(last, _)| last.as_str() < key);
            if key.is_empty() || !ascends {
                return Err(payload.fault(start, Fault::Key { key: key.to_owned() }));
            }
            let value = cursor.text("a metadata value")?;
            entries.insert(key.to_owned(), value.to_owned());
        }
        cursor.end()?;
        Ok(Metadata { entries })
    }

    pub(crate) fn payload(&self) -> Result<Vec<u8>, Fault> {
        let mut payload = count_field("metadata entries", self.entries.len())?.to_vec();
        for (key, value) in &self.entries {
            if key.is_empty() {
                return Err(Fault::Key { key: key.clone() });
            }
            push_bytes(&mut payload, "bytes of a metadata key", key.as_bytes())?;
            push_bytes(&mut payload, "bytes of a metadata value", value.as_bytes())?;
        }
        Ok(payload)
    }
}

/// A count as the file spells it, or [`Fault::Count`] if it has more than 32 bits.
pub(crate) fn count_field(what: &'static str, count: usize) -> Result<[u8; 4], Fault> {
    let field = u32::try_from(count).map_err(|_| Fault::Count { what, expected: u32::MAX as usize, found: count })?;
    Ok(field.to_le_bytes())
}

/// Appends bytes after their count.
pub(crate) fn push_bytes(payload: &mut Vec<u8>, what: &'static str, bytes: &[u8]) -> Result<(), Fault> {
    payload.extend(count_field(what, bytes.len())?);
    payload.extend(bytes);
    Ok(())
}
