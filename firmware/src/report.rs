//! nextpnr's report: what is used, how fast it is.

use crate::error::FlowError;
use nda_boards::{Board, Family};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// Achieved and asked for, in MHz.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Clock {
    /// What the routed design does.
    pub achieved: f64,
    /// What it was asked to do.
    pub constraint: f64,
}

/// Used and there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Use {
    /// In the part.
    pub available: u64,
    /// In the design.
    pub used: u64,
}

/// The report of one run.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Report {
    /// By nextpnr's name of the net.
    pub fmax: BTreeMap<String, Clock>,
    /// By nextpnr's name of the resource.
    pub utilization: BTreeMap<String, Use>,
}

/// A clock of the top: its net, and what it has to be constrained to.
#[derive(Debug, Clone, PartialEq)]
pub struct Wanted {
    /// The net's name in the top, or the port's.
    pub net: String,
    /// In MHz.
    pub mhz: f64,
}

/// A net of many names is reported under any of them, and decorated when it moves to a global buffer: the top's `clock`
/// may be `$glbnet$board.engine.clock`. The cores call no other net like one of the top's clocks.
fn is_net(name: &str, net: &str) -> bool {
    let name = name.strip_prefix("$glbnet$").unwrap_or(name);
    let name = name.rsplit('.').next().unwrap_or(name);
    name == net || name.strip_prefix(net).is_some_and(|rest| rest.starts_with('$'))
}

/// Most that a reported constraint may differ: tools keep periods in whole picoseconds.
const ROUNDING: f64 = 0.005;

impl Report {
    /// Reads a report.
    ///
    /// # Errors
    /// The text is none.
    pub fn parse(text: &str, path: &Path) -> Result<Report, FlowError> {
        serde_json::from_str(text).map_err(|e| FlowError::malformed(path, e))
    }

    /// The clock on that net.
    pub fn clock(&self, net: &str) -> Option<Clock> {
        self.fmax.iter().find(|(name, _)| is_net(name, net)).map(|(_, clock)| *clock)
    }

    /// Every reported clock is one of `wanted` and is constrained to its frequency; the first of `wanted`, the system
    /// clock, is reported.
    ///
    /// # Errors
    /// [`FlowError::Unconstrained`] for the first one that is not.
    pub fn check_constraints(&self, wanted: &[Wanted]) -> Result<(), FlowError> {
        if let Some(system) = wanted.first().filter(|w| self.clock(&w.net).is_none()) {
            let clocks = self.fmax.keys().cloned().collect::<Vec<_>>().join(", ");
            let found = format!("nothing of it; it knows {clocks}");
            return Err(FlowError::Unconstrained { clock: system.net.clone(), wanted_mhz: system.mhz, found });
        }
        for (name, clock) in &self.fmax {
            match wanted.iter().find(|w| is_net(name, &w.net)) {
                Some(w) if (clock.constraint / w.mhz - 1.0).abs() <= ROUNDING => {}
                Some(w) => {
                    let found = format!("{:.3} MHz", clock.constraint);
                    return Err(FlowError::Unconstrained { clock: name.clone(), wanted_mhz: w.mhz, found });
                }
                None => {
                    let found = format!("{:.3} MHz for a clock that the top does not have", clock.constraint);
                    return Err(FlowError::Unconstrained { clock: name.clone(), wanted_mhz: 0.0, found });
                }
            }
        }
        Ok(())
    }

    /// The clocks that are too slow, each with its numbers.
    pub fn misses(&self) -> Vec<String> {
        let slow = self.fmax.iter().filter(|(_, c)| c.achieved < c.constraint);
        slow.map(|(name, c)| format!("{name} reaches {:.2} MHz of {:.2} MHz", c.achieved, c.constraint)).collect()
    }

    /// Whether the design stays within the row's budget.
    ///
    /// # Errors
    /// [`FlowError::OverBudget`] for the first resource beyond it.
    pub fn check_budget(&self, board: &Board) -> Result<(), FlowError> {
        let names = resources(board.family);
        let limits = [(names.logic, board.budget.logic_percent), (names.memory, board.budget.memory_percent)];
        for (resources, percent) in limits {
            for resource in resources {
                let Some(Use { available, used }) = self.utilization.get(*resource).copied() else { continue };
                if used * 100 > available * u64::from(percent) {
                    return Err(FlowError::OverBudget {
                        board: board.name.clone(),
                        resource: resource.to_string(),
                        used,
                        available,
                        percent,
                    });
                }
            }
        }
        Ok(())
    }
}

/// nextpnr's names of what a design is made of.
pub struct Resources {
    /// LUTs, flip-flops, carry.
    pub logic: &'static [&'static str],
    /// Block RAM and SPRAM.
    pub memory: &'static [&'static str],
}

/// A family's resources.
pub const fn resources(family: Family) -> Resources {
    match family {
        Family::Ice40 => Resources { logic: &["ICESTORM_LC"], memory: &["ICESTORM_RAM", "ICESTORM_SPRAM"] },
        Family::Ecp5 => Resources { logic: &["TRELLIS_COMB", "TRELLIS_FF", "TRELLIS_RAMW"], memory: &["DP16KD"] },
        Family::Gowin => Resources { logic: &["LUT4", "ALU", "DFF", "RAM16SDP4"], memory: &["BSRAM"] },
        Family::Gatemate => Resources { logic: &["CPE_LT", "CPE_FF"], memory: &["RAM_HALF"] },
    }
}
