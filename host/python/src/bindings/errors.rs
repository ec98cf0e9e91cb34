//! Faults as exceptions.

use crate::fault::{Fault, Kind};
use pyo3::prelude::*;

// They are written in Python, where a class can be an Error and a ValueError.
pyo3::import_exception!(nda._errors, ArgumentError);
pyo3::import_exception!(nda._errors, DocumentError);
pyo3::import_exception!(nda._errors, ModelError);
pyo3::import_exception!(nda._errors, DeviceError);

impl From<Fault> for PyErr {
    fn from(fault: Fault) -> PyErr {
        let words = (fault.what, fault.at, fault.help);
        match fault.kind {
            Kind::Argument => ArgumentError::new_err(words),
            Kind::Document => DocumentError::new_err(words),
            Kind::Model => ModelError::new_err(words),
            Kind::Device => DeviceError::new_err(words),
        }
    }
}
