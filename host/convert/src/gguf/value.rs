//! The keys of a GGUF file and their values.

use crate::error::ConvertError;
use std::collections::BTreeMap;

/// A key's value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A whole number without sign, of any width.
    Unsigned(u64),
    /// A whole number with sign, of any width.
    Signed(i64),
    /// A number of 32 bits.
    F32(f32),
    /// A number of 64 bits.
    F64(f64),
    /// A flag.
    Bool(bool),
    /// Text.
    Text(String),
    /// Values of one type.
    Array(Vec<Value>),
}

impl Value {
    /// What a message calls it.
    pub(super) fn described(&self) -> String {
        match self {
            Value::Unsigned(number) => number.to_string(),
            Value::Signed(number) => number.to_string(),
            Value::F32(number) => number.to_string(),
            Value::F64(number) => number.to_string(),
            Value::Bool(flag) => flag.to_string(),
            Value::Text(text) => format!("'{}'", text.chars().take(60).collect::<String>().escape_debug()),
            Value::Array(values) => format!("an array of {}", values.len()),
        }
    }

    fn as_text(&self) -> Option<&str> {
        if let Value::Text(text) = self { Some(text) } else { None }
    }

    /// A finite number.
    pub(super) fn float(&self) -> Option<f64> {
        match self {
            Value::F32(number) => Some(f64::from(*number)),
            Value::F64(number) => Some(*number),
            value => value.integer().map(|number| number as f64),
        }
        .filter(|number| number.is_finite())
    }

    fn integer(&self) -> Option<i64> {
        match self {
            Value::Unsigned(number) => i64::try_from(*number).ok(),
            Value::Signed(number) => Some(*number),
            _ => None,
        }
    }
}

/// All keys of a file.
#[derive(Debug, Clone, Default)]
pub struct Keys {
    pub(super) entries: BTreeMap<String, Value>,
}

impl Keys {
    /// Keys that another file's vocabulary is.
    pub(crate) fn from_entries<const N: usize>(entries: [(&str, Value); N]) -> Keys {
        Keys { entries: entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect() }
    }

    /// Values of an array; 0 of a key that is none.
    pub(crate) fn list_len(&self, key: &str) -> usize {
        if let Some(Value::Array(values)) = self.get(key) { values.len() } else { 0 }
    }

    /// Appends to an array; nothing happens to a key that is none.
    pub(crate) fn push(&mut self, key: &str, value: Value) {
        if let Some(Value::Array(values)) = self.entries.get_mut(key) {
            values.push(value);
        }
    }

    /// The value of a key, if there is one.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.entries.get(key)
    }

    /// All keys in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.entries.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// A text, or none.
    pub(super) fn text(&self, key: &str) -> Result<Option<&str>, ConvertError> {
        self.typed(key, "a text", Value::as_text)
    }

    /// A flag, or none.
    pub(super) fn flag(&self, key: &str) -> Result<Option<bool>, ConvertError> {
        let flag = |value: &Value| if let Value::Bool(flag) = value { Some(*flag) } else { None };
        self.typed(key, "a flag", flag)
    }

    /// A whole number that is not negative, or none. An array of equal numbers, one a block, is that number.
    pub(super) fn size(&self, key: &str) -> Result<Option<usize>, ConvertError> {
        let one = |value: &Value| value.integer().and_then(|number| usize::try_from(number).ok());
        let size = |value: &Value| match value {
            Value::Array(values) => {
                let first = one(values.first()?)?;
                values.iter().all(|value| one(value) == Some(first)).then_some(first)
            }
            value => one(value),
        };
        let is_list = matches!(self.get(key), Some(Value::Array(_)));
        self.typed(key, if is_list { "one whole number, the same for every block" } else { "a whole number" }, size)
    }

    /// A finite number as text: the shortest decimal that reads back as the same number. Or none.
    pub(super) fn number(&self, key: &str) -> Result<Option<String>, ConvertError> {
        let number = |value: &Value| match value {
            Value::F32(number) => number.is_finite().then(|| number.to_string()),
            Value::F64(number) => number.is_finite().then(|| number.to_string()),
            value => value.integer().map(|number| number.to_string()),
        };
        self.typed(key, "a finite number", number)
    }

    /// A finite number, or none.
    pub(super) fn float(&self, key: &str) -> Result<Option<f64>, ConvertError> {
        self.typed(key, "a finite number", Value::float)
    }

    /// Texts, or none.
    pub(super) fn texts(&self, key: &str) -> Result<Option<Vec<&str>>, ConvertError> {
        self.list(key, "an array of texts", Value::as_text)
    }

    /// Whole numbers, or none.
    pub(super) fn integers(&self, key: &str) -> Result<Option<Vec<i64>>, ConvertError> {
        self.list(key, "an array of whole numbers", Value::integer)
    }

    /// Finite numbers of 32 bits, or none.
    pub(super) fn floats(&self, key: &str) -> Result<Option<Vec<f32>>, ConvertError> {
        let float = |value: &Value| if let Value::F32(number) = value { number.is_finite().then_some(*number) } else { None };
        self.list(key, "an array of finite numbers of 32 bits", float)
    }

    fn typed<'k, T>(&'k self, key: &str, wanted: &str, read: impl Fn(&'k Value) -> Option<T>) -> Result<Option<T>, ConvertError> {
        let Some(value) = self.get(key) else { return Ok(None) };
        read(value).map(Some).ok_or_else(|| ConvertError::key(key, value.described(), wanted))
    }

    fn list<'k, T>(&'k self, key: &str, wanted: &str, read: impl Fn(&'k Value) -> Option<T>) -> Result<Option<Vec<T>>, ConvertError> {
        let list = |value: &'k Value| if let Value::Array(values) = value { values.iter().map(&read).collect() } else { None };
        self.typed(key, wanted, list)
    }
}
