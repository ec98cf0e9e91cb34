//! Why there is no bitstream.

use std::path::{Path, PathBuf};

/// What stopped the flow: where, with which numbers, and what to do next.
#[derive(Debug, thiserror::Error)]
pub enum FlowError {
    /// A row or a pin file.
    #[error(transparent)]
    Board(#[from] nda_boards::BoardError),
    /// The cores refuse the configuration.
    #[error("configuration '{config}' cannot be emitted: {source}")]
    Emit {
        /// The configuration.
        config: String,
        /// Why.
        source: nda_cores::EmitError,
    },
    /// A board that stops at its constraints.
    #[error("board '{board}' is not routed: {note}")]
    NotRouted {
        /// The board.
        board: String,
        /// Its row's note.
        note: String,
    },
    /// Nothing was built yet.
    #[error("board '{board}' has no {what} yet; run 'make {command}'")]
    NotBuilt {
        /// The board.
        board: String,
        /// Bitstream or record.
        what: &'static str,
        /// What makes it.
        command: String,
    },
    /// A file that is not written.
    #[error("{place}: {0}; {help}", place = .0.path().display(), help = .0.help())]
    File(#[from] nda_files::FilesError),
    /// A file or folder.
    #[error("cannot {what} {}: {source}", path.display())]
    Io {
        /// Read, write, make.
        what: &'static str,
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file that a tool wrote is not what it should be.
    #[error("{}: {problem}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// A tool is not installed.
    #[error("{tool} is not in {}; run 'make tools'", folder.display())]
    MissingTool {
        /// The tool.
        tool: String,
        /// Where it should be.
        folder: PathBuf,
    },
    /// A tool ended with another status than 0.
    #[error("{tool} ended with {status}; its log is {}\n{tail}", log.display())]
    ToolFailed {
        /// The tool.
        tool: String,
        /// Exit code or signal.
        status: String,
        /// Where its output is.
        log: PathBuf,
        /// The last lines of it.
        tail: String,
    },
    /// A constraint that a tool says it did not use.
    #[error("{tool} left a constraint unused: {line}; correct the pin file or the row (log: {})", log.display())]
    UnusedConstraint {
        /// The tool.
        tool: String,
        /// What it says.
        line: String,
        /// Where.
        log: PathBuf,
    },
    /// A clock without its constraint in the tool's report.
    #[error("clock '{clock}' should be constrained to {wanted_mhz:.3} MHz, but the report says {found}")]
    Unconstrained {
        /// The clock.
        clock: String,
        /// What it should be constrained to.
        wanted_mhz: f64,
        /// What the report says.
        found: String,
    },
    /// Too slow.
    #[error("missed timing: {} of board '{board}'; make the slowest path shorter, or try other seeds", misses.join("; "))]
    MissedTiming {
        /// The board.
        board: String,
        /// Seed, clock and numbers of each.
        misses: Vec<String>,
    },
    /// Too big.
    #[error("board '{board}' uses {used} of {available} {resource}, more than the row's {percent} %; choose a smaller configuration")]
    OverBudget {
        /// The board.
        board: String,
        /// nextpnr's name of the resource.
        resource: String,
        /// How many are used.
        used: u64,
        /// How many there are.
        available: u64,
        /// The row's budget.
        percent: u32,
    },
    /// The routed design's pin does not have the pin file's I/O standard.
    #[error("port '{port}' should be {wanted}, but in the routed design it is {found}; one statement a line in {file}")]
    IoType {
        /// The port.
        port: String,
        /// The pin file's standard.
        wanted: String,
        /// The routed design's.
        found: String,
        /// The pin file.
        file: String,
    },
    /// A memory of the routed design is elsewhere than its file says.
    #[error("{cell} is at {found} in the routed design, but {file} says {wanted}; correct the file, or report what the tool did with it")]
    Place {
        /// The memory's cell.
        cell: String,
        /// The memory file's site.
        wanted: String,
        /// The routed design's.
        found: String,
        /// The memory file.
        file: String,
    },
    /// The routed design would answer IDENT with another page.
    #[error("the routed design's identification differs: {problem}")]
    Identity {
        /// What differs.
        problem: String,
    },
    /// Programmer not found.
    #[error("{program} is not on the PATH; {help}")]
    NoProgrammer {
        /// The program.
        program: String,
        /// What to install.
        help: String,
    },
    /// The programmer is older than the board's support.
    #[error("{version} does not know the board '{board}'; {help}")]
    LoaderTooOld {
        /// What it says it is.
        version: String,
        /// The board's name in the programmer.
        board: String,
        /// Which version knows it, and how to get it.
        help: String,
    },
    /// The programmer failed.
    #[error("{program} ended with {status}; is the {board} plugged in, and may this user open it?")]
    Programmer {
        /// The program.
        program: String,
        /// Exit code or signal.
        status: String,
        /// The board.
        board: String,
    },
    /// The committed table or record is not what comes out now.
    #[error("{} is out of date: {problem}; run {command}", path.display())]
    Stale {
        /// The file.
        path: PathBuf,
        /// What differs.
        problem: String,
        /// What to run.
        command: &'static str,
    },
}

impl FlowError {
    /// Whether nextpnr ended because it found no legal placement: another seed may have one.
    pub(crate) fn is_unplaced(&self) -> bool {
        let signs = [
            "Unable to find legal placement",
            "Unable to find a placement location",
            "after relative constraint legalisation",
            "failed to place chain",
        ];
        matches!(self, FlowError::ToolFailed { tail, .. } if signs.iter().any(|sign| tail.contains(sign)))
    }

    pub(crate) fn io(what: &'static str, path: &Path, source: std::io::Error) -> FlowError {
        FlowError::Io { what, path: path.into(), source }
    }

    pub(crate) fn malformed(path: &Path, problem: impl ToString) -> FlowError {
        FlowError::Malformed { path: path.into(), problem: problem.to_string() }
    }
}

/// Writes a file, in a folder that is there.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), FlowError> {
    Ok(nda_files::write(path, &[], bytes)?)
}

/// Reads a text.
pub(crate) fn read(path: &Path) -> Result<String, FlowError> {
    std::fs::read_to_string(path).map_err(|e| FlowError::io("read", path, e))
}
