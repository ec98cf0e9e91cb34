//! Why a netlist could not be made or run.

use std::path::{Path, PathBuf};

/// Why a netlist could not be made or run.
#[derive(Debug, thiserror::Error)]
pub enum GateError {
    /// A tool is not there.
    #[error("'{tool}' cannot be run: {reason}; run `make tools` in the repository first")]
    Missing {
        /// The tool.
        tool: String,
        /// What the operating system said, or where was looked.
        reason: String,
    },
    /// A tool ended with an error.
    #[error("{tool} failed on {what} ({status}); its last words:\n{output}")]
    Failed {
        /// The tool.
        tool: &'static str,
        /// What it worked on.
        what: String,
        /// Its exit status.
        status: String,
        /// The end of its log.
        output: String,
    },
    /// A file could not be read or written.
    #[error("cannot {action} {}: {source}", path.display())]
    File {
        /// "read", "write" or "make".
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A cell library does not have a module that is to be replaced.
    #[error("yosys's cell models have no module '{module}' in {}; another version of yosys is installed than requirements.txt names", file.display())]
    Cells {
        /// The module.
        module: String,
        /// Where it was looked for.
        file: PathBuf,
    },
    /// The running model ended or said something else than agreed.
    #[error("the model of {what} ended: {reason}")]
    Ended {
        /// Which one.
        what: String,
        /// What was seen.
        reason: String,
    },
}

impl GateError {
    /// For `map_err`: a file that could not be treated so.
    pub(crate) fn file(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> GateError {
        let path = path.to_path_buf();
        move |source| GateError::File { action, path, source }
    }
}
