//! Devices.

use crate::device::Device;
use pyo3::prelude::*;
use std::sync::Arc;

/// A back end: this machine's processor, a simulated board, a board on a serial port.
#[pyclass(name = "Device", module = "nda", frozen)]
pub struct PyDevice {
    pub device: Arc<Device>,
}

#[pymethods]
impl PyDevice {
    #[new]
    #[pyo3(signature = (name="cpu"))]
    pub fn new(py: Python<'_>, name: &str) -> PyResult<PyDevice> {
        Ok(PyDevice { device: Arc::new(py.detach(|| Device::open(name))?) })
    }

    /// Its name in full.
    #[getter]
    fn name(&self) -> String {
        self.device.name()
    }

    /// Gives back port, threads and memory; the next use opens it again.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        Ok(py.detach(|| self.device.close())?)
    }

    fn __repr__(&self) -> String {
        format!("<nda.Device '{}'>", self.device.name())
    }
}
