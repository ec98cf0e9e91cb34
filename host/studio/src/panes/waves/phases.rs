//! The phases of a job: when the board receives, computes and answers, as some variables of its wave say it.

use super::Wave;

/// Phases, and the variables that begin them when they rise, the best first. A name is the end of one with its scopes; `$` is the sign
/// for a port of an instance in emitted Verilog, and reads as a dot.
const PHASES: [(&str, &[&str]); 5] = [
    ("receive", &["rx_valid"]),
    // A board that makes whole tokens: its machine takes steps of a program.
    ("steps", &["engine.machine.busy", "machine.busy", "steps_busy"]),
    ("run", &["run_busy", "sequencer.running", "engine.run_cycle", "run_cycle"]),
    ("array", &["array_busy", "array.issue"]),
    ("send", &["tx_valid"]),
];

/// Whether a variable has this name, or ends with it behind a sign that parts names.
fn is_called(name: &str, alias: &str) -> bool {
    let name = name.replace('$', ".");
    name.strip_suffix(alias).is_some_and(|before| !before.ends_with(|c: char| c.is_alphanumeric()))
}

impl Wave {
    /// Finds the phases; the variables that show them become the first ones of the list.
    pub(super) fn find_phases(&mut self) {
        let mut found: Vec<(&str, usize)> = Vec::new();
        for (phase, aliases) in PHASES {
            let of = |alias: &&str| self.variables.iter().position(|one| one.bits == Some(1) && is_called(&one.name, alias));
            let Some(number) = aliases.iter().find_map(of) else { continue };
            // One signal under two names is one phase.
            if found.iter().all(|(_, other)| self.variables[*other].signal != self.variables[number].signal) {
                found.push((phase, number));
            }
        }
        let mut phases = Vec::new();
        for (phase, number) in &found {
            phases.extend(self.rises(*number).into_iter().map(|time| (time, (*phase).to_owned())));
        }
        phases.sort_by_key(|(time, _)| *time);
        phases.dedup_by(|next, last| next.1 == last.1);
        self.phases = phases;
        let first: Vec<String> = found.iter().map(|(_, number)| self.variables[*number].name.clone()).collect();
        self.variables.sort_by_cached_key(|one| first.iter().position(|name| *name == one.name).unwrap_or(first.len()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phase_is_found_by_the_end_of_a_name() {
        for (name, alias) in [
            ("run_busy", "run_busy"),
            ("TOP.board.engine.sequencer.running", "sequencer.running"),
            ("TOP.board.engine$rx_valid", "rx_valid"),
            ("top.dut_tx_valid", "tx_valid"),
            ("TOP.board.engine.machine$busy", "engine.machine.busy"),
        ] {
            assert!(is_called(name, alias), "{name}");
        }
        assert!(!is_called("TOP.board.prefix_valid", "fix_valid") && !is_called("a.prerun_busy", "run_busy"));
    }
}
