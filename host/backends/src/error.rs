//! The errors of this crate's border.

use crate::name::{BackendName, option_name};
use nda_device::DeviceError;
use nda_kernels::{CpuError, Variant};
use nda_sim::SimError;
use nda_spec::config::ConfigError;

/// Why a back end cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum BackendError {
    /// A name that nothing is called by.
    #[error("{reason}")]
    Name {
        /// The name.
        text: String,
        /// What is wrong with it.
        reason: String,
        /// What to write instead.
        help: String,
    },
    /// No such configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Kernels that this machine does not run.
    #[error("{source}")]
    Kernels {
        /// The kernels.
        variant: Variant,
        /// What they lack.
        source: CpuError,
    },
    /// A board or its link failed.
    #[error("{source}")]
    Device {
        /// The back end.
        name: String,
        /// What happened.
        source: DeviceError,
    },
    /// A GPU cannot be used.
    #[cfg(feature = "gpu")]
    #[error("{source}")]
    Gpu {
        /// The back end.
        name: String,
        /// Why not.
        source: nda_gpu::GpuError,
    },
    /// This build has no GPU back end.
    #[error("this build has no GPU back end")]
    NoGpu,
    /// The simulated board cannot be made, or is not in this build.
    #[error("{source}")]
    Simulator {
        /// What was asked for.
        at: String,
        /// Why not.
        source: SimError,
    },
}

impl BackendError {
    /// A board's failure.
    pub fn device(name: impl std::fmt::Display, source: DeviceError) -> BackendError {
        BackendError::Device { name: name.to_string(), source }
    }

    /// Where it happened, a few words.
    pub fn place(&self) -> String {
        match self {
            BackendError::Name { text, .. } => format!("--backend {text}"),
            BackendError::Config(_) => "hdl/spec/configs.toml".into(),
            BackendError::Kernels { variant, .. } => format!("--backend {}", BackendName::Cpu(Some(*variant))),
            BackendError::Device { name, .. } => name.clone(),
            #[cfg(feature = "gpu")]
            BackendError::Gpu { name, .. } => format!("--backend {name}"),
            BackendError::NoGpu => "--backend gpu".into(),
            BackendError::Simulator { at, .. } => at.clone(),
        }
    }

    /// The next step for a person, one line.
    pub fn help(&self) -> String {
        match self {
            BackendError::Name { help, .. } => help.clone(),
            BackendError::Config(_) => "'nda devices' lists the configurations".into(),
            BackendError::Kernels { .. } => {
                let names: Vec<String> = Variant::available().into_iter().map(|v| format!("cpu:{}", option_name(v))).collect();
                format!("this machine runs {}", names.join(", "))
            }
            BackendError::Device { .. } => {
                "check power, cable and image; list what is there with 'nda devices'; '--backend cpu' needs no board".into()
            }
            #[cfg(feature = "gpu")]
            BackendError::Gpu { .. } => "'nda devices' lists adapters; '--backend cpu' needs none".into(),
            BackendError::NoGpu => "build nda-cli with the feature 'gpu', or use '--backend cpu'".into(),
            BackendError::Simulator { source, .. } => match source {
                SimError::NotBuilt => {
                    "build nda-cli with the feature 'verilator', which needs Verilator and a C++ compiler, or use '--backend cpu'"
                }
                SimError::Unknown { .. } | SimError::Config(_) => "'nda devices' lists the configurations",
                SimError::Configuration { .. } => "build nda-cli with the feature 'configurations', or with its default features",
                SimError::SlowUart { .. } => "use its parallel port, 'sim:CONFIG': the same engine is behind it",
                SimError::Make { .. } => "free some memory, or use a smaller configuration",
                SimError::NoWaves => "build nda-cli with the feature 'waves', or with its default features",
                SimError::Wave { .. } => "make room on the disk, or give a folder on another one",
            }
            .into(),
        }
    }
}
