//! The extension module `nda._nda`: what Python sees. Long work runs with the interpreter's lock released.

mod array;
mod device;
mod document;
mod errors;
mod model;
mod number;

use pyo3::prelude::pymodule;

/// Documents, exact products and models of nda; see `nda`.
#[pymodule]
mod _nda {
    use pyo3::prelude::*;

    #[pymodule_export]
    use super::device::PyDevice;
    #[pymodule_export]
    use super::document::{PyDocument, PyMatrix};
    #[pymodule_export]
    use super::model::{PyGeneration, PyModel};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
