//! The values of a `config.json`, each of its kind.

use super::known::short;
use crate::error::ConvertError;
use serde_json::Value;

/// Values by key, with what stands in for those that are left out.
pub(super) struct Numbers<'j> {
    pub json: &'j Value,
    pub defaults: &'static [(&'static str, f64)],
}

impl<'j> Numbers<'j> {
    /// The value of a key that is there and not null.
    pub fn get(&self, key: &str) -> Option<&'j Value> {
        self.json.get(key).filter(|value| !value.is_null())
    }

    pub fn number(&self, key: &str) -> Result<Option<f64>, ConvertError> {
        match self.get(key) {
            None => Ok(self.defaults.iter().find(|(name, _)| *name == key).map(|(_, number)| *number)),
            Some(value) => value.as_f64().map(Some).ok_or_else(|| ConvertError::key(key, value, "a number")),
        }
    }

    pub fn needed(&self, key: &str) -> Result<f64, ConvertError> {
        self.number(key)?.ok_or_else(|| ConvertError::MissingKey { key: key.into() })
    }

    pub fn size(&self, key: &str) -> Result<Option<usize>, ConvertError> {
        let whole = |number: f64| {
            let is_whole = number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&number);
            is_whole.then_some(number as usize).ok_or_else(|| ConvertError::key(key, number, "a whole number"))
        };
        self.number(key)?.map(whole).transpose()
    }

    pub fn needed_size(&self, key: &str) -> Result<usize, ConvertError> {
        self.size(key)?.ok_or_else(|| ConvertError::MissingKey { key: key.into() })
    }

    pub fn text(&self, key: &str) -> Result<Option<&'j str>, ConvertError> {
        self.typed(key, "a text", Value::as_str)
    }

    pub fn flag(&self, key: &str) -> Result<Option<bool>, ConvertError> {
        self.typed(key, "true or false", Value::as_bool)
    }

    pub fn list(&self, key: &str) -> Result<Option<&'j Vec<Value>>, ConvertError> {
        self.typed(key, "a list", Value::as_array)
    }

    /// A value of one kind; what is there and of another kind is refused, not passed over.
    fn typed<T>(&self, key: &str, wanted: &str, read: impl Fn(&'j Value) -> Option<T>) -> Result<Option<T>, ConvertError> {
        let Some(value) = self.get(key) else { return Ok(None) };
        read(value).map(Some).ok_or_else(|| ConvertError::key(key, short(value), wanted))
    }
}
