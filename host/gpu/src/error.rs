//! Why a GPU cannot be used, or failed.

/// Why a GPU cannot be used, or failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GpuError {
    /// No adapter at all.
    #[error(
        "no GPU adapter found; install its driver ('apt-get install mesa-vulkan-drivers' has those of Intel and AMD and a software one), then try 'nda devices'"
    )]
    NoAdapter,
    /// No adapter of that number or name.
    #[error("no GPU adapter '{wanted}'; there are: {found}")]
    NoSuchAdapter {
        /// What was asked for.
        wanted: String,
        /// Numbers and names of those that there are.
        found: String,
    },
    /// Several adapters have the text in their names.
    #[error("'{wanted}' is part of several GPU adapters' names; use a number: {found}")]
    Ambiguous {
        /// What was asked for.
        wanted: String,
        /// Numbers and names of those that there are.
        found: String,
    },
    /// The adapter is there but gives no device.
    #[error("GPU '{adapter}' cannot be opened: {reason}")]
    Open {
        /// The adapter's name.
        adapter: String,
        /// What the driver says.
        reason: String,
    },
    /// The self-test found a wrong number.
    #[error("GPU '{adapter}' computes wrongly ({what}); its driver may be at fault: update it, or use --backend cpu")]
    Wrong {
        /// The adapter's name.
        adapter: String,
        /// The first product that differs.
        what: String,
    },
    /// An allocation failed.
    #[error("GPU '{adapter}' has no room for {bytes} bytes: {reason}; use --backend cpu, or a smaller model")]
    OutOfMemory {
        /// The adapter's name.
        adapter: String,
        /// How many were asked for.
        bytes: u64,
        /// What the driver says.
        reason: String,
    },
    /// The device is gone or refused a command.
    #[error("GPU '{adapter}' failed: {reason}")]
    Lost {
        /// The adapter's name.
        adapter: String,
        /// What the driver says.
        reason: String,
    },
    /// The device did not answer in time.
    #[error("GPU '{adapter}' did not answer within {seconds} s; reset its driver or use --backend cpu")]
    Hang {
        /// The adapter's name.
        adapter: String,
        /// The limit.
        seconds: u64,
    },
}
