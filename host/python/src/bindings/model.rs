//! Models and what they say.

use super::device::PyDevice;
use super::document::PyDocument;
use super::number;
use crate::device::Device;
use crate::fault::Fault;
use crate::model::{Asked, Model, Offload, Said};
use nda_engine::Sampling;
use numpy::{PyArray1, PyArray2, PyArrayMethods};
use pyo3::prelude::*;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;

/// A document's model on a device.
#[pyclass(name = "Model", module = "nda", frozen)]
pub struct PyModel {
    model: Arc<Model>,
    device: Arc<Device>,
}

/// A document, or where one is.
#[derive(FromPyObject)]
pub enum Source<'py> {
    Document(PyRef<'py, PyDocument>),
    Path(PathBuf),
}

/// A device, or what one is called.
#[derive(FromPyObject)]
pub enum Target<'py> {
    Device(PyRef<'py, PyDevice>),
    Name(String),
}

#[pymethods]
impl PyModel {
    #[new]
    #[pyo3(signature = (document, device=None, *, offload=None))]
    fn new(py: Python<'_>, document: Source<'_>, device: Option<Target<'_>>, offload: Option<&str>) -> PyResult<PyModel> {
        let offload = offload.map_or(Ok(Offload::Best), str::parse)?;
        let document = match document {
            Source::Document(document) => Arc::clone(&document.document),
            Source::Path(path) => PyDocument::new(py, path)?.document,
        };
        let device = match device {
            Some(Target::Device(device)) => Arc::clone(&device.device),
            Some(Target::Name(name)) => PyDevice::new(py, &name)?.device,
            None => Arc::new(Device::named("cpu")?),
        };
        let model = py.detach(|| Model::open(&document, offload))?;
        Ok(PyModel { model, device })
    }

    /// Who multiplies.
    #[getter]
    fn device(&self) -> PyDevice {
        PyDevice { device: Arc::clone(&self.device) }
    }

    /// Tokens that the model knows.
    #[getter]
    fn vocab_size(&self) -> usize {
        self.model.weights().hyper().vocab_size
    }

    /// Positions that a text may have.
    #[getter]
    fn context(&self) -> usize {
        self.model.weights().hyper().context
    }

    /// The tokens of a text.
    fn encode(&self, text: &str) -> PyResult<Vec<u32>> {
        Ok(self.model.encode(text.as_bytes())?)
    }

    /// The text of tokens; bytes that are no UTF-8 become U+FFFD.
    fn decode(&self, #[pyo3(from_py_with = number::tokens)] tokens: Vec<u32>) -> PyResult<String> {
        Ok(String::from_utf8_lossy(&self.model.decode(&tokens)?).into_owned())
    }

    /// Continues a prompt.
    #[expect(clippy::too_many_arguments, reason = "they are Python's, with names")]
    #[pyo3(signature = (prompt, max_tokens=128, *, temperature=0.0, top_k=None, top_p=None, seed=0, on_text=None))]
    fn generate(
        &self,
        py: Python<'_>,
        prompt: &str,
        #[pyo3(from_py_with = number::max_tokens)] max_tokens: usize,
        #[pyo3(from_py_with = number::temperature)] temperature: f32,
        #[pyo3(from_py_with = number::top_k)] top_k: Option<usize>,
        #[pyo3(from_py_with = number::top_p)] top_p: Option<f32>,
        #[pyo3(from_py_with = number::seed)] seed: u64,
        on_text: Option<Py<PyAny>>,
    ) -> PyResult<PyGeneration> {
        let sampling = Sampling { temperature, top_k, top_p, seed };
        let asked = Asked { prompt: prompt.as_bytes(), max_tokens, sampling };
        let mut raised = None;
        let mut piece = |text: &str| {
            let heard = Python::attach(|py| {
                py.check_signals()?;
                on_text.as_ref().map_or(Ok(()), |hear| hear.call1(py, (text,)).map(drop))
            });
            match heard {
                Ok(()) => ControlFlow::Continue(()),
                Err(error) => {
                    raised = Some(error);
                    ControlFlow::Break(())
                }
            }
        };
        let said = py.detach(|| self.device.generate(&self.model, &asked, &mut piece));
        match raised {
            Some(error) => Err(error),
            None => Ok(PyGeneration { said: said? }),
        }
    }

    /// The logits of what follows every one of some tokens, a row per token.
    fn logits<'py>(&self, py: Python<'py>, #[pyo3(from_py_with = number::tokens)] tokens: Vec<u32>) -> PyResult<Bound<'py, PyArray2<f32>>> {
        if tokens.is_empty() {
            return Err(Fault::argument("there are no tokens", "tokens", "give one or more; Model.encode makes them of a text").into());
        }
        let logits = py.detach(|| self.device.logits(&self.model, &tokens))?;
        PyArray1::from_vec(py, logits).reshape([tokens.len(), self.vocab_size()])
    }

    fn __repr__(&self) -> String {
        format!("<nda.Model '{}' on '{}'>", self.model.document().path().display(), self.device.name())
    }
}

/// A text that a model has made.
#[pyclass(name = "Generation", module = "nda", frozen)]
pub struct PyGeneration {
    said: Said,
}

#[pymethods]
impl PyGeneration {
    /// The text after the prompt.
    #[getter]
    fn text(&self) -> &str {
        &self.said.text
    }

    /// Its tokens.
    #[getter]
    fn tokens(&self) -> Vec<u32> {
        self.said.tokens.clone()
    }

    /// How often the context was full, and its newer half was taken again.
    #[getter]
    fn slides(&self) -> usize {
        self.said.slides
    }

    /// How long prompt and text took together.
    #[getter]
    fn seconds(&self) -> f64 {
        self.said.elapsed.as_secs_f64()
    }

    /// Products that a board or a GPU multiplied.
    #[getter]
    fn device_products(&self) -> u64 {
        self.said.cost.device.products
    }

    /// Products that this machine's processor multiplied.
    #[getter]
    fn cpu_products(&self) -> u64 {
        self.said.cost.cpu.products
    }

    /// Cycles of the device, link included; 0 where nobody counts.
    #[getter]
    fn cycles(&self) -> u64 {
        self.said.cost.cycles
    }

    fn __str__(&self) -> &str {
        &self.said.text
    }

    fn __repr__(&self) -> String {
        format!("<nda.Generation: {} tokens in {:.2} s>", self.said.tokens.len(), self.seconds())
    }
}
