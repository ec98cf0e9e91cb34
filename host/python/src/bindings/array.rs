//! NumPy's arrays, read and written where they lie.

use crate::fault::Fault;
use numpy::{Element, PyArrayDyn, PyArrayMethods, PyReadonlyArrayDyn, PyReadwriteArrayDyn, PyUntypedArrayMethods};
use pyo3::prelude::*;

/// Somebody else writes into it: another call, which runs in another thread.
const TAKEN: &str = "give every call an array of its own";

/// An array of that type as it is, without a copy.
fn typed<'py, T: Element>(object: &Bound<'py, PyAny>, name: &str, dtype: &str) -> PyResult<Bound<'py, PyArrayDyn<T>>> {
    let refused =
        |what: String| Fault::argument(what, name, format_args!("convert it: numpy.ascontiguousarray({name}, dtype=numpy.{dtype})"));
    let array = object.cast::<PyArrayDyn<T>>().map_err(|_| {
        let found = object.getattr("dtype").map_or_else(|_| object.get_type().to_string(), |dtype| dtype.to_string());
        refused(format!("{name} must be a NumPy array of {dtype}, got {found}"))
    })?;
    if !array.is_c_contiguous() {
        return Err(refused(format!("{name} does not lie in one piece, row after row")).into());
    }
    Ok(array.clone())
}

/// An array to be read.
pub fn read<'py, T: Element>(object: &Bound<'py, PyAny>, name: &str, dtype: &str) -> PyResult<PyReadonlyArrayDyn<'py, T>> {
    let array = typed(object, name, dtype)?;
    Ok(array.try_readonly().map_err(|error| Fault::argument(error, name, TAKEN))?)
}

/// An array to be written into.
pub fn written<'py, T: Element>(object: &Bound<'py, PyAny>, name: &str, dtype: &str) -> PyResult<PyReadwriteArrayDyn<'py, T>> {
    let array = typed(object, name, dtype)?;
    Ok(array.try_readwrite().map_err(|error| Fault::argument(error, name, TAKEN))?)
}
