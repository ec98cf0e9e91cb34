//! The parts, and how they are written down.

mod cells;
mod elements;
mod growing;
mod link;
mod planes;
mod quantize;
mod seed_table;
mod tables;
mod token;

use crate::proof::{Method, Mutant, Part, ProofError};
use crate::text::{TextError, Verilog};
use nda_gates::Tools;

/// Every part, the quick ones and those that take minutes.
///
/// # Errors
/// [`ProofError::Text`] if a core is no longer what its proof was written for; [`ProofError::Tool`] if yosys's cell models are not.
pub fn all(tools: &Tools) -> Result<Vec<Part>, ProofError> {
    let mut parts = Vec::new();
    parts.extend(planes::parts()?);
    parts.extend(tables::parts()?);
    parts.extend(token::parts()?);
    parts.extend(link::parts()?);
    parts.extend(elements::parts()?);
    parts.extend(seed_table::parts()?);
    parts.extend(growing::parts()?);
    parts.extend(quantize::parts()?);
    parts.extend(cells::parts(tools)?);
    Ok(parts)
}

/// Checks of registers: `past` says that there was a cycle before.
struct Checks {
    text: String,
}

impl Checks {
    fn new() -> Checks {
        Checks { text: "reg past = 0;\nalways @(posedge clock) past <= 1;\n".into() }
    }

    /// A register is so after an edge before which `when` stood. `then` may speak of the cycle before with `$past`.
    fn after(&mut self, when: &str, then: &str) {
        self.text += &format!("always @(posedge clock) if (past && $past({when})) assert ({then});\n");
    }

    /// A register of `bits` bits is so after an edge before which `when` stood, modulo `2^bits`.
    fn equal(&mut self, when: &str, register: &str, bits: usize, value: &str) {
        self.text += &format!(
            "reg [{}:0] expected_{register};\nalways @(posedge clock) begin\n    expected_{register} = {value};\n    \
             if (past && $past({when})) assert ({register} == expected_{register});\nend\n",
            bits - 1
        );
    }

    /// Holds in every cycle.
    fn always(&mut self, what: &str) {
        self.text += &format!("always @(posedge clock) assert ({what});\n");
    }

    /// What the surroundings promise, in every cycle.
    fn assume(&mut self, what: &str) {
        self.text += &format!("always @(*) assume ({what});\n");
    }

    /// Any other text.
    fn say(&mut self, text: &str) {
        self.text += text;
        self.text += "\n";
    }
}

/// A unit with its checks, proved by a short induction and quick.
fn part(unit: &str, claim: &str, bound: &str, checks: &Checks, mutants: Vec<Mutant>) -> Result<Part, TextError> {
    Ok(Part {
        name: unit.into(),
        claim: claim.into(),
        bound: bound.into(),
        method: Method::Induction { steps: 4, cycles: 4 },
        top: unit.into(),
        verilog: Verilog::unit(unit)?.with_checks(unit, &checks.text)?,
        mutants,
        quick: true,
    })
}

/// The same for a unit that is a netlist: the checks stand inside its core.
fn netlist_part(unit: &str, claim: &str, bound: &str, checks: &Checks, mutants: Vec<Mutant>) -> Result<Part, TextError> {
    let verilog = Verilog::unit(unit)?.with_checks(&format!("{unit}_core"), &checks.text)?;
    Ok(Part { verilog, ..part(unit, claim, bound, &Checks::new(), mutants)? })
}

/// Inputs that keep their values.
fn keeps(checks: &mut Checks, inputs: &[&str]) {
    for input in inputs {
        checks.text += &format!("always @(posedge clock) if (past) assume ({input} == $past({input}));\n");
    }
}

/// `{0, a} + {0, b} + ..`: a sum in 32 bits of what stood in the cycle before.
fn past_sum(terms: &[String]) -> String {
    terms.iter().map(|t| format!("{{32'd0, $past({t})}}")).collect::<Vec<_>>().join(" + ")
}
