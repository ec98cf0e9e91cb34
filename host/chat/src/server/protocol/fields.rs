//! The fields of a JSON object, taken one by one: what is left at the end was asked for and is not done.

use super::super::problem::Problem;
use serde_json::{Map, Value};

/// An object of a request and where it stands in it.
pub(super) struct Fields {
    fields: Map<String, Value>,
    path: String,
}

impl Fields {
    /// An object; `path` is empty for the request itself.
    pub fn new(value: Value, path: impl Into<String>) -> Result<Fields, Problem> {
        let path = path.into();
        match value {
            // What is null was not said.
            Value::Object(fields) => Ok(Fields { fields: fields.into_iter().filter(|(_, value)| !value.is_null()).collect(), path }),
            other => Err(wrong(&path, "an object", &other)),
        }
    }

    /// The path of a field.
    pub fn at(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    /// A field, whatever it is.
    pub fn take(&mut self, name: &str) -> Option<Value> {
        // Order matters to nobody but whoever reads the rest, in an error.
        self.fields.shift_remove(name)
    }

    /// `true` or `false`.
    pub fn flag(&mut self, name: &str) -> Result<Option<bool>, Problem> {
        let Some(value) = self.take(name) else { return Ok(None) };
        value.as_bool().map(Some).ok_or_else(|| wrong(&self.at(name), "true or false", &value))
    }

    /// A number from `least` to `most`.
    pub fn number(&mut self, name: &str, least: f32, most: f32) -> Result<Option<f32>, Problem> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let number = value.as_f64().map(|number| number as f32).filter(|number| (least..=most).contains(number));
        number.map(Some).ok_or_else(|| wrong(&self.at(name), &format!("a number from {least} to {most}"), &value))
    }

    /// A whole number, be it written as 8 or as 8.0.
    pub fn whole(&mut self, name: &str) -> Result<Option<i64>, Problem> {
        let Some(value) = self.take(name) else { return Ok(None) };
        whole(&value).map(Some).ok_or_else(|| wrong(&self.at(name), "a whole number", &value))
    }

    /// A whole number from 0 to `most`.
    pub fn count(&mut self, name: &str, most: usize) -> Result<Option<usize>, Problem> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let count = whole(&value).and_then(|count| usize::try_from(count).ok()).filter(|count| *count <= most);
        count.map(Some).ok_or_else(|| wrong(&self.at(name), &format!("a whole number from 0 to {most}"), &value))
    }

    /// A text.
    pub fn text(&mut self, name: &str) -> Result<Option<String>, Problem> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(wrong(&self.at(name), "a text", &other)),
        }
    }

    /// A list.
    pub fn list(&mut self, name: &str) -> Result<Option<Vec<Value>>, Problem> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Array(items)) => Ok(Some(items)),
            Some(other) => Err(wrong(&self.at(name), "a list", &other)),
        }
    }

    /// An object.
    pub fn object(&mut self, name: &str) -> Result<Option<Fields>, Problem> {
        self.take(name).map(|value| Fields::new(value, self.at(name))).transpose()
    }

    /// Takes a field that is done if it has this value alone.
    pub fn neutral(&mut self, name: &str, is_neutral: impl Fn(&Value) -> bool) -> Result<(), Problem> {
        match self.take(name) {
            Some(value) if !is_neutral(&value) => Err(undone(&self.at(name), &value)),
            _ => Ok(()),
        }
    }

    /// What is left, for whoever reads it.
    pub fn rest(self) -> Map<String, Value> {
        self.fields
    }

    /// Refuses what is left.
    pub fn end(self) -> Result<(), Problem> {
        match self.fields.iter().next() {
            Some((name, value)) => Err(undone(&self.at(name), value)),
            None => Ok(()),
        }
    }
}

/// A whole number that an `i64` holds.
pub(super) fn whole(value: &Value) -> Option<i64> {
    // Above 2^53 a float is not exact.
    let of_float = |number: f64| (number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0).then_some(number as i64);
    value.as_i64().or_else(|| value.as_f64().filter(|_| value.is_f64()).and_then(of_float))
}

/// A field that is not what it must be.
pub(super) fn wrong(path: &str, wanted: &str, found: &Value) -> Problem {
    Problem::field(path, format_args!("'{path}' must be {wanted}, got {}", shown(found)))
}

/// A field that would change the answer in a way that is not done.
pub(in crate::server) fn undone(path: &str, found: &Value) -> Problem {
    let message = format!("'{path}' = {} is not supported; leave it out", shown(found));
    Problem { code: "unsupported_value", ..Problem::field(path, message) }
}

/// A value as far as a line shows it.
fn shown(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(100) {
        Some((at, _)) => format!("{}...", &text[..at]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_are_lenient_and_errors_name_their_path() {
        let mut fields = Fields::new(json!({ "a": 8.0, "b": 8.5, "c": -1, "d": null, "e": "x", "f": 7 }), "outer").unwrap();
        assert_eq!((fields.whole("a").unwrap(), fields.whole("c").unwrap(), fields.whole("d").unwrap()), (Some(8), Some(-1), None));
        for (name, problem) in [("b", fields.whole("b").unwrap_err()), ("e", fields.list("e").unwrap_err())] {
            assert_eq!(problem.param, Some(format!("outer.{name}")));
        }
        let left = fields.end().unwrap_err();
        assert_eq!((left.param.as_deref(), left.code), (Some("outer.f"), "unsupported_value"));
        assert_eq!(Fields::new(json!([1]), "outer").err().unwrap().param.as_deref(), Some("outer"));
    }
}
