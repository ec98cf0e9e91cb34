//! Why a simulation cannot start.

/// Why a simulation cannot start.
#[derive(Debug, thiserror::Error)]
pub enum SimError {
    /// The crate was built without its feature `verilator`.
    #[error(
        "the simulated board is not built in: install Verilator (`apt-get install verilator g++`) and build with the feature `verilator`"
    )]
    NotBuilt,
    /// The crate was built without its feature `configurations`.
    #[error("this build simulates {built} alone, not {config}")]
    Configuration {
        /// The configuration asked for.
        config: String,
        /// The one that is built in.
        built: &'static str,
    },
    /// A UART so slow that almost all cycles would be waiting.
    #[error("the UART of {config} is not simulated: {bit_cycles} cycles per bit")]
    SlowUart {
        /// The configuration asked for.
        config: String,
        /// Clock cycles per bit.
        bit_cycles: u32,
    },
    /// No model of that name.
    #[error("no verilated model is called '{name}'; there are {known}")]
    Unknown {
        /// The name asked for.
        name: String,
        /// Those there are.
        known: String,
    },
    /// The configuration itself is bad.
    #[error(transparent)]
    Config(#[from] nda_spec::config::ConfigError),
    /// The C++ model could not be made: memory, usually.
    #[error("the model '{name}' could not be made: out of memory?")]
    Make {
        /// The model.
        name: String,
    },
    /// A model without waves was asked for them.
    #[error("this build simulates boards without their waves")]
    NoWaves,
    /// Waves could not be written.
    #[error("the waves cannot be written: {reason}")]
    Wave {
        /// What the operating system said.
        reason: String,
    },
}
