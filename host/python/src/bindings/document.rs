//! Documents and matrices.

use super::array;
use super::device::PyDevice;
use super::number;
use crate::device::Device;
use crate::document::{Document, Part};
use crate::fault::Fault;
use nda_gemv::Activations;
use nda_ndf::VectorShape;
use nda_spec::ActivationCode;
use numpy::{IxDyn, PyArray, PyArray1, PyArray2, PyArrayDyn, PyArrayMethods, PyUntypedArrayMethods};
use pyo3::prelude::*;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// A document: an .ndf file, mapped and checked to its last byte.
#[pyclass(name = "Document", module = "nda", frozen)]
pub struct PyDocument {
    pub document: Arc<Document>,
    /// Who multiplies if no device is named.
    cpu: Arc<Device>,
}

#[pymethods]
impl PyDocument {
    #[new]
    pub fn new(py: Python<'_>, path: PathBuf) -> PyResult<PyDocument> {
        let document = py.detach(|| Document::open(&path))?;
        Ok(PyDocument { document, cpu: Arc::new(Device::named("cpu")?) })
    }

    /// Where it came from.
    #[getter]
    fn path(&self) -> String {
        self.document.path().display().to_string()
    }

    /// The hash that covers every byte of it, in hexadecimal digits.
    #[getter]
    fn hash(&self) -> String {
        self.document.content().hash().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Texts by key.
    #[getter]
    fn metadata(&self) -> BTreeMap<String, String> {
        self.document.content().metadata().iter().map(|(key, value)| (key.into(), value.into())).collect()
    }

    /// The program's source, if there is one.
    #[getter]
    fn program(&self) -> Option<String> {
        self.document.content().program().map(str::to_owned)
    }

    /// Names of all matrices.
    #[getter]
    fn matrices(&self) -> Vec<String> {
        self.document.content().matrices().map(|frame| frame.name().to_owned()).collect()
    }

    /// Names of all group-quantized matrices.
    #[getter]
    fn grids(&self) -> Vec<String> {
        self.document.content().grids().map(|frame| frame.name().to_owned()).collect()
    }

    /// Names of all vectors and tables.
    #[getter]
    fn vectors(&self) -> Vec<String> {
        self.document.content().vectors().map(|frame| frame.name().to_owned()).collect()
    }

    /// A matrix by its name.
    fn matrix(&self, name: &str) -> PyResult<PyMatrix> {
        Ok(PyMatrix { part: self.document.part(name, 0)?, cpu: Arc::clone(&self.cpu) })
    }

    /// The floats of a vector or table, as an array of one or two dimensions.
    fn vector<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyArrayDyn<f32>>> {
        let found = self.document.content().vector(name).map_err(|error| Fault::of_document(self.document.path(), &error))?;
        let shape = match found.shape() {
            VectorShape::Vector(cols) => vec![cols],
            VectorShape::Table { rows, cols } => vec![rows, cols],
        };
        PyArray1::from_slice(py, found.values()).reshape(IxDyn(&shape))
    }

    fn __repr__(&self) -> String {
        let content = self.document.content();
        let (matrices, grids, vectors) = (content.matrices().count(), content.grids().count(), content.vectors().count());
        format!("<nda.Document '{}': {matrices} matrices, {grids} grids, {vectors} vectors>", self.document.path().display())
    }
}

/// A matrix of a document: stacked bit planes with scales.
#[pyclass(name = "Matrix", module = "nda", frozen)]
pub struct PyMatrix {
    part: Part,
    cpu: Arc<Device>,
}

impl PyMatrix {
    fn stack(&self, stack: usize) -> PyResult<Part> {
        Ok(self.part.document().part(self.part.frame().name(), stack)?)
    }
}

#[pymethods]
impl PyMatrix {
    /// Its name.
    #[getter]
    fn name(&self) -> String {
        self.part.frame().name().to_owned()
    }

    /// Rows and columns.
    #[getter]
    fn shape(&self) -> (usize, usize) {
        self.part.shape()
    }

    /// The name of the code of its weights.
    #[getter]
    fn code(&self) -> &'static str {
        self.part.frame().code().name()
    }

    /// How many stacks of integers are added up, each with scales of its own.
    #[getter]
    fn stacks(&self) -> usize {
        self.part.frame().stacks()
    }

    /// The scales, a row per stack.
    #[getter]
    fn scales<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray2<f32>>> {
        let frame = self.part.frame();
        let scales = frame.scales();
        PyArray::from_slice(py, scales).reshape([frame.stacks(), scales.len() / frame.stacks()])
    }

    /// The integers of a stack.
    #[pyo3(signature = (stack=0))]
    fn codes<'py>(&self, py: Python<'py>, #[pyo3(from_py_with = number::stack)] stack: usize) -> PyResult<Bound<'py, PyArray2<i8>>> {
        let part = self.stack(stack)?;
        let codes = py.detach(|| part.codes());
        PyArray1::from_vec(py, codes).reshape(<[usize; 2]>::from(part.shape()))
    }

    /// The whole matrix as floats: all stacks with their scales, and the outliers.
    fn floats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray2<f32>>> {
        let floats = py.detach(|| self.part.floats());
        PyArray1::from_vec(py, floats).reshape(<[usize; 2]>::from(self.part.shape()))
    }

    /// The exact product of a stack's integers with a vector, or with every row of x.
    #[pyo3(signature = (x, *, stack=0, device=None, activation="A8", out=None))]
    fn gemv<'py>(
        &self,
        py: Python<'py>,
        x: &Bound<'py, PyAny>,
        #[pyo3(from_py_with = number::stack)] stack: usize,
        device: Option<&PyDevice>,
        activation: &str,
        out: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let part = self.stack(stack)?;
        let code = activation_code(activation)?;
        let x = array::read::<i8>(x, "x", "int8")?;
        let (rows, cols) = part.shape();
        let (vectors, shape) = match x.shape() {
            [found] if *found == cols => (1, vec![rows]),
            [vectors, found] if *found == cols => (*vectors, vec![*vectors, rows]),
            found => {
                let help = format!("give x of shape ({cols},) or (n, {cols})");
                return Err(Fault::argument(
                    format_args!("x of shape {found:?} does not fit a matrix of {rows} x {cols}"),
                    part.place(),
                    help,
                )
                .into());
            }
        };
        let y = match out {
            Some(out) => out,
            None => PyArrayDyn::<i32>::zeros(py, IxDyn(&shape), false).into_any(),
        };
        let mut written = array::written::<i32>(&y, "out", "int32")?;
        if written.shape() != shape {
            let what = format!("out has the shape {:?}, but the product has {shape:?}", written.shape());
            return Err(Fault::argument(what, "out", "leave it out, or give one of that shape").into());
        }
        let device = device.map_or(&self.cpu, |device| &device.device);
        let (values, sums) = (x.as_slice()?, written.as_slice_mut()?);
        if vectors > 0 {
            py.detach(|| device.gemv(&part, vectors, Activations { code, values }, sums))?;
        }
        drop(written);
        Ok(y)
    }

    fn __repr__(&self) -> String {
        let (rows, cols) = self.part.shape();
        format!("<nda.Matrix '{}': {rows} x {cols}, {}, stacks: {}>", self.name(), self.code(), self.stacks())
    }
}

fn activation_code(name: &str) -> PyResult<ActivationCode> {
    let found = ActivationCode::ALL.into_iter().find(|code| code.name().eq_ignore_ascii_case(name));
    Ok(found.ok_or_else(|| Fault::argument(format_args!("unknown activation code '{name}'"), "activation", "use 'A8', 'A4' or 'A2'"))?)
}
