//! A part, its proof and its mutants.

use crate::text::{TextError, Verilog};
use nda_gates::{GateError, Tools};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Why a part could not be tried.
#[derive(Debug, thiserror::Error)]
pub enum ProofError {
    /// The text is not what a part was written for.
    #[error(transparent)]
    Text(#[from] TextError),
    /// yosys could not be run.
    #[error(transparent)]
    Tool(#[from] GateError),
    /// yosys ended with neither a proof nor a refutation.
    #[error("{part}: yosys decided nothing; see {}", log.display())]
    Undecided {
        /// The part.
        part: String,
        /// What it said.
        log: PathBuf,
    },
    /// A file could not be written.
    #[error("cannot write {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
}

/// How a part is proved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// For all time: from any state in which the checks held for at most `steps` cycles, they hold in the next. A mutant
    /// has to be refuted within `cycles` from power-up.
    Induction {
        /// Most cycles of the induction.
        steps: usize,
        /// Cycles in which a mutant shows itself.
        cycles: usize,
    },
    /// For this many cycles from power-up.
    Bounded {
        /// The cycles.
        cycles: usize,
    },
    /// Logic without a register: for every input.
    Every,
}

impl Method {
    /// The name in the table.
    pub fn name(self) -> String {
        match self {
            Method::Induction { .. } => "induction".into(),
            Method::Bounded { cycles } => format!("bounded, {cycles} cycles"),
            Method::Every => "every input".into(),
        }
    }

    /// yosys's command for the part itself.
    fn proof(self) -> String {
        match self {
            Method::Induction { steps, .. } => format!("{SAT} -tempinduct -maxsteps {steps}"),
            _ => self.refutation(),
        }
    }

    /// The command for a mutant: only a counterexample that starts at power-up refutes it.
    fn refutation(self) -> String {
        match self {
            Method::Induction { cycles, .. } | Method::Bounded { cycles } => within(cycles),
            Method::Every => SAT.into(),
        }
    }
}

/// yosys's command for every proof.
const SAT: &str = "sat -verify -prove-asserts -set-assumes";
/// The checks from power-up on, for the given number of cycles; a clocked check speaks of the cycle before.
fn within(cycles: usize) -> String {
    format!("{SAT} -tempinduct-baseonly -maxsteps {}", cycles + 1)
}

/// What yosys says of a proof.
const PROVED: [&str; 3] = ["Induction step proven: SUCCESS!", "no model found: SUCCESS!", "-> proved base case for"];
/// What yosys says of a counterexample, and of an induction that found none but did not close either.
const REFUTED: &str = "Called with -verify and proof did fail!";
const OPEN: &str = "Reached maximum number of time steps -> proof failed.";

/// One entry of one truth table changed.
#[derive(Debug, Clone)]
pub struct Mutant {
    /// What is changed, for a person.
    pub what: &'static str,
    /// Text of the emitted Verilog.
    pub place: String,
    /// What stands there instead.
    pub by: String,
    /// What is assumed of the inputs besides, and within how many cycles the mutant then shows itself. A counterexample under more
    /// assumptions is one all the same, and where they name every input the solver has nothing left to search.
    pub trace: Option<(String, usize)>,
}

impl Mutant {
    /// A mutant of the first `place` in the text.
    pub fn new(what: &'static str, place: impl Into<String>, by: impl Into<String>) -> Mutant {
        Mutant { what, place: place.into(), by: by.into(), trace: None }
    }

    /// A mutant that shows itself late: within `cycles` of power-up where `inputs`, an expression, holds in each.
    #[must_use]
    pub fn late(self, inputs: &str, cycles: usize) -> Mutant {
        Mutant { trace: Some((format!("always @(*) assume ({inputs});"), cycles)), ..self }
    }
}

/// A claim about modules of the emitted text.
#[derive(Debug, Clone)]
pub struct Part {
    /// A short name, a folder's too.
    pub name: String,
    /// What is proved.
    pub claim: String,
    /// What it is proved for.
    pub bound: String,
    /// How.
    pub method: Method,
    /// Top module.
    pub top: String,
    /// The text with its checks.
    pub verilog: Verilog,
    /// Each must be refuted.
    pub mutants: Vec<Mutant>,
    /// Whether CI runs it; the others take minutes.
    pub quick: bool,
}

/// What yosys decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Every check holds.
    Proved,
    /// There is a counterexample; its values are in the log.
    Refuted,
}

/// What came of one text.
#[derive(Debug, Clone, Copy)]
pub struct Outcome {
    /// What yosys decided.
    pub verdict: Verdict,
    /// How long it took.
    pub time: Duration,
}

/// What came of a part and its mutants.
#[derive(Debug, Clone)]
pub struct Report {
    /// The part's own proof.
    pub proof: Outcome,
    /// Mutants, and which of them were not refuted.
    pub mutants: usize,
    /// Those that were not.
    pub survivors: Vec<&'static str>,
    /// All together.
    pub time: Duration,
}

impl Report {
    /// Whether the part is proved and every mutant is refuted.
    pub fn good(&self) -> bool {
        self.proof.verdict == Verdict::Proved && self.survivors.is_empty() && self.mutants > 0
    }
}

/// Runs one command on one text; files go to `folder`.
///
/// # Errors
/// [`ProofError`] if neither a proof nor a counterexample comes out.
fn decide(tools: &Tools, part: &Part, verilog: &Verilog, command: &str, folder: &Path, name: &str) -> Result<Outcome, ProofError> {
    let file = |path: PathBuf| move |source| ProofError::File { path, source };
    std::fs::create_dir_all(folder).map_err(file(folder.into()))?;
    let design = folder.join(format!("{name}.v"));
    std::fs::write(&design, verilog.text()).map_err(file(design))?;
    let script = format!(
        "read_verilog -formal -sv {name}.v\nprep -flatten -top {}\nmemory_map\nasync2sync\nchformal -lower\ndffunmap\nopt -full\n{command}\n",
        part.top,
    );
    let start = Instant::now();
    let (good, log) = tools.yosys(folder, name, &script)?;
    let time = start.elapsed();
    // A script that fails for another reason has none of these lines.
    let verdict = match (good, log.contains(REFUTED), log.contains(OPEN)) {
        (true, false, false) if PROVED.iter().any(|line| log.contains(line)) => Verdict::Proved,
        (false, true, false) => Verdict::Refuted,
        _ => return Err(ProofError::Undecided { part: part.name.clone(), log: folder.join(format!("{name}.log")) }),
    };
    Ok(Outcome { verdict, time })
}

/// Proves a part and demands that each of its mutants is refuted.
///
/// # Errors
/// [`ProofError`].
pub fn check(tools: &Tools, part: &Part, folder: &Path) -> Result<Report, ProofError> {
    let start = Instant::now();
    let folder = folder.join(&part.name);
    let proof = decide(tools, part, &part.verilog, &part.method.proof(), &folder, "proof")?;
    let mut survivors = Vec::new();
    for (index, mutant) in part.mutants.iter().enumerate() {
        let mut verilog = part.verilog.replaced(&mutant.place, &mutant.by)?;
        let mut command = part.method.refutation();
        if let Some((inputs, cycles)) = &mutant.trace {
            verilog = verilog.with_checks(&part.top, inputs)?;
            command = within(*cycles);
        }
        let outcome = decide(tools, part, &verilog, &command, &folder, &format!("mutant_{index}"))?;
        if outcome.verdict == Verdict::Proved {
            survivors.push(mutant.what);
        }
    }
    Ok(Report { proof, mutants: part.mutants.len(), survivors, time: start.elapsed() })
}
