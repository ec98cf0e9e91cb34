//! Where GPUs are plugged in; without the feature `gpu` the door says what is missing.

use crate::backend::Kind;
use crate::error::BackendError;

/// An open GPU.
///
/// # Errors
/// No such adapter, one that cannot be used; a build without GPUs.
#[cfg(feature = "gpu")]
pub(crate) fn open<'m>(adapter: Option<&str>) -> Result<Kind<'m>, BackendError> {
    let name = || crate::name::BackendName::Gpu(adapter.map(str::to_owned)).to_string();
    let gpu = nda_gpu::GpuGemv::open(adapter).map_err(|source| BackendError::Gpu { name: name(), source })?;
    Ok(Kind::Gpu(Box::new(gpu)))
}

/// An open GPU: there is none in this build.
///
/// # Errors
/// [`BackendError::NoGpu`].
#[cfg(not(feature = "gpu"))]
pub(crate) fn open<'m>(_adapter: Option<&str>) -> Result<Kind<'m>, BackendError> {
    Err(BackendError::NoGpu)
}

/// An adapter of this machine, as a person reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adapter {
    /// Its name.
    pub name: String,
    /// What it is: discrete, integrated, virtual, software.
    pub kind: &'static str,
    /// The interface that it is reached through, and the driver.
    pub driver: String,
    /// Largest buffer that a shader sees at once, in bytes.
    pub binding_bytes: u64,
    /// What it can do besides products, a few words each.
    pub can: Vec<&'static str>,
}

/// How [`Adapter::can`] says that an adapter has what whole tokens take.
const WHOLE_TOKENS: &str = "whole tokens";

impl Adapter {
    /// Whether it makes whole tokens: its shaders have integers of 64 bits.
    pub fn makes_tokens(&self) -> bool {
        self.can.contains(&WHOLE_TOKENS)
    }
}

/// The adapters of this machine, in the order of their numbers.
///
/// # Errors
/// [`BackendError::NoGpu`] in a build without GPUs.
#[cfg(feature = "gpu")]
pub fn adapters() -> Result<Vec<Adapter>, BackendError> {
    let describe = |info: nda_gpu::AdapterInfo| Adapter {
        name: info.name,
        kind: info.kind.name(),
        driver: format!("{}, {}", info.interface, info.driver),
        binding_bytes: info.binding_bytes,
        can: [(info.has_int64, WHOLE_TOKENS), (info.has_subgroups, "subgroups"), (info.has_shared_memory, "memory shared with the CPU")]
            .into_iter()
            .filter_map(|(is_there, what)| is_there.then_some(what))
            .collect(),
    };
    Ok(nda_gpu::adapters().into_iter().map(describe).collect())
}

/// The adapters of this machine: a build without GPUs does not know them.
///
/// # Errors
/// [`BackendError::NoGpu`].
#[cfg(not(feature = "gpu"))]
pub fn adapters() -> Result<Vec<Adapter>, BackendError> {
    Err(BackendError::NoGpu)
}
