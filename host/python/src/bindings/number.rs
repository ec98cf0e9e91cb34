//! Numbers of Python, which have no bounds, as those of this crate: one that does not fit is an `nda.ArgumentError` too.

use crate::fault::Fault;
use pyo3::exceptions::PyOverflowError;
use pyo3::prelude::*;

/// A number of one of this crate's types; what is no number at all stays Python's `TypeError`.
fn fitting<'py, T>(value: &Bound<'py, PyAny>, name: &str, help: &str) -> PyResult<T>
where
    T: for<'a> FromPyObject<'a, 'py, Error = PyErr>,
{
    value.extract().map_err(|error: PyErr| {
        if !error.is_instance_of::<PyOverflowError>(value.py()) {
            return error;
        }
        // A number of a thousand digits is not printed.
        let shown = value.str().map_or_else(|_| "the number".into(), |text| text.to_string());
        let shown = if shown.len() > 32 { format!("{}...", &shown[..32]) } else { shown };
        Fault::argument(format_args!("{name} cannot be {shown}"), name, help).into()
    })
}

/// As [`fitting`], or `None`.
fn optional<'py, T>(value: &Bound<'py, PyAny>, name: &str, help: &str) -> PyResult<Option<T>>
where
    T: for<'a> FromPyObject<'a, 'py, Error = PyErr>,
{
    if value.is_none() { Ok(None) } else { fitting(value, name, help).map(Some) }
}

pub fn stack(value: &Bound<'_, PyAny>) -> PyResult<usize> {
    fitting(value, "stack", "stacks are counted from 0; Matrix.stacks says how many there are")
}

pub fn max_tokens(value: &Bound<'_, PyAny>) -> PyResult<usize> {
    fitting(value, "max_tokens", "give a whole number from 0 on")
}

pub fn temperature(value: &Bound<'_, PyAny>) -> PyResult<f32> {
    fitting(value, "temperature", "give 0 for the likeliest token, or a little more to draw")
}

pub fn top_k(value: &Bound<'_, PyAny>) -> PyResult<Option<usize>> {
    optional(value, "top_k", "give a whole number from 1 on, or None")
}

pub fn top_p(value: &Bound<'_, PyAny>) -> PyResult<Option<f32>> {
    optional(value, "top_p", "give a probability above 0 and up to 1, or None")
}

pub fn seed(value: &Bound<'_, PyAny>) -> PyResult<u64> {
    fitting(value, "seed", "give a whole number of 64 bits, from 0 on")
}

/// Tokens of a sequence.
pub fn tokens(value: &Bound<'_, PyAny>) -> PyResult<Vec<u32>> {
    value.try_iter()?.map(|token| fitting(&token?, "a token", "tokens are whole numbers from 0 to Model.vocab_size - 1")).collect()
}
