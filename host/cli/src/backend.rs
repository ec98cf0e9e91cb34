//! Back ends as commands open them: failures become three lines and an exit code, notes go to standard error.

use crate::failure::{Exit, Failure, Outcome, Stop};
use crate::output::{self, Progress};
use nda_backends::{BackendError, SimError};
use nda_engine::Weights;
use nda_spec::Config;
use nda_spec::plan::Layer;

pub use nda_backends::{Backend, BackendName, SimPort, option_name};

/// The back end of a name.
pub fn parse(text: &str) -> Outcome<BackendName> {
    Ok(BackendName::parse(text)?)
}

/// The configuration of a name.
pub fn config(name: &str) -> Outcome<Config> {
    Ok(nda_backends::config(name)?)
}

/// A back end that multiplies everything itself or refuses: for `gemv` and `verify`.
pub fn open<'m>(name: &BackendName) -> Outcome<Backend<'m>> {
    noted(Backend::open(name)?)
}

/// A back end for a model: products that boards have no room for run on the CPU.
pub fn open_for_model<'m>(name: &BackendName, weights: &Weights<'_>) -> Outcome<Backend<'m>> {
    noted(Backend::open_for_model(name, &layers(weights))?)
}

fn noted(backend: Backend<'_>) -> Outcome<Backend<'_>> {
    backend.notes().iter().for_each(output::note);
    Ok(backend)
}

/// The products of a model on a back end of integers, in the order in which a token meets them.
pub fn layers(weights: &Weights<'_>) -> Vec<Layer> {
    weights.fused_layers().into_iter().flat_map(|(_, products)| products.integer_layers()).collect()
}

/// Why products of a model run on the CPU although there are boards, one by one: no room, or weights of floats.
pub fn on_cpu(backend: &Backend<'_>, weights: &Weights<'_>) -> Vec<String> {
    let floats = if backend.has_boards() { weights.float_layers().len() } else { 0 };
    let reasons = backend.refusals().iter().cloned();
    reasons.chain(std::iter::repeat_n(FLOATS.into(), floats)).collect()
}

/// Why no array has a layer of floats.
pub const FLOATS: &str = "its weights are floats, which no array multiplies; convert with --weights k2";

/// One line on the products that run on the CPU, if only some do: where all do, that was said first.
pub fn remark(backend: &Backend<'_>, weights: &Weights<'_>) -> Option<String> {
    let reasons = on_cpu(backend, weights);
    let first = reasons.first().filter(|_| backend.idle().is_none())?;
    Some(format!("{} products run on the CPU, the first because {first}; 'nda plan' lists all", reasons.len()))
}

/// Sends all weights to the boards now, with a bar.
pub fn upload(backend: &mut Backend<'_>) -> Outcome {
    let mut bar = Progress::new("uploading");
    Ok(backend.upload(move |done, total| bar.set(done as usize, total as usize))?)
}

impl From<BackendError> for Failure {
    fn from(error: BackendError) -> Failure {
        let exit = match &error {
            BackendError::Name { .. } | BackendError::Config(_) => Exit::Usage,
            BackendError::Kernels { .. } | BackendError::NoGpu => Exit::Unavailable,
            #[cfg(feature = "gpu")]
            BackendError::Gpu { .. } => Exit::Unavailable,
            BackendError::Device { .. } => Exit::Device,
            BackendError::Simulator { source, .. } => match source {
                SimError::NotBuilt | SimError::NoWaves | SimError::Configuration { .. } => Exit::Unavailable,
                SimError::Unknown { .. } | SimError::SlowUart { .. } | SimError::Config(_) => Exit::Usage,
                SimError::Make { .. } => Exit::Failed,
                SimError::Wave { .. } => Exit::BadFile,
            },
        };
        Failure::new(exit, &error, error.place(), error.help())
    }
}

impl From<BackendError> for Stop {
    fn from(error: BackendError) -> Stop {
        Stop::Failure(error.into())
    }
}
